//! What the player hears: whether it is what was recorded, and in what it differs.

use std::time::Duration;

use bytes::Bytes;

use super::Player;
use crate::capture::{Ending, Kind, Message};
use crate::decode::Beat;
use crate::replay::expectation::Difference;
use crate::replay::framing;
use crate::replay::packet;
use crate::replay::report::Trouble;
use crate::replay::script::{Step, What};
use crate::replay::settings::{Fidelity, Order};
use crate::replay::wire::Said;
use crate::replay::wording::{close_words, describe, said as in_words};
use crate::ws::{Close, Opcode};

use super::Output;

/// Recorded messages among which one that does not fit the next is looked for.
const AHEAD: usize = 32;
/// Pings whose payload is remembered for the pongs that answer them.
const MOST_PINGS: usize = 32;

impl<E: std::fmt::Display, S: Iterator<Item = Result<Step, E>>> Player<S> {
    /// A message or a control frame came.
    pub fn received(&mut self, said: &Said, now: Duration) {
        if !self.is_framed() {
            for fault in &said.faults {
                self.trouble(None, Trouble::Unexpected(fault.clone()));
            }
        }
        match said.opcode {
            Opcode::Close => self.close(said, now),
            opcode if opcode.is_control() => self.control(said, now),
            _ if said.complete || self.is_framed() => self.data(said, now),
            _ => {}
        }
    }

    fn data(&mut self, said: &Said, now: Duration) {
        self.recent.add(self.ours.opposite(), &in_words(said.opcode, &said.payload));
        if let Some(beat) = self.beats.beat(said.opcode, &said.payload) {
            return self.heartbeat(said, beat);
        }
        let fits = |player: &Player<S>, at: usize| {
            let (recorded, bytes) = data(&player.window.at(at).step)?;
            let expectation = &player.settings.expectation;
            Some(expectation.compare((recorded, &bytes), (said.opcode, &said.payload), &player.bound))
        };
        let is_it = |player: &Player<S>, at: usize| fits(player, at).is_some_and(|found| found.is_empty());
        let places = self.awaited();
        if let Some(at) = places.iter().copied().find(|at| is_it(self, *at)) {
            self.matched(at, said);
        } else if let Some(at) = self.ahead().into_iter().find(|at| is_it(self, *at)) {
            // It came, but those before it did not.
            self.missing_until(at);
            self.matched(at, said);
        } else {
            let found = places.first().and_then(|at| Some((*at, fits(self, *at)?)));
            match found {
                Some((at, differences)) if differences.iter().all(|one| one.place != "opcode") => {
                    // What differs here may still be what later messages refer to.
                    self.capture(at, &said.payload);
                    self.compared(at, differences, said);
                }
                _ => self.trouble(None, Trouble::Unexpected(in_words(said.opcode, &said.payload))),
            }
        }
        self.progress = now;
        self.go_on(now);
    }

    /// A heartbeat is answered as it was recorded to be, and is nothing that anybody waited for.
    fn heartbeat(&mut self, said: &Said, beat: Beat) {
        self.fill();
        if beat == Beat::Answers || self.over {
            return;
        }
        if let Some(answer) = self.beats.answer(&said.payload) {
            self.recent.add(self.ours, &describe(&What::Message(answer.clone())));
            self.output(Output::Send(answer));
        }
    }

    fn close(&mut self, said: &Said, now: Duration) {
        let close = Close::parse(&said.payload);
        let got = close_words(close.code.map(|code| code.0), close.reason);
        self.recent.add(self.ours.opposite(), &got);
        self.fill();
        let place =
            self.window.first(self.ours.opposite(), |what| kind(what) == Some(Kind::Frame(Opcode::Close)));
        match place {
            Some(at) => {
                self.missing_until(at);
                let slot = self.window.at(at);
                let (line, expected) = (slot.step.line, describe(&slot.step.what));
                if expected != got {
                    self.trouble(Some(line), Trouble::Closed(expected, got));
                    self.window.at_mut(at).done = true;
                } else {
                    self.compared(at, Vec::new(), said);
                }
                self.progress = now;
                self.go_on(now);
            }
            None => {
                if !self.over && self.has_messages() {
                    self.trouble(None, Trouble::Unexpected(got));
                }
                self.give_up();
            }
        }
    }

    /// A ping, a pong, or a control frame that no RFC knows.
    fn control(&mut self, said: &Said, now: Duration) {
        let got = in_words(said.opcode, &said.payload);
        if !self.is_framed() {
            return self.answer(said);
        }
        self.recent.add(self.ours.opposite(), &got);
        self.fill();
        let place =
            self.window.first(self.ours.opposite(), |what| kind(what) == Some(Kind::Frame(said.opcode)));
        let Some(at) = place else {
            self.trouble(None, Trouble::Unexpected(got));
            return self.answer(said);
        };
        let recorded =
            message(&self.window.at(at).step).and_then(|message| message.payload.in_memory().cloned());
        let recorded = recorded.unwrap_or_default();
        let mut differences = Vec::new();
        if said.opcode == Opcode::Ping {
            // What stands in a ping is often a new value each time.
            if self.pings.len() >= MOST_PINGS {
                self.pings.pop_front();
            }
            self.pings.push_back((recorded, said.payload.clone()));
        } else if recorded != said.payload {
            let expected = in_words(said.opcode, &recorded);
            let place = "payload".to_owned();
            differences.push(Difference { place, expected: Some(expected), got: Some(got) });
        }
        self.compared(at, differences, said);
        self.progress = now;
        self.go_on(now);
    }

    /// A ping is answered that the recording does not (RFC 6455 5.5.2); as bytes, nothing is said that was not.
    fn answer(&mut self, said: &Said) {
        if said.opcode == Opcode::Ping && self.settings.fidelity < Fidelity::Bytes && !self.over {
            self.output(Output::Pong(said.payload.clone()));
        }
    }

    /// Bytes came that are no frames.
    pub fn received_raw(&mut self, bytes: &Bytes, now: Duration) {
        if !self.is_framed() {
            return;
        }
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            self.fill();
            let place = self.window.first(self.ours.opposite(), |what| kind(what) == Some(Kind::Raw));
            let Some(at) = place else {
                self.trouble(None, Trouble::Unexpected(format!("{} octets that are no frames", rest.len())));
                break;
            };
            self.missing_until(at);
            let slot = self.window.at(at);
            let recorded = message(&slot.step).and_then(|message| message.payload.in_memory().cloned());
            let recorded = recorded.unwrap_or_default();
            let expected = recorded.slice(slot.begun.min(recorded.len())..);
            let (these, later) = rest.split_at(expected.len().min(rest.len()));
            let differs = expected[..these.len()] != *these;
            let slot = self.window.at_mut(at);
            slot.begun += these.len();
            slot.done = differs || slot.begun >= recorded.len();
            let (line, done) = (slot.step.line, slot.done);
            if differs {
                let words = |bytes: &[u8]| Some(in_words(Opcode::Binary, bytes));
                let (expected, got) = (words(&expected[..these.len()]), words(these));
                let difference = Difference { place: "payload".to_owned(), expected, got };
                self.trouble(Some(line), Trouble::Different(vec![difference]));
                break;
            }
            self.report.matched += u64::from(done);
            rest = later;
        }
        self.progress = now;
        self.go_on(now);
    }

    /// The other end broke a rule with what is no message.
    pub fn violated(&mut self, what: &str) {
        self.fill();
        let is_raw = |what: &What| kind(what) == Some(Kind::Raw);
        if !self.is_framed() || self.window.first(self.ours.opposite(), is_raw).is_none() {
            self.trouble(None, Trouble::Unexpected(what.to_owned()));
        }
    }

    /// The other end's connection ended.
    pub fn ended(&mut self, how: &Ending, now: Duration) {
        self.progress = now;
        if self.settings.fidelity < Fidelity::Bytes {
            return self.give_up();
        }
        self.fill();
        let Some(at) = self.window.first(self.ours.opposite(), |what| matches!(what, What::End(_))) else {
            return self.give_up();
        };
        self.missing_until(at);
        let slot = self.window.at_mut(at);
        slot.done = true;
        let (line, expected) = (slot.step.line, describe(&slot.step.what));
        if expected != how.name() {
            self.trouble(Some(line), Trouble::Ended(expected, how.name().to_owned()));
        }
        match how {
            // It still listens.
            Ending::Fin => self.go_on(now),
            _ if self.has_messages() => self.give_up(),
            _ => self.go_on(now),
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
        let waiting = self
            .window
            .iter()
            .enumerate()
            .filter(|(_, slot)| !slot.done && slot.step.from == theirs && data(&slot.step).is_some());
        waiting.map(|(at, _)| at).skip(1).take(AHEAD).collect()
    }

    fn matched(&mut self, at: usize, said: &Said) {
        self.capture(at, &said.payload);
        self.compared(at, Vec::new(), said);
    }

    /// What came is the step at `at`, with these differences, and those in its framing where that counts.
    fn compared(&mut self, at: usize, mut differences: Vec<Difference>, said: &Said) {
        if self.is_framed()
            && let Some(message) = message(&self.window.at(at).step)
        {
            differences.extend(framing::differences(message, said));
        }
        let slot = self.window.at_mut(at);
        slot.done = true;
        let line = slot.step.line;
        match differences.is_empty() {
            true => self.report.matched += 1,
            false => self.trouble(Some(line), Trouble::Different(differences)),
        }
    }

    fn capture(&mut self, at: usize, live: &[u8]) {
        if self.settings.bindings.is_empty() {
            return;
        }
        let Some((_, recorded)) = data(&self.window.at(at).step) else { return };
        if let (Some((_, recorded)), Some((_, live))) = (packet::json(&recorded), packet::json(live)) {
            self.bound.capture(&recorded, &live);
        }
    }
}

fn message(step: &Step) -> Option<&Message> {
    match &step.what {
        What::Message(message) => Some(message),
        What::End(_) => None,
    }
}

fn kind(what: &What) -> Option<Kind> {
    match what {
        What::Message(message) => Some(message.kind),
        What::End(_) => None,
    }
}

/// A step's data message: its opcode and payload.
fn data(step: &Step) -> Option<(Opcode, Bytes)> {
    let message = message(step)?;
    match message.kind {
        Kind::Frame(opcode) if !opcode.is_control() => Some((opcode, message.payload.in_memory()?.clone())),
        _ => None,
    }
}
