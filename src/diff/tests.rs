//! Recordings compared.

use std::io::Cursor;

use proptest::prelude::*;

use super::teller::{Form, Teller};
use super::*;
use crate::replay::Match;

const FIRST: &str = r#"{"type":"recording","version":1,"tool":"t","started":"2026-11-22T14:30:00.000Z"}"#;

/// `open /chat`, `> payload` or `< payload`, `ping`, `close 1000 bye`, `end fin`: of one session after the other.
fn recording(lines: &str) -> String {
    let mut text = FIRST.to_owned() + "\n";
    let (mut session, mut n) = (0, 0);
    for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        n += 1;
        let place = format!(r#""session":{session},"n":{n},"at":{n}.000"#);
        text += &match word {
            "open" => {
                (session, n) = (session + 1, 0);
                format!(
                    r#"{{"type":"open","session":{session},"time":"2026-11-22T14:30:0{session}.000Z","mode":null,"url":"ws://a{rest}","tls":null,"request":{{"line":"GET {rest} HTTP/1.1","headers":[]}},"response":{{"line":"HTTP/1.1 101 x","headers":[]}}}}"#
                )
            }
            "ping" => format!(r#"{{"type":"ping",{place},"from":"server"}}"#),
            "close" => {
                let (code, reason) = rest.split_once(' ').unwrap_or((rest, ""));
                format!(r#"{{"type":"close",{place},"from":"client","code":{code},"reason":"{reason}"}}"#)
            }
            "end" => format!(
                r#"{{"type":"end","session":{session},"at":99.000,"client":"{rest}","server":"fin"}}"#
            ),
            way => {
                let from = if way == ">" { "client" } else { "server" };
                let payload = serde_json::Value::from(rest);
                format!(r#"{{"type":"message",{place},"from":"{from}","op":"text","text":{payload}}}"#)
            }
        };
        text.push('\n');
    }
    text
}

fn compared(a: &str, b: &str, comparison: &Comparison, form: Form) -> (String, Summary) {
    let (a, b) = (recording(a), recording(b));
    let mut teller = Teller::new(form, ["a".to_owned(), "b".to_owned()]);
    let mut told = String::new();
    let input = |name: &str, text| Input::new(name, Cursor::new(text));
    let summary = diff(&mut input("a", a), &mut input("b", b), comparison, |finding| {
        told += &teller.finding(&finding);
        Ok(())
    });
    (told, summary.unwrap())
}

/// What is told as text, less the first lines.
#[track_caller]
fn check(a: &str, b: &str, comparison: &Comparison, expected: &str) {
    let (told, summary) = compared(a, b, comparison, Form::Text);
    let lines = |text: &str| -> Vec<String> {
        text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
    };
    let told: Vec<_> = lines(&told).into_iter().skip(2).collect();
    assert_eq!(told, lines(expected));
    assert_eq!(summary.is_same(), told.is_empty());
}

fn by(matching: Match, ignore: &[&str]) -> Comparison {
    let ignore = ignore.iter().map(|path| path.parse().unwrap()).collect();
    Comparison {
        expectation: Expectation { matching, ignore, ..Expectation::default() },
        ..Comparison::default()
    }
}

#[test]
fn messages_are_compared_by_what_they_mean() {
    let a = "open /chat
        > {\"a\":1,\"b\":[1.0]}
        ping
        < {\"type\":\"pong\"}
        < hello
        close 1000 bye
        end fin";
    let same = "open /chat
        > { \"b\":[1], \"a\":1 }
        < hello
        close 1000 bye
        end fin";
    check(a, same, &Comparison::default(), "");
    let other = "open /chat
        > {\"a\":2,\"b\":[1]}
        < new here
        < hello
        close 1001 bye
        end reset";
    check(
        a,
        other,
        &Comparison::default(),
        "/chat   a:2 b:2
         ~ ▲ text {\"a\":1,\"b\":[1.0]}   a:3 b:3
         $.a: 1 → 2
         + ▼ text new here   b:4
         ~ ▲ close 1000 bye   a:7 b:6
         close: 1000 bye → 1001 bye
         ~ end   a:8 b:7
         client: fin → reset",
    );
}

#[test]
fn what_is_ignored_does_not_count_and_looser_matches_let_more_pass() {
    let (a, b) = ("open /\n> {\"id\":1,\"v\":1}", "open /\n> {\"id\":7,\"v\":1,\"more\":0}");
    check(a, b, &by(Match::Subset, &["$.id"]), "");
    check(a, b, &by(Match::Json, &["$.id", "$.more"]), "");
    check(a, b, &by(Match::Any, &[]), "");
    check("open /\n> {\"v\":1}", "open /\n> {\"v\":2}", &by(Match::Type, &[]), "");
    check(
        "open /\n> {\"v\":1}",
        "open /\n> {\"v\": 1}",
        &by(Match::Exact, &[]),
        "/   a:2 b:2
         ~ ▲ text {\"v\":1}   a:3 b:3
         payload, octet 5: {\"v\":1} → {\"v\": 1}",
    );
}

#[test]
fn heartbeats_count_where_that_is_asked_for() {
    let comparison = Comparison { heartbeats: Heartbeats::Compared, ..Comparison::default() };
    check("open /\nping\n> a", "open /\n> a", &comparison, "/   a:2 b:2\n- ▼ ping   a:3");
}

#[test]
fn sessions_are_found_again_by_path_and_then_in_order() {
    let a = "open /a?x=1\n> one\nopen /b\n> two\nopen /gone\n> three\nopen /a?x=2\n> four";
    let b = "open /b\n> two\nopen /a?x=2\n> four\nopen /a?x=3\n> one\nopen /new\nping";
    check(a, b, &Comparison::default(), "- /gone   a:6, 1 message\n+ /new   b:8");
    let two = Comparison { sessions: Some((1, 2)), ..Comparison::default() };
    check(a, b, &two, "/a?x=1   a:2 b:4\n~ ▲ text one   a:3 b:5\npayload, octet 0: one → four");
    let none = Comparison { sessions: Some((9, 1)), ..Comparison::default() };
    let input = || Input::new("a", Cursor::new(recording(a)));
    let error = diff(&mut input(), &mut input(), &none, |_| Ok(())).unwrap_err();
    assert_eq!(error.to_string(), "a has no session 9; it has 1, 2, 3, 4");
}

#[test]
fn programs_get_a_line_a_finding() {
    let (told, summary) =
        compared("open /\n> {\"v\":1}\n< x", "open /\n> {\"v\":2}", &Comparison::default(), Form::Json);
    let lines: Vec<_> = told.lines().collect();
    assert_eq!(
        lines,
        [
            r#"{"type":"changed","target":"/","part":"message","a":{"number":1,"line":3},"b":{"number":1,"line":3},"from":"client","op":"text","differences":[{"place":"$.v","a":"1","b":"2"}]}"#,
            r#"{"type":"removed","target":"/","part":"message","a":{"number":1,"line":4},"from":"server","op":"text","summary":"x"}"#,
        ]
    );
    let counts = Counts { changed: 1, removed: 1, ..Counts::default() };
    assert_eq!(summary.messages, counts);
}

fn dialogue() -> impl Strategy<Value = String> {
    let value = prop::sample::select(&["1", "1.0", "\"a\"", "[2,{\"x\":null}]", "9007199254740993"][..]);
    let said = (any::<bool>(), prop::sample::select(&["a", "b"][..]), value);
    prop::collection::vec(said, 0..12).prop_map(|all| {
        let lines = all.into_iter().map(|(client, name, value)| {
            format!("{} {{\"{name}\":{value}}}\n", if client { ">" } else { "<" })
        });
        "open /\n".to_owned() + &lines.collect::<String>()
    })
}

proptest! {
    /// A recording is the same as itself; what is told of two counts every message of both once.
    #[test]
    fn every_message_is_accounted_for(a in dialogue(), b in dialogue(), matching in prop::sample::select(&Match::ALL[..])) {
        let comparison = by(matching, &[]);
        prop_assert!(compared(&a, &a, &comparison, Form::Text).1.is_same());
        let (_, summary) = compared(&a, &b, &comparison, Form::Text);
        let Counts { same, changed, removed, added } = summary.messages;
        prop_assert_eq!(same + changed + removed, a.lines().count() as u64 - 1);
        prop_assert_eq!(same + changed + added, b.lines().count() as u64 - 1);
        let (_, back) = compared(&b, &a, &comparison, Form::Text);
        if matching != Match::Subset {
            prop_assert_eq!(summary.is_same(), back.is_same());
        }
    }
}
