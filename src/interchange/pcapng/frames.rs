//! A recorded message as the frames that it came in.

use crate::capture::{Kind, Message};
use crate::ws::{Deflater, Direction, Frame, FrameHeader, Opcode, mask};

/// The frames' bytes, and what is to be said where they are not what passed.
pub struct Framed {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// What they are not.
    pub remark: Option<&'static str>,
}

/// What is said of a message whose frames hold the same in other bytes.
pub const COMPRESSED_ANEW: &str = "compressed anew";

/// What is said of a message of several frames that was compressed.
pub const FRAGMENTS_INFLATED: &str = "was compressed, and is not here: Wireshark does not inflate fragments";

/// The bytes of a message. One that was compressed is compressed anew where `deflater` can, so that its frames have other lengths.
pub fn framed(message: &Message, deflater: Option<&mut Deflater>) -> Framed {
    let payload = message.payload.in_memory().cloned().unwrap_or_default();
    let Kind::Frame(opcode) = message.kind else {
        return Framed { bytes: payload.to_vec(), remark: None };
    };
    let whole = message.complete && payload.len() as u64 == message.size;
    if message.compressed && whole {
        // Wireshark inflates no message of several frames.
        if message.frames.len() > 1 {
            return Framed { bytes: fragments(message, opcode, &payload), remark: Some(FRAGMENTS_INFLATED) };
        }
        if let Some(compressed) = deflater.and_then(|deflater| deflater.compress(&payload)) {
            let frame = Frame::new(opcode, &compressed).compressed();
            return Framed { bytes: sent(message, frame).to_bytes(), remark: Some(COMPRESSED_ANEW) };
        }
    }
    if message.compressed {
        let remark =
            Some("was compressed, and is not here: not all of it was captured, or its window cannot be made");
        return Framed { bytes: plain(message, opcode, &payload), remark };
    }
    match recorded(message, &payload) {
        Some(bytes) => Framed { bytes, remark: None },
        None => Framed {
            bytes: plain(message, opcode, &payload),
            remark: Some("not in its own frames: not all of it was captured"),
        },
    }
}

/// With the recorded headers; none where they do not fit what was captured.
fn recorded(message: &Message, payload: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(payload.len() + 14 * message.frames.len());
    let mut rest = payload;
    for frame in &message.frames {
        bytes.extend_from_slice(&frame.header);
        let Some(header) = FrameHeader::parse(&frame.header) else { continue };
        let length = usize::try_from(header.payload_length).unwrap_or(usize::MAX).min(rest.len());
        if (length as u64) < header.payload_length && message.complete {
            return None;
        }
        let (own, behind) = rest.split_at(length);
        let start = bytes.len();
        bytes.extend_from_slice(own);
        if let Some(key) = header.masking_key {
            mask::mask(&mut bytes[start..], key, 0);
        }
        rest = behind;
    }
    (rest.is_empty() && !message.frames.is_empty()).then_some(bytes)
}

/// Not compressed, in as many frames as there were.
fn fragments(message: &Message, opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    let count = message.frames.len();
    let each = payload.len().div_ceil(count);
    let mut bytes = Vec::with_capacity(payload.len() + FrameHeader::MAX_SIZE * count);
    for index in 0..count {
        let (start, end) = (payload.len().min(index * each), payload.len().min((index + 1) * each));
        let frame = Frame::new(if index == 0 { opcode } else { Opcode::Continuation }, &payload[start..end]);
        let frame = if index + 1 < count { frame.unfinished() } else { frame };
        sent(message, frame).write_to(&mut bytes);
    }
    bytes
}

/// In one frame, not compressed.
fn plain(message: &Message, opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    let frame = Frame::new(opcode, payload);
    let frame = if message.complete { frame } else { frame.unfinished() };
    sent(message, frame).to_bytes()
}

/// Masked where its sender has to, with a key that changes nothing: keys are not recorded.
fn sent<'a>(message: &Message, frame: Frame<'a>) -> Frame<'a> {
    match message.direction {
        Direction::ToServer => frame.masked([0; 4]),
        Direction::ToClient => frame,
    }
}
