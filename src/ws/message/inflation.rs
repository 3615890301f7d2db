//! The compressed messages of one direction.

use super::open::Open;
use super::{Part, Scratch, Sink};
use crate::ws::inflate::{History, Inflater};
use crate::ws::{Direction, PermessageDeflate, Violation};

/// What compressed messages need between them and, while one is under way, inside it.
#[derive(Debug)]
pub(super) struct Inflation {
    takeover: Takeover,
    history: History,
    /// Borrowed from the [`Scratch`] for as long as a message is under way.
    inflater: Option<Box<Inflater>>,
    limit: u64,
}

/// Whether a message may refer to those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Takeover {
    Kept,
    None,
}

impl Takeover {
    pub fn of(agreed: &PermessageDeflate, direction: Direction) -> Takeover {
        if agreed.no_context_takeover(direction) { Takeover::None } else { Takeover::Kept }
    }
}

impl Inflation {
    /// Gives out at most `limit` bytes of each message.
    pub fn new(takeover: Takeover, limit: u64) -> Inflation {
        Inflation { takeover, history: History::new(), inflater: None, limit }
    }

    /// Reads payload of the message under way.
    pub fn read(&mut self, payload: &[u8], open: &mut Open, spare: &mut Spare, sink: &mut impl Sink) {
        if open.is_broken() || payload.is_empty() {
            return;
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
        let room = Scratch::room(&mut spare.inflated, Scratch::PIECE);
        // RFC 7692 7.2.3.6: even an empty message has one byte, so an inflater
        let ended = self.inflater.as_mut().is_some_and(|inflater| inflater.end(room).is_ok());
        if !ended && !open.is_broken() {
            sink.violation(Part::Data, Violation::CompressedCutShort(open.size()));
        }
        if !ended || open.is_broken() {
            self.history.forget_message();
        }
        if self.takeover == Takeover::None {
            self.history.clear();
        }
        if let Some(inflater) = self.inflater.take() {
            spare.inflater = Some(inflater);
        }
    }

    /// The message will not be finished.
    pub fn abandon(&mut self) {
        self.inflater = None;
        self.history.forget_message();
        if self.takeover == Takeover::None {
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
