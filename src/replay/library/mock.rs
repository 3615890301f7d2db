//! A mock server beside a test, or the real one where the recording is made anew.

use std::fmt;
use std::future::pending;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{DuplexStream, copy_bidirectional, duplex};
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, spawn_blocking};

use crate::net::Endpoint;
use crate::replay::outcome::{Outcome, Played};
use crate::replay::report::{Report, Trouble};
use crate::replay::server::{Doorway, MockServer};
use crate::replay::settings::Settings;
use crate::replay::taping::{RealServer, Taping};
use crate::replay::update;

/// A mock server that plays beside the test; or, where the recording is made anew, the real one, recorded.
///
/// Where it is dropped, it panics unless all was played and was as recorded, or the thread panics already: a test
/// that forgets [`RunningMock::finish`] fails all the same.
pub struct RunningMock {
    url: String,
    work: Work,
}

enum Work {
    Playing {
        doorway: Doorway,
        outcome: Arc<Mutex<Outcome>>,
        stop: Option<oneshot::Sender<()>>,
        task: JoinHandle<()>,
    },
    Recording(Box<Recording>),
    /// Somebody has what came of it.
    Finished,
}

struct Recording {
    taping: Arc<Taping>,
    file: PathBuf,
    /// The lines that open the sessions which are made anew; none for all.
    only: Option<Vec<u64>>,
    settings: Settings,
}

/// Octets under way in a connection without a port.
const BETWEEN: usize = 64 << 10;

impl RunningMock {
    pub(super) fn playing(server: MockServer, file: String) -> io::Result<RunningMock> {
        let (url, doorway) = (server.url()?, server.doorway());
        let outcome = Arc::new(Mutex::new(Outcome { left: server.left(), ..Outcome::of(file) }));
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(run(server, Arc::clone(&outcome), stopped));
        Ok(RunningMock { url, work: Work::Playing { doorway, outcome, stop: Some(stop), task } })
    }

    pub(super) fn recording(
        server: &RealServer,
        file: &Path,
        only: Option<Vec<u64>>,
        settings: Settings,
    ) -> io::Result<RunningMock> {
        let taping = Arc::new(Taping::start(server)?);
        let url = format!("ws://{}", taping.address());
        let recording = Recording { taping, file: file.to_owned(), only, settings };
        Ok(RunningMock { url, work: Work::Recording(Box::new(recording)) })
    }

    /// Where it listens, without a path: `ws://127.0.0.1:41235`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A connection to it inside this process, for a client that takes any stream. To be called inside a tokio runtime.
    pub fn connect(&self) -> DuplexStream {
        match &self.work {
            Work::Playing { doorway, .. } => doorway.connect(),
            Work::Recording(recording) => {
                let (mut ours, theirs) = duplex(BETWEEN);
                let (taping, limit) = (Arc::clone(&recording.taping), recording.settings.step_timeout);
                tokio::spawn(async move {
                    let Ok((target, reach)) = taping.way(limit) else { return };
                    let Ok(mut server) = Endpoint::connect(&target, &reach).await else { return };
                    // However it ends, both have heard.
                    let _ = copy_bidirectional(&mut ours, &mut server).await;
                });
                theirs
            }
            Work::Finished => duplex(1).0,
        }
    }

    /// Waits until no session is being played, which takes no longer than a step may, and gives what came of all.
    /// Clients that come later find nobody. Where the recording is made anew, it is written now.
    pub async fn finish(mut self) -> Outcome {
        match std::mem::replace(&mut self.work, Work::Finished) {
            Work::Playing { outcome, stop, task, .. } => {
                // What is not there any more has finished.
                let _ = stop.map(|stop| stop.send(()));
                let _ = task.await;
                known(&outcome)
            }
            Work::Recording(recording) => recording.finish().await,
            Work::Finished => Outcome::default(),
        }
    }
}

impl fmt::Debug for RunningMock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunningMock").field("url", &self.url).finish_non_exhaustive()
    }
}

impl Drop for RunningMock {
    fn drop(&mut self) {
        match &self.work {
            Work::Playing { task, outcome, .. } => {
                task.abort();
                if !std::thread::panicking() {
                    known(outcome).assert_ok();
                }
            }
            Work::Recording(recording) => assert!(
                std::thread::panicking(),
                "{} was not made anew: call finish() at the end of the test",
                recording.file.display()
            ),
            // It is none of the drop's business once somebody waits for what came of it.
            Work::Finished => {}
        }
    }
}

fn known(outcome: &Mutex<Outcome>) -> Outcome {
    outcome.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

impl Recording {
    async fn finish(self) -> Outcome {
        let mut outcome = Outcome::of(self.file.display().to_string());
        self.taping.settle(self.settings.step_timeout).await;
        let write = move || {
            let Recording { taping, file, only, settings } = self;
            update::remade(&file, only.as_deref(), &taping, &settings)
        };
        let written = spawn_blocking(write).await.unwrap_or_else(|error| Err(error.to_string()));
        let played = |target: String, report| Played { line: None, target, took: Duration::ZERO, report };
        match written {
            Ok(targets) => {
                for target in targets {
                    outcome.add(played(target, Report::default()));
                }
            }
            Err(why) => outcome.add(played(String::new(), Report::of(Trouble::Unreadable(why)))),
        }
        outcome
    }
}

/// Plays until all was played, or it is to stop and nothing is being played any more.
async fn run(mut server: MockServer, outcome: Arc<Mutex<Outcome>>, stopped: oneshot::Receiver<()>) {
    let mut stopping = false;
    let stopped = async {
        // The test may be over without having asked.
        if stopped.await.is_err() {
            pending::<()>().await;
        }
    };
    tokio::pin!(stopped);
    loop {
        let next = tokio::select! {
            biased;
            next = server.next() => next,
            () = &mut stopped, if !stopping => {
                stopping = true;
                if server.is_playing() { continue } else { None }
            }
        };
        let mut outcome = outcome.lock().unwrap_or_else(PoisonError::into_inner);
        outcome.left = server.left();
        let Some(played) = next else { return };
        outcome.add(played);
        if stopping && !server.is_playing() {
            return;
        }
    }
}
