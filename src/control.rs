//! The one way back from a view to the network: commands.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{oneshot, watch};

use crate::capture::Ending;

/// What a view can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Reset both connections of a session or tunnel.
    Kill {
        /// Its number.
        session: u32,
    },
    /// Stop listening, reset what is open, and end.
    ShutDown,
}

/// What became of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is being done.
    Done,
    /// There is no such session, or it is over.
    NotThere,
}

/// Takes commands from any thread. Cheap to clone.
#[derive(Clone)]
pub struct Controller(Arc<Inner>);

struct Inner {
    open: Mutex<HashMap<u32, oneshot::Sender<Ending>>>,
    shutdown: watch::Sender<bool>,
}

impl Default for Controller {
    fn default() -> Controller {
        Controller::new()
    }
}

impl Controller {
    /// With no session yet.
    pub fn new() -> Controller {
        Controller(Arc::new(Inner { open: Mutex::default(), shutdown: watch::Sender::new(false) }))
    }

    /// Has `command` done.
    pub fn send(&self, command: Command) -> Outcome {
        match command {
            Command::Kill { session } => {
                let told = self.open().remove(&session).map(|sender| sender.send(Ending::Killed));
                if let Some(Ok(())) = told { Outcome::Done } else { Outcome::NotThere }
            }
            Command::ShutDown => {
                self.0.shutdown.send_replace(true);
                for (_, sender) in self.open().drain() {
                    // One that is over needs no end.
                    let _ = sender.send(Ending::Shutdown);
                }
                Outcome::Done
            }
        }
    }

    /// Whether [`Command::ShutDown`] was sent, now or later.
    pub fn shutdown(&self) -> watch::Receiver<bool> {
        self.0.shutdown.subscribe()
    }

    /// How many sessions and tunnels are open.
    pub fn open_sessions(&self) -> usize {
        self.open().len()
    }

    /// A session began: what it is told should it have to end. [`Controller::forget`] it when it is over.
    pub(crate) fn register(&self, session: u32) -> oneshot::Receiver<Ending> {
        let (sender, receiver) = oneshot::channel();
        // Locked first: a shutdown in between would neither be seen here nor find the session.
        let mut open = self.open();
        if *self.0.shutdown.borrow() {
            // The receiver is in scope.
            let _ = sender.send(Ending::Shutdown);
        } else {
            open.insert(session, sender);
        }
        receiver
    }

    /// A session is over.
    pub(crate) fn forget(&self, session: u32) {
        self.open().remove(&session);
    }

    fn open(&self) -> MutexGuard<'_, HashMap<u32, oneshot::Sender<Ending>>> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_killed_once() {
        let controller = Controller::new();
        let mut told = controller.register(3);
        assert_eq!(controller.send(Command::Kill { session: 4 }), Outcome::NotThere);
        assert_eq!(controller.send(Command::Kill { session: 3 }), Outcome::Done);
        assert_eq!(told.try_recv(), Ok(Ending::Killed));
        assert_eq!(controller.send(Command::Kill { session: 3 }), Outcome::NotThere);
    }

    #[test]
    fn a_session_that_begins_after_the_shutdown_ends_at_once() {
        let controller = Controller::new();
        let mut early = controller.register(1);
        controller.send(Command::ShutDown);
        assert_eq!(early.try_recv(), Ok(Ending::Shutdown));
        assert_eq!(controller.register(2).try_recv(), Ok(Ending::Shutdown));
        assert!(*controller.shutdown().borrow());
    }
}
