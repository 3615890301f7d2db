//! How what is edited is written down as text, read back from it, and checked meanwhile.

use std::fmt::Write as _;

use crate::decode::{self, View, json};
use crate::rules::RuleSet;
use crate::ws::Opcode;
use crate::ws::handshake::RequestHead;

/// What text stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// JSON, as it is.
    Json,
    /// Text, as it is.
    Text,
    /// Octets as pairs of digits.
    Hex,
    /// The head of a request, each line without its CR LF.
    Head,
    /// A rule, as TOML.
    Rule,
}

/// What is wrong with a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Complaint {
    /// At which byte of the text.
    pub(super) at: usize,
    /// What.
    pub(super) what: String,
    /// Whether it stands for nothing at all, so that it cannot be sent even on purpose.
    pub(super) fatal: bool,
}

/// Octets on a line of digits.
pub(super) const WIDTH: usize = 16;

impl Form {
    /// The one that a message's payload is best edited in.
    pub(super) fn of_payload(opcode: Opcode, payload: &[u8]) -> Form {
        let Ok(text) = std::str::from_utf8(payload) else { return Form::Hex };
        if opcode != Opcode::Close && decode::detect(opcode, payload) == View::Json {
            return Form::Json;
        }
        let is_told = |character: char| !character.is_control() || matches!(character, '\n' | '\t' | '\r');
        match opcode {
            Opcode::Text => Form::Text,
            Opcode::Ping | Opcode::Pong if text.chars().all(is_told) => Form::Text,
            _ => Form::Hex,
        }
    }

    /// The one for a request's head.
    pub(super) fn of_head(head: &[u8]) -> Form {
        if std::str::from_utf8(head).is_ok() && head.ends_with(b"\r\n\r\n") { Form::Head } else { Form::Hex }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Form::Json => "JSON",
            Form::Text => "text",
            Form::Hex => "hex",
            Form::Head => "the head",
            Form::Rule => "a rule",
        }
    }

    /// How a file with it is called, for editors that go by that.
    pub(super) fn file_ending(self) -> &'static str {
        match self {
            Form::Json => "json",
            Form::Text => "txt",
            Form::Hex => "hex",
            Form::Head => "http",
            Form::Rule => "toml",
        }
    }

    /// Octets as text.
    pub(super) fn text(self, octets: &[u8]) -> String {
        let told = String::from_utf8_lossy(octets);
        match self {
            Form::Json | Form::Text | Form::Rule => told.into_owned(),
            Form::Head => told.strip_suffix("\r\n\r\n").unwrap_or(&told).replace("\r\n", "\n"),
            Form::Hex => {
                let lines = octets.chunks(WIDTH).map(|row| {
                    let mut line = String::with_capacity(WIDTH * 3 + 1);
                    for (at, octet) in row.iter().enumerate() {
                        let gap = ["", " ", "  "][usize::from(at > 0) + usize::from(at == WIDTH / 2)];
                        let _ = write!(line, "{gap}{octet:02x}");
                    }
                    line
                });
                lines.collect::<Vec<_>>().join("\n")
            }
        }
    }

    /// The octets that a text stands for, as far as it stands for any.
    pub(super) fn octets(self, text: &str) -> Result<Vec<u8>, Complaint> {
        match self {
            Form::Json | Form::Text | Form::Rule => Ok(text.as_bytes().to_vec()),
            Form::Head => {
                // An editor of the user's ends the last line; the head's own end is put there here.
                let lines = text.trim_end_matches('\n').split('\n');
                let lines: Vec<&str> = lines.map(|line| line.strip_suffix('\r').unwrap_or(line)).collect();
                Ok((lines.join("\r\n") + "\r\n\r\n").into_bytes())
            }
            Form::Hex => octets(text),
        }
    }

    /// What is wrong with a text, if something is.
    pub(super) fn complaint(self, text: &str) -> Option<Complaint> {
        let odd = |at: usize, what: String| Some(Complaint { at, what, fatal: false });
        match self {
            Form::Text => None,
            Form::Json => {
                let (at, expected) = json::breaks_at(text.as_bytes())?;
                odd(at, format!("expected {expected}"))
            }
            Form::Hex => octets(text).err(),
            Form::Rule => rule_fault(text).map(|(at, what)| Complaint { at, what, fatal: true }),
            Form::Head => {
                let wrong = |(at, what)| Complaint { at, what, fatal: true };
                head_fault(text.trim_end_matches('\n')).map(wrong)
            }
        }
    }
}

/// The octets that pairs of digits stand for, whatever stands between the pairs.
fn octets(text: &str) -> Result<Vec<u8>, Complaint> {
    let wrong = |at: usize, what: String| Complaint { at, what, fatal: true };
    let mut octets = Vec::with_capacity(text.len() / 3);
    let mut half: Option<(usize, u8)> = None;
    for (at, character) in text.char_indices() {
        match (character.to_digit(16), half) {
            (Some(digit), None) => half = Some((at, digit as u8)),
            (Some(digit), Some((_, first))) => {
                octets.push(first << 4 | digit as u8);
                half = None;
            }
            (None, _) if !character.is_whitespace() => {
                let shown = decode::visible(&text[at..at + character.len_utf8()]).into_owned();
                return Err(wrong(at, format!("{shown} is no digit: 0 to 9 and a to f are")));
            }
            (None, Some((at, _))) => return Err(wrong(at, "an octet has two digits".to_owned())),
            (None, None) => {}
        }
    }
    match half {
        Some((at, _)) => Err(wrong(at, "an octet has two digits".to_owned())),
        None => Ok(octets),
    }
}

/// What keeps a text from being a rule, and where.
fn rule_fault(text: &str) -> Option<(usize, String)> {
    let error = RuleSet::parse(text).err()?.into_iter().next()?;
    let line_start: usize = text.split_inclusive('\n').take(error.line.saturating_sub(1)).map(str::len).sum();
    let line = text[line_start..].split('\n').next().unwrap_or_default();
    let column = line.char_indices().nth(error.column.saturating_sub(1)).map_or(line.len(), |(at, _)| at);
    Some((line_start + column, error.message))
}

/// What keeps a text from being a request's head, and where.
fn head_fault(text: &str) -> Option<(usize, String)> {
    let mut at = 0;
    for (number, line) in text.split('\n').enumerate() {
        let line = line.strip_suffix('\r').unwrap_or(line);
        if number == 0 {
            let is_request = RequestHead::parse(format!("{line}\r\n\r\n").as_bytes()).is_ok();
            if !is_request {
                return Some((at, "the first line is a method, a path and HTTP/1.1".to_owned()));
            }
        } else if line.is_empty() {
            return Some((
                at,
                "an empty line ends the head: only headers may follow the first line".to_owned(),
            ));
        } else if !line.starts_with([' ', '\t']) {
            let name = line.split_once(':').map(|(name, _)| name);
            if name.is_none_or(|name| name.is_empty() || name.contains(char::is_whitespace)) {
                return Some((at, "a header is a name, a colon and a value".to_owned()));
            }
        }
        if let Some((place, _)) = line.char_indices().find(|(_, character)| character.is_control()) {
            return Some((at + place, "a header holds no control characters".to_owned()));
        }
        // Past the line as it stands, its CR included.
        at = text[at..].find('\n').map_or(text.len(), |end| at + end + 1);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &[u8] = b"GET /chat HTTP/1.1\r\nHost: a\r\nSec-WebSocket-Protocol: a, b\r\n\r\n";

    #[test]
    fn what_is_not_changed_stays_as_it_was() {
        let all: Vec<u8> = (0..=255).collect();
        for (form, octets) in [
            (Form::Json, &b"{ \"a\":1e3,\r\n\t\"b\" : [] }"[..]),
            (Form::Text, b"a\r\nb\n\n"),
            (Form::Text, b""),
            (Form::Hex, &all),
            (Form::Hex, b""),
            (Form::Head, HEAD),
        ] {
            assert_eq!(form.octets(&form.text(octets)).unwrap(), octets, "{form:?}");
        }
    }

    #[test]
    fn each_payload_has_the_form_that_suits_it() {
        assert_eq!(Form::of_payload(Opcode::Text, b"{\"a\":1}"), Form::Json);
        assert_eq!(Form::of_payload(Opcode::Text, b"hello"), Form::Text);
        assert_eq!(Form::of_payload(Opcode::Text, b"\xff"), Form::Hex);
        assert_eq!(Form::of_payload(Opcode::Binary, b"\x01\x02"), Form::Hex);
        assert_eq!(Form::of_payload(Opcode::Binary, b"{\"a\":1}"), Form::Json);
        assert_eq!(Form::of_payload(Opcode::Ping, b"k1"), Form::Text);
        assert_eq!(Form::of_payload(Opcode::Close, b"\x03\xe8bye"), Form::Hex);
    }

    #[track_caller]
    fn check(form: Form, text: &str, expected: Option<(usize, &str)>) {
        let found = form.complaint(text).map(|complaint| (complaint.at, complaint.what));
        assert_eq!(found.as_ref().map(|(at, _)| *at), expected.map(|(at, _)| at), "{found:?}");
        if let (Some((_, what)), Some((_, words))) = (found, expected) {
            assert!(what.contains(words), "{what}");
        }
    }

    #[test]
    fn faults_have_their_place() {
        check(Form::Json, "{\"a\": 1}", None);
        check(Form::Json, "{\"a\": 1,}", Some((8, "a key in quotation marks")));
        check(Form::Json, "{\"a\":\n", Some((6, "a value")));
        check(Form::Hex, "00 0a\nff", None);
        check(Form::Hex, "00 0g", Some((4, "no digit")));
        check(Form::Hex, "00 0 a0", Some((3, "two digits")));
        check(Form::Rule, "[[rule]]\nthen = { drop = true }", None);
        check(Form::Rule, "[[rule]]\nthen = { drpo = true }", Some((18, "drop")));
        check(Form::Rule, "[[rule]", Some((7, "")));
        check(Form::Head, "GET / HTTP/1.1\nHost: a\n", None);
        check(Form::Head, "GET /", Some((0, "a method")));
        check(Form::Head, "GET / HTTP/1.1\nHost a", Some((15, "a colon")));
        check(Form::Head, "GET / HTTP/1.1\n\nHost: a", Some((15, "empty line")));
        check(Form::Head, "GET / HTTP/1.1\r\nHost: a\r\nb:\u{7}", Some((27, "control")));
    }
}
