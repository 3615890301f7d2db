//! What a session is told to do, by the user and by rules.

use std::time::{Duration, Instant};

use super::Pair;
use super::told::{About, by_whom};
use super::touch::{Closing, Task, Touch, masking_key};
use crate::capture::{Deed, Ending, Opened, Opening};
use crate::control::{FrameSpec, Order, Verdict};
use crate::relay::{self, Who};
use crate::rules::{Effect, Judge, Step};
use crate::ws::{Close, Direction, Frame, Opcode, StatusCode, encode};

/// How long what a session agreed on is kept beside the log, which has it within milliseconds.
const FRESH: Duration = Duration::from_millis(200);
/// How long both ends may take to answer a close frame of ours.
const CLOSE_LIMIT: Duration = Duration::from_secs(5);

impl Pair {
    /// Does what the session is told.
    pub(super) fn obey(&mut self, order: Order) {
        match order {
            Order::End(how) => {
                if how == Ending::Shutdown {
                    self.each_lane(|lane, around| lane.hurry(&Who::Proxy, Instant::now(), around));
                    self.let_go = self.touch.as_ref().is_some_and(|touch| !touch.is_idle());
                }
                self.end_now = Some(how);
            }
            Order::Settle(held, verdict) => self.settle(held, verdict),
            Order::ReleaseAll => {
                self.each_lane(|lane, around| lane.release_all(&Who::User, Instant::now(), around));
            }
            Order::Send(_, frames) if frames.is_empty() => {}
            Order::Send(direction, frames) => {
                let frames = frames.iter().flat_map(|frame| written(direction, frame)).collect();
                self.task(direction, Task::Send(frames, Who::User));
            }
            Order::Close(code, reason) => self.close(&About::SESSION, code, reason, &Who::User),
        }
    }

    /// Heeds a change of the rules.
    pub(super) fn heed_rules(&mut self) {
        // By now the log has it.
        self.fresh.take_if(|(opened, _)| opened.elapsed() > FRESH);
        let version = self.controller.rules_version();
        if self.ruled == version || self.ruled == u64::MAX {
            return;
        }
        let rules = self.controller.rules();
        if self.touch.is_none() && !rules.is_empty() && !self.begin_touch() {
            // The log has let go of the opening.
            self.ruled = version;
            return;
        }
        self.ruled = version;
        let Some(touch) = &mut self.touch else { return };
        self.controller.heed_rules(self.session);
        // Others may have come to hold before that.
        self.again = true;
        touch.reach = rules.reach(&touch.flow);
        let steps = touch.judge.replace(rules, &touch.flow);
        touch.leave_short_way();
        for Step { rule, effect } in steps {
            self.session_effect(&About::SESSION, effect, rule.map_or(Who::User, Who::Rule));
        }
    }

    /// The session is open: what rules want done at once.
    pub(super) fn opened(&mut self) {
        let Some(touch) = &mut self.touch else { return };
        for Step { rule, effect } in touch.judge.opened(&touch.flow) {
            self.session_effect(&About::SESSION, effect, rule.map_or(Who::User, Who::Rule));
        }
    }

    /// Something is to be done with the session, because of the message that it is `about`, or of none.
    pub(super) fn session_effect(&mut self, about: &About, effect: Effect, by: Who) {
        match effect {
            Effect::Close { code, reason } => self.close(about, Some(code), reason, &by),
            Effect::Reset => {
                let why = format!("reset by {}", by_whom(by.clone()));
                self.act(about, Deed::Reset, by);
                self.end_now = Some(Ending::Failed(why));
            }
            Effect::Mark => self.act(about, Deed::Marked, by),
            Effect::StopRecording => self.act(about, Deed::RecordingStopped, by),
            Effect::Send { direction, opcode, payload } => {
                self.act(about, Deed::Sent(direction, opcode), by.clone());
                let frame = encode::message(direction, opcode, &payload, masking_key());
                self.task(direction, Task::Send(frame, by));
            }
            Effect::Stall(direction, time) => {
                self.act(&about.or_side(direction), Deed::Stalled(direction, time), by.clone());
                self.task(direction, Task::Stall(time, by));
            }
            Effect::Throttle(direction, rate) => {
                self.act(&about.or_side(direction), Deed::Throttled(direction, rate.to_string()), by.clone());
                self.task(direction, Task::Throttle(rate, by));
            }
            Effect::Lift => Direction::BOTH.into_iter().for_each(|direction| self.lift(direction, &by)),
            // What is left is done with a message, by its lane.
            _ => {}
        }
    }

    /// Makes sure that the session can be touched.
    pub(super) fn touch_by_hand(&mut self) {
        if self.touch.is_none() && !self.begin_touch() {
            let opening = Opening { session: self.session, ..Opening::default() };
            self.touch = Some(Box::new(Touch::new(Judge::new(self.controller.rules()), &opening)));
        }
    }

    /// Reads from the log what there is to know; whether it is there.
    fn begin_touch(&mut self) -> bool {
        let opening = self.fresh.take().map(|(_, opening)| *opening).or_else(|| {
            match self.tap.log().opening(self.session) {
                Ok(Some(Opened::Session(opening))) => Some(opening),
                _ => None,
            }
        });
        let Some(opening) = opening else { return false };
        self.touch = Some(Box::new(Touch::new(Judge::new(self.controller.rules()), &opening)));
        true
    }

    fn settle(&mut self, held: u64, verdict: Verdict) {
        let Some((direction, by)) = self.holder(held) else { return };
        let about = About { direction, offset: None, held: Some(held) };
        let verdict = match verdict {
            // Heads are of handshakes, which are not held here.
            Verdict::Forward | Verdict::ReplaceHead(_) | Verdict::Refuse(..) => relay::Verdict::FORWARD,
            Verdict::Repeat(times) => relay::Verdict { replacement: None, times },
            Verdict::Drop => relay::Verdict::DROP,
            Verdict::Replace(opcode, payload) => {
                relay::Verdict { replacement: Some((opcode, payload.to_vec())), times: 1 }
            }
            Verdict::Answer(direction, opcode, payload) => {
                let effect = Effect::Send { direction, opcode, payload: payload.to_vec() };
                self.session_effect(&about, effect, by);
                relay::Verdict::FORWARD
            }
            Verdict::Close(code, reason) => {
                // Nothing that waits behind it goes on before the session is closed.
                self.with_lane(direction, |lane, _| lane.withhold(held, &by));
                return self.session_effect(&about, Effect::Close { code, reason }, by);
            }
        };
        self.with_lane(direction, |lane, around| {
            lane.settle(held, verdict, Who::User, Instant::now(), around);
        });
        self.again = true;
    }

    /// In which direction something is held, and whose word it is when the user settles it, or a hook.
    fn holder(&mut self, held: u64) -> Option<(Direction, Who)> {
        let mut found = None;
        for direction in Direction::BOTH {
            self.with_lane(direction, |lane, _| {
                found = found.take().or(lane.whose(held, Who::User).map(|by| (direction, by)));
            });
        }
        found
    }

    /// Closes the session by a closing handshake with both ends, because of what it is `about`.
    fn close(&mut self, about: &About, code: Option<u16>, reason: String, by: &Who) {
        self.touch_by_hand();
        // An end that has closed already has said its last, and the other has heard it.
        let closed = Direction::BOTH.map(|direction| self.has_closed(direction));
        let Some(touch) = &mut self.touch else { return };
        if touch.closing.is_some() {
            return;
        }
        touch.closing = Some(Closing { until: Instant::now() + CLOSE_LIMIT, answered: closed });
        // Without a code there is no room for words (RFC 6455 5.5.1).
        let words = if code.is_some() { reason.as_bytes() } else { &[] };
        let payload = Close { code: code.map(StatusCode), reason: words }.to_payload();
        // RFC 6455 7.1.5: 1005 stands for a close frame without a code
        self.act(about, Deed::Closed(code.unwrap_or(1005), reason.clone()), by.clone());
        for direction in Direction::BOTH.into_iter().filter(|direction| !closed[*direction as usize]) {
            let frame = encode::message(direction, Opcode::Close, &payload, masking_key());
            self.task(direction, Task::Close(frame, by.clone()));
        }
    }
}

/// The bytes of a frame as the user wants it.
fn written(direction: Direction, spec: &FrameSpec) -> Vec<u8> {
    let mut frame = Frame::new(spec.opcode, &spec.payload).reserved_bits(spec.reserved_bits);
    if !spec.fin {
        frame = frame.unfinished();
    }
    if let Some(form) = spec.length_form {
        frame = frame.length_form(form);
    }
    if spec.masked.unwrap_or(direction == Direction::ToServer) {
        frame = frame.masked(masking_key());
    }
    frame.to_bytes()
}
