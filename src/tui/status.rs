//! The first and the last line: what goes on, and which keys help now.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::actions::{Action, BINDINGS, Pane, helpful};
use super::draw::View;
use super::hold::{self, HoldAction};
use super::sheet::SheetKind;
use super::{composer, edit, sheet, text};
use crate::decode::visible;
use crate::net::{Entrance, Listening};

/// The program, what it listens on, the totals.
pub(super) fn title(frame: &mut Frame<'_>, area: Rect, view: &View<'_>) {
    let theme = view.theme;
    let width = area.width as usize;
    let mut left = vec![Span::styled(" sockeye", theme.accent()), Span::raw("  ")];
    let place = if view.about.program.is_some() {
        program(view)
    } else if let Some(replay) = &view.about.replay {
        let address = view.about.listen.first().map(|listening| format!("{} → ", listening.address));
        format!("{}{}", address.unwrap_or_default(), replay.told().name())
    } else if view.about.listen.is_empty() {
        view.about.source.clone().unwrap_or_default()
    } else {
        listening(&view.about.listen, width / 2)
    };
    left.push(Span::raw(visible(&place).into_owned()));
    if view.app.paused {
        left.push(Span::raw("  "));
        left.push(Span::styled(" PAUSED ", theme.cursor()));
    }
    let used: usize = left.iter().map(|span| text::width(&span.content)).sum();
    let mut parts = totals(view, width);
    // The least telling goes first where there is no room for all.
    let joined = |parts: &[(u8, String, bool)]| -> usize {
        parts.iter().map(|(_, text, _)| text::width(text) + 3).sum::<usize>()
    };
    while parts.len() > 1 && used + joined(&parts) > width {
        let least = parts.iter().enumerate().min_by_key(|(_, (weight, ..))| *weight).map_or(0, |(at, _)| at);
        parts.remove(least);
    }
    // What went wrong is told in full before where things are.
    let mut line = if used + joined(&parts) > width + 3 && parts.iter().any(|(.., loud)| *loud) {
        left.truncate(1);
        left
    } else {
        left
    };
    let used: usize = line.iter().map(|span| text::width(&span.content)).sum();
    line.push(Span::raw(" ".repeat(width.saturating_sub(used + joined(&parts) - 2))));
    for (at, (_, text, loud)) in parts.into_iter().enumerate() {
        if at > 0 {
            line.push(Span::styled(" · ", theme.dim()));
        }
        line.push(Span::styled(text, if loud { theme.bad() } else { theme.text() }));
    }
    frame.render_widget(Line::from(line), area);
}

/// The program that was run, and how it does.
fn program(view: &View<'_>) -> String {
    let Some(program) = &view.about.program else { return String::new() };
    let end = program.ended().unwrap_or_else(|| "running".to_owned());
    sheet::end_of(program, &end)
}

/// Where the listeners are and lead to: all of them where there is this much room, else the first and how many more.
fn listening(all: &[Listening], room: usize) -> String {
    let mut groups: Vec<(String, &Entrance)> = Vec::new();
    for Listening { address, entrance } in all {
        match groups.last_mut() {
            Some((addresses, last)) if *last == entrance => addresses.push_str(&format!(", {address}")),
            _ => groups.push((address.to_string(), entrance)),
        }
    }
    let one = |addresses: &str, entrance: &Entrance| match entrance {
        Entrance::Reverse(target) => format!("{addresses} → {target}"),
        Entrance::Forward => format!("{addresses} → anywhere"),
        Entrance::Transparent => format!("{addresses} → where they were going"),
    };
    let full: Vec<_> = groups.iter().map(|(addresses, entrance)| one(addresses, entrance)).collect();
    let full = full.join("; ");
    match all {
        [Listening { address, entrance }, rest @ ..] if !rest.is_empty() && text::width(&full) > room => {
            format!("{} and {} more", one(&address.to_string(), entrance), rest.len())
        }
        _ => full,
    }
}

/// What there is to say, each with its weight, and whether loudly.
fn totals(view: &View<'_>, width: usize) -> Vec<(u8, String, bool)> {
    let stats = &view.page.stats;
    let live = !view.about.listen.is_empty() || view.about.replay.is_some();
    let sessions = stats.open + stats.closed;
    let messages = match width {
        0..=99 => text::plural(stats.messages, "msg"),
        _ => text::plural(stats.messages, "message"),
    };
    let mut parts = Vec::new();
    if let Some(replay) = &view.about.replay {
        let (played, sessions) = (text::count(replay.played()), text::count(replay.sessions()));
        parts.push((12, format!("{played} of {sessions} played"), false));
        if replay.otherwise() > 0 {
            parts.push((12, format!("✗ {} otherwise", text::count(replay.otherwise())), true));
        }
    }
    if live {
        parts.push((9, format!("{} open", text::count(stats.open)), false));
        parts.push((5, format!("{} closed", text::count(stats.closed)), false));
    } else {
        parts.push((9, text::plural(sessions, "session"), false));
    }
    if stats.refused > 0 {
        parts.push((4, format!("{} refused", text::count(stats.refused)), false));
    }
    parts.push((8, messages, false));
    let held = view.page.waiting.order.len() as u64;
    if view.app.holding.on {
        let most = (width / 4).max(12);
        parts.push((
            13,
            text::cut(&format!("holding {}", visible(view.app.holding.filter.source())), most),
            true,
        ));
    }
    if view.app.holding.on || held > 0 {
        parts.push((13, format!("{} held", text::count(held)), held > 0));
    }
    parts.extend(rules(view));
    parts.push((6, text::size(stats.bytes), false));
    if stats.violations > 0 {
        parts.push((7, format!("⚠ {}", text::count(stats.violations)), true));
    }
    if live {
        let percent = (stats.log_bytes * 100).checked_div(stats.log_limit).unwrap_or(0);
        parts.push((3, format!("log {percent} %"), false));
    }
    if stats.notes > 0 {
        parts.push((10, format!("! {}", text::plural(stats.notes, "note")), true));
    }
    if stats.evicted > 0 {
        parts.push((10, format!("oldest {} gone", text::short_count(stats.evicted)), true));
    }
    if let Some((lost, why)) = &stats.lost {
        parts.push((12, format!("{} LOST: {}", text::count(*lost), visible(why)), true));
    }
    if let Some(file) = view.about.recording.as_ref().and_then(|file| file.file_name()) {
        let name = if width < 100 { String::new() } else { format!(" {}", visible(&file.to_string_lossy())) };
        parts.push((11, format!("● rec{name}"), false));
    }
    parts
}

/// How many rules hold, and that their file cannot be taken as it is.
fn rules(view: &View<'_>) -> impl Iterator<Item = (u8, String, bool)> {
    let rules = &view.page.rules;
    let fault = rules.fault.is_some().then(|| (11, "✗ file of rules".to_owned(), true));
    let holding = (rules.holding > 0).then(|| (7, text::plural(rules.holding as u64, "rule"), false));
    fault.into_iter().chain(holding)
}

/// What was just said, or the keys that help here.
pub(super) fn hints(frame: &mut Frame<'_>, area: Rect, view: &View<'_>) {
    let width = area.width as usize;
    if view.app.leaving {
        let question = text::cut(&hold::leaving_question(view.page), width.saturating_sub(2));
        frame.render_widget(Line::styled(format!("? {question}"), view.theme.odd()), area);
        return;
    }
    if let Some(notice) = &view.app.notice {
        let (sign, style) =
            if notice.bad { ("✗ ", view.theme.bad()) } else { ("  ", view.theme.heading()) };
        let words = text::cut(&visible(&notice.text), width.saturating_sub(2));
        frame.render_widget(Line::styled(format!("{sign}{words}"), style), area);
        return;
    }
    let mut spans = vec![Span::raw(" ")];
    let mut used = 1;
    for (key, words) in hinted(view) {
        let wide = text::width(key) + text::width(words) + 4;
        if used + wide > width {
            break;
        }
        used += wide;
        spans.push(Span::styled(key, view.theme.accent()));
        spans.push(Span::raw(format!(" {words}   ")));
    }
    if let Some(sheet) = view.app.sheet {
        let below =
            view.page.sheet.len().saturating_sub(sheet.top + frame.area().height.saturating_sub(2) as usize);
        if below > 0 {
            spans.push(Span::styled(text::plural(below as u64, "more line"), view.theme.heading()));
        }
    }
    frame.render_widget(Line::from(spans), area);
}

/// The keys to hint at, the most helpful first.
fn hinted(view: &View<'_>) -> Vec<(&'static str, &'static str)> {
    let focus = view.app.focus;
    if view.app.editor.is_some() {
        return edit::hints().collect();
    }
    if let Some(composer) = &view.app.composer {
        return composer::hints(composer);
    }
    if view.app.sheet.is_some_and(|sheet| sheet.kind == SheetKind::Rules) {
        // What a recording tells of cannot be switched.
        let switch = view.about.source.is_none().then_some(("u", "off or on"));
        let hints =
            [Some(("j k", "choose")), Some(("enter", "what it acted on")), switch, Some(("esc", "close"))];
        return hints.into_iter().flatten().collect();
    }
    if view.app.sheet.is_some() {
        return vec![("j k", "scroll"), ("esc", "close")];
    }
    if let Some(comparison) = &view.app.comparison {
        return comparison.hints();
    }
    let output = view.about.printed().is_some().then_some(Action::Output);
    if view.page.empty {
        let notes = (view.page.stats.notes > 0).then_some(Action::Notes);
        let always = [Action::Help, Action::Command, Action::Quit];
        let wanted: Vec<_> = output.into_iter().chain(notes).chain(always).collect();
        return pick(&wanted, focus);
    }
    let (help, others) = helpful(focus).split_at(1);
    let held = [HoldAction::Go, HoldAction::Forward, HoldAction::Drop, HoldAction::Edit].map(Action::Hold);
    let held: &[Action] = match focus {
        Pane::Held => &[],
        _ if hold::is_chosen(view) => &held[1..],
        _ if !view.page.waiting.order.is_empty() => &held[..1],
        _ => &[],
    };
    let wanted = help.iter().copied().chain(held.iter().copied()).chain(output);
    let wanted: Vec<_> = wanted.chain(others.iter().copied()).collect();
    let mut hints = pick(&wanted, focus);
    if focus == Pane::Detail {
        hints.insert(2, ("1-7", "tab"));
    }
    hints
}

fn pick(wanted: &[Action], focus: Pane) -> Vec<(&'static str, &'static str)> {
    let row = |action: &Action| {
        BINDINGS.iter().find(|row| row.action == *action && row.when.includes(focus) && !row.hint.is_empty())
    };
    wanted.iter().filter_map(row).map(|row| (row.keys[0], row.hint)).collect()
}
