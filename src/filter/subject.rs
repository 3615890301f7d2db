//! What a filter is asked about: the rows of the log, as far as each has something to say.

use std::borrow::Cow;

use crate::ws::{Direction, Opcode};

/// What a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A message or a control frame, by its opcode.
    Frame(Opcode),
    /// Bytes after framing was lost.
    Raw,
    /// A session (asked for, open or over).
    Session,
    /// An opening handshake that failed.
    Refused,
    /// A connection relayed unread.
    Tunnel,
    /// The end of a session.
    Ended,
    /// A plain HTTP request and its response.
    Exchange,
    /// A remark of the proxy's own.
    Note,
}

/// Something a row is or is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Flag {
    /// The user marked it.
    Marked,
    /// It broke a MUST.
    Violation,
    /// It is, or was, held.
    Held,
    /// A user or rule changed it.
    Edited,
    /// A user or rule dropped it.
    Dropped,
    /// The proxy made it.
    Injected,
    /// It was compressed on the wire.
    Compressed,
    /// It came in more than one frame.
    Fragmented,
}

/// A row that a filter can be asked about. Each accessor is called only when the filter needs it;
/// an implementer states what it has and leaves the rest.
pub trait Subject {
    /// What it is.
    fn kind(&self) -> Kind;

    /// Which way it went.
    fn direction(&self) -> Option<Direction> {
        None
    }

    /// Its opcode.
    fn opcode(&self) -> Option<Opcode> {
        match self.kind() {
            Kind::Frame(opcode) => Some(opcode),
            _ => None,
        }
    }

    /// Octets of the payload after inflate.
    fn size(&self) -> Option<u64> {
        None
    }

    /// Octets of the payload on the wire.
    fn wire_size(&self) -> Option<u64> {
        self.size()
    }

    /// A close's status code, or the status of an HTTP response.
    fn code(&self) -> Option<u16> {
        None
    }

    /// The server's URL.
    fn url(&self) -> &str {
        ""
    }

    /// The path in the URL, with its query.
    fn path(&self) -> &str {
        let (_, path) = split_url(self.url());
        path
    }

    /// The server's host, with its port where the URL has one.
    fn host(&self) -> &str {
        let (host, _) = split_url(self.url());
        host
    }

    /// The request's method.
    fn method(&self) -> &str {
        "GET"
    }

    /// The subprotocol chosen.
    fn subprotocol(&self) -> &str {
        ""
    }

    /// What TLS came to: versions, `unverified`, `failed`. Empty where none was spoken.
    fn tls(&self) -> Cow<'_, str> {
        Cow::Borrowed("")
    }

    /// The session's number.
    fn session(&self) -> Option<u32> {
        None
    }

    /// The exchange's number.
    fn exchange(&self) -> Option<u32> {
        None
    }

    /// The message's number in its session.
    fn number(&self) -> Option<u64> {
        None
    }

    /// What is shown of it: plain words and `/regex/` look here.
    fn text(&self) -> Cow<'_, str> {
        match self.payload() {
            Cow::Borrowed(bytes) => String::from_utf8_lossy(bytes),
            Cow::Owned(bytes) => Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
        }
    }

    /// Whether what is shown of it is its payload, as it is but for what is no UTF-8.
    fn shows_payload(&self) -> bool {
        false
    }

    /// Its payload.
    fn payload(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&[])
    }

    /// The head of the request that opened its session or exchange.
    fn request_head(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&[])
    }

    /// The head of the response that opened its session or exchange.
    fn response_head(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&[])
    }

    /// Whether a rule did something to it, or made it, of whose name `is_meant` is true.
    fn has_rule(&self, _is_meant: &dyn Fn(&str) -> bool) -> bool {
        false
    }

    /// Whether it is what the flag says.
    fn has(&self, _flag: Flag) -> bool {
        false
    }
}

/// Authority and path of a URL; what has no scheme and begins with `/` is all path.
fn split_url(url: &str) -> (&str, &str) {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    rest.split_at(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_its_host_and_its_path() {
        assert_eq!(split_url("ws://127.0.0.1:3000/chat?room=1"), ("127.0.0.1:3000", "/chat?room=1"));
        assert_eq!(split_url("wss://[::1]:1"), ("[::1]:1", ""));
        assert_eq!(split_url("/chat"), ("", "/chat"));
        assert_eq!(split_url("example.com:443"), ("example.com:443", ""));
    }
}
