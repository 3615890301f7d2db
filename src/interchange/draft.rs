//! What an importer found, brought into order and written as a recording.
//!
//! Importers give lines of our own format as objects, without numbers; they are read by the schema like any recording, so
//! that what is imported is as exact, or as wrong, as what is read.

use std::collections::HashSet;
use std::io::{Cursor, Write};
use std::time::{Duration, SystemTime};

use serde_json::{Map, Value};

use super::{ImportError, Remarks, count};
use crate::headless::Redaction;
use crate::headless::schema::{
    InMemory, Item, ReadError, Reader, Recording, Writer, format_time, parse_time,
};

/// A line of a recording.
pub type Object = Map<String, Value>;

/// What an importer found.
#[derive(Default)]
pub struct Draft {
    /// The first line of the recording that was exported, where it was one.
    pub recording: Object,
    /// Sessions and exchanges in any order.
    pub flows: Vec<Flow>,
    /// Lines about the proxy itself, and tunnels.
    pub others: Vec<Object>,
    /// What is to be said.
    pub remarks: Remarks,
}

/// A session or an exchange.
pub struct Flow {
    /// Where it stands, for errors.
    pub place: String,
    /// When it was opened, in milliseconds since 1970; an exchange, when it was asked for.
    pub time: i64,
    /// `open`, `refused` or `exchange`, with all but its type and time.
    pub kind: &'static str,
    /// Its line.
    pub line: Object,
    /// Its messages and its end, in order.
    pub events: Vec<Happened>,
}

/// A message or the end of a session.
pub struct Happened {
    /// Microseconds since 1970, where they are known.
    pub time: Option<i64>,
    /// Its line without `session` and `at`; `n` is kept where all have one.
    pub line: Object,
    /// What it broke: `what` and `section`.
    pub violations: Vec<Object>,
}

/// A line, and what it is sorted by.
struct Timed {
    time: i64,
    place: usize,
    lines: Vec<Object>,
}

impl Draft {
    /// Writes the recording; `file` is what errors call the input.
    ///
    /// # Errors
    /// Where something that was found is not what the format can hold, or `out` fails.
    pub fn write(mut self, file: &str, out: impl Write + Send) -> Result<Remarks, ImportError> {
        self.flows.sort_by_key(|flow| flow.time);
        let first = self.flows.first().map_or(0, |flow| flow.time);
        self.recording.insert("type".to_owned(), "recording".into());
        self.recording.insert("version".to_owned(), 1.into());
        if !self.recording.contains_key("started") {
            self.recording.insert("started".to_owned(), format_time(at(first)).into());
        }
        let numbers = self.number();
        let places: Vec<String> = self.flows.iter().map(|flow| flow.place.clone()).collect();
        let mut timed = Vec::new();
        for (place, (flow, number)) in std::mem::take(&mut self.flows).into_iter().zip(numbers).enumerate() {
            flow.tell(place, number, &mut timed);
        }
        for line in self.others {
            let time = line.get("time").and_then(Value::as_str).and_then(parse_time).map_or(first, millis);
            let ended = line.get("at").is_some();
            let time = if ended { i64::MAX } else { time * 1_000 };
            timed.push(Timed { time, place: places.len(), lines: vec![line] });
        }
        timed.sort_by_key(|timed| timed.time);
        let place_of = |place: usize| places.get(place).map_or("log._sockeye", String::as_str);
        write(file, &self.recording, &timed, place_of, out)?;
        Ok(self.remarks)
    }

    /// The numbers of all flows: their own where all have one, else in order.
    fn number(&mut self) -> Vec<u32> {
        let key = |flow: &Flow| if flow.kind == "exchange" { "exchange" } else { "session" };
        let own: Vec<Option<u32>> = (self.flows.iter())
            .map(|flow| {
                flow.line.get(key(flow)).and_then(Value::as_u64).and_then(|own| u32::try_from(own).ok())
            })
            .collect();
        let mut seen = HashSet::new();
        let distinct =
            self.flows.iter().zip(&own).all(|(flow, own)| own.is_some() && seen.insert((key(flow), *own)));
        if distinct {
            return own.into_iter().flatten().collect();
        }
        if !self.others.is_empty() {
            let left = count(self.others.len() as u64, "line", ["was", "were"]);
            self.remarks.push(format!(
                "{left} left out of log._sockeye: entries were added to the file or taken from it, and the numbers are new"
            ));
            self.others.clear();
        }
        let (mut sessions, mut exchanges) = (0, 0);
        let next = |flow: &Flow| {
            let counter = if flow.kind == "exchange" { &mut exchanges } else { &mut sessions };
            *counter += 1;
            *counter
        };
        self.flows.iter().map(next).collect()
    }
}

impl Flow {
    /// Its lines with their times.
    fn tell(mut self, place: usize, number: u32, timed: &mut Vec<Timed>) {
        let key = if self.kind == "exchange" { "exchange" } else { "session" };
        self.line.insert("type".to_owned(), self.kind.into());
        self.line.insert(key.to_owned(), number.into());
        if !self.line.contains_key("time") {
            self.line.insert("time".to_owned(), format_time(at(self.time)).into());
        }
        // An exchange's line is written when it is over.
        let took = self.line.get("took").and_then(Value::as_f64).unwrap_or(0.0);
        let opened = self.time.saturating_mul(1_000);
        timed.push(Timed { time: opened.saturating_add((took * 1e3) as i64), place, lines: vec![self.line] });
        let numbered =
            self.events.iter().all(|event| event.line.contains_key("n") || !is_message(&event.line));
        let mut n = 0_u64;
        let mut last = opened;
        for Happened { time, mut line, violations } in self.events {
            last = time.unwrap_or(last).max(last);
            line.insert("session".to_owned(), number.into());
            let micros = last.saturating_sub(opened);
            line.insert("at".to_owned(), (micros as f64 / 1e3).into());
            if is_message(&line) && !numbered {
                n += 1;
                line.insert("n".to_owned(), n.into());
            }
            let mut lines = vec![line];
            for mut violation in violations {
                violation.insert("type".to_owned(), "violation".into());
                for key in ["session", "n", "at", "from"] {
                    violation.insert(key.to_owned(), lines[0].get(key).cloned().unwrap_or_default());
                }
                lines.push(violation);
            }
            timed.push(Timed { time: last, place, lines });
        }
    }
}

/// Whether it is counted among a session's messages.
fn is_message(line: &Object) -> bool {
    matches!(line.get("type").and_then(Value::as_str), Some("message" | "ping" | "pong" | "close"))
}

/// Reads the lines as a recording, and writes what was read.
fn write<'p>(
    file: &str,
    recording: &Object,
    timed: &[Timed],
    place_of: impl Fn(usize) -> &'p str,
    out: impl Write + Send,
) -> Result<(), ImportError> {
    let mut text = Value::from(recording.clone()).to_string() + "\n";
    // Which of them each line of the text is from.
    let mut origins = vec![usize::MAX];
    for (index, timed) in timed.iter().enumerate() {
        for line in &timed.lines {
            text.push_str(&Value::from(line.clone()).to_string());
            text.push('\n');
            origins.push(index);
        }
    }
    let bad = |error: ReadError| {
        let (place, fault) = match error {
            ReadError::Line { line, fault, .. } => {
                let origin = usize::try_from(line).ok().and_then(|line| origins.get(line.checked_sub(1)?));
                let timed = origin.and_then(|index| timed.get(*index));
                (timed.map_or("log._sockeye", |timed| place_of(timed.place)).to_owned(), fault)
            }
            other => ("log._sockeye".to_owned(), other.to_string()),
        };
        ImportError::Content { file: file.to_owned(), place, fault }
    };
    let mut reader = Reader::new(file, Cursor::new(text.as_bytes())).map_err(bad)?;
    let read = reader.recording().clone();
    let head =
        Recording { redaction: read.redaction, ..Recording::new(read.started, read.listen, Redaction::Off) };
    let mut writer = Writer::new(out, &head)?;
    while let Some(record) = reader.next().map_err(bad)? {
        match record.item {
            Item::Event(event) => writer.event(&event, &InMemory)?,
            Item::Gap { time, lost, why } => writer.gap(time, lost, &why)?,
            Item::Recording(_) | Item::Unknown(_) => {}
        }
    }
    writer.flush()?;
    Ok(())
}

/// The wall clock at milliseconds since 1970; 1970 for what is before it.
pub fn at(millis: i64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(millis.clamp(0, LAST_MILLI) as u64)
}

/// Milliseconds since 1970; 0 for what is before it.
pub fn millis(time: SystemTime) -> i64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(LAST_MILLI)
}

/// The last of the year 9999.
pub const LAST_MILLI: i64 = 253_402_300_799_999;
