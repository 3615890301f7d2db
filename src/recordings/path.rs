//! Places in a JSON value: `$.user.id`, `$.items[*].at`, `$..token`.

use std::fmt;
use std::str::FromStr;

use serde_json::Value;

/// A pattern of places, in the common part of JSONPath (RFC 9535): names, indices, `*`, and `..` for any depth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    steps: Vec<Step>,
    text: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Name(String),
    Index(usize),
    Any,
    /// No step, or any number of any.
    Below,
}

/// One step to a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Into an object.
    Name(String),
    /// Into an array.
    Index(usize),
}

/// Why words are no path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no path: {1}; a path is as $.user.id, $.items[*].at or $..token")]
pub struct PathError(String, &'static str);

impl Path {
    /// Whether it leads to this place exactly.
    pub fn leads_to(&self, trail: &[Place]) -> bool {
        leads(&self.steps, trail)
    }

    /// Whether it leads to this place, or to one that holds it.
    pub fn covers(&self, trail: &[Place]) -> bool {
        (0..=trail.len()).any(|length| self.leads_to(&trail[..length]))
    }

    /// All places of `value` that it leads to.
    pub fn places(&self, value: &Value) -> Vec<Vec<Place>> {
        let mut found = Vec::new();
        each_place(value, &mut Vec::new(), &mut |trail, _| {
            if self.leads_to(trail) {
                found.push(trail.to_vec());
            }
        });
        found
    }
}

fn leads(steps: &[Step], trail: &[Place]) -> bool {
    match (steps.split_first(), trail.split_first()) {
        (None, None) => true,
        (None, Some(_)) => false,
        (Some((Step::Below, rest)), _) => {
            leads(rest, trail) || trail.split_first().is_some_and(|(_, further)| leads(steps, further))
        }
        (Some(_), None) => false,
        (Some((step, rest)), Some((place, further))) => {
            let fits = match (step, place) {
                (Step::Any, _) => true,
                (Step::Name(name), Place::Name(place)) => name == place,
                (Step::Index(index), Place::Index(place)) => index == place,
                _ => false,
            };
            fits && leads(rest, further)
        }
    }
}

/// Calls `see` with every place of `value`, and what stands there; the outer before the inner.
pub(crate) fn each_place(value: &Value, trail: &mut Vec<Place>, see: &mut impl FnMut(&[Place], &Value)) {
    see(trail, value);
    let mut inner = |place, value: &Value| {
        trail.push(place);
        each_place(value, trail, see);
        trail.pop();
    };
    match value {
        Value::Object(fields) => {
            fields.iter().for_each(|(name, value)| inner(Place::Name(name.clone()), value));
        }
        Value::Array(items) => {
            (0..).zip(items).for_each(|(index, value)| inner(Place::Index(index), value));
        }
        _ => {}
    }
}

/// What stands at a place.
pub(crate) fn at<'a>(value: &'a Value, trail: &[Place]) -> Option<&'a Value> {
    trail.iter().try_fold(value, |value, place| match place {
        Place::Name(name) => value.get(name),
        Place::Index(index) => value.get(index),
    })
}

/// What stands at a place, to be changed.
pub(crate) fn at_mut<'a>(value: &'a mut Value, trail: &[Place]) -> Option<&'a mut Value> {
    trail.iter().try_fold(value, |value, place| match place {
        Place::Name(name) => value.get_mut(name),
        Place::Index(index) => value.get_mut(index),
    })
}

/// A place as a path that leads to it alone.
pub(crate) fn spelt(trail: &[Place]) -> String {
    let mut text = "$".to_owned();
    for place in trail {
        match place {
            Place::Name(name) if is_plain(name) => {
                text.push('.');
                text.push_str(name);
            }
            Place::Name(name) => text.push_str(&format!("[{}]", Value::from(name.as_str()))),
            Place::Index(index) => text.push_str(&format!("[{index}]")),
        }
    }
    text
}

fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|sign| sign.is_alphanumeric() || matches!(sign, '_' | '-'))
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Path {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Path, PathError> {
        let wrong = |why| PathError(text.to_owned(), why);
        let mut rest = match text.strip_prefix('$') {
            Some(rest) => rest.to_owned(),
            // A name alone is a field at the top.
            None => format!(".{text}"),
        };
        let mut steps = Vec::new();
        while !rest.is_empty() {
            let (step, further) = if let Some(inner) = rest.strip_prefix('[') {
                bracketed(inner).map_err(wrong)?
            } else if let Some(inner) = rest.strip_prefix("..") {
                steps.push(Step::Below);
                if inner.starts_with('[') {
                    rest = inner.to_owned();
                    continue;
                }
                dotted(inner).map_err(wrong)?
            } else if let Some(inner) = rest.strip_prefix('.') {
                dotted(inner).map_err(wrong)?
            } else {
                return Err(wrong("a step begins with . or ["));
            };
            let further = further.to_owned();
            steps.push(step);
            rest = further;
        }
        Ok(Path { steps, text: text.to_owned() })
    }
}

fn dotted(text: &str) -> Result<(Step, &str), &'static str> {
    let end = text.find(['.', '[']).unwrap_or(text.len());
    match text.split_at(end) {
        ("", _) => Err("a name is missing after the dot"),
        ("*", rest) => Ok((Step::Any, rest)),
        (name, rest) => Ok((Step::Name(name.to_owned()), rest)),
    }
}

fn bracketed(text: &str) -> Result<(Step, &str), &'static str> {
    const OPEN: &str = "a bracket is not closed";
    if let Some(quote) = text.chars().next().filter(|sign| matches!(sign, '"' | '\'')) {
        let (name, rest) = text[1..].split_once(quote).ok_or("a quote is not closed")?;
        return Ok((Step::Name(name.to_owned()), rest.strip_prefix(']').ok_or(OPEN)?));
    }
    let (inner, rest) = text.split_once(']').ok_or(OPEN)?;
    let step = match inner {
        "*" => Step::Any,
        index => {
            Step::Index(index.parse().map_err(|_| "in brackets stands a number, * or a name in quotes")?)
        }
    };
    Ok((step, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, value: &str, expected: &[&str]) {
        let path: Path = path.parse().unwrap();
        let value = serde_json::from_str(value).unwrap();
        let found: Vec<_> = path.places(&value).iter().map(|trail| spelt(trail)).collect();
        assert_eq!(found, expected, "{path}");
    }

    #[test]
    fn paths_lead_to_places() {
        let value = r#"{"id":1,"a":{"id":2,"list":[{"id":3},{"id":4,"x y":5}]}}"#;
        check("$", "{}", &["$"]);
        check("$.id", value, &["$.id"]);
        check("id", value, &["$.id"]);
        check("$..id", value, &["$.id", "$.a.id", "$.a.list[0].id", "$.a.list[1].id"]);
        check("$.a.list[*].id", value, &["$.a.list[0].id", "$.a.list[1].id"]);
        check("$.a.list[1]['x y']", value, &["$.a.list[1][\"x y\"]"]);
        check("$.a.*", value, &["$.a.id", "$.a.list"]);
        check("$..[1]", value, &["$.a.list[1]"]);
        check("$.b", value, &[]);
    }

    #[test]
    fn what_lies_below_a_place_is_covered() {
        let path: Path = "$.meta".parse().unwrap();
        let trail = |names: &[&str]| names.iter().map(|name| Place::Name((*name).into())).collect::<Vec<_>>();
        assert!(path.covers(&trail(&["meta"])) && path.covers(&trail(&["meta", "at"])));
        assert!(!path.covers(&trail(&["data", "meta"])) && !path.covers(&[]));
    }

    #[test]
    fn what_is_no_path_is_refused_with_the_reason() {
        for (text, part) in [
            ("$.", "a name is missing"),
            ("$x", "begins with"),
            ("$[", "not closed"),
            ("$['a]", "quote is not closed"),
            ("$[x]", "a number"),
            ("", "a name is missing"),
        ] {
            let error = text.parse::<Path>().unwrap_err().to_string();
            assert!(error.contains(part) && error.contains("$..token"), "{text}: {error}");
        }
    }
}
