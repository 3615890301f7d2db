//! The header of one frame (RFC 6455 5.2): read from any bytes, never refused, its exact bytes kept.

use std::fmt;

use super::Opcode;

/// The header of one frame, with the bytes it came in.
#[derive(Clone, Copy)]
pub struct FrameHeader {
    /// Whether this is the last frame of its message.
    pub fin: bool,
    /// The first reserved bit; permessage-deflate's "compressed".
    pub rsv1: bool,
    /// The second reserved bit.
    pub rsv2: bool,
    /// The third reserved bit.
    pub rsv3: bool,
    /// What the frame is.
    pub opcode: Opcode,
    /// The key that masks the payload; clients must have one, servers must not.
    pub masking_key: Option<[u8; 4]>,
    /// The payload's length as claimed.
    pub payload_length: u64,
    bytes: [u8; FrameHeader::MAX_SIZE],
    size: u8,
}

/// The three ways of writing a payload length (RFC 6455 5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LengthForm {
    /// 0 to 125, in the second byte.
    Seven,
    /// In two further bytes.
    Sixteen,
    /// In eight further bytes.
    SixtyFour,
}

impl FrameHeader {
    /// The longest header: two bytes, a 64-bit length and a masking key.
    pub const MAX_SIZE: usize = 14;

    /// Reads the frame at the start of `bytes`: its header, and its payload as it is on the wire. `None` when it needs more
    /// of them.
    pub fn parse_frame(bytes: &[u8]) -> Option<(FrameHeader, &[u8])> {
        let header = FrameHeader::parse(bytes)?;
        let length = usize::try_from(header.payload_length).ok()?;
        let payload = bytes[header.bytes().len()..].get(..length)?;
        Some((header, payload))
    }

    /// Reads the header at the start of `bytes`; `None` when it needs more of them. Any bytes parse.
    pub fn parse(bytes: &[u8]) -> Option<FrameHeader> {
        let extent = Extent::measure(bytes)?;
        let size = extent.header_size;
        if bytes.len() < size {
            return None;
        }
        let mut own = [0; FrameHeader::MAX_SIZE];
        match bytes.first_chunk() {
            // one fixed-size copy; what lies behind `size` is never looked at
            Some(whole) => own = *whole,
            None => own[..size].copy_from_slice(&bytes[..size]),
        }
        let masking_key =
            (own[1] & 0x80 != 0).then(|| [own[size - 4], own[size - 3], own[size - 2], own[size - 1]]);
        Some(FrameHeader {
            fin: own[0] & 0x80 != 0,
            rsv1: own[0] & 0x40 != 0,
            rsv2: own[0] & 0x20 != 0,
            rsv3: own[0] & 0x10 != 0,
            opcode: Opcode::from_bits(own[0]),
            masking_key,
            payload_length: extent.payload_length,
            bytes: own,
            size: size as u8,
        })
    }

    /// The header as it came.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.size)]
    }

    /// How the length is written.
    pub fn length_form(&self) -> LengthForm {
        LengthForm::of(self.bytes[1])
    }

    /// Whether the length is written in the shortest way, as RFC 6455 5.2 demands.
    pub fn is_minimal(&self) -> bool {
        self.length_form() == LengthForm::shortest(self.payload_length)
    }

    /// The three reserved bits as a number: rsv1 is 4, rsv2 is 2, rsv3 is 1.
    pub fn reserved_bits(&self) -> u8 {
        self.bytes[0] >> 4 & 0x7
    }
}

impl LengthForm {
    /// The form RFC 6455 5.2 demands for a length.
    pub fn shortest(length: u64) -> LengthForm {
        match length {
            0..=125 => LengthForm::Seven,
            126..=0xffff => LengthForm::Sixteen,
            _ => LengthForm::SixtyFour,
        }
    }

    /// How many bits hold the length: 7, 16 or 64.
    pub fn bits(self) -> u8 {
        match self {
            LengthForm::Seven => 7,
            LengthForm::Sixteen => 16,
            LengthForm::SixtyFour => 64,
        }
    }

    /// From a header's second byte.
    pub(super) fn of(second_byte: u8) -> LengthForm {
        match second_byte & 0x7f {
            126 => LengthForm::Sixteen,
            127 => LengthForm::SixtyFour,
            _ => LengthForm::Seven,
        }
    }
}

/// A header is its bytes.
impl PartialEq for FrameHeader {
    fn eq(&self, other: &FrameHeader) -> bool {
        self.bytes() == other.bytes()
    }
}

impl Eq for FrameHeader {}

impl fmt::Debug for FrameHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FrameHeader")
            .field("fin", &self.fin)
            .field("rsv", &self.reserved_bits())
            .field("opcode", &self.opcode)
            .field("masking_key", &self.masking_key)
            .field("length_form", &self.length_form())
            .field("payload_length", &self.payload_length)
            .finish()
    }
}

/// How far a frame reaches: all that is needed to step over it.
#[derive(Clone, Copy)]
pub(super) struct Extent {
    pub header_size: usize,
    pub payload_length: u64,
}

impl Extent {
    /// Reads sizes alone. `None` when the length is not all there; the masking key behind it may still be missing.
    #[inline]
    pub fn measure(bytes: &[u8]) -> Option<Extent> {
        let [_, second, rest @ ..] = bytes else { return None };
        let key_size = usize::from(second >> 7) * 4;
        match LengthForm::of(*second) {
            LengthForm::Seven => {
                Some(Extent { header_size: 2 + key_size, payload_length: u64::from(second & 0x7f) })
            }
            LengthForm::Sixteen => {
                let length = u16::from_be_bytes(*rest.first_chunk()?);
                Some(Extent { header_size: 4 + key_size, payload_length: u64::from(length) })
            }
            LengthForm::SixtyFour => {
                let length = u64::from_be_bytes(*rest.first_chunk()?);
                Some(Extent { header_size: 10 + key_size, payload_length: length })
            }
        }
    }

    /// The size of the header that opens with these two bytes.
    pub fn header_size(second_byte: u8) -> usize {
        let length_size = match LengthForm::of(second_byte) {
            LengthForm::Seven => 0,
            LengthForm::Sixteen => 2,
            LengthForm::SixtyFour => 8,
        };
        2 + length_size + usize::from(second_byte >> 7) * 4
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn parse(bytes: &[u8]) -> FrameHeader {
        for short in 0..bytes.len() {
            assert_eq!(FrameHeader::parse(&bytes[..short]), None, "{short} bytes are not enough");
        }
        let header = FrameHeader::parse(bytes).unwrap();
        assert_eq!(header.bytes(), bytes);
        let longer = [bytes, &[0xaa; 20]].concat();
        assert_eq!(FrameHeader::parse(&longer), Some(header));
        assert_eq!(Extent::header_size(bytes[1]), bytes.len());
        header
    }

    #[test]
    fn unmasked_text() {
        let header = parse(&[0x81, 0x05]);
        assert!(header.fin && !header.rsv1 && !header.rsv2 && !header.rsv3);
        assert_eq!((header.opcode, header.masking_key, header.payload_length), (Opcode::Text, None, 5));
        assert!(header.is_minimal());
    }

    #[test]
    fn masked_fragment_with_reserved_bits() {
        let header = parse(&[0x72, 0xfe, 0x01, 0x00, 1, 2, 3, 4]);
        assert!(!header.fin && header.rsv1 && header.rsv2 && header.rsv3);
        assert_eq!(header.reserved_bits(), 7);
        assert_eq!((header.opcode, header.payload_length), (Opcode::Binary, 256));
        assert_eq!(header.masking_key, Some([1, 2, 3, 4]));
        assert_eq!(header.length_form(), LengthForm::Sixteen);
    }

    #[test]
    fn the_longest_header_and_the_largest_length() {
        let header = parse(&[0x8f, 0xff, 255, 255, 255, 255, 255, 255, 255, 255, 9, 8, 7, 6]);
        assert_eq!((header.opcode, header.payload_length), (Opcode::Reserved(15), u64::MAX));
        assert_eq!(header.masking_key, Some([9, 8, 7, 6]));
        assert_eq!(header.length_form(), LengthForm::SixtyFour);
        assert!(header.is_minimal());
    }

    #[test]
    fn a_length_can_be_written_longer_than_needed() {
        assert!(!parse(&[0x82, 126, 0, 125]).is_minimal());
        assert!(parse(&[0x82, 126, 0, 126]).is_minimal());
        assert!(!parse(&[0x82, 127, 0, 0, 0, 0, 0, 0, 255, 255]).is_minimal());
        assert!(parse(&[0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]).is_minimal());
    }
}
