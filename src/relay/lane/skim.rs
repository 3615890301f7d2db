//! Messages that nothing is to be done with go by where they lie, without being taken apart.

use std::ops::ControlFlow::{self, Break, Continue};
use std::time::Instant;

use super::queue::Place;
use super::run::{self, Run};
use super::{Done, Lane, Passing, Surroundings, Who};
use crate::relay::gate::{Ahead, Inflated, Inflating};
use crate::ws::Opcode;

/// Octets of a message that is looked at where it lies: to keep the beginning of a longer one until its end is there
/// would copy it more often than to take it apart.
const KEPT: usize = 1 << 20;

/// Room to look at messages in, which is used again and again.
#[derive(Debug, Default)]
pub struct Room {
    /// What was kept, and what came behind it.
    joined: Vec<u8>,
    look: Look,
}

/// Room for payloads.
#[derive(Debug, Default)]
struct Look {
    /// Unmasked.
    plain: Vec<u8>,
    inflating: Inflating,
}

impl Lane {
    /// Takes in what the sender sent, and lets go on what may. Gives what goes on first, as it came; behind it goes what
    /// [`Lane::take_out`] gives.
    ///
    /// Messages that nothing is to be done with are not taken apart: of most streams that is all.
    pub fn pass<'a>(
        &mut self,
        bytes: &'a [u8],
        room: &'a mut Room,
        now: Instant,
        around: &mut dyn Surroundings,
    ) -> &'a [u8] {
        let Room { joined, look } = room;
        if self.lacks_more_than(bytes) {
            self.kept.extend_from_slice(bytes);
            return &[];
        }
        let all = if self.kept.is_empty() {
            bytes
        } else {
            joined.clear();
            joined.extend_from_slice(&self.kept);
            joined.extend_from_slice(bytes);
            self.kept.clear();
            &joined[..]
        };
        let first = if self.out.is_empty() { self.skim(all, look, around) } else { 0 };
        let mut rest = &all[first..];
        while !rest.is_empty() && !self.keeps(rest) {
            let one = if self.is_idle() { self.gate.end_of_message(rest) } else { rest.len() };
            self.feed(&rest[..one], now, around);
            let skimmed = self.skim(&rest[one..], look, around);
            self.out.extend_from_slice(&rest[one..one + skimmed]);
            rest = &rest[one + skimmed..];
        }
        if rest.is_empty() {
            // An idle direction keeps no memory.
            self.kept = Vec::new();
        } else {
            self.kept.extend_from_slice(rest);
        }
        &all[..first]
    }

    /// Whether a message was begun that `bytes`, the next to come, does not end.
    fn lacks_more_than(&self, bytes: &[u8]) -> bool {
        let wanted = run::wanted(&self.kept, self.gate.deflates());
        wanted.is_some_and(|wanted| self.kept.len() + bytes.len() < wanted) && self.stands_between_messages()
    }

    /// Octets at the start of `bytes`, the next to come, up to where a message ends; all of them where none does.
    pub fn end_of_message(&self, bytes: &[u8]) -> usize {
        if self.kept.is_empty() {
            return self.gate.end_of_message(bytes);
        }
        let all = [&self.kept[..], bytes].concat();
        self.gate.end_of_message(&all).saturating_sub(self.kept.len())
    }

    /// Octets at the start of `bytes` that nothing is to be done with, whole messages. They are taken as fed.
    fn skim(&mut self, bytes: &[u8], look: &mut Look, around: &mut dyn Surroundings) -> usize {
        let mut skimmed = 0;
        if !self.stands_between_messages() {
            return 0;
        }
        let deflates = self.gate.deflates();
        loop {
            let rest = &bytes[skimmed..];
            let looked = match run::run(rest, deflates, self.at_once, &mut look.plain) {
                Some(several) => self.skim_run(several, rest, &mut look.plain, around),
                None if deflates => self.skim_compressed(rest, &mut look.inflating, around),
                None => Break(0),
            };
            let (Continue(octets) | Break(octets)) = looked;
            self.gate.went_by(octets);
            skimmed += octets;
            if looked.is_break() {
                return skimmed;
            }
        }
    }

    /// Octets of the messages of `several`, the first of `bytes`, that nothing is to be done with; then the rest is to be
    /// taken apart.
    fn skim_run(
        &mut self,
        several: Run,
        bytes: &[u8],
        plain: &mut Vec<u8>,
        around: &mut dyn Surroundings,
    ) -> ControlFlow<usize, usize> {
        if several.opcode == Opcode::Close {
            // What goes on of it has to be known.
            return Break(0);
        }
        if around.passes(&self.passing(several, plain)) {
            self.at_once = self.at_once.saturating_mul(2);
            return Continue(several.octets);
        }
        let (mut skimmed, deflates) = (0, self.gate.deflates());
        while let Some(one) = run::run(&bytes[skimmed..several.octets], deflates, 1, plain) {
            // The gate may not wait for all of it, and then nobody judges it.
            if one.octets > self.limit {
                return Break(skimmed);
            }
            let steps = around.judge(&self.passing(one, plain));
            if !steps.is_empty() {
                self.judged = Some(steps);
                // Those behind it are likely to be like it, and would be looked at again after each.
                self.at_once = 1;
                return Break(skimmed);
            }
            skimmed += one.octets;
        }
        Continue(skimmed)
    }

    /// The same of compressed messages that `bytes` begin with.
    fn skim_compressed(
        &mut self,
        bytes: &[u8],
        inflating: &mut Inflating,
        around: &mut dyn Surroundings,
    ) -> ControlFlow<usize, usize> {
        self.gate.inflate_ahead(bytes, inflating);
        let all: usize = inflating.messages.iter().map(|message| message.octets).sum();
        let Some(first) = inflating.messages.first() else { return Break(0) };
        let are_whole = inflating.messages.iter().all(|message| matches!(message.payload, Inflated::At(_)));
        let several = self.passing_ahead(first, Some(&inflating.payloads));
        if are_whole && around.passes(&several) {
            self.gate.went_by_compressed(inflating.messages.len());
            return Continue(all);
        }
        let mut skimmed = 0;
        for (place, message) in inflating.messages.iter().enumerate() {
            if message.payload == Inflated::TooLong {
                let begins = self.gate.position() + skimmed as u64;
                self.tell(Some(begins), None, Done::Unjudged, Who::Proxy);
            } else {
                let steps = around.judge(&self.passing_ahead(message, inflating.payload(message)));
                if !steps.is_empty() {
                    self.judged = Some(steps);
                    let rest = &inflating.messages[place..];
                    rest.iter().for_each(|message| self.gate.keep_ahead(inflating.payload(message)));
                    return Break(skimmed);
                }
            }
            self.gate.went_by_compressed(1);
            skimmed += message.octets;
        }
        Continue(skimmed)
    }

    fn passing_ahead<'a>(&self, message: &Ahead, payload: Option<&'a [u8]>) -> Passing<'a> {
        let (direction, opcode, wire_size) = (self.direction, message.opcode, message.wire_size);
        Passing { direction, opcode, payload, wire_size, compressed: true }
    }

    fn passing<'a>(&self, run: Run, plain: &'a [u8]) -> Passing<'a> {
        Passing {
            direction: self.direction,
            opcode: run.opcode,
            payload: Some(&plain[..run.payload]),
            wire_size: run.payload as u64,
            compressed: false,
        }
    }

    /// Whether `rest`, which comes next, is the beginning of a message that is better looked at once all of it is there.
    fn keeps(&self, rest: &[u8]) -> bool {
        let wanted = run::wanted(rest, self.gate.deflates());
        let comes = wanted.is_some_and(|wanted| rest.len() < wanted && wanted <= KEPT);
        comes && self.stands_between_messages()
    }

    fn stands_between_messages(&self) -> bool {
        self.is_idle() && self.gate.between_messages() && self.place() == Place::Message
    }

    /// Whether what comes goes on at once, if nothing is to be done with it.
    pub(super) fn is_idle(&self) -> bool {
        let waits = !self.queue.is_empty() || self.pace.is_slow();
        !waits && !self.closed && self.ending.is_none()
    }
}
