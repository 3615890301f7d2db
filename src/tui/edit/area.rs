//! Text of several lines under a cursor: typing, moving, taking back, and how it is laid out in columns.

use unicode_segmentation::UnicodeSegmentation;

use crate::decode::visible;
use crate::tui::text;

/// Text of several lines under a cursor. Lines longer than the screen go on in the next row.
#[derive(Clone, Debug)]
pub(super) struct Area {
    lines: Vec<String>,
    at: Place,
    /// The column that going up and down keeps to.
    wish: Option<usize>,
    /// The first row in view.
    top: Place,
    columns: usize,
    height: usize,
    before: Vec<(Vec<String>, Place)>,
    /// Whether the last change was a character typed: the next belongs to it.
    typing: bool,
}

/// A line, and a byte in it between graphemes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) line: usize,
    pub(super) byte: usize,
}

/// One row on the screen: a line, or a part of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) line: usize,
    /// The bytes of the line that stand on it.
    pub(super) from: usize,
    pub(super) to: usize,
}

/// Changes that can be taken back, and octets that are kept for them, at most.
const REMEMBERED: usize = 200;
const REMEMBERED_OCTETS: usize = 16 << 20;

impl Area {
    pub(super) fn new(text: &str) -> Area {
        Area {
            lines: split(text),
            at: Place::default(),
            wish: None,
            top: Place::default(),
            columns: 80,
            height: 20,
            before: Vec::new(),
            typing: false,
        }
    }

    /// All of it, lines joined by line feeds.
    pub(super) fn text(&self) -> String {
        self.lines.join("\n")
    }

    pub(super) fn line(&self, line: usize) -> &str {
        self.lines.get(line).map_or("", String::as_str)
    }

    pub(super) fn line_count(&self) -> usize {
        self.lines.len()
    }

    pub(super) fn cursor(&self) -> Place {
        self.at
    }

    /// The cursor's place in words: line and column, from 1.
    pub(super) fn position(&self) -> (usize, usize) {
        let before = &self.line(self.at.line)[..self.at.byte];
        (self.at.line + 1, before.graphemes(true).count() + 1)
    }

    /// Where a byte of the whole text is.
    pub(super) fn place_of(&self, mut offset: usize) -> Place {
        for (line, text) in self.lines.iter().enumerate() {
            if offset <= text.len() {
                return Place { line, byte: offset };
            }
            offset -= text.len() + 1;
        }
        let line = self.lines.len() - 1;
        Place { line, byte: self.line(line).len() }
    }

    /// Another text in its place; what was there can be had back.
    pub(super) fn replace(&mut self, text: &str) {
        self.remember();
        self.lines = split(text);
        self.at = Place::default();
        self.top = Place::default();
    }

    /// Goes to a place, as near as there is one.
    pub(super) fn go(&mut self, place: Place) {
        let line = place.line.min(self.lines.len() - 1);
        let text = self.line(line);
        let mut byte = place.byte.min(text.len());
        while !text.is_char_boundary(byte) {
            byte -= 1;
        }
        self.at = Place { line, byte };
        self.wish = None;
    }

    /// One key, by its name; false where it means nothing here.
    pub(super) fn key(&mut self, key: &str) -> bool {
        let vertical = matches!(key, "up" | "down" | "ctrl-p" | "ctrl-n" | "pgup" | "pgdn");
        if !vertical {
            self.wish = None;
        }
        if !is_typed(key) {
            self.typing = false;
        }
        match key {
            "left" | "ctrl-b" => self.at = self.before(),
            "right" | "ctrl-f" => self.at = self.after(),
            "ctrl-left" | "alt-b" => self.at = self.word_before(),
            "ctrl-right" | "alt-f" => self.at = self.word_after(),
            "up" | "ctrl-p" => self.travel(-1),
            "down" | "ctrl-n" => self.travel(1),
            "pgup" => self.travel(-(self.height as isize - 1).max(1)),
            "pgdn" => self.travel((self.height as isize - 1).max(1)),
            "home" | "ctrl-a" => self.at.byte = 0,
            "end" | "ctrl-e" => self.at.byte = self.line(self.at.line).len(),
            "ctrl-home" => self.at = Place::default(),
            "ctrl-end" => self.go(Place { line: usize::MAX, byte: usize::MAX }),
            "enter" => self.insert("\n"),
            "backspace" | "ctrl-h" => self.erase(self.before()),
            "delete" | "ctrl-d" => self.erase(self.after()),
            "ctrl-w" | "alt-backspace" => self.erase(self.word_before()),
            "ctrl-u" => self.erase(Place { byte: 0, ..self.at }),
            "ctrl-k" => self.erase_to_end(),
            "ctrl-z" | "ctrl-_" => self.take_back(),
            "tab" => self.insert("\t"),
            "space" => self.type_in(" "),
            key if is_typed(key) => self.type_in(key),
            _ => return false,
        }
        true
    }

    /// Text that was pasted, with the line ends of any system.
    pub(super) fn paste(&mut self, pasted: &str) {
        self.insert(&pasted.replace("\r\n", "\n").replace('\r', "\n"));
    }

    fn type_in(&mut self, piece: &str) {
        if !self.typing {
            self.remember();
        }
        self.typing = true;
        self.put(piece);
    }

    fn insert(&mut self, piece: &str) {
        if !piece.is_empty() {
            self.remember();
            self.put(piece);
        }
    }

    fn put(&mut self, piece: &str) {
        let Place { line, byte } = self.at;
        let rest = self.lines[line].split_off(byte);
        let mut pieces = piece.split('\n');
        self.lines[line].push_str(pieces.next().unwrap_or_default());
        let more: Vec<String> = pieces.map(str::to_owned).collect();
        self.at.line += more.len();
        self.lines.splice(line + 1..line + 1, more);
        self.at.byte = self.lines[self.at.line].len();
        self.lines[self.at.line].push_str(&rest);
    }

    /// Removes what is between the cursor and `other`.
    fn erase(&mut self, other: Place) {
        let (from, to) = (self.at.min(other), self.at.max(other));
        if from == to {
            return;
        }
        self.remember();
        let rest = self.lines[to.line].split_off(to.byte);
        self.lines[from.line].truncate(from.byte);
        self.lines[from.line].push_str(&rest);
        self.lines.drain(from.line + 1..=to.line);
        self.at = from;
    }

    /// To the end of the line; of an empty rest, the line end.
    fn erase_to_end(&mut self) {
        let end = self.line(self.at.line).len();
        let to = if self.at.byte == end { self.after() } else { Place { byte: end, ..self.at } };
        self.erase(to);
    }

    fn remember(&mut self) {
        self.before.push((self.lines.clone(), self.at));
        let size = |lines: &[String]| lines.iter().map(|line| line.len() + 1).sum::<usize>();
        let most = (REMEMBERED_OCTETS / size(&self.lines).max(1)).clamp(2, REMEMBERED);
        if self.before.len() > most {
            self.before.remove(0);
        }
    }

    fn take_back(&mut self) {
        if let Some((lines, at)) = self.before.pop() {
            (self.lines, self.at) = (lines, at);
        }
    }

    fn before(&self) -> Place {
        let Place { line, byte } = self.at;
        match self.line(line)[..byte].grapheme_indices(true).next_back() {
            Some((byte, _)) => Place { line, byte },
            None if line > 0 => Place { line: line - 1, byte: self.line(line - 1).len() },
            None => self.at,
        }
    }

    fn after(&self) -> Place {
        let Place { line, byte } = self.at;
        match self.line(line)[byte..].graphemes(true).next() {
            Some(next) => Place { line, byte: byte + next.len() },
            None if line + 1 < self.lines.len() => Place { line: line + 1, byte: 0 },
            None => self.at,
        }
    }

    fn word_before(&self) -> Place {
        let before = self.line(self.at.line)[..self.at.byte].trim_end_matches(is_between);
        match before.char_indices().rfind(|(_, character)| is_between(*character)) {
            Some((byte, character)) => Place { byte: byte + character.len_utf8(), ..self.at },
            None if self.at.byte == 0 => self.before(),
            None => Place { byte: 0, ..self.at },
        }
    }

    fn word_after(&self) -> Place {
        let rest = &self.line(self.at.line)[self.at.byte..];
        if rest.is_empty() {
            return self.after();
        }
        let word = rest.find(|character| !is_between(character)).unwrap_or(rest.len());
        let end = rest[word..].find(is_between).map_or(rest.len(), |at| word + at);
        Place { byte: self.at.byte + end, ..self.at }
    }

    /// Goes `rows` down, or up.
    fn travel(&mut self, rows: isize) {
        let (mut row, mut starts) = self.row_of(self.at);
        let line_start = starts[row];
        let here = text::width(&visible(&self.line(self.at.line)[line_start..self.at.byte]));
        let wish = *self.wish.get_or_insert(here);
        let mut line = self.at.line;
        for _ in 0..rows.unsigned_abs() {
            if rows > 0 && row + 1 < starts.len() {
                row += 1;
            } else if rows > 0 && line + 1 < self.lines.len() {
                line += 1;
                (row, starts) = (0, self.starts(line));
            } else if rows < 0 && row > 0 {
                row -= 1;
            } else if rows < 0 && line > 0 {
                line -= 1;
                starts = self.starts(line);
                row = starts.len() - 1;
            } else {
                break;
            }
        }
        let text = self.line(line);
        let end = starts.get(row + 1).copied().unwrap_or(text.len());
        let (mut byte, mut used) = (starts[row], 0);
        for grapheme in text[starts[row]..end].graphemes(true) {
            used += text::width(&visible(grapheme));
            // The end of a row that goes on is the beginning of the next.
            if used > wish || (byte + grapheme.len() == end && end < text.len()) {
                break;
            }
            byte += grapheme.len();
        }
        self.at = Place { line, byte };
    }

    /// The room that there is; the cursor is brought into it.
    pub(super) fn settle(&mut self, columns: usize, height: usize) {
        (self.columns, self.height) = (columns.max(4), height.max(1));
        self.top.line = self.top.line.min(self.lines.len() - 1);
        let (row, _) = self.row_of(self.at);
        let cursor = (self.at.line, row);
        let (top_row, _) = self.row_of(self.top);
        if cursor <= (self.top.line, top_row) {
            self.top = self.start_of(cursor);
            return;
        }
        // The row furthest up from which the cursor is still in view.
        let (mut line, mut row) = cursor;
        for _ in 1..self.height {
            if row > 0 {
                row -= 1;
            } else if line > 0 {
                line -= 1;
                row = self.starts(line).len() - 1;
            } else {
                break;
            }
        }
        self.top = self.start_of((self.top.line, top_row).max((line, row)));
    }

    fn start_of(&self, (line, row): (usize, usize)) -> Place {
        Place { line, byte: self.starts(line).get(row).copied().unwrap_or(0) }
    }

    /// The rows in view.
    pub(super) fn rows(&self) -> Vec<Row> {
        let mut rows = Vec::new();
        for line in self.top.line..self.lines.len() {
            let starts = self.starts(line);
            for (at, &from) in starts.iter().enumerate() {
                if rows.len() >= self.height {
                    return rows;
                }
                if line > self.top.line || from >= self.top.byte {
                    let to = starts.get(at + 1).copied().unwrap_or(self.line(line).len());
                    rows.push(Row { line, from, to });
                }
            }
        }
        rows
    }

    /// Which row of its line a place is on, and where those rows begin.
    fn row_of(&self, place: Place) -> (usize, Vec<usize>) {
        let starts = self.starts(place.line);
        (starts.partition_point(|&start| start <= place.byte).saturating_sub(1), starts)
    }

    /// Where the rows of a line begin.
    fn starts(&self, line: usize) -> Vec<usize> {
        let text = self.line(line);
        let (mut starts, mut used) = (vec![0], 0);
        for (byte, grapheme) in text.grapheme_indices(true) {
            let wide = text::width(&visible(grapheme));
            if used + wide > self.columns && used > 0 {
                starts.push(byte);
                used = 0;
            }
            used += wide;
        }
        starts
    }
}

fn split(text: &str) -> Vec<String> {
    text.split('\n').map(str::to_owned).collect()
}

/// Whether a key is a character.
fn is_typed(key: &str) -> bool {
    key == "space" || key.graphemes(true).count() == 1
}

/// Whether a character parts words.
fn is_between(character: char) -> bool {
    !character.is_alphanumeric() && character != '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(text: &str, keys: &str) -> Area {
        let mut area = Area::new(text);
        area.settle(10, 3);
        for key in keys.split_whitespace() {
            assert!(area.key(key), "{key}");
            area.settle(10, 3);
        }
        area
    }

    #[track_caller]
    fn check(text: &str, keys: &str, expected: &str) {
        let area = typed(text, keys);
        let mut all = area.text();
        let cursor: usize = area.lines[..area.at.line].iter().map(|line| line.len() + 1).sum();
        all.insert(cursor + area.at.byte, '|');
        assert_eq!(all, expected);
    }

    #[test]
    fn lines_are_typed_joined_and_taken_back() {
        check("", "a enter b", "a\nb|");
        check("a\nb", "down backspace", "a|b");
        check("a\nb", "end delete", "a|b");
        check("abc", "right ctrl-k x", "ax|");
        check("a\nb", "end ctrl-k", "a|b");
        check("日本", "right x", "日x|本");
        check("e\u{301}a", "end left backspace", "|a");
        check("ab", "end c d ctrl-z", "ab|");
        check("ab", "ctrl-k ctrl-z", "|ab");
        check("one two", "end ctrl-w", "one |");
        check("{\"key\": 1}", "ctrl-right ctrl-right", "{\"key\": 1|}");
    }

    #[test]
    fn long_lines_go_on_in_the_next_row() {
        let area = typed("0123456789abcdefghijXYZ\nlast", "down right");
        assert_eq!(area.cursor(), Place { line: 0, byte: 11 });
        assert_eq!(area.rows()[1], Row { line: 0, from: 10, to: 20 });
        assert_eq!(typed("0123456789abc\nlast", "down down").cursor(), Place { line: 1, byte: 0 });
        assert_eq!(typed("0123456789abc\nlast", "down down up up").cursor(), Place { line: 0, byte: 0 });
        let wide = typed("日本語日本語", "");
        assert_eq!(wide.rows()[0], Row { line: 0, from: 0, to: 15 });
    }

    #[test]
    fn going_up_and_down_keeps_to_a_column() {
        assert_eq!(typed("abcdef\na\nabcdef", "end left down down").cursor(), Place { line: 2, byte: 5 });
    }

    #[test]
    fn the_cursor_stays_in_view() {
        let area = typed("a\nb\nc\nd\ne", "down down down");
        assert_eq!(area.rows().iter().map(|row| row.line).collect::<Vec<_>>(), [1, 2, 3]);
        let area = typed("a\nb\nc\nd\ne", "down down down up up up");
        assert_eq!(area.rows()[0].line, 0);
    }

    #[test]
    fn what_is_pasted_keeps_its_lines() {
        let mut area = Area::new("{}");
        area.key("right");
        area.paste("1\r\n2\r3");
        assert_eq!(area.text(), "{1\n2\n3}");
    }

    #[test]
    fn unchanged_text_is_what_it_was() {
        for text in ["", "a\r\nb\r\n", "\n\n", "\u{1b}[2J\0"] {
            assert_eq!(Area::new(text).text(), text);
        }
    }
}
