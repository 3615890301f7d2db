//! Finds values inside a payload by path, without a tree, in JSON, MessagePack and CBOR alike.

use std::borrow::Cow;
use std::fmt;

use super::cbor::CborReader;
use super::event::{Event, Fault, Reader};
use super::json::{self, JsonReader};
use super::msgpack::MsgpackReader;
use super::{DECODERS, View};
use crate::ws::Opcode;

/// Where a value is: `a.b[0]`, `items[*].id`, `*.id`, `["odd key"]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldPath(Vec<Step>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A value of a map, by its key.
    Key(Box<str>),
    /// An item of an array, from 0.
    Index(u64),
    /// Every value of a map, every item of an array.
    Any,
}

/// A value that was found.
#[derive(Clone, Debug, PartialEq)]
pub enum Field<'a> {
    /// A string, escapes undone.
    Text(Cow<'a, str>),
    /// A number as it is spelt.
    Number(Cow<'a, str>),
    /// `true`, `false`, `null`, `nil`, `undefined`.
    Literal(Cow<'a, str>),
    /// Bytes, or a MessagePack extension's.
    Bytes(Cow<'a, [u8]>),
    /// An object, map or array.
    Container,
}

/// Shows the values at `path` to `visit`, until it says true; gives whether it did.
///
/// A key that stands twice is found twice. In a payload that breaks off, what comes before is found.
pub fn fields(
    opcode: Opcode,
    payload: &[u8],
    path: &FieldPath,
    visit: &mut dyn FnMut(&Field) -> bool,
) -> bool {
    if json::opening(payload).is_some() {
        return find_in::<JsonReader>(payload, path, visit);
    }
    let is_binary = |view: View| DECODERS[view as usize].1.recognises(opcode, payload.into());
    if is_binary(View::MessagePack) {
        find_in::<MsgpackReader>(payload, path, visit)
    } else if is_binary(View::Cbor) {
        find_in::<CborReader>(payload, path, visit)
    } else {
        false
    }
}

impl FieldPath {
    /// The path of a key at the top.
    pub fn key(name: &str) -> FieldPath {
        FieldPath(vec![Step::Key(name.into())])
    }

    /// Reads a path; the error says at which byte it goes wrong, and what was expected there.
    pub fn parse(source: &str) -> Result<FieldPath, (usize, &'static str)> {
        let mut steps = Vec::new();
        let mut at = 0;
        while at < source.len() {
            let rest = &source[at..];
            let (step, length) = if rest.starts_with('[') {
                bracketed(rest).map_err(|expected| (at, expected))?
            } else {
                let dot = usize::from(!steps.is_empty());
                if dot == 1 && !rest.starts_with('.') {
                    return Err((at, "'.' or '['"));
                }
                let length = rest[dot..].find(['.', '[', ']']).unwrap_or(rest.len() - dot);
                match &rest[dot..dot + length] {
                    "" => return Err((at + dot, "the name of a field")),
                    "*" => (Step::Any, dot + 1),
                    name => (Step::Key(name.into()), dot + length),
                }
            };
            steps.push(step);
            at += length;
            if steps.len() > STEPS_LIMIT {
                return Err((at, "no more than 32 steps"));
            }
        }
        if steps.is_empty() { Err((0, "the name of a field")) } else { Ok(FieldPath(steps)) }
    }

    pub(super) fn steps(&self) -> &[Step] {
        &self.0
    }

    /// The key at its end, where there is one.
    pub fn last_key(&self) -> Option<&str> {
        match self.0.last() {
            Some(Step::Key(key)) => Some(key),
            _ => None,
        }
    }

    /// The longest of the keys on it.
    pub fn longest_key(&self) -> Option<&str> {
        let keys = self.0.iter().filter_map(|step| match step {
            Step::Key(key) => Some(&**key),
            Step::Index(_) | Step::Any => None,
        });
        keys.max_by_key(|key| key.len())
    }

    /// The same path one level further down, whatever the key or index there is.
    pub fn one_level_down(&self) -> FieldPath {
        FieldPath([Step::Any].into_iter().chain(self.0.iter().cloned()).collect())
    }
}

/// What recursion is bounded by.
const STEPS_LIMIT: usize = 32;

/// `[0]`, `[*]` or `["key"]`, and its length.
fn bracketed(rest: &str) -> Result<(Step, usize), &'static str> {
    if let Some(quoted) = rest.strip_prefix("[\"") {
        let length = quoted.find("\"]").ok_or("'\"]' at the end of the key")?;
        return Ok((Step::Key(quoted[..length].into()), length + 4));
    }
    let length = rest.find(']').ok_or("']'")?;
    let step = match &rest[1..length] {
        "*" => Step::Any,
        index => Step::Index(index.parse().map_err(|_| "a number, * or a key in quotation marks")?),
    };
    Ok((step, length + 1))
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, step) in self.0.iter().enumerate() {
            match step {
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Any => f.write_str("[*]")?,
                Step::Key(key) if key.is_empty() || **key == *"*" || key.contains(['.', '[', ']']) => {
                    write!(f, "[\"{key}\"]")?;
                }
                Step::Key(key) if place == 0 => f.write_str(key)?,
                Step::Key(key) => write!(f, ".{key}")?,
            }
        }
        Ok(())
    }
}

fn find_in<'a, R: Reader<'a>>(
    payload: &'a [u8],
    path: &FieldPath,
    visit: &mut dyn FnMut(&Field) -> bool,
) -> bool {
    let mut reader = R::at(payload, 0);
    while let Ok(Some(first)) = reader.step() {
        match find(&mut reader, first, &path.0, visit) {
            Ok(true) => return true,
            Ok(false) => {}
            Err(_) => return false,
        }
    }
    false
}

/// Goes through the value that begins with `first`. A fault ends the search.
fn find<'a, R: Reader<'a>>(
    reader: &mut R,
    first: Event<'a>,
    steps: &[Step],
    visit: &mut dyn FnMut(&Field) -> bool,
) -> Result<bool, Fault> {
    let mut first = first;
    while let Event::Tag(_) = first {
        let Some(tagged) = reader.step()? else {
            return Ok(false);
        };
        first = tagged;
    }
    let Some((step, rest)) = steps.split_first() else {
        let field = field(&first);
        if visit(&field) {
            return Ok(true);
        }
        reader.skip(&first)?;
        return Ok(false);
    };
    let is_map = match first {
        Event::Map => true,
        Event::Array => false,
        _ => return Ok(false),
    };
    for index in 0.. {
        let is_match = match reader.step()? {
            None | Some(Event::End) => return Ok(false),
            Some(item) if !is_map => {
                let is_match = step.is_of(Some(index), &item);
                if is_match && find(reader, item.clone(), rest, visit)? {
                    return Ok(true);
                }
                if !is_match {
                    reader.skip(&item)?;
                }
                continue;
            }
            Some(key) => {
                let is_match = step.is_of(None, &key);
                reader.skip(&key)?;
                is_match
            }
        };
        if !is_match {
            if !reader.skip_value()? {
                return Ok(false);
            }
            continue;
        }
        let Some(value) = reader.step()? else {
            return Ok(false);
        };
        if find(reader, value, rest, visit)? {
            return Ok(true);
        }
    }
    Ok(false)
}

impl Step {
    /// Whether it leads to the item of that index, or, where there is none, to the value of this key.
    pub(super) fn is_of(&self, index: Option<u64>, key: &Event) -> bool {
        match (self, index, key) {
            (Step::Any, ..) => true,
            (Step::Index(wanted), Some(index), _) => *wanted == index,
            (Step::Key(_), Some(_), _) => false,
            (Step::Key(wanted), None, Event::Text(text)) => text.content() == **wanted,
            (Step::Key(wanted), None, Event::Number(number)) => **wanted == **number,
            (Step::Index(wanted), None, Event::Number(number)) => *number == wanted.to_string(),
            _ => false,
        }
    }
}

fn field<'e>(event: &'e Event) -> Field<'e> {
    match event {
        Event::Text(text) => Field::Text(text.content()),
        Event::Number(number) => Field::Number(Cow::Borrowed(number)),
        Event::Literal(literal) => Field::Literal(Cow::Borrowed(literal)),
        Event::Bytes(bytes) => Field::Bytes(Cow::Borrowed(bytes)),
        Event::Extension(_, bytes) => Field::Bytes(Cow::Borrowed(bytes)),
        Event::Map | Event::Array | Event::End | Event::Tag(_) | Event::Separator => Field::Container,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JSON: &[u8] =
        br#" {"a":{"b":[1,{"c":"x\n"},[2]]},"t":true,"a":{"b":[null]},"*":5,"":6,"x.y":7,"n":[]} "#;

    #[track_caller]
    fn check(payload: &[u8], path: &str, expected: &[&str]) {
        let path = FieldPath::parse(path).unwrap();
        assert_eq!(FieldPath::parse(&path.to_string()), Ok(path.clone()), "{path}");
        let mut found = Vec::new();
        fields(Opcode::Binary, payload, &path, &mut |field| {
            found.push(match field {
                Field::Text(text) => format!("{text:?}"),
                Field::Number(word) | Field::Literal(word) => word.to_string(),
                Field::Bytes(bytes) => format!("{bytes:?}"),
                Field::Container => "container".to_owned(),
            });
            false
        });
        assert_eq!(found, expected, "{path}");
    }

    #[test]
    fn paths_lead_to_values() {
        check(JSON, "t", &["true"]);
        check(JSON, "a", &["container", "container"]);
        check(JSON, "a.b[0]", &["1", "null"]);
        check(JSON, "a.b[1].c", &["\"x\\n\""]);
        check(JSON, "a.b[*]", &["1", "container", "container", "null"]);
        check(JSON, "*.b[2][0]", &["2"]);
        check(JSON, r#"["*"]"#, &["5"]);
        check(JSON, r#"[""]"#, &["6"]);
        check(JSON, r#"["x.y"]"#, &["7"]);
        check(JSON, "n[0]", &[]);
        check(JSON, "t.x", &[]);
        check(JSON, "a[0]", &[]);
        check(b"[[1],{\"a\":2}]", "*.a", &["2"]);
        check(b"{\"a\":1,\"b\":[tru", "a", &["1"]);
        check(b"not JSON", "a", &[]);
        check(b"{\"a\":1}\n{\"a\":2}\x1e{\"a\":3}{\"a\":4}", "a", &["1", "2", "3"]);
    }

    #[test]
    fn binary_formats_have_fields_too() {
        // {"type": "tick", 1: h'ff'}
        let msgpack = b"\x82\xa4type\xa4tick\x01\xc4\x01\xff";
        check(msgpack, "type", &["\"tick\""]);
        check(msgpack, "1", &["[255]"]);
        check(msgpack, "[1]", &["[255]"]);
        // 55799({"type": 0("x"), "list": [_ 1.5]})
        let cbor = b"\xd9\xd9\xf7\xa2\x64type\xc0\x61x\x64list\x9f\xf9\x3e\x00\xff";
        check(cbor, "type", &["\"x\""]);
        check(cbor, "list[0]", &["1.5"]);
    }

    #[test]
    fn the_search_ends_when_it_is_told() {
        let path = FieldPath::parse("*").unwrap();
        let mut seen = 0;
        let stop = &mut |_: &Field| {
            seen += 1;
            seen == 2
        };
        assert!(fields(Opcode::Text, b"[1,2,3]", &path, stop));
        assert_eq!(seen, 2);
    }

    #[test]
    fn a_bad_path_says_where() {
        assert_eq!(FieldPath::parse(""), Err((0, "the name of a field")));
        assert_eq!(FieldPath::parse("a..b"), Err((2, "the name of a field")));
        assert_eq!(FieldPath::parse("a[x]"), Err((1, "a number, * or a key in quotation marks")));
        assert_eq!(FieldPath::parse("a[0"), Err((1, "']'")));
        assert_eq!(FieldPath::parse("a[0]b"), Err((4, "'.' or '['")));
        assert!(FieldPath::parse(&"a.".repeat(40)).is_err());
    }
}
