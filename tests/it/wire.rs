//! The wire format, for any bytes in any chunking: nothing panics, nothing depends on the cuts, what is written is read.

use std::mem;

use flate2::{Compress, Compression, FlushCompress};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use sockeye::ws::handshake::{
    RequestHead, ResponseHead, examine, explain_no_request, explain_no_response, head_length,
};
use sockeye::ws::{
    Deflater, Direction, Finished, Frame, FrameHeader, FrameWalker, LengthForm, MessageReader, Opcode,
    OtherExtension, Part, PermessageDeflate, Scratch, Sink, Violation, Walked,
};

/// What a reader told, with payload joined, so that it can be compared whatever the cuts were.
#[derive(Debug, Default, PartialEq)]
struct Told {
    events: Vec<Event>,
    payload: [Vec<u8>; 2],
    raw: Vec<u8>,
}

#[derive(Debug, PartialEq)]
enum Event {
    Frame(FrameHeader, u64),
    Violation(Part, Violation),
    Finished(Finished, Vec<u8>),
}

impl Sink for Told {
    fn frame(&mut self, header: &FrameHeader, offset: u64) {
        self.events.push(Event::Frame(*header, offset));
    }

    fn payload(&mut self, part: Part, bytes: &[u8]) {
        assert!(!bytes.is_empty());
        self.payload[part as usize].extend_from_slice(bytes);
    }

    fn violation(&mut self, part: Part, violation: Violation) {
        assert!(!violation.to_string().is_empty() && violation.section().starts_with("RFC "));
        self.events.push(Event::Violation(part, violation));
    }

    fn finished(&mut self, part: Part, message: &Finished) {
        assert_eq!(part, Part::of(message.opcode));
        let payload = mem::take(&mut self.payload[part as usize]);
        self.events.push(Event::Finished(message.clone(), payload));
    }

    fn raw(&mut self, bytes: &[u8]) {
        assert!(!bytes.is_empty());
        self.raw.extend_from_slice(bytes);
    }
}

impl Told {
    fn violations(&self) -> Vec<Violation> {
        let violation = |event: &Event| match event {
            Event::Violation(_, violation) => Some(*violation),
            _ => None,
        };
        self.events.iter().filter_map(violation).collect()
    }

    /// Opcode and payload of all that was finished.
    fn messages(&self) -> Vec<(Opcode, &[u8])> {
        let finished = self.events.iter().filter_map(|event| match event {
            Event::Finished(message, payload) => Some((message.opcode, &payload[..])),
            _ => None,
        });
        finished.collect()
    }
}

/// The agreed extensions and the direction of a stream.
#[derive(Clone, Copy, Debug)]
struct Agreed {
    direction: Direction,
    deflate: Option<PermessageDeflate>,
    other: OtherExtension,
}

fn read<'a>(agreed: Agreed, limit: u64, chunks: impl IntoIterator<Item = &'a [u8]>) -> Told {
    let mut reader = MessageReader::new(agreed.direction, agreed.deflate, agreed.other, limit);
    let (mut scratch, mut told) = (Scratch::new(), Told::default());
    for chunk in chunks {
        reader.read(chunk, &mut scratch, &mut told);
    }
    reader.end(&mut told);
    assert!(told.payload.iter().all(Vec::is_empty), "all payload ends in something finished");
    told
}

/// `bytes` cut at these places.
fn cut<'a>(bytes: &'a [u8], at: &[Index]) -> Vec<&'a [u8]> {
    let mut places: Vec<usize> = at.iter().map(|index| index.index(bytes.len() + 1)).collect();
    places.extend([0, bytes.len()]);
    places.sort_unstable();
    places.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect()
}

fn any_direction() -> impl Strategy<Value = Direction> {
    select(&Direction::BOTH[..])
}

prop_compose! {
    fn any_deflate()(
        server_no_context_takeover: bool,
        client_no_context_takeover: bool,
        server_max_window_bits in 8..=15u8,
        client_max_window_bits in 8..=15u8,
    ) -> PermessageDeflate {
        PermessageDeflate {
            server_no_context_takeover,
            client_no_context_takeover,
            server_max_window_bits,
            client_max_window_bits,
        }
    }
}

prop_compose! {
    fn any_agreement()(
        direction in any_direction(),
        deflate in proptest::option::of(any_deflate()),
        other in select(&[OtherExtension::None, OtherExtension::None, OtherExtension::Unknown][..]),
    ) -> Agreed {
        Agreed { direction, deflate, other }
    }
}

/// Payload that is text, or a close code and a reason, or compressed, or noise.
fn any_payload() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        "\\PC{0,20}".prop_map(String::into_bytes),
        vec(any::<u8>(), 0..200),
        (990..1020u16, "\\PC{0,10}")
            .prop_map(|(code, reason)| [&code.to_be_bytes(), reason.as_bytes()].concat()),
        vec(any::<u8>(), 0..400).prop_map(|payload| {
            let mut deflater = Deflater::new(&PermessageDeflate::default(), Direction::ToClient);
            deflater.compress(&payload).expect("15 bits can be made")
        }),
        (120..140usize).prop_map(|length| vec![b'x'; length]),
    ]
}

prop_compose! {
    /// A frame with anything about it, most often nothing wrong.
    fn any_frame()(
        payload in any_payload(),
        opcode in select(&[0u8, 1, 1, 2, 8, 9, 10, 3, 11][..]),
        fin in prop::bool::weighted(0.7),
        reserved_bits in select(&[0u8, 0, 0, 0, 4, 4, 2, 7][..]),
        masked in prop::option::weighted(0.7, any::<[u8; 4]>()),
        form in prop::option::weighted(0.1, select(&[LengthForm::Sixteen, LengthForm::SixtyFour][..])),
        claim in prop::option::weighted(0.02, any::<u64>()),
    ) -> Vec<u8> {
        let mut frame = Frame::new(Opcode::from_bits(opcode), &payload).reserved_bits(reserved_bits);
        frame = if fin { frame } else { frame.unfinished() };
        frame = form.into_iter().fold(frame, Frame::length_form);
        frame = claim.into_iter().fold(frame, Frame::claiming);
        frame = masked.into_iter().fold(frame, Frame::masked);
        frame.to_bytes()
    }
}

/// Frames, good and bad, and what is none.
fn any_stream() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![30 => any_frame(), 1 => vec(any::<u8>(), 0..40)];
    vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn a_reader_tells_the_same_however_the_bytes_are_cut(
        agreed in any_agreement(),
        stream in any_stream(),
        cuts in vec(any::<Index>(), 0..20),
        limit in select(&[0, 10, 100, 1 << 20][..]),
    ) {
        let whole = read(agreed, limit, [&stream[..]]);
        prop_assert_eq!(&read(agreed, limit, cut(&stream, &cuts)), &whole);
        prop_assert_eq!(&read(agreed, limit, stream.chunks(1)), &whole);
    }

    #[test]
    fn a_walker_finds_the_same_however_the_bytes_are_cut(
        stream in any_stream(),
        cuts in vec(any::<Index>(), 0..20),
    ) {
        let headers = |chunks: Vec<&[u8]>| {
            let (mut walker, mut skipper) = (FrameWalker::new(), FrameWalker::new());
            let (mut headers, mut payloads, mut ends, mut skipped) = (vec![], vec![], 0, 0);
            for chunk in chunks {
                for walked in walker.walk(chunk) {
                    match walked {
                        Walked::Header(header) => headers.push(header),
                        Walked::Payload(bytes) => payloads.extend_from_slice(bytes),
                        Walked::End => ends += 1,
                    }
                }
                skipped += skipper.skip(chunk);
                assert_eq!(walker.at_boundary(), skipper.at_boundary());
                assert_eq!(walker.at_message_boundary(), skipper.at_message_boundary());
            }
            assert_eq!(ends, skipped);
            (headers, payloads, ends, walker.at_boundary(), walker.at_message_boundary())
        };
        let whole = headers(vec![&stream[..]]);
        prop_assert_eq!(&headers(cut(&stream, &cuts)), &whole);
        prop_assert_eq!(&headers(stream.chunks(1).collect()), &whole);
    }

    #[test]
    fn walker_and_reader_agree_on_the_frames(direction in any_direction(), stream in any_stream()) {
        // an unknown extension and no top bit: then nothing but arithmetic decides
        let agreed = Agreed { direction, deflate: None, other: OtherExtension::Unknown };
        let told = read(agreed, 0, [&stream[..]]);
        let lost = told.violations().iter().any(|violation| matches!(violation, Violation::FramingLost(_)));
        let walked = FrameWalker::new()
            .walk(&stream)
            .filter_map(|walked| match walked {
                Walked::Header(header) => Some(header),
                _ => None,
            })
            .collect::<Vec<_>>();
        let read = told.events.iter().filter_map(|event| match event {
            Event::Frame(header, _) => Some(*header),
            _ => None,
        });
        let read: Vec<_> = read.collect();
        prop_assert_eq!(&walked[..read.len()], &read[..]);
        prop_assert!(lost || walked.len() == read.len());
    }

    #[test]
    fn noise_is_read_without_a_panic(agreed in any_agreement(), noise in vec(any::<u8>(), 0..300)) {
        let told = read(agreed, 1000, noise.chunks(7));
        prop_assert_eq!(&told, &read(agreed, 1000, [&noise[..]]));
    }
}

/// A message and how it is to be sent.
#[derive(Clone, Debug)]
struct Sending {
    text: bool,
    payload: Vec<u8>,
    compression: Sent,
    cuts: Vec<Index>,
    pings: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Sent {
    Plain,
    /// As zlib's users do: ended by a flush.
    Flushed,
    /// RFC 7692 7.2.3.4: ended by a last block, and a first byte of the next.
    LastBlock,
    /// Ended by a last block alone, which some libraries send.
    BareLastBlock,
}

prop_compose! {
    fn any_sending()(
        text: bool,
        words in vec(select(&["the ", "quick ", "brown ", "fjord ", "€ ", "{\"id\":", "},", "0"][..]), 0..60),
        repeat in select(&[1usize, 1, 1, 1, 2, 100, 700][..]),
        noise in vec(any::<u8>(), 0..100),
        compression in select(&[Sent::Plain, Sent::Flushed, Sent::Flushed, Sent::LastBlock, Sent::BareLastBlock][..]),
        cuts in vec(any::<Index>(), 0..4),
        pings in vec(any::<u8>(), 0..3),
    ) -> Sending {
        let mut payload = words.concat().repeat(repeat).into_bytes();
        if !text {
            payload.extend(noise);
        }
        Sending { text, payload, compression, cuts, pings }
    }
}

/// Compresses with all the references to earlier messages that were agreed, and with last blocks where asked.
struct Referring {
    agreed: PermessageDeflate,
    direction: Direction,
    history: Vec<u8>,
}

impl Referring {
    fn compress(&mut self, payload: &[u8], sent: Sent) -> Option<Vec<u8>> {
        let bits = self.agreed.max_window_bits(self.direction);
        if sent == Sent::Plain || bits == 8 {
            return None;
        }
        if self.agreed.no_context_takeover(self.direction) {
            self.history.clear();
        }
        let mut compress = Compress::new_with_window_bits(Compression::new(6), false, bits);
        let window = &self.history[self.history.len().saturating_sub(1 << bits)..];
        if !window.is_empty() {
            compress.set_dictionary(window).expect("raw streams take one");
        }
        let mut bytes = Vec::with_capacity(payload.len() + 1000);
        let flush = if sent == Sent::Flushed { FlushCompress::Sync } else { FlushCompress::Finish };
        compress.compress_vec(payload, &mut bytes, flush).expect("there is room");
        assert!(compress.total_in() == payload.len() as u64 && bytes.len() < bytes.capacity());
        self.history.extend_from_slice(payload);
        match sent {
            Sent::Flushed => bytes.truncate(bytes.len() - 4),
            Sent::LastBlock => bytes.push(0),
            _ => {}
        }
        Some(bytes)
    }
}

/// Writes a message as frames, a ping before each but the first as long as there are any.
fn write(
    sending: &Sending,
    direction: Direction,
    compressed: Option<&[u8]>,
    stream: &mut Vec<u8>,
) -> Vec<u8> {
    let wire = compressed.unwrap_or(&sending.payload);
    let pieces = cut(wire, &sending.cuts);
    let opcode = if sending.text { Opcode::Text } else { Opcode::Binary };
    let mut key = [sending.payload.len() as u8, 0x5a, 0x00, 0xff];
    let mut send = |frame: Frame<'_>| {
        key[0] = key[0].wrapping_add(1);
        let frame = if direction == Direction::ToServer { frame.masked(key) } else { frame };
        frame.write_to(stream);
    };
    let mut pings = sending.pings.iter();
    let mut pinged = vec![];
    for (index, piece) in pieces.iter().enumerate() {
        if index > 0
            && let Some(ping) = pings.next()
        {
            send(Frame::new(Opcode::Ping, &[*ping]));
            pinged.push(*ping);
        }
        let mut frame = Frame::new(if index == 0 { opcode } else { Opcode::Continuation }, piece);
        if index == 0 && compressed.is_some() {
            frame = frame.compressed();
        }
        send(if index + 1 < pieces.len() { frame.unfinished() } else { frame });
    }
    pinged
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        direction in any_direction(),
        deflate in any_deflate(),
        sendings in vec(any_sending(), 0..8),
        cuts in vec(any::<Index>(), 0..10),
    ) {
        let mut referring = Referring { agreed: deflate, direction, history: vec![] };
        let (mut stream, mut expected) = (vec![], vec![]);
        for sending in &sendings {
            let compressed = referring.compress(&sending.payload, sending.compression);
            let pings = write(sending, direction, compressed.as_deref(), &mut stream);
            expected.extend(pings.into_iter().map(|ping| (Opcode::Ping, vec![ping])));
            let opcode = if sending.text { Opcode::Text } else { Opcode::Binary };
            expected.push((opcode, sending.payload.clone()));
        }
        let agreed = Agreed { direction, deflate: Some(deflate), other: OtherExtension::None };
        let told = read(agreed, u64::MAX, cut(&stream, &cuts));
        prop_assert_eq!(told.violations(), []);
        let expected: Vec<_> = expected.iter().map(|(opcode, payload)| (*opcode, &payload[..])).collect();
        prop_assert_eq!(told.messages(), expected);
    }

    #[test]
    fn what_the_deflater_made_is_inflated(
        direction in any_direction(),
        deflate in any_deflate(),
        sendings in vec(any_sending(), 0..8),
        limit in select(&[0, 100, u64::MAX][..]),
    ) {
        let mut deflater = Deflater::new(&deflate, direction);
        let mut stream = vec![];
        for sending in &sendings {
            let compressed = deflater.compress(&sending.payload);
            prop_assert_eq!(compressed.is_none(), deflate.max_window_bits(direction) == 8);
            write(&Sending { pings: vec![], ..sending.clone() }, direction, compressed.as_deref(), &mut stream);
        }
        let agreed = Agreed { direction, deflate: Some(deflate), other: OtherExtension::None };
        let told = read(agreed, limit, [&stream[..]]);
        prop_assert_eq!(told.violations(), []);
        let finished = told.events.iter().filter_map(|event| match event {
            Event::Finished(message, payload) => Some((message, payload)),
            _ => None,
        });
        for (sending, (message, payload)) in sendings.iter().zip(finished) {
            let shown = if message.compressed { limit.min(message.size) } else { message.size };
            prop_assert_eq!(&sending.payload[..shown as usize], &payload[..]);
            prop_assert_eq!(message.size, sending.payload.len() as u64);
            prop_assert_eq!(message.capped, shown < message.size);
        }
    }
}

/// Lines as they are found in heads, and some that should not be.
fn any_head_line() -> impl Strategy<Value = String> {
    prop_oneof![
        select(
            &[
                "Host: a",
                "Upgrade: websocket",
                "Connection: Upgrade",
                "Connection: keep-alive, upgrade",
                "Sec-WebSocket-Version: 13",
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
                "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
                "Sec-WebSocket-Protocol: a, b",
                "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=\"10\"",
                "Location: https://a/b",
                "Retry-After: 1",
            ][..]
        )
        .prop_map(str::to_owned),
        "[A-Za-z-]{1,12}:[ \t]{0,2}\\PC{0,20}",
        "\\PC{1,20}",
        "[ \t]\\PC{0,10}",
    ]
}

proptest! {
    #[test]
    fn heads_lose_nothing(
        start in select(&["GET /chat HTTP/1.1", "POST http://h/ HTTP/1.0", "HTTP/1.1 101 Ok", "HTTP/1.1 426", "x"][..]),
        lines in vec((any_head_line(), select(&["\r\n", "\n"][..])), 0..12),
        behind in "\\PC{0,10}",
    ) {
        let head: String = [format!("{start}\r\n")]
            .into_iter()
            .chain(lines.iter().map(|(line, end)| format!("{line}{end}")))
            .chain(["\r\n".into()])
            .collect();
        let bytes = format!("{head}{behind}").into_bytes();
        prop_assert_eq!(head_length(&bytes), Some(head.len()));
        let (request, response) = (RequestHead::parse(&bytes), ResponseHead::parse(&bytes));
        for (raw, headers) in [
            request.as_ref().ok().map(|head| (head.raw(), head.headers())),
            response.as_ref().ok().map(|head| (head.raw(), head.headers())),
        ].into_iter().flatten() {
            prop_assert_eq!(raw, head.as_bytes());
            let lines: Vec<u8> = headers.iter().flat_map(|header| header.raw.to_vec()).collect();
            let joined = [headers.start_line(), b"\r\n", &lines, b"\r\n"].concat();
            prop_assert_eq!(joined, head.as_bytes());
        }
        prop_assert_eq!(request.is_ok(), start.ends_with(['0', '1']) );
        prop_assert_eq!(response.is_ok(), start.starts_with("HTTP"));
    }

    #[test]
    fn any_two_heads_can_be_examined(
        asked in vec(any_head_line(), 0..12),
        answered in vec(any_head_line(), 0..12),
        status in 100..600u16,
    ) {
        let request = format!("GET / HTTP/1.1\r\n{}\r\n\r\n", asked.join("\r\n"));
        let response = format!("HTTP/1.1 {status} Words\r\n{}\r\n\r\n", answered.join("\r\n"));
        let request = RequestHead::parse(request.as_bytes()).unwrap();
        let response = ResponseHead::parse(response.as_bytes()).unwrap();
        let examination = examine(&request, Some(&response));
        prop_assert_eq!(examination.accepted, status == 101);
        if status != 101 {
            let why = examination.why.unwrap();
            let start = format!("the server answered {status}");
            prop_assert!(why.starts_with(&start));
        }
        for finding in examination.findings {
            prop_assert!(!finding.sentence.contains(['\r', '\n']), "{}", finding.sentence);
        }
    }

    #[test]
    fn noise_is_no_head_and_explained(noise in vec(any::<u8>(), 0..60)) {
        if let Err(error) = RequestHead::parse(&noise) {
            prop_assert!(explain_no_request(&noise, error).starts_with("the client"));
        }
        if let Err(error) = ResponseHead::parse(&noise) {
            prop_assert!(explain_no_response(&noise, error).starts_with("the server"));
        }
    }
}
