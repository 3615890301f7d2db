//! What a session said, step by step, as a recording has it.

use std::collections::VecDeque;
use std::io::BufRead;
use std::time::Duration;

use crate::capture::{Ended, Ending, Event, Kind, Message, Opening, Stamp};
use crate::decode::{Correlation, correlate};
use crate::headless::schema::{Item, ReadError, Reader, Record};
use crate::ws::Direction;

/// One thing that an end did.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The line of the recording that says so, from 1.
    pub line: u64,
    /// When, since the session was opened.
    pub at: Duration,
    /// Whose it is: `ToServer` is the client's.
    pub from: Direction,
    /// How many steps before this one stands what it answers, as far as both say so.
    pub answers: Option<u64>,
    /// What it did.
    pub what: What,
}

/// What an end did.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// It sent a message or a control frame. The payload is in memory.
    Message(Message),
    /// It ended its side of the connection so.
    End(Ending),
}

impl Step {
    /// The kind of its message, where it is one.
    pub fn kind(&self) -> Option<Kind> {
        match &self.what {
            What::Message(message) => Some(message.kind),
            What::End(_) => None,
        }
    }
}

/// The steps of one session, read from its recording as they are needed.
pub struct Steps<R> {
    reader: Reader<R>,
    session: u32,
    opened: Stamp,
    correlation: Correlation,
    count: u64,
    ready: VecDeque<Step>,
    over: bool,
}

impl<R: BufRead> Steps<R> {
    /// Those of the session that `opening` opened, which `reader` has just read.
    pub fn after(reader: Reader<R>, opening: &Opening) -> Steps<R> {
        Steps {
            reader,
            session: opening.session,
            opened: opening.time,
            correlation: Correlation::default(),
            count: 0,
            ready: VecDeque::new(),
            over: false,
        }
    }

    fn take(&mut self, record: Record) {
        let line = record.line;
        match record.item {
            Item::Event(Event::Message(message)) if message.session == self.session => {
                self.message(line, message);
            }
            Item::Event(Event::Ended(ended)) if ended.session == self.session => {
                self.end(line, ended);
            }
            // Another recording's sessions have other numbers, but this one is over.
            Item::Recording(_) => self.over = true,
            _ => {}
        }
    }

    fn message(&mut self, line: u64, message: Message) {
        let payload = message.payload.in_memory().cloned().unwrap_or_default();
        let key = match message.kind {
            Kind::Frame(opcode) => correlate(opcode, &payload),
            Kind::Raw => None,
        };
        let asked = key.and_then(|key| self.correlation.next(self.count, message.direction, &key));
        let answers = asked.map(|asked| self.count - asked);
        let (at, from) = (message.time.since(self.opened), message.direction);
        self.count += 1;
        self.ready.push_back(Step { line, at, from, answers, what: What::Message(message) });
    }

    fn end(&mut self, line: u64, ended: Ended) {
        let at = ended.time.since(self.opened);
        let mut ends = [(Direction::ToServer, ended.client), (Direction::ToClient, ended.server)];
        if ended.first == Some(Direction::ToClient) {
            ends.reverse();
        }
        for (from, how) in ends {
            self.ready.push_back(Step { line, at, from, answers: None, what: What::End(how) });
        }
        self.over = true;
    }
}

impl<R: BufRead> Iterator for Steps<R> {
    type Item = Result<Step, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(step) = self.ready.pop_front() {
                return Some(Ok(step));
            }
            if self.over {
                return None;
            }
            match self.reader.next() {
                Ok(Some(record)) => self.take(record),
                Ok(None) => self.over = true,
                Err(error) => {
                    self.over = true;
                    return Some(Err(error));
                }
            }
        }
    }
}
