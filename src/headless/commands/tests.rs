//! Lines in, answers out; and the page that has them all.

use proptest::prelude::*;

use super::*;
use crate::capture::{LogConfig, Opening};
use crate::control::FrameSpec;
use crate::filter::Filter;
use crate::ws::LengthForm;

fn commander() -> Commander {
    let log = Log::create(&LogConfig::default()).unwrap();
    Commander::new(Controller::new(), log, Subscription::to(Filter::default()))
}

fn answer(line: &str) -> Value {
    serde_json::from_str(&commander().answer(line.as_bytes()).line).unwrap()
}

#[track_caller]
fn command(line: &str) -> Command {
    match parse(line.as_bytes()).wish {
        Ok(Wish::Command(command)) => command,
        other => panic!("{line}: {other:?}"),
    }
}

#[track_caller]
fn frames(line: &str) -> Vec<FrameSpec> {
    match command(line) {
        Command::Send { session: 3, direction: Direction::ToClient, frames } => frames,
        other => panic!("{line}: {other:?}"),
    }
}

#[test]
fn what_is_injected_is_what_the_keys_say() {
    let inject = |keys: &str| frames(&format!(r#"{{"do":"inject","session":3,"to":"client",{keys}}}"#));
    let whole = |opcode, payload: &'static [u8]| vec![FrameSpec::new(opcode, payload)];
    assert_eq!(inject(r#""text":"hé""#), whole(Opcode::Text, "hé".as_bytes()));
    assert_eq!(inject(r#""json":{"b": 1,"a":[2]}"#), whole(Opcode::Text, br#"{"b": 1,"a":[2]}"#));
    assert_eq!(inject(r#""json":null"#), whole(Opcode::Text, b"null"));
    assert_eq!(inject(r#""hex":"00 fF 1a""#), whole(Opcode::Binary, &[0, 255, 26]));
    assert_eq!(inject(r#""base64":"AP8=","op":"text""#), whole(Opcode::Text, &[0, 255]));
    assert_eq!(inject(r#""op":"ping""#), whole(Opcode::Ping, b""));
    assert_eq!(inject(r#""op":"close","code":4000,"reason":"out""#), whole(Opcode::Close, b"\x0f\xa0out"));
    assert_eq!(inject(r#""op":"opcode 3","text":"x""#), whole(Opcode::Reserved(3), b"x"));
    assert_eq!(inject(r#""line":"/pong hi""#), whole(Opcode::Pong, b"hi"));
    let odd = FrameSpec {
        fin: false,
        reserved_bits: 4,
        masked: Some(true),
        length_form: Some(LengthForm::SixtyFour),
        ..FrameSpec::new(Opcode::Text, &b"x"[..])
    };
    assert_eq!(inject(r#""text":"x","fin":false,"rsv":4,"masked":true,"length_bits":64"#), [odd]);
    let fragments = inject(r#""frames":[{"text":"a","fin":false},{"op":"continuation","text":"b"}]"#);
    assert_eq!(fragments.iter().map(|frame| frame.fin).collect::<Vec<_>>(), [false, true]);
}

#[test]
fn what_is_held_is_settled_as_the_line_says() {
    let verdict = |line: &str| match command(line) {
        Command::Settle { held: 7, verdict } => verdict,
        other => panic!("{other:?}"),
    };
    assert_eq!(verdict(r#"{"do":"resume","held":7}"#), Verdict::Forward);
    assert_eq!(verdict(r#"{"do":"drop","held":7}"#), Verdict::Drop);
    assert_eq!(verdict(r#"{"do":"refuse","held":7,"status":503}"#), Verdict::Refuse(503, String::new()));
    assert_eq!(verdict(r#"{"do":"close","held":7,"code":4000}"#), Verdict::Close(4000, String::new()));
    assert_eq!(
        verdict(r#"{"do":"edit","held":7,"head":"GET /b HTTP/1.1\nHost: h\n"}"#),
        Verdict::ReplaceHead("GET /b HTTP/1.1\r\nHost: h\r\n\r\n".into())
    );
    assert!(matches!(
        parse(br#"{"do":"edit","held":7,"text":"x"}"#).wish,
        Ok(Wish::Edit { held: 7, opcode: None, .. })
    ));
    assert!(matches!(command(r#"{"do":"resume"}"#), Command::ReleaseAll { session: None }));
    assert!(matches!(command(r#"{"do":"resume","session":2}"#), Command::ReleaseAll { session: Some(2) }));
    assert!(matches!(command(r#"{"do":"hold","filter":null}"#), Command::Hold(None)));
}

/// Lines that cannot be done, and what is said to them; a sentence that ends in a blank goes on with what the system says.
const FAULTS: &[(&str, &str)] = &[
    (
        "{",
        "this is no JSON object: EOF while parsing an object (column 1); a command is one, as {\"do\":\"list\"}",
    ),
    (
        "{}",
        "\"do\" is missing: which of hold, resume, drop, edit, refuse, inject, close, kill, rules, switch, acted, subscribe, list, help, quit?",
    ),
    (
        r#"{"do":"injekt"}"#,
        "\"injekt\" is no command: \"do\" is one of hold, resume, drop, edit, refuse, inject, close, kill, rules, switch, acted, subscribe, list, help, quit",
    ),
    (r#"{"do":"kill"}"#, "kill needs \"session\", as \"session\":1; list tells which are open"),
    (r#"{"do":"kill","session":"1"}"#, "\"session\" is to be a whole number from 0 to 4294967295"),
    (r#"{"do":"kill","sesion":1}"#, "kill has no \"sesion\"; its keys are session"),
    (r#"{"do":"quit","now":1}"#, "quit takes no \"now\", nor any other key"),
    (r#"{"do":"kill","session":9}"#, "session 9 is not open; {\"do\":\"list\"} tells which are"),
    (
        r#"{"do":"drop","held":9}"#,
        "nothing is held as 9, or not any more; {\"do\":\"list\"} tells what is held",
    ),
    (r#"{"do":"drop"}"#, "drop needs \"held\", as \"held\":1; list tells what is held"),
    (r#"{"do":"hold"}"#, "hold needs \"filter\", as \"filter\":\"op:text\", or null"),
    (
        r#"{"do":"refuse","held":1,"status":200}"#,
        "refuse needs \"status\", as \"status\":503; any from 400 to 599",
    ),
    (r#"{"do":"inject","session":1,"text":"x"}"#, "inject needs \"to\", as \"to\":\"server\" or \"client\""),
    (r#"{"do":"inject","session":1,"to":"me","text":"x"}"#, "\"to\" is \"server\" or \"client\", not \"me\""),
    (
        r#"{"do":"inject","session":1,"to":"client"}"#,
        "inject needs what is sent: one of \"text\", \"json\", \"hex\", \"base64\", \"op\":\"ping\"",
    ),
    (
        r#"{"do":"inject","session":1,"to":"client","text":"x","hex":"00"}"#,
        "one payload is sent at a time, not text and hex together",
    ),
    (
        r#"{"do":"inject","session":1,"to":"client","hex":"0"}"#,
        "\"hex\" is to be pairs of hexadecimal digits, as \"00 ff 1a\"",
    ),
    (
        r#"{"do":"inject","session":1,"to":"client","frames":[{"text":"x"},{"to":1}]}"#,
        "frame 2: a frame has no \"to\"; its keys are text, json, hex, base64, op, code, reason, fin, rsv, masked, length_bits",
    ),
    (
        r#"{"do":"rules","file":"/nowhere/at.toml"}"#,
        "the rules are as they were: /nowhere/at.toml cannot be read: ",
    ),
];

#[test]
fn a_fault_is_answered_with_what_to_do_next() {
    for (line, expected) in FAULTS {
        let answer = answer(line);
        assert_eq!(answer["ok"], false, "{line}");
        let error = answer["error"].as_str().unwrap();
        assert!(
            if expected.ends_with(' ') { error.starts_with(expected) } else { error == *expected },
            "{error}"
        );
    }
    let faulty = answer(r#"{"do":"rules","text":"[[rule]]\nwhen = 'op:ping'"}"#);
    assert!(faulty["error"].as_str().unwrap().starts_with("the rules are as they were: 1:1: "), "{faulty}");
    let filter = answer(r#"{"do":"subscribe","filter":"size:"}"#);
    assert!(filter["error"].as_str().unwrap().starts_with("\"filter\": "), "{filter}");
}

#[test]
fn an_answer_has_the_id_of_its_line() {
    for id in ["7", "\"a\"", "[1,{}]", "null"] {
        let told = answer(&format!(r#"{{"id":{id},"do":"kill","session":4}}"#));
        assert_eq!((told["id"].to_string(), &told["type"]), (id.to_owned(), &"answer".into()));
    }
    assert_eq!(commander().answer(b"{\"do\":\"help\"}").line.find("\"id\""), None);
    assert!(commander().answer(b"{\"do\":\"quit\"}").quit);
}

#[test]
fn the_list_tells_what_there_is() {
    let commander = commander();
    let url = "ws://h/chat?token=secret".to_owned();
    commander
        .log
        .append(crate::capture::Event::Opened(Opening { session: 2, url, ..Opening::default() }))
        .unwrap();
    commander.answer(br#"{"do":"hold","filter":"op:text"}"#);
    let rules = commander.answer(
        b"{\"do\":\"rules\",\"text\":\"[[rule]]\\nname = 'quiet'\\nwhen = 'op:ping'\\nthen = { drop = true }\"}",
    );
    assert_eq!(rules.line, r#"{"type":"answer","ok":true,"rules":["quiet"]}"#);
    let list: Value = serde_json::from_str(&commander.answer(b"{\"do\":\"list\"}").line).unwrap();
    assert_eq!((&list["hold"], &list["rules"][0]), (&"op:text".into(), &"quiet".into()));
    assert_eq!(
        (&list["sessions"][0]["session"], &list["sessions"][0]["url"]),
        (&2.into(), &"ws://h/chat".into())
    );
    assert_eq!(list["held"], json!([]));
}

fn documented() -> &'static str {
    include_str!("../../../docs/commands.md")
}

#[test]
fn the_page_has_every_command_and_key() {
    for word in WORDS {
        let heading = format!("### `{}`", word.name);
        let section = documented().split(&heading).nth(1).unwrap_or_else(|| panic!("no {heading}"));
        let section = section.split("\n### ").next().unwrap();
        for key in word.keys {
            assert!(section.contains(&format!("`{key}`")), "{heading} does not tell of {key}");
        }
    }
    assert_eq!(documented().matches("\n### `").count(), WORDS.len());
}

#[test]
fn every_example_of_the_page_is_read() {
    let examples = documented().split("```json\n").skip(1).flat_map(|block| block.split("```").next());
    let lines: Vec<&str> = examples.flat_map(str::lines).filter(|line| line.contains("\"do\"")).collect();
    assert!(lines.len() >= WORDS.len(), "{}", lines.len());
    for line in lines {
        let wish = parse(line.as_bytes()).wish;
        assert!(wish.is_ok(), "{line}: {wish:?}");
    }
}

fn values() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        any::<i64>().prop_map(|number| number.to_string()),
        any::<String>().prop_map(|text| Value::from(text).to_string()),
        Just(r#"[{"text":"a"}]"#.to_owned()),
        Just(r#""ping""#.to_owned()),
        Just(r#""client""#.to_owned()),
        Just("1".to_owned()),
    ]
}

fn lines() -> impl Strategy<Value = Vec<u8>> {
    let names: Vec<&str> = WORDS.iter().map(|word| word.name).collect();
    let keys: Vec<&str> = WORDS.iter().flat_map(|word| word.keys).copied().collect();
    let pairs = proptest::collection::vec((proptest::sample::select(keys), values()), 0..6);
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..60),
        (proptest::sample::select(names), pairs).prop_map(|(name, pairs)| {
            let pairs: String = pairs.iter().map(|(key, value)| format!(",\"{key}\":{value}")).collect();
            format!("{{\"do\":\"{name}\"{pairs}}}").into_bytes()
        }),
    ]
}

proptest! {
    #[test]
    fn any_line_gives_an_answer(line in lines()) {
        // Not done: a file that is named at random may be there.
        let Asked { id, wish } = parse(&line);
        prop_assert!(id.is_none() || wish.is_ok() || wish.is_err());
        if let Err(fault) = wish {
            prop_assert!(!fault.is_empty());
            let told: Value = serde_json::from_str(&commander().answer(&line).line).unwrap();
            prop_assert_eq!(&told["error"], &Value::from(fault));
        }
    }
}
