//! Inflating the messages of permessage-deflate (RFC 7692 7.2.2), whatever window was agreed.
//!
//! Each message is inflated by a decompressor that is told the [`History`], so that one decompressor serves any number
//! of sessions, and an idle one holds no more than the history it needs.
//!
//! A 15-bit window reads what any smaller one wrote. The cost is bounded by the wire: deflate gives at most 1032 bytes
//! for one, at tens of gigabytes a second, so even a zip bomb takes no more than some tens of nanoseconds for each of
//! its bytes.

mod reach;

pub(super) use reach::farthest_reference;

use flate2::{Decompress, FlushDecompress, Status};

/// The largest window of deflate.
const WINDOW: usize = 32 * 1024;
/// How far the history may outgrow the window before it is cut back.
const SLACK: usize = 8 * 1024;
/// RFC 7692 7.2.2: what the sender cut off, an empty stored block without its first bits.
pub(super) const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];
/// An empty last block. Read as such only where a block may begin.
const LAST_BLOCK: [u8; 2] = [0x03, 0x00];

/// What the messages so far inflated to, as far back as the next one may refer (RFC 7692 7.1.1, context takeover).
#[derive(Clone, Debug, Default)]
pub struct History {
    bytes: Vec<u8>,
    /// How much of it was there when the message under way began, while that is still known.
    before_message: Option<usize>,
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
        if let Some(length) = self.before_message.take() {
            self.bytes.truncate(length);
        }
    }
}

/// Inflates one message after the other, of one session or of many.
#[derive(Debug)]
pub struct Inflater {
    stream: Decompress,
    /// Nothing was read since the stream began.
    fresh: bool,
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
        Inflater { stream: Decompress::new(false), fresh: true }
    }

    /// A message begins that may refer to `history`.
    pub fn begin(&mut self, history: &mut History) {
        history.begin_message();
        self.restart(history);
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
            self.fresh &= step.taken == 0;
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

    /// The message is over.
    pub fn end(&mut self, room: &mut [u8]) -> Result<(), CutShort> {
        // after a last block the sender may, but need not, have sent the beginning of another
        if !self.fresh {
            let tail = self.step(&TAIL, room);
            if tail.status.is_err() || tail.taken < TAIL.len() || tail.made > 0 {
                return Err(CutShort);
            }
            let last = self.step(&LAST_BLOCK, room);
            if last.status != Ok(Status::StreamEnd) || last.made > 0 {
                return Err(CutShort);
            }
        }
        Ok(())
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

    /// One call of the decompressor.
    fn step(&mut self, payload: &[u8], room: &mut [u8]) -> Step {
        let (before_in, before_out) = (self.stream.total_in(), self.stream.total_out());
        let status = self.stream.decompress(payload, room, FlushDecompress::Sync).map_err(|_| NotDeflate);
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
