//! What a session said, step by step, as a recording has it.

use std::collections::VecDeque;
use std::io::{self, BufRead};
use std::sync::Arc;
use std::time::Duration;

use super::binding::Binding;
use super::packet;
use super::passage::{Passage, Passages};
use super::path::at;
use crate::capture::{Deed, Ended, Ending, Event, Kind, Log, Message, Opening, Payload, Stamp};
use crate::decode::{Correlation, Key, Role, Tie, correlate};
use crate::headless::schema::{Item, ReadError, Reader};
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
    /// What became of its message on the way to the other end.
    pub passage: Passage,
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

    /// Makes of what an end sent what the other one received; gives whether that is nothing at all.
    pub(super) fn go_through(&mut self) -> bool {
        if let What::Message(message) = &mut self.what {
            self.passage.edit(message);
        }
        self.passage.is_dropped
    }
}

/// The steps of one session, read from where it was recorded as they are needed.
pub struct Steps {
    source: Box<dyn Source + Send>,
    opened: Stamp,
    correlation: Correlation,
    /// Places whose values tie an answer to its question.
    bindings: Vec<Binding>,
    count: u64,
    ready: VecDeque<Step>,
    over: bool,
}

/// Where a session is read from.
trait Source {
    /// The next that its ends did, and the line that says so; none where that is all.
    fn next(&mut self) -> Result<Option<(u64, Said)>, ReadError>;
}

enum Said {
    Message(Message, Passage),
    Ended(Ended),
}

/// A recording, behind the line that opens the session.
struct Recorded<R> {
    reader: Reader<R>,
    session: u32,
    /// What stands further down about its messages.
    passages: Arc<Passages>,
}

/// The log. Its lines are the numbers of the messages.
struct Logged {
    log: Log,
    session: u32,
    number: u64,
}

impl<R: BufRead> Source for Recorded<R> {
    fn next(&mut self) -> Result<Option<(u64, Said)>, ReadError> {
        while let Some(record) = self.reader.next()? {
            let said = match record.item {
                Item::Event(Event::Message(message)) if message.session == self.session => {
                    let passage = self.passages.of(message.number);
                    Said::Message(message, passage)
                }
                Item::Event(Event::Ended(ended)) if ended.session == self.session => Said::Ended(ended),
                // Another recording's sessions have other numbers, but this one is over.
                Item::Recording(_) => return Ok(None),
                _ => continue,
            };
            return Ok(Some((record.line, said)));
        }
        Ok(None)
    }
}

impl Logged {
    fn said(&mut self) -> io::Result<Option<Said>> {
        let Some(mut message) = self.log.message(self.session, self.number)? else {
            return Ok(self.log.ended(self.session)?.map(Said::Ended));
        };
        message.payload = self.whole(&message.payload)?;
        let mut passage = Passage::default();
        for mut act in self.log.acts(self.session, self.number) {
            if let Deed::Edited(_, payload) = &mut act.deed {
                *payload = self.whole(payload)?;
            }
            passage.add(act.deed);
        }
        Ok(Some(Said::Message(message, passage)))
    }

    /// The same payload, in memory.
    fn whole(&self, payload: &Payload) -> io::Result<Payload> {
        let length = usize::try_from(payload.len()).unwrap_or(usize::MAX);
        Ok(Payload::from(self.log.read(payload, 0, length)?))
    }
}

impl Source for Logged {
    fn next(&mut self) -> Result<Option<(u64, Said)>, ReadError> {
        let said = self.said().map_err(|source| ReadError::Io { file: "the log".to_owned(), source })?;
        let line = self.number;
        self.number += 1;
        Ok(said.map(|said| (line, said)))
    }
}

impl Steps {
    /// Those of the session that `opening` opened, which `reader` has just read. What was done to its messages may
    /// stand anywhere behind them, and so comes along.
    pub fn after<R: BufRead + Send + 'static>(
        reader: Reader<R>,
        opening: &Opening,
        passages: Arc<Passages>,
    ) -> Steps {
        Steps::of(Recorded { reader, session: opening.session, passages }, opening)
    }

    /// Those that the log holds of the session that `opening` opened. What comes later is among them.
    pub fn logged(log: &Log, opening: &Opening) -> Steps {
        let session = opening.session;
        Steps::of(Logged { log: log.clone(), session, number: log.rows(session).start }, opening)
    }

    fn of(source: impl Source + Send + 'static, opening: &Opening) -> Steps {
        Steps {
            source: Box::new(source),
            opened: opening.time,
            correlation: Correlation::default(),
            bindings: Vec::new(),
            count: 0,
            ready: VecDeque::new(),
            over: false,
        }
    }

    /// The same, where a message answers the one that has the same value where a binding leads to.
    pub fn bound(mut self, bindings: &[Binding]) -> Steps {
        self.bindings = bindings.to_vec();
        self
    }

    /// What ties a message to others by the bindings.
    fn tie(&self, payload: &[u8]) -> Option<Key> {
        if self.bindings.is_empty() {
            return None;
        }
        let (_, value) = packet::json(payload)?;
        let mut found = self.bindings.iter().flat_map(|binding| {
            let places = binding.path.places(&value);
            places.into_iter().map(|trail| (binding, trail)).collect::<Vec<_>>()
        });
        found.find_map(|(binding, trail)| {
            let bound = at(&value, &trail).filter(|bound| bound.is_string() || bound.is_number())?;
            Some(Key { role: Role::Either, tie: Tie::Text(format!("{}={bound}", binding.name).into()) })
        })
    }

    fn message(&mut self, line: u64, message: Message, passage: Passage) {
        let payload = message.payload.in_memory().cloned().unwrap_or_default();
        let key = match message.kind {
            Kind::Frame(opcode) if opcode.is_control() => correlate(opcode, &payload),
            Kind::Frame(opcode) => self.tie(&payload).or_else(|| correlate(opcode, &payload)),
            Kind::Raw => None,
        };
        let asked = key.and_then(|key| self.correlation.next(self.count, message.direction, &key));
        let answers = asked.map(|asked| self.count - asked);
        let (at, from) = (message.time.since(self.opened), message.direction);
        self.count += 1;
        self.ready.push_back(Step { line, at, from, answers, what: What::Message(message), passage });
    }

    fn end(&mut self, line: u64, ended: Ended) {
        let at = ended.time.since(self.opened);
        let mut ends = [(Direction::ToServer, ended.client), (Direction::ToClient, ended.server)];
        if ended.first == Some(Direction::ToClient) {
            ends.reverse();
        }
        for (from, how) in ends {
            self.ready.push_back(Step {
                line,
                at,
                from,
                answers: None,
                what: What::End(how),
                passage: Passage::default(),
            });
        }
        self.over = true;
    }
}

impl Iterator for Steps {
    type Item = Result<Step, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(step) = self.ready.pop_front() {
                return Some(Ok(step));
            }
            if self.over {
                return None;
            }
            match self.source.next() {
                Ok(Some((line, Said::Message(message, passage)))) => self.message(line, message, passage),
                Ok(Some((line, Said::Ended(ended)))) => self.end(line, ended),
                Ok(None) => self.over = true,
                Err(error) => {
                    self.over = true;
                    return Some(Err(error));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::ws::Opcode;

    /// Messages as they were recorded: `>` the client's, `<` the server's.
    struct Told(std::vec::IntoIter<&'static str>, u64);

    impl Source for Told {
        fn next(&mut self) -> Result<Option<(u64, Said)>, ReadError> {
            let Some(line) = self.0.next() else { return Ok(None) };
            self.1 += 1;
            let direction = if line.starts_with('>') { Direction::ToServer } else { Direction::ToClient };
            let payload = Bytes::from(&line[2..]);
            let message = Message::whole(direction, Kind::Frame(Opcode::Text), payload);
            let message = Message { number: self.1, ..message };
            Ok(Some((self.1, Said::Message(message, Passage::default()))))
        }
    }

    #[test]
    fn a_bound_value_ties_an_answer_to_its_own_question() {
        let lines =
            vec![r#"> {"ref":"a"}"#, r#"> {"ref":"b"}"#, r#"< {"re":{"ref":"a"}}"#, r#"< {"ref":"b"}"#];
        let answers = |bindings: &[Binding]| -> Vec<_> {
            let steps = Steps::of(Told(lines.clone().into_iter(), 0), &Opening::default()).bound(bindings);
            steps.map(|step| step.unwrap().answers).collect()
        };
        assert_eq!(answers(&[]), [None; 4]);
        assert_eq!(answers(&["ref=$..ref".parse().unwrap()]), [None, None, Some(2), Some(2)]);
    }
}
