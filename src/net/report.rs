//! Tells the log about one request and what came of it: an exchange, or the attempt to open a session.

use std::sync::Arc;

use bytes::Bytes;

use super::accept::Asked;
use super::drive::Watch;
use super::edit::Edited;
use super::exchange::{Carried, Kind};
use super::target::Authority;
use super::transport::Transport;
use crate::capture::{
    Act, By, Deed, Event, Exchange, Mode, Opening, Payload, Refused, Tap, Timing, Tls, Tunnel,
};
use crate::ws::handshake::{self, RequestHead, ResponseHead};
use crate::ws::{Direction, Opcode};

/// What is known so far.
pub(super) struct Report {
    tap: Tap,
    mode: Mode,
    client: String,
    about: About,
    /// The number of the tunnel that an exchange became.
    became: Option<u32>,
}

enum About {
    Session { opening: Opening, body: Payload },
    Exchange(Exchange),
}

impl Report {
    pub(super) fn new(tap: Tap, mode: Mode, client: String, kind: Kind) -> Report {
        let about = match kind {
            Kind::WebSocket => About::Session {
                opening: Opening { session: tap.next_session(), ..Opening::default() },
                body: Payload::default(),
            },
            Kind::Plain | Kind::Upgrade => {
                About::Exchange(Exchange { exchange: tap.next_exchange(), ..Exchange::default() })
            }
        };
        Report { tap, mode, client, about, became: None }
    }

    /// The session's number; of an exchange that became something else, a new one.
    pub(super) fn session(&mut self) -> u32 {
        match &self.about {
            About::Session { opening, .. } => opening.session,
            About::Exchange(_) => *self.became.get_or_insert_with(|| self.tap.next_session()),
        }
    }

    /// This is known of the TLS on both sides.
    pub(super) fn secured(&mut self, tls: Option<Arc<Tls>>) {
        match &mut self.about {
            About::Session { opening, .. } => opening.tls = tls,
            About::Exchange(exchange) => exchange.tls = tls,
        }
    }

    /// The handshake, as far as it is known; none of an exchange.
    pub(super) fn opening(&self) -> Option<&Opening> {
        match &self.about {
            About::Session { opening, .. } => Some(opening),
            About::Exchange(_) => None,
        }
    }

    /// More was edited.
    pub(super) fn edited(&mut self, notes: Vec<String>) {
        if let About::Session { opening, .. } = &mut self.about {
            opening.notes.extend(notes);
        }
    }

    /// The response's head goes to the client as this, by this doing.
    pub(super) fn edited_response(&self, head: Bytes, by: By) {
        let Some(opening) = self.opening() else { return };
        let (time, direction) = (self.tap.log().now(), Direction::ToClient);
        let deed = Deed::Edited(Opcode::Text, Payload::from(head));
        let act = Act { session: opening.session, time, direction, number: None, held: None, deed, by };
        self.tap.event(Event::Act(act));
    }

    /// The request is there, for `authority`, or for nobody where it names no server.
    pub(super) fn asked(&mut self, authority: Option<&Authority>, asked: &Asked) {
        let path = asked.parts.uri.path_and_query().map_or("/", |path| path.as_str());
        let target = || asked.parts.uri.to_string();
        let time = self.tap.log().now();
        let (mode, client) = (Some(self.mode), self.client.clone());
        match &mut self.about {
            About::Session { opening, .. } => {
                opening.time = time;
                opening.mode = mode;
                opening.client = client;
                opening.url = authority.map_or_else(target, |authority| authority.ws_url(path));
                opening.request = asked.head.clone();
                self.tap.event(Event::Asked(opening.clone()));
            }
            About::Exchange(exchange) => {
                exchange.time = time;
                exchange.mode = mode;
                exchange.client = client;
                exchange.url = authority.map_or_else(target, |authority| authority.http_url(path));
                exchange.request = asked.head.clone();
                self.tap.event(Event::Requested(exchange.clone()));
            }
        }
    }

    /// The server is reached, and about to get this head.
    pub(super) fn sending(&mut self, edited: &Edited, server: &Transport, timing: Timing) {
        let address = server.peer_name();
        let sent = |request: &Bytes| {
            if edited.head == *request { Bytes::new() } else { Bytes::copy_from_slice(&edited.head) }
        };
        let notes = edited.notes.clone();
        match &mut self.about {
            About::Session { opening, .. } => {
                opening.sent = sent(&opening.request);
                opening.notes = notes;
                opening.server = address;
                opening.timing = timing;
            }
            About::Exchange(exchange) => {
                exchange.sent = sent(&exchange.request);
                exchange.notes = notes;
                exchange.server = address;
                exchange.timing = timing;
            }
        }
    }

    /// The response's head is there.
    pub(super) fn responded(&mut self, response: &Bytes) {
        let time = self.tap.log().now();
        match &mut self.about {
            About::Session { opening, .. } => {
                opening.timing.response = Some(time.since(opening.time));
                opening.time = time;
                opening.response = response.clone();
            }
            About::Exchange(exchange) => {
                exchange.response = response.clone();
                exchange.timing.response = Some(time.since(exchange.time));
                self.tap.event(Event::Responded(exchange.clone()));
            }
        }
    }

    /// The proxy itself answers, with this.
    pub(super) fn answered(&mut self, head: &Bytes, body: &Bytes) {
        if let About::Exchange(exchange) = &mut self.about {
            exchange.notes.push("answered by the proxy itself".to_owned());
            exchange.response = head.clone();
            exchange.response_size = body.len() as u64;
            exchange.response_body = Payload::from(body.clone());
        }
    }

    /// All that is to come has come.
    pub(super) fn carried(&mut self, carried: &Carried) {
        match &mut self.about {
            About::Session { opening, body } => {
                opening.timing.response = carried.waited.or(opening.timing.response);
                *body = Payload::from(carried.response_content.kept.clone());
            }
            About::Exchange(exchange) => {
                exchange.timing.response = carried.waited.or(exchange.timing.response);
                exchange.request_size = carried.request_content.size;
                exchange.request_body = Payload::from(carried.request_content.kept.clone());
                exchange.response_size = carried.response_content.size;
                exchange.response_body = Payload::from(carried.response_content.kept.clone());
            }
        }
    }

    /// The protocol was changed: a session is open, or a tunnel where it is another protocol than WebSocket.
    pub(super) fn switched(&mut self) -> Watch {
        if let About::Session { opening, .. } = &self.about {
            self.tap.event(Event::Opened(opening.clone()));
            return Watch::Frames;
        }
        let session = self.session();
        self.over(None);
        if let About::Exchange(exchange) = &self.about {
            self.tap.event(Event::Tunnel(Tunnel {
                session,
                time: exchange.ended.unwrap_or(exchange.time),
                mode: exchange.mode,
                target: exchange.url.clone(),
                client: exchange.client.clone(),
                server: exchange.server.clone(),
                why: "upgraded to another protocol than WebSocket".to_owned(),
                tls: exchange.tls.clone(),
            }));
        }
        Watch::Octets
    }

    /// It is over without a change of protocol; `error` says what went wrong, if the response does not.
    pub(super) fn over(&mut self, error: Option<String>) {
        let time = self.tap.log().now();
        match &mut self.about {
            About::Session { opening, body } => {
                opening.time = time;
                let why = error.unwrap_or_else(|| explain(opening));
                let refused = Refused { opening: opening.clone(), body: std::mem::take(body), why };
                self.tap.event(Event::Refused(refused));
            }
            About::Exchange(exchange) => {
                exchange.ended = Some(time);
                exchange.error = error;
                self.tap.event(Event::Exchanged(exchange.clone()));
            }
        }
    }

    /// What the client sent is no HTTP that hyper reads; it has answered so.
    pub(super) fn unreadable(&mut self, seen: &Bytes, why: &str) {
        let time = self.tap.log().now();
        let (mode, client) = (Some(self.mode), self.client.clone());
        if let About::Exchange(exchange) = &mut self.about {
            exchange.time = time;
            exchange.mode = mode;
            exchange.client = client;
            exchange.request = seen.clone();
        }
        self.over(Some(format!("the request could not be read ({why}), and was answered so by the proxy")));
    }
}

/// Why a server's answer opened no session.
fn explain(opening: &Opening) -> String {
    let request = match RequestHead::parse(&opening.request) {
        Ok(request) => request,
        Err(error) => return handshake::explain_no_request(&opening.request, error),
    };
    let response = match ResponseHead::parse(&opening.response) {
        Ok(response) => response,
        Err(error) => return handshake::explain_no_response(&opening.response, error),
    };
    let status = response.status();
    let why = handshake::examine(&request, Some(&response)).why;
    why.unwrap_or_else(|| format!("the server answered {status}, and the session ended before it began"))
}
