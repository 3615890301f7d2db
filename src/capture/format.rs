//! The log's own binary form of an [`Event`], made for appending fast and reading one row at a time. It never
//! leaves the machine nor outlives the process: the public form is the recording's.
//!
//! A record is its length (4 octets, little-endian, without themselves), a tag, and fields: unsigned numbers as
//! LEB128, byte strings with their length in front. A message's payload is its last field, so that a row can be
//! read without it.

mod act;
mod decode;
mod encode;
mod tls;

pub(super) use decode::Decoder;
pub(super) use encode::{Encoder, MessageHead, push_frame};

/// Octets of the length in front of each record.
pub(super) const LENGTH: usize = 4;

/// What a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tag {
    Message = 1,
    Asked,
    Opened,
    Refused,
    Tunnel,
    Ended,
    Requested,
    Responded,
    Exchanged,
    Note,
    /// A part of a payload that a later record refers to.
    Piece,
    /// The positions of a stretch of one session's rows.
    Rows,
    /// An opening written again, before the file that held it was removed: its own record follows, tag first.
    Kept,
    Act,
}

impl Tag {
    pub(super) fn from_octet(octet: u8) -> Option<Tag> {
        const TAGS: [Tag; 14] = [
            Tag::Message,
            Tag::Asked,
            Tag::Opened,
            Tag::Refused,
            Tag::Tunnel,
            Tag::Ended,
            Tag::Requested,
            Tag::Responded,
            Tag::Exchanged,
            Tag::Note,
            Tag::Piece,
            Tag::Rows,
            Tag::Kept,
            Tag::Act,
        ];
        TAGS.get(usize::from(octet).checked_sub(1)?).copied()
    }

    /// Whether it is an event of its own, as a cursor gives them.
    pub(super) fn is_event(self) -> bool {
        !matches!(self, Tag::Piece | Tag::Rows | Tag::Kept)
    }
}

/// What stands in an opcode's place for bytes that are no frame.
const RAW: u8 = 0x10;

/// How many frames of one message are listed; those beyond are counted.
pub(super) const MOST_FRAMES: u64 = 65_536;

#[cfg(test)]
mod tests;
