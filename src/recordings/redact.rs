//! A recording without its secrets: those of HTTP heads, and what stands at given places in JSON.

use std::io::{BufRead, Write};

use serde_json::Value;

use super::numbers::Given;
use super::path::{Path, at_mut};
use super::payload;
use crate::capture::{Act, Deed, Event, Message, Payload};
use crate::headless::schema::{InMemory, Item, Keys, Reader, Record, Recording, Writer};
use crate::headless::{FileError, Redaction, Redactor};

/// What was replaced.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Redacted {
    /// Messages in which something was replaced.
    pub messages: u64,
    /// Openings, refusals, exchanges and notes in which something was replaced.
    pub heads: u64,
    /// Paths at which nothing stood anywhere.
    pub nowhere: Vec<String>,
}

/// Writes a recording with placeholders in place of its secrets: those that [`Redactor`] knows, and the values at
/// `paths` in messages and bodies that are JSON. The same secret has the same placeholder wherever it stands, and each
/// line says what was replaced in it. Lines that nothing is changed in stay as they stand.
///
/// # Errors
/// Where the recording is damaged, and where `out` fails.
pub fn redact<R: BufRead>(
    reader: &mut Reader<R>,
    paths: &[Path],
    mut out: impl Write,
) -> Result<Redacted, FileError> {
    let mut work = Work {
        redactor: Redactor::default(),
        paths,
        found: vec![false; paths.len()],
        told: Redacted::default(),
    };
    let recording = Recording { redaction: Redaction::On, ..reader.recording().clone() };
    out.write_all(&first_line(reader.first_line(), paths))?;
    while let Some(record) = reader.next()? {
        // Numbers go on by themselves.
        if !record.lines.is_empty() && !matches!(record.item, Item::Recording(_)) {
            work.record(&record, &recording, &mut out)?;
        }
    }
    out.flush()?;
    let nowhere = paths.iter().zip(work.found).filter(|(_, found)| !found).map(|(path, _)| path.to_string());
    Ok(Redacted { nowhere: nowhere.collect(), ..work.told })
}

fn first_line(line: &[u8], paths: &[Path]) -> Vec<u8> {
    let Ok(mut keys) = Keys::parse(line) else { return line.to_vec() };
    keys.set("redacted", "true");
    let mut all: Vec<String> =
        keys.get("redacted_paths").and_then(|list| serde_json::from_str(list).ok()).unwrap_or_default();
    for path in paths.iter().map(ToString::to_string) {
        if !all.contains(&path) {
            all.push(path);
        }
    }
    if !all.is_empty() {
        keys.put_behind("redacted", "redacted_paths", &Value::from(all).to_string());
    }
    keys.to_line()
}

struct Work<'p> {
    redactor: Redactor,
    paths: &'p [Path],
    found: Vec<bool>,
    told: Redacted,
}

impl Work<'_> {
    fn record(
        &mut self,
        record: &Record,
        recording: &Recording,
        out: &mut impl Write,
    ) -> Result<(), FileError> {
        let given = Given::as_read(&record.item);
        let payload = match &record.item {
            Item::Event(Event::Message(Message { payload, .. })) => Some(payload),
            // What went on in a message's place; in a head's place went a head.
            Item::Event(Event::Act(Act { number: Some(_), deed: Deed::Edited(_, payload), .. })) => {
                Some(payload)
            }
            _ => None,
        };
        if let Some(payload) = payload {
            let replaced = self.message(payload);
            for (index, line) in record.lines.split_inclusive(|byte| *byte == b'\n').enumerate() {
                let line = given.written(line);
                match (&replaced, Keys::parse(&line)) {
                    (Some((payload, places)), Ok(mut keys)) if index == 0 => {
                        payload::replace(&mut keys, payload);
                        if let Some(key) = payload::key(&keys) {
                            keys.put_behind(key, "redacted", &Value::from(places.clone()).to_string());
                        }
                        out.write_all(&keys.to_line())?;
                    }
                    _ => out.write_all(&line)?,
                }
            }
            return Ok(());
        }
        if let Item::Event(event) = &record.item {
            let mut redacted = self.redactor.redact(event, &InMemory).into_owned();
            self.bodies(&mut redacted);
            if redacted != *event {
                self.told.heads += 1;
                let line = line_of(&redacted, recording)?;
                out.write_all(&line)?;
                return Ok(());
            }
        }
        for line in record.lines.split_inclusive(|byte| *byte == b'\n') {
            out.write_all(&given.written(line))?;
        }
        Ok(())
    }

    /// What stands in a message's place, and the paths at which it differs.
    fn message(&mut self, payload: &Payload) -> Option<(Vec<u8>, Vec<String>)> {
        let replaced = self.json(payload.in_memory()?)?;
        self.told.messages += 1;
        Some(replaced)
    }

    fn bodies(&mut self, event: &mut Event) {
        match event {
            Event::Exchanged(exchange) => {
                let bodies = [
                    (&mut exchange.request_body, Some(&mut exchange.request_size), "request body"),
                    (&mut exchange.response_body, Some(&mut exchange.response_size), "response body"),
                ];
                for (body, size, side) in bodies {
                    self.body(body, size, side, &mut exchange.redacted);
                }
            }
            Event::Refused(refused) => {
                self.body(&mut refused.body, None, "response body", &mut refused.opening.redacted);
            }
            _ => {}
        }
    }

    fn body(&mut self, body: &mut Payload, size: Option<&mut u64>, side: &str, told: &mut Vec<String>) {
        let Some((replaced, places)) = body.in_memory().cloned().and_then(|bytes| self.json(&bytes)) else {
            return;
        };
        if let Some(size) = size.filter(|size| **size == body.len()) {
            *size = replaced.len() as u64;
        }
        *body = Payload::from(replaced);
        told.extend(places.into_iter().map(|place| format!("{side} {place}")));
    }

    /// JSON with placeholders at the paths; none where nothing stands there.
    fn json(&mut self, bytes: &[u8]) -> Option<(Vec<u8>, Vec<String>)> {
        if self.paths.is_empty() {
            return None;
        }
        let (before, mut value) = payload::json(bytes)?;
        let mut places = Vec::new();
        for (path, found) in self.paths.iter().zip(&mut self.found) {
            for trail in path.places(&value) {
                let Some(secret) = at_mut(&mut value, &trail) else { continue };
                *found = true;
                if hide(secret, &mut self.redactor) && !places.contains(&path.to_string()) {
                    places.push(path.to_string());
                }
            }
        }
        if places.is_empty() {
            return None;
        }
        Some(([before, value.to_string().as_bytes()].concat(), places))
    }
}

/// Replaces all strings and numbers of a value; gives whether that changed it.
fn hide(value: &mut Value, redactor: &mut Redactor) -> bool {
    let secret = match value {
        Value::Object(fields) => {
            return fields.iter_mut().fold(false, |changed, (_, value)| hide(value, redactor) | changed);
        }
        Value::Array(items) => {
            return items.iter_mut().fold(false, |changed, item| hide(item, redactor) | changed);
        }
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Null | Value::Bool(_) => return false,
    };
    let placeholder = redactor.placeholder(&secret);
    let changed = placeholder != secret;
    if changed {
        *value = Value::from(placeholder);
    }
    changed
}

/// The line of an event that does not count on others.
fn line_of(event: &Event, recording: &Recording) -> Result<Vec<u8>, FileError> {
    let mut lines = Vec::new();
    let mut writer = Writer::new(&mut lines, recording)?;
    writer.event(event, &InMemory)?;
    writer.flush()?;
    drop(writer);
    let end = memchr::memchr(b'\n', &lines).map_or(0, |end| end + 1);
    Ok(lines.split_off(end))
}

#[cfg(test)]
mod tests;
