//! Reading the log from front to back, at the reader's own pace.

use std::io;

use super::format::{Decoder, LENGTH, Tag};
use super::log::{Log, record_length};
use super::record::Event;

/// A reader's place in the log.
pub struct Cursor {
    log: Log,
    /// The position of the next record.
    position: u64,
    /// Events given so far, or told as lost.
    events: u64,
    /// A stretch of the log, read ahead.
    page: Vec<u8>,
    page_start: u64,
}

/// What a [`Cursor`] has next.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "it is taken apart where it is given")]
pub enum Next {
    /// The next event.
    Event(Event),
    /// So many events were removed, to keep to the log's limit, before this cursor came to them.
    Gap(u64),
    /// Nothing more yet.
    Pending,
    /// The log was closed, and this was all.
    End,
}

/// Octets read ahead at a time.
const PAGE: usize = 128 << 10;

impl Cursor {
    pub(super) fn new(log: Log) -> Cursor {
        let (position, events) = {
            let index = log.index();
            (index.segments.start(), index.events_before.front().copied().unwrap_or_default())
        };
        Cursor { log, position, events, page: Vec::new(), page_start: 0 }
    }

    /// The next event, or why there is none.
    ///
    /// # Errors
    /// Where the log's files cannot be read.
    #[expect(clippy::should_implement_trait, reason = "it does not end where it has nothing yet")]
    pub fn next(&mut self) -> io::Result<Next> {
        loop {
            // Asked for first: what was appended before the log was closed is there to be read.
            let closed = self.log.is_closed();
            let (start, end, before) = {
                let index = self.log.index();
                (index.segments.start(), index.end, index.events_before.front().copied().unwrap_or_default())
            };
            if self.position < start {
                self.position = start;
                let lost = before.saturating_sub(self.events);
                self.events = before;
                if lost > 0 {
                    return Ok(Next::Gap(lost));
                }
            }
            if self.position >= end {
                return Ok(if closed { Next::End } else { Next::Pending });
            }
            if let Some(event) = self.record(end)? {
                self.events += 1;
                return Ok(Next::Event(event));
            }
        }
    }

    /// Reads the record at the cursor and moves behind it; none where it is no event.
    fn record(&mut self, end: u64) -> io::Result<Option<Event>> {
        let size = self.log.segment_size();
        if !self.load(LENGTH + 1, end)? {
            self.position = (self.position / size + 1) * size;
            return Ok(None);
        }
        let Some(length) = record_length(self.rest()) else {
            self.position = (self.position / size + 1) * size;
            return Ok(None);
        };
        let tag = Tag::from_octet(self.rest()[LENGTH]);
        let position = self.position;
        if !tag.is_some_and(Tag::is_event) {
            self.position = position + (LENGTH + length) as u64;
            return Ok(None);
        }
        self.load(LENGTH + length, end)?;
        let rest = self.rest();
        let held = rest.get(LENGTH..rest.len().min(LENGTH + length)).unwrap_or_default();
        let event = Decoder::new(held, position + LENGTH as u64, length).event();
        self.position = position + (LENGTH + length) as u64;
        Ok(event)
    }

    fn rest(&self) -> &[u8] {
        &self.page[(self.position - self.page_start) as usize..]
    }

    /// Sees to it that `wanted` octets from the cursor on are in the page; says whether they are.
    fn load(&mut self, wanted: usize, end: u64) -> io::Result<bool> {
        let inside =
            self.position >= self.page_start && self.position <= self.page_start + self.page.len() as u64;
        if inside && self.rest().len() >= wanted {
            return Ok(true);
        }
        let room = (end - self.position).min(wanted.max(PAGE) as u64) as usize;
        self.page.resize(room, 0);
        self.page_start = self.position;
        let segments = self.log.index().segments.clone();
        let read = segments.read(self.position, &mut self.page)?.unwrap_or(0);
        self.page.truncate(read);
        Ok(read >= wanted)
    }
}
