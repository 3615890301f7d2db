//! One line of a recording to what it says.

use std::time::{Duration, SystemTime};

use bytes::{BufMut, Bytes, BytesMut};

use super::frames::{self, OffsetLine, Shape, Told};
use super::head::HeadLine;
use super::line::{Line, RedactedLine, Text, TimingLine};
use super::reader::Item;
use super::sessions::{Session, Sessions};
use super::writer::message_type;
use super::{Recording, acts, clock, payload, tls};
use crate::capture::{
    Act, Ended, Ending, Event, Exchange, Flow, Kind, Message, Mode, Note, Opening, Payload, Refused, Stamp,
    Timing, Tunnel,
};
use crate::headless::Redaction;
use crate::ws::{Direction, Opcode};

/// What later lines count from.
#[derive(Clone, Default)]
pub(super) struct State {
    sessions: Sessions,
    /// Added to the numbers of a recording that follows another in the same file.
    pub base: Numbers,
    highest: Numbers,
    /// When the last event was.
    pub last: Stamp,
}

#[derive(Clone, Copy, Default)]
pub(super) struct Numbers {
    pub session: u32,
    exchange: u32,
}

impl State {
    /// A recording is joined to those before it: its numbers go on where theirs ended.
    pub fn join(&mut self) {
        self.base = self.highest;
        self.sessions = Sessions::default();
    }

    /// Reads a line of any type but the first.
    pub fn read(&mut self, line: &Line, started: SystemTime) -> Result<Item, String> {
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
            Some("act") => match self.act(line)? {
                Some(act) => Event::Act(act),
                None => return Ok(Item::Unknown(format!("act {}", owned(&line.act)))),
            },
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
            redacted: line.redacted.places(),
            timing: timing(&line.timing)?,
            tls: tls::read(line.tls.clone())?,
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
            tls: tls::read(line.tls.clone())?,
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
        let injected = line.injected.as_deref().map(acts::read_injector).transpose()?;
        // What the proxy sent is no part of its sender's stream.
        let mut apart = [0; 2];
        let offsets = if injected.is_some() { &mut apart } else { &mut counted.offsets };
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
            frames: frames::read(told, shape, wire_size, time, offsets)?,
            frames_left_out: shape.left_out,
            faults: Vec::new(),
            payload: Payload::from(payload),
            injected,
        })
    }

    fn act(&mut self, line: &Line) -> Result<Option<Act>, String> {
        let session = self.session(line)?;
        let opened = self.sessions.get(session).map_or(Stamp(0), |counted| counted.opened);
        acts::read(line, (session, after(opened, line.at, "at")?))
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
            redacted: line.redacted.places(),
            request_body,
            request_size,
            response_body,
            response_size,
            error: line.error.as_deref().map(str::to_owned),
            timing: timing(&line.timing)?,
            tls: tls::read(line.tls.clone())?,
        })
    }
}

/// What a recording's first line says of it.
pub(super) fn header(line: &Line) -> Result<Recording, String> {
    let version = line.version.ok_or_else(|| missing("version"))?;
    let started = line.started.as_deref().ok_or_else(|| missing("started"))?;
    Ok(Recording {
        version,
        tool: owned(&line.tool),
        started: clock::parse(started).ok_or_else(|| no_time("started", started))?,
        listen: match &line.listeners {
            Some(all) => all.clone(),
            None => line.listen.as_deref().map(str::to_owned).into_iter().collect(),
        },
        redaction: match line.redacted {
            RedactedLine::Whether(true) => Redaction::On,
            _ => Redaction::Off,
        },
    })
}

pub(super) fn missing(key: &str) -> String {
    format!("\"{key}\" is missing")
}

pub(super) fn no_time(key: &str, text: &str) -> String {
    format!("\"{key}\" is not an RFC 3339 time: {text}")
}

pub(super) fn owned(text: &Option<Text>) -> String {
    text.as_deref().unwrap_or_default().to_owned()
}

pub(super) fn sender(name: &str) -> Result<Direction, String> {
    let direction = Direction::BOTH.into_iter().find(|direction| direction.sender() == name);
    direction.ok_or_else(|| format!("\"{name}\" is neither \"client\" nor \"server\""))
}

fn head(line: &Option<HeadLine>) -> Result<Bytes, String> {
    line.as_ref().map_or(Ok(Bytes::new()), HeadLine::bytes)
}

/// Milliseconds to the whole microseconds that they were written as.
pub(super) fn duration(milliseconds: f64, key: &str) -> Result<Duration, String> {
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

pub(super) fn payload(line: &Line, kind: Kind) -> Result<Bytes, String> {
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
