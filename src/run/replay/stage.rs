//! Where a replay is played to be looked at or recorded: behind a proxy, with or without a screen.

use std::io::{self, IsTerminal};
use std::thread;

use sockeye::capture::{Event, Log, Next};
use sockeye::filter::Filter;
use sockeye::headless::{Follower, Output, text::Style};
use sockeye::net::{Door, ProxyConfig};
use sockeye::replay::Progress;
use tokio::runtime::{Builder, EnterGuard, Runtime};
use tokio::sync::oneshot;

use super::super::proxy::{Running, shows_screen};
use super::super::rules::Rules;
use super::super::signals::Signals;
use super::super::{Failure, UNREACHABLE, USAGE};
use super::unreachable;
use crate::cli::OutputOptions;
use crate::cli::replay::StageOptions;

/// A proxy in front of a player.
pub struct Stage {
    running: Running,
    recorder: Option<Follower>,
    output: OutputOptions,
}

impl Stage {
    /// The one that is asked for, if any, which `config` is for.
    pub fn start(
        options: &StageOptions,
        progress: &Progress,
        config: impl FnOnce() -> Result<ProxyConfig, Failure>,
    ) -> Result<Option<Stage>, Failure> {
        if !options.is_wanted() {
            return Ok(None);
        }
        let output = OutputOptions {
            headless: !options.show,
            output: Output::None,
            record: options.record.clone(),
            redact: options.redact.clone(),
            filter: Filter::default(),
        };
        if options.show && !shows_screen(&output) {
            let why = if io::stdout().is_terminal() {
                "--show: this sockeye was built without its screen; --record FILE writes what passes"
            } else {
                "--show needs a terminal to show it on; --record FILE writes what passes"
            };
            return Err(Failure::new(USAGE, why));
        }
        let mut running = Running::start(config()?, options.log.clone(), Rules::default())?;
        running.replay = Some(progress.clone());
        let recorder = running.record(&output)?;
        Ok(Some(Stage { running, recorder, output }))
    }

    /// The URL at which clients reach the player through the proxy.
    pub fn url(&self) -> String {
        format!("ws://{}", self.running.proxy.address())
    }

    /// The way in for a player that is the client.
    pub fn door(&self) -> Door {
        self.running.proxy.door()
    }

    pub fn log(&self) -> &Log {
        &self.running.log
    }

    /// Ends the proxy, and with it the recording. Gives the log, complete.
    pub fn finish(self) -> Log {
        let log = self.running.log.clone();
        self.running.finish(None, self.recorder);
        log
    }
}

impl StageOptions {
    /// Whether there is to be a proxy.
    pub fn is_wanted(&self) -> bool {
        self.show || self.record.is_some()
    }
}

/// Why a proxy could not reach the server that a player spoke to, where it could not.
pub fn unreached(log: &Log) -> Option<String> {
    let mut cursor = log.cursor();
    loop {
        match cursor.next().ok()? {
            Next::Event(Event::Refused(refused)) if refused.opening.server.is_empty() => {
                return Some(refused.why);
            }
            Next::Event(_) | Next::Gap(_) => {}
            Next::Pending | Next::End => return None,
        }
    }
}

/// What a replay runs in, and what ends it before its time: a signal, or the user who leaves the screen.
pub enum Runner {
    Alone(Signals),
    /// The screen has its own signals.
    BehindScreen(Runtime),
}

impl Runner {
    pub fn new(options: &StageOptions) -> Result<Runner, Failure> {
        if options.show {
            let runtime = Builder::new_current_thread().enable_all().build();
            return runtime.map(Runner::BehindScreen).map_err(unreachable);
        }
        Signals::heed().map(Runner::Alone).map_err(unreachable)
    }

    /// What is made meanwhile belongs to its runtime.
    pub fn enter(&self) -> EnterGuard<'_> {
        match self {
            Runner::Alone(signals) => signals.enter(),
            Runner::BehindScreen(runtime) => runtime.enter(),
        }
    }

    /// Does `work`; gives its result, or none where it was ended before. A screen stays until the user leaves it.
    pub fn run<T: Send>(
        self,
        stage: Option<&Stage>,
        work: impl Future<Output = T> + Send,
    ) -> Result<Option<T>, Failure> {
        match (self, stage) {
            (Runner::BehindScreen(runtime), Some(stage)) => beside_a_screen(&runtime, stage, work),
            (Runner::BehindScreen(runtime), None) => Ok(Some(runtime.block_on(work))),
            (Runner::Alone(signals), _) => signals.until(work).map_err(unreachable),
        }
    }
}

fn beside_a_screen<T: Send>(
    runtime: &Runtime,
    stage: &Stage,
    work: impl Future<Output = T> + Send,
) -> Result<Option<T>, Failure> {
    let (stop, stopped) = oneshot::channel::<()>();
    thread::scope(|scope| {
        let playing = scope.spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    result = work => Some(result),
                    _ = stopped => None,
                }
            })
        });
        let looked = stage.running.look(&stage.output, Style::for_stdout(), || Ok(()));
        drop(stop);
        let played = playing.join().map_err(|_| Failure::new(UNREACHABLE, "the replay broke off"))?;
        looked.map(|_| played)
    })
}
