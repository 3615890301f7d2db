//! JSON written key by key, in the order the keys are given: what makes one event one line.

use crate::headless::lines::Lines;

/// An object under way. Dropping it without [`Object::end`] leaves the line open.
pub(super) struct Object<'a, 'w> {
    out: &'a mut Lines<'w>,
    empty: bool,
}

impl<'a, 'w> Object<'a, 'w> {
    /// Begins an object at the end of `out`.
    pub fn begin(out: &'a mut Lines<'w>) -> Object<'a, 'w> {
        out.push(b"{");
        Object { out, empty: true }
    }

    /// A key; its value is what is pushed next.
    pub fn key(&mut self, key: &str) -> &mut Lines<'w> {
        if !self.empty {
            self.out.push(b",");
        }
        self.empty = false;
        string(self.out, key);
        self.out.push(b":");
        self.out
    }

    /// A key with a string.
    pub fn string(&mut self, key: &str, value: &str) {
        string(self.key(key), value);
    }

    /// A key with a string, or with null where there is none.
    pub fn string_or_null(&mut self, key: &str, value: Option<&str>) {
        match value {
            Some(value) => self.string(key, value),
            None => self.null(key),
        }
    }

    /// A key with a whole number.
    pub fn number(&mut self, key: &str, value: u64) {
        let out = self.key(key);
        number(out, value);
    }

    /// A key with milliseconds, given in nanoseconds, written to the microsecond.
    pub fn millis(&mut self, key: &str, nanoseconds: u64) {
        let out = self.key(key);
        millis(out, nanoseconds);
    }

    /// A key with null.
    pub fn null(&mut self, key: &str) {
        self.key(key).push(b"null");
    }

    /// A key with a list.
    pub fn list<T>(&mut self, key: &str, items: impl IntoIterator<Item = T>, write: impl Fn(&mut Lines, T)) {
        list(self.key(key), items, write);
    }

    /// A key with an object.
    pub fn object(&mut self, key: &str, fill: impl FnOnce(&mut Object)) {
        let mut inner = Object::begin(self.key(key));
        fill(&mut inner);
        inner.end();
    }

    /// Closes the object.
    pub fn end(self) {
        self.out.push(b"}");
    }
}

/// A list.
pub(super) fn list<T>(out: &mut Lines, items: impl IntoIterator<Item = T>, write: impl Fn(&mut Lines, T)) {
    out.push(b"[");
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            out.push(b",");
        }
        write(out, item);
    }
    out.push(b"]");
}

/// A whole number.
pub(super) fn number(out: &mut Lines, value: u64) {
    out.push(value.to_string().as_bytes());
}

/// Milliseconds with three places behind the point, cut and not rounded so that order is kept.
pub(super) fn millis(out: &mut Lines, nanoseconds: u64) {
    let microseconds = nanoseconds / 1_000;
    out.push(format!("{}.{:03}", microseconds / 1_000, microseconds % 1_000).as_bytes());
}

/// A string in its quotes.
pub(super) fn string(out: &mut Lines, text: &str) {
    out.push(b"\"");
    escape(out, text);
    out.push(b"\"");
}

/// What stands between a string's quotes. Beyond what JSON demands, DEL and the C1 controls are escaped too:
/// lines are looked at in terminals, which obey them.
pub(super) fn escape(out: &mut Lines, text: &str) {
    let bytes = text.as_bytes();
    let mut copied = 0;
    let mut at = 0;
    while at < bytes.len() {
        let (size, control) = match bytes[at] {
            byte @ (0..0x20 | b'"' | b'\\' | 0x7f) => (1, byte),
            // U+0080 to U+009F are C2 80 to C2 9F in UTF-8
            0xc2 if bytes[at + 1] < 0xa0 => (2, bytes[at + 1]),
            _ => {
                at += 1;
                continue;
            }
        };
        out.push(&bytes[copied..at]);
        escape_one(out, control);
        at += size;
        copied = at;
    }
    out.push(&bytes[copied..]);
}

fn escape_one(out: &mut Lines, character: u8) {
    let short = match character {
        b'"' | b'\\' => character,
        0x08 => b'b',
        b'\t' => b't',
        b'\n' => b'n',
        0x0c => b'f',
        b'\r' => b'r',
        _ => return out.push(format!("\\u{character:04x}").as_bytes()),
    };
    out.push(&[b'\\', short]);
}

/// Whether a string can be put on a line as it is: no DEL, no C1 controls (see [`escape`]).
pub(super) fn is_tame(bytes: &[u8]) -> bool {
    let c1 = |at: usize| bytes.get(at + 1).is_some_and(|byte| (0x80..0xa0).contains(byte));
    memchr::memchr2_iter(0x7f, 0xc2, bytes).all(|at| bytes[at] == 0xc2 && !c1(at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::headless::lines::written;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(written(|out| string(out, text)), expected);
        assert_eq!(serde_json::from_str::<String>(expected).unwrap(), text);
    }

    #[test]
    fn controls_are_escaped_and_nothing_else() {
        check("", r#""""#);
        check("plain é 漢 🐟", r#""plain é 漢 🐟""#);
        check("a\"b\\c", r#""a\"b\\c""#);
        check("\u{8}\t\n\u{c}\r\0\u{1b}[31m", r#""\b\t\n\f\r\u0000\u001b[31m""#);
        check("\u{7f}\u{80}\u{9b}\u{9f}\u{a0}", "\"\\u007f\\u0080\\u009b\\u009f\u{a0}\"");
    }

    #[test]
    fn tame_is_what_needs_no_further_escape() {
        assert!(is_tame("é\u{a0}\n".as_bytes()));
        assert!(!is_tame(b"\x7f"));
        assert!(!is_tame("é\u{a0}\u{9b}".as_bytes()));
    }

    #[test]
    fn keys_keep_their_order() {
        let written = written(|out| {
            let mut object = Object::begin(out);
            object.string("z", "1");
            object.number("a", 2);
            object.millis("at", 12_431_999);
            object.object("o", |inner| inner.null("y"));
            object.list("l", [1, 2], number);
            object.null("n");
            object.end();
        });
        assert_eq!(written, r#"{"z":"1","a":2,"at":12.431,"o":{"y":null},"l":[1,2],"n":null}"#);
    }
}
