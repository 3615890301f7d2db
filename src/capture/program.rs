//! A program that was started beside the proxy: the latest of what it printed, and how it ended.
//!
//! What it prints may be anything, secrets included: it is in memory alone, never in the log's files or a recording.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Stamp;

/// One program. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Program(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    name: String,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    lines: VecDeque<Line>,
    /// Octets in them.
    size: usize,
    gone: u64,
    version: u64,
    end: Option<String>,
}

/// Which of a program's outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// The standard output.
    Output,
    /// The standard error.
    Errors,
}

/// A line that a program printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// When.
    pub time: Stamp,
    /// Where.
    pub stream: Stream,
    /// What, without colours and what a later part of the line has taken the place of.
    pub text: String,
}

/// So many lines are kept, and so many octets of them.
const MOST_LINES: usize = 2_000;
const MOST_OCTETS: usize = 1 << 20;

impl Program {
    /// One that has begun, by the words that the user knows it by.
    pub fn new(name: impl Into<String>) -> Program {
        Program(Arc::new(Inner { name: name.into(), state: Mutex::default() }))
    }

    /// The words that the user knows it by.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// It has printed a line.
    pub fn print(&self, time: Stamp, stream: Stream, text: &str) {
        let text = plain(text);
        let mut state = self.state();
        state.version += 1;
        state.size += text.len();
        state.lines.push_back(Line { time, stream, text });
        while state.lines.len() > MOST_LINES || state.size > MOST_OCTETS && state.lines.len() > 1 {
            let Some(oldest) = state.lines.pop_front() else { break };
            state.size -= oldest.text.len();
            state.gone += 1;
        }
    }

    /// It has ended: `exited with 1`.
    pub fn end(&self, how: impl Into<String>) {
        let mut state = self.state();
        state.version += 1;
        state.end = Some(how.into());
    }

    /// How it ended; none while it runs.
    pub fn ended(&self) -> Option<String> {
        self.state().end.clone()
    }

    /// The latest lines, and how many there were before them.
    pub fn lines(&self, most: usize) -> (u64, Vec<Line>) {
        let state = self.state();
        let skipped = state.lines.len().saturating_sub(most);
        (state.gone + skipped as u64, state.lines.iter().skip(skipped).cloned().collect())
    }

    /// Goes up with all that happens to it.
    pub fn version(&self) -> u64 {
        self.state().version
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A line as it would stand in a terminal in the end, but for its colours: what follows a carriage return takes the
/// place of what was before.
fn plain(line: &str) -> String {
    let line = line.trim_end_matches(['\r', '\n']);
    let line = line.rsplit('\r').next().unwrap_or_default();
    let mut text = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find('\x1b') {
        text.push_str(&rest[..at]);
        rest = after_escape(&rest[at + 1..]);
    }
    text.push_str(rest);
    text.replace('\t', "    ")
}

/// What follows an escape sequence (ECMA-48 5.4): parameters, then one final letter; or a string up to its end.
fn after_escape(rest: &str) -> &str {
    let mut signs = rest.char_indices();
    let from = |at: Option<(usize, char)>| at.map_or("", |(at, sign)| &rest[at + sign.len_utf8()..]);
    match signs.next() {
        Some((_, '[')) => from(signs.find(|(_, sign)| ('\x40'..='\x7e').contains(sign))),
        Some((_, ']')) => from(signs.find(|(_, sign)| matches!(sign, '\x07' | '\\'))),
        first => from(first),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(printed: &str, seen: &str) {
        assert_eq!(plain(printed), seen);
    }

    #[test]
    fn a_line_is_seen_as_in_a_terminal_without_its_colours() {
        check("plain\r\n", "plain");
        check("\x1b[32m  ✓\x1b[0m passes\x1b[K", "  ✓ passes");
        check("10 %\r50 %\r100 %", "100 %");
        check("\x1b]0;title\x07a\tb", "a    b");
        check("cut \x1b", "cut ");
        check("cut \x1b[3", "cut ");
    }

    #[test]
    fn the_latest_lines_are_kept_and_the_others_counted() {
        let program = Program::new("npm test");
        for number in 0..MOST_LINES + 5 {
            program.print(Stamp::default(), Stream::Output, &number.to_string());
        }
        let (gone, lines) = program.lines(3);
        assert_eq!(gone, MOST_LINES as u64 + 2);
        assert_eq!(lines.last().map(|line| line.text.clone()), Some((MOST_LINES + 4).to_string()));
        program.print(Stamp::default(), Stream::Errors, &"x".repeat(MOST_OCTETS));
        assert_eq!(program.lines(usize::MAX).1.len(), 1);
    }
}
