//! A proxy that is told what to do on its standard input, as a script does it.

mod ruled;

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};
use sockeye::ws::FrameHeader;

use crate::support::{Peer, Server, request, switching};

/// A running `sockeye --commands`, killed when dropped.
struct Program {
    child: Child,
    input: Option<ChildStdin>,
    out: BufReader<ChildStdout>,
    passed: VecDeque<Value>,
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Program {
    /// In front of a server, and where it listens.
    fn start(server: &Server, more: &[&str]) -> (Program, SocketAddr) {
        let target = format!("ws://{}", server.address);
        let words = [target.as_str(), "-l", "127.0.0.1:0", "--commands", "--output", "json"];
        let mut child = Command::new(env!("CARGO_BIN_EXE_sockeye"))
            .env("XDG_DATA_HOME", env!("CARGO_TARGET_TMPDIR"))
            .args(words)
            .args(more)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (input, out) = (child.stdin.take(), BufReader::new(child.stdout.take().unwrap()));
        let mut program = Program { child, input, out, passed: VecDeque::new() };
        let address = program.line()["listen"].as_str().unwrap().parse().unwrap();
        (program, address)
    }

    fn line(&mut self) -> Value {
        let mut line = String::new();
        self.out.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"))
    }

    /// The next line of that type; those of others are kept, as an answer may come before or after them.
    fn next(&mut self, kind: &str) -> Value {
        if let Some(place) = self.passed.iter().position(|line| line["type"] == kind) {
            return self.passed.remove(place).unwrap();
        }
        loop {
            let line = self.line();
            if line["type"] == kind {
                return line;
            }
            self.passed.push_back(line);
        }
    }

    /// Gives a command, and its answer.
    fn tell(&mut self, command: &Value) -> Value {
        let mut input = self.input.as_ref().unwrap();
        writeln!(input, "{command}").unwrap();
        self.next("answer")
    }

    #[track_caller]
    fn has_done(&mut self, command: &Value) {
        let answer = self.tell(command);
        assert_eq!(answer["ok"], true, "{command}: {answer}");
    }

    fn act(&mut self) -> (Value, Value, Value) {
        let act = self.next("act");
        (act["act"].clone(), act["n"].clone(), act["held"].clone())
    }
}

/// A server that answers each text with the same text, and a ping with a pong, unmasked; it ends with its client.
fn parrot() -> Server {
    Server::once(|mut peer| {
        peer.head();
        peer.send(switching());
        let (mut bytes, mut buffer) = (Vec::new(), [0; 65_536]);
        while let Ok(count @ 1..) = peer.0.read(&mut buffer) {
            bytes.extend_from_slice(&buffer[..count]);
            while let Some(header) = FrameHeader::parse(&bytes) {
                let start = header.bytes().len();
                let end = start + usize::try_from(header.payload_length).unwrap();
                if bytes.len() < end {
                    break;
                }
                let key = header.masking_key.unwrap_or_default();
                let payload: Vec<u8> = bytes[start..end]
                    .iter()
                    .zip(key.iter().cycle())
                    .map(|(octet, key)| octet ^ key)
                    .collect();
                let first = if bytes[0] == 0x89 { 0x8a } else { bytes[0] };
                peer.send([&[first, payload.len() as u8], &payload[..]].concat());
                bytes.drain(..end);
            }
        }
    })
}

fn open(address: SocketAddr) -> Peer {
    let mut client = Peer::connect(address);
    client.send(request(address)).expect(switching());
    client
}

#[test]
fn a_script_holds_edits_and_injects() {
    let server = parrot();
    let (mut program, address) = Program::start(&server, &[]);
    let mut client = open(address);
    assert_eq!(program.next("open")["session"], 1);

    program.has_done(&json!({ "do": "hold", "filter": "dir:client op:text" }));
    client.send(b"\x81\x83\0\0\0\0one\x81\x83\0\0\0\0two");
    assert_eq!(program.act(), ("held".into(), 1.into(), 1.into()));
    // A ping goes by what is held.
    client.send(b"\x89\x81\0\0\0\0p").expect(b"\x8a\x01p");
    let list = program.tell(&json!({ "do": "list" }));
    assert_eq!((&list["held"][0]["held"], &list["held"][0]["n"]), (&1.into(), &1.into()), "{list}");
    assert_eq!(list["sessions"][0]["state"], "open");

    program.has_done(&json!({ "do": "edit", "held": 1, "text": "uno" }));
    client.expect(b"\x81\x03uno");
    program.has_done(&json!({ "do": "inject", "session": 1, "to": "client", "text": "psst" }));
    client.expect(b"\x81\x04psst");
    let refused = program.tell(&json!({ "do": "drop", "held": 1, "id": "late" }));
    assert_eq!((&refused["ok"], &refused["id"]), (&false.into(), &"late".into()));

    // What is still held goes on when the proxy ends.
    program.has_done(&json!({ "do": "quit" }));
    let told: Vec<_> = (0..3).map(|_| program.act()).collect();
    let act = |act: &str, number: u64| (act.into(), number.into(), number.into());
    assert_eq!(told, [act("held", 2), act("edited", 1), act("released", 2)]);
    assert_eq!(program.child.wait().unwrap().code(), Some(0));
}

#[test]
fn what_is_dropped_edited_and_sent_is_told() {
    let server = parrot();
    let (mut program, address) = Program::start(&server, &[]);
    let mut client = open(address);
    program.has_done(&json!({ "do": "hold", "filter": "dir:client op:text" }));
    client.send(b"\x81\x83\0\0\0\0one");
    assert_eq!(program.act(), ("held".into(), 1.into(), 1.into()));
    program.has_done(&json!({ "do": "drop", "held": 1 }));
    client.send(b"\x81\x83\0\0\0\0two");
    let told: Vec<_> = (0..2).map(|_| program.act()).collect();
    assert_eq!(told, [("dropped".into(), 1.into(), 1.into()), ("held".into(), 2.into(), 2.into())]);
    program.has_done(&json!({ "do": "hold", "filter": null }));
    program.has_done(&json!({ "do": "resume" }));
    client.expect(b"\x81\x03two");
    assert_eq!(program.act(), ("released".into(), 2.into(), 2.into()));
    program.has_done(&json!({ "do": "inject", "session": 1, "to": "server", "json": [1] }));
    client.expect(b"\x81\x03[1]");
    let injected = loop {
        let message = program.next("message");
        if message["injected"] == "user" {
            break message;
        }
    };
    assert_eq!((&injected["from"], &injected["json"]), (&"client".into(), &json!([1])));
}

#[test]
fn what_is_printed_changes_with_the_subscription() {
    let server = parrot();
    let (mut program, address) = Program::start(&server, &[]);
    let mut client = open(address);
    program.next("open");
    program.has_done(&json!({ "do": "subscribe", "filter": "apple" }));
    client.send(b"\x81\x84\0\0\0\0pear").expect(b"\x81\x04pear");
    client.send(b"\x81\x85\0\0\0\0apple").expect(b"\x81\x05apple");
    assert_eq!(program.next("message")["text"], "apple");
}

#[test]
fn the_end_of_the_input_is_not_the_end_unless_asked_for() {
    let server = parrot();
    let (mut program, address) = Program::start(&server, &[]);
    drop(program.input.take());
    open(address).send(b"\x81\x82\0\0\0\0hi").expect(b"\x81\x02hi");
    assert!(program.child.try_wait().unwrap().is_none());

    let another = parrot();
    let (mut program, _) = Program::start(&another, &["--end-with-stdin"]);
    drop(program.input.take());
    assert_eq!(program.child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_script_asks_what_the_rules_did() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rules.toml");
    let rules = "[[rule]]\nname='quiet'\nwhen='dir:client drop'\nthen={ drop = true }\ntimes=2\n\
                 [[rule]]\nname='resting'\nthen={ mark = true }\noff=true\n";
    std::fs::write(&file, rules).unwrap();
    let server = parrot();
    let (mut program, address) = Program::start(&server, &["--rules", file.to_str().unwrap()]);
    let mut client = open(address);
    let acted = json!({ "do": "acted" });
    let before = program.tell(&acted);
    assert_eq!(before["file"], file.to_str().unwrap());
    assert_eq!((&before["fault"], &before["gone"]), (&Value::Null, &json!([])));
    let quiet = json!({ "name": "quiet", "messages": 0, "sent": 0, "sessions": 0, "standing": "holds",
        "when": "dir:client drop", "then": "{ drop = true }", "acts": "times 2 in each session" });
    let resting = json!({ "name": "resting", "messages": 0, "sent": 0, "sessions": 0, "standing": "off",
        "when": "", "then": "{ mark = true }" });
    assert_eq!(before["rules"], json!([quiet, resting]));

    client.send(b"\x81\x84\0\0\0\0drop\x81\x84\0\0\0\0drop\x81\x82\0\0\0\0go").expect(b"\x81\x02go");
    assert_eq!([program.act().0, program.act().0], ["dropped", "dropped"]);
    let told = program.tell(&acted);
    let rule = &told["rules"][0];
    assert_eq!(
        (&rule["messages"], &rule["sessions"], &rule["used_up_in"]),
        (&2.into(), &1.into(), &1.into())
    );
    assert_eq!((&rule["did"], &rule["last"]["session"]), (&json!(["dropped"]), &1.into()), "{told}");

    program.has_done(&json!({ "do": "switch", "rule": "quiet", "on": false }));
    assert_eq!(program.tell(&acted)["rules"][0]["standing"], "switched off");
    client.send(b"\x81\x84\0\0\0\0drop").expect(b"\x81\x04drop");
    program.has_done(&json!({ "do": "switch", "rule": "quiet", "on": true }));
    client.send(b"\x81\x84\0\0\0\0drop\x81\x82\0\0\0\0on").expect(b"\x81\x02on");
    assert_eq!(program.act().0, "dropped", "it counts anew");
    let refused = program.tell(&json!({ "do": "switch", "rule": "resting", "on": true }));
    assert!(refused["error"].as_str().unwrap().contains("\"resting\" could hold"), "{refused}");

    std::fs::write(&file, "[[rule]]\nname = 'none'\n").unwrap();
    assert!(program.next("note")["text"].as_str().unwrap().ends_with("the rules from before still hold"));
    let told = program.tell(&acted);
    assert!(told["fault"].as_str().unwrap().contains("rules.toml:1:1: none does nothing"), "{told}");
    assert_eq!(told["rules"][0]["messages"], 3);

    program.has_done(&json!({ "do": "rules" }));
    let told = program.tell(&acted);
    assert_eq!((&told["fault"], &told["file"], &told["rules"]), (&Value::Null, &Value::Null, &json!([])));
    assert_eq!((&told["gone"][0]["name"], &told["gone"][0]["messages"]), (&"quiet".into(), &3.into()));
}

#[test]
fn a_file_of_rules_that_goes_away_is_told_and_taken_when_it_is_back() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rules.toml");
    let rules = "[[rule]]\nname='quiet'\nthen={ drop = true }\n";
    std::fs::write(&file, rules).unwrap();
    let server = parrot();
    let (mut program, address) = Program::start(&server, &["--rules", file.to_str().unwrap()]);
    std::fs::remove_file(&file).unwrap();
    let note = program.next("note")["text"].as_str().unwrap().to_owned();
    assert!(note.contains("cannot be read") && note.ends_with("the rules from before still hold"), "{note}");
    let told = program.tell(&json!({ "do": "acted" }));
    assert!(told["fault"].as_str().unwrap().contains("cannot be read"), "{told}");
    assert_eq!(told["rules"][0]["name"], "quiet");
    std::fs::write(&file, rules).unwrap();
    assert!(program.next("note")["text"].as_str().unwrap().ends_with("1 rule holds now"));
    assert_eq!(program.tell(&json!({ "do": "acted" }))["fault"], Value::Null);
    drop(open(address));
}
