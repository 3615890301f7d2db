//! The frames of a message, told only as far as they are not what anybody would expect.

use bytes::{BufMut, Bytes, BytesMut};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::json::{self, Object};
use super::line::in_words;
use crate::capture::{Frame, Kind, Message, Stamp};
use crate::headless::lines::Lines;
use crate::ws::{Direction, FrameHeader, LengthForm, Opcode};

/// A single frame's own time is told only where its header came this much before its last byte.
const WORTH_TELLING: u64 = 1_000_000;

/// How far a direction's stream has been told: where the next frame begins if nothing is missing.
pub(super) type Offsets = [u64; 2];

/// What is expected of a frame from its place in the message.
#[derive(Clone, Copy)]
struct Expected {
    fin: bool,
    opcode: Opcode,
    reserved_bits: u8,
    masked: bool,
}

/// The message as a whole, as far as its frames follow from it.
#[derive(Clone, Copy)]
pub(super) struct Shape {
    pub kind: Kind,
    pub direction: Direction,
    pub compressed: bool,
    pub complete: bool,
    pub left_out: u64,
}

impl Shape {
    pub fn of(message: &Message) -> Shape {
        Shape {
            kind: message.kind,
            direction: message.direction,
            compressed: message.compressed,
            complete: message.complete,
            left_out: message.frames_left_out,
        }
    }

    fn expected(&self, index: usize, count: usize) -> Expected {
        let opcode = match self.kind {
            Kind::Frame(opcode) if index == 0 => opcode,
            _ => Opcode::Continuation,
        };
        Expected {
            fin: index + 1 == count && self.complete && self.left_out == 0,
            opcode,
            // RFC 7692 6: RSV1 of a message's first frame says that it is compressed
            reserved_bits: if index == 0 && self.compressed { 4 } else { 0 },
            masked: self.direction == Direction::ToServer,
        }
    }
}

/// The keys `frames`, `frames_left_out`, `frames_at` and `offset`, each where it says something.
pub(super) fn write(object: &mut Object, message: &Message, opened: Stamp, offsets: &mut Offsets) {
    let shape = Shape::of(message);
    let frames = &message.frames;
    if !is_one_ordinary_frame(message, shape) {
        let count = frames.len();
        object.list("frames", frames.iter().enumerate(), |out, (index, frame)| {
            write_one(out, frame, shape.expected(index, count));
        });
    }
    if message.frames_left_out > 0 {
        object.number("frames_left_out", message.frames_left_out);
    }
    let early = |frame: &Frame| message.time.0.saturating_sub(frame.time.0) >= WORTH_TELLING;
    if frames.len() > 1 || frames.iter().any(early) {
        object.list("frames_at", frames, |out, frame| {
            json::millis(out, frame.time.0.saturating_sub(opened.0));
        });
    }
    write_offset(object, message, &mut offsets[message.direction as usize]);
}

/// Where the frames begin in their direction's stream, where that is not right behind what was told before.
fn write_offset(object: &mut Object, message: &Message, next: &mut u64) {
    let Some(first) = message.frames.first() else {
        *next = next.wrapping_add(message.wire_size);
        return;
    };
    let mut contiguous = true;
    let mut end = first.offset;
    for frame in &message.frames {
        contiguous &= frame.offset == end;
        end = frame.offset.wrapping_add(octets(&frame.header));
    }
    if !contiguous {
        object.list("offset", &message.frames, |out, frame| json::number(out, frame.offset));
    } else if first.offset != *next {
        object.number("offset", first.offset);
    }
    *next = end;
}

/// Moves past a message that is not written.
pub(super) fn skip(message: &Message, offsets: &mut Offsets) {
    let next = &mut offsets[message.direction as usize];
    *next = match message.frames.last() {
        Some(frame) => frame.offset.wrapping_add(octets(&frame.header)),
        None => next.wrapping_add(message.wire_size),
    };
}

fn octets(header: &[u8]) -> u64 {
    let payload = FrameHeader::parse(header).map_or(0, |header| header.payload_length);
    payload.wrapping_add(header.len() as u64)
}

fn is_one_ordinary_frame(message: &Message, shape: Shape) -> bool {
    match &message.frames[..] {
        [] => message.kind == Kind::Raw,
        [frame] => without_key(&frame.header) == *ordinary(shape.expected(0, 1), message.wire_size),
        _ => false,
    }
}

/// The header without the masking key's value, which is as random as it should be and is not recorded.
fn without_key(header: &Bytes) -> Bytes {
    match FrameHeader::parse(header) {
        Some(parsed) if parsed.masking_key.is_some() && parsed.bytes().len() == header.len() => {
            let mut blank = BytesMut::from(&header[..header.len() - 4]);
            blank.put_u32(0);
            blank.freeze()
        }
        _ => header.clone(),
    }
}

fn ordinary(expected: Expected, length: u64) -> Bytes {
    build(expected, length, LengthForm::shortest(length), expected.masked.then_some([0; 4]))
}

fn build(expected: Expected, length: u64, form: LengthForm, key: Option<[u8; 4]>) -> Bytes {
    let mut header = BytesMut::with_capacity(FrameHeader::MAX_SIZE);
    header.put_u8(u8::from(expected.fin) << 7 | expected.reserved_bits << 4 | expected.opcode.bits());
    let masked = u8::from(key.is_some()) << 7;
    match form {
        LengthForm::Seven => header.put_u8(masked | length as u8),
        LengthForm::Sixteen => {
            header.put_u8(masked | 126);
            header.put_u16(length as u16);
        }
        LengthForm::SixtyFour => {
            header.put_u8(masked | 127);
            header.put_u64(length);
        }
    }
    header.put_slice(key.as_ref().map_or(&[], |key| &key[..]));
    header.freeze()
}

/// A frame's payload length; or, where more than that has to be said, an object with what departs.
fn write_one(out: &mut Lines, frame: &Frame, expected: Expected) {
    let parsed =
        FrameHeader::parse(&frame.header).filter(|parsed| parsed.bytes().len() == frame.header.len());
    let Some(header) = parsed else {
        let mut object = Object::begin(out);
        object.string("header", &hex(&frame.header));
        return object.end();
    };
    if without_key(&frame.header) == ordinary(expected, header.payload_length) {
        return json::number(out, header.payload_length);
    }
    let mut object = Object::begin(out);
    object.number("length", header.payload_length);
    if header.fin != expected.fin {
        let value: &[u8] = if header.fin { b"true" } else { b"false" };
        object.key("fin").push(value);
    }
    if header.opcode != expected.opcode {
        object.string("op", Kind::Frame(header.opcode).name());
    }
    if header.reserved_bits() != expected.reserved_bits {
        object.number("rsv", u64::from(header.reserved_bits()));
    }
    match header.masking_key {
        Some(key) if !expected.masked => object.string("masking_key", &hex(&key)),
        None if expected.masked => object.null("masking_key"),
        _ => {}
    }
    if !header.is_minimal() {
        object.number("length_bits", u64::from(header.length_form().bits()));
    }
    object.end();
}

/// A frame as a line holds it, where it is more than a length.
#[derive(Deserialize)]
struct FrameLine {
    header: Option<String>,
    length: Option<u64>,
    fin: Option<bool>,
    op: Option<String>,
    rsv: Option<u8>,
    #[serde(default, deserialize_with = "present")]
    masking_key: Option<Option<String>>,
    length_bits: Option<u8>,
}

/// Tells a key that is null from one that is not there.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// Where frames begin: `offset` as a line holds it.
pub(super) enum OffsetLine {
    First(u64),
    Each(Vec<u64>),
}

/// What a line says of a message's frames.
#[derive(Default)]
pub(super) struct Told<'a> {
    pub frames: Option<Vec<&'a RawValue>>,
    pub times: Option<Vec<Stamp>>,
    pub offset: Option<OffsetLine>,
}

/// The frames of a message that a line tells, with all that goes without saying.
pub(super) fn read(
    told: Told,
    shape: Shape,
    wire_size: u64,
    time: Stamp,
    offsets: &mut Offsets,
) -> Result<Vec<Frame>, String> {
    let headers = match &told.frames {
        Some(frames) => {
            let read =
                |(index, frame): (usize, &&RawValue)| read_one(frame, shape.expected(index, frames.len()));
            frames.iter().enumerate().map(read).collect::<Result<Vec<_>, _>>()?
        }
        None if shape.kind == Kind::Raw => Vec::new(),
        None => vec![ordinary(shape.expected(0, 1), wire_size)],
    };
    let times = told.times.unwrap_or_default();
    let next = &mut offsets[shape.direction as usize];
    if headers.is_empty() {
        *next = next.wrapping_add(wire_size);
    }
    if let Some(OffsetLine::First(first)) = told.offset {
        *next = first;
    }
    let mut frames = Vec::with_capacity(headers.len());
    for (index, header) in headers.into_iter().enumerate() {
        if let Some(OffsetLine::Each(each)) = &told.offset {
            *next = each.get(index).copied().unwrap_or(*next);
        }
        let offset = *next;
        *next = offset.wrapping_add(octets(&header));
        frames.push(Frame { header, offset, time: times.get(index).copied().unwrap_or(time) });
    }
    Ok(frames)
}

fn read_one(raw: &RawValue, expected: Expected) -> Result<Bytes, String> {
    if let Ok(length) = raw.get().parse() {
        return Ok(ordinary(expected, length));
    }
    let fault = |what: &dyn std::fmt::Display| {
        format!("a frame of \"frames\" is neither a length nor an object: {what}")
    };
    let line: FrameLine = serde_json::from_str(raw.get()).map_err(|error| fault(&in_words(&error)))?;
    if let Some(header) = &line.header {
        return unhex(header).ok_or_else(|| format!("a frame's \"header\" is not hexadecimal: {header}"));
    }
    let length = line.length.ok_or_else(|| fault(&"it has no \"length\""))?;
    let opcode = match line.op.as_deref().map(|op| (op, Kind::from_name(op))) {
        None => expected.opcode,
        Some((_, Some(Kind::Frame(opcode)))) => opcode,
        Some((op, _)) => return Err(format!("a frame's \"op\" is no opcode: {op}")),
    };
    let form = match line.length_bits {
        None => LengthForm::shortest(length),
        Some(16) if length <= 0xffff => LengthForm::Sixteen,
        Some(64) => LengthForm::SixtyFour,
        Some(bits) => return Err(format!("a frame's length of {length} is not written in {bits} bits")),
    };
    let key = match line.masking_key {
        None => expected.masked.then_some([0; 4]),
        Some(None) => None,
        Some(Some(key)) => {
            let bytes = unhex(&key).and_then(|bytes| bytes.as_ref().try_into().ok());
            Some(bytes.ok_or_else(|| format!("a \"masking_key\" is not eight hexadecimal digits: {key}"))?)
        }
    };
    let reserved_bits = line.rsv.unwrap_or(expected.reserved_bits) & 0x7;
    Ok(build(
        Expected { fin: line.fin.unwrap_or(expected.fin), opcode, reserved_bits, ..expected },
        length,
        form,
        key,
    ))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Bytes> {
    let digits = text.as_bytes();
    let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let hexadecimal = digits.iter().all(u8::is_ascii_hexdigit) && digits.len().is_multiple_of(2);
    hexadecimal.then(|| digits.chunks_exact(2).map(pair).collect::<Option<Vec<u8>>>())?.map(Bytes::from)
}
