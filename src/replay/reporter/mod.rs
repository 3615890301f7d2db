//! What came of playing a recording, in the forms that people and test runners read.

mod json;
mod junit;
mod tap;
mod text;

#[cfg(test)]
mod tests;

use super::outcome::Outcome;
use super::report::Problem;

pub use json::{
    ready, recorded as recorded_json, session as session_json, summary as summary_json,
    updated as updated_json,
};
pub use text::{left as left_text, session as session_text};

/// A form of report that a test runner reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reporter {
    /// The XML of JUnit, as most systems of continuous integration read it.
    Junit,
    /// The Test Anything Protocol, version 14.
    Tap,
    /// One JSON value, with the differences as JSON.
    Json,
}

impl Reporter {
    /// All of them.
    pub const ALL: [Reporter; 3] = [Reporter::Junit, Reporter::Tap, Reporter::Json];

    /// The word for it on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Reporter::Junit => "junit",
            Reporter::Tap => "tap",
            Reporter::Json => "json",
        }
    }

    /// What a word on the command line means.
    pub fn from_name(name: &str) -> Option<Reporter> {
        Reporter::ALL.into_iter().find(|one| one.name() == name)
    }

    /// The whole report.
    pub fn write(self, outcome: &Outcome) -> String {
        match self {
            Reporter::Junit => junit::write(outcome),
            Reporter::Tap => tap::write(outcome),
            Reporter::Json => json::write(outcome),
        }
    }
}

/// Where a problem is, as compilers say it; `opened` is the line where its session is opened.
fn place(file: &str, problem: &Problem, opened: Option<u64>) -> String {
    match problem.line.or(opened) {
        Some(line) => format!("{file}:{line}: "),
        None => String::new(),
    }
}
