//! Text line by line; bytes that are not UTF-8 are shown as `\xNN`.

use super::line::Sheet;
use super::{Decoder, Limits, Line, Payload, Style, clip, visible_bytes};
use crate::ws::Opcode;

/// Every byte in its place: line feeds end lines and are shown, tabs are not widened.
pub fn raw_lines<'a>(payload: impl Into<Payload<'a>>, limits: &Limits) -> Vec<Line> {
    lines(payload.into(), limits, Spacing::Shown)
}

/// The view for whatever can be read as it stands.
pub(super) struct Text;

impl Decoder for Text {
    fn recognises(&self, opcode: Opcode, payload: Payload) -> bool {
        opcode == Opcode::Text || is_printable(payload)
    }

    fn summary(&self, payload: Payload, max_chars: usize) -> String {
        // a character takes at most four bytes
        let start = &payload.bytes[..payload.bytes.len().min(max_chars.saturating_mul(4).saturating_add(4))];
        clip(&visible_bytes(start), max_chars)
    }

    fn pretty(&self, payload: Payload, limits: &Limits) -> Vec<Line> {
        lines(payload, limits, Spacing::Widened)
    }
}

/// What becomes of white space that is not a blank.
#[derive(Clone, Copy, PartialEq)]
enum Spacing {
    /// Tabs go to the next stop, line ends are not shown.
    Widened,
    /// Each is shown as its picture.
    Shown,
}

/// Columns from one tab stop to the next.
const TAB: usize = 4;

fn lines(payload: Payload, limits: &Limits, spacing: Spacing) -> Vec<Line> {
    let mut sheet = Sheet::new(*limits);
    let shown = push_lines(&mut sheet, payload.bytes, spacing);
    if (shown as u64) < payload.total {
        sheet.remark(Style::Comment, &format!("… {shown} of {} bytes shown", payload.total));
    }
    sheet.finish()
}

/// Puts text on the sheet until it is full; gives how many bytes that took.
pub(super) fn push_plain(sheet: &mut Sheet, bytes: &[u8]) -> usize {
    push_lines(sheet, bytes, Spacing::Widened)
}

fn push_lines(sheet: &mut Sheet, bytes: &[u8], spacing: Spacing) -> usize {
    let mut done = 0;
    while done < bytes.len() && !sheet.is_full() {
        let rest = &bytes[done..];
        let (line, end) = match memchr::memchr(b'\n', rest) {
            Some(at) => (&rest[..at], &rest[at..=at]),
            None => (rest, &rest[rest.len()..]),
        };
        let taken = push_line(sheet, line, spacing);
        done += taken;
        if taken < line.len() {
            // too long for one line: it goes on in the next
            sheet.end_line();
            continue;
        }
        if spacing == Spacing::Shown && !end.is_empty() {
            sheet.push(Style::Dim, end);
        }
        done += end.len();
        sheet.end_line();
    }
    done
}

fn push_line(sheet: &mut Sheet, line: &[u8], spacing: Spacing) -> usize {
    let mut line_shown = 0;
    let mut column = 0;
    for chunk in line.utf8_chunks() {
        for piece in chunk.valid().split_inclusive('\t') {
            if sheet.is_full() {
                return line_shown;
            }
            let (words, tab) = match piece.strip_suffix('\t') {
                Some(words) if spacing == Spacing::Widened => (words, 1),
                _ => (piece, 0),
            };
            let taken = sheet.push(Style::Plain, words.as_bytes());
            line_shown += taken;
            if taken < words.len() {
                return line_shown;
            }
            column += words.chars().count();
            if tab == 1 {
                let blanks = TAB - column % TAB;
                sheet.push(Style::Plain, &b"    "[..blanks]);
                column += blanks;
                line_shown += 1;
            }
        }
        if sheet.is_full() {
            return line_shown;
        }
        if !chunk.invalid().is_empty() {
            line_shown += sheet.push(Style::Error, chunk.invalid());
        }
    }
    line_shown
}

/// Valid UTF-8 with no controls but white space, at least in its start.
fn is_printable(payload: Payload) -> bool {
    let start = super::line::cut_at_char(payload.bytes, ENOUGH);
    let text = match std::str::from_utf8(start) {
        Ok(text) => text,
        // the end of what is at hand may lie inside a character
        Err(error) if error.error_len().is_none() && !payload.is_whole() => {
            &String::from_utf8_lossy(&start[..error.valid_up_to()])
        }
        Err(_) => return false,
    };
    !text.chars().any(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r'))
}

/// How much of a payload is read to tell what it is.
const ENOUGH: usize = 64 << 10;
