//! Values that are new in every run: captured where they first come, put in wherever the recorded ones stood.

use std::collections::{HashMap, VecDeque};
use std::str::FromStr;

use serde_json::Value;

use super::packet;
use super::path::{Path, PathError, Place, at, each_place};

/// `NAME=$.path`: what stands there may be another value in each run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// What reports call it.
    pub name: String,
    /// Where it stands.
    pub path: Path,
}

impl FromStr for Binding {
    type Err = PathError;

    /// `id=$.id`; a path alone is its own name.
    fn from_str(text: &str) -> Result<Binding, PathError> {
        let (name, path) = match text.split_once('=') {
            Some((name, path)) if !name.contains(['$', '[']) => (name, path),
            _ => (text, text),
        };
        Ok(Binding { name: name.to_owned(), path: path.parse()? })
    }
}

/// Recorded values, and the live ones that stand for them in this run.
#[derive(Clone, Debug, Default)]
pub struct Bound {
    rules: Vec<Binding>,
    /// By rule and recorded value, as it is spelt.
    live: HashMap<(usize, String), Value>,
    /// The same keys, the oldest first.
    order: VecDeque<(usize, String)>,
}

/// Pairs that are kept: the latest. Ids that count up would otherwise be kept for as long as a recording is.
const MOST_PAIRS: usize = 4_096;
/// A string of this many octets is put in wherever it stands; what is shorter only where its rule leads.
const UNMISTAKABLE: usize = 8;

impl Bound {
    /// Nothing captured yet.
    pub fn new(rules: Vec<Binding>) -> Bound {
        Bound { rules, ..Bound::default() }
    }

    /// Whether a rule leads to this place, so that any value may stand there.
    pub fn leads_to(&self, trail: &[Place]) -> bool {
        self.rules.iter().any(|rule| rule.path.leads_to(trail))
    }

    /// Captures what stands in `live` where the rules lead to in `recorded`.
    pub fn capture(&mut self, recorded: &Value, live: &Value) {
        for rule in 0..self.rules.len() {
            for trail in self.rules[rule].path.places(recorded) {
                let (Some(recorded), Some(live)) = (at(recorded, &trail), at(live, &trail)) else { continue };
                let key = (rule, recorded.to_string());
                if self.live.insert(key.clone(), live.clone()).is_none() {
                    self.order.push_back(key);
                }
                if self.order.len() > MOST_PAIRS
                    && let Some(oldest) = self.order.pop_front()
                {
                    self.live.remove(&oldest);
                }
            }
        }
    }

    /// The live value that stands for `recorded` at this place, if one was captured.
    pub fn live(&self, trail: &[Place], recorded: &Value) -> Option<&Value> {
        if self.live.is_empty() || recorded.is_object() || recorded.is_array() {
            return None;
        }
        let unmistakable = recorded.as_str().is_some_and(|text| text.len() >= UNMISTAKABLE);
        let spelt = recorded.to_string();
        let rules = self.rules.iter().enumerate();
        let mut fit = rules.filter(|(_, rule)| unmistakable || rule.path.leads_to(trail));
        fit.find_map(|(rule, _)| self.live.get(&(rule, spelt.clone())))
    }

    /// The same JSON with the live values in; none where it is no JSON, or nothing in it changes.
    pub fn put_in(&self, payload: &[u8]) -> Option<Vec<u8>> {
        if self.live.is_empty() {
            return None;
        }
        let (head, mut value) = packet::json(payload)?;
        let mut changes = Vec::new();
        each_place(&value, &mut Vec::new(), &mut |trail, recorded| {
            if let Some(live) = self.live(trail, recorded).filter(|live| *live != recorded) {
                changes.push((trail.to_vec(), live.clone()));
            }
        });
        if changes.is_empty() {
            return None;
        }
        for (trail, live) in changes {
            if let Some(place) = at_mut(&mut value, &trail) {
                *place = live;
            }
        }
        let mut changed = head.to_vec();
        serde_json::to_writer(&mut changed, &value).ok()?;
        Some(changed)
    }
}

fn at_mut<'a>(value: &'a mut Value, trail: &[Place]) -> Option<&'a mut Value> {
    trail.iter().try_fold(value, |value, place| match place {
        Place::Name(name) => value.get_mut(name),
        Place::Index(index) => value.get_mut(index),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn bound(rules: &[&str]) -> Bound {
        Bound::new(rules.iter().map(|rule| rule.parse().unwrap()).collect())
    }

    #[test]
    fn a_fresh_id_is_put_into_the_answer() {
        let mut bound = bound(&["id=$.id"]);
        bound.capture(&json!({"id": 7, "method": "x"}), &json!({"id": 1041, "method": "x"}));
        let answer = bound.put_in(br#"{"jsonrpc":"2.0","id":7,"result":7}"#).unwrap();
        // A short value is only put in where the rule leads.
        assert_eq!(answer, br#"{"jsonrpc":"2.0","id":1041,"result":7}"#);
        assert_eq!(bound.put_in(br#"{"id":8}"#), None);
        assert_eq!(bound.put_in(b"no json"), None);
    }

    #[test]
    fn a_long_string_is_put_in_wherever_it_stands() {
        let mut bound = bound(&["$.session.token"]);
        bound.capture(&json!({"session": {"token": "abcdefgh"}}), &json!({"session": {"token": "ijkl"}}));
        let answer = bound.put_in(br#"{"list":[{"for":"abcdefgh"}]}"#).unwrap();
        assert_eq!(answer, br#"{"list":[{"for":"ijkl"}]}"#);
        assert_eq!(bound.put_in(br#"42["x","abcdefgh"]"#).unwrap(), br#"42["x","ijkl"]"#);
    }

    #[test]
    fn what_is_captured_again_replaces_and_memory_is_bounded() {
        let mut bound = bound(&["id"]);
        for number in 0..MOST_PAIRS + 10 {
            bound.capture(&json!({"id": number}), &json!({"id": number + 1}));
        }
        bound.capture(&json!({"id": 5000}), &json!({"id": "again"}));
        assert_eq!((bound.live.len(), bound.order.len()), (MOST_PAIRS, MOST_PAIRS));
        assert_eq!(bound.put_in(br#"{"id":4100}"#).unwrap(), br#"{"id":4101}"#);
    }
}
