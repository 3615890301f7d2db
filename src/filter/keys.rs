//! From a key, a comparison and a value to a term.

use std::cmp::Ordering;

use regex::{Regex, RegexBuilder, bytes};

use super::Node;
use super::field::{FieldTest, FieldValue, Wanted};
use super::needle::Needle;
use super::number::Ranges;
use super::table::{self, Key, Tilde, What};
use super::term::{HeaderTest, Heads, KindTest, Name, Quantity, Term, ValueTest};
use crate::decode::FieldPath;
use crate::ws::{Direction, Opcode};

/// A value as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Value {
    pub(super) text: String,
    pub(super) is_quoted: bool,
}

/// What stands between a key and a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    /// `:`
    Has,
    /// `=` or `==`
    Is,
    /// `!=`
    IsNot,
    /// `~` or `=~`
    Matches,
    /// `!~`
    MatchesNot,
    /// `>`
    Above,
    /// `>=`
    From,
    /// `<`
    Below,
    /// `<=`
    UpTo,
}

/// The longer ones first.
const COMPARISONS: [(&str, Comparison); 11] = [
    ("==", Comparison::Is),
    ("=~", Comparison::Matches),
    ("!=", Comparison::IsNot),
    ("!~", Comparison::MatchesNot),
    (">=", Comparison::From),
    ("<=", Comparison::UpTo),
    (":", Comparison::Has),
    ("=", Comparison::Is),
    ("~", Comparison::Matches),
    (">", Comparison::Above),
    ("<", Comparison::Below),
];

impl Comparison {
    /// The comparison at the start of `rest`, and its length.
    pub(super) fn at(rest: &str) -> Option<(Comparison, usize)> {
        let found = COMPARISONS.iter().find(|(sign, _)| rest.starts_with(sign));
        found.map(|&(sign, comparison)| (comparison, sign.len()))
    }

    /// After blanks, `~` begins an operator of mitmproxy's, and `:` is text.
    pub(super) fn may_follow_blanks(self) -> bool {
        !matches!(self, Comparison::Has | Comparison::Matches | Comparison::MatchesNot)
    }

    fn sign(self) -> &'static str {
        let found = COMPARISONS.iter().rev().find(|(_, comparison)| *comparison == self);
        found.map_or("", |(sign, _)| sign)
    }
}

/// Text to be found in what is shown, in either case.
pub(super) fn words(text: &str) -> Result<Term, String> {
    let pattern = format!("(?i){}", regex::escape(text));
    let needle = Needle::words(text, bytes_regex(&pattern)?);
    Ok(Term::Shown(regex(&pattern)?, needle))
}

/// A regular expression to be found in what is shown.
pub(super) fn shown(pattern: &str) -> Result<Term, String> {
    Ok(Term::Shown(regex(pattern)?, None))
}

/// Those of mitmproxy's operators that take no argument.
pub(super) fn tilde_alone(tilde: Tilde) -> Option<Term> {
    Some(match tilde {
        Tilde::All => Term::All,
        Tilde::Http => Term::Http,
        Tilde::Websocket => Term::Websocket,
        Tilde::Marked => Term::Flag(super::Flag::Marked),
        Tilde::Violation => Term::Flag(super::Flag::Violation),
        Tilde::FromClient => Term::MessageFrom(Direction::ToServer),
        Tilde::FromServer => Term::MessageFrom(Direction::ToClient),
        _ => return None,
    })
}

/// Those of mitmproxy's operators that take an argument.
pub(super) fn tilde(tilde: Tilde, argument: &str) -> Result<Term, String> {
    let payload = |direction| {
        let regex = bytes_regex(&format!("(?is){argument}"))?;
        let is_text = regex::escape(argument) == argument;
        let needle = is_text.then(|| Needle::words(argument, regex.clone())).flatten();
        Ok(Term::Payload(direction, regex, needle))
    };
    let header = |heads| {
        let line = bytes_regex(&format!("(?i){argument}"))?;
        Ok(Term::Header(heads, HeaderTest::Line(line)))
    };
    let name = |name| Ok(Term::Name(name, regex(&format!("(?i){argument}"))?));
    match tilde {
        Tilde::Payload => payload(None),
        Tilde::ClientPayload => payload(Some(Direction::ToServer)),
        Tilde::ServerPayload => payload(Some(Direction::ToClient)),
        Tilde::Header => header(Heads::Both),
        Tilde::RequestHeader => header(Heads::Request),
        Tilde::ResponseHeader => header(Heads::Response),
        Tilde::Url => name(Name::Url),
        Tilde::Host => name(Name::Host),
        Tilde::Method => name(Name::Method),
        Tilde::Code => Ok(Term::Number(Quantity::Code, Ranges::parse(argument)?)),
        Tilde::All
        | Tilde::Http
        | Tilde::Websocket
        | Tilde::Marked
        | Tilde::Violation
        | Tilde::FromClient
        | Tilde::FromServer => tilde_alone(tilde).ok_or_else(String::new),
    }
}

/// A key's term; an error comes with its offset in the value.
pub(super) fn key(
    key: Key,
    name: &str,
    comparison: Comparison,
    value: &Value,
) -> Result<Node, (usize, String)> {
    let text = value.text.as_str();
    if text.is_empty() && !value.is_quoted {
        return Err((0, format!("expected a value after '{name}{}'", comparison.sign())));
    }
    let in_value = |message| (0, message);
    match key {
        Key::From | Key::To | Key::Opcode | Key::Is => {
            let node = choice(key, text)?;
            match comparison {
                Comparison::Has | Comparison::Is => Ok(node),
                Comparison::IsNot => Ok(Node::Not(Box::new(node))),
                _ => Err((0, format!("'{name}' has no order: write {name}:{text}"))),
            }
        }
        Key::Size => number(Quantity::Size, name, comparison, text).map_err(in_value),
        Key::WireSize => number(Quantity::WireSize, name, comparison, text).map_err(in_value),
        Key::Code => number(Quantity::Code, name, comparison, text).map_err(in_value),
        Key::Number => number(Quantity::Number, name, comparison, text).map_err(in_value),
        Key::Session => number(Quantity::Session, name, comparison, text).map_err(in_value),
        Key::Exchange => number(Quantity::Exchange, name, comparison, text).map_err(in_value),
        Key::Path => named(Name::Path, name, comparison, text).map_err(in_value),
        Key::Host => named(Name::Host, name, comparison, text).map_err(in_value),
        Key::Url => named(Name::Url, name, comparison, text).map_err(in_value),
        Key::Subprotocol => named(Name::Subprotocol, name, comparison, text).map_err(in_value),
        Key::Tls => named(Name::Tls, name, comparison, text).map_err(in_value),
        Key::Method => named(Name::Method, name, comparison, text).map_err(in_value),
        Key::Rule => rule(name, comparison, text).map_err(in_value),
        Key::Header if comparison == Comparison::Has => header(text).map(Node::Term).map_err(in_value),
        Key::Header => Err((0, "write header:name, header:name=value or header:name~regex".to_owned())),
    }
}

/// One of few words, or several with commas.
fn choice(key: Key, text: &str) -> Result<Node, (usize, String)> {
    let mut offset = 0;
    let mut terms = Vec::new();
    for word in text.split(',') {
        let term = match key {
            Key::From => direction(word, "client", "server").map(Term::From),
            Key::To => direction(word, "server", "client").map(Term::From),
            Key::Opcode => kind(word).map(Term::Kind),
            _ => table::find_flag(word).map(Term::Flag),
        };
        let Some(term) = term else {
            let (what, known): (&str, Vec<&str>) = match key {
                Key::From | Key::To => ("end", vec!["client", "server"]),
                Key::Opcode => ("opcode", OPCODES.iter().map(|(name, _)| *name).collect()),
                _ => ("flag", table::names(|what| matches!(what, What::Flag(_)))),
            };
            return Err((offset, unknown(&format!("{what} '{word}'"), word, &known, "")));
        };
        terms.push(Node::Term(term));
        offset += word.len() + 1;
    }
    Ok(Node::any(terms))
}

fn direction(word: &str, to_server: &str, to_client: &str) -> Option<Direction> {
    if word.eq_ignore_ascii_case(to_server) {
        Some(Direction::ToServer)
    } else if word.eq_ignore_ascii_case(to_client) {
        Some(Direction::ToClient)
    } else {
        None
    }
}

const OPCODES: [(&str, KindTest); 10] = [
    ("text", KindTest::Opcode(Opcode::Text)),
    ("binary", KindTest::Opcode(Opcode::Binary)),
    ("data", KindTest::Data),
    ("ping", KindTest::Opcode(Opcode::Ping)),
    ("pong", KindTest::Opcode(Opcode::Pong)),
    ("close", KindTest::Opcode(Opcode::Close)),
    ("control", KindTest::Control),
    ("continuation", KindTest::Opcode(Opcode::Continuation)),
    ("reserved", KindTest::Reserved),
    ("raw", KindTest::Raw),
];

/// By name, or by the number of RFC 6455 5.2: `op:9`, `op:0xb`.
fn kind(word: &str) -> Option<KindTest> {
    if let Some((_, kind)) = OPCODES.iter().find(|(name, _)| name.eq_ignore_ascii_case(word)) {
        return Some(*kind);
    }
    let bits = match word.strip_prefix("0x") {
        Some(digits) => u8::from_str_radix(digits, 16),
        None => word.parse(),
    };
    bits.ok().filter(|bits| *bits < 16).map(|bits| KindTest::Opcode(Opcode::from_bits(bits)))
}

fn number(quantity: Quantity, name: &str, comparison: Comparison, text: &str) -> Result<Node, String> {
    let ranges = match comparison {
        Comparison::Has | Comparison::Is => Ranges::parse(text)?,
        Comparison::IsNot => Ranges::parse(text)?.others(),
        Comparison::Above => Ranges::above(text)?,
        Comparison::From => Ranges::from(text)?,
        Comparison::Below => Ranges::below(text)?,
        Comparison::UpTo => Ranges::up_to(text)?,
        Comparison::Matches | Comparison::MatchesNot => {
            return Err(format!("'{name}' is a number: compare it with : = != > >= < <="));
        }
    };
    Ok(Node::Term(Term::Number(quantity, ranges)))
}

fn named(name: Name, key: &str, comparison: Comparison, text: &str) -> Result<Node, String> {
    let pattern = match comparison {
        Comparison::Has => shape(name, text),
        Comparison::Is | Comparison::IsNot => whole(name, &regex::escape(text)),
        Comparison::Matches | Comparison::MatchesNot => text.to_owned(),
        _ => return Err(format!("'{key}' has no order: compare it with : = != ~")),
    };
    let node = Node::Term(Term::Name(name, regex(&pattern)?));
    let is_negated = matches!(comparison, Comparison::IsNot | Comparison::MatchesNot);
    Ok(if is_negated { Node::Not(Box::new(node)) } else { node })
}

/// The rules that did something, by their names: any of them.
fn rule(key: &str, comparison: Comparison, text: &str) -> Result<Node, String> {
    let pattern = match comparison {
        Comparison::Has => format!("(?i)^{}$", glob(text)),
        Comparison::Is | Comparison::IsNot => format!("^{}$", regex::escape(text)),
        Comparison::Matches | Comparison::MatchesNot => text.to_owned(),
        _ => return Err(format!("'{key}' has no order: compare it with : = != ~")),
    };
    let node = Node::Term(Term::Rule(regex(&pattern)?));
    let is_negated = matches!(comparison, Comparison::IsNot | Comparison::MatchesNot);
    Ok(if is_negated { Node::Not(Box::new(node)) } else { node })
}

/// What `:` means for each name.
fn shape(name: Name, text: &str) -> String {
    let glob = glob(text);
    match name {
        Name::Url => format!("(?i){glob}"),
        Name::Path if text.contains('*') => whole(name, &glob),
        Name::Path => format!("^{glob}"),
        Name::Host => format!(r"(?i)^(?:.*\.)?{glob}(?::\d+)?$"),
        Name::Tls => spoken(text).unwrap_or_else(|| format!("(?i){glob}")),
        Name::Subprotocol | Name::Method => whole(name, &glob),
    }
}

/// All of a name; a path with or without its query, a host with or without its port.
fn whole(name: Name, pattern: &str) -> String {
    match name {
        Name::Url => format!("^{pattern}$"),
        Name::Path => format!(r"^{pattern}(?:\?.*)?$"),
        Name::Host => format!(r"(?i)^{pattern}(?::\d+)?$"),
        // One of its words.
        Name::Tls => spoken(pattern).unwrap_or_else(|| format!("(?i)(?:^| ){pattern}(?: |$)")),
        Name::Subprotocol | Name::Method => format!("(?i)^{pattern}$"),
    }
}

/// Whether TLS was spoken at all.
fn spoken(word: &str) -> Option<String> {
    match word.to_ascii_lowercase().as_str() {
        "yes" => Some(".".to_owned()),
        "no" => Some("^$".to_owned()),
        _ => None,
    }
}

fn glob(text: &str) -> String {
    text.split('*').map(regex::escape).collect::<Vec<_>>().join(".*")
}

/// `name`, `name=value`, `name:value`, `name~regex`.
fn header(text: &str) -> Result<Term, String> {
    let end = text.find(['=', ':', '~']).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    if name.is_empty() {
        return Err("expected the name of a header".to_owned());
    }
    let name = bytes_regex(&format!("(?i)^{}$", glob(name)))?;
    let test = match rest.chars().next() {
        None => ValueTest::Exists,
        Some('=') => ValueTest::Is(rest[1..].to_owned()),
        Some(':') => ValueTest::Matches(bytes_regex(&format!("(?i){}", regex::escape(&rest[1..])))?),
        Some(_) => ValueTest::Matches(bytes_regex(&rest[1..])?),
    };
    Ok(Term::Header(Heads::Both, HeaderTest::Value(name, test)))
}

/// The paths that a field's name stands for: itself, or also one level down where it was not said to be JSON.
pub(super) fn paths(path: &str, is_exact: bool) -> Result<Vec<FieldPath>, (usize, String)> {
    let dot = usize::from(path.starts_with('.'));
    let own = FieldPath::parse(&path[dot..])
        .map_err(|(at, expected)| (at + dot, format!("expected {expected}")))?;
    Ok(if is_exact { vec![own] } else { vec![own.one_level_down(), own] })
}

/// `json.id`: the field is there.
pub(super) fn field_exists(path: &str) -> Result<Term, (usize, String)> {
    Ok(Term::Field(FieldTest::new(paths(path, true)?, FieldValue::Exists)))
}

/// A field's term.
pub(super) fn field(paths: Vec<FieldPath>, comparison: Comparison, value: Value) -> Result<Term, String> {
    let Value { text, is_quoted } = value;
    let test = match comparison {
        Comparison::Has => FieldValue::Matches(regex(&format!("(?i){}", regex::escape(&text)))?),
        Comparison::Matches => FieldValue::Matches(regex(&text)?),
        Comparison::MatchesNot => FieldValue::MatchesNot(regex(&text)?),
        Comparison::Is => FieldValue::Is(Wanted::new(text, is_quoted)),
        Comparison::IsNot => FieldValue::IsNot(Wanted::new(text, is_quoted)),
        Comparison::Above => FieldValue::Compares(Wanted::new(text, is_quoted), [Ordering::Greater; 2]),
        Comparison::Below => FieldValue::Compares(Wanted::new(text, is_quoted), [Ordering::Less; 2]),
        Comparison::From => {
            FieldValue::Compares(Wanted::new(text, is_quoted), [Ordering::Greater, Ordering::Equal])
        }
        Comparison::UpTo => {
            FieldValue::Compares(Wanted::new(text, is_quoted), [Ordering::Less, Ordering::Equal])
        }
    };
    Ok(Term::Field(FieldTest::new(paths, test)))
}

/// "unknown ...", and the known name that is most like it.
pub(super) fn unknown(what: &str, name: &str, known: &[&str], prefix: &str) -> String {
    let lower = name.to_lowercase();
    let bound = if lower.chars().count() > 4 { 2 } else { 1 };
    let best = known.iter().map(|known| (distance(&lower, known), known)).min();
    match best {
        Some((distance, meant)) if distance <= bound => {
            format!("unknown {what}: did you mean '{prefix}{meant}'?")
        }
        _ => {
            let all: Vec<String> = known.iter().map(|known| format!("{prefix}{known}")).collect();
            format!("unknown {what}: there are {}", all.join(" "))
        }
    }
}

/// The key that `name` is but for a slip: a letter too many or too few, or two that changed places.
pub(super) fn nearly_a_key(name: &str) -> Option<&'static str> {
    let sorted = |word: &str| {
        let mut letters: Vec<char> = word.chars().collect();
        letters.sort_unstable();
        letters
    };
    let lower = name.to_lowercase();
    let mut keys = table::names(|what| matches!(what, What::Key(_))).into_iter();
    keys.find(|known| {
        let is_swap = known.len() == lower.len() && sorted(known) == sorted(&lower);
        let is_slip = known.len() != lower.len() || is_swap;
        known.len() > 3 && is_slip && distance(&lower, known) == 1
    })
}

/// Letters to insert, remove, replace or swap with their neighbour to come from `a` to `b`.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(40).collect(), b.chars().collect());
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                let best = replaced.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
                let is_swap = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
                if is_swap { best.min(rows[i - 2][j - 2] + 1) } else { best }
            };
        }
    }
    rows[a.len()][b.len()]
}

/// What one regular expression may take, in bytes.
const REGEX_LIMIT: usize = 1 << 19;

fn regex(pattern: &str) -> Result<Regex, String> {
    RegexBuilder::new(pattern).size_limit(REGEX_LIMIT).dfa_size_limit(REGEX_LIMIT).build().map_err(fault)
}

fn bytes_regex(pattern: &str) -> Result<bytes::Regex, String> {
    let mut builder = bytes::RegexBuilder::new(pattern);
    builder.size_limit(REGEX_LIMIT).dfa_size_limit(REGEX_LIMIT).build().map_err(fault)
}

fn fault(error: regex::Error) -> String {
    match error {
        regex::Error::CompiledTooBig(_) => "this regular expression would grow too large".to_owned(),
        // the last line is the reason, those before it draw the place
        error => {
            let text = error.to_string();
            let reason = text.lines().last().unwrap_or_default();
            format!("not a regular expression: {}", reason.trim_start_matches("error: "))
        }
    }
}
