//! What was done to the traffic, and by whom.

use std::fmt;
use std::ops::{BitOr, BitOrAssign};
use std::sync::Arc;
use std::time::Duration;

use super::record::{Payload, Stamp};
use crate::ws::{Direction, Opcode};

/// Who did something to the traffic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum By {
    /// The user, by hand or by a command.
    User,
    /// The rule of this name, or its hook.
    Rule(Arc<str>),
    /// The proxy itself: a limit, or the end.
    Proxy,
}

impl fmt::Display for By {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            By::User => f.write_str("the user"),
            // One that was given no name is called `rule 1`.
            By::Rule(name) if name.starts_with("rule ") => f.write_str(name),
            By::Rule(name) => write!(f, "rule {name}"),
            By::Proxy => f.write_str("the proxy"),
        }
    }
}

/// Something that was done to the traffic.
#[derive(Clone, Debug, PartialEq)]
pub struct Act {
    /// The session's number.
    pub session: u32,
    /// When.
    pub time: Stamp,
    /// Which way what it was done to was going; of no account where it [has no side](Act::has_no_side).
    pub direction: Direction,
    /// The number of the message it was done to; none where it was done to the session or its handshake.
    pub number: Option<u64>,
    /// What it is, or was, held under; none where it did not wait for anybody.
    pub held: Option<u64>,
    /// What was done.
    pub deed: Deed,
    /// By whom.
    pub by: By,
}

impl Act {
    /// Whether it was done to a session, as much to its one side as to the other.
    pub fn has_no_side(&self) -> bool {
        let both = Deeds::CLOSED | Deeds::RESET | Deeds::RECORDING_STOPPED | Deeds::SENT;
        self.number.is_none() && self.held.is_none() && self.deed.kind().any(both)
    }
}

/// What was done to a message, or to a session.
#[derive(Clone, Debug, PartialEq)]
pub enum Deed {
    /// It waits for somebody's word, under the number in [`Act::held`]: the user's, or a hook's.
    Held,
    /// It went on as it was, after it was held.
    Released,
    /// This went on in its place.
    Edited(Opcode, Payload),
    /// It did not go on.
    Dropped,
    /// Rules, or the user's wish to hold, might have been about it, and it was not looked at: it was too long, or too broken,
    /// to be kept until all of it was there.
    Unjudged,
    /// So many messages that went this way and waited longer than those that are told of one by one did not go on.
    OthersDropped(u64),
    /// It went on so many times more.
    Duplicated(u32),
    /// It, and what was behind it, went on so much later.
    Delayed(Duration),
    /// So many messages behind it went on before it.
    Reordered(u32),
    /// Octets of it were changed on the wire: how many.
    Corrupted(u64),
    /// So many octets of its frame went on, and then the connection ended.
    Truncated(u64),
    /// The session was closed with this status code and reason.
    Closed(u16, String),
    /// Both connections were reset.
    Reset,
    /// Nothing goes on in this direction for so long; forever where none is said.
    Stalled(Direction, Option<Duration>),
    /// This direction is slowed down, in words: `10 messages a second`.
    Throttled(Direction, String),
    /// What a rule had begun in this direction, a stall or a slower pace, is over: it holds no more, or another way.
    Lifted,
    /// A frame of the proxy's own was sent this way, which is a message by itself.
    Sent(Direction, Opcode),
    /// The user's mark was put on it.
    Marked,
    /// Recordings end with what came before it.
    RecordingStopped,
    /// The handshake was answered with this status, and the server not asked.
    Refused(u16),
    /// What was held is so much that the sender has to wait.
    Full,
}

impl Deed {
    /// The word that recordings and screens use.
    pub fn name(&self) -> &'static str {
        match self {
            Deed::Held => "held",
            Deed::Released => "released",
            Deed::Edited(..) => "edited",
            Deed::Dropped => "dropped",
            Deed::Unjudged => "unjudged",
            Deed::OthersDropped(_) => "others dropped",
            Deed::Duplicated(_) => "duplicated",
            Deed::Delayed(_) => "delayed",
            Deed::Reordered(_) => "reordered",
            Deed::Corrupted(_) => "corrupted",
            Deed::Truncated(_) => "truncated",
            Deed::Closed(..) => "closed",
            Deed::Reset => "reset",
            Deed::Stalled(..) => "stalled",
            Deed::Throttled(..) => "throttled",
            Deed::Lifted => "lifted",
            Deed::Sent(..) => "sent",
            Deed::Marked => "marked",
            Deed::RecordingStopped => "recording stopped",
            Deed::Refused(_) => "refused",
            Deed::Full => "full",
        }
    }

    /// Which of [`Deeds`] it is.
    pub fn kind(&self) -> Deeds {
        match self {
            Deed::Held => Deeds::HELD,
            Deed::Released => Deeds::RELEASED,
            Deed::Edited(..) => Deeds::EDITED,
            Deed::Dropped => Deeds::DROPPED,
            Deed::Unjudged => Deeds::UNJUDGED,
            Deed::OthersDropped(_) => Deeds::OTHERS_DROPPED,
            Deed::Duplicated(_) => Deeds::DUPLICATED,
            Deed::Delayed(_) => Deeds::DELAYED,
            Deed::Reordered(_) => Deeds::REORDERED,
            Deed::Corrupted(_) => Deeds::CORRUPTED,
            Deed::Truncated(_) => Deeds::TRUNCATED,
            Deed::Closed(..) => Deeds::CLOSED,
            Deed::Reset => Deeds::RESET,
            Deed::Stalled(..) => Deeds::STALLED,
            Deed::Throttled(..) => Deeds::THROTTLED,
            Deed::Lifted => Deeds::LIFTED,
            Deed::Sent(..) => Deeds::SENT,
            Deed::Marked => Deeds::MARKED,
            Deed::RecordingStopped => Deeds::RECORDING_STOPPED,
            Deed::Refused(_) => Deeds::REFUSED,
            Deed::Full => Deeds::FULL,
        }
    }

    /// Whether it says of something held that it is so no more.
    pub(super) fn settles(&self) -> bool {
        let ends = Deeds::RELEASED
            | Deeds::EDITED
            | Deeds::DROPPED
            | Deeds::DUPLICATED
            | Deeds::TRUNCATED
            | Deeds::CLOSED
            | Deeds::RESET
            | Deeds::REFUSED;
        self.kind().any(ends)
    }
}

/// Kinds of what was done, several at once: what was done to one message, without the particulars.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Deeds(u32);

impl Deeds {
    /// Nothing.
    pub const NONE: Deeds = Deeds(0);
    /// [`Deed::Held`].
    pub const HELD: Deeds = Deeds(1);
    /// [`Deed::Released`].
    pub const RELEASED: Deeds = Deeds(1 << 1);
    /// [`Deed::Edited`].
    pub const EDITED: Deeds = Deeds(1 << 2);
    /// [`Deed::Dropped`].
    pub const DROPPED: Deeds = Deeds(1 << 3);
    /// [`Deed::Duplicated`].
    pub const DUPLICATED: Deeds = Deeds(1 << 4);
    /// [`Deed::Delayed`].
    pub const DELAYED: Deeds = Deeds(1 << 5);
    /// [`Deed::Reordered`].
    pub const REORDERED: Deeds = Deeds(1 << 6);
    /// [`Deed::Corrupted`].
    pub const CORRUPTED: Deeds = Deeds(1 << 7);
    /// [`Deed::Truncated`].
    pub const TRUNCATED: Deeds = Deeds(1 << 8);
    /// [`Deed::Closed`].
    pub const CLOSED: Deeds = Deeds(1 << 9);
    /// [`Deed::Reset`].
    pub const RESET: Deeds = Deeds(1 << 10);
    /// [`Deed::Stalled`].
    pub const STALLED: Deeds = Deeds(1 << 11);
    /// [`Deed::Throttled`].
    pub const THROTTLED: Deeds = Deeds(1 << 12);
    /// [`Deed::Marked`].
    pub const MARKED: Deeds = Deeds(1 << 13);
    /// [`Deed::RecordingStopped`].
    pub const RECORDING_STOPPED: Deeds = Deeds(1 << 14);
    /// [`Deed::Refused`].
    pub const REFUSED: Deeds = Deeds(1 << 15);
    /// [`Deed::Full`].
    pub const FULL: Deeds = Deeds(1 << 16);
    /// [`Deed::Sent`].
    pub const SENT: Deeds = Deeds(1 << 17);
    /// [`Deed::Lifted`].
    pub const LIFTED: Deeds = Deeds(1 << 18);
    /// [`Deed::OthersDropped`].
    pub const OTHERS_DROPPED: Deeds = Deeds(1 << 19);
    /// [`Deed::Unjudged`].
    pub const UNJUDGED: Deeds = Deeds(1 << 20);

    /// Whether one of these is one of `others`.
    pub fn any(self, others: Deeds) -> bool {
        self.0 & others.0 != 0
    }

    /// Whether nothing was done.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether it differs from what its sender sent, as far as it went on at all.
    pub fn changed(self) -> bool {
        self.any(Deeds::EDITED | Deeds::CORRUPTED | Deeds::TRUNCATED)
    }
}

impl BitOr for Deeds {
    type Output = Deeds;

    fn bitor(self, other: Deeds) -> Deeds {
        Deeds(self.0 | other.0)
    }
}

impl BitOrAssign for Deeds {
    fn bitor_assign(&mut self, other: Deeds) {
        self.0 |= other.0;
    }
}
