//! Several recordings as one: everything in the order of time, with numbers of its own.

use std::io::{self, BufRead, Seek, Write};
use std::time::SystemTime;

use super::input::Input;
use super::numbers::{Given, Numbers};
use crate::headless::Redaction;
use crate::headless::schema::{Item, ReadError, Reader, Record, Recording, VERSION, Writer, wall};

/// Why recordings cannot become one.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// One of them cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// They are not of one version.
    #[error(
        "{first} is of version {first_version} and {other} of version {other_version}: write the older one anew with \
         `sockeye export OLD.jsonl NEW.jsonl`, which makes it version {VERSION}"
    )]
    Versions {
        /// The first recording.
        first: String,
        /// Its version.
        first_version: u64,
        /// One of another version.
        other: String,
        /// Its version.
        other_version: u64,
    },
    /// What is written cannot be.
    #[error("cannot write: {0}")]
    Write(#[from] io::Error),
}

/// What became one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Merged {
    /// Lines of types that are not known, which stand behind what they stood behind.
    pub unknown: u64,
    /// Whether some of the recordings have their secrets replaced and others have not.
    pub partly_redacted: bool,
}

/// Writes several recordings as one: what happened first stands first, sessions and exchanges are numbered in that
/// order, and the one first line says what goes for all of them.
///
/// # Errors
/// Where one is damaged or of another version than the first, and where `out` fails.
pub fn merge<R: BufRead + Seek>(inputs: &mut [Input<R>], mut out: impl Write) -> Result<Merged, MergeError> {
    let mut redactions = Vec::new();
    for input in inputs.iter_mut() {
        redactions.push(input.redaction()?);
    }
    let mut recordings: Vec<(String, Recording)> = Vec::new();
    let mut sources = Vec::new();
    for input in inputs {
        let name = input.name().to_owned();
        let reader = input.reader()?;
        let recording = reader.recording().clone();
        if let Some((first, known)) = recordings.first()
            && known.version != recording.version
        {
            return Err(MergeError::Versions {
                first: first.clone(),
                first_version: known.version,
                other: name,
                other_version: recording.version,
            });
        }
        recordings.push((name, recording));
        let mut source = Source { reader, last: SystemTime::UNIX_EPOCH, next: None };
        source.advance()?;
        sources.push(source);
    }
    let mut merged = Merged {
        partly_redacted: redactions.contains(&Redaction::On) && redactions.contains(&Redaction::Off),
        ..Merged::default()
    };
    let redacted = !redactions.contains(&Redaction::Off);
    out.write_all(&first_line(&recordings, if redacted { Redaction::On } else { Redaction::Off })?)?;
    let mut numbers = Numbers::default();
    loop {
        let next = (0_u32..).zip(&mut sources).filter(|(_, source)| source.next.is_some());
        let Some((which, source)) = next.min_by_key(|(_, source)| source.last) else { break };
        let Some(record) = source.next.take() else { break };
        merged.unknown += u64::from(matches!(record.item, Item::Unknown(_)));
        write(&mut out, &record, numbers.among(which, &record.item))?;
        source.advance()?;
    }
    out.flush()?;
    Ok(merged)
}

/// One of the recordings.
struct Source<R> {
    reader: Reader<R>,
    /// When the next record happened, or one before it that happened later: their order stays.
    last: SystemTime,
    next: Option<Record>,
}

impl<R: BufRead> Source<R> {
    fn advance(&mut self) -> Result<(), ReadError> {
        self.next = loop {
            match self.reader.next()? {
                // Of what was joined with `cat`, the sessions have their own numbers anyway.
                Some(Record { item: Item::Recording(_), .. }) => {}
                Some(record) if record.lines.is_empty() => {}
                other => break other,
            }
        };
        let stamp = match self.next.as_ref().map(|record| &record.item) {
            Some(Item::Event(event)) => event.time(),
            Some(Item::Gap { time, .. }) => *time,
            _ => return Ok(()),
        };
        self.last = self.last.max(wall(self.reader.recording().started, stamp));
        Ok(())
    }
}

fn write(out: &mut impl Write, record: &Record, given: Given) -> io::Result<()> {
    for line in record.lines.split_inclusive(|byte| *byte == b'\n') {
        out.write_all(&given.written(line))?;
    }
    Ok(())
}

/// The one first line: the earliest beginning, all addresses.
fn first_line(recordings: &[(String, Recording)], redaction: Redaction) -> io::Result<Vec<u8>> {
    let started = recordings.iter().map(|(_, recording)| recording.started).min();
    let mut listen: Vec<String> = Vec::new();
    for address in recordings.iter().flat_map(|(_, recording)| &recording.listen) {
        if !listen.contains(address) {
            listen.push(address.clone());
        }
    }
    let recording = Recording::new(started.unwrap_or(SystemTime::UNIX_EPOCH), listen, redaction);
    let mut line = Vec::new();
    Writer::new(&mut line, &recording)?.flush()?;
    Ok(line)
}

#[cfg(test)]
mod tests;
