//! Messages that go on while they come, as they cannot be kept until all of them is there.

use super::{Event, Gate, Open, Piece, in_order};
use crate::ws::Opcode;

/// What becomes of the message under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    /// It is kept until all of it is there.
    Kept,
    /// It goes on by the octets it comes in: it is too long to be kept, or will never be whole.
    AsItCame,
    /// It is too long to be kept, and goes on in frames of our own; whether one has.
    Anew { begun: bool },
}

impl Gate {
    /// Lets the message under way go on while it comes, in order, where its compression does not forbid it, or is broken:
    /// then it goes as it came. Whether it goes on.
    pub(super) fn let_flow(&mut self, events: &mut Vec<Event>) -> bool {
        let goes_on_as_compressed = self.goes_on_as_compressed();
        let Some(open) = &mut self.open else { return false };
        if open.flow == Flow::Kept && (goes_on_as_compressed || !open.compressed || open.broken) {
            open.flow = Flow::AsItCame;
            open.payload = Vec::new();
            in_order(std::mem::take(&mut open.raw), std::mem::take(&mut open.between), events);
        }
        open.flow != Flow::Kept
    }

    /// Lets the message under way go on while it comes, inflated, and the control frames that came in it before that.
    pub(super) fn let_flow_anew(&mut self, events: &mut Vec<Event>) {
        let Some(open) = &mut self.open else { return };
        open.flow = Flow::Anew { begun: false };
        events.extend(open.between.take_out_of(&mut open.raw).into_iter().map(Event::Control));
        open.raw = Vec::new();
        open.piece(false, events);
    }
}

impl Open {
    /// Whether it goes on in frames of our own.
    pub(super) fn is_anew(&self) -> bool {
        matches!(self.flow, Flow::Anew { .. })
    }

    /// What there is of its payload goes on as a frame of our own.
    pub(super) fn piece(&mut self, fin: bool, events: &mut Vec<Event>) {
        let Flow::Anew { begun } = &mut self.flow else { return };
        let opcode = if *begun { Opcode::Continuation } else { self.opcode };
        let payload = std::mem::take(&mut self.payload);
        if !payload.is_empty() || fin {
            *begun = true;
            events.push(Event::Piece(Piece { opcode, payload, fin, broken: self.broken }));
        }
    }
}
