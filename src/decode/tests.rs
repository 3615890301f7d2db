//! MessagePack and CBOR as they are shown, and that no view ever lets anything unsafe through.

use proptest::prelude::*;

use super::visible::is_unsafe;
use super::*;

#[track_caller]
fn check(view: View, payload: &[u8], one_line: &str, many: &[&str]) {
    assert_eq!(detect(Opcode::Binary, payload), view, "{payload:02x?}");
    assert_eq!(summary(view, payload, 1000), one_line);
    let lines: Vec<String> = pretty(view, payload, &Limits::default()).iter().map(plain).collect();
    assert_eq!(lines, many);
}

#[test]
fn messagepack_is_spelt_out() {
    let msgpack = |payload, one_line, many: &[&str]| check(View::MessagePack, payload, one_line, many);
    msgpack(b"\x80", "msgpack {}", &["{}"]);
    msgpack(
        b"\x82\xa4type\xa4tick\xa2id\xcd\x01\x00",
        r#"msgpack {type: "tick", id: 256}"#,
        &[r#"{ type: "tick", id: 256 }"#],
    );
    msgpack(
        b"\x9a\xc0\xc2\xc3\xff\xd0\x80\xcb\x3f\xf8\0\0\0\0\0\0\xca\x3d\xcc\xcc\xcd\xcf\xff\xff\xff\xff\xff\xff\xff\xff\xd9\x02a\"\x91\x01",
        r#"msgpack [nil, false, true, -1, -128, 1.5, 0.1, 18446744073709551615, "a\"", [1]]"#,
        &[
            "[",
            "  nil,",
            "  false,",
            "  true,",
            "  -1,",
            "  -128,",
            "  1.5,",
            "  0.1,",
            "  18446744073709551615,",
            "  \"a\\\"\",",
            "  [1]",
            "]",
        ],
    );
    msgpack(
        b"\x93\xd6\xff\x67\x40\x80\x00\xc7\x03\x05\x01\x02\x03\xc4\x02\xde\xad",
        "msgpack [timestamp(2024-11-22T12:58:40Z), ext(5, h'010203'), h'dead']",
        &["[timestamp(2024-11-22T12:58:40Z), ext(5, h'010203'), h'dead']"],
    );
    msgpack(b"\x81\xa9odd \"key\"\x01", r#"msgpack {"odd \"key\"": 1}"#, &[r#"{ "odd \"key\"": 1 }"#]);
    msgpack(b"\x81\x92\x01\x02\x03", "msgpack {[1, 2]: 3}", &["{ [1, 2]: 3 }"]);
}

#[test]
fn cbor_is_spelt_out() {
    let cbor = |payload, one_line, many: &[&str]| check(View::Cbor, payload, one_line, many);
    cbor(b"\xa0", "cbor {}", &["{}"]);
    cbor(
        b"\xa2\x61a\x01\x61b\x9f\x20\xf6\xf7\xf5\xff",
        "cbor {a: 1, b: [-1, null, undefined, true]}",
        &["{ a: 1, b: [-1, null, undefined, true] }"],
    );
    cbor(
        b"\x84\xc1\x1a\x67\x40\x80\x00\xc2\x41\x01\x5f\x41\x01\x41\x02\xff\x7f\x61x\x61y\xff",
        "cbor [1(1732280320), 2(h'01'), h'0102', \"xy\"]",
        &[
            "[",
            "  1(1732280320),  2024-11-22T12:58:40Z",
            "  2(h'01'),  big number",
            "  h'0102',",
            "  \"xy\"",
            "]",
        ],
    );
    cbor(
        b"\xd9\xd9\xf7\x83\x3b\xff\xff\xff\xff\xff\xff\xff\xff\xf9\x7c\x00\xf0",
        "cbor 55799([-18446744073709551616, Infinity, simple(16)])",
        &["55799([-18446744073709551616, Infinity, simple(16)])  self-described CBOR"],
    );
}

#[test]
fn bytes_that_are_no_value_are_shown_as_what_they_are() {
    for payload in [
        &b"\x81"[..],            // a pair is missing
        b"\x80\x80",             // two values
        b"\x91\xc1",             // c1 is never used
        b"\xdf\xff\xff\xff\xff", // four billion pairs, none of them there
        b"\x91\xa1\xff",         // text that is not UTF-8
        b"\xbf\x01\xff",         // a key without its value
        b"\xbb\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\x9f\xc0\xff", // a tag without its value
        b"\x00\x01\x02",
        b"\xff\xd8\xff\xe0",
    ] {
        assert_eq!(detect(Opcode::Binary, payload), View::Hex, "{payload:02x?}");
    }
    assert_eq!(detect(Opcode::Binary, &b"hello\n"[..]), View::Text);
    assert_eq!(detect(Opcode::Ping, &b"k1"[..]), View::Text);
    assert_eq!(detect(Opcode::Text, &b"\xff\x00"[..]), View::Text);
    assert_eq!(detect(Opcode::Binary, &b""[..]), View::Text);
    assert_eq!(detect(Opcode::Binary, Payload::start_of("grü".as_bytes().split_at(3).0, 10)), View::Text);
    let start = Payload::start_of(b"\xde\x01\x00\xa1a\x01\xa1b", 1000);
    assert_eq!(detect(Opcode::Binary, start), View::MessagePack);
}

#[test]
fn a_broken_value_is_shown_up_to_where_it_breaks() {
    let shown = |view, payload: &[u8]| -> Vec<String> {
        pretty(view, payload, &Limits::default()).iter().map(plain).collect()
    };
    let rest = "00000002  c1 02                                             |..|";
    assert_eq!(
        shown(View::MessagePack, b"\x92\x01\xc1\x02"),
        ["[", "  1", "byte 2: expected a value: c1 is never used", rest]
    );
    assert_eq!(
        shown(View::Cbor, b"\x82\x01"),
        ["[", "  1", "byte 2: the payload ends here, expected more bytes"]
    );
    let deep = [0x91; 5000];
    let limits = Limits { width: 0, ..Limits::default() };
    let lines = pretty(View::MessagePack, &deep[..], &limits);
    assert!(lines.iter().any(|line| plain(line).contains("expected no more than 1024 levels")));
    let tags = [0xc1; 5000];
    let lines = pretty(View::Cbor, &tags[..], &limits);
    assert!(lines.iter().any(|line| plain(line).contains("expected no more than 1024 levels")));
}

#[test]
fn long_byte_strings_are_cut() {
    let payload = [&b"\x91\xc5\x01\x00"[..], &[0xab; 256]].concat();
    let lines = pretty(View::MessagePack, &payload[..], &Limits::default());
    assert_eq!(plain(&lines[1]), format!("  h'{}…'  256 bytes", "ab".repeat(64)));
}

#[test]
fn a_summary_looks_at_no_more_than_it_shows() {
    let long = [&b"\x82\xa1a\x01\xa1b\xdb\x00\x10\x00\x00"[..], &[b'x'; 1 << 20]].concat();
    assert_eq!(summary(View::MessagePack, &long[..], 40), "msgpack {a: 1, b: …");
    let long = format!("{{\"a\":\"{}\"}}", "x".repeat(1 << 20));
    assert_eq!(summary(View::Json, long.as_str(), 10), "{\"a\":\"xxx…");
    assert_eq!(summary(View::MessagePack, &b"\x92\x01\xc1"[..], 40), "msgpack [1\\xc1");
}

#[test]
fn text_is_shown_line_by_line() {
    let lines = |lines: Vec<Line>| -> Vec<String> { lines.iter().map(plain).collect() };
    let payload = &b"a\tb\r\n\n\x1b[0m\xff!\n"[..];
    let limits = Limits::default();
    assert_eq!(lines(pretty(View::Text, payload, &limits)), ["a   b␍", "", "␛[0m\\xff!"]);
    assert_eq!(lines(raw_lines(payload, &limits)), ["a␉b␍␊", "␊", "␛[0m\\xff!␊"]);
    assert_eq!(summary(View::Text, payload, 100), "a␉b␍␊␊␛[0m\\xff!␊");
    assert_eq!(summary(View::Text, "grüße", 4), "grü…");
    let two = Limits { lines: 2, ..limits };
    assert_eq!(lines(pretty(View::Text, "1\n2\n3\n4", &two)), ["1", "2", "… 4 of 7 bytes shown"]);
    let long = "x".repeat(200_000);
    assert!(lines(raw_lines(long.as_str(), &limits)).iter().all(|line| line.len() <= 64 << 10));
}

#[test]
fn views_have_names_and_follow_each_other() {
    let mut view = View::Json;
    for expected in View::ALL {
        assert_eq!(view, expected);
        assert_eq!(View::from_name(view.name()), Some(view));
        assert_eq!(DECODERS[view as usize].0, view);
        view = view.next();
    }
    assert_eq!(view, View::Json);
    assert_eq!(View::from_name("xml"), None);
}

/// Bytes that are likely to go some way as one of the formats.
fn payloads() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        proptest::collection::vec(any::<u8>(), 1..8),
        proptest::sample::select(vec![
            &b"{"[..],
            b"}",
            b"[",
            b"]",
            b",",
            b":",
            b"\"k\"",
            b"\"\\u00",
            b" \r\n\t",
            b"-1.5",
            b"null",
            b"\x1b[2J",
            "\u{202e}".as_bytes(),
            "\u{9b}".as_bytes(),
            b"\x82\xa1a",
            b"\x93",
            b"\xdc\x00\x02",
            b"\xc4\x02\x1b\x1b",
            b"\xd6\xff\0\0\0\0",
            b"\xbf",
            b"\x9f",
            b"\xff",
            b"\xc1\xfb",
            b"\x7f\x61",
        ])
        .prop_map(<[u8]>::to_vec),
    ];
    proptest::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn no_view_fails_or_lets_anything_unsafe_through(
        payload in payloads(),
        missing in 0_u64..3,
        chars in 0_usize..60,
        lines in 0_usize..20,
        bytes in 0_usize..300,
        width in 0_usize..80,
    ) {
        let payload = Payload::start_of(&payload, payload.len() as u64 + missing);
        let limits = Limits { lines, bytes, width };
        for opcode in [Opcode::Text, Opcode::Binary] {
            detect(opcode, payload);
        }
        for view in View::ALL {
            let one_line = summary(view, payload, chars);
            prop_assert!(one_line.chars().count() <= chars);
            prop_assert!(!one_line.chars().any(is_unsafe), "{one_line:?}");
            let shown = pretty(view, payload, &limits);
            prop_assert!(shown.len() <= lines + 3, "{} lines", shown.len());
            for line in shown.iter().chain(&raw_lines(payload, &limits)) {
                prop_assert!(!plain(line).chars().any(is_unsafe), "{line:?}");
            }
        }
    }

    #[test]
    fn messagepack_agrees_with_rmpv(payload in payloads()) {
        let mut rest = &payload[..];
        let oracle = rmpv::decode::read_value_ref_with_max_depth(&mut rest, 1000);
        let is_value = oracle.is_ok() && rest.is_empty();
        // rmpv takes c1, which is never used, for nil
        prop_assume!(!is_value || !payload.contains(&0xc1));
        let ours = pretty(View::MessagePack, &payload[..], &Limits::default());
        let is_ours = !ours.iter().flatten().any(|span| span.style == Style::Error);
        prop_assert_eq!(is_value, is_ours, "{:?}", ours);
    }

    #[test]
    fn cbor_agrees_with_minicbor(payload in payloads()) {
        let mut decoder = minicbor::Decoder::new(&payload);
        let is_value = decoder.skip().is_ok() && decoder.position() == payload.len();
        let ours = pretty(View::Cbor, &payload[..], &Limits::default());
        let is_ours = !ours.iter().flatten().any(|span| span.style == Style::Error);
        // skip() looks neither at UTF-8 nor at what a string of indefinite length is made of
        prop_assert!(is_value || !is_ours, "{:?}", ours);
    }
}
