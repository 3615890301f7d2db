//! One end of a live session: bytes into what was heard, messages into bytes.

use crate::ws::message::{Finished, MessageReader, Part, Scratch, Sink};
use crate::ws::{
    Close, Deflater, Direction, Examination, FrameHeader, Opcode, PermessageDeflate, Violation, encode,
};

/// What the other end said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// A data message.
    Message(Opcode, Vec<u8>),
    /// A ping, with its payload.
    Ping(Vec<u8>),
    /// A close: its status code and reason.
    Close(Option<u16>, String),
    /// A broken MUST, in words.
    Violation(String),
}

/// Reads what the other end sends, and writes what this one has to say.
pub struct Wire {
    ours: Direction,
    reader: MessageReader,
    scratch: Scratch,
    ear: Ear,
    deflater: Option<Deflater>,
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
        }
    }

    /// Takes in what came; gives what that makes complete.
    pub fn read(&mut self, bytes: &[u8]) -> Vec<Heard> {
        self.reader.read(bytes, &mut self.scratch, &mut self.ear);
        std::mem::take(&mut self.ear.heard)
    }

    /// The bytes of a message or control frame. Data is compressed where that was agreed on and makes it shorter.
    pub fn write(&mut self, opcode: Opcode, payload: &[u8], masking_key: [u8; 4]) -> Vec<u8> {
        let deflater = self.deflater.as_mut().filter(|_| !opcode.is_control());
        encode::deflated(self.ours, opcode, payload, deflater, masking_key)
    }
}

/// Puts pieces together.
#[derive(Default)]
struct Ear {
    data: Vec<u8>,
    control: Vec<u8>,
    heard: Vec<Heard>,
}

impl Ear {
    fn part(&mut self, part: Part) -> &mut Vec<u8> {
        match part {
            Part::Data => &mut self.data,
            Part::Control => &mut self.control,
        }
    }
}

impl Sink for Ear {
    fn frame(&mut self, _: &FrameHeader, _: u64) {}

    fn payload(&mut self, part: Part, bytes: &[u8]) {
        let payload = self.part(part);
        if (payload.len() as u64) < LONGEST {
            payload.extend_from_slice(bytes);
        }
    }

    fn violation(&mut self, _: Part, violation: Violation) {
        self.heard.push(Heard::Violation(format!("{violation} ({})", violation.section())));
    }

    fn finished(&mut self, part: Part, message: &Finished) {
        let payload = std::mem::take(self.part(part));
        let heard = match message.opcode {
            _ if !message.complete => return,
            Opcode::Ping => Heard::Ping(payload),
            Opcode::Close => {
                let close = Close::parse(&payload);
                let reason = String::from_utf8_lossy(close.reason).into_owned();
                Heard::Close(close.code.map(|code| code.0), reason)
            }
            opcode if opcode.is_control() => return,
            opcode => Heard::Message(opcode, payload),
        };
        self.heard.push(heard);
    }

    fn raw(&mut self, _: &[u8]) {}
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
                expected.extend([Heard::Message(opcode, payload.into_bytes()), Heard::Ping(b"p".to_vec())]);
            }
            let heard: Vec<_> = bytes.chunks(cut).flat_map(|piece| server.read(piece)).collect();
            prop_assert_eq!(heard, expected);
        }
    }

    #[test]
    fn a_close_and_a_broken_rule_are_heard() {
        let mut server = Wire::new(Direction::ToClient, &Examination::default());
        let heard = server.read(&Frame::new(Opcode::Close, b"\x03\xe9bye").masked([0; 4]).to_bytes());
        assert_eq!(heard, [Heard::Close(Some(1001), "bye".to_owned())]);
        let mut server = Wire::new(Direction::ToClient, &Examination::default());
        let heard = server.read(&Frame::new(Opcode::Text, b"x").to_bytes());
        assert!(matches!(&heard[0], Heard::Violation(what) if what.contains("RFC 6455 5.1")), "{heard:?}");
    }
}
