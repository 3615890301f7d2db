//! One end of a live session: bytes into what was heard, messages into bytes.

use std::ops::Range;

use bytes::Bytes;

use super::framing;
use crate::capture::{Kind, Message};
use crate::ws::message::{Finished, MessageReader, Part, Scratch, Sink};
use crate::ws::{
    Deflater, Direction, Examination, FrameHeader, Opcode, PermessageDeflate, Violation, encode,
};

/// What the other end did.
#[derive(Clone, Debug)]
pub enum Heard {
    /// It sent a message or a control frame.
    Said(Said),
    /// It sent bytes that are no frames.
    Raw(Bytes),
    /// It broke a MUST with what is no message, in words.
    Violation(String),
}

/// A message or control frame that came.
#[derive(Clone, Debug)]
pub struct Said {
    /// Of its first frame.
    pub opcode: Opcode,
    /// Unmasked and inflated.
    pub payload: Bytes,
    /// Whether it was compressed.
    pub compressed: bool,
    /// Whether it came to its end.
    pub complete: bool,
    /// How many frames it came in.
    pub frames: u64,
    /// Their headers; at most [`Said::MOST_FRAMES`] of them.
    pub headers: Vec<FrameHeader>,
    /// The MUSTs that it broke, in words, each with its section.
    pub faults: Vec<String>,
}

impl Said {
    /// Headers that are kept.
    pub const MOST_FRAMES: usize = 4_096;

    /// One that came in a single frame as any other.
    pub fn new(opcode: Opcode, payload: impl Into<Bytes>) -> Said {
        Said {
            opcode,
            payload: payload.into(),
            compressed: false,
            complete: true,
            frames: 1,
            headers: Vec::new(),
            faults: Vec::new(),
        }
    }
}

/// Reads what the other end sends, and writes what this one has to say.
pub struct Wire {
    ours: Direction,
    reader: MessageReader,
    scratch: Scratch,
    ear: Ear,
    deflater: Option<Deflater>,
    /// The frames of a message of which some were sent.
    begun: Vec<Vec<u8>>,
}

/// Octets that are kept of one message.
const LONGEST: u64 = 64 << 20;

impl Wire {
    /// After an opening handshake that agreed on `agreed`; what this end sends goes `ours`.
    pub fn new(ours: Direction, agreed: &Examination) -> Wire {
        let deflate: Option<&PermessageDeflate> = agreed.deflate.as_ref();
        Wire {
            ours,
            reader: MessageReader::new(ours.opposite(), agreed.deflate, agreed.other_extension, LONGEST),
            scratch: Scratch::new(),
            ear: Ear::default(),
            deflater: deflate.map(|deflate| Deflater::new(deflate, ours)),
            begun: Vec::new(),
        }
    }

    /// Takes in what came; gives what that makes complete.
    pub fn read(&mut self, bytes: &[u8]) -> Vec<Heard> {
        self.reader.read(bytes, &mut self.scratch, &mut self.ear);
        std::mem::take(&mut self.ear.heard)
    }

    /// Nothing more comes; gives what was under way.
    pub fn end(&mut self) -> Vec<Heard> {
        self.reader.end(&mut self.ear);
        std::mem::take(&mut self.ear.heard)
    }

    /// The bytes of a message or control frame in one frame. Data is compressed where that was agreed on and makes it
    /// shorter.
    pub fn write(&mut self, opcode: Opcode, payload: &[u8], masking_key: [u8; 4]) -> Vec<u8> {
        let deflater = self.deflater.as_mut().filter(|_| !opcode.is_control());
        encode::deflated(self.ours, opcode, payload, deflater, masking_key)
    }

    /// The bytes of a recorded message.
    pub fn write_message(&mut self, message: &Message, masking_key: [u8; 4]) -> Vec<u8> {
        let payload = message.payload.in_memory().cloned().unwrap_or_default();
        match message.kind {
            Kind::Frame(opcode) => self.write(opcode, &payload, masking_key),
            Kind::Raw => payload.to_vec(),
        }
    }

    /// The bytes of these frames of a recorded message, framed as it was. Where they are not all, the others are to be
    /// asked for before another message's.
    pub fn write_frames(
        &mut self,
        message: &Message,
        frames: Range<usize>,
        masking_key: impl FnMut() -> [u8; 4],
    ) -> Vec<u8> {
        if frames.start == 0 {
            let deflater = self.deflater.as_mut();
            let mut written = framing::written(self.ours, message, deflater, masking_key);
            let rest = written.split_off(frames.end.min(written.len()));
            // A control frame stands between those of a data message.
            if !rest.is_empty() {
                self.begun = rest;
            }
            return written.concat();
        }
        let count = frames.len().min(self.begun.len());
        self.begun.drain(..count).collect::<Vec<_>>().concat()
    }
}

/// Puts pieces together.
#[derive(Default)]
struct Ear {
    data: Pieces,
    control: Pieces,
    heard: Vec<Heard>,
}

/// A message under way.
#[derive(Default)]
struct Pieces {
    payload: Vec<u8>,
    headers: Vec<FrameHeader>,
    faults: Vec<String>,
}

impl Ear {
    fn pieces(&mut self, part: Part) -> &mut Pieces {
        match part {
            Part::Data => &mut self.data,
            Part::Control => &mut self.control,
        }
    }
}

impl Sink for Ear {
    fn frame(&mut self, header: &FrameHeader, _: u64) {
        let headers = &mut self.pieces(Part::of(header.opcode)).headers;
        if headers.len() < Said::MOST_FRAMES {
            headers.push(*header);
        }
    }

    fn payload(&mut self, part: Part, bytes: &[u8]) {
        let payload = &mut self.pieces(part).payload;
        if (payload.len() as u64) < LONGEST {
            payload.extend_from_slice(bytes);
        }
    }

    fn violation(&mut self, part: Part, violation: Violation) {
        let words = format!("{violation} ({})", violation.section());
        match violation {
            Violation::FramingLost(_) | Violation::EndedInsideHeader(_) => {
                self.heard.push(Heard::Violation(words));
            }
            _ => self.pieces(part).faults.push(words),
        }
    }

    fn finished(&mut self, part: Part, message: &Finished) {
        let Pieces { payload, headers, faults } = std::mem::take(self.pieces(part));
        self.heard.push(Heard::Said(Said {
            opcode: message.opcode,
            payload: payload.into(),
            compressed: message.compressed,
            complete: message.complete,
            frames: message.frames,
            headers,
            faults,
        }));
    }

    fn raw(&mut self, bytes: &[u8]) {
        self.heard.push(Heard::Raw(Bytes::copy_from_slice(bytes)));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ws::Frame;

    proptest! {
        /// What one end writes the other hears, however it is cut, compressed or not.
        #[test]
        fn what_is_written_is_heard(
            messages in prop::collection::vec((any::<bool>(), "[a-z]{0,300}"), 1..6),
            deflate in any::<bool>(),
            cut in 1_usize..40,
        ) {
            let deflate = deflate.then(PermessageDeflate::default);
            let agreed = Examination { deflate, ..Examination::default() };
            let (mut client, mut server) = (Wire::new(Direction::ToServer, &agreed), Wire::new(Direction::ToClient, &agreed));
            let mut expected = Vec::new();
            let mut bytes = Vec::new();
            for (text, payload) in messages {
                let opcode = if text { Opcode::Text } else { Opcode::Binary };
                bytes.extend(client.write(opcode, payload.as_bytes(), [1, 2, 3, 4]));
                bytes.extend(client.write(Opcode::Ping, b"p", [0; 4]));
                expected.extend([(opcode, payload), (Opcode::Ping, "p".to_owned())]);
            }
            let heard: Vec<_> = bytes.chunks(cut).flat_map(|piece| server.read(piece)).map(|heard| match heard {
                Heard::Said(said) => (said.opcode, String::from_utf8(said.payload.to_vec()).unwrap()),
                other => panic!("{other:?}"),
            }).collect();
            prop_assert_eq!(heard, expected);
        }
    }

    #[test]
    fn what_breaks_a_rule_is_heard_with_it() {
        let mut server = Wire::new(Direction::ToClient, &Examination::default());
        let mut heard = server.read(&Frame::new(Opcode::Text, b"x").to_bytes());
        let Some(Heard::Said(said)) = heard.pop() else { panic!("{heard:?}") };
        assert!(said.faults[0].contains("RFC 6455 5.1"), "{said:?}");
        // The end of the connection brings what was under way.
        assert!(
            server.read(&Frame::new(Opcode::Binary, b"abc").claiming(9).masked([0; 4]).to_bytes()).is_empty()
        );
        let mut heard = server.end();
        let Some(Heard::Said(said)) = heard.pop() else { panic!("{heard:?}") };
        assert!(!said.complete && said.payload == "abc" && said.faults[0].contains("6 "), "{said:?}");
    }
}
