//! One line of a recording as it stands there: every key of every type of line, all of them optional.

use std::borrow::Cow;
use std::ops::Deref;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::head::HeadLine;
use super::tls::TlsLine;

/// A string, borrowed from its line where it has no escapes. (serde borrows a `Cow` only where it stands by itself.)
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

/// All keys that mean something. Others are passed over: a later version may have more.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Line<'a> {
    #[serde(borrow, rename = "type")]
    pub kind: Option<Text<'a>>,
    pub version: Option<u64>,
    #[serde(borrow)]
    pub tool: Option<Text<'a>>,
    #[serde(borrow)]
    pub started: Option<Text<'a>>,
    #[serde(borrow)]
    pub listen: Option<Text<'a>>,
    pub listeners: Option<Vec<String>>,
    pub session: Option<u32>,
    pub exchange: Option<u32>,
    pub n: Option<u64>,
    #[serde(borrow)]
    pub time: Option<Text<'a>>,
    pub at: Option<f64>,
    pub took: Option<f64>,
    #[serde(borrow)]
    pub mode: Option<Text<'a>>,
    #[serde(borrow)]
    pub url: Option<Text<'a>>,
    #[serde(borrow)]
    pub target: Option<Text<'a>>,
    pub tls: Option<TlsLine>,
    #[serde(borrow)]
    pub client: Option<Text<'a>>,
    #[serde(borrow)]
    pub server: Option<Text<'a>>,
    #[serde(borrow)]
    pub request: Option<HeadLine<'a>>,
    #[serde(borrow)]
    pub sent: Option<HeadLine<'a>>,
    #[serde(borrow)]
    pub response: Option<HeadLine<'a>>,
    #[serde(borrow)]
    pub why: Option<Text<'a>>,
    #[serde(borrow)]
    pub error: Option<Text<'a>>,
    pub notes: Vec<String>,
    pub redacted: RedactedLine,
    pub timing: TimingLine,
    #[serde(borrow)]
    pub from: Option<Text<'a>>,
    #[serde(borrow)]
    pub op: Option<Text<'a>>,
    #[serde(borrow, deserialize_with = "even_null")]
    pub json: Option<&'a RawValue>,
    #[serde(borrow)]
    pub text: Option<Text<'a>>,
    #[serde(borrow)]
    pub base64: Option<Text<'a>>,
    pub code: Option<u16>,
    #[serde(borrow)]
    pub reason: Option<Text<'a>>,
    pub size: Option<u64>,
    pub compressed: Option<u64>,
    pub wire: Option<u64>,
    pub utf8: Option<bool>,
    pub complete: Option<bool>,
    #[serde(borrow)]
    pub frames: Option<Vec<&'a RawValue>>,
    pub frames_left_out: Option<u64>,
    pub frames_at: Option<Vec<f64>>,
    #[serde(borrow)]
    pub offset: Option<&'a RawValue>,
    #[serde(borrow)]
    pub what: Option<Text<'a>>,
    #[serde(borrow)]
    pub section: Option<Text<'a>>,
    #[serde(borrow)]
    pub first: Option<Text<'a>>,
    pub octets: OctetsLine,
    pub events: Option<u64>,
    #[serde(borrow)]
    pub act: Option<Text<'a>>,
    pub held: Option<u64>,
    #[serde(borrow)]
    pub by: Option<Text<'a>>,
    #[serde(borrow)]
    pub rule: Option<Text<'a>>,
    pub count: Option<u64>,
    #[serde(rename = "for")]
    pub lasting: Option<f64>,
    #[serde(borrow)]
    pub rate: Option<Text<'a>>,
    #[serde(borrow)]
    pub side: Option<Text<'a>>,
    #[serde(borrow)]
    pub to: Option<Text<'a>>,
    pub status: Option<u16>,
    #[serde(borrow)]
    pub injected: Option<Text<'a>>,
}

/// In the first line whether secrets were replaced, in the others where.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum RedactedLine {
    Whether(bool),
    Places(Vec<String>),
}

impl Default for RedactedLine {
    fn default() -> RedactedLine {
        RedactedLine::Places(Vec::new())
    }
}

impl RedactedLine {
    /// Where secrets were replaced in what the line tells.
    pub fn places(&self) -> Vec<String> {
        match self {
            RedactedLine::Places(places) => places.clone(),
            RedactedLine::Whether(_) => Vec::new(),
        }
    }
}

/// Milliseconds that each step took.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct TimingLine {
    pub dns: Option<f64>,
    pub tcp: Option<f64>,
    pub tls: Option<f64>,
    pub response: Option<f64>,
}

/// Octets that each end sent.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct OctetsLine {
    pub client: u64,
    pub server: u64,
}

/// The type alone, for lines whose keys may mean something else.
#[derive(Deserialize)]
struct TypeOnly<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<Text<'a>>,
}

/// Every type of line that is read.
const TYPES: [&str; 14] = [
    "recording",
    "open",
    "refused",
    "tunnel",
    "message",
    "ping",
    "pong",
    "close",
    "violation",
    "end",
    "exchange",
    "gap",
    "note",
    "act",
];

impl<'a> Line<'a> {
    /// Reads a line. One of a type that is not known gives only its type.
    pub fn parse(text: &'a str) -> Result<Line<'a>, String> {
        let text = text.trim_end();
        match serde_json::from_str(text) {
            Ok(line) => Ok(line),
            Err(error) => match serde_json::from_str(text) {
                Ok(TypeOnly { kind: Some(kind) }) if !TYPES.contains(&&*kind) => {
                    Ok(Line { kind: Some(kind), ..Line::default() })
                }
                _ => Err(in_words(&error)),
            },
        }
    }
}

/// What serde says, with the column alone: a line is one line.
pub(super) fn in_words(error: &serde_json::Error) -> String {
    let all = error.to_string();
    let what = all.rsplit_once(" at line ").map_or(&*all, |parts| parts.0);
    match error.column() {
        0 => what.to_owned(),
        column => format!("{what} (column {column})"),
    }
}

/// `null` is a payload too.
fn even_null<'de: 'a, 'a, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'a RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}
