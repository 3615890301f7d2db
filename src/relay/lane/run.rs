//! Messages that can be looked at where they lie: whole ones, each in one frame, and not compressed.

use crate::filter::BETWEEN;
use crate::ws::{FrameHeader, Opcode, mask};

/// Messages of one opcode at the start of some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) opcode: Opcode,
    /// Octets of all of them, with their headers.
    pub(super) octets: usize,
    /// Octets of their payloads, with one between each two.
    pub(super) payload: usize,
}

/// The messages and control frames that `bytes` begin with, as far as they are of one opcode, whole, in one frame each
/// and not compressed; `most` of them at the most. Their payloads, unmasked, come to stand at the start of `plain`, which
/// grows where it has to, one behind the other with [`BETWEEN`] between them.
pub(super) fn run(bytes: &[u8], deflates: bool, most: usize, plain: &mut Vec<u8>) -> Option<Run> {
    let mut found: Option<Run> = None;
    for _ in 0..most {
        let so_far = found.map_or(0, |run| run.octets);
        let Some((header, payload)) = FrameHeader::parse_frame(&bytes[so_far..]) else { break };
        if !is_alone(&header, deflates) || found.is_some_and(|run| run.opcode != header.opcode) {
            break;
        }
        let end = header.bytes().len() + payload.len();
        let start = found.map_or(0, |run| run.payload + 1);
        let run = Run { opcode: header.opcode, octets: so_far + end, payload: start + payload.len() };
        if plain.len() < run.payload {
            plain.resize(run.payload.max(bytes.len()), 0);
        }
        if let Some(between) = start.checked_sub(1) {
            plain[between] = BETWEEN;
        }
        let target = &mut plain[start..run.payload];
        match header.masking_key {
            Some(key) => mask::mask_into(target, payload, key, 0),
            None => target.copy_from_slice(payload),
        }
        found = Some(run);
    }
    found
}

/// Octets that the message needs in all whose first ones are `bytes`, where it will be one of a [`run`]; as far as that
/// can be seen yet.
pub(super) fn wanted(bytes: &[u8], deflates: bool) -> Option<usize> {
    match FrameHeader::parse(bytes) {
        Some(header) => extent(&header, deflates),
        // FIN, RSV1 and the opcode stand in the first octet (RFC 6455 5.2); a length may follow.
        None => {
            let mut start = [0; 2];
            start[0] = *bytes.first()?;
            FrameHeader::parse(&start).and_then(|header| extent(&header, deflates)).map(|_| bytes.len() + 1)
        }
    }
}

fn extent(header: &FrameHeader, deflates: bool) -> Option<usize> {
    let length = usize::try_from(header.payload_length).ok().filter(|_| is_alone(header, deflates))?;
    header.bytes().len().checked_add(length)
}

/// Whether it is a message or control frame by itself, and not compressed.
fn is_alone(header: &FrameHeader, deflates: bool) -> bool {
    header.fin && header.opcode != Opcode::Continuation && !(header.rsv1 && deflates)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ws::{Direction, encode};

    const KEY: [u8; 4] = [1, 2, 3, 4];

    fn text(payload: &str) -> Vec<u8> {
        encode::message(Direction::ToServer, Opcode::Text, payload.as_bytes(), KEY)
    }

    fn ping() -> Vec<u8> {
        encode::message(Direction::ToServer, Opcode::Ping, b"p", KEY)
    }

    #[test]
    fn a_run_ends_where_the_opcode_changes_or_a_message_is_cut() {
        let (one, other) = (text("tick"), text("tock"));
        let mut plain = Vec::new();
        let bytes = [&one[..], &other, &ping()].concat();
        let expected = Run { opcode: Opcode::Text, octets: one.len() + other.len(), payload: 9 };
        assert_eq!(run(&bytes, false, usize::MAX, &mut plain), Some(expected));
        assert_eq!(&plain[..9], b"tick\0tock");
        let expected = Run { opcode: Opcode::Text, octets: one.len(), payload: 4 };
        assert_eq!(run(&bytes, false, 1, &mut plain), Some(expected));
        assert_eq!(run(&bytes[..bytes.len() - ping().len() - 1], false, 9, &mut plain), Some(expected));
        assert_eq!(run(&one[..one.len() - 1], false, 9, &mut plain), None);
    }

    #[test]
    fn compressed_messages_and_fragments_are_no_run() {
        let mut plain = Vec::new();
        let compressed = [0xc1, 0x01, b'x'];
        assert_eq!(run(&compressed, true, 9, &mut plain), None);
        assert!(run(&compressed, false, 9, &mut plain).is_some(), "without deflate, RSV1 is only wrong");
        for fragment in [[0x01, 0x01, b'x'], [0x80, 0x01, b'x']] {
            assert_eq!(run(&fragment, false, 9, &mut plain), None);
        }
    }

    #[test]
    fn what_a_message_needs_is_known_from_its_header_on() {
        let one = text(&"x".repeat(200));
        assert_eq!(wanted(&one[..8], false), Some(one.len()));
        assert_eq!(wanted(&one[..1], false), Some(2));
        assert_eq!(wanted(&one[..3], false), Some(4));
        assert_eq!(wanted(&[0xc1], true), None, "compressed");
        assert_eq!(wanted(&[0x01], false), None, "a fragment");
        assert_eq!(wanted(&[], false), None);
        let claims = [0x82, 127, 255, 255, 255, 255, 255, 255, 255, 255];
        assert_eq!(wanted(&claims, false), None, "more than memory has");
    }
}
