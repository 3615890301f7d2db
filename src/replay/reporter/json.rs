//! What came of playing, in JSON.

use serde_json::{Value, json};

use crate::recordings::Refreshed;
use crate::replay::expectation::Difference;
use crate::replay::outcome::{Left, Outcome, Played, Unplayed};
use crate::replay::report::{Problem, Trouble};

/// The line that says that a mock server listens: where, and how many sessions and exchanges it has to play.
pub fn ready(url: &str, (sessions, exchanges): (usize, usize)) -> String {
    let pid = std::process::id();
    json!({ "type": "ready", "url": url, "pid": pid, "sessions": sessions, "exchanges": exchanges })
        .to_string()
}

/// What came of one session, in a line.
pub fn session(played: &Played) -> String {
    session_value(played).to_string()
}

/// The line that says that sessions were recorded, and added to a file.
pub fn recorded(file: &str, sessions: u64) -> String {
    json!({ "type": "recorded", "file": file, "sessions": sessions }).to_string()
}

/// The line that says that a recording was made anew, and how many messages are new in it.
pub fn updated(file: &str, updated: &Refreshed) -> String {
    let Refreshed { kept, changed, added, removed } = updated;
    json!({
        "type": "updated", "file": file, "changed": changed, "added": added, "removed": removed, "kept": kept
    })
    .to_string()
}

/// What came of all, in a line.
pub fn summary(outcome: &Outcome) -> String {
    json!({
        "type": "summary",
        "ok": outcome.is_ok(),
        "played": outcome.played.len() as u64 + outcome.more + outcome.more_failed,
        "left": outcome.left.iter().map(left_value).collect::<Vec<_>>(),
    })
    .to_string()
}

/// The whole report.
pub(super) fn write(outcome: &Outcome) -> String {
    let report = json!({
        "type": "replay",
        "file": outcome.file,
        "ok": outcome.is_ok(),
        "sessions": outcome.played.iter().map(session_value).collect::<Vec<_>>(),
        "more": outcome.more,
        "more_failed": outcome.more_failed,
        "left": outcome.left.iter().map(left_value).collect::<Vec<_>>(),
    });
    format!("{report:#}\n")
}

fn session_value(played: &Played) -> Value {
    let report = &played.report;
    json!({
        "type": "session",
        "target": played.target,
        "line": played.line,
        "ok": report.is_ok(),
        "seconds": played.took.as_secs_f64(),
        "matched": report.matched,
        "sent": report.sent,
        "problems": report.problems.iter().map(problem_value).collect::<Vec<_>>(),
        "left_out": report.left_out,
    })
}

fn left_value(left: &Left) -> Value {
    let how = match left.how {
        Unplayed::Untouched => "untouched",
        Unplayed::Halfway => "halfway",
        Unplayed::NotAsked => "not-asked",
    };
    json!({ "target": left.target, "line": left.line, "how": how })
}

fn problem_value(problem: &Problem) -> Value {
    let differences: &[Difference] = match &problem.what {
        Trouble::Different(differences) | Trouble::Answered(differences) => differences,
        _ => &[],
    };
    json!({
        "kind": problem.what.name(),
        "line": problem.line,
        "message": problem.to_string(),
        "differences": differences.iter().map(difference_value).collect::<Vec<_>>(),
        "recent": problem.recent,
        "accepted_by": problem.way_out(),
    })
}

/// A side that is not there is left out, so that a `null` is one.
fn difference_value(difference: &Difference) -> Value {
    let mut value = json!({ "place": difference.place });
    let is_path = difference.place.starts_with('$');
    for (name, side) in [("expected", &difference.expected), ("got", &difference.got)] {
        let Some(side) = side else { continue };
        let json = is_path.then(|| serde_json::from_str(side).ok()).flatten();
        // What was cut is no JSON any more.
        value[name] = json.unwrap_or_else(|| Value::from(side.as_str()));
    }
    value
}
