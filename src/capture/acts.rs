//! Which messages and sessions something was done to, where that was written, and what is held now.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use super::act::{Act, By, Deed, Deeds};
use super::log::Log;
use super::record::{Event, Flow, Stamp};
use super::rule_acts::{First, RuleCounts, rule};
use crate::ws::Direction;

/// How many acts can be found again by their message: the latest of all sessions together. Those before them stay in
/// the log for whoever reads it from front to back.
pub(super) const MOST_ACTS: usize = 1 << 17;
/// How much held at one time is listed.
const MOST_HELD: usize = 1 << 18;

/// A message or a handshake that waits for somebody's word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// What it is held under.
    pub held: u64,
    /// Its session.
    pub session: u32,
    /// Its number in the session; none for a handshake.
    pub message: Option<u64>,
    /// Which way it was going.
    pub direction: Direction,
    /// Since when.
    pub since: Stamp,
    /// Who had it held.
    pub by: By,
    /// The server's URL.
    pub url: Arc<str>,
}

/// The part of the log's index that is about acts.
#[derive(Debug, Default)]
pub(super) struct Acts {
    /// By session and number; 0 where it was done to the session.
    done: HashMap<(u32, u64), Done>,
    /// Where each act is, in the order they came, and what it is about.
    order: VecDeque<(u64, (u32, u64))>,
    held: BTreeMap<(u64, u32), Held>,
    pub(super) rules: RuleCounts,
}

#[derive(Debug, Default)]
struct Done {
    deeds: Deeds,
    /// The numbers of the rules that did something, in [`RuleCounts`].
    rules: Vec<u32>,
    positions: VecDeque<u64>,
}

impl Acts {
    /// An act was written at `position`; `in_session`: it is the first that its rule did in its session.
    pub(super) fn add(&mut self, act: &Act, position: u64, in_session: bool) {
        let about = (act.session, act.number.unwrap_or(0));
        let done = self.done.entry(about).or_default();
        done.deeds |= act.deed.kind();
        done.positions.push_back(position);
        if let Some(name) = rule(&act.by) {
            let number = self.rules.number(name);
            let is_new = !done.rules.contains(&number);
            if is_new {
                done.rules.push(number);
            }
            // That something is over which it had begun is nothing more that it did.
            if act.deed != Deed::Lifted {
                let first = First { on_message: is_new && act.number.is_some(), in_session };
                self.rules.acted(number, act, first);
            }
        }
        self.order.push_back((position, about));
        while self.order.len() > MOST_ACTS {
            self.forget_oldest();
        }
        let Some(held) = act.held else { return };
        if act.deed.settles() {
            self.held.remove(&(held, act.session));
        } else if act.deed == Deed::Held {
            self.held.insert(
                (held, act.session),
                Held {
                    held,
                    session: act.session,
                    message: act.number,
                    direction: act.direction,
                    since: act.time,
                    by: act.by.clone(),
                    url: "".into(),
                },
            );
            if self.held.len() > MOST_HELD {
                self.held.pop_first();
            }
        }
    }

    /// A session is over, or its handshake was answered otherwise: it holds nothing any more.
    pub(super) fn over(&mut self, session: u32) {
        if !self.held.is_empty() {
            self.held.retain(|_, held| held.session != session);
        }
    }

    /// Forgets the acts before `start`, the first position that is left in the log.
    pub(super) fn forget_before(&mut self, start: u64) {
        while self.order.front().is_some_and(|(position, _)| *position < start) {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        let Some((position, about)) = self.order.pop_front() else { return };
        let Some(done) = self.done.get_mut(&about) else { return };
        if done.positions.front() == Some(&position) {
            done.positions.pop_front();
        }
        if done.positions.is_empty() {
            self.done.remove(&about);
        }
    }

    fn positions(&self, session: u32, number: u64) -> Vec<u64> {
        self.done
            .get(&(session, number))
            .map_or_else(Vec::new, |done| done.positions.iter().copied().collect())
    }

    pub(super) fn rules_on(&self, session: u32, number: u64) -> Vec<Arc<str>> {
        let numbers = self.done.get(&(session, number)).map_or(&[][..], |done| &done.rules);
        numbers.iter().filter_map(|number| self.rules.name(*number)).map(Arc::clone).collect()
    }

    fn deeds(&self, session: u32, number: u64) -> Deeds {
        self.done.get(&(session, number)).map_or(Deeds::NONE, |done| done.deeds)
    }
}

impl Log {
    /// What is held now, of all sessions, in the order it was held.
    pub fn held(&self) -> Vec<Held> {
        let index = self.index();
        let url = |session| index.entry(Flow::Session(session)).map(|entry| Arc::clone(&entry.summary.url));
        let held = index.acts.held.values();
        held.map(|held| Held { url: url(held.session).unwrap_or_default(), ..held.clone() }).collect()
    }

    /// What was done to a message, in order. What is not in the log any more is left out, as are acts that more than
    /// a hundred thousand others came after.
    pub fn acts(&self, session: u32, number: u64) -> Vec<Act> {
        if number == 0 { Vec::new() } else { self.acts_about(session, number) }
    }

    /// What was done to a session or its handshake rather than to one message, in order, as far as [`Log::acts`]
    /// would tell.
    pub fn session_acts(&self, session: u32) -> Vec<Act> {
        self.acts_about(session, 0)
    }

    /// The kinds of what was done to a message.
    pub fn deeds(&self, session: u32, number: u64) -> Deeds {
        if number == 0 { Deeds::NONE } else { self.index().acts.deeds(session, number) }
    }

    /// Where the latest is written of what was done to a message, or to the session or its handshake where no number
    /// is said: another one after each act.
    pub fn latest_act(&self, session: u32, number: Option<u64>) -> Option<u64> {
        let index = self.index();
        index.acts.done.get(&(session, number.unwrap_or(0)))?.positions.back().copied()
    }

    /// The numbers of a session's messages to which something was done that is written behind `position`, each as often
    /// as that was done, and where the latest act of all sessions is written. Acts that are forgotten are left out.
    pub fn acted_on_since(&self, session: u32, position: u64) -> (Vec<u64>, u64) {
        let index = self.index();
        let order = &index.acts.order;
        let from = order.partition_point(|(written, _)| *written <= position);
        let of_session = order.range(from..).filter(|(_, (of, number))| *of == session && *number > 0);
        let numbers = of_session.map(|(_, (_, number))| *number).collect();
        (numbers, order.back().map_or(position, |(written, _)| *written))
    }

    fn acts_about(&self, session: u32, number: u64) -> Vec<Act> {
        let positions = self.index().acts.positions(session, number);
        let event = |position: &u64| self.event_at(*position).ok().flatten();
        let act = |event| if let Event::Act(act) = event { Some(act) } else { None };
        positions.iter().filter_map(event).filter_map(act).collect()
    }
}
