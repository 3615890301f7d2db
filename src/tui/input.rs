//! The line at the bottom in which filters, searches, commands and file names are typed.

use std::borrow::Cow;

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use unicode_segmentation::UnicodeSegmentation;

use super::actions;
use super::hold;
use super::text;
use super::theme::Theme;
use crate::control::compose::{self, Draft};
use crate::decode::visible;
use crate::filter::{self, Filter};
use crate::interchange::code::Language;
use crate::net::Target;

/// What is being typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// What the list of messages shows.
    Filter,
    /// What the list of sessions shows.
    SessionFilter,
    /// What to look for.
    Search,
    /// A command with its argument.
    Command,
    /// What is to be held.
    Hold,
    /// With which code and reason a session is closed.
    Close,
    /// With which status a handshake is refused.
    Refuse,
    /// The file for a payload.
    PayloadFile,
    /// The file for a recording.
    RecordingFile,
    /// The server that a session is played to.
    Server,
    /// A message.
    Send,
    /// The language of a copy.
    CopyAs,
}

impl Purpose {
    fn prompt(self) -> &'static str {
        match self {
            Purpose::Filter => "filter messages: ",
            Purpose::SessionFilter => "filter sessions: ",
            Purpose::Search => "search: ",
            Purpose::Command => ":",
            Purpose::Hold => "hold: ",
            Purpose::Close => "close with code and reason: ",
            Purpose::Refuse => "refuse with status and text: ",
            Purpose::PayloadFile => "save the payload as: ",
            Purpose::RecordingFile => "save a recording as: ",
            Purpose::Server => "play again to: ",
            Purpose::Send => "send: ",
            Purpose::CopyAs => "copy as: ",
        }
    }
}

/// A line under way.
#[derive(Clone, Debug)]
pub struct Input {
    /// What for.
    pub purpose: Purpose,
    text: String,
    /// Byte offset, between graphemes.
    cursor: usize,
    /// Which line of the history is shown; its length for the new one.
    recalled: usize,
    /// Candidates of the completion under way, where the word begins, and which of them is shown.
    completing: Option<(usize, Vec<String>, usize)>,
    prompt: Cow<'static, str>,
}

/// What a key did to the line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Typed {
    /// It is still being typed.
    Going,
    /// Given up.
    Dropped,
    /// Done.
    Done(String),
}

impl Input {
    /// A line that begins as `text`.
    pub(super) fn new(purpose: Purpose, text: &str, history: &[String]) -> Input {
        Input {
            purpose,
            text: text.to_owned(),
            cursor: text.len(),
            recalled: history.len(),
            completing: None,
            prompt: purpose.prompt().into(),
        }
    }

    /// The same, asking in these words.
    pub(super) fn asking(self, prompt: String) -> Input {
        Input { prompt: prompt.into(), ..self }
    }

    /// What was typed so far.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What is wrong with it, in words with the column; none where it would be taken.
    pub fn complaint(&self) -> Option<String> {
        match self.purpose {
            Purpose::Filter | Purpose::SessionFilter | Purpose::Search | Purpose::Hold => {
                let error = Filter::parse(&self.text).err()?;
                Some(format!("column {}: {}", error.column, error.message))
            }
            Purpose::Command => {
                let name = self.text.split_whitespace().next()?;
                actions::command(name).is_none().then(|| match actions::commands(name).as_slice() {
                    [] => format!("no command is called {name}; tab lists them"),
                    several => several.join(" "),
                })
            }
            Purpose::Send => Draft::parse(&self.text).err(),
            Purpose::Close => hold::closing(&self.text).err(),
            Purpose::Refuse => hold::refusal(&self.text).err(),
            Purpose::CopyAs => match Language::from_name(self.text.trim()) {
                Some(_) => None,
                None => Some(Language::ALL.map(Language::name).join(" ")),
            },
            Purpose::Server => self.text.trim().parse::<Target>().err().map(|error| error.to_string()),
            Purpose::PayloadFile | Purpose::RecordingFile => None,
        }
    }

    /// Text that was pasted.
    pub(super) fn paste(&mut self, pasted: &str) {
        // A message may have lines; a terminal sends their ends as carriage returns.
        let lines = self.purpose == Purpose::Send;
        let pasted = if lines { pasted.replace("\r\n", "\n").replace('\r', "\n") } else { pasted.to_owned() };
        let kept = |character: &char| !character.is_control() || lines && matches!(character, '\n' | '\t');
        let line: String = pasted.chars().filter(kept).collect();
        self.insert(&line);
    }

    /// One key, by its name.
    pub(super) fn key(&mut self, key: &str, history: &[String]) -> Typed {
        if !matches!(key, "tab" | "shift-tab") {
            self.completing = None;
        }
        match key {
            "enter" => return Typed::Done(self.text.clone()),
            "esc" | "ctrl-c" | "ctrl-g" => return Typed::Dropped,
            "backspace" | "ctrl-h" if self.text.is_empty() => return Typed::Dropped,
            "backspace" | "ctrl-h" => self.erase(self.before()),
            "delete" | "ctrl-d" => self.erase(self.after()),
            "ctrl-w" | "alt-backspace" => self.erase(self.word_before()),
            "ctrl-u" => self.erase(0),
            "ctrl-k" => self.erase(self.text.len()),
            "left" | "ctrl-b" => self.cursor = self.before(),
            "right" | "ctrl-f" => self.cursor = self.after(),
            "ctrl-left" | "alt-b" => self.cursor = self.word_before(),
            "home" | "ctrl-a" => self.cursor = 0,
            "end" | "ctrl-e" => self.cursor = self.text.len(),
            "up" | "ctrl-p" => self.recall(history, -1),
            "down" | "ctrl-n" => self.recall(history, 1),
            "tab" => self.complete(1),
            "shift-tab" => self.complete(-1),
            "space" => self.insert(" "),
            key if key.graphemes(true).count() == 1 => self.insert(key),
            _ => {}
        }
        Typed::Going
    }

    fn insert(&mut self, piece: &str) {
        self.text.insert_str(self.cursor, piece);
        self.cursor += piece.len();
    }

    /// Removes what is between the cursor and `other`.
    fn erase(&mut self, other: usize) {
        let (from, to) = (self.cursor.min(other), self.cursor.max(other));
        self.text.replace_range(from..to, "");
        self.cursor = from;
    }

    fn before(&self) -> usize {
        self.text[..self.cursor].grapheme_indices(true).next_back().map_or(0, |(at, _)| at)
    }

    fn after(&self) -> usize {
        self.text[self.cursor..].graphemes(true).next().map_or(self.cursor, |next| self.cursor + next.len())
    }

    fn word_before(&self) -> usize {
        let before = self.text[..self.cursor].trim_end();
        before.rfind(char::is_whitespace).map_or(0, |at| at + 1)
    }

    fn recall(&mut self, history: &[String], step: isize) {
        let Some(at) = self.recalled.checked_add_signed(step).filter(|&at| at <= history.len()) else {
            return;
        };
        self.recalled = at;
        self.text = history.get(at).cloned().unwrap_or_default();
        self.cursor = self.text.len();
    }

    fn complete(&mut self, step: isize) {
        if self.completing.is_none() {
            let (start, candidates) = self.candidates();
            if candidates.is_empty() {
                return;
            }
            let before_first = if step > 0 { candidates.len() - 1 } else { 0 };
            self.completing = Some((start, candidates, before_first));
        }
        let Some((start, candidates, shown)) = &mut self.completing else { return };
        *shown = (*shown as isize + step).rem_euclid(candidates.len() as isize) as usize;
        self.text.replace_range(*start..self.cursor, &candidates[*shown]);
        self.cursor = *start + candidates[*shown].len();
        if candidates.len() == 1 {
            self.completing = None;
        }
    }

    fn candidates(&self) -> (usize, Vec<String>) {
        let typed = &self.text[..self.cursor];
        match (self.purpose, typed.split_once(' ')) {
            (Purpose::Filter | Purpose::SessionFilter | Purpose::Search | Purpose::Hold, _) => {
                let completion = filter::complete(&self.text, self.cursor);
                (completion.start, completion.candidates)
            }
            (Purpose::Command, None) => {
                let names = actions::commands(typed);
                let takes = |name: &str| actions::command(name).is_some_and(|row| !row.argument.is_empty());
                let names = names.iter().map(|name| format!("{name}{}", if takes(name) { " " } else { "" }));
                (0, names.collect())
            }
            (Purpose::Command, Some((command, argument))) => {
                let start = typed.len() - argument.len();
                match actions::command(command).map(|row| row.argument) {
                    Some("EXPR" | "[EXPR]") => {
                        let completion = filter::complete(argument, argument.len());
                        (start + completion.start, completion.candidates)
                    }
                    Some(choices) => (start, super::commands::choices(choices, argument)),
                    None => (start, Vec::new()),
                }
            }
            (Purpose::Send, _) => compose::completions(typed),
            (Purpose::CopyAs, _) => (0, super::commands::choices("[LANGUAGE]", typed)),
            (
                Purpose::PayloadFile
                | Purpose::RecordingFile
                | Purpose::Server
                | Purpose::Close
                | Purpose::Refuse,
                _,
            ) => (0, Vec::new()),
        }
    }

    /// The candidates of the completion under way, the chosen one in brackets.
    pub(super) fn candidates_shown(&self) -> Option<String> {
        let (_, candidates, at) = self.completing.as_ref()?;
        (candidates.len() > 1).then(|| around(candidates, *at))
    }
}

/// Draws the line, what is thought of it, and the terminal's cursor.
pub(super) fn render(frame: &mut Frame<'_>, area: Rect, input: &Input, theme: Theme) {
    let complaint = input.complaint();
    let judged = input.purpose != Purpose::PayloadFile && input.purpose != Purpose::RecordingFile;
    let style = match (&complaint, judged) {
        (_, false) => theme.text(),
        (None, true) => theme.good(),
        (Some(_), true) => theme.bad(),
    };
    let verdict = match (&complaint, input.candidates_shown(), judged && !input.text.is_empty()) {
        (_, Some(candidates), _) => candidates,
        (Some(complaint), _, _) => format!("✗ {complaint}"),
        (None, _, true) => "✓".to_owned(),
        (None, _, false) => String::new(),
    };
    let used = line(frame, area, input, (&visible(&input.prompt), theme.accent()), style) + 3;
    let rest = Rect { x: area.x + used.min(area.width), width: area.width.saturating_sub(used), ..area };
    let verdict = text::cut(&verdict, usize::from(rest.width));
    frame.render_widget(
        Line::styled(verdict, if complaint.is_some() { theme.bad() } else { theme.dim() }),
        rest,
    );
}

/// Draws the line behind its prompt, and the terminal's cursor; gives the columns that are used.
pub(super) fn line(
    frame: &mut Frame<'_>,
    area: Rect,
    input: &Input,
    (prompt, prompt_style): (&str, Style),
    style: Style,
) -> u16 {
    let room = usize::from(area.width).saturating_sub(text::width(prompt) + 1).max(1);
    let shown = visible(&input.text);
    let before = text::width(&visible(&input.text[..input.cursor]));
    // What does not fit leaves on the left, so that the cursor stays in sight.
    let skip = before.saturating_sub(room - 1);
    let shown = text::cut(&skip_columns(&shown, skip), room);
    let used = text::width(prompt) + text::width(&shown);
    let line = Line::from(vec![Span::styled(prompt.to_owned(), prompt_style), Span::styled(shown, style)]);
    frame.render_widget(line, area);
    let column = text::width(prompt) + before - skip;
    frame.set_cursor_position(Position::new(area.x + (column as u16).min(area.width - 1), area.y));
    used as u16
}

fn around(candidates: &[String], at: usize) -> String {
    let from = at.saturating_sub(2);
    let words = candidates.iter().enumerate().skip(from).take(8);
    let words: Vec<String> = words
        .map(|(place, word)| if place == at { format!("[{}]", word.trim()) } else { word.trim().to_owned() })
        .collect();
    words.join(" ")
}

fn skip_columns(line: &str, columns: usize) -> String {
    let mut used = 0;
    let rest = line.graphemes(true).skip_while(|grapheme| {
        let skip = used < columns;
        used += text::width(grapheme);
        skip
    });
    rest.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(keys: &[&str]) -> Input {
        let mut input = Input::new(Purpose::Command, "", &[]);
        for key in keys {
            input.key(key, &["filter dir:client".to_owned()]);
        }
        input
    }

    #[test]
    fn a_line_is_edited_by_graphemes() {
        assert_eq!(typed(&["日", "本", "left", "x"]).text(), "日x本");
        assert_eq!(typed(&["e\u{301}", "a", "left", "backspace"]).text(), "a");
        assert_eq!(typed(&["a", "space", "b", "ctrl-w"]).text(), "a ");
        assert_eq!(typed(&["a", "b", "home", "ctrl-k"]).text(), "");
    }

    #[test]
    fn tab_goes_round_the_commands() {
        assert_eq!(typed(&["s", "a", "v", "tab"]).text(), "save-all ");
        assert_eq!(typed(&["s", "a", "v", "tab", "tab"]).text(), "save-payload ");
        assert_eq!(typed(&["s", "a", "v", "tab", "tab", "tab", "tab"]).text(), "save-all ");
        assert_eq!(typed(&["p", "r", "e", "t", "tab"]).text(), "pretty");
    }

    #[test]
    fn history_comes_back_with_the_arrows() {
        let mut input = Input::new(Purpose::Command, "", &["a".to_owned(), "b".to_owned()]);
        let history = ["a".to_owned(), "b".to_owned()];
        input.key("up", &history);
        input.key("up", &history);
        input.key("up", &history);
        assert_eq!(input.text(), "a");
        input.key("down", &history);
        input.key("down", &history);
        assert_eq!(input.text(), "");
    }

    #[test]
    fn an_unknown_command_is_said_to_be_unknown() {
        assert!(typed(&["x", "y"]).complaint().is_some_and(|words| words.contains("xy")));
        assert_eq!(typed(&["q"]).complaint(), None);
    }

    #[test]
    fn pasting_takes_no_control_characters() {
        let mut input = Input::new(Purpose::Filter, "", &[]);
        input.paste("a\nb\u{1b}c");
        assert_eq!(input.text(), "abc");
    }
}
