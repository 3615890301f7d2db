//! The list of sessions: WebSocket sessions, refused handshakes, tunnels and plain HTTP exchanges, a row each.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::actions::Pane;
use super::draw::{View, choose, found_in, pane_title, rule, scroll_bar};
use super::page::Flows;
use super::sort::Sort;
use super::text;
use super::theme::Look;
use super::words;
use crate::capture::{FlowKind, State, Summary};
use crate::decode::visible;
use crate::net::{Entrance, Listening};

/// The widths of the columns; 0 leaves one out.
struct Columns {
    target: usize,
    subprotocol: usize,
    deflate: usize,
    last: usize,
    end: usize,
    narrow: bool,
}

/// What the columns of fixed width take: number, state, both counts, bytes, age, and the air between.
const FIXED: usize = 8 + 3 + 7 + 7 + 9 + 7 + 1;

impl Columns {
    fn of(width: usize, flows: &Flows) -> Columns {
        let (most, deflate, last) = match width {
            0..=89 => (0, 0, 0),
            90..=109 => (14, 0, 0),
            110..=129 => (18, 8, 7),
            _ => (24, 8, 7),
        };
        // Without any subprotocol its column is better given to the targets.
        let subprotocol = if flows.subprotocol == 0 { 0 } else { (flows.subprotocol + 2).max(13).min(most) };
        let left = width.saturating_sub(FIXED + subprotocol + deflate + last);
        let target = (left * 55 / 100).max(12);
        Columns { target, subprotocol, deflate, last, end: left.saturating_sub(target), narrow: width < 110 }
    }
}

pub(super) fn render(frame: &mut Frame<'_>, area: Rect, view: &View<'_>) {
    let flows = &view.page.flows;
    let mut notes = Vec::new();
    if !view.app.flow_filter.is_empty() {
        notes.push(format!("filter: {}", visible(view.app.flow_filter.source())));
    }
    if flows.hidden > 0 {
        notes.push(format!("{} hidden", flows.hidden));
    }
    if view.app.sort != Sort::Oldest {
        notes.push(format!("by {}", view.app.sort.name()));
    }
    let below = flows.order.len().saturating_sub(flows.top + flows.rows.len());
    match (flows.top, below) {
        (0, 0) => {}
        (0, below) => notes.push(format!("{below} more below")),
        (above, 0) => notes.push(format!("{above} more above")),
        (above, below) => notes.push(format!("{above} above, {below} below")),
    }
    if let (None, Some(summary), false) = (flows.cursor, &view.page.chosen, flows.order.is_empty()) {
        notes.push(format!("#{} is not among them", summary.flow));
    }
    if view.app.follow_flows {
        notes.push("follow".to_owned());
    }
    let title = pane_title(view, Pane::Sessions, "Sessions".to_owned());
    rule(frame, area, view, Pane::Sessions, (vec![title], notes.join(" · ")));

    let columns = Columns::of(area.width as usize, flows);
    let head = heads(&columns);
    let line = |row: u16| Rect { y: area.y + row, height: 1, ..area };
    if area.height > 1 {
        frame.render_widget(Line::styled(head, view.theme.dim()), line(1));
    }
    for (row, summary) in flows.rows.iter().enumerate().take(area.height.saturating_sub(2) as usize) {
        let at = line(row as u16 + 2);
        frame.render_widget(self::row(view, summary, &columns), at);
        if flows.cursor == Some(flows.top + row) {
            frame.render_widget("›", at);
            choose(frame, at, view, Pane::Sessions);
        }
    }
    let list = Rect { y: area.y + 2, height: area.height.saturating_sub(2), ..area };
    scroll_bar(frame, list, view, (flows.top as u64, flows.order.len() as u64));
}

fn heads(columns: &Columns) -> String {
    let mut head = format!("  {}  {}", text::right("#", 5), text::left("target", columns.target + 2));
    let mut add = |name: &str, width: usize, right: bool| match width {
        0 => {}
        width if right => head += &text::right(name, width),
        width => head += &text::left(name, width),
    };
    add("subprotocol", columns.subprotocol, false);
    add("deflate", columns.deflate, false);
    add("▲", 7, true);
    add("▼", 7, true);
    add("bytes", 9, true);
    add("age", 7, true);
    add("last", columns.last, true);
    head + " end"
}

fn row(view: &View<'_>, summary: &Summary, columns: &Columns) -> Line<'static> {
    let theme = view.theme;
    let search = view.app.search.as_ref();
    let marked = view.app.marks.contains(&(summary.flow, 0));
    let (sign, sign_look) = state(summary);
    let mut spans = vec![
        Span::styled(if marked { " *" } else { "  " }, theme.odd()),
        Span::raw(format!("{} ", text::right(&summary.flow.to_string(), 5))),
        Span::styled(format!("{sign} "), theme.look(sign_look)),
    ];
    spans.extend(found_in(
        &text::left(&target(view, summary, columns), columns.target),
        Look::Text,
        theme,
        search,
    ));
    spans.push(Span::raw(" "));
    let session = words::has_messages(summary);
    if columns.subprotocol > 0 {
        let name = summary.subprotocol.as_deref().unwrap_or("-");
        spans.push(Span::raw(text::left(&visible(name), columns.subprotocol - 1) + " "));
    }
    if columns.deflate > 0 {
        let deflate = match (session && summary.state != State::Asked, summary.deflate) {
            (true, true) => "yes",
            (true, false) => "no",
            _ => "-",
        };
        spans.push(Span::raw(text::left(deflate, columns.deflate)));
    }
    let counts =
        summary.messages.map(|count| if session { text::short_count(count) } else { "-".to_owned() });
    spans.push(Span::raw(text::right(&counts[0], 7) + &text::right(&counts[1], 7)));
    spans.push(Span::raw(text::right(&text::size(summary.bytes.iter().sum()), 9)));
    spans.push(Span::styled(text::right(&text::age(view.page.now.since(summary.opened)), 7), theme.dim()));
    if columns.last > 0 {
        let last = text::age(view.page.now.since(summary.last));
        spans.push(Span::styled(text::right(&last, columns.last), theme.dim()));
    }
    spans.push(Span::raw(" "));
    spans.extend(end(view, summary, columns.end));
    Line::from(spans)
}

/// How it ended, behind a warning where rules were broken.
fn end(view: &View<'_>, summary: &Summary, width: usize) -> Vec<Span<'static>> {
    let mut spans = Vec::new();
    let mut room = width.saturating_sub(1);
    if summary.violations > 0 {
        let warning = format!("⚠ {} ", summary.violations);
        room = room.saturating_sub(text::width(&warning));
        spans.push(Span::styled(warning, view.theme.bad()));
    }
    let words = match (summary.kind, summary.status) {
        (FlowKind::Exchange, Some(status)) if summary.end.is_empty() => status.to_string(),
        (FlowKind::Tunnel, _) if summary.end.is_empty() => "relayed unread".to_owned(),
        _ => visible(&summary.end).into_owned(),
    };
    let bad = summary.state == State::Failed || summary.status.is_some_and(|status| status >= 400);
    let look = if bad { Look::Bad } else { Look::Dim };
    spans.extend(found_in(&text::cut(&words, room), look, view.theme, view.app.search.as_ref()));
    spans
}

/// What it was sent to. The one server of a reverse proxy stands at the top of the screen already, and its room is
/// better spent on the path where there is little.
fn target(view: &View<'_>, summary: &Summary, columns: &Columns) -> String {
    let whole = words::target(&summary.url);
    let path = whole.find('/').map(|at| whole[at..].to_owned());
    let url = match path {
        Some(path) if columns.narrow && one_server(&view.about.listen) => path,
        _ => whole,
    };
    match (&summary.method, summary.kind) {
        (Some(method), FlowKind::Exchange) => format!("{} {url}", visible(method)),
        _ => url,
    }
}

/// Whether all goes to one server.
fn one_server(listen: &[Listening]) -> bool {
    let first = listen.first().map(|listening| &listening.entrance);
    matches!(first, Some(Entrance::Reverse(_)))
        && listen.iter().all(|listening| Some(&listening.entrance) == first)
}

/// The sign for what it is and how far it has come.
fn state(summary: &Summary) -> (&'static str, Look) {
    match (summary.kind, summary.state) {
        (_, State::Asked) => ("◌", Look::Odd),
        (_, State::Failed) => ("✗", Look::Bad),
        (FlowKind::Session, State::Open) => ("●", Look::Good),
        (FlowKind::Session, State::Closed) => ("○", Look::Dim),
        (FlowKind::Tunnel, State::Open) => ("≡", Look::Good),
        (FlowKind::Tunnel, State::Closed) => ("≡", Look::Dim),
        (FlowKind::Exchange, State::Open) => ("·", Look::Good),
        (FlowKind::Exchange, State::Closed) => ("·", Look::Dim),
    }
}
