//! What came of playing, as TAP version 14: a test point a session.

use serde_json::Value;

use super::junit::title;
use super::place;
use crate::replay::outcome::{Outcome, Played};

pub(super) fn write(outcome: &Outcome) -> String {
    let mut text = format!("TAP version 14\n1..{}\n", outcome.played.len() + outcome.left.len());
    let mut number = 0;
    let mut point = |text: &mut String, verdict: &str, title: &str| {
        number += 1;
        text.push_str(&format!("{verdict} {number} - {}\n", escaped(title)));
    };
    for played in &outcome.played {
        let title = title(&played.target, played.line);
        if played.report.is_ok() {
            point(&mut text, "ok", &title);
        } else {
            point(&mut text, "not ok", &title);
            diagnose(&mut text, &outcome.file, played);
        }
    }
    for left in &outcome.left {
        point(&mut text, "not ok", &title(&left.target, Some(left.line)));
        let at = format!("{}:{}", outcome.file, left.line);
        text.push_str(&format!(
            "  ---\n  message: {}\n  at: {}\n  ...\n",
            quoted(left.how.words()),
            quoted(&at)
        ));
    }
    text
}

/// The block of YAML behind a test point that failed.
fn diagnose(text: &mut String, file: &str, played: &Played) {
    text.push_str("  ---\n");
    if let Some(problem) = played.report.problems.first() {
        let at = place(file, problem, played.line);
        text.push_str(&format!("  message: {}\n", quoted(&problem.to_string())));
        text.push_str(&format!("  at: {}\n", quoted(at.trim_end_matches(": "))));
    }
    text.push_str("  problems:\n");
    for problem in &played.report.problems {
        let words = format!("{}{problem}", place(file, problem, played.line));
        text.push_str(&format!("    - {}\n", quoted(&words)));
    }
    text.push_str("  ...\n");
}

/// A string of JSON is one of YAML.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// A description may hold neither the sign of a directive nor the end of a line.
fn escaped(text: &str) -> String {
    let plain: String = text.chars().map(|sign| if sign.is_control() { ' ' } else { sign }).collect();
    plain.replace('\\', "\\\\").replace('#', "\\#")
}
