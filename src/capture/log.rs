//! The log itself: one writer at a time appends, any number of readers look.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::io;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;

use super::format::{Decoder, Encoder, LENGTH, Tag};
use super::reader::Cursor;
use super::record::{
    Ended, Event, Exchange, Extent, Flow, Message, Opening, Payload, Place, Refused, Stamp, Tunnel,
};
use super::rows::{self, Rows, STRETCH};
use super::segments::{Directory, LogConfig, SMALLEST_LIMIT, Segments};
use super::summary::{FlowKind, State, Summary};

/// The shared handle of the log.
#[derive(Clone)]
pub struct Log(Arc<Inner>);

struct Inner {
    limit: u64,
    /// Octets in each of the log's files.
    segment: u64,
    started: SystemTime,
    origin: Instant,
    index: RwLock<Index>,
    appender: Mutex<Appender>,
    version: AtomicU64,
    waiting: Mutex<()>,
    changed: Condvar,
    closed: AtomicBool,
}

/// What the log has seen, in numbers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stats {
    /// Sessions and tunnels that are open.
    pub open: u64,
    /// Sessions and tunnels that were open and are not any more.
    pub closed: u64,
    /// Opening handshakes that failed.
    pub refused: u64,
    /// Plain HTTP exchanges.
    pub exchanges: u64,
    /// Rows: data messages, control frames and stretches of raw bytes.
    pub messages: u64,
    /// Octets relayed, both ways together.
    pub bytes: u64,
    /// Broken MUSTs.
    pub violations: u64,
    /// Octets that the log holds.
    pub log_bytes: u64,
    /// Octets that it may hold.
    pub log_limit: u64,
    /// Events that have gone to keep to the limit.
    pub evicted: u64,
    /// Events that could not be written, and why the last could not.
    pub lost: Option<(u64, String)>,
}

/// The handshake of a session as far as it is known.
#[derive(Clone, Debug, PartialEq)]
pub enum Opened {
    /// The server has not answered.
    Asked(Opening),
    /// It is, or was, open.
    Session(Opening),
    /// It was not opened.
    Refused(Refused),
    /// It is no WebSocket.
    Tunnel(Tunnel),
}

/// What readers share: small, and locked for short.
pub(super) struct Index {
    pub(super) segments: Segments,
    /// The position after the last octet that may be read.
    pub(super) end: u64,
    /// Events before each file that is left, oldest file first; cursors count with it what they missed.
    pub(super) events_before: VecDeque<u64>,
    pub(super) events: u64,
    flows: BTreeMap<u64, Entry>,
    /// The place of each flow in `flows`, which is in the order they began.
    places: HashMap<Flow, u64>,
    next_place: u64,
    stats: Stats,
}

struct Entry {
    summary: Summary,
    /// Where the latest record about the handshake, or the exchange, is.
    opening: u64,
    ended: Option<u64>,
    rows: Rows,
}

/// The writer's side: what is encoded but not written yet.
struct Appender {
    directory: Directory,
    buffer: Vec<u8>,
    /// The log's position at which `buffer` begins.
    position: u64,
}

/// Octets gathered before they are written.
const BUFFER: usize = 256 << 10;
/// Payloads up to this size are part of their record.
pub(super) const INLINE: usize = 32 << 10;
/// Larger ones are cut into pieces of this size at most.
pub(super) const PIECE: usize = 256 << 10;
/// How much of a record one read fetches: most rows whole.
const PAGE: usize = 2 << 10;

impl Log {
    /// A log in a folder of its own.
    ///
    /// # Errors
    /// Where the folder or its first file cannot be made.
    pub fn create(config: &LogConfig) -> io::Result<Log> {
        Log::begun(config, SystemTime::now(), Instant::now())
    }

    /// A log in a folder of its own for what was recorded earlier: its stamps count from `started`.
    ///
    /// # Errors
    /// Where the folder or its first file cannot be made.
    pub fn of_recording(config: &LogConfig, started: SystemTime) -> io::Result<Log> {
        let now = Instant::now();
        let ago = started.elapsed().unwrap_or_default();
        Log::begun(config, started, now.checked_sub(ago).unwrap_or(now))
    }

    fn begun(config: &LogConfig, started: SystemTime, origin: Instant) -> io::Result<Log> {
        let limit = config.limit.max(SMALLEST_LIMIT);
        let directory = Directory::create(config.directory.as_deref())?;
        let mut index = Index {
            segments: Segments::new(limit),
            end: 0,
            events_before: [0].into(),
            events: 0,
            flows: BTreeMap::new(),
            places: HashMap::new(),
            next_place: 0,
            stats: Stats { log_limit: limit, ..Stats::default() },
        };
        index.segments.add(directory.file(0)?);
        Ok(Log(Arc::new(Inner {
            limit,
            segment: index.segments.size(),
            started,
            origin,
            index: RwLock::new(index),
            appender: Mutex::new(Appender { directory, buffer: Vec::new(), position: 0 }),
            version: AtomicU64::new(0),
            waiting: Mutex::new(()),
            changed: Condvar::new(),
            closed: AtomicBool::new(false),
        })))
    }

    /// The wall clock's time at `Stamp(0)`.
    pub fn started(&self) -> SystemTime {
        self.0.started
    }

    /// The time now.
    pub fn now(&self) -> Stamp {
        self.stamp(Instant::now())
    }

    /// `instant` on the log's clock.
    pub fn stamp(&self, instant: Instant) -> Stamp {
        Stamp(instant.saturating_duration_since(self.0.origin).as_nanos() as u64)
    }

    /// Grows with everything that is appended.
    pub fn version(&self) -> u64 {
        self.0.version.load(Ordering::Acquire)
    }

    /// Waits until [`Log::version`] is above `seen`, the log is closed, or `timeout` has passed; gives the version.
    pub fn wait(&self, seen: u64, timeout: Duration) -> u64 {
        let guard = self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        // The result is read again below: a poisoned lock guards nothing here.
        let _ = self.0.changed.wait_timeout_while(guard, timeout, |()| {
            self.version() <= seen && !self.0.closed.load(Ordering::Acquire)
        });
        self.version()
    }

    /// Says that nothing more will be appended: cursors end.
    pub fn close(&self) {
        self.0.closed.store(true, Ordering::Release);
        self.changed();
    }

    /// Whether nothing more will be appended.
    pub fn is_closed(&self) -> bool {
        self.0.closed.load(Ordering::Acquire)
    }

    /// A reader from the oldest event that is left.
    pub fn cursor(&self) -> Cursor {
        Cursor::new(self.clone())
    }

    /// The numbers.
    pub fn stats(&self) -> Stats {
        let index = self.index();
        Stats { log_bytes: index.end.saturating_sub(index.segments.start()), ..index.stats.clone() }
    }

    /// Gives all flows in the order they began to `look`, which should be quick: the capture waits meanwhile.
    pub fn summaries<T>(&self, look: impl FnOnce(&mut dyn Iterator<Item = &Summary>) -> T) -> T {
        look(&mut self.index().flows.values().map(|entry| &entry.summary))
    }

    /// One flow in short.
    pub fn summary(&self, flow: Flow) -> Option<Summary> {
        self.index().entry(flow).map(|entry| entry.summary.clone())
    }

    /// The handshake of a session as far as it is known; none where the log does not hold it any more.
    ///
    /// # Errors
    /// Where the log's files cannot be read.
    pub fn opening(&self, session: u32) -> io::Result<Option<Opened>> {
        let position = self.index().entry(Flow::Session(session)).map(|entry| entry.opening);
        let Some(position) = position else { return Ok(None) };
        Ok(self.event_at(position)?.and_then(|event| match event {
            Event::Asked(opening) => Some(Opened::Asked(opening)),
            Event::Opened(opening) => Some(Opened::Session(opening)),
            Event::Refused(refused) => Some(Opened::Refused(refused)),
            Event::Tunnel(tunnel) => Some(Opened::Tunnel(tunnel)),
            _ => None,
        }))
    }

    /// How a session ended, if it has.
    ///
    /// # Errors
    /// Where the log's files cannot be read.
    pub fn ended(&self, session: u32) -> io::Result<Option<Ended>> {
        let position = self.index().entry(Flow::Session(session)).and_then(|entry| entry.ended);
        let Some(position) = position else { return Ok(None) };
        Ok(self.event_at(position)?.and_then(|event| match event {
            Event::Ended(ended) => Some(ended),
            _ => None,
        }))
    }

    /// A plain HTTP exchange as far as it is known.
    ///
    /// # Errors
    /// Where the log's files cannot be read.
    pub fn exchange(&self, exchange: u32) -> io::Result<Option<Exchange>> {
        let position = self.index().entry(Flow::Exchange(exchange)).map(|entry| entry.opening);
        let Some(position) = position else { return Ok(None) };
        Ok(self.event_at(position)?.and_then(|event| match event {
            Event::Requested(exchange) | Event::Responded(exchange) | Event::Exchanged(exchange) => {
                Some(exchange)
            }
            _ => None,
        }))
    }

    /// The numbers of a session's messages that can still be read, from the first that is left.
    pub fn rows(&self, session: u32) -> Range<u64> {
        let index = self.index();
        let Some(entry) = index.entry(Flow::Session(session)) else { return 1..1 };
        let start = index.segments.start();
        let (known, list) = entry.rows.known();
        let first = match list {
            // The oldest list itself is there, but not all that it lists may be.
            Some(list) if start > 0 => index
                .positions(list)
                .and_then(|positions| positions.iter().position(|position| *position >= start))
                .map_or(known.start + STRETCH, |within| known.start + within as u64),
            Some(_) => known.start,
            None => {
                known.start + entry.rows.tail().iter().filter(|position| **position < start).count() as u64
            }
        };
        first + 1..known.end + 1
    }

    /// A session's message of number `number`, from 1. None where it is not there: not yet, or not any more.
    ///
    /// # Errors
    /// Where the log's files cannot be read.
    pub fn message(&self, session: u32, number: u64) -> io::Result<Option<Message>> {
        let Some(row) = number.checked_sub(1) else { return Ok(None) };
        let position = {
            let index = self.index();
            let place = index.entry(Flow::Session(session)).and_then(|entry| entry.rows.place(row));
            match place {
                None => return Ok(None),
                Some(rows::Place::At(position)) => Some(position),
                Some(rows::Place::Listed(list, within)) => {
                    index.positions(list).and_then(|positions| positions.get(within).copied())
                }
            }
        };
        let Some(position) = position else { return Ok(None) };
        Ok(self.event_at(position)?.and_then(|event| match event {
            Event::Message(message) => Some(message),
            _ => None,
        }))
    }

    /// Up to `length` octets of a payload from `offset` on; fewer at its end, or where the limit removed the rest.
    ///
    /// # Errors
    /// Where the log's files cannot be read.
    pub fn read(&self, payload: &Payload, mut offset: u64, length: usize) -> io::Result<Bytes> {
        let extents = match &payload.0 {
            Place::Memory(bytes) => {
                let start = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
                return Ok(bytes.slice(start..bytes.len().min(start.saturating_add(length))));
            }
            Place::Log(extents) => extents,
        };
        let segments = self.index().segments.clone();
        let wanted = (length as u64).min(payload.len().saturating_sub(offset)) as usize;
        let mut bytes = vec![0; wanted];
        let mut done = 0;
        for extent in extents {
            if offset >= extent.length {
                offset -= extent.length;
                continue;
            }
            let take = (extent.length - offset).min((wanted - done) as u64) as usize;
            match segments.read(extent.position + offset, &mut bytes[done..done + take])? {
                Some(read) if read == take => done += read,
                _ => break,
            }
            offset = 0;
            if done == wanted {
                break;
            }
        }
        bytes.truncate(done);
        Ok(bytes.into())
    }

    /// Forgets the flows that are over. Cursors still read them.
    pub fn clear(&self) {
        {
            let mut index = self.index_mut();
            let index = &mut *index;
            index.flows.retain(|_, entry| !entry.summary.is_over());
            index.places.retain(|_, place| index.flows.contains_key(place));
        }
        self.changed();
    }

    /// Appends an event that comes from elsewhere than a live connection: a recording, a note.
    ///
    /// # Errors
    /// Where the log's files cannot be written; the event is counted as lost.
    pub fn append(&self, event: Event) -> io::Result<()> {
        let mut batch = self.batch();
        batch.event(event);
        batch.commit()
    }

    /// Appends several events, faster than one by one.
    ///
    /// # Errors
    /// Where the log's files cannot be written; the events are counted as lost.
    pub fn append_all(&self, events: impl IntoIterator<Item = Event>) -> io::Result<()> {
        let mut batch = self.batch();
        events.into_iter().for_each(|event| batch.event(event));
        batch.commit()
    }

    /// Begins to append several events at once. Readers see them after [`Batch::commit`].
    pub(super) fn batch(&self) -> Batch<'_> {
        let appender = self.0.appender.lock().unwrap_or_else(PoisonError::into_inner);
        Batch { log: self, appender, happened: Vec::new(), events: 0, flushed: 0, failure: None }
    }

    pub(super) fn index(&self) -> RwLockReadGuard<'_, Index> {
        self.0.index.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn index_mut(&self) -> RwLockWriteGuard<'_, Index> {
        self.0.index.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn segment_size(&self) -> u64 {
        self.0.segment
    }

    fn changed(&self) {
        self.0.version.fetch_add(1, Ordering::AcqRel);
        let _guard = self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        self.0.changed.notify_all();
    }

    /// Writes what `appender` has gathered, into a new file where its place is beyond the last; `events` have come
    /// before it in this batch.
    fn write(&self, appender: &Appender, events: u64) -> io::Result<()> {
        let segments = self.index().segments.clone();
        if appender.position < segments.end() {
            return segments.write(appender.position, &appender.buffer);
        }
        let number = appender.position / self.0.segment;
        let full = (self.index().segments.count() as u64 + 1) * self.0.segment > self.0.limit;
        let oldest = if full { self.index_mut().evict() } else { None };
        let file = oldest.map_or_else(|| appender.directory.file(number), Ok)?;
        let segments = {
            let mut index = self.index_mut();
            index.segments.add(file);
            let before = index.events + events;
            index.events_before.push_back(before);
            index.segments.clone()
        };
        segments.write(appender.position, &appender.buffer)
    }

    /// The event whose record is at `position`; none where it is gone.
    fn event_at(&self, position: u64) -> io::Result<Option<Event>> {
        let segments = self.index().segments.clone();
        let mut page = [0; PAGE];
        let Some(read) = segments.read(position, &mut page)? else { return Ok(None) };
        let Some(length) = record_length(&page[..read]) else { return Ok(None) };
        let held = &page[LENGTH..read.min(LENGTH + length)];
        if let Some(event) = Decoder::new(held, position + LENGTH as u64, length).event() {
            return Ok(Some(event));
        }
        let mut record = vec![0; length];
        match segments.read(position + LENGTH as u64, &mut record)? {
            Some(read) if read == length => {
                Ok(Decoder::new(&record, position + LENGTH as u64, length).event())
            }
            _ => Ok(None),
        }
    }
}

/// The length that the first octets of a record give; none where there is no record.
pub(super) fn record_length(bytes: &[u8]) -> Option<usize> {
    let length = u32::from_le_bytes(*bytes.first_chunk()?) as usize;
    (length > 0).then_some(length)
}

impl Index {
    fn entry(&self, flow: Flow) -> Option<&Entry> {
        self.flows.get(self.places.get(&flow)?)
    }

    fn entry_or_new(&mut self, flow: Flow) -> &mut Entry {
        let place = *self.places.entry(flow).or_insert_with(|| {
            self.next_place += 1;
            self.next_place
        });
        self.flows.entry(place).or_insert_with(|| Entry {
            summary: Summary::new(flow),
            opening: 0,
            ended: None,
            rows: Rows::default(),
        })
    }

    /// The positions that the list at `position` holds.
    fn positions(&self, position: u64) -> Option<[u64; STRETCH as usize]> {
        let mut octets = [0; LENGTH + 1 + STRETCH as usize * 8];
        let read = self.segments.read(position, &mut octets).ok()??;
        if read < octets.len() {
            return None;
        }
        let mut positions = [0; STRETCH as usize];
        for (position, octets) in positions.iter_mut().zip(octets[LENGTH + 1..].chunks_exact(8)) {
            *position = octets.try_into().map(u64::from_le_bytes).ok()?;
        }
        Some(positions)
    }

    fn count(&mut self, before: Option<(FlowKind, State)>, after: (FlowKind, State)) {
        if before == Some(after) {
            return;
        }
        match before {
            None if after.0 == FlowKind::Exchange => self.stats.exchanges += 1,
            Some((kind, State::Open)) if kind != FlowKind::Exchange => self.stats.open -= 1,
            _ => {}
        }
        match after {
            (FlowKind::Exchange, _) | (_, State::Asked) => {}
            (_, State::Open) => self.stats.open += 1,
            (_, State::Closed) => self.stats.closed += 1,
            (_, State::Failed) => self.stats.refused += 1,
        }
    }

    /// Takes in that `event` (of a kind that is about a flow) was written at `position`.
    fn apply(&mut self, event: &Event, position: u64) {
        let Some(flow) = event.flow() else { return };
        if matches!(event, Event::Note(_)) {
            return;
        }
        let before = self.entry(flow).map(|entry| (entry.summary.kind, entry.summary.state));
        let entry = self.entry_or_new(flow);
        let octets = entry.summary.bytes;
        entry.summary.apply(event);
        match event {
            Event::Message(_) => {}
            Event::Ended(_) => entry.ended = Some(position),
            _ => entry.opening = position,
        }
        let after = (entry.summary.kind, entry.summary.state);
        let grown = entry.summary.bytes.iter().sum::<u64>().saturating_sub(octets.iter().sum());
        self.stats.bytes += grown;
        self.count(before, after);
    }

    fn apply_rows(&mut self, session: u32, written: &Written) {
        self.stats.messages += written.positions.len() as u64;
        self.stats.bytes += written.octets.iter().sum::<u64>();
        self.stats.violations += written.violations;
        let summary = &mut self.entry_or_new(Flow::Session(session)).summary;
        for way in 0..2 {
            summary.messages[way] += written.messages[way];
            summary.controls[way] += written.controls[way];
            summary.bytes[way] += written.octets[way];
        }
        summary.violations += written.violations;
        summary.last = summary.last.max(written.last);
        if let Some((direction, payload)) = &written.close {
            summary.closed(*direction, payload);
        }
    }

    /// Removes the oldest file, and what is only about it. Gives it where nobody reads it.
    fn evict(&mut self) -> Option<std::fs::File> {
        if self.segments.count() < 2 {
            return None;
        }
        let oldest = self.segments.remove_oldest();
        self.events_before.pop_front();
        self.stats.evicted = self.events_before.front().copied().unwrap_or_default();
        let start = self.segments.start();
        self.flows.retain(|_, entry| {
            entry.rows.forget_before(start);
            let last = entry.ended.unwrap_or(entry.opening);
            !(entry.summary.is_over() && last < start)
        });
        let flows = &self.flows;
        self.places.retain(|_, place| flows.contains_key(place));
        oldest
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
    pub(super) last: Stamp,
    pub(super) close: Option<(crate::ws::Direction, Vec<u8>)>,
}

enum Happened {
    Event(Box<Event>, u64),
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

impl Batch<'_> {
    /// Appends any event.
    pub(super) fn event(&mut self, mut event: Event) {
        match &mut event {
            Event::Message(message) => self.store(&mut message.payload),
            Event::Refused(refused) => self.store(&mut refused.body),
            Event::Exchanged(exchange) => {
                self.store(&mut exchange.request_body);
                self.store(&mut exchange.response_body);
            }
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
            if message.kind == super::Kind::Frame(crate::ws::Opcode::Close) {
                let payload = message.payload.in_memory().map(|bytes| bytes.to_vec());
                written.close = Some((message.direction, payload.unwrap_or_default()));
            }
            self.happened.push(Happened::Rows(message.session, Box::new(written)));
        } else {
            self.happened.push(Happened::Event(Box::new(event), position));
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
        self.flush();
        let log = self.log;
        {
            let mut index = log.index_mut();
            for one in std::mem::take(&mut self.happened) {
                match one {
                    Happened::Event(event, position) => index.apply(&event, position),
                    Happened::Rows(session, written) => index.apply_rows(session, &written),
                }
            }
            for (session, tail) in filled {
                index.entry_or_new(Flow::Session(session)).rows.extend(&tail.lists, tail.rows);
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

    /// Writes what is gathered.
    fn flush(&mut self) {
        let appender = &mut *self.appender;
        if appender.buffer.is_empty() {
            return;
        }
        let mut result = self.log.write(appender, self.flushed);
        if result.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::StorageFull) {
            // A full disk is a smaller limit.
            self.log.index_mut().evict();
            result = self.log.write(appender, self.flushed);
        }
        if let Err(error) = result {
            self.failure.get_or_insert(error);
        }
        appender.position += appender.buffer.len() as u64;
        appender.buffer.clear();
        // A burst's memory is not kept.
        appender.buffer.shrink_to(BUFFER * 2);
        self.flushed = self.events;
    }
}

/// What is new about where a session's rows are.
struct Tail {
    /// Positions of the lists just written.
    lists: Vec<u64>,
    /// Positions of the rows after them.
    rows: Vec<u64>,
}
