//! A recording read more than once: first for how its sessions end, then for what they say.

use std::collections::HashMap;
use std::io::BufRead;
use std::path::Path;

use super::ExportError;
use crate::capture::{Ended, Event, Kind, Stamp};
use crate::headless::schema::{Bookmark, Item, ReadError, Reader, Record};
use crate::headless::{open, resume};
use crate::ws::Opcode;

/// A recording that can be read several times.
pub trait Source {
    /// Reads it from its beginning.
    ///
    /// # Errors
    /// Where it cannot be read or is no recording.
    fn open(&self) -> Result<Reader<impl BufRead>, ReadError>;

    /// Reads it on from a place that was found in it before.
    ///
    /// # Errors
    /// Where it cannot be read any more.
    fn resume(&self, bookmark: Bookmark) -> Result<Reader<impl BufRead>, ReadError>;
}

/// A recording in a file.
pub fn on_disk(path: &Path) -> impl Source {
    OnDisk(path)
}

struct OnDisk<'a>(&'a Path);

impl Source for OnDisk<'_> {
    fn open(&self) -> Result<Reader<impl BufRead>, ReadError> {
        open(self.0)
    }

    fn resume(&self, bookmark: Bookmark) -> Result<Reader<impl BufRead>, ReadError> {
        resume(self.0, bookmark)
    }
}

/// A recording in memory.
impl Source for &[u8] {
    fn open(&self) -> Result<Reader<impl BufRead>, ReadError> {
        Reader::new("the recording", *self)
    }

    fn resume(&self, bookmark: Bookmark) -> Result<Reader<impl BufRead>, ReadError> {
        let start = usize::try_from(bookmark.offset).unwrap_or(usize::MAX).min(self.len());
        Ok(Reader::resume("the recording", &self[start..], bookmark))
    }
}

/// What is known of a session once all of the recording was read.
#[derive(Debug, Default)]
pub struct Tail {
    /// The number of the last line that is about it.
    pub last_line: u64,
    /// When that happened.
    pub last: Stamp,
    /// The payload of its first close frame, and when it was there.
    pub close: Option<(Vec<u8>, Stamp)>,
    /// How it ended, and the line that says so.
    pub ended: Option<(Ended, Vec<u8>)>,
    /// Whether its opening is in the recording.
    pub opened: bool,
}

/// The sessions and tunnels of a recording by number, and what the reader remarks about the file.
#[derive(Debug, Default)]
pub struct Outline {
    /// By number.
    pub tails: HashMap<u32, Tail>,
    /// Messages of sessions whose opening is not in the recording.
    pub orphans: u64,
    /// What was done to handshakes, before their sessions were open.
    pub early: u64,
    /// Lines of types that are not known.
    pub unknown: u64,
}

impl Outline {
    /// Reads all of a recording.
    ///
    /// # Errors
    /// Where it is damaged.
    pub fn of(source: &impl Source) -> Result<Outline, ExportError> {
        let mut outline = Outline::default();
        let mut reader = source.open()?;
        while let Some(record) = reader.next()? {
            outline.add(record);
        }
        outline.unknown = reader.unknown();
        Ok(outline)
    }

    fn add(&mut self, record: Record) {
        let Item::Event(event) = record.item else { return };
        let (session, time) = match &event {
            Event::Opened(opening) => (opening.session, opening.time),
            Event::Message(message) => (message.session, message.time),
            Event::Ended(ended) => (ended.session, ended.time),
            Event::Act(act) => (act.session, act.time),
            _ => return,
        };
        let tail = self.tails.entry(session).or_default();
        tail.last_line = record.line;
        tail.last = tail.last.max(time);
        match event {
            Event::Opened(_) => tail.opened = true,
            Event::Message(message) => {
                self.orphans += u64::from(!tail.opened);
                if message.kind == Kind::Frame(Opcode::Close) && tail.close.is_none() {
                    let payload = message.payload.in_memory().map(|bytes| bytes.to_vec());
                    tail.close = Some((payload.unwrap_or_default(), time));
                }
            }
            Event::Ended(ended) => tail.ended = Some((ended, record.lines)),
            Event::Act(_) => self.early += u64::from(!tail.opened),
            _ => {}
        }
    }
}
