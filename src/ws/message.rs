//! Frames to messages: unmasks, joins fragments, inflates and checks, streaming, whatever the lengths claimed.

mod agreed;
mod inflation;
mod open;

use std::mem;

use super::inflate::History;
use super::violation::FramingLoss;
use super::walker::fill_header;
use super::{Direction, FrameHeader, Opcode, OtherExtension, PermessageDeflate, Violation, mask};
use agreed::Agreed;
use inflation::{Inflation, Spare};
use open::{Open, hand_on_whole};

/// Which of the two that can be under way at once: control frames come between the fragments of a data message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// A data message.
    Data,
    /// A control frame.
    Control,
}

impl Part {
    /// The part a frame of this opcode belongs to.
    pub fn of(opcode: Opcode) -> Part {
        if opcode.is_control() { Part::Control } else { Part::Data }
    }
}

/// Takes what a [`MessageReader`] reads, as it reads it.
///
/// Nothing is buffered for it: how events are cut follows the chunks that were read, save that a whole frame inside one
/// chunk gives its payload in one piece (a compressed one in pieces of [`Scratch::PIECE`]).
pub trait Sink {
    /// A frame begins. `offset` is that of the header's first byte in this direction's stream; the part follows from
    /// the opcode.
    fn frame(&mut self, header: &FrameHeader, offset: u64);

    /// Payload, unmasked and inflated. Never empty.
    fn payload(&mut self, part: Part, bytes: &[u8]);

    /// A broken MUST, before the `finished` of what broke it.
    ///
    /// Two belong to no message and are followed by `raw`: [`Violation::FramingLost`] and
    /// [`Violation::EndedInsideHeader`].
    fn violation(&mut self, part: Part, violation: Violation);

    /// A message or control frame is over.
    fn finished(&mut self, part: Part, message: &Finished);

    /// Bytes that are no frames: all of the direction after framing was lost, or the piece of a header at its end.
    fn raw(&mut self, bytes: &[u8]);
}

/// What is known of a message or control frame once it is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// Of its first frame.
    pub opcode: Opcode,
    /// Whether it came compressed with permessage-deflate.
    pub compressed: bool,
    /// Payload bytes on the wire.
    pub wire_size: u64,
    /// Payload bytes after inflating; the true size even when only a part was given out.
    pub size: u64,
    /// How many frames it came in.
    pub frames: u64,
    /// Whether text or a close reason is UTF-8; true of all else.
    pub utf8: bool,
    /// Whether payload past the inflate limit was not given out.
    pub capped: bool,
    /// False when its last frame never came: the connection ended or another message began inside it.
    pub complete: bool,
}

/// Room to work in, shared by all readers of one thread.
#[derive(Debug, Default)]
pub struct Scratch {
    unmasked: Vec<u8>,
    spare: Spare,
}

impl Scratch {
    /// The most inflated payload given out in one piece.
    pub const PIECE: usize = 64 * 1024;

    /// Empty; grows to the largest chunk read.
    pub fn new() -> Scratch {
        Scratch::default()
    }

    /// Room for `length` bytes, with whatever was in it.
    fn room(buffer: &mut Vec<u8>, length: usize) -> &mut [u8] {
        if buffer.len() < length {
            buffer.resize(length, 0);
        }
        &mut buffer[..length]
    }
}

/// Reads the messages of one direction from chunks of any size.
///
/// Never fails and never stops: what breaks a rule is told as a [`Violation`] beside what was read. After framing is
/// lost ([`FramingLoss`] says when) the rest of the direction is raw. Memory does not depend on any length.
#[derive(Debug)]
pub struct MessageReader {
    agreed: Agreed,
    inflate_limit: u64,
    /// The first bytes of a header that a chunk's end cut.
    head: [u8; FrameHeader::MAX_SIZE],
    have: u8,
    place: Place,
    /// Where in the direction's stream the next byte stands.
    offset: u64,
    /// The frame whose payload is being read.
    frame: Payload,
    data: Option<Open>,
    /// Made at the first compressed message.
    inflation: Option<Box<Inflation>>,
    control: Option<Open>,
    close_seen: bool,
}

/// What the next byte is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Header,
    Payload,
    Lost,
}

/// The payload being read.
#[derive(Clone, Copy, Debug)]
struct Payload {
    part: Part,
    fin: bool,
    masking_key: Option<[u8; 4]>,
    /// Bytes of it that were read already.
    done: u64,
    remaining: u64,
}

impl MessageReader {
    /// A reader of the bytes after the opening handshake, which agreed on `deflate` and, maybe, on more.
    ///
    /// Of a compressed message at most `inflate_limit` bytes are given out.
    pub fn new(
        direction: Direction,
        deflate: Option<PermessageDeflate>,
        other_extension: OtherExtension,
        inflate_limit: u64,
    ) -> MessageReader {
        MessageReader {
            agreed: Agreed { direction, deflate, other_extension },
            inflate_limit,
            head: [0; FrameHeader::MAX_SIZE],
            have: 0,
            place: Place::Header,
            offset: 0,
            frame: Payload { part: Part::Data, fin: true, masking_key: None, done: 0, remaining: 0 },
            data: None,
            inflation: None,
            control: None,
            close_seen: false,
        }
    }

    /// What the next compressed message may refer to (RFC 7692 7.2.2); none where none has come.
    pub fn history(&self) -> Option<&History> {
        self.inflation.as_ref().map(|inflation| inflation.history())
    }

    /// Reads a chunk.
    pub fn read(&mut self, bytes: &[u8], scratch: &mut Scratch, sink: &mut impl Sink) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let taken = match self.place {
                Place::Header => match self.read_whole_message(rest, scratch, sink) {
                    0 => self.read_header(rest, scratch, sink),
                    taken => taken,
                },
                Place::Payload => self.read_payload(rest, scratch, sink),
                Place::Lost => {
                    sink.raw(rest);
                    rest.len()
                }
            };
            self.offset += taken as u64;
            rest = &rest[taken..];
        }
    }

    /// The connection ended: what is under way is finished as incomplete.
    pub fn end(&mut self, sink: &mut impl Sink) {
        if self.have > 0 {
            let part = Part::of(Opcode::from_bits(self.head[0]));
            sink.violation(part, Violation::EndedInsideHeader(self.have));
            sink.raw(&self.head[..usize::from(self.have)]);
            self.have = 0;
        }
        if self.place == Place::Payload {
            sink.violation(self.frame.part, Violation::EndedInsideFrame(self.frame.remaining));
            self.place = Place::Header;
        }
        if let Some(control) = self.control.take() {
            control.abandon(Part::Control, sink);
        }
        if let Some(data) = self.data.take() {
            if self.frame.remaining == 0 || self.frame.part == Part::Control {
                sink.violation(Part::Data, Violation::EndedInsideMessage(data.frames()));
            }
            self.abandon(data, sink);
        }
    }

    /// Whether framing was lost: all that comes is given out raw.
    pub fn is_lost(&self) -> bool {
        self.place == Place::Lost
    }

    /// The fast way: a whole, unfragmented, uncompressed data message with nothing wrong in its header.
    /// Takes nothing when it is anything else.
    #[inline]
    fn read_whole_message(&mut self, bytes: &[u8], scratch: &mut Scratch, sink: &mut impl Sink) -> usize {
        if self.have > 0 || !matches!(bytes[0], 0x81 | 0x82) || self.close_seen || self.data.is_some() {
            return 0;
        }
        let Some(header) = FrameHeader::parse(bytes) else { return 0 };
        let right_masking = header.masking_key.is_some() == (self.agreed.direction == Direction::ToServer);
        let start = header.bytes().len();
        let here = (bytes.len() - start) as u64;
        if !right_masking || !header.is_minimal() || header.payload_length > here {
            return 0;
        }
        let taken = start + header.payload_length as usize;
        sink.frame(&header, self.offset);
        let payload = unmasked(&bytes[start..taken], header.masking_key, 0, &mut scratch.unmasked);
        hand_on_whole(header.opcode, payload, sink);
        taken
    }

    /// Reads a header, or what there is of it, and begins its frame; returns how many bytes it took.
    fn read_header(&mut self, bytes: &[u8], scratch: &mut Scratch, sink: &mut impl Sink) -> usize {
        let (taken, header) = match FrameHeader::parse(bytes) {
            Some(header) if self.have == 0 => (header.bytes().len(), Some(header)),
            _ => fill_header(&mut self.head, &mut self.have, bytes),
        };
        match header {
            Some(header) => {
                let offset = self.offset + taken as u64 - header.bytes().len() as u64;
                let loss = self.agreed.broken_rules(&header);
                if loss.is_loss() {
                    self.lose_framing(header.bytes(), loss, sink);
                } else {
                    self.begin_frame(&header, offset, loss, sink);
                    if header.payload_length == 0 {
                        self.end_frame(scratch, sink);
                    }
                }
            }
            None if self.have >= 2 => {
                // told at once, not when the rest of a header comes that may be none
                let loss = self.agreed.rules_broken_early(self.head[0], self.head[1]);
                if loss.is_loss() {
                    let have = usize::from(mem::take(&mut self.have));
                    let head = self.head;
                    self.lose_framing(&head[..have], loss, sink);
                }
            }
            None => {}
        }
        taken
    }

    fn lose_framing(&mut self, header: &[u8], loss: FramingLoss, sink: &mut impl Sink) {
        self.place = Place::Lost;
        sink.violation(Part::Data, Violation::FramingLost(loss));
        if let Some(data) = self.data.take() {
            self.abandon(data, sink);
        }
        sink.raw(header);
    }

    fn begin_frame(&mut self, header: &FrameHeader, offset: u64, broken: FramingLoss, sink: &mut impl Sink) {
        let opcode = header.opcode;
        let part = Part::of(opcode);
        if part == Part::Data && opcode != Opcode::Continuation {
            self.abandon_unfinished(opcode, sink);
        }
        sink.frame(header, offset);
        if !broken.is_empty() {
            self.agreed.report(header, broken, sink);
        }
        // RFC 6455 5.5.2: a ping may still have to be answered, so control frames other than a second close are none
        if self.close_seen && !matches!(opcode, Opcode::Ping | Opcode::Pong) {
            sink.violation(part, Violation::FrameAfterClose(opcode));
        }
        self.close_seen |= opcode == Opcode::Close;
        let open = match part {
            Part::Control => self.control.insert(Open::new(self.agreed.kind(header))),
            Part::Data => {
                if self.data.is_none() && opcode == Opcode::Continuation {
                    sink.violation(part, Violation::ContinuationWithoutStart);
                }
                let kind = self.agreed.kind(header);
                if let (true, Some(deflate)) = (kind.compressed, &self.agreed.deflate) {
                    let (direction, limit) = (self.agreed.direction, self.inflate_limit);
                    self.inflation.get_or_insert_with(|| Box::new(Inflation::new(deflate, direction, limit)));
                }
                self.data.get_or_insert_with(|| Open::new(kind))
            }
        };
        open.add_frame();
        self.place = Place::Payload;
        self.frame = Payload {
            part,
            // what continues a control frame could not be told from what continues a data message
            fin: header.fin || part == Part::Control,
            masking_key: header.masking_key,
            done: 0,
            remaining: header.payload_length,
        };
    }

    /// A message begins where the one before lacks its last frame.
    fn abandon_unfinished(&mut self, next: Opcode, sink: &mut impl Sink) {
        if let Some(data) = self.data.take() {
            let unfinished = data.opcode();
            sink.violation(Part::Data, Violation::MessageInsideMessage { unfinished, next });
            self.abandon(data, sink);
        }
    }

    /// The last frame of `data` will not come.
    fn abandon(&mut self, data: Open, sink: &mut impl Sink) {
        if let Some(inflation) = &mut self.inflation {
            inflation.abandon();
        }
        data.abandon(Part::Data, sink);
    }

    /// Reads payload of the frame under way; returns how many bytes it took.
    fn read_payload(&mut self, bytes: &[u8], scratch: &mut Scratch, sink: &mut impl Sink) -> usize {
        let frame = &mut self.frame;
        let taken = frame.remaining.min(bytes.len() as u64) as usize;
        let payload = unmasked(&bytes[..taken], frame.masking_key, frame.done, &mut scratch.unmasked);
        frame.done += taken as u64;
        frame.remaining -= taken as u64;
        let open = match frame.part {
            Part::Data => &mut self.data,
            Part::Control => &mut self.control,
        };
        if let Some(open) = open {
            open.add_wire_size(taken);
            match &mut self.inflation {
                Some(inflation) if open.is_compressed() => {
                    inflation.read(payload, open, &mut scratch.spare, sink);
                }
                _ => open.give(frame.part, payload, sink),
            }
        }
        if frame.remaining == 0 {
            self.end_frame(scratch, sink);
        }
        taken
    }

    fn end_frame(&mut self, scratch: &mut Scratch, sink: &mut impl Sink) {
        self.place = Place::Header;
        if !self.frame.fin {
            return;
        }
        let open = match self.frame.part {
            Part::Data => self.data.take(),
            Part::Control => self.control.take(),
        };
        if let Some(mut open) = open {
            if let Some(inflation) = &mut self.inflation
                && open.is_compressed()
            {
                inflation.finish(&mut open, &mut scratch.spare, sink);
            }
            open.finish(self.frame.part, sink);
        }
    }
}

/// The payload in clear: `bytes` themselves where no key alters them, else in `buffer`.
#[inline]
fn unmasked<'a>(
    bytes: &'a [u8],
    masking_key: Option<[u8; 4]>,
    phase: u64,
    buffer: &'a mut Vec<u8>,
) -> &'a [u8] {
    match masking_key {
        None | Some([0, 0, 0, 0]) => bytes,
        Some(key) => {
            let target = Scratch::room(buffer, bytes.len());
            mask::mask_into(target, bytes, key, phase);
            target
        }
    }
}

#[cfg(test)]
mod tests;
