//! What a gate takes a direction apart into.

use crate::ws::{Direction, Opcode, encode};

/// What comes out of a direction, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Bytes that go on as they are: control frames, what belongs to no message, and messages too long to be held.
    Pass(Vec<u8>),
    /// A control frame. It goes on by its bytes, or not.
    Control(Frame),
    /// A frame of a message that is too long to be kept, and cannot go on as it came.
    Piece(Piece),
    /// A message that went on while it came, as [`Event::Pass`] or [`Event::Piece`], is over: where it began.
    Flowed(u64),
    /// A message, to be put back by [`super::Gate::put_back`].
    Message(Whole),
}

/// A whole control frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// What it is.
    pub opcode: Opcode,
    /// Its payload, unmasked.
    pub payload: Vec<u8>,
    /// All of it as it came.
    pub raw: Vec<u8>,
    /// Where it began in its direction's stream, in octets.
    pub offset: u64,
}

/// A part of a message that is too long to be kept and was compressed with what the receiver does not have: it goes on as
/// a frame that is not compressed (RFC 7692 6), which the compression of those behind it does not refer to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Of its first frame, or that of a continuation.
    pub(super) opcode: Opcode,
    /// Inflated; as it was compressed where that is `broken`.
    pub(super) payload: Vec<u8>,
    /// Whether it is the last.
    pub(super) fin: bool,
    /// Whether it could not be inflated: the receiver is not to take it for what was sent.
    pub(super) broken: bool,
}

impl Piece {
    /// Its frame, from the sender of `direction`; `masking_key` is used only where that is the client.
    pub fn to_bytes(&self, direction: Direction, masking_key: [u8; 4]) -> Vec<u8> {
        let mut frame = encode::Frame::new(self.opcode, &self.payload);
        if !self.fin {
            frame = frame.unfinished();
        }
        if self.broken {
            // Not allowed behind the first frame (RFC 7692 6.1): as wrong as what it stands for.
            frame = frame.compressed();
        }
        match direction {
            Direction::ToServer => frame.masked(masking_key).to_bytes(),
            Direction::ToClient => frame.to_bytes(),
        }
    }
}

/// A whole data message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whole {
    /// Text or binary.
    pub opcode: Opcode,
    /// Its payload, unmasked and inflated; none where it could not be inflated.
    pub payload: Option<Vec<u8>>,
    /// Where its first frame began in its direction's stream, in octets.
    pub offset: u64,
    /// Octets of its payload on the wire.
    pub wire_size: u64,
    /// Its frames as they came, and the control frames between them.
    pub(super) raw: Vec<u8>,
    pub(super) between: Between,
    /// Its place among the compressed messages; none where it is not compressed.
    pub(super) turn: Option<u64>,
}

impl Whole {
    /// Octets that it takes in memory.
    pub fn octets(&self) -> usize {
        self.raw.len() + self.payload.as_ref().map_or(0, Vec::len)
    }

    /// Octets of its frames, as they came.
    pub fn wire_octets(&self) -> usize {
        self.raw.len()
    }

    /// The control frames between its frames (RFC 6455 5.4), which go on with it.
    pub fn controls(&self) -> &[Frame] {
        &self.between.frames
    }

    /// Takes the control frames out, to go on by themselves.
    pub fn take_controls(&mut self) -> Vec<Frame> {
        self.between.take_out_of(&mut self.raw)
    }

    /// Whether it was compressed.
    pub fn is_compressed(&self) -> bool {
        self.turn.is_some()
    }
}

/// Gives fresh masking keys (RFC 6455 5.3).
pub type Keys<'a> = &'a mut dyn FnMut() -> [u8; 4];

/// What becomes of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What goes on in its place; none where it goes on itself.
    pub replacement: Option<(Opcode, Vec<u8>)>,
    /// How often it goes on: once, or more often, or never.
    pub times: u32,
}

impl Verdict {
    /// It goes on.
    pub const FORWARD: Verdict = Verdict { replacement: None, times: 1 };
    /// Nothing goes on.
    pub const DROP: Verdict = Verdict { replacement: None, times: 0 };
}

/// The control frames between the frames of a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Between {
    frames: Vec<Frame>,
    /// Where each begins in the message's octets as they came.
    starts: Vec<usize>,
}

impl Between {
    /// `frame` comes next, behind what is in `raw`.
    pub(super) fn add(&mut self, frame: Frame, raw: &mut Vec<u8>) {
        self.starts.push(raw.len());
        raw.extend_from_slice(&frame.raw);
        self.frames.push(frame);
    }

    pub(super) fn frames(&self) -> &[Frame] {
        &self.frames
    }

    /// Takes them out of a message's octets.
    pub(super) fn take_out_of(&mut self, raw: &mut Vec<u8>) -> Vec<Frame> {
        if self.frames.is_empty() {
            return Vec::new();
        }
        let (mut without, mut frames) = (Vec::with_capacity(raw.len()), Vec::new());
        self.in_order(raw, |octets, frame| {
            without.extend_from_slice(octets);
            frames.extend(frame);
        });
        *raw = without;
        frames
    }

    /// Gives out a message's octets and these in the order in which they came: octets, and the frame behind them.
    pub(super) fn in_order(&mut self, raw: &[u8], mut each: impl FnMut(&[u8], Option<Frame>)) {
        let starts = std::mem::take(&mut self.starts);
        let mut done = 0;
        for (frame, start) in std::mem::take(&mut self.frames).into_iter().zip(starts) {
            let octets = &raw[done..start];
            done = start + frame.raw.len();
            each(octets, Some(frame));
        }
        each(&raw[done..], None);
    }
}
