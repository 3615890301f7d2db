//! Recorded sessions played again: one end from the recording, the other one live.
//!
//! [`Steps`] reads what a session said from a recording, [`Player`] plays one end of it and compares what comes with
//! what was recorded, and a [`Report`] tells what was otherwise: all pure. [`MockServer`] gives the player a socket.

mod beats;
mod binding;
mod cast;
mod client;
mod company;
mod encore;
mod expectation;
mod framing;
mod heads;
mod kin;
mod library;
mod outcome;
mod packet;
mod passage;
mod pattern;
mod play;
mod player;
mod polling;
mod progress;
mod report;
pub mod reporter;
mod script;
mod server;
mod settings;
mod taping;
mod update;
mod visit;
mod volatile;
mod window;
mod wire;
mod wording;

#[cfg(test)]
mod tests;

use crate::recordings::path;

pub use crate::recordings::{Path, PathError, Place};
pub use binding::{Binding, Bound};
pub use cast::{Cast, Part};
pub use client::ReplayClient;
pub use encore::Encore;
pub use expectation::{Difference, Expectation, Match};
pub use library::{Recorded, Recorder, Replay, RunningMock, RunningRecorder, StartError};
pub use outcome::{Left, Outcome, Played, Unplayed};
pub use passage::{Passage, Passages};
pub use pattern::{Pattern, PatternError};
pub use player::{Output, Player};
pub use progress::Progress;
pub use report::{Problem, Report, Trouble};
pub use reporter::Reporter;
pub use script::{Step, Steps, What};
pub use server::{Doorway, Miss, MockServer};
pub use settings::{Fidelity, Order, Settings, Timing};
pub use taping::RealServer;
pub use update::UpdateError;
pub use volatile::Volatile;
pub use wire::{Heard, Said, Wire};
