//! The recording format: [`Event`]s as JSON lines and back, the one place where the public format is made.
//!
//! `docs/recording-format.md` is the promise that this keeps. Every line is a function of one event and of the
//! session's opening before it; nothing here opens files or looks at a clock.

mod acts;
mod clock;
mod events;
mod frames;
mod head;
mod json;
mod keys;
mod line;
mod payload;
mod reader;
mod sessions;
mod tls;
mod writer;

#[cfg(test)]
mod tests;

pub use keys::Keys;
pub(crate) use keys::quoted;
pub use payload::{InMemory, Payloads};
pub use reader::{Bookmark, Item, ReadError, Reader, Record};
pub use writer::Writer;

pub(crate) use clock::{format as format_time, parse as parse_time, wall};

use std::time::SystemTime;

use super::Redaction;

#[cfg(doc)]
use crate::capture::Event;

/// The version of the format that is written, and the newest that is read.
pub const VERSION: u64 = 1;

/// What a recording says of itself in its first line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recording {
    /// The version of the format.
    pub version: u64,
    /// Who wrote it: `sockeye 0.1.0`.
    pub tool: String,
    /// The wall clock when the log began.
    pub started: SystemTime,
    /// The addresses that were listened on.
    pub listen: Vec<String>,
    /// Whether secrets were replaced before it was written.
    pub redaction: Redaction,
}

impl Recording {
    /// One that this program writes, of a log that began at `started`.
    pub fn new(started: SystemTime, listen: Vec<String>, redaction: Redaction) -> Recording {
        let tool = concat!("sockeye ", env!("CARGO_PKG_VERSION")).to_owned();
        Recording { version: VERSION, tool, started, listen, redaction }
    }
}
