//! Two sessions side by side on the screen: a row for each pair, and below what differs in the one under the cursor.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::comparison::{Compared, Comparison, Couple, Half, Kin};
use super::couples::Space;
use super::draw::{View, choose, rule, scroll_bar};
use super::theme::Words;
use super::{text, words};
use crate::decode::visible;

/// From how many columns on the places that differ have a column of their own.
const WIDE: usize = 130;

/// How much room a comparison has in `area`.
pub(super) fn space(area: Rect) -> Space {
    let height = area.height as usize;
    // A rule and the heads above, a rule above the detail.
    let detail = if height < 10 { 0 } else { (height * 28 / 100).clamp(3, 16) };
    let rows = height.saturating_sub(2 + if detail > 0 { detail + 1 } else { 0 });
    Space { columns: area.width as usize, rows: rows.max(1), detail, lines: height.saturating_sub(2).max(1) }
}

pub(super) fn render(frame: &mut Frame<'_>, area: Rect, view: &View<'_>, comparison: &Comparison) {
    let nothing = Compared::default();
    let compared = view.page.comparison.as_ref().unwrap_or(&nothing);
    let space = space(area);
    let line = |row: usize| Rect { y: area.y + row as u16, height: 1, ..area };
    let title = match comparison.right {
        Some(right) => format!("#{} and #{right}", comparison.left),
        None => format!("#{} and its replay", comparison.left),
    };
    let title = Span::styled(title, view.theme.accent());
    rule(frame, line(0), view, view.app.focus, (vec![title], notes(compared, comparison)));
    let columns = Columns::of(area.width as usize);
    let heads = [0, 1].map(|side| text::left(&visible(&compared.titles[side]), columns.side));
    let heads = format!("  {}   {}", heads[0], heads[1]);
    frame.render_widget(Line::styled(heads, view.theme.dim()), line(1));
    let body = Rect { y: area.y + 2, height: area.height.saturating_sub(2), ..area };
    if comparison.open.is_some() {
        return payloads(frame, body, view, compared);
    }
    for (at, couple) in compared.rows.iter().enumerate().take(space.rows) {
        let place = line(at + 2);
        frame.render_widget(row(view, couple, &columns), place);
        if compared.top + at == compared.cursor {
            frame.render_widget("›", place);
            choose(frame, place, view, view.app.focus);
        }
    }
    let list = Rect { height: (space.rows as u16).min(body.height), ..body };
    scroll_bar(frame, list, view, (compared.top as u64, compared.shown.len() as u64));
    if space.detail > 0 {
        detail(frame, (line(2 + space.rows), space.detail), view, compared);
    }
}

/// What there is to say of the whole.
fn notes(compared: &Compared, comparison: &Comparison) -> String {
    let [same, changed, missing, extra] = compared.counts;
    let mut notes = vec![format!("{} same", text::count(same))];
    for (count, name) in [(changed, "changed"), (missing, "missing"), (extra, "extra")] {
        if count > 0 {
            notes.push(format!("{} {name}", text::count(count)));
        }
    }
    if comparison.only_differences {
        notes.push("only differences".to_owned());
    }
    if compared.busy {
        notes.push("still reading".to_owned());
    }
    if compared.cut {
        notes.push("the first messages only".to_owned());
    }
    if comparison.open.is_none() && !compared.shown.is_empty() {
        notes.push(format!(
            "{} of {}",
            text::count(compared.cursor as u64 + 1),
            text::count(compared.shown.len() as u64)
        ));
    }
    notes.join(" · ")
}

/// How wide the columns are.
struct Columns {
    side: usize,
    places: usize,
}

impl Columns {
    fn of(width: usize) -> Columns {
        let places = if width >= WIDE { (width / 5).min(40) } else { 0 };
        // The cursor's column, the sign with air around it, the scroll bar's.
        Columns { side: width.saturating_sub(2 + 3 + 1 + places) / 2, places }
    }
}

fn row(view: &View<'_>, couple: &Couple, columns: &Columns) -> Line<'static> {
    let theme = view.theme;
    let sign = kin_style(view, couple.kin);
    let mut spans = vec![Span::raw("  ")];
    spans.extend(half(view, couple.sides[0].as_ref(), columns.side, couple.kin));
    spans.push(Span::styled(format!(" {} ", couple.kin.sign()), sign));
    spans.extend(half(view, couple.sides[1].as_ref(), columns.side, couple.kin));
    if columns.places > 0 {
        let places = visible(&couple.places.join(" ")).into_owned();
        spans.push(Span::styled(format!(" {}", text::left(&places, columns.places - 1)), theme.odd()));
    }
    Line::from(spans)
}

fn kin_style(view: &View<'_>, kin: Kin) -> Style {
    match kin {
        Kin::Same | Kin::Awaited => view.theme.dim(),
        Kin::Changed => view.theme.odd(),
        Kin::Missing => view.theme.bad(),
        Kin::Extra => view.theme.good(),
    }
}

fn half(view: &View<'_>, half: Option<&Half>, width: usize, kin: Kin) -> Vec<Span<'static>> {
    let Some(half) = half else { return vec![Span::raw(" ".repeat(width))] };
    let style = if kin == Kin::Same || kin == Kin::Awaited { view.theme.dim() } else { view.theme.text() };
    let (Some(direction), Some(number)) = (half.direction, half.number) else {
        return vec![Span::styled(text::left(&half.what, width), style)];
    };
    let before = format!("{} ", text::right(&number.to_string(), 5));
    let room = width.saturating_sub(7);
    vec![
        Span::styled(words::arrow(direction), view.theme.direction(direction)),
        Span::styled(before, view.theme.dim()),
        Span::styled(text::left(&half.what, room), style),
    ]
}

/// What differs in the row under the cursor.
fn detail(frame: &mut Frame<'_>, (top, height): (Rect, usize), view: &View<'_>, compared: &Compared) {
    let below = compared.detail.len().saturating_sub(height);
    let right = if below > 0 { format!("{below} more, enter shows all") } else { String::new() };
    let stroke = "─".repeat(top.width as usize);
    frame.render_widget(Line::styled(stroke, view.theme.dim()), top);
    frame.render_widget(
        Line::styled(" What differs ", view.theme.heading()),
        Rect { x: top.x + 2, width: top.width.saturating_sub(2), ..top },
    );
    if !right.is_empty() {
        let wide = (text::width(&right) + 2) as u16;
        let place = Rect { x: top.x + top.width.saturating_sub(wide + 2), width: wide.min(top.width), ..top };
        frame.render_widget(Line::styled(format!(" {right} "), view.theme.dim()), place);
    }
    for (at, words) in compared.detail.iter().take(height).enumerate() {
        let place =
            Rect { x: top.x + 1, y: top.y + 1 + at as u16, width: top.width.saturating_sub(2), height: 1 };
        frame.render_widget(super::draw::styled(words, view.theme, None), place);
    }
}

/// Both payloads, line by line.
fn payloads(frame: &mut Frame<'_>, area: Rect, view: &View<'_>, compared: &Compared) {
    let columns = Columns { places: 0, side: (area.width as usize).saturating_sub(6) / 2 };
    for (at, (kin, sides)) in compared.lines.iter().enumerate().take(area.height as usize) {
        let mut spans = vec![Span::raw("  ")];
        spans.extend(cut(view, &sides[0], columns.side));
        spans.push(Span::styled(format!(" {} ", kin.sign()), kin_style(view, *kin)));
        spans.extend(cut(view, &sides[1], columns.side));
        let place = Rect { y: area.y + at as u16, height: 1, ..area };
        frame.render_widget(Line::from(spans), place);
    }
    scroll_bar(frame, area, view, (compared.length.1 as u64, compared.length.0 as u64));
}

/// A line in exactly so many columns.
fn cut(view: &View<'_>, words: &Words, width: usize) -> Vec<Span<'static>> {
    let (mut spans, mut left) = (Vec::new(), width);
    for (look, piece) in words {
        let piece = text::cut(piece, left);
        left -= text::width(&piece).min(left);
        spans.push(Span::styled(piece, view.theme.look(*look)));
    }
    spans.push(Span::raw(" ".repeat(left)));
    spans
}
