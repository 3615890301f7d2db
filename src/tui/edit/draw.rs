//! The editor on the screen: what is edited, its lines, and what is wrong with them.

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};
use unicode_segmentation::UnicodeSegmentation;

use super::area::{Place, Row};
use super::form::{Form, WIDTH};
use super::{Editor, KEYS};
use crate::decode::visible;
use crate::tui::text;
use crate::tui::theme::Theme;

/// The rule above the text, and what is thought of it below.
const AROUND: usize = 2;
/// An offset in hex, and the air behind it.
const OFFSET: usize = 11;
/// Air, and the octets as characters.
const CHARACTERS: usize = 3 + WIDTH;

/// How many columns and rows the text itself has.
pub(super) fn room(editor: &Editor, columns: usize, height: usize) -> (usize, usize) {
    // The last column is for the cursor behind a full row.
    let beside = gutter(editor) + if editor.form == Form::Hex { CHARACTERS } else { 1 };
    (columns.saturating_sub(beside), height.saturating_sub(AROUND))
}

/// The columns before the text.
fn gutter(editor: &Editor) -> usize {
    match editor.form {
        Form::Hex => OFFSET,
        _ => editor.area.line_count().to_string().len().max(3) + 2,
    }
}

/// Draws the editor; `state` says in a few words how what is edited fares meanwhile.
pub(in crate::tui) fn render(frame: &mut Frame<'_>, area: Rect, editor: &Editor, state: &str, theme: Theme) {
    if area.height < 3 {
        return;
    }
    let line = |row: u16| Rect { y: area.y + row, height: 1, ..area };
    frame.render_widget(head(editor, state, area.width as usize, theme), line(0));
    let rows = editor.area.rows();
    let mut offsets = Offsets::before(editor, rows.first());
    let cursor = editor.area.cursor();
    let fault = editor.complaint.as_ref().map(|complaint| editor.area.place_of(complaint.at));
    for (at, row) in rows.iter().enumerate().take(area.height as usize - AROUND) {
        let place = line(at as u16 + 1);
        let words = &editor.area.line(row.line)[row.from..row.to];
        let gutter = gutter(editor);
        let before = match editor.form {
            Form::Hex => format!(" {:08x}", offsets.take(words)),
            _ if row.from == 0 => text::right(&(row.line + 1).to_string(), gutter - 2),
            _ => String::new(),
        };
        let mut spans = vec![
            Span::styled(text::left(&before, gutter), theme.dim()),
            Span::styled(visible(words).into_owned(), theme.text()),
        ];
        if editor.form == Form::Hex {
            let used = gutter + text::width(&visible(words));
            let column = (area.width as usize).saturating_sub(WIDTH + 1).min(gutter + WIDTH * 3 + 3);
            spans.push(Span::raw(" ".repeat(column.saturating_sub(used).max(1))));
            spans.push(Span::styled(characters(words), theme.dim()));
        }
        frame.render_widget(Line::from(spans), place);
        if let Some(column) = fault.and_then(|fault| column_of(editor, row, fault)) {
            let x = place.x + (gutter + column).min(place.width as usize - 1) as u16;
            frame.buffer_mut()[(x, place.y)].set_style(theme.found());
        }
        if let Some(column) = column_of(editor, row, cursor) {
            let x = place.x + (gutter + column).min(place.width as usize - 1) as u16;
            frame.set_cursor_position(Position::new(x, place.y));
        }
    }
    frame.render_widget(verdict(editor, area.width as usize, theme), line(area.height - 1));
}

/// The keys to hint at.
pub(in crate::tui) fn hints() -> impl Iterator<Item = (&'static str, &'static str)> {
    KEYS.iter().map(|(key, hint, _)| (*key, *hint))
}

fn head(editor: &Editor, state: &str, width: usize, theme: Theme) -> Line<'static> {
    let changed = if editor.is_changed() { " · changed" } else { "" };
    let title = text::cut(&editor.title, width.saturating_sub(12 + text::width(changed)));
    let right = text::cut(state, width.saturating_sub(text::width(&title) + text::width(changed) + 12));
    let used = text::width(&title) + text::width(changed) + text::width(&right) + 8;
    Line::from(vec![
        Span::styled("━━ ", theme.accent()),
        Span::styled(title, theme.accent()),
        Span::styled(changed, theme.odd()),
        Span::styled(format!(" {} ", "━".repeat(width.saturating_sub(used))), theme.accent()),
        Span::raw(right),
        Span::styled(" ━━", theme.accent()),
    ])
}

fn verdict(editor: &Editor, width: usize, theme: Theme) -> Line<'static> {
    let (line, column) = editor.area.position();
    let place = format!("{line}:{column} ");
    let room = width.saturating_sub(text::width(&place) + 4);
    let (sign, words, style) = match (&editor.note, editor.complaint()) {
        (Some(note), complaint) => {
            let style = if complaint.is_some() { theme.bad() } else { theme.heading() };
            ("!", note.clone(), style)
        }
        (None, Some(complaint)) => ("✗", complaint, theme.bad()),
        (None, None) => ("✓", editor.form.name().to_owned(), theme.good()),
    };
    let words = text::left(&words, room);
    Line::from(vec![Span::styled(format!(" {sign} {words} "), style), Span::styled(place, theme.dim())])
}

/// The column of a place, where it is on that row.
fn column_of(editor: &Editor, row: &Row, place: Place) -> Option<usize> {
    let line = editor.area.line(row.line);
    let is_here = place.line == row.line
        && place.byte >= row.from
        && (place.byte < row.to || row.to == line.len() && place.byte == row.to);
    is_here.then(|| text::width(&visible(&line[row.from..place.byte])))
}

/// Counts octets over rows of digits.
struct Offsets(usize);

impl Offsets {
    fn before(editor: &Editor, first: Option<&Row>) -> Offsets {
        let Some(first) = first.filter(|_| editor.form == Form::Hex) else { return Offsets(0) };
        let lines = (0..first.line).map(|line| digits(editor.area.line(line)));
        let part = digits(&editor.area.line(first.line)[..first.from]);
        Offsets(lines.sum::<usize>() + part)
    }

    /// How many octets there are before `words`.
    fn take(&mut self, words: &str) -> usize {
        let before = self.0 / 2;
        self.0 += digits(words);
        before
    }
}

fn digits(words: &str) -> usize {
    words.chars().filter(char::is_ascii_hexdigit).count()
}

/// Octets in hex as characters, a point for what has none.
fn characters(words: &str) -> String {
    let digits: Vec<u32> =
        words.graphemes(true).filter_map(|word| word.chars().next()?.to_digit(16)).collect();
    let octets = digits.chunks_exact(2).map(|pair| (pair[0] << 4 | pair[1]) as u8);
    octets.map(|octet| if (b' '..0x7f).contains(&octet) { char::from(octet) } else { '.' }).collect()
}
