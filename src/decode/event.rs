//! What JSON, MessagePack and CBOR have in common: a value as a flat row of events, read without a tree.

use std::borrow::Cow;

use super::Payload;

/// One step through a value. Containers nest by [`Event::Map`], [`Event::Array`] and [`Event::End`].
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Event<'a> {
    /// Keys and values follow in turn.
    Map,
    /// Items follow.
    Array,
    /// The innermost map or array is over.
    End,
    /// A CBOR tag: the value it is about follows (RFC 8949 3.4).
    Tag(u64),
    /// A string.
    Text(Text<'a>),
    /// A number as it is spelt, or as one would spell it.
    Number(Cow<'a, str>),
    /// `true`, `null`, `undefined`, `simple(5)`.
    Literal(Cow<'a, str>),
    /// A byte string.
    Bytes(Cow<'a, [u8]>),
    /// A MessagePack extension.
    Extension(i8, &'a [u8]),
    /// A mark between one JSON text and the next (RFC 7464).
    Separator,
}

/// A string, as its format keeps it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Text<'a> {
    /// With quotation marks and escapes, as JSON spells it.
    Json(&'a str),
    /// The characters themselves; not always UTF-8.
    Characters(Cow<'a, [u8]>),
}

impl<'a> Text<'a> {
    /// What it says, escapes undone.
    pub(super) fn content(&self) -> Cow<'_, str> {
        match self {
            Text::Json(spelling) => unescape(spelling),
            Text::Characters(bytes) => String::from_utf8_lossy(bytes),
        }
    }
}

/// Where a payload stops making sense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// At which byte.
    pub(super) at: usize,
    /// What was expected there.
    pub(super) expected: Cow<'static, str>,
    /// Whether it is only that the payload ends here.
    pub(super) is_end: bool,
}

impl Fault {
    pub(super) fn new(at: usize, expected: impl Into<Cow<'static, str>>) -> Fault {
        Fault { at, expected: expected.into(), is_end: false }
    }

    pub(super) fn end(at: usize, expected: impl Into<Cow<'static, str>>) -> Fault {
        Fault { at, expected: expected.into(), is_end: true }
    }
}

/// Reads one value from a payload, or several where the format has a way to tell them apart.
pub(super) trait Reader<'a>: Sized {
    /// Begins with the value at byte `position`.
    fn at(payload: &'a [u8], position: usize) -> Self;

    /// The next event; none when all values are over and nothing but white space follows.
    fn step(&mut self) -> Result<Option<Event<'a>>, Fault>;

    /// Where the last event began.
    fn start(&self) -> usize;

    /// How far everything has been turned into events: what follows has not been seen.
    fn position(&self) -> usize;

    /// Takes a value that nobody asks about; whether there was one.
    fn skip_value(&mut self) -> Result<bool, Fault> {
        let Some(first) = self.step()? else { return Ok(false) };
        self.skip(&first)?;
        Ok(true)
    }

    /// Takes the rest of a value whose first event was `first`.
    fn skip(&mut self, first: &Event<'a>) -> Result<(), Fault> {
        let mut depth = 0_usize;
        let mut event = Cow::Borrowed(first);
        loop {
            match *event {
                Event::Map | Event::Array => depth += 1,
                Event::End => depth = depth.saturating_sub(1),
                _ => {}
            }
            // a tag's value is still to come
            if depth == 0 && !matches!(*event, Event::Tag(_)) {
                return Ok(());
            }
            match self.step()? {
                Some(next) => event = Cow::Owned(next),
                None => return Ok(()),
            }
        }
    }
}

/// Whether the payload is one value from its first byte to its last, as far as it is at hand.
pub(super) fn is_one_value<'a, R: Reader<'a>>(payload: Payload<'a>) -> bool {
    let start = &payload.bytes[..payload.bytes.len().min(ENOUGH)];
    let mut reader = R::at(start, 0);
    loop {
        match reader.step() {
            // bytes that merely happen to parse seldom hold strings that are UTF-8
            Ok(Some(Event::Text(Text::Characters(bytes)))) if std::str::from_utf8(&bytes).is_err() => {
                return false;
            }
            Ok(Some(_)) => {}
            Ok(None) => return payload.total == start.len() as u64,
            Err(fault) => return fault.is_end && payload.total > start.len() as u64,
        }
    }
}

/// How much of a payload is read to tell what it is.
const ENOUGH: usize = 1 << 20;

/// Maps and arrays within each other, at the most.
pub(super) const DEPTH_LIMIT: usize = 1024;

/// Undoes the escapes of a JSON string that is well formed (RFC 8259 7); lone surrogates become U+FFFD.
pub(super) fn unescape(spelling: &str) -> Cow<'_, str> {
    let inner = spelling.strip_prefix('"').unwrap_or(spelling);
    let inner = inner.strip_suffix('"').unwrap_or(inner);
    if !inner.contains('\\') {
        return Cow::Borrowed(inner);
    }
    let mut content = String::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(at) = rest.find('\\') {
        content.push_str(&rest[..at]);
        rest = push_unescaped(&mut content, &rest[at + 1..]);
    }
    content.push_str(rest);
    Cow::Owned(content)
}

/// Takes one escape, its backslash already gone; gives what follows.
fn push_unescaped<'a>(content: &mut String, rest: &'a str) -> &'a str {
    let mut chars = rest.chars();
    match chars.next() {
        Some('b') => content.push('\u{8}'),
        Some('f') => content.push('\u{c}'),
        Some('n') => content.push('\n'),
        Some('r') => content.push('\r'),
        Some('t') => content.push('\t'),
        Some('u') => {
            let high = unit(chars.as_str());
            let low = chars.as_str().get(4..).and_then(|rest| rest.strip_prefix("\\u")).and_then(unit);
            return match (high, low) {
                (Some(high @ 0xd800..=0xdbff), Some(low @ 0xdc00..=0xdfff)) => {
                    let code = 0x1_0000 + ((u32::from(high) - 0xd800) << 10) + (u32::from(low) - 0xdc00);
                    content.extend(char::from_u32(code));
                    &rest[11..]
                }
                (Some(unit), _) => {
                    content.push(char::from_u32(unit.into()).unwrap_or(char::REPLACEMENT_CHARACTER));
                    &rest[5..]
                }
                (None, _) => chars.as_str(),
            };
        }
        Some(other) => content.push(other),
        None => {}
    }
    chars.as_str()
}

fn unit(digits: &str) -> Option<u16> {
    u16::from_str_radix(digits.get(..4)?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_undone() {
        assert_eq!(unescape(r#""plain""#), "plain");
        assert_eq!(unescape(r#""a\n\"\\\/\u00e9""#), "a\n\"\\/é");
        assert_eq!(unescape(r#""\ud83d\ude00!""#), "😀!");
        assert_eq!(unescape(r#""\ud83dx\ude00""#), "\u{fffd}x\u{fffd}");
        assert_eq!(unescape(r#""\ud83d\u0041""#), "\u{fffd}A");
        assert_eq!(unescape(r#""\u00""#), "00");
    }
}
