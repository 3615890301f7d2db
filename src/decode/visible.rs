//! Untrusted text made harmless for a terminal: nothing that steers, hides or reorders gets through raw.

use std::borrow::Cow;
use std::fmt::Write as _;

/// `text` with every character that a terminal would obey, hide or reorder by replaced by one that can be seen.
///
/// C0 controls and DEL become control pictures (`␛`, `␊`), everything else of the kind its number (`\u{202e}`).
pub fn visible(text: &str) -> Cow<'_, str> {
    let Some(first) = text.find(is_unsafe) else {
        return Cow::Borrowed(text);
    };
    let (clean, rest) = text.split_at(first);
    let mut shown = String::with_capacity(text.len() + 16);
    shown.push_str(clean);
    push_visible(&mut shown, rest);
    Cow::Owned(shown)
}

/// As [`visible`], and bytes that are not UTF-8 become `\xNN`.
pub fn visible_bytes(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return visible(text);
    }
    let mut shown = String::with_capacity(bytes.len() + 16);
    for chunk in bytes.utf8_chunks() {
        push_visible(&mut shown, chunk.valid());
        push_escaped(&mut shown, chunk.invalid());
    }
    Cow::Owned(shown)
}

/// Appends bytes that are not UTF-8 as `\xNN` each.
pub(super) fn push_escaped(shown: &mut String, bytes: &[u8]) {
    for byte in bytes {
        let _ = write!(shown, "\\x{byte:02x}");
    }
}

fn push_visible(shown: &mut String, text: &str) {
    for c in text.chars() {
        match u32::from(c) {
            // U+2400 and on are pictures of the C0 controls in their order
            code @ 0x00..=0x1f => shown.extend(char::from_u32(0x2400 + code)),
            0x7f => shown.push('\u{2421}'),
            code if is_unsafe(c) => {
                let _ = write!(shown, "\\u{{{code:x}}}");
            }
            _ => shown.push(c),
        }
    }
}

/// Whether a terminal would obey, hide or reorder by `c`.
pub(super) fn is_unsafe(c: char) -> bool {
    match u32::from(c) {
        0x20..=0x7e => false,
        0x00..=0x1f | 0x7f..=0x9f => true,
        code => code >= 0xad && UNSAFE.iter().any(|&(first, last)| (first..=last).contains(&code)),
    }
}

/// Beyond the controls: invisible, reordering, or a character of its own width only together with others.
const UNSAFE: [(u32, u32); 18] = [
    (0x00ad, 0x00ad),     // soft hyphen
    (0x034f, 0x034f),     // combining grapheme joiner
    (0x061c, 0x061c),     // Arabic letter mark
    (0x115f, 0x1160),     // Hangul fillers
    (0x17b4, 0x17b5),     // Khmer inherent vowels
    (0x180b, 0x180f),     // Mongolian variation selectors and vowel separator
    (0x200b, 0x200f),     // zero-width space, joiners, direction marks
    (0x2028, 0x202e),     // line and paragraph separators, bidirectional embeddings and overrides
    (0x2060, 0x206f),     // word joiner, invisible operators, isolates, deprecated formats
    (0x3164, 0x3164),     // Hangul filler
    (0xfdd0, 0xfdef),     // noncharacters
    (0xfe00, 0xfe0d),     // variation selectors but the two that emoji use
    (0xfeff, 0xfeff),     // byte order mark
    (0xffa0, 0xffa0),     // halfwidth Hangul filler
    (0xfff0, 0xfffb),     // interlinear annotation and unassigned specials
    (0xfffe, 0xffff),     // noncharacters
    (0x1d173, 0x1d17a),   // musical format controls
    (0xe0000, 0x10_ffff), // tags, variation selectors supplement, private use planes
];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(bytes: &[u8], expected: &str) {
        assert_eq!(visible_bytes(bytes), expected);
    }

    #[test]
    fn what_a_terminal_obeys_is_spelt_out() {
        check(b"plain", "plain");
        check("grüße 日本 e\u{301} \u{2764}\u{fe0f}".as_bytes(), "grüße 日本 e\u{301} \u{2764}\u{fe0f}");
        check(b"\x1b[31mred\x1b[0m", "␛[31mred␛[0m");
        check(b"a\0b\r\n\t\x7f", "a␀b␍␊␉␡");
        check("\u{9b}31m".as_bytes(), "\\u{9b}31m");
        check("\u{202e}gpj.exe".as_bytes(), "\\u{202e}gpj.exe");
        check("a\u{200b}b\u{2028}c\u{feff}".as_bytes(), "a\\u{200b}b\\u{2028}c\\u{feff}");
        check("\u{2066}x\u{2069}\u{ad}".as_bytes(), "\\u{2066}x\\u{2069}\\u{ad}");
        check("\u{e0041}".as_bytes(), "\\u{e0041}");
        check(b"ok\xff\xc3", "ok\\xff\\xc3");
        check(b"\xed\xa0\x80", "\\xed\\xa0\\x80"); // a lone surrogate is not UTF-8
    }

    #[test]
    fn clean_text_is_not_copied() {
        assert!(matches!(visible("clean ✓"), Cow::Borrowed(_)));
    }

    proptest! {
        #[test]
        fn nothing_unsafe_is_left(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let shown = visible_bytes(&bytes);
            prop_assert!(!shown.chars().any(|c| c.is_control() || is_unsafe(c)));
        }

        #[test]
        fn showing_twice_changes_nothing(text in any::<String>()) {
            let once = visible(&text).into_owned();
            prop_assert_eq!(visible(&once).into_owned(), once);
        }
    }
}
