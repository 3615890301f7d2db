//! What is to be done with traffic, and when: rules, as a user writes them, and what they come to for one message.
//!
//! Pure: what passes is shown to a session's [`Judge`], which answers with what is to be done. The relay does it.

mod effect;
mod faults;
mod file;
mod judge;
mod listed;
mod random;
mod rule;
mod seen;
mod words;

use std::collections::BTreeSet;
use std::sync::Arc;

pub use effect::{Effect, HandshakeEdit, Rate, Refusal, Step};
pub use faults::page;
pub use file::{NewRule, RulesError, append};
pub use judge::Judge;
pub use listed::{Listed, Standing};
pub use seen::{Flow, Seen};

use rule::{Occasion, Rule};

use crate::filter::Filter;
use crate::ws::Direction;

/// All that holds at one time, in order. Cheap to clone; the default does nothing.
#[derive(Clone, Debug, Default)]
pub struct RuleSet {
    rules: Arc<[Arc<Rule>]>,
    /// Those that are switched off, in order.
    off: Arc<[Off]>,
    /// The file that they were read from.
    source: Option<Arc<str>>,
    /// What the random numbers start from.
    seed: u64,
    /// What is to be held, by the user's own wish.
    hold: Option<Arc<Filter>>,
}

/// A rule that is switched off.
#[derive(Clone, Debug)]
struct Off {
    /// Its place in the file.
    place: usize,
    rule: Arc<Rule>,
    /// How: [`Standing::Off`] or [`Standing::SwitchedOff`].
    standing: Standing,
}

/// What of a session may be touched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// Messages and control frames to the server, to the client.
    pub directions: [bool; 2],
}

impl RuleSet {
    /// Reads a file of rules; `docs/rules.md` has the format.
    ///
    /// # Errors
    /// All that is wrong with it, each with its place.
    pub fn parse(text: &str) -> Result<RuleSet, Vec<RulesError>> {
        file::parse(text)
    }

    /// The same, and they were read from the file of this name.
    pub fn read_from(self, file: &str) -> RuleSet {
        RuleSet { source: Some(file.into()), ..self }
    }

    /// The file that they were read from, where it was told.
    pub fn source(&self) -> Option<&str> {
        self.source.as_deref()
    }

    /// The same, and messages and handshakes that `hold` matches are held for the user; none for nothing more.
    pub fn holding(&self, hold: Option<Filter>) -> RuleSet {
        RuleSet { hold: hold.map(Arc::new), ..self.clone() }
    }

    /// The same without the rules of these names, which are listed as switched off by hand.
    pub fn without(&self, names: &BTreeSet<Arc<str>>) -> RuleSet {
        let is_out = |rule: &Rule| names.contains(&rule.name);
        let switched = self.in_order().filter(|(.., standing)| *standing == Standing::Holds);
        let switched = switched.filter(|(_, rule, _)| is_out(rule)).map(|(place, rule, _)| Off {
            place,
            rule: Arc::clone(rule),
            standing: Standing::SwitchedOff,
        });
        let mut off: Vec<Off> = self.off.iter().cloned().chain(switched).collect();
        off.sort_by_key(|off| off.place);
        let rules = self.rules.iter().filter(|rule| !is_out(rule)).cloned().collect();
        RuleSet { rules, off: off.into(), ..self.clone() }
    }

    /// All rules with their places in the file, and how they stand but for what is used up.
    fn in_order(&self) -> impl Iterator<Item = (usize, &Arc<Rule>, Standing)> {
        let mut holding = self.rules.iter();
        let mut off = self.off.iter().peekable();
        (0..self.rules.len() + self.off.len()).filter_map(move |place| {
            match off.next_if(|off| off.place == place) {
                Some(Off { rule, standing, .. }) => Some((place, rule, *standing)),
                None => holding.next().map(|rule| (place, rule, Standing::Holds)),
            }
        })
    }

    /// The same, and rules that count in all sessions go on from where they were in `before`.
    pub fn continuing(self, before: &RuleSet) -> RuleSet {
        let kept = |rule: &Arc<Rule>| {
            let mut olds = before.rules.iter().chain(before.off.iter().map(|off| &off.rule));
            Arc::clone(olds.find(|old| old.meaning == rule.meaning).unwrap_or(rule))
        };
        RuleSet { rules: self.rules.iter().map(kept).collect(), ..self }
    }

    /// Whether there is nothing to be done, whatever passes.
    pub fn is_empty(&self) -> bool {
        self.hold.is_none() && self.rules.is_empty()
    }

    /// The names of its rules, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().map(|rule| &*rule.name)
    }

    /// What of `flow` may be touched: what may not, nobody needs to look at.
    pub fn reach(&self, flow: &Flow) -> Reach {
        let may = |direction| {
            self.hold.as_ref().is_some_and(|hold| flow.may_match(hold, direction))
                || self.rules.iter().any(|rule| match rule.on {
                    Occasion::Message => flow.may_match(&rule.when, direction),
                    // What they do with a session they do once, whatever passes in it.
                    Occasion::Open | Occasion::Handshake | Occasion::Response => false,
                })
        };
        Reach { directions: Direction::BOTH.map(may) }
    }
}

#[cfg(test)]
mod tests;
