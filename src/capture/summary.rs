//! One line about each flow, kept in memory: what the sessions list shows.

use std::sync::Arc;

use super::act::{Act, By, Deed, Deeds};
use super::record::{Ended, Ending, Event, Exchange, Flow, Message, Mode, Opening, Refused, Stamp, Tunnel};
use super::rule_acts::MOST_RULES;
use super::tls::Tls;
use crate::ws::handshake::glance;
use crate::ws::{Direction, Opcode};

/// What a flow is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FlowKind {
    /// A WebSocket session, or the attempt at one.
    Session,
    /// Bytes relayed unread.
    Tunnel,
    /// A plain HTTP exchange.
    Exchange,
}

/// How far a flow has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// The server has not answered yet.
    Asked,
    /// It is open; a response is under way.
    Open,
    /// It is over.
    Closed,
    /// The handshake or the exchange failed.
    Failed,
}

/// What was done to a flow's messages and to itself, counted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tally {
    /// Times that something was held.
    pub held: u64,
    /// Messages that went on changed: edited, corrupted, cut.
    pub edited: u64,
    /// Messages that did not go on.
    pub dropped: u64,
    /// Messages that the proxy sent.
    pub injected: u64,
    /// Acts of any other kind; that something went on after it was held is none.
    pub others: u64,
    /// The names of the rules that did something, in the order in which they first did.
    pub rules: Vec<Arc<str>>,
    /// What ended it, and who had it done.
    ended: Option<Box<(Deed, By)>>,
}

/// One flow in short.
#[derive(Clone, Debug)]
pub struct Summary {
    /// Which flow.
    pub flow: Flow,
    /// What it is.
    pub kind: FlowKind,
    /// How far it has come.
    pub state: State,
    /// How the client's traffic came in.
    pub mode: Option<Mode>,
    /// The server's URL, or a tunnel's `host:port`.
    pub url: Arc<str>,
    /// The client's address.
    pub client: Arc<str>,
    /// The subprotocol that the server chose.
    pub subprotocol: Option<Arc<str>>,
    /// Whether permessage-deflate was agreed.
    pub deflate: bool,
    /// What TLS came to, in few words ([`super::Tls::words`]); empty where none was spoken.
    pub tls: Arc<str>,
    /// An exchange's method.
    pub method: Option<Arc<str>>,
    /// The response's status, where one came.
    pub status: Option<u16>,
    /// Data messages each way: to the server, to the client.
    pub messages: [u64; 2],
    /// Control frames each way.
    pub controls: [u64; 2],
    /// Octets each way after the handshake; of an exchange, its bodies.
    pub bytes: [u64; 2],
    /// MUSTs broken.
    pub violations: u64,
    /// When it opened (a session: when the server answered).
    pub opened: Stamp,
    /// When something last came.
    pub last: Stamp,
    /// When it ended.
    pub ended: Option<Stamp>,
    /// The first close frame: who sent it, its status code (none where it was empty) and its reason.
    pub close: Option<(Direction, Option<u16>, Arc<str>)>,
    /// What was done to its messages, and to itself.
    pub acts: Tally,
    /// How it ended, in few words: `server 4401 Unauthorized`, `401, not 101`, `client reset`.
    pub end: Arc<str>,
}

impl Summary {
    pub(super) fn new(flow: Flow) -> Summary {
        Summary {
            flow,
            kind: match flow {
                Flow::Session(_) => FlowKind::Session,
                Flow::Exchange(_) => FlowKind::Exchange,
            },
            state: State::Asked,
            mode: None,
            url: "".into(),
            client: "".into(),
            subprotocol: None,
            deflate: false,
            tls: "".into(),
            method: None,
            status: None,
            messages: [0; 2],
            controls: [0; 2],
            bytes: [0; 2],
            violations: 0,
            opened: Stamp(0),
            last: Stamp(0),
            ended: None,
            close: None,
            acts: Tally::default(),
            end: "".into(),
        }
    }

    /// Whether nothing more will come.
    pub fn is_over(&self) -> bool {
        matches!(self.state, State::Closed | State::Failed)
    }

    /// Takes in an event about this flow.
    pub(super) fn apply(&mut self, event: &Event) {
        self.last = self.last.max(event.time());
        match event {
            Event::Asked(opening) => self.asked(opening),
            Event::Opened(opening) => self.answered(opening, State::Open),
            Event::Refused(refused) => self.refused(refused),
            Event::Tunnel(tunnel) => self.tunnel(tunnel),
            Event::Message(message) => self.message(message),
            Event::Ended(ended) => self.ended(ended),
            Event::Requested(exchange) => self.exchange(exchange, State::Asked),
            Event::Responded(exchange) => self.exchange(exchange, State::Open),
            Event::Exchanged(exchange) => {
                let failed = exchange.error.is_some();
                self.exchange(exchange, if failed { State::Failed } else { State::Closed });
            }
            Event::Act(act) => self.acts.add(act),
            Event::Note(_) => {}
        }
    }

    fn asked(&mut self, opening: &Opening) {
        self.mode = opening.mode;
        self.url = opening.url.as_str().into();
        self.client = opening.client.as_str().into();
        self.opened = opening.time;
        self.spoken(opening.tls.as_deref());
    }

    fn spoken(&mut self, tls: Option<&Tls>) {
        if let Some(tls) = tls {
            self.tls = tls.words().into();
        }
    }

    fn answered(&mut self, opening: &Opening, state: State) {
        self.asked(opening);
        self.state = state;
        self.status = status(&opening.response);
    }

    fn refused(&mut self, refused: &Refused) {
        self.answered(&refused.opening, State::Failed);
        self.ended = Some(refused.opening.time);
        self.end = match self.status {
            Some(status) if status != 101 => format!("{status}, not 101").into(),
            _ => refused.why.as_str().into(),
        };
    }

    fn tunnel(&mut self, tunnel: &Tunnel) {
        self.kind = FlowKind::Tunnel;
        self.state = State::Open;
        self.mode = tunnel.mode;
        self.url = tunnel.target.as_str().into();
        self.client = tunnel.client.as_str().into();
        self.spoken(tunnel.tls.as_deref());
        self.opened = tunnel.time;
    }

    fn message(&mut self, message: &Message) {
        let way = message.direction as usize;
        if message.kind.is_control() {
            self.controls[way] += 1;
        } else {
            self.messages[way] += 1;
        }
        self.violations += message.faults.len() as u64;
        if message.injected.is_some() {
            self.acts.injected += 1;
        } else if let (super::Kind::Frame(Opcode::Close), Some(payload)) =
            (message.kind, message.payload.in_memory())
        {
            self.closed(message.direction, payload);
        }
    }

    /// A close frame came with this payload (RFC 6455 5.5.1).
    pub(super) fn closed(&mut self, direction: Direction, payload: &[u8]) {
        let code = payload.first_chunk().map(|code| u16::from_be_bytes(*code));
        let reason = String::from_utf8_lossy(payload.get(2..).unwrap_or_default()).into();
        self.close.get_or_insert((direction, code, reason));
    }

    fn ended(&mut self, ended: &Ended) {
        self.state = State::Closed;
        self.ended = Some(ended.time);
        self.bytes = ended.octets;
        self.end = self.acts.end_words().unwrap_or_else(|| end_words(self.close.as_ref(), ended)).into();
    }

    fn exchange(&mut self, exchange: &Exchange, state: State) {
        self.state = state;
        self.mode = exchange.mode;
        self.url = exchange.url.as_str().into();
        self.client = exchange.client.as_str().into();
        self.spoken(exchange.tls.as_deref());
        self.opened = exchange.time;
        self.ended = exchange.ended;
        self.bytes = [exchange.request_size, exchange.response_size];
        let method = glance::first_line_word(&exchange.request, 0);
        self.method = method.map(|method| String::from_utf8_lossy(method).into());
        self.status = status(&exchange.response);
        self.end = exchange.error.as_deref().unwrap_or("").into();
    }
}

impl Tally {
    /// Whether nothing was done.
    pub fn is_empty(&self) -> bool {
        *self == Tally::default()
    }

    /// A rule did something; whether it is the first that it did. Of very many rules, those that come last are left out.
    pub(super) fn by_rule(&mut self, name: &Arc<str>) -> bool {
        let is_new = self.rules.len() < MOST_RULES && !self.rules.contains(name);
        if is_new {
            self.rules.push(Arc::clone(name));
        }
        is_new
    }

    fn add(&mut self, act: &Act) {
        let kind = act.deed.kind();
        if kind == Deeds::HELD {
            self.held += 1;
        } else if kind.changed() {
            self.edited += 1;
        } else if kind == Deeds::DROPPED {
            self.dropped += 1;
        } else if let Deed::OthersDropped(count) = act.deed {
            self.dropped += count;
        } else if kind != Deeds::RELEASED {
            self.others += 1;
        }
        if kind.any(Deeds::CLOSED | Deeds::RESET | Deeds::TRUNCATED) {
            self.ended.get_or_insert_with(|| Box::new((act.deed.clone(), act.by.clone())));
        }
    }

    /// How the flow ended, where the proxy was told to end it.
    fn end_words(&self) -> Option<String> {
        let (deed, by) = &**self.ended.as_ref()?;
        Some(match deed {
            Deed::Closed(code, reason) => format!("closed by {by}, {code} {reason}").trim_end().to_owned(),
            Deed::Truncated(_) => format!("cut off by {by}"),
            _ => format!("reset by {by}"),
        })
    }
}

fn status(response: &[u8]) -> Option<u16> {
    std::str::from_utf8(glance::first_line_word(response, 1)?).ok()?.parse().ok()
}

fn end_words(close: Option<&(Direction, Option<u16>, Arc<str>)>, ended: &Ended) -> String {
    let killed = [&ended.client, &ended.server]
        .into_iter()
        .find(|end| matches!(end, Ending::Killed | Ending::Shutdown));
    match (killed, close) {
        (Some(Ending::Killed), _) => "killed".to_owned(),
        (Some(_), _) => "proxy shut down".to_owned(),
        (None, Some((direction, Some(code), reason))) => {
            format!("{} {code} {reason}", direction.sender()).trim_end().to_owned()
        }
        (None, Some((direction, None, _))) => format!("{} close, no code", direction.sender()),
        (None, None) => {
            let first = ended.first.unwrap_or(Direction::ToServer);
            let how = match first {
                Direction::ToServer => &ended.client,
                Direction::ToClient => &ended.server,
            };
            match how {
                Ending::Fin => format!("{} left, no close", first.sender()),
                Ending::Failed(why) => format!("{}: {why}", first.sender()),
                other => format!("{} {}", first.sender(), other.name()),
            }
        }
    }
}
