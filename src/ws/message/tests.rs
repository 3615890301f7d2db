//! What the reader tells of good and of broken traffic, whatever the cuts.

use super::*;
use crate::ws::encode::Frame;
use crate::ws::{Deflater, LengthForm};
use Direction::{ToClient, ToServer};

const KEY: [u8; 4] = [0xa1, 0xb2, 0xc3, 0xd4];

/// Writes down what it is told, a line for each thing; payload stands in the line of what it ended up in.
#[derive(Default)]
struct Transcript {
    lines: Vec<String>,
    payload: [Vec<u8>; 2],
    raw: Vec<u8>,
    pieces: usize,
}

impl Sink for Transcript {
    fn frame(&mut self, header: &FrameHeader, offset: u64) {
        let more = if header.fin { "" } else { " and more" };
        self.lines.push(format!("@{offset} {}{more}", header.opcode));
    }

    fn payload(&mut self, part: Part, bytes: &[u8]) {
        assert!(!bytes.is_empty());
        self.payload[part as usize].extend_from_slice(bytes);
        self.pieces += 1;
    }

    fn violation(&mut self, part: Part, violation: Violation) {
        let mark = if part == Part::Control { "control" } else { "data" };
        self.lines.push(format!("! {mark} {violation:?}"));
    }

    fn finished(&mut self, part: Part, message: &Finished) {
        let payload = mem::take(&mut self.payload[part as usize]);
        assert!(message.size == payload.len() as u64 || message.capped);
        let mut line = format!("{} '{}'", message.opcode, payload.escape_ascii());
        let mut add = |holds: bool, words: &str| line += if holds { words } else { "" };
        add(message.compressed, " compressed");
        add(message.frames != 1, &format!(" in {} frames", message.frames));
        add(!message.utf8, " not UTF-8");
        add(message.capped, &format!(" of {}", message.size));
        add(!message.complete, " incomplete");
        self.lines.push(line);
    }

    fn raw(&mut self, bytes: &[u8]) {
        self.raw.extend_from_slice(bytes);
    }
}

impl Transcript {
    fn into_lines(mut self) -> Vec<String> {
        if !self.raw.is_empty() {
            self.lines.push(format!("raw '{}'", self.raw.escape_ascii()));
        }
        self.lines
    }
}

/// What was agreed on the connection a test reads from.
#[derive(Clone, Copy)]
struct Agreed {
    direction: Direction,
    deflate: Option<PermessageDeflate>,
    other: OtherExtension,
    limit: u64,
}

fn from_client() -> Agreed {
    Agreed { direction: ToServer, deflate: None, other: OtherExtension::None, limit: 1 << 20 }
}

fn from_server() -> Agreed {
    Agreed { direction: ToClient, ..from_client() }
}

fn deflating(direction: Direction) -> Agreed {
    Agreed { direction, deflate: Some(PermessageDeflate::default()), ..from_client() }
}

fn transcribe<'a>(agreed: Agreed, chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<String> {
    let mut reader = MessageReader::new(agreed.direction, agreed.deflate, agreed.other, agreed.limit);
    let (mut scratch, mut transcript) = (Scratch::new(), Transcript::default());
    for chunk in chunks {
        reader.read(chunk, &mut scratch, &mut transcript);
    }
    reader.end(&mut transcript);
    transcript.into_lines()
}

/// Reads `bytes` whole, byte by byte and with every single cut; all have to tell the same.
#[track_caller]
fn check(agreed: Agreed, bytes: &[u8], expected: &[&str]) {
    assert_eq!(transcribe(agreed, [bytes]), expected);
    assert_eq!(transcribe(agreed, bytes.chunks(1)), expected, "byte by byte");
    for cut in 0..bytes.len() {
        assert_eq!(transcribe(agreed, [&bytes[..cut], &bytes[cut..]]), expected, "cut at {cut}");
    }
}

/// `frames` as a client sends them.
fn masked(frames: &[Frame<'_>]) -> Vec<u8> {
    frames.iter().flat_map(|frame| frame.clone().masked(KEY).to_bytes()).collect()
}

/// `frames` as a server sends them.
fn plain(frames: &[Frame<'_>]) -> Vec<u8> {
    frames.iter().flat_map(Frame::to_bytes).collect()
}

fn frame(opcode: Opcode, payload: &[u8]) -> Frame<'_> {
    Frame::new(opcode, payload)
}

#[test]
fn messages_of_one_frame() {
    let frames = [
        frame(Opcode::Text, "grüß".as_bytes()),
        frame(Opcode::Binary, b"\x00\xff"),
        frame(Opcode::Text, b""),
        frame(Opcode::Ping, b"p"),
        frame(Opcode::Pong, b""),
    ];
    let told = |header: usize| {
        [
            "@0 text".into(),
            r"text 'gr\xc3\xbc\xc3\x9f'".into(),
            format!("@{} binary", header + 6),
            r"binary '\x00\xff'".into(),
            format!("@{} text", 2 * header + 8),
            "text ''".into(),
            format!("@{} ping", 3 * header + 8),
            "ping 'p'".into(),
            format!("@{} pong", 4 * header + 9),
            "pong ''".into(),
        ]
    };
    check(from_client(), &masked(&frames), &told(6).each_ref().map(String::as_str));
    check(from_server(), &plain(&frames), &told(2).each_ref().map(String::as_str));
}

#[test]
fn a_whole_frame_gives_its_payload_in_one_piece() {
    let payload = vec![7; 200_000];
    for (agreed, bytes) in [
        (from_client(), masked(&[frame(Opcode::Binary, &payload)])),
        (from_server(), plain(&[frame(Opcode::Binary, &payload)])),
        (from_server(), plain(&[frame(Opcode::Binary, &payload).unfinished()])),
    ] {
        let mut reader = MessageReader::new(agreed.direction, None, agreed.other, 0);
        let mut transcript = Transcript::default();
        reader.read(&bytes, &mut Scratch::new(), &mut transcript);
        assert_eq!(transcript.pieces, 1);
    }
}

#[test]
fn fragments_with_control_frames_between_them() {
    let frames = [
        frame(Opcode::Text, b"a\xe2\x82").unfinished(),
        frame(Opcode::Ping, b"1"),
        frame(Opcode::Continuation, b"").unfinished(),
        frame(Opcode::Continuation, b"\xac"),
    ];
    let expected = [
        "@0 text and more",
        "@5 ping",
        "ping '1'",
        "@8 continuation and more",
        "@10 continuation",
        r"text 'a\xe2\x82\xac' in 3 frames",
    ];
    check(from_server(), &plain(&frames), &expected);
}

#[test]
fn one_broken_rule_keeps_the_framing() {
    let ok = || frame(Opcode::Text, b"ok");
    let cases = [
        (frame(Opcode::Text, b"a").reserved_bits(5), "! data ReservedBits(5)", "text 'a'"),
        (frame(Opcode::Ping, b"a").reserved_bits(4), "! control ReservedBits(4)", "ping 'a'"),
        (frame(Opcode::Reserved(3), b"a"), "! data ReservedOpcode(3)", "reserved opcode 0x3 'a'"),
        (frame(Opcode::Reserved(11), b"a"), "! control ReservedOpcode(11)", "reserved opcode 0xb 'a'"),
        (frame(Opcode::Ping, b"a").unfinished(), "! control ControlFragmented(Ping)", "ping 'a'"),
        (
            frame(Opcode::Text, b"a").length_form(LengthForm::Sixteen),
            "! data LengthNotMinimal { form: Sixteen, length: 1 }",
            "text 'a'",
        ),
        (
            frame(Opcode::Pong, b"a").length_form(LengthForm::SixtyFour),
            "! control LengthNotMinimal { form: SixtyFour, length: 1 }",
            "pong 'a'",
        ),
    ];
    for (broken, violation, message) in cases {
        let bytes = plain(&[broken.clone(), ok()]);
        let next = bytes.len() - 4;
        let lines = transcribe(from_server(), [&bytes[..]]);
        assert_eq!(&lines[1..], [violation, message, &format!("@{next} text"), "text 'ok'"]);
        check(from_server(), &bytes, &lines.iter().map(String::as_str).collect::<Vec<_>>());
        // the same frame with the wrong masking breaks two rules
        let lost = transcribe(from_server(), [&masked(&[broken])[..]]);
        assert!(lost[0].starts_with("! data FramingLost({"), "{lost:?}");
        assert!(lost[0].contains("\"masking that is wrong for this direction\""), "{lost:?}");
    }
}

#[test]
fn a_control_frame_may_be_too_long() {
    let long = [b'x'; 300];
    let bytes = plain(&[frame(Opcode::Ping, &long), frame(Opcode::Text, b"ok")]);
    let ping = format!("ping '{}'", "x".repeat(300));
    let broken = "! control ControlTooLong { opcode: Ping, length: 300 }";
    check(from_server(), &bytes, &["@0 ping", broken, &ping, "@304 text", "text 'ok'"]);
}

#[test]
fn masking_is_for_clients() {
    let bytes = plain(&[frame(Opcode::Text, b"a"), frame(Opcode::Ping, b"")]);
    let expected = [
        "@0 text",
        "! data ClientFrameNotMasked",
        "text 'a'",
        "@3 ping",
        "! control ClientFrameNotMasked",
        "ping ''",
    ];
    check(from_client(), &bytes, &expected);
    let bytes = masked(&[frame(Opcode::Text, b"a")]);
    check(from_server(), &bytes, &["@0 text", "! data ServerFrameMasked", "text 'a'"]);
}

#[test]
fn a_continuation_needs_a_start() {
    let frames = [
        frame(Opcode::Continuation, b"a").unfinished(),
        frame(Opcode::Continuation, b"b"),
        frame(Opcode::Continuation, b"\xff"),
    ];
    let expected = [
        "@0 continuation and more",
        "! data ContinuationWithoutStart",
        "@3 continuation",
        "continuation 'ab' in 2 frames",
        "@6 continuation",
        "! data ContinuationWithoutStart",
        r"continuation '\xff'",
    ];
    check(from_server(), &plain(&frames), &expected);
}

#[test]
fn a_message_inside_a_message_ends_the_first() {
    let frames = [
        frame(Opcode::Text, b"a\xe2").unfinished(),
        frame(Opcode::Binary, b"b").unfinished(),
        frame(Opcode::Continuation, b"c"),
    ];
    let expected = [
        "@0 text and more",
        "! data MessageInsideMessage { unfinished: Text, next: Binary }",
        r"text 'a\xe2' incomplete",
        "@4 binary and more",
        "@7 continuation",
        "binary 'bc' in 2 frames",
    ];
    check(from_server(), &plain(&frames), &expected);
}

#[test]
fn text_has_to_be_utf8() {
    let frames = [
        frame(Opcode::Text, b"ab\xff\xffcd"),
        frame(Opcode::Text, b"ab\xe2\x82"),
        frame(Opcode::Text, b"ab\xf4").unfinished(),
        frame(Opcode::Continuation, b"\x90 and so on"),
        frame(Opcode::Text, b"ok"),
    ];
    let expected = [
        "@0 text",
        "! data TextNotUtf8(2)",
        r"text 'ab\xff\xffcd' not UTF-8",
        "@8 text",
        "! data TextNotUtf8(2)",
        r"text 'ab\xe2\x82' not UTF-8",
        "@14 text and more",
        "@19 continuation",
        "! data TextNotUtf8(2)",
        r"text 'ab\xf4\x90 and so on' in 2 frames not UTF-8",
        "@32 text",
        "text 'ok'",
    ];
    check(from_server(), &plain(&frames), &expected);
}

#[test]
fn close_frames_are_checked() {
    let cases: [(&[u8], &[&str]); 8] = [
        (b"", &["close ''"]),
        (b"\x03\xe8", &[r"close '\x03\xe8'"]),
        (b"\x0f\xa1bye", &[r"close '\x0f\xa1bye'"]),
        (b"\x03", &["! control ClosePayloadOneByte", r"close '\x03'"]),
        (b"\x03\xed", &["! control CloseCodeNotAllowed(1005)", r"close '\x03\xed'"]),
        (b"\x03\xe8a\xff", &["! control CloseReasonNotUtf8(1)", r"close '\x03\xe8a\xff' not UTF-8"]),
        (b"\x03\xe8\xe2\x82", &["! control CloseReasonNotUtf8(0)", r"close '\x03\xe8\xe2\x82' not UTF-8"]),
        (
            b"\x00\x01\xff",
            &[
                "! control CloseCodeNotAllowed(1)",
                "! control CloseReasonNotUtf8(0)",
                r"close '\x00\x01\xff' not UTF-8",
            ],
        ),
    ];
    for (payload, told) in cases {
        let bytes = masked(&[frame(Opcode::Close, payload)]);
        check(from_client(), &bytes, &[&["@0 close"], told].concat());
    }
}

#[test]
fn after_a_close_only_pings_may_be_answered() {
    let frames = [
        frame(Opcode::Close, b""),
        frame(Opcode::Pong, b""),
        frame(Opcode::Text, b"a"),
        frame(Opcode::Close, b""),
    ];
    let expected = [
        "@0 close",
        "close ''",
        "@2 pong",
        "pong ''",
        "@4 text",
        "! data FrameAfterClose(Text)",
        "text 'a'",
        "@7 close",
        "! control FrameAfterClose(Close)",
        "close ''",
    ];
    check(from_server(), &plain(&frames), &expected);
}

#[test]
fn the_connection_may_end_anywhere() {
    let header = [0x81];
    check(from_server(), &header, &["! data EndedInsideHeader(1)", r"raw '\x81'"]);
    let ping = [0x89, 0x03, b'a'];
    check(from_server(), &ping, &["@0 ping", "! control EndedInsideFrame(2)", "ping 'a' incomplete"]);
    let text = [0x81, 0x03, 0xe2];
    check(from_server(), &text, &["@0 text", "! data EndedInsideFrame(2)", r"text '\xe2' incomplete"]);
    let message = plain(&[frame(Opcode::Text, b"a").unfinished()]);
    let inside = ["@0 text and more", "! data EndedInsideMessage(1)", "text 'a' incomplete"];
    check(from_server(), &message, &inside);
    let both = [&message[..], &ping].concat();
    let expected = [
        "@0 text and more",
        "@3 ping",
        "! control EndedInsideFrame(2)",
        "ping 'a' incomplete",
        "! data EndedInsideMessage(1)",
        "text 'a' incomplete",
    ];
    check(from_server(), &both, &expected);
}

#[test]
fn framing_is_lost_when_bytes_cannot_be_frames() {
    let http = b"HTTP/1.1 400 Bad Request\r\n\r\n";
    let why = r#"! data FramingLost({"reserved bits that no extension uses", "a fragmented control frame"})"#;
    check(from_server(), http, &[why, r"raw 'HTTP/1.1 400 Bad Request\r\n\r\n'"]);
    let top_bit = Frame::new(Opcode::Binary, b"x").claiming(1 << 63).to_bytes();
    let why = r#"! data FramingLost({"a length with its top bit set"})"#;
    let raw = r"raw '\x82\x7f\x80\x00\x00\x00\x00\x00\x00\x00x'";
    check(from_server(), &top_bit, &[why, raw]);
    let inside = [plain(&[frame(Opcode::Text, b"a").unfinished()]), top_bit].concat();
    check(from_server(), &inside, &["@0 text and more", why, "text 'a' incomplete", raw]);
}

#[test]
fn framing_is_lost_before_the_rest_of_the_header_comes() {
    let mut reader = MessageReader::new(ToClient, None, OtherExtension::None, 0);
    let mut transcript = Transcript::default();
    reader.read(b"\x7f\xff\x00", &mut Scratch::new(), &mut transcript);
    assert!(reader.is_lost());
    assert_eq!(transcript.raw, b"\x7f\xff\x00");
}

#[test]
fn an_unknown_extension_may_use_what_is_reserved() {
    let agreed = Agreed { other: OtherExtension::Unknown, ..from_server() };
    let frames = [
        frame(Opcode::Text, b"\xff").reserved_bits(3),
        frame(Opcode::Reserved(4), b"a"),
        frame(Opcode::Text, b"\xff"),
    ];
    let expected = [
        "@0 text",
        r"text '\xff'",
        "@3 reserved opcode 0x4",
        "reserved opcode 0x4 'a'",
        "@6 text",
        "! data TextNotUtf8(0)",
        r"text '\xff' not UTF-8",
    ];
    check(agreed, &plain(&frames), &expected);
}

#[test]
fn rsv1_belongs_to_first_frames_of_data() {
    let frames = [
        frame(Opcode::Text, b"a").unfinished(),
        frame(Opcode::Continuation, b"b").compressed(),
        frame(Opcode::Ping, b"").compressed(),
        frame(Opcode::Text, b"c").reserved_bits(2),
    ];
    let expected = [
        "@0 text and more",
        "@3 continuation",
        "! data Rsv1OnContinuation",
        "text 'ab' in 2 frames",
        "@6 ping",
        "! control Rsv1OnControl(Ping)",
        "ping ''",
        "@8 text",
        "! data ReservedBits(2)",
        "text 'c'",
    ];
    check(deflating(ToClient), &plain(&frames), &expected);
}

#[test]
fn the_compressed_examples_of_the_rfc() {
    // RFC 7692 7.2.3.1 to 7.2.3.6: one block, fragments, context taken over, stored, last block, two blocks, empty
    let hello = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    let again = [0xf2, 0x00, 0x11, 0x00, 0x00];
    let stored = b"\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00";
    let last = [0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00];
    let two = b"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00";
    let frames = [
        frame(Opcode::Text, &hello[..3]).compressed().unfinished(),
        frame(Opcode::Continuation, &hello[3..]),
        frame(Opcode::Text, &again).compressed(),
        frame(Opcode::Text, stored).compressed(),
        frame(Opcode::Text, &last).compressed(),
        frame(Opcode::Text, &again).compressed(),
        frame(Opcode::Text, two).compressed(),
        frame(Opcode::Text, b"\0").compressed(),
        frame(Opcode::Text, b"plain"),
    ];
    let lines = transcribe(deflating(ToClient), [&plain(&frames)[..]]);
    let messages: Vec<_> = lines.iter().filter(|line| !line.starts_with('@')).map(String::as_str).collect();
    let hello = "text 'Hello' compressed";
    let fragmented = "text 'Hello' compressed in 2 frames";
    let expected = [fragmented, hello, hello, hello, hello, hello, "text '' compressed", "text 'plain'"];
    assert_eq!(messages, expected);
    check(deflating(ToClient), &plain(&frames), &lines.iter().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn what_does_not_inflate_is_told_and_does_not_harm_the_next() {
    let mut deflater = Deflater::new(&PermessageDeflate::default(), ToClient);
    let first = deflater.compress(b"the same words").unwrap();
    let second = deflater.compress(b"the same words").unwrap();
    assert!(second.len() < first.len(), "the second refers to the first");
    let frames = [
        frame(Opcode::Text, &first).compressed(),
        frame(Opcode::Text, b"not compressed at all").compressed(),
        frame(Opcode::Text, &first[..5]).compressed(),
        frame(Opcode::Text, b"").compressed(),
        frame(Opcode::Text, &second).compressed(),
    ];
    let lines = transcribe(deflating(ToClient), [&plain(&frames)[..]]);
    let told: Vec<_> = lines.iter().filter(|line| !line.starts_with('@')).map(String::as_str).collect();
    assert_eq!(told[0], "text 'the same words' compressed");
    assert!(told[1].starts_with("! data NotInflatable("), "{told:?}");
    assert!(told[3].starts_with("! data CompressedCutShort("), "{told:?}");
    assert_eq!(told[5..7], ["! data CompressedCutShort(0)", "text '' compressed"]);
    assert_eq!(told[7], "text 'the same words' compressed");
    check(deflating(ToClient), &plain(&frames), &lines.iter().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn what_came_before_the_break_is_given_however_it_was_cut() {
    // found by a property test
    let payload = [0x9a, 0xcd, 0x1c, 0xf0, 0x7e, 0xd0, 0xdc, 0x50, 0x7e];
    let bytes = plain(&[frame(Opcode::Binary, &payload).compressed()]);
    let expected = ["@0 binary", "! data NotInflatable(4)", r"binary '\x9b\x03P\xef' compressed"];
    check(deflating(ToClient), &bytes, &expected);
}

#[test]
fn without_takeover_nothing_may_refer_back() {
    let takeover = PermessageDeflate::default();
    let none = PermessageDeflate { server_no_context_takeover: true, ..takeover };
    let mut deflater = Deflater::new(&takeover, ToClient);
    let [first, second] = [(); 2].map(|()| deflater.compress(b"the same words").unwrap());
    let bytes = plain(&[
        frame(Opcode::Text, &first).compressed(),
        frame(Opcode::Text, &second).compressed(),
        frame(Opcode::Text, &first).compressed(),
    ]);
    let agreed = Agreed { deflate: Some(none), ..from_server() };
    let lines = transcribe(agreed, [&bytes[..]]);
    assert_eq!(lines[1], "text 'the same words' compressed");
    assert!(lines[3].starts_with("! data NotInflatable("), "{lines:?}");
    assert_eq!(lines[6], "text 'the same words' compressed");
}

#[test]
fn a_window_larger_than_agreed_is_told() {
    let mut large = Deflater::new(&PermessageDeflate::default(), ToClient);
    let steps = std::iter::successors(Some(1u32), |last| {
        Some(last.wrapping_mul(1_664_525).wrapping_add(1_013_904_223))
    });
    let noise: Vec<u8> = steps.map(|step| (step >> 24) as u8).take(2000).collect();
    let far_inside = large.compress(&[&noise[..], b"-", &noise[..]].concat()).unwrap();
    let far_back = large.compress(&noise).unwrap();
    let near = large.compress(b"near, near").unwrap();
    let frames = [&far_inside, &far_back, &near].map(|payload| frame(Opcode::Binary, payload).compressed());
    for (bits, told) in [(8, 2), (9, 2), (10, 2), (11, 0), (15, 0)] {
        let deflate = PermessageDeflate { server_max_window_bits: bits, ..Default::default() };
        let agreed = Agreed { deflate: Some(deflate), ..from_server() };
        let lines = transcribe(agreed, [&plain(&frames)[..]]);
        let exceeded =
            [2001, 2000].map(|far| format!("! data WindowExceeded {{ bits: {bits}, distance: {far} }}"));
        let violations: Vec<_> = lines.iter().filter(|line| line.starts_with('!')).collect();
        assert_eq!(violations, exceeded.iter().take(told).collect::<Vec<_>>(), "{bits}");
        assert_eq!(lines.last().unwrap(), "binary 'near, near' compressed");
        assert_eq!(transcribe(agreed, plain(&frames).chunks(3)), lines);
    }
}

#[test]
fn a_bomb_is_capped_and_leaves_the_context_right() {
    let mut deflater = Deflater::new(&PermessageDeflate::default(), ToServer);
    let bomb = deflater.compress(&vec![b'0'; 50_000_000]).unwrap();
    let after = deflater.compress(b"0000000000000000000000000000000000001").unwrap();
    assert!(bomb.len() < 100_000 && after.len() < 10);
    let frames = [frame(Opcode::Text, &bomb).compressed(), frame(Opcode::Text, &after).compressed()];
    let agreed = Agreed { limit: 10, ..deflating(ToServer) };
    let lines = transcribe(agreed, [&masked(&frames)[..]]);
    assert_eq!(lines[1], "text '0000000000' compressed of 50000000");
    assert_eq!(lines[3], "text '0000000000' compressed of 37");
}

#[test]
fn one_scratch_serves_many_sessions() {
    let mut scratch = Scratch::new();
    let agreed = PermessageDeflate::default();
    let mut sessions: Vec<_> = (0..3)
        .map(|_| {
            let reader = MessageReader::new(ToClient, Some(agreed), OtherExtension::None, 1 << 20);
            (reader, Deflater::new(&agreed, ToClient), Transcript::default())
        })
        .collect();
    for round in 0..200 {
        let text = |index: usize| format!("session {index} says {}", round / 2);
        let mut behind_the_cut = vec![];
        for (index, (reader, deflater, transcript)) in sessions.iter_mut().enumerate() {
            let payload = deflater.compress(text(index).as_bytes()).unwrap();
            let mut bytes = frame(Opcode::Text, &payload).compressed().to_bytes();
            behind_the_cut.push(bytes.split_off((round * 7 + index) % bytes.len()));
            reader.read(&bytes, &mut scratch, transcript);
        }
        for (index, (reader, _, transcript)) in sessions.iter_mut().enumerate() {
            reader.read(&behind_the_cut[index], &mut scratch, transcript);
            let expected = format!("text '{}' compressed", text(index));
            assert_eq!(transcript.lines.last(), Some(&expected));
        }
    }
}

#[test]
fn an_idle_reader_is_small() {
    assert!(size_of::<MessageReader>() <= 320, "{}", size_of::<MessageReader>());
    assert!(size_of::<Violation>() <= 16);
}
