//! Recordings in the formats of other tools, and theirs as recordings.
//!
//! What is read and written on our side is always [`crate::headless::schema`]. What the other format cannot hold is told
//! in [`Remarks`], a sentence each. Files are opened by those who call.

mod draft;
mod head;
mod http1;
mod outline;
mod tnetstring;

pub mod code;

pub mod har;

pub mod jsonl;

pub mod mitmproxy;

pub mod pcapng;

pub use draft::Draft;
pub use outline::{Source, on_disk};

use std::io;

use crate::headless::schema::ReadError;

/// What is to be said about a conversion, a sentence each.
pub type Remarks = Vec<String>;

/// Why a recording could not be exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The recording cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// What is written cannot be.
    #[error("cannot write: {0}")]
    Write(#[from] io::Error),
}

/// Why a file could not be imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// It is not of the format, from some place on.
    #[error("{file}:{place}: {fault}")]
    Form {
        /// Which file.
        file: String,
        /// `line:column`, or `byte N`.
        place: String,
        /// What is wrong.
        fault: String,
    },
    /// Something in it cannot be said in a recording.
    #[error("{file}: {place}: {fault}; mend it there, or delete it")]
    Content {
        /// Which file.
        file: String,
        /// `entry 3`, counted from 1.
        place: String,
        /// What is wrong.
        fault: String,
    },
    /// What is written cannot be.
    #[error("cannot write: {0}")]
    Write(#[from] io::Error),
}

/// A count with its noun: `1 note`, `2 notes`; and the verb that goes with it.
fn count(number: u64, noun: &str, verbs: [&str; 2]) -> String {
    match number {
        1 => format!("1 {noun} {}", verbs[0]),
        _ => format!("{number} {noun}s {}", verbs[1]),
    }
}
