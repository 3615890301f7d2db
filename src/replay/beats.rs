//! Heartbeats of a session being played: not sent and not expected, and answered as they were recorded to be.

use bytes::Bytes;
use serde_json::Value;

use super::path::{at, at_mut, each_place};
use super::script::{Step, What};
use crate::capture::{Kind, Message, Payload};
use crate::decode::{Beat, Heartbeats};
use crate::ws::{Direction, Opcode};

/// The heartbeats of a session, and how this end answers those of the other.
#[derive(Default)]
pub(super) struct Beats {
    /// None where they are messages like any others.
    known: Option<Heartbeats>,
    /// The other end's heartbeat that was recorded last, until it is answered.
    asked: Option<Bytes>,
    /// One of the other end's, and what this end answered.
    answer: Option<(Bytes, Message)>,
}

impl Beats {
    pub fn new(known: Option<Heartbeats>) -> Beats {
        Beats { known, ..Beats::default() }
    }

    /// Which part of a heartbeat a message is; none where it is not one, or where none count as such.
    pub fn beat(&self, opcode: Opcode, payload: &[u8]) -> Option<Beat> {
        self.known.as_ref()?.beat(opcode, payload).filter(|_| !opcode.is_control())
    }

    /// Learns from a recorded step; gives whether it is a heartbeat.
    pub fn learn(&mut self, step: &Step, ours: Direction) -> bool {
        let What::Message(message) = &step.what else { return false };
        let (Kind::Frame(opcode), Some(payload)) = (message.kind, message.payload.in_memory()) else {
            return false;
        };
        let Some(beat) = self.beat(opcode, payload) else { return false };
        if step.from != ours {
            self.asked = (beat != Beat::Answers).then(|| payload.clone());
        } else if beat != Beat::Asks
            && let Some(asked) = self.asked.take()
        {
            self.answer.get_or_insert_with(|| (asked, message.clone()));
        }
        true
    }

    /// What a heartbeat of the other end is answered, as far as the recording tells.
    pub fn answer(&self, live: &[u8]) -> Option<Message> {
        let (asked, answer) = self.answer.as_ref()?;
        let mut message = answer.clone();
        if let Some(payload) = carried_over(asked, live, answer.payload.in_memory()?) {
            message.size = payload.len() as u64;
            message.payload = Payload::from(payload);
        }
        Some(message)
    }
}

/// The recorded answer with what it has from its question (a reference, a time) as it is in the live one.
fn carried_over(asked: &[u8], live: &[u8], answer: &[u8]) -> Option<Vec<u8>> {
    let value = |bytes| serde_json::from_slice::<Value>(bytes).ok();
    let (asked, live, recorded) = (value(asked)?, value(live)?, value(answer)?);
    let mut answer = recorded.clone();
    each_place(&recorded, &mut Vec::new(), &mut |trail, value| {
        let is_leaf = !value.is_object() && !value.is_array();
        if is_leaf
            && at(&asked, trail) == Some(value)
            && let (Some(new), Some(place)) = (at(&live, trail), at_mut(&mut answer, trail))
        {
            *place = new.clone();
        }
    });
    Some(answer.to_string().into_bytes())
}
