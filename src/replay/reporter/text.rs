//! What came of playing, for eyes.

use super::place;
use crate::replay::outcome::{Left, Played, Unplayed};

/// What came of one session of the recording `file`, in lines.
pub fn session(file: &str, played: &Played) -> String {
    let report = &played.report;
    let verdict = if report.is_ok() { "ok     " } else { "FAILED " };
    let counts = format!("{} messages as recorded, {} sent", report.matched, report.sent);
    format!("{verdict} {} ({counts})\n{}", played.target, problems(file, played))
}

/// A session that was not played to its end, or an exchange that nobody asked for, in lines.
pub fn left(file: &str, left: &Left) -> String {
    let way_out = match left.how {
        Unplayed::NotAsked => "  --optional '~http' would accept it\n",
        Unplayed::Untouched | Unplayed::Halfway => "",
    };
    format!("MISSING {}\n{file}:{}: {}\n{way_out}", left.target, left.line, left.how.words())
}

/// What was otherwise, in lines; nothing where nothing was.
pub(super) fn problems(file: &str, played: &Played) -> String {
    let mut text = String::new();
    for problem in &played.report.problems {
        text.push_str(&format!("{}{problem}\n", place(file, problem, played.line)));
        for recent in &problem.recent {
            text.push_str(&format!("    {recent}\n"));
        }
        if let Some(option) = problem.way_out() {
            text.push_str(&format!("  {option} would accept it\n"));
        }
    }
    if played.report.left_out > 0 {
        text.push_str(&format!("{} more were left out\n", played.report.left_out));
    }
    text
}
