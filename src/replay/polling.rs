//! Engine.IO's change from polls to a WebSocket, as Socket.IO has it: what it takes to go the same way each time.
//!
//! The client asks over the WebSocket whether it works, while its polls go on. Once it hears that it does, it begins no
//! further request, and changes when those under way are answered. Whether it hears that before or after the answer to a
//! poll is a matter of microseconds, and decides on what goes which way from then on. The recording tells how it was:
//! the requests that it holds are those that were begun before.

use super::kin::Kin;
use super::visit::Visit;
use crate::capture::{Kind, Message, Stamp};
use crate::ws::{Direction, Opcode};

/// Whether the server says here that the WebSocket works.
pub(super) fn is_probe_answered(message: &Message) -> bool {
    message.direction == Direction::ToClient
        && message.kind == Kind::Frame(Opcode::Text)
        && message.payload.in_memory().is_some_and(|text| text == &b"3probe"[..])
}

/// Of the polls of one conversation, in the order in which they were made, which was told at `probe` that its WebSocket
/// works: that waits for all of them to be made, and the answer to the last for that.
pub(super) fn settle(visits: &mut [Visit], kin: &Kin, probe: Stamp) {
    let polls = visits
        .iter_mut()
        .filter(|visit| visit.kin.belongs_with(kin) && visit.title().contains("transport=polling"));
    let mut last = None;
    for visit in polls {
        visit.probe = Some(probe);
        if !visit.is_act() {
            last = Some(visit);
        }
    }
    if let Some(last) = last {
        last.answered = last.answered.max(Some(Stamp(probe.0 + 1)));
    }
}
