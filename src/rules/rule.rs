//! One rule: when it acts, how often, and what it does.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::Effect;
use super::faults::{Act, Opened};
use super::random::Random;
use crate::filter::Filter;
use crate::ws::Opcode;

/// One rule of a file.
#[derive(Debug)]
pub(super) struct Rule {
    /// Its name, which no other has.
    pub(super) name: Arc<str>,
    /// What it is about.
    pub(super) when: Filter,
    pub(super) on: Occasion,
    pub(super) pace: Pace,
    /// What it does, in order.
    pub(super) then: Vec<Box<dyn Act>>,
    /// The same as the file says it, on one line.
    pub(super) written: String,
    /// What all that comes to, to tell whether it stayed the same when the file was read again.
    pub(super) meaning: String,
    /// Counts in all sessions, where that is wanted.
    pub(super) shared: Option<Arc<Mutex<Count>>>,
    /// In how many sessions it has acted as often as it may, where each is counted by itself.
    pub(super) used_up: AtomicU64,
}

/// When a rule is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Occasion {
    /// A message or control frame passes.
    Message,
    /// A session has opened.
    Open,
    /// A request for a session is on its way to the server.
    Handshake,
    /// The server's 101 is on its way to the client.
    Response,
}

impl Occasion {
    pub(super) const ALL: [Occasion; 4] =
        [Occasion::Message, Occasion::Open, Occasion::Handshake, Occasion::Response];

    pub(super) fn name(self) -> &'static str {
        match self {
            Occasion::Message => "message",
            Occasion::Open => "open",
            Occasion::Handshake => "handshake",
            Occasion::Response => "response",
        }
    }
}

/// Which of the things that a rule's filter is true of it acts on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Pace {
    /// So many are let by first.
    pub(super) after: u64,
    /// Then every so many-th is meant.
    pub(super) every: u64,
    /// Of these, each with this probability.
    pub(super) probability: f64,
    /// So often at the most.
    pub(super) times: Option<u64>,
}

impl Default for Pace {
    fn default() -> Pace {
        Pace { after: 0, every: 1, probability: 1.0, times: None }
    }
}

/// How often a rule was asked, and how often it acted.
#[derive(Clone, Debug, Default)]
pub(super) struct Count {
    matched: u64,
    done: u64,
}

impl Count {
    /// Counts one that the filter is true of; whether the rule acts on it.
    pub(super) fn is_due(&mut self, pace: &Pace, random: &mut Random) -> bool {
        if self.is_used_up(pace) {
            return false;
        }
        self.matched += 1;
        let in_turn = self.matched > pace.after && (self.matched - pace.after).is_multiple_of(pace.every);
        // Drawn only where it decides, so that a rule without chance in it draws for its fault alone.
        let is_due = in_turn && (pace.probability >= 1.0 || random.fraction() < pace.probability);
        self.done += u64::from(is_due);
        is_due
    }

    /// Whether it has acted as often as it may.
    pub(super) fn is_used_up(&self, pace: &Pace) -> bool {
        pace.times.is_some_and(|times| self.done >= times)
    }
}

impl Rule {
    /// Whether something of what it does is for what its filter is true of, and perhaps does not mean.
    pub(super) fn is_for(&self, opcode: Option<Opcode>, is_meant: bool) -> bool {
        opcode.is_none_or(|opcode| self.then.iter().any(|act| act.is_for(opcode, is_meant)))
    }

    /// What it does with a session that opens.
    pub(super) fn at_opening(&self) -> Vec<Effect> {
        let mut opened = Opened { effects: Vec::new() };
        self.then.iter().for_each(|act| act.opened(&mut opened));
        opened.effects
    }

    /// Counts one that it is for; whether the rule acts on it.
    pub(super) fn is_due(&self, own: &mut Count, random: &mut Random) -> bool {
        match &self.shared {
            Some(shared) => shared.lock().unwrap_or_else(PoisonError::into_inner).is_due(&self.pace, random),
            None => {
                let is_due = own.is_due(&self.pace, random);
                if is_due && own.is_used_up(&self.pace) {
                    self.used_up.fetch_add(1, Ordering::Relaxed);
                }
                is_due
            }
        }
    }

    /// In how many sessions it has acted as often as it may, where each is counted by itself.
    pub(super) fn used_up(&self) -> u64 {
        self.used_up.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pace: Pace, expected: &[u64]) {
        let (mut count, mut random) = (Count::default(), Random::new(1, 1, "x"));
        let due: Vec<u64> = (1..=10).filter(|_| count.is_due(&pace, &mut random)).collect();
        assert_eq!(due, expected);
    }

    #[test]
    fn a_rule_acts_on_the_ones_that_are_meant() {
        check(Pace::default(), &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
        check(Pace { after: 2, ..Pace::default() }, &[3, 4, 5, 6, 7, 8, 9, 10]);
        check(Pace { every: 3, ..Pace::default() }, &[3, 6, 9]);
        check(Pace { after: 1, every: 3, times: Some(2), ..Pace::default() }, &[4, 7]);
        check(Pace { probability: 0.0, ..Pace::default() }, &[]);
        check(Pace { times: Some(0), ..Pace::default() }, &[]);
    }

    #[test]
    fn chance_is_about_as_often_as_it_says() {
        let (mut count, mut random) = (Count::default(), Random::new(1, 1, "x"));
        let pace = Pace { probability: 0.25, ..Pace::default() };
        let due = (0..4000).filter(|_| count.is_due(&pace, &mut random)).count();
        assert!((900..1100).contains(&due), "{due}");
    }
}
