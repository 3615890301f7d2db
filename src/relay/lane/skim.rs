//! Messages that nothing is to be done with go by where they lie, without being taken apart.

use std::time::Instant;

use super::queue::Place;
use super::run::{self, Run};
use super::{Lane, Passing, Surroundings};
use crate::ws::Opcode;

/// Octets of a message that is looked at where it lies: to keep the beginning of a longer one until its end is there
/// would copy it more often than to take it apart.
const KEPT: usize = 1 << 20;

/// Room to look at messages in, which is used again and again.
#[derive(Debug, Default)]
pub struct Room {
    /// What was kept, and what came behind it.
    joined: Vec<u8>,
    /// Payloads, unmasked.
    plain: Vec<u8>,
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
        let Room { joined, plain } = room;
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
        let first = if self.out.is_empty() { self.skim(all, plain, around) } else { 0 };
        let mut rest = &all[first..];
        while !rest.is_empty() && !self.keeps(rest) {
            let one = if self.is_idle() { self.gate.end_of_message(rest) } else { rest.len() };
            self.feed(&rest[..one], now, around);
            let skimmed = self.skim(&rest[one..], plain, around);
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
    fn skim(&mut self, bytes: &[u8], plain: &mut Vec<u8>, around: &mut dyn Surroundings) -> usize {
        let mut skimmed = 0;
        if !self.stands_between_messages() {
            return 0;
        }
        let deflates = self.gate.deflates();
        'all: while let Some(several) = run::run(&bytes[skimmed..], deflates, usize::MAX, plain) {
            let end = skimmed + several.octets;
            if several.opcode == Opcode::Close {
                // What goes on of it has to be known.
                break;
            }
            if around.passes(&self.passing(several, plain)) {
                skimmed = end;
                continue;
            }
            while let Some(one) = run::run(&bytes[skimmed..end], deflates, 1, plain) {
                // The gate may not wait for all of it, and then nobody judges it.
                if one.octets > self.limit {
                    break 'all;
                }
                let steps = around.judge(&self.passing(one, plain));
                if !steps.is_empty() {
                    self.judged = Some(steps);
                    break 'all;
                }
                skimmed += one.octets;
            }
        }
        self.gate.went_by(skimmed);
        skimmed
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
