//! Events to lines.

use std::io::{self, Write};
use std::time::{Duration, SystemTime};

use super::frames;
use super::head::{self, Head};
use super::json::{self, Object};
use super::payload::{self, Body, Payloads};
use super::sessions::{Session, Sessions};
use super::{Recording, acts, clock, tls};
use crate::capture::{
    Act, Ended, Event, Exchange, Flow, Kind, Message, Mode, Note, Opening, Payload, Refused, Stamp, Timing,
    Tunnel,
};
use crate::headless::Redaction;
use crate::headless::lines::Lines;
use crate::ws::{Direction, Opcode};

/// Writes a recording, one line an event. What it writes is gathered: [`Writer::flush`] hands it on.
pub struct Writer<'w> {
    out: Lines<'w>,
    started: SystemTime,
    sessions: Sessions,
}

impl<'w> Writer<'w> {
    /// Begins a recording with its first line.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn new(out: impl Write + Send + 'w, recording: &Recording) -> io::Result<Writer<'w>> {
        let mut writer =
            Writer { out: Lines::new(out), started: recording.started, sessions: Sessions::default() };
        let mut line = Object::begin(&mut writer.out);
        line.string("type", "recording");
        line.number("version", recording.version);
        line.string("tool", &recording.tool);
        line.string("started", &clock::format_precise(recording.started));
        if let Some(listen) = recording.listen.first() {
            line.string("listen", listen);
        }
        if recording.listen.len() > 1 {
            line.list("listeners", &recording.listen, |out, listen| json::string(out, listen));
        }
        if recording.redaction == Redaction::On {
            line.key("redacted").push(b"true");
        }
        line.end();
        writer.out.end()?;
        Ok(writer)
    }

    /// Writes an event's line, and those of the violations behind it. What has no line (a request that is not
    /// answered yet) writes none.
    ///
    /// # Errors
    /// Those of the writer. What cannot be read from `source` any more is told in the line.
    pub fn event(&mut self, event: &Event, source: &dyn Payloads) -> io::Result<()> {
        match event {
            Event::Asked(_) | Event::Requested(_) | Event::Responded(_) => return Ok(()),
            Event::Act(act) => self.act(act, source),
            Event::Opened(opening) => self.open(opening),
            Event::Refused(refused) => self.refused(refused, source),
            Event::Tunnel(tunnel) => self.tunnel(tunnel),
            Event::Message(message) => return self.message(message, source),
            Event::Ended(ended) => self.ended(ended),
            Event::Exchanged(exchange) => self.exchange(exchange, source),
            Event::Note(note) => self.note(note),
        }
        self.out.end()
    }

    /// Passes over an event that is left out, so that the lines of later ones are what they would be with it.
    pub fn skip(&mut self, event: &Event) {
        match event {
            Event::Opened(opening) => self.sessions.begin(opening.session, opening.time),
            Event::Tunnel(tunnel) => self.sessions.begin(tunnel.session, tunnel.time),
            Event::Ended(ended) => drop(self.sessions.end(ended.session)),
            Event::Message(message) => {
                if let Some(session) = self.sessions.get(message.session)
                    && message.injected.is_none()
                {
                    frames::skip(message, &mut session.offsets);
                }
            }
            _ => {}
        }
    }

    /// Says that `lost` events are missing here.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn gap(&mut self, time: Stamp, lost: u64, why: &str) -> io::Result<()> {
        let mut line = Object::begin(&mut self.out);
        line.string("type", "gap");
        line.string("time", &clock::format_precise(clock::wall(self.started, time)));
        line.number("events", lost);
        line.string("why", why);
        line.end();
        self.out.end()
    }

    /// Hands on all lines written so far.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    fn open(&mut self, opening: &Opening) {
        self.sessions.begin(opening.session, opening.time);
        let mut line = Object::begin(&mut self.out);
        line.string("type", "open");
        handshake_begins(&mut line, opening, self.started);
        head::write(&mut line, "response", &opening.response);
        let response = Head::split(&opening.response);
        line.string_or_null("subprotocol", response.value("Sec-WebSocket-Protocol").as_deref());
        line.string_or_null("extensions", response.value("Sec-WebSocket-Extensions").as_deref());
        remarks(&mut line, [&opening.notes, &opening.redacted], &opening.timing);
        line.end();
    }

    fn refused(&mut self, refused: &Refused, source: &dyn Payloads) {
        let opening = &refused.opening;
        let mut line = Object::begin(&mut self.out);
        line.string("type", "refused");
        handshake_begins(&mut line, opening, self.started);
        let body = Body { payload: &refused.body, size: refused.body.len(), source };
        head::write_with_body(&mut line, "response", &opening.response, &body);
        line.string("why", &refused.why);
        remarks(&mut line, [&opening.notes, &opening.redacted], &opening.timing);
        line.end();
    }

    fn tunnel(&mut self, tunnel: &Tunnel) {
        self.sessions.begin(tunnel.session, tunnel.time);
        let mut line = Object::begin(&mut self.out);
        line.string("type", "tunnel");
        line.number("session", u64::from(tunnel.session));
        time(&mut line, self.started, tunnel.time);
        line.string_or_null("mode", tunnel.mode.map(Mode::name));
        line.string("target", &tunnel.target);
        tls::write(&mut line, tunnel.tls.as_deref());
        addresses(&mut line, &tunnel.client, &tunnel.server);
        line.string("why", &tunnel.why);
        line.end();
    }

    fn message(&mut self, message: &Message, source: &dyn Payloads) -> io::Result<()> {
        let mut unknown = Session::default();
        let session = self.sessions.get(message.session).unwrap_or(&mut unknown);
        let mut line = Object::begin(&mut self.out);
        line.string("type", message_type(message.kind));
        place(&mut line, message, session.opened);
        if let Some(by) = &message.injected {
            line.string("injected", &acts::injector(by));
        }
        if !matches!(message.kind, Kind::Frame(Opcode::Close | Opcode::Ping | Opcode::Pong)) {
            line.string("op", message.kind.name());
        }
        let captured = write_payload(&mut line, message.kind, &message.payload, source);
        sizes(&mut line, message, captured);
        // What the proxy sent is no part of its sender's stream.
        let mut apart = [0; 2];
        let offsets = if message.injected.is_some() { &mut apart } else { &mut session.offsets };
        frames::write(&mut line, message, session.opened, offsets);
        line.end();
        self.out.end()?;
        for fault in &message.faults {
            let mut line = Object::begin(&mut self.out);
            line.string("type", "violation");
            place(&mut line, message, session.opened);
            line.string("what", &fault.what);
            line.string("section", &fault.section);
            line.end();
            self.out.end()?;
        }
        Ok(())
    }

    fn act(&mut self, act: &Act, source: &dyn Payloads) {
        let opened = self.sessions.get(act.session).map_or(Stamp(0), |session| session.opened);
        let mut line = Object::begin(&mut self.out);
        acts::write(&mut line, act, opened, source);
        line.end();
    }

    fn ended(&mut self, ended: &Ended) {
        let opened = self.sessions.end(ended.session);
        let mut line = Object::begin(&mut self.out);
        line.string("type", "end");
        line.number("session", u64::from(ended.session));
        line.millis("at", ended.time.0.saturating_sub(opened.0));
        line.string("client", ended.client.name());
        line.string("server", ended.server.name());
        if let Some(first) = ended.first {
            line.string("first", first.sender());
        }
        line.object("octets", |octets| {
            for direction in Direction::BOTH {
                octets.number(direction.sender(), ended.octets[direction as usize]);
            }
        });
        line.end();
    }

    fn exchange(&mut self, exchange: &Exchange, source: &dyn Payloads) {
        let mut line = Object::begin(&mut self.out);
        line.string("type", "exchange");
        line.number("exchange", u64::from(exchange.exchange));
        time(&mut line, self.started, exchange.time);
        if let Some(ended) = exchange.ended {
            line.millis("took", ended.0.saturating_sub(exchange.time.0));
        }
        line.string_or_null("mode", exchange.mode.map(Mode::name));
        line.string("url", &exchange.url);
        tls::write(&mut line, exchange.tls.as_deref());
        addresses(&mut line, &exchange.client, &exchange.server);
        let body = Body { payload: &exchange.request_body, size: exchange.request_size, source };
        head::write_with_body(&mut line, "request", &exchange.request, &body);
        if !exchange.sent.is_empty() {
            head::write(&mut line, "sent", &exchange.sent);
        }
        let body = Body { payload: &exchange.response_body, size: exchange.response_size, source };
        head::write_with_body(&mut line, "response", &exchange.response, &body);
        if let Some(error) = &exchange.error {
            line.string("error", error);
        }
        remarks(&mut line, [&exchange.notes, &exchange.redacted], &exchange.timing);
        line.end();
    }

    fn note(&mut self, note: &Note) {
        let mut line = Object::begin(&mut self.out);
        line.string("type", "note");
        time(&mut line, self.started, note.time);
        match note.flow {
            Some(Flow::Session(number)) => line.number("session", u64::from(number)),
            Some(Flow::Exchange(number)) => line.number("exchange", u64::from(number)),
            None => {}
        }
        line.string("text", &note.text);
        line.end();
    }
}

/// A message's line is named for what it is; data, reserved opcodes and raw bytes are told apart by `op`.
pub(super) fn message_type(kind: Kind) -> &'static str {
    match kind {
        Kind::Frame(Opcode::Close | Opcode::Ping | Opcode::Pong) => kind.name(),
        _ => "message",
    }
}

fn time(line: &mut Object, started: SystemTime, time: Stamp) {
    line.string("time", &clock::format_precise(clock::wall(started, time)));
}

fn addresses(line: &mut Object, client: &str, server: &str) {
    for (key, address) in [("client", client), ("server", server)] {
        if !address.is_empty() {
            line.string(key, address);
        }
    }
}

/// What `open` and `refused` have in common, up to the response.
fn handshake_begins(line: &mut Object, opening: &Opening, started: SystemTime) {
    line.number("session", u64::from(opening.session));
    time(line, started, opening.time);
    line.string_or_null("mode", opening.mode.map(Mode::name));
    line.string("url", &opening.url);
    line.string_or_null("http", Head::split(&opening.request).request_version());
    tls::write(line, opening.tls.as_deref());
    addresses(line, &opening.client, &opening.server);
    head::write(line, "request", &opening.request);
    if !opening.sent.is_empty() {
        head::write(line, "sent", &opening.sent);
    }
}

/// What the proxy did to it, what redaction did, and how long its steps took.
fn remarks(line: &mut Object, [notes, redacted]: [&[String]; 2], timing: &Timing) {
    for (key, sentences) in [("notes", notes), ("redacted", redacted)] {
        if !sentences.is_empty() {
            line.list(key, sentences, |out, sentence| json::string(out, sentence));
        }
    }
    if *timing == Timing::default() {
        return;
    }
    line.object("timing", |object| {
        for (key, took) in
            [("dns", timing.dns), ("tcp", timing.tcp), ("tls", timing.tls), ("response", timing.response)]
        {
            if let Some(took) = took {
                object.millis(key, nanoseconds(took));
            }
        }
    });
}

pub(super) fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Where a message and its violations stand.
fn place(line: &mut Object, message: &Message, opened: Stamp) {
    line.number("session", u64::from(message.session));
    line.number("n", message.number);
    line.millis("at", message.time.0.saturating_sub(opened.0));
    line.string("from", message.direction.sender());
}

/// The payload of what is of this kind; gives how much of it could be had.
pub(super) fn write_payload(line: &mut Object, kind: Kind, payload: &Payload, source: &dyn Payloads) -> u64 {
    match kind {
        Kind::Frame(Opcode::Close) => close(line, payload, source),
        kind => payload::write(line, kind, payload, source),
    }
}

/// A close's status code and reason, where they are all there is (RFC 6455 5.5.1); else its payload.
fn close(line: &mut Object, payload: &Payload, source: &dyn Payloads) -> u64 {
    let length = payload.len();
    let bytes = match payload.in_memory() {
        Some(bytes) => bytes.clone(),
        None => source.read(payload, 0, Opcode::LONGEST_CONTROL).unwrap_or_default(),
    };
    match (bytes.split_at_checked(2), std::str::from_utf8(bytes.get(2..).unwrap_or_default())) {
        _ if length == 0 => 0,
        (Some((code, _)), Ok(reason)) if bytes.len() as u64 == length => {
            line.number("code", u64::from(u16::from_be_bytes([code[0], code[1]])));
            line.string("reason", reason);
            length
        }
        (code, _) => {
            if let Some((code, _)) = code {
                line.number("code", u64::from(u16::from_be_bytes([code[0], code[1]])));
            }
            payload::write_base64(line, payload, source)
        }
    }
}

/// What departs from the ordinary in the message as a whole.
fn sizes(line: &mut Object, message: &Message, captured: u64) {
    if captured != message.size {
        line.number("size", message.size);
        line.number("captured", captured);
    }
    if message.compressed {
        line.number("compressed", message.wire_size);
    } else if message.wire_size != message.size {
        line.number("wire", message.wire_size);
    }
    if !message.utf8 {
        line.key("utf8").push(b"false");
    }
    if !message.complete {
        line.key("complete").push(b"false");
    }
}
