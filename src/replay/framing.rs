//! How a message was framed: written again so, and compared with how another one is.

use super::expectation::Difference;
use super::wire::Said;
use crate::capture::{Frame as Recorded, Kind, Message};
use crate::ws::{Deflater, Direction, Frame, FrameHeader, LengthForm, Opcode};

/// The frames of a recorded message, to be sent `ours`: as many, and with what was odd about them. A compressed one is
/// compressed afresh, and one that has become longer or shorter is cut in proportion. Each frame of a client's that was
/// masked gets a key from `masking_key`.
pub(super) fn written(
    ours: Direction,
    message: &Message,
    deflater: Option<&mut Deflater>,
    mut masking_key: impl FnMut() -> [u8; 4],
) -> Vec<Vec<u8>> {
    let payload = message.payload.in_memory().cloned().unwrap_or_default();
    let Kind::Frame(opcode) = message.kind else { return vec![payload.to_vec()] };
    let compressed = deflater.filter(|_| message.compressed).and_then(|deflater| deflater.compress(&payload));
    let unpacked = message.compressed && compressed.is_none();
    let bytes = compressed.as_deref().unwrap_or(&payload);
    let headers = all_headers(ours, message, opcode);
    let claimed: u64 = headers.iter().map(|header| header.payload_length).fold(0, u64::saturating_add);
    // What the connection ended before.
    let missing = claimed.saturating_sub(message.wire_size);
    let mut lengths: Vec<u64> = headers.iter().map(|header| header.payload_length).collect();
    if let Some(last) = lengths.last_mut() {
        *last = last.saturating_sub(missing);
    }
    let last = headers.len().saturating_sub(1);
    let mut written = Vec::with_capacity(headers.len());
    for (index, (header, piece)) in headers.iter().zip(cut(bytes, &lengths)).enumerate() {
        let length = piece.len() as u64 + if index == last { missing } else { 0 };
        let clear = if unpacked && index == 0 { 0b011 } else { 0b111 };
        let mut frame = Frame::new(header.opcode, piece)
            .reserved_bits(header.reserved_bits() & clear)
            .claiming(length)
            .length_form(form(header, length));
        if !header.fin {
            frame = frame.unfinished();
        }
        frame = match (header.masking_key, ours) {
            (None, _) => frame,
            (Some(_), Direction::ToServer) => frame.masked(masking_key()),
            (Some(key), Direction::ToClient) => frame.masked(key),
        };
        written.push(frame.to_bytes());
    }
    written
}

/// The headers of a recorded message's frames; of those that were too many to be listed one that stands for all.
fn all_headers(ours: Direction, message: &Message, opcode: Opcode) -> Vec<FrameHeader> {
    let mut headers = parsed(&message.frames);
    let listed: u64 = headers.iter().map(|header| header.payload_length).fold(0, u64::saturating_add);
    if headers.is_empty() || message.frames_left_out > 0 {
        let opcode = if headers.is_empty() { opcode } else { Opcode::Continuation };
        let mut frame = Frame::new(opcode, &[]).claiming(message.wire_size.saturating_sub(listed));
        if headers.is_empty() && message.compressed {
            frame = frame.compressed();
        }
        if !message.complete {
            frame = frame.unfinished();
        }
        if ours == Direction::ToServer {
            frame = frame.masked([0; 4]);
        }
        headers.extend(FrameHeader::parse(&frame.to_bytes()));
    }
    headers
}

fn parsed(frames: &[Recorded]) -> Vec<FrameHeader> {
    frames.iter().filter_map(|frame| FrameHeader::parse(&frame.header)).collect()
}

/// The form that the length was written in, as far as this one fits in it.
fn form(recorded: &FrameHeader, length: u64) -> LengthForm {
    let shortest = LengthForm::shortest(length);
    let form = if recorded.is_minimal() { shortest } else { recorded.length_form() };
    if form.bits() < shortest.bits() { shortest } else { form }
}

/// Cuts `bytes` into pieces that are in proportion to `lengths`, and of these very lengths where they are all there is.
fn cut<'a>(bytes: &'a [u8], lengths: &[u64]) -> Vec<&'a [u8]> {
    let total: u128 = lengths.iter().map(|length| u128::from(*length)).sum();
    let (mut before, mut start) = (0_u128, 0);
    let mut pieces = Vec::with_capacity(lengths.len());
    for (index, length) in lengths.iter().enumerate() {
        before += u128::from(*length);
        let end = match (index + 1 == lengths.len(), total) {
            (true, _) => bytes.len(),
            (false, 0) => 0,
            (false, total) => (before * bytes.len() as u128 / total) as usize,
        };
        pieces.push(&bytes[start..end]);
        start = end;
    }
    pieces
}

/// In what the framing of `said` differs from the recorded one: in how many frames it came and in their reserved bits,
/// whether it came to its end, and what it broke. The lengths of frames count where both are in the clear and say the
/// same; masking keys never do, nor whether it was compressed, which is agreed on anew.
pub(super) fn differences(recorded: &Message, said: &Said) -> Vec<Difference> {
    let payload = recorded.payload.in_memory().cloned().unwrap_or_default();
    let clear = !recorded.compressed && !said.compressed && payload == said.payload;
    let count = recorded.frames.len() as u64 + recorded.frames_left_out;
    let expected = in_words(count.max(1), &parsed(&recorded.frames), clear, recorded.compressed);
    let got = in_words(said.frames, &said.headers, clear, said.compressed);
    let mut found = Vec::new();
    let mut differ = |place: &str, expected: Option<String>, got: Option<String>| {
        if expected != got {
            found.push(Difference { place: place.to_owned(), expected, got });
        }
    };
    differ("frames", Some(expected), Some(got));
    let end = |complete| Some(if complete { "all of it" } else { "cut off" }.to_owned());
    differ("end", end(recorded.complete), end(said.complete));
    let mut broken: Vec<_> =
        recorded.faults.iter().map(|fault| format!("{} ({})", fault.what, fault.section)).collect();
    // Their order follows how the bytes were cut on their way.
    broken.sort();
    let mut breaks = said.faults.clone();
    breaks.sort();
    let listed = |all: Vec<String>| (!all.is_empty()).then(|| all.join("; "));
    differ("violation", listed(broken), listed(breaks));
    found
}

fn in_words(count: u64, headers: &[FrameHeader], lengths: bool, compressed: bool) -> String {
    let mut words = if count == 1 { "1 frame".to_owned() } else { format!("{count} frames") };
    let each: Vec<_> =
        headers.iter().take(MOST_SHOWN).map(|header| header.payload_length.to_string()).collect();
    if lengths && count > 1 {
        words.push_str(&format!(" of {}", each.join(", ")));
        if headers.len() > MOST_SHOWN {
            words.push_str(", …");
        }
    }
    for (index, header) in headers.iter().enumerate().take(MOST_SHOWN) {
        let agreed = if compressed && index == 0 { 4 } else { 0 };
        let bits = header.reserved_bits() & !agreed;
        if bits != 0 {
            words.push_str(&format!(", reserved bits {bits} in the {}.", index + 1));
        }
    }
    words
}

/// Frames that are shown one by one.
const MOST_SHOWN: usize = 64;
