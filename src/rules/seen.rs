//! What a rule's filter is asked about: a session's handshake, or a message on its way.

use std::borrow::Cow;

use bytes::Bytes;

use crate::decode::{self, View};
use crate::filter::{Filter, Flag, Kind, Reads, Subject};
use crate::ws::{Close, Direction, Opcode, StatusCode};

/// What all messages of a session share.
#[derive(Clone, Debug, Default)]
pub struct Flow {
    /// The session's number.
    pub session: u32,
    /// The server's URL.
    pub url: String,
    /// The subprotocol chosen; empty where none is, or not yet.
    pub subprotocol: String,
    /// The request's head as the client sent it.
    pub request: Bytes,
    /// The response's head as the server sent it; empty until it is there.
    pub response: Bytes,
    /// What TLS came to, as the filter's `tls:` reads it.
    pub tls: String,
}

impl Flow {
    /// Whether `filter` could match some message that goes in `direction`.
    pub fn may_match(&self, filter: &Filter, direction: Direction) -> bool {
        let seen = Seen {
            flow: self,
            direction,
            opcode: Opcode::Text,
            payload: Some(&[]),
            wire_size: 0,
            compressed: false,
        };
        // Of a message's own facts only this is known yet; what is shared may decide as well.
        filter.verdict(&seen, Reads::Direction) != Some(false)
    }
}

impl Subject for Flow {
    fn kind(&self) -> Kind {
        Kind::Session
    }

    fn url(&self) -> &str {
        &self.url
    }

    fn subprotocol(&self) -> &str {
        &self.subprotocol
    }

    fn tls(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.tls)
    }

    fn session(&self) -> Option<u32> {
        Some(self.session)
    }

    fn request_head(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.request)
    }

    fn response_head(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.response)
    }
}

/// A message or control frame on its way.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// Its session.
    pub flow: &'a Flow,
    /// Which way it goes.
    pub direction: Direction,
    /// Of its first frame.
    pub opcode: Opcode,
    /// Its payload, unmasked and inflated; none where it could not be inflated.
    pub payload: Option<&'a [u8]>,
    /// Payload octets on the wire.
    pub wire_size: u64,
    /// Whether it was compressed.
    pub compressed: bool,
}

impl Subject for Seen<'_> {
    fn kind(&self) -> Kind {
        Kind::Frame(self.opcode)
    }

    fn direction(&self) -> Option<Direction> {
        Some(self.direction)
    }

    fn size(&self) -> Option<u64> {
        Some(self.payload.map_or(self.wire_size, |payload| payload.len() as u64))
    }

    fn wire_size(&self) -> Option<u64> {
        Some(self.wire_size)
    }

    fn code(&self) -> Option<u16> {
        let close = self.payload.filter(|_| self.opcode == Opcode::Close)?;
        Close::parse(close).code.map(|code| code.0)
    }

    fn text(&self) -> Cow<'_, str> {
        let payload = self.payload.unwrap_or_default();
        match self.opcode {
            Opcode::Close => close_text(payload).into(),
            // Only binary messages are taken for MessagePack or CBOR.
            Opcode::Text => String::from_utf8_lossy(payload),
            opcode => match decode::detect(opcode, payload) {
                view @ (View::MessagePack | View::Cbor) => decode::summary(view, payload, SHOWN).into(),
                _ => String::from_utf8_lossy(payload),
            },
        }
    }

    fn shows_payload(&self) -> bool {
        self.opcode == Opcode::Text
    }

    fn payload(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(self.payload.unwrap_or_default())
    }

    fn has(&self, flag: Flag) -> bool {
        flag == Flag::Compressed && self.compressed
    }

    fn url(&self) -> &str {
        &self.flow.url
    }

    fn subprotocol(&self) -> &str {
        &self.flow.subprotocol
    }

    fn tls(&self) -> Cow<'_, str> {
        self.flow.tls()
    }

    fn session(&self) -> Option<u32> {
        Some(self.flow.session)
    }

    fn request_head(&self) -> Cow<'_, [u8]> {
        self.flow.request_head()
    }

    fn response_head(&self) -> Cow<'_, [u8]> {
        self.flow.response_head()
    }
}

/// A close's status code and reason as they are shown (RFC 6455 5.5.1).
fn close_text(payload: &[u8]) -> String {
    let Close { code, reason } = Close::parse(payload);
    let text =
        |code: StatusCode| format!("{} {}", code.0, String::from_utf8_lossy(reason)).trim_end().to_owned();
    code.map(text).unwrap_or_default()
}

/// How much of what is shown of a payload that is no text a filter looks at, in characters.
const SHOWN: usize = 1 << 16;
