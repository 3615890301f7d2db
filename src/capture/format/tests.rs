//! Events written to the log and read back.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::*;
use crate::capture::act::{Act, By, Deed};
use crate::capture::record::{
    Ended, Ending, Event, Exchange, Extent, Fault, Flow, Frame, Kind, Message, Mode, Note, Opening, Payload,
    Place, Refused, Stamp, Timing, Tunnel,
};
use crate::capture::tls::{Certificate, CertificateRequest, Leg, Tls, Verified};
use crate::ws::{Direction, Opcode};

fn message() -> Message {
    Message {
        session: 7,
        number: 300,
        time: Stamp(5_000_000),
        direction: Direction::ToClient,
        kind: Kind::Frame(Opcode::Text),
        compressed: true,
        wire_size: 12,
        size: 30,
        utf8: true,
        complete: true,
        frames: vec![
            Frame { header: Bytes::from_static(&[0x41, 5]), offset: 90, time: Stamp(4_000_000) },
            Frame { header: Bytes::from_static(&[0x80, 7]), offset: 97, time: Stamp(5_000_000) },
        ],
        frames_left_out: 3,
        faults: vec![Fault { what: "odd".into(), section: "RFC 6455 5.2".into() }],
        payload: Payload::from(&b"hello world"[..]),
        injected: None,
    }
}

fn tls() -> Arc<Tls> {
    let certificate = Certificate {
        subject: "CN=h".into(),
        issuer: "CN=root".into(),
        names: vec!["h".into(), "::1".into()],
        not_before: -1,
        not_after: 253_402_300_799,
        key: "P-256".into(),
        serial: "0a".into(),
        sha256: "ff".repeat(32),
    };
    let server = Leg {
        server_name: Some("h".into()),
        offered: vec!["http/1.1".into()],
        version: Some("TLS 1.3".into()),
        suite: Some(String::new()),
        chain: [certificate.clone(), Certificate { not_before: i64::MIN, ..certificate.clone() }].into(),
        own_chain: [certificate].into(),
        asked: CertificateRequest::Answered,
        verified: Verified::Fault("expired".into()),
        took: Some(Duration::ZERO),
        ..Leg::default()
    };
    let client = Leg { verified: Verified::Yes, asked: CertificateRequest::Unanswered, ..Leg::default() };
    Arc::new(Tls { client: Some(client), server: Some(server) })
}

#[track_caller]
fn check(event: &Event) {
    let mut bytes = Vec::new();
    Encoder(&mut bytes).event(event);
    let length = u32::from_le_bytes(bytes[..4].try_into().unwrap()) as usize;
    assert_eq!(length, bytes.len() - LENGTH);
    assert_eq!(Decoder::new(&bytes[LENGTH..], 4, length).event().as_ref(), Some(event));
    for cut in LENGTH..bytes.len() {
        let read = Decoder::new(&bytes[LENGTH..cut], 4, cut - LENGTH).event();
        assert_ne!(read.as_ref(), Some(event), "cut at {cut}");
    }
}

fn opening() -> Opening {
    Opening {
        session: 2,
        time: Stamp(1),
        mode: Some(Mode::Socks5),
        url: "ws://h/".into(),
        client: "c".into(),
        server: "s".into(),
        request: Bytes::from_static(b"GET / HTTP/1.1\r\n\r\n"),
        sent: Bytes::from_static(b"x"),
        response: Bytes::from_static(b"y"),
        notes: vec!["Host rewritten".into()],
        redacted: vec!["url token".into(), "request Cookie".into()],
        timing: Timing { tcp: Some(Duration::ZERO), ..Timing::default() },
        tls: None,
    }
}

fn deeds() -> [Deed; 22] {
    [
        Deed::Held,
        Deed::Released,
        Deed::Edited(Opcode::Binary, Payload::from(&b"after"[..])),
        Deed::Dropped,
        Deed::Duplicated(2),
        Deed::Delayed(Duration::from_millis(5)),
        Deed::Reordered(u32::MAX),
        Deed::Corrupted(9),
        Deed::Truncated(0),
        Deed::Closed(4000, "out".into()),
        Deed::Reset,
        Deed::Stalled(Direction::ToServer, None),
        Deed::Stalled(Direction::ToClient, Some(Duration::ZERO)),
        Deed::Throttled(Direction::ToServer, "10 messages a second".into()),
        Deed::Sent(Direction::ToClient, Opcode::Ping),
        Deed::Marked,
        Deed::RecordingStopped,
        Deed::Refused(503),
        Deed::Full,
        Deed::Lifted,
        Deed::OthersDropped(4000),
        Deed::Unjudged,
    ]
}

#[test]
fn every_event_reads_back_as_written() {
    let opening = opening();
    let exchange = Exchange {
        exchange: 9,
        ended: Some(Stamp(0)),
        request_body: Payload::from(&b"a"[..]),
        response_size: 1 << 40,
        error: Some(String::new()),
        ..Exchange::default()
    };
    check(&Event::Asked(opening.clone()));
    check(&Event::Opened(opening.clone()));
    check(&Event::Refused(Refused {
        opening: opening.clone(),
        body: Payload::from(&b"no"[..]),
        why: "401".into(),
    }));
    check(&Event::Tunnel(Tunnel {
        session: 1,
        target: "h:1".into(),
        why: "TLS".into(),
        ..Tunnel::default()
    }));
    check(&Event::Message(message()));
    check(&Event::Message(Message { kind: Kind::Raw, frames: Vec::new(), ..message() }));
    check(&Event::Ended(Ended {
        session: 3,
        time: Stamp(u64::MAX),
        client: Ending::Failed("broken pipe".into()),
        server: Ending::Reset,
        first: Some(Direction::ToClient),
        octets: [1, 2],
    }));
    check(&Event::Requested(exchange.clone()));
    check(&Event::Responded(exchange.clone()));
    check(&Event::Exchanged(exchange.clone()));
    for tls in [
        tls(),
        Arc::new(Tls::default()),
        Arc::new(Tls { client: None, ..Tls::clone(&tls()) }),
        Arc::new(Tls { server: None, ..Tls::clone(&tls()) }),
    ] {
        let tls = Some(tls);
        check(&Event::Opened(Opening { tls: tls.clone(), ..opening.clone() }));
        check(&Event::Exchanged(Exchange { tls: tls.clone(), ..exchange.clone() }));
        check(&Event::Tunnel(Tunnel { session: 1, tls, ..Tunnel::default() }));
    }
    check(&Event::Message(Message { injected: Some(By::Rule("price".into())), ..message() }));
    check(&Event::Note(Note { time: Stamp(4), flow: Some(Flow::Exchange(4)), text: "full".into() }));
}

#[test]
fn every_act_reads_back_as_written() {
    for deed in deeds() {
        for by in [By::User, By::Rule("price".into()), By::Proxy] {
            let deed = deed.clone();
            let (number, held) = (Some(u64::MAX >> 1), Some(0));
            check(&Event::Act(Act {
                session: 3,
                time: Stamp(7),
                direction: Direction::ToClient,
                number,
                held,
                deed,
                by,
            }));
        }
    }
}

#[test]
fn a_payload_beyond_the_bytes_read_is_told_by_its_place() {
    let mut bytes = Vec::new();
    Encoder(&mut bytes).event(&Event::Message(message()));
    let whole = bytes.len() - LENGTH;
    let read = Decoder::new(&bytes[LENGTH..bytes.len() - 3], 100, whole).event();
    let Some(Event::Message(read)) = read else { panic!("not a message: {read:?}") };
    let extent = Extent { position: 100 + whole as u64 - 11, length: 11 };
    assert_eq!(read.payload, Payload(Place::Log(vec![extent])));
}

#[test]
fn hostile_lengths_give_nothing() {
    for tail in [&[0xff; 12][..], &[0x80, 0x80], &[0xff, 0xff, 0xff, 0xff, 0x0f]] {
        for tag in 1..=14u8 {
            let mut bytes = vec![tag];
            bytes.extend_from_slice(tail);
            assert_eq!(Decoder::new(&bytes, 0, bytes.len()).event(), None);
        }
    }
}
