//! Plays one end of a recorded session against a live other end: what to send and when, and whether what comes is
//! what was recorded. Pure: bytes and time come as arguments.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;

use super::binding::Bound;
use super::report::{Problem, Recent, Report, Trouble};
use super::script::{Step, What};
use super::settings::{Order, Settings, Timing};
use super::wording::{close_words, describe, said};
use crate::capture::{Ending, Kind, Message, Payload};
use crate::ws::{Direction, Opcode};

/// What the player wants done.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Send this message, or this close.
    Send(Message),
    /// The play is over: end the connection so.
    Finish(Ending),
}

/// One end of a session being played.
pub struct Player<S> {
    ours: Direction,
    settings: Settings,
    steps: S,
    window: VecDeque<Slot>,
    /// When the step before the window was recorded.
    before: Duration,
    bound: Bound,
    /// When something last went on.
    progress: Duration,
    outputs: VecDeque<Output>,
    recent: Recent,
    report: Report,
    over: bool,
}

struct Slot {
    step: Step,
    done: bool,
    /// When it is to be sent, once that is known.
    due: Option<Duration>,
}

/// Steps that are looked at at a time.
const WINDOW: usize = 512;
/// Recorded messages among which one that does not fit the next is looked for.
const AHEAD: usize = 32;

impl<E: std::fmt::Display, S: Iterator<Item = Result<Step, E>>> Player<S> {
    /// Plays what was recorded of the end whose messages go `ours`: `ToClient` is the server. It begins at `now`.
    pub fn new(ours: Direction, steps: S, settings: Settings, now: Duration) -> Player<S> {
        let bound = Bound::new(settings.bindings.clone());
        let mut player = Player {
            ours,
            settings,
            steps,
            window: VecDeque::new(),
            before: Duration::ZERO,
            bound,
            progress: now,
            outputs: VecDeque::new(),
            recent: Recent::default(),
            report: Report::default(),
            over: false,
        };
        player.go_on(now);
        player
    }

    /// What is to be done next; none until something comes or [`Player::wake_at`] is there.
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to call [`Player::wake`] if nothing comes before.
    pub fn wake_at(&self) -> Option<Duration> {
        if self.over {
            return None;
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
        let waits = self.window.iter_mut().find(|slot| !slot.done && slot.due.is_none());
        let Some(slot) = waits else { return };
        slot.done = true;
        let (line, what) = (slot.step.line, describe(&slot.step.what));
        self.trouble(Some(line), Trouble::TimedOut(what));
        self.give_up();
    }

    /// A data message came.
    pub fn received(&mut self, opcode: Opcode, payload: &[u8], now: Duration) {
        self.recent.add(self.ours.opposite(), &said(opcode, payload));
        let fits = |player: &Player<S>, at: usize| {
            let (recorded, bytes) = data(&player.window[at].step)?;
            let expectation = &player.settings.expectation;
            Some(expectation.compare((recorded, &bytes), (opcode, payload), &player.bound))
        };
        let places = self.awaited();
        if let Some(at) =
            places.iter().copied().find(|at| fits(self, *at).is_some_and(|found| found.is_empty()))
        {
            self.matched(at, payload);
        } else if let Some(at) =
            self.ahead().into_iter().find(|at| fits(self, *at).is_some_and(|found| found.is_empty()))
        {
            // It came, but those before it did not.
            self.missing_until(at);
            self.matched(at, payload);
        } else {
            let found = places.first().and_then(|at| Some((*at, fits(self, *at)?)));
            match found {
                Some((at, differences)) if differences.iter().all(|one| one.place != "opcode") => {
                    let line = self.window[at].step.line;
                    self.trouble(Some(line), Trouble::Different(differences));
                    // What differs here may still be what later messages refer to.
                    self.capture(at, payload);
                    self.window[at].done = true;
                }
                _ => self.trouble(None, Trouble::Unexpected(said(opcode, payload))),
            }
        }
        self.progress = now;
        self.go_on(now);
    }

    /// A close frame came.
    pub fn closed(&mut self, code: Option<u16>, reason: &str, now: Duration) {
        let got = close_words(code, reason.as_bytes());
        self.recent.add(self.ours.opposite(), &got);
        let theirs = self.ours.opposite();
        let is_close = |slot: &Slot| slot.step.kind() == Some(Kind::Frame(Opcode::Close));
        self.fill();
        let place =
            self.window.iter().position(|slot| !slot.done && slot.step.from == theirs && is_close(slot));
        match place {
            Some(at) => {
                self.missing_until(at);
                let line = self.window[at].step.line;
                let expected = describe(&self.window[at].step.what);
                if expected != got {
                    self.trouble(Some(line), Trouble::Closed(expected, got));
                } else {
                    self.report.matched += 1;
                }
                self.window[at].done = true;
                self.progress = now;
                self.go_on(now);
            }
            None => {
                if !self.over && self.has_messages() {
                    self.trouble(None, Trouble::Unexpected(got));
                }
                self.left();
            }
        }
    }

    /// The other end broke a rule.
    pub fn violated(&mut self, what: &str) {
        self.trouble(None, Trouble::Unexpected(what.to_owned()));
    }

    /// The other end's connection ended.
    pub fn ended(&mut self, now: Duration) {
        self.progress = now;
        self.left();
    }

    /// What came of it.
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// Whether there is nothing more to do.
    pub fn is_over(&self) -> bool {
        self.over
    }

    /// Sends what may be sent, and finds the end.
    fn go_on(&mut self, now: Duration) {
        if self.over {
            return;
        }
        loop {
            self.fill();
            let ready = (0..self.window.len()).find(|at| self.may_send(*at, now));
            let Some(at) = ready else { break };
            self.send(at, now);
        }
        if self.window.is_empty() {
            self.finish(Ending::Fin);
        }
    }

    /// Reads steps until the window is full, and forgets those that are done.
    fn fill(&mut self) {
        loop {
            while let Some(slot) = self.window.front().filter(|slot| slot.done) {
                self.before = slot.step.at;
                self.window.pop_front();
            }
            if self.window.len() >= WINDOW {
                return;
            }
            match self.steps.next() {
                None => return,
                Some(Ok(step)) => {
                    let done = self.needs_nothing(&step);
                    self.window.push_back(Slot { step, done, due: None });
                }
                Some(Err(error)) => {
                    self.trouble(None, Trouble::Unreadable(error.to_string()));
                    return;
                }
            }
        }
    }

    /// Heartbeats are not waited for, nor sent: the live ends have their own. How the other end ended is known when
    /// it has.
    fn needs_nothing(&self, step: &Step) -> bool {
        match &step.what {
            What::Message(message) => matches!(message.kind, Kind::Frame(Opcode::Ping | Opcode::Pong)),
            What::End(_) => step.from != self.ours,
        }
    }

    /// Whether the step at `at` is ours and its time has come.
    fn may_send(&mut self, at: usize, now: Duration) -> bool {
        let slot = &self.window[at];
        if slot.done || slot.step.from != self.ours || !self.gate_is_open(at) {
            return false;
        }
        let before = at.checked_sub(1).map_or(self.before, |before| self.window[before].step.at);
        let slot = &mut self.window[at];
        let due = *slot.due.get_or_insert_with(|| match self.settings.timing {
            Timing::Fast => now,
            Timing::Scaled(factor) => now + slot.step.at.saturating_sub(before).mul_f64(factor.max(0.0)),
        });
        due <= now
    }

    /// Whether all is there that the step waits for: what it answers, or else all that was before it.
    fn gate_is_open(&self, at: usize) -> bool {
        match self.window[at].step.answers {
            Some(back) => {
                let at = at as u64;
                back > at || self.window[(at - back) as usize].done
            }
            None => self.window.iter().take(at).all(|slot| slot.done),
        }
    }

    fn send(&mut self, at: usize, now: Duration) {
        self.window[at].done = true;
        self.progress = now;
        match &self.window[at].step.what {
            What::Message(message) => {
                let mut message = message.clone();
                if let Some(bytes) = message.payload.in_memory().and_then(|bytes| self.bound.put_in(bytes)) {
                    message.size = bytes.len() as u64;
                    message.payload = Payload::from(bytes);
                }
                self.recent.add(self.ours, &describe(&What::Message(message.clone())));
                self.report.sent += 1;
                self.outputs.push_back(Output::Send(message));
            }
            What::End(how) => {
                let how = how.clone();
                self.finish(how);
            }
        }
    }

    /// Where recorded messages stand that may come now, in order.
    fn awaited(&mut self) -> Vec<usize> {
        self.fill();
        let mut found = Vec::new();
        for (at, slot) in self.window.iter().enumerate() {
            let is_ours = slot.step.from == self.ours;
            match self.settings.order {
                Order::Strict if is_ours && !slot.done => break,
                // A gap ends where the player has its say.
                Order::Unordered if is_ours && !found.is_empty() => break,
                _ => {}
            }
            if !is_ours && !slot.done && data(&slot.step).is_some() {
                found.push(at);
                if self.settings.order != Order::Unordered {
                    break;
                }
            }
        }
        found
    }

    /// Where recorded messages stand that should come a little later.
    fn ahead(&self) -> Vec<usize> {
        let theirs = self.ours.opposite();
        let fits = |slot: &Slot| !slot.done && slot.step.from == theirs && data(&slot.step).is_some();
        let waiting = self.window.iter().enumerate().filter(|(_, slot)| fits(slot));
        waiting.map(|(at, _)| at).skip(1).take(AHEAD).collect()
    }

    fn matched(&mut self, at: usize, payload: &[u8]) {
        self.capture(at, payload);
        self.window[at].done = true;
        self.report.matched += 1;
    }

    fn capture(&mut self, at: usize, live: &[u8]) {
        if self.settings.bindings.is_empty() {
            return;
        }
        let Some((_, recorded)) = data(&self.window[at].step) else { return };
        if let (Ok(recorded), Ok(live)) = (serde_json::from_slice(&recorded), serde_json::from_slice(live)) {
            self.bound.capture(&recorded, &live);
        }
    }

    /// All messages of the other end before the one at `at` were skipped.
    fn missing_until(&mut self, at: usize) {
        for before in 0..at {
            let slot = &mut self.window[before];
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

    /// The other end is not there any more: nothing of what is left can be played.
    fn left(&mut self) {
        if self.over {
            return;
        }
        self.give_up();
    }

    /// Tells of all that is left that it was not played.
    fn give_up(&mut self) {
        loop {
            self.fill();
            if self.window.is_empty() {
                break;
            }
            for at in 0..self.window.len() {
                let slot = &mut self.window[at];
                if slot.done || matches!(slot.step.what, What::End(_)) {
                    slot.done = true;
                    continue;
                }
                slot.done = true;
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
            self.outputs.push_back(Output::Finish(how));
        }
    }

    fn trouble(&mut self, line: Option<u64>, what: Trouble) {
        let recent = self.recent.list();
        self.report.add(Problem { what, line, recent });
    }
}

/// A step's data message: its opcode and payload.
fn data(step: &Step) -> Option<(Opcode, Bytes)> {
    let What::Message(message) = &step.what else { return None };
    match message.kind {
        Kind::Frame(opcode) if !opcode.is_control() => Some((opcode, message.payload.in_memory()?.clone())),
        _ => None,
    }
}
