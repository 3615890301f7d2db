//! One message or control frame while it is read.

use super::{Finished, Part, Sink};
use crate::ws::utf8::Utf8Checker;
use crate::ws::{Opcode, StatusCode, Violation};

/// How a message is to be read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kind {
    pub opcode: Opcode,
    pub compressed: bool,
    /// An unknown extension had its hands in it: the payload's content is not checked.
    pub opaque: bool,
}

/// Hands on a data message that came whole in one frame.
#[inline]
pub(super) fn hand_on_whole(opcode: Opcode, payload: &[u8], sink: &mut impl Sink) {
    if !payload.is_empty() {
        sink.payload(Part::Data, payload);
    }
    let bad = match opcode {
        Opcode::Text => std::str::from_utf8(payload).err(),
        _ => None,
    };
    if let Some(error) = bad {
        sink.violation(Part::Data, Violation::TextNotUtf8(error.valid_up_to() as u64));
    }
    let size = payload.len() as u64;
    let utf8 = bad.is_none();
    let (compressed, capped) = (false, false);
    let finished =
        Finished { opcode, compressed, wire_size: size, size, frames: 1, utf8, capped, complete: true };
    sink.finished(Part::Data, &finished);
}

/// A message or control frame under way.
#[derive(Debug)]
pub(super) struct Open {
    kind: Kind,
    wire_size: u64,
    size: u64,
    frames: u64,
    utf8: Utf8Checker,
    /// The first two bytes of a close frame's payload.
    code: [u8; 2],
    capped: bool,
    broken: bool,
}

impl Open {
    pub fn new(kind: Kind) -> Open {
        Open {
            kind,
            wire_size: 0,
            size: 0,
            frames: 0,
            utf8: Utf8Checker::new(),
            code: [0; 2],
            capped: false,
            broken: false,
        }
    }

    pub fn opcode(&self) -> Opcode {
        self.kind.opcode
    }

    pub fn frames(&self) -> u64 {
        self.frames
    }

    pub fn add_frame(&mut self) {
        self.frames += 1;
    }

    pub fn is_compressed(&self) -> bool {
        self.kind.compressed
    }

    /// What was given so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    pub fn add_wire_size(&mut self, size: usize) {
        self.wire_size += size as u64;
    }

    /// Whether inflating it failed.
    pub fn is_broken(&self) -> bool {
        self.broken
    }

    /// Inflating it failed; no more will be given.
    pub fn break_off(&mut self, sink: &mut impl Sink) {
        self.broken = true;
        sink.violation(Part::Data, Violation::NotInflatable(self.size));
    }

    /// Its last frame is over.
    pub fn finish(mut self, part: Part, sink: &mut impl Sink) {
        if !self.broken
            && let Some(good) = self.utf8.end()
        {
            sink.violation(part, self.not_utf8(good));
        }
        if self.kind.opcode == Opcode::Close && self.size == 1 && !self.kind.opaque {
            sink.violation(part, Violation::ClosePayloadOneByte);
        }
        sink.finished(part, &self.finished(true));
    }

    /// Its last frame will not come.
    pub fn abandon(self, part: Part, sink: &mut impl Sink) {
        sink.finished(part, &self.finished(false));
    }

    /// Hands inflated payload on until `limit` bytes were given, and from there on only counts and checks it.
    pub fn give_up_to(&mut self, limit: u64, bytes: &[u8], sink: &mut impl Sink) {
        let allowed = limit.saturating_sub(self.size).min(bytes.len() as u64) as usize;
        let (given, kept) = bytes.split_at(allowed);
        if !given.is_empty() {
            self.give(Part::Data, given, sink);
        }
        if !kept.is_empty() {
            self.capped = true;
            self.size += kept.len() as u64;
            if self.kind.opcode == Opcode::Text {
                self.check_text(kept, sink);
            }
        }
    }

    /// Hands payload on, checked.
    pub fn give(&mut self, part: Part, bytes: &[u8], sink: &mut impl Sink) {
        let before = self.size;
        self.size += bytes.len() as u64;
        sink.payload(part, bytes);
        if self.kind.opaque {
            return;
        }
        match self.kind.opcode {
            Opcode::Text => self.check_text(bytes, sink),
            Opcode::Close => self.read_close(before, bytes, sink),
            _ => {}
        }
    }

    fn check_text(&mut self, bytes: &[u8], sink: &mut impl Sink) {
        if let Some(good) = self.utf8.read(bytes) {
            sink.violation(Part::Data, Violation::TextNotUtf8(good));
        }
    }

    /// Reads a piece of a close frame's payload: two bytes of status code, then the reason.
    fn read_close(&mut self, before: u64, bytes: &[u8], sink: &mut impl Sink) {
        let code_missing = 2usize.saturating_sub(before as usize).min(bytes.len());
        let (code, reason) = bytes.split_at(code_missing);
        for (at, byte) in (before as usize..).zip(code) {
            self.code[at] = *byte;
        }
        if before < 2 && self.size >= 2 {
            let code = u16::from_be_bytes(self.code);
            if !StatusCode(code).may_be_sent() {
                sink.violation(Part::Control, Violation::CloseCodeNotAllowed(code));
            }
        }
        if let Some(good) = self.utf8.read(reason) {
            sink.violation(Part::Control, self.not_utf8(good));
        }
    }

    fn not_utf8(&self, good: u64) -> Violation {
        match self.kind.opcode {
            Opcode::Close => Violation::CloseReasonNotUtf8(good),
            _ => Violation::TextNotUtf8(good),
        }
    }

    fn finished(&self, complete: bool) -> Finished {
        Finished {
            opcode: self.kind.opcode,
            compressed: self.kind.compressed,
            wire_size: self.wire_size,
            size: self.size,
            frames: self.frames,
            utf8: self.utf8.is_good(),
            capped: self.capped,
            complete,
        }
    }
}
