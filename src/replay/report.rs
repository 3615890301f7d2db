//! What came of a play: nothing to tell, or what was otherwise than recorded, where, and what would accept it.

use std::collections::VecDeque;
use std::fmt;

use super::expectation::Difference;
use crate::ws::Direction;

/// What came of playing one session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Messages that came as they were recorded.
    pub matched: u64,
    /// Messages that were sent.
    pub sent: u64,
    /// What was otherwise, in order; at most [`Report::MOST`] of it.
    pub problems: Vec<Problem>,
    /// How many more problems there were.
    pub left_out: u64,
}

/// One thing that was otherwise than recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What.
    pub what: Trouble,
    /// The line of the recording that it is about, from 1.
    pub line: Option<u64>,
    /// The last messages before it, both ways, the oldest first.
    pub recent: Vec<String>,
}

/// In which way it was otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// A message came that differs from the recorded one.
    Different(Vec<Difference>),
    /// The opening handshake was answered otherwise.
    Answered(Vec<Difference>),
    /// A recorded message never came.
    Missing(String),
    /// A message came that was not recorded.
    Unexpected(String),
    /// It closed otherwise: recorded, and got.
    Closed(String, String),
    /// Its connection ended otherwise: recorded, and got.
    Ended(String, String),
    /// Nothing came for as long as a step may take, while this was waited for.
    TimedOut(String),
    /// A recorded message could not be sent any more.
    NotSent(String),
    /// The recording cannot be read on.
    Unreadable(String),
}

impl Report {
    /// Problems that are kept; the others are counted.
    pub const MOST: usize = 100;

    /// Whether all was as recorded.
    pub fn is_ok(&self) -> bool {
        self.problems.is_empty()
    }

    /// Of one problem, before anything was played.
    pub(super) fn of(what: Trouble) -> Report {
        Report { problems: vec![Problem { what, line: None, recent: Vec::new() }], ..Report::default() }
    }

    pub(super) fn add(&mut self, problem: Problem) {
        if self.problems.len() < Report::MOST {
            self.problems.push(problem);
        } else {
            self.left_out += 1;
        }
    }
}

impl Trouble {
    /// A word for programs.
    pub fn name(&self) -> &'static str {
        match self {
            Trouble::Different(_) => "different",
            Trouble::Answered(_) => "answered",
            Trouble::Missing(_) => "missing",
            Trouble::Unexpected(_) => "unexpected",
            Trouble::Closed(..) => "closed",
            Trouble::Ended(..) => "ended",
            Trouble::TimedOut(_) => "timed-out",
            Trouble::NotSent(_) => "not-sent",
            Trouble::Unreadable(_) => "unreadable",
        }
    }
}

impl Problem {
    /// The one option that would accept it, where there is one.
    pub fn way_out(&self) -> Option<String> {
        match &self.what {
            Trouble::Different(differences) => {
                let framing = ["frames", "end", "violation"];
                if differences.iter().all(|one| framing.contains(&&*one.place)) {
                    return Some("--fidelity messages".to_owned());
                }
                let paths: Vec<_> = differences.iter().filter(|one| one.place.starts_with('$')).collect();
                let first = paths.first().filter(|_| paths.len() == differences.len())?;
                match paths.iter().all(|one| one.expected.is_none()) {
                    true => Some("--match subset".to_owned()),
                    false => Some(format!("--ignore '{}'", first.place)),
                }
            }
            Trouble::TimedOut(_) => Some("--step-timeout SECONDS".to_owned()),
            Trouble::Ended(..) => Some("--fidelity frames".to_owned()),
            _ => None,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.what {
            Trouble::Different(differences) => {
                f.write_str("a message differs from the recorded one")?;
                differ(f, differences)
            }
            Trouble::Answered(differences) => {
                f.write_str("the opening handshake was answered otherwise")?;
                differ(f, differences)
            }
            Trouble::Missing(what) => write!(f, "this never came: {what}"),
            Trouble::Unexpected(what) => write!(f, "this came, and was not recorded: {what}"),
            Trouble::Closed(expected, got) => {
                write!(f, "it closed otherwise: expected {expected}, got {got}")
            }
            Trouble::Ended(expected, got) => {
                write!(f, "its connection ended otherwise: expected {expected}, got {got}")
            }
            Trouble::TimedOut(what) => write!(f, "this was waited for too long: {what}"),
            Trouble::NotSent(what) => write!(f, "this could not be sent any more: {what}"),
            Trouble::Unreadable(why) => write!(f, "{why}"),
        }
    }
}

fn differ(f: &mut fmt::Formatter<'_>, differences: &[Difference]) -> fmt::Result {
    for Difference { place, expected, got } in differences {
        let side = |side: &Option<String>| side.clone().unwrap_or_else(|| "nothing".to_owned());
        write!(f, "\n  {place}: expected {}, got {}", side(expected), side(got))?;
    }
    Ok(())
}

/// The last messages, for whoever has to find out what went wrong.
#[derive(Clone, Debug, Default)]
pub(super) struct Recent(VecDeque<String>);

impl Recent {
    const KEPT: usize = 5;

    pub(super) fn add(&mut self, from: Direction, what: &str) {
        if self.0.len() >= Recent::KEPT {
            self.0.pop_front();
        }
        self.0.push_back(format!("{} {what}", from.sender()));
    }

    pub(super) fn list(&self) -> Vec<String> {
        self.0.iter().cloned().collect()
    }
}
