//! Events in, exact lines out, and the same events back.

mod acts;
mod damage;
mod round_trip;

use std::sync::{Arc, Mutex};

use bytes::Bytes;

use super::*;
use crate::capture::{
    Certificate, CertificateRequest, Ended, Ending, Event, Exchange, Fault, Flow, Frame, Kind, Leg, Message,
    Mode, Note, Opening, Payload, Refused, Stamp, Timing, Tls, Tunnel, Verified,
};
use crate::ws::{Direction, Opcode};
use std::time::Duration;

const HEADER: &str = r#"{"type":"recording","version":1,"tool":"sockeye 0.1.0","started":"2026-11-22T14:30:00.120Z","listen":"127.0.0.1:8080"}"#;

/// The example in the documents.
fn example() -> &'static str {
    let document = include_str!("../../../docs/recording-format.md");
    document.split("```json\n").nth(1).unwrap().split("```").next().unwrap()
}

fn recording() -> Recording {
    let started = clock::parse("2026-11-22T14:30:00.120Z").unwrap();
    Recording {
        tool: "sockeye 0.1.0".to_owned(),
        ..Recording::new(started, vec!["127.0.0.1:8080".to_owned()], Redaction::Off)
    }
}

fn ms(milliseconds: u64) -> Stamp {
    Stamp(milliseconds * 1_000_000)
}

fn us(microseconds: u64) -> Stamp {
    Stamp(microseconds * 1_000)
}

fn write(events: &[Event]) -> String {
    let mut bytes = Vec::new();
    let mut writer = Writer::new(&mut bytes, &recording()).unwrap();
    for event in events {
        writer.event(event, &InMemory).unwrap();
    }
    writer.flush().unwrap();
    drop(writer);
    String::from_utf8(bytes).unwrap()
}

fn reader(text: &str) -> Result<Reader<&[u8]>, ReadError> {
    Reader::new("chat.jsonl", text.as_bytes())
}

fn read(text: &str) -> Vec<Item> {
    let mut reader = reader(text).unwrap();
    let mut items = Vec::new();
    while let Some(record) = reader.next().unwrap() {
        items.push(record.item);
    }
    items
}

fn read_error(text: &str) -> String {
    let mut reader = match reader(text) {
        Ok(reader) => reader,
        Err(error) => return error.to_string(),
    };
    loop {
        match reader.next() {
            Ok(Some(_)) => {}
            Ok(None) => panic!("no error"),
            Err(error) => return error.to_string(),
        }
    }
}

/// Writes events after an opening of session 1 at 0 ms; checks their lines, and that they come back.
#[track_caller]
fn check(events: &[Event], expected: &[&str]) {
    let text = write(events);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], HEADER);
    assert_eq!(lines[1..], *expected);
    let items: Vec<Item> = events.iter().cloned().map(Item::Event).collect();
    assert_eq!(read(&text), items);
}

fn header(fin: bool, reserved_bits: u8, opcode: Opcode, masked: bool, length: u64) -> Bytes {
    let mut bytes = vec![u8::from(fin) << 7 | reserved_bits << 4 | opcode.bits(), u8::from(masked) << 7];
    match length {
        0..126 => bytes[1] |= length as u8,
        126..0x1_0000 => {
            bytes[1] |= 126;
            bytes.extend((length as u16).to_be_bytes());
        }
        _ => {
            bytes[1] |= 127;
            bytes.extend(length.to_be_bytes());
        }
    }
    bytes.extend(masked.then_some([0; 4]).iter().flatten());
    Bytes::from(bytes)
}

/// An ordinary message of one frame at offset 0.
fn message(direction: Direction, opcode: Opcode, payload: &[u8]) -> Message {
    let size = payload.len() as u64;
    let masked = direction == ToServer;
    let frame = Frame { header: header(true, 0, opcode, masked, size), offset: 0, time: us(12_431) };
    Message {
        session: 1,
        number: 1,
        time: us(12_431),
        direction,
        kind: Kind::Frame(opcode),
        compressed: false,
        wire_size: size,
        size,
        utf8: true,
        complete: true,
        frames: vec![frame],
        frames_left_out: 0,
        faults: Vec::new(),
        payload: Payload::from(payload.to_vec()),
        injected: None,
    }
}

#[track_caller]
fn check_message(message: Message, expected: &str) {
    check(&[Event::Message(message)], &[expected]);
}

use Direction::{ToClient, ToServer};

#[test]
fn a_payload_is_json_where_that_is_exact_else_text_else_base64() {
    let head = r#"{"type":"message","session":1,"n":1,"at":12.431,"from":"client","op":"text","#;
    let line = |payload: &str| format!("{head}{payload}}}");
    let text = |payload: &str| message(ToServer, Opcode::Text, payload.as_bytes());
    check_message(text("hello"), &line(r#""text":"hello""#));
    check_message(text(""), &line(r#""text":"""#));
    check_message(text(r#"{"b":1.0,"a":[1.50,null]}"#), &line(r#""json":{"b":1.0,"a":[1.50,null]}"#));
    check_message(text(r#"{"a": 1}"#), &line(r#""text":"{\"a\": 1}""#));
    check_message(text("[1E5]"), &line(r#""text":"[1E5]""#));
    check_message(text(r#"{"a":1,"a":2}"#), &line(r#""text":"{\"a\":1,\"a\":2}""#));
    // scalars stay text: "2" is Engine.IO's ping and not the number two
    check_message(text("2"), &line(r#""text":"2""#));
    check_message(text("null"), &line(r#""text":"null""#));
    // what a terminal would obey is never in a line as it is
    check_message(text("[\"\u{9b}31m\"]"), &line(r#""text":"[\"\u009b31m\"]""#));
    let deep = "[".repeat(127) + &"]".repeat(127);
    check_message(text(&deep), &line(&format!(r#""json":{deep}"#)));
    let deeper = "[".repeat(128) + &"]".repeat(128);
    check_message(text(&deeper), &line(&format!(r#""text":"{deeper}""#)));
}

#[test]
fn binary_is_text_only_where_eyes_can_read_it() {
    let head = r#"{"type":"message","session":1,"n":1,"at":12.431,"from":"server","op":"binary","#;
    let line = |payload: &str| format!("{head}{payload}}}");
    let binary = |payload: &[u8]| message(ToClient, Opcode::Binary, payload);
    check_message(binary(&[0, 1, 2]), &line(r#""base64":"AAEC""#));
    check_message(binary(&[0xff, 0xfe]), &line(r#""base64":"//4=""#));
    check_message(binary("grüße\n".as_bytes()), &line(r#""text":"grüße\n""#));
    check_message(binary(br#"{"a":1}"#), &line(r#""json":{"a":1}"#));
}

#[test]
fn control_frames_have_types_of_their_own() {
    let place = r#""session":1,"n":1,"at":12.431,"from":"server""#;
    let control = |opcode, payload: &[u8]| message(ToClient, opcode, payload);
    check_message(
        control(Opcode::Ping, b"keepalive"),
        &format!(r#"{{"type":"ping",{place},"text":"keepalive"}}"#),
    );
    check_message(control(Opcode::Pong, b""), &format!(r#"{{"type":"pong",{place},"text":""}}"#));
    check_message(control(Opcode::Ping, b"{}"), &format!(r#"{{"type":"ping",{place},"text":"{{}}"}}"#));
    check_message(control(Opcode::Ping, &[0, 0]), &format!(r#"{{"type":"ping",{place},"base64":"AAA="}}"#));
    let close = |payload: &[u8]| control(Opcode::Close, payload);
    check_message(
        close(b"\x03\xe8done"),
        &format!(r#"{{"type":"close",{place},"code":1000,"reason":"done"}}"#),
    );
    check_message(close(b"\x03\xe8"), &format!(r#"{{"type":"close",{place},"code":1000,"reason":""}}"#));
    check_message(close(b""), &format!(r#"{{"type":"close",{place}}}"#));
    check_message(close(b"\x03"), &format!(r#"{{"type":"close",{place},"base64":"Aw=="}}"#));
    check_message(
        close(b"\x03\xe8\xff"),
        &format!(r#"{{"type":"close",{place},"code":1000,"base64":"A+j/"}}"#),
    );
}

#[test]
fn reserved_opcodes_and_raw_bytes_are_told_by_op() {
    let place = r#""session":1,"n":1,"at":12.431,"from":"client""#;
    let reserved = message(ToServer, Opcode::Reserved(3), b"x");
    check_message(reserved, &format!(r#"{{"type":"message",{place},"op":"opcode 3","text":"x"}}"#));
    let raw = Message { kind: Kind::Raw, frames: Vec::new(), ..message(ToServer, Opcode::Binary, b"GET /") };
    check_message(raw, &format!(r#"{{"type":"message",{place},"op":"raw","text":"GET /"}}"#));
}

#[test]
fn sizes_are_told_where_they_differ() {
    let head = r#"{"type":"message","session":1,"n":1,"at":12.431,"from":"server","op":"text","#;
    let line = |rest: &str| format!("{head}{rest}}}");
    let plain = || message(ToClient, Opcode::Text, b"aaaa");
    let compressed = Message {
        compressed: true,
        wire_size: 31,
        frames: vec![Frame { header: header(true, 4, Opcode::Text, false, 31), offset: 0, time: us(12_431) }],
        ..plain()
    };
    check_message(compressed, &line(r#""text":"aaaa","compressed":31"#));
    let captured = Message {
        size: 9,
        wire_size: 9,
        frames: vec![Frame { header: header(true, 0, Opcode::Text, false, 9), offset: 0, time: us(12_431) }],
        ..plain()
    };
    check_message(captured, &line(r#""text":"aaaa","size":9,"captured":4"#));
    let torn = Message {
        complete: false,
        utf8: false,
        frames: vec![Frame { header: header(true, 0, Opcode::Text, false, 90), offset: 0, time: us(12_431) }],
        ..plain()
    };
    check_message(
        torn,
        &line(r#""text":"aaaa","utf8":false,"complete":false,"frames":[{"length":90,"fin":true}]"#),
    );
}

#[test]
fn frames_are_told_where_they_are_not_one_ordinary_frame() {
    let head = r#"{"type":"message","session":1,"n":1,"at":12.431,"from":"client","op":"text","text":"aaaa""#;
    let line = |rest: &str| format!("{head}{rest}}}");
    let with = |frames: &[(Bytes, u64, u64)]| Message {
        frames: frames
            .iter()
            .map(|(header, offset, time)| Frame { header: header.clone(), offset: *offset, time: us(*time) })
            .collect(),
        ..message(ToServer, Opcode::Text, b"aaaa")
    };
    let begin = header(false, 0, Opcode::Text, true, 3);
    let end = header(true, 0, Opcode::Continuation, true, 1);
    check_message(
        with(&[(begin.clone(), 0, 11_000), (end.clone(), 9, 12_431)]),
        &line(r#","frames":[3,1],"frames_at":[11.000,12.431]"#),
    );
    // a ping of 6 octets in between
    check_message(
        with(&[(begin.clone(), 0, 11_000), (end, 15, 12_431)]),
        &line(r#","frames":[3,1],"frames_at":[11.000,12.431],"offset":[0,15]"#),
    );
    let unmasked = Bytes::from_static(&[0xb1, 126, 0, 4]);
    check_message(
        with(&[(unmasked, 7, 12_431)]),
        &line(r#","frames":[{"length":4,"rsv":3,"masking_key":null,"length_bits":16}],"offset":7"#),
    );
    check_message(with(&[]), &line(r#","frames":[]"#));
    check_message(
        with(&[(begin, 0, 2_000)]),
        &line(r#","frames":[{"length":3,"fin":false}],"frames_at":[2.000]"#),
    );
    let masked = Message {
        frames: vec![Frame {
            header: Bytes::from_static(&[0x81, 0x84, 1, 2, 0xab, 4]),
            offset: 0,
            time: us(12_431),
        }],
        ..message(ToClient, Opcode::Text, b"aaaa")
    };
    check_message(
        masked,
        &line(r#","frames":[{"length":4,"masking_key":"0102ab04"}]"#).replace("client", "server"),
    );
}

#[test]
fn violations_stand_behind_their_message() {
    let fault = |what: &str| Fault { what: what.to_owned(), section: "RFC 6455 8.1".to_owned() };
    let broken = Message {
        faults: vec![fault("text is not UTF-8"), fault("another")],
        utf8: false,
        ..message(ToServer, Opcode::Text, &[0xff])
    };
    let place = r#""session":1,"n":1,"at":12.431,"from":"client""#;
    let expected = [
        format!(r#"{{"type":"message",{place},"op":"text","base64":"/w==","utf8":false}}"#),
        format!(r#"{{"type":"violation",{place},"what":"text is not UTF-8","section":"RFC 6455 8.1"}}"#),
        format!(r#"{{"type":"violation",{place},"what":"another","section":"RFC 6455 8.1"}}"#),
    ];
    check(&[Event::Message(broken)], &expected.each_ref().map(|line| &**line));
}

fn opening() -> Opening {
    Opening {
        session: 1,
        time: ms(5),
        mode: Some(Mode::Reverse),
        url: "ws://127.0.0.1:3000/chat".to_owned(),
        client: "127.0.0.1:50000".to_owned(),
        server: "127.0.0.1:3000".to_owned(),
        request: Bytes::from_static(b"GET /chat HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n"),
        sent: Bytes::from_static(b"GET /chat HTTP/1.1\r\nHost: 127.0.0.1:3000\r\n\r\n"),
        response: Bytes::from_static(
            b"HTTP/1.1 101 Switching Protocols\r\nsec-websocket-protocol: json\r\n\
              Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
        ),
        notes: vec!["Host rewritten from 127.0.0.1:8080".to_owned()],
        redacted: vec!["request Cookie".to_owned()],
        timing: Timing {
            tcp: Some(Duration::from_micros(250)),
            response: Some(Duration::from_millis(3)),
            ..Timing::default()
        },
        tls: None,
    }
}

#[test]
fn a_session_from_open_to_end() {
    let said = Message {
        time: us(17_431),
        frames: vec![Frame {
            time: us(17_431),
            ..message(ToServer, Opcode::Text, b"hello").frames[0].clone()
        }],
        ..message(ToServer, Opcode::Text, b"hello")
    };
    let ended = Ended {
        session: 1,
        time: us(125_900),
        client: Ending::Fin,
        server: Ending::Failed("timed out".to_owned()),
        first: Some(ToServer),
        octets: [11, 0],
    };
    check(
        &[Event::Opened(opening()), Event::Message(said), Event::Ended(ended)],
        &[
            r#"{"type":"open","session":1,"time":"2026-11-22T14:30:00.125Z","mode":"reverse","url":"ws://127.0.0.1:3000/chat","http":"1.1","tls":null,"client":"127.0.0.1:50000","server":"127.0.0.1:3000","request":{"line":"GET /chat HTTP/1.1","headers":[["Host","127.0.0.1:8080"]]},"sent":{"line":"GET /chat HTTP/1.1","headers":[["Host","127.0.0.1:3000"]]},"response":{"line":"HTTP/1.1 101 Switching Protocols","headers":[["sec-websocket-protocol","json"],["Sec-WebSocket-Extensions","permessage-deflate"]]},"subprotocol":"json","extensions":"permessage-deflate","notes":["Host rewritten from 127.0.0.1:8080"],"redacted":["request Cookie"],"timing":{"tcp":0.250,"response":3.000}}"#,
            r#"{"type":"message","session":1,"n":1,"at":12.431,"from":"client","op":"text","text":"hello"}"#,
            r#"{"type":"end","session":1,"at":120.900,"client":"fin","server":"timed out","first":"client","octets":{"client":11,"server":0}}"#,
        ],
    );
}

#[test]
fn what_tls_agreed_on_is_told_of_each_leg() {
    let certificate = Certificate {
        subject: "CN=localhost".to_owned(),
        issuer: "CN=root".to_owned(),
        names: vec!["localhost".to_owned(), "127.0.0.1".to_owned()],
        not_before: 0,
        not_after: 1_798_761_600,
        key: "P-256".to_owned(),
        serial: "0a".to_owned(),
        sha256: "ff00".to_owned(),
    };
    let client = Leg {
        server_name: Some("localhost".to_owned()),
        offered: vec!["h2".to_owned(), "http/1.1".to_owned()],
        alpn: Some("http/1.1".to_owned()),
        version: Some("TLS 1.3".to_owned()),
        suite: Some("TLS_AES_128_GCM_SHA256".to_owned()),
        took: Some(Duration::from_micros(1_250)),
        verified: Verified::Yes,
        ..Leg::default()
    };
    let server = Leg {
        chain: [certificate.clone()].into(),
        own_chain: [Certificate { names: Vec::new(), ..certificate }].into(),
        asked: CertificateRequest::Answered,
        verified: Verified::Fault("it has expired".to_owned()),
        ..Leg::default()
    };
    let tunnel = |client, server| {
        let tls = Some(Arc::new(Tls { client, server }));
        Event::Tunnel(Tunnel { session: 1, time: ms(5), tls, ..Tunnel::default() })
    };
    let line = |tls: &str| {
        format!(
            r#"{{"type":"tunnel","session":1,"time":"2026-11-22T14:30:00.125Z","mode":null,"target":"","tls":{tls},"why":""}}"#
        )
    };
    check(&[tunnel(None, None)], &[&line(r#"{"client":null,"server":null}"#)]);
    check(
        &[tunnel(Some(client), Some(server))],
        &[&line(
            r#"{"client":{"version":"TLS 1.3","suite":"TLS_AES_128_GCM_SHA256","sni":"localhost","alpn":"http/1.1","offered":["h2","http/1.1"],"verified":true,"took":1.250},"server":{"verified":"it has expired","chain":[{"subject":"CN=localhost","issuer":"CN=root","names":["localhost","127.0.0.1"],"from":"1970-01-01T00:00:00Z","until":"2027-01-01T00:00:00Z","key":"P-256","serial":"0a","sha256":"ff00"}],"asked":"answered","own_chain":[{"subject":"CN=localhost","issuer":"CN=root","from":"1970-01-01T00:00:00Z","until":"2027-01-01T00:00:00Z","key":"P-256","serial":"0a","sha256":"ff00"}]}}"#,
        )],
    );
}

#[test]
fn the_example_of_tls_in_the_documents_is_what_is_written() {
    let document = include_str!("../../../docs/recording-format.md");
    let section = document.split("\n## TLS\n").nth(1).unwrap();
    let line = section.split("```json\n").nth(1).unwrap().split("```").next().unwrap();
    let items = read(&format!("{HEADER}\n{line}"));
    let [Item::Event(event @ Event::Refused(refused))] = &items[..] else { panic!("{items:?}") };
    let server = refused.opening.tls.as_ref().unwrap().server.as_ref().unwrap();
    assert!(matches!(server.verified, Verified::Fault(_)));
    assert_eq!(write(std::slice::from_ref(event)), format!("{HEADER}\n{line}"));
}

#[test]
fn lines_from_before_tls_was_told_are_read() {
    for tls in [r#""tls":null,"#, ""] {
        let exchange = format!(
            r#"{{"type":"exchange","exchange":1,"time":"2026-11-22T14:30:00.125Z","url":"https://a/",{tls}"mode":null}}"#
        );
        let items = read(&format!("{HEADER}\n{exchange}\n"));
        let [Item::Event(Event::Exchanged(exchange))] = &items[..] else { panic!("{items:?}") };
        assert_eq!(exchange.tls, None);
    }
}

#[test]
fn a_refusal_with_and_without_an_answer() {
    let refused = Refused {
        opening: Opening {
            response: Bytes::from_static(b"HTTP/1.1 401 Unauthorized\r\n\r\n"),
            sent: Bytes::new(),
            notes: Vec::new(),
            redacted: Vec::new(),
            timing: Timing::default(),
            ..opening()
        },
        body: Payload::from("no token"),
        why: "the server answered 401, not 101".to_owned(),
    };
    let begin = r#"{"type":"refused","session":1,"time":"2026-11-22T14:30:00.125Z","mode":"reverse","url":"ws://127.0.0.1:3000/chat","http":"1.1","tls":null,"client":"127.0.0.1:50000","server":"127.0.0.1:3000","request":{"line":"GET /chat HTTP/1.1","headers":[["Host","127.0.0.1:8080"]]},"#;
    let answered = format!(
        r#"{begin}"response":{{"line":"HTTP/1.1 401 Unauthorized","headers":[],"body":"no token"}},"why":"the server answered 401, not 101"}}"#
    );
    check(&[Event::Refused(refused.clone())], &[&answered]);
    let opening = Opening { response: Bytes::new(), ..refused.opening };
    let silent = Refused { opening: opening.clone(), body: Payload::default(), why: "it hung".to_owned() };
    check(&[Event::Refused(silent)], &[&format!(r#"{begin}"response":null,"why":"it hung"}}"#)]);
    let odd = Refused { opening, body: Payload::from(&b"\xff\xfb"[..]), why: "no HTTP".to_owned() };
    check(
        &[Event::Refused(odd)],
        &[&format!(r#"{begin}"response":{{"body_base64":"//s="}},"why":"no HTTP"}}"#)],
    );
}

#[test]
fn tunnels_exchanges_and_notes() {
    let tunnel = Tunnel {
        session: 2,
        time: ms(5),
        mode: Some(Mode::Socks5),
        target: "example.org:443".to_owned(),
        why: "TLS, not opened".to_owned(),
        ..Tunnel::default()
    };
    let exchange = Exchange {
        exchange: 1,
        time: ms(5),
        ended: Some(us(5_750)),
        url: "http://a/x".to_owned(),
        request: Bytes::from_static(b"POST /x HTTP/1.1\r\n\r\n"),
        request_body: Payload::from("a=b"),
        request_size: 3,
        response_size: 4096,
        response_body: Payload::from("lon"),
        response: Bytes::from_static(b"HTTP/1.1 200 OK\r\n\r\n"),
        error: Some("the client went away".to_owned()),
        ..Exchange::default()
    };
    let note = |flow| Event::Note(Note { time: ms(5), flow, text: "hm".to_owned() });
    let time = r#""time":"2026-11-22T14:30:00.125Z""#;
    check(
        &[
            Event::Tunnel(tunnel),
            Event::Exchanged(exchange),
            note(None),
            note(Some(Flow::Session(2))),
            note(Some(Flow::Exchange(1))),
        ],
        &[
            &format!(
                r#"{{"type":"tunnel","session":2,{time},"mode":"socks5","target":"example.org:443","tls":null,"why":"TLS, not opened"}}"#
            ),
            &format!(
                r#"{{"type":"exchange","exchange":1,{time},"took":0.750,"mode":null,"url":"http://a/x","tls":null,"request":{{"line":"POST /x HTTP/1.1","headers":[],"body":"a=b"}},"response":{{"line":"HTTP/1.1 200 OK","headers":[],"body":"lon","size":4096}},"error":"the client went away"}}"#
            ),
            &format!(r#"{{"type":"note",{time},"text":"hm"}}"#),
            &format!(r#"{{"type":"note",{time},"session":2,"text":"hm"}}"#),
            &format!(r#"{{"type":"note",{time},"exchange":1,"text":"hm"}}"#),
        ],
    );
}

#[test]
fn what_is_not_answered_yet_has_no_line() {
    let text = write(&[
        Event::Asked(opening()),
        Event::Requested(Exchange::default()),
        Event::Responded(Exchange::default()),
    ]);
    assert_eq!(text.lines().collect::<Vec<_>>(), [HEADER]);
}

#[test]
fn a_gap_says_how_much_is_missing() {
    let mut bytes = Vec::new();
    let mut writer = Writer::new(&mut bytes, &recording()).unwrap();
    writer.gap(ms(5), 12, "the log was full").unwrap();
    writer.flush().unwrap();
    drop(writer);
    let text = String::from_utf8(bytes).unwrap();
    assert_eq!(
        text.lines().nth(1).unwrap(),
        r#"{"type":"gap","time":"2026-11-22T14:30:00.125Z","events":12,"why":"the log was full"}"#
    );
    assert_eq!(read(&text), [Item::Gap { time: ms(5), lost: 12, why: "the log was full".to_owned() }]);
}

#[test]
fn a_control_frame_between_fragments_keeps_its_place_in_the_stream() {
    let frames = vec![
        Frame { header: header(false, 0, Opcode::Text, false, 3), offset: 0, time: us(1_000) },
        Frame { header: header(true, 0, Opcode::Continuation, false, 1), offset: 7, time: us(12_431) },
    ];
    let ping = Message {
        frames: vec![Frame { header: header(true, 0, Opcode::Ping, false, 0), offset: 5, time: us(12_431) }],
        ..message(ToClient, Opcode::Ping, b"")
    };
    let cut = Message { number: 2, frames, ..message(ToClient, Opcode::Text, b"aaaa") };
    let next = Message {
        number: 3,
        frames: vec![Frame { header: header(true, 0, Opcode::Ping, false, 0), offset: 10, time: us(12_431) }],
        ..message(ToClient, Opcode::Ping, b"")
    };
    let opened = Opening { time: Stamp(0), ..opening() };
    let events = [Event::Opened(opened), Event::Message(ping), Event::Message(cut), Event::Message(next)];
    let text = write(&events);
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[2].ends_with(r#""text":"","offset":5}"#), "{}", lines[2]);
    assert!(
        lines[3].ends_with(r#""frames":[3,1],"frames_at":[1.000,12.431],"offset":[0,7]}"#),
        "{}",
        lines[3]
    );
    assert!(lines[4].ends_with(r#""text":""}"#), "{}", lines[4]);
    assert_eq!(read(&text), events.map(Item::Event));
}

#[test]
fn a_skipped_message_changes_no_other_line() {
    let second = || Message {
        number: 2,
        frames: vec![Frame { offset: 7, ..message(ToClient, Opcode::Text, b"hello").frames[0].clone() }],
        ..message(ToClient, Opcode::Text, b"hello")
    };
    let opened = Event::Opened(Opening { time: Stamp(0), ..opening() });
    let first = Event::Message(message(ToClient, Opcode::Text, b"12345"));
    let all = write(&[opened.clone(), first.clone(), Event::Message(second())]);
    let mut bytes = Vec::new();
    let mut writer = Writer::new(&mut bytes, &recording()).unwrap();
    writer.skip(&opened);
    writer.skip(&first);
    writer.event(&Event::Message(second()), &InMemory).unwrap();
    writer.flush().unwrap();
    drop(writer);
    assert_eq!(String::from_utf8(bytes).unwrap().lines().last(), all.lines().last());
}

/// A log that has let go of all but the first bytes of a payload.
struct Forgetful(u64);

impl Payloads for Forgetful {
    fn read(&self, payload: &Payload, offset: u64, length: usize) -> std::io::Result<Bytes> {
        let left = self.0.saturating_sub(offset).min(length as u64);
        InMemory.read(payload, offset, left as usize)
    }
}

#[test]
fn a_large_payload_is_streamed_as_what_it_is() {
    let size = 1024 * 1024 + 5;
    for (fill, key) in [("a\u{e9}\"", "text"), ("\u{ff}\0", "text")] {
        let payload = fill.repeat(size / fill.len() + 1);
        let text = write(&[Event::Message(message(ToClient, Opcode::Text, payload.as_bytes()))]);
        assert!(text.contains(&format!("\"op\":\"text\",\"{key}\":\"")), "{fill:?}");
        let Item::Event(Event::Message(read)) = &read(&text)[0] else { panic!() };
        assert!(read.payload == Payload::from(payload), "{fill:?}");
    }
    for fill in [&[0xff][..], &[0, 1], &[b'a', 0xc3]] {
        let payload = fill.repeat(size / fill.len() + 1);
        let text = write(&[Event::Message(message(ToClient, Opcode::Binary, &payload))]);
        assert!(text.contains("\"op\":\"binary\",\"base64\":\""), "{fill:?}");
        let Item::Event(Event::Message(read)) = &read(&text)[0] else { panic!() };
        assert!(read.payload == Payload::from(payload), "{fill:?}");
    }
}

#[test]
fn what_the_log_let_go_while_it_was_written_is_told() {
    for left in [0, 70_001, 1_000_000] {
        let payload = "aé".repeat(500_000);
        let event = Event::Message(message(ToClient, Opcode::Text, payload.as_bytes()));
        let mut bytes = Vec::new();
        let mut writer = Writer::new(&mut bytes, &recording()).unwrap();
        writer.event(&event, &Forgetful(left)).unwrap();
        writer.flush().unwrap();
        drop(writer);
        let text = String::from_utf8(bytes).unwrap();
        let Item::Event(Event::Message(message)) = &read(&text)[0] else { panic!() };
        assert_eq!(message.size, 1_500_000);
        assert!(payload.as_bytes().starts_with(message.payload.in_memory().unwrap()));
        assert!(message.payload.len().abs_diff(left) < 3, "{left}: {}", message.payload.len());
    }
}

#[test]
fn lines_reach_the_writer_whole_when_flushed() {
    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);
    impl std::io::Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let shared = Shared::default();
    let mut writer = Writer::new(shared.clone(), &recording()).unwrap();
    assert_eq!(shared.0.lock().unwrap().len(), 0);
    writer.event(&Event::Opened(opening()), &InMemory).unwrap();
    writer.flush().unwrap();
    assert_eq!(shared.0.lock().unwrap().iter().filter(|byte| **byte == b'\n').count(), 2);
    assert_eq!(shared.0.lock().unwrap().last(), Some(&b'\n'));
}

#[test]
fn a_writer_that_failed_stays_failed() {
    struct Full;
    impl std::io::Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut writer = Writer::new(Full, &recording()).unwrap();
    assert_eq!(writer.flush().unwrap_err().kind(), std::io::ErrorKind::StorageFull);
    assert!(writer.event(&Event::Opened(opening()), &InMemory).is_err());
}

#[test]
fn the_example_in_the_documents_is_what_is_written() {
    let example = example();
    let mut bytes = Vec::new();
    let mut source = reader(example).unwrap();
    let mut writer = Writer::new(&mut bytes, source.recording()).unwrap();
    while let Some(record) = source.next().unwrap() {
        match record.item {
            Item::Event(event) => writer.event(&event, &InMemory).unwrap(),
            Item::Gap { time, lost, why } => writer.gap(time, lost, &why).unwrap(),
            other => panic!("{other:?}"),
        }
    }
    writer.flush().unwrap();
    drop(writer);
    assert_eq!(String::from_utf8(bytes).unwrap(), example);
}
