//! How a session is played.

use std::time::Duration;

use super::binding::Binding;
use super::expectation::Expectation;
use crate::capture::Opening;
use crate::decode::Heartbeats;
use crate::recordings::heartbeats;

/// In which order messages may come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// As recorded, and none before what the player had sent by then.
    Strict,
    /// As recorded among themselves; they may come early.
    #[default]
    Causal,
    /// In any order between two messages of the player's.
    Unordered,
}

/// When messages are sent whose turn it is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Timing {
    /// At once.
    #[default]
    Fast,
    /// As long after what they wait for as recorded, times this.
    Scaled(f64),
}

/// How true to the recording a session is played, and the other end expected to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fidelity {
    /// What was said: messages and closes.
    #[default]
    Messages,
    /// And in which frames: fragments, control frames in their places, reserved bits, lengths and masking that were odd.
    Frames,
    /// And what was no frame, and how each end of the connection ended.
    Bytes,
}

impl Fidelity {
    /// All of them.
    pub const ALL: [Fidelity; 3] = [Fidelity::Messages, Fidelity::Frames, Fidelity::Bytes];

    /// The word for it on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Fidelity::Messages => "messages",
            Fidelity::Frames => "frames",
            Fidelity::Bytes => "bytes",
        }
    }

    /// What a word on the command line means.
    pub fn from_name(name: &str) -> Option<Fidelity> {
        Fidelity::ALL.into_iter().find(|one| one.name() == name)
    }
}

/// How a session is played.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What is expected of messages.
    pub expectation: Expectation,
    /// What may be another value in each run.
    pub bindings: Vec<Binding>,
    /// Parameters of queries that do not count when the exchange for a plain HTTP request is looked for.
    pub ignore_query: Vec<String>,
    /// How true to the recording.
    pub fidelity: Fidelity,
    /// What are heartbeats, which are answered and not expected. None where they are messages like any others; played true
    /// to its frames or bytes, a session has all of them as recorded.
    pub heartbeats: Option<Heartbeats>,
    /// In which order messages may come.
    pub order: Order,
    /// When messages are sent.
    pub timing: Timing,
    /// How long anything may be waited for.
    pub step_timeout: Duration,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            expectation: Expectation::default(),
            bindings: Vec::new(),
            ignore_query: Vec::new(),
            fidelity: Fidelity::default(),
            heartbeats: Some(Heartbeats::default()),
            order: Order::default(),
            timing: Timing::default(),
            step_timeout: Duration::from_secs(10),
        }
    }
}

impl Settings {
    /// The same for the session that was opened so: with the heartbeats of what is spoken in it.
    pub(super) fn of_session(&self, opening: &Opening) -> Settings {
        let mut settings = self.clone();
        settings.heartbeats = self.heartbeats.map(|_| heartbeats(opening));
        settings
    }
}
