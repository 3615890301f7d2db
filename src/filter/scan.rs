//! How names, words, quoted text and regular expressions are cut out of a filter's source.

use super::ParseError;
use super::keys::Value;
use super::parse::Parser;

impl Parser<'_> {
    /// Up to a blank, a parenthesis, `&` or `|`.
    pub(super) fn bare(&mut self) -> String {
        let ends = |c: char| c.is_whitespace() || "()&|".contains(c);
        let length = self.rest().find(ends).unwrap_or(self.rest().len());
        let word = self.rest()[..length].to_owned();
        self.at += length;
        word
    }

    /// A word, or anything in quotation marks.
    pub(super) fn word(&mut self) -> Result<Value, ParseError> {
        if self.rest().starts_with(['"', '\'']) {
            return Ok(Value { text: self.quoted()?, is_quoted: true });
        }
        Ok(Value { text: self.bare(), is_quoted: false })
    }

    /// `/regex/i`, or as [`Parser::text`].
    pub(super) fn regex(&mut self) -> Result<Value, ParseError> {
        match self.slashed() {
            Some(text) => Ok(Value { text, is_quoted: false }),
            None => self.text(),
        }
    }

    /// Up to a blank or a ')' that is not its own, or anything in quotation marks.
    pub(super) fn text(&mut self) -> Result<Value, ParseError> {
        if self.rest().starts_with(['"', '\'']) {
            return Ok(Value { text: self.quoted()?, is_quoted: true });
        }
        let mut open = 0_usize;
        let mut is_escaped = false;
        let mut length = 0;
        for c in self.rest().chars() {
            match c {
                _ if c.is_whitespace() => break,
                _ if is_escaped => {}
                '(' => open += 1,
                ')' if open == 0 => break,
                ')' => open -= 1,
                _ => {}
            }
            is_escaped = c == '\\' && !is_escaped;
            length += c.len_utf8();
        }
        let text = self.rest()[..length].to_owned();
        self.at += length;
        Ok(Value { text, is_quoted: false })
    }

    /// `name`, `name=value`, `name="two words"`.
    pub(super) fn header(&mut self) -> Result<Value, ParseError> {
        let ends = |c: char| c.is_whitespace() || "=:~()&|\"".contains(c);
        let length = self.rest().find(ends).unwrap_or(self.rest().len());
        let mut text = self.rest()[..length].to_owned();
        self.at += length;
        if let Some(sign) = self.rest().chars().next().filter(|sign| "=:~".contains(*sign)) {
            self.at += 1;
            text.push(sign);
            let value = if sign == '~' { self.regex()? } else { self.text()? };
            text.push_str(&value.text);
        }
        Ok(Value { text, is_quoted: false })
    }

    pub(super) fn quoted(&mut self) -> Result<String, ParseError> {
        let start = self.at;
        let mut chars = self.rest().char_indices();
        let mark = chars.next().map_or('"', |(_, mark)| mark);
        let mut text = String::new();
        while let Some((at, c)) = chars.next() {
            if c == mark {
                self.at += at + 1;
                return Ok(text);
            }
            let next = chars.as_str().chars().next();
            if c == '\\' && next.is_some_and(|next| next == mark || next == '\\') {
                // only what has to be escaped is: a regex keeps its backslashes
                text.extend(next);
                chars.next();
            } else {
                text.push(c);
            }
        }
        Err(self.error_at(start, format!("this {mark} has no second one")))
    }

    /// `/regex/` or `/regex/i`, where what follows cannot belong to it; none for a path such as `/chat`.
    pub(super) fn slashed(&mut self) -> Option<String> {
        let body = self.rest().strip_prefix('/')?;
        let mut is_escaped = false;
        let mut last = ' ';
        for (at, c) in body.char_indices() {
            if c == '/' && !is_escaped && !last.is_whitespace() && at > 0 {
                let after = &body[at + 1..];
                let (after, flags) = match after.strip_prefix('i') {
                    Some(after) => (after, "(?i)"),
                    None => (after, ""),
                };
                if after.is_empty() || after.starts_with(|c: char| c.is_whitespace() || "()&|".contains(c)) {
                    self.at = self.source.len() - after.len();
                    return Some(format!("{flags}{}", body[..at].replace("\\/", "/")));
                }
            }
            is_escaped = c == '\\' && !is_escaped;
            last = c;
        }
        None
    }
}

/// The length of what may be a key or a field's path at the start of `rest`.
pub(super) fn head_length(rest: &str) -> usize {
    let mut length = 0;
    while let Some(c) = rest[length..].chars().next() {
        if rest[length..].starts_with("[\"") {
            match rest[length..].find("\"]") {
                Some(end) => length += end + 2,
                None => break,
            }
            continue;
        }
        let belongs = c.is_alphanumeric() || "_-$.*[]@".contains(c);
        let is_first = length == 0 && !(c.is_alphabetic() || "_$@*".contains(c));
        if !belongs || is_first {
            break;
        }
        length += c.len_utf8();
    }
    length
}
