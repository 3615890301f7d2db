//! Recordings made anew.

use std::io::Cursor;

use proptest::prelude::*;

use super::*;
use crate::headless::schema::{Item, Reader};

const FIRST: &str = r#"{"type":"recording","version":1,"tool":"t","started":"2026-11-22T14:30:00.000Z","listen":"127.0.0.1:1"}"#;

/// A recording's lines: `open 1 /chat`, `1 10 client text` (session, time, sender, payload) or `end 1 99`; a word
/// more on the first makes times, ports and keys others.
fn recording(run: u64, lines: &str) -> String {
    let mut text = FIRST.replace("14:30:00", &format!("14:3{run}:00")) + "\n";
    let mut numbers = HashMap::new();
    for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let words: Vec<&str> = line.splitn(4, ' ').collect();
        text += &match words[..] {
            ["open", session, path] => format!(
                r#"{{"type":"open","session":{session},"time":"2026-11-22T14:3{run}:00.{session}00Z","mode":"reverse","url":"ws://127.0.0.1:3{run}00{path}","http":"1.1","tls":null,"client":"127.0.0.1:5{run}00","request":{{"line":"GET {path} HTTP/1.1","headers":[["Host","127.0.0.1:3{run}00"],["Sec-WebSocket-Key","key{run}=="]]}},"response":{{"line":"HTTP/1.1 101 Switching Protocols","headers":[["Sec-WebSocket-Accept","accept{run}="],["Date","day {run}"]]}},"subprotocol":null,"extensions":null,"timing":{{"tcp":{run}.250}}}}"#
            ),
            ["end", session, at] => {
                let octets = at.len() as u64 + run;
                format!(
                    r#"{{"type":"end","session":{session},"at":{at}.000,"client":"fin","server":"fin","first":"client","octets":{{"client":{octets},"server":1}}}}"#
                )
            }
            [session, at, from, payload] => {
                let n = numbers.entry(session).or_insert(0);
                *n += 1;
                let key = if payload.starts_with('{') { "json" } else { "text" };
                let payload = if key == "json" { payload.to_owned() } else { format!("{payload:?}") };
                format!(
                    r#"{{"type":"message","session":{session},"n":{n},"at":{at}.000,"from":"{from}","op":"text","{key}":{payload},"compressed":1{run}}}"#
                )
            }
            _ => panic!("{line}"),
        };
        text.push('\n');
    }
    text
}

fn input(text: &str) -> Input<Cursor<&[u8]>> {
    Input::new("it", Cursor::new(text.as_bytes()))
}

fn refreshed(old: &str, new: &str) -> (String, Refreshed) {
    let mut out = Vec::new();
    let told = refresh(&mut input(old), &mut input(new), to_the_octet, &mut out).unwrap();
    (String::from_utf8(out).unwrap(), told)
}

/// What was taken from the old recording and what was put in, as a line diff has it, by session, time and payload.
#[track_caller]
fn check(old: &str, new: &str, expected: &str) {
    let old = recording(1, old);
    let (out, _) = refreshed(&old, &recording(2, new));
    let in_both =
        |line: &&str| old.lines().any(|other| other == *line) && out.lines().any(|other| other == *line);
    let kept: Vec<&str> = out.lines().filter(in_both).collect();
    assert_eq!(kept, old.lines().filter(in_both).collect::<Vec<_>>(), "the order is the old one");
    let brief = |sign: &str, text: &str| -> Vec<String> {
        let lines = text.lines().filter(|line| !in_both(line));
        lines
            .map(|line| {
                let keys = Keys::parse(line.as_bytes()).unwrap();
                let said = keys.get("json").or(keys.get("text")).or(keys.get("type")).unwrap();
                let at = keys.get("at").unwrap_or("");
                format!("{sign} {} {at} {said}", keys.get("session").unwrap_or("0"))
            })
            .collect()
    };
    let found = [brief("-", &old), brief("+", &out)].concat();
    let expected: Vec<&str> = expected.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    assert_eq!(found, expected, "{out}");
}

const CHAT: &str = "open 1 /chat
    1 10 client hello
    1 20 server {\"type\":\"welcome\",\"id\":1}
    1 30 server bye
    end 1 40";

#[test]
fn a_session_that_says_the_same_changes_nothing() {
    let later = "open 1 /chat
        1 11 client hello
        1 25 server {\"type\":\"welcome\",\"id\":1}
        1 38 server bye
        end 1 49";
    check(CHAT, later, "");
    let (_, told) = refreshed(&recording(1, CHAT), &recording(2, later));
    assert_eq!(told, Refreshed { kept: 3, ..Refreshed::default() });
}

#[test]
fn a_message_that_says_something_else_keeps_its_time() {
    let changed = "open 1 /chat
        1 11 client hello
        1 25 server {\"type\":\"welcome\",\"id\":2}
        1 38 server bye
        end 1 49";
    check(
        CHAT,
        changed,
        r#"- 1 20.000 {"type":"welcome","id":1}
           - 1 40.000 "end"
           + 1 20.000 {"type":"welcome","id":2}
           + 1 40.000 "end""#,
    );
}

#[test]
fn a_new_message_gets_a_time_between_its_neighbours() {
    let more = "open 1 /chat
        1 110 client hello
        1 115 client are you there?
        1 190 client well?
        1 200 server {\"type\":\"welcome\",\"id\":1}
        1 201 server bye
        1 221 server {\"more\":1}
        end 1 222";
    let (out, told) = refreshed(&recording(1, CHAT), &recording(2, more));
    let times: Vec<_> =
        out.lines().filter_map(|line| line.split("\"at\":").nth(1)?.split(',').next()).collect();
    assert_eq!(times, ["10.000", "15.000", "20.000", "20.000", "30.000", "40.000", "40.000"]);
    assert_eq!(told, Refreshed { kept: 3, added: 3, ..Refreshed::default() });
}

#[test]
fn sessions_are_found_again_whatever_their_order_and_keep_their_numbers() {
    let two = "open 1 /a
        open 2 /b
        1 10 client one
        2 10 client two
        1 20 server one
        end 2 30
        end 1 30";
    let swapped = "open 1 /b
        1 10 client two
        end 1 30
        open 2 /a
        open 3 /c
        2 10 client one
        3 10 client three
        2 20 server one
        end 2 30";
    check(
        two,
        swapped,
        r#"+ 3  "open"
           + 3 10.000 "three""#,
    );
}

#[test]
fn what_matchers_accept_stays_as_it_was() {
    let old = recording(1, CHAT);
    let new = recording(2, &CHAT.replace("\"id\":1", "\"id\":7"));
    let mut out = Vec::new();
    let told = refresh(&mut input(&old), &mut input(&new), |_, _| true, &mut out).unwrap();
    assert_eq!((String::from_utf8(out).unwrap(), told.kept), (old, 3));
}

#[test]
fn exchanges_and_a_changed_answer_are_found_again() {
    let line = |run: u64, number: u64, path: &str, body: &str| {
        format!(
            r#"{{"type":"exchange","exchange":{number},"time":"2026-11-22T14:30:00.{run}00Z","took":{run}.000,"mode":null,"url":"http://127.0.0.1:{run}{path}","tls":null,"request":{{"line":"GET {path} HTTP/1.1","headers":[["Host","127.0.0.1:{run}"]]}},"response":{{"line":"HTTP/1.1 200 OK","headers":[],"body":"{body}"}}}}"#
        )
    };
    let old = [FIRST, &line(1, 1, "/a", "a"), &line(1, 2, "/b", "b")].join("\n") + "\n";
    let new =
        [FIRST, &line(2, 1, "/b", "b"), &line(2, 2, "/a", "c"), &line(2, 3, "/c", "")].join("\n") + "\n";
    let expected =
        [FIRST, &line(1, 1, "/a", "c"), &line(1, 2, "/b", "b"), &line(2, 3, "/c", "")].join("\n") + "\n";
    assert_eq!(refreshed(&old, &new).0, expected);
}

#[test]
fn lines_written_by_hand_stay_as_they_were_written() {
    let by_hand = recording(1, CHAT).replace("\"from\":", "  \"from\" : ").replace("}\n", " }\r\n\n");
    let (out, _) = refreshed(&by_hand, &recording(2, CHAT));
    assert_eq!(out, by_hand.replace("\n\n", "\n").replacen("\r", "", 1));
}

#[test]
fn damage_names_the_file_and_the_line() {
    let damaged = recording(2, CHAT) + "{}\n";
    let error =
        refresh(&mut input(&recording(1, CHAT)), &mut input(&damaged), to_the_octet, Vec::new()).unwrap_err();
    assert!(error.to_string().starts_with("it:7: \"type\" is missing"), "{error}");
}

#[test]
fn a_file_is_made_anew_in_its_place_or_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chat.jsonl");
    std::fs::write(&path, recording(1, CHAT)).unwrap();
    let new = recording(2, &CHAT.replace("bye", "farewell"));
    let told = refresh_file(&path, &mut input(&new), to_the_octet).unwrap();
    assert_eq!((told.kept, told.changed), (2, 1));
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains("farewell") && text.contains("key1=="), "{text}");
    refresh_file(&path, &mut input("{}"), to_the_octet).unwrap_err();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
}

fn dialogue() -> impl Strategy<Value = String> {
    let said = (0_u64..3, any::<bool>(), 0_u64..4, 0_u64..3);
    prop::collection::vec(said, 0..20).prop_map(|all| {
        let mut text = "open 1 /a\nopen 2 /b\nopen 3 /a\n".to_owned();
        for (at, (session, client, word, _)) in all.into_iter().enumerate() {
            let from = if client { "client" } else { "server" };
            text += &format!("{} {} {from} {{\"type\":\"t\",\"v\":{word}}}\n", session + 1, at * 7);
        }
        text + "end 1 999\nend 3 999\n"
    })
}

proptest! {
    /// It says what the new recording says, can be read, and made anew again it is the same.
    #[test]
    fn what_is_new_is_what_is_said(old in dialogue(), new in dialogue()) {
        let (old, new) = (recording(1, &old), recording(2, &new));
        let (out, told) = refreshed(&old, &new);
        let said = |text: &str| {
            let mut reader = Reader::new("it", Cursor::new(text.to_owned())).unwrap();
            let mut said: HashMap<String, Vec<_>> = HashMap::new();
            let mut times: HashMap<u32, u64> = HashMap::new();
            while let Some(record) = reader.next().unwrap() {
                if let Item::Event(Event::Message(message)) = record.item {
                    let last = times.insert(message.session, message.time.0);
                    assert!(last.is_none_or(|last| last <= message.time.0), "times go back: {text}");
                    let bytes = message.payload.in_memory().unwrap().clone();
                    said.entry(message.session.to_string()).or_default().push((message.direction, bytes));
                }
            }
            let mut all: Vec<_> = said.into_values().collect();
            all.sort();
            all
        };
        prop_assert_eq!(said(&out), said(&new));
        let count = said(&new).iter().map(Vec::len).sum::<usize>() as u64;
        prop_assert_eq!(told.kept + told.changed + told.added, count);
        prop_assert_eq!(&refreshed(&out, &new).0, &out);
        prop_assert_eq!(&refreshed(&old, &old).0, &old);
    }
}
