//! The single questions a filter is made of.

use std::borrow::Cow;

use regex::{Regex, bytes};

use super::Reads;
use super::field::FieldTest;
use super::needle::Needle;
use super::number::Ranges;
use super::subject::{Flag, Kind, Subject};
use crate::ws::{Direction, Opcode};

/// One question to a subject.
#[derive(Clone, Debug)]
pub(super) enum Term {
    /// Always true.
    All,
    /// What is shown matches.
    Shown(Regex, Option<Needle>),
    /// The payload matches, of a message that went this way or either.
    Payload(Option<Direction>, bytes::Regex, Option<Needle>),
    From(Direction),
    Kind(KindTest),
    Number(Quantity, Ranges),
    Name(Name, Regex),
    Header(Heads, HeaderTest),
    Field(FieldTest),
    Flag(Flag),
    /// A rule of such a name did something to it.
    Rule(Regex),
    /// A session, or what belongs to one.
    Websocket,
    /// A plain exchange, or a handshake that was refused.
    Http,
    /// A message or control frame from this end.
    MessageFrom(Direction),
}

/// What kind of row it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KindTest {
    Opcode(Opcode),
    Data,
    Control,
    Reserved,
    Raw,
}

/// A number that a subject may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quantity {
    Size,
    WireSize,
    Code,
    Number,
    Session,
    Exchange,
}

/// A name that a subject has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name {
    Url,
    Path,
    Host,
    Subprotocol,
    Method,
    Tls,
}

/// Which heads are searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heads {
    Both,
    Request,
    Response,
}

/// What is asked of header lines.
#[derive(Clone, Debug)]
pub(super) enum HeaderTest {
    /// The line as a whole.
    Line(bytes::Regex),
    /// Header fields of this name have this value.
    Value(bytes::Regex, ValueTest),
}

/// What is asked of a header's value.
#[derive(Clone, Debug)]
pub(super) enum ValueTest {
    /// It is there.
    Exists,
    /// It matches.
    Matches(bytes::Regex),
    /// It, or one of its elements, is this in either case.
    Is(String),
}

impl Term {
    pub(super) fn reads(&self) -> Reads {
        match self {
            Term::All => Reads::Nothing,
            Term::Name(..) | Term::Header(..) | Term::Websocket | Term::Http => Reads::Flow,
            Term::Number(Quantity::Session | Quantity::Exchange, _) => Reads::Flow,
            // a close's status code stands in its payload
            Term::Number(Quantity::Code, _) => Reads::Payload,
            Term::From(_) => Reads::Direction,
            Term::Kind(_) | Term::Number(..) | Term::Flag(_) | Term::Rule(_) | Term::MessageFrom(_) => {
                Reads::Message
            }
            Term::Shown(..) | Term::Payload(..) | Term::Field(_) => Reads::Payload,
        }
    }

    /// Whether it asks what kind of frame something is.
    pub(super) fn asks_for_a_kind(&self) -> bool {
        matches!(self, Term::Kind(_) | Term::Number(Quantity::Code, _))
    }

    /// What it asks that only the log knows.
    pub(super) fn asks_the_log(&self) -> Option<&'static str> {
        match self {
            Term::Number(Quantity::Number, _) => Some("n"),
            Term::Number(Quantity::Exchange, _) => Some("exchange"),
            Term::Kind(KindTest::Raw) => Some("op:raw"),
            Term::Rule(_) => Some("rule"),
            Term::Flag(flag) => match flag {
                Flag::Marked => Some("marked"),
                Flag::Violation => Some("violation"),
                Flag::Held => Some("held"),
                Flag::Edited => Some("edited"),
                Flag::Dropped => Some("dropped"),
                Flag::Injected => Some("injected"),
                Flag::Fragmented => Some("fragmented"),
                Flag::Compressed => None,
            },
            _ => None,
        }
    }

    /// False only where it is true of none of several messages that share all but their payloads, which stand in that of
    /// `subject` one behind the other.
    pub(super) fn may_match(&self, subject: &(impl Subject + ?Sized)) -> bool {
        match self {
            Term::Shown(_, needle) => may_be_shown(needle.as_ref(), subject),
            Term::Payload(direction, _, needle) => {
                goes(*direction, subject) && may_be_in(needle.as_ref(), subject)
            }
            Term::Field(test) => test.may_match(subject),
            Term::Kind(_) | Term::MessageFrom(_) => self.matches(subject),
            _ => self.reads() > Reads::Direction || self.matches(subject),
        }
    }

    pub(super) fn matches(&self, subject: &(impl Subject + ?Sized)) -> bool {
        match self {
            Term::All => true,
            Term::Shown(regex, needle) => {
                may_be_shown(needle.as_ref(), subject) && regex.is_match(&subject.text())
            }
            Term::Payload(_, regex, _) => self.may_match(subject) && regex.is_match(&subject.payload()),
            Term::From(direction) => subject.direction() == Some(*direction),
            Term::Kind(test) => test.matches(subject),
            Term::Number(quantity, ranges) => {
                quantity.of(subject).is_some_and(|number| ranges.contains(number))
            }
            Term::Name(name, regex) => regex.is_match(&name.of(subject)),
            Term::Header(heads, test) => heads.matches(subject, test),
            Term::Field(test) => test.matches(subject),
            Term::Flag(flag) => subject.has(*flag),
            Term::Rule(name) => subject.has_rule(&|rule| name.is_match(rule)),
            Term::Websocket => !matches!(subject.kind(), Kind::Exchange | Kind::Tunnel | Kind::Note),
            Term::Http => matches!(subject.kind(), Kind::Exchange | Kind::Refused),
            Term::MessageFrom(direction) => {
                matches!(subject.kind(), Kind::Frame(_)) && subject.direction() == Some(*direction)
            }
        }
    }
}

/// Whether a message goes this way, if one is asked for.
fn goes(direction: Option<Direction>, subject: &(impl Subject + ?Sized)) -> bool {
    direction.is_none() || direction == subject.direction()
}

/// Whether it may be found in what is shown of a message.
fn may_be_shown(needle: Option<&Needle>, subject: &(impl Subject + ?Sized)) -> bool {
    !subject.shows_payload() || may_be_in(needle, subject)
}

/// Whether it may be found in a message's payload; in other messages than text anything may.
fn may_be_in(needle: Option<&Needle>, subject: &(impl Subject + ?Sized)) -> bool {
    needle.is_none_or(|needle| subject.opcode() != Some(Opcode::Text) || needle.may_be_in(&subject.payload()))
}

impl KindTest {
    fn matches(self, subject: &(impl Subject + ?Sized)) -> bool {
        let opcode = subject.opcode();
        match self {
            KindTest::Opcode(wanted) => opcode == Some(wanted),
            KindTest::Data => matches!(opcode, Some(Opcode::Text | Opcode::Binary | Opcode::Continuation)),
            KindTest::Control => opcode.is_some_and(Opcode::is_control),
            KindTest::Reserved => matches!(opcode, Some(Opcode::Reserved(_))),
            KindTest::Raw => subject.kind() == Kind::Raw,
        }
    }
}

impl Quantity {
    fn of(self, subject: &(impl Subject + ?Sized)) -> Option<u64> {
        match self {
            Quantity::Size => subject.size(),
            Quantity::WireSize => subject.wire_size(),
            Quantity::Code => subject.code().map(u64::from),
            Quantity::Number => subject.number(),
            Quantity::Session => subject.session().map(u64::from),
            Quantity::Exchange => subject.exchange().map(u64::from),
        }
    }
}

impl Name {
    fn of(self, subject: &(impl Subject + ?Sized)) -> Cow<'_, str> {
        Cow::Borrowed(match self {
            Name::Url => subject.url(),
            Name::Path => subject.path(),
            Name::Host => subject.host(),
            Name::Subprotocol => subject.subprotocol(),
            Name::Method => subject.method(),
            Name::Tls => return subject.tls(),
        })
    }
}

impl Heads {
    fn matches(self, subject: &(impl Subject + ?Sized), test: &HeaderTest) -> bool {
        (self != Heads::Response && test.matches(&subject.request_head()))
            || (self != Heads::Request && test.matches(&subject.response_head()))
    }
}

impl HeaderTest {
    fn matches(&self, head: &[u8]) -> bool {
        // the first line is the request's or the status line
        head.split(|&b| b == b'\n').skip(1).any(|line| {
            let line = line.trim_ascii_end();
            match self {
                HeaderTest::Line(regex) => !line.is_empty() && regex.is_match(line),
                HeaderTest::Value(name, test) => match line.iter().position(|&b| b == b':') {
                    Some(colon) => {
                        name.is_match(line[..colon].trim_ascii())
                            && test.matches(line[colon + 1..].trim_ascii())
                    }
                    None => false,
                },
            }
        })
    }
}

impl ValueTest {
    fn matches(&self, value: &[u8]) -> bool {
        match self {
            ValueTest::Exists => true,
            ValueTest::Matches(regex) => regex.is_match(value),
            ValueTest::Is(wanted) => {
                let is = |part: &[u8]| part.trim_ascii().eq_ignore_ascii_case(wanted.as_bytes());
                is(value) || value.split(|b| b",;".contains(b)).any(is)
            }
        }
    }
}
