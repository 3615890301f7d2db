//! `?`: what every key does where the user is, what the signs mean, and what a filter can say.

use super::actions::{BINDINGS, Binding, When, helpful};
use super::comparison;
use super::text;
use super::theme::{Look, Words};
use crate::filter::Filter;

/// The signs on the screen.
const SIGNS: [(&str, &str); 16] = [
    ("▲ ▼", "from the client, from the server"),
    ("●", "an open session"),
    ("○", "a session that is over"),
    ("◌", "the server has not answered yet"),
    ("✗", "a handshake or exchange that failed; the detail says why"),
    ("≡", "a tunnel: bytes relayed unread"),
    ("·", "a plain HTTP exchange"),
    ("⚠", "a MUST of RFC 6455 or RFC 7692 was broken"),
    ("↩ 310 3 ms", "it answers message 310, after 3 ms: a pong, or the same id"),
    ("⁂3", "a message in three frames"),
    ("212 B←87", "212 octets, inflated from 87 on the wire"),
    ("Δ", "the time since the row above"),
    ("cut off", "the connection ended inside the message"),
    ("= ≠ - + …", "compared: same, changed, only left, only right, awaited"),
    ("*", "marked by you"),
    ("━━", "the pane that has the keys"),
];

/// The lines of help for where the keys go.
pub(super) fn lines(place: When, columns: usize) -> Vec<Words> {
    let mut lines = Vec::new();
    let section = |lines: &mut Vec<Words>, title: &str| {
        lines.push(Words::new());
        lines.push(vec![(Look::Heading, format!(" {title}"))]);
    };
    let rows: Vec<&Binding> = BINDINGS
        .iter()
        .filter(|row| match place {
            When::In(focus) => row.when.includes(focus),
            _ => matches!(row.when, When::Comparing | When::Anywhere),
        })
        .collect();
    let here = |row: &Binding| match place {
        When::In(focus) => helpful(focus).contains(&row.action),
        _ => row.when == When::Comparing || comparison::HELPFUL.contains(&row.action),
    };
    let title = match place {
        When::In(focus) => focus.title().to_lowercase(),
        _ => "a comparison".to_owned(),
    };
    let add = |lines: &mut Vec<Words>, row: &Binding| {
        let command = if columns < 100 { "" } else { row.command };
        lines.push(entry(&row.keys.join(" "), row.help, command));
    };
    let title = format!("Here, in {title} (all of it also by name after :)");
    section(&mut lines, &title);
    rows.iter().filter(|row| here(row)).for_each(|row| add(&mut lines, row));
    section(&mut lines, "Everywhere");
    rows.iter().filter(|row| !here(row)).for_each(|row| add(&mut lines, row));
    section(&mut lines, "Signs");
    SIGNS.iter().for_each(|(sign, meaning)| lines.push(entry(sign, meaning, "")));
    section(&mut lines, "Filters and searches");
    Filter::help().iter().for_each(|(what, meaning)| lines.extend(wide_entry(what, meaning, columns)));
    lines
}

fn entry(keys: &str, meaning: &str, command: &str) -> Words {
    let command = if command.is_empty() { String::new() } else { format!("  :{command}") };
    vec![
        (Look::Accent, format!("   {}", text::left(keys, 18))),
        (Look::Text, format!(" {meaning}")),
        (Look::Dim, command),
    ]
}

/// The meaning over as many lines as it takes.
fn wide_entry(what: &str, meaning: &str, columns: usize) -> Vec<Words> {
    const WHAT: usize = 26;
    let folded = text::fold(meaning, columns.saturating_sub(WHAT + 6).max(20));
    let mut what = what;
    let line = |line| {
        let what = text::left(std::mem::take(&mut what), WHAT);
        vec![(Look::Accent, format!("   {what}")), (Look::Text, format!(" {line}"))]
    };
    folded.into_iter().map(line).collect()
}
