//! Recordings made inside a test.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::spawn_blocking;

use super::{StartError, real};
use crate::net::ServerTls;
use crate::replay::settings::Settings;
use crate::replay::taping::Taping;
use crate::replay::update;

/// Records what a test's client and a real server say to each other.
///
/// Where the file holds a recording already, it is made anew: what was said again stays as it stands, times and all, so
/// that a diff shows what is new. Secrets in heads are replaced, unless they were not in the recording that was there.
///
/// ```
#[doc = include_str!("../../../examples/recorder.rs")]
/// ```
#[derive(Clone, Debug)]
pub struct Recorder {
    file: PathBuf,
    server: Option<String>,
    tls: ServerTls,
    settings: Settings,
}

/// A proxy in front of the real server, which records. Where it is dropped, it panics unless the thread does already: a
/// test that forgets [`RunningRecorder::finish`] has recorded nothing.
pub struct RunningRecorder {
    url: String,
    file: PathBuf,
    taping: Arc<Taping>,
    settings: Settings,
    is_finished: bool,
}

/// What was recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// The request targets of the sessions, in their order.
    pub targets: Vec<String>,
}

impl Recorder {
    /// To record into this file.
    pub fn new(recording: impl AsRef<Path>) -> Recorder {
        Recorder {
            file: recording.as_ref().to_owned(),
            server: None,
            tls: ServerTls::default(),
            settings: Settings::default(),
        }
    }

    /// The real server: `ws://localhost:3000`.
    pub fn to(mut self, server: &str) -> Recorder {
        self.server = Some(server.to_owned());
        self
    }

    /// How one behind TLS is talked to; unless told otherwise, it is verified by the platform.
    pub fn server_tls(mut self, tls: ServerTls) -> Recorder {
        self.tls = tls;
        self
    }

    /// How long the server may take to be reached and to answer, and sessions to end; 10 seconds unless told otherwise.
    pub fn step_timeout(mut self, limit: Duration) -> Recorder {
        self.settings.step_timeout = limit;
        self
    }

    /// Listens on a free port of this machine for the test's client.
    ///
    /// # Errors
    /// Where no server was named, or not as one, and where it cannot listen.
    pub async fn start(self) -> Result<RunningRecorder, StartError> {
        let Some(server) = &self.server else {
            let why = "a recorder needs a server: Recorder::new(\"chat.jsonl\").to(\"ws://localhost:3000\")";
            return Err(StartError::Words(why.to_owned()));
        };
        let server = real(server, &self.tls, self.settings.step_timeout)?;
        let taping = Arc::new(Taping::start(&server)?);
        let url = format!("ws://{}", taping.address());
        let Recorder { file, settings, .. } = self;
        Ok(RunningRecorder { url, file, taping, settings, is_finished: false })
    }
}

impl RunningRecorder {
    /// Where it listens, without a path: `ws://127.0.0.1:41235`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Waits until no session is open, which takes no longer than [`Recorder::step_timeout`], and writes the recording.
    ///
    /// # Errors
    /// Where nothing was recorded, the server was not reached, or the file cannot be written; it is as it was then.
    pub async fn finish(mut self) -> Result<Recorded, StartError> {
        self.is_finished = true;
        self.taping.settle(self.settings.step_timeout).await;
        let (taping, file, settings) = (Arc::clone(&self.taping), self.file.clone(), self.settings.clone());
        let write = move || update::remade(&file, None, &taping, &settings);
        let written = spawn_blocking(write).await.unwrap_or_else(|error| Err(error.to_string()));
        written.map(|targets| Recorded { targets }).map_err(StartError::Words)
    }
}

impl fmt::Debug for RunningRecorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunningRecorder").field("url", &self.url).finish_non_exhaustive()
    }
}

impl Drop for RunningRecorder {
    fn drop(&mut self) {
        let why = "nothing was recorded: call finish() at the end of the test";
        assert!(self.is_finished || std::thread::panicking(), "{}: {why}", self.file.display());
    }
}
