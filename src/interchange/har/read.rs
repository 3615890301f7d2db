//! HAR to a recording, in every dialect that is known.

use std::io;

use serde_json::Value;

use super::flow::flow;
use super::{OWN, Object};
use crate::interchange::{Draft, ImportError, Remarks};

/// Where bodies and messages come from that stand in files of their own (Playwright's `_file`), by their names.
pub type Attachments<'a> = &'a dyn Fn(&str) -> io::Result<Vec<u8>>;

/// What is being read, and what is to be said about it.
pub struct Reading<'a> {
    pub attachments: Attachments<'a>,
    pub remarks: Remarks,
    /// Which entry is being read, for remarks.
    pub place: String,
}

impl Reading<'_> {
    /// Says something about the entry.
    pub fn remark(&mut self, sentence: &str) {
        if self.remarks.len() < MOST_REMARKS {
            self.remarks.push(format!("{}: {sentence}", self.place));
        } else if self.remarks.len() == MOST_REMARKS {
            self.remarks.push("and more of this kind".to_owned());
        }
    }

    /// What a file beside the HAR holds; nothing where it cannot be read, which is told.
    pub fn attachment(&mut self, name: &str) -> Option<Vec<u8>> {
        match (self.attachments)(name) {
            Ok(bytes) => Some(bytes),
            Err(error) => {
                self.remark(&format!("what is in {name} is missing, as that cannot be read: {error}"));
                None
            }
        }
    }
}

/// How many sentences are said before the rest is left unsaid.
const MOST_REMARKS: usize = 50;

/// Reads a HAR file, which errors call `file`.
///
/// # Errors
/// Where it is no HAR.
pub fn read(file: &str, input: &[u8], attachments: Attachments) -> Result<Draft, ImportError> {
    let input = input.strip_prefix("\u{feff}".as_bytes()).unwrap_or(input);
    let form = |place: String, fault: &str| ImportError::Form {
        file: file.to_owned(),
        place,
        fault: fault.to_owned(),
    };
    if input.starts_with(b"PK\x03\x04") {
        return Err(form("1:1".to_owned(), "this is a zip: unpack it, and import the .har in it"));
    }
    let har: Value = serde_json::from_slice(input).map_err(|error| {
        let (place, fault) = (format!("{}:{}", error.line(), error.column()), error.to_string());
        let fault = fault.split(" at line ").next().unwrap_or_default();
        form(place, &format!("{fault}; mend it there, or export it anew"))
    })?;
    let Some(entries) = har.pointer("/log/entries").and_then(Value::as_array) else {
        return Err(form("1:1".to_owned(), "this is no HAR: it has no log.entries"));
    };
    let mut draft = Draft::default();
    let mut reading = Reading { attachments, remarks: Remarks::new(), place: String::new() };
    for (number, entry) in (1..).zip(entries) {
        reading.place = format!("entry {number}");
        match entry.as_object() {
            Some(entry) => draft.flows.extend(flow(entry, &mut reading)),
            None => reading.remark("it is no object, and was left out"),
        }
    }
    let own = |key: &str| har.pointer(&format!("/log/{OWN}/{key}"));
    draft.recording = own("recording").and_then(Value::as_object).cloned().unwrap_or_default();
    let lines = own("lines").and_then(Value::as_array).into_iter().flatten();
    draft.others = lines.filter_map(Value::as_object).cloned().collect();
    draft.remarks = reading.remarks;
    Ok(draft)
}

/// A key's object; an empty one where there is none.
pub fn object<'a>(of: &'a Object, key: &str) -> &'a Object {
    static NONE: std::sync::LazyLock<Object> = std::sync::LazyLock::new(Object::new);
    of.get(key).and_then(Value::as_object).unwrap_or(&NONE)
}

/// A key's text; empty where there is none.
pub fn text<'a>(of: &'a Object, key: &str) -> &'a str {
    of.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// A key's number, where it is one that is not negative.
pub fn number(of: &Object, key: &str) -> Option<f64> {
    of.get(key).and_then(Value::as_f64).filter(|number| number.is_finite() && *number >= 0.0)
}
