//! Recorded sessions played again: one end from the recording, the other one live.
//!
//! Pure so far: [`Steps`] reads what a session said from a recording, [`Player`] plays one end of it and compares
//! what comes with what was recorded, and a [`Report`] tells what was otherwise.

mod binding;
mod expectation;
mod path;
mod player;
mod report;
mod script;
mod volatile;

#[cfg(test)]
mod tests;

pub use binding::{Binding, Bound};
pub use expectation::{Difference, Expectation, Match};
pub use path::{Path, PathError, Place};
pub use player::{Order, Output, Player, Settings, Timing};
pub use report::{Problem, Report, Trouble};
pub use script::{Step, Steps, What};
pub use volatile::Volatile;
