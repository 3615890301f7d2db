//! How lines for eyes look: colours, the width they are cut to, the zone of their times.

use std::time::SystemTime;

use time::{OffsetDateTime, UtcOffset};
use unicode_width::UnicodeWidthChar;

/// What the output is like.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// Whether colours are wanted. Nothing is said by colour alone.
    pub colour: bool,
    /// How many columns there are, asked anew for each line; none where lines are not cut.
    pub width: fn() -> Option<usize>,
    /// The zone in which times are shown.
    pub zone: UtcOffset,
}

impl Style {
    /// For files and pipes: no colours, nothing cut, times in UTC.
    pub const PLAIN: Style = Style { colour: false, width: || None, zone: UtcOffset::UTC };

    /// For the standard output as it is, in the user's time zone. The zone can only be found while the program has
    /// no second thread: call this early.
    #[cfg(feature = "cli")]
    pub fn for_stdout() -> Style {
        use std::io::IsTerminal;
        let zone = UtcOffset::current_local_offset().unwrap_or(UtcOffset::UTC);
        if !std::io::stdout().is_terminal() {
            return Style { zone, ..Style::PLAIN };
        }
        let says_no = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let width = || terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
        Style { colour: !dumb && !says_no("NO_COLOR"), width, zone }
    }

    /// The time of day to the millisecond, with a `Z` where it is UTC.
    pub(super) fn clock(&self, time: SystemTime) -> String {
        let time = OffsetDateTime::from(time).to_offset(self.zone);
        let zone = if self.zone.is_utc() { "Z" } else { "" };
        let (hour, minute, second) = (time.hour(), time.minute(), time.second());
        format!("{hour:02}:{minute:02}:{second:02}.{:03}{zone}", time.millisecond())
    }
}

/// What a stretch of a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Paint {
    Plain,
    Dim,
    Bold,
    ToServer,
    ToClient,
    Good,
    Bad,
}

impl Paint {
    /// The parameters of SGR (ECMA-48 8.3.117) that begin it.
    fn begin(self) -> &'static str {
        match self {
            Paint::Plain => "",
            Paint::Dim => "\x1b[2m",
            Paint::Bold => "\x1b[1m",
            Paint::ToServer => "\x1b[36m",
            Paint::ToClient => "\x1b[35m",
            Paint::Good => "\x1b[32m",
            Paint::Bad => "\x1b[31m",
        }
    }
}

/// A line that is put together stretch by stretch. Its text is safe for a terminal: callers make it so.
#[derive(Default)]
pub(super) struct Painted {
    spans: Vec<(Paint, String)>,
}

impl Painted {
    pub fn push(&mut self, paint: Paint, text: impl Into<String>) -> &mut Painted {
        self.spans.push((paint, text.into()));
        self
    }

    /// How many columns it takes.
    pub fn width(&self) -> usize {
        self.spans.iter().flat_map(|(_, text)| text.chars()).map(columns).sum()
    }

    /// As bytes for the output, cut to the width with an ellipsis where it is too long.
    pub fn render(mut self, style: &Style, width: Option<usize>) -> String {
        if let Some(width) = width
            && self.width() > width
        {
            self.cut(width.saturating_sub(1));
        }
        let mut out = String::new();
        for (paint, text) in &self.spans {
            let begin = if style.colour { paint.begin() } else { "" };
            let end = if begin.is_empty() { "" } else { "\x1b[0m" };
            out.extend([begin, text, end]);
        }
        out.truncate(out.trim_end_matches(' ').len());
        out.push('\n');
        out
    }

    /// Leaves at most `width` columns, and an ellipsis behind them.
    fn cut(&mut self, width: usize) {
        let mut left = width;
        for index in 0..self.spans.len() {
            let text = &mut self.spans[index].1;
            let end = text.char_indices().find(|(_, c)| match left.checked_sub(columns(*c)) {
                Some(rest) => {
                    left = rest;
                    false
                }
                None => true,
            });
            if let Some((end, _)) = end {
                text.truncate(end);
                text.push('…');
                self.spans.truncate(index + 1);
                return;
            }
        }
    }
}

fn columns(c: char) -> usize {
    c.width().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(spans: &[(Paint, &str)], colour: bool, width: Option<usize>, expected: &str) {
        let mut line = Painted::default();
        for (paint, text) in spans {
            line.push(*paint, *text);
        }
        assert_eq!(line.render(&Style { colour, ..Style::PLAIN }, width), expected);
    }

    #[test]
    fn colours_are_there_only_when_wanted() {
        let spans = [(Paint::Bad, "⚠"), (Paint::Plain, " odd  ")];
        check(&spans, false, None, "⚠ odd\n");
        check(&spans, true, None, "\x1b[31m⚠\x1b[0m odd\n");
    }

    #[test]
    fn a_line_is_cut_by_columns_and_not_by_characters() {
        let spans = [(Paint::Plain, "ab"), (Paint::Bold, "日本語 e\u{301}x")];
        check(&spans, false, Some(11), "ab日本語 e\u{301}x\n");
        check(&spans, false, Some(10), "ab日本語 …\n");
        check(&spans, false, Some(8), "ab日本…\n");
        check(&spans, false, Some(6), "ab日…\n");
        check(&spans, true, Some(6), "ab\x1b[1m日…\x1b[0m\n");
        check(&spans, false, Some(2), "a…\n");
        check(&spans, false, Some(0), "…\n");
    }

    #[test]
    fn times_are_in_the_zone_that_is_wanted() {
        let time = SystemTime::UNIX_EPOCH + std::time::Duration::from_millis(52_200_120);
        assert_eq!(Style::PLAIN.clock(time), "14:30:00.120Z");
        let zone = UtcOffset::from_hms(1, 0, 0).unwrap();
        assert_eq!(Style { zone, ..Style::PLAIN }.clock(time), "15:30:00.120");
    }
}
