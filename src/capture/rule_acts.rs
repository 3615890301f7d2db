//! What each rule did so far, counted as its acts are written: on how many messages, in how many sessions, when last.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::act::{Act, By, Deeds};
use super::log::Log;
use super::record::Stamp;

/// How many rules are counted. Where there are more, the one that acted longest ago is forgotten.
pub(super) const MOST_RULES: usize = 1000;

/// What a rule did so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleActs {
    /// Its name.
    pub name: Arc<str>,
    /// On how many messages it acted.
    pub messages: u64,
    /// How many messages it sent.
    pub sent: u64,
    /// In how many sessions it did something, to a message, the session or its handshake.
    pub sessions: u64,
    /// The kinds of what it did to messages, sessions and handshakes.
    pub deeds: Deeds,
    /// When it last did something.
    pub last: Stamp,
    /// In which session that was.
    pub session: u32,
    /// The latest message that it acted on or sent, by session and number; none where it did neither.
    pub message: Option<(u32, u64)>,
}

/// The counts of all rules, by a number of our own in the order of their first acts.
#[derive(Debug, Default)]
pub(super) struct RuleCounts {
    numbers: HashMap<Arc<str>, u32>,
    counts: BTreeMap<u32, RuleActs>,
    next: u32,
}

/// What a rule did for the first time.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct First {
    pub(super) on_message: bool,
    pub(super) in_session: bool,
}

impl RuleCounts {
    /// The number of the rule of this name.
    pub(super) fn number(&mut self, name: &Arc<str>) -> u32 {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        if self.counts.len() >= MOST_RULES {
            self.forget_one();
        }
        let number = self.next;
        self.next += 1;
        self.numbers.insert(Arc::clone(name), number);
        let (last, deeds) = (Stamp(0), Deeds::NONE);
        let name = Arc::clone(name);
        let fresh =
            RuleActs { name, messages: 0, sent: 0, sessions: 0, deeds, last, session: 0, message: None };
        self.counts.insert(number, fresh);
        number
    }

    /// The name of the rule of that number, while it is known.
    pub(super) fn name(&self, number: u32) -> Option<&Arc<str>> {
        self.counts.get(&number).map(|count| &count.name)
    }

    /// The rule of that number did this.
    pub(super) fn acted(&mut self, number: u32, act: &Act, first: First) {
        let Some(count) = self.counts.get_mut(&number) else { return };
        count.deeds |= act.deed.kind();
        count.messages += u64::from(first.on_message);
        count.was_in(act.session, act.time, first);
        if let Some(number) = act.number {
            count.message = Some((act.session, number));
        }
    }

    /// The rule of that name sent the message of this number.
    pub(super) fn sent(
        &mut self,
        name: &Arc<str>,
        (session, message): (u32, u64),
        time: Stamp,
        first: First,
    ) {
        let number = self.number(name);
        let Some(count) = self.counts.get_mut(&number) else { return };
        count.sent += 1;
        count.was_in(session, time, first);
        count.message = Some((session, message));
    }

    fn forget_one(&mut self) {
        let oldest = self.counts.iter().min_by_key(|(_, count)| count.last).map(|(number, _)| *number);
        if let Some(count) = oldest.and_then(|number| self.counts.remove(&number)) {
            self.numbers.remove(&count.name);
        }
    }
}

impl RuleActs {
    fn was_in(&mut self, session: u32, time: Stamp, first: First) {
        self.sessions += u64::from(first.in_session);
        self.last = self.last.max(time);
        self.session = session;
    }
}

impl Log {
    /// What each rule did so far, in the order in which they first did something. It is counted as it is written: what
    /// has left the log since is in it.
    pub fn rule_acts(&self) -> Vec<RuleActs> {
        self.index().acts.rules.counts.values().cloned().collect()
    }

    /// The names of the rules that acted on a message, in the order in which they did, as far as [`Log::acts`] would
    /// tell.
    pub fn rules_on(&self, session: u32, number: u64) -> Vec<Arc<str>> {
        if number == 0 { Vec::new() } else { self.index().acts.rules_on(session, number) }
    }
}

/// The rule that did something, where it was one.
pub(super) fn rule(by: &By) -> Option<&Arc<str>> {
    match by {
        By::Rule(name) => Some(name),
        By::User | By::Proxy => None,
    }
}
