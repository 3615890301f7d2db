//! What the opening handshake agreed on one direction, and what a frame's header breaks of it.

use super::open::Kind;
use super::{Part, Sink};
use crate::ws::violation::FramingLoss;
use crate::ws::{Direction, FrameHeader, Opcode, OtherExtension, PermessageDeflate, Violation};

/// What holds for the frames of a direction.
#[derive(Clone, Copy, Debug)]
pub(super) struct Agreed {
    pub direction: Direction,
    pub deflate: Option<PermessageDeflate>,
    pub other_extension: OtherExtension,
}

impl Agreed {
    /// Which rules of framing a header breaks. What its first two bytes alone condemn is not looked at further, so that
    /// the reasons are the same however the bytes were cut.
    pub fn broken_rules(&self, header: &FrameHeader) -> FramingLoss {
        let mut broken = self.rules_broken_early(header.bytes()[0], header.bytes()[1]);
        if !broken.is_loss() {
            broken.add_if(!header.is_minimal(), FramingLoss::LENGTH_NOT_MINIMAL);
            if header.payload_length <= Opcode::LONGEST_CONTROL as u64 {
                broken.remove(FramingLoss::CONTROL_TOO_LONG);
            }
            // RFC 6455 5.2: "the most significant bit MUST be 0"
            broken.add_if(header.payload_length >> 63 == 1, FramingLoss::LENGTH_TOP_BIT);
        }
        broken
    }

    /// What the first two bytes of a header tell.
    pub fn rules_broken_early(&self, first: u8, second: u8) -> FramingLoss {
        let opcode = Opcode::from_bits(first);
        let known = self.other_extension == OtherExtension::None;
        // RFC 7692 6.1: RSV1 belongs to the first frame of a data message
        let rsv1_allowed = self.deflate.is_some() && !opcode.is_control() && opcode != Opcode::Continuation;
        let bits = first >> 4 & if rsv1_allowed { 0b011 } else { 0b111 };
        let wrong_rsv1 = self.deflate.is_some() && bits & 0b100 != 0;
        let unexplained = wrong_rsv1 || known && bits != 0;
        let masked = second & 0x80 != 0;
        let mut broken = FramingLoss::default();
        broken.add_if(unexplained, FramingLoss::RESERVED_BITS);
        broken.add_if(known && matches!(opcode, Opcode::Reserved(_)), FramingLoss::RESERVED_OPCODE);
        broken.add_if(opcode.is_control() && first & 0x80 == 0, FramingLoss::CONTROL_FRAGMENTED);
        broken.add_if(
            opcode.is_control() && usize::from(second & 0x7f) > Opcode::LONGEST_CONTROL,
            FramingLoss::CONTROL_TOO_LONG,
        );
        broken.add_if(masked != (self.direction == Direction::ToServer), FramingLoss::MASKING);
        broken
    }

    /// How the message that `header` begins is to be read.
    pub fn kind(&self, header: &FrameHeader) -> Kind {
        let opcode = header.opcode;
        let data = matches!(opcode, Opcode::Text | Opcode::Binary);
        let compressed = self.deflate.is_some() && header.rsv1 && data;
        // what an extension unknown here did to the payload is unknown too
        let transformed = self.other_extension == OtherExtension::Unknown && header.reserved_bits() != 0;
        Kind { opcode, compressed, opaque: transformed && !compressed }
    }

    /// Says each broken rule of a frame that is shown all the same.
    pub fn report(&self, header: &FrameHeader, broken: FramingLoss, sink: &mut impl Sink) {
        let (opcode, length) = (header.opcode, header.payload_length);
        let masking = match self.direction {
            Direction::ToServer => Violation::ClientFrameNotMasked,
            Direction::ToClient => Violation::ServerFrameMasked,
        };
        let reserved_bits = match (self.deflate.is_some() && header.rsv1, opcode) {
            (true, Opcode::Continuation) => Violation::Rsv1OnContinuation,
            (true, opcode) if opcode.is_control() => Violation::Rsv1OnControl(opcode),
            (true, _) => Violation::ReservedBits(header.reserved_bits() & 0b011),
            (false, _) => Violation::ReservedBits(header.reserved_bits()),
        };
        for (rule, violation) in [
            (FramingLoss::MASKING, masking),
            (FramingLoss::RESERVED_BITS, reserved_bits),
            (FramingLoss::RESERVED_OPCODE, Violation::ReservedOpcode(opcode.bits())),
            (FramingLoss::CONTROL_FRAGMENTED, Violation::ControlFragmented(opcode)),
            (FramingLoss::CONTROL_TOO_LONG, Violation::ControlTooLong { opcode, length }),
            (
                FramingLoss::LENGTH_NOT_MINIMAL,
                Violation::LengthNotMinimal { form: header.length_form(), length },
            ),
        ] {
            if broken.contains(rule) {
                sink.violation(Part::of(opcode), violation);
            }
        }
    }
}
