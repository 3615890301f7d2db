//! One direction of a session as a pure state machine: what came in, what must be written next, how it ends.
//!
//! [`Relay::next`] says what to do, and what was done is told back; sockets, clocks and wakers are the driver's.
//! There is one path so far, verbatim: what comes leaves as it came and as soon as the receiver takes it.
//! The walker runs along, so that the frame boundary is known at every moment.

mod gate;
mod lane;

pub use gate::{Event, Frame, Gate, Piece, Verdict, Whole};
pub use lane::{Done, Lane, Passing, Room, Surroundings, Told, Who};

use crate::ws::FrameWalker;

/// Octets that are held of one direction before its sender has to wait. A message of more, on the wire or inflated, is not
/// kept until all of it is there, and nobody is asked about it.
pub const HELD_LIMIT: usize = 16 << 20;

/// One direction: bytes from its sender on their way to its receiver.
#[derive(Debug)]
pub struct Relay {
    walker: FrameWalker,
    /// What the receiver has not taken yet, from `taken` on.
    waiting: Vec<u8>,
    taken: usize,
    /// A close frame went by before the walker began.
    closed: bool,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Flowing,
    /// The sender has ended so; the receiver has yet to be told.
    Ending(Shut),
    /// The receiver is to be told of this end, after all that waits.
    Finishing(Shut),
    Over,
}

/// What to do next.
#[derive(Debug, PartialEq, Eq)]
pub enum Step<'a> {
    /// Read from the sender; then [`Relay::received`], or [`Relay::ended`].
    Read,
    /// Write this to the receiver; then [`Relay::wrote`].
    Write(&'a [u8]),
    /// End the receiver's connection in this direction; then [`Relay::shut`].
    Shut(Shut),
    /// Nothing: this direction is over.
    Nothing,
}

/// How a direction ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shut {
    /// With all bytes delivered (FIN).
    Fin,
    /// At once (RST): what was not delivered is lost, as the sender's reset means.
    Reset,
}

impl Relay {
    /// A direction in which nothing has come yet.
    pub fn new() -> Relay {
        Relay {
            walker: FrameWalker::new(),
            waiting: Vec::new(),
            taken: 0,
            closed: false,
            state: State::Flowing,
        }
    }

    /// What to do next. Nothing is read before all that came is written, so memory holds one read at the most.
    pub fn next(&self) -> Step<'_> {
        match self.state {
            State::Over => Step::Nothing,
            State::Ending(Shut::Reset) => Step::Shut(Shut::Reset),
            _ if self.taken < self.waiting.len() => Step::Write(&self.waiting[self.taken..]),
            State::Ending(shut) | State::Finishing(shut) => Step::Shut(shut),
            State::Flowing => Step::Read,
        }
    }

    /// `bytes` came, of which the receiver took the first `taken` at once.
    pub fn received(&mut self, bytes: &[u8], taken: usize) {
        self.walker.skip(bytes);
        self.waiting.extend_from_slice(&bytes[taken.min(bytes.len())..]);
    }

    /// These go on as well, behind all that waits.
    pub fn push(&mut self, bytes: Vec<u8>) {
        if self.is_over() {
            return;
        }
        if self.waiting.is_empty() {
            self.waiting = bytes;
        } else {
            self.waiting.extend(bytes);
        }
    }

    /// This direction ends so, after all that waits was written.
    pub fn finish(&mut self, shut: Shut) {
        if self.state != State::Over {
            self.state = State::Finishing(shut);
        }
    }

    /// Where in `bytes`, the next to come, the first message ends, with none under way behind it.
    pub fn end_of_message(&self, bytes: &[u8]) -> Option<usize> {
        self.walker.clone().end_of_message(bytes)
    }

    /// The next byte to come begins a message: what was before was not told by [`Relay::received`].
    pub fn between_messages(&mut self) {
        self.closed |= self.walker.has_closed();
        self.walker = FrameWalker::new();
    }

    /// Whether a close frame went by here.
    pub fn has_closed(&self) -> bool {
        self.closed || self.walker.has_closed()
    }

    /// The receiver took `count` of the bytes that [`Step::Write`] gave.
    pub fn wrote(&mut self, count: usize) {
        self.taken = (self.taken + count).min(self.waiting.len());
        if self.taken == self.waiting.len() {
            // An idle direction keeps no memory.
            self.waiting = Vec::new();
            self.taken = 0;
        }
    }

    /// The sender has ended so: nothing more will come. A reset after a FIN counts, a FIN after a reset does not.
    pub fn ended(&mut self, shut: Shut) {
        if self.state == State::Flowing || (shut == Shut::Reset && self.state != State::Over) {
            self.state = State::Ending(shut);
        }
    }

    /// The receiver was told of the end, or is not there any more.
    pub fn shut(&mut self) {
        self.state = State::Over;
        self.waiting = Vec::new();
        self.taken = 0;
    }

    /// Whether nothing is left to do.
    pub fn is_over(&self) -> bool {
        self.state == State::Over
    }

    /// Whether the next byte of the sender begins a message.
    pub fn at_message_boundary(&self) -> bool {
        self.walker.at_message_boundary()
    }
}

impl Default for Relay {
    fn default() -> Relay {
        Relay::new()
    }
}

#[cfg(test)]
mod tests;
