//! One line a message for eyes.

mod acts;
mod listening;
mod style;
mod words;

#[cfg(test)]
mod tests;

pub use acts::{INJECTED, sentence, sign, words as words_of};
pub(super) use listening::lines as listening;
pub use style::Style;
pub use words::{duration, size};

use std::collections::HashMap;
use std::io::{self, Write};
use std::time::SystemTime;

use super::lines::Lines;
use super::schema::{Payloads, wall};
use crate::capture::{
    Act, Deed, Ended, Event, Exchange, Kind, Message, Note, Opening, Payload, Refused, Stamp, Tls, Tunnel,
};
use crate::decode::{self, View, visible};
use crate::ws::close::{Close, StatusCode};
use crate::ws::handshake::{self, Severity, glance};
use crate::ws::{Direction, Examination, Opcode, RequestHead, ResponseHead};
use style::{Paint, Painted};

/// How much of a payload is looked at for its line.
const LOOKED_AT: usize = 64 * 1024;
/// How long a payload's summary is at the most where lines are not cut, in characters.
const LONGEST: usize = 4 * 1024;
/// The same for bytes that nothing is known to read.
const LONGEST_HEX: usize = 120;

/// Writes events as lines for eyes. What it writes is gathered: [`Writer::flush`] hands it on.
pub struct Writer<'w> {
    out: Lines<'w>,
    style: Style,
    started: SystemTime,
    sessions: HashMap<u32, Session>,
}

/// What a session's last line needs to know.
struct Session {
    opened: Stamp,
    /// Who closed, and what the first close frame said.
    close: Option<(String, String)>,
}

impl<'w> Writer<'w> {
    /// Writes events of a log that began at `started`.
    pub fn new(out: impl Write + Send + 'w, style: Style, started: SystemTime) -> Writer<'w> {
        Writer { out: Lines::new(out), style, started, sessions: HashMap::new() }
    }

    /// A line of the caller's own, as it is.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn say(&mut self, line: &str) -> io::Result<()> {
        self.out.push(line.as_bytes());
        self.out.end()
    }

    /// Writes an event's line, and those of what is odd about it.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn event(&mut self, event: &Event, source: &dyn Payloads) -> io::Result<()> {
        match event {
            Event::Asked(_) | Event::Requested(_) | Event::Responded(_) => Ok(()),
            Event::Act(act) => self.act(act, source),
            Event::Opened(opening) => self.opened(opening),
            Event::Refused(refused) => self.refused(refused, source),
            Event::Tunnel(tunnel) => self.tunnel(tunnel),
            Event::Message(message) => self.message(message, source),
            Event::Ended(ended) => self.ended(ended),
            Event::Exchanged(exchange) => self.exchange(exchange),
            Event::Note(note) => self.note(note),
        }
    }

    /// Says that `lost` events are missing here.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn gap(&mut self, time: Stamp, lost: u64, why: &str) -> io::Result<()> {
        let mut line = self.begin(time, "");
        line.push(Paint::Bad, format!("… {lost} events are missing here: {}", visible(why)));
        self.write(line)
    }

    /// Hands on all lines written so far.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    fn begin(&self, time: Stamp, number: &str) -> Painted {
        let mut line = Painted::default();
        line.push(Paint::Dim, self.style.clock(wall(self.started, time)));
        line.push(Paint::Dim, format!(" {number:>4} "));
        line
    }

    fn write(&mut self, line: Painted) -> io::Result<()> {
        let width = (self.style.width)();
        self.out.push(line.render(&self.style, width).as_bytes());
        self.out.told()
    }

    /// Lines below an event's own: what the proxy did to it.
    fn notes(&mut self, time: Stamp, number: &str, notes: &[String]) -> io::Result<()> {
        for note in notes {
            let mut line = self.begin(time, number);
            line.push(Paint::Dim, format!("· {}", visible(note)));
            self.write(line)?;
        }
        Ok(())
    }

    fn opened(&mut self, opening: &Opening) -> io::Result<()> {
        self.sessions.insert(opening.session, Session { opened: opening.time, close: None });
        let number = format!("#{}", opening.session);
        let mut line = self.begin(opening.time, &number);
        line.push(Paint::Good, "● ").push(Paint::Bold, visible(&opening.url));
        let examined = examine(opening);
        let deflate = examined.deflate.as_ref().map(|_| "deflate");
        let tls = opening.tls.as_deref().and_then(version);
        for word in [examined.subprotocol.as_deref(), deflate, tls].into_iter().flatten() {
            line.push(Paint::Plain, format!(" {}", visible(word)));
        }
        self.write(line)?;
        self.findings(opening, &examined, "")?;
        self.notes(opening.time, &number, &opening.notes)
    }

    fn refused(&mut self, refused: &Refused, source: &dyn Payloads) -> io::Result<()> {
        let opening = &refused.opening;
        let number = format!("#{}", opening.session);
        let mut line = self.begin(opening.time, &number);
        line.push(Paint::Bad, "✗ ").push(Paint::Bold, visible(&opening.url));
        line.push(Paint::Bad, format!(" {}", visible(&refused.why)));
        if !refused.body.is_empty() {
            let body = summary(Opcode::Text, &refused.body, refused.body.len(), 200, source);
            line.push(Paint::Dim, format!(" {body}"));
        }
        self.write(line)?;
        self.findings(opening, &examine(opening), &refused.why)?;
        self.notes(opening.time, &number, &opening.notes)
    }

    /// What is broken or odd about a handshake, but for what was `said` already of why it failed.
    fn findings(&mut self, opening: &Opening, examined: &Examination, said: &str) -> io::Result<()> {
        for finding in examined.findings.iter().filter(|finding| finding.severity >= Severity::Odd) {
            if said.contains(&finding.sentence) {
                continue;
            }
            let mut line = self.begin(opening.time, &format!("#{}", opening.session));
            let paint = if finding.severity == Severity::Fault { Paint::Bad } else { Paint::Plain };
            line.push(paint, format!("⚠ {} ({})", visible(&finding.sentence), finding.section));
            self.write(line)?;
        }
        Ok(())
    }

    fn tunnel(&mut self, tunnel: &Tunnel) -> io::Result<()> {
        self.sessions.insert(tunnel.session, Session { opened: tunnel.time, close: None });
        let mut line = self.begin(tunnel.time, &format!("#{}", tunnel.session));
        line.push(Paint::Good, "⇄ ").push(Paint::Bold, visible(&tunnel.target));
        line.push(Paint::Plain, format!(" tunnel, not read: {}", visible(&tunnel.why)));
        self.write(line)
    }

    fn message(&mut self, message: &Message, source: &dyn Payloads) -> io::Result<()> {
        let number = format!("#{}", message.session);
        let (arrow, paint) = arrow(message.direction);
        let mut line = self.begin(message.time, &number);
        line.push(paint, format!("{arrow} {:<6} ", message.kind.name()));
        line.push(Paint::Dim, format!("{:<9} ", sizes(message)));
        let room = (self.style.width)().map_or(LONGEST, |width| width.saturating_sub(line.width()) + 1);
        line.push(Paint::Plain, self.said(message, room, source));
        if let Some(by) = &message.injected {
            line.push(Paint::Bold, format!(" {INJECTED} sent by {}", visible(&by.to_string())));
        } else if !message.complete {
            line.push(Paint::Bad, " ✂ the connection ended inside it");
        }
        self.write(line)?;
        for fault in &message.faults {
            let mut line = self.begin(message.time, &number);
            line.push(Paint::Bad, format!("⚠ {} ({})", visible(&fault.what), visible(&fault.section)));
            self.write(line)?;
        }
        Ok(())
    }

    /// `✎ ▼ 5 edited by rule price: {"price":2}`
    fn act(&mut self, act: &Act, source: &dyn Payloads) -> io::Result<()> {
        let of_handshake = act.number.is_none() && !act.has_no_side();
        if of_handshake && matches!(act.deed, Deed::Refused(_) | Deed::Dropped) {
            // The refused handshake's own line says so.
            return Ok(());
        }
        if let (Deed::Closed(code, reason), Some(session)) = (&act.deed, self.sessions.get_mut(&act.session))
        {
            let said = close(&Close { code: Some(StatusCode(*code)), reason: reason.as_bytes() });
            session.close = Some((visible(&act.by.to_string()).into_owned(), said));
        }
        let mut line = self.begin(act.time, &format!("#{}", act.session));
        let (sign, _) = sign(act.deed.kind()).unwrap_or_default();
        line.push(Paint::Bold, format!("{sign} "));
        if let Some(number) = act.number {
            let (arrow, paint) = arrow(act.direction);
            line.push(paint, format!("{arrow} {number} "));
        }
        line.push(Paint::Bold, visible(&sentence(act)));
        if let Deed::Edited(opcode, payload) = &act.deed {
            let room = (self.style.width)().map_or(LONGEST, |width| width.saturating_sub(line.width()) + 1);
            let after = match opcode {
                Opcode::Close => {
                    let bytes = source.read(payload, 0, Opcode::LONGEST_CONTROL).unwrap_or_default();
                    close(&Close::parse(&bytes))
                }
                // Of a head, the first line.
                _ if of_handshake => first_line(&source.read(payload, 0, LONGEST).unwrap_or_default()),
                opcode => summary(*opcode, payload, payload.len(), room, source),
            };
            line.push(Paint::Plain, format!(": {after}"));
        }
        self.write(line)
    }

    /// What a message says, in at most `room` characters.
    fn said(&mut self, message: &Message, room: usize, source: &dyn Payloads) -> String {
        let opcode = match message.kind {
            Kind::Frame(Opcode::Close) => {
                let bytes = source.read(&message.payload, 0, Opcode::LONGEST_CONTROL).unwrap_or_default();
                let said = close(&Close::parse(&bytes));
                if let Some(session) = self.sessions.get_mut(&message.session) {
                    session.close.get_or_insert((message.direction.sender().to_owned(), said.clone()));
                }
                return said;
            }
            Kind::Frame(opcode) => opcode,
            Kind::Raw => Opcode::Binary,
        };
        summary(opcode, &message.payload, message.size, room, source)
    }

    fn ended(&mut self, ended: &Ended) -> io::Result<()> {
        let session = self.sessions.remove(&ended.session);
        let mut line = self.begin(ended.time, &format!("#{}", ended.session));
        line.push(Paint::Dim, "○ ").push(Paint::Plain, "ended");
        if let Some(session) = &session {
            line.push(Paint::Plain, format!(" after {}", duration(ended.time.since(session.opened))));
        }
        if let Some((who, said)) = session.and_then(|session| session.close) {
            line.push(Paint::Bold, format!(" {who} closed: {said}"));
        }
        let first = |direction| if ended.first == Some(direction) { " first" } else { "" };
        let ends = [(Direction::ToServer, &ended.client), (Direction::ToClient, &ended.server)];
        let ends = ends.map(|(end, how)| format!("{} {}{}", end.sender(), visible(how.name()), first(end)));
        line.push(Paint::Plain, format!(" ({})", ends.join(", ")));
        line.push(Paint::Dim, format!(" ▲ {} ▼ {}", size(ended.octets[0]), size(ended.octets[1])));
        self.write(line)
    }

    fn exchange(&mut self, exchange: &Exchange) -> io::Result<()> {
        let number = format!("x{}", exchange.exchange);
        let word = |head: &[u8], place: usize| {
            decode::visible_bytes(glance::first_line_word(head, place).unwrap_or_default()).into_owned()
        };
        let time = exchange.ended.unwrap_or(exchange.time);
        let mut line = self.begin(time, &number);
        line.push(Paint::Plain, format!("{} ", word(&exchange.request, 0)));
        line.push(Paint::Bold, visible(&exchange.url));
        if !exchange.response.is_empty() {
            let status = word(&exchange.response, 1);
            let paint = if status.starts_with(['4', '5']) { Paint::Bad } else { Paint::Good };
            line.push(paint, format!(" → {status}"))
                .push(Paint::Plain, format!(" {}", size(exchange.response_size)));
        }
        if let Some(ended) = exchange.ended {
            line.push(Paint::Dim, format!(" {}", duration(ended.since(exchange.time))));
        }
        if let Some(error) = &exchange.error {
            line.push(Paint::Bad, format!(" ✗ {}", visible(error)));
        }
        self.write(line)?;
        self.notes(time, &number, &exchange.notes)
    }

    fn note(&mut self, note: &Note) -> io::Result<()> {
        let number = match note.flow {
            Some(flow @ crate::capture::Flow::Session(_)) => format!("#{flow}"),
            Some(flow) => flow.to_string(),
            None => String::new(),
        };
        let mut line = self.begin(note.time, &number);
        line.push(Paint::Bold, format!("! {}", visible(&note.text)));
        self.write(line)
    }
}

fn arrow(direction: Direction) -> (&'static str, Paint) {
    match direction {
        Direction::ToServer => ("▲", Paint::ToServer),
        Direction::ToClient => ("▼", Paint::ToClient),
    }
}

/// `212 B`, `212 B←87` where it was inflated, `1.2 kB ⁂3` where it came in three frames.
fn sizes(message: &Message) -> String {
    let mut words = size(message.size);
    if message.compressed {
        words.push_str(&format!("←{}", message.wire_size));
    }
    let frames = message.frames.len() as u64 + message.frames_left_out;
    if frames > 1 {
        words.push_str(&format!(" ⁂{frames}"));
    }
    words
}

fn summary(opcode: Opcode, payload: &Payload, size: u64, room: usize, source: &dyn Payloads) -> String {
    let looked_at = LOOKED_AT.min(room.saturating_mul(8));
    let bytes = source.read(payload, 0, looked_at).unwrap_or_default();
    let start = decode::Payload::start_of(&bytes, size);
    let view = decode::detect(opcode, start);
    let longest = if view == View::Hex { LONGEST_HEX } else { LONGEST };
    decode::summary(view, start, room.min(longest))
}

fn first_line(head: &[u8]) -> String {
    let line = head.split(|octet| matches!(octet, b'\r' | b'\n')).next().unwrap_or_default();
    decode::visible_bytes(line).into_owned()
}

/// `1000 normal closure "done"`
fn close(close: &Close<'_>) -> String {
    let code = close.code.map_or("no status code".to_owned(), |code| code.to_string());
    match close.reason {
        [] => code,
        reason => format!("{code} \"{}\"", decode::visible_bytes(reason)),
    }
}

/// The version of TLS that is spoken with the server, or else with the client.
fn version(tls: &Tls) -> Option<&str> {
    [&tls.server, &tls.client].into_iter().flatten().find_map(|leg| leg.version.as_deref())
}

/// What the two heads say of each other, as far as they are heads.
fn examine(opening: &Opening) -> Examination {
    let Ok(request) = RequestHead::parse(&opening.request) else { return Examination::default() };
    handshake::examine(&request, ResponseHead::parse(&opening.response).ok().as_ref())
}
