//! Recordings on disk: printed, and loaded into a log to be looked at.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;

use bytes::Bytes;

use super::lines::Lines;
use super::numbers::Renumbered;
use super::printer::Printer;
use super::schema::{Bookmark, InMemory, Item, ReadError, Reader, Record, Recording, format_time};
use super::sieve::{Passed, Sieve};
use super::{Output, Printing, Redaction};
use crate::capture::{Event, Log, LogConfig, Note, Stamp};
use crate::decode::visible;

/// How many octets of lines are appended to a log at a time.
const BATCH: usize = 256 << 10;

/// Why a recording could not be printed or loaded.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The file cannot be read, or is damaged.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// What it was printed to, or loaded into, failed.
    #[error("cannot write: {0}")]
    Write(#[from] io::Error),
}

/// Opens a recording; `-` is the standard input.
///
/// # Errors
/// Where it cannot be read or is no recording.
pub fn open(path: &Path) -> Result<Reader<Box<dyn BufRead>>, ReadError> {
    if path.as_os_str() == "-" {
        return Reader::new("the standard input", Box::new(io::stdin().lock()));
    }
    let name = path.display().to_string();
    match File::open(path) {
        Ok(file) => Reader::new(name, Box::new(BufReader::with_capacity(128 << 10, file))),
        Err(source) => Err(ReadError::Io { file: name, source }),
    }
}

/// What a file holds, to be sent as a payload.
///
/// # Errors
/// Where it cannot be read, or holds more than is sent in one message.
pub fn payload(path: &Path) -> io::Result<Bytes> {
    let mut payload = Vec::new();
    File::open(path)?.take(LONGEST_PAYLOAD + 1).read_to_end(&mut payload)?;
    if payload.len() as u64 > LONGEST_PAYLOAD {
        return Err(io::Error::other("it holds more than the 64 MiB that go in one message"));
    }
    Ok(payload.into())
}

/// Octets of a file that are sent as one message.
const LONGEST_PAYLOAD: u64 = 64 << 20;

/// Opens a recording that is read in several places.
///
/// # Errors
/// Where it cannot be read.
pub fn seekable(path: &Path) -> Result<impl BufRead + Seek + use<>, ReadError> {
    match File::open(path) {
        Ok(file) => Ok(BufReader::with_capacity(128 << 10, file)),
        Err(source) => Err(ReadError::Io { file: path.display().to_string(), source }),
    }
}

/// Opens a recording again, at a place that was found in it before.
///
/// # Errors
/// Where it cannot be read any more.
pub fn resume(path: &Path, bookmark: Bookmark) -> Result<Reader<BufReader<File>>, ReadError> {
    let name = path.display().to_string();
    let opened = File::open(path).and_then(|mut file| {
        file.seek(SeekFrom::Start(bookmark.offset))?;
        Ok(BufReader::with_capacity(16 << 10, file))
    });
    match opened {
        Ok(input) => Ok(Reader::resume(name, input, bookmark)),
        Err(source) => Err(ReadError::Io { file: name, source }),
    }
}

/// Prints a recording. As JSON, its lines are printed as they stand in the file, those that the filter is true of.
/// Gives what there is to remark about the file, a sentence each.
///
/// A sink that nobody reads any more (`| head`) ends it quietly.
///
/// # Errors
/// Where the file is damaged, after all that is before the damage was printed; or where the sink fails.
pub fn print<R: BufRead>(
    reader: &mut Reader<R>,
    printing: &Printing,
    sink: impl Write + Send,
) -> Result<Vec<String>, FileError> {
    let printed = match printing.output {
        Output::Json => print_lines(reader, printing, sink),
        _ => print_events(reader, printing, sink),
    };
    match printed {
        Err(FileError::Write(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Vec::new()),
        Err(error) => Err(error),
        Ok(mut remarks) => {
            remarks.extend(unknown_lines(reader.unknown()));
            Ok(remarks)
        }
    }
}

fn print_events<R: BufRead>(
    reader: &mut Reader<R>,
    printing: &Printing,
    sink: impl Write + Send,
) -> Result<Vec<String>, FileError> {
    let mut printer = Printer::new(sink, printing, reader.recording().started)?;
    printer.say(&origin(reader.recording()))?;
    let result = loop {
        let record = match reader.next() {
            Ok(Some(record)) => record,
            Ok(None) => break Ok(Vec::new()),
            Err(error) => break Err(error.into()),
        };
        match record.item {
            Item::Event(event) => printer.event_from(&event, &InMemory, None)?,
            Item::Gap { time, lost, why } => printer.gap(time, lost, &why)?,
            Item::Recording(_) | Item::Unknown(_) => {}
        }
    };
    printer.flush()?;
    result
}

/// When and by whom it was recorded, for eyes: lines below have the time of day alone.
fn origin(recording: &Recording) -> String {
    let Recording { tool, started, listen, redaction, .. } = recording;
    let on = if listen.is_empty() { String::new() } else { format!(", listening on {}", listen.join(", ")) };
    let redacted = match redaction {
        Redaction::On => ", redacted",
        Redaction::Off => "",
    };
    visible(&format!("recorded from {} by {tool}{on}{redacted}", format_time(*started))).into_owned()
}

fn print_lines<R: BufRead>(
    reader: &mut Reader<R>,
    printing: &Printing,
    sink: impl Write + Send,
) -> Result<Vec<String>, FileError> {
    let mut sieve = Sieve::new(printing.filter.clone());
    let mut out = Lines::new(sink);
    let mut remarks = Vec::new();
    push_lines(&mut out, reader.first_line())?;
    let result = loop {
        let Record { lines, item, .. } = match reader.next() {
            Ok(Some(record)) => record,
            Ok(None) => break Ok(remarks),
            Err(error) => break Err(error.into()),
        };
        let passed = match &item {
            Item::Event(Event::Note(note)) if lines.is_empty() => {
                remarks.push(note.text.clone());
                continue;
            }
            Item::Event(event) => sieve.pass(event, None, || lines.clone()),
            Item::Gap { .. } | Item::Recording(_) => Passed::Yes,
            Item::Unknown(_) if sieve.is_open() => Passed::Yes,
            Item::Unknown(_) => Passed::No,
        };
        match passed {
            Passed::No => continue,
            Passed::Yes => {}
            Passed::After(before) => {
                before.iter().try_for_each(|lines| push_lines(&mut out, lines))?;
            }
        }
        push_lines(&mut out, &lines)?;
    };
    out.flush()?;
    result
}

/// Lines as they stand in a file, the last of which may lack its end.
fn push_lines(out: &mut Lines, lines: &[u8]) -> io::Result<()> {
    out.push(lines);
    match lines.ends_with(b"\n") {
        true => out.told(),
        false => out.end(),
    }
}

fn unknown_lines(count: u64) -> Option<String> {
    match count {
        0 => None,
        1 => Some("1 line is of a type that this sockeye does not know, and was passed over".to_owned()),
        _ => {
            Some(format!("{count} lines are of types that this sockeye does not know, and were passed over"))
        }
    }
}

/// Loads a recording into a log of its own, so that it can be looked at as live traffic can. The log is closed:
/// nothing more will come.
///
/// # Errors
/// Where the file is damaged or the log cannot be written.
pub fn load<R: BufRead>(reader: &mut Reader<R>, config: &LogConfig) -> Result<Log, FileError> {
    let log = Log::of_recording(config, reader.recording().started)?;
    load_into(reader, &log)?;
    log.close();
    Ok(log)
}

/// Appends a recording to a log, which can be looked at meanwhile.
///
/// Messages are numbered anew in each session: a recording that was filtered has gaps, which a log has not.
///
/// # Errors
/// Where the file is damaged, after all that is before the damage was appended; or where the log cannot be written.
pub fn load_into<R: BufRead>(reader: &mut Reader<R>, log: &Log) -> Result<(), FileError> {
    let mut numbers = HashMap::new();
    let mut last = Stamp(0);
    let mut batch = Vec::new();
    let mut waiting = 0;
    let result = loop {
        let record = match reader.next() {
            Ok(Some(record)) => record,
            Ok(None) => break Ok(()),
            Err(error) => break Err(error.into()),
        };
        let Some(event) = event_of(record.item, &mut numbers) else { continue };
        last = event.time();
        waiting += record.lines.len();
        batch.push(event);
        if waiting >= BATCH {
            log.append_all(batch.drain(..))?;
            waiting = 0;
        }
    };
    batch.extend(
        unknown_lines(reader.unknown()).map(|text| Event::Note(Note { time: last, flow: None, text })),
    );
    log.append_all(batch)?;
    result
}

/// What a log is told of a line.
fn event_of(item: Item, numbers: &mut HashMap<u32, Renumbered>) -> Option<Event> {
    match item {
        Item::Event(Event::Message(mut message)) => {
            message.number = numbers.entry(message.session).or_default().next(message.number);
            Some(Event::Message(message))
        }
        Item::Event(Event::Act(mut act)) => {
            act.number = act.number.and_then(|number| numbers.get(&act.session)?.find(number));
            Some(Event::Act(act))
        }
        Item::Event(event) => Some(event),
        Item::Gap { time, lost, why } => Some(Event::Note(Note {
            time,
            flow: None,
            text: format!("{lost} events are missing here: {why}"),
        })),
        Item::Recording(_) | Item::Unknown(_) => None,
    }
}
