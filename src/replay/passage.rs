//! What became of a recorded message on its way through the proxy: what the end received that it was for.

use std::collections::HashMap;

use crate::capture::{Act, Deed, Kind, Message, Payload};
use crate::ws::Opcode;

/// What was done to a message, as far as its receiver noticed. By default, nothing was.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Passage {
    /// What went on in its place.
    pub edited: Option<(Opcode, Payload)>,
    /// Whether it did not go on.
    pub is_dropped: bool,
    /// How many times more it went on.
    pub again: u32,
}

impl Passage {
    /// This was done to it too, after what is in it. The payload is in memory.
    pub fn add(&mut self, deed: Deed) {
        match deed {
            Deed::Edited(opcode, payload) => self.edited = Some((opcode, payload)),
            Deed::Dropped => self.is_dropped = true,
            Deed::Duplicated(times) => self.again = self.again.saturating_add(times),
            _ => {}
        }
    }

    /// Makes of what was sent what was received. How an edited message was framed is not known: in one frame.
    pub(super) fn edit(&self, message: &mut Message) {
        let Some((opcode, payload)) = &self.edited else { return };
        message.kind = Kind::Frame(*opcode);
        message.size = payload.len();
        message.wire_size = payload.len();
        message.compressed = false;
        message.complete = true;
        message.frames.clear();
        message.frames_left_out = 0;
        message.payload = payload.clone();
    }
}

/// What became of the messages of a session.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Passages(HashMap<u64, Passage>);

impl Passages {
    /// This was done to one of them, after what is in here.
    pub fn add(&mut self, act: Act) {
        let counts = matches!(act.deed, Deed::Edited(..) | Deed::Dropped | Deed::Duplicated(_));
        if let Some(number) = act.number.filter(|_| counts) {
            self.0.entry(number).or_default().add(act.deed);
        }
    }

    /// What became of the message of this number.
    pub fn of(&self, number: u64) -> Passage {
        self.0.get(&number).cloned().unwrap_or_default()
    }
}
