//! A sheet of words over the panes, to be read and closed again: help, or what the proxy had to say.

use ratatui::Frame;
use ratatui::layout::Rect;

use super::actions::{Action, When};
use super::draw::{View, scroll_bar, styled};
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
}

/// As many notes as are shown: the latest.
const NOTES: usize = 1000;

impl Sheet {
    /// One that is read from its beginning.
    pub(super) fn new(kind: SheetKind) -> Sheet {
        Sheet { kind, top: 0, follow: false }
    }

    /// One that stays at its end.
    pub(super) fn at_end(kind: SheetKind) -> Sheet {
        Sheet { kind, top: 0, follow: true }
    }

    /// Scrolls; false where that is not what the action does, and the sheet is to be closed.
    pub(super) fn scroll(&mut self, action: Action) -> bool {
        let page = 10;
        let before = self.top;
        self.top = match action {
            Action::Down => self.top + 1,
            Action::Up => self.top.saturating_sub(1),
            Action::HalfDown | Action::PageDown => self.top + page,
            Action::HalfUp | Action::PageUp => self.top.saturating_sub(page),
            Action::First => 0,
            // Brought back to the last line before it is drawn.
            Action::Last => usize::MAX / 2,
            _ => return false,
        };
        self.follow &= self.top >= before;
        self.follow |= action == Action::Last;
        true
    }

    /// Keeps to the lines that there are, where `height` of them are in view.
    pub(super) fn settle(&mut self, lines: usize, height: usize) {
        let last = lines.saturating_sub(height);
        self.top = if self.follow { last } else { self.top.min(last) };
        self.follow |= self.kind == SheetKind::Output && self.top == last;
    }

    /// Its lines.
    pub(super) fn lines(&self, log: &Log, about: &About, place: When, columns: usize) -> Vec<Words> {
        match self.kind {
            SheetKind::Help => help::lines(place, columns),
            SheetKind::Notes => notes(log, columns),
            SheetKind::Output => output(log, about, columns),
        }
    }
}

pub(super) fn render(frame: &mut Frame<'_>, area: Rect, view: &View<'_>, sheet: Sheet) {
    let lines = &view.page.sheet;
    for (at, words) in lines.iter().skip(sheet.top).take(area.height as usize).enumerate() {
        let line = styled(words, view.theme, None);
        frame.render_widget(line, Rect { y: area.y + at as u16, height: 1, ..area });
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
