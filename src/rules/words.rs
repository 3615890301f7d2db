//! What is to be done, in words.

use std::fmt;

use super::{Effect, HandshakeEdit, Rate};
use crate::decode;
use crate::ws::{Direction, Opcode};

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Effect::Hold => f.write_str("held"),
            Effect::Ask { hook, limit } => write!(f, "{hook} is asked, for {limit:?} at the most"),
            Effect::Drop => f.write_str("dropped"),
            Effect::Replace(opcode, payload) => write!(f, "replaced by {}", content(*opcode, payload)),
            Effect::Duplicate(1) => f.write_str("sent once more"),
            Effect::Duplicate(more) => write!(f, "sent {more} times more"),
            Effect::Reorder(1) => f.write_str("sent after the next message"),
            Effect::Reorder(behind) => write!(f, "sent after the next {behind} messages"),
            Effect::Delay(delay) => write!(f, "delayed by {delay:.1?}"),
            Effect::Corrupt(changes) => {
                f.write_str("corrupted on the wire:")?;
                for (place, (at, xor)) in changes.iter().enumerate() {
                    let comma = if place > 0 { "," } else { "" };
                    write!(f, "{comma} octet {at} xored with {xor:#04x}")?;
                }
                Ok(())
            }
            Effect::Truncate { octets, reset } => {
                let end = if *reset { "is reset" } else { "ends" };
                write!(f, "cut off after {octets} octets of its frame, and the connection {end}")
            }
            Effect::Send { direction, opcode, payload } => {
                write!(f, "sent to the {}: {}", receiver(*direction), content(*opcode, payload))
            }
            Effect::Close { code, reason } if reason.is_empty() => {
                write!(f, "the session is closed with {code}")
            }
            Effect::Close { code, reason } => write!(f, "the session is closed with {code} {reason:?}"),
            Effect::Reset => f.write_str("both connections are reset"),
            Effect::Stall(direction, None) => {
                write!(f, "nothing that the {} sends goes on from here", direction.sender())
            }
            Effect::Stall(direction, Some(limit)) => {
                write!(f, "nothing that the {} sends goes on for {limit:?}", direction.sender())
            }
            Effect::Throttle(direction, rate) => {
                write!(f, "the {} is slowed down to {rate}", direction.sender())
            }
            Effect::Lift => f.write_str("what it stalled or slowed down is so no more"),
            Effect::Mark => f.write_str("marked"),
            Effect::StopRecording => f.write_str("its session is left out of recordings from here on"),
        }
    }
}

impl fmt::Display for HandshakeEdit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HandshakeEdit::Hold => f.write_str("held"),
            HandshakeEdit::Refuse(refusal) => write!(f, "refused with {}", refusal.status),
            HandshakeEdit::Set(name, value) => write!(f, "header set: {name}: {value}"),
            HandshakeEdit::Remove(name) => write!(f, "header removed: {name}"),
            HandshakeEdit::Delay(delay) => write!(f, "delayed by {delay:.1?}"),
        }
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Rate::Octets(count) => write!(f, "{count} octets a second"),
            Rate::Messages(count) => write!(f, "{count} messages a second"),
        }
    }
}

fn receiver(direction: Direction) -> &'static str {
    direction.opposite().sender()
}

/// A message or control frame on one line.
fn content(opcode: Opcode, payload: &[u8]) -> String {
    let shown = decode::summary(decode::detect(opcode, payload), payload, SHOWN);
    match opcode {
        Opcode::Text => shown,
        _ if payload.is_empty() => opcode.to_string(),
        _ => format!("{opcode} {shown}"),
    }
}

/// How much is shown of what is sent, in characters.
const SHOWN: usize = 200;
