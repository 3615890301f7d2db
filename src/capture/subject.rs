//! What a filter sees of the log: any event, together with the opening of the session that it belongs to.

use std::borrow::Cow;
use std::sync::Arc;

use super::Log;
use super::act::{Act, By, Deeds};
use super::record::{Ended, Event, Exchange, Kind, Message, Note, Opening, Payload, Refused, Tunnel};
use super::rule_acts::rule;
use crate::decode::{self, View};
use crate::filter::{self, Flag, Subject};
use crate::ws::handshake::glance;
use crate::ws::{Direction, Opcode};

/// How much of a payload a filter looks at, in octets.
const LOOKED_AT: usize = 1 << 20;
/// How much of what is shown of a payload that is no text a filter looks at, in characters.
const SHOWN: usize = 1 << 16;

/// A row that a [`filter::Filter`] can be asked about.
#[derive(Clone, Copy)]
pub struct Row<'a> {
    what: What<'a>,
    opening: Option<&'a Opening>,
    log: Option<&'a Log>,
    marked: bool,
    done: Option<(Deeds, &'a [Arc<str>])>,
}

#[derive(Clone, Copy)]
enum What<'a> {
    Session(&'a Opening),
    Refused(&'a Refused),
    Tunnel(&'a Tunnel),
    Message(&'a Message),
    Ended(&'a Ended),
    Exchange(&'a Exchange),
    Note(&'a Note),
    Act(&'a Act),
}

impl<'a> Row<'a> {
    /// An event, and the opening of its session where it has one. Payloads that are in a log are not looked at
    /// until [`Row::in_log`] says which.
    pub fn of_event(event: &'a Event, opening: Option<&'a Opening>) -> Row<'a> {
        let what = match event {
            Event::Asked(opening) | Event::Opened(opening) => What::Session(opening),
            Event::Refused(refused) => What::Refused(refused),
            Event::Tunnel(tunnel) => What::Tunnel(tunnel),
            Event::Message(message) => What::Message(message),
            Event::Ended(ended) => What::Ended(ended),
            Event::Requested(exchange) | Event::Responded(exchange) | Event::Exchanged(exchange) => {
                What::Exchange(exchange)
            }
            Event::Note(note) => What::Note(note),
            Event::Act(act) => What::Act(act),
        };
        Row { what, opening, log: None, marked: false, done: None }
    }

    /// A message, and the opening of its session.
    pub fn of_message(message: &'a Message, opening: Option<&'a Opening>) -> Row<'a> {
        Row { what: What::Message(message), opening, log: None, marked: false, done: None }
    }

    /// The same, in `log`: its payload is read from there where it is not in memory, and what was done to it.
    pub fn in_log(self, log: &'a Log) -> Row<'a> {
        Row { log: Some(log), ..self }
    }

    /// The same, with the user's mark on it.
    pub fn marked(self) -> Row<'a> {
        Row { marked: true, ..self }
    }

    /// The same, and this was done to it, some of it by the rules of these names, whatever the log says.
    pub fn done(self, deeds: Deeds, rules: &'a [Arc<str>]) -> Row<'a> {
        Row { done: Some((deeds, rules)), ..self }
    }

    /// What was done to it.
    fn deeds(&self) -> Deeds {
        match self.what {
            What::Act(act) => act.deed.kind(),
            What::Message(message) => self
                .done
                .map(|(deeds, _)| deeds)
                .or_else(|| self.log.map(|log| log.deeds(message.session, message.number)))
                .unwrap_or_default(),
            _ => Deeds::NONE,
        }
    }

    fn opening(&self) -> Option<&'a Opening> {
        match self.what {
            What::Session(opening) => Some(opening),
            What::Refused(refused) => Some(&refused.opening),
            _ => self.opening,
        }
    }

    /// The start of a payload, as far as it is looked at.
    fn bytes(&self, payload: &'a Payload) -> Cow<'a, [u8]> {
        match (payload.in_memory(), self.log) {
            (Some(bytes), _) => Cow::Borrowed(&bytes[..bytes.len().min(LOOKED_AT)]),
            // What the log has let go cannot match.
            (None, Some(log)) => Cow::Owned(log.read(payload, 0, LOOKED_AT).unwrap_or_default().to_vec()),
            (None, None) => Cow::Borrowed(&[]),
        }
    }

    fn message_text(&self, message: &'a Message) -> Cow<'a, str> {
        let bytes = self.bytes(&message.payload);
        let opcode = match message.kind {
            Kind::Frame(Opcode::Close) => return close_text(&bytes).into(),
            Kind::Frame(opcode) => opcode,
            Kind::Raw => Opcode::Binary,
        };
        let payload = decode::Payload::start_of(&bytes, message.payload.len());
        match decode::detect(opcode, payload) {
            view @ (View::MessagePack | View::Cbor) => decode::summary(view, payload, SHOWN).into(),
            _ => lossy(bytes),
        }
    }
}

impl Subject for Row<'_> {
    fn kind(&self) -> filter::Kind {
        match self.what {
            What::Session(_) => filter::Kind::Session,
            What::Refused(_) => filter::Kind::Refused,
            What::Tunnel(_) => filter::Kind::Tunnel,
            What::Message(Message { kind: Kind::Frame(opcode), .. }) => filter::Kind::Frame(*opcode),
            What::Message(Message { kind: Kind::Raw, .. }) => filter::Kind::Raw,
            What::Ended(_) => filter::Kind::Ended,
            What::Exchange(_) => filter::Kind::Exchange,
            What::Note(_) | What::Act(_) => filter::Kind::Note,
        }
    }

    fn direction(&self) -> Option<Direction> {
        match self.what {
            What::Message(message) => Some(message.direction),
            What::Act(act) => Some(act.direction),
            _ => None,
        }
    }

    fn size(&self) -> Option<u64> {
        match self.what {
            What::Message(message) => Some(message.size),
            What::Exchange(exchange) => Some(exchange.response_size),
            _ => None,
        }
    }

    fn wire_size(&self) -> Option<u64> {
        match self.what {
            What::Message(message) => Some(message.wire_size),
            _ => self.size(),
        }
    }

    fn code(&self) -> Option<u16> {
        match self.what {
            What::Message(message) if message.kind == Kind::Frame(Opcode::Close) => {
                self.bytes(&message.payload).first_chunk().map(|code| u16::from_be_bytes(*code))
            }
            What::Session(Opening { response, .. })
            | What::Refused(Refused { opening: Opening { response, .. }, .. })
            | What::Exchange(Exchange { response, .. }) => word(response, 1)?.parse().ok(),
            _ => None,
        }
    }

    fn url(&self) -> &str {
        match self.what {
            What::Tunnel(tunnel) => &tunnel.target,
            What::Exchange(exchange) => &exchange.url,
            _ => self.opening().map_or("", |opening| &opening.url),
        }
    }

    fn method(&self) -> &str {
        let request = match self.what {
            What::Exchange(exchange) => &exchange.request,
            What::Tunnel(_) => return "CONNECT",
            _ => match self.opening() {
                Some(opening) => &opening.request,
                None => return "",
            },
        };
        word(request, 0).unwrap_or("")
    }

    fn subprotocol(&self) -> &str {
        let response = self.opening().map(|opening| &opening.response[..]);
        let mut values =
            response.into_iter().flat_map(|response| glance::values(response, "Sec-WebSocket-Protocol"));
        values.find_map(|value| std::str::from_utf8(value).ok()).unwrap_or("")
    }

    fn tls(&self) -> Cow<'_, str> {
        let tls = match self.what {
            What::Tunnel(tunnel) => tunnel.tls.as_ref(),
            What::Exchange(exchange) => exchange.tls.as_ref(),
            _ => self.opening().and_then(|opening| opening.tls.as_ref()),
        };
        tls.map(|tls| tls.words()).unwrap_or_default().into()
    }

    fn session(&self) -> Option<u32> {
        match self.what {
            What::Session(opening) => Some(opening.session),
            What::Refused(refused) => Some(refused.opening.session),
            What::Tunnel(tunnel) => Some(tunnel.session),
            What::Message(message) => Some(message.session),
            What::Ended(ended) => Some(ended.session),
            What::Exchange(_) => None,
            What::Act(act) => Some(act.session),
            What::Note(note) => match note.flow {
                Some(super::Flow::Session(session)) => Some(session),
                _ => None,
            },
        }
    }

    fn exchange(&self) -> Option<u32> {
        match self.what {
            What::Exchange(exchange) => Some(exchange.exchange),
            What::Note(Note { flow: Some(super::Flow::Exchange(exchange)), .. }) => Some(*exchange),
            _ => None,
        }
    }

    fn number(&self) -> Option<u64> {
        match self.what {
            What::Message(message) => Some(message.number),
            What::Act(act) => act.number,
            _ => None,
        }
    }

    fn text(&self) -> Cow<'_, str> {
        match self.what {
            What::Session(opening) => Cow::Borrowed(&opening.url),
            What::Refused(refused) => format!("{} {}", refused.opening.url, refused.why).into(),
            What::Tunnel(tunnel) => format!("{} {}", tunnel.target, tunnel.why).into(),
            What::Message(message) => self.message_text(message),
            What::Ended(ended) => {
                format!("client {}, server {}", ended.client.name(), ended.server.name()).into()
            }
            What::Exchange(exchange) => {
                let error = exchange.error.as_deref().unwrap_or("");
                format!("{} {} {error}", self.method(), exchange.url).into()
            }
            What::Note(note) => Cow::Borrowed(&note.text),
            What::Act(act) => format!("{} by {}", act.deed.name(), act.by).into(),
        }
    }

    fn payload(&self) -> Cow<'_, [u8]> {
        match self.what {
            What::Message(message) => self.bytes(&message.payload),
            What::Refused(refused) => self.bytes(&refused.body),
            What::Exchange(exchange) => self.bytes(&exchange.response_body),
            _ => Cow::Borrowed(&[]),
        }
    }

    fn request_head(&self) -> Cow<'_, [u8]> {
        match self.what {
            What::Exchange(exchange) => Cow::Borrowed(&exchange.request),
            _ => Cow::Borrowed(self.opening().map_or(&[], |opening| &opening.request)),
        }
    }

    fn response_head(&self) -> Cow<'_, [u8]> {
        match self.what {
            What::Exchange(exchange) => Cow::Borrowed(&exchange.response),
            _ => Cow::Borrowed(self.opening().map_or(&[], |opening| &opening.response)),
        }
    }

    fn has_rule(&self, is_meant: &dyn Fn(&str) -> bool) -> bool {
        let is_meant_by = |by: &By| rule(by).is_some_and(|name| is_meant(name));
        match self.what {
            What::Act(act) => is_meant_by(&act.by),
            What::Message(message) => {
                let of_log = |log: &Log| log.rules_on(message.session, message.number);
                message.injected.as_ref().is_some_and(is_meant_by)
                    || match (self.done, self.log) {
                        (Some((_, rules)), _) => rules.iter().any(|name| is_meant(name)),
                        (None, log) => log.is_some_and(|log| of_log(log).iter().any(|name| is_meant(name))),
                    }
            }
            _ => false,
        }
    }

    fn has(&self, flag: Flag) -> bool {
        let message = match self.what {
            What::Message(message) => Some(message),
            _ => None,
        };
        match flag {
            Flag::Marked => self.marked || self.deeds().any(Deeds::MARKED),
            Flag::Violation => message.is_some_and(|message| !message.faults.is_empty()),
            Flag::Compressed => message.is_some_and(|message| message.compressed),
            Flag::Fragmented => {
                message.is_some_and(|message| message.frames.len() as u64 + message.frames_left_out > 1)
            }
            Flag::Held => self.deeds().any(Deeds::HELD),
            Flag::Edited => self.deeds().changed(),
            Flag::Dropped => self.deeds().any(Deeds::DROPPED),
            Flag::Injected => message.is_some_and(|message| message.injected.is_some()),
        }
    }
}

fn lossy(bytes: Cow<'_, [u8]>) -> Cow<'_, str> {
    match bytes {
        Cow::Borrowed(bytes) => String::from_utf8_lossy(bytes),
        Cow::Owned(bytes) => String::from_utf8_lossy(&bytes).into_owned().into(),
    }
}

/// A close's status code and reason as they are shown (RFC 6455 5.5.1).
fn close_text(payload: &[u8]) -> String {
    match payload.split_first_chunk() {
        Some((code, reason)) => {
            format!("{} {}", u16::from_be_bytes(*code), String::from_utf8_lossy(reason)).trim_end().to_owned()
        }
        None => String::new(),
    }
}

/// The word of number `place` in a head's first line.
fn word(head: &[u8], place: usize) -> Option<&str> {
    std::str::from_utf8(glance::first_line_word(head, place)?).ok()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::capture::{Fault, Flow, Leg, Stamp, Tls};

    fn opening() -> Opening {
        Opening {
            session: 3,
            url: "ws://localhost:3000/chat?room=1".to_owned(),
            request: Bytes::from_static(b"GET /chat?room=1 HTTP/1.1\r\nHost: localhost:3000\r\n\r\n"),
            response: Bytes::from_static(
                b"HTTP/1.1 101 Switching Protocols\r\nsec-websocket-protocol:  json \r\n\r\n",
            ),
            ..Opening::default()
        }
    }

    fn message(kind: Kind, payload: &[u8]) -> Message {
        Message {
            session: 3,
            number: 7,
            compressed: true,
            wire_size: 5,
            faults: vec![Fault { what: "odd".to_owned(), section: "RFC 6455 5.1".to_owned() }],
            ..Message::whole(Direction::ToClient, kind, payload.to_vec())
        }
    }

    #[test]
    fn a_message_knows_its_session() {
        let (opening, message) = (opening(), message(Kind::Frame(Opcode::Text), b"hello"));
        let row = Row::of_message(&message, Some(&opening));
        assert_eq!(
            (row.session(), row.number(), row.direction()),
            (Some(3), Some(7), Some(Direction::ToClient))
        );
        assert_eq!((row.path(), row.host(), row.subprotocol()), ("/chat?room=1", "localhost:3000", "json"));
        assert_eq!((row.size(), row.wire_size(), row.code()), (Some(5), Some(5), None));
        assert_eq!((row.text(), row.payload()), ("hello".into(), b"hello"[..].into()));
        assert!(row.has(Flag::Violation) && row.has(Flag::Compressed) && !row.has(Flag::Fragmented));
        assert!(!row.has(Flag::Marked) && row.marked().has(Flag::Marked));
        assert!(Row::of_message(&message, None).url().is_empty());
    }

    #[test]
    fn a_message_knows_what_its_session_spoke_of_tls() {
        let leg = Leg { version: Some("TLS 1.3".to_owned()), ..Leg::default() };
        let tls = Some(Arc::new(Tls { client: None, server: Some(leg) }));
        let (opening, message) = (Opening { tls, ..opening() }, message(Kind::Frame(Opcode::Text), b"hello"));
        assert_eq!(Row::of_message(&message, Some(&opening)).tls(), "TLS 1.3");
        assert_eq!(Row::of_message(&message, None).tls(), "");
    }

    #[test]
    fn a_close_is_its_code_and_reason() {
        let message = message(Kind::Frame(Opcode::Close), b"\x11\x31Unauthorized");
        let row = Row::of_message(&message, None);
        assert_eq!((row.code(), row.text()), (Some(4401), "4401 Unauthorized".into()));
    }

    #[test]
    fn what_is_no_text_is_searched_as_it_is_shown() {
        let message = message(Kind::Frame(Opcode::Binary), b"\x81\xa4type\xa4tick");
        assert!(Row::of_message(&message, None).text().contains("tick"));
    }

    #[test]
    fn every_event_has_a_kind_and_a_text() {
        let refused = Refused { opening: opening(), why: "401, not 101".to_owned(), ..Refused::default() };
        let tunnel =
            Tunnel { session: 4, target: "a:443".to_owned(), why: "TLS".to_owned(), ..Tunnel::default() };
        let exchange = Exchange {
            exchange: 2,
            url: "http://a/x".to_owned(),
            request: Bytes::from_static(b"POST /x HTTP/1.1\r\n\r\n"),
            response: Bytes::from_static(b"HTTP/1.1 204 No Content\r\n\r\n"),
            ..Exchange::default()
        };
        let note = Note { time: Stamp(0), flow: Some(Flow::Exchange(2)), text: "hm".to_owned() };
        for (event, kind, text, url, flow) in [
            (
                Event::Opened(opening()),
                filter::Kind::Session,
                "ws://localhost:3000/chat?room=1",
                "/chat",
                Some(3),
            ),
            (Event::Refused(refused), filter::Kind::Refused, "401, not 101", "/chat", Some(3)),
            (Event::Tunnel(tunnel), filter::Kind::Tunnel, "a:443 TLS", "a:443", Some(4)),
            (Event::Exchanged(exchange), filter::Kind::Exchange, "POST http://a/x", "http://a/x", None),
            (Event::Note(note), filter::Kind::Note, "hm", "", None),
        ] {
            let row = Row::of_event(&event, None);
            assert_eq!(row.kind(), kind);
            assert!(row.text().contains(text), "{}", row.text());
            assert!(row.url().contains(url), "{}", row.url());
            assert_eq!(row.session(), flow);
        }
    }

    #[test]
    fn an_exchange_has_a_status_and_a_method() {
        let exchange = Exchange {
            request: Bytes::from_static(b"POST /x HTTP/1.1\r\n\r\n"),
            response: Bytes::from_static(b"HTTP/1.1 204 No Content\r\n\r\n"),
            ..Exchange::default()
        };
        let event = Event::Exchanged(exchange);
        let row = Row::of_event(&event, None);
        assert_eq!((row.code(), row.method()), (Some(204), "POST"));
    }
}
