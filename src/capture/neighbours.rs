//! Many rows of one session at once: their positions a list at a time, records near to each other in one read.

use std::io;
use std::ops::Range;

use super::format::{Decoder, LENGTH};
use super::log::{Log, record_length};
use super::record::{Event, Flow, Message};
use super::rows::{Place, STRETCH};

/// Octets that one read takes at most, as far as it depends on this file.
const SPAN: u64 = 64 << 10;
/// Records further apart than this are read one by one: what lies between them is of no use.
const APART: u64 = 8 << 10;
/// What is read of a record beyond where it begins; most are shorter.
const REACH: u64 = 2 << 10;

impl Log {
    /// A session's messages with the numbers in `rows`, in order and without those that are not there: not yet, or
    /// not any more. Far cheaper than one by one.
    ///
    /// # Errors
    /// Where the log's files cannot be read.
    pub fn messages(&self, session: u32, rows: Range<u64>) -> io::Result<Vec<Message>> {
        let positions = self.positions(session, rows);
        let mut messages = Vec::with_capacity(positions.len());
        let mut rest = &positions[..];
        while let Some(first) = rest.first() {
            let near =
                |pair: &[u64]| pair[1] > pair[0] && pair[1] - pair[0] <= APART && pair[1] - first < SPAN;
            let count = 1 + rest.windows(2).take_while(|pair| near(pair)).count();
            let (together, others) = rest.split_at(count);
            self.span(together, &mut messages)?;
            rest = others;
        }
        Ok(messages)
    }

    /// Where the records of those rows are that are there.
    fn positions(&self, session: u32, rows: Range<u64>) -> Vec<u64> {
        let index = self.index();
        let Some(entry) = index.entry(Flow::Session(session)) else { return Vec::new() };
        // Rows count from 1, their places from 0.
        let known = entry.rows.known();
        let rows = rows.start.max(1).max(known.start + 1)..rows.end.min(known.end + 1);
        let mut positions = Vec::with_capacity(rows.end.saturating_sub(rows.start) as usize);
        let mut list: Option<(u64, [u64; STRETCH as usize])> = None;
        for row in rows {
            match entry.rows.place(row - 1) {
                Some(Place::At(position)) => positions.push(position),
                Some(Place::Listed(at, within)) => {
                    if list.is_none_or(|(known, _)| known != at) {
                        list = index.positions(at).map(|positions| (at, positions));
                    }
                    positions.extend(list.and_then(|(_, positions)| positions.get(within).copied()));
                }
                None => {}
            }
        }
        positions
    }

    /// The messages whose records begin at `positions`, which rise and are near to each other.
    fn span(&self, positions: &[u64], messages: &mut Vec<Message>) -> io::Result<()> {
        let [first, .., last] = positions else {
            // One alone is read as any row is.
            for position in positions {
                messages.extend(self.event_at(*position)?.and_then(message));
            }
            return Ok(());
        };
        let segments = self.index().segments.clone();
        let mut octets = vec![0; (last - first + REACH) as usize];
        let held = segments.read(*first, &mut octets)?.unwrap_or(0);
        for position in positions {
            let octets = octets[..held].get((position - first) as usize..).unwrap_or_default();
            let whole = record_length(octets)
                .and_then(|length| Some((octets.get(LENGTH..LENGTH + length)?, length)))
                .and_then(|(record, length)| Decoder::new(record, position + LENGTH as u64, length).event());
            let event = match whole {
                Some(event) => Some(event),
                None => self.event_at(*position)?,
            };
            messages.extend(event.and_then(message));
        }
        Ok(())
    }
}

fn message(event: Event) -> Option<Message> {
    match event {
        Event::Message(message) => Some(message),
        _ => None,
    }
}
