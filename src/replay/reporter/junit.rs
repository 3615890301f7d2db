//! What came of playing, as JUnit's XML: a test case a session.

use super::text::problems;
use crate::replay::outcome::{Outcome, Played};

pub(super) fn write(outcome: &Outcome) -> String {
    let failed = outcome.played.iter().filter(|played| !played.report.is_ok()).count() + outcome.left.len();
    let count = outcome.played.len() + outcome.left.len();
    let took: f64 = outcome.played.iter().map(|played| played.took.as_secs_f64()).sum();
    let numbers = format!("tests=\"{count}\" failures=\"{failed}\" errors=\"0\" time=\"{took:.3}\"");
    let name = escaped(&outcome.file);
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"sockeye replay\" {numbers}>\n  \
         <testsuite name=\"{name}\" skipped=\"0\" {numbers}>\n"
    );
    for played in &outcome.played {
        let failure = (!played.report.is_ok()).then(|| failure(&outcome.file, played));
        let took = played.took.as_secs_f64();
        case(&mut text, (&name, &title(&played.target, played.line)), took, failure);
    }
    for left in &outcome.left {
        let words = format!("{}:{}: {}", outcome.file, left.line, left.how.words());
        let failure = ("left", left.how.words().to_owned(), words);
        case(&mut text, (&name, &title(&left.target, Some(left.line))), 0.0, Some(failure));
    }
    text.push_str("  </testsuite>\n</testsuites>\n");
    text
}

/// The kind of the first problem, a line about it, and all of them.
fn failure(file: &str, played: &Played) -> (&'static str, String, String) {
    let first = played.report.problems.first();
    let message = first.map(|problem| problem.to_string().replace('\n', " ")).unwrap_or_default();
    (first.map_or("failed", |problem| problem.what.name()), message, problems(file, played))
}

/// A session's name, which stays the same from run to run.
pub(super) fn title(target: &str, line: Option<u64>) -> String {
    match line {
        Some(line) => format!("{target} (line {line})"),
        None => target.to_owned(),
    }
}

fn case(text: &mut String, (class, name): (&str, &str), took: f64, failure: Option<(&str, String, String)>) {
    let name = escaped(name);
    text.push_str(&format!("    <testcase classname=\"{class}\" name=\"{name}\" time=\"{took:.3}\""));
    match failure {
        None => text.push_str("/>\n"),
        Some((kind, message, all)) => text.push_str(&format!(
            ">\n      <failure type=\"{kind}\" message=\"{}\">{}</failure>\n    </testcase>\n",
            escaped(&message),
            escaped(&all)
        )),
    }
}

/// Text for XML 1.0, which has no room for most control characters.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for sign in text.chars() {
        match sign {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(sign),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            sign if sign.is_control() => out.push('\u{fffd}'),
            sign => out.push(sign),
        }
    }
    out
}
