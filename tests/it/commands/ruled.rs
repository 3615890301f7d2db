//! Rules at work in a program that takes commands and records.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use super::{Program, open, parrot};

/// A folder with a file of rules.
fn ruled(rules: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("rules.toml"), rules).unwrap();
    folder
}

fn path(folder: &tempfile::TempDir, file: &str) -> String {
    folder.path().join(file).to_str().unwrap().to_owned()
}

/// What a recording has of its sessions, a line each.
fn recorded(file: &str) -> Vec<String> {
    let text = fs::read_to_string(file).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines
        .map(|line| {
            let what = ["text", "act", "client"].iter().find_map(|key| line[key].as_str());
            format!("{} {}", line["type"].as_str().unwrap(), what.unwrap_or_default())
        })
        .filter(|line| !line.starts_with("open ") && !line.starts_with("recording "))
        .collect()
}

fn text(payload: &str) -> Vec<u8> {
    [&[0x81, 0x80 | payload.len() as u8, 0, 0, 0, 0], payload.as_bytes()].concat()
}

fn quit(mut program: Program) {
    program.has_done(&json!({ "do": "quit" }));
    assert_eq!(program.child.wait().unwrap().code(), Some(0));
}

#[test]
fn what_a_rule_leaves_out_is_printed_and_not_recorded() {
    let folder = ruled("[[rule]]\nname='hush'\nwhen='dir:client enough'\nthen={ stop-recording = true }\n");
    let (rules, record) = (path(&folder, "rules.toml"), path(&folder, "out.jsonl"));
    let server = parrot();
    let (mut program, address) = Program::start(&server, &["--rules", &rules, "--record", &record]);
    let mut client = open(address);
    client.send(text("one")).expect(b"\x81\x03one");
    // What comes in the same breath is behind it too.
    client.send([text("enough"), text("secret")].concat()).expect(b"\x81\x06enough\x81\x06secret");
    client.send(text("two")).expect(b"\x81\x03two").finish().expect_fin();
    let printed: Vec<Value> = (0..8).map(|_| program.next("message")["text"].take()).collect();
    assert_eq!(printed.iter().filter(|text| **text == "secret").count(), 2, "{printed:?}");
    program.next("end");
    quit(program);
    let expected = ["message one", "message one", "message enough", "act recording stopped", "end fin"];
    assert_eq!(recorded(&record), expected);
    let shown = Command::new(env!("CARGO_BIN_EXE_sockeye")).args(["print", &record]).output().unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.contains("left out of recordings from here on by rule hush"), "{shown}");
}

#[test]
fn a_session_may_be_left_out_from_its_beginning() {
    let folder = ruled("[[rule]]\non='open'\nwhen='path:/chat'\nthen={ stop-recording = true }\n");
    let (rules, record) = (path(&folder, "rules.toml"), path(&folder, "out.jsonl"));
    let server = parrot();
    let (mut program, address) = Program::start(&server, &["--rules", &rules, "--record", &record]);
    // The first word comes along with the request.
    let mut client = crate::support::Peer::connect(address);
    client.send([crate::support::request(address).into_bytes(), text("early")].concat());
    client.expect(crate::support::switching()).expect(b"\x81\x05early");
    client.send(text("one")).expect(b"\x81\x03one").finish().expect_fin();
    program.next("end");
    quit(program);
    assert_eq!(recorded(&record), ["act recording stopped", "end fin"]);
}

#[test]
fn chance_touches_in_a_recording_what_it_touched_when_it_was_made() {
    let rules =
        "seed = 5\n[[rule]]\nname='it'\nwhen='dir:client op:text'\nprobability=0.4\nthen={ drop = true }\n";
    let folder = ruled(rules);
    let (rules, record) = (path(&folder, "rules.toml"), path(&folder, "out.jsonl"));
    let server = parrot();
    let (mut program, address) = Program::start(&server, &["--rules", &rules, "--record", &record]);
    let mut client = open(address);
    let frames: Vec<u8> = (0..30).flat_map(|number| text(&format!("number {number}"))).collect();
    client.send(frames).finish();
    let answers = client.rest().len() / 11;
    program.next("end");
    quit(program);
    let text = fs::read_to_string(&record).unwrap();
    let acts = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let dropped: Vec<u64> =
        acts.filter(|line| line["type"] == "act").map(|act| act["n"].as_u64().unwrap()).collect();
    assert!((5..25).contains(&dropped.len()) && answers > 0, "{dropped:?}");
    let checked = Command::new(env!("CARGO_BIN_EXE_sockeye"))
        .args(["rules", "check", &rules, "--against", &record, "--output", "json"])
        .output()
        .unwrap();
    let checked = String::from_utf8(checked.stdout).unwrap();
    let would: Vec<u64> = checked
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).unwrap()["n"].as_u64())
        .collect();
    assert_eq!(would, dropped, "{checked}");
}

#[test]
fn what_a_rule_holds_is_settled_by_commands() {
    let folder = ruled("[[rule]]\nname='it'\nwhen='dir:client'\nevery=2\nthen={ hold = true }\n");
    let server = parrot();
    let (mut program, address) = Program::start(&server, &["--rules", &path(&folder, "rules.toml")]);
    let mut client = open(address);
    let words = ["a", "b", "c", "d", "e", "f", "g"];
    client.send(words.iter().flat_map(|word| text(word)).collect::<Vec<u8>>());
    client.expect(b"\x81\x01a");
    for held in 1..=3 {
        let act = program.next("act");
        assert_eq!((&act["act"], &act["held"], &act["rule"]), (&"held".into(), &held.into(), &"it".into()));
    }
    // A later one that is let go overtakes; what is behind the first waits for it.
    program.has_done(&json!({ "do": "edit", "held": 2, "text": "D" }));
    client.expect(b"\x81\x01D");
    program.has_done(&json!({ "do": "drop", "held": 1 }));
    client.expect(b"\x81\x01c\x81\x01e");
    program.has_done(&json!({ "do": "close", "held": 3, "code": 4003, "reason": "no" }));
    client.expect(b"\x88\x04\x0f\xa3no").send(b"\x88\x82\0\0\0\0\x0f\xa3");
}
