//! Questions to the fields of a payload.

use std::cmp::Ordering;

use regex::Regex;

use super::needle::Needle;
use super::number::Decimal;
use super::subject::Subject;
use crate::decode::{self, Field, FieldPath, KeyFinder};
use crate::ws::Opcode;

/// What is asked of a field in the payload.
#[derive(Clone, Debug)]
pub(super) struct FieldTest {
    pub(super) paths: Vec<FieldPath>,
    pub(super) test: FieldValue,
    /// A part of it.
    needle: Option<Needle>,
    /// The key that leads to the value on all paths.
    key: Option<KeyFinder>,
}

/// What is asked of a field's value.
#[derive(Clone, Debug)]
pub(super) enum FieldValue {
    Exists,
    Matches(Regex),
    /// There is one, and none matches.
    MatchesNot(Regex),
    Is(Wanted),
    /// There is one, and none is this.
    IsNot(Wanted),
    /// Its order against the wanted value is one of these two.
    Compares(Wanted, [Ordering; 2]),
}

/// A value to compare with.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    pub(super) text: String,
    /// Unless it stood in quotation marks, text that reads as a number or literal is that, too.
    pub(super) is_quoted: bool,
    number: Option<Decimal>,
}

impl FieldTest {
    pub(super) fn new(paths: Vec<FieldPath>, test: FieldValue) -> FieldTest {
        // All paths have the same keys, at another depth.
        let last_key = paths.first().and_then(FieldPath::last_key);
        let other_key = paths.first().and_then(FieldPath::longest_key).filter(|key| last_key != Some(key));
        let needle = match &test {
            FieldValue::Is(wanted) => wanted.as_text().or(other_key),
            _ => other_key,
        };
        let needle = needle.and_then(Needle::string);
        let key = last_key.map(KeyFinder::new);
        FieldTest { paths, test, needle, key }
    }

    /// False only where it is true of none of several messages, whose payloads stand in that of `subject` as in
    /// [`super::Term::may_match`].
    pub(super) fn may_match(&self, subject: &(impl Subject + ?Sized)) -> bool {
        if subject.opcode() != Some(Opcode::Text) {
            return subject.opcode().is_some();
        }
        let payload = subject.payload();
        let may_be_true_with = |field: &Field| self.test.may_be_true_with(field);
        self.needle.as_ref().is_none_or(|needle| needle.may_be_in(&payload))
            && self.key.as_ref().is_none_or(|key| key.may_lead_to(&payload, may_be_true_with))
    }

    pub(super) fn matches(&self, subject: &(impl Subject + ?Sized)) -> bool {
        let Some(opcode) = subject.opcode().filter(|_| self.may_match(subject)) else {
            return false;
        };
        let payload = subject.payload();
        let any = |test: &mut dyn FnMut(&Field) -> bool| {
            self.paths.iter().any(|path| decode::fields(opcode, &payload, path, test))
        };
        match &self.test {
            FieldValue::MatchesNot(_) | FieldValue::IsNot(_) => {
                some_but_none(any, |field| !self.test.may_be_true_with(field))
            }
            test => any(&mut |field| test.may_be_true_with(field)),
        }
    }
}

impl FieldValue {
    /// Whether it can be true where this is one of the fields: it is, unless all of them have to be so.
    fn may_be_true_with(&self, field: &Field) -> bool {
        match self {
            FieldValue::Exists => true,
            FieldValue::Matches(regex) => matches_text(regex, field),
            FieldValue::MatchesNot(regex) => !matches_text(regex, field),
            FieldValue::Is(wanted) => wanted.is(field),
            FieldValue::IsNot(wanted) => !wanted.is(field),
            FieldValue::Compares(wanted, orders) => wanted.has_order(field, orders),
        }
    }
}

/// Whether there are fields, and `test` is true of none.
fn some_but_none(
    any: impl Fn(&mut dyn FnMut(&Field) -> bool) -> bool,
    test: impl Fn(&Field) -> bool,
) -> bool {
    let mut found = false;
    let is_one = any(&mut |field| {
        found = true;
        test(field)
    });
    found && !is_one
}

fn matches_text(regex: &Regex, field: &Field) -> bool {
    match field {
        Field::Text(text) | Field::Number(text) | Field::Literal(text) => regex.is_match(text),
        Field::Bytes(bytes) => regex.is_match(&String::from_utf8_lossy(bytes)),
        Field::Container => false,
    }
}

impl Wanted {
    pub(super) fn new(text: String, is_quoted: bool) -> Wanted {
        let number = if is_quoted { None } else { Decimal::parse(&text) };
        Wanted { text, is_quoted, number }
    }

    /// The letters that a field has to have, where it is no number that can be spelt in other ways.
    fn as_text(&self) -> Option<&str> {
        (self.number.is_none() && !self.text.is_empty()).then_some(&*self.text)
    }

    fn is(&self, field: &Field) -> bool {
        match field {
            Field::Text(text) => *text == *self.text,
            Field::Bytes(bytes) => **bytes == *self.text.as_bytes(),
            Field::Number(_) | Field::Literal(_) if self.is_quoted => false,
            Field::Number(number) => {
                **number == *self.text || self.number.is_some() && Decimal::parse(number) == self.number
            }
            // MessagePack's word for it
            Field::Literal(literal) => {
                **literal == *self.text || (**literal == *"nil" && self.text == "null")
            }
            Field::Container => false,
        }
    }

    fn has_order(&self, field: &Field, orders: &[Ordering]) -> bool {
        self.order_of(field).is_some_and(|order| orders.contains(&order))
    }

    /// Numbers by value, also those in strings, as prices often are; other text letter by letter.
    fn order_of(&self, field: &Field) -> Option<Ordering> {
        match (field, &self.number) {
            (Field::Number(number) | Field::Text(number), Some(wanted)) => {
                Decimal::parse(number).map(|number| number.cmp(wanted))
            }
            (Field::Text(text), None) => Some((**text).cmp(&self.text)),
            _ => None,
        }
    }
}
