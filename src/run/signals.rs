//! The signals by which a user or the system ends a program without a screen.

use std::io;
use std::process::ExitStatus;

#[cfg(unix)]
use rustix::process::{Pid, kill_process};
use tokio::process::{Child, Command};
use tokio::runtime::{Builder, EnterGuard, Runtime};
#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};

/// ctrl-c, SIGTERM and SIGHUP, heeded from the time this is made: one that comes before anybody waits is not lost, and
/// does not end the program where it stands.
pub struct Signals {
    runtime: Runtime,
    #[cfg(unix)]
    signals: [Signal; 3],
}

impl Signals {
    /// Begins to heed them.
    pub fn heed() -> io::Result<Signals> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        #[cfg(unix)]
        let signals = {
            let _inside = runtime.enter();
            [
                signal(SignalKind::interrupt())?,
                signal(SignalKind::terminate())?,
                signal(SignalKind::hangup())?,
            ]
        };
        Ok(Signals {
            runtime,
            #[cfg(unix)]
            signals,
        })
    }

    /// What is made meanwhile belongs to the runtime that [`Signals::until`] works in.
    pub fn enter(&self) -> EnterGuard<'_> {
        self.runtime.enter()
    }

    /// Waits for one of them.
    pub fn wait(self) -> io::Result<()> {
        self.wait_or(std::future::pending())
    }

    /// Starts a program that [`Signals::hand_on`] is to wait for.
    pub fn start(&self, mut command: Command) -> io::Result<Child> {
        let _inside = self.enter();
        command.spawn()
    }

    /// Waits until `child` has ended, and hands on to it each signal that comes, but for those that a terminal has sent
    /// to it as well.
    pub fn hand_on(self, mut child: Child) -> io::Result<ExitStatus> {
        #[cfg(unix)]
        {
            let Signals { runtime, signals: [mut interrupt, mut terminate, mut hang_up] } = self;
            runtime.block_on(async {
                loop {
                    let process = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
                    let signal = tokio::select! {
                        status = child.wait() => return status,
                        _ = interrupt.recv() => rustix::process::Signal::INT,
                        _ = terminate.recv() => rustix::process::Signal::TERM,
                        _ = hang_up.recv() => rustix::process::Signal::HUP,
                    };
                    let typed = signal == rustix::process::Signal::INT && in_foreground();
                    if let Some(process) = process.filter(|_| !typed) {
                        // One that has just ended needs no signal.
                        let _ = kill_process(process, signal);
                    }
                }
            })
        }
        #[cfg(not(unix))]
        self.runtime.block_on(child.wait())
    }

    /// Waits for one of them, or until `over` is.
    pub fn wait_or(self, over: impl Future<Output = io::Result<()>>) -> io::Result<()> {
        self.until(over)?.unwrap_or(Ok(()))
    }

    /// Does `work` until it is done, and gives its result; none where one of them came before.
    pub fn until<T>(self, work: impl Future<Output = T>) -> io::Result<Option<T>> {
        #[cfg(unix)]
        {
            let Signals { runtime, signals: [mut interrupt, mut terminate, mut hang_up] } = self;
            runtime.block_on(async {
                tokio::select! {
                    result = work => Ok(Some(result)),
                    _ = interrupt.recv() => Ok(None),
                    _ = terminate.recv() => Ok(None),
                    _ = hang_up.recv() => Ok(None),
                }
            })
        }
        #[cfg(not(unix))]
        self.runtime.block_on(async {
            tokio::select! {
                result = work => Ok(Some(result)),
                result = tokio::signal::ctrl_c() => result.map(|()| None),
            }
        })
    }
}

/// Whether what is typed into a terminal is meant for us: then ctrl-c has gone to all of our process group.
#[cfg(unix)]
fn in_foreground() -> bool {
    let Ok(terminal) = std::fs::File::open("/dev/tty") else { return false };
    rustix::termios::tcgetpgrp(terminal).is_ok_and(|group| group == rustix::process::getpgrp())
}
