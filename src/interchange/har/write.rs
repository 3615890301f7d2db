//! A recording to HAR: the handshakes and exchanges in one pass, and each session's messages from its opening on.

use std::io::Write;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::entry::Entry;
use super::frame::{element, is_message};
use super::{ACTS, CLOSE, CONTROL_FRAMES, MESSAGES, OWN, Object};
use crate::capture::{Event, Exchange, Message, Opening, Payload, Refused, Stamp, Timing};
use crate::headless::schema::{Bookmark, Item, Record, format_time, wall};
use crate::interchange::head::Head;
use crate::interchange::outline::{Outline, Source, Tail};
use crate::interchange::{ExportError, Remarks, count};
use crate::ws::close::Close;

/// Writes a recording as HAR. Gives what is to be said about what HAR cannot hold.
///
/// # Errors
/// Where the recording is damaged, or `out` fails.
pub fn write(source: &impl Source, out: impl Write) -> Result<Remarks, ExportError> {
    let outline = Outline::of(source)?;
    let mut reader = source.open()?;
    let started = reader.recording().started;
    let first_line = object(reader.first_line());
    let mut har = Har { source, outline: &outline, out, started, entries: 0, left: Left::default() };
    let creator = json!({ "name": "sockeye", "version": env!("CARGO_PKG_VERSION") });
    write!(har.out, "{{\"log\":{{\"version\":\"1.2\",\"creator\":{creator},\"pages\":[],\"entries\":[")?;
    while let Some(record) = reader.next()? {
        let line = object(&record.lines);
        match record.item {
            Item::Event(Event::Opened(opening)) => har.session(&opening, line, reader.bookmark())?,
            Item::Event(Event::Refused(refused)) => har.refused(&refused, line)?,
            Item::Event(Event::Exchanged(exchange)) => har.exchange(&exchange, line)?,
            _ => {}
        }
    }
    write!(har.out, "\n],\"{OWN}\":{{\"recording\":{},\"lines\":[", Value::from(first_line))?;
    har.others()?;
    writeln!(har.out, "\n]}}}}}}")?;
    har.out.flush()?;
    Ok(har.left.remarks(&outline))
}

struct Har<'a, S, W> {
    source: &'a S,
    outline: &'a Outline,
    out: W,
    started: SystemTime,
    entries: u64,
    left: Left,
}

/// What HAR has no place for, counted.
#[derive(Default)]
struct Left {
    control_frames: u64,
    acts: u64,
    tunnels: u64,
    notes: u64,
    damaged: Remarks,
}

impl Left {
    fn remarks(self, outline: &Outline) -> Remarks {
        let mut remarks = self.damaged;
        let mut say = |number: u64, noun: &str, what: &str| {
            if number > 0 {
                remarks.push(format!("{} {what}", count(number, noun, ["is", "are"])));
            }
        };
        let control = format!("in {CONTROL_FRAMES}, which other tools do not read");
        say(self.control_frames, "control frame", &control);
        let acts = format!("in {ACTS}, which other tools do not read");
        say(self.acts, "act", &acts);
        say(outline.early, "act", "left out: done to a handshake");
        let own = format!("in {OWN} alone, which other tools do not read");
        say(self.tunnels, "tunnel", &own);
        say(self.notes, if self.notes == 1 { "note or gap" } else { "notes and gap" }, &own);
        say(outline.orphans, "message", "left out: its session's opening is not in the recording");
        say(outline.unknown, "line", "left out: of a type that this sockeye does not know");
        remarks
    }
}

impl<S: Source, W: Write> Har<'_, S, W> {
    fn session(&mut self, opening: &Opening, line: Object, bookmark: Bookmark) -> Result<(), ExportError> {
        let unknown = Tail::default();
        let tail = self.outline.tails.get(&opening.session).unwrap_or(&unknown);
        let over = tail.last.max(opening.time);
        let mut entry = self.opening(opening, (&Payload::default(), 0), over, line);
        if let Some((_, line)) = &tail.ended
            && let Some(Value::Object(own)) = entry.get_mut(OWN)
        {
            let mut end = object(line);
            end.retain(|key, _| key != "type" && key != "session");
            own.insert("end".to_owned(), end.into());
        }
        if let Some((payload, time)) = &tail.close {
            let close = Close::parse(payload);
            let code = close.code.map_or(1005, |code| code.0);
            let reason = String::from_utf8_lossy(close.reason);
            let time = self.seconds(*time);
            entry.insert(CLOSE.to_owned(), json!({ "code": code, "reason": reason, "timestamp": time }));
        } else if tail.ended.is_some() {
            entry.insert(CLOSE.to_owned(), "aborted".into());
        }
        // The messages are written as they are read, so that their entry's end is left open.
        let text = Value::from(entry).to_string();
        self.entry_begins()?;
        self.out.write_all(text.strip_suffix('}').unwrap_or(&text).as_bytes())?;
        self.messages(MESSAGES, opening.session, tail, bookmark.clone(), is_message)?;
        let others = |message: &Message| !is_message(message);
        self.left.control_frames +=
            self.messages(CONTROL_FRAMES, opening.session, tail, bookmark.clone(), others)?;
        self.left.acts += self.acts(opening.session, tail, bookmark)?;
        self.out.write_all(b"}")?;
        Ok(())
    }

    /// Writes those messages of a session that `which` is true of under `key`; gives how many they are.
    fn messages(
        &mut self,
        key: &str,
        session: u32,
        tail: &Tail,
        bookmark: Bookmark,
        which: impl Fn(&Message) -> bool,
    ) -> Result<u64, ExportError> {
        write!(self.out, ",\"{key}\":[")?;
        let mut reader = self.source.resume(bookmark)?;
        let mut written = 0;
        while let Some(Record { line, lines, item }) = reader.next()? {
            if let Item::Event(Event::Message(message)) = item
                && message.session == session
                && which(&message)
            {
                let own = lines.split(|byte| *byte == b'\n').next().unwrap_or_default();
                let faults = message
                    .faults
                    .iter()
                    .map(|fault| json!({ "what": fault.what, "section": fault.section }));
                let element = element(&message, self.seconds(message.time), object(own), faults.collect());
                self.out.write_all(if written == 0 { b"\n" } else { b",\n" })?;
                write!(self.out, "{element}")?;
                written += 1;
            }
            if line >= tail.last_line {
                break;
            }
        }
        self.out.write_all(b"]")?;
        Ok(written)
    }

    /// Writes what was done to a session and its messages, in the keys of our own lines; gives how much that is.
    fn acts(&mut self, session: u32, tail: &Tail, bookmark: Bookmark) -> Result<u64, ExportError> {
        let mut reader = self.source.resume(bookmark)?;
        let mut written = 0;
        while let Some(Record { line, lines, item }) = reader.next()? {
            if matches!(&item, Item::Event(Event::Act(act)) if act.session == session) {
                let mut own = object(&lines);
                own.retain(|key, _| key != "type" && key != "session");
                let before = if written == 0 { format!(",\"{ACTS}\":[\n") } else { ",\n".to_owned() };
                write!(self.out, "{before}{}", Value::from(own))?;
                written += 1;
            }
            if line >= tail.last_line {
                break;
            }
        }
        if written > 0 {
            self.out.write_all(b"]")?;
        }
        Ok(written)
    }

    fn refused(&mut self, refused: &Refused, line: Object) -> Result<(), ExportError> {
        let opening = &refused.opening;
        let size = refused.body.len();
        let entry = self.opening(opening, (&refused.body, size), opening.time, line);
        self.entry(entry)
    }

    fn exchange(&mut self, exchange: &Exchange, line: Object) -> Result<(), ExportError> {
        let over = exchange.ended.unwrap_or(exchange.time);
        let entry = Entry {
            started: format_time(wall(self.started, exchange.time)),
            took: over.millis_since(exchange.time),
            url: &exchange.url,
            server: &exchange.server,
            request: Head::split(&exchange.request),
            response: Head::split(&exchange.response),
            request_body: (&exchange.request_body, exchange.request_size),
            response_body: (&exchange.response_body, exchange.response_size),
            timing: exchange.timing,
            kind: "other",
        };
        self.entry(entry.to_object(line, ("exchange", exchange.exchange)))
    }

    /// The entry of a handshake, which began when its first step did.
    fn opening(&self, opening: &Opening, body: (&Payload, u64), over: Stamp, line: Object) -> Object {
        let Timing { dns, tcp, tls, response } = opening.timing;
        let before: Duration = [dns, tcp, tls, response].into_iter().flatten().sum();
        let answered = wall(self.started, opening.time);
        let entry = Entry {
            started: format_time(answered.checked_sub(before).unwrap_or(answered)),
            took: over.millis_since(opening.time) + before.as_micros() as f64 / 1e3,
            url: &opening.url,
            server: &opening.server,
            request: Head::split(&opening.request),
            response: Head::split(&opening.response),
            request_body: (&Payload::default(), 0),
            response_body: body,
            timing: opening.timing,
            kind: "websocket",
        };
        entry.to_object(line, ("session", opening.session))
    }

    fn entry(&mut self, entry: Object) -> Result<(), ExportError> {
        self.entry_begins()?;
        write!(self.out, "{}", Value::from(entry))?;
        Ok(())
    }

    fn entry_begins(&mut self) -> Result<(), ExportError> {
        self.out.write_all(if self.entries == 0 { b"\n" } else { b",\n" })?;
        self.entries += 1;
        Ok(())
    }

    /// Our own lines about what is no entry: tunnels and their ends, notes, gaps.
    fn others(&mut self) -> Result<(), ExportError> {
        let mut reader = self.source.open()?;
        let mut first = true;
        while let Some(record) = reader.next()? {
            let number = match &record.item {
                Item::Event(Event::Tunnel(tunnel)) => Some(tunnel.session),
                Item::Event(Event::Ended(ended)) if !self.is_open(ended.session) => Some(ended.session),
                // The reader's own remark that the last line is torn.
                Item::Event(Event::Note(note)) if record.lines.is_empty() => {
                    self.left.damaged.push(note.text.clone());
                    continue;
                }
                Item::Event(Event::Note(_)) | Item::Gap { .. } => None,
                _ => continue,
            };
            match &record.item {
                Item::Event(Event::Tunnel(_)) => self.left.tunnels += 1,
                Item::Event(Event::Ended(_)) => {}
                _ => self.left.notes += 1,
            }
            let mut line = object(&record.lines);
            if let Some(number) = number {
                line.insert("session".to_owned(), number.into());
            }
            self.out.write_all(if first { b"\n" } else { b",\n" })?;
            write!(self.out, "{}", Value::from(line))?;
            first = false;
        }
        Ok(())
    }

    fn is_open(&self, session: u32) -> bool {
        self.outline.tails.get(&session).is_some_and(|tail| tail.opened)
    }

    /// Seconds since 1970, to the microsecond, as Chrome writes them.
    fn seconds(&self, time: Stamp) -> f64 {
        let since = wall(self.started, time).duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        since.as_micros() as f64 / 1e6
    }
}

/// A line as an object; an empty one where it cannot be, which the reader has refused before.
fn object(line: &[u8]) -> Object {
    let line = line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line);
    serde_json::from_slice(line).unwrap_or_default()
}
