//! The screen: which region goes where, and the rules between them.
//!
//! ```text
//!  title     what is listened on, totals, recording                 status
//! ━━ Sessions ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━
//!  one row for each session, exchange or tunnel                     sessions
//! ── Messages of #3 ───────────── filter: … ──────────── follow ──
//!  one row for each message                                         messages
//! ── Pretty │ Raw │ Hex │ Frames │ Handshake │ Timing │ TLS ─ #3 … ─
//!  the row under the cursor                                         inspector
//! ── Held ──────────────────────────────────────────────── 1 of 2 ──
//!  one row for each that is held, while something is                hold
//!  hints, or the line being typed                                   status, input
//! ```

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};

use super::actions::Pane;
use super::app::{App, Zoom};
use super::couples::Space;
use super::page::Page;
use super::theme::{Look, Theme, Words};
use super::{
    About, abreast, composer, edit, empty, hold, input, inspector, messages, sessions, sheet, status, text,
    words,
};
use crate::filter::Filter;

/// Where each region is. A region without room is not drawn.
#[derive(Clone, Copy, Debug)]
pub(super) struct Regions {
    title: Rect,
    sessions: Option<Rect>,
    messages: Option<Rect>,
    detail: Option<Rect>,
    composer: Option<Rect>,
    held: Option<Rect>,
    hints: Rect,
}

/// How much fits into each pane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Room {
    pub(super) flows: usize,
    pub(super) messages: usize,
    pub(super) columns: usize,
    pub(super) detail: usize,
    pub(super) detail_columns: usize,
    pub(super) held: usize,
    pub(super) comparison: Space,
}

/// Lines of a pane that are not rows: its rule, and the heads of its columns.
const LIST_HEAD: u16 = 2;
const DETAIL_HEAD: u16 = 1;

/// Fewer lines are a small screen.
const SMALL: u16 = 12;

impl Regions {
    /// Shares out `area` between what the page has.
    pub(super) fn of(area: Rect, app: &App, page: &Page) -> Regions {
        // The halves of an exchange are two, and stay two: the rest is better spent on detail.
        let halves = page.chosen.as_ref().is_some_and(|summary| !words::has_messages(summary));
        let most = if halves { LIST_HEAD + 2 } else { u16::MAX };
        let flows = page.flows.order.len();
        let row = |y: u16, height: u16| Rect { y: area.y + y, height, ..area };
        // Where there is little room, the composer is drawn over the hints.
        let composing = app.composer.is_some() && area.height >= SMALL;
        let composer = if composing { composer::HEIGHT } else { 0 };
        let inner = area.height.saturating_sub(2 + composer);
        let (sessions, mut messages, mut detail) = match app.zoom {
            Zoom::Detail => (0, 0, inner),
            Zoom::Session => {
                let messages = (inner * 55 / 100).max(LIST_HEAD + 1).min(inner).min(most);
                (0, messages, inner - messages)
            }
            Zoom::All => {
                // Sessions take what they need, up to a third; detail gets a little less than messages.
                let wanted = LIST_HEAD + (flows as u16).clamp(3, 200);
                let sessions = wanted.min((inner * 30 / 100).max(LIST_HEAD + 3)).min(inner);
                let left = inner - sessions;
                let messages = (left * 54 / 100).min(left).min(most);
                (sessions, messages, left - messages)
            }
        };
        // What is held takes its room from below, so that the lists stay where they are.
        let held = held_height(inner, app, page);
        let of_detail = held.min(detail.saturating_sub(DETAIL_HEAD + 3));
        detail -= of_detail;
        let of_messages = (held - of_detail).min(messages.saturating_sub(LIST_HEAD + 2));
        messages -= of_messages;
        let held = of_detail + of_messages;
        let some = |y: u16, height: u16| (height > 0).then(|| row(y, height));
        Regions {
            title: row(0, 1.min(area.height)),
            sessions: some(1, sessions),
            messages: some(1 + sessions, messages),
            detail: some(1 + sessions + messages, detail),
            held: some(1 + sessions + messages + detail, held),
            composer: some(1 + inner, composer),
            hints: row(area.height.saturating_sub(1), 1.min(area.height)),
        }
    }

    /// How much fits into each.
    pub(super) fn room(&self, area: Rect) -> Room {
        let rows = |region: Option<Rect>, head: u16| {
            region.map_or(0, |area| area.height.saturating_sub(head) as usize)
        };
        Room {
            flows: rows(self.sessions, LIST_HEAD),
            messages: rows(self.messages, LIST_HEAD),
            columns: self.title.width as usize,
            detail: rows(self.detail, DETAIL_HEAD),
            // A column of air on either side, the right one for the scroll bar.
            detail_columns: (self.title.width as usize).saturating_sub(2).max(10),
            held: rows(self.held, LIST_HEAD),
            comparison: abreast::space(body(area)),
        }
    }
}

/// What the pane of what is held wants: nothing where nothing is held, unless the keys are there.
fn held_height(inner: u16, app: &App, page: &Page) -> u16 {
    let count = page.waiting.order.len() as u16;
    if count == 0 && app.focus != Pane::Held {
        return 0;
    }
    LIST_HEAD + count.clamp(1, (inner / 5).max(2))
}

/// What every region is drawn from.
pub(super) struct View<'a> {
    pub(super) app: &'a App,
    pub(super) page: &'a Page,
    pub(super) about: &'a About,
    pub(super) theme: Theme,
}

/// Draws the whole screen.
pub(super) fn render(frame: &mut Frame<'_>, view: &View<'_>) {
    let area = frame.area();
    let regions = Regions::of(area, view.app, view.page);
    status::title(frame, regions.title, view);
    if let Some(editor) = &view.app.editor {
        edit::render(frame, body(area), editor, &hold::state_of(editor, view), view.theme);
    } else if let Some(sheet) = view.app.sheet {
        sheet::render(frame, body(area), view, sheet);
    } else if let Some(comparison) = &view.app.comparison {
        abreast::render(frame, body(area), view, comparison);
    } else if view.page.empty {
        empty::render(frame, body(area), view);
    } else {
        panes(frame, &regions, view);
    }
    match &view.app.input {
        Some(line) => input::render(frame, regions.hints, line, view.theme),
        None => status::hints(frame, regions.hints, view),
    }
    if let Some(composer) = &view.app.composer {
        composer::render(frame, regions.composer.unwrap_or(regions.hints), view, composer);
    }
}

fn panes(frame: &mut Frame<'_>, regions: &Regions, view: &View<'_>) {
    if let Some(area) = regions.sessions {
        sessions::render(frame, area, view);
    }
    if let Some(area) = regions.messages {
        messages::render(frame, area, view);
    }
    if let Some(area) = regions.detail {
        inspector::render(frame, area, view);
    }
    if let Some(area) = regions.held {
        hold::render(frame, area, view);
    }
}

fn body(area: Rect) -> Rect {
    Rect { y: area.y + 1, height: area.height.saturating_sub(2), ..area }
}

/// The line above a pane: heavy where the pane has the keys, with words on the left and on the right.
pub(super) fn rule(
    frame: &mut Frame<'_>,
    area: Rect,
    view: &View<'_>,
    pane: Pane,
    words: (Vec<Span<'_>>, String),
) {
    let focused = view.app.focus == pane && view.app.composer.is_none();
    let (stroke, style) = if focused { ("━", view.theme.accent()) } else { ("─", view.theme.dim()) };
    let (left, right) = words;
    let width = area.width as usize;
    let used: usize = left.iter().map(|span| text::width(&span.content)).sum::<usize>() + 4;
    let right = text::cut(&right, width.saturating_sub(used + 5));
    let right_width = if right.is_empty() { 0 } else { text::width(&right) + 2 };
    let middle = width.saturating_sub(used + right_width + 2);
    let mut line = vec![Span::styled(stroke.repeat(2), style), Span::raw(" ")];
    line.extend(left);
    line.push(Span::raw(" "));
    line.push(Span::styled(stroke.repeat(middle), style));
    if !right.is_empty() {
        line.push(Span::styled(
            format!(" {right} "),
            if focused { view.theme.text() } else { view.theme.dim() },
        ));
    }
    line.push(Span::styled(stroke.repeat(2), style));
    frame.render_widget(Line::from(line), Rect { height: 1, ..area });
}

/// The title of a pane, for its rule.
pub(super) fn pane_title<'a>(view: &View<'_>, pane: Pane, words: String) -> Span<'a> {
    let style = if view.app.focus == pane { view.theme.accent() } else { view.theme.heading() };
    Span::styled(words, style)
}

/// How far down a list is, on its right edge; nothing where all of it is in view.
pub(super) fn scroll_bar(frame: &mut Frame<'_>, area: Rect, view: &View<'_>, (top, length): (u64, u64)) {
    let height = u64::from(area.height);
    if length <= height || height == 0 || area.width == 0 {
        return;
    }
    let size = (height * height / length).clamp(1, height);
    let span = height - size;
    let at = (top * span).checked_div(length - height).unwrap_or(0).min(span);
    let x = area.x + area.width - 1;
    for row in at..at + size {
        let y = area.y + row as u16;
        frame.buffer_mut()[(x, y)].set_symbol("▐").set_style(view.theme.dim());
    }
}

/// Shows that the row at `place` is the chosen one of `pane`: all of it in one look, but for what a search found.
pub(super) fn choose(frame: &mut Frame<'_>, place: Rect, view: &View<'_>, pane: Pane) {
    let style = if view.app.focus == pane { view.theme.cursor() } else { view.theme.chosen() };
    let one_look = Style::new().fg(Color::Reset).remove_modifier(Modifier::DIM).patch(style);
    for x in place.left()..place.right() {
        let cell = &mut frame.buffer_mut()[(x, place.y)];
        if cell.bg == Color::Reset {
            cell.set_style(one_look);
        }
    }
}

/// A document's line in colours, with what a search finds standing out.
pub(super) fn styled(words: &Words, theme: Theme, search: Option<&Filter>) -> Line<'static> {
    let spans: Vec<(Style, &str)> =
        words.iter().map(|(look, text)| (theme.look(*look), text.as_str())).collect();
    highlighted(&spans, theme, search)
}

/// One text in one look, with what a search finds standing out.
pub(super) fn found_in(text: &str, look: Look, theme: Theme, search: Option<&Filter>) -> Vec<Span<'static>> {
    highlighted(&[(theme.look(look), text)], theme, search).spans
}

fn highlighted(spans: &[(Style, &str)], theme: Theme, search: Option<&Filter>) -> Line<'static> {
    let plain =
        || spans.iter().map(|(style, text)| Span::styled((*text).to_owned(), *style)).collect::<Vec<_>>();
    let Some(search) = search else { return Line::from(plain()) };
    let whole: String = spans.iter().map(|(_, text)| *text).collect();
    let found = search.highlights(&whole);
    if found.is_empty() {
        return Line::from(plain());
    }
    let mut out = Vec::new();
    let mut start = 0;
    for (style, text) in spans {
        let end = start + text.len();
        let mut at = start;
        for hit in found.iter().filter(|hit| hit.start < end && hit.end > start) {
            let (from, to) = (hit.start.max(start), hit.end.min(end));
            if at < from {
                out.push(Span::styled(whole[at..from].to_owned(), *style));
            }
            out.push(Span::styled(whole[from..to].to_owned(), theme.found()));
            at = to;
        }
        if at < end {
            out.push(Span::styled(whole[at..end].to_owned(), *style));
        }
        start = end;
    }
    Line::from(out)
}
