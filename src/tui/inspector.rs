//! The detail pane: its tabs, and the lines of the one that is open.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Span;

use super::actions::{Pane, Tab};
use super::draw::{View, rule, scroll_bar, styled};
use super::text;

pub(super) fn render(frame: &mut Frame<'_>, area: Rect, view: &View<'_>) {
    let detail = &view.page.detail;
    let mut right = Vec::new();
    if let (Some(reading), Tab::Pretty) = (view.app.view, detail.tab) {
        let read_as = if area.width >= 100 { "as " } else { "" };
        right.push(format!("{read_as}{}", reading.name()));
    }
    if area.width >= 100 {
        right.push(detail.title.clone());
    }
    if detail.length > detail.height as u64 {
        let last = (detail.top + detail.height as u64).min(detail.length);
        right.push(format!("{}-{} of {}", detail.top + 1, last, text::count(detail.length)));
    }
    rule(frame, area, view, Pane::Detail, (tabs(view), right.join(" · ")));
    let body = Rect {
        x: area.x + 1,
        y: area.y + 1,
        width: area.width.saturating_sub(2),
        height: area.height.saturating_sub(1),
    };
    for (at, words) in detail.lines.iter().enumerate().take(body.height as usize) {
        let line = styled(words, view.theme, view.app.search.as_ref());
        frame.render_widget(line, Rect { y: body.y + at as u16, height: 1, ..body });
    }
    let edge = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
    scroll_bar(frame, edge, view, (detail.top, detail.length));
}

fn tabs(view: &View<'_>) -> Vec<Span<'static>> {
    let focused = view.app.focus == Pane::Detail;
    let mut spans = Vec::new();
    for (at, tab) in Tab::ALL.into_iter().enumerate() {
        if at > 0 {
            spans.push(Span::styled(" │ ", view.theme.dim()));
        }
        let open = tab == view.page.detail.tab;
        let style = match (open, focused) {
            (true, true) => view.theme.cursor(),
            (true, false) => view.theme.chosen(),
            (false, _) => view.theme.dim(),
        };
        let title = if open { format!("[{}]", tab.title()) } else { tab.title().to_owned() };
        spans.push(Span::styled(title, style));
    }
    spans
}
