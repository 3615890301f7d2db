//! The rules as their file lists them, for whoever wants to see which hold.

use std::sync::PoisonError;

use super::RuleSet;
use super::rule::{Occasion, Pace, Rule};
use crate::filter::Filter;

/// A rule of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed<'a> {
    /// Its name.
    pub name: &'a str,
    /// What it is about.
    pub when: &'a Filter,
    /// What it does, as the file says it, on one line.
    pub then: &'a str,
    /// When it is asked and how often it acts, in words: `after 2, every 3, times 5 in each session`. Empty where it is
    /// asked about messages and always acts.
    pub pace: String,
    /// Whether it holds.
    pub standing: Standing,
}

/// Whether a rule holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It does.
    Holds,
    /// It does, but has acted as often as it may in so many sessions.
    UsedUpIn(u64),
    /// It has acted as often as it may in all.
    UsedUp,
    /// The file says that it is off.
    Off,
    /// It was switched off by hand, whatever the file says.
    SwitchedOff,
}

impl RuleSet {
    /// All rules, in the order of the file; also those that are off.
    pub fn listed(&self) -> Vec<Listed<'_>> {
        self.in_order().map(|(_, rule, standing)| rule.listed(standing)).collect()
    }
}

impl Rule {
    fn listed(&self, standing: Standing) -> Listed<'_> {
        Listed {
            name: &self.name,
            when: &self.when,
            then: &self.written,
            pace: self.pace_words(),
            standing: if standing == Standing::Holds { self.standing() } else { standing },
        }
    }

    fn standing(&self) -> Standing {
        match &self.shared {
            Some(shared) => {
                let count = shared.lock().unwrap_or_else(PoisonError::into_inner);
                if count.is_used_up(&self.pace) { Standing::UsedUp } else { Standing::Holds }
            }
            None if self.pace.times == Some(0) => Standing::UsedUp,
            None => match self.used_up() {
                0 => Standing::Holds,
                sessions => Standing::UsedUpIn(sessions),
            },
        }
    }

    fn pace_words(&self) -> String {
        let Pace { after, every, probability, times } = self.pace;
        let occasion = match self.on {
            Occasion::Message => None,
            Occasion::Open => Some("when a session opens"),
            Occasion::Handshake => Some("on the request"),
            Occasion::Response => Some("on the server's 101"),
        };
        let counts = if self.shared.is_some() { "in all" } else { "in each session" };
        let chance = probability < 1.0;
        let words = [
            occasion.map(str::to_owned),
            (after > 0).then(|| format!("after {after}")),
            (every > 1).then(|| format!("every {every}")),
            chance.then(|| format!("probability {probability}")),
            times.map(|times| format!("times {times} {counts}")),
        ];
        words.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}
