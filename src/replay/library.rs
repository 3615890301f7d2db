//! The players for Rust tests: from a recording to a verdict in a few words.

use std::future::pending;
use std::io;
use std::path::{Path as FilePath, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::binding::Binding;
use super::cast::Cast;
use super::client::ReplayClient;
use super::expectation::Match;
use super::outcome::Outcome;
use super::path::PathError;
use super::server::{Miss, MockServer};
use super::settings::{Fidelity, Order, Settings, Timing};
use crate::filter::Filter;
use crate::headless::schema::ReadError;
use crate::net::{Listener, Reach, ServerTls, Target, WayOut};

/// Why a recording cannot be played.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The recording cannot be read.
    #[error(transparent)]
    Recording(#[from] ReadError),
    /// Words that are no path in JSON.
    #[error(transparent)]
    Path(#[from] PathError),
    /// Words that are no filter, or no server; why, in a sentence.
    #[error("{0}")]
    Words(String),
    /// The filter fits none of the sessions, or there are none.
    #[error("{0} holds no session that is to be played")]
    Empty(PathBuf),
    /// A mock server cannot listen.
    #[error("cannot listen on this machine: {0}")]
    Listen(#[from] io::Error),
}

/// What is to be played, and how; made by [`MockServer::from_file`] and [`ReplayClient::from_file`]. A word that is
/// wrong is told of when it starts.
#[derive(Clone, Debug)]
pub struct Replay {
    file: PathBuf,
    select: String,
    optional: Option<String>,
    ignore: Vec<String>,
    bind: Vec<(String, String)>,
    settings: Settings,
}

impl Replay {
    fn of(file: &FilePath) -> Replay {
        Replay {
            file: file.to_owned(),
            select: String::new(),
            optional: None,
            ignore: Vec::new(),
            bind: Vec::new(),
            settings: Settings::default(),
        }
    }

    /// Only the sessions and plain HTTP exchanges whose opening this filter is true of: `path:/chat`.
    pub fn select(mut self, filter: &str) -> Replay {
        self.select = filter.to_owned();
        self
    }

    /// What this filter is true of need not be asked for: `~http` for all plain HTTP.
    pub fn optional(mut self, filter: &str) -> Replay {
        self.optional = Some(filter.to_owned());
        self
    }

    /// At this place in JSON anything may stand: `$.ts`, `$..id`.
    pub fn ignore(mut self, path: &str) -> Replay {
        self.ignore.push(path.to_owned());
        self
    }

    /// At this place stands a value that is new in each run: it is taken from what comes, and put in where the
    /// recorded one stood.
    pub fn bind(mut self, name: &str, path: &str) -> Replay {
        self.bind.push((name.to_owned(), path.to_owned()));
        self
    }

    /// How much alike messages must be to the recorded ones.
    pub fn matching(mut self, how: Match) -> Replay {
        self.settings.expectation.matching = how;
        self
    }

    /// How true to the recording it is played, and the other end expected to be.
    pub fn fidelity(mut self, fidelity: Fidelity) -> Replay {
        self.settings.fidelity = fidelity;
        self
    }

    /// In which order messages may come.
    pub fn order(mut self, order: Order) -> Replay {
        self.settings.order = order;
        self
    }

    /// When messages are sent.
    pub fn timing(mut self, timing: Timing) -> Replay {
        self.settings.timing = timing;
        self
    }

    /// How long anything may be waited for; 10 seconds unless told otherwise.
    pub fn step_timeout(mut self, limit: Duration) -> Replay {
        self.settings.step_timeout = limit;
        self
    }

    /// Listens on a free port of this machine and plays the server's part there. To be called inside a tokio runtime.
    ///
    /// # Errors
    /// Where the recording cannot be read or holds nothing to play, where a word given before is wrong, and where it
    /// cannot listen.
    pub async fn start(self) -> Result<RunningMock, StartError> {
        let (cast, settings) = self.ready()?;
        let file = self.file.display().to_string();
        let listener = Listener::bind(([127, 0, 0, 1], 0).into())?;
        let server = MockServer::new(listener, cast, settings, Miss::Fail);
        let url = server.url()?;
        let outcome = Arc::new(Mutex::new(Outcome { left: server.left(), ..Outcome::of(file) }));
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(run(server, Arc::clone(&outcome), stopped));
        Ok(RunningMock { url, outcome, stop: Some(stop), task: Some(task) })
    }

    /// Plays the client's part to this server, `ws://127.0.0.1:9000`, one session after the other. To be called inside
    /// a tokio runtime.
    ///
    /// # Errors
    /// Where the recording cannot be read or holds nothing to play, where a word given before is wrong, and where the
    /// server cannot be reached.
    pub async fn run(self, server: &str) -> Result<Outcome, StartError> {
        let (cast, settings) = self.ready()?;
        let target: Target =
            server.parse().map_err(|error: crate::net::TargetError| StartError::Words(error.to_string()))?;
        let limit = settings.step_timeout;
        let reach = Reach::new(WayOut::default(), ServerTls::default(), limit);
        let mut client = ReplayClient::new(target, reach, cast, settings);
        let mut outcome = Outcome::of(self.file.display().to_string());
        while let Some(played) = client.next().await.map_err(StartError::Words)? {
            outcome.add(played);
        }
        outcome.left = client.left();
        Ok(outcome)
    }

    fn ready(&self) -> Result<(Cast, Settings), StartError> {
        let mut settings = self.settings.clone();
        for path in &self.ignore {
            settings.expectation.ignore.push(path.parse()?);
        }
        for (name, path) in &self.bind {
            settings.bindings.push(Binding { name: name.clone(), path: path.parse()? });
        }
        let filter = |text: &str| Filter::parse(text).map_err(|error| StartError::Words(error.to_string()));
        let mut cast = Cast::read(&self.file)?.select(&filter(&self.select)?);
        if let Some(optional) = &self.optional {
            cast = cast.with_optional(&filter(optional)?);
        }
        if cast.is_empty() {
            return Err(StartError::Empty(self.file.clone()));
        }
        Ok((cast, settings))
    }
}

impl MockServer {
    /// A mock server of this recording.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use sockeye::replay::{MockServer, ReplayClient};
    ///
    /// let mock = MockServer::from_file("docs/demo.jsonl").select("path:/chat").ignore("$.ts").start().await?;
    /// // In place of your own client, which connects to mock.url():
    /// let client = ReplayClient::from_file("docs/demo.jsonl").select("path:/chat").run(mock.url()).await?;
    /// client.assert_ok();
    /// mock.finish().await.assert_ok();
    /// # Ok::<(), sockeye::replay::StartError>(())
    /// # }).unwrap();
    /// ```
    pub fn from_file(recording: impl AsRef<FilePath>) -> Replay {
        Replay::of(recording.as_ref())
    }
}

impl ReplayClient {
    /// A client of this recording; [`Replay::run`] has it speak to a server.
    pub fn from_file(recording: impl AsRef<FilePath>) -> Replay {
        Replay::of(recording.as_ref())
    }
}

/// A mock server that plays beside the test.
///
/// Where it is dropped, it panics unless all was played and was as recorded, or the thread panics already: a test
/// that forgets [`RunningMock::finish`] fails all the same.
#[derive(Debug)]
pub struct RunningMock {
    url: String,
    outcome: Arc<Mutex<Outcome>>,
    stop: Option<oneshot::Sender<()>>,
    task: Option<JoinHandle<()>>,
}

impl RunningMock {
    /// Where it listens, without a path: `ws://127.0.0.1:41235`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Waits until no session is being played, which takes no longer than a step may, and gives what came of all.
    /// Clients that come later find nobody.
    pub async fn finish(mut self) -> Outcome {
        // What is not there any more has finished.
        let _ = self.stop.take().map(|stop| stop.send(()));
        if let Some(task) = self.task.take() {
            let _ = task.await;
        }
        self.known()
    }

    fn known(&self) -> Outcome {
        self.outcome.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for RunningMock {
    fn drop(&mut self) {
        // It is none of the drop's business once somebody waits for what came of it.
        let Some(task) = self.task.take() else { return };
        task.abort();
        if !std::thread::panicking() {
            self.known().assert_ok();
        }
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
