//! Lines back to events.

use std::io::{self, BufRead, Read};

use super::events::{State, header, owned};
use super::line::Line;
use super::{Recording, VERSION};
use crate::capture::{Event, Fault, Message, Note, Stamp};

/// Reads a recording from front to back.
pub struct Reader<R> {
    file: String,
    input: R,
    /// The number of the line that was read last.
    number: u64,
    /// A line that was read too early.
    ahead: Option<Vec<u8>>,
    recording: Recording,
    first_line: Vec<u8>,
    state: State,
    unknown: u64,
    /// Octets that were read.
    consumed: u64,
}

/// A place in a recording, from which it can be read on later.
#[derive(Clone)]
pub struct Bookmark {
    /// The octet in the file where the next line begins.
    pub offset: u64,
    number: u64,
    recording: Recording,
    first_line: Vec<u8>,
    state: State,
}

/// One event and the lines that it was read from.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// The number of its first line in the file, from 1.
    pub line: u64,
    /// Its line, and those of its violations, as they stand in the file. Empty for what the reader itself remarks.
    pub lines: Vec<u8>,
    /// What it says.
    pub item: Item,
}

/// What a line says.
#[expect(clippy::large_enum_variant, reason = "most are events, and one is held at a time")]
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// Something that happened.
    Event(Event),
    /// Events that are missing here: how many, and why.
    Gap {
        /// When it was noticed.
        time: Stamp,
        /// How many.
        lost: u64,
        /// Why.
        why: String,
    },
    /// Another recording begins, as where two were joined. Its numbers go on where those before it ended.
    Recording(Recording),
    /// A line of a type that this version does not know, or a violation that stands behind no message.
    Unknown(String),
}

/// Why a recording cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file itself.
    #[error("cannot read {file}: {source}")]
    Io {
        /// Which file.
        file: String,
        /// Why not.
        source: io::Error,
    },
    /// Something else than a recording.
    #[error(
        "{file} is not a recording: its first line is not {{\"type\":\"recording\",…}} ({why}); \
         recordings are written with --record FILE"
    )]
    NotARecording {
        /// Which file.
        file: String,
        /// What is wrong with its first line.
        why: String,
    },
    /// A recording that a later sockeye wrote.
    #[error(
        "{file}:{line}: the recording is of version {version}, and this sockeye reads version {VERSION}: use a newer one"
    )]
    Version {
        /// Which file.
        file: String,
        /// Where it says so.
        line: u64,
        /// The version it says.
        version: u64,
    },
    /// A line that does not say what its type must say.
    #[error("{file}:{line}: {fault}; mend this line, or delete it")]
    Line {
        /// Which file.
        file: String,
        /// Which line.
        line: u64,
        /// What is wrong.
        fault: String,
    },
}

/// How long a recording's first line can be, so that other files are not read whole to learn that they are none.
const FIRST_LINE: u64 = 64 * 1024;

impl<R: BufRead> Reader<R> {
    /// Reads the first line. `file` is what errors call the input.
    ///
    /// # Errors
    /// Where the input cannot be read, is no recording, or one of a later version.
    pub fn new(file: impl Into<String>, mut input: R) -> Result<Reader<R>, ReadError> {
        let file = file.into();
        let mut bytes = Vec::new();
        if let Err(source) = (&mut input).take(FIRST_LINE).read_until(b'\n', &mut bytes) {
            return Err(ReadError::Io { file, source });
        }
        let text = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&bytes);
        let line = std::str::from_utf8(text).map_err(|_| "it is not UTF-8".to_owned()).and_then(Line::parse);
        let recording = match line {
            _ if text.is_empty() => Err("the file is empty".to_owned()),
            Ok(line) if line.kind.as_deref() == Some("recording") => header(&line),
            Ok(_) => Err("it is of another type".to_owned()),
            Err(why) => Err(why),
        };
        match recording {
            Err(why) => Err(ReadError::NotARecording { file, why }),
            Ok(Recording { version, .. }) if version > VERSION => {
                Err(ReadError::Version { file, line: 1, version })
            }
            Ok(recording) => Ok(Reader {
                file,
                input,
                consumed: bytes.len() as u64,
                number: 1,
                ahead: None,
                recording,
                first_line: bytes,
                state: State::default(),
                unknown: 0,
            }),
        }
    }

    /// Goes on from a place in the file; `input` gives what stands from [`Bookmark::offset`] on.
    pub fn resume(file: impl Into<String>, input: R, bookmark: Bookmark) -> Reader<R> {
        let Bookmark { offset, number, recording, first_line, state } = bookmark;
        Reader {
            file: file.into(),
            input,
            number,
            ahead: None,
            recording,
            first_line,
            state,
            unknown: 0,
            consumed: offset,
        }
    }

    /// The place behind what was read last.
    pub fn bookmark(&self) -> Bookmark {
        Bookmark {
            offset: self.offset(),
            number: self.number,
            recording: self.recording.clone(),
            first_line: self.first_line.clone(),
            state: self.state.clone(),
        }
    }

    /// The octet in the file behind what was read last.
    pub fn offset(&self) -> u64 {
        self.consumed - self.ahead.as_ref().map_or(0, |line| line.len() as u64)
    }

    /// What the first line says.
    pub fn recording(&self) -> &Recording {
        &self.recording
    }

    /// The first line as it stands in the file.
    pub fn first_line(&self) -> &[u8] {
        &self.first_line
    }

    /// How many lines were of no known type so far.
    pub fn unknown(&self) -> u64 {
        self.unknown
    }

    /// The next event; none at the end.
    ///
    /// A last line that is not whole is no error: whoever wrote it was stopped while it did. A note says so.
    ///
    /// # Errors
    /// Where the input cannot be read, and where a line does not say what its type must say.
    #[expect(clippy::should_implement_trait, reason = "an error ends it, which iterators do not promise")]
    pub fn next(&mut self) -> Result<Option<Record>, ReadError> {
        let Some(bytes) = self.line()? else { return Ok(None) };
        let number = self.number;
        let read = std::str::from_utf8(&bytes).map_err(|_| "it is not UTF-8".to_owned()).and_then(|text| {
            let line = Line::parse(text)?;
            match line.kind.as_deref() {
                Some("recording") => header(&line).map(Item::Recording),
                _ => self.state.read(&line, self.recording.started),
            }
        });
        let item = match read {
            Ok(item) => item,
            Err(_) if !bytes.ends_with(b"\n") => return Ok(Some(self.torn())),
            Err(fault) => return Err(self.fault(fault)),
        };
        let mut record = Record { line: number, lines: bytes, item };
        if let Item::Event(event) = &record.item {
            self.state.last = event.time();
        }
        match &mut record.item {
            Item::Event(Event::Message(message)) => self.violations(message, &mut record.lines)?,
            Item::Recording(recording) => self.another(recording.version)?,
            Item::Unknown(_) => self.unknown += 1,
            _ => {}
        }
        Ok(Some(record))
    }

    /// The next line that is not blank, with its line end.
    fn line(&mut self) -> Result<Option<Vec<u8>>, ReadError> {
        if let Some(line) = self.ahead.take() {
            self.number += 1;
            return Ok(Some(line));
        }
        loop {
            let mut bytes = Vec::new();
            if let Err(source) = self.input.read_until(b'\n', &mut bytes) {
                return Err(ReadError::Io { file: self.file.clone(), source });
            }
            if bytes.is_empty() {
                return Ok(None);
            }
            self.consumed += bytes.len() as u64;
            self.number += 1;
            if !bytes.trim_ascii().is_empty() {
                return Ok(Some(bytes));
            }
        }
    }

    /// Adds the violations that stand right behind a message to it.
    fn violations(&mut self, message: &mut Message, lines: &mut Vec<u8>) -> Result<(), ReadError> {
        while let Some(bytes) = self.line()? {
            let line = std::str::from_utf8(&bytes).ok().filter(|text| text.contains("\"violation\""));
            let line = line.and_then(|text| Line::parse(text).ok()).filter(|line| {
                let session = line.session.map(|session| session.saturating_add(self.state.base.session));
                line.kind.as_deref() == Some("violation")
                    && line.n == Some(message.number)
                    && session == Some(message.session)
            });
            let Some(line) = line else {
                self.number -= 1;
                self.ahead = Some(bytes);
                return Ok(());
            };
            message.faults.push(Fault { what: owned(&line.what), section: owned(&line.section) });
            lines.extend_from_slice(&bytes);
        }
        Ok(())
    }

    /// One recording behind another, as `cat` makes them: the numbers go on where those of the first ended.
    fn another(&mut self, version: u64) -> Result<(), ReadError> {
        if version > VERSION {
            return Err(ReadError::Version { file: self.file.clone(), line: self.number, version });
        }
        self.state.join();
        Ok(())
    }

    fn torn(&self) -> Record {
        let text =
            format!("the last line of {} is not whole: its writer was stopped while writing it", self.file);
        let note = Note { time: self.state.last, flow: None, text };
        Record { line: self.number, lines: Vec::new(), item: Item::Event(Event::Note(note)) }
    }

    fn fault(&self, fault: String) -> ReadError {
        ReadError::Line { file: self.file.clone(), line: self.number, fault }
    }
}
