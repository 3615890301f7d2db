//! Sets and removes values inside a JSON payload by path; all else stays as it was spelt, byte for byte.

use std::ops::Range;

use super::FieldPath;
use super::event::{Event, Fault, Reader};
use super::field::Step;
use super::json::{self, JsonReader};

/// The payload with `value`, which is JSON, at `path`: in place of what is there, or added where the container is there
/// (a key to an object, the next index to an array). None where the payload is no JSON, or has no such place.
pub fn set_field(payload: &[u8], path: &FieldPath, value: &str) -> Option<Vec<u8>> {
    spliced(payload, path, &Change::Set(value))
}

/// The payload without what is at `path`; none where the payload is no JSON, or nothing is there.
pub fn remove_field(payload: &[u8], path: &FieldPath) -> Option<Vec<u8>> {
    spliced(payload, path, &Change::Remove)
}

/// Whether `text` is one JSON value.
pub fn is_json(text: &[u8]) -> bool {
    serde_json::from_slice::<serde_json::Value>(text).is_ok()
}

/// `text` as JSON spells a string.
pub fn json_string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

enum Change<'a> {
    Set(&'a str),
    Remove,
}

/// What stands where, and what comes in its place; in order, not overlapping.
type Splices = Vec<(Range<usize>, String)>;

fn spliced(payload: &[u8], path: &FieldPath, change: &Change) -> Option<Vec<u8>> {
    json::opening(payload)?;
    let mut reader = JsonReader::at(payload, 0);
    let mut splices = Splices::new();
    while let Some(first) = reader.step().ok()? {
        visit(&mut reader, &first, path.steps(), change, &mut splices).ok()?;
    }
    if splices.is_empty() {
        return None;
    }
    let mut out = Vec::with_capacity(payload.len());
    let mut done = 0;
    for (range, text) in splices {
        out.extend_from_slice(&payload[done..range.start]);
        out.extend_from_slice(text.as_bytes());
        done = range.end;
    }
    out.extend_from_slice(&payload[done..]);
    Some(out)
}

/// A value of an object or an item of an array, with its key, and whether the path leads to it.
struct Member {
    range: Range<usize>,
    goes: bool,
}

/// Goes through the value that begins with `first`, to its end.
fn visit<'a>(
    reader: &mut JsonReader<'a>,
    first: &Event<'a>,
    steps: &[Step],
    change: &Change,
    splices: &mut Splices,
) -> Result<(), Fault> {
    let start = reader.start();
    let Some((step, rest)) = steps.split_first() else {
        reader.skip(first)?;
        if let Change::Set(value) = change {
            splices.push((start..reader.position(), (*value).to_owned()));
        }
        return Ok(());
    };
    let is_map = match first {
        Event::Map => true,
        Event::Array => false,
        _ => return Ok(()),
    };
    let mut inside = reader.position();
    let mut members: Vec<Member> = Vec::new();
    loop {
        let Some(event) = reader.step()? else { return Ok(()) };
        if event == Event::End {
            break;
        }
        let from = reader.start();
        let is_match = step.is_of(if is_map { None } else { Some(members.len() as u64) }, &event);
        let value = match is_map {
            true => match reader.step()? {
                Some(value) => value,
                None => return Ok(()),
            },
            false => event,
        };
        if is_match {
            visit(reader, &value, rest, change, splices)?;
        } else {
            reader.skip(&value)?;
        }
        inside = reader.position();
        members.push(Member { range: from..inside, goes: is_match });
    }
    match change {
        Change::Remove if rest.is_empty() => cut(&members, splices),
        Change::Set(value) if !members.iter().any(|member| member.goes) => {
            let comma = if members.is_empty() { "" } else { "," };
            let added = match step {
                Step::Key(key) if is_map => format!("{comma}{}:", json_string(key)),
                Step::Index(index) if !is_map && *index == members.len() as u64 => comma.to_owned(),
                _ => return Ok(()),
            };
            if let Some(value) = made(rest, value) {
                splices.push((inside..inside, format!("{added}{value}")));
            }
        }
        _ => {}
    }
    Ok(())
}

/// `value` inside as many new objects as the rest of a path asks for.
fn made(steps: &[Step], value: &str) -> Option<String> {
    let Some((step, rest)) = steps.split_first() else { return Some(value.to_owned()) };
    match step {
        Step::Key(key) => Some(format!("{{{}:{}}}", json_string(key), made(rest, value)?)),
        Step::Index(0) => Some(format!("[{}]", made(rest, value)?)),
        _ => None,
    }
}

/// Takes members out, with a comma each.
fn cut(members: &[Member], splices: &mut Splices) {
    let mut at = 0;
    while at < members.len() {
        if !members[at].goes {
            at += 1;
            continue;
        }
        let run = members[at..].iter().take_while(|member| member.goes).count();
        let last = members[at + run - 1].range.end;
        let range = match (at, members.get(at + run)) {
            (0, Some(next)) => members[0].range.start..next.range.start,
            (0, None) => members[0].range.start..last,
            _ => members[at - 1].range.end..last,
        };
        splices.push((range, String::new()));
        at += run;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const JSON: &[u8] = br#"{ "a": 1.0, "b" : {"c":[1, 2 ,3]},"d":null }"#;

    fn shown(bytes: Option<Vec<u8>>) -> Option<String> {
        bytes.map(|bytes| String::from_utf8(bytes).unwrap())
    }

    #[track_caller]
    fn set(path: &str, value: &str, expected: Option<&str>) {
        let path = FieldPath::parse(path).unwrap();
        assert_eq!(shown(set_field(JSON, &path, value)).as_deref(), expected);
    }

    #[track_caller]
    fn remove(json: &[u8], path: &str, expected: Option<&str>) {
        let path = FieldPath::parse(path).unwrap();
        assert_eq!(shown(remove_field(json, &path)).as_deref(), expected);
    }

    #[test]
    fn a_value_is_set_and_the_rest_stays_as_it_was_spelt() {
        set("a", "2", Some(r#"{ "a": 2, "b" : {"c":[1, 2 ,3]},"d":null }"#));
        set("b.c[1]", r#""x""#, Some(r#"{ "a": 1.0, "b" : {"c":[1, "x" ,3]},"d":null }"#));
        set("b.c[*]", "0", Some(r#"{ "a": 1.0, "b" : {"c":[0, 0 ,0]},"d":null }"#));
        set("b", "{}", Some(r#"{ "a": 1.0, "b" : {},"d":null }"#));
    }

    #[test]
    fn what_is_not_there_is_added_where_it_can_be() {
        set("e", "true", Some(r#"{ "a": 1.0, "b" : {"c":[1, 2 ,3]},"d":null,"e":true }"#));
        set("b.x.y", "0", Some(r#"{ "a": 1.0, "b" : {"c":[1, 2 ,3],"x":{"y":0}},"d":null }"#));
        set("b.c[3]", "4", Some(r#"{ "a": 1.0, "b" : {"c":[1, 2 ,3,4]},"d":null }"#));
        set("b.c[4]", "4", None);
        set("a.x", "4", None);
        let path = FieldPath::parse("a").unwrap();
        assert_eq!(shown(set_field(b"{}", &path, "1")).as_deref(), Some(r#"{"a":1}"#));
        assert_eq!(set_field(b"hello", &path, "1"), None);
        assert_eq!(set_field(br#"{"a":1"#, &path, "1"), None);
    }

    proptest! {
        /// A value set by its path is found there, and no other value changes.
        #[test]
        fn what_is_set_is_found(keys in proptest::collection::vec("[a-c]{1,2}", 1..4), numbers in proptest::collection::vec(0..9_u8, 1..4), index in 0..4_usize) {
            let before = format!("{{\"x\": {numbers:?} , \"y\":{{\"a\":[{{}}, 1.0]}}}}");
            let mut expected: serde_json::Value = serde_json::from_str(&before).unwrap();
            let path = FieldPath::parse(&format!("y.{}", keys.join("."))).unwrap();
            if let Some(set) = set_field(before.as_bytes(), &path, "7") {
                let mut place = &mut expected["y"];
                for key in &keys {
                    place = &mut place[key.as_str()];
                }
                *place = 7.into();
                prop_assert_eq!(serde_json::from_slice::<serde_json::Value>(&set).unwrap(), expected);
            }
            let path = FieldPath::parse(&format!("x[{index}]")).unwrap();
            let removed = remove_field(before.as_bytes(), &path);
            prop_assert_eq!(removed.is_some(), index < numbers.len());
            if let Some(removed) = removed {
                let mut left = numbers.clone();
                left.remove(index);
                let removed: serde_json::Value = serde_json::from_slice(&removed).unwrap();
                prop_assert_eq!(&removed["x"], &serde_json::json!(left));
            }
        }
    }

    #[test]
    fn what_is_removed_takes_its_comma_along() {
        remove(JSON, "a", Some(r#"{ "b" : {"c":[1, 2 ,3]},"d":null }"#));
        remove(JSON, "b", Some(r#"{ "a": 1.0,"d":null }"#));
        remove(JSON, "d", Some(r#"{ "a": 1.0, "b" : {"c":[1, 2 ,3]} }"#));
        remove(JSON, "b.c[*]", Some(r#"{ "a": 1.0, "b" : {"c":[]},"d":null }"#));
        remove(JSON, "x", None);
        remove(br#"{"a":1}"#, "a", Some("{}"));
        remove(br#"[{"a":1},{"a":2,"b":3}]"#, "[*].a", Some(r#"[{},{"b":3}]"#));
    }
}
