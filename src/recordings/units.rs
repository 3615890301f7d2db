//! What a recording holds, record by record, with where each stands; what it says stays in the file.

use std::collections::HashMap;
use std::io::{BufRead, Cursor, Seek};

use super::align::Mark;
use super::content::{self, hash_of};
use super::input::{Input, Span};
use crate::capture::{Event, Flow, Message, Opening, Stamp};
use crate::headless::FileError;
use crate::headless::schema::{Item, ReadError, Reader, Recording};
use crate::ws::handshake::{RequestHead, ResponseHead};

/// One record: a line, with the violations behind a message.
pub(crate) struct Unit {
    pub span: Span,
    /// The number of its first line.
    pub line: u64,
    pub what: What,
    pub mark: Mark,
    /// Since its session was opened, in nanoseconds.
    pub at: u64,
    /// A message's number in its session.
    pub number: u64,
}

/// What a record is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// The opening of a session, a refusal or a tunnel.
    Opening(u32),
    /// A message, or a note about the session.
    Said(u32),
    /// Its end.
    End(u32),
    Exchange(u32),
    /// A note about the proxy, a gap, a line that is not known.
    Other(Option<Flow>),
}

/// A session, by the places of its records.
#[derive(Default)]
pub(crate) struct Session {
    pub number: u32,
    pub opening: Option<usize>,
    /// What the sessions of a path, a query and a subprotocol have in common.
    pub place: u64,
    /// Path and query, for eyes; a tunnel's target.
    pub target: String,
    pub said: Vec<usize>,
    pub end: Option<usize>,
}

/// All that a recording holds.
pub(crate) struct Units {
    pub recording: Recording,
    pub first_line: Vec<u8>,
    pub all: Vec<Unit>,
    pub sessions: Vec<Session>,
    by_number: HashMap<u32, (usize, Stamp)>,
}

impl Units {
    /// Reads a recording. Messages are the same where all of their lines are.
    pub fn read<R: BufRead + Seek>(input: &mut Input<R>) -> Result<Units, ReadError> {
        Units::read_by(input, |_| None)
    }

    /// The same, where `content` is shown everything in order and gives what counts of it: none for all of it, and a hash of
    /// none for what is left out.
    pub fn read_by<R: BufRead + Seek>(
        input: &mut Input<R>,
        mut content: impl FnMut(&Event) -> Option<Option<u64>>,
    ) -> Result<Units, ReadError> {
        let mut reader = input.reader()?;
        let mut units = Units {
            recording: reader.recording().clone(),
            first_line: reader.first_line().to_vec(),
            all: Vec::new(),
            sessions: Vec::new(),
            by_number: HashMap::new(),
        };
        loop {
            let start = reader.offset();
            let Some(record) = reader.next()? else { break };
            let span = Span { start, end: reader.offset() };
            if record.lines.is_empty() || matches!(record.item, Item::Recording(_)) {
                continue;
            }
            let counts = match &record.item {
                Item::Event(event) => content(event),
                _ => None,
            };
            match counts {
                Some(None) => {}
                Some(Some(content)) => {
                    units.add(record.item, &record.lines, span, record.line);
                    units.all.last_mut().into_iter().for_each(|unit| unit.mark.content = content);
                }
                None => units.add(record.item, &record.lines, span, record.line),
            }
        }
        Ok(units)
    }

    /// What a record says, read again.
    pub fn event<R: BufRead + Seek>(
        &self,
        input: &mut Input<R>,
        unit: usize,
    ) -> Result<Option<Event>, FileError> {
        let lines = input.lines(self.all[unit].span)?.concat();
        let text = [self.first_line.trim_ascii_end(), b"\n", &lines].concat();
        let record = Reader::new(input.name(), Cursor::new(text))?.next()?;
        Ok(record.and_then(|record| if let Item::Event(event) = record.item { Some(event) } else { None }))
    }

    fn add(&mut self, item: Item, lines: &[u8], span: Span, line: u64) {
        let place = self.all.len();
        let each: Vec<&[u8]> = lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect();
        let content = content::hash(&each);
        let mut unit = Unit {
            span,
            line,
            what: What::Other(None),
            mark: Mark { content, shape: content, kind: content },
            at: 0,
            number: 0,
        };
        match item {
            Item::Event(Event::Opened(opening)) => self.open(&mut unit, &opening, "open"),
            Item::Event(Event::Refused(refused)) => self.open(&mut unit, &refused.opening, "refused"),
            Item::Event(Event::Tunnel(tunnel)) => {
                let place = hash_of(("tunnel", &tunnel.target));
                self.begin(&mut unit, tunnel.session, tunnel.time, (place, tunnel.target));
            }
            Item::Event(Event::Message(message)) => self.said(&mut unit, &message),
            Item::Event(Event::Ended(ended)) => {
                let (session, opened) = self.session(ended.session);
                unit.at = ended.time.0.saturating_sub(opened.0);
                unit.what = What::End(ended.session);
                self.sessions[session].end = Some(place);
            }
            Item::Event(Event::Exchanged(exchange)) => {
                let request = RequestHead::parse(&exchange.request);
                let asked = request.map(|request| {
                    (request.method().into_owned(), origin_form(&request.target()).to_owned())
                });
                unit.mark.shape = hash_of(("exchange", asked.ok()));
                unit.what = What::Exchange(exchange.exchange);
            }
            Item::Event(event) => {
                unit.what = What::Other(event.flow());
                if let Event::Act(act) = &event {
                    unit.number = act.number.unwrap_or(0);
                }
                if let Some(Flow::Session(number)) = event.flow()
                    && let Some((session, opened)) = self.by_number.get(&number)
                {
                    unit.at = event.time().0.saturating_sub(opened.0);
                    unit.what = What::Said(number);
                    self.sessions[*session].said.push(place);
                }
            }
            _ => {}
        }
        self.all.push(unit);
    }

    fn open(&mut self, unit: &mut Unit, opening: &Opening, kind: &str) {
        self.begin(unit, opening.session, opening.time, place(opening, kind));
    }

    fn begin(&mut self, unit: &mut Unit, number: u32, time: Stamp, (place, target): (u64, String)) {
        let opening = Some(self.all.len());
        self.by_number.insert(number, (self.sessions.len(), time));
        self.sessions.push(Session { number, opening, place, target, ..Session::default() });
        unit.what = What::Opening(number);
    }

    fn said(&mut self, unit: &mut Unit, message: &Message) {
        let place = self.all.len();
        let (session, opened) = self.session(message.session);
        unit.at = message.time.0.saturating_sub(opened.0);
        unit.number = message.number;
        unit.what = What::Said(message.session);
        let kind = (message.direction as u8, message.kind);
        let payload = message.payload.in_memory().map(|bytes| &bytes[..]).unwrap_or_default();
        unit.mark.kind = hash_of(kind);
        unit.mark.shape = hash_of((kind, content::shape(payload)));
        self.sessions[session].said.push(place);
    }

    /// A session's place and opening; one whose opening is not in the recording begins with what is there of it.
    fn session(&mut self, number: u32) -> (usize, Stamp) {
        let next = self.sessions.len();
        let known = self.by_number.entry(number).or_insert_with(|| {
            self.sessions.push(Session { number, ..Session::default() });
            (next, Stamp(0))
        });
        *known
    }
}

/// A hash of path, query and subprotocol of a session, and of whether it was opened; and path and query.
fn place(opening: &Opening, kind: &str) -> (u64, String) {
    let target =
        RequestHead::parse(&opening.request).map(|request| origin_form(&request.target()).to_owned());
    let chosen = ResponseHead::parse(&opening.response).ok();
    let chosen =
        chosen.and_then(|response| Some(response.headers().text("Sec-WebSocket-Protocol")?.into_owned()));
    let target = target.unwrap_or_default();
    (hash_of((kind, &target, chosen)), target)
}

/// Of an absolute request target what a server gets: its path and query.
fn origin_form(target: &str) -> &str {
    let Some((_, rest)) = target.split_once("://") else { return target };
    rest.find('/').map_or("/", |start| &rest[start..])
}
