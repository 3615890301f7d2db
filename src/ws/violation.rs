//! What traffic can break: one variant for each MUST of RFC 6455 sections 5, 7 and 8.1 and of RFC 7692, said in words.

use std::fmt;

use super::{LengthForm, Opcode};

/// A broken MUST, small enough to keep by the million.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Violation {
    /// A frame from the client without a masking key.
    ClientFrameNotMasked,
    /// A frame from the server with a masking key.
    ServerFrameMasked,
    /// Reserved bits that no agreed extension gives a meaning; rsv1 is 4, rsv2 is 2, rsv3 is 1.
    ReservedBits(u8),
    /// RSV1, "compressed", on a frame that is not the first of its message.
    Rsv1OnContinuation,
    /// RSV1, "compressed", on a control frame.
    Rsv1OnControl(Opcode),
    /// An opcode no RFC defines.
    ReservedOpcode(u8),
    /// A control frame without FIN.
    ControlFragmented(Opcode),
    /// A control frame whose payload is longer than 125 bytes.
    ControlTooLong {
        /// Which control frame.
        opcode: Opcode,
        /// The length it claims.
        length: u64,
    },
    /// A length written in more bytes than it needs.
    LengthNotMinimal {
        /// The form it came in.
        form: LengthForm,
        /// The length.
        length: u64,
    },
    /// A continuation frame with no message to continue.
    ContinuationWithoutStart,
    /// A new message begins before the last frame of this one.
    MessageInsideMessage {
        /// What this message is.
        unfinished: Opcode,
        /// The frame that came where a continuation was due.
        next: Opcode,
    },
    /// Text that is not UTF-8; the number of good bytes before the first bad one.
    TextNotUtf8(u64),
    /// A close frame with a payload of one byte, half a status code.
    ClosePayloadOneByte,
    /// A status code that must not be sent in a close frame.
    CloseCodeNotAllowed(u16),
    /// A close reason that is not UTF-8; the number of good bytes before the first bad one.
    CloseReasonNotUtf8(u64),
    /// More after the close frame than answers to pings.
    FrameAfterClose(Opcode),
    /// A compressed message that does not inflate; the number of bytes it gave before the fault.
    NotInflatable(u64),
    /// A compressed message that refers further back than the agreed window reaches.
    WindowExceeded {
        /// The window bits agreed.
        bits: u8,
        /// How far back it refers, in bytes.
        distance: u16,
    },
    /// A compressed message that stops in the middle of a block; the number of bytes it gave.
    CompressedCutShort(u64),
    /// The connection ended inside a frame's header; the number of bytes there were of it.
    EndedInsideHeader(u8),
    /// The connection ended inside a frame's payload; the number of bytes missing.
    EndedInsideFrame(u64),
    /// The connection ended before the last frame of a message; the number of frames there were of it.
    EndedInsideMessage(u64),
    /// What comes cannot be frames: from here on the direction is raw bytes.
    FramingLost(FramingLoss),
}

/// Why framing was given up, see [`Violation::FramingLost`].
///
/// One broken rule keeps the framing: the frame is shown with its fault. Framing is given up when one header breaks two
/// or more rules of framing at once, which no frame does by accident and text or another protocol nearly always does, or
/// when a 64-bit length has its top bit set, after which nothing could ever follow.
///
/// The rules: reserved bits, reserved opcode, fragmented control frame, control frame over 125 bytes, masking wrong
/// for the direction, length not minimal.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct FramingLoss(u8);

impl FramingLoss {
    /// Reserved bits set that no extension uses.
    pub const RESERVED_BITS: FramingLoss = FramingLoss(1);
    /// A reserved opcode.
    pub const RESERVED_OPCODE: FramingLoss = FramingLoss(1 << 1);
    /// A control frame without FIN.
    pub const CONTROL_FRAGMENTED: FramingLoss = FramingLoss(1 << 2);
    /// A control frame whose length does not fit in seven bits, which is told before the length itself came.
    pub const CONTROL_TOO_LONG: FramingLoss = FramingLoss(1 << 3);
    /// Masked by the server or not masked by the client.
    pub const MASKING: FramingLoss = FramingLoss(1 << 4);
    /// A length written longer than needed.
    pub const LENGTH_NOT_MINIMAL: FramingLoss = FramingLoss(1 << 5);
    /// A 64-bit length with its top bit set.
    pub const LENGTH_TOP_BIT: FramingLoss = FramingLoss(1 << 6);

    const NAMES: [(FramingLoss, &'static str); 7] = [
        (FramingLoss::RESERVED_BITS, "reserved bits that no extension uses"),
        (FramingLoss::RESERVED_OPCODE, "a reserved opcode"),
        (FramingLoss::CONTROL_FRAGMENTED, "a fragmented control frame"),
        (FramingLoss::CONTROL_TOO_LONG, "a control frame with a long length"),
        (FramingLoss::MASKING, "masking that is wrong for this direction"),
        (FramingLoss::LENGTH_NOT_MINIMAL, "a length written longer than needed"),
        (FramingLoss::LENGTH_TOP_BIT, "a length with its top bit set"),
    ];

    /// Whether all of `other` is among the reasons.
    pub fn contains(self, other: FramingLoss) -> bool {
        self.0 & other.0 == other.0
    }

    /// Adds `rule` when it is broken.
    #[inline]
    pub(super) fn add_if(&mut self, broken: bool, rule: FramingLoss) {
        self.0 |= if broken { rule.0 } else { 0 };
    }

    /// Takes `rule` back.
    pub(super) fn remove(&mut self, rule: FramingLoss) {
        self.0 &= !rule.0;
    }

    /// Whether nothing is broken.
    #[inline]
    pub(super) fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether this is enough to give framing up.
    pub(super) fn is_loss(self) -> bool {
        self.0.count_ones() >= 2 || self.contains(FramingLoss::LENGTH_TOP_BIT)
    }
}

impl Violation {
    /// Where the rule stands, as `RFC 6455 5.1`.
    pub fn section(&self) -> &'static str {
        match self {
            Violation::ClientFrameNotMasked | Violation::ServerFrameMasked => "RFC 6455 5.1",
            Violation::ReservedBits(_)
            | Violation::ReservedOpcode(_)
            | Violation::LengthNotMinimal { .. }
            | Violation::EndedInsideHeader(_)
            | Violation::EndedInsideFrame(_)
            | Violation::FramingLost(_) => "RFC 6455 5.2",
            Violation::ContinuationWithoutStart
            | Violation::MessageInsideMessage { .. }
            | Violation::EndedInsideMessage(_) => "RFC 6455 5.4",
            Violation::ControlFragmented(_) | Violation::ControlTooLong { .. } => "RFC 6455 5.5",
            Violation::ClosePayloadOneByte
            | Violation::CloseReasonNotUtf8(_)
            | Violation::FrameAfterClose(_) => "RFC 6455 5.5.1",
            Violation::CloseCodeNotAllowed(1004..=1006 | 1015) => "RFC 6455 7.4.1",
            Violation::CloseCodeNotAllowed(_) => "RFC 6455 7.4.2",
            Violation::TextNotUtf8(_) => "RFC 6455 8.1",
            Violation::Rsv1OnContinuation | Violation::Rsv1OnControl(_) => "RFC 7692 6.1",
            Violation::NotInflatable(_) => "RFC 7692 7.2.2",
            Violation::CompressedCutShort(_) => "RFC 7692 7.2.1",
            Violation::WindowExceeded { .. } => "RFC 7692 7.1.2",
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Violation::ClientFrameNotMasked => {
                f.write_str("the client did not mask this frame; every frame of a client must be masked")
            }
            Violation::ServerFrameMasked => {
                f.write_str("the server masked this frame; a server must not mask")
            }
            Violation::ReservedBits(bits) => {
                write!(f, "{} set, but no extension was agreed that uses this", ReservedBits(*bits))
            }
            Violation::Rsv1OnContinuation => f.write_str(
                "RSV1 (compressed) set on a continuation frame; only a message's first frame may carry it",
            ),
            Violation::Rsv1OnControl(opcode) => {
                write!(f, "RSV1 (compressed) set on a {opcode} frame; control frames are never compressed")
            }
            Violation::ReservedOpcode(bits) => write!(f, "opcode {bits:#x} is reserved: it has no meaning"),
            Violation::ControlFragmented(opcode) => {
                write!(f, "a {opcode} frame without FIN; control frames must not be fragmented")
            }
            Violation::ControlTooLong { opcode, length } => {
                write!(f, "a {opcode} frame of {length} bytes; control frames carry 125 at most")
            }
            Violation::LengthNotMinimal { form, length } => {
                write!(f, "the length {length} is written in {} bits; fewer would do", form.bits())
            }
            Violation::FramingLost(why) => write!(f, "framing lost: {why}; from here on raw bytes"),
            of_message => of_message.fmt_of_message(f),
        }
    }
}

impl Violation {
    /// The words for what breaks messages rather than single frames.
    fn fmt_of_message(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Violation::ContinuationWithoutStart => {
                f.write_str("a continuation frame, but no message is under way that it could continue")
            }
            Violation::MessageInsideMessage { unfinished, next } => write!(
                f,
                "a {next} frame came before the last frame of this {unfinished} message; only continuations may"
            ),
            Violation::TextNotUtf8(good) => write!(f, "the text is not UTF-8 from byte {good} on"),
            Violation::ClosePayloadOneByte => f.write_str(
                "a close payload of 1 byte; it must be empty or begin with a status code of 2 bytes",
            ),
            Violation::CloseCodeNotAllowed(code) => {
                write!(f, "status code {code} must not be sent in a close frame")
            }
            Violation::CloseReasonNotUtf8(good) => {
                write!(f, "the close reason is not UTF-8 from byte {good} on")
            }
            Violation::FrameAfterClose(opcode) => {
                write!(f, "a {opcode} frame after the close frame; nothing more may be sent")
            }
            Violation::NotInflatable(good) => {
                write!(f, "the compressed payload does not inflate; it broke after {good} bytes")
            }
            Violation::WindowExceeded { bits, distance } => write!(
                f,
                "the compressed payload refers {distance} bytes back, but the agreed window of {bits} bits has {}",
                1u32 << bits
            ),
            Violation::CompressedCutShort(size) => write!(
                f,
                "the compressed payload stops in the middle of a block, after {size} bytes; \
                 a message must end with a flush, less its last 00 00 ff ff"
            ),
            Violation::EndedInsideHeader(have) => {
                write!(f, "the connection ended inside a frame's header; bytes of it that came: {have}")
            }
            Violation::EndedInsideFrame(missing) => {
                write!(f, "the connection ended inside a frame; payload bytes that never came: {missing}")
            }
            Violation::EndedInsideMessage(1) => {
                f.write_str("the connection ended inside a message: one frame came, not its last")
            }
            Violation::EndedInsideMessage(frames) => {
                write!(f, "the connection ended inside a message: {frames} frames came, not its last")
            }
            _ => Ok(()),
        }
    }
}

impl fmt::Display for FramingLoss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("one header has ")?;
        let mut names = FramingLoss::NAMES.iter().filter(|(rule, _)| self.contains(*rule)).peekable();
        let mut first = true;
        while let Some((_, name)) = names.next() {
            match (first, names.peek()) {
                (true, _) => write!(f, "{name}")?,
                (false, Some(_)) => write!(f, ", {name}")?,
                (false, None) => write!(f, " and {name}")?,
            }
            first = false;
        }
        Ok(())
    }
}

impl fmt::Debug for FramingLoss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = FramingLoss::NAMES.iter().filter(|(rule, _)| self.contains(*rule)).map(|(_, name)| name);
        f.debug_set().entries(names).finish()
    }
}

/// `RSV1`, `RSV1 and RSV3`, `RSV1, RSV2 and RSV3`.
struct ReservedBits(u8);

impl fmt::Display for ReservedBits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 & 7 {
            4 => "RSV1",
            2 => "RSV2",
            1 => "RSV3",
            6 => "RSV1 and RSV2",
            5 => "RSV1 and RSV3",
            3 => "RSV2 and RSV3",
            7 => "RSV1, RSV2 and RSV3",
            _ => "no reserved bit",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OF_RFC_6455: [(Violation, &str, &str); 21] = [
        (
            Violation::ClientFrameNotMasked,
            "5.1",
            "the client did not mask this frame; every frame of a client must be masked",
        ),
        (Violation::ServerFrameMasked, "5.1", "the server masked this frame; a server must not mask"),
        (Violation::ReservedBits(5), "5.2", "RSV1 and RSV3 set, but no extension was agreed that uses this"),
        (Violation::ReservedOpcode(11), "5.2", "opcode 0xb is reserved: it has no meaning"),
        (
            Violation::ControlFragmented(Opcode::Ping),
            "5.5",
            "a ping frame without FIN; control frames must not be fragmented",
        ),
        (
            Violation::ControlTooLong { opcode: Opcode::Close, length: 126 },
            "5.5",
            "a close frame of 126 bytes; control frames carry 125 at most",
        ),
        (
            Violation::LengthNotMinimal { form: LengthForm::SixtyFour, length: 5 },
            "5.2",
            "the length 5 is written in 64 bits; fewer would do",
        ),
        (
            Violation::ContinuationWithoutStart,
            "5.4",
            "a continuation frame, but no message is under way that it could continue",
        ),
        (
            Violation::MessageInsideMessage { unfinished: Opcode::Text, next: Opcode::Binary },
            "5.4",
            "a binary frame came before the last frame of this text message; only continuations may",
        ),
        (Violation::TextNotUtf8(7), "8.1", "the text is not UTF-8 from byte 7 on"),
        (
            Violation::ClosePayloadOneByte,
            "5.5.1",
            "a close payload of 1 byte; it must be empty or begin with a status code of 2 bytes",
        ),
        (Violation::CloseCodeNotAllowed(1005), "7.4.1", "status code 1005 must not be sent in a close frame"),
        (Violation::CloseCodeNotAllowed(2000), "7.4.2", "status code 2000 must not be sent in a close frame"),
        (Violation::CloseReasonNotUtf8(0), "5.5.1", "the close reason is not UTF-8 from byte 0 on"),
        (
            Violation::FrameAfterClose(Opcode::Text),
            "5.5.1",
            "a text frame after the close frame; nothing more may be sent",
        ),
        (
            Violation::EndedInsideHeader(1),
            "5.2",
            "the connection ended inside a frame's header; bytes of it that came: 1",
        ),
        (
            Violation::EndedInsideFrame(9),
            "5.2",
            "the connection ended inside a frame; payload bytes that never came: 9",
        ),
        (
            Violation::EndedInsideMessage(1),
            "5.4",
            "the connection ended inside a message: one frame came, not its last",
        ),
        (
            Violation::EndedInsideMessage(2),
            "5.4",
            "the connection ended inside a message: 2 frames came, not its last",
        ),
        (
            Violation::FramingLost(FramingLoss(0b10011)),
            "5.2",
            "framing lost: one header has reserved bits that no extension uses, a reserved opcode and masking that is wrong for this direction; from here on raw bytes",
        ),
        (
            Violation::FramingLost(FramingLoss::LENGTH_TOP_BIT),
            "5.2",
            "framing lost: one header has a length with its top bit set; from here on raw bytes",
        ),
    ];

    #[test]
    fn every_violation_is_said_in_words_with_its_section() {
        for (violation, section, words) in OF_RFC_6455 {
            assert_eq!(violation.to_string(), words);
            assert_eq!(violation.section(), format!("RFC 6455 {section}"), "{words}");
        }
    }

    #[test]
    fn so_is_every_violation_of_compression() {
        for (violation, section, words) in [
            (
                Violation::Rsv1OnContinuation,
                "6.1",
                "RSV1 (compressed) set on a continuation frame; only a message's first frame may carry it",
            ),
            (
                Violation::Rsv1OnControl(Opcode::Pong),
                "6.1",
                "RSV1 (compressed) set on a pong frame; control frames are never compressed",
            ),
            (
                Violation::WindowExceeded { bits: 9, distance: 600 },
                "7.1.2",
                "the compressed payload refers 600 bytes back, but the agreed window of 9 bits has 512",
            ),
            (
                Violation::NotInflatable(3),
                "7.2.2",
                "the compressed payload does not inflate; it broke after 3 bytes",
            ),
            (
                Violation::CompressedCutShort(3),
                "7.2.1",
                "the compressed payload stops in the middle of a block, after 3 bytes; a message must end with a flush, less its last 00 00 ff ff",
            ),
        ] {
            assert_eq!(violation.to_string(), words);
            assert_eq!(violation.section(), format!("RFC 7692 {section}"), "{words}");
        }
    }
}
