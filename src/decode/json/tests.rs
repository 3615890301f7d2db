//! JSON on one line, over many, broken, huge; and what may be recorded as JSON.

use proptest::prelude::*;

use super::*;
use crate::decode::{Style, View, detect, plain, pretty, summary};

#[track_caller]
fn check(payload: &str, expected: &str) {
    check_within(payload, &Limits { width: 30, ..Limits::default() }, expected);
}

#[track_caller]
fn check_within(payload: &str, limits: &Limits, expected: &str) {
    let lines: Vec<String> = pretty(View::Json, payload, limits).iter().map(plain).collect();
    assert_eq!(lines.join("\n"), expected, "{payload}");
}

#[test]
fn what_fits_stays_on_a_line() {
    check(r#"{"type":"ack","id":7}"#, r#"{ "type": "ack", "id": 7 }"#);
    check(r#"{"type":"ack","id":7,"x":1}"#, "{\n  \"type\": \"ack\",\n  \"id\": 7,\n  \"x\": 1\n}");
    check(r#"{"id":7,"ok":true}"#, r#"{ "id": 7, "ok": true }"#);
    check("[1,2,[3]]", "[1, 2, [3]]");
    check(r#"{"a":{},"b":[]}"#, r#"{ "a": {}, "b": [] }"#);
    check(
        r#"{"items":[1,2,3],"user":{"id":12345678,"name":"x"}}"#,
        "{\n  \"items\": [1, 2, 3],\n  \"user\": {\n    \"id\": 12345678,\n    \"name\": \"x\"\n  }\n}",
    );
    let wide = Limits { width: 0, ..Limits::default() };
    check_within("[1,[]]", &wide, "[\n  1,\n  []\n]");
}

#[test]
fn nothing_but_white_space_changes() {
    check("[1E400,-0.0,12345678901234567890123]", "[\n  1E400,\n  -0.0,\n  12345678901234567890123\n]");
    check(r#" [ "\u00e9\/é" ] "#, r#"["\u00e9\/é"]"#);
}

#[test]
fn a_duplicate_key_is_noted() {
    check(r#"{"a":1,"\u0061":2}"#, "{ \"a\": 1, \"\\u0061\": 2 }  duplicate key \"a\"");
    check(
        r#"{"a":"long enough","a":"to break"}"#,
        "{\n  \"a\": \"long enough\",\n  \"a\": \"to break\"  duplicate key \"a\"\n}",
    );
}

#[test]
fn where_it_breaks_is_said_and_the_rest_is_shown() {
    check("{\"a\":1,}\nrest", "{\n  \"a\": 1\nbyte 7: expected a key in quotation marks\n,}\nrest");
    check("[1 2]", "[\n  1\nbyte 3: expected ',' or ']'\n 2]");
    check("{a:1}", "{\nbyte 1: expected a key in quotation marks or '}'\na:1}");
    check("[tru]", "[\nbyte 1: expected a value or ']'\ntru]");
    check("[\"a\u{1b}[0m\"]", "[\nbyte 3: expected control characters to be escaped\n\"a␛[0m\"]");
    check("{\"a\"", "{\n  \"a\"\nbyte 4: the payload ends here, expected ':'");
    check("[\"ab", "[\nbyte 4: the payload ends here, expected the rest of it\n\"ab");
    check("{} {}", "{}\nbyte 3: expected the end, as one JSON value ends here\n {}");
    check("[}", "[\nbyte 1: expected a value or ']'\n}");
    let lines = pretty(View::Json, "[1 2]", &Limits::default());
    assert!(lines.iter().flatten().any(|span| span.style == Style::Error));
}

#[test]
fn several_texts_follow_each_other() {
    check("{\"a\":1}\u{1e}", "{ \"a\": 1 }␞");
    check("\u{1e}{}\n\u{1e}[1]\n", "␞{}␞\n[1]");
    check("{}\r\n[1]\n\n7\n", "{}\n[1]\n7");
    check("{}\u{1e}{}\u{1e}", "{}␞\n{}␞");
    check("[\u{1e}]", "[\nbyte 1: expected a value or ']'\n␞]");
    check("\u{1e}", "␞\nbyte 1: the payload ends here, expected a value");
    assert_eq!(summary(View::Json, "{}\n{\"a\": 1}\u{1e}", 80), "{} {\"a\":1}␞");
}

#[test]
fn the_start_of_a_payload_is_no_broken_one() {
    let start = Payload::start_of(b"[1, 2, \"ab", 1000);
    let lines: Vec<String> = pretty(View::Json, start, &Limits::default()).iter().map(plain).collect();
    assert_eq!(lines, ["[", "  1,", "  2", "… 5 of 1000 bytes shown"]);
    assert_eq!(detect(Opcode::Text, start), View::Json);
}

#[test]
fn long_and_deep_payloads_are_cut_and_say_so() {
    let limits = Limits { lines: 3, ..Limits::default() };
    let long = format!("[{}1]", "1,".repeat(1000));
    check_within(&long, &limits, "[\n  1,\n  1,\n… 4 of 2003 bytes shown");
    let deep = "[".repeat(1 << 20);
    let lines = pretty(View::Json, deep.as_str(), &Limits { lines: 1 << 20, bytes: 1 << 24, width: 76 });
    assert!(lines.iter().any(|line| plain(line) == "byte 1024: expected no more than 1024 levels"));
    let string = format!("[\"{}\"]", "x".repeat(1 << 20));
    let lines = pretty(View::Json, string.as_str(), &Limits { bytes: 1 << 30, ..Limits::default() });
    assert!(plain(&lines[1]).ends_with("…  1048578 bytes"), "{}", plain(&lines[1]).len());
}

#[test]
fn a_summary_is_one_line() {
    let summed = |payload: &str, chars| summary(View::Json, payload, chars);
    assert_eq!(summed("{ \"type\" : \"ack\",\n \"id\": 7 }", 80), r#"{"type":"ack","id":7}"#);
    assert_eq!(summed(r#"{"type":"ack","id":7}"#, 10), "{\"type\":\"…");
    assert_eq!(summed("[1,\n oops]", 80), "[1,␊ oops]");
    assert_eq!(summed("[]", 0), "");
    assert_eq!(summary(View::Json, Payload::start_of(b"[1,\"ab", 99), 80), "[1,\"ab…");
}

#[test]
fn content_tells_json() {
    let text = |payload: &str| detect(Opcode::Text, payload);
    let binary = |payload: &str| detect(Opcode::Binary, payload);
    for payload in
        ["{}", " [1]\n", r#"{"a":1,}"#, "{\"type\":1}\u{1e}", "\u{1e}{}", "[1,2,3,oops", "{\"a\" 1"]
    {
        assert_eq!(text(payload), View::Json, "{payload}");
    }
    for payload in ["", "hello", "7", "\"x\"", "[INFO] started", "[12:30] hi", "{x}", "42[\"a\",1]", "{a"] {
        assert_eq!(text(payload), View::Text, "{payload}");
    }
    assert_eq!(binary(r#"{"a":1}"#), View::Json);
    assert_eq!(binary(r#"{"a":1,}"#), View::Text);
    let long = format!("[\"{}\", 1]", "x".repeat(1 << 20));
    assert_eq!(text(&long), View::Json);
}

#[test]
fn only_what_comes_back_the_same_is_exact() {
    for payload in ["{}", "[]", "7", "\"x\"", r#"{"b":1,"a":[1.0,12345678901234567890123]}"#, "null"] {
        assert!(exact(payload.as_bytes()), "{payload}");
    }
    let deep = "[".repeat(1000) + &"]".repeat(1000);
    for payload in [
        "",
        " {}",
        "{}\n",
        "{\"a\": 1}",
        r#"{"a":1,"a":1}"#,
        r#""\u00e9""#,
        r#""\/""#,
        "01",
        "1e5",
        "{",
        "\"\u{7f}",
        r#"{"$serde_json::private::Number":"7"}"#,
        &deep,
    ] {
        assert!(!exact(payload.as_bytes()), "{payload}");
    }
    assert!(!exact(b"\"\xff\""));
}

proptest! {
    #[test]
    fn pretty_loses_nothing_of_good_json(value in json(), width in 0_usize..100) {
        let payload = value.to_string();
        let lines = pretty(View::Json, payload.as_str(), &Limits { width, ..Limits::default() });
        let joined = lines.iter().map(plain).collect::<Vec<_>>().join("\n");
        prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&joined).unwrap(), value);
        prop_assert!(exact(payload.as_bytes()));
        prop_assert_eq!(summary(View::Json, payload.as_str(), usize::MAX), payload);
    }
}

/// Values whose strings need no escaping on screen.
fn json() -> impl Strategy<Value = serde_json::Value> {
    use serde_json::Value;
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[a-zA-Z0-9 \"\\\\é{}\\[\\],:]{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 60, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::vec(("[a-z]{1,3}", inner), 0..6)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

#[test]
fn what_is_wrong_with_json_is_said_with_its_column() {
    for good in ["{}", "[1, 2]", "\"a\"", " 3 ", "null"] {
        assert_eq!(fault(good), None, "{good}");
    }
    let wrong = |text: &str| fault(text).unwrap_or_default();
    assert_eq!(wrong("{\"é\" 1}"), "column 6: expected ':'");
    assert_eq!(wrong("[1,"), "column 4: expected a value");
    assert_eq!(wrong(""), "column 1: expected a value");
    assert!(!wrong("{}\n{}").is_empty() && !wrong("{a:1}").is_empty() && !wrong("[1] 2").is_empty());
}

#[test]
fn white_space_is_written_anew_and_nothing_else() {
    let text = "{ \"a\" : [1e3, {}, [ ]], \"b\":\"x \\u00e9\" }";
    assert_eq!(on_one_line(text.as_bytes()).unwrap(), "{\"a\":[1e3,{},[]],\"b\":\"x \\u00e9\"}");
    let laid_out = laid_out(text.as_bytes()).unwrap();
    assert_eq!(laid_out, "{\n  \"a\": [\n    1e3,\n    {},\n    []\n  ],\n  \"b\": \"x \\u00e9\"\n}");
    assert_eq!(on_one_line(laid_out.as_bytes()), on_one_line(text.as_bytes()));
    assert_eq!(on_one_line(b"{\"a\":}"), None);
    assert_eq!(on_one_line(b"{}\n{}"), None);
}

#[test]
fn a_fault_has_its_place() {
    assert_eq!(breaks_at(b"{\"a\": [1, 2]}"), None);
    assert_eq!(breaks_at(b"{\"a\" 1}"), Some((5, "':'".to_owned())));
    assert_eq!(breaks_at(b"[1,"), Some((3, "a value".to_owned())));
}
