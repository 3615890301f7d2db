//! The grammar: both dialects, from characters to a tree of terms.

use super::keys::{self, Comparison};
use super::scan::head_length;
use super::table::{self, Key, Tilde, What};
use super::term::Term;
use super::{Node, ParseError};

/// Reads a whole filter.
pub(super) fn parse(source: &str) -> Result<Node, ParseError> {
    let mut parser = Parser { source, at: 0, depth: 0, terms: 0 };
    if source.len() > LENGTH_LIMIT {
        return Err(parser.error_at(0, format!("a filter is at most {LENGTH_LIMIT} bytes long")));
    }
    parser.skip_space();
    if parser.rest().is_empty() {
        return Ok(Node::Term(Term::All));
    }
    let node = parser.either()?;
    match parser.rest().chars().next() {
        None => Ok(node),
        Some(')') => Err(parser.error("a ')' without its '('".to_owned())),
        Some(other) => Err(parser.error(format!("expected the end, not '{other}'"))),
    }
}

const LENGTH_LIMIT: usize = 4096;
/// Parentheses and negations within each other.
const DEPTH_LIMIT: usize = 64;
/// Each may hold a regular expression, whose size is bounded, too.
const TERMS_LIMIT: usize = 256;

/// A place in the source.
pub(super) struct Parser<'a> {
    pub(super) source: &'a str,
    pub(super) at: usize,
    depth: usize,
    terms: usize,
}

impl<'a> Parser<'a> {
    /// `a or b`, `a | b`.
    fn either(&mut self) -> Result<Node, ParseError> {
        let mut nodes = vec![self.both()?];
        while self.take_operator("or", '|') {
            nodes.push(self.both()?);
        }
        Ok(Node::any(nodes))
    }

    /// `a b`, `a and b`, `a & b`.
    fn both(&mut self) -> Result<Node, ParseError> {
        let mut nodes = vec![self.negation()?];
        loop {
            self.skip_space();
            let is_over = self.rest().is_empty() || self.rest().starts_with([')', '|']) || self.is_word("or");
            if is_over {
                return Ok(Node::all(nodes));
            }
            self.take_operator("and", '&');
            nodes.push(self.negation()?);
        }
    }

    /// `not a`, `!a`, `-a`.
    fn negation(&mut self) -> Result<Node, ParseError> {
        self.skip_space();
        let length = match self.rest().as_bytes() {
            [b'!', ..] => 1,
            [b'-', next, ..] if !next.is_ascii_whitespace() && *next != b')' => 1,
            _ if self.is_word("not") => 3,
            _ => return self.operand(),
        };
        self.descend()?;
        self.at += length;
        let node = self.negation()?;
        self.depth -= 1;
        Ok(Node::Not(Box::new(node)))
    }

    fn operand(&mut self) -> Result<Node, ParseError> {
        let start = self.at;
        match self.rest().chars().next() {
            None => Err(self.error(self.missing())),
            Some('(') => {
                self.descend()?;
                self.at += 1;
                let node = self.either()?;
                if !self.rest().starts_with(')') {
                    return Err(self.error_at(start, "this '(' has no ')'".to_owned()));
                }
                self.at += 1;
                self.depth -= 1;
                Ok(node)
            }
            Some(')' | '&' | '|') => Err(self.error(self.missing())),
            Some(_) if self.terms >= TERMS_LIMIT => {
                Err(self.error(format!("a filter has at most {TERMS_LIMIT} terms")))
            }
            Some(_) => {
                self.terms += 1;
                self.term()
            }
        }
    }

    fn missing(&self) -> String {
        let what = "a word, a key such as dir:client, or '('";
        match self.rest().chars().next() {
            None => format!("expected {what} here"),
            Some(other) => format!("expected {what}, not '{other}'"),
        }
    }

    fn term(&mut self) -> Result<Node, ParseError> {
        let start = self.at;
        match self.rest().as_bytes() {
            [b'"' | b'\'', ..] => {
                let words = self.quoted()?;
                self.located(start, keys::words(&words).map(Node::Term))
            }
            [b'~', ..] => self.tilde().map(Node::Term),
            [b'/', ..] => match self.slashed() {
                Some(regex) => self.located(start + 1, keys::shown(&regex).map(Node::Term)),
                None => self.plain(),
            },
            _ => self.keyed(),
        }
    }

    /// `~b regex`.
    fn tilde(&mut self) -> Result<Term, ParseError> {
        let start = self.at;
        self.at += 1;
        let length = self.rest().find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(self.rest().len());
        let name = &self.rest()[..length];
        let Some(tilde) = table::find_tilde(name) else {
            let names = table::names(|what| matches!(what, What::Tilde(_)));
            let message = keys::unknown(&format!("operator '~{name}'"), name, &names, "~");
            return Err(self.error_at(start, message));
        };
        self.at += length;
        if let Some(term) = keys::tilde_alone(tilde) {
            return Ok(term);
        }
        self.skip_space();
        let value_start = self.at;
        let value = if tilde == Tilde::Code { self.word()? } else { self.text()? };
        if value.text.is_empty() && !value.is_quoted {
            return Err(self.error(format!("expected what ~{name} looks for")));
        }
        self.located(value_start, keys::tilde(tilde, &value.text))
    }

    /// `key:value`, a field, a flag, or a plain word.
    fn keyed(&mut self) -> Result<Node, ParseError> {
        let head = self.head();
        let Some((comparison, length)) = head.comparison else {
            return if head.is_json && head.name.len() > JSON.len() {
                self.at += head.name.len();
                let found = keys::field_exists(&head.name[JSON.len()..]).map(Node::Term);
                self.located_within(head.start + JSON.len(), found)
            } else {
                self.plain()
            };
        };
        if let Some(key) = head.key {
            self.at += length;
            self.skip_space();
            let start = self.at;
            let value = match key {
                Key::Header => self.header()?,
                Key::Path | Key::Host | Key::Url | Key::Subprotocol => self.text()?,
                // no value of the others holds `&` or `|`
                _ => self.word()?,
            };
            return self.located_within(start, keys::key(key, head.name, comparison, &value));
        }
        if !head.is_json && comparison == Comparison::Has {
            return self.not_a_key(&head);
        }
        self.field(&head, comparison, length)
    }

    /// What may be a key, at the place where a term begins.
    fn head(&self) -> Head<'a> {
        let name = &self.rest()[..head_length(self.rest())];
        let is_json = name == JSON || name.starts_with("json.") || name.starts_with("json[");
        let key = table::find_key(name);
        let after = &self.rest()[name.len()..];
        let blanks = after.len() - after.trim_start().len();
        let comparison = Comparison::at(&after[blanks..]).filter(|(comparison, _)| {
            // `size > 1k`: only where the name before the blank is known to be one
            let may_follow = blanks == 0 || (comparison.may_follow_blanks() && (key.is_some() || is_json));
            !name.is_empty() && may_follow
        });
        let comparison = comparison.map(|(comparison, length)| (comparison, name.len() + blanks + length));
        Head { start: self.at, name, key, is_json, comparison }
    }

    /// `name:` where there is no such key: a slip, unless it cannot have been meant as one.
    fn not_a_key(&mut self, head: &Head) -> Result<Node, ParseError> {
        let is_name = head.name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
        if !is_name || self.rest()[head.name.len()..].starts_with("://") {
            return self.plain();
        }
        let mut known = table::names(|what| matches!(what, What::Key(_)));
        known.push(JSON);
        let mut message = keys::unknown(&format!("key '{}'", head.name), head.name, &known, "");
        message.push_str("; put quotation marks around text that holds a ':'");
        Err(self.error(message))
    }

    /// `json.name=value`, `name=value`.
    fn field(&mut self, head: &Head, comparison: Comparison, length: usize) -> Result<Node, ParseError> {
        let (name, start) = (head.name, head.start);
        self.at += length;
        if head.is_json {
            self.skip_space();
        }
        let value_start = self.at;
        let value = match comparison {
            Comparison::Matches | Comparison::MatchesNot => self.regex()?,
            Comparison::Has => self.text()?,
            _ => self.word()?,
        };
        if value.text.is_empty() && !value.is_quoted {
            return Err(self.error_at(value_start, "expected a value".to_owned()));
        }
        let (path, path_start) = match name.strip_prefix(JSON) {
            Some(path) if head.is_json => (path, start + JSON.len()),
            _ => (name, start),
        };
        if !head.is_json
            && let Some(meant) = keys::nearly_a_key(name)
        {
            let message =
                format!("unknown key '{name}': did you mean '{meant}'? For a field, write json.{name}");
            return Err(self.error_at(start, message));
        }
        let paths = self.located_within(path_start, keys::paths(path, head.is_json))?;
        self.located(value_start, keys::field(paths, comparison, value).map(Node::Term))
    }

    /// A flag or a word, up to a blank, a parenthesis, `&` or `|`.
    fn plain(&mut self) -> Result<Node, ParseError> {
        let start = self.at;
        let word = self.bare();
        match table::find_flag(&word) {
            Some(flag) => Ok(Node::Term(Term::Flag(flag))),
            None => self.located(start, keys::words(&word).map(Node::Term)),
        }
    }

    /// Takes `and` or `&`, `or` or `|`; the sign also twice.
    fn take_operator(&mut self, word: &str, sign: char) -> bool {
        self.skip_space();
        if self.is_word(word) {
            self.at += word.len();
            return true;
        }
        let signs = self.rest().chars().take(2).take_while(|&c| c == sign).count();
        self.at += signs;
        signs > 0
    }

    /// Whether `word` stands here by itself, in either case.
    fn is_word(&self, word: &str) -> bool {
        let rest = self.rest();
        let is_here = rest.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
        is_here && {
            let after = rest[word.len()..].chars().next();
            after.is_none_or(|c| c.is_whitespace() || "()".contains(c))
        }
    }

    fn descend(&mut self) -> Result<(), ParseError> {
        self.depth += 1;
        if self.depth > DEPTH_LIMIT {
            return Err(self.error(format!("no more than {DEPTH_LIMIT} levels of parentheses and negations")));
        }
        Ok(())
    }

    fn skip_space(&mut self) {
        self.at = self.source.len() - self.rest().trim_start().len();
    }

    pub(super) fn rest(&self) -> &'a str {
        &self.source[self.at..]
    }

    fn located<T>(&self, at: usize, result: Result<T, String>) -> Result<T, ParseError> {
        result.map_err(|message| self.error_at(at, message))
    }

    fn located_within<T>(&self, at: usize, result: Result<T, (usize, String)>) -> Result<T, ParseError> {
        result.map_err(|(offset, message)| self.error_at(at + offset, message))
    }

    fn error(&self, message: String) -> ParseError {
        self.error_at(self.at, message)
    }

    pub(super) fn error_at(&self, at: usize, message: String) -> ParseError {
        let before = self.source.get(..at).unwrap_or(self.source);
        ParseError { column: before.chars().count() + 1, message }
    }
}

/// What the name of a field begins with where it is to be nothing else.
const JSON: &str = "json";

/// A name and what follows it.
struct Head<'a> {
    start: usize,
    name: &'a str,
    key: Option<Key>,
    /// Whether it is `json` or begins with `json.` or `json[`.
    is_json: bool,
    /// The comparison after it, and how far that reaches from the name's start.
    comparison: Option<(Comparison, usize)>,
}
