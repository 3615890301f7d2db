//! What came takes its place in the queue, with what is to be done with it.

use std::time::{Duration, Instant};

use super::queue::{Entry, What};
use super::{Done, Lane, Passing, Surroundings, Who};
use crate::relay::Verdict;
use crate::relay::gate::{Event, Frame, Whole};
use crate::rules::{Effect, Step};
use crate::ws::Opcode;

/// How long a control frame waits for the end of the message that it came in, to go on where it was: shorter than anybody
/// waits for the answer to a ping.
const PATIENCE: Duration = Duration::from_secs(1);

impl Lane {
    /// Takes apart what the sender sent, and lets go on what may.
    pub(super) fn feed(&mut self, bytes: &[u8], now: Instant, around: &mut dyn Surroundings) {
        let mut events = std::mem::take(&mut self.events);
        self.gate.feed(bytes, &mut events);
        for event in events.drain(..) {
            self.arrive(event, now, around);
            // What may go on makes room for what follows.
            self.run(now, around);
        }
        self.events = events;
        self.between_since = match self.gate.controls() {
            [] => None,
            _ => self.between_since.or(Some(now)),
        };
        self.run(now, around);
        let full = self.is_full(self.limit) && self.queue.waits_for_somebody();
        if full && !self.full {
            self.tell(None, None, Done::Full, Who::Proxy);
        }
        self.full = full;
    }

    /// Takes in what there is of the message under way: its end will not come.
    pub(super) fn take_rest(&mut self, now: Instant, around: &mut dyn Surroundings) {
        let mut events = Vec::new();
        self.gate.rest(&mut events);
        events.push(Event::Pass(std::mem::take(&mut self.kept)));
        for event in events {
            self.arrive(event, now, around);
        }
    }

    /// When the control frames between the frames of the message under way go on before it.
    pub(super) fn controls_go_at(&self) -> Option<Instant> {
        self.between_since.map(|since| since + PATIENCE)
    }

    /// Lets control frames go on before the message that they came in, where its end is long in coming, or something else is
    /// waited for.
    pub(super) fn let_controls_go(&mut self, now: Instant, around: &mut dyn Surroundings) {
        if self.controls_go_at().is_some_and(|time| time <= now || !self.is_idle()) {
            self.take_controls(now, around);
        }
    }

    /// Takes in the control frames of the message under way, before that.
    pub(super) fn take_controls(&mut self, now: Instant, around: &mut dyn Surroundings) {
        self.between_since = None;
        for frame in self.gate.take_controls() {
            self.control(frame, now, around);
        }
    }

    fn arrive(&mut self, event: Event, now: Instant, around: &mut dyn Surroundings) {
        match event {
            Event::Pass(bytes) if self.closed => drop(bytes),
            Event::Pass(bytes) => self.queue.push(Entry::new(What::Bytes(bytes))),
            Event::Piece(_) if self.closed => {}
            Event::Piece(piece) => {
                let bytes = piece.to_bytes(self.direction, around.masking_key());
                self.queue.push(Entry::new(What::Bytes(bytes)));
            }
            Event::Flowed(offset) => {
                let what = if self.closed { Done::Dropped } else { Done::Unjudged };
                self.tell(Some(offset), None, what, Who::Proxy);
            }
            Event::Control(frame) => self.control(frame, now, around),
            Event::Message(whole) => self.message(whole, now, around),
        }
    }

    fn message(&mut self, mut whole: Whole, now: Instant, around: &mut dyn Surroundings) {
        let of_controls: Vec<_> =
            whole.controls().iter().map(|frame| self.judge_control(frame, around)).collect();
        let passing = Passing {
            direction: self.direction,
            opcode: whole.opcode,
            payload: whole.payload.as_deref(),
            wire_size: whole.wire_size,
            compressed: whole.is_compressed(),
        };
        let mut steps = self.judge(&passing, around);
        let goes_by = steps.is_empty() && of_controls.iter().all(Vec::is_empty) && self.is_idle();
        if !goes_by {
            for (frame, steps) in whole.take_controls().into_iter().zip(of_controls) {
                self.judged_control(frame, steps, now, around);
            }
        }
        let mut entry = Entry::new(What::Message(whole));
        if self.closed {
            self.tell(entry.offset(), None, Done::Dropped, Who::Proxy);
            entry.verdict = Verdict::DROP;
            steps.clear();
        }
        self.apply(&mut entry, steps, now, around);
        self.queue.push(entry);
    }

    fn control(&mut self, frame: Frame, now: Instant, around: &mut dyn Surroundings) {
        let steps = self.judge_control(&frame, around);
        self.judged_control(frame, steps, now, around);
    }

    /// What is to be done with what comes next, unless nothing goes on any more.
    fn judge(&mut self, passing: &Passing<'_>, around: &mut dyn Surroundings) -> Vec<Step<Effect>> {
        match self.closed {
            true => Vec::new(),
            false => self.judged.take().unwrap_or_else(|| around.judge(passing)),
        }
    }

    fn judge_control(&mut self, frame: &Frame, around: &mut dyn Surroundings) -> Vec<Step<Effect>> {
        let passing = Passing {
            direction: self.direction,
            opcode: frame.opcode,
            payload: Some(&frame.payload),
            wire_size: frame.payload.len() as u64,
            compressed: false,
        };
        self.judge(&passing, around)
    }

    fn judged_control(
        &mut self,
        frame: Frame,
        steps: Vec<Step<Effect>>,
        now: Instant,
        around: &mut dyn Surroundings,
    ) {
        if self.closed {
            self.tell(Some(frame.offset), None, Done::Dropped, Who::Proxy);
            if frame.opcode == Opcode::Close {
                self.tell(None, None, Done::CloseSeen, Who::Proxy);
            }
            return;
        }
        // Behind a close frame nothing may follow (RFC 6455 5.5.1): it waits for all before it, and overtakes nothing.
        if frame.opcode == Opcode::Close {
            self.queue.end();
        }
        let mut entry = Entry::new(What::Control(frame));
        self.apply(&mut entry, steps, now, around);
        self.queue.push(entry);
    }
}
