//! In what two recordings, or two sessions of one, differ by what they mean.
//!
//! Sessions are found again by path, query and subprotocol; their messages are aligned as line diffs align lines, where
//! two are the same if a replay would take one for the other ([`Expectation`]).

mod likeness;
mod pairs;
pub mod teller;

#[cfg(test)]
mod tests;

use std::io::{self, BufRead, Seek};

use likeness::Likeness;

use crate::capture::{Event, Message};
use crate::headless::FileError;
use crate::recordings::units::{Session, Units};
use crate::recordings::{Input, Mark, Pairing, align};
use crate::replay::{Difference, Expectation};

/// What is compared, and how.
#[derive(Clone, Debug, Default)]
pub struct Comparison {
    /// When two messages are the same.
    pub expectation: Expectation,
    /// Whether heartbeats are compared.
    pub heartbeats: Heartbeats,
    /// One session of the first recording with one of the second; none for all with all.
    pub sessions: Option<(u32, u32)>,
}

/// Whether heartbeats are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Heartbeats {
    /// They are left out: how many there are is chance.
    #[default]
    LeftOut,
    /// They are messages like any others.
    Compared,
}

/// Where something stands in one of the two recordings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The number of the session; of the exchange where it is one.
    pub number: u32,
    /// The line, from 1.
    pub line: u64,
}

/// Something that is told of a comparison, in the order of the recordings.
#[derive(Clone, Debug)]
pub enum Finding {
    /// What follows is about this session, or exchange: its path and query, and where it stands in both.
    About(String, Place, Place),
    /// It is in the first recording only, or in the second only, with so many messages.
    Only(Which, String, Place, u64),
    /// How the session was opened, or ended, is not the same.
    Differs(Part, Place, Place, Vec<Difference>),
    /// A message says something else.
    Changed(Box<[(Place, Message); 2]>, Vec<Difference>),
    /// A message is in one of them only.
    Missing(Which, Place, Box<Message>),
}

/// One of the two recordings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// The first.
    A,
    /// The second.
    B,
}

/// A part of a session that is no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Its opening handshake.
    Opening,
    /// How its ends ended.
    End,
    /// The answer to a plain HTTP request.
    Exchange,
}

/// What came of a comparison.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Sessions and exchanges in both.
    pub flows: Counts,
    /// Messages.
    pub messages: Counts,
}

/// How many are the same, and how many are not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// In both, and the same.
    pub same: u64,
    /// In both, and not the same.
    pub changed: u64,
    /// In the first only.
    pub removed: u64,
    /// In the second only.
    pub added: u64,
}

impl Summary {
    /// Whether nothing differs.
    pub fn is_same(&self) -> bool {
        let nothing = |counts: &Counts| (counts.changed, counts.removed, counts.added) == (0, 0, 0);
        nothing(&self.flows) && nothing(&self.messages)
    }
}

/// Why recordings could not be compared.
#[derive(Debug, thiserror::Error)]
pub enum DiffError {
    /// One of them cannot be read, or what is found cannot be told.
    #[error(transparent)]
    File(#[from] FileError),
    /// A session that is asked for is not there.
    #[error("{file} has no session {session}; it has {}", listed(.there))]
    NoSession {
        /// Which recording.
        file: String,
        /// The session that was asked for.
        session: u32,
        /// Those that there are.
        there: Vec<u32>,
    },
}

impl From<io::Error> for DiffError {
    fn from(error: io::Error) -> DiffError {
        DiffError::File(FileError::Write(error))
    }
}

fn listed(sessions: &[u32]) -> String {
    const MOST: usize = 10;
    let numbers: Vec<_> = sessions.iter().take(MOST).map(ToString::to_string).collect();
    match sessions.len() {
        0 => "none".to_owned(),
        count if count > MOST => format!("{} and more", numbers.join(", ")),
        _ => numbers.join(", "),
    }
}

/// Compares two recordings and tells what differs. What is kept in memory of a message is some hashes, not what it says.
///
/// # Errors
/// Where a recording is damaged, a session is not there that is asked for, or `tell` fails.
pub fn diff<A: BufRead + Seek, B: BufRead + Seek>(
    a: &mut Input<A>,
    b: &mut Input<B>,
    comparison: &Comparison,
    tell: impl FnMut(Finding) -> io::Result<()>,
) -> Result<Summary, DiffError> {
    let units = (units_of(a, comparison)?, units_of(b, comparison)?);
    let names = [a.name().to_owned(), b.name().to_owned()];
    let mut work = Work { a, b, comparison, tell, summary: Summary::default() };
    match comparison.sessions {
        Some((one, other)) => {
            let one = find(&units.0, &names[0], one)?;
            let other = find(&units.1, &names[1], other)?;
            work.session(&units, one, other)?;
        }
        None => {
            let (sessions, only_b) = pairs::sessions(&units.0, &units.1);
            for (one, other) in sessions {
                match other {
                    Some(other) => work.session(&units, one, other)?,
                    None => work.only(Which::A, &units.0, one)?,
                }
            }
            for session in only_b {
                work.only(Which::B, &units.1, session)?;
            }
            work.exchanges(&units)?;
        }
    }
    Ok(work.summary)
}

fn units_of<R: BufRead + Seek>(input: &mut Input<R>, comparison: &Comparison) -> Result<Units, DiffError> {
    let mut likeness = Likeness::new(comparison);
    let units = Units::read_by(input, |event| likeness.content(event));
    Ok(units.map_err(FileError::Read)?)
}

fn find<'u>(units: &'u Units, file: &str, number: u32) -> Result<&'u Session, DiffError> {
    let found = units.sessions.iter().find(|session| session.number == number);
    found.ok_or_else(|| DiffError::NoSession {
        file: file.to_owned(),
        session: number,
        there: units.sessions.iter().map(|session| session.number).collect(),
    })
}

struct Work<'w, A, B, T> {
    a: &'w mut Input<A>,
    b: &'w mut Input<B>,
    comparison: &'w Comparison,
    tell: T,
    summary: Summary,
}

impl<A: BufRead + Seek, B: BufRead + Seek, T: FnMut(Finding) -> io::Result<()>> Work<'_, A, B, T> {
    fn session(&mut self, units: &(Units, Units), a: &Session, b: &Session) -> Result<(), DiffError> {
        let begun = (self.summary, place(&units.0, a), place(&units.1, b));
        let about = Finding::About(a.target.clone(), begun.1, begun.2);
        let mut about = Some(about);
        self.part(units, (Part::Opening, a.opening, b.opening), &mut about)?;
        let marks = |units: &Units, said: &[usize]| -> Vec<Mark> {
            said.iter().map(|at| units.all[*at].mark).collect()
        };
        for pairing in align(&marks(&units.0, &a.said), &marks(&units.1, &b.said)) {
            match pairing {
                Pairing::Same(..) => self.summary.messages.same += 1,
                Pairing::Changed(one, other) => {
                    let places = (a.said[one], b.said[other]);
                    self.changed(units, (a, places.0), (b, places.1), &mut about)?;
                }
                Pairing::Removed(one) => {
                    self.summary.messages.removed += 1;
                    let message = message(units.0.event(self.a, a.said[one])?);
                    self.missing(Which::A, (a, units.0.all[a.said[one]].line), message, &mut about)?;
                }
                Pairing::Added(other) => {
                    self.summary.messages.added += 1;
                    let message = message(units.1.event(self.b, b.said[other])?);
                    self.missing(Which::B, (b, units.1.all[b.said[other]].line), message, &mut about)?;
                }
            }
        }
        self.part(units, (Part::End, a.end, b.end), &mut about)?;
        match about.is_some() {
            true => self.summary.flows.same += 1,
            false => self.summary.flows.changed += 1,
        }
        Ok(())
    }

    fn changed(
        &mut self,
        units: &(Units, Units),
        (a, one): (&Session, usize),
        (b, other): (&Session, usize),
        about: &mut Option<Finding>,
    ) -> Result<(), DiffError> {
        let messages = message(units.0.event(self.a, one)?).zip(message(units.1.event(self.b, other)?));
        // What is neither is a note.
        let Some((old, new)) = messages else { return Ok(()) };
        let differences = likeness::differences(&self.comparison.expectation, &old, &new);
        if differences.is_empty() {
            self.summary.messages.same += 1;
            return Ok(());
        }
        self.summary.messages.changed += 1;
        let at = |session: &Session, units: &Units, unit: usize| Place {
            number: session.number,
            line: units.all[unit].line,
        };
        let both = [(at(a, &units.0, one), old), (at(b, &units.1, other), new)];
        self.say(about, Finding::Changed(Box::new(both), differences))
    }

    fn missing(
        &mut self,
        which: Which,
        (session, line): (&Session, u64),
        message: Option<Message>,
        about: &mut Option<Finding>,
    ) -> Result<(), DiffError> {
        let Some(message) = message else { return Ok(()) };
        let place = Place { number: session.number, line };
        self.say(about, Finding::Missing(which, place, Box::new(message)))
    }

    /// How both were opened, or ended.
    fn part(
        &mut self,
        units: &(Units, Units),
        (part, a, b): (Part, Option<usize>, Option<usize>),
        about: &mut Option<Finding>,
    ) -> Result<(), DiffError> {
        let (Some(one), Some(other)) = (a, b) else { return Ok(()) };
        let events = units.0.event(self.a, one)?.zip(units.1.event(self.b, other)?);
        let Some((old, new)) = events else { return Ok(()) };
        let differences = likeness::of_events(&self.comparison.expectation, &old, &new);
        if differences.is_empty() {
            return Ok(());
        }
        let at = |units: &Units, event: &Event, unit: usize| Place {
            number: pairs::number(event),
            line: units.all[unit].line,
        };
        let places = (at(&units.0, &old, one), at(&units.1, &new, other));
        self.say(about, Finding::Differs(part, places.0, places.1, differences))
    }

    /// A session that is in one recording only.
    fn only(&mut self, which: Which, units: &Units, session: &Session) -> Result<(), DiffError> {
        let counts = &mut self.summary.flows;
        match which {
            Which::A => counts.removed += 1,
            Which::B => counts.added += 1,
        }
        let place = place(units, session);
        Ok((self.tell)(Finding::Only(which, session.target.clone(), place, session.said.len() as u64))?)
    }

    fn exchanges(&mut self, units: &(Units, Units)) -> Result<(), DiffError> {
        let (pairs, only_b) = pairs::exchanges(&units.0, &units.1);
        for (one, other) in pairs {
            let Some(other) = other else {
                self.summary.flows.removed += 1;
                let event = units.0.event(self.a, one)?;
                self.only_exchange(Which::A, &units.0, one, event)?;
                continue;
            };
            if units.0.all[one].mark.content == units.1.all[other].mark.content {
                self.summary.flows.same += 1;
                continue;
            }
            let place = |units: &Units, at: usize| pairs::exchange_place(&units.all[at]);
            let target = units.0.event(self.a, one)?.map(|event| pairs::target(&event)).unwrap_or_default();
            let about = Finding::About(target, place(&units.0, one), place(&units.1, other));
            let mut about = Some(about);
            self.part(units, (Part::Exchange, Some(one), Some(other)), &mut about)?;
            match about.is_some() {
                true => self.summary.flows.same += 1,
                false => self.summary.flows.changed += 1,
            }
        }
        for other in only_b {
            self.summary.flows.added += 1;
            let event = units.1.event(self.b, other)?;
            self.only_exchange(Which::B, &units.1, other, event)?;
        }
        Ok(())
    }

    fn only_exchange(
        &mut self,
        which: Which,
        units: &Units,
        at: usize,
        event: Option<Event>,
    ) -> Result<(), DiffError> {
        let target = event.map(|event| pairs::target(&event)).unwrap_or_default();
        Ok((self.tell)(Finding::Only(which, target, pairs::exchange_place(&units.all[at]), 0))?)
    }

    /// Tells something, and before the first of a session which one it is.
    fn say(&mut self, about: &mut Option<Finding>, finding: Finding) -> Result<(), DiffError> {
        if let Some(about) = about.take() {
            (self.tell)(about)?;
        }
        Ok((self.tell)(finding)?)
    }
}

fn place(units: &Units, session: &Session) -> Place {
    let first = session.opening.or(session.said.first().copied()).or(session.end);
    Place { number: session.number, line: first.map_or(0, |first| units.all[first].line) }
}

fn message(event: Option<Event>) -> Option<Message> {
    if let Some(Event::Message(message)) = event { Some(message) } else { None }
}
