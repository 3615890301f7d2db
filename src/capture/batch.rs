//! Events on their way into the log: encoded, gathered, written, and then shown to the readers at once.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, MutexGuard};

use super::act::{Act, By, Deed};
use super::agreed::Agreed;
use super::format::{Encoder, LENGTH, Tag};
use super::log::{Log, record_length};
use super::record::{Event, Extent, Flow, Kind, Payload, Place, Stamp};
use super::rows::STRETCH;
use super::rule_acts::rule;
use super::segments::Directory;
use crate::ws::{Direction, Opcode};

/// Octets gathered before they are written.
const BUFFER: usize = 256 << 10;
/// Payloads up to this size are part of their record.
pub(super) const INLINE: usize = 32 << 10;
/// Larger ones are cut into pieces of this size at most.
pub(super) const PIECE: usize = 256 << 10;

/// The writer's side: what is encoded but not written yet.
pub(super) struct Appender {
    directory: Directory,
    buffer: Vec<u8>,
    /// The log's position at which `buffer` begins.
    position: u64,
    /// Where the oldest file began when openings in it were last kept.
    kept_from: Option<u64>,
}

impl Appender {
    pub(super) fn new(directory: Directory) -> Appender {
        Appender { directory, buffer: Vec::new(), position: 0, kept_from: None }
    }
}

/// Rows of one session that were written, for its summary.
#[derive(Debug, Default)]
pub(super) struct Written {
    pub(super) positions: Vec<u64>,
    pub(super) messages: [u64; 2],
    pub(super) controls: [u64; 2],
    pub(super) octets: [u64; 2],
    pub(super) violations: u64,
    pub(super) injected: u64,
    /// Of these, those that rules sent: by which, and their numbers.
    pub(super) sent: Vec<(Arc<str>, u64)>,
    pub(super) last: Stamp,
    pub(super) close: Option<(Direction, Vec<u8>)>,
}

impl Written {
    /// One of the rows is a message that the proxy sent.
    pub(super) fn inject(&mut self, by: &By, number: u64) {
        self.injected += 1;
        self.sent.extend(rule(by).map(|name| (Arc::clone(name), number)));
    }
}

enum Happened {
    /// With its position, and, of an opening, what it agreed on.
    Event(Box<Event>, u64, Option<Agreed>),
    Rows(u32, Box<Written>),
}

/// Events on their way into the log.
pub(super) struct Batch<'a> {
    log: &'a Log,
    appender: MutexGuard<'a, Appender>,
    happened: Vec<Happened>,
    events: u64,
    /// How many of them were written before what is gathered now.
    flushed: u64,
    failure: Option<io::Error>,
}

impl<'a> Batch<'a> {
    pub(super) fn new(log: &'a Log, appender: MutexGuard<'a, Appender>) -> Batch<'a> {
        Batch { log, appender, happened: Vec::new(), events: 0, flushed: 0, failure: None }
    }

    /// Appends any event.
    pub(super) fn event(&mut self, event: Event) {
        let agreed = match &event {
            Event::Opened(opening) => Some(Agreed::read(opening)),
            _ => None,
        };
        self.event_with(event, agreed);
    }

    /// Appends any event, an opening with what it agreed on.
    pub(super) fn event_with(&mut self, mut event: Event, agreed: Option<Agreed>) {
        match &mut event {
            Event::Message(message) => self.store(&mut message.payload),
            Event::Refused(refused) => self.store(&mut refused.body),
            Event::Exchanged(exchange) => {
                self.store(&mut exchange.request_body);
                self.store(&mut exchange.response_body);
            }
            Event::Act(Act { deed: Deed::Edited(_, payload), .. }) => self.store(payload),
            _ => {}
        }
        let position = self.record(|encoder| encoder.event(&event));
        self.events += 1;
        if let Event::Message(message) = &event {
            let way = message.direction as usize;
            let mut written = Written { positions: vec![position], last: message.time, ..Written::default() };
            let count = if message.kind.is_control() { &mut written.controls } else { &mut written.messages };
            count[way] = 1;
            written.octets[way] = message.wire_size;
            written.violations = message.faults.len() as u64;
            if let Some(by) = &message.injected {
                written.inject(by, message.number);
            } else if message.kind == Kind::Frame(Opcode::Close) {
                let payload = message.payload.in_memory().map(|bytes| bytes.to_vec());
                written.close = Some((message.direction, payload.unwrap_or_default()));
            }
            self.happened.push(Happened::Rows(message.session, Box::new(written)));
        } else {
            self.happened.push(Happened::Event(Box::new(event), position, agreed));
        }
    }

    /// Appends a record that `encode` writes; gives its position.
    pub(super) fn record(&mut self, encode: impl FnOnce(&mut Encoder<'_>)) -> u64 {
        if self.appender.buffer.len() >= BUFFER {
            self.flush();
        }
        let start = self.appender.buffer.len();
        encode(&mut Encoder(&mut self.appender.buffer));
        let position = self.appender.position + start as u64;
        let end = self.appender.position + self.appender.buffer.len() as u64;
        let file_end = (self.appender.position / self.log.0.segment + 1) * self.log.0.segment;
        if end <= file_end {
            return position;
        }
        // The record does not fit what is left of its file: it is the first of the next.
        let record = self.appender.buffer.split_off(start);
        self.appender.buffer.extend_from_slice(&[0; LENGTH][..LENGTH.min((file_end - position) as usize)]);
        self.flush();
        self.appender.position = file_end;
        self.appender.buffer = record;
        file_end
    }

    /// One more row was written by [`Batch::record`].
    pub(super) fn count_event(&mut self) {
        self.events += 1;
    }

    /// Tells what was written of a session's rows.
    pub(super) fn rows(&mut self, session: u32, written: Box<Written>) {
        self.happened.push(Happened::Rows(session, written));
    }

    /// Appends a part of a payload; gives where it is.
    pub(super) fn piece(&mut self, bytes: &[u8]) -> Extent {
        let position = self.record(|encoder| {
            let start = encoder.begin(Tag::Piece);
            encoder.0.extend_from_slice(bytes);
            encoder.finish(start);
        });
        Extent { position: position + LENGTH as u64 + 1, length: bytes.len() as u64 }
    }

    /// Moves a payload that is too large for its record out of it.
    fn store(&mut self, payload: &mut Payload) {
        if let Some(bytes) = payload.in_memory()
            && bytes.len() > INLINE
        {
            let extents = bytes.clone().chunks(PIECE).map(|piece| self.piece(piece)).collect();
            payload.0 = Place::Log(extents);
        }
    }

    /// Writes all, and shows it to the readers.
    pub(super) fn commit(mut self) -> io::Result<()> {
        let filled = self.lists();
        let kept = self.keep_openings();
        self.flush();
        let log = self.log;
        {
            let mut index = log.index_mut();
            for one in std::mem::take(&mut self.happened) {
                match one {
                    Happened::Event(event, position, agreed) => index.apply(&event, position, agreed),
                    Happened::Rows(session, written) => index.apply_rows(session, &written),
                }
            }
            for (session, tail) in filled {
                index.entry_or_new(Flow::Session(session)).rows.extend(&tail.lists, tail.rows);
            }
            for (flow, from, to) in kept {
                let entry = index.entry_or_new(flow);
                // One that this batch told anew is where that was told.
                entry.opening = if entry.opening == from { to } else { entry.opening };
            }
            index.end = self.appender.position;
            index.events += self.events;
            if let Some(error) = &self.failure {
                let lost = index.stats.lost.get_or_insert_default();
                *lost = (lost.0 + self.events.max(1), error.to_string());
            }
        }
        let failure = self.failure.take();
        drop(self);
        log.changed();
        failure.map_or(Ok(()), Err)
    }

    /// Writes a list for every stretch of rows that is full now; gives what is new for each session.
    fn lists(&mut self) -> HashMap<u32, Tail> {
        let mut tails: HashMap<u32, Tail> = HashMap::new();
        let log = self.log;
        for one in &self.happened {
            let Happened::Rows(session, written) = one else { continue };
            let tail = tails.entry(*session).or_insert_with(|| {
                let index = log.index();
                let entry = index.entry(Flow::Session(*session));
                Tail {
                    lists: Vec::new(),
                    rows: entry.map_or_else(Vec::new, |entry| entry.rows.tail().to_vec()),
                }
            });
            tail.rows.extend_from_slice(&written.positions);
        }
        for tail in tails.values_mut() {
            let full = tail.rows.len() / STRETCH as usize * STRETCH as usize;
            for stretch in tail.rows[..full].chunks_exact(STRETCH as usize) {
                tail.lists.push(self.record(|encoder| {
                    let start = encoder.begin(Tag::Rows);
                    stretch.iter().for_each(|position| encoder.0.extend_from_slice(&position.to_le_bytes()));
                    encoder.finish(start);
                }));
            }
            tail.rows.drain(..full);
        }
        tails
    }

    /// Before the oldest file goes, writes the openings in it of sessions that go on once more, as long as a session
    /// lasts, its handshake can be looked at. Gives from where to where each was moved.
    fn keep_openings(&mut self) -> Vec<(Flow, u64, u64)> {
        let (start, endangered, segments) = {
            let index = self.log.index();
            let start = index.segments.start();
            let full = (index.segments.count() as u64 + 1) * self.log.0.segment > self.log.0.limit;
            if !full || self.appender.kept_from == Some(start) {
                return Vec::new();
            }
            (start, index.endangered(), index.segments.clone())
        };
        self.appender.kept_from = Some(start);
        let mut moved = Vec::new();
        for (flow, from) in endangered {
            let mut length = [0; LENGTH];
            let read = segments.read(from, &mut length);
            let Some(length) = read.ok().flatten().and_then(|_| record_length(&length)) else { continue };
            let mut record = vec![0; length];
            if !matches!(segments.read(from + LENGTH as u64, &mut record), Ok(Some(read)) if read == length) {
                continue;
            }
            let to = self.record(|encoder| {
                let start = encoder.begin(Tag::Kept);
                let again = usize::from(record[0] == Tag::Kept as u8);
                encoder.0.extend_from_slice(&record[again..]);
                encoder.finish(start);
            });
            moved.push((flow, from, to));
        }
        moved
    }

    /// Writes what is gathered.
    fn flush(&mut self) {
        if self.appender.buffer.is_empty() {
            return;
        }
        let mut result = self.write();
        if result.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::StorageFull) {
            // A full disk is a smaller limit.
            self.log.index_mut().evict();
            result = self.write();
        }
        if let Err(error) = result {
            self.failure.get_or_insert(error);
        }
        let appender = &mut *self.appender;
        appender.position += appender.buffer.len() as u64;
        appender.buffer.clear();
        // A burst's memory is not kept.
        appender.buffer.shrink_to(BUFFER * 2);
        self.flushed = self.events;
    }

    /// Writes what is gathered, into a new file where its place is beyond the last.
    fn write(&self) -> io::Result<()> {
        let (log, appender) = (self.log, &*self.appender);
        let segments = log.index().segments.clone();
        if appender.position < segments.end() {
            return segments.write(appender.position, &appender.buffer);
        }
        // Readers that hold this would keep the oldest file from being written anew.
        drop(segments);
        let number = appender.position / log.0.segment;
        let full = (log.index().segments.count() as u64 + 1) * log.0.segment > log.0.limit;
        let oldest = if full { log.index_mut().evict() } else { None };
        let file = oldest.map_or_else(|| appender.directory.file(number), Ok)?;
        let segments = {
            let mut index = log.index_mut();
            index.segments.add(file);
            let before = index.events + self.flushed;
            index.events_before.push_back(before);
            index.segments.clone()
        };
        segments.write(appender.position, &appender.buffer)
    }
}

/// What is new about where a session's rows are.
struct Tail {
    /// Positions of the lists just written.
    lists: Vec<u64>,
    /// Positions of the rows after them.
    rows: Vec<u64>,
}
