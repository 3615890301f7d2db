//! Reports as they are read by test runners.

use std::time::Duration;

use super::*;
use crate::replay::outcome::{Left, Played, Unplayed};
use crate::replay::report::{Report, Trouble};
use crate::replay::{Difference, Outcome};

fn outcome() -> Outcome {
    let difference = |place: &str, expected: &str, got: Option<&str>| Difference {
        place: place.to_owned(),
        expected: Some(expected.to_owned()),
        got: got.map(str::to_owned),
    };
    let differences = vec![difference("$.a", r#"{"x":1}"#, Some("\"<2>\"")), difference("$.b", "null", None)];
    let mut bad = Report::of(Trouble::Different(differences));
    bad.problems[0].line = Some(4);
    bad.problems[0].recent = vec!["client text \u{1}".to_owned()];
    let mut outcome = Outcome::of("chat.jsonl");
    let session = |line, target: &str, report| Played {
        line,
        target: target.to_owned(),
        took: Duration::from_millis(1500),
        report,
    };
    outcome.add(session(Some(2), "/one?a=1&b=2", Report { matched: 3, sent: 2, ..Report::default() }));
    outcome.add(session(Some(3), "/two#\n", bad));
    outcome.left.push(Left { line: 9, target: "/three".to_owned(), how: Unplayed::Untouched });
    outcome
}

#[test]
fn junit_counts_and_escapes() {
    insta::assert_snapshot!(Reporter::Junit.write(&outcome()));
}

#[test]
fn tap_numbers_and_diagnoses() {
    insta::assert_snapshot!(Reporter::Tap.write(&outcome()));
}

#[test]
fn json_holds_differences_as_json() {
    insta::assert_snapshot!(Reporter::Json.write(&outcome()));
}

#[test]
fn lines_for_programs_are_one_line_each() {
    let outcome = outcome();
    assert_eq!(session_json(&outcome.played[1]).lines().count(), 1);
    assert!(
        ready("ws://127.0.0.1:1", (2, 0)).starts_with(r#"{"type":"ready","url":"ws://127.0.0.1:1","pid":"#)
    );
    assert_eq!(
        summary_json(&outcome),
        r#"{"type":"summary","ok":false,"played":2,"left":[{"target":"/three","line":9,"how":"untouched"}]}"#
    );
}

#[test]
fn a_long_run_is_counted_and_not_kept() {
    let mut all = Outcome::of("x");
    let ok = || Played { line: Some(2), target: "/".into(), took: Duration::ZERO, report: Report::default() };
    for _ in 0..Outcome::MOST + 5 {
        all.add(ok());
    }
    assert_eq!((all.played.len(), all.more, all.is_ok()), (Outcome::MOST, 5, true));
    all.add(Played { report: Report::of(Trouble::Missing("x".into())), ..ok() });
    assert!(!all.is_as_recorded());
}
