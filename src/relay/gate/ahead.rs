//! Compressed messages that are inflated where they lie, before it is known whether they are to be taken apart.

use std::ops::Range;

use super::{Gate, ROOM};
use crate::filter::BETWEEN;
use crate::ws::{FrameHeader, Opcode, mask};

/// Octets of payloads that are enough to look at in one go.
const ENOUGH: usize = 64 << 10;
/// Deflate makes no more of one octet.
const MOST_OF_ONE: usize = 1032;

/// A message that was inflated ahead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ahead {
    /// Text or binary.
    pub opcode: Opcode,
    /// Octets of its frame.
    pub octets: usize,
    /// Octets of its payload on the wire.
    pub wire_size: u64,
    /// Where its payload stands among the others.
    pub payload: Inflated,
}

/// What a payload was inflated to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Inflated {
    /// All of it stands here.
    At(Range<usize>),
    /// It could not be inflated.
    Broken,
    /// To more than may be held.
    TooLong,
}

/// Room for messages that are inflated ahead, which is used again and again.
#[derive(Debug, Default)]
pub struct Inflating {
    /// In order, all of one opcode.
    pub messages: Vec<Ahead>,
    /// Their payloads, one behind the other with [`BETWEEN`] between them.
    pub payloads: Vec<u8>,
    unmasked: Vec<u8>,
    piece: Vec<u8>,
}

impl Inflating {
    /// The payload of one of the messages; none where it could not be inflated.
    pub fn payload(&self, message: &Ahead) -> Option<&[u8]> {
        match &message.payload {
            Inflated::At(range) => self.payloads.get(range.clone()),
            Inflated::Broken | Inflated::TooLong => None,
        }
    }

    /// Forgets what is in it, and what room a long message took.
    fn clear(&mut self) {
        self.messages.clear();
        self.payloads.clear();
        self.payloads.shrink_to(2 * ENOUGH);
    }
}

impl Gate {
    /// Inflates messages that `bytes`, the next to come, begin with: whole ones, each in one frame, that can go on as they
    /// came. They are to be told of by [`Gate::went_by_compressed`] or [`Gate::keep_ahead`], in order.
    pub fn inflate_ahead(&mut self, bytes: &[u8], into: &mut Inflating) {
        into.clear();
        let mut rest = bytes;
        while self.goes_on_as_compressed()
            && self.ahead.is_empty()
            && into.payloads.len() < ENOUGH
            && let Some((header, payload)) = whole(rest)
        {
            let octets = header.bytes().len() + payload.len();
            let is_first = into.messages.is_empty();
            let is_of_these = into.messages.first().is_none_or(|first| first.opcode == header.opcode);
            // What may be too long is looked at by itself: of what goes before it nothing is touched then.
            let may_be_long = payload.len().saturating_mul(MOST_OF_ONE) > self.limit;
            if octets > self.limit || !is_of_these || (may_be_long && !is_first) {
                return;
            }
            let inflated = self.inflate(&header, payload, into);
            let is_over = !matches!(inflated, Inflated::At(_)) || may_be_long;
            let wire_size = header.payload_length;
            into.messages.push(Ahead { opcode: header.opcode, octets, wire_size, payload: inflated });
            if is_over {
                return;
            }
            rest = &rest[octets..];
        }
    }

    /// So many of the messages that were inflated ahead went on as they came.
    pub fn went_by_compressed(&mut self, count: usize) {
        self.given += count as u64;
        self.passed += count as u64;
    }

    /// A message that was inflated ahead, to this payload, comes through here after all.
    pub fn keep_ahead(&mut self, payload: Option<&[u8]>) {
        self.ahead.push_back(payload.map(<[u8]>::to_vec));
    }

    fn inflate(&mut self, header: &FrameHeader, payload: &[u8], into: &mut Inflating) -> Inflated {
        let Inflating { messages, payloads, unmasked, piece } = into;
        if !messages.is_empty() {
            payloads.push(BETWEEN);
        }
        let start = payloads.len();
        let payload = match header.masking_key {
            Some(key) => {
                unmasked.resize(payload.len(), 0);
                mask::mask_into(unmasked, payload, key, 0);
                &unmasked[..]
            }
            None => payload,
        };
        if self.takes_no_context_over() {
            self.history.clear();
        }
        let inflater = self.inflater.get_or_insert_default();
        inflater.begin(&mut self.history);
        piece.resize(ROOM, 0);
        let mut too_long = false;
        let give = |piece: &[u8]| {
            too_long |= payloads.len() - start + piece.len() > self.limit;
            if !too_long {
                payloads.extend_from_slice(piece);
            }
        };
        let read = inflater.read(payload, &mut self.history, piece, give);
        if read.is_err() || inflater.end(&mut self.history).is_err() {
            self.history.forget_message();
            payloads.truncate(start);
            return Inflated::Broken;
        }
        if too_long { Inflated::TooLong } else { Inflated::At(start..payloads.len()) }
    }
}

/// The data message that `bytes` begin with, whole, in one frame and compressed.
fn whole(bytes: &[u8]) -> Option<(FrameHeader, &[u8])> {
    let is_meant = |header: &FrameHeader| {
        matches!(header.opcode, Opcode::Text | Opcode::Binary) && header.fin && header.rsv1
    };
    FrameHeader::parse_frame(bytes).filter(|(header, _)| is_meant(header))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ws::inflate::History;
    use crate::ws::{Deflater, Direction, PermessageDeflate, encode};

    /// Messages of one sender, compressed.
    fn sent(messages: &[(Opcode, &str)]) -> Vec<u8> {
        let mut deflater = Deflater::new(&PermessageDeflate::default(), Direction::ToClient);
        let mut each = |&(opcode, text): &(Opcode, &str)| {
            encode::deflated(Direction::ToClient, opcode, text.as_bytes(), Some(&mut deflater), [0; 4])
        };
        messages.iter().flat_map(&mut each).collect()
    }

    /// What is inflated ahead of each call, where all of it goes by.
    fn calls(agreed: PermessageDeflate, limit: usize, bytes: &[u8]) -> Vec<Vec<Result<String, Inflated>>> {
        let mut gate = Gate::new(Direction::ToClient, Some(agreed), History::new(), 0, limit);
        let (mut found, mut into, mut rest) = (Vec::new(), Inflating::default(), bytes);
        loop {
            gate.inflate_ahead(rest, &mut into);
            if into.messages.is_empty() {
                return found;
            }
            let said = |message: &Ahead| {
                let payload = into.payload(message).ok_or(message.payload.clone())?;
                Ok(String::from_utf8(payload.to_vec()).unwrap())
            };
            found.push(into.messages.iter().map(said).collect());
            gate.went_by_compressed(into.messages.len());
            rest = &rest[into.messages.iter().map(|message| message.octets).sum()..];
        }
    }

    fn whole(text: &str) -> Result<String, Inflated> {
        Ok(text.to_owned())
    }

    #[test]
    fn those_of_one_opcode_are_looked_at_in_one_go() {
        let bytes =
            sent(&[(Opcode::Text, "ab"), (Opcode::Text, "abab"), (Opcode::Binary, "ab"), (Opcode::Text, "")]);
        let uncompressed = encode::message(Direction::ToClient, Opcode::Text, b"ab", [0; 4]);
        let all = [&bytes[..], &uncompressed, &bytes].concat();
        let expected = [vec![whole("ab"), whole("abab")], vec![whole("ab")], vec![whole("")]];
        assert_eq!(calls(PermessageDeflate::default(), 1 << 20, &all), expected);
        assert_eq!(
            calls(PermessageDeflate::default(), 1 << 20, &all[..bytes.len() - 1]),
            expected[..2],
            "the last is cut"
        );
    }

    #[test]
    fn one_that_may_be_too_long_is_looked_at_by_itself() {
        let long = "long".repeat(1000);
        let bytes = sent(&[(Opcode::Text, "ab"), (Opcode::Text, &long), (Opcode::Text, &long[..3000])]);
        let expected = [vec![whole("ab")], vec![Err(Inflated::TooLong)], vec![whole(&long[..3000])]];
        assert_eq!(calls(PermessageDeflate::default(), 3000, &bytes), expected);
        assert_eq!(
            calls(PermessageDeflate::default(), 3, &bytes),
            [[]; 0],
            "frames of more than may be held"
        );
    }

    #[test]
    fn without_context_takeover_none_may_refer_to_another() {
        let bytes = sent(&[(Opcode::Text, "said once"), (Opcode::Text, "said once"), (Opcode::Text, "x")]);
        let alone = PermessageDeflate { server_no_context_takeover: true, ..PermessageDeflate::default() };
        let expected = [vec![whole("said once"), Err(Inflated::Broken)], vec![whole("x")]];
        assert_eq!(calls(alone, 1 << 20, &bytes), expected);
    }
}
