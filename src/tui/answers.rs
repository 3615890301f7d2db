//! Which messages answer which, read from the log for the rows that are asked about and kept while they are near.

use std::collections::HashMap;
use std::time::Duration;

use super::words;
use crate::capture::{Log, Message, Stamp};
use crate::decode::{self, Correlation, Key, LOOK_BACK};
use crate::ws::Direction;

/// The other half of a question and its answer, and the time between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Other {
    /// Its number.
    pub number: u64,
    /// How long the answer took.
    pub after: Duration,
}

/// What was found out about one session's messages.
#[derive(Debug, Default)]
pub(super) struct Answers {
    session: u32,
    facts: HashMap<u64, Fact>,
    /// What each message answers.
    known: HashMap<u64, Option<Other>>,
    /// Rows that may still be read for this page.
    budget: u64,
}

/// What matters of one message.
#[derive(Debug)]
struct Fact {
    direction: Direction,
    time: Stamp,
    key: Option<Key>,
}

/// As much of a payload as is looked at.
const LOOKED_AT: usize = 2 << 10;
/// Rows that are read for one page at most: more are left to the next.
const BUDGET: u64 = 4 * LOOK_BACK;
/// Rows that are remembered at most.
const REMEMBERED: usize = 16 << 10;

impl Answers {
    /// A new page begins, about `session`.
    pub(super) fn begin(&mut self, session: u32) {
        if self.session != session || self.facts.len() > REMEMBERED {
            *self = Answers { session, ..Answers::default() };
        }
        self.budget = BUDGET;
    }

    /// Finds out what each of `rows` (in order) answers; false where it would have taken too long, and the next page
    /// is to go on.
    pub(super) fn learn(&mut self, log: &Log, rows: &[u64]) -> bool {
        let first = log.rows(self.session).start;
        let (mut correlation, mut at) = (Correlation::default(), 0);
        for &row in rows {
            if self.known.contains_key(&row) {
                continue;
            }
            if !self.read(log, row, row + 1) {
                return false;
            }
            if self.facts.get(&row).is_none_or(|fact| fact.key.is_none()) {
                self.known.insert(row, None);
                continue;
            }
            let from = row.saturating_sub(LOOK_BACK).max(first);
            if from > at {
                (correlation, at) = (Correlation::default(), from);
            }
            if !self.read(log, at, row + 1) {
                return false;
            }
            let mut answer = None;
            for number in at..=row {
                answer = self.step(&mut correlation, number);
            }
            self.known.insert(row, answer);
            at = row + 1;
        }
        true
    }

    /// What a row answers, where that is known.
    pub(super) fn of(&self, row: u64) -> Option<Other> {
        self.known.get(&row).copied().flatten()
    }

    /// What answers a row, among the rows before `end`.
    pub(super) fn answer_to(&mut self, log: &Log, row: u64, end: u64) -> Option<Other> {
        let first = log.rows(self.session).start;
        let end = end.min(row + LOOK_BACK + 1);
        if !self.read(log, row, row + 1) || self.facts.get(&row)?.key.is_none() {
            return None;
        }
        let from = row.saturating_sub(LOOK_BACK).max(first);
        if !self.read(log, from, end) {
            return None;
        }
        let mut correlation = Correlation::default();
        (from..end).find_map(|number| {
            let answered = self.step(&mut correlation, number)?;
            (answered.number == row).then_some(Other { number, ..answered })
        })
    }

    fn step(&self, correlation: &mut Correlation, number: u64) -> Option<Other> {
        let fact = self.facts.get(&number)?;
        let asked = correlation.next(number, fact.direction, fact.key.as_ref()?)?;
        Some(Other { number: asked, after: fact.time.since(self.facts.get(&asked)?.time) })
    }

    /// Sees to it that the rows from `from` to `end` are remembered, as far as there are any.
    fn read(&mut self, log: &Log, from: u64, end: u64) -> bool {
        let is_missing = |row: &u64| !self.facts.contains_key(row);
        let Some(from) = (from..end).find(is_missing) else { return true };
        let end = (from..end).rev().find(is_missing).map_or(end, |row| row + 1);
        if end - from > self.budget {
            return false;
        }
        self.budget -= end - from;
        for message in log.messages(self.session, from..end).unwrap_or_default() {
            let fact = Fact::of(log, &message);
            self.facts.insert(message.number, fact);
        }
        true
    }
}

impl Fact {
    fn of(log: &Log, message: &Message) -> Fact {
        let payload = log.read(&message.payload, 0, LOOKED_AT).unwrap_or_default();
        let key = decode::correlate(words::opcode_of(message.kind), &payload);
        Fact { direction: message.direction, time: message.time, key }
    }
}
