//! Finds the frames in chunks of any size: reads headers, steps over payloads, holds nothing else, never fails.

use super::Opcode;
use super::header::{Extent, FrameHeader};

/// Knows at every byte of one direction where a frame begins.
///
/// A claimed length is only counted down, so any length costs the same, and nothing is ever refused: bytes that are no
/// frames are walked as the frames they would be.
#[derive(Clone, Debug, Default)]
pub struct FrameWalker {
    /// The first bytes of a header that a chunk's end cut.
    head: [u8; FrameHeader::MAX_SIZE],
    have: u8,
    in_frame: bool,
    in_message: bool,
    closed: bool,
    /// Payload bytes of the frame under way that are still to come.
    remaining: u64,
}

/// A piece of a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Walked<'a> {
    /// A frame begins; the header may have come in several chunks.
    Header(FrameHeader),
    /// Payload as it came: still masked, and cut where the chunk was cut.
    Payload(&'a [u8]),
    /// The frame is complete.
    End,
}

impl FrameWalker {
    /// At the first byte after the opening handshake.
    pub fn new() -> FrameWalker {
        FrameWalker::default()
    }

    /// Steps over `chunk`; returns how many frames it completed.
    pub fn skip(&mut self, chunk: &[u8]) -> u64 {
        let mut rest = chunk;
        let mut completed = 0;
        loop {
            if self.in_frame {
                let here = self.remaining.min(rest.len() as u64);
                self.remaining -= here;
                rest = &rest[here as usize..];
                if self.remaining > 0 {
                    return completed;
                }
                self.in_frame = false;
                completed += 1;
            }
            if rest.is_empty() {
                return completed;
            }
            if self.have == 0
                && let Some(extent) = Extent::measure(rest)
                && extent.header_size <= rest.len()
            {
                self.begin(rest[0], extent.payload_length);
                rest = &rest[extent.header_size..];
            } else {
                let (taken, header) = self.fill(rest);
                rest = &rest[taken..];
                if let Some(header) = header {
                    self.begin(header.bytes()[0], header.payload_length);
                }
            }
        }
    }

    /// Walks over `chunk` piece by piece. What the iterator has not given out when it is dropped has not been walked.
    pub fn walk<'w, 'a>(&'w mut self, chunk: &'a [u8]) -> Walk<'w, 'a> {
        Walk { walker: self, rest: chunk }
    }

    /// Walks over `bytes` up to where a message ends with none under way behind it: how many octets that is; none where
    /// it has walked over all of them.
    pub fn end_of_message(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut walk = self.walk(bytes);
        loop {
            let ended = walk.next()? == Walked::End;
            if ended && walk.walker.at_message_boundary() {
                return Some(bytes.len() - walk.rest.len());
            }
        }
    }

    /// The first bytes of a header whose rest has not come.
    pub fn cut_header(&self) -> &[u8] {
        &self.head[..usize::from(self.have)]
    }

    /// Whether the next byte begins a frame: where a control frame may be put in.
    pub fn at_boundary(&self) -> bool {
        !self.in_frame && self.have == 0
    }

    /// Whether the next byte begins a frame and no fragmented message is under way: where a message may be put in.
    pub fn at_message_boundary(&self) -> bool {
        self.at_boundary() && !self.in_message
    }

    /// Whether a close frame has begun, behind which nothing may follow (RFC 6455 5.5.1).
    pub fn has_closed(&self) -> bool {
        self.closed
    }

    fn begin(&mut self, first_byte: u8, payload_length: u64) {
        self.in_frame = true;
        self.remaining = payload_length;
        self.closed |= Opcode::from_bits(first_byte) == Opcode::Close;
        // RFC 6455 5.4: control frames come between the fragments of a message without ending it
        if !Opcode::from_bits(first_byte).is_control() {
            self.in_message = first_byte & 0x80 == 0;
        }
    }

    /// Adds to a cut header; returns how many bytes it took and the header once it is whole.
    fn fill(&mut self, bytes: &[u8]) -> (usize, Option<FrameHeader>) {
        let (taken, header) = fill_header(&mut self.head, &mut self.have, bytes);
        (taken, header)
    }
}

/// The pieces of one chunk, see [`FrameWalker::walk`].
#[derive(Debug)]
pub struct Walk<'w, 'a> {
    walker: &'w mut FrameWalker,
    rest: &'a [u8],
}

impl<'a> Walk<'_, 'a> {
    /// What of the chunk has not been walked yet.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }
}

impl<'a> Iterator for Walk<'_, 'a> {
    type Item = Walked<'a>;

    fn next(&mut self) -> Option<Walked<'a>> {
        let walker = &mut *self.walker;
        if walker.in_frame {
            if walker.remaining == 0 {
                walker.in_frame = false;
                return Some(Walked::End);
            }
            let here = walker.remaining.min(self.rest.len() as u64);
            if here == 0 {
                return None;
            }
            walker.remaining -= here;
            let (payload, rest) = self.rest.split_at(here as usize);
            self.rest = rest;
            return Some(Walked::Payload(payload));
        }
        let header = match FrameHeader::parse(self.rest) {
            Some(header) if walker.have == 0 => {
                self.rest = &self.rest[header.bytes().len()..];
                header
            }
            _ => {
                let (taken, header) = walker.fill(self.rest);
                self.rest = &self.rest[taken..];
                header?
            }
        };
        walker.begin(header.bytes()[0], header.payload_length);
        Some(Walked::Header(header))
    }
}

/// Moves bytes into `head` until a whole header is there; returns how many were moved, and the header.
pub(super) fn fill_header(
    head: &mut [u8; FrameHeader::MAX_SIZE],
    have: &mut u8,
    bytes: &[u8],
) -> (usize, Option<FrameHeader>) {
    let mut taken = 0;
    let mut wanted = if *have < 2 { 2 } else { Extent::header_size(head[1]) };
    loop {
        let filled = usize::from(*have);
        let here = (wanted - filled).min(bytes.len() - taken);
        head[filled..filled + here].copy_from_slice(&bytes[taken..taken + here]);
        *have += here as u8;
        taken += here;
        if usize::from(*have) < wanted {
            return (taken, None);
        }
        let size = Extent::header_size(head[1]);
        if wanted == size {
            *have = 0;
            return (taken, FrameHeader::parse(&head[..size]));
        }
        wanted = size;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAMES: &[u8] = &[
        0x01, 0x83, 1, 2, 3, 4, b'a', b'b', b'c', // text, a fragment, masked
        0x89, 0x00, // ping
        0x80, 126, 0, 1, b'z', // continuation, the last, length in 16 bits
        0x82, 127, 0, 0, 0, 0, 0, 0, 0, 0, // binary, empty, length in 64 bits
    ];

    #[test]
    fn walking_gives_headers_payloads_and_ends() {
        let mut walker = FrameWalker::new();
        let walked: Vec<_> = walker.walk(FRAMES).collect();
        let header = |at: usize| Walked::Header(FrameHeader::parse(&FRAMES[at..]).unwrap());
        let expected = [
            header(0),
            Walked::Payload(b"abc"),
            Walked::End,
            header(9),
            Walked::End,
            header(11),
            Walked::Payload(b"z"),
            Walked::End,
            header(16),
            Walked::End,
        ];
        assert_eq!(walked, expected);
        assert!(walker.at_boundary());
    }

    #[test]
    fn boundaries_are_known_at_every_byte() {
        let mut walker = FrameWalker::new();
        let (mut frames, mut messages, mut completed) = (vec![], vec![], 0);
        for (at, byte) in FRAMES.iter().enumerate() {
            if walker.at_boundary() {
                frames.push(at);
            }
            if walker.at_message_boundary() {
                messages.push(at);
            }
            completed += walker.skip(&[*byte]);
        }
        assert_eq!(frames, [0, 9, 11, 16]);
        assert_eq!(messages, [0, 16]);
        assert_eq!(completed, 4);
        assert!(walker.at_message_boundary());
    }

    #[test]
    fn skipping_agrees_with_walking_wherever_the_cut_is() {
        for cut in 0..=FRAMES.len() {
            let (mut skipper, mut walker) = (FrameWalker::new(), FrameWalker::new());
            for chunk in [&FRAMES[..cut], &FRAMES[cut..]] {
                let ends = walker.walk(chunk).filter(|walked| *walked == Walked::End).count();
                assert_eq!(skipper.skip(chunk), ends as u64);
                assert_eq!(skipper.at_boundary(), walker.at_boundary());
                assert_eq!(skipper.at_message_boundary(), walker.at_message_boundary());
            }
        }
    }

    #[test]
    fn the_largest_claim_is_only_counted() {
        let mut walker = FrameWalker::new();
        assert_eq!(walker.skip(&[0x82, 127, 255, 255, 255, 255, 255, 255, 255, 255]), 0);
        assert_eq!(walker.skip(&[0; 4096]), 0);
        assert!(!walker.at_boundary());
        assert_eq!(walker.remaining, u64::MAX - 4096);
    }

    #[test]
    fn a_dropped_walk_has_walked_only_what_it_gave() {
        let mut walker = FrameWalker::new();
        let mut walk = walker.walk(FRAMES);
        walk.next();
        walk.next();
        assert_eq!(walk.rest(), &FRAMES[9..]);
        assert!(!walker.at_boundary());
        assert_eq!(walker.skip(&FRAMES[9..]), 4);
    }
}
