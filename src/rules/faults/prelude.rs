//! What every fault's file needs.

pub(super) use super::{Act, Example, Fault, Given, Moment, Opened};
pub(super) use crate::rules::random::Random;
pub(super) use crate::rules::rule::Occasion;
pub(super) use crate::rules::{Effect, HandshakeEdit};
pub(super) use crate::ws::{Direction, Opcode};

/// Text from the client.
pub(super) const fn client(text: &'static str) -> Given {
    Given::Message(Direction::ToServer, Opcode::Text, text.as_bytes())
}

/// Text from the server.
pub(super) const fn server(text: &'static str) -> Given {
    Given::Message(Direction::ToClient, Opcode::Text, text.as_bytes())
}
