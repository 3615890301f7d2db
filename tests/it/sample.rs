//! A log of made-up traffic, for the tests of the screens and for `examples/screen.rs`.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use sockeye::capture::{
    Act, By, Deed, Ended, Ending, Event, Exchange, Fault, Frame, Kind, Log, LogConfig, Message, Mode,
    Opening, Payload, Refused, Stamp, Timing, Tunnel,
};
use sockeye::ws::handshake::accept_key;
use sockeye::ws::{Direction, Opcode};

use Direction::{ToClient, ToServer};

const KEY: &str = "AQIDBAUGBwgJCgsMDQ4PEA==";

/// A log under construction: each call appends one thing that happened.
pub struct Sample {
    pub log: Log,
    numbers: std::collections::HashMap<u32, u64>,
    // Dropped last: the log's folder, where it is of our own making.
    _directory: Option<tempfile::TempDir>,
}

/// Milliseconds since the log began.
pub fn at(millis: u64) -> Stamp {
    Stamp(millis * 1_000_000)
}

impl Sample {
    /// A log in which nothing has happened.
    pub fn empty() -> Sample {
        Sample::begun(SystemTime::now())
    }

    /// The same, as if it had begun at `started`.
    pub fn begun(started: SystemTime) -> Sample {
        let directory = tempfile::tempdir().expect("a folder for the test");
        let config = LogConfig { directory: Some(directory.path().to_owned()), limit: 256 << 20 };
        let log = Log::of_recording(&config, started).expect("a log for the test");
        Sample { log, numbers: Default::default(), _directory: Some(directory) }
    }

    /// What happened in this log.
    pub fn of(log: Log) -> Sample {
        Sample { log, numbers: Default::default(), _directory: None }
    }

    /// A bit of everything.
    pub fn full() -> Sample {
        let mut sample = Sample::empty();
        sample.refused(1, 900);
        sample.graphql(2);
        sample.exchange(1);
        sample.chat(3);
        sample.tunnel(4);
        sample
    }

    pub fn add(&self, event: Event) {
        self.log.append(event).expect("the log takes it");
    }

    pub fn message(
        &mut self,
        session: u32,
        millis: u64,
        direction: Direction,
        kind: Kind,
        payload: &[u8],
    ) -> Message {
        let number = self.numbers.entry(session).or_insert(0);
        *number += 1;
        let wire = payload.len() as u64;
        Message {
            session,
            number: *number,
            time: at(millis),
            direction,
            kind,
            compressed: false,
            wire_size: wire,
            size: wire,
            utf8: true,
            complete: true,
            frames: vec![frame(direction, kind, payload.len(), millis)],
            frames_left_out: 0,
            faults: Vec::new(),
            payload: Payload::from(Bytes::copy_from_slice(payload)),
            injected: None,
        }
    }

    pub fn text(&mut self, session: u32, millis: u64, direction: Direction, text: &str) {
        let message = self.message(session, millis, direction, Kind::Frame(Opcode::Text), text.as_bytes());
        self.add(Event::Message(message));
    }

    pub fn control(
        &mut self,
        session: u32,
        millis: u64,
        direction: Direction,
        opcode: Opcode,
        payload: &[u8],
    ) {
        let message = self.message(session, millis, direction, Kind::Frame(opcode), payload);
        self.add(Event::Message(message));
    }

    /// An open session without messages.
    pub fn open(&self, session: u32, millis: u64, path: &str, extra: &str) {
        self.add(Event::Opened(opening(session, millis, path, extra)));
    }

    /// A message of a session, or its handshake where no number is said, is held under `held`.
    pub fn hold(&self, held: u64, session: u32, number: Option<u64>, (millis, direction): (u64, Direction)) {
        self.act(Some(held), (session, number), (millis, direction), Deed::Held);
    }

    /// Something was done.
    pub fn act(
        &self,
        held: Option<u64>,
        (session, number): (u32, Option<u64>),
        (millis, direction): (u64, Direction),
        deed: Deed,
    ) {
        let time = at(millis);
        self.add(Event::Act(Act { session, time, direction, number, held, deed, by: By::User }));
    }

    /// A rule did something.
    pub fn rule_act(&self, rule: &str, (session, number): (u32, Option<u64>), millis: u64, deed: Deed) {
        let (time, by) = (at(millis), By::Rule(rule.into()));
        self.add(Event::Act(Act { session, time, direction: ToClient, number, held: None, deed, by }));
    }

    pub fn end(&self, session: u32, millis: u64) {
        self.add(Event::Ended(Ended {
            session,
            time: at(millis),
            client: Ending::Fin,
            server: Ending::Fin,
            first: Some(ToServer),
            octets: [1_200, 3_400],
        }));
    }

    pub fn refused(&self, session: u32, millis: u64) {
        let mut opening = opening(session, millis, "/admin", "");
        opening.response = Bytes::from_static(
            b"HTTP/1.1 401 Unauthorized\r\nContent-Type: application/json\r\nContent-Length: 20\r\nWWW-Authenticate: Bearer\r\n\r\n",
        );
        self.add(Event::Refused(Refused {
            opening,
            body: Payload::from(Bytes::from_static(br#"{"error":"no token"}"#)),
            why: "the server answered 401 Unauthorized, not 101: it wants to know who is asking, and the request names nobody".into(),
        }));
    }

    pub fn graphql(&mut self, session: u32) {
        self.open(session, 5_000, "/graphql", "Sec-WebSocket-Protocol: graphql-transport-ws\r\n");
        self.text(session, 5_010, ToServer, r#"{"type":"connection_init","payload":{"token":"expired"}}"#);
        self.control(session, 5_022, ToClient, Opcode::Close, b"\x11\x31Unauthorized");
        self.control(session, 5_023, ToServer, Opcode::Close, b"\x11\x31");
        self.end(session, 5_030);
    }

    pub fn exchange(&self, exchange: u32) {
        let body = br#"[{"id":1,"name":"general"},{"id":2,"name":"random"}]"#;
        self.add(Event::Exchanged(Exchange {
            exchange,
            time: at(6_000),
            ended: Some(at(6_034)),
            mode: Some(Mode::Reverse),
            url: "http://localhost:3000/api/rooms?limit=20".into(),
            client: "127.0.0.1:50412".into(),
            server: "127.0.0.1:3000".into(),
            request: Bytes::from_static(
                b"GET /api/rooms?limit=20 HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nAccept: application/json\r\n\r\n",
            ),
            sent: Bytes::from_static(
                b"GET /api/rooms?limit=20 HTTP/1.1\r\nHost: localhost:3000\r\nAccept: application/json\r\n\r\n",
            ),
            response: Bytes::from_static(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 52\r\n\r\n",
            ),
            notes: vec!["Host rewritten from 127.0.0.1:8080".into()],
            redacted: Vec::new(),
            request_body: Payload::default(),
            request_size: 0,
            response_body: Payload::from(Bytes::from_static(body)),
            response_size: body.len() as u64,
            error: None,
            timing: timing(),
tls: None,
}));
    }

    pub fn chat(&mut self, session: u32) {
        let extra = "Sec-WebSocket-Protocol: chat.v2\r\nSec-WebSocket-Extensions: permessage-deflate\r\n";
        self.open(session, 8_000, "/chat", extra);
        self.text(session, 8_012, ToServer, r#"{"type":"subscribe","id":7,"channel":"prices"}"#);
        let ack = r#"{"type":"ack","id":7,"channel":"prices","since":"2026-11-22T14:30:00Z","replayed":[101,102,103],"more":false}"#;
        let mut message = self.message(session, 8_015, ToClient, Kind::Frame(Opcode::Text), ack.as_bytes());
        (message.compressed, message.wire_size) = (true, 61);
        message.frames[0].header = Bytes::from_static(&[0xc1, 61]);
        self.add(Event::Message(message));
        let tick = b"\x83\xa4type\xa4tick\xa5price\xcb\x40\x45\x00\x00\x00\x00\x00\x00\xa3seq\xcd\x03\xe8";
        let mut message = self.message(session, 8_482, ToClient, Kind::Frame(Opcode::Binary), tick);
        message.frames =
            (0..3).map(|part| part_of_three(part, tick.len(), 8_470 + part as u64 * 6)).collect();
        self.add(Event::Message(message));
        self.control(session, 8_981, ToServer, Opcode::Ping, b"k1");
        self.control(session, 8_984, ToClient, Opcode::Pong, b"k1");
        self.text(session, 9_400, ToServer, "日本語のメッセージ 👩‍👩‍👧 and e\u{301}tude: wide and combining");
        self.text(session, 9_650, ToClient, "\u{1b}[2J\u{1b}]0;owned\u{7}\r\nhostile \u{202e}txet");
        let mut message =
            self.message(session, 9_900, ToClient, Kind::Frame(Opcode::Text), b"\xff\xfe not text");
        message.utf8 = false;
        message.faults = vec![Fault {
            what: "the text is not valid UTF-8, from octet 0 on".into(),
            section: "RFC 6455 8.1".into(),
        }];
        self.add(Event::Message(message));
        let long = format!(
            r#"{{"type":"history","messages":[{}]}}"#,
            vec![r#"{"from":"ada","text":"hi"}"#; 40].join(",")
        );
        self.text(session, 10_100, ToClient, &long);
        self.text(session, 10_800, ToServer, "plain words, no JSON");
    }

    pub fn tunnel(&self, session: u32) {
        self.add(Event::Tunnel(Tunnel {
            session,
            time: at(11_000),
            mode: Some(Mode::Connect),
            target: "example.com:443".into(),
            client: "127.0.0.1:50500".into(),
            server: "93.184.216.34:443".into(),
            why: "TLS, not opened".into(),
            tls: None,
        }));
    }
}

fn frame(direction: Direction, kind: Kind, length: usize, millis: u64) -> Frame {
    let Kind::Frame(opcode) = kind else {
        return Frame { header: Bytes::new(), offset: 0, time: at(millis) };
    };
    let masked = if direction == ToServer { 0x80 } else { 0 };
    let mut header = vec![0x80 | opcode.bits()];
    if length < 126 {
        header.push(masked | length as u8);
    } else {
        header.push(masked | 126);
        header.extend_from_slice(&(length as u16).to_be_bytes());
    }
    if direction == ToServer {
        header.extend_from_slice(&[0x37, 0xfa, 0x21, 0x3d]);
    }
    Frame { header: header.into(), offset: 0, time: at(millis) }
}

fn part_of_three(part: usize, length: usize, millis: u64) -> Frame {
    let sizes = [16, 16, length - 32];
    let first = if part == 0 { 0x02 } else { 0x00 };
    let last = if part == 2 { 0x80 } else { 0x00 };
    let header = Bytes::copy_from_slice(&[first | last, sizes[part] as u8]);
    Frame { header, offset: 128 + part as u64 * 18, time: at(millis) }
}

fn timing() -> Timing {
    Timing {
        dns: Some(Duration::from_micros(800)),
        tcp: Some(Duration::from_micros(1_200)),
        tls: None,
        response: Some(Duration::from_micros(3_400)),
    }
}

pub fn opening(session: u32, millis: u64, path: &str, extra: &str) -> Opening {
    let request = |host: &str| {
        let head = format!(
            "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n{extra}\r\n"
        );
        Bytes::from(head)
    };
    let accept = accept_key(KEY.as_bytes());
    let response = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n{extra}\r\n"
    );
    Opening {
        session,
        time: at(millis),
        mode: Some(Mode::Reverse),
        url: format!("ws://localhost:3000{path}"),
        client: "127.0.0.1:50400".into(),
        server: "127.0.0.1:3000".into(),
        request: request("127.0.0.1:8080"),
        sent: request("localhost:3000"),
        response: response.into(),
        notes: vec!["Host rewritten from 127.0.0.1:8080".into()],
        redacted: Vec::new(),
        timing: timing(),
        tls: None,
    }
}
