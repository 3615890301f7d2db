//! Inflating the messages of permessage-deflate (RFC 7692 7.2.2), whatever window was agreed.
//!
//! Each message is inflated by a decompressor that is told the [`History`], so that one decompressor serves any number
//! of sessions, and an idle one holds no more than the history it needs. Where a message comes behind the last that a
//! decompressor has read, it goes on as it stands: to be told costs several times what a short message does.
//!
//! A 15-bit window reads what any smaller one wrote. The cost is bounded by the wire: deflate gives at most 1032 bytes
//! for one, at tens of gigabytes a second, so even a zip bomb takes no more than some tens of nanoseconds for each of
//! its bytes.

mod reach;

pub(super) use reach::farthest_reference;

use std::fmt;
use std::sync::Arc;

// flate2, which stands on it, cannot stop where a block ends.
use zlib_rs::{Inflate, InflateFlush, Status};

/// The largest window of deflate.
const WINDOW_BITS: u8 = 15;
const WINDOW: usize = 1 << WINDOW_BITS;
/// How far the history may outgrow the window before it is cut back.
const SLACK: usize = 8 * 1024;
/// RFC 7692 7.2.2: what the sender cut off, an empty stored block without its first bits.
pub(super) const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];
/// A whole empty stored block, read as such only where a block may begin, at the first bit of an octet (RFC 1951 3.2.4).
const EMPTY_BLOCK: [u8; 5] = [0x00, 0x00, 0x00, 0xff, 0xff];

/// What the messages so far inflated to, as far back as the next one may refer (RFC 7692 7.1.1, context takeover).
#[derive(Clone, Debug, Default)]
pub struct History {
    bytes: Vec<u8>,
    /// How much of it was there when the message under way began, while that is still known.
    before_message: Option<usize>,
    /// The decompressor that stands where this ends.
    end: Option<Place>,
}

/// Where a decompressor stands.
#[derive(Clone, Debug)]
struct Place {
    /// Tells decompressors apart.
    inflater: Arc<()>,
    /// Messages that it has read.
    messages: u64,
}

impl PartialEq for Place {
    fn eq(&self, other: &Place) -> bool {
        Arc::ptr_eq(&self.inflater, &other.inflater) && self.messages == other.messages
    }
}

impl History {
    /// Nothing so far.
    pub fn new() -> History {
        History::default()
    }

    /// The last 32 KiB, or what there is.
    pub fn window(&self) -> &[u8] {
        &self.bytes[self.bytes.len().saturating_sub(WINDOW)..]
    }

    /// Notes what was inflated.
    pub fn push(&mut self, bytes: &[u8]) {
        self.end = None;
        let bytes = &bytes[bytes.len().saturating_sub(WINDOW)..];
        if self.bytes.len() + bytes.len() > WINDOW + SLACK {
            let keep = WINDOW - bytes.len();
            let surplus = self.bytes.len().saturating_sub(keep);
            self.bytes.drain(..surplus);
            self.before_message = None;
        }
        let wanted = self.bytes.len() + bytes.len();
        if wanted > self.bytes.capacity() {
            let roomy = wanted.next_power_of_two().min(WINDOW + SLACK);
            self.bytes.reserve_exact(roomy - self.bytes.len());
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// Forgets all, and frees the room.
    pub fn clear(&mut self) {
        *self = History::default();
    }

    fn begin_message(&mut self) {
        self.before_message = Some(self.bytes.len());
    }

    /// Forgets what a broken message gave: whoever sent it may not have compressed it at all.
    pub fn forget_message(&mut self) {
        self.end = None;
        if let Some(length) = self.before_message.take() {
            self.bytes.truncate(length);
        }
    }
}

/// Inflates one message after the other, of one session or of many.
pub struct Inflater {
    stream: Inflate,
    /// Nothing of the message was read since the stream began, or since the message did.
    fresh: bool,
    place: Place,
}

impl fmt::Debug for Inflater {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inflater").field("place", &self.place).finish_non_exhaustive()
    }
}

/// The payload is not what deflate makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotDeflate;

/// The payload stops inside a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CutShort;

impl Default for Inflater {
    fn default() -> Inflater {
        Inflater::new()
    }
}

impl Inflater {
    /// Takes some 40 KiB.
    pub fn new() -> Inflater {
        let place = Place { inflater: Arc::new(()), messages: 0 };
        Inflater { stream: Inflate::new(false, WINDOW_BITS), fresh: true, place }
    }

    /// A message begins that may refer to `history`.
    pub fn begin(&mut self, history: &mut History) {
        history.begin_message();
        if history.end.take().is_some_and(|end| end == self.place) {
            self.fresh = true;
        } else {
            self.restart(history);
        }
        self.place.messages += 1;
    }

    /// Reads payload of the message; what it inflates to is given out in pieces of at most the size of `room` and added
    /// to `history`.
    pub fn read(
        &mut self,
        payload: &[u8],
        history: &mut History,
        room: &mut [u8],
        mut give: impl FnMut(&[u8]),
    ) -> Result<(), NotDeflate> {
        let mut rest = payload;
        while !rest.is_empty() {
            let step = self.step(rest, room);
            rest = &rest[step.taken..];
            self.fresh &= step.taken == 0 && step.status.is_ok();
            step.hand_on(history, room, &mut give);
            match step.status? {
                // RFC 7692 7.2.3.4: a block may say it is the last; what follows still refers to what went before
                Status::StreamEnd => self.restart(history),
                _ if step.taken == 0 && step.made == 0 => return Err(NotDeflate),
                _ if rest.is_empty() && step.made == room.len() => self.drain(history, room, &mut give)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// The message is over, and not broken.
    pub fn end(&mut self, history: &mut History) -> Result<(), CutShort> {
        // after a last block the sender may, but need not, have sent the beginning of another
        if self.fresh || self.ends()? {
            history.end = Some(self.place.clone());
        }
        Ok(())
    }

    /// Puts back what the sender cut off. Whether another block may follow, which may not where that was the last one.
    fn ends(&mut self) -> Result<bool, CutShort> {
        // With one octet more than each needs: what stops before it stops because a block is over.
        let mut padded = [0; TAIL.len() + 1];
        padded[..TAIL.len()].copy_from_slice(&TAIL);
        let tail = self.call(&padded, &mut [0; 1], InflateFlush::Block);
        if tail.status.is_err() || tail.taken != TAIL.len() || tail.made > 0 {
            return Err(CutShort);
        }
        let mut padded = [0; EMPTY_BLOCK.len() + 1];
        padded[..EMPTY_BLOCK.len()].copy_from_slice(&EMPTY_BLOCK);
        let empty = self.call(&padded, &mut [0; 1], InflateFlush::Block);
        match (empty.status, empty.taken, empty.made) {
            (Ok(Status::Ok), taken, 0) if taken == EMPTY_BLOCK.len() => Ok(true),
            (Ok(Status::StreamEnd), 0, 0) => Ok(false),
            _ => Err(CutShort),
        }
    }

    /// Gives out what the payload read so far has made beyond the room there was.
    fn drain(
        &mut self,
        history: &mut History,
        room: &mut [u8],
        give: &mut impl FnMut(&[u8]),
    ) -> Result<(), NotDeflate> {
        loop {
            let step = self.step(&[], room);
            step.hand_on(history, room, give);
            if step.status? == Status::StreamEnd {
                self.restart(history);
            }
            if step.made < room.len() {
                return Ok(());
            }
        }
    }

    fn step(&mut self, payload: &[u8], room: &mut [u8]) -> Step {
        self.call(payload, room, InflateFlush::SyncFlush)
    }

    /// One call of the decompressor.
    fn call(&mut self, payload: &[u8], room: &mut [u8], flush: InflateFlush) -> Step {
        let (before_in, before_out) = (self.stream.total_in(), self.stream.total_out());
        let status = self.stream.decompress(payload, room, flush).map_err(|_| NotDeflate);
        let taken = (self.stream.total_in() - before_in) as usize;
        let made = (self.stream.total_out() - before_out) as usize;
        Step { taken, made, status }
    }

    fn restart(&mut self, history: &History) {
        self.fresh = true;
        self.stream.reset(false);
        let window = history.window();
        if !window.is_empty() {
            // only a stream with a zlib header can refuse a dictionary, and then the message breaks, which is told
            let _ = self.stream.set_dictionary(window);
        }
    }
}

/// What one call of the decompressor took and made, also when it failed.
struct Step {
    taken: usize,
    made: usize,
    status: Result<Status, NotDeflate>,
}

impl Step {
    fn hand_on(&self, history: &mut History, room: &[u8], give: &mut impl FnMut(&[u8])) {
        if self.made > 0 {
            history.push(&room[..self.made]);
            give(&room[..self.made]);
        }
    }
}

#[cfg(test)]
mod tests;
