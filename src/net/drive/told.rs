//! What a lane did, told to the log and to whoever is asked.

use std::time::Instant;

use bytes::Bytes;

use super::Pair;
use crate::capture::{Act, By, Deed, Payload};
use crate::control::Ask;
use crate::relay::{Done, Told, Who};
use crate::ws::Direction;

/// What something is done to: a message or control frame of a direction, or its session.
#[derive(Clone, Copy)]
pub(super) struct About {
    pub(super) direction: Direction,
    /// Where it began in the direction's stream; none of a session.
    pub(super) offset: Option<u64>,
    /// What it is held under.
    pub(super) held: Option<u64>,
}

impl About {
    /// The session, which is of either direction.
    pub(super) const SESSION: About = About { direction: Direction::ToServer, offset: None, held: None };

    fn is_session(&self) -> bool {
        self.offset.is_none() && self.held.is_none()
    }

    /// The same; of a session, this side of it.
    pub(super) fn or_side(self, direction: Direction) -> About {
        if self.is_session() { About { direction, ..self } } else { self }
    }
}

impl Pair {
    /// A lane of `direction` did something.
    pub(super) fn told(&mut self, direction: Direction, told: Told) {
        let Told { offset, held, what, by } = told;
        let deed = match what {
            Done::Session(effect) => {
                return self.session_effect(&About { direction, offset, held: None }, effect, by);
            }
            Done::Sent(frames) => {
                let by = by_whom(by);
                return self.tap.injected(self.session, direction, &frames, Instant::now(), by);
            }
            Done::CloseSeen => {
                if let Some(closing) = self.touch.as_mut().and_then(|touch| touch.closing.as_mut()) {
                    closing.answered[direction as usize] = true;
                    self.again = true;
                }
                return;
            }
            Done::Asked { hook, limit, opcode, payload } => {
                let held = held.unwrap_or_default();
                let rule = if let Who::Rule(name) = &by { name.clone() } else { "".into() };
                self.act(&About { direction, offset, held: Some(held) }, Deed::Held, by);
                let (session, payload) = (self.session, payload.into());
                return self.controller.ask(Ask {
                    held,
                    session,
                    direction,
                    rule,
                    hook,
                    limit,
                    opcode,
                    payload,
                });
            }
            // Nobody would have had anything to say about it.
            Done::Unjudged if !self.is_reached(direction) => return,
            Done::Unjudged => Deed::Unjudged,
            Done::Held => Deed::Held,
            Done::Released => Deed::Released,
            Done::Replaced(opcode, payload) => Deed::Edited(opcode, Payload::from(Bytes::from(payload))),
            Done::Dropped => Deed::Dropped,
            Done::Duplicated(times) => Deed::Duplicated(times),
            Done::Delayed(time) => Deed::Delayed(time),
            Done::Reordered(behind) => Deed::Reordered(behind),
            Done::Corrupted(octets) => Deed::Corrupted(octets),
            Done::Truncated(octets) => Deed::Truncated(octets),
            Done::Full => Deed::Full,
            Done::Stalled(time) => Deed::Stalled(direction, time),
            Done::Throttled(rate) => Deed::Throttled(direction, rate.to_string()),
            Done::Lifted => Deed::Lifted,
            Done::Answered(opcode) => Deed::Sent(direction, opcode),
        };
        if let Some(held) = held.filter(|_| deed != Deed::Held) {
            self.controller.let_go(held);
        }
        self.act(&About { direction, offset, held }, deed, by);
    }

    /// Tells the log that something was done.
    pub(super) fn act(&mut self, about: &About, deed: Deed, by: Who) {
        let (session, time, by) = (self.session, self.tap.log().now(), by_whom(by));
        let About { direction, offset, held } = *about;
        self.tap.act(Act { session, time, direction, number: None, held, deed, by }, offset);
    }
}

pub(super) fn by_whom(who: Who) -> By {
    match who {
        Who::User => By::User,
        Who::Rule(name) => By::Rule(name),
        Who::Proxy => By::Proxy,
    }
}
