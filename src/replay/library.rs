//! The players for Rust tests: from a recording to a verdict in a few words.

mod mock;
mod recorder;

use std::io;
use std::path::{Path as FilePath, PathBuf};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};

pub use mock::RunningMock;
pub use recorder::{Recorded, Recorder, RunningRecorder};

use super::binding::Binding;
use super::cast::Cast;
use super::client::ReplayClient;
use super::expectation::Match;
use super::outcome::Outcome;
use super::path::PathError;
use super::pattern::PatternError;
use super::server::{Miss, MockServer};
use super::settings::{Fidelity, Order, Settings, Timing};
use super::taping::RealServer;
use super::update::UpdateError;
use crate::filter::Filter;
use crate::headless::schema::ReadError;
use crate::net::{Endpoint, Listener, Reach, ServerTls, Target, WayOut};

/// Why a recording cannot be played.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The recording cannot be read.
    #[error(transparent)]
    Recording(#[from] ReadError),
    /// Words that are no path in JSON.
    #[error(transparent)]
    Path(#[from] PathError),
    /// Words that are no pattern.
    #[error(transparent)]
    Pattern(#[from] PatternError),
    /// Words that are no filter, or no server; why, in a sentence.
    #[error("{0}")]
    Words(String),
    /// The filter fits none of the sessions, or there are none.
    #[error("{0} holds no session that is to be played")]
    Empty(PathBuf),
    /// A mock server cannot listen.
    #[error("cannot listen on this machine: {0}")]
    Listen(#[from] io::Error),
    /// The recording was to be made anew, and was not.
    #[error(transparent)]
    Update(#[from] UpdateError),
}

/// The variable by which recordings are made anew in place of being played: `UPDATE_RECORDINGS=1`.
const UPDATE: &str = "UPDATE_RECORDINGS";

/// What is to be played, and how; made by [`MockServer::from_file`] and [`ReplayClient::from_file`]. A word that is
/// wrong is told of when it starts.
#[derive(Clone, Debug)]
pub struct Replay {
    file: PathBuf,
    select: String,
    optional: Option<String>,
    ignore: Vec<String>,
    patterns: Vec<String>,
    bind: Vec<(String, String)>,
    settings: Settings,
    server: Option<String>,
    tls: ServerTls,
    update: bool,
}

impl Replay {
    fn of(file: &FilePath) -> Replay {
        Replay {
            file: file.to_owned(),
            select: String::new(),
            optional: None,
            ignore: Vec::new(),
            patterns: Vec::new(),
            bind: Vec::new(),
            settings: Settings::default(),
            server: None,
            tls: ServerTls::default(),
            update: std::env::var_os(UPDATE).is_some_and(|value| !value.is_empty() && value != "0"),
        }
    }

    /// The real server of which a mock's recording is made anew where the environment has `UPDATE_RECORDINGS=1`. The
    /// test's client then speaks with it, and [`RunningMock::finish`] writes what they said; times and all else that is
    /// not new stay as they were. Where there is no such file yet, it is made so.
    pub fn to(mut self, server: &str) -> Replay {
        self.server = Some(server.to_owned());
        self
    }

    /// How a real server behind TLS is talked to; unless told otherwise, it is verified by the platform.
    pub fn server_tls(mut self, tls: ServerTls) -> Replay {
        self.tls = tls;
        self
    }

    /// Makes the recording anew whatever the environment says.
    pub fn update(mut self) -> Replay {
        self.update = true;
        self
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

    /// What stands at a place in JSON (`$.token=^[0-9a-f]+$`), or a text (`^tick \d+$`), must look like this, in place of
    /// being the same.
    pub fn pattern(mut self, pattern: &str) -> Replay {
        self.patterns.push(pattern.to_owned());
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
        if let Some(server) = self.server.as_ref().filter(|_| self.update) {
            let server = self.real(server)?;
            return self.record(&server);
        }
        self.play(Some(Listener::bind(([127, 0, 0, 1], 0).into())?))
    }

    /// As [`Replay::start`], but without a port: clients come by [`RunningMock::connect`] alone. To be called inside a
    /// tokio runtime.
    ///
    /// # Errors
    /// Those of [`Replay::start`].
    pub async fn start_in_memory(self) -> Result<RunningMock, StartError> {
        if self.update && self.server.is_some() {
            return self.start().await;
        }
        self.play(None)
    }

    /// Plays the client's part to this server, `ws://127.0.0.1:9000`, one session after the other. To be called inside
    /// a tokio runtime. Where the environment has `UPDATE_RECORDINGS=1`, what the server answers is written into the
    /// recording in place of being compared; times and all else that is not new stay as they were.
    ///
    /// # Errors
    /// Where the recording cannot be read or holds nothing to play, where a word given before is wrong, where the
    /// server cannot be reached, and where the recording cannot be written.
    pub async fn run(self, server: &str) -> Result<Outcome, StartError> {
        let (cast, settings) = self.ready()?;
        let server = self.real(server)?;
        if self.update {
            let client = ReplayClient::updating(&server, cast, settings)?;
            return self.played(client).await;
        }
        let reach = Reach::new(server.way_out, server.tls, server.limit);
        self.played(ReplayClient::new(server.target, reach, cast, settings)).await
    }

    /// Plays the client's part to a server at the other end of the streams that `connect` gives, one for each session. To
    /// be called inside a tokio runtime. The recording stays as it is.
    ///
    /// # Errors
    /// Where the recording cannot be read or holds nothing to play, and where a word given before is wrong.
    pub async fn run_over<S: AsyncRead + AsyncWrite + Send + Unpin + 'static>(
        self,
        mut connect: impl FnMut() -> S,
    ) -> Result<Outcome, StartError> {
        let (cast, settings) = self.ready()?;
        let mut client = ReplayClient::nameless(cast, settings);
        let mut outcome = Outcome::of(self.file.display().to_string());
        while !client.is_over() {
            let played = client.next_on(Endpoint::over(connect())).await;
            played.into_iter().for_each(|played| outcome.add(played));
        }
        outcome.left = client.left();
        Ok(outcome)
    }

    async fn played(&self, mut client: ReplayClient) -> Result<Outcome, StartError> {
        let mut outcome = Outcome::of(self.file.display().to_string());
        while let Some(played) = client.next().await.map_err(StartError::Words)? {
            outcome.add(played);
        }
        outcome.left = client.left();
        // What could not be said is in the outcome.
        if self.update && outcome.is_ok() {
            client.write_update(&self.file)?;
        }
        Ok(outcome)
    }

    fn play(&self, listener: Option<Listener>) -> Result<RunningMock, StartError> {
        let (cast, settings) = self.ready()?;
        let file = self.file.display().to_string();
        Ok(RunningMock::playing(MockServer::new(listener, cast, settings, Miss::Fail), file)?)
    }

    fn real(&self, server: &str) -> Result<RealServer, StartError> {
        real(server, &self.tls, self.settings.step_timeout)
    }

    /// A mock that is the real server, of which the recording is made anew.
    fn record(&self, server: &RealServer) -> Result<RunningMock, StartError> {
        let replaced = match Cast::read(&self.file) {
            Err(ReadError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error.into()),
            Ok(cast) => cast.select(&filter(&self.select)?).parts().iter().map(|part| part.line).collect(),
        };
        let only = (!self.select.is_empty()).then_some(replaced);
        Ok(RunningMock::recording(server, &self.file, only, self.settings()?)?)
    }

    fn settings(&self) -> Result<Settings, StartError> {
        let mut settings = self.settings.clone();
        for pattern in &self.patterns {
            settings.expectation.patterns.push(pattern.parse()?);
        }
        for path in &self.ignore {
            settings.expectation.ignore.push(path.parse()?);
        }
        for (name, path) in &self.bind {
            settings.bindings.push(Binding { name: name.clone(), path: path.parse()? });
        }
        Ok(settings)
    }

    fn ready(&self) -> Result<(Cast, Settings), StartError> {
        let settings = self.settings()?;
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

fn filter(text: &str) -> Result<Filter, StartError> {
    Filter::parse(text).map_err(|error| StartError::Words(error.to_string()))
}

fn real(server: &str, tls: &ServerTls, limit: Duration) -> Result<RealServer, StartError> {
    let target: Target =
        server.parse().map_err(|error: crate::net::TargetError| StartError::Words(error.to_string()))?;
    Ok(RealServer { target, way_out: WayOut::default(), tls: tls.clone(), limit })
}

impl MockServer {
    /// A mock server of this recording.
    ///
    /// ```
    #[doc = include_str!("../../examples/mock_server.rs")]
    /// ```
    ///
    /// Without a port:
    ///
    /// ```
    #[doc = include_str!("../../examples/in_memory.rs")]
    /// ```
    pub fn from_file(recording: impl AsRef<FilePath>) -> Replay {
        Replay::of(recording.as_ref())
    }
}

impl ReplayClient {
    /// A client of this recording; [`Replay::run`] has it speak to a server.
    ///
    /// ```
    #[doc = include_str!("../../examples/replay_client.rs")]
    /// ```
    pub fn from_file(recording: impl AsRef<FilePath>) -> Replay {
        Replay::of(recording.as_ref())
    }
}
