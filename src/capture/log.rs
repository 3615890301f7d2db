//! The log itself: one writer at a time appends, any number of readers look.

use std::io;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;

use super::batch::{Appender, Batch};
use super::format::{Decoder, LENGTH};
use super::index::Index;
use super::reader::Cursor;
use super::record::{
    Ended, Event, Exchange, Flow, Message, Note, Opening, Payload, Place, Refused, Stamp, Tunnel,
};
use super::rows::{self, STRETCH};
use super::segments::{Directory, LogConfig, SMALLEST_LIMIT, Segments};
use super::summary::Summary;

/// The shared handle of the log.
#[derive(Clone)]
pub struct Log(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) limit: u64,
    /// Octets in each of the log's files.
    pub(super) segment: u64,
    started: SystemTime,
    origin: Instant,
    index: RwLock<Index>,
    pub(super) appender: Mutex<Appender>,
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
    /// What the proxy had to say of itself: [`Log::notes`].
    pub notes: u64,
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
        let stats = Stats { log_limit: limit, ..Stats::default() };
        let mut index = Index::new(Segments::new(limit), stats);
        index.segments.add(directory.file(0)?);
        Ok(Log(Arc::new(Inner {
            limit,
            segment: index.segments.size(),
            started,
            origin,
            index: RwLock::new(index),
            appender: Mutex::new(Appender::new(directory)),
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

    /// Takes back what [`Log::close`] said: more will be appended. Cursors that have ended stay so.
    pub fn reopen(&self) {
        self.0.closed.store(false, Ordering::Release);
        self.changed();
    }

    /// The highest number of a session, and of an exchange, that there was.
    pub(super) fn highest(&self) -> [u32; 2] {
        self.index().highest
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

    /// The latest of what the proxy had to say of itself, `most` at most, in order; what cannot be read any more is
    /// left out.
    pub fn notes(&self, most: usize) -> Vec<Note> {
        let positions: Vec<u64> = {
            let notes = &self.index().notes;
            notes.iter().skip(notes.len().saturating_sub(most)).copied().collect()
        };
        let event = |position: &u64| self.event_at(*position).ok().flatten();
        let note = |event| if let Event::Note(note) = event { Some(note) } else { None };
        positions.iter().filter_map(event).filter_map(note).collect()
    }

    /// The numbers of a session's messages that can still be read, from the first that is left.
    pub fn rows(&self, session: u32) -> Range<u64> {
        let index = self.index();
        let Some(entry) = index.entry(Flow::Session(session)) else { return 1..1 };
        let start = index.segments.start();
        let known = entry.rows.known();
        // A list is written when its batch is: it may be there when all its rows, and those of lists after it, are gone.
        let left = |list: &u64| {
            index
                .positions(*list)
                .and_then(|positions| positions.iter().position(|position| *position >= start))
        };
        let lists = entry.rows.lists();
        let gone = match lists.front() {
            Some(list) if start > 0 && left(list).is_none() => {
                lists.partition_point(|list| left(list).is_none())
            }
            _ => 0,
        };
        let within = match lists.get(gone) {
            Some(list) if start > 0 => left(list).unwrap_or(0),
            Some(_) => 0,
            None => entry.rows.tail().iter().filter(|position| **position < start).count(),
        };
        known.start + gone as u64 * STRETCH + within as u64 + 1..known.end + 1
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
        self.index_mut().clear();
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
        Batch::new(self, appender)
    }

    pub(super) fn index(&self) -> RwLockReadGuard<'_, Index> {
        self.0.index.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn index_mut(&self) -> RwLockWriteGuard<'_, Index> {
        self.0.index.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn segment_size(&self) -> u64 {
        self.0.segment
    }

    pub(super) fn changed(&self) {
        self.0.version.fetch_add(1, Ordering::AcqRel);
        let _guard = self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        self.0.changed.notify_all();
    }

    /// The event whose record is at `position`; none where it is gone.
    pub(super) fn event_at(&self, position: u64) -> io::Result<Option<Event>> {
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
