//! What a lane did, told to the log and to whoever is asked.

use std::time::Instant;

use bytes::Bytes;

use super::Pair;
use crate::capture::{Act, By, Deed, Payload};
use crate::control::Ask;
use crate::relay::{Done, Told, Who};
use crate::rules::Rate;
use crate::ws::Direction;

impl Pair {
    /// A lane of `direction` did something.
    pub(super) fn told(&mut self, direction: Direction, told: Told) {
        let Told { offset, held, what, by } = told;
        let deed = match what {
            Done::Session(effect) => return self.session_effect(direction, effect, by, offset),
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
                self.act(direction, offset, Some(held), Deed::Held, by);
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
            Done::Stalled(time) => Deed::Stalled(time),
            Done::Throttled(Rate::Octets(rate)) => Deed::Throttled(format!("{rate} octets a second")),
            Done::Throttled(Rate::Messages(rate)) => Deed::Throttled(format!("{rate} messages a second")),
        };
        if let Some(held) = held.filter(|_| deed != Deed::Held) {
            self.controller.let_go(held);
        }
        self.act(direction, offset, held, deed, by);
    }

    /// Tells the log that something was done.
    pub(super) fn act(
        &mut self,
        direction: Direction,
        offset: Option<u64>,
        held: Option<u64>,
        deed: Deed,
        by: Who,
    ) {
        let time = self.tap.log().now();
        let act = Act { session: self.session, time, direction, number: None, held, deed, by: by_whom(by) };
        self.tap.act(act, offset);
    }
}

fn by_whom(who: Who) -> By {
    match who {
        Who::User => By::User,
        Who::Rule(name) => By::Rule(name),
        Who::Proxy => By::Proxy,
    }
}
