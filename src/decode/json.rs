//! JSON (RFC 8259), shown exactly as it came but for white space.

use std::io;

use super::event::{DEPTH_LIMIT, Event, Fault, Reader, Text};
use super::lexer::{Lexer, Token, TokenKind};
use super::tree::{self, Dialect};
use super::{Decoder, Limits, Line, Payload};
use crate::ws::Opcode;

/// Whether recording `payload` as JSON loses nothing: parsed and written again it is the same, byte for byte.
pub fn exact(payload: &[u8]) -> bool {
    let Ok(value) = serde_json::from_slice::<serde_json::Value>(payload) else {
        return false;
    };
    let mut same = Same(payload);
    serde_json::to_writer(&mut same, &value).is_ok() && same.0.is_empty()
}

/// What keeps `text` from being one JSON value, in words with the column (in characters, from 1); none where it is one.
pub fn fault(text: &str) -> Option<String> {
    if serde_json::from_str::<&serde_json::value::RawValue>(text).is_ok() {
        return None;
    }
    let Some((at, expected)) = breaks_at(text.as_bytes()) else {
        return Some("more than one value".to_owned());
    };
    let column = text.get(..at).unwrap_or(text).chars().count() + 1;
    Some(format!("column {column}: expected {expected}"))
}

/// At which octet a payload stops being JSON, or several texts of it, and what was expected there.
pub fn breaks_at(payload: &[u8]) -> Option<(usize, String)> {
    let mut reader = JsonReader::at(payload, 0);
    loop {
        match reader.step() {
            Ok(Some(_)) => {}
            Ok(None) => return None,
            Err(fault) => return Some((fault.at, fault.expected.into_owned())),
        }
    }
}

/// JSON without the white space around its values; none where it is not JSON, or several texts of it.
pub fn on_one_line(payload: &[u8]) -> Option<String> {
    written_anew(payload, |_, _| None)
}

/// JSON over several lines, two blanks a level; none where it is not JSON, or several texts of it. Its values are
/// spelt as they were.
pub fn laid_out(payload: &[u8]) -> Option<String> {
    written_anew(payload, |before, level| match before {
        Before::Line => Some(format!("\n{}", "  ".repeat(level))),
        Before::Value => Some(" ".to_owned()),
    })
}

/// What white space stands before.
enum Before {
    /// A line of its own.
    Line,
    /// The value of a key.
    Value,
}

/// JSON with other white space, at most that which `space` gives for a place and its level.
fn written_anew(payload: &[u8], space: impl Fn(Before, usize) -> Option<String>) -> Option<String> {
    if breaks_at(payload).is_some() {
        return None;
    }
    let (mut written, mut level, mut values, mut before) = (String::new(), 0_usize, 0, TokenKind::Space);
    for token in Lexer::at(payload, 0).filter(|token| token.kind != TokenKind::Space) {
        let opens = matches!(token.kind, TokenKind::OpenObject | TokenKind::OpenArray);
        let closes = matches!(token.kind, TokenKind::CloseObject | TokenKind::CloseArray);
        let after_opening = matches!(before, TokenKind::OpenObject | TokenKind::OpenArray);
        level -= usize::from(closes);
        let white = match before {
            _ if closes && after_opening => None,
            _ if closes => space(Before::Line, level),
            TokenKind::Comma | TokenKind::OpenObject | TokenKind::OpenArray => space(Before::Line, level),
            TokenKind::Colon => space(Before::Value, level),
            _ => None,
        };
        if level == 0 && !closes {
            values += 1;
        }
        written.push_str(&white.unwrap_or_default());
        written.push_str(std::str::from_utf8(&payload[token.range]).ok()?);
        level += usize::from(opens);
        before = token.kind;
    }
    (values == 1).then_some(written)
}

/// Takes what is written as long as it is what is left of a payload.
struct Same<'a>(&'a [u8]);

impl io::Write for Same<'_> {
    fn write(&mut self, written: &[u8]) -> io::Result<usize> {
        self.0 = self.0.strip_prefix(written).ok_or(io::ErrorKind::InvalidData)?;
        Ok(written.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Objects and arrays; a lone string or number is as well shown as text.
pub(super) struct Json;

impl Decoder for Json {
    fn recognises(&self, opcode: Opcode, payload: Payload) -> bool {
        let Some(container) = opening(payload.bytes) else {
            return false;
        };
        let start = &payload.bytes[..payload.bytes.len().min(ENOUGH)];
        let mut reader = JsonReader::at(start, 0);
        let mut events = 0;
        loop {
            match reader.step() {
                Ok(Some(_)) => events += 1,
                Ok(None) => return true,
                Err(fault) if fault.is_end && payload.total > start.len() as u64 => return true,
                // broken, but somebody meant it to be JSON; in a binary message that is less likely
                Err(_) if opcode == Opcode::Text && container == b'{' => return events >= 2,
                Err(_) if opcode == Opcode::Text => return events >= 4,
                Err(_) => return false,
            }
        }
    }

    fn summary(&self, payload: Payload, max_chars: usize) -> String {
        tree::summary::<JsonReader>(Dialect::Json, payload, max_chars)
    }

    fn pretty(&self, payload: Payload, limits: &Limits) -> Vec<Line> {
        tree::pretty::<JsonReader>(Dialect::Json, payload, limits)
    }
}

/// How much of a payload is read to tell what it is.
const ENOUGH: usize = 64 << 10;

/// The bracket that a payload begins with, but for white space and separators.
pub(super) fn opening(payload: &[u8]) -> Option<u8> {
    let first = payload.iter().find(|b| !b" \t\r\n\x1e".contains(b))?;
    matches!(first, b'{' | b'[').then_some(*first)
}

/// The grammar over the tokens: RFC 8259 2 to 5.
pub(super) struct JsonReader<'a> {
    payload: &'a [u8],
    lexer: Lexer<'a>,
    stack: Vec<Container>,
    expects: Expects,
    /// Whether a value has begun, and since the last one a line has ended.
    begun: bool,
    line_ended: bool,
    start: usize,
    position: usize,
}

#[derive(Clone, Copy, PartialEq)]
enum Container {
    Object,
    Array,
}

#[derive(Clone, Copy, PartialEq)]
enum Expects {
    Value,
    FirstItem,
    FirstKey,
    Key,
    Colon,
    CommaOrClose,
    End,
}

impl Expects {
    fn words(self, innermost: Option<&Container>) -> &'static str {
        match self {
            Expects::Value => "a value",
            Expects::FirstItem => "a value or ']'",
            Expects::FirstKey => "a key in quotation marks or '}'",
            Expects::Key => "a key in quotation marks",
            Expects::Colon => "':'",
            Expects::CommaOrClose if innermost == Some(&Container::Array) => "',' or ']'",
            Expects::CommaOrClose => "',' or '}'",
            Expects::End => "the end, as one JSON value ends here",
        }
    }
}

impl<'a> Reader<'a> for JsonReader<'a> {
    fn at(payload: &'a [u8], position: usize) -> JsonReader<'a> {
        let lexer = Lexer::at(payload, position);
        JsonReader {
            payload,
            lexer,
            stack: Vec::new(),
            expects: Expects::Value,
            begun: false,
            line_ended: false,
            start: position,
            position,
        }
    }

    fn step(&mut self) -> Result<Option<Event<'a>>, Fault> {
        Ok(self.advance()?.map(|token| self.event(&token)))
    }

    fn skip_value(&mut self) -> Result<bool, Fault> {
        let Some(first) = self.advance()? else { return Ok(false) };
        self.skip_rest(first.kind)?;
        Ok(true)
    }

    fn skip(&mut self, first: &Event<'a>) -> Result<(), Fault> {
        match first {
            Event::Map => self.skip_rest(TokenKind::OpenObject),
            Event::Array => self.skip_rest(TokenKind::OpenArray),
            _ => Ok(()),
        }
    }

    fn start(&self) -> usize {
        self.start
    }

    fn position(&self) -> usize {
        self.position
    }
}

impl<'a> JsonReader<'a> {
    /// To the next token that makes an event.
    fn advance(&mut self) -> Result<Option<Token>, Fault> {
        loop {
            let Some(token) = self.lexer.next() else {
                return self.end().map(|()| None);
            };
            if token.kind == TokenKind::Space {
                self.line_ended |= self.payload[token.range].contains(&b'\n');
                continue;
            }
            if token.kind == TokenKind::Separator && self.stack.is_empty() {
                self.expects = Expects::Value;
                (self.start, self.position) = (token.range.start, token.range.end);
                return Ok(Some(token));
            }
            if self.expects == Expects::End && self.line_ended {
                // one JSON text a line, as many write a stream of them
                self.expects = Expects::Value;
            }
            if self.take(&token)? {
                (self.start, self.position) = (token.range.start, token.range.end);
                (self.begun, self.line_ended) = (true, false);
                return Ok(Some(token));
            }
        }
    }

    /// To the end of the value whose first token was `first`.
    fn skip_rest(&mut self, first: TokenKind) -> Result<(), Fault> {
        if !matches!(first, TokenKind::OpenObject | TokenKind::OpenArray) {
            return Ok(());
        }
        let outside = self.stack.len() - 1;
        while self.stack.len() > outside {
            self.advance()?;
        }
        Ok(())
    }

    /// What a token that was taken says.
    fn event(&self, token: &Token) -> Event<'a> {
        match token.kind {
            TokenKind::OpenObject => Event::Map,
            TokenKind::OpenArray => Event::Array,
            TokenKind::CloseObject | TokenKind::CloseArray => Event::End,
            TokenKind::Number => Event::Number(self.text(token).into()),
            TokenKind::Literal => Event::Literal(self.text(token).into()),
            TokenKind::Separator => Event::Separator,
            _ => Event::Text(Text::Json(self.text(token))),
        }
    }

    /// Takes one token; says whether it makes an event, which commas and colons do not.
    fn take(&mut self, token: &Token) -> Result<bool, Fault> {
        use Expects::{Colon, CommaOrClose, End, FirstItem, FirstKey, Key, Value};
        match (self.expects, token.kind) {
            (Value | FirstItem, TokenKind::OpenObject) => self.open(token, Container::Object)?,
            (Value | FirstItem, TokenKind::OpenArray) => self.open(token, Container::Array)?,
            (FirstKey | CommaOrClose, TokenKind::CloseObject) => self.close(token, Container::Object)?,
            (FirstItem | CommaOrClose, TokenKind::CloseArray) => self.close(token, Container::Array)?,
            (CommaOrClose, TokenKind::Comma) => {
                self.expects = if self.stack.last() == Some(&Container::Object) { Key } else { Value };
                return Ok(false);
            }
            (Colon, TokenKind::Colon) => {
                self.expects = Value;
                return Ok(false);
            }
            (FirstKey | Key, TokenKind::String) => self.expects = Colon,
            (Value | FirstItem, TokenKind::String | TokenKind::Number | TokenKind::Literal) => {
                self.value_is_over();
            }
            (End | Colon | CommaOrClose, _) => return Err(self.unexpected(token)),
            (_, TokenKind::Broken(at, expected)) if at > token.range.start => {
                return Err(Fault::new(at, expected));
            }
            (_, TokenKind::CutShort) => return Err(Fault::end(self.payload.len(), "the rest of it")),
            _ => return Err(self.unexpected(token)),
        }
        Ok(true)
    }

    fn open(&mut self, token: &Token, container: Container) -> Result<(), Fault> {
        if self.stack.len() >= DEPTH_LIMIT {
            return Err(Fault::new(token.range.start, format!("no more than {DEPTH_LIMIT} levels")));
        }
        self.stack.push(container);
        self.expects = match container {
            Container::Object => Expects::FirstKey,
            Container::Array => Expects::FirstItem,
        };
        Ok(())
    }

    fn close(&mut self, token: &Token, container: Container) -> Result<(), Fault> {
        if self.stack.last() != Some(&container) {
            return Err(self.unexpected(token));
        }
        self.stack.pop();
        self.value_is_over();
        Ok(())
    }

    fn value_is_over(&mut self) {
        self.expects = if self.stack.is_empty() { Expects::End } else { Expects::CommaOrClose };
    }

    fn end(&self) -> Result<(), Fault> {
        match self.expects {
            Expects::End => Ok(()),
            Expects::Value if self.begun && self.stack.is_empty() => Ok(()),
            expects => Err(Fault::end(self.payload.len(), expects.words(self.stack.last()))),
        }
    }

    fn unexpected(&self, token: &Token) -> Fault {
        Fault::new(token.range.start, self.expects.words(self.stack.last()))
    }

    /// The lexer gives strings, numbers and literals only where they are UTF-8.
    fn text(&self, token: &Token) -> &'a str {
        std::str::from_utf8(&self.payload[token.range.clone()]).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
