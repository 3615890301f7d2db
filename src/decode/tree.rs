//! Prints a value, event by event, on one line or over many.

use std::borrow::Cow;
use std::collections::HashSet;

use super::event::{Event, Fault, Reader, Text};
use super::line::Sheet;
use super::spell::{BYTES_SHOWN, EPOCH_TAG, epoch, extension, hex_string, is_name, quote, tag_name};
use super::{Limits, Line, Payload, Style, clip, plain, text};

/// How strings, keys and separators are spelt.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// As in the payload itself.
    Json,
    /// For binary formats: nearly the diagnostic notation of RFC 8949 8, keys that are names without quotes.
    Diagnostic,
}

/// The value on one line.
pub(super) fn summary<'a, R: Reader<'a>>(dialect: Dialect, payload: Payload<'a>, max_chars: usize) -> String {
    // a character takes at most four bytes, or ten where it is spelt out
    let limits = Limits { lines: 1, bytes: max_chars.saturating_mul(10).saturating_add(16), width: 0 };
    let layout = if dialect == Dialect::Json { Layout::Compact } else { Layout::Spaced };
    // the rest of a long payload is not even looked at
    let enough = limits.bytes.saturating_mul(4).min(payload.bytes.len());
    let payload = Payload::start_of(&payload.bytes[..enough], payload.total);
    let mut printer = Printer::<R>::new(dialect, payload, limits, layout);
    if let Err(fault) = printer.print()
        && !printer.sheet.is_full()
    {
        let is_cut = fault.is_end && !payload.is_whole();
        if is_cut && dialect == Dialect::Diagnostic {
            printer.lead();
        } else {
            printer.sheet.push(Style::Plain, printer.rest());
        }
        if is_cut {
            printer.sheet.push(Style::Plain, "…".as_bytes());
        }
    }
    let lines = printer.sheet.finish();
    clip(&lines.first().map(plain).unwrap_or_default(), max_chars)
}

/// The value over as many lines as it takes; where it breaks, why, and the rest as text.
pub(super) fn pretty<'a, R: Reader<'a>>(
    dialect: Dialect,
    payload: Payload<'a>,
    limits: &Limits,
) -> Vec<Line> {
    let mut printer = Printer::<R>::new(dialect, payload, *limits, Layout::Pretty);
    let fault = printer.print().err();
    printer.flush_comments();
    let mut shown = printer.shown;
    let is_full = printer.sheet.is_full();
    match fault {
        Some(fault) if !is_full && (!fault.is_end || payload.is_whole()) => {
            let what = if fault.is_end { "the payload ends here, expected" } else { "expected" };
            printer.sheet.remark(Style::Error, &format!("byte {}: {what} {}", fault.at, fault.expected));
            shown += printer.push_rest();
        }
        _ => {}
    }
    if (shown as u64) < payload.total && (printer.sheet.is_full() || !payload.is_whole()) {
        let remark = format!("… {shown} of {} bytes shown", payload.total);
        printer.sheet.remark(Style::Comment, &remark);
    }
    printer.sheet.finish()
}

/// Where the line breaks are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// None, and no blanks either.
    Compact,
    /// None, a blank after commas and colons.
    Spaced,
    /// One for each item of what does not fit on a line.
    Pretty,
}

struct Printer<'a, R> {
    reader: R,
    payload: &'a [u8],
    dialect: Dialect,
    layout: Layout,
    width: usize,
    stack: Vec<Level>,
    /// Whether a value has begun.
    begun: bool,
    /// Remarks for the end of the line under way.
    comments: Vec<String>,
    sheet: Sheet,
    /// How many bytes of the payload are on the sheet.
    shown: usize,
}

struct Level {
    kind: LevelKind,
    /// Whether the whole of it stays on one line.
    inline: bool,
    /// Keys and values both count.
    items: u64,
    keys: HashSet<Box<str>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum LevelKind {
    Map,
    Array,
    Tag(u64),
}

/// Deeper levels are indented no further: a thousand levels must not make a million blanks.
const INDENT_LIMIT: usize = 40;
const INDENT: usize = 2;
/// Keys of one object that are remembered to find duplicates.
const KEYS_REMEMBERED: usize = 100_000;

impl<'a, R: Reader<'a>> Printer<'a, R> {
    fn new(dialect: Dialect, payload: Payload<'a>, limits: Limits, layout: Layout) -> Printer<'a, R> {
        Printer {
            reader: R::at(payload.bytes, 0),
            payload: payload.bytes,
            dialect,
            layout,
            width: limits.width,
            stack: Vec::new(),
            begun: false,
            comments: Vec::new(),
            sheet: Sheet::new(limits),
            shown: 0,
        }
    }

    fn print(&mut self) -> Result<(), Fault> {
        while !self.sheet.is_full() {
            let Some(event) = self.reader.step()? else {
                return Ok(());
            };
            if event == Event::End {
                self.close();
                if !self.sheet.is_full() {
                    self.shown = self.reader.position();
                }
                continue;
            }
            if event == Event::Separator {
                self.sheet.push(Style::Dim, b"\x1e");
                self.shown = self.reader.position();
                continue;
            }
            self.lead();
            if self.sheet.is_full() {
                return Ok(());
            }
            match event {
                Event::Map => self.open(LevelKind::Map),
                Event::Array => self.open(LevelKind::Array),
                Event::Tag(number) => self.open_tag(number),
                scalar => self.scalar(&scalar),
            }
            self.shown = self.reader.position();
        }
        Ok(())
    }

    fn rest(&self) -> &'a [u8] {
        self.payload.get(self.shown..).unwrap_or_default()
    }

    fn push_rest(&mut self) -> usize {
        let rest = self.rest();
        match self.dialect {
            Dialect::Json => text::push_plain(&mut self.sheet, rest),
            Dialect::Diagnostic => {
                let mut shown = 0;
                for line in super::hex::lines(rest, self.shown as u64) {
                    if self.sheet.is_full() {
                        break;
                    }
                    self.sheet.push_line(line);
                    shown += super::HEX_WIDTH;
                }
                shown.min(rest.len())
            }
        }
    }

    /// What stands before a key, an item or a value.
    fn lead(&mut self) {
        let Some(level) = self.stack.last() else {
            // one more value after the first
            match (std::mem::replace(&mut self.begun, true), self.layout) {
                (true, Layout::Pretty) => self.break_line(0),
                (true, _) => _ = self.sheet.push(Style::Punctuation, b" "),
                (false, _) => {}
            }
            return;
        };
        let (inline, items) = (level.inline, level.items);
        match level.kind {
            LevelKind::Tag(_) => return,
            LevelKind::Map if items % 2 == 1 => {
                let colon: &[u8] = if self.layout == Layout::Compact { b":" } else { b": " };
                self.sheet.push(Style::Punctuation, colon);
                return;
            }
            kind => {
                if items > 0 {
                    self.sheet.push(Style::Punctuation, b",");
                }
                let blank = match self.layout {
                    Layout::Compact => false,
                    Layout::Spaced => items > 0,
                    Layout::Pretty => inline && (items > 0 || kind == LevelKind::Map),
                };
                if blank {
                    self.sheet.push(Style::Punctuation, b" ");
                }
            }
        }
        if !inline {
            self.break_line(self.stack.len());
        }
    }

    fn break_line(&mut self, level: usize) {
        self.flush_comments();
        self.sheet.end_line();
        if self.sheet.is_full() {
            return;
        }
        let blanks = [b' '; INDENT * INDENT_LIMIT];
        self.sheet.push(Style::Punctuation, &blanks[..INDENT * level.min(INDENT_LIMIT)]);
    }

    fn flush_comments(&mut self) {
        for comment in std::mem::take(&mut self.comments) {
            self.sheet.push(Style::Comment, format!("  {comment}").as_bytes());
        }
    }

    fn open(&mut self, kind: LevelKind) {
        let inline = match self.stack.last() {
            _ if self.layout != Layout::Pretty => true,
            Some(level) if level.inline => true,
            _ => self.fits(),
        };
        self.sheet.push(Style::Punctuation, if kind == LevelKind::Map { b"{" } else { b"[" });
        self.stack.push(Level { kind, inline, items: 0, keys: HashSet::new() });
    }

    fn open_tag(&mut self, number: u64) {
        let inline = self.stack.last().is_some_and(|level| level.inline);
        self.sheet.push(Style::Literal, number.to_string().as_bytes());
        self.sheet.push(Style::Punctuation, b"(");
        self.stack.push(Level { kind: LevelKind::Tag(number), inline, items: 0, keys: HashSet::new() });
        if let Some(name) = tag_name(number) {
            self.comment(name.to_owned());
        }
    }

    fn close(&mut self) {
        let Some(level) = self.stack.pop() else {
            return;
        };
        if level.items > 0 && !level.inline {
            self.break_line(self.stack.len());
            if self.sheet.is_full() {
                return;
            }
        }
        let blank = self.layout == Layout::Pretty && level.inline && level.items > 0;
        let close: &[u8] = match level.kind {
            LevelKind::Map if blank => b" }",
            LevelKind::Map => b"}",
            _ => b"]",
        };
        self.sheet.push(Style::Punctuation, close);
        self.item_is_over();
    }

    /// Counts an item; a tag is over with its one value.
    fn item_is_over(&mut self) {
        while let Some(level) = self.stack.last_mut() {
            level.items += 1;
            if !matches!(level.kind, LevelKind::Tag(_)) {
                return;
            }
            self.stack.pop();
            self.sheet.push(Style::Punctuation, b")");
        }
    }

    fn scalar(&mut self, event: &Event) {
        let is_key =
            self.stack.last().is_some_and(|level| level.kind == LevelKind::Map && level.items % 2 == 0);
        let tag = match self.stack.last() {
            Some(Level { kind: LevelKind::Tag(number), .. }) => Some(*number),
            _ => None,
        };
        if is_key && let Event::Text(text) = event {
            self.note_duplicate(text);
        }
        let (style, spelling) = self.spell(event, is_key);
        let taken = self.sheet.push(style, &spelling);
        if taken < spelling.len() {
            self.sheet.push(Style::Comment, "…".as_bytes());
            self.comment(format!("{} bytes", spelling.len()));
        }
        match event {
            Event::Bytes(bytes) if bytes.len() > BYTES_SHOWN => {
                self.comment(format!("{} bytes", bytes.len()));
            }
            Event::Number(number) if tag == Some(EPOCH_TAG) => {
                if let Some(time) = number.parse::<f64>().ok().and_then(epoch) {
                    self.comment(time);
                }
            }
            _ => {}
        }
        self.item_is_over();
    }

    fn note_duplicate(&mut self, text: &Text) {
        if self.layout != Layout::Pretty {
            return;
        }
        let content = text.content();
        let Some(level) = self.stack.last_mut() else {
            return;
        };
        if level.keys.contains(&*content) {
            let shown = clip(&content, 40);
            self.comment(format!("duplicate key {shown:?}"));
        } else if level.keys.len() < KEYS_REMEMBERED {
            level.keys.insert(content.into());
        }
    }

    fn comment(&mut self, comment: String) {
        if self.layout == Layout::Pretty {
            self.comments.push(comment);
        }
    }

    fn spell<'e>(&self, event: &'e Event, is_key: bool) -> (Style, Cow<'e, [u8]>) {
        let text_style = if is_key { Style::Key } else { Style::String };
        match event {
            Event::Text(Text::Json(spelling)) => (text_style, spelling.as_bytes().into()),
            Event::Text(Text::Characters(bytes)) if is_key && is_name(bytes) => {
                (text_style, bytes[..].into())
            }
            Event::Text(Text::Characters(bytes)) => (text_style, quote(bytes).into()),
            Event::Number(number) if is_key => (Style::Key, number.as_bytes().into()),
            Event::Number(number) => (Style::Number, number.as_bytes().into()),
            Event::Literal(literal) => (Style::Literal, literal.as_bytes().into()),
            Event::Bytes(bytes) => (Style::String, hex_string(bytes).into_bytes().into()),
            Event::Extension(kind, bytes) => (Style::Literal, extension(*kind, bytes).into_bytes().into()),
            Event::Map | Event::Array | Event::End | Event::Tag(_) | Event::Separator => {
                (Style::Punctuation, Cow::default())
            }
        }
    }

    /// Whether the container that has just begun fits on one line.
    fn fits(&self) -> bool {
        // what is written with more bytes than this does not fit, unless it is mostly white space
        let start = self.reader.start();
        let end = start.saturating_add(self.width.saturating_mul(4)).min(self.payload.len());
        let near = &self.payload[..end];
        let mut columns = INDENT * self.stack.len().min(INDENT_LIMIT);
        let mut ahead = R::at(near, start);
        let mut depth = 0_usize;
        // an event takes a column or more, but for the ends
        for _ in 0..=2 * self.width {
            let Ok(Some(event)) = ahead.step() else {
                return false;
            };
            columns += match &event {
                Event::Map | Event::Array => {
                    depth += 1;
                    4
                }
                Event::End => {
                    depth -= 1;
                    0
                }
                // it gets a remark, which belongs at the end of its own line
                Event::Tag(number) if tag_name(*number).is_some() || *number == EPOCH_TAG => return false,
                Event::Tag(_) | Event::Separator => 8,
                Event::Bytes(bytes) => bytes.len() * 2 + 5,
                Event::Extension(kind, bytes) => extension(*kind, bytes).len() + 2,
                Event::Text(Text::Json(spelling)) => spelling.len() + 2,
                Event::Text(Text::Characters(bytes)) => bytes.len() + 4,
                Event::Number(word) | Event::Literal(word) => word.len() + 2,
            };
            if columns > self.width {
                return false;
            }
            if depth == 0 {
                return true;
            }
        }
        false
    }
}
