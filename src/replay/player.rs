//! Plays one end of a recorded session against a live other end: what to send and when, and whether what comes is
//! what was recorded. Pure: bytes and time come as arguments.

mod hearing;
mod speaking;

use std::collections::VecDeque;
use std::ops::Range;
use std::time::Duration;

use bytes::Bytes;

use super::beats::Beats;
use super::binding::Bound;
use super::report::{Problem, Recent, Report, Trouble};
use super::script::{Step, What};
use super::settings::{Fidelity, Settings};
use super::window::Window;
use super::wording::describe;
use crate::capture::{Ending, Kind, Message};
use crate::ws::{Direction, Opcode};

/// What the player wants done.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Send this message, or this close.
    Send(Message),
    /// Send these frames of this message, framed as it was recorded.
    SendFrames(Message, Range<usize>),
    /// Answer a ping that was not recorded.
    Pong(Bytes),
    /// End this side of the connection (FIN); the other one goes on.
    HalfClose,
    /// The play is over: end the connection so.
    Finish(Ending),
}

/// One end of a session being played.
pub struct Player<S> {
    ours: Direction,
    settings: Settings,
    window: Window<S>,
    bound: Bound,
    beats: Beats,
    /// Payloads of the last pings that came: as recorded, and as they were.
    pings: VecDeque<(Bytes, Bytes)>,
    /// When something last went on.
    progress: Duration,
    outputs: VecDeque<Output>,
    /// Octets of the outputs.
    backlog: u64,
    /// Whether more could be said at once than there is room for.
    held_back: bool,
    recent: Recent,
    report: Report,
    over: bool,
}

/// Octets of outputs beyond which no more are made until those are taken.
const MOST_BACKLOG: u64 = 1 << 20;
/// What an output counts for besides its payload, since even empty ones take room.
const OUTPUT: u64 = 64;

impl<E: std::fmt::Display, S: Iterator<Item = Result<Step, E>>> Player<S> {
    /// Plays what was recorded of the end whose messages go `ours`: `ToClient` is the server. It begins at `now`.
    pub fn new(ours: Direction, steps: S, settings: Settings, now: Duration) -> Player<S> {
        let bound = Bound::new(settings.bindings.clone());
        let is_framed = settings.fidelity >= Fidelity::Frames;
        let beats = Beats::new(settings.heartbeats.filter(|_| !is_framed));
        let mut player = Player {
            ours,
            settings,
            window: Window::new(steps),
            bound,
            beats,
            pings: VecDeque::new(),
            progress: now,
            outputs: VecDeque::new(),
            backlog: 0,
            held_back: false,
            recent: Recent::default(),
            report: Report::default(),
            over: false,
        };
        player.go_on(now);
        player
    }

    /// What is to be done next; none until something comes or [`Player::wake_at`] is there.
    pub fn poll(&mut self) -> Option<Output> {
        let output = self.outputs.pop_front()?;
        self.backlog = self.backlog.saturating_sub(octets(&output));
        Some(output)
    }

    /// When to call [`Player::wake`] if nothing comes before; at once where there is more to do than it would say at a
    /// time.
    pub fn wake_at(&self) -> Option<Duration> {
        if self.over {
            return None;
        }
        if self.held_back {
            return Some(Duration::ZERO);
        }
        let due = self.window.iter().filter(|slot| !slot.done).filter_map(|slot| slot.due).min();
        let patience = self.progress + self.settings.step_timeout;
        Some(due.map_or(patience, |due| due.min(patience)))
    }

    /// Time has passed.
    pub fn wake(&mut self, now: Duration) {
        self.go_on(now);
        if self.over || now < self.progress + self.settings.step_timeout {
            return;
        }
        let Some(at) = self.window.iter().position(|slot| !slot.done && slot.due.is_none()) else { return };
        let slot = self.window.at_mut(at);
        slot.done = true;
        let (line, what, is_ours) = (slot.step.line, describe(&slot.step.what), slot.step.from == self.ours);
        let elsewhere = self.window.elsewhere().filter(|_| is_ours).map(str::to_owned);
        self.trouble(Some(line), Trouble::TimedOut(elsewhere.unwrap_or(what)));
        self.give_up();
    }

    /// When the first of what has yet to be said was recorded, by either end, as far as is known; none where all was.
    pub fn next_at(&mut self) -> Option<Duration> {
        self.fill();
        self.window.next_at().filter(|_| !self.over)
    }

    /// Others have this to do, which was recorded then, before the player says what it said later.
    pub fn elsewhere(&mut self, first: Option<(Duration, String)>, now: Duration) {
        if self.window.set_elsewhere(first) {
            self.progress = now;
            self.go_on(now);
        }
    }

    /// What came of it.
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// Whether there is nothing more to do.
    pub fn is_over(&self) -> bool {
        self.over
    }

    fn is_framed(&self) -> bool {
        self.settings.fidelity >= Fidelity::Frames
    }

    /// Reads steps until the window is full.
    fn fill(&mut self) {
        let (ours, fidelity) = (self.ours, self.settings.fidelity);
        let beats = &mut self.beats;
        let is_done = |step: &mut Step| {
            // We send what the other end received, and expect what it sent.
            let is_gone = step.from == ours && step.go_through();
            is_gone || beats.learn(step, ours) || needs_nothing(step, ours, fidelity)
        };
        if let Err(error) = self.window.fill(is_done) {
            self.trouble(None, Trouble::Unreadable(error.to_string()));
        }
    }

    /// All messages of the other end before the one at `at` were skipped.
    fn missing_until(&mut self, at: usize) {
        for before in 0..at {
            let slot = self.window.at_mut(before);
            if !slot.done && slot.step.from != self.ours {
                slot.done = true;
                let (line, what) = (slot.step.line, describe(&slot.step.what));
                self.trouble(Some(line), Trouble::Missing(what));
            }
        }
    }

    fn has_messages(&self) -> bool {
        self.window.iter().any(|slot| !slot.done && matches!(slot.step.what, What::Message(_)))
    }

    /// Tells of all that is left that it was not played.
    fn give_up(&mut self) {
        if self.over {
            return;
        }
        loop {
            self.fill();
            if self.window.is_empty() {
                break;
            }
            for at in 0..self.window.len() {
                let slot = self.window.at_mut(at);
                let was_done = std::mem::replace(&mut slot.done, true);
                if was_done || matches!(slot.step.what, What::End(_)) {
                    continue;
                }
                let (line, what, from) = (slot.step.line, describe(&slot.step.what), slot.step.from);
                let trouble = if from == self.ours { Trouble::NotSent(what) } else { Trouble::Missing(what) };
                self.trouble(Some(line), trouble);
            }
        }
        self.finish(Ending::Fin);
    }

    fn finish(&mut self, how: Ending) {
        if !self.over {
            self.over = true;
            self.output(Output::Finish(how));
        }
    }

    fn output(&mut self, output: Output) {
        self.backlog += octets(&output);
        self.outputs.push_back(output);
    }

    fn trouble(&mut self, line: Option<u64>, what: Trouble) {
        let recent = self.recent.list();
        self.report.add(Problem { what, line, recent });
    }
}

/// Whether a step is neither waited for nor played. Of messages alone, heartbeats are not, since the live ends have their
/// own, nor what the other end sent that was none; how it ended is known when it has.
fn needs_nothing(step: &Step, ours: Direction, fidelity: Fidelity) -> bool {
    let is_theirs = step.from != ours;
    match &step.what {
        // The proxy sent it in the other end's name; that end does not send it again.
        What::Message(message) if is_theirs && message.injected.is_some() => true,
        What::Message(_) if fidelity >= Fidelity::Frames => false,
        What::Message(message) => match message.kind {
            Kind::Frame(Opcode::Ping | Opcode::Pong) => true,
            Kind::Frame(Opcode::Close) => false,
            Kind::Frame(opcode) => is_theirs && (opcode.is_control() || !message.complete),
            Kind::Raw => is_theirs,
        },
        What::End(how) => {
            is_theirs && !(fidelity >= Fidelity::Bytes && matches!(how, Ending::Fin | Ending::Reset))
        }
    }
}

fn octets(output: &Output) -> u64 {
    match output {
        Output::Send(message) | Output::SendFrames(message, _) => message.payload.len() + OUTPUT,
        _ => 0,
    }
}
