//! What came of playing a whole recording.

use std::fmt;
use std::time::Duration;

use super::report::Report;
use super::reporter;

/// What came of one session.
#[derive(Clone, Debug)]
pub struct Played {
    /// The line of the recording where the session is opened; none where a client fitted none.
    pub line: Option<u64>,
    /// The request target.
    pub target: String,
    /// How long it took.
    pub took: Duration,
    /// What came of it.
    pub report: Report,
}

/// A session that was not played to its end, or a plain HTTP exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// The line of the recording where the session is opened, or that holds the exchange.
    pub line: u64,
    /// The request target; of an exchange the method before it.
    pub target: String,
    /// How far it came.
    pub how: Unplayed,
}

/// How far a session came that was not played to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unplayed {
    /// It was not begun: no client came for it.
    Untouched,
    /// It was begun, and then all was stopped.
    Halfway,
    /// It is an exchange, and nobody asked for it.
    NotAsked,
}

impl Unplayed {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Unplayed::Untouched => "this session was not played",
            Unplayed::Halfway => "this session was stopped while it was played",
            Unplayed::NotAsked => "nobody asked for this",
        }
    }
}

/// What came of playing a recording.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// The recording's name.
    pub file: String,
    /// What came of each session, in the order in which they were over; at most [`Outcome::MOST`].
    pub played: Vec<Played>,
    /// How many more sessions were played as recorded, and are not in the list.
    pub more: u64,
    /// How many more were not as recorded, and are not in the list.
    pub more_failed: u64,
    /// The sessions that were not played to their end, and the exchanges that nobody asked for.
    pub left: Vec<Left>,
}

impl Outcome {
    /// Sessions that are kept; others are counted.
    pub const MOST: usize = 10_000;

    /// Nothing played yet of the recording of this name.
    pub fn of(file: impl Into<String>) -> Outcome {
        Outcome { file: file.into(), ..Outcome::default() }
    }

    /// Another session is over.
    pub fn add(&mut self, played: Played) {
        if self.played.len() < Outcome::MOST {
            self.played.push(played);
        } else if played.report.is_ok() {
            self.more += 1;
        } else {
            self.more_failed += 1;
        }
    }

    /// Whether all that was played was as recorded.
    pub fn is_as_recorded(&self) -> bool {
        self.more_failed == 0 && self.played.iter().all(|played| played.report.is_ok())
    }

    /// Fails a test.
    ///
    /// # Panics
    /// Unless all was played, and was as recorded; with what was otherwise.
    #[track_caller]
    pub fn assert_ok(&self) {
        assert!(self.is_ok(), "what was played is not what was recorded\n{self}");
    }

    /// Whether all was played, and was as recorded.
    pub fn is_ok(&self) -> bool {
        self.left.is_empty() && self.is_as_recorded()
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for played in &self.played {
            f.write_str(&reporter::session_text(&self.file, played))?;
        }
        for left in &self.left {
            f.write_str(&reporter::left_text(&self.file, left))?;
        }
        if self.more + self.more_failed > 0 {
            writeln!(f, "{} more were as recorded, {} more were not", self.more, self.more_failed)?;
        }
        Ok(())
    }
}
