//! What the player says: each message once what it waits for has come, and when it is due.

use std::time::Duration;

use super::{MOST_BACKLOG, Output, Player};
use crate::capture::{Ending, Kind, Message, Payload};
use crate::replay::script::{Step, What};
use crate::replay::settings::{Fidelity, Timing};
use crate::replay::wording::describe;
use crate::ws::Opcode;

impl<E: std::fmt::Display, S: Iterator<Item = Result<Step, E>>> Player<S> {
    /// Sends what may be sent, and finds the end.
    pub(super) fn go_on(&mut self, now: Duration) {
        while !self.over {
            self.held_back = self.backlog > MOST_BACKLOG;
            if self.held_back {
                return;
            }
            self.fill();
            let ready = (0..self.window.len()).find(|at| self.may_send(*at, now));
            let Some(at) = ready else { break };
            self.send(at, now);
        }
        if self.window.is_empty() {
            self.finish(Ending::Fin);
        }
    }

    /// Whether the step at `at` is ours and its time has come.
    fn may_send(&mut self, at: usize, now: Duration) -> bool {
        let slot = self.window.at(at);
        if slot.done || slot.step.from != self.ours || !self.window.gate_is_open(at) {
            return false;
        }
        let before = self.window.before(at);
        let slot = self.window.at_mut(at);
        let due = *slot.due.get_or_insert_with(|| match self.settings.timing {
            Timing::Fast => now,
            Timing::Scaled(factor) => now + slot.step.at.saturating_sub(before).mul_f64(factor.max(0.0)),
        });
        due <= now
    }

    fn send(&mut self, at: usize, now: Duration) {
        self.progress = now;
        if let What::End(how) = &self.window.at(at).step.what {
            let how = how.clone();
            self.window.at_mut(at).done = true;
            return self.end(how);
        }
        if !self.is_framed() {
            if self.window.at(at).sent == 0 {
                self.prepare(at);
            }
            if let Some(message) = self.message(at) {
                self.output(Output::Send(message));
            }
        } else {
            // A control frame that stood between the frames of a message does so again.
            for (around, frames) in self.window.around(at) {
                self.send_frames(around, frames);
            }
            self.send_frames(at, usize::MAX);
        }
        let slot = self.window.at_mut(at);
        slot.sent += 1;
        // One that was duplicated goes out again, when there is room for it.
        slot.done = slot.sent > u64::from(slot.step.passage.again);
        slot.begun = if slot.done { slot.begun } else { 0 };
        let said = describe(&slot.step.what);
        self.recent.add(self.ours, &said);
        self.report.sent += 1;
    }

    /// Sends the frames of a message up to this one that were not sent before.
    fn send_frames(&mut self, at: usize, until: usize) {
        if self.window.at(at).begun == 0 && self.window.at(at).sent == 0 {
            self.prepare(at);
        }
        let begun = std::mem::replace(&mut self.window.at_mut(at).begun, until);
        if let Some(message) = self.message(at) {
            self.output(Output::SendFrames(message, begun..until));
        }
    }

    /// Puts this run's values into the message.
    fn prepare(&mut self, at: usize) {
        let What::Message(message) = &self.window.at(at).step.what else { return };
        let Some(recorded) = message.payload.in_memory() else { return };
        let live = match message.kind {
            // RFC 6455 5.5.3: a pong has its ping's payload
            Kind::Frame(Opcode::Pong) => {
                let ping = self.pings.iter().rev().find(|(ping, _)| ping == recorded);
                ping.map(|(_, live)| live.clone())
            }
            _ => self.bound.put_in(recorded).map(Into::into),
        };
        if let (Some(live), What::Message(message)) = (live, &mut self.window.at_mut(at).step.what) {
            message.size = live.len() as u64;
            message.payload = Payload::from(live);
        }
    }

    fn message(&self, at: usize) -> Option<Message> {
        match &self.window.at(at).step.what {
            What::Message(message) => Some(message.clone()),
            What::End(_) => None,
        }
    }

    fn end(&mut self, how: Ending) {
        if self.settings.fidelity < Fidelity::Bytes {
            return self.finish(how);
        }
        match how {
            Ending::Fin => self.output(Output::HalfClose),
            // It had not ended when the other one had.
            Ending::Open => {}
            // The proxy in between broke off the session, or the connection failed: to the other end it was a reset.
            Ending::Reset | Ending::Killed | Ending::Shutdown | Ending::Failed(_) => {
                self.finish(Ending::Reset);
            }
        }
    }
}
