//! What a rule can do. One fault is one file with its entry of the table: how it is written, and what it comes to.

mod close;
mod corrupt;
mod delay;
mod drop;
mod duplicate;
mod hold;
mod mark;
mod page;
mod prelude;
mod refuse;
mod remove;
mod remove_header;
mod reorder;
mod replace;
mod reset;
mod run;
mod send;
mod set;
mod set_header;
mod stall;
mod stop_recording;
mod substitute;
mod swallow;
mod throttle;
mod truncate;

use std::fmt::Debug;

pub use page::page;

use super::file::{Arguments, Wrong};
use super::random::Random;
use super::rule::Occasion;
use super::{Effect, HandshakeEdit, Seen};
use crate::ws::{Direction, Opcode};

/// All that a rule can do, in the order in which it is explained.
pub(super) static FAULTS: [Fault; 23] = [
    hold::FAULT,
    drop::FAULT,
    swallow::FAULT,
    replace::FAULT,
    set::FAULT,
    remove::FAULT,
    substitute::FAULT,
    delay::FAULT,
    throttle::FAULT,
    duplicate::FAULT,
    reorder::FAULT,
    corrupt::FAULT,
    truncate::FAULT,
    close::FAULT,
    reset::FAULT,
    stall::FAULT,
    refuse::FAULT,
    set_header::FAULT,
    remove_header::FAULT,
    send::FAULT,
    mark::FAULT,
    stop_recording::FAULT,
    run::FAULT,
];

/// One thing that a rule can do.
pub(super) struct Fault {
    /// Its key in `then`.
    pub(super) name: &'static str,
    /// Other keys beside it.
    pub(super) options: &'static [&'static str],
    /// When it can be done; the first is meant where a rule does not say.
    pub(super) on: &'static [Occasion],
    /// How it and its options are written, and what that does.
    forms: &'static [(&'static str, &'static str)],
    example: Example,
    /// Reads what stands behind its name.
    pub(super) read: fn(&Arguments) -> Result<Box<dyn Act>, Wrong>,
}

/// A rule, and something that it acts on.
struct Example {
    rule: &'static str,
    given: Given,
}

/// What an example is about.
enum Given {
    Message(Direction, Opcode, &'static [u8]),
    Open,
    Handshake,
    Response,
    /// The same so many times.
    Times {
        turn: u32,
        of: &'static Given,
    },
}

/// What is done, once it was read.
pub(super) trait Act: Debug + Send + Sync {
    /// With a message or control frame.
    fn message(&self, _: &mut Moment) {}

    /// Whether it is for what its rule's filter is true of, where the filter means that or not: one that is about control
    /// frames reaches them whatever the filter names, and nothing else.
    fn is_for(&self, _: Opcode, is_meant: bool) -> bool {
        is_meant
    }

    /// When a session has opened.
    fn opened(&self, _: &mut Opened) {}

    /// Whether recordings of a session may end by it.
    fn stops_recording(&self) -> bool {
        false
    }

    /// With the head of an opening handshake.
    fn handshake(&self, _: &mut Random) -> Vec<HandshakeEdit> {
        Vec::new()
    }
}

/// A message that a rule acts on, as the rules before have left it, and what is to be done.
pub(super) struct Moment<'a> {
    pub(super) seen: &'a Seen<'a>,
    pub(super) random: &'a mut Random,
    pub(super) effects: Vec<Effect>,
}

impl Moment<'_> {
    /// Changes the payload of a data message, where `change` gives another.
    fn change(&mut self, change: impl FnOnce(&[u8]) -> Option<Vec<u8>>) {
        let opcode = self.seen.opcode;
        if let (Opcode::Text | Opcode::Binary, Some(payload)) = (opcode, self.seen.payload)
            && let Some(changed) = change(payload)
            && changed != payload
        {
            self.effects.push(Effect::Replace(opcode, changed));
        }
    }
}

/// A session that has opened, and what is to be done.
pub(super) struct Opened {
    pub(super) effects: Vec<Effect>,
}

/// The fault of that name.
pub(super) fn named(name: &str) -> Option<&'static Fault> {
    FAULTS.iter().find(|fault| fault.name == name)
}

#[cfg(test)]
mod tests;
