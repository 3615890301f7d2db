//! The wire format of RFC 6455 and RFC 7692: no IO, no clock, no randomness, nothing of the proxy's own.
//!
//! Reading never fails: it gives what is there and a list of [`Violation`]s.

pub mod header;

pub mod walker;

pub mod mask;

pub mod utf8;

pub mod close;

pub mod violation;

pub mod extension;

pub mod inflate;

pub mod deflate;

pub mod message;

pub mod encode;

pub mod handshake;

pub use close::{Close, StatusCode};
pub use deflate::Deflater;
pub use encode::Frame;
pub use extension::{OtherExtension, PermessageDeflate};
pub use handshake::{Examination, RequestHead, ResponseHead};
pub use header::{FrameHeader, LengthForm};
pub use message::{Finished, MessageReader, Part, Scratch, Sink};
pub use violation::Violation;
pub use walker::{FrameWalker, Walked};

use std::fmt;

/// Which way bytes travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Direction {
    /// From the client to the server.
    ToServer,
    /// From the server to the client.
    ToClient,
}

impl Direction {
    /// Both, the client's first.
    pub const BOTH: [Direction; 2] = [Direction::ToServer, Direction::ToClient];

    /// The other way.
    pub fn opposite(self) -> Direction {
        match self {
            Direction::ToServer => Direction::ToClient,
            Direction::ToClient => Direction::ToServer,
        }
    }

    /// Who sends in this direction: `client` or `server`.
    pub fn sender(self) -> &'static str {
        match self {
            Direction::ToServer => "client",
            Direction::ToClient => "server",
        }
    }
}

/// What a frame is, in the order of RFC 6455 5.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Opcode {
    /// 0x0: more of the message under way.
    Continuation,
    /// 0x1: a message of UTF-8 text begins.
    Text,
    /// 0x2: a message of bytes begins.
    Binary,
    /// 0x8: the closing handshake.
    Close,
    /// 0x9: a ping.
    Ping,
    /// 0xA: a pong.
    Pong,
    /// 0x3 to 0x7 and 0xB to 0xF, which no RFC gives a meaning.
    Reserved(u8),
}

impl Opcode {
    /// How many octets of payload a control frame holds at the most (RFC 6455 5.5).
    pub const LONGEST_CONTROL: usize = 125;

    /// From the low four bits of a frame's first byte.
    pub fn from_bits(bits: u8) -> Opcode {
        match bits & 0x0f {
            0x0 => Opcode::Continuation,
            0x1 => Opcode::Text,
            0x2 => Opcode::Binary,
            0x8 => Opcode::Close,
            0x9 => Opcode::Ping,
            0xa => Opcode::Pong,
            other => Opcode::Reserved(other),
        }
    }

    /// The four bits of the wire.
    pub fn bits(self) -> u8 {
        match self {
            Opcode::Continuation => 0x0,
            Opcode::Text => 0x1,
            Opcode::Binary => 0x2,
            Opcode::Close => 0x8,
            Opcode::Ping => 0x9,
            Opcode::Pong => 0xa,
            Opcode::Reserved(bits) => bits,
        }
    }

    /// Whether the high bit is set: close, ping, pong and the reserved control opcodes (RFC 6455 5.5).
    pub fn is_control(self) -> bool {
        self.bits() & 0x8 != 0
    }
}

/// In words: `text`, `ping`, `reserved opcode 0x3`.
impl fmt::Display for Opcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Opcode::Continuation => f.pad("continuation"),
            Opcode::Text => f.pad("text"),
            Opcode::Binary => f.pad("binary"),
            Opcode::Close => f.pad("close"),
            Opcode::Ping => f.pad("ping"),
            Opcode::Pong => f.pad("pong"),
            Opcode::Reserved(bits) => write!(f, "reserved opcode {bits:#x}"),
        }
    }
}

/// Foreign words for a sentence: in quotes, control characters escaped, cut when long.
fn quote(words: &str) -> String {
    const LONGEST: usize = 120;
    let mut quoted = String::from("\"");
    for sign in words.chars().take(LONGEST) {
        if sign.is_control() {
            quoted.extend(sign.escape_default());
        } else {
            quoted.push(sign);
        }
    }
    if words.chars().nth(LONGEST).is_some() {
        quoted.push('…');
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_opcode_survives_its_bits() {
        for bits in 0..16 {
            let opcode = Opcode::from_bits(bits | 0xf0);
            assert_eq!(opcode.bits(), bits);
            assert_eq!(opcode.is_control(), bits >= 8);
        }
    }
}
