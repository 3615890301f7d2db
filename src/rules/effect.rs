//! What can be done with a message, a session, and an opening handshake.

use std::sync::Arc;
use std::time::Duration;

use crate::ws::{Direction, Opcode};

/// One thing to be done, and who wants it.
#[derive(Clone, Debug, PartialEq)]
pub struct Step<E> {
    /// The rule's name; none where the user asked for it by hand.
    pub rule: Option<Arc<str>>,
    /// What.
    pub effect: E,
}

/// What is to be done with a message or control frame, or on its occasion. Where several change a message, each sees
/// what the one before made of it.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// It waits until the user says what becomes of it.
    Hold,
    /// It waits until a hook has said what becomes of it, for this long at most; then it goes on as it is.
    Ask {
        /// The hook's command.
        hook: Arc<str>,
        /// How long it may take.
        limit: Duration,
    },
    /// It does not go on. Of a ping or pong: it is swallowed.
    Drop,
    /// This goes on in its place.
    Replace(Opcode, Vec<u8>),
    /// It goes on this many times more.
    Duplicate(u32),
    /// It goes on after so many of the messages behind it.
    Reorder(u32),
    /// It, and what is behind it, goes on so much later.
    Delay(Duration),
    /// These octets of its frames' payload, as they are on the wire, are changed: place and what it is xored with.
    Corrupt(Vec<(u64, u8)>),
    /// Only so many octets of its frame go on, header included; then the connection to its receiver ends, with a reset or without.
    Truncate {
        /// How many octets go on.
        octets: u64,
        /// Whether the connection is reset rather than finished.
        reset: bool,
    },
    /// Frames of our own making are sent before it.
    Send {
        /// Which way.
        direction: Direction,
        /// Opcode and payload of each.
        opcode: Opcode,
        /// Its payload.
        payload: Vec<u8>,
    },
    /// The session is closed with a closing handshake of our own, with both ends.
    Close {
        /// The status code.
        code: u16,
        /// The reason.
        reason: String,
    },
    /// Both connections are reset.
    Reset,
    /// Nothing goes on in this direction for so long; forever where none is said.
    Stall(Direction, Option<Duration>),
    /// From here on no more than this goes on in this direction.
    Throttle(Direction, Rate),
    /// What the rule began in either direction, a stall or a slower pace, is over.
    Lift,
    /// The user's mark is put on it.
    Mark,
    /// Its session is left out of recordings from here on.
    StopRecording,
}

/// How fast a direction may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rate {
    /// Octets a second.
    Octets(f64),
    /// Messages a second.
    Messages(f64),
}

/// What is to be done with the head of an opening handshake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HandshakeEdit {
    /// It waits until the user says what becomes of it.
    Hold,
    /// The server is not asked: the client gets this answer.
    Refuse(Refusal),
    /// The header has this value, once.
    Set(String, String),
    /// The header is taken out.
    Remove(String),
    /// It goes on so much later.
    Delay(Duration),
}

/// An answer in the place of the server's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The status code, 400 to 599.
    pub status: u16,
    /// The body, as text.
    pub body: String,
}
