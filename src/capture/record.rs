//! What the log holds: one [`Event`] for each thing that happened, in the order it happened at the proxy.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::act::{Act, By};
use super::tls::Tls;
use crate::ws::{Direction, Opcode};

/// Nanoseconds since the log began, on the monotonic clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stamp(pub u64);

impl Stamp {
    /// The time that passed from `earlier` to this, zero where the order is the other way round.
    pub fn since(self, earlier: Stamp) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// Milliseconds since `earlier`, with microseconds behind the point.
    pub fn millis_since(self, earlier: Stamp) -> f64 {
        (self.0.saturating_sub(earlier.0) / 1_000) as f64 / 1_000.0
    }
}

/// What a row of the sessions list is about. Sessions (and tunnels) count by themselves, exchanges by themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Flow {
    /// A WebSocket session, an attempt at one, or a tunnel of opaque bytes.
    Session(u32),
    /// A plain HTTP request and its response.
    Exchange(u32),
}

impl fmt::Display for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Flow::Session(number) => write!(f, "{number}"),
            Flow::Exchange(number) => write!(f, "x{number}"),
        }
    }
}

/// How the client's traffic came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// All that comes to the listener goes to one server.
    Reverse,
    /// The request line named the server (`GET http://…` or `GET ws://…`).
    Absolute,
    /// An HTTP CONNECT tunnel.
    Connect,
    /// SOCKS version 5 (RFC 1928).
    Socks5,
    /// The kernel redirected a connection to another address.
    Transparent,
}

impl Mode {
    /// All of them.
    pub const ALL: [Mode; 5] =
        [Mode::Reverse, Mode::Absolute, Mode::Connect, Mode::Socks5, Mode::Transparent];

    /// The word that recordings use.
    pub fn name(self) -> &'static str {
        match self {
            Mode::Reverse => "reverse",
            Mode::Absolute => "absolute",
            Mode::Connect => "connect",
            Mode::Socks5 => "socks5",
            Mode::Transparent => "transparent",
        }
    }

    /// The mode that a recording's word names.
    pub fn from_name(name: &str) -> Option<Mode> {
        Mode::ALL.into_iter().find(|mode| mode.name() == name)
    }
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A client asked for a WebSocket; the server has not answered yet.
    Asked(Opening),
    /// The server answered 101: a session is open.
    Opened(Opening),
    /// The opening handshake ended otherwise.
    Refused(Refused),
    /// Bytes that are neither HTTP nor WebSocket in the clear are being relayed unread.
    Tunnel(Tunnel),
    /// A message, a control frame, or bytes that are no frames.
    Message(Message),
    /// Both directions of a session or tunnel have ended.
    Ended(Ended),
    /// A plain HTTP request's head has come; the response has not.
    Requested(Exchange),
    /// A plain HTTP response's head has come; bodies may still be under way (server-sent events, downloads).
    Responded(Exchange),
    /// A plain HTTP exchange is over.
    Exchanged(Exchange),
    /// Something was done to the traffic.
    Act(Act),
    /// Something about the proxy itself that the user should know.
    Note(Note),
}

impl Event {
    /// Which row of the list this is about, if one.
    pub fn flow(&self) -> Option<Flow> {
        match self {
            Event::Asked(opening) | Event::Opened(opening) => Some(Flow::Session(opening.session)),
            Event::Refused(refused) => Some(Flow::Session(refused.opening.session)),
            Event::Tunnel(tunnel) => Some(Flow::Session(tunnel.session)),
            Event::Message(message) => Some(Flow::Session(message.session)),
            Event::Ended(ended) => Some(Flow::Session(ended.session)),
            Event::Act(act) => Some(Flow::Session(act.session)),
            Event::Requested(exchange) | Event::Responded(exchange) | Event::Exchanged(exchange) => {
                Some(Flow::Exchange(exchange.exchange))
            }
            Event::Note(note) => note.flow,
        }
    }

    /// When it happened.
    pub fn time(&self) -> Stamp {
        match self {
            Event::Asked(opening) | Event::Opened(opening) => opening.time,
            Event::Refused(refused) => refused.opening.time,
            Event::Tunnel(tunnel) => tunnel.time,
            Event::Message(message) => message.time,
            Event::Ended(ended) => ended.time,
            Event::Act(act) => act.time,
            Event::Requested(exchange) | Event::Responded(exchange) => exchange.time,
            Event::Exchanged(exchange) => exchange.ended.unwrap_or(exchange.time),
            Event::Note(note) => note.time,
        }
    }
}

/// An opening handshake: both heads as they came.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Opening {
    /// The session's number, from 1.
    pub session: u32,
    /// When the request was there ([`Event::Asked`]) or the server's answer was there (all others).
    pub time: Stamp,
    /// How the client's traffic came in.
    pub mode: Option<Mode>,
    /// The server's URL: `ws://127.0.0.1:3000/chat`.
    pub url: String,
    /// The client's address.
    pub client: String,
    /// The server's address as dialled, empty while not known.
    pub server: String,
    /// The request's head as the client sent it.
    pub request: Bytes,
    /// The request's head as the server got it. Empty where it is the same, or where none was sent.
    pub sent: Bytes,
    /// The response's head as the server sent it. Empty where none came.
    pub response: Bytes,
    /// What the proxy edited, a sentence each.
    pub notes: Vec<String>,
    /// Of one that was read from a recording: where secrets were replaced before it was written.
    pub redacted: Vec<String>,
    /// How long each step took.
    pub timing: Timing,
    /// What TLS agreed on; none where it was not spoken, or not opened.
    pub tls: Option<Arc<Tls>>,
}

/// How long the steps before a response took. None where a step was not taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timing {
    /// Looking up the server's name.
    pub dns: Option<Duration>,
    /// Connecting to the server.
    pub tcp: Option<Duration>,
    /// The TLS handshake with the server.
    pub tls: Option<Duration>,
    /// From the request being sent to the response's head being there.
    pub response: Option<Duration>,
}

/// An opening handshake that did not open a session.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Refused {
    /// Both heads, as far as they came.
    pub opening: Opening,
    /// The response's body, up to the capture's limit for bodies; or the bytes that came where an answer was no HTTP.
    pub body: Payload,
    /// The one sentence that says why.
    pub why: String,
}

/// A connection relayed unread.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tunnel {
    /// The session's number; tunnels and sessions count together.
    pub session: u32,
    /// When it began.
    pub time: Stamp,
    /// How the client's traffic came in.
    pub mode: Option<Mode>,
    /// `host:port`.
    pub target: String,
    /// The client's address.
    pub client: String,
    /// The server's address.
    pub server: String,
    /// Why it is not read: "TLS, not opened", "not HTTP".
    pub why: String,
    /// What TLS agreed on; none where it was not spoken, or not opened.
    pub tls: Option<Arc<Tls>>,
}

/// What kind of row a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A data message or a control frame, by the opcode of its first frame.
    Frame(Opcode),
    /// Bytes after framing was lost.
    Raw,
}

impl Kind {
    /// The word that recordings and screens use: `text`, `ping`, `opcode 3`, `raw`.
    pub fn name(self) -> &'static str {
        const RESERVED: [&str; 16] = [
            "",
            "",
            "",
            "opcode 3",
            "opcode 4",
            "opcode 5",
            "opcode 6",
            "opcode 7",
            "",
            "",
            "",
            "opcode 11",
            "opcode 12",
            "opcode 13",
            "opcode 14",
            "opcode 15",
        ];
        match self {
            Kind::Frame(Opcode::Continuation) => "continuation",
            Kind::Frame(Opcode::Text) => "text",
            Kind::Frame(Opcode::Binary) => "binary",
            Kind::Frame(Opcode::Close) => "close",
            Kind::Frame(Opcode::Ping) => "ping",
            Kind::Frame(Opcode::Pong) => "pong",
            Kind::Frame(Opcode::Reserved(bits)) => RESERVED[usize::from(bits & 0x0f)],
            Kind::Raw => "raw",
        }
    }

    /// The kind that a recording's word names.
    pub fn from_name(name: &str) -> Option<Kind> {
        let frames = (0..16).map(|bits| Kind::Frame(Opcode::from_bits(bits)));
        frames.chain([Kind::Raw]).find(|kind| kind.name() == name)
    }

    /// Close, ping, pong and the reserved control opcodes.
    pub fn is_control(self) -> bool {
        matches!(self, Kind::Frame(opcode) if opcode.is_control())
    }
}

/// A data message after reassembly and inflate, a control frame, or a stretch of raw bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// The session's number.
    pub session: u32,
    /// Its number in the session, from 1, in the order the messages were complete at the proxy.
    pub number: u64,
    /// When its last byte was there.
    pub time: Stamp,
    /// Which way it went.
    pub direction: Direction,
    /// What it is.
    pub kind: Kind,
    /// Whether it was compressed (RFC 7692).
    pub compressed: bool,
    /// Payload octets on the wire.
    pub wire_size: u64,
    /// Payload octets after inflate, the true size even where not all was captured.
    pub size: u64,
    /// Whether its text (or a close's reason) is valid UTF-8; true for binary.
    pub utf8: bool,
    /// Whether it came to its end; false where the connection ended inside it.
    pub complete: bool,
    /// Its frames in order. Empty for raw bytes.
    pub frames: Vec<Frame>,
    /// How many frames there were beyond those listed.
    pub frames_left_out: u64,
    /// The MUSTs that it broke.
    pub faults: Vec<Fault>,
    /// The payload, unmasked and inflated; shorter than `size` where a limit cut it.
    pub payload: Payload,
    /// Who sent it in its sender's name; none where its sender sent it.
    pub injected: Option<By>,
}

/// One frame of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Its header's bytes as they came; [`crate::ws::FrameHeader::parse`] reads them.
    pub header: Bytes,
    /// Where the header began in its direction's stream, in octets after the handshake.
    pub offset: u64,
    /// When its header was there.
    pub time: Stamp,
}

/// A broken MUST, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What is wrong.
    pub what: String,
    /// Which section says so: `RFC 6455 5.1`.
    pub section: String,
}

/// How one end of a connection ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Ending {
    /// It had not ended when the proxy closed it.
    #[default]
    Open,
    /// It finished sending (FIN).
    Fin,
    /// It reset the connection (RST).
    Reset,
    /// The user killed the session.
    Killed,
    /// The proxy was shut down.
    Shutdown,
    /// Something else, in words.
    Failed(String),
}

impl Ending {
    /// The word that recordings use; [`Ending::Failed`] gives its own words.
    pub fn name(&self) -> &str {
        match self {
            Ending::Open => "open",
            Ending::Fin => "fin",
            Ending::Reset => "reset",
            Ending::Killed => "killed",
            Ending::Shutdown => "shutdown",
            Ending::Failed(why) => why,
        }
    }

    /// The ending that a recording's word names.
    pub fn from_name(name: &str) -> Ending {
        match name {
            "open" => Ending::Open,
            "fin" => Ending::Fin,
            "reset" => Ending::Reset,
            "killed" => Ending::Killed,
            "shutdown" => Ending::Shutdown,
            why => Ending::Failed(why.to_owned()),
        }
    }
}

/// The end of a session or tunnel.
#[derive(Clone, Debug, PartialEq)]
pub struct Ended {
    /// The session's number.
    pub session: u32,
    /// When both directions were over.
    pub time: Stamp,
    /// How the client's end of its connection ended.
    pub client: Ending,
    /// How the server's end of its connection ended.
    pub server: Ending,
    /// Which of the two ended first.
    pub first: Option<Direction>,
    /// Octets after the handshake, each way: to the server, to the client.
    pub octets: [u64; 2],
}

/// A plain HTTP request and what came of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Exchange {
    /// Its number, from 1.
    pub exchange: u32,
    /// When the request's head was there.
    pub time: Stamp,
    /// When all of it was over; none while it is under way.
    pub ended: Option<Stamp>,
    /// How the client's traffic came in.
    pub mode: Option<Mode>,
    /// The server's URL.
    pub url: String,
    /// The client's address.
    pub client: String,
    /// The server's address as dialled, empty while not known.
    pub server: String,
    /// The request's head as the client sent it.
    pub request: Bytes,
    /// The request's head as the server got it; empty where it is the same.
    pub sent: Bytes,
    /// The response's head as the server sent it; empty where none came.
    pub response: Bytes,
    /// What the proxy edited, a sentence each.
    pub notes: Vec<String>,
    /// Of one that was read from a recording: where secrets were replaced before it was written.
    pub redacted: Vec<String>,
    /// The request's body, up to the limit for bodies.
    pub request_body: Payload,
    /// All octets of the request's body, without its transfer coding.
    pub request_size: u64,
    /// The response's body, up to the limit for bodies.
    pub response_body: Payload,
    /// All octets of the response's body, without its transfer coding.
    pub response_size: u64,
    /// What went wrong, if something did: "cannot reach …", "the client went away".
    pub error: Option<String>,
    /// How long each step took.
    pub timing: Timing,
    /// What TLS agreed on; none where it was not spoken, or not opened.
    pub tls: Option<Arc<Tls>>,
}

/// Something about the proxy itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Note {
    /// When.
    pub time: Stamp,
    /// The row that it is about, if one.
    pub flow: Option<Flow>,
    /// One sentence.
    pub text: String,
}

/// Payload bytes: in memory, or in the log, from where [`super::Log::read`] fetches any part of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload(pub(super) Place);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Memory(Bytes),
    Log(Vec<Extent>),
}

/// A run of bytes in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Extent {
    pub(super) position: u64,
    pub(super) length: u64,
}

impl Payload {
    /// How many bytes were captured.
    pub fn len(&self) -> u64 {
        match &self.0 {
            Place::Memory(bytes) => bytes.len() as u64,
            Place::Log(extents) => extents.iter().map(|extent| extent.length).sum(),
        }
    }

    /// Whether nothing was captured.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes, where they are in memory (which they are up to a few KiB); else the log has them.
    pub fn in_memory(&self) -> Option<&Bytes> {
        match &self.0 {
            Place::Memory(bytes) => Some(bytes),
            Place::Log(_) => None,
        }
    }
}

impl Default for Payload {
    fn default() -> Payload {
        Payload(Place::Memory(Bytes::new()))
    }
}

impl<T: Into<Bytes>> From<T> for Payload {
    fn from(bytes: T) -> Payload {
        Payload(Place::Memory(bytes.into()))
    }
}

#[cfg(test)]
impl Message {
    /// The first message of the first session, which came whole and as it should, for tests.
    pub(crate) fn whole(direction: Direction, kind: Kind, payload: impl Into<Payload>) -> Message {
        let payload = payload.into();
        Message {
            session: 1,
            number: 1,
            time: Stamp(0),
            direction,
            kind,
            compressed: false,
            wire_size: payload.len(),
            size: payload.len(),
            utf8: true,
            complete: true,
            frames: Vec::new(),
            frames_left_out: 0,
            faults: Vec::new(),
            payload,
            injected: None,
        }
    }
}
