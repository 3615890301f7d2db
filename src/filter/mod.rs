//! The one predicate language: views, search and printing all ask it.
//!
//! A [`Filter`] is parsed once and asked of anything that is a [`Subject`].

mod subject;

pub use subject::{Flag, Kind, Subject};

use std::fmt;
use std::ops::Range;
use std::str::FromStr;
use std::sync::Arc;

/// A predicate over the rows of the log. Cheap to clone; the default matches all.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    source: Arc<str>,
}

/// The deepest that a filter has to look to decide; each includes those before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reads {
    /// Nothing: it matches all, or none.
    #[default]
    Nothing,
    /// What all rows of a session or exchange share: it can be asked once for all of them.
    Flow,
    /// What a message's row says of it: direction, opcode, size.
    Message,
    /// The message's payload.
    Payload,
}

impl Filter {
    /// Reads a filter; an empty one matches all.
    pub fn parse(source: &str) -> Result<Filter, ParseError> {
        Ok(Filter { source: source.into() })
    }

    /// What was parsed.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether it matches everything because it says nothing.
    pub fn is_empty(&self) -> bool {
        self.source.trim().is_empty()
    }

    /// Whether it is true of `subject`.
    pub fn matches(&self, subject: &(impl Subject + ?Sized)) -> bool {
        self.is_empty() || subject.text().contains(&*self.source)
    }

    /// The deepest it has to look.
    pub fn reads(&self) -> Reads {
        Reads::Payload
    }

    /// Whether payloads have to be read to decide.
    pub fn needs_payload(&self) -> bool {
        self.reads() == Reads::Payload
    }

    /// Where its words and regular expressions are found in a shown `text`: byte ranges in order, not overlapping.
    pub fn highlights(&self, text: &str) -> Vec<Range<usize>> {
        text.match_indices(&*self.source).map(|(at, found)| at..at + found.len()).collect()
    }

    /// Every operator and what it does, for help and documents.
    pub fn help() -> &'static [(&'static str, &'static str)] {
        &[]
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
    }
}

impl FromStr for Filter {
    type Err = ParseError;

    fn from_str(source: &str) -> Result<Filter, ParseError> {
        Filter::parse(source)
    }
}

impl PartialEq for Filter {
    fn eq(&self, other: &Filter) -> bool {
        self.source == other.source
    }
}

/// Why a filter cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// Where, in characters from 1.
    pub column: usize,
    /// What was expected there, and perhaps what was meant.
    pub message: String,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (column {})", self.message, self.column)
    }
}

impl std::error::Error for ParseError {}

/// What could stand where the cursor is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Completion {
    /// The byte at which the word under the cursor begins: a candidate replaces `start..cursor`.
    pub start: usize,
    /// What could stand there.
    pub candidates: Vec<String>,
}

/// Completes the word that ends at byte `cursor`.
pub fn complete(input: &str, cursor: usize) -> Completion {
    let _ = input;
    Completion { start: cursor, candidates: Vec::new() }
}
