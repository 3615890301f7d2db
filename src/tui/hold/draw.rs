//! The pane of what is held: a row each, with how long it has been waiting.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::gather::{HeldRow, by};
use crate::capture::{Flow, Stamp};
use crate::decode::visible;
use crate::tui::actions::Pane;
use crate::tui::draw::{View, choose, pane_title, rule, scroll_bar};
use crate::tui::edit::Editor;
use crate::tui::{text, words};
use crate::ws::Direction;

/// How what is edited fares meanwhile.
pub(in crate::tui) fn state_of(editor: &Editor, view: &View<'_>) -> String {
    let Some(number) = editor.held() else { return String::new() };
    match view.page.waiting.order.iter().find(|held| held.held == number) {
        Some(held) => format!("held {}", text::age(view.page.now.since(held.since))),
        None => "not held any more: it has gone on".to_owned(),
    }
}

/// Whether the message that the panes show is held.
pub(in crate::tui) fn is_chosen(view: &View<'_>) -> bool {
    let messages = &view.page.messages;
    let Some(Flow::Session(session)) = view.page.chosen.as_ref().map(|summary| summary.flow) else {
        return false;
    };
    view.page.waiting.order.iter().any(|held| {
        let shown =
            held.message.is_none() || view.app.focus != Pane::Sessions && held.message == messages.number;
        held.session == session && shown
    })
}

/// What the columns before the last take.
const SESSION: usize = 6;
const NUMBER: usize = 7;
const SIZE: usize = 10;
const KIND: usize = 10;
const WAITED: usize = 8;

pub(in crate::tui) fn render(frame: &mut Frame<'_>, area: Rect, view: &View<'_>) {
    let waiting = &view.page.waiting;
    let width = area.width as usize;
    rule(frame, area, view, Pane::Held, (vec![pane_title(view, Pane::Held, "Held".to_owned())], notes(view)));
    let line = |row: u16| Rect { y: area.y + row, height: 1, ..area };
    if waiting.order.is_empty() && area.height > 2 {
        let words = "   nothing is held now; esc goes back";
        frame.render_widget(Line::styled(words, view.theme.dim()), line(2));
        return;
    }
    if area.height > 1 {
        frame.render_widget(Line::styled(heads(), view.theme.dim()), line(1));
    }
    for (at, row) in waiting.rows.iter().enumerate().take(area.height.saturating_sub(2) as usize) {
        let place = line(at as u16 + 2);
        frame.render_widget(self::row(view, row, width), place);
        if waiting.cursor == Some(waiting.top + at) {
            frame.render_widget("›", place);
            choose(frame, place, view, Pane::Held);
        }
    }
    let list = Rect { y: area.y + 2, height: area.height.saturating_sub(2), ..area };
    scroll_bar(frame, list, view, (waiting.top as u64, waiting.order.len() as u64));
}

fn notes(view: &View<'_>) -> String {
    let waiting = &view.page.waiting;
    let mut notes = Vec::new();
    for (session, direction) in &waiting.full {
        let who = match direction {
            Direction::ToServer => "client",
            Direction::ToClient => "server",
        };
        notes.push(format!("#{session} holds all it may: its {who} waits"));
    }
    let chosen = waiting.cursor.and_then(|cursor| waiting.order.get(cursor));
    notes.extend(chosen.and_then(by).map(|words| visible(&words).into_owned()));
    if let Some(cursor) = waiting.cursor {
        notes.push(format!(
            "{} of {}",
            text::count(cursor as u64 + 1),
            text::count(waiting.order.len() as u64)
        ));
    }
    notes.join(" · ")
}

fn heads() -> String {
    format!(
        "  {}   {}{}  {}{}  what",
        text::right("#", SESSION - 2),
        text::right("n", NUMBER),
        text::right("size", SIZE),
        text::left("op", KIND),
        text::right("held", WAITED),
    )
}

fn row(view: &View<'_>, row: &HeldRow, width: usize) -> Line<'static> {
    let theme = view.theme;
    let number = row.held.message.map_or_else(|| "-".to_owned(), |number| number.to_string());
    let due = row
        .due
        .as_ref()
        .map_or_else(String::new, |due| format!("  {}", due_words(due.what, due.at, row.now)));
    let used = SESSION + 3 + NUMBER + SIZE + 2 + KIND + WAITED + 2;
    let left = width.saturating_sub(used + 1);
    let due = text::cut(&due, left);
    let what = left.saturating_sub(text::width(&due));
    Line::from(vec![
        Span::raw(text::right(&row.held.session.to_string(), SESSION)),
        Span::raw(" "),
        Span::styled(words::arrow(row.held.direction), theme.direction(row.held.direction)),
        Span::raw(" "),
        Span::raw(text::right(&number, NUMBER)),
        Span::raw(text::right(&text::size(row.size), SIZE) + "  "),
        Span::raw(text::left(row.kind, KIND)),
        Span::styled(text::right(&text::age(row.now.since(row.held.since)), WAITED) + "  ", theme.odd()),
        Span::raw(text::left(&row.what, what)),
        Span::styled(due, theme.odd()),
    ])
}

/// `ping due in 12 s`, `ping 3 s late`.
fn due_words(what: &str, at: Stamp, now: Stamp) -> String {
    if at >= now {
        format!("{what} due in {} s", at.since(now).as_secs())
    } else {
        format!("{what} {} s late", now.since(at).as_secs())
    }
}
