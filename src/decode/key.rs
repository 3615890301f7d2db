//! Finds what stands behind a key in JSON without reading what is around it.

use memchr::memmem;

use super::Field;
use super::event::unescape;
use super::lexer::{Lexer, TokenKind};

/// Looks for a key, in one JSON text or in many at once.
#[derive(Clone, Debug)]
pub struct KeyFinder {
    /// The key between quotation marks.
    quoted: Box<memmem::Finder<'static>>,
    /// What stands where it may be spelt otherwise.
    escape: Box<memmem::Finder<'static>>,
}

impl KeyFinder {
    /// For this key, at any depth.
    pub fn new(key: &str) -> KeyFinder {
        let finder = |text: &str| Box::new(memmem::Finder::new(text).into_owned());
        KeyFinder { quoted: finder(&format!("\"{key}\"")), escape: finder(may_be_escaped(key)) }
    }

    /// Whether the key may lead to a value that `is_wanted`. False only where none is among those that [`super::fields`] finds
    /// in text messages at paths that end in the key. `payloads` holds one such message, or several with an octet between
    /// them that is no part of JSON.
    pub fn may_lead_to(&self, payloads: &[u8], mut is_wanted: impl FnMut(&Field) -> bool) -> bool {
        if self.escape.find(payloads).is_some() {
            return true;
        }
        let mut from = 0;
        while let Some(found) = self.quoted.find(&payloads[from..]) {
            let end = from + found + self.quoted.needle().len();
            if value_behind(payloads, end).is_some_and(|value| is_wanted(&value)) {
                return true;
            }
            // Its last quotation mark may be the first of another: `"a","a":1` with the key `,`.
            from = end - 1;
        }
        false
    }
}

/// What stands in JSON in which a string that says `text` may be spelt in another way than letter by letter (RFC 8259 7).
pub fn may_be_escaped(text: &str) -> &'static str {
    let has_short_escape = |c: char| matches!(c, '"' | '\\' | '/') || c.is_control();
    if text.contains(has_short_escape) { "\\" } else { "\\u" }
}

/// The value of the key that ends before `at`, if it is a key.
fn value_behind(payload: &[u8], at: usize) -> Option<Field<'_>> {
    let colon = after_space(payload, at);
    if payload.get(colon) != Some(&b':') {
        return None;
    }
    let token = Lexer::at(payload, after_space(payload, colon + 1)).next()?;
    let spelling = |range| std::str::from_utf8(&payload[range]).ok();
    match token.kind {
        TokenKind::OpenObject | TokenKind::OpenArray => Some(Field::Container),
        TokenKind::String => Some(Field::Text(unescape(spelling(token.range)?))),
        TokenKind::Number => Some(Field::Number(spelling(token.range)?.into())),
        TokenKind::Literal => Some(Field::Literal(spelling(token.range)?.into())),
        // Here a reader stops as well.
        _ => None,
    }
}

/// Past white space (RFC 8259 2).
fn after_space(payload: &[u8], at: usize) -> usize {
    let is_space = |octet: &&u8| b" \t\n\r".contains(octet);
    at + payload[at..].iter().take_while(is_space).count()
}
