//! What a view can ask for, and what became of it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::filter::Filter;
use crate::rules::RuleSet;
use crate::ws::{Direction, LengthForm, Opcode};

/// What a view can ask for.
#[derive(Clone, Debug)]
pub enum Command {
    /// Say what becomes of something that is held.
    Settle {
        /// What it is held under.
        held: u64,
        /// What becomes of it.
        verdict: Verdict,
    },
    /// Let all that is held go on as it is, of one session or of all, in order.
    ReleaseAll {
        /// Of which session; of all where none is said.
        session: Option<u32>,
    },
    /// Send frames to one end of an open session, at the next message boundary.
    Send {
        /// The session's number.
        session: u32,
        /// Which way they go.
        direction: Direction,
        /// What is sent, in order.
        frames: Vec<FrameSpec>,
    },
    /// Close a session by a closing handshake with both ends.
    Close {
        /// The session's number.
        session: u32,
        /// The status code; none sends no code.
        code: Option<u16>,
        /// The reason.
        reason: String,
    },
    /// Hold what this matches from here on; none holds nothing more. What is held already stays so.
    Hold(Option<Filter>),
    /// These rules hold from here on.
    Rules(RuleSet),
    /// A rule that was given holds no more, or holds again; that its file says otherwise, or is read again, changes
    /// nothing about it. What it does in a session is counted from the beginning again.
    Switch {
        /// Its name.
        rule: Arc<str>,
        /// Whether it holds.
        to: Switch,
    },
    /// Reset both connections of a session or tunnel.
    Kill {
        /// Its number.
        session: u32,
    },
    /// Stop listening, let what is held go on, reset what is open, and end.
    ShutDown,
}

/// Whether something is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Switch {
    /// It is.
    On,
    /// It is not.
    Off,
}

/// What becomes of something held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It goes on as it is.
    Forward,
    /// It does not go on; of a handshake: the client's connection is closed without an answer.
    Drop,
    /// Of a message: it goes on so many times.
    Repeat(u32),
    /// Of a message: this goes on in its place.
    Replace(Opcode, Bytes),
    /// Of a message: this is sent that way first, and then it goes on as it is.
    Answer(Direction, Opcode, Bytes),
    /// Of a handshake: this head goes to the server in place of the client's, to its last empty line.
    ReplaceHead(Bytes),
    /// Of a handshake: the server is not asked, and the client gets this status and body.
    Refuse(u16, String),
    /// The session is closed with this status code and reason; the message does not go on.
    Close(u16, String),
}

/// A frame to be sent; everything about it can be chosen, so that wrong ones can be made on purpose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameSpec {
    /// What it is.
    pub opcode: Opcode,
    /// Its payload.
    pub payload: Bytes,
    /// FIN.
    pub fin: bool,
    /// Reserved bits: rsv1 is 4, rsv2 is 2, rsv3 is 1.
    pub reserved_bits: u8,
    /// Whether it is masked; none does what the direction asks for (RFC 6455 5.3).
    pub masked: Option<bool>,
    /// How its length is written; none takes the shortest.
    pub length_form: Option<LengthForm>,
}

impl FrameSpec {
    /// A whole message or control frame, as any endpoint would send it.
    pub fn new(opcode: Opcode, payload: impl Into<Bytes>) -> FrameSpec {
        FrameSpec {
            opcode,
            payload: payload.into(),
            fin: true,
            reserved_bits: 0,
            masked: None,
            length_form: None,
        }
    }
}

/// A hook is asked what becomes of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// The number under which the message is held.
    pub held: u64,
    /// The session's number.
    pub session: u32,
    /// Which way the message goes.
    pub direction: Direction,
    /// The rule that asks.
    pub rule: Arc<str>,
    /// The hook's command.
    pub hook: Arc<str>,
    /// How long it may take; then the message goes on.
    pub limit: Duration,
    /// What the message is.
    pub opcode: Opcode,
    /// Its payload.
    pub payload: Bytes,
}

/// What became of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is being done.
    Done,
    /// There is no such session, or it is over; or nothing is held under that number any more.
    NotThere,
}
