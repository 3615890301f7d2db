//! Files that are damaged, foreign, later, or mended by hand.

use std::io::BufReader;

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{HEADER, example, message, opening, read, read_error, reader, write};
use crate::capture::{Event, Flow, Payload};
use crate::headless::schema::{Item, Reader};
use crate::ws::Direction::ToServer;
use crate::ws::Opcode;

#[test]
fn other_files_are_not_recordings() {
    let advice = "; recordings are written with --record FILE";
    for (text, why) in [
        ("", "the file is empty"),
        ("{\"type\":\"open\"}\n", "it is of another type"),
        ("{\"log\":{\"version\":\"1.2\"}}", "it is of another type"),
        ("hello\n", "expected value (column 1)"),
        ("{\"type\":\"recording\"}\n", "\"version\" is missing"),
        (
            "{\"type\":\"recording\",\"version\":1,\"started\":\"now\"}\n",
            "\"started\" is not an RFC 3339 time: now",
        ),
    ] {
        let expected = format!(
            "chat.jsonl is not a recording: its first line is not {{\"type\":\"recording\",…}} ({why}){advice}"
        );
        assert_eq!(read_error(text), expected);
    }
    let large = "x".repeat(1024 * 1024);
    assert!(read_error(&large).contains("is not a recording"));
    assert_eq!(
        read_error(&HEADER.replace(":1,", ":2,")),
        "chat.jsonl:1: the recording is of version 2, and this sockeye reads version 1: use a newer one"
    );
}

#[test]
fn what_is_wrong_with_tls_is_named() {
    let whole = r#"{"subject":"CN=a","from":"2026-01-01T00:00:00Z","until":"2027-01-01T00:00:00Z"}"#;
    for (from, to, fault) in [
        (r#""from":"2026-01-01T00:00:00Z","#, "", "\"from\" is missing"),
        ("2027-01-01T00:00:00Z", "soon", "\"until\" is not an RFC 3339 time: soon"),
        ("\"yes\"", "7", "\"verified\" is neither true nor a sentence of what is wrong: 7"),
        ("answered", "perhaps", "\"asked\" is neither \"answered\" nor \"unanswered\": perhaps"),
        ("\"took\":1", "\"took\":-1", "\"took\" is not a number of milliseconds: -1"),
    ] {
        let line = format!(
            r#"{{"type":"tunnel","session":1,"time":"2026-11-22T14:30:00Z","target":"a:1","tls":{{"server":{{"verified":"yes","asked":"answered","took":1,"chain":[{whole}]}}}}}}"#
        );
        let line = line.replace(from, to);
        assert_eq!(
            read_error(&format!("{HEADER}\n{line}\n")),
            format!("chat.jsonl:2: {fault}; mend this line, or delete it")
        );
    }
}

#[test]
fn a_damaged_line_is_named_with_its_fault() {
    let message =
        r#"{"type":"message","session":1,"n":1,"at":12.431,"from":"client","op":"text","text":"hello"}"#;
    for (from, to, fault) in [
        ("\"hello\"}", "\"hel", "EOF while parsing a string (column 87)"),
        (r#""at":12.431"#, r#""at":"now""#, "invalid type: string \"now\", expected f64 (column 46)"),
        (r#""at":12.431"#, r#""at":-1"#, "\"at\" is not a number of milliseconds: -1"),
        (r#""at":12.431,"#, "", "\"at\" is missing"),
        (r#""n":1,"#, "", "\"n\" is missing"),
        (r#""session":1,"#, "", "\"session\" is missing"),
        (r#""from":"client""#, r#""from":"me""#, "\"me\" is neither \"client\" nor \"server\""),
        (
            r#""op":"text""#,
            r#""op":"txt""#,
            "\"op\" is not text, binary, continuation, raw or a reserved opcode: txt",
        ),
        (
            r#""op":"text""#,
            r#""op":"ping""#,
            "a line of type \"message\" cannot be a ping: the type is \"ping\" then",
        ),
        (r#","text":"hello""#, "", "one of \"json\", \"text\" and \"base64\" is missing"),
        (r#""text":"hello""#, r#""base64":"?""#, "\"base64\" is not base64: Invalid symbol 63, offset 0."),
        (
            r#""hello""#,
            r#""hello","frames":["x"]"#,
            "a frame of \"frames\" is neither a length nor an object: invalid type: string \"x\", expected struct FrameLine (column 3)",
        ),
        (
            r#""hello""#,
            r#""hello","frames":[{"length":70000,"length_bits":16}]"#,
            "a frame's length of 70000 is not written in 16 bits",
        ),
        (r#""type":"message","#, "", "\"type\" is missing"),
    ] {
        assert!(message.contains(from), "{from}");
        let text = format!("{HEADER}\n\n{}\n", message.replace(from, to));
        assert_eq!(read_error(&text), format!("chat.jsonl:3: {fault}; mend this line, or delete it"));
    }
}

#[test]
fn a_torn_last_line_is_a_note() {
    let whole =
        write(&[Event::Opened(opening()), Event::Message(message(ToServer, Opcode::Text, "hé".as_bytes()))]);
    let events = read(&whole).len();
    for cut in 1..whole.lines().last().unwrap().len() {
        let torn = &whole.as_bytes()[..whole.len() - 1 - cut];
        let mut reader = Reader::new("chat.jsonl", torn).unwrap();
        let mut items = Vec::new();
        while let Some(record) = reader.next().unwrap() {
            items.push(record.item);
        }
        assert_eq!(items.len(), events, "{cut}");
        let Some(Item::Event(Event::Note(note))) = items.last() else { panic!("{cut}") };
        assert_eq!(
            note.text,
            "the last line of chat.jsonl is not whole: its writer was stopped while writing it"
        );
    }
    // nothing but its line end is missing
    assert_eq!(read(whole.trim_end()), read(&whole));
}

#[test]
fn what_is_not_known_is_passed_over_and_counted() {
    let text = format!(
        "\u{feff}{HEADER}\r\n{}\r\n\r\n{}\r\n{}\r\n",
        r#"{"type":"held","session":{"not":"a number"}}"#,
        r#"{"new":[1],"type":"note","time":"2026-11-22T14:30:00.125Z","text":"hm","newer":{}}"#,
        r#"{"type":"violation","session":1,"n":1,"at":1,"from":"client","what":"stray","section":""}"#,
    );
    let mut reader = reader(&text).unwrap();
    assert_eq!(reader.next().unwrap().unwrap().item, Item::Unknown("held".to_owned()));
    let note = reader.next().unwrap().unwrap();
    assert_eq!((note.line, &note.lines[..6]), (4, &br#"{"new""#[..]));
    assert!(matches!(note.item, Item::Event(Event::Note(_))));
    assert_eq!(reader.next().unwrap().unwrap().item, Item::Unknown("violation".to_owned()));
    assert_eq!(reader.next().unwrap(), None);
    assert_eq!(reader.unknown(), 2);
}

#[test]
fn recordings_one_behind_the_other_are_one() {
    let one = write(&[Event::Opened(opening()), Event::Message(message(ToServer, Opcode::Text, b"a"))]);
    let numbers: Vec<_> = read(&format!("{one}{one}"))
        .into_iter()
        .map(|item| match item {
            Item::Event(event) => event.flow(),
            _ => None,
        })
        .collect();
    let session = |number| Some(Flow::Session(number));
    assert_eq!(numbers, [session(1), session(1), None, session(2), session(2)]);
}

#[test]
fn a_message_spread_by_a_formatter_is_still_the_same() {
    let line = r#"{ "type": "message", "session": 1, "n": 1, "at": 1, "from": "client", "op": "text", "json": { "a": [ 1.0, 2 ] } }"#;
    let items = read(&format!("{HEADER}\n{line}\n"));
    let Item::Event(Event::Message(message)) = &items[0] else { panic!() };
    assert_eq!(message.payload, Payload::from(r#"{"a":[1.0,2]}"#));
}

/// Reads on after each fault as far as there are lines; gives the faults.
fn faults(text: &str) -> Vec<String> {
    let mut reader = reader(text).unwrap();
    let mut faults = Vec::new();
    loop {
        match reader.next() {
            Ok(Some(_)) => {}
            Ok(None) => return faults,
            Err(error) => faults.push(error.to_string()),
        }
    }
}

#[test]
fn any_value_for_any_key_is_read_or_named() {
    let document = example();
    let odd =
        [json!(null), json!(true), json!(-1), json!(1e300), json!("x"), json!([]), json!([[]]), json!({})];
    for (number, line) in document.lines().enumerate().skip(1) {
        let object: Value = serde_json::from_str(line).unwrap();
        for key in object.as_object().unwrap().keys() {
            for value in &odd {
                let mut changed = object.clone();
                changed[key] = value.clone();
                let text = document.replacen(line, &changed.to_string(), 1);
                let faults = faults(&text);
                assert!(faults.len() <= 1, "{faults:?}");
                for fault in faults {
                    assert!(
                        fault.starts_with(&format!("chat.jsonl:{}: ", number + 1)),
                        "{key}={value}: {fault}"
                    );
                }
            }
        }
    }
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(noise in vec(any::<u8>(), 0..200), at in any::<proptest::sample::Index>()) {
        let mut bytes = write(&[Event::Opened(opening()), Event::Message(message(ToServer, Opcode::Text, b"{}"))]).into_bytes();
        let at = at.index(bytes.len());
        bytes.splice(at..(at + noise.len() / 2).min(bytes.len()), noise);
        if let Ok(mut reader) = Reader::new("noise", BufReader::new(&bytes[..])) {
            while let Ok(Some(_)) = reader.next() {}
        }
    }
}
