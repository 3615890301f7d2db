//! Acts to bytes and back.

use super::{Decoder, Encoder, Tag};
use crate::capture::act::{Act, By, Deed};
use crate::ws::{Direction, Opcode};

impl Encoder<'_> {
    pub(super) fn act(&mut self, act: &Act) {
        let start = self.begin(Tag::Act);
        self.number(act.session.into());
        self.number(act.time.0);
        self.direction(act.direction);
        self.number(act.number.map_or(0, |number| number + 1));
        self.number(act.held.map_or(0, |held| held + 1));
        self.by(&act.by);
        self.deed(&act.deed);
        self.finish(start);
    }

    pub(super) fn by(&mut self, by: &By) {
        match by {
            By::User => self.number(0),
            By::Proxy => self.number(1),
            By::Rule(name) => {
                self.number(2);
                self.text(name);
            }
        }
    }

    fn direction(&mut self, direction: Direction) {
        self.number(u64::from(direction == Direction::ToClient));
    }

    fn deed(&mut self, deed: &Deed) {
        self.number(number(deed));
        match deed {
            Deed::Edited(opcode, payload) => {
                self.number(opcode.bits().into());
                self.payload(payload);
            }
            Deed::Duplicated(count) | Deed::Reordered(count) => self.number((*count).into()),
            Deed::Delayed(time) => self.duration(Some(*time)),
            Deed::Corrupted(count) | Deed::Truncated(count) | Deed::OthersDropped(count) => {
                self.number(*count);
            }
            Deed::Closed(code, reason) => {
                self.number((*code).into());
                self.text(reason);
            }
            Deed::Stalled(direction, time) => {
                self.direction(*direction);
                self.duration(*time);
            }
            Deed::Throttled(direction, words) => {
                self.direction(*direction);
                self.text(words);
            }
            Deed::Sent(direction, opcode) => {
                self.direction(*direction);
                self.number(opcode.bits().into());
            }
            Deed::Refused(status) => self.number((*status).into()),
            Deed::Held
            | Deed::Released
            | Deed::Dropped
            | Deed::Reset
            | Deed::Marked
            | Deed::RecordingStopped
            | Deed::Full
            | Deed::Lifted
            | Deed::Unjudged => {}
        }
    }
}

/// What stands for a kind of deed.
fn number(deed: &Deed) -> u64 {
    match deed {
        Deed::Held => 0,
        Deed::Released => 1,
        Deed::Edited(..) => 2,
        Deed::Dropped => 3,
        Deed::Duplicated(_) => 4,
        Deed::Delayed(_) => 5,
        Deed::Reordered(_) => 6,
        Deed::Corrupted(_) => 7,
        Deed::Truncated(_) => 8,
        Deed::Closed(..) => 9,
        Deed::Reset => 10,
        Deed::Stalled(..) => 11,
        Deed::Throttled(..) => 12,
        Deed::Marked => 13,
        Deed::RecordingStopped => 14,
        Deed::Refused(_) => 15,
        Deed::Full => 16,
        Deed::Sent(..) => 17,
        Deed::Lifted => 18,
        Deed::OthersDropped(_) => 19,
        Deed::Unjudged => 20,
    }
}

impl Decoder<'_> {
    pub(super) fn act(&mut self) -> Option<Act> {
        Some(Act {
            session: self.small()?,
            time: self.stamp()?,
            direction: self.direction()?,
            number: self.number()?.checked_sub(1),
            held: self.number()?.checked_sub(1),
            by: self.by()?,
            deed: self.deed()?,
        })
    }

    pub(super) fn by(&mut self) -> Option<By> {
        match self.number()? {
            0 => Some(By::User),
            1 => Some(By::Proxy),
            2 => Some(By::Rule(self.text()?.into())),
            _ => None,
        }
    }

    fn deed(&mut self) -> Option<Deed> {
        Some(match self.number()? {
            0 => Deed::Held,
            1 => Deed::Released,
            2 => Deed::Edited(self.opcode()?, self.payload()?),
            3 => Deed::Dropped,
            4 => Deed::Duplicated(self.small()?),
            5 => Deed::Delayed(self.duration()??),
            6 => Deed::Reordered(self.small()?),
            7 => Deed::Corrupted(self.number()?),
            8 => Deed::Truncated(self.number()?),
            9 => Deed::Closed(self.code()?, self.text()?),
            10 => Deed::Reset,
            11 => Deed::Stalled(self.direction()?, self.duration()?),
            12 => Deed::Throttled(self.direction()?, self.text()?),
            13 => Deed::Marked,
            14 => Deed::RecordingStopped,
            15 => Deed::Refused(self.code()?),
            16 => Deed::Full,
            17 => Deed::Sent(self.direction()?, self.opcode()?),
            18 => Deed::Lifted,
            19 => Deed::OthersDropped(self.number()?),
            20 => Deed::Unjudged,
            _ => return None,
        })
    }

    fn direction(&mut self) -> Option<Direction> {
        Some(if self.number()? == 0 { Direction::ToServer } else { Direction::ToClient })
    }

    fn opcode(&mut self) -> Option<Opcode> {
        Some(Opcode::from_bits(u8::try_from(self.number()?).ok()?))
    }

    fn code(&mut self) -> Option<u16> {
        u16::try_from(self.number()?).ok()
    }
}
