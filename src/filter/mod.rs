//! The one predicate language: views, search and printing all ask it.
//!
//! A [`Filter`] is parsed once and asked of anything that is a [`Subject`]. It has two dialects, which may be mixed:
//! `key:value` with words, flags and `and or not`, and mitmproxy's `~operators` with `& | !`.

mod complete;
mod field;
mod keys;
mod needle;
mod number;
mod parse;
mod scan;
mod subject;
mod table;
mod term;

pub use complete::{Completion, complete};
pub use subject::{Flag, Kind, Subject};

use std::fmt;
use std::ops::Range;
use std::str::FromStr;
use std::sync::Arc;

use term::Term;

use crate::ws::Opcode;

/// A predicate over the rows of the log. Cheap to clone; the default matches all.
#[derive(Clone, Debug)]
pub struct Filter {
    source: Arc<str>,
    root: Arc<Node>,
}

/// Stands between the payloads of several messages where [`Filter::rules_out`] looks at all of them: in JSON nothing goes on
/// behind it.
pub const BETWEEN: u8 = 0;

/// The deepest that a filter has to look to decide; each includes those before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reads {
    /// Nothing: it matches all, or none.
    #[default]
    Nothing,
    /// What all rows of a session or exchange share: it can be asked once for all of them.
    Flow,
    /// Which way a message went.
    Direction,
    /// What a message's row says of it: opcode, size.
    Message,
    /// The message's payload, or what is shown of it.
    Payload,
}

impl Filter {
    /// Reads a filter; an empty one matches all.
    pub fn parse(source: &str) -> Result<Filter, ParseError> {
        Ok(Filter { root: Arc::new(parse::parse(source)?), source: source.into() })
    }

    /// What was parsed.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether it matches everything because it says nothing.
    pub fn is_empty(&self) -> bool {
        self.source.trim().is_empty()
    }

    /// Whether it is true of `subject`.
    pub fn matches(&self, subject: &(impl Subject + ?Sized)) -> bool {
        self.root.matches(subject)
    }

    /// What can be said of `subject` without looking deeper than `reads`; none where that is not enough.
    ///
    /// With [`Reads::Flow`] and a session's row, `Some(false)` means that no message of the session matches.
    pub fn verdict(&self, subject: &(impl Subject + ?Sized), reads: Reads) -> Option<bool> {
        self.root.verdict(subject, reads)
    }

    /// Whether it can be said at a glance that it is true of none of several messages: `subject` has their kind, direction
    /// and session, and all their payloads, one behind the other with [`BETWEEN`] between them. Where it gives false,
    /// nothing is known.
    pub fn rules_out(&self, subject: &(impl Subject + ?Sized)) -> bool {
        !self.root.may_match(subject)
    }

    /// Whether `subject`, which it is true of, is what it means where something is to be touched: a control frame is meant
    /// only where a part that is true of it, and is not behind a `not`, asks for its opcode or its status code.
    pub fn means(&self, subject: &(impl Subject + ?Sized)) -> bool {
        !subject.opcode().is_some_and(Opcode::is_control) || self.root.names(subject)
    }

    /// The deepest it has to look.
    pub fn reads(&self) -> Reads {
        self.root.reads()
    }

    /// Whether payloads have to be read to decide.
    pub fn needs_payload(&self) -> bool {
        self.reads() == Reads::Payload
    }

    /// What it asks that nobody knows of a message that is still on its way: a number in the log, say.
    pub fn asks_the_log(&self) -> Option<&'static str> {
        self.root.asks_the_log()
    }

    /// Whether what is done to a message after it came can change whether it is true of it.
    pub fn is_about_acts(&self) -> bool {
        self.root.is_about_acts()
    }

    /// Where its words and regular expressions are found in a shown `text`: byte ranges in order, not overlapping.
    pub fn highlights(&self, text: &str) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        self.root.highlights(text, &mut found);
        found.sort_by_key(|range| (range.start, range.end));
        found.dedup_by(|next, last| {
            let overlaps = next.start <= last.end;
            if overlaps {
                last.end = last.end.max(next.end);
            }
            overlaps
        });
        found
    }

    /// Every operator and what it does, for help and documents.
    pub fn help() -> &'static [(&'static str, &'static str)] {
        &table::HELP
    }
}

impl Default for Filter {
    fn default() -> Filter {
        Filter { source: "".into(), root: Arc::new(Node::Term(Term::All)) }
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
    }
}

impl FromStr for Filter {
    type Err = ParseError;

    fn from_str(source: &str) -> Result<Filter, ParseError> {
        Filter::parse(source)
    }
}

impl PartialEq for Filter {
    fn eq(&self, other: &Filter) -> bool {
        self.source == other.source
    }
}

impl Eq for Filter {}

/// Why a filter cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// Where, in characters from 1.
    pub column: usize,
    /// What was expected there, and perhaps what was meant.
    pub message: String,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (column {})", self.message, self.column)
    }
}

impl std::error::Error for ParseError {}

/// Terms and what joins them. The parser bounds its depth.
#[derive(Clone, Debug)]
enum Node {
    Term(Term),
    Not(Box<Node>),
    /// In the order of what they cost.
    All(Vec<Node>),
    Any(Vec<Node>),
}

impl Node {
    fn all(nodes: Vec<Node>) -> Node {
        Node::join(nodes, Node::All)
    }

    fn any(nodes: Vec<Node>) -> Node {
        Node::join(nodes, Node::Any)
    }

    fn join(mut nodes: Vec<Node>, join: impl Fn(Vec<Node>) -> Node) -> Node {
        if nodes.len() == 1 {
            return nodes.swap_remove(0);
        }
        nodes.sort_by_key(Node::reads);
        join(nodes)
    }

    fn reads(&self) -> Reads {
        match self {
            Node::Term(term) => term.reads(),
            Node::Not(node) => node.reads(),
            Node::All(nodes) | Node::Any(nodes) => nodes.iter().map(Node::reads).max().unwrap_or_default(),
        }
    }

    fn asks_the_log(&self) -> Option<&'static str> {
        match self {
            Node::Term(term) => term.asks_the_log(),
            Node::Not(node) => node.asks_the_log(),
            Node::All(nodes) | Node::Any(nodes) => nodes.iter().find_map(Node::asks_the_log),
        }
    }

    fn is_about_acts(&self) -> bool {
        match self {
            Node::Term(Term::Flag(flag)) => {
                matches!(flag, Flag::Marked | Flag::Held | Flag::Edited | Flag::Dropped)
            }
            Node::Term(term) => matches!(term, Term::Rule(_)),
            Node::Not(node) => node.is_about_acts(),
            Node::All(nodes) | Node::Any(nodes) => nodes.iter().any(Node::is_about_acts),
        }
    }

    fn matches(&self, subject: &(impl Subject + ?Sized)) -> bool {
        match self {
            Node::Term(term) => term.matches(subject),
            Node::Not(node) => !node.matches(subject),
            Node::All(nodes) => nodes.iter().all(|node| node.matches(subject)),
            Node::Any(nodes) => nodes.iter().any(|node| node.matches(subject)),
        }
    }

    /// Whether it is true of `subject` by a part that asks for its kind.
    fn names(&self, subject: &(impl Subject + ?Sized)) -> bool {
        match self {
            Node::Term(term) => term.asks_for_a_kind() && term.matches(subject),
            // What is ruled out is not asked for.
            Node::Not(_) => false,
            Node::All(nodes) => self.matches(subject) && nodes.iter().any(|node| node.names(subject)),
            Node::Any(nodes) => nodes.iter().any(|node| node.names(subject)),
        }
    }

    /// False only where it is true of none of the messages that `subject` stands for.
    fn may_match(&self, subject: &(impl Subject + ?Sized)) -> bool {
        match self {
            Node::Term(term) => term.may_match(subject),
            Node::Not(node) => node.verdict(subject, Reads::Direction) != Some(true),
            Node::All(nodes) => nodes.iter().all(|node| node.may_match(subject)),
            Node::Any(nodes) => nodes.iter().any(|node| node.may_match(subject)),
        }
    }

    fn verdict(&self, subject: &(impl Subject + ?Sized), reads: Reads) -> Option<bool> {
        let decided_by = |nodes: &[Node], decisive: bool| {
            let mut verdict = Some(!decisive);
            for node in nodes {
                match node.verdict(subject, reads) {
                    Some(found) if found == decisive => return Some(decisive),
                    Some(_) => {}
                    None => verdict = None,
                }
            }
            verdict
        };
        match self {
            Node::Term(term) if term.reads() > reads => None,
            Node::Term(term) => Some(term.matches(subject)),
            Node::Not(node) => node.verdict(subject, reads).map(|verdict| !verdict),
            Node::All(nodes) => decided_by(nodes, false),
            Node::Any(nodes) => decided_by(nodes, true),
        }
    }

    fn highlights(&self, text: &str, found: &mut Vec<Range<usize>>) {
        match self {
            Node::Term(Term::Shown(regex, _)) => {
                found.extend(regex.find_iter(text).map(|one| one.range()).filter(|range| !range.is_empty()));
            }
            Node::Term(Term::Payload(_, regex, _)) => {
                let ranges = regex.find_iter(text.as_bytes()).map(|one| one.range());
                found.extend(ranges.filter(|range| !range.is_empty() && text.get(range.clone()).is_some()));
            }
            Node::Term(_) | Node::Not(_) => {}
            Node::All(nodes) | Node::Any(nodes) => nodes.iter().for_each(|node| node.highlights(text, found)),
        }
    }
}

#[cfg(test)]
mod tests;
