//! What is told of each thing that a rule does: on the message that it acted on, in recordings, in lines and on the screen.

use serde_json::{Value, json};
use sockeye::capture::{Deeds, Flow, Log};
use sockeye::control::{Command, Verdict};
use sockeye::filter::Filter;
use sockeye::headless::schema::Reader;
use sockeye::headless::text::Style;
use sockeye::headless::{Output, Printing, Redaction, print, record};
use sockeye::rules::{RuleSet, page};

use crate::support::{PATIENCE, Peer, Running, Server, request, reverse, switching};

/// A fault, and what is told of it.
struct Case {
    /// Its name, as `docs/rules.md` has it.
    fault: &'static str,
    /// What a rule does that is called `mine`.
    then: &'static str,
    /// The client's frame that it acts on.
    sends: (u8, &'static str),
    /// The acts on that message, without what they all have.
    acts: &'static str,
    /// What a reader of lines and screens is told.
    words: &'static str,
}

const ORDER: (u8, &str) = (0x81, r#"{"type":"order","id":7}"#);

/// Each has the client's message in hand.
const CASES: &[Case] = &[
    case("hold", "{ hold = true }", r#"{"act":"held","held":1}"#, "held as 1 by rule mine"),
    case("drop", "{ drop = true }", r#"{"act":"dropped"}"#, "dropped by rule mine"),
    Case {
        sends: (0x89, "p"),
        ..case("swallow", "{ swallow = 'ping' }", r#"{"act":"dropped"}"#, "dropped by rule mine")
    },
    case(
        "replace",
        "{ replace = 'bye' }",
        r#"{"act":"edited","op":"text","text":"bye"}"#,
        "edited by rule mine",
    ),
    case(
        "set",
        "{ set = { id = 8 } }",
        r#"{"act":"edited","op":"text","json":{"type":"order","id":8}}"#,
        "edited by rule mine",
    ),
    case(
        "remove",
        "{ remove = 'id' }",
        r#"{"act":"edited","op":"text","json":{"type":"order"}}"#,
        "edited by rule mine",
    ),
    case(
        "substitute",
        "{ substitute = 'order', with = 'bill' }",
        r#"{"act":"edited","op":"text","json":{"type":"bill","id":7}}"#,
        "edited by rule mine",
    ),
    case("delay", "{ delay = '2ms' }", r#"{"act":"delayed","for":2.000}"#, "delayed by 2 ms, by rule mine"),
    case(
        "throttle",
        "{ throttle = { messages = 1000 }, from = 'server' }\non = 'message'",
        r#"{"act":"throttled","side":"server","rate":"1000 messages a second"}"#,
        "the server's side slowed down to 1000 messages a second by rule mine",
    ),
    case(
        "throttle",
        "{ throttle = '1MiB' }\non = 'message'",
        r#"{"act":"throttled","rate":"1048576 octets a second"}"#,
        "the client's side slowed down to 1048576 octets a second by rule mine",
    ),
    case(
        "duplicate",
        "{ duplicate = 2 }",
        r#"{"act":"duplicated","count":2}"#,
        "sent 2 times more by rule mine",
    ),
    case(
        "reorder",
        "{ reorder = 1 }",
        r#"{"act":"reordered","count":1}"#,
        "put behind the one after it by rule mine",
    ),
    case(
        "corrupt",
        "{ corrupt = true, at = [0] }",
        r#"{"act":"corrupted","count":1}"#,
        "1 B of it changed on the wire by rule mine",
    ),
    case(
        "truncate",
        "{ truncate = 3 }",
        r#"{"act":"truncated","count":3}"#,
        "cut off after 3 B by rule mine",
    ),
    case(
        "close",
        "{ close = 4001, reason = 'no' }",
        r#"{"act":"dropped"} {"act":"closed","code":4001,"reason":"no"}"#,
        "its session closed with 4001 \"no\" by rule mine",
    ),
    case(
        "reset",
        "{ reset = true }",
        r#"{"act":"dropped"} {"act":"reset"}"#,
        "its session reset by rule mine",
    ),
    case(
        "stall",
        "{ stall = '2ms' }",
        r#"{"act":"stalled","for":2.000}"#,
        "the client's side stalled for 2 ms by rule mine",
    ),
    case(
        "stall",
        "{ stall = true, from = 'server' }",
        r#"{"act":"stalled","side":"server"}"#,
        "the server's side stalled for good by rule mine",
    ),
    case(
        "send",
        "{ send = 'hi', to = 'server' }",
        r#"{"act":"sent","to":"server","op":"text"}"#,
        "text sent to the server by rule mine",
    ),
    case(
        "send",
        "{ send = { ping = 'hi' }, to = 'client' }",
        r#"{"act":"sent","to":"client","op":"ping"}"#,
        "ping sent to the client by rule mine",
    ),
    case("mark", "{ mark = true }", r#"{"act":"marked"}"#, "marked by rule mine"),
    case(
        "stop-recording",
        "{ stop-recording = true }",
        r#"{"act":"recording stopped"}"#,
        "its session left out of recordings from here on by rule mine",
    ),
    case(
        "run",
        "{ run = 'hook' }",
        r#"{"act":"held","held":1} {"act":"dropped","held":1}"#,
        "dropped by rule mine",
    ),
];

const fn case(fault: &'static str, then: &'static str, acts: &'static str, words: &'static str) -> Case {
    Case { fault, then, sends: ORDER, acts, words }
}

/// What is done with opening handshakes is told of those.
const OF_HANDSHAKES: [&str; 3] = ["refuse", "set-header", "remove-header"];

#[test]
fn what_a_rule_did_is_told_on_the_message_it_acted_on() {
    let all: Vec<&str> = page_names();
    assert!(all.len() > 20, "{all:?}");
    for name in all {
        let tested = OF_HANDSHAKES.contains(&name) || CASES.iter().any(|case| case.fault == name);
        assert!(tested, "nobody looks at what is told of {name}");
    }
    for Case { fault, then, sends, acts, words } in CASES {
        let expected: Vec<Value> = told(acts).map(of_the_first_message).collect();
        let log = acted(&format!("when = 'dir:client'\nthen = {then}"), *sends, expected.len());
        let recording = recorded(&log);
        let by_rule: Vec<Value> =
            lines(&recording, "act").into_iter().filter(|act| act["by"] == "rule").collect();
        assert_eq!(by_rule, expected, "{fault}: {then}");
        let printed = printed(&recording);
        assert!(printed.contains(&format!(" ▲ 1 {words}")), "{fault}: {printed}");
        #[cfg(feature = "tui")]
        assert!(detail(log).contains(words), "{fault}: {then}");
    }
}

/// What is told in JSON, one value behind the other.
fn told(json: &str) -> impl Iterator<Item = Value> {
    serde_json::Deserializer::from_str(json).into_iter().map(Result::unwrap)
}

fn page_names() -> Vec<&'static str> {
    let page: &'static str = page().leak();
    page.lines().filter_map(|line| line.strip_prefix("### `")?.strip_suffix('`')).collect()
}

/// An act's line with what those of the client's first message have in common.
fn of_the_first_message(act: Value) -> Value {
    let mut line =
        json!({"type": "act", "session": 1, "n": 1, "from": "client", "by": "rule", "rule": "mine"});
    line.as_object_mut().unwrap().extend(act.as_object().unwrap().clone());
    line
}

/// A session in which the client sends one frame, under one rule, until so much was done to that.
fn acted(rule: &str, sends: (u8, &str), acts: usize) -> Log {
    let (running, mut client) = opened(rule);
    client.send(masked(sends));
    running.until(|log| (log.acts(1, 1).len() >= acts).then_some(()));
    running.finish()
}

fn opened(rule: &str) -> (Running, Peer) {
    let running = ruled(rule);
    let mut client = running.client();
    client.send(request(running.address)).expect(switching());
    (running, client)
}

/// A proxy with this rule.
fn ruled(rule: &str) -> Running {
    proxy(&format!("[[rule]]\nname = 'mine'\n{rule}\n"))
}

/// A proxy with these rules, before a server that hears everything and says nothing. Hooks want all dropped.
fn proxy(rules: &str) -> Running {
    let server = Server::once(|mut peer| {
        peer.head();
        peer.send(switching());
        // However it ends: some rules reset it.
        let _ = std::io::Read::read_to_end(&mut peer.0, &mut Vec::new());
    });
    let running = reverse(server.address);
    running.controller.send(Command::Rules(RuleSet::parse(rules).unwrap()));
    let controller = running.controller.clone();
    running.controller.answer_asks(move |ask| {
        controller.send(Command::Settle { held: ask.held, verdict: Verdict::Drop });
    });
    running
}

/// A client's frame, masked with zeros.
fn masked((first, payload): (u8, &str)) -> Vec<u8> {
    let mut frame = vec![first, 0x80 | payload.len() as u8, 0, 0, 0, 0];
    frame.extend_from_slice(payload.as_bytes());
    frame
}

/// The recording of a log that is complete.
fn recorded(log: &Log) -> String {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log.jsonl");
    record(log, &path, Vec::new(), Redaction::On, |_| {}).unwrap().finish(PATIENCE).unwrap().unwrap();
    std::fs::read_to_string(path).unwrap()
}

/// Its lines of one type, without their times.
fn lines(recording: &str, kind: &str) -> Vec<Value> {
    let lines = recording.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let of_kind = lines.filter(|line| line["type"] == kind);
    of_kind
        .map(|mut line| {
            line.as_object_mut().unwrap().remove("at");
            line
        })
        .collect()
}

fn printed(recording: &str) -> String {
    let printing = Printing {
        output: Output::Text,
        filter: Filter::default(),
        style: Style::PLAIN,
        listen: Vec::new(),
        redaction: Redaction::Off,
    };
    let mut out = Vec::new();
    print(&mut Reader::new("log.jsonl", recording.as_bytes()).unwrap(), &printing, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// The screen with the first message chosen.
#[cfg(feature = "tui")]
fn detail(log: Log) -> String {
    let mut stage = crate::screens::Stage::new(crate::sample::Sample::of(log), (140, 45));
    stage.keys("enter g");
    stage.screen()
}

/// The screen with the handshake of the first session.
#[cfg(feature = "tui")]
fn handshake(log: Log) -> String {
    let mut stage = crate::screens::Stage::new(crate::sample::Sample::of(log), (140, 45));
    stage.keys("enter 5");
    stage.screen()
}

#[test]
fn what_a_rule_did_when_a_session_opened_is_told_on_the_session() {
    for (then, act, words) in [
        (
            "{ close = 4001, reason = 'no' }",
            r#"{"act":"closed","code":4001,"reason":"no"}"#,
            "session closed with 4001 \"no\" by rule mine",
        ),
        ("{ reset = true }", r#"{"act":"reset"}"#, "session reset by rule mine"),
        (
            "{ stall = '2ms', from = 'server' }",
            r#"{"act":"stalled","from":"server","for":2.000}"#,
            "the server's side stalled for 2 ms by rule mine",
        ),
        (
            "{ throttle = '1MiB', from = 'server' }",
            r#"{"act":"throttled","from":"server","rate":"1048576 octets a second"}"#,
            "the server's side slowed down to 1048576 octets a second by rule mine",
        ),
        (
            "{ send = 'hi', to = 'client' }",
            r#"{"act":"sent","to":"client","op":"text"}"#,
            "text sent to the client by rule mine",
        ),
        (
            "{ stop-recording = true }",
            r#"{"act":"recording stopped"}"#,
            "session left out of recordings from here on by rule mine",
        ),
    ] {
        let (running, _client) = opened(&format!("on = 'open'\nthen = {then}"));
        running.until(|log| (!log.session_acts(1).is_empty()).then_some(()));
        let log = running.finish();
        let recording = recorded(&log);
        let mut expected = json!({"type": "act", "session": 1, "by": "rule", "rule": "mine"});
        expected.as_object_mut().unwrap().extend(told(act).next().unwrap().as_object().unwrap().clone());
        assert_eq!(lines(&recording, "act")[..1], [expected], "{then}");
        assert!(printed(&recording).contains(words), "{then}: {}", printed(&recording));
        #[cfg(feature = "tui")]
        assert!(handshake(log).contains(words), "{then}");
    }
}

/// The types of lines that are messages and control frames.
const KINDS: [&str; 4] = ["message", "ping", "pong", "close"];

#[test]
fn close_frames_of_a_rule_and_what_no_one_received_are_told_with_their_own_direction() {
    let (running, mut client) = opened("when = 'order'\nthen = { close = 4001, reason = 'no' }");
    client
        .send([masked(ORDER), masked((0x81, "late")), masked((0x88, "\x0f")), masked((0x8a, "p"))].concat());
    client.expect(b"\x88\x04\x0f\xa1no");
    // Two more are the proxy's own.
    let dropped = |log: &Log| (1..=6).filter(|number| log.deeds(1, *number).any(Deeds::DROPPED)).count();
    running.until(|log| (dropped(log) == 4).then_some(()));
    let log = running.finish();
    let recording = recorded(&log);
    let injected: Vec<(Value, Value)> = lines(&recording, "close")
        .into_iter()
        .filter(|close| close["injected"] == "rule mine")
        .map(|close| (close["from"].clone(), close["code"].clone()))
        .collect();
    assert_eq!(injected, [(json!("client"), json!(4001)), (json!("server"), json!(4001))]);
    let dropped = lines(&recording, "act").into_iter().filter(|act| act["act"] == "dropped");
    let said: Vec<(u64, Value)> =
        dropped.map(|act| (act["n"].as_u64().unwrap(), act["by"].clone())).collect();
    let numbers: Vec<u64> = said.iter().map(|(number, _)| *number).collect();
    let sent: Vec<u64> = recording
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|line| {
            line["from"] == "client"
                && line["injected"].is_null()
                && KINDS.contains(&line["type"].as_str().unwrap())
        })
        .map(|line| line["n"].as_u64().unwrap())
        .collect();
    assert_eq!(numbers, sent, "each that nobody received says so");
    let by: Vec<&str> = said.iter().map(|(_, by)| by.as_str().unwrap()).collect();
    assert_eq!(by, ["rule", "proxy", "proxy", "proxy"], "the rule acted on the first alone");
    assert!(printed(&recording).contains("rule mine closed: 4001"), "{}", printed(&recording));
    let end = log.summary(Flow::Session(1)).unwrap().end;
    assert_eq!(&*end, "closed by rule mine, 4001 no");
}

/// What is printed of a handshake that `then` is done with, by a rule without a name of its own.
fn printed_of_a_handshake(then: &str) -> String {
    let running = proxy(&format!("[[rule]]\n{then}\n"));
    running.client().send(request(running.address)).head();
    printed(&recorded(&running.finish()))
}

#[test]
fn what_was_done_to_a_handshake_is_told_once_and_in_plain_words() {
    let set = printed_of_a_handshake("then = { set-header = { X-A = '1' } }");
    assert!(set.contains("✎ request edited by rule 1: GET /chat?x=1 HTTP/1.1\n"), "{set}");
    assert!(set.contains("· X-A set by rule 1\n"), "{set}");
    let removed = printed_of_a_handshake("on = 'response'\nthen = { remove-header = 'Server' }");
    assert!(removed.contains("✎ answer edited by rule 1: HTTP/1.1 101 Off we go\n"), "{removed}");
    assert!(removed.contains("· the answer's Server removed by rule 1\n"), "{removed}");
    let refused = printed_of_a_handshake("then = { refuse = 503 }");
    assert!(refused.contains("refused with 503 by rule 1; the server was not asked\n"), "{refused}");
    // With the blank: the time of day may say 503, too.
    assert_eq!(refused.matches(" 503").count(), 1, "{refused}");
}

#[test]
fn what_becomes_of_a_held_handshake_is_told_with_who_had_it_done() {
    for (verdict, expected) in [
        (
            Some(Verdict::Refuse(403, String::new())),
            "refused with 403 by the user; the server was not asked\n",
        ),
        (Some(Verdict::Drop), "dropped by the user; the server was not asked\n"),
        (None, "dropped by the proxy; the server was not asked\n"),
        (
            Some(Verdict::ReplaceHead("GET /other HTTP/1.1\nHost: h".into())),
            "✎ request edited by the user: GET /other HTTP/1.1\n",
        ),
    ] {
        let running = ruled("then = { hold = true }\non = 'handshake'");
        running.client().send(request(running.address));
        let held = running.until(|log| log.held().pop()).held;
        match verdict {
            Some(verdict) => drop(running.controller.send(Command::Settle { held, verdict })),
            None => drop(running.controller.send(Command::ShutDown)),
        }
        running.until(|log| log.held().is_empty().then_some(()));
        let printed = printed(&recorded(&running.finish()));
        assert!(printed.contains("‖ handshake held as 1 by rule mine\n"), "{printed}");
        assert!(printed.contains(expected), "{printed}");
    }
}

/// Which of the client's messages a rule acted on.
#[cfg(feature = "cli")]
fn acted_on(recording: &str) -> Vec<u64> {
    let acts = lines(recording, "act").into_iter().filter(|act| act["by"] == "rule");
    let mut numbers: Vec<u64> = acts.filter_map(|act| act["n"].as_u64()).collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

/// What `sockeye rules check` says of the same.
#[cfg(feature = "cli")]
fn would_act_on(rules: &str, recording: &str) -> Vec<u64> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("rules.toml"), rules).unwrap();
    std::fs::write(folder.path().join("said.jsonl"), recording).unwrap();
    let words = ["rules", "check", "rules.toml", "--against", "said.jsonl", "--output", "json"];
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_sockeye"));
    let output = command.args(words).current_dir(folder.path()).output().unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    let mut numbers: Vec<u64> =
        lines(&told, "touched").iter().filter_map(|touched| touched["n"].as_u64()).collect();
    numbers.dedup();
    numbers
}

#[cfg(feature = "cli")]
#[test]
fn a_recording_is_checked_as_the_session_went() {
    let said = [ORDER, (0x89, "p"), (0x81, "two"), (0x8a, "p"), (0x82, "three"), (0x88, "\x03\x68")];
    for Case { then, .. } in CASES {
        for when in ["dir:client", "op:control", "dir:client or op:ping", "not op:ping"] {
            let rules = format!("[[rule]]\nname = 'mine'\nwhen = '{when}'\nthen = {then}\n");
            let running = proxy(&rules);
            let mut client = running.client();
            client.send(request(running.address)).expect(switching());
            client.send(said.map(masked).concat());
            running.until(|log| log.message(1, said.len() as u64).unwrap());
            let recording = recorded(&running.finish());
            assert_eq!(would_act_on(&rules, &recording), acted_on(&recording), "{when}: {then}\n{recording}");
        }
    }
}
