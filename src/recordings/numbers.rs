//! The numbers of sessions, exchanges and messages, given anew from 1 in the order in which they come.

use std::collections::HashMap;

use crate::capture::{Event, Flow};
use crate::headless::Renumbered as Messages;
use crate::headless::schema::{Item, Keys};

/// The numbers that were given so far.
#[derive(Default)]
pub(super) struct Numbers {
    sessions: HashMap<u64, u64>,
    exchanges: HashMap<u64, u64>,
    /// How many messages each session has so far, by its old number.
    messages: HashMap<u64, Messages>,
}

/// The numbers of one record.
#[derive(Clone, Copy, Default)]
pub(super) struct Given {
    session: Option<u64>,
    exchange: Option<u64>,
    message: Option<u64>,
}

impl Numbers {
    /// The numbers of the next record.
    pub fn of(&mut self, item: &Item) -> Given {
        self.among(0, item)
    }

    /// The same where several recordings are numbered together; `which` tells them apart.
    pub fn among(&mut self, which: u32, item: &Item) -> Given {
        let key = |number: u32| u64::from(which) << 32 | u64::from(number);
        let Item::Event(event) = item else { return Given::default() };
        let mut given = Given::default();
        match event.flow() {
            Some(Flow::Session(session)) => given.session = Some(next(&mut self.sessions, key(session))),
            Some(Flow::Exchange(exchange)) => given.exchange = Some(next(&mut self.exchanges, key(exchange))),
            None => {}
        }
        if let Event::Message(message) = event {
            let messages = self.messages.entry(key(message.session)).or_default();
            given.message = Some(messages.next(message.number));
        }
        if let Event::Act(act) = event {
            let messages = self.messages.get(&key(act.session));
            given.message = messages.zip(act.number).and_then(|(messages, number)| messages.find(number));
        }
        given
    }
}

fn next(given: &mut HashMap<u64, u64>, key: u64) -> u64 {
    let free = given.len() as u64 + 1;
    *given.entry(key).or_insert(free)
}

impl Given {
    /// Those that a record has already, counted through recordings that were joined.
    pub fn as_read(item: &Item) -> Given {
        let Item::Event(event) = item else { return Given::default() };
        match event.flow() {
            Some(Flow::Session(session)) => Given { session: Some(session.into()), ..Given::default() },
            Some(Flow::Exchange(exchange)) => Given { exchange: Some(exchange.into()), ..Given::default() },
            None => Given::default(),
        }
    }

    /// A line with them, and with its line end.
    pub fn written(&self, line: &[u8]) -> Vec<u8> {
        let Ok(mut keys) = Keys::parse(line) else { return line.to_vec() };
        match self.write(&mut keys) {
            true => keys.to_line(),
            false => [line.strip_suffix(b"\n").unwrap_or(line), b"\n"].concat(),
        }
    }

    /// Writes them into a line; gives whether that changed it.
    pub fn write(&self, keys: &mut Keys) -> bool {
        let mut changed = false;
        for (key, number) in [("session", self.session), ("exchange", self.exchange), ("n", self.message)] {
            let Some(number) = number else { continue };
            if keys.number(key).is_some_and(|known| known != number) {
                keys.set(key, &number.to_string());
                changed = true;
            }
        }
        changed
    }
}
