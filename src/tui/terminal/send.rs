//! Sending: what was composed, and messages again.

use bytes::Bytes;

use super::Desk;
use crate::capture::{Kind, Log};
use crate::control::compose::{Content, Draft};
use crate::control::{Command, FrameSpec, Outcome};
use crate::headless;
use crate::tui::text;
use crate::ws::Direction;

/// The session that a client of the program's own speaks in: there is no other before it.
const OWN: u32 = 1;

impl Desk<'_> {
    pub(super) fn send(&mut self, session: u32, direction: Direction, draft: &Draft) {
        let payload = match &draft.content {
            Content::Bytes(payload) => payload.clone(),
            Content::File(path) => match headless::payload(path) {
                Ok(payload) => payload,
                Err(error) => {
                    return self.console.complain(format!("cannot read {}: {error}", path.display()));
                }
            },
        };
        self.inject(session, vec![(direction, draft.frames(&payload))]);
    }

    pub(super) fn resend(&mut self, session: u32, numbers: &[u64], direction: Option<Direction>) {
        let mut messages = Vec::with_capacity(numbers.len());
        for &number in numbers {
            match again(self.log, session, number) {
                Ok((own, frame)) => messages.push((direction.unwrap_or(own), vec![frame])),
                Err(why) => return self.console.complain(why),
            }
        }
        self.inject(session, messages);
    }

    /// Has the network send these, one after the other.
    fn inject(&mut self, session: u32, messages: Vec<(Direction, Vec<FrameSpec>)>) {
        let Some(controller) = &self.outside.controller else {
            return self.console.complain("a recording is looked at: there is nobody to send to");
        };
        let count = messages.len() as u64;
        let mut said = 0;
        let behind = self.log.rows(session).end;
        for (direction, frames) in messages {
            if let (Some(voice), OWN, Direction::ToServer) = (&self.outside.voice, session, direction) {
                if !voice.try_say(frames) {
                    return self.console.complain("the session is over, or has more to send than goes out");
                }
                said += 1;
                continue;
            }
            if controller.send(Command::Send { session, direction, frames }) == Outcome::NotThere {
                return self.console.complain(format!("#{session} is over: nothing was sent"));
            }
        }
        if said == count {
            return self.console.say("sent");
        }
        let what =
            if count == 1 { "it goes".to_owned() } else { format!("{} go", text::plural(count, "message")) };
        self.console.say(format!("{what} in at the next message boundary of #{session}"));
        self.console.sent(session, behind, count - said);
    }
}

/// A message as it can be sent again, and which way it went.
fn again(log: &Log, session: u32, number: u64) -> Result<(Direction, FrameSpec), String> {
    let cannot = |why: &str| format!("message {number} cannot be sent again: {why}");
    let message = log.message(session, number).map_err(|error| cannot(&error.to_string()))?;
    let message = message.ok_or_else(|| cannot("it has left the log"))?;
    let Kind::Frame(opcode) = message.kind else { return Err(cannot("it is no WebSocket message")) };
    if !message.complete || message.payload.len() < message.size {
        return Err(cannot("the log does not hold all of it"));
    }
    let mut payload = Vec::new();
    while (payload.len() as u64) < message.size {
        let more = log.read(&message.payload, payload.len() as u64, 1 << 20);
        let more = more.map_err(|error| cannot(&error.to_string()))?;
        if more.is_empty() {
            return Err(cannot("the log does not hold all of it"));
        }
        payload.extend_from_slice(&more);
    }
    Ok((message.direction, FrameSpec::new(opcode, Bytes::from(payload))))
}
