//! Lines back to events.

use std::io::{self, BufRead, Read};
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};

use super::frames::{self, OffsetLine, Shape, Told};
use super::head::HeadLine;
use super::line::{Line, TimingLine};
use super::payload;
use super::sessions::{Session, Sessions};
use super::writer::message_type;
use super::{Recording, VERSION, clock};
use crate::capture::{
    Ended, Ending, Event, Exchange, Fault, Flow, Kind, Message, Mode, Note, Opening, Payload, Refused, Stamp,
    Timing, Tunnel,
};
use crate::ws::{Direction, Opcode};

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

/// What later lines count from.
#[derive(Default)]
struct State {
    sessions: Sessions,
    /// Added to the numbers of a recording that follows another in the same file.
    base: Numbers,
    highest: Numbers,
    /// When the last event was.
    last: Stamp,
}

#[derive(Clone, Copy, Default)]
struct Numbers {
    session: u32,
    exchange: u32,
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
                number: 1,
                ahead: None,
                recording,
                first_line: bytes,
                state: State::default(),
                unknown: 0,
            }),
        }
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
        self.state.base = self.state.highest;
        self.state.sessions = Sessions::default();
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

fn header(line: &Line) -> Result<Recording, String> {
    let version = line.version.ok_or_else(|| missing("version"))?;
    let started = line.started.as_deref().ok_or_else(|| missing("started"))?;
    Ok(Recording {
        version,
        tool: owned(&line.tool),
        started: clock::parse(started).ok_or_else(|| no_time("started", started))?,
        listen: line.listen.as_deref().map(str::to_owned),
    })
}

impl State {
    fn read(&mut self, line: &Line, started: std::time::SystemTime) -> Result<Item, String> {
        let time = || {
            let text = line.time.as_deref().ok_or_else(|| missing("time"))?;
            let time = clock::parse(text).ok_or_else(|| no_time("time", text))?;
            Ok::<_, String>(clock::stamp(started, time))
        };
        Ok(Item::Event(match line.kind.as_deref() {
            None => return Err(missing("type")),
            Some("open") => {
                let opening = self.opening(line, time()?)?;
                self.sessions.begin(opening.session, opening.time);
                Event::Opened(opening)
            }
            Some("refused") => {
                let opening = self.opening(line, time()?)?;
                let body = line.response.as_ref().map_or(Ok(Bytes::new()), HeadLine::body)?.into();
                Event::Refused(Refused { opening, body, why: owned(&line.why) })
            }
            Some("tunnel") => {
                let tunnel = self.tunnel(line, time()?)?;
                self.sessions.begin(tunnel.session, tunnel.time);
                Event::Tunnel(tunnel)
            }
            Some("message" | "ping" | "pong" | "close") => Event::Message(self.message(line)?),
            Some("end") => Event::Ended(self.ended(line)?),
            Some("exchange") => Event::Exchanged(self.exchange(line, time()?)?),
            Some("note") => {
                Event::Note(Note { time: time()?, flow: self.flow(line)?, text: owned(&line.text) })
            }
            Some("gap") => {
                return Ok(Item::Gap {
                    time: time()?,
                    lost: line.events.unwrap_or(0),
                    why: owned(&line.why),
                });
            }
            Some(other) => return Ok(Item::Unknown(other.to_owned())),
        }))
    }

    fn session(&mut self, line: &Line) -> Result<u32, String> {
        let number = line.session.ok_or_else(|| missing("session"))?.checked_add(self.base.session);
        let number = number.ok_or_else(|| "\"session\" is too large".to_owned())?;
        self.highest.session = self.highest.session.max(number);
        Ok(number)
    }

    fn exchange_number(&mut self, line: &Line) -> Result<u32, String> {
        let number = line.exchange.ok_or_else(|| missing("exchange"))?.checked_add(self.base.exchange);
        let number = number.ok_or_else(|| "\"exchange\" is too large".to_owned())?;
        self.highest.exchange = self.highest.exchange.max(number);
        Ok(number)
    }

    fn flow(&mut self, line: &Line) -> Result<Option<Flow>, String> {
        Ok(match (line.session, line.exchange) {
            (Some(_), _) => Some(Flow::Session(self.session(line)?)),
            (None, Some(_)) => Some(Flow::Exchange(self.exchange_number(line)?)),
            (None, None) => None,
        })
    }

    fn opening(&mut self, line: &Line, time: Stamp) -> Result<Opening, String> {
        Ok(Opening {
            session: self.session(line)?,
            time,
            mode: line.mode.as_deref().and_then(Mode::from_name),
            url: line.url.as_deref().ok_or_else(|| missing("url"))?.to_owned(),
            client: owned(&line.client),
            server: owned(&line.server),
            request: head(&line.request)?,
            sent: head(&line.sent)?,
            response: head(&line.response)?,
            notes: line.notes.clone(),
            timing: timing(&line.timing)?,
        })
    }

    fn tunnel(&mut self, line: &Line, time: Stamp) -> Result<Tunnel, String> {
        Ok(Tunnel {
            session: self.session(line)?,
            time,
            mode: line.mode.as_deref().and_then(Mode::from_name),
            target: line.target.as_deref().ok_or_else(|| missing("target"))?.to_owned(),
            client: owned(&line.client),
            server: owned(&line.server),
            why: owned(&line.why),
        })
    }

    fn message(&mut self, line: &Line) -> Result<Message, String> {
        let session = self.session(line)?;
        let mut unknown = Session::default();
        let counted = self.sessions.get(session).unwrap_or(&mut unknown);
        let kind = kind(line)?;
        let direction = sender(line.from.as_deref().ok_or_else(|| missing("from"))?)?;
        let time = after(counted.opened, line.at, "at")?;
        let payload = payload(line, kind)?;
        let size = line.size.unwrap_or(payload.len() as u64);
        let wire_size = line.compressed.or(line.wire).unwrap_or(size);
        let shape = Shape {
            kind,
            direction,
            compressed: line.compressed.is_some(),
            complete: line.complete.unwrap_or(true),
            left_out: line.frames_left_out.unwrap_or(0),
        };
        let told = Told {
            frames: line.frames.clone(),
            times: line.frames_at.as_ref().map(|all| times(counted.opened, all)).transpose()?,
            offset: line.offset.map(|raw| offset(raw.get())).transpose()?,
        };
        Ok(Message {
            session,
            number: line.n.ok_or_else(|| missing("n"))?,
            time,
            direction,
            kind,
            compressed: shape.compressed,
            wire_size,
            size,
            utf8: line.utf8.unwrap_or(true),
            complete: shape.complete,
            frames: frames::read(told, shape, wire_size, time, &mut counted.offsets)?,
            frames_left_out: shape.left_out,
            faults: Vec::new(),
            payload: Payload::from(payload),
        })
    }

    fn ended(&mut self, line: &Line) -> Result<Ended, String> {
        let session = self.session(line)?;
        let opened = self.sessions.end(session);
        let ending = |word: &Option<_>| word.as_deref().map_or(Ending::Open, Ending::from_name);
        Ok(Ended {
            session,
            time: after(opened, line.at, "at")?,
            client: ending(&line.client),
            server: ending(&line.server),
            first: line.first.as_deref().map(sender).transpose()?,
            octets: [line.octets.client, line.octets.server],
        })
    }

    fn exchange(&mut self, line: &Line, time: Stamp) -> Result<Exchange, String> {
        let body = |head: &Option<HeadLine>| {
            let Some(head) = head else { return Ok((Payload::default(), 0)) };
            let body = head.body()?;
            let size = head.size.unwrap_or(body.len() as u64);
            Ok::<_, String>((Payload::from(body), size))
        };
        let (request_body, request_size) = body(&line.request)?;
        let (response_body, response_size) = body(&line.response)?;
        Ok(Exchange {
            exchange: self.exchange_number(line)?,
            time,
            ended: line.took.map(|_| after(time, line.took, "took")).transpose()?,
            mode: line.mode.as_deref().and_then(Mode::from_name),
            url: line.url.as_deref().ok_or_else(|| missing("url"))?.to_owned(),
            client: owned(&line.client),
            server: owned(&line.server),
            request: head(&line.request)?,
            sent: head(&line.sent)?,
            response: head(&line.response)?,
            notes: line.notes.clone(),
            request_body,
            request_size,
            response_body,
            response_size,
            error: line.error.as_deref().map(str::to_owned),
            timing: timing(&line.timing)?,
        })
    }
}

fn missing(key: &str) -> String {
    format!("\"{key}\" is missing")
}

fn no_time(key: &str, text: &str) -> String {
    format!("\"{key}\" is not an RFC 3339 time: {text}")
}

fn owned(text: &Option<std::borrow::Cow<'_, str>>) -> String {
    text.as_deref().unwrap_or_default().to_owned()
}

fn sender(name: &str) -> Result<Direction, String> {
    let direction = Direction::BOTH.into_iter().find(|direction| direction.sender() == name);
    direction.ok_or_else(|| format!("\"{name}\" is neither \"client\" nor \"server\""))
}

fn head(line: &Option<HeadLine>) -> Result<Bytes, String> {
    line.as_ref().map_or(Ok(Bytes::new()), HeadLine::bytes)
}

/// Milliseconds to the whole microseconds that they were written as.
fn duration(milliseconds: f64, key: &str) -> Result<Duration, String> {
    let microseconds = (milliseconds * 1_000.0).round();
    if (0.0..1e16).contains(&microseconds) {
        return Ok(Duration::from_micros(microseconds as u64));
    }
    Err(format!("\"{key}\" is not a number of milliseconds: {milliseconds}"))
}

fn after(from: Stamp, milliseconds: Option<f64>, key: &str) -> Result<Stamp, String> {
    let passed = duration(milliseconds.ok_or_else(|| missing(key))?, key)?;
    Ok(Stamp(from.0.saturating_add(passed.as_nanos() as u64)))
}

fn times(opened: Stamp, all: &[f64]) -> Result<Vec<Stamp>, String> {
    all.iter().map(|at| after(opened, Some(*at), "frames_at")).collect()
}

fn timing(line: &TimingLine) -> Result<Timing, String> {
    let step = |step: Option<f64>| step.map(|step| duration(step, "timing")).transpose();
    Ok(Timing {
        dns: step(line.dns)?,
        tcp: step(line.tcp)?,
        tls: step(line.tls)?,
        response: step(line.response)?,
    })
}

fn offset(raw: &str) -> Result<OffsetLine, String> {
    if let Ok(first) = raw.parse() {
        return Ok(OffsetLine::First(first));
    }
    let each = serde_json::from_str(raw).map(OffsetLine::Each);
    each.map_err(|_| "\"offset\" is neither a number nor a list of numbers".to_owned())
}

fn kind(line: &Line) -> Result<Kind, String> {
    let named = line.kind.as_deref().unwrap_or_default();
    let name = match named {
        "message" => line.op.as_deref().ok_or_else(|| missing("op"))?,
        control => control,
    };
    match Kind::from_name(name) {
        Some(kind) if message_type(kind) == named => Ok(kind),
        Some(_) => Err(format!("a line of type \"message\" cannot be a {name}: the type is \"{name}\" then")),
        None => Err(format!("\"op\" is not text, binary, continuation, raw or a reserved opcode: {name}")),
    }
}

fn payload(line: &Line, kind: Kind) -> Result<Bytes, String> {
    if let Some(base64) = &line.base64 {
        return payload::from_base64("base64", base64);
    }
    if kind == Kind::Frame(Opcode::Close) {
        return close(line);
    }
    if let Some(text) = &line.text {
        return Ok(Bytes::from(text.to_string()));
    }
    let Some(json) = line.json else {
        return match kind.is_control() {
            true => Ok(Bytes::new()),
            false => Err("one of \"json\", \"text\" and \"base64\" is missing".to_owned()),
        };
    };
    let value: serde_json::Value =
        serde_json::from_str(json.get()).map_err(|error| format!("\"json\": {error}"))?;
    Ok(Bytes::from(value.to_string()))
}

fn close(line: &Line) -> Result<Bytes, String> {
    match (line.code, &line.reason) {
        (None, None) => Ok(Bytes::new()),
        (None, Some(_)) => Err("a close with a \"reason\" and without a \"code\"".to_owned()),
        (Some(code), reason) => {
            let mut bytes = BytesMut::new();
            bytes.put_u16(code);
            bytes.put_slice(reason.as_deref().unwrap_or_default().as_bytes());
            Ok(bytes.freeze())
        }
    }
}
