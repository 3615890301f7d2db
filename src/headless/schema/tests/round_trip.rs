//! Any event written then read is the same event.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use bytes::Bytes;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::{ms, read, us, write};
use crate::capture::{
    Act, By, Certificate, CertificateRequest, Deed, Ended, Ending, Event, Exchange, Fault, Flow, Frame, Kind,
    Leg, Message, Mode, Note, Opening, Payload, Refused, Stamp, Timing, Tls, Tunnel, Verified,
};
use crate::headless::schema::Item;
use crate::ws::Direction::{ToClient, ToServer};
use crate::ws::{FrameHeader, Opcode};

fn heads() -> impl Strategy<Value = Bytes> {
    prop_oneof![
        Just(Bytes::new()),
        "[A-Z]{1,4} /[a-z]{0,5} HTTP/1.1\r\n([A-Za-z-]{1,8}: [a-z,=; ]{0,9}\r\n){0,3}\r\n"
            .prop_map(Bytes::from),
        vec(any::<u8>(), 1..40).prop_map(Bytes::from),
    ]
}

fn payloads() -> impl Strategy<Value = Bytes> {
    prop_oneof![
        vec(any::<u8>(), 0..40).prop_map(Bytes::from),
        any::<String>().prop_map(Bytes::from),
        r#"[\[{]("[a-z]{0,2}"[:,]|[0-9.E]{0,4}|null|true|[\[\]{}]){0,6}[\]}]"#.prop_map(Bytes::from),
    ]
}

fn modes() -> impl Strategy<Value = Option<Mode>> {
    prop_oneof![Just(None), proptest::sample::select(&Mode::ALL[..]).prop_map(Some)]
}

fn steps() -> impl Strategy<Value = Timing> {
    let step = || option::of((0_u64..1 << 40).prop_map(Duration::from_micros));
    (step(), step(), step(), step()).prop_map(|(dns, tcp, tls, response)| Timing { dns, tcp, tls, response })
}

fn certificates() -> impl Strategy<Value = Certificate> {
    let seconds = || -62_167_219_200_i64..253_402_300_800;
    (any::<[String; 5]>(), vec(any::<String>(), 0..3), seconds(), seconds()).prop_map(
        |([subject, issuer, key, serial, sha256], names, not_before, not_after)| Certificate {
            subject,
            issuer,
            names,
            not_before,
            not_after,
            key,
            serial,
            sha256,
        },
    )
}

/// Boxed: strategies hold those inside them, and these would be too large for a test's stack.
fn legs() -> BoxedStrategy<Leg> {
    let words = (
        option::of(any::<String>()),
        option::of(any::<String>()),
        option::of(any::<String>()),
        option::of(any::<String>()),
    );
    let verified =
        prop_oneof![Just(Verified::No), Just(Verified::Yes), any::<String>().prop_map(Verified::Fault)];
    let asked = proptest::sample::select(vec![
        CertificateRequest::None,
        CertificateRequest::Answered,
        CertificateRequest::Unanswered,
    ]);
    let chains = (vec(certificates(), 0..3), vec(certificates(), 0..2));
    let took = option::of((0_u64..1 << 40).prop_map(Duration::from_micros));
    (words, vec(any::<String>(), 0..3), verified, asked, took, chains)
        .prop_map(
            |((server_name, alpn, version, suite), offered, verified, asked, took, (chain, own_chain))| Leg {
                server_name,
                offered,
                alpn,
                version,
                suite,
                chain: chain.into(),
                own_chain: own_chain.into(),
                asked,
                verified,
                took,
            },
        )
        .boxed()
}

fn agreements() -> BoxedStrategy<Option<Arc<Tls>>> {
    let some = (option::of(legs()), option::of(legs()));
    prop_oneof![
        3 => Just(None),
        1 => some.prop_map(|(client, server)| Some(Arc::new(Tls { client, server }))),
    ]
    .boxed()
}

fn openings() -> impl Strategy<Value = Opening> {
    let list = || vec(any::<String>(), 0..3);
    let texts = (any::<String>(), any::<String>(), any::<String>(), list(), list());
    let heads = (heads(), heads(), heads());
    ((0_u32..4, 0_u64..1 << 29), modes(), texts, heads, steps(), agreements()).prop_map(
        |(
            (session, time),
            mode,
            (url, client, server, notes, redacted),
            (request, sent, response),
            timing,
            tls,
        )| {
            Opening {
                session,
                time: ms(time),
                mode,
                url,
                client,
                server,
                request,
                sent,
                response,
                notes,
                redacted,
                timing,
                tls,
            }
        },
    )
}

/// A header without a key that the format does not hold: of frames from the client.
fn frame_headers() -> impl Strategy<Value = Bytes> {
    vec(any::<u8>(), 0..20).prop_map(|bytes| match FrameHeader::parse(&bytes) {
        Some(header) => Bytes::copy_from_slice(header.bytes()),
        None => Bytes::from(bytes),
    })
}

fn blank_key(header: Bytes) -> Bytes {
    match FrameHeader::parse(&header) {
        Some(parsed) if parsed.masking_key.is_some() => {
            let mut bytes = header.to_vec();
            let length = bytes.len();
            bytes[length - 4..].fill(0);
            Bytes::from(bytes)
        }
        _ => header,
    }
}

fn messages() -> impl Strategy<Value = Message> {
    let kinds =
        prop_oneof![Just(Kind::Raw), (0_u8..16).prop_map(|bits| Kind::Frame(Opcode::from_bits(bits)))];
    let frames = vec((frame_headers(), any::<u64>(), 1_u64 << 40..1 << 41), 0..4);
    let faults = vec((any::<String>(), any::<String>()), 0..3);
    let numbers = (0_u32..4, any::<u64>(), 1_u64 << 41..1 << 42, option::of(doers()));
    let sizes = (option::of(any::<u64>()), option::of(any::<u64>()), 0_u64..3);
    (numbers, kinds, any::<[bool; 4]>(), sizes, frames, faults, payloads()).prop_map(
        |(
            (session, number, time, injected),
            kind,
            flags,
            (size, wire, left_out),
            frames,
            faults,
            payload,
        )| {
            let [to_server, compressed, utf8, complete] = flags;
            let size = size.unwrap_or(payload.len() as u64);
            let direction = if to_server { ToServer } else { ToClient };
            let frames = frames.into_iter().map(|(header, offset, time)| Frame {
                header: if to_server { blank_key(header) } else { header },
                offset,
                time: us(time),
            });
            Message {
                session,
                number,
                time: us(time),
                direction,
                kind,
                compressed,
                wire_size: wire.unwrap_or(size),
                size,
                utf8,
                complete,
                frames: frames.collect(),
                frames_left_out: left_out,
                faults: faults.into_iter().map(|(what, section)| Fault { what, section }).collect(),
                payload: Payload::from(payload),
                injected,
            }
        },
    )
}

fn doers() -> impl Strategy<Value = By> {
    prop_oneof![Just(By::User), Just(By::Proxy), any::<String>().prop_map(|name| By::Rule(name.into()))]
}

fn sides() -> impl Strategy<Value = crate::ws::Direction> {
    prop_oneof![Just(ToServer), Just(ToClient)]
}

fn deeds() -> impl Strategy<Value = Deed> {
    let time = || (0_u64..1 << 40).prop_map(Duration::from_micros);
    let plain = vec![
        Deed::Held,
        Deed::Released,
        Deed::Dropped,
        Deed::Reset,
        Deed::Marked,
        Deed::RecordingStopped,
        Deed::Full,
        Deed::Lifted,
        Deed::Unjudged,
    ];
    prop_oneof![
        proptest::sample::select(plain),
        (0_u8..16, payloads())
            .prop_map(|(bits, after)| Deed::Edited(Opcode::from_bits(bits), Payload::from(after))),
        any::<u32>().prop_map(Deed::Duplicated),
        any::<u32>().prop_map(Deed::Reordered),
        any::<u64>().prop_map(Deed::Corrupted),
        any::<u64>().prop_map(Deed::Truncated),
        any::<u64>().prop_map(Deed::OthersDropped),
        time().prop_map(Deed::Delayed),
        (sides(), option::of(time())).prop_map(|(side, time)| Deed::Stalled(side, time)),
        any::<(u16, String)>().prop_map(|(code, reason)| Deed::Closed(code, reason)),
        (sides(), any::<String>()).prop_map(|(side, rate)| Deed::Throttled(side, rate)),
        (sides(), 0_u8..16).prop_map(|(side, bits)| Deed::Sent(side, Opcode::from_bits(bits))),
        (100..1000_u16).prop_map(Deed::Refused),
    ]
}

fn acts() -> impl Strategy<Value = Act> {
    let numbers = (option::of(any::<u64>()), option::of(any::<u64>()));
    (0_u32..4, 1_u64 << 41..1 << 42, sides(), numbers, deeds(), doers()).prop_map(
        |(session, time, direction, (number, held), deed, by)| {
            let act = Act { session, time: us(time), direction, number, held, deed, by };
            // One that has no side is read back with the first.
            Act { direction: if act.has_no_side() { ToServer } else { direction }, ..act }
        },
    )
}

fn exchanges() -> impl Strategy<Value = Exchange> {
    let sizes = (option::of(any::<u64>()), option::of(any::<u64>()));
    let rest = (option::of(0_u64..1 << 40), any::<u32>(), option::of(any::<String>()));
    (openings(), payloads(), payloads(), sizes, rest).prop_map(
        |(opening, request_body, response_body, (request_size, response_size), (took, exchange, error))| {
            Exchange {
                exchange: exchange / 4,
                time: opening.time,
                ended: took.map(|took| Stamp(opening.time.0 + us(took).0)),
                mode: opening.mode,
                url: opening.url,
                client: opening.client,
                server: opening.server,
                request: opening.request,
                sent: opening.sent,
                response: opening.response,
                notes: opening.notes,
                redacted: opening.redacted,
                request_size: request_size.unwrap_or(request_body.len() as u64),
                request_body: Payload::from(request_body),
                response_size: response_size.unwrap_or(response_body.len() as u64),
                response_body: Payload::from(response_body),
                error,
                timing: opening.timing,
                tls: opening.tls,
            }
        },
    )
}

fn endings() -> impl Strategy<Value = Ending> {
    prop_oneof![
        proptest::sample::select(vec![
            Ending::Open,
            Ending::Fin,
            Ending::Reset,
            Ending::Killed,
            Ending::Shutdown
        ]),
        any::<String>().prop_map(|why| Ending::from_name(&why)),
    ]
}

fn events() -> impl Strategy<Value = Event> {
    let ended =
        (0_u32..4, 1_u64 << 41..1 << 42, endings(), endings(), option::of(any::<bool>()), any::<[u64; 2]>());
    let flow = prop_oneof![
        Just(None),
        (0_u32..4).prop_map(|number| Some(Flow::Session(number))),
        (0_u32..4).prop_map(|number| Some(Flow::Exchange(number)))
    ];
    prop_oneof![
        1 => openings().prop_map(Event::Opened),
        1 => (openings(), payloads(), any::<String>())
            .prop_map(|(opening, body, why)| Event::Refused(Refused { opening, body: body.into(), why })),
        1 => (openings(), any::<String>(), any::<String>()).prop_map(|(opening, target, why)| Event::Tunnel(Tunnel {
            session: opening.session,
            time: opening.time,
            mode: opening.mode,
            target,
            client: opening.client,
            server: opening.server,
            why,
            tls: opening.tls,
        })),
        4 => messages().prop_map(Event::Message),
        2 => acts().prop_map(Event::Act),
        1 => ended.prop_map(|(session, time, client, server, first, octets)| Event::Ended(Ended {
            session,
            time: us(time),
            client,
            server,
            first: first.map(|first| if first { ToServer } else { ToClient }),
            octets,
        })),
        1 => exchanges().prop_map(Event::Exchanged),
        1 => (0_u64..1 << 40, flow, any::<String>())
            .prop_map(|(time, flow, text)| Event::Note(Note { time: ms(time), flow, text })),
    ]
}

/// What the format does not hold is taken away: a single frame's own time where it is that of the message.
fn as_held(mut event: Event) -> Event {
    if let Event::Message(message) = &mut event
        && let [frame] = &mut message.frames[..]
        && message.time.0 - frame.time.0 < 1_000_000
    {
        frame.time = message.time;
    }
    event
}

/// docs/recording.schema.json, which whatever is written holds to.
static SCHEMA: LazyLock<(boon::Schemas, boon::SchemaIndex)> = LazyLock::new(|| {
    let text = include_str!("../../../../docs/recording.schema.json");
    let (mut schemas, mut compiler) = (boon::Schemas::new(), boon::Compiler::new());
    compiler.add_resource("recording.schema.json", serde_json::from_str(text).unwrap()).unwrap();
    let index = compiler.compile("recording.schema.json", &mut schemas).unwrap();
    (schemas, index)
});

proptest! {
    #[test]
    fn events_written_and_read_are_the_same(events in vec(events().prop_map(as_held), 0..8)) {
        let text = write(&events);
        prop_assert!(!text.chars().any(|c| c.is_control() && c != '\n'));
        for line in text.lines() {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            if let Err(fault) = SCHEMA.0.validate(&line, SCHEMA.1) {
                prop_assert!(false, "{:#}: {}", fault, line);
            }
        }
            let expected: Vec<Item> = events.iter().cloned().map(Item::Event).collect();
        prop_assert_eq!(read(&text), expected);
        prop_assert_eq!(write(&events_of(&text)), text);
    }
}

fn events_of(text: &str) -> Vec<Event> {
    let event = |item| match item {
        Item::Event(event) => Some(event),
        _ => None,
    };
    read(text).into_iter().filter_map(event).collect()
}
