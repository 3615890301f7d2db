//! Bytes as offsets, hex digits and ASCII, addressable by line.

use std::fmt::Write as _;

use super::{Decoder, Limits, Line, Payload, Span, Style};
use crate::ws::Opcode;

/// Bytes on one line of [`hex_lines`].
pub const HEX_WIDTH: usize = 16;

/// The lines of a slice that begins at `base_offset` of its payload: a page at a time of however much there is.
pub fn hex_lines(slice: &[u8], base_offset: u64) -> Vec<Line> {
    lines(slice, base_offset).collect()
}

/// As [`hex_lines`], made one after the other.
pub(super) fn lines(slice: &[u8], base_offset: u64) -> impl Iterator<Item = Line> {
    let offsets = (base_offset..).step_by(HEX_WIDTH);
    slice.chunks(HEX_WIDTH).zip(offsets).map(|(row, offset)| hex_line(row, offset))
}

/// Shows anything, so that it stands last in the table.
pub(super) struct Hex;

impl Decoder for Hex {
    fn recognises(&self, _: Opcode, _: Payload) -> bool {
        true
    }

    fn summary(&self, payload: Payload, max_chars: usize) -> String {
        let mut shown = String::new();
        for byte in payload.bytes.iter().take(max_chars / 3 + 1) {
            let _ = write!(shown, "{byte:02x} ");
        }
        if payload.total > (max_chars / 3 + 1) as u64 {
            shown.push('…');
        }
        super::clip(shown.trim_end(), max_chars)
    }

    fn pretty(&self, payload: Payload, limits: &Limits) -> Vec<Line> {
        let rows = limits.lines.min(limits.bytes / ROW_BYTES + 1);
        let shown = payload.bytes.len().min(rows * HEX_WIDTH);
        let mut lines = hex_lines(&payload.bytes[..shown], 0);
        if payload.total > shown as u64 {
            let text = format!("… {shown} of {} bytes shown", payload.total);
            lines.push(vec![Span { text, style: Style::Comment }]);
        }
        lines
    }
}

/// About the length of one line.
const ROW_BYTES: usize = 78;

fn hex_line(row: &[u8], offset: u64) -> Line {
    let mut digits = String::with_capacity(HEX_WIDTH * 3 + 2);
    for place in 0..HEX_WIDTH {
        if place == HEX_WIDTH / 2 {
            digits.push(' ');
        }
        match row.get(place) {
            Some(byte) => {
                let _ = write!(digits, "{byte:02x} ");
            }
            None => digits.push_str("   "),
        }
    }
    let ascii = row.iter().map(|&byte| if (0x20..0x7f).contains(&byte) { char::from(byte) } else { '.' });
    vec![
        Span { text: format!("{offset:08x}  "), style: Style::Dim },
        Span { text: digits, style: Style::Plain },
        Span { text: " |".to_owned(), style: Style::Punctuation },
        Span { text: ascii.collect(), style: Style::String },
        Span { text: "|".to_owned(), style: Style::Punctuation },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::plain;

    #[test]
    fn a_line_holds_sixteen_bytes_and_pads_the_last() {
        let lines = hex_lines(b"Hello, hex!\x00\x1b\xff\x80~world", 0x10);
        assert_eq!(
            plain(&lines[0]),
            "00000010  48 65 6c 6c 6f 2c 20 68  65 78 21 00 1b ff 80 7e  |Hello, hex!....~|"
        );
        assert_eq!(plain(&lines[1]), "00000020  77 6f 72 6c 64                                    |world|");
    }

    #[test]
    fn a_line_far_in_has_its_true_offset() {
        assert!(plain(&hex_lines(b"x", 5 << 32)[0]).starts_with("500000000  78"));
    }

    #[test]
    fn summaries_and_pages_say_what_is_missing() {
        assert_eq!(Hex.summary((&[0xde, 0xad, 0xbe, 0xef][..]).into(), 40), "de ad be ef");
        assert_eq!(Hex.summary((&[0xde; 100][..]).into(), 10), "de de de …");
        let lines = Hex.pretty((&[0; 100][..]).into(), &Limits { lines: 2, ..Limits::default() });
        assert_eq!(plain(&lines[2]), "… 32 of 100 bytes shown");
    }
}
