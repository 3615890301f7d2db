//! Lines of styled text, and the sheet that gathers them within limits.

use super::visible::visible_bytes;

/// One line for a screen.
pub type Line = Vec<Span>;

/// A stretch of a line in one style. Its text is safe for a terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// What to show.
    pub text: String,
    /// What it is.
    pub style: Style,
}

/// What a stretch of text is; which colour that gets is the screen's matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Style {
    /// The name of a field.
    Key,
    /// Text in quotation marks.
    String,
    /// A number.
    Number,
    /// `true`, `false`, `null` and their like.
    Literal,
    /// Brackets, commas and colons.
    Punctuation,
    /// A remark of the decoder's own, not part of the payload.
    Comment,
    /// What is wrong with the payload, or the bytes that are.
    Error,
    /// Text.
    Plain,
    /// Offsets and other things of less weight.
    Dim,
}

/// How much of a payload is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// At most this many lines (and one that says so).
    pub lines: usize,
    /// At most about this many bytes of text.
    pub bytes: usize,
    /// A list or object that fits into this many columns stays on one line; 0 breaks them all.
    pub width: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { lines: 10_000, bytes: 1 << 20, width: 76 }
    }
}

/// The text of a line without its styles.
pub fn plain(line: &Line) -> String {
    line.iter().map(|span| span.text.as_str()).collect()
}

/// Gathers lines; everything pushed is made safe for a terminal.
pub(super) struct Sheet {
    lines: Vec<Line>,
    line: Line,
    bytes: usize,
    limits: Limits,
}

impl Sheet {
    pub(super) fn new(limits: Limits) -> Sheet {
        Sheet { lines: Vec::new(), line: Line::new(), bytes: 0, limits }
    }

    /// Whether a limit is reached: the caller stops, and says so.
    pub(super) fn is_full(&self) -> bool {
        self.lines.len() >= self.limits.lines || self.bytes >= self.limits.bytes
    }

    /// Appends to the line under way; cut where it would go far beyond the limit. Gives how many bytes went in.
    pub(super) fn push(&mut self, style: Style, text: &[u8]) -> usize {
        let room = self.limits.bytes.saturating_sub(self.bytes).min(LONGEST);
        let taken = cut_at_char(text, room);
        let shown = visible_bytes(taken);
        self.bytes += shown.len();
        match self.line.last_mut() {
            Some(last) if last.style == style => last.text.push_str(&shown),
            _ => self.line.push(Span { text: shown.into_owned(), style }),
        }
        taken.len()
    }

    /// The line under way is over.
    pub(super) fn end_line(&mut self) {
        self.bytes += 1;
        self.lines.push(std::mem::take(&mut self.line));
    }

    /// A whole line, which has to be safe already.
    pub(super) fn push_line(&mut self, line: Line) {
        self.bytes += line.iter().map(|span| span.text.len()).sum::<usize>();
        self.lines.push(line);
    }

    /// A line of its own, whatever the limits.
    pub(super) fn remark(&mut self, style: Style, text: &str) {
        if !self.line.is_empty() {
            self.end_line();
        }
        self.lines.push(vec![Span { text: super::visible(text).into_owned(), style }]);
    }

    pub(super) fn finish(mut self) -> Vec<Line> {
        if !self.line.is_empty() {
            self.end_line();
        }
        self.lines
    }
}

/// The longest stretch that is put on one line in one piece: more is of no use to eyes and a burden to a screen.
const LONGEST: usize = 64 << 10;

/// The first `length` bytes, or up to three less so that no character is cut in two.
pub(super) fn cut_at_char(bytes: &[u8], length: usize) -> &[u8] {
    if bytes.len() <= length {
        return bytes;
    }
    let is_start = |at: &usize| bytes[*at] & 0xc0 != 0x80;
    let end = (length.saturating_sub(3)..=length).rev().find(is_start).unwrap_or(length);
    &bytes[..end]
}
