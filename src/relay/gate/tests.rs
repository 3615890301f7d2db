//! What goes through a gate is what its receiver should get, whatever was done to some of it.

use proptest::prelude::*;

use super::*;
use crate::ws::message::{Finished, MessageReader, Part, Scratch, Sink};
use crate::ws::{OtherExtension, Violation, encode::Frame};

/// What a receiver gets: data messages and pings, in order.
#[derive(Default)]
struct Received {
    data: Vec<u8>,
    control: Vec<u8>,
    list: Vec<(Opcode, Vec<u8>)>,
    wrong: Vec<Violation>,
}

impl Sink for Received {
    fn frame(&mut self, _: &FrameHeader, _: u64) {}

    fn payload(&mut self, part: Part, bytes: &[u8]) {
        match part {
            Part::Data => self.data.extend_from_slice(bytes),
            Part::Control => self.control.extend_from_slice(bytes),
        }
    }

    fn violation(&mut self, _: Part, violation: Violation) {
        self.wrong.push(violation);
    }

    fn finished(&mut self, part: Part, message: &Finished) {
        let payload = match part {
            Part::Data => std::mem::take(&mut self.data),
            Part::Control => std::mem::take(&mut self.control),
        };
        self.list.push((message.opcode, payload));
    }

    fn raw(&mut self, bytes: &[u8]) {
        panic!("not a frame: {bytes:?}");
    }
}

fn received(bytes: &[u8], direction: Direction, deflate: Option<PermessageDeflate>) -> Received {
    let mut received = Received::default();
    let mut reader = MessageReader::new(direction, deflate, OtherExtension::None, 1 << 30);
    reader.read(bytes, &mut Scratch::new(), &mut received);
    received
}

/// What a sender sends of one message.
#[derive(Clone, Debug)]
struct Sent {
    text: String,
    /// Whether it is compressed where that was agreed on.
    compressed: bool,
    /// Into how many frames it is cut, with a ping between them.
    frames: usize,
    verdict: Verdict,
}

fn sent() -> impl Strategy<Value = Sent> {
    let verdict = prop_oneof![
        4 => Just(Verdict::FORWARD),
        1 => Just(Verdict::DROP),
        1 => Just(Verdict { times: 2, ..Verdict::FORWARD }),
        1 => "[ab]{0,60}".prop_map(replaced),
    ];
    // Few words, so that messages refer to those before them.
    ("(tick|tock|price|fish){0,30}", any::<bool>(), 1_usize..4, verdict)
        .prop_map(|(text, compressed, frames, verdict)| Sent { text, compressed, frames, verdict })
}

fn parameters() -> impl Strategy<Value = Option<PermessageDeflate>> {
    let takeover = (any::<bool>(), any::<bool>());
    prop::option::of((takeover, 8_u8..=15, 8_u8..=15).prop_map(|((server, client), one, other)| {
        PermessageDeflate {
            server_no_context_takeover: server,
            client_no_context_takeover: client,
            server_max_window_bits: one,
            client_max_window_bits: other,
        }
    }))
}

const KEY: [u8; 4] = [9, 8, 7, 6];

/// The bytes of one message from its sender.
fn wire(sent: &Sent, direction: Direction, deflater: Option<&mut Deflater>, bytes: &mut Vec<u8>) {
    let compressed = deflater.filter(|_| sent.compressed).and_then(|one| one.compress(sent.text.as_bytes()));
    let payload = compressed.as_deref().unwrap_or(sent.text.as_bytes());
    let size = payload.len().div_ceil(sent.frames).max(1);
    let mut pieces: Vec<&[u8]> = payload.chunks(size).collect();
    if pieces.is_empty() {
        pieces.push(b"");
    }
    let last = pieces.len() - 1;
    for (index, piece) in pieces.into_iter().enumerate() {
        let mut frame = Frame::new(if index == 0 { Opcode::Text } else { Opcode::Continuation }, piece);
        if index < last {
            frame = frame.unfinished();
        }
        if index == 0 && compressed.is_some() {
            frame = frame.compressed();
        }
        let mut ping = Frame::new(Opcode::Ping, b"p");
        if direction == Direction::ToServer {
            (frame, ping) = (frame.masked(KEY), ping.masked(KEY));
        }
        bytes.extend(frame.to_bytes());
        if index < last {
            bytes.extend(ping.to_bytes());
        }
    }
}

fn replaced(text: String) -> Verdict {
    Verdict { replacement: Some((Opcode::Text, text.into_bytes())), times: 1 }
}

/// What the receiver should get of a message: itself, and what was made of it.
fn expected(sent: &Sent) -> Vec<Vec<u8>> {
    let replacement = sent.verdict.replacement.as_ref().map(|(_, payload)| payload.clone());
    vec![replacement.unwrap_or_else(|| sent.text.clone().into_bytes()); sent.verdict.times as usize]
}

fn data(received: &Received) -> Vec<Vec<u8>> {
    let data = received.list.iter().filter(|(opcode, _)| !opcode.is_control());
    data.map(|(_, payload)| payload.clone()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// The receiver gets what it should, for all parameters, wherever the first touch falls, also where the gate is
    /// entered in the middle of a session; and until then every byte as it came.
    #[test]
    fn what_the_receiver_inflates_is_what_it_should_be(
        before in prop::collection::vec(sent(), 0..6),
        messages in prop::collection::vec(sent(), 0..12),
        deflate in parameters(),
        to_server in any::<bool>(),
        cut in 1_usize..50,
        limit in prop::sample::select(vec![0_usize, 40, 1 << 20]),
    ) {
        let direction = if to_server { Direction::ToServer } else { Direction::ToClient };
        let mut deflater = deflate.map(|deflate| Deflater::new(&deflate, direction));
        let (mut out, mut bytes) = (Vec::new(), Vec::new());
        let mut history = History::new();
        for sent in &before {
            wire(sent, direction, deflater.as_mut(), &mut out);
            // A window of 256 octets cannot be made: nothing is compressed then.
            let made = deflate.is_some_and(|deflate| deflate.max_window_bits(direction) > 8);
            if sent.compressed && made {
                history.push(sent.text.as_bytes());
            }
        }
        for sent in &messages {
            wire(sent, direction, deflater.as_mut(), &mut bytes);
        }
        let mut gate = Gate::new(direction, deflate, history, 0, limit);
        let mut events = Vec::new();
        let mut number = 0;
        let untouched = out.len();
        for piece in bytes.chunks(cut) {
            gate.feed(piece, &mut events);
            for event in events.drain(..) {
                match event {
                    Event::Pass(bytes) | Event::Control(super::Frame { raw: bytes, .. }) => out.extend(bytes),
                    Event::Message(whole) => {
                        // Those that were too long to be held went by.
                        while whole.payload.as_deref() != Some(messages[number].text.as_bytes()) {
                            number += 1;
                        }
                        gate.put_back(whole, messages[number].verdict.clone(), &mut || KEY, &mut out);
                        number += 1;
                    }
                    Event::Piece(piece) => out.extend(piece.to_bytes(direction, KEY)),
                    Event::Flowed(_) => {}
                }
            }
        }
        let result = received(&out, direction, deflate);
        prop_assert!(result.wrong.is_empty(), "{:?}", result.wrong);
        let pings = |received: &Received| received.list.iter().filter(|(opcode, _)| *opcode == Opcode::Ping).count();
        let sender = received(&[&out[..untouched], &bytes[..]].concat(), direction, deflate);
        prop_assert_eq!(pings(&result), pings(&sender));
        if limit == 1 << 20 {
            let wanted: Vec<_> = before
                .iter()
                .map(|sent| vec![sent.text.clone().into_bytes()])
                .chain(messages.iter().map(expected))
                .flatten()
                .collect();
            prop_assert_eq!(data(&result), wanted);
        }
        if messages.iter().all(|sent| sent.verdict == Verdict::FORWARD) {
            prop_assert_eq!(&out[untouched..], &bytes[..]);
            prop_assert!(gate.can_leave());
        }
    }

    /// Messages that overtake each other arrive in their new order, each as it was.
    #[test]
    fn messages_may_overtake_each_other(
        texts in prop::collection::vec("(tick|tock|price){1,20}", 2..8),
        deflate in parameters(),
        seed in any::<u64>(),
    ) {
        let direction = Direction::ToClient;
        let mut deflater = deflate.map(|deflate| Deflater::new(&deflate, direction));
        let mut gate = Gate::new(direction, deflate, History::new(), 0, 1 << 20);
        let (mut bytes, mut out, mut events) = (Vec::new(), Vec::new(), Vec::new());
        for text in &texts {
            let sent = Sent { text: text.clone(), compressed: true, frames: 1, verdict: Verdict::FORWARD };
            wire(&sent, direction, deflater.as_mut(), &mut bytes);
        }
        gate.feed(&bytes, &mut events);
        let mut order = Vec::new();
        let mut rest = seed;
        while !events.is_empty() {
            let Event::Message(whole) = events.remove(rest as usize % events.len()) else { panic!("only messages") };
            rest = rest.rotate_right(7);
            order.push(whole.payload.clone().unwrap());
            gate.put_back(whole, Verdict::FORWARD, &mut || KEY, &mut out);
        }
        prop_assert_eq!(data(&received(&out, direction, deflate)), order);
    }
}

/// What goes on of a session under compression with room for little, whose first message is dropped.
fn behind_a_dropped_one(bytes: &[u8], direction: Direction, deflate: PermessageDeflate) -> Vec<u8> {
    let mut gate = Gate::new(direction, Some(deflate), History::new(), 0, 1000);
    let mut verdict = Verdict::DROP;
    let (mut events, mut out) = (Vec::new(), Vec::new());
    for piece in bytes.chunks(50) {
        gate.feed(piece, &mut events);
        for event in events.drain(..) {
            match event {
                Event::Pass(bytes) | Event::Control(super::Frame { raw: bytes, .. }) => out.extend(bytes),
                Event::Message(whole) => {
                    gate.put_back(
                        whole,
                        std::mem::replace(&mut verdict, Verdict::FORWARD),
                        &mut || KEY,
                        &mut out,
                    );
                }
                Event::Piece(piece) => out.extend(piece.to_bytes(direction, KEY)),
                Event::Flowed(_) => {}
            }
        }
        assert!(gate.octets() < 3000, "{} octets are kept", gate.octets());
    }
    out
}

fn compressed(text: &str) -> Sent {
    Sent { text: text.to_owned(), compressed: true, frames: 2, verdict: Verdict::FORWARD }
}

fn long() -> String {
    (0..40_000).map(|number| number.to_string()).collect()
}

#[test]
fn a_message_too_long_to_be_kept_is_not_kept_behind_one_that_was_touched_either() {
    for no_context_takeover in [false, true] {
        for direction in Direction::BOTH {
            let deflate = PermessageDeflate {
                server_no_context_takeover: no_context_takeover,
                client_no_context_takeover: no_context_takeover,
                ..PermessageDeflate::default()
            };
            let (long, after) = (long(), "99100101102");
            let texts = ["012345678910", &long, after, after];
            let (mut deflater, mut bytes) = (Deflater::new(&deflate, direction), Vec::new());
            for text in texts {
                wire(&compressed(text), direction, Some(&mut deflater), &mut bytes);
            }
            let out = behind_a_dropped_one(&bytes, direction, deflate);
            let result = received(&out, direction, Some(deflate));
            assert_eq!(result.wrong, []);
            assert_eq!(data(&result), texts[1..].iter().map(|text| text.as_bytes()).collect::<Vec<_>>());
            assert_eq!(result.list.len(), 3 + 4, "a ping is in each");
        }
    }
}

#[test]
fn a_long_message_that_cannot_be_inflated_is_none_for_its_receiver_either() {
    let (direction, deflate) = (Direction::ToClient, PermessageDeflate::default());
    let (mut deflater, mut bytes) = (Deflater::new(&deflate, direction), Vec::new());
    wire(&compressed("a"), direction, Some(&mut deflater), &mut bytes);
    let mut payload = deflater.compress(long().as_bytes()).unwrap();
    // Whole so far (RFC 7692 7.2.2), and no block of deflate is of the type that follows (RFC 1951 3.2.3).
    payload.extend([0, 0, 0xff, 0xff]);
    payload.extend([0xff; 2000]);
    let (first, rest) = payload.split_at(payload.len() / 2);
    bytes.extend(Frame::new(Opcode::Text, first).compressed().unfinished().to_bytes());
    bytes.extend(Frame::new(Opcode::Continuation, rest).to_bytes());
    let is_broken = |bytes: &[u8]| {
        let wrong = received(bytes, direction, Some(deflate)).wrong;
        wrong.iter().any(|wrong| wrong.section().contains("7692"))
    };
    assert!(is_broken(&bytes));
    assert!(is_broken(&behind_a_dropped_one(&bytes, direction, deflate)));
}
