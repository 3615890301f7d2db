//! What a session said, as HAR tells it.

use base64::alphabet;
use base64::engine::{DecodePaddingMode, Engine, GeneralPurpose, GeneralPurposeConfig};
use serde_json::{Value, json};

use super::read::{Reading, number, object, text};
use super::{ACTS, CLOSE, CONTROL_FRAMES, MESSAGES, OWN, Object};
use crate::headless::schema::format_time;
use crate::interchange::draft::{Happened, at};
use crate::ws::{Close, StatusCode};

/// What times count from.
#[derive(Clone, Copy)]
pub struct Origin {
    /// When the session was opened, in microseconds since 1970.
    pub opened: i64,
    /// Whether the entry was written by us, with times of ours.
    pub own: bool,
}

/// From here on a time is one of milliseconds (Playwright), below it is one of seconds (all others).
const MILLISECONDS: f64 = 1e11;
/// A time behind which there is none, in seconds.
const LAST: f64 = 2.5e11;

/// Padding is left out by some.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The messages of an entry in order, its close and its end.
pub fn happened(entry: &Object, origin: Origin, reading: &mut Reading) -> Vec<Happened> {
    let mut events = Vec::new();
    for key in [MESSAGES, CONTROL_FRAMES] {
        let list = entry.get(key).and_then(Value::as_array).into_iter().flatten();
        for (number, element) in (1..).zip(list) {
            add(element, &format!("{key} {number}"), origin, reading, &mut events);
        }
    }
    let file = text(object(object(entry, "response"), "content"), "_file");
    if !file.is_empty() && events.is_empty() {
        attached(file, origin, reading, &mut events);
    }
    order(&mut events);
    acts(entry, origin, reading, &mut events);
    let closed = events.iter().any(|event| text(&event.line, "type") == "close");
    end(entry, closed, origin, &mut events);
    events
}

/// What was done to the messages and the session, each behind what was there by then.
fn acts(entry: &Object, origin: Origin, reading: &mut Reading, events: &mut Vec<Happened>) {
    let list = entry.get(ACTS).and_then(Value::as_array).into_iter().flatten();
    for (place, element) in (1..).zip(list) {
        let Some(own) = element.as_object() else {
            reading.remark(&format!("{ACTS} {place} is no object, and was left out"));
            continue;
        };
        let at = number(own, "at").filter(|at| *at < LAST).unwrap_or(0.0);
        let time = origin.opened.saturating_add((at * 1e3).round() as i64);
        let mut line = own.clone();
        line.insert("type".to_owned(), "act".into());
        let before = |event: &Happened| event.time.is_none_or(|before| before <= time);
        let behind = events.iter().take_while(|event| before(event)).count();
        events.insert(behind, Happened { time: Some(time), line, violations: Vec::new() });
    }
}

/// Messages in a file of their own, one a line.
fn attached(file: &str, origin: Origin, reading: &mut Reading, events: &mut Vec<Happened>) {
    let Some(bytes) = reading.attachment(file) else { return };
    for (number, line) in (1..).zip(bytes.split(|byte| *byte == b'\n')) {
        if line.trim_ascii().is_empty() {
            continue;
        }
        match serde_json::from_slice(line) {
            Ok(element) => add(&element, &format!("{file}:{number}"), origin, reading, events),
            Err(error) => reading.remark(&format!("{file}:{number} is left out: {error}")),
        }
    }
}

fn add(element: &Value, place: &str, origin: Origin, reading: &mut Reading, events: &mut Vec<Happened>) {
    let Some(element) = element.as_object() else {
        return reading.remark(&format!("{place} is no object, and was left out"));
    };
    let own = object(element, OWN);
    let time = match number(own, "at").filter(|at| origin.own && *at < LAST) {
        Some(at) => Some(origin.opened.saturating_add((at * 1e3).round() as i64)),
        None => number(element, "time").and_then(micros),
    };
    if text(element, "type") == "error" {
        let when = time.unwrap_or(origin.opened).div_euclid(1_000);
        let note = json!({ "type": "note", "time": format_time(at(when)), "text": text(element, "data") });
        let line = note.as_object().cloned().unwrap_or_default();
        return events.push(Happened { time, line, violations: Vec::new() });
    }
    let mut line = payload(element, place, reading);
    // Where it is not told who sent it, nobody is to send it again: it is the server's.
    let from = if text(element, "type") == "send" { "client" } else { "server" };
    line.insert("from".to_owned(), from.into());
    let violations = own.get("violations").and_then(Value::as_array).into_iter().flatten();
    let violations = violations.filter_map(Value::as_object).cloned().collect();
    for (key, value) in own {
        match key.as_str() {
            "violations" | "type" | "session" | "from" | "at" => {}
            "base64" => {
                line.remove("text");
                line.insert(key.clone(), value.clone());
            }
            _ => drop(line.insert(key.clone(), value.clone())),
        }
    }
    events.push(Happened { time, line, violations });
}

/// The start of a message's line: what it is, and its payload.
fn payload(element: &Object, place: &str, reading: &mut Reading) -> Object {
    let opcode = element.get("opcode").and_then(Value::as_i64).unwrap_or(1);
    let data = text(element, "data");
    let (kind, op) = match opcode {
        1 => ("message", "text".to_owned()),
        2 => ("message", "binary".to_owned()),
        0 => ("message", "continuation".to_owned()),
        3..=7 | 11..=15 => ("message", format!("opcode {opcode}")),
        8 => ("close", String::new()),
        9 => ("ping", String::new()),
        10 => ("pong", String::new()),
        -1 => ("message", "raw".to_owned()),
        _ => {
            reading
                .remark(&format!("{place} has the opcode {opcode}, which is none, and was taken as binary"));
            ("message", "binary".to_owned())
        }
    };
    let mut line = Object::new();
    line.insert("type".to_owned(), kind.into());
    if !op.is_empty() {
        line.insert("op".to_owned(), op.into());
    }
    if opcode == 1 {
        line.insert("text".to_owned(), data.into());
        return line;
    }
    let bytes = LENIENT.decode(data).unwrap_or_else(|_| {
        reading.remark(&format!("the data of {place} is not base64, and was taken as text"));
        data.as_bytes().to_vec()
    });
    line.insert("base64".to_owned(), LENIENT.encode(bytes).into());
    line
}

/// Microseconds since 1970 of a time in either unit.
fn micros(time: f64) -> Option<i64> {
    let seconds = if time >= MILLISECONDS { time / 1e3 } else { time };
    (seconds > 0.0 && seconds < LAST).then(|| (seconds * 1e6).round() as i64)
}

/// By their numbers where all have one, else by their times; one without a time stays behind the one before it.
fn order(events: &mut [Happened]) {
    let numbered = |event: &Happened| event.line.get("n").and_then(Value::as_u64);
    if events.iter().all(|event| numbered(event).is_some()) {
        return events.sort_by_key(numbered);
    }
    if events.iter().all(|event| event.time.is_some()) {
        events.sort_by_key(|event| event.time);
    }
}

/// How it was closed, where no close frame says so, and how it ended.
fn end(entry: &Object, closed: bool, origin: Origin, events: &mut Vec<Happened>) {
    let mut over = None;
    let mut ends = ["fin", "fin"];
    match entry.get(CLOSE) {
        Some(Value::Object(close)) => {
            over = number(close, "timestamp").and_then(micros);
            let code = close.get("code").and_then(Value::as_u64).and_then(|code| u16::try_from(code).ok());
            // 1005 and 1006 are never sent: there was no code, or no close frame (RFC 6455 7.4.1).
            if !closed && code != Some(1006) {
                let code = code.filter(|code| *code != 1005).map(StatusCode);
                let payload = Close { code, reason: text(close, "reason").as_bytes() }.to_payload();
                let line = json!({ "type": "close", "from": "server", "base64": LENIENT.encode(payload) });
                let line = line.as_object().cloned().unwrap_or_default();
                events.push(Happened { time: over, line, violations: Vec::new() });
            }
        }
        Some(Value::String(_)) => ends = ["open", "aborted, the imported file does not say how"],
        _ => {}
    }
    let own = object(object(entry, OWN), "end");
    let mut line = own.clone();
    if own.is_empty() {
        if !entry.contains_key(CLOSE) {
            return;
        }
        line.insert("client".to_owned(), ends[0].into());
        line.insert("server".to_owned(), ends[1].into());
    } else {
        over = number(own, "at")
            .filter(|at| *at < LAST)
            .map(|at| origin.opened.saturating_add((at * 1e3).round() as i64));
    }
    line.insert("type".to_owned(), "end".into());
    events.push(Happened { time: over, line, violations: Vec::new() });
}
