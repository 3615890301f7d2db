//! What each command does, from its options to its exit code.

pub mod about;
pub mod ca;
pub mod child;
mod commands;
pub mod connect;
pub mod demo;
#[cfg(feature = "tui")]
mod editor;
pub mod files;
pub mod interchange;
pub mod proxy;
pub mod recording;
pub mod replay;
pub mod rules;
pub mod signals;
pub mod tls;

use std::fmt;

/// Exit code: all was done.
pub const DONE: u8 = 0;
/// Exit code: a comparison or a replay failed.
pub const DIFFERENT: u8 = 1;
/// Exit code: wrong usage, or a file that cannot be read.
pub const USAGE: u8 = 2;
/// Exit code: could not listen, or could not reach what was asked for.
pub const UNREACHABLE: u8 = 3;

/// Why a command ended otherwise than well: one line, and the exit code.
pub struct Failure {
    pub code: u8,
    what: String,
}

impl Failure {
    pub fn new(code: u8, what: impl fmt::Display) -> Failure {
        Failure { code, what: what.to_string() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.what)
    }
}
