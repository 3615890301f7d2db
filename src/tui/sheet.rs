//! A sheet of words over the panes, to be read and closed again: help, or what the proxy had to say.

use ratatui::Frame;
use ratatui::layout::Rect;

use super::actions::{Action, When};
use super::app::App;
use super::draw::{View, choose, scroll_bar, styled};
use super::page::Page;
use super::rules::RuleRow;
use super::theme::{Look, Words};
use super::{About, document, help, text, timing};
use crate::capture::{Log, Program, Stream};
use crate::decode::visible;

/// What is shown over the panes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sheet {
    /// What is written on it.
    pub kind: SheetKind,
    /// The first line in view.
    pub top: usize,
    /// Whether it stays at its end as lines come.
    pub follow: bool,
    /// The rule that is chosen, where it shows rules.
    pub chosen: usize,
}

/// What is written on a sheet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SheetKind {
    /// What can be done, and what the signs mean.
    Help,
    /// What the proxy itself had to say.
    Notes,
    /// What the program prints that was run.
    Output,
    /// Which rules hold, and what they did.
    Rules,
}

/// As many notes as are shown: the latest.
const NOTES: usize = 1000;

impl Sheet {
    /// One that is read from its beginning.
    pub(super) fn new(kind: SheetKind) -> Sheet {
        Sheet { kind, top: 0, follow: false, chosen: 0 }
    }

    /// One that stays at its end.
    pub(super) fn at_end(kind: SheetKind) -> Sheet {
        Sheet { kind, top: 0, follow: true, chosen: 0 }
    }

    /// Scrolls; false where that is not what the action does, and the sheet is to be closed.
    pub(super) fn scroll(&mut self, action: Action) -> bool {
        let (by, page) = match self.kind {
            SheetKind::Rules => (&mut self.chosen, 3),
            _ => (&mut self.top, 10),
        };
        let before = *by;
        *by = match action {
            Action::Down => *by + 1,
            Action::Up => by.saturating_sub(1),
            Action::HalfDown | Action::PageDown => *by + page,
            Action::HalfUp | Action::PageUp => by.saturating_sub(page),
            Action::First => 0,
            // Brought back to the last line before it is drawn.
            Action::Last => usize::MAX / 2,
            _ => return false,
        };
        if self.kind != SheetKind::Rules {
            self.follow &= self.top >= before;
            self.follow |= action == Action::Last;
        }
        true
    }

    /// Keeps to the lines that there are, where `height` of them are in view.
    pub(super) fn settle(&mut self, lines: usize, height: usize) {
        let last = lines.saturating_sub(height);
        self.top = if self.follow { last } else { self.top.min(last) };
        self.follow |= self.kind == SheetKind::Output && self.top == last;
    }

    /// Keeps to the rules that there are, and the chosen one in view.
    pub(super) fn settle_rules(&mut self, rows: &[RuleRow], height: usize) {
        self.chosen = self.chosen.min(rows.len().saturating_sub(1));
        let Some(row) = rows.get(self.chosen) else { return };
        // The heading is in view with the first.
        let start = if self.chosen == 0 { 0 } else { row.lines.start };
        self.top = self.top.clamp(row.lines.end.saturating_sub(height).min(start), start);
    }

    /// Its lines.
    pub(super) fn lines(
        &self,
        (log, page): (&Log, &Page),
        about: &About,
        place: When,
        columns: usize,
    ) -> Vec<Words> {
        match self.kind {
            SheetKind::Rules => page.rules.lines.clone(),
            SheetKind::Help => help::lines(place, columns),
            SheetKind::Notes => notes(log, columns),
            SheetKind::Output => output(log, about, columns),
        }
    }
}

impl App {
    /// Keys while a sheet is shown; false where the action goes on to mean what it means.
    pub(super) fn act_on_sheet(&mut self, action: Action, page: &Page) -> bool {
        if let (Some(Sheet { kind: SheetKind::Rules, chosen, .. }), Action::Open) = (self.sheet, action) {
            self.show_ruled(chosen, page);
            return true;
        }
        if action == Action::SwitchRule {
            return false;
        }
        if self.sheet.as_mut().is_none_or(|sheet| sheet.scroll(action)) {
            return self.sheet.is_some();
        }
        let shown = self.sheet.take().map(|sheet| sheet.kind);
        match action {
            Action::Quit | Action::Suspend | Action::Redraw | Action::Command => false,
            // Its own key closes it, that of another sheet turns to that.
            Action::Help => shown == Some(SheetKind::Help),
            Action::Notes => shown == Some(SheetKind::Notes),
            Action::Output => shown == Some(SheetKind::Output),
            Action::Rules => shown == Some(SheetKind::Rules),
            _ => true,
        }
    }
}

pub(super) fn render(frame: &mut Frame<'_>, area: Rect, view: &View<'_>, sheet: Sheet) {
    let lines = &view.page.sheet;
    for (at, words) in lines.iter().skip(sheet.top).take(area.height as usize).enumerate() {
        let line = styled(words, view.theme, None);
        frame.render_widget(line, Rect { y: area.y + at as u16, height: 1, ..area });
    }
    let chosen = view.page.rules.rows.get(sheet.chosen).filter(|_| sheet.kind == SheetKind::Rules);
    let at = chosen.and_then(|row| row.lines.start.checked_sub(sheet.top));
    if let Some(at) = at.filter(|at| *at < area.height as usize) {
        let place = Rect { y: area.y + at as u16, height: 1, ..area };
        frame.render_widget(" ›", place);
        choose(frame, place, view, view.app.focus);
    }
    scroll_bar(frame, area, view, (sheet.top as u64, lines.len() as u64));
}

/// The newest note first: it is the one that was just announced.
fn notes(log: &Log, columns: usize) -> Vec<Words> {
    let notes = log.notes(NOTES);
    let mut lines = vec![Words::new(), vec![(Look::Heading, " Notes, the newest first".to_owned())]];
    if notes.is_empty() {
        lines.push(vec![(
            Look::Dim,
            "   Nothing out of the ordinary has happened to the proxy itself.".to_owned(),
        )]);
    }
    for note in notes.iter().rev() {
        let clock = timing::wall_clock(log, note.time).unwrap_or_default();
        let flow = note.flow.map_or_else(String::new, |flow| format!("#{flow} "));
        let words = format!("{flow}{}", visible(&note.text));
        let sign = format!("   {}", text::left(&clock, 17));
        lines.extend(document::sentence(Look::Text, &sign, &words, columns.saturating_sub(2)));
    }
    lines
}

/// What a program printed, the newest last, as in a terminal.
fn output(log: &Log, about: &About, columns: usize) -> Vec<Words> {
    let Some(program) = about.printed() else {
        let how = " No program was run from here: `sockeye run -- CMD` does, and shows what it prints.";
        return vec![Words::new(), vec![(Look::Dim, how.to_owned())]];
    };
    let (gone, printed) = program.lines(usize::MAX);
    let name = visible(program.name());
    let title = if about.replay.is_some() {
        format!(" What the {name} tells")
    } else {
        format!(" What {name} prints")
    };
    let mut lines = vec![Words::new(), vec![(Look::Heading, title)]];
    if gone > 0 {
        let before = format!("   {} before these are not kept", text::plural(gone, "line"));
        lines.push(vec![(Look::Dim, before)]);
    }
    for line in &printed {
        let clock = timing::wall_clock(log, line.time).unwrap_or_default();
        let sign = if line.stream == Stream::Errors { "err" } else { "" };
        let mut before = format!("   {}{}", text::left(&clock, 17), text::left(sign, 4));
        let words = visible(&line.text);
        for piece in text::wrap(&words, columns.saturating_sub(text::width(&before) + 2)) {
            let next = " ".repeat(text::width(&before));
            let before = std::mem::replace(&mut before, next);
            lines.push(vec![(Look::Dim, before), (Look::Text, piece.to_owned())]);
        }
    }
    if let Some(end) = program.ended() {
        lines.push(vec![(Look::Heading, format!(" {}", end_of(program, &end)))]);
    }
    lines
}

/// `npm test: exited with 1`.
pub(super) fn end_of(program: &Program, end: &str) -> String {
    format!("{}: {end}", visible(program.name()))
}
