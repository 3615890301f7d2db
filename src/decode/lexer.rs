//! JSON cut into tokens without losing a byte: joined again they are the payload, whatever it is.

use std::ops::Range;

/// A stretch of the payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    pub(super) range: Range<usize>,
}

/// What a stretch is (RFC 8259 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenKind {
    Space,
    OpenObject,
    CloseObject,
    OpenArray,
    CloseArray,
    Colon,
    Comma,
    /// What some protocols put between JSON texts (RFC 7464 2.2, SignalR).
    Separator,
    /// With its quotation marks.
    String,
    Number,
    /// `true`, `false`, `null`.
    Literal,
    /// Something else: at which byte it goes wrong, and what was expected there.
    Broken(usize, &'static str),
    /// A string, number or literal that the payload's end cuts short.
    CutShort,
}

/// Goes through a payload, token by token.
#[derive(Clone, Debug)]
pub(super) struct Lexer<'a> {
    payload: &'a [u8],
    position: usize,
}

impl<'a> Lexer<'a> {
    /// Begins at `position`, which has to be where a token begins.
    pub(super) fn at(payload: &'a [u8], position: usize) -> Lexer<'a> {
        Lexer { payload, position }
    }

    fn measure(&self, first: u8) -> (TokenKind, usize) {
        let rest = &self.payload[self.position..];
        match first {
            b' ' | b'\t' | b'\n' | b'\r' => (TokenKind::Space, run(rest, |b| b" \t\n\r".contains(&b))),
            b'{' => (TokenKind::OpenObject, 1),
            b'}' => (TokenKind::CloseObject, 1),
            b'[' => (TokenKind::OpenArray, 1),
            b']' => (TokenKind::CloseArray, 1),
            b':' => (TokenKind::Colon, 1),
            b',' => (TokenKind::Comma, 1),
            0x1e => (TokenKind::Separator, 1),
            b'"' => self.string(rest),
            b'-' | b'0'..=b'9' => match number_end(rest) {
                Ok(length) if !rest.get(length).is_some_and(|b| IN_NUMBERS[usize::from(*b)]) => {
                    (TokenKind::Number, length)
                }
                _ => {
                    let length = run(rest, |b| IN_NUMBERS[usize::from(b)]);
                    (self.wrong_number(&rest[..length]), length)
                }
            },
            b'a'..=b'z' | b'A'..=b'Z' => {
                let length = run(rest, |b| b.is_ascii_alphanumeric() || b == b'_');
                (self.literal(&rest[..length]), length)
            }
            _ => {
                // to where something known may begin, so that what makes no sense stays in one piece
                let length = run(rest, |b| !b" \t\n\r{}[]:,\"\x1e".contains(&b));
                (TokenKind::Broken(self.position, "a value"), length)
            }
        }
    }

    /// RFC 8259 7.
    fn string(&self, rest: &[u8]) -> (TokenKind, usize) {
        let mut at = 1;
        let mut fault = None;
        let mut seen = 0;
        loop {
            let ends_run = |&b: &u8| {
                seen |= b;
                b == b'"' || b == b'\\' || b < 0x20
            };
            let Some(skip) = rest[at..].iter().position(ends_run) else {
                let kind =
                    fault.map_or(TokenKind::CutShort, |(at, expected)| TokenKind::Broken(at, expected));
                return (kind, rest.len());
            };
            at += skip;
            match rest[at] {
                b'"' => break,
                b'\\' => match escape(&rest[at..]) {
                    Some(length) => at += length,
                    None if rest.len() - at < 6 && !rest[at..].contains(&b'"') => {
                        return (TokenKind::CutShort, rest.len());
                    }
                    None => {
                        fault.get_or_insert((self.position + at, "an escape of JSON"));
                        at += rest.len().min(at + 2) - at;
                    }
                },
                _ => {
                    fault.get_or_insert((self.position + at, "control characters to be escaped"));
                    at += 1;
                }
            }
        }
        let length = at + 1;
        if (!seen.is_ascii() || fault.is_some())
            && let Err(error) = std::str::from_utf8(&rest[..length])
        {
            let wrong = self.position + error.valid_up_to();
            if fault.is_none_or(|(at, _)| wrong < at) {
                fault = Some((wrong, "UTF-8"));
            }
        }
        (fault.map_or(TokenKind::String, |(at, expected)| TokenKind::Broken(at, expected)), length)
    }

    fn wrong_number(&self, word: &[u8]) -> TokenKind {
        let is_last = self.position + word.len() == self.payload.len();
        match number_end(word) {
            Err(at) if at == word.len() && is_last => TokenKind::CutShort,
            Ok(at) | Err(at) => TokenKind::Broken(self.position + at, "a number as JSON spells it"),
        }
    }

    /// RFC 8259 3.
    fn literal(&self, word: &[u8]) -> TokenKind {
        const LITERALS: [&[u8]; 3] = [b"true", b"false", b"null"];
        let is_last = self.position + word.len() == self.payload.len();
        if LITERALS.contains(&word) {
            TokenKind::Literal
        } else if is_last && LITERALS.iter().any(|literal| literal.starts_with(word)) {
            TokenKind::CutShort
        } else {
            TokenKind::Broken(self.position, "a value")
        }
    }
}

impl Iterator for Lexer<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        let first = *self.payload.get(self.position)?;
        let (kind, length) = self.measure(first);
        let start = self.position;
        self.position += length;
        Some(Token { kind, range: start..self.position })
    }
}

/// What is taken for a part of a number, right or wrong.
const IN_NUMBERS: [bool; 256] = {
    let mut belongs = [false; 256];
    let mut octet = 0;
    while octet < 256 {
        belongs[octet] = (octet as u8).is_ascii_alphanumeric() || matches!(octet as u8, b'+' | b'-' | b'.');
        octet += 1;
    }
    belongs
};

fn run(bytes: &[u8], belongs: impl Fn(u8) -> bool) -> usize {
    bytes.iter().position(|&b| !belongs(b)).unwrap_or(bytes.len()).max(1)
}

/// The length of the escape at the start of `rest`.
fn escape(rest: &[u8]) -> Option<usize> {
    match rest.get(1)? {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(2),
        b'u' if rest.get(2..6)?.iter().all(u8::is_ascii_hexdigit) => Some(6),
        _ => None,
    }
}

/// Where the number ends that `word` begins with (RFC 8259 6); the error is where it stops being one, the length of `word`
/// where something is missing at the end.
fn number_end(word: &[u8]) -> Result<usize, usize> {
    let digits = |from: usize| word[from..].iter().take_while(|b| b.is_ascii_digit()).count();
    let mut at = usize::from(word[0] == b'-');
    match digits(at) {
        0 => return Err(at),
        count if count > 1 && word[at] == b'0' => return Err(at + 1),
        count => at += count,
    }
    if word.get(at) == Some(&b'.') {
        at += 1;
        match digits(at) {
            0 => return Err(at),
            count => at += count,
        }
    }
    if matches!(word.get(at), Some(b'e' | b'E')) {
        at += 1;
        at += usize::from(matches!(word.get(at), Some(b'+' | b'-')));
        match digits(at) {
            0 => return Err(at),
            count => at += count,
        }
    }
    Ok(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(payload: &str, expected: &[(TokenKind, &str)]) {
        let tokens: Vec<Token> = Lexer::at(payload.as_bytes(), 0).collect();
        let found: Vec<_> = tokens.iter().map(|token| (token.kind, &payload[token.range.clone()])).collect();
        assert_eq!(found, expected, "{payload}");
    }

    #[test]
    fn tokens_are_what_rfc_8259_says() {
        use TokenKind::*;
        check("{ }", &[(OpenObject, "{"), (Space, " "), (CloseObject, "}")]);
        check(
            "[1,-0.5e+7]",
            &[(OpenArray, "["), (Number, "1"), (Comma, ","), (Number, "-0.5e+7"), (CloseArray, "]")],
        );
        check(r#""a\"\u00e9":true"#, &[(String, r#""a\"\u00e9""#), (Colon, ":"), (Literal, "true")]);
        check("01", &[(Broken(1, "a number as JSON spells it"), "01")]);
        check("1.x ", &[(Broken(2, "a number as JSON spells it"), "1.x"), (Space, " ")]);
        check("{}\u{1e}", &[(OpenObject, "{"), (CloseObject, "}"), (Separator, "\u{1e}")]);
        check("NaN", &[(Broken(0, "a value"), "NaN")]);
        check("'a'", &[(Broken(0, "a value"), "'a'")]);
        check("\"a\nb\"", &[(Broken(2, "control characters to be escaped"), "\"a\nb\"")]);
        check(r#""\x""#, &[(Broken(1, "an escape of JSON"), r#""\x""#)]);
    }

    #[test]
    fn what_the_end_cuts_short_is_told_apart() {
        for payload in ["\"abc", "\"\\", "\"\\u00", "tr", "-", "1.", "1e", "1e+"] {
            check(payload, &[(TokenKind::CutShort, payload)]);
        }
    }

    fn jsonish() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            Just(b"{".to_vec()),
            Just(b"}".to_vec()),
            Just(b"[".to_vec()),
            Just(b"]".to_vec()),
            Just(b",".to_vec()),
            Just(b":".to_vec()),
            Just(b"\"".to_vec()),
            Just(b"\\".to_vec()),
            Just(b"\"a\"".to_vec()),
            Just(b" \n".to_vec()),
            Just(b"-12.5e3".to_vec()),
            Just(b"null".to_vec()),
            proptest::collection::vec(any::<u8>(), 0..6),
        ];
        proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn tokens_join_to_the_payload(payload in jsonish()) {
            let mut joined = Vec::new();
            for token in Lexer::at(&payload, 0) {
                prop_assert!(!token.range.is_empty());
                joined.extend_from_slice(&payload[token.range]);
            }
            prop_assert_eq!(joined, payload);
        }
    }
}
