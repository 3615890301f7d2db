//! Which message it is that something was done to: acts are told by where its first frame began, or by the number
//! it is held under, and written with its number in the session.

use std::collections::{BTreeMap, VecDeque};

use super::act::{Act, Deed};
use crate::ws::Direction;

/// The messages of one direction that its last chunk completed; where something was done to its session, the latest of
/// those before as well, as they may be waiting.
#[derive(Debug, Default)]
pub(super) struct Completed {
    messages: VecDeque<Place>,
    keeps: bool,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    /// Where its first header began.
    offset: u64,
    number: u64,
}

/// Messages that there is room for from chunk to chunk, where none is kept.
const ROOM: usize = 64;
/// Messages of earlier chunks that are kept.
const KEPT: usize = 1024;

impl Completed {
    /// From here on, something may be done to messages of earlier chunks.
    fn keep(&mut self) {
        self.keeps = true;
    }

    /// Another chunk comes.
    pub(super) fn next_chunk(&mut self) {
        let kept = if self.keeps { KEPT } else { 0 };
        self.messages.drain(..self.messages.len().saturating_sub(kept));
        self.messages.shrink_to(ROOM.max(2 * kept));
    }

    pub(super) fn add(&mut self, number: u64, offset: u64) {
        self.messages.push_back(Place { offset, number });
    }

    /// The number of the message that began at `offset`.
    fn number(&self, offset: u64) -> Option<u64> {
        // Almost in order: a control frame between fragments is complete before the message around it.
        let near = self.messages.partition_point(|place| place.offset < offset);
        let found = self.messages.get(near).filter(|place| place.offset == offset);
        found.or_else(|| self.messages.iter().find(|place| place.offset == offset)).map(|place| place.number)
    }
}

/// The messages that are held, by the numbers they are held under.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    /// Session and number.
    messages: BTreeMap<u64, (u32, u64)>,
    /// Those that were settled: more may follow that was done to them.
    settled: VecDeque<u64>,
    /// What was dropped of a session's direction, so many that it is not known any more which they were.
    lost: BTreeMap<(u32, usize), Act>,
}

/// How many that were settled are still known.
const MOST_SETTLED: usize = 1024;

impl Waiting {
    /// Finds the number of the message that `act` is about, which began at `offset`, among those that both directions
    /// completed. Whether the act is to be told.
    pub(super) fn find(
        &mut self,
        act: &mut Act,
        offset: Option<u64>,
        completed: Option<[&mut Completed; 2]>,
    ) -> bool {
        let number = completed.and_then(|mut completed| {
            completed.iter_mut().for_each(|direction| direction.keep());
            completed[act.direction as usize].number(offset?)
        });
        act.number = act.number.or(number).or_else(|| self.number(act));
        let is_unknown = act.number.is_none() && offset.is_some() && act.deed == Deed::Dropped;
        if is_unknown {
            self.lose(act);
        } else {
            self.told(act);
        }
        !is_unknown
    }

    /// Counts a message that was dropped, of which it is not known which it was.
    fn lose(&mut self, act: &Act) {
        let so_far = self.lost.entry((act.session, act.direction as usize)).or_insert_with(|| {
            let deed = Deed::OthersDropped(0);
            Act { deed, ..act.clone() }
        });
        if let Deed::OthersDropped(count) = &mut so_far.deed {
            *count += 1;
        }
    }

    /// Takes what is to be told of those of a session that were dropped and are not known.
    pub(super) fn take_lost(&mut self, session: u32) -> impl Iterator<Item = Act> {
        Direction::BOTH.into_iter().filter_map(move |way| self.lost.remove(&(session, way as usize)))
    }

    fn number(&self, act: &Act) -> Option<u64> {
        let (session, number) = self.messages.get(&act.held?)?;
        (*session == act.session).then_some(*number)
    }

    /// Takes in an act whose message was found.
    fn told(&mut self, act: &Act) {
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
