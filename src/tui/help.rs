//! `?`: what every key does where the user is, what the signs mean, and what a filter can say.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::actions::{BINDINGS, Binding, Pane, helpful};
use super::draw::{View, scroll_bar, styled};
use super::text;
use super::theme::{Look, Words};
use crate::filter::Filter;

/// The signs on the screen.
const SIGNS: [(&str, &str); 15] = [
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
    ("*", "marked by you"),
    ("━━", "the pane that has the keys"),
];

pub(super) fn render(frame: &mut Frame<'_>, area: Rect, view: &View<'_>) {
    let lines = lines(view.app.focus, area.width as usize);
    let height = area.height as usize;
    let top = view.app.help.unwrap_or(0).min(lines.len().saturating_sub(height));
    for (at, words) in lines.iter().skip(top).take(height).enumerate() {
        let line = styled(words, view.theme, None);
        frame.render_widget(line, Rect { y: area.y + at as u16, height: 1, ..area });
    }
    scroll_bar(frame, area, view, (top as u64, lines.len() as u64));
    if top + height < lines.len() && area.height > 0 {
        let more = format!(" {} more lines, j scrolls ", lines.len() - top - height);
        let x = area.x + area.width.saturating_sub(text::width(&more) as u16 + 2);
        let place = Rect {
            x,
            y: area.y + area.height - 1,
            width: area.width.min(text::width(&more) as u16),
            height: 1,
        };
        frame.render_widget(Line::from(Span::styled(more, view.theme.cursor())), place);
    }
}

/// How many lines help has, so that scrolling stops at the last.
pub(super) fn length(focus: Pane, columns: usize) -> usize {
    lines(focus, columns).len()
}

fn lines(focus: Pane, columns: usize) -> Vec<Words> {
    let mut lines = Vec::new();
    let section = |lines: &mut Vec<Words>, title: &str| {
        lines.push(Words::new());
        lines.push(vec![(Look::Heading, format!(" {title}"))]);
    };
    let rows = || BINDINGS.iter().filter(|row| row.when.includes(focus));
    let here = |row: &&Binding| helpful(focus).contains(&row.action);
    let add = |lines: &mut Vec<Words>, row: &Binding| {
        let command = if columns < 100 { "" } else { row.command };
        lines.push(entry(&row.keys.join(" "), row.help, command));
    };
    let title = format!("Here, in {} (all of it also by name after :)", focus.title().to_lowercase());
    section(&mut lines, &title);
    rows().filter(here).for_each(|row| add(&mut lines, row));
    section(&mut lines, "Everywhere");
    rows().filter(|row| !here(row)).for_each(|row| add(&mut lines, row));
    section(&mut lines, "Signs");
    SIGNS.iter().for_each(|(sign, meaning)| lines.push(entry(sign, meaning, "")));
    section(&mut lines, "Filters and searches");
    Filter::help().iter().for_each(|(what, meaning)| lines.push(wide_entry(what, meaning)));
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

fn wide_entry(what: &str, meaning: &str) -> Words {
    vec![(Look::Accent, format!("   {}", text::left(what, 26))), (Look::Text, format!(" {meaning}"))]
}
