//! Whether a message is the one that was recorded, and if not, in what it differs.

use serde_json::Value;

use super::binding::Bound;
use super::packet;
use super::path::{Path, Place, spelt};
use super::pattern::Pattern;
use super::volatile::Volatile;
use crate::ws::Opcode;

/// How much alike a message must be to the recorded one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Match {
    /// Octet for octet.
    Exact,
    /// Where both are JSON, the same values; the order of names and the space between do not count. Else as `Exact`.
    #[default]
    Json,
    /// As `Json`, but it may hold more than was recorded.
    Subset,
    /// Text or binary as recorded, and where both are JSON, values of the same types at the same places.
    Type,
    /// Any data message.
    Any,
}

impl Match {
    /// All of them.
    pub const ALL: [Match; 5] = [Match::Exact, Match::Json, Match::Subset, Match::Type, Match::Any];

    /// The word for it on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Match::Exact => "exact",
            Match::Json => "json",
            Match::Subset => "subset",
            Match::Type => "type",
            Match::Any => "any",
        }
    }

    /// What a word on the command line means.
    pub fn from_name(name: &str) -> Option<Match> {
        Match::ALL.into_iter().find(|one| one.name() == name)
    }
}

/// What is expected of messages.
#[derive(Clone, Debug, Default)]
pub struct Expectation {
    /// How much alike they must be.
    pub matching: Match,
    /// Places where anything may stand, or nothing.
    pub ignore: Vec<Path>,
    /// Values that may differ as long as both are of one kind.
    pub volatile: Vec<Volatile>,
    /// What values, or whole texts, must look like in place of being the recorded ones.
    pub patterns: Vec<Pattern>,
}

/// One thing in which two messages differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Where: a path in JSON; `opcode`, or `payload`.
    pub place: String,
    /// What was recorded; none where nothing was.
    pub expected: Option<String>,
    /// What came; none where nothing did.
    pub got: Option<String>,
}

/// Octets of a value that a difference shows.
const SHOWN: usize = 200;
/// Differences that are told of one message.
const MOST: usize = 20;

impl Expectation {
    /// In what `got` differs from what was `recorded`; empty where it is as expected. Where it is, [`Bound::capture`]
    /// is for the caller to do.
    pub fn compare(&self, recorded: (Opcode, &[u8]), got: (Opcode, &[u8]), bound: &Bound) -> Vec<Difference> {
        let mut comparison = Comparison { expectation: self, bound, trail: Vec::new(), found: Vec::new() };
        if self.matching == Match::Any {
            return Vec::new();
        }
        if recorded.0 != got.0 {
            comparison.differ("opcode".to_owned(), Some(recorded.0.to_string()), Some(got.0.to_string()));
            return comparison.found;
        }
        if recorded.1 == got.1 {
            return Vec::new();
        }
        match (self.matching, packet::json(recorded.1), packet::json(got.1)) {
            (Match::Exact, ..) => comparison.bytes(recorded.1, got.1),
            (_, Some((head, recorded)), Some((same, got))) if head == same => {
                comparison.value(&recorded, &got);
            }
            (Match::Type, None, None) => {}
            (_, None, None) if self.patterns.iter().any(|pattern| pattern.takes(recorded.1, got.1)) => {}
            _ => comparison.bytes(recorded.1, got.1),
        }
        comparison.found
    }
}

struct Comparison<'a> {
    expectation: &'a Expectation,
    bound: &'a Bound,
    trail: Vec<Place>,
    found: Vec<Difference>,
}

impl Comparison<'_> {
    fn value(&mut self, recorded: &Value, got: &Value) {
        if self.is_ignored() || self.bound.leads_to(&self.trail) {
            return;
        }
        let mut judged =
            self.expectation.patterns.iter().filter_map(|pattern| pattern.judges(&self.trail, got));
        if let Some(is_like) = judged.next() {
            if !is_like || judged.any(|is_like| !is_like) {
                self.differ(spelt(&self.trail), Some(recorded.to_string()), Some(got.to_string()));
            }
            return;
        }
        match (recorded, got) {
            (Value::Object(recorded), Value::Object(got)) => {
                for (name, value) in recorded {
                    self.inner(Place::Name(name.clone()), Some(value), got.get(name));
                }
                for (name, value) in got.iter().filter(|(name, _)| !recorded.contains_key(*name)) {
                    self.inner(Place::Name(name.clone()), None, Some(value));
                }
            }
            (Value::Array(recorded), Value::Array(got)) => {
                for index in 0..recorded.len().max(got.len()) {
                    self.inner(Place::Index(index), recorded.get(index), got.get(index));
                }
            }
            _ if self.is_alike(recorded, got) => {}
            _ => self.differ(spelt(&self.trail), Some(recorded.to_string()), Some(got.to_string())),
        }
    }

    fn inner(&mut self, place: Place, recorded: Option<&Value>, got: Option<&Value>) {
        self.trail.push(place);
        match (recorded, got) {
            (Some(recorded), Some(got)) => self.value(recorded, got),
            (None, Some(_)) if self.expectation.matching == Match::Subset => {}
            _ if self.is_ignored() || self.bound.leads_to(&self.trail) => {}
            _ => self.differ(
                spelt(&self.trail),
                recorded.map(ToString::to_string),
                got.map(ToString::to_string),
            ),
        }
        self.trail.pop();
    }

    fn is_ignored(&self) -> bool {
        // What covers an outer place ended the comparison there already.
        self.expectation.ignore.iter().any(|path| path.leads_to(&self.trail))
    }

    fn is_alike(&self, recorded: &Value, got: &Value) -> bool {
        recorded == got
            || same_number(recorded, got)
            || self.bound.live(&self.trail, recorded) == Some(got)
            || self.expectation.volatile.iter().any(|kind| kind.is(recorded) && kind.is(got))
            || (self.expectation.matching == Match::Type
                && std::mem::discriminant(recorded) == std::mem::discriminant(got))
    }

    fn bytes(&mut self, recorded: &[u8], got: &[u8]) {
        let at = recorded.iter().zip(got).take_while(|(recorded, got)| recorded == got).count();
        // A little of what is the same shows where it is.
        let from = at.saturating_sub(20);
        let shown = |bytes: &[u8]| {
            let bytes = &bytes[from.min(bytes.len())..];
            crate::decode::visible_bytes(&bytes[..bytes.len().min(SHOWN)]).into_owned()
        };
        self.differ(format!("payload, octet {at}"), Some(shown(recorded)), Some(shown(got)));
    }

    fn differ(&mut self, place: String, expected: Option<String>, got: Option<String>) {
        let short = |text: String| match text.char_indices().nth(SHOWN) {
            Some((end, _)) => format!("{}…", &text[..end]),
            None => text,
        };
        if self.found.len() < MOST {
            self.found.push(Difference { place, expected: expected.map(short), got: got.map(short) });
        }
    }
}

/// Whether two spellings mean one number, as far as that is sure.
fn same_number(one: &Value, other: &Value) -> bool {
    const SURE: f64 = 9_007_199_254_740_992.0;
    let (Value::Number(one), Value::Number(other)) = (one, other) else { return false };
    match (one.as_f64(), other.as_f64()) {
        (Some(one), Some(other)) => one == other && one.abs() < SURE,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compare(matching: Match, ignore: &[&str], recorded: &str, got: &str) -> Vec<String> {
        let ignore = ignore.iter().map(|path| path.parse().unwrap()).collect();
        let expectation = Expectation { matching, ignore, ..Expectation::default() };
        let text = |text: &'static str| (Opcode::Text, text.as_bytes());
        let leak = |text: &str| &*Box::leak(text.to_owned().into_boxed_str());
        let found = expectation.compare(text(leak(recorded)), text(leak(got)), &Bound::default());
        found
            .into_iter()
            .map(|difference| {
                let side = |side: Option<String>| side.unwrap_or_else(|| "nothing".to_owned());
                format!("{}: {} → {}", difference.place, side(difference.expected), side(difference.got))
            })
            .collect()
    }

    #[test]
    fn json_is_compared_by_its_values() {
        let same: [&str; 0] = [];
        assert_eq!(compare(Match::Json, &[], r#"{"a":1,"b":[1.0]}"#, r#"{ "b": [1], "a": 1 }"#), same);
        assert_eq!(compare(Match::Json, &[], r#"{"a":1}"#, r#"{"a":2}"#), ["$.a: 1 → 2"]);
        assert_eq!(
            compare(Match::Json, &[], r#"{"a":[1,2],"b":1}"#, r#"{"a":[1],"c":null}"#),
            ["$.a[1]: 2 → nothing", "$.b: 1 → nothing", "$.c: nothing → null"]
        );
        assert_eq!(
            compare(Match::Json, &[], r#"421["a",{"n":1}]"#, r#"421["a",{"n":2}]"#),
            ["$[1].n: 1 → 2"]
        );
        assert_eq!(compare(Match::Json, &[], "421[1]", "422[1]"), ["payload, octet 2: 421[1] → 422[1]"]);
        assert_eq!(compare(Match::Json, &[], "hello", "hullo"), ["payload, octet 1: hello → hullo"]);
        assert_eq!(compare(Match::Exact, &[], "{}", "{ }"), ["payload, octet 1: {} → { }"]);
    }

    #[test]
    fn ignored_places_may_hold_anything_or_nothing() {
        let same: [&str; 0] = [];
        let recorded = r#"{"ts":1,"list":[{"id":1,"n":1}]}"#;
        assert_eq!(
            compare(Match::Json, &["$.ts", "$..id"], recorded, r#"{"list":[{"id":"x","n":1}]}"#),
            same
        );
        assert_eq!(compare(Match::Json, &["$.list"], recorded, r#"{"ts":1,"list":3}"#), same);
        assert_eq!(
            compare(Match::Json, &["$..id"], recorded, r#"{"ts":1,"list":[{"n":2}]}"#),
            ["$.list[0].n: 1 → 2"]
        );
    }

    #[test]
    fn looser_matches_let_more_pass() {
        let same: [&str; 0] = [];
        assert_eq!(compare(Match::Subset, &[], r#"{"a":1}"#, r#"{"a":1,"b":2}"#), same);
        assert_eq!(compare(Match::Subset, &[], r#"{"a":1}"#, r#"{"b":2}"#), ["$.a: 1 → nothing"]);
        assert_eq!(compare(Match::Type, &[], r#"{"a":1}"#, r#"{"a":2}"#), same);
        assert_eq!(compare(Match::Type, &[], r#"{"a":1}"#, r#"{"a":"2"}"#), ["$.a: 1 → \"2\""]);
        assert_eq!(compare(Match::Type, &[], "one", "another"), same);
        assert_eq!(compare(Match::Any, &[], "one", "{}"), same);
    }

    #[test]
    fn what_must_look_like_something_need_not_be_the_same() {
        let patterns = ["$.token=^[0-9a-f]+$", r"^tick \d+$"].map(|text| text.parse().unwrap()).to_vec();
        let expectation = Expectation { patterns, ..Expectation::default() };
        let compare = |recorded: &str, got: &str| {
            let text = |text: &'static str| (Opcode::Text, text.as_bytes());
            let leak = |text: &str| &*Box::leak(text.to_owned().into_boxed_str());
            expectation.compare(text(leak(recorded)), text(leak(got)), &Bound::default()).len()
        };
        assert_eq!(compare(r#"{"token":"ab"}"#, r#"{"token":"12cd"}"#), 0);
        assert_eq!(compare(r#"{"token":"ab"}"#, r#"{"token":"xyz"}"#), 1);
        assert_eq!((compare("tick 1", "tick 20"), compare("tick 1", "tock 1")), (0, 1));
    }

    #[test]
    fn text_and_binary_differ_and_long_values_are_cut() {
        let expectation = Expectation::default();
        let found = expectation.compare((Opcode::Text, b"a"), (Opcode::Binary, b"a"), &Bound::default());
        assert_eq!(found[0].place, "opcode");
        let long = format!("\"{}\"", "x".repeat(1000));
        let found = compare(Match::Json, &[], "1", &long);
        assert!(found[0].ends_with('…') && found[0].len() < 300, "{found:?}");
    }
}
