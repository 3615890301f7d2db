//! Which message it is that something was done to: acts are told by where its first frame began, or by the number
//! it is held under, and written with its number in the session.

use std::collections::{BTreeMap, VecDeque};

use super::act::{Act, Deed};

/// The messages of one direction that its last chunk completed.
#[derive(Debug, Default)]
pub(super) struct Completed {
    /// The number of the first; the others follow it.
    first: u64,
    /// Where the first header of each began.
    offsets: Vec<u64>,
}

/// Places kept from chunk to chunk, in memory only.
const KEPT: usize = 64;

impl Completed {
    /// Another chunk comes.
    pub(super) fn clear(&mut self) {
        self.offsets.clear();
        self.offsets.shrink_to(KEPT);
    }

    pub(super) fn add(&mut self, number: u64, offset: u64) {
        if self.offsets.is_empty() {
            self.first = number;
        }
        self.offsets.push(offset);
    }

    /// The number of the message that began at `offset`.
    pub(super) fn number(&self, offset: u64) -> Option<u64> {
        // Almost in order: a control frame between fragments is complete before the message around it.
        let near = self.offsets.partition_point(|one| *one < offset);
        let place = match self.offsets.get(near) {
            Some(one) if *one == offset => near,
            _ => self.offsets.iter().position(|one| *one == offset)?,
        };
        Some(self.first + place as u64)
    }
}

/// The messages that are held, by the numbers they are held under.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    /// Session and number.
    messages: BTreeMap<u64, (u32, u64)>,
    /// Those that were settled: more may follow that was done to them.
    settled: VecDeque<u64>,
}

/// How many that were settled are still known.
const MOST_SETTLED: usize = 1024;

impl Waiting {
    /// The number of the message that `act` is about.
    pub(super) fn number(&self, act: &Act) -> Option<u64> {
        let (session, number) = self.messages.get(&act.held?)?;
        (*session == act.session).then_some(*number)
    }

    /// Takes in an act whose message was found.
    pub(super) fn told(&mut self, act: &Act) {
        let Some(held) = act.held else { return };
        if let (Deed::Held, Some(number)) = (&act.deed, act.number) {
            self.messages.insert(held, (act.session, number));
        } else if act.deed.settles() && self.messages.contains_key(&held) {
            self.settled.push_back(held);
            if self.settled.len() > MOST_SETTLED
                && let Some(oldest) = self.settled.pop_front()
            {
                self.messages.remove(&oldest);
            }
        }
    }

    /// A session is over.
    pub(super) fn over(&mut self, session: u32) {
        if !self.messages.is_empty() {
            self.messages.retain(|_, (of, _)| *of != session);
        }
    }
}
