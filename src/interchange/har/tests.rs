//! HAR in both directions.

use std::io;

use proptest::prelude::*;

use super::*;
use crate::headless::schema::Reader;

fn none(_: &str) -> io::Result<Vec<u8>> {
    Err(io::Error::other("no file"))
}

fn exported(recording: &str) -> (String, Vec<String>) {
    let mut out = Vec::new();
    let remarks = write(&recording.as_bytes(), &mut out).unwrap();
    (String::from_utf8(out).unwrap(), remarks)
}

#[track_caller]
fn imported_with(har: &str, file: &dyn Fn(&str) -> io::Result<Vec<u8>>) -> (String, Vec<String>) {
    let mut out = Vec::new();
    let remarks = read("x.har", har.as_bytes(), file).unwrap().write("x.har", &mut out).unwrap();
    (String::from_utf8(out).unwrap(), remarks)
}

#[track_caller]
fn imported(har: &str) -> (String, Vec<String>) {
    imported_with(har, &none)
}

/// A HAR of one entry of a session with these fields added.
fn session(fields: &str) -> String {
    format!(
        r#"{{"log":{{"entries":[{{"startedDateTime":"2026-11-22T14:30:04.500Z","request":{{"url":"wss://h/chat"}},"response":{{"status":101}},{fields}}}]}}}}"#
    )
}

/// The lines about messages and ends, without `session`.
fn said(recording: &str) -> Vec<String> {
    let lines = recording.lines().filter(|line| line.contains("\"at\":"));
    lines.map(|line| line.replace("\"session\":1,", "")).collect()
}

/// The example of docs/recording-format.md has a line of each type, and what is odd.
fn documented() -> String {
    let page = include_str!("../../../docs/recording-format.md");
    page.split("```json\n").nth(1).unwrap().split("```").next().unwrap().to_owned()
}

#[test]
fn a_round_trip_gives_the_recording_again() {
    let recording = documented();
    let (har, _) = exported(&recording);
    let (again, remarks) = imported(&har);
    assert_eq!(remarks, [""; 0]);
    let mut expected: Vec<_> = recording.lines().skip(1).collect();
    let mut got: Vec<_> = again.lines().skip(1).collect();
    expected.sort_unstable();
    got.sort_unstable();
    assert_eq!(got.join("\n"), expected.join("\n"));
}

#[test]
fn messages_are_as_chrome_writes_them() {
    let (har, remarks) = exported(&documented());
    let har: serde_json::Value = serde_json::from_str(&har).unwrap();
    let entry = &har["log"]["entries"][0];
    assert_eq!(entry["_resourceType"], "websocket");
    assert_eq!(entry["request"]["url"], "ws://127.0.0.1:3000/chat");
    assert_eq!(entry["response"]["status"], 101);
    let messages = entry[MESSAGES].as_array().unwrap();
    assert_eq!(messages.len(), 5);
    assert_eq!(messages[3][OWN]["injected"], "rule greet");
    assert_eq!(entry[ACTS][1]["json"], serde_json::json!({ "kind": "welcome", "id": 8 }));
    let first = &messages[0];
    assert_eq!(
        (&first["type"], &first["opcode"], &first["data"]),
        (&"send".into(), &1.into(), &"hello".into())
    );
    // 2026-11-22T14:30:04.500Z, and 12.431 ms
    assert_eq!(first["time"].as_f64(), Some(1_795_357_804.512_431));
    assert_eq!(messages[2]["data"], "AAEC/w==");
    assert_eq!(entry[CONTROL_FRAMES].as_array().unwrap().len(), 3);
    assert_eq!(entry[CLOSE]["code"], 1007);
    let entries = har["log"]["entries"].as_array().unwrap();
    assert_eq!(entries[1]["response"]["content"]["text"], "no token");
    assert_eq!(entries[2]["request"]["postData"]["text"], "name=a");
    assert_eq!(
        remarks,
        [
            "3 control frames are in _webSocketControlFrames, which other tools do not read",
            "2 acts are in _sockeyeActs, which other tools do not read",
            "1 tunnel is in _sockeye alone, which other tools do not read",
            "2 notes and gaps are in _sockeye alone, which other tools do not read",
        ]
    );
}

#[test]
fn seconds_milliseconds_and_no_times_are_told_apart() {
    for (times, expected) in [
        (["1795357804.6", "1795357804.75"], ["100.000", "250.000"]),
        (["1795357804600", "1795357804750.5"], ["100.000", "250.500"]),
        (["-1", "-1"], ["0.000", "0.000"]),
        (["1795357804.6", "null"], ["100.000", "100.000"]),
    ] {
        let [first, second] = times;
        let (recording, _) = imported(&session(&format!(
            r#""_webSocketMessages":[{{"type":"send","time":{first},"opcode":1,"data":"a"}},{{"type":"receive","time":{second},"opcode":1,"data":"b"}}]"#
        )));
        let [a, b] = expected;
        assert_eq!(
            said(&recording),
            [
                format!(r#"{{"type":"message","n":1,"at":{a},"from":"client","op":"text","text":"a"}}"#),
                format!(r#"{{"type":"message","n":2,"at":{b},"from":"server","op":"text","text":"b"}}"#),
            ]
        );
    }
}

#[test]
fn what_is_not_text_is_base64_and_text_where_it_is_not() {
    let (recording, remarks) = imported(&session(
        r#""_webSocketMessages":[{"opcode":2,"data":"AP8"},{"opcode":2,"data":"not base64!"},{"opcode":9,"data":"aGk="},{"data":"[1]"}]"#,
    ));
    assert_eq!(
        said(&recording),
        [
            r#"{"type":"message","n":1,"at":0.000,"from":"server","op":"binary","base64":"AP8="}"#,
            r#"{"type":"message","n":2,"at":0.000,"from":"server","op":"binary","text":"not base64!"}"#,
            r#"{"type":"ping","n":3,"at":0.000,"from":"server","text":"hi"}"#,
            r#"{"type":"message","n":4,"at":0.000,"from":"server","op":"text","json":[1]}"#,
        ]
    );
    assert_eq!(remarks, ["entry 1: the data of _webSocketMessages 2 is not base64, and was taken as text"]);
}

#[test]
fn closes_of_other_tools_are_read() {
    let close =
        r#""_webSocketMessages":[],"_webSocketClose":{"code":4001,"reason":"bye","timestamp":1795357805.5}"#;
    assert_eq!(
        said(&imported(&session(close)).0),
        [
            r#"{"type":"close","n":1,"at":1000.000,"from":"server","code":4001,"reason":"bye"}"#,
            r#"{"type":"end","at":1000.000,"client":"fin","server":"fin","octets":{"client":0,"server":0}}"#,
        ]
    );
    let aborted = said(&imported(&session(r#""_webSocketClose":"aborted""#)).0);
    assert!(aborted[0].contains("aborted, the imported file does not say how"), "{aborted:?}");
}

#[test]
fn messages_beside_the_file_are_read() {
    let har = r#"{"log":{"entries":[{"startedDateTime":"2026-11-22T14:30:04.500Z","_resourceType":"websocket","request":{"url":"ws://h/"},"response":{"status":101,"content":{"_file":"a.jsonl"}}}]}}"#;
    let file = |name: &str| {
        assert_eq!(name, "a.jsonl");
        Ok(br#"{"type":"send","time":1795357804600,"opcode":1,"data":"hi"}

{"type":"#
            .to_vec())
    };
    let (recording, remarks) = imported_with(har, &file);
    assert_eq!(
        said(&recording),
        [r#"{"type":"message","n":1,"at":100.000,"from":"client","op":"text","text":"hi"}"#]
    );
    assert!(remarks[0].starts_with("entry 1: a.jsonl:3 is left out: "), "{remarks:?}");
    assert_eq!(imported(har).1, ["entry 1: what is in a.jsonl is missing, as that cannot be read: no file"]);
}

#[test]
fn a_handshake_that_is_not_told_is_made_up_and_said_to_be() {
    let old = r#"{"log":{"entries":[{"startedDateTime":"2026-11-22T14:30:04.500Z","request":{"method":"","httpVersion":"","headers":[],"url":"https://h:1/x?y"},"response":{"status":0},"_webSocketMessages":[{"data":"a"}]}]}}"#;
    let (recording, _) = imported(old);
    let open = recording.lines().nth(1).unwrap();
    assert!(
        open.contains(r#""type":"open""#)
            && open.contains(r#""line":"GET /x?y HTTP/1.1","headers":[["Host","h:1"]"#),
        "{open}"
    );
    assert!(open.contains("imported: put in what the file does not have: Host, 101, Upgrade"), "{open}");
    let h2 =
        old.replace(r#""method":"""#, r#""method":"CONNECT""#).replace(r#""status":0"#, r#""status":200"#);
    assert!(imported(&h2).0.contains(r#""line":"HTTP/1.1 101 Switching Protocols""#));
}

#[test]
fn what_is_no_har_is_refused_with_its_place() {
    for (input, expected) in [
        ("{\n\"log\":]", "x.har:2:7: expected value; mend it there, or export it anew"),
        ("{}", "x.har:1:1: this is no HAR: it has no log.entries"),
        ("PK\u{3}\u{4}", "x.har:1:1: this is a zip: unpack it, and import the .har in it"),
    ] {
        let error = read("x.har", input.as_bytes(), &none).err().unwrap();
        assert_eq!(error.to_string(), expected);
    }
    let own = session(r#""_webSocketMessages":[{"opcode":1,"data":"a","_sockeye":{"n":1,"utf8":7}}]"#);
    let error = read("x.har", own.as_bytes(), &none).unwrap().write("x.har", io::sink()).unwrap_err();
    assert!(error.to_string().starts_with("x.har: entry 1: "), "{error}");
}

/// The keys that are looked for.
const KEYS: &[&str] = &[
    "startedDateTime",
    "request",
    "response",
    "url",
    "method",
    "status",
    "headers",
    "name",
    "value",
    "content",
    "text",
    "size",
    "timings",
    "dns",
    "wait",
    "time",
    "type",
    "opcode",
    "data",
    "n",
    "at",
    "end",
    "frames",
    "_file",
    "took",
    "session",
    MESSAGES,
    CONTROL_FRAMES,
    CLOSE,
    OWN,
    "lines",
    "recording",
    "code",
];

/// JSON with the keys that are looked for, and values of all kinds.
fn anything() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        prop::sample::select(vec![
            "",
            "send",
            "open",
            "exchange",
            "2026-11-22T14:30:04.500Z",
            "AA",
            "ws://h/?a",
            "\r\n",
            "GET"
        ])
        .prop_map(Into::into),
    ];
    leaf.prop_recursive(5, 60, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
            prop::collection::vec((prop::sample::select(KEYS), inner), 0..7).prop_map(|pairs| pairs
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value))
                .collect::<Object>()
                .into()),
        ]
    })
}

proptest! {
    #[test]
    fn no_har_panics_and_what_is_written_can_be_read(
        entries in prop::collection::vec(anything(), 0..4),
        own in anything(),
    ) {
        let mut entries = entries;
        for entry in &mut entries {
            if let Some(entry) = entry.as_object_mut() {
                let request = serde_json::json!({ "url": "ws://h/" });
                entry.entry("request").or_insert(request);
            }
        }
        let har = serde_json::json!({ "log": { "entries": entries, OWN: own } }).to_string();
        let mut out = Vec::new();
        let draft = read("x.har", har.as_bytes(), &none).unwrap();
        if draft.write("x.har", &mut out).is_ok() {
            let mut reader = Reader::new("again", &out[..]).unwrap();
            while reader.next().unwrap().is_some() {}
        }
    }
}
