//! Payload bytes as `json`, `text` or `base64`: readable where that loses nothing, exact always.

use std::io;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

use super::json::{self, Object};
use crate::capture::{Kind, Log, Payload};
use crate::decode;
use crate::headless::lines::Lines;
use crate::ws::Opcode;

/// Above this a payload is not read as JSON, and is streamed rather than held.
const HELD_AT_MOST: u64 = 1024 * 1024;

/// How much of a large payload is in memory at a time.
const PIECE: usize = 64 * 1024;

/// Where payload bytes are that are not in memory.
pub trait Payloads {
    /// Reads `length` bytes from `offset`, or as many as there are.
    fn read(&self, payload: &Payload, offset: u64, length: usize) -> io::Result<Bytes>;
}

impl Payloads for Log {
    fn read(&self, payload: &Payload, offset: u64, length: usize) -> io::Result<Bytes> {
        Log::read(self, payload, offset, length)
    }
}

/// Payloads that are all in memory, as those that were read from a recording.
pub struct InMemory;

impl Payloads for InMemory {
    fn read(&self, payload: &Payload, offset: u64, length: usize) -> io::Result<Bytes> {
        let Some(bytes) = payload.in_memory() else {
            return Err(io::Error::new(
                io::ErrorKind::NotFound,
                "the payload is in a log, and no log was given",
            ));
        };
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
        let end = start.saturating_add(length).min(bytes.len());
        Ok(bytes.slice(start..end))
    }
}

/// The payload of a message: exactly one of `json`, `text`, `base64`. Gives how many bytes could be had: fewer
/// than the payload's length where the log has let them go meanwhile.
pub(super) fn write(object: &mut Object, kind: Kind, payload: &Payload, source: &dyn Payloads) -> u64 {
    if payload.len() > HELD_AT_MOST {
        return stream(object, ["text", "base64"], kind, payload, source);
    }
    let bytes = whole(payload, source);
    let reads_as_json = matches!(kind, Kind::Frame(Opcode::Text | Opcode::Binary | Opcode::Continuation));
    if reads_as_json && is_json(&bytes) {
        object.key("json").push(&bytes);
    } else {
        write_as(object, ["text", "base64"], kind, &bytes);
    }
    bytes.len() as u64
}

/// The payload as `base64`, whatever it is. Gives how many bytes could be had.
pub(super) fn write_base64(object: &mut Object, payload: &Payload, source: &dyn Payloads) -> u64 {
    let out = object.key("base64");
    out.push(b"\"");
    let written = stream_base64(out, payload, source);
    out.push(b"\"");
    written
}

/// A body and how long it really was.
pub(super) struct Body<'a> {
    pub payload: &'a Payload,
    pub size: u64,
    pub source: &'a dyn Payloads,
}

impl Body<'_> {
    pub fn is_empty(&self) -> bool {
        self.size == 0 && self.payload.is_empty()
    }
}

/// An HTTP body as `body` or `body_base64`, and its `size` where that is more than what was captured.
pub(super) fn write_body(object: &mut Object, body: &Body) {
    let kind = Kind::Frame(Opcode::Binary);
    let keys = ["body", "body_base64"];
    let mut captured = 0;
    if body.payload.len() > HELD_AT_MOST {
        captured = stream(object, keys, kind, body.payload, body.source);
    } else if !body.payload.is_empty() {
        let bytes = whole(body.payload, body.source);
        write_as(object, keys, kind, &bytes);
        captured = bytes.len() as u64;
    }
    if captured != body.size {
        object.number("size", body.size);
    }
}

pub(super) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

pub(super) fn from_base64(key: &str, text: &str) -> Result<Bytes, String> {
    STANDARD.decode(text).map(Bytes::from).map_err(|error| format!("\"{key}\" is not base64: {error}"))
}

/// A list or an object that serialises again to the same bytes, and that can stand on a line as it is.
fn is_json(bytes: &[u8]) -> bool {
    matches!(bytes.first(), Some(b'{' | b'[')) && json::is_tame(bytes) && decode::json::exact(bytes)
}

/// Whether a payload is for eyes. Text frames are, if they are UTF-8. Of others, those without control characters:
/// four bytes that are a number are UTF-8 often enough, and `\u0000` six times as long as what it stands for.
fn reads_as_text(kind: Kind, text: &str) -> bool {
    let plain = |c: char| !c.is_control() || matches!(c, '\t' | '\n' | '\r');
    kind == Kind::Frame(Opcode::Text) || text.chars().all(plain)
}

/// What the log still has, up to the payload's length.
fn whole(payload: &Payload, source: &dyn Payloads) -> Bytes {
    if let Some(bytes) = payload.in_memory() {
        return bytes.clone();
    }
    let length = usize::try_from(payload.len()).unwrap_or(usize::MAX);
    source.read(payload, 0, length).unwrap_or_default()
}

fn write_as(object: &mut Object, [text_key, base64_key]: [&str; 2], kind: Kind, bytes: &[u8]) {
    match std::str::from_utf8(bytes) {
        Ok(text) if reads_as_text(kind, text) => object.string(text_key, text),
        _ => object.string(base64_key, &base64(bytes)),
    }
}

/// A payload of any size in constant memory: read once to see what it is, and again to write it.
fn stream(object: &mut Object, keys: [&str; 2], kind: Kind, payload: &Payload, source: &dyn Payloads) -> u64 {
    let mut text = Some(Utf8::default());
    each_piece(payload, source, |piece| {
        let so_far = text.as_mut()?;
        if !so_far.take(piece, |part| reads_as_text(kind, part)) {
            text = None;
        }
        text.is_some().then_some(())
    });
    let is_text = text.is_some_and(|text| text.is_whole());
    let out = object.key(keys[usize::from(!is_text)]);
    out.push(b"\"");
    let written =
        if is_text { stream_text(out, payload, source) } else { stream_base64(out, payload, source) };
    out.push(b"\"");
    written
}

fn stream_text(out: &mut Lines, payload: &Payload, source: &dyn Payloads) -> u64 {
    let mut text = Utf8::default();
    let mut written = 0;
    each_piece(payload, source, |piece| {
        let valid = text.take(piece, |part| {
            json::escape(out, part);
            written += part.len() as u64;
            true
        });
        valid.then_some(())
    });
    written
}

fn stream_base64(out: &mut Lines, payload: &Payload, source: &dyn Payloads) -> u64 {
    let mut left = Vec::with_capacity(PIECE);
    let mut written = 0;
    each_piece(payload, source, |piece| {
        written += piece.len() as u64;
        left.extend_from_slice(piece);
        // three octets are four digits: only the last piece may need padding
        let whole = left.len() / 3 * 3;
        out.push(base64(&left[..whole]).as_bytes());
        left.drain(..whole);
        Some(())
    });
    out.push(base64(&left).as_bytes());
    written
}

/// Every piece of [`PIECE`] bytes, the last one shorter, until `f` gives none or the log has no more.
fn each_piece(payload: &Payload, source: &dyn Payloads, mut f: impl FnMut(&[u8]) -> Option<()>) {
    let mut offset = 0;
    while offset < payload.len() {
        let Ok(piece) = source.read(payload, offset, PIECE) else { return };
        if piece.is_empty() || f(&piece).is_none() {
            return;
        }
        offset += piece.len() as u64;
    }
}

/// UTF-8 that comes in pieces, which may end inside a character.
#[derive(Default)]
struct Utf8 {
    tail: Vec<u8>,
}

impl Utf8 {
    /// Gives the whole characters of a piece to `f`; false when they are not UTF-8, or when `f` says no.
    fn take(&mut self, piece: &[u8], mut f: impl FnMut(&str) -> bool) -> bool {
        let mut piece = piece;
        while !self.tail.is_empty() {
            let Some((first, rest)) = piece.split_first() else { return true };
            (piece, _) = (rest, self.tail.push(*first));
            match std::str::from_utf8(&self.tail) {
                Ok(character) => {
                    if !f(character) {
                        return false;
                    }
                    self.tail.clear();
                }
                Err(error) if error.error_len().is_some() => return false,
                Err(_) => {}
            }
        }
        let (whole, tail) = match std::str::from_utf8(piece) {
            Ok(whole) => (whole, &b""[..]),
            Err(error) if error.error_len().is_some() => return false,
            Err(error) => {
                let (whole, tail) = piece.split_at(error.valid_up_to());
                (std::str::from_utf8(whole).unwrap_or_default(), tail)
            }
        };
        self.tail.extend_from_slice(tail);
        f(whole)
    }

    fn is_whole(&self) -> bool {
        self.tail.is_empty()
    }
}
