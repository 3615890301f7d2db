//! A session of the log played once more, while it is looked at: its client's part, to a live server.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use tokio::runtime::Builder;

use super::cast::Cast;
use super::client::ReplayClient;
use super::report::Report;
use super::settings::Settings;
use crate::capture::Log;
use crate::net::{Door, Reach, ServerTls, Target, WayOut};

/// A session being played again, on a thread of its own. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Encore(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    session: u32,
    state: Mutex<State>,
    version: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    address: Option<String>,
    over: Option<Result<Report, String>>,
}

impl Encore {
    /// Plays the client's part of a session that the log holds to `server`, through the proxy of `door`. Lines of its
    /// report are numbers of messages.
    ///
    /// # Errors
    /// Where the log does not hold the session's handshake, or the system gives no thread.
    pub fn start(log: &Log, session: u32, server: Target, door: Door) -> io::Result<Encore> {
        let cast = Cast::of_log(log, session)?;
        let settings = Settings::default();
        // The door is the way, and not this.
        let reach = Reach::new(WayOut::default(), ServerTls::default(), settings.step_timeout);
        let client = ReplayClient::new(server.clone(), reach, cast, settings);
        let encore = Encore(Arc::new(Inner { session, state: Mutex::default(), version: AtomicU64::new(0) }));
        let shared = encore.clone();
        thread::Builder::new().name("encore".to_owned()).spawn(move || shared.run(client, &server, &door))?;
        Ok(encore)
    }

    fn run(&self, mut client: ReplayClient, server: &Target, door: &Door) {
        let played = Builder::new_current_thread().enable_all().build().and_then(|runtime| {
            runtime.block_on(async {
                let (server, address) = door.enter(server).await?;
                self.tell(|state| state.address = Some(address));
                Ok(client.next_on(server).await)
            })
        });
        let over = match played {
            Ok(played) => Ok(played.map(|played| played.report).unwrap_or_default()),
            Err(error) => Err(error.to_string()),
        };
        self.tell(|state| state.over = Some(over));
    }

    fn tell(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state());
        self.0.version.fetch_add(1, Ordering::Release);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The session that is played again.
    pub fn session(&self) -> u32 {
        self.0.session
    }

    /// The client's address, by which the log knows the new session; none before it has come in.
    pub fn address(&self) -> Option<String> {
        self.state().address.clone()
    }

    /// What came of it, or why it could not be played; none while it plays.
    pub fn over(&self) -> Option<Result<Report, String>> {
        self.state().over.clone()
    }

    /// Goes up with all that happens to it.
    pub fn version(&self) -> u64 {
        self.0.version.load(Ordering::Acquire)
    }
}
