//! Events in, lines for eyes out.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::capture::{By, Ending, Fault, Flow, Frame, Leg, Mode};
use crate::headless::schema::InMemory;

fn ms(milliseconds: u64) -> Stamp {
    Stamp(milliseconds * 1_000_000)
}

fn print(style: Style, events: &[Event]) -> String {
    let mut bytes = Vec::new();
    let mut writer = Writer::new(&mut bytes, style, SystemTime::UNIX_EPOCH + Duration::from_secs(52_200));
    for event in events {
        writer.event(event, &InMemory).unwrap();
    }
    writer.flush().unwrap();
    drop(writer);
    String::from_utf8(bytes).unwrap()
}

#[track_caller]
fn check(events: &[Event], expected: &[&str]) {
    let text = print(Style::PLAIN, events);
    assert_eq!(text.lines().collect::<Vec<_>>(), expected);
}

fn opening() -> Opening {
    Opening {
        session: 3,
        time: ms(120),
        mode: Some(Mode::Reverse),
        url: "ws://localhost:3000/chat".to_owned(),
        request: Bytes::from_static(
            b"GET /chat HTTP/1.1\r\nHost: localhost:3000\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
              Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==\r\n\
              Sec-WebSocket-Protocol: json\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
        ),
        response: Bytes::from_static(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
              Sec-WebSocket-Accept: HSmrc0sMlYUkAGmm5OPpG2HaGWk=\r\nSec-WebSocket-Protocol: json\r\n\
              Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover\r\n\r\n",
        ),
        notes: vec!["Host rewritten from 127.0.0.1:8080".to_owned()],
        ..Opening::default()
    }
}

fn message(direction: Direction, kind: Kind, payload: &[u8]) -> Message {
    Message { session: 3, time: ms(132), ..Message::whole(direction, kind, payload.to_vec()) }
}

fn text(payload: &[u8]) -> Message {
    message(Direction::ToServer, Kind::Frame(Opcode::Text), payload)
}

#[test]
fn a_session_over_tls_says_its_version_and_what_was_let_pass() {
    let leg = |version: &str| Some(Leg { version: Some(version.to_owned()), ..Leg::default() });
    let secure = |client, server| Opening {
        url: "wss://localhost:3000/chat".to_owned(),
        tls: Some(Arc::new(Tls { client, server })),
        notes: vec!["the server's certificate has expired; --insecure let it pass".to_owned()],
        ..opening()
    };
    let note = "14:30:00.120Z   #3 · the server's certificate has expired; --insecure let it pass";
    for (client, server, version) in
        [(leg("TLS 1.3"), leg("TLS 1.2"), " TLS 1.2"), (leg("TLS 1.3"), None, " TLS 1.3"), (None, None, "")]
    {
        let open = format!("14:30:00.120Z   #3 ● wss://localhost:3000/chat json deflate{version}");
        check(&[Event::Opened(secure(client, server))], &[&open, note]);
    }
}

#[test]
fn a_session() {
    let close = message(Direction::ToClient, Kind::Frame(Opcode::Close), b"\x11\x31Unauthorized");
    let ended = Ended {
        session: 3,
        time: ms(1_620),
        client: Ending::Reset,
        server: Ending::Fin,
        first: Some(Direction::ToClient),
        octets: [41, 96_000],
    };
    check(
        &[
            Event::Opened(opening()),
            Event::Message(text(b"hello")),
            Event::Message(Message {
                compressed: true,
                wire_size: 87,
                frames: vec![Frame { header: Bytes::new(), offset: 0, time: Stamp(0) }; 2],
                frames_left_out: 1,
                ..message(Direction::ToClient, Kind::Frame(Opcode::Text), br#"{"type":"ack","id":7}"#)
            }),
            Event::Message(message(Direction::ToServer, Kind::Frame(Opcode::Ping), b"k1")),
            Event::Message(close),
            Event::Ended(ended),
        ],
        &[
            "14:30:00.120Z   #3 ● ws://localhost:3000/chat json deflate",
            "14:30:00.120Z   #3 · Host rewritten from 127.0.0.1:8080",
            "14:30:00.132Z   #3 ▲ text   5 B       hello",
            r#"14:30:00.132Z   #3 ▼ text   21 B←87 ⁂3 {"type":"ack","id":7}"#,
            "14:30:00.132Z   #3 ▲ ping   2 B       k1",
            r#"14:30:00.132Z   #3 ▼ close  14 B      4401 the application's own "Unauthorized""#,
            "14:30:01.620Z   #3 ○ ended after 1.5 s server closed: 4401 the application's own \"Unauthorized\" \
             (client reset, server fin first) ▲ 41 B ▼ 96 kB",
        ],
    );
}

#[test]
fn what_is_wrong_is_marked_and_says_which_section() {
    let broken = Message {
        faults: vec![Fault { what: "text is not UTF-8".to_owned(), section: "RFC 6455 8.1".to_owned() }],
        complete: false,
        ..text(b"\xff\x1b[31m")
    };
    check(
        &[Event::Message(broken)],
        &[
            r"14:30:00.132Z   #3 ▲ text   6 B       \xff␛[31m ✂ the connection ended inside it",
            "14:30:00.132Z   #3 ⚠ text is not UTF-8 (RFC 6455 8.1)",
        ],
    );
}

#[test]
fn a_handshake_that_is_odd_says_why() {
    let response = String::from_utf8(opening().response.to_vec()).unwrap();
    let odd = Opening { response: response.replace("HSmrc", "hsmrc").into(), notes: Vec::new(), ..opening() };
    let text = print(Style::PLAIN, &[Event::Opened(odd)]);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 2, "{text}");
    assert!(
        lines[1].starts_with("14:30:00.120Z   #3 ⚠ ") && lines[1].contains("Sec-WebSocket-Accept"),
        "{text}"
    );
    assert!(lines[1].ends_with("(RFC 6455 4.1)") || lines[1].ends_with("(RFC 6455 4.2.2)"), "{text}");
}

#[test]
fn what_is_no_session() {
    let refused = Refused {
        opening: Opening { notes: Vec::new(), ..opening() },
        body: "no token\n".into(),
        why: "the server answered 401, not 101".to_owned(),
    };
    let tunnel = Tunnel {
        session: 4,
        time: ms(1),
        target: "example.org:443".to_owned(),
        why: "TLS, not opened".to_owned(),
        ..Tunnel::default()
    };
    let exchange = Exchange {
        exchange: 12,
        time: ms(5),
        ended: Some(ms(17)),
        url: "http://localhost:3000/x".to_owned(),
        request: Bytes::from_static(b"GET /x HTTP/1.1\r\n\r\n"),
        response: Bytes::from_static(b"HTTP/1.1 200 OK\r\n\r\n"),
        response_size: 1_200,
        ..Exchange::default()
    };
    let failed = Exchange {
        response: Bytes::new(),
        error: Some("cannot reach localhost:3000".to_owned()),
        ended: None,
        ..exchange.clone()
    };
    let note = |flow| Event::Note(Note { time: ms(5), flow, text: "hm".to_owned() });
    check(
        &[
            Event::Asked(opening()),
            Event::Refused(refused),
            Event::Tunnel(tunnel),
            Event::Exchanged(exchange),
            Event::Exchanged(failed),
            note(None),
            note(Some(Flow::Session(3))),
            note(Some(Flow::Exchange(12))),
        ],
        &[
            "14:30:00.120Z   #3 ✗ ws://localhost:3000/chat the server answered 401, not 101 no token␊",
            "14:30:00.001Z   #4 ⇄ example.org:443 tunnel, not read: TLS, not opened",
            "14:30:00.017Z  x12 GET http://localhost:3000/x → 200 1.2 kB 12 ms",
            "14:30:00.005Z  x12 GET http://localhost:3000/x ✗ cannot reach localhost:3000",
            "14:30:00.005Z      ! hm",
            "14:30:00.005Z   #3 ! hm",
            "14:30:00.005Z  x12 ! hm",
        ],
    );
}

#[test]
fn lines_are_cut_to_the_width_of_a_terminal() {
    let long = Event::Message(text("日本語".repeat(1_000).as_bytes()));
    let line = print(Style { width: || Some(60), ..Style::PLAIN }, std::slice::from_ref(&long));
    assert_eq!(line, format!("14:30:00.132Z   #3 ▲ text   9 kB      {}…\n", "日本語".repeat(3) + "日"));
    let whole = print(Style::PLAIN, &[long]);
    assert_eq!(whole.chars().filter(|c| *c == '語').count(), 1_000);
}

#[test]
fn colours_and_marks_say_the_same() {
    let style = Style { colour: true, ..Style::PLAIN };
    let coloured = print(style, &[Event::Opened(opening()), Event::Message(text(b"hello"))]);
    assert!(coloured.contains("\x1b[36m▲ text   \x1b[0m"), "{coloured:?}");
    let plain: String = coloured
        .split("\x1b[")
        .enumerate()
        .map(|(index, part)| if index == 0 { part } else { part.split_once('m').unwrap().1 })
        .collect();
    assert_eq!(plain, print(Style::PLAIN, &[Event::Opened(opening()), Event::Message(text(b"hello"))]));
}

proptest! {
    #[test]
    fn nothing_a_terminal_obeys_gets_through(
        payload in proptest::collection::vec(any::<u8>(), 0..60),
        url in any::<String>(),
        why in any::<String>(),
        bits in 0_u8..16,
    ) {
        let kind = Kind::Frame(Opcode::from_bits(bits));
        let faults = vec![Fault { what: why.clone(), section: url.clone() }];
        let opening = Opening { url: url.clone(), notes: vec![why.clone()], response: payload.clone().into(), ..opening() };
        let events = [
            Event::Refused(Refused { opening: opening.clone(), body: payload.clone().into(), why: why.clone() }),
            Event::Opened(opening),
            Event::Message(Message { faults, ..message(Direction::ToServer, kind, &payload) }),
            Event::Tunnel(Tunnel { target: url.clone(), why: why.clone(), ..Tunnel::default() }),
            Event::Exchanged(Exchange {
                url,
                request: payload.clone().into(),
                response: payload.into(),
                error: Some(why.clone()),
                ..Exchange::default()
            }),
            Event::Ended(Ended {
                session: 3,
                time: Stamp(0),
                client: Ending::Failed(why.clone()),
                server: Ending::Fin,
                first: None,
                octets: [0; 2],
            }),
            Event::Note(Note { time: Stamp(0), flow: None, text: why }),
        ];
        for style in [Style::PLAIN, Style { width: || Some(40), ..Style::PLAIN }] {
            let printed = print(style, &events);
            prop_assert!(!printed.chars().any(|c| c.is_control() && c != '\n'), "{:?}", printed);
            prop_assert_eq!(printed.lines().count(), 10);
        }
    }
}

#[test]
fn what_was_done_is_a_line() {
    let act = |number, held, deed, by| {
        let (time, direction) = (ms(140), Direction::ToClient);
        Event::Act(Act { session: 3, time, direction, number, held, deed, by })
    };
    let rule = || By::Rule("price".into());
    let edited = |opcode, after: &[u8]| Deed::Edited(opcode, after.to_vec().into());
    let injected = Message { injected: Some(rule()), ..text(b"hello") };
    check(
        &[
            act(Some(5), Some(2), Deed::Held, By::User),
            act(Some(5), Some(2), edited(Opcode::Text, b"{\"price\":2}"), rule()),
            act(Some(6), None, edited(Opcode::Close, b"\x0f\xa0out"), By::User),
            act(Some(7), None, Deed::Dropped, rule()),
            act(None, None, Deed::Closed(4000, "out".to_owned()), By::User),
            act(None, None, Deed::Stalled(Direction::ToClient, None), rule()),
            act(Some(8), None, Deed::Stalled(Direction::ToServer, None), rule()),
            act(Some(8), None, Deed::Reset, rule()),
            act(Some(8), None, Deed::Sent(Direction::ToServer, Opcode::Text), rule()),
            Event::Message(injected),
        ],
        &[
            "14:30:00.140Z   #3 ‖ ▼ 5 held as 2 by the user",
            "14:30:00.140Z   #3 ✎ ▼ 5 edited by rule price: {\"price\":2}",
            "14:30:00.140Z   #3 ✎ ▼ 6 edited by the user: 4000 the application's own \"out\"",
            "14:30:00.140Z   #3 ⊘ ▼ 7 dropped by rule price",
            "14:30:00.140Z   #3 ⊗ session closed with 4000 \"out\" by the user",
            "14:30:00.140Z   #3 ⊣ the server's side stalled for good by rule price",
            "14:30:00.140Z   #3 ⊣ ▼ 8 the client's side stalled for good by rule price",
            "14:30:00.140Z   #3 ↯ ▼ 8 its session reset by rule price",
            "14:30:00.140Z   #3 » ▼ 8 text sent to the server by rule price",
            "14:30:00.132Z   #3 ▲ text   5 B       hello + sent by rule price",
        ],
    );
}
