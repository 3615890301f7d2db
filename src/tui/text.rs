//! Text that fits: widths as the terminal counts them, cutting and padding, sizes and times in few characters.

use std::time::Duration;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// How many columns `text` takes.
pub(super) fn width(text: &str) -> usize {
    text.width()
}

/// `text` cut to at most `columns`, with `…` where something was cut off.
pub(super) fn cut(text: &str, columns: usize) -> String {
    // Bytes are never fewer than half the columns, so most texts need no measuring.
    if text.len() <= columns || width(text) <= columns {
        return text.to_owned();
    }
    let Some(room) = columns.checked_sub(1) else { return String::new() };
    let (mut used, mut end) = (0, 0);
    for (at, grapheme) in text.grapheme_indices(true) {
        used += width(grapheme);
        if used > room {
            break;
        }
        end = at + grapheme.len();
    }
    format!("{}…", &text[..end])
}

/// `text` cut or padded on the right to exactly `columns`.
pub(super) fn left(text: &str, columns: usize) -> String {
    let mut text = cut(text, columns);
    let missing = columns.saturating_sub(width(&text));
    text.extend(std::iter::repeat_n(' ', missing));
    text
}

/// `text` cut or padded on the left to exactly `columns`.
pub(super) fn right(text: &str, columns: usize) -> String {
    let text = cut(text, columns);
    format!("{}{text}", " ".repeat(columns.saturating_sub(width(&text))))
}

/// How many bytes of `text` fit into `columns`, broken between graphemes, and how wide they are. Looks no further
/// than that, however long the text.
pub(super) fn fitting(text: &str, columns: usize) -> (usize, usize) {
    let start = text.as_bytes().get(..columns + 1).unwrap_or(text.as_bytes());
    if start.iter().all(|byte| (b' '..0x7f).contains(byte)) {
        let fits = start.len().min(columns);
        return (fits, fits);
    }
    let (mut end, mut used) = (0, 0);
    for grapheme in text.graphemes(true) {
        let wide = width(grapheme);
        if used + wide > columns {
            break;
        }
        (end, used) = (end + grapheme.len(), used + wide);
    }
    (end, used)
}

/// How many bytes the first grapheme has.
pub(super) fn first(text: &str) -> usize {
    text.graphemes(true).next().map_or(0, str::len)
}

/// `text` in pieces of at most `columns`, broken between graphemes; at least one piece.
pub(super) fn wrap(text: &str, columns: usize) -> Vec<&str> {
    let columns = columns.max(2);
    if text.len() <= columns {
        return vec![text];
    }
    let (mut pieces, mut from, mut used) = (Vec::new(), 0, 0);
    for (at, grapheme) in text.grapheme_indices(true) {
        let wide = width(grapheme);
        if used + wide > columns && at > from {
            pieces.push(&text[from..at]);
            (from, used) = (at, 0);
        }
        used += wide;
    }
    pieces.push(&text[from..]);
    pieces
}

/// A sentence broken between words into lines of at most `columns`.
pub(super) fn fold(text: &str, columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if width(line) + 1 + width(word) <= columns => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines.iter().flat_map(|line| wrap(line, columns)).map(str::to_owned).collect()
}

/// An amount of bytes: `41 B`, `1.2 kB`, `18.2 MB`.
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64 / 1000.0;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    let digits = usize::from(value < 99.95);
    format!("{value:.digits$} {}", UNITS[unit])
}

/// A count with its thousands apart: `4 812`.
pub(super) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(' ');
        }
        out.push(digit);
    }
    out
}

/// A count in at most five characters: `4812`, `48.1k`, `1.2M`.
pub(super) fn short_count(number: u64) -> String {
    let value = number as f64;
    match number {
        0..=99_999 => number.to_string(),
        100_000..=999_499 => format!("{:.0}k", value / 1e3),
        999_500..=99_949_999 => format!("{:.1}M", value / 1e6),
        99_950_000..=999_499_999 => format!("{:.0}M", value / 1e6),
        _ => format!("{:.1}G", value / 1e9),
    }
}

/// A time that passed, for ages: `0.4s`, `12s`, `2m10`, `3h05`, `4d02`.
pub(super) fn age(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..=9 => format!("{:.1}s", time.as_secs_f64().min(9.9)),
        10..=59 => format!("{seconds}s"),
        60..=3599 => format!("{}m{:02}", seconds / 60, seconds % 60),
        3600..=86_399 => format!("{}h{:02}", seconds / 3600, seconds / 60 % 60),
        _ => format!("{}d{:02}", seconds / 86_400, seconds / 3600 % 24),
    }
}

/// A short time: `3 µs`, `3.1 ms`, `467 ms`, `1.2 s`, `2 m 10 s`.
pub(super) fn span(time: Duration) -> String {
    let micros = time.as_micros();
    let millis = time.as_secs_f64() * 1e3;
    match micros {
        0..=999 => format!("{micros} µs"),
        1_000..=9_949 => format!("{millis:.1} ms"),
        9_950..=999_499 => format!("{millis:.0} ms"),
        999_500..=9_949_999 => format!("{:.1} s", time.as_secs_f64()),
        9_950_000..=59_999_999 => format!("{} s", time.as_secs()),
        _ => age(time),
    }
}

/// The time since the message before: `+3ms`, `+1.2s`.
pub(super) fn gap(time: Duration) -> String {
    format!("+{}", span(time).replace(' ', ""))
}

/// A moment in a session: `12.031`, `1:02:05.0`.
pub(super) fn moment(time: Duration) -> String {
    let seconds = time.as_secs();
    if seconds < 1000 {
        format!("{seconds}.{:03}", time.subsec_millis())
    } else {
        format!(
            "{}:{:02}:{:02}.{}",
            seconds / 3600,
            seconds / 60 % 60,
            seconds % 60,
            time.subsec_millis() / 100
        )
    }
}

/// `1 message`, `2 messages`.
pub(super) fn plural(number: u64, one: &str) -> String {
    format!("{} {one}{}", count(number), if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_and_combining_characters_are_cut_at_the_column() {
        assert_eq!(cut("日本語テキスト", 7), "日本語…");
        assert_eq!(cut("日本語テキスト", 6), "日本…");
        assert_eq!(width(&left("日本語テキスト", 6)), 6);
        assert_eq!(cut("e\u{301}e\u{301}e\u{301}", 2), "e\u{301}…");
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("abcd", 0), "");
        assert_eq!(right("ab", 4), "  ab");
    }

    #[test]
    fn wrapping_keeps_every_grapheme() {
        assert_eq!(wrap("日本語テ", 5), ["日本", "語テ"]);
        assert_eq!(wrap("", 5), [""]);
        assert_eq!(fold("one two three", 7), ["one two", "three"]);
    }

    #[test]
    fn sizes_counts_and_times_are_short() {
        assert_eq!(
            [size(41), size(1_234), size(99_960), size(999_700), size(18_200_000)],
            ["41 B", "1.2 kB", "100 kB", "1.0 MB", "18.2 MB"]
        );
        assert_eq!([count(4_812), count(12), count(1_000_000)], ["4 812", "12", "1 000 000"]);
        assert_eq!(
            [short_count(99_999), short_count(123_456), short_count(10_000_000)],
            ["99999", "123k", "10.0M"]
        );
        let millis = Duration::from_millis;
        assert_eq!([age(millis(430)), age(millis(12_000)), age(millis(130_000))], ["0.4s", "12s", "2m10"]);
        assert_eq!([gap(millis(3)), gap(millis(467)), gap(millis(1_200))], ["+3.0ms", "+467ms", "+1.2s"]);
        assert_eq!([moment(millis(12_031)), moment(millis(3_725_040))], ["12.031", "1:02:05.0"]);
    }
}
