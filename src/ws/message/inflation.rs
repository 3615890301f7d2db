//! The compressed messages of one direction.

use super::open::Open;
use super::{Part, Scratch, Sink};
use crate::ws::inflate::{History, Inflater, farthest_reference};
use crate::ws::{Direction, PermessageDeflate, Violation};

const LARGEST_WINDOW_BITS: u8 = 15;
/// How much of a message's payload is looked at for references beyond the window.
const WATCHED: usize = 64 * 1024;
/// How much room for that is kept from message to message.
const KEPT: usize = 1024;

/// What compressed messages need between them and, while one is under way, inside it.
#[derive(Debug)]
pub(super) struct Inflation {
    no_context_takeover: bool,
    window_bits: u8,
    history: History,
    /// Borrowed from the [`Scratch`] for as long as a message is under way.
    inflater: Option<Box<Inflater>>,
    /// The message's payload as far as it is looked at for references beyond the window; kept only where a window
    /// smaller than the largest was agreed.
    watched: Vec<u8>,
    limit: u64,
}

impl Inflation {
    /// For what was agreed and who sends; gives out at most `limit` bytes of each message.
    pub fn new(agreed: &PermessageDeflate, direction: Direction, limit: u64) -> Inflation {
        Inflation {
            no_context_takeover: agreed.no_context_takeover(direction),
            window_bits: agreed.max_window_bits(direction),
            history: History::new(),
            inflater: None,
            watched: Vec::new(),
            limit,
        }
    }

    /// What the next message may refer to.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// Reads payload of the message under way.
    pub fn read(&mut self, payload: &[u8], open: &mut Open, spare: &mut Spare, sink: &mut impl Sink) {
        if open.is_broken() || payload.is_empty() {
            return;
        }
        if self.window_bits < LARGEST_WINDOW_BITS {
            let wanted = WATCHED - self.watched.len();
            self.watched.extend(payload.iter().take(wanted));
        }
        let Inflation { history, limit, .. } = self;
        let inflater = self.inflater.get_or_insert_with(|| {
            let mut inflater = spare.inflater.take().unwrap_or_default();
            inflater.begin(history);
            inflater
        });
        let room = Scratch::room(&mut spare.inflated, Scratch::PIECE);
        let read = inflater.read(payload, history, room, |piece| open.give_up_to(*limit, piece, sink));
        if read.is_err() {
            open.break_off(sink);
        }
    }

    /// The message is over.
    pub fn finish(&mut self, open: &mut Open, spare: &mut Spare, sink: &mut impl Sink) {
        // RFC 7692 7.2.3.6: even an empty message has one byte, so an inflater
        let ends = |inflater: &mut Box<Inflater>| inflater.end(&mut self.history).is_ok();
        if open.is_broken() {
            self.history.forget_message();
        } else if self.inflater.as_mut().is_some_and(ends) {
            self.check_window(sink);
        } else {
            sink.violation(Part::Data, Violation::CompressedCutShort(open.size()));
            self.history.forget_message();
        }
        if let Some(inflater) = self.inflater.take() {
            spare.inflater = Some(inflater);
        }
        self.leave_message();
    }

    /// Tells of references that a receiver with the agreed window could not follow.
    fn check_window(&self, sink: &mut impl Sink) {
        if let Some(distance) = farthest_reference(&self.watched)
            && u32::from(distance) > 1 << self.window_bits
        {
            let bits = self.window_bits;
            sink.violation(Part::Data, Violation::WindowExceeded { bits, distance });
        }
    }

    /// The message will not be finished.
    pub fn abandon(&mut self) {
        self.inflater = None;
        self.history.forget_message();
        self.leave_message();
    }

    fn leave_message(&mut self) {
        self.watched.clear();
        self.watched.shrink_to(KEPT);
        if self.no_context_takeover {
            self.history.clear();
        }
    }
}

/// Room to inflate in, and a decompressor between messages.
#[derive(Debug, Default)]
pub(super) struct Spare {
    inflated: Vec<u8>,
    inflater: Option<Box<Inflater>>,
}
