//! The part of a script that is being played: steps read ahead, and which of them are done.

use std::collections::VecDeque;
use std::time::Duration;

use super::script::{Step, What};
use crate::capture::Message;
use crate::ws::Direction;

/// A step in the window.
pub(super) struct Slot {
    pub step: Step,
    pub done: bool,
    /// When it is to be sent, once that is known.
    pub due: Option<Duration>,
    /// How far it has come: frames of it that were sent, or octets of raw bytes that came.
    pub begun: usize,
    /// How many times it was sent.
    pub sent: u64,
}

/// Steps that are looked at at a time.
pub(super) struct Window<S> {
    steps: S,
    slots: VecDeque<Slot>,
    /// When the step before the window was recorded.
    before: Duration,
    /// Octets of the messages in it.
    octets: u64,
    /// Whether there may be more steps behind it.
    is_full: bool,
    /// What others have to do first, and when that was recorded.
    elsewhere: Option<(Duration, String)>,
}

/// Steps that are looked at at a time.
const MOST: usize = 512;
/// Octets that these may have, beyond as many steps as [`FEW`].
const MOST_OCTETS: u64 = 4 << 20;
const FEW: usize = 16;

impl<E, S: Iterator<Item = Result<Step, E>>> Window<S> {
    pub fn new(steps: S) -> Window<S> {
        Window {
            steps,
            slots: VecDeque::new(),
            before: Duration::ZERO,
            octets: 0,
            is_full: false,
            elsewhere: None,
        }
    }

    /// Reads steps until the window is full, and forgets those that are done; those of which `is_done` is true are so
    /// from the beginning.
    ///
    /// # Errors
    /// Those of the steps.
    pub fn fill(&mut self, mut is_done: impl FnMut(&mut Step) -> bool) -> Result<(), E> {
        loop {
            while let Some(slot) = self.slots.front().filter(|slot| slot.done) {
                self.before = slot.step.at;
                self.octets = self.octets.saturating_sub(octets(&slot.step));
                self.slots.pop_front();
            }
            let is_full = self.octets >= MOST_OCTETS && self.slots.len() >= FEW;
            self.is_full = is_full || self.slots.len() >= MOST;
            if self.is_full {
                return Ok(());
            }
            let Some(mut step) = self.steps.next().transpose()? else { return Ok(()) };
            let done = is_done(&mut step);
            self.octets += octets(&step);
            self.slots.push_back(Slot { step, done, due: None, begun: 0, sent: 0 });
        }
    }
}

impl<S> Window<S> {
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    pub fn len(&self) -> usize {
        self.slots.len()
    }

    pub fn at(&self, at: usize) -> &Slot {
        &self.slots[at]
    }

    pub fn at_mut(&mut self, at: usize) -> &mut Slot {
        &mut self.slots[at]
    }

    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Slot> + ExactSizeIterator {
        self.slots.iter()
    }

    /// Where the first step of `from` stands that is not done and is such a one.
    pub fn first(&self, from: Direction, is: impl Fn(&What) -> bool) -> Option<usize> {
        self.slots.iter().position(|slot| !slot.done && slot.step.from == from && is(&slot.step.what))
    }

    /// When the step before this one was recorded.
    pub fn before(&self, at: usize) -> Duration {
        at.checked_sub(1).map_or(self.before, |before| self.slots[before].step.at)
    }

    /// Whether all is there that the step waits for: what it answers, or else all that was before it.
    pub fn gate_is_open(&self, at: usize) -> bool {
        match self.slots[at].step.answers {
            Some(back) => {
                let at = at as u64;
                back > at || self.slots[(at - back) as usize].done
            }
            None => {
                let recorded = self.slots[at].step.at;
                self.elsewhere.as_ref().is_none_or(|(first, _)| recorded < *first)
                    && self.slots.iter().take(at).all(|slot| slot.done)
            }
        }
    }

    /// When the first message was recorded that is not done; none where all are.
    pub fn next_at(&self) -> Option<Duration> {
        let is_next = |slot: &&Slot| !slot.done && matches!(slot.step.what, What::Message(_));
        // Beyond the window anything may stand.
        let last = self.slots.back().filter(|_| self.is_full);
        self.slots.iter().find(is_next).or(last).map(|slot| slot.step.at)
    }

    /// What others have to do before steps that were recorded later; gives whether that is new.
    pub fn set_elsewhere(&mut self, first: Option<(Duration, String)>) -> bool {
        let is_new = self.elsewhere != first;
        self.elsewhere = first;
        is_new
    }

    /// What others have to do first, in words.
    pub fn elsewhere(&self) -> Option<&str> {
        self.elsewhere.as_ref().map(|(_, what)| &**what)
    }

    /// The messages of `from` behind this step of which frames were on their way before it, and how many: those between
    /// whose frames it stood.
    pub fn around(&self, at: usize) -> Vec<(usize, usize)> {
        // Where one stood that the proxy sent itself is not to be seen from its offset.
        let own = |slot| message(slot).filter(|message| message.injected.is_none());
        let Some(first) = own(&self.slots[at]).and_then(|message| message.frames.first()) else {
            return Vec::new();
        };
        let from = self.slots[at].step.from;
        let later = self.slots.iter().enumerate().skip(at + 1);
        let ours = later.filter(|(_, slot)| !slot.done && slot.step.from == from);
        let begun = ours.filter_map(|(at, slot)| {
            let frames = &own(slot)?.frames;
            let count = frames.iter().take_while(|frame| frame.offset < first.offset).count();
            (count > slot.begun && count < frames.len()).then_some((at, count))
        });
        begun.collect()
    }
}

fn message(slot: &Slot) -> Option<&Message> {
    match &slot.step.what {
        What::Message(message) => Some(message),
        What::End(_) => None,
    }
}

fn octets(step: &Step) -> u64 {
    match &step.what {
        What::Message(message) => message.payload.len(),
        What::End(_) => 0,
    }
}
