//! The list of messages of the chosen session, or of the two halves of an exchange.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::actions::Pane;
use super::draw::{View, choose, found_in, pane_title, rule, scroll_bar};
use super::page::Row;
use super::text;
use super::theme::Look;
use super::words;
use crate::capture::{FlowKind, Summary};
use crate::decode::visible;

/// What the columns before "what" take.
struct Columns {
    number: usize,
    at: usize,
    gap: usize,
    size: usize,
    kind: usize,
}

impl Columns {
    fn of(width: usize, page: &super::page::Page) -> Columns {
        let digits = page.messages.rows.last().map_or(1, |row| row.number.to_string().len());
        let wide = width >= 100;
        Columns {
            number: digits.max(3) + 1,
            at: if wide { 11 } else { 9 },
            gap: if wide { 9 } else { 8 },
            size: if wide { 16 } else { 12 },
            kind: if wide { 10 } else { 9 },
        }
    }

    fn together(&self) -> usize {
        4 + self.number + self.at + self.gap + self.size + 2 + self.kind
    }
}

pub(super) fn render(frame: &mut Frame<'_>, area: Rect, view: &View<'_>) {
    let messages = &view.page.messages;
    let title = view.page.chosen.as_ref().map_or_else(|| "Messages".to_owned(), title);
    rule(frame, area, view, Pane::Messages, (vec![pane_title(view, Pane::Messages, title)], notes(view)));
    let columns = Columns::of(area.width as usize, view.page);
    let line = |row: u16| Rect { y: area.y + row, height: 1, ..area };
    if area.height > 1 && !messages.rows.is_empty() {
        frame.render_widget(Line::styled(heads(&columns), view.theme.dim()), line(1));
    }
    if messages.rows.is_empty() && area.height > 2 {
        let words = nothing(view);
        frame.render_widget(Line::styled(format!("   {words}"), view.theme.dim()), line(2));
    }
    for (at, row) in messages.rows.iter().enumerate().take(area.height.saturating_sub(2) as usize) {
        let place = line(at as u16 + 2);
        frame.render_widget(self::row(view, row, &columns, area.width as usize), place);
        if messages.number == Some(row.number) {
            frame.render_widget("›", place);
            choose(frame, place, view, Pane::Messages);
        }
    }
    let list = Rect { y: area.y + 2, height: area.height.saturating_sub(2), ..area };
    scroll_bar(frame, list, view, (messages.top, messages.length));
}

fn title(summary: &Summary) -> String {
    let url = words::target(&summary.url);
    match summary.kind {
        FlowKind::Exchange => format!("Exchange {} {}", summary.flow, text::cut(&url, 40)),
        FlowKind::Tunnel => format!("Tunnel #{} {}", summary.flow, text::cut(&url, 40)),
        FlowKind::Session if !words::has_messages(summary) => format!("Refused #{}", summary.flow),
        FlowKind::Session => format!("Messages of #{}", summary.flow),
    }
}

/// What is special about the list: filter, search, what is hidden, follow.
fn notes(view: &View<'_>) -> String {
    let (app, messages) = (view.app, &view.page.messages);
    let mut notes = Vec::new();
    if !app.filter.is_empty() {
        notes.push(format!("filter: {}", visible(app.filter.source())));
    }
    if let Some(progress) = messages.listing.progress() {
        notes.push(format!("filtering {progress} %"));
    }
    if let (Some(search), Some(found)) = (&app.search, &messages.search) {
        let progress = found.listing.progress().map_or(String::new(), |progress| format!(", {progress} %"));
        notes.push(format!("/{} {}{progress}", visible(search.source()), text::plural(found.length, "find")));
    }
    if app.hide_control {
        notes.push("no control frames".to_owned());
    }
    let all = messages.listing.all_rows();
    match messages.cursor {
        Some(cursor) if all > messages.length => {
            notes.push(format!(
                "{} of {} of {}",
                text::count(cursor + 1),
                text::count(messages.length),
                text::count(all)
            ));
        }
        Some(cursor) => {
            notes.push(format!("{} of {}", text::count(cursor + 1), text::count(messages.length)));
        }
        None => {}
    }
    if messages.follow {
        notes.push("follow".to_owned());
    }
    notes.join(" · ")
}

fn nothing(view: &View<'_>) -> String {
    let all = view.page.messages.listing.all_rows();
    match &view.page.chosen {
        None => "no session is chosen".to_owned(),
        Some(summary) if summary.kind == FlowKind::Tunnel => {
            "relayed unread: there are no messages to show".to_owned()
        }
        Some(_) if view.page.messages.length > 0 => "these messages have just left the log".to_owned(),
        Some(_) if all > 0 && view.page.messages.listing.progress().is_none() => {
            let control = if view.app.hide_control { ", c shows control frames" } else { "" };
            format!("none of {} passes; f changes the filter{control}", text::plural(all, "message"))
        }
        Some(_) if all > 0 => "nothing found yet".to_owned(),
        Some(summary) if summary.is_over() => "nothing was sent".to_owned(),
        Some(_) => "nothing has been sent yet".to_owned(),
    }
}

fn heads(columns: &Columns) -> String {
    format!(
        "    {}{}{}{}  {}what",
        text::right("n", columns.number),
        text::right("at", columns.at),
        text::right("Δ", columns.gap),
        text::right("size", columns.size),
        text::left("op", columns.kind),
    )
}

fn row(view: &View<'_>, row: &Row, columns: &Columns, width: usize) -> Line<'static> {
    let theme = view.theme;
    let size = size(row, columns.size - 1);
    let way = theme.direction(row.direction);
    let kind = match row.kind {
        "close" => theme.odd(),
        _ if row.control => theme.dim(),
        "raw" => theme.bad(),
        _ => theme.text(),
    };
    let (flags, flags_width) = flags(view, row);
    let what = width.saturating_sub(columns.together() + flags_width + 1);
    let mut spans = vec![
        Span::styled(if row.marked { " *" } else { "  " }, theme.odd()),
        Span::styled(words::arrow(row.direction), way),
        Span::raw(" "),
        Span::raw(text::right(&row.number.to_string(), columns.number)),
        Span::styled(text::right(&text::moment(row.at), columns.at), theme.dim()),
        Span::styled(text::right(&row.gap.map_or_else(String::new, text::gap), columns.gap), theme.dim()),
        Span::raw(text::right(&size, columns.size) + "  "),
        Span::styled(text::left(row.kind, columns.kind), kind),
    ];
    let look = if row.control { Look::Dim } else { Look::Text };
    spans.extend(found_in(&text::left(&row.what, what), look, theme, view.app.search.as_ref()));
    spans.extend(flags);
    Line::from(spans)
}

/// The payload's size, and behind an arrow what it was on the wire where that differs.
fn size(row: &Row, room: usize) -> String {
    let Some(wire) = row.wire else { return text::size(row.size) };
    let whole = format!("{}←{}", text::size(row.size), short_size(wire));
    if text::width(&whole) <= room {
        whole
    } else {
        format!("{}←{}", short_size(row.size), short_size(wire))
    }
}

/// `87`, `1.2k`: an amount beside another of the same kind.
fn short_size(bytes: u64) -> String {
    text::size(bytes).replace(" B", "").replace(' ', "").trim_end_matches('B').to_owned()
}

/// What departs from the ordinary, with its width.
fn flags(view: &View<'_>, row: &Row) -> (Vec<Span<'static>>, usize) {
    let mut spans = Vec::new();
    if let Some(other) = row.answers {
        let after = text::span(other.after);
        spans.push(Span::styled(format!(" ↩ {} {after}", other.number), view.theme.dim()));
    }
    if row.frames > 1 {
        spans.push(Span::styled(format!(" ⁂{}", row.frames), view.theme.odd()));
    }
    if !row.done.is_empty() {
        spans.push(Span::styled(format!(" {}", row.done), view.theme.odd()));
    }
    if !row.complete {
        spans.push(Span::styled(" cut off", view.theme.odd()));
    }
    if row.faults > 0 {
        spans.push(Span::styled(" ⚠", view.theme.bad()));
    }
    let width = spans.iter().map(|span| text::width(&span.content)).sum();
    (spans, width)
}
