//! Frames to bytes: any frame that can be written at all, also those no endpoint should send.

use super::{Deflater, Direction, LengthForm, Opcode, mask};

/// A frame to be written. Everything about it can be chosen, so that wrong frames can be made on purpose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    fin: bool,
    reserved_bits: u8,
    opcode: Opcode,
    masking_key: Option<[u8; 4]>,
    length_form: Option<LengthForm>,
    claimed_length: Option<u64>,
    payload: &'a [u8],
}

impl<'a> Frame<'a> {
    /// A last frame, not masked, its length in the shortest form.
    pub fn new(opcode: Opcode, payload: &'a [u8]) -> Frame<'a> {
        Frame {
            fin: true,
            reserved_bits: 0,
            opcode,
            masking_key: None,
            length_form: None,
            claimed_length: None,
            payload,
        }
    }

    /// More of the message will follow: FIN clear.
    pub fn unfinished(mut self) -> Frame<'a> {
        self.fin = false;
        self
    }

    /// With RSV1 set: compressed.
    pub fn compressed(mut self) -> Frame<'a> {
        self.reserved_bits |= 4;
        self
    }

    /// With these reserved bits: rsv1 is 4, rsv2 is 2, rsv3 is 1.
    pub fn reserved_bits(mut self, bits: u8) -> Frame<'a> {
        self.reserved_bits = bits & 7;
        self
    }

    /// Masked with `key`.
    pub fn masked(mut self, key: [u8; 4]) -> Frame<'a> {
        self.masking_key = Some(key);
        self
    }

    /// With its length in this form. A length that does not fit is cut to its low bits.
    pub fn length_form(mut self, form: LengthForm) -> Frame<'a> {
        self.length_form = Some(form);
        self
    }

    /// Claiming another length than the payload has.
    pub fn claiming(mut self, length: u64) -> Frame<'a> {
        self.claimed_length = Some(length);
        self
    }

    /// Writes the frame behind what is in `target`.
    pub fn write_to(&self, target: &mut Vec<u8>) {
        let length = self.claimed_length.unwrap_or(self.payload.len() as u64);
        let mask_bit = if self.masking_key.is_some() { 0x80 } else { 0 };
        let fin = if self.fin { 0x80 } else { 0 };
        target.push(fin | self.reserved_bits << 4 | self.opcode.bits() & 0x0f);
        match self.length_form.unwrap_or_else(|| LengthForm::shortest(length)) {
            LengthForm::Seven => target.push(mask_bit | length as u8 & 0x7f),
            LengthForm::Sixteen => {
                target.push(mask_bit | 126);
                target.extend_from_slice(&(length as u16).to_be_bytes());
            }
            LengthForm::SixtyFour => {
                target.push(mask_bit | 127);
                target.extend_from_slice(&length.to_be_bytes());
            }
        }
        if let Some(key) = self.masking_key {
            target.extend_from_slice(&key);
        }
        let start = target.len();
        target.extend_from_slice(self.payload);
        if let Some(key) = self.masking_key {
            mask::mask(&mut target[start..], key, 0);
        }
    }

    /// The frame's bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.payload.len() + super::FrameHeader::MAX_SIZE);
        self.write_to(&mut bytes);
        bytes
    }
}

/// One whole message or control frame as the sender of `direction` has to write it; `masking_key` is used only where
/// that is the client.
pub fn message(direction: Direction, opcode: Opcode, payload: &[u8], masking_key: [u8; 4]) -> Vec<u8> {
    deflated(direction, opcode, payload, None, masking_key)
}

/// The same, compressed by `deflater` where there is one, and where it can.
pub fn deflated(
    direction: Direction,
    opcode: Opcode,
    payload: &[u8],
    deflater: Option<&mut Deflater>,
    masking_key: [u8; 4],
) -> Vec<u8> {
    let compressed = deflater.and_then(|deflater| deflater.compress(payload));
    let mut frame = Frame::new(opcode, compressed.as_deref().unwrap_or(payload));
    if compressed.is_some() {
        frame = frame.compressed();
    }
    match direction {
        Direction::ToServer => frame.masked(masking_key).to_bytes(),
        Direction::ToClient => frame.to_bytes(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ws::FrameHeader;

    #[test]
    fn the_examples_of_the_rfc() {
        // RFC 6455 5.7
        let hello = b"Hello";
        assert_eq!(message(Direction::ToClient, Opcode::Text, hello, [0; 4]), b"\x81\x05Hello");
        let key = [0x37, 0xfa, 0x21, 0x3d];
        let masked = message(Direction::ToServer, Opcode::Text, hello, key);
        assert_eq!(masked, [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58]);
        assert_eq!(Frame::new(Opcode::Text, b"Hel").unfinished().to_bytes(), b"\x01\x03Hel");
        assert_eq!(Frame::new(Opcode::Binary, &[0; 256]).to_bytes()[..4], [0x82, 0x7e, 1, 0]);
        let long = Frame::new(Opcode::Binary, &[0; 65536]).to_bytes();
        assert_eq!(long[..10], [0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0]);
    }

    #[test]
    fn every_choice_is_read_back() {
        for form in [LengthForm::Seven, LengthForm::Sixteen, LengthForm::SixtyFour] {
            for bits in 0..16 {
                let opcode = Opcode::from_bits(bits);
                let frame = Frame::new(opcode, b"abc").reserved_bits(bits & 7).length_form(form);
                let bytes = frame.clone().unfinished().masked([1, 2, 3, 4]).to_bytes();
                let header = FrameHeader::parse(&bytes).unwrap();
                assert_eq!((header.fin, header.reserved_bits(), header.opcode), (false, bits & 7, opcode));
                assert_eq!((header.length_form(), header.payload_length), (form, 3));
                assert_eq!(header.masking_key, Some([1, 2, 3, 4]));
                assert!(FrameHeader::parse(&frame.to_bytes()).unwrap().fin);
            }
        }
    }

    #[test]
    fn a_false_length_can_be_claimed() {
        let bytes = Frame::new(Opcode::Ping, b"x").claiming(u64::MAX).to_bytes();
        let header = FrameHeader::parse(&bytes).unwrap();
        assert_eq!((header.payload_length, bytes.len()), (u64::MAX, 11));
    }
}
