//! Two conversations side by side: what one end says is paired with what the same end says in the other.

use std::hash::{Hash, Hasher};

use serde_json::Value;

use super::align::{Mark, Pairing, align};
use super::content::{TELLING, hash_of, shape};
use crate::ws::{Direction, Opcode};

/// A message as [`abreast`] compares it: JSON by its values, all else by its octets.
pub fn mark(direction: Direction, opcode: Opcode, payload: &[u8]) -> Mark {
    let kind = hash_of((direction as u8, opcode.bits()));
    match serde_json::from_slice::<Value>(payload) {
        Ok(value) => {
            let topic = Topic::of(&value);
            // What says that it is something else is not taken for a change.
            let kind = hash_of((kind, topic.is_told.then_some(topic.hash)));
            Mark { content: hash_of((kind, Meaning(&value))), shape: hash_of((kind, topic.hash)), kind }
        }
        Err(_) => Mark { content: hash_of((kind, payload)), shape: hash_of((kind, shape(payload))), kind },
    }
}

/// What a message is about: what its `type` and the like say, or else the names of its fields. It stays what it is when
/// a field comes or goes further down.
struct Topic {
    hash: u64,
    is_told: bool,
}

impl Topic {
    fn of(value: &Value) -> Topic {
        let Value::Object(fields) = value else {
            return Topic { hash: hash_of(std::mem::discriminant(value)), is_told: false };
        };
        let mut words: Vec<_> = fields
            .iter()
            .filter(|(name, _)| TELLING.contains(&name.as_str()))
            .filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)))
            .collect();
        words.sort_unstable();
        if words.is_empty() {
            let mut names: Vec<_> = fields.keys().collect();
            names.sort_unstable();
            return Topic { hash: hash_of(names), is_told: false };
        }
        Topic { hash: hash_of(words), is_told: true }
    }
}

/// Pairs the messages of two conversations. Each direction is aligned by itself: how both are interleaved is a matter of
/// time. They come in the order of the left one, what only the right one has behind what it has before that.
pub fn abreast(left: &[(Direction, Mark)], right: &[(Direction, Mark)]) -> Vec<Pairing> {
    let mut of_left = vec![None; left.len()];
    let mut is_added = vec![false; right.len()];
    for direction in [Direction::ToServer, Direction::ToClient] {
        let [lefts, rights] = [left, right].map(|side| places(side, direction));
        let marks = |side: &[(Direction, Mark)], places: &[usize]| -> Vec<Mark> {
            places.iter().map(|place| side[*place].1).collect()
        };
        for pairing in align(&marks(left, &lefts), &marks(right, &rights)) {
            match pairing {
                Pairing::Same(l, r) => of_left[lefts[l]] = Some(Pairing::Same(lefts[l], rights[r])),
                Pairing::Changed(l, r) => of_left[lefts[l]] = Some(Pairing::Changed(lefts[l], rights[r])),
                Pairing::Removed(l) => of_left[lefts[l]] = Some(Pairing::Removed(lefts[l])),
                Pairing::Added(r) => is_added[rights[r]] = true,
            }
        }
    }
    let behind = |place: usize| (place..right.len()).take_while(|at| is_added[*at]).map(Pairing::Added);
    let mut pairs: Vec<Pairing> = behind(0).collect();
    for pairing in of_left.into_iter().flatten() {
        pairs.push(pairing);
        if let Pairing::Same(_, r) | Pairing::Changed(_, r) = pairing {
            pairs.extend(behind(r + 1));
        }
    }
    pairs
}

fn places(side: &[(Direction, Mark)], direction: Direction) -> Vec<usize> {
    (0..).zip(side).filter(|(_, (way, _))| *way == direction).map(|(place, _)| place).collect()
}

/// A value whose hash does not heed the order of names, nor how numbers are spelt.
struct Meaning<'a>(&'a Value);

impl Hash for Meaning<'_> {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        /// Numbers up to here are what they are as floating point.
        const SURE: f64 = 9_007_199_254_740_992.0;
        std::mem::discriminant(self.0).hash(hasher);
        match self.0 {
            Value::Null => {}
            Value::Bool(value) => value.hash(hasher),
            Value::String(text) => text.hash(hasher),
            Value::Number(number) => match number.as_f64().filter(|value| value.abs() < SURE) {
                // Zero has two signs, and one meaning.
                Some(value) => (value + 0.0).to_bits().hash(hasher),
                None => number.to_string().hash(hasher),
            },
            Value::Array(items) => {
                items.len().hash(hasher);
                items.iter().for_each(|item| Meaning(item).hash(hasher));
            }
            Value::Object(fields) => {
                let mut fields: Vec<_> = fields.iter().collect();
                fields.sort_by_key(|(name, _)| *name);
                fields.len().hash(hasher);
                for (name, value) in fields {
                    name.hash(hasher);
                    Meaning(value).hash(hasher);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Pairing::*;
    use super::*;

    /// `>` from the client, `<` from the server, each followed by what is said.
    fn talk(lines: &[&str]) -> Vec<(Direction, Mark)> {
        let line = |line: &&str| {
            let direction = if line.starts_with('>') { Direction::ToServer } else { Direction::ToClient };
            (direction, mark(direction, Opcode::Text, line[1..].trim().as_bytes()))
        };
        lines.iter().map(line).collect()
    }

    #[test]
    fn json_is_marked_by_its_values() {
        let content = |text: &str| mark(Direction::ToClient, Opcode::Text, text.as_bytes()).content;
        assert_eq!(content(r#"{"a":1.0,"b":[true]}"#), content(r#"{ "b": [true], "a": 1 }"#));
        assert_ne!(content(r#"{"a":1}"#), content(r#"{"a":2}"#));
        assert_ne!(content(r#"{"a":1}"#), content(r#"{"a":"1"}"#));
        let [client, server] = [Direction::ToServer, Direction::ToClient];
        assert_ne!(mark(client, Opcode::Text, b"x").content, mark(server, Opcode::Text, b"x").content);
        assert_ne!(mark(client, Opcode::Text, b"x").content, mark(client, Opcode::Binary, b"x").content);
    }

    #[test]
    fn each_direction_is_aligned_by_itself() {
        let left = talk(&[r#"> {"id":1}"#, r#"< {"ok":1}"#, r#"> {"id":2}"#, r#"< {"ok":2}"#]);
        // The client did not wait.
        let right = talk(&[r#"> {"id":1}"#, r#"> {"id":2}"#, r#"< {"ok":1}"#, r#"< {"ok":2}"#]);
        assert_eq!(abreast(&left, &right), [Same(0, 0), Same(1, 2), Same(2, 1), Same(3, 3)]);
    }

    #[test]
    fn what_one_side_lacks_stands_where_the_other_has_it() {
        let left = talk(&["> hello", r#"< {"n":1}"#, r#"< {"gone":true}"#, "> bye"]);
        let right = talk(&[r#"< {"early":1}"#, "> hello", r#"< {"n":2}"#, r#"< {"type":"new"}"#, "> bye"]);
        // What says what it is is not taken for another thing that changed.
        let expected = [Added(0), Same(0, 1), Changed(1, 2), Added(3), Removed(2), Same(3, 4)];
        assert_eq!(abreast(&left, &right), expected);
        let left = talk(&[r#"< {"type":"ack","of":{"a":1,"b":2}}"#, r#"< {"type":"tick"}"#]);
        let right = talk(&[r#"< {"type":"new"}"#, r#"< {"type":"ack","of":{"a":1}}"#]);
        assert_eq!(abreast(&left, &right), [Added(0), Changed(0, 1), Removed(1)]);
        assert_eq!(abreast(&left, &[]), [Removed(0), Removed(1)]);
        assert_eq!(abreast(&[], &left), [Added(0), Added(1)]);
    }

    proptest! {
        /// Both sides are there as a whole, the left one in its order.
        #[test]
        fn nothing_is_lost(left in "([<>][abc]){0,20}", right in "([<>][abc]){0,20}") {
            let side = |text: &str| {
                let signs: Vec<char> = text.chars().collect();
                let lines: Vec<String> = signs.chunks(2).map(|pair| pair.iter().collect()).collect();
                talk(&lines.iter().map(String::as_str).collect::<Vec<_>>())
            };
            let (left, right) = (side(&left), side(&right));
            let (mut lefts, mut rights) = (Vec::new(), Vec::new());
            for pair in abreast(&left, &right) {
                match pair {
                    Same(l, r) => {
                        prop_assert_eq!(left[l], right[r]);
                        lefts.push(l);
                        rights.push(r);
                    }
                    Changed(l, r) => {
                        prop_assert_eq!(left[l].0, right[r].0);
                        lefts.push(l);
                        rights.push(r);
                    }
                    Removed(l) => lefts.push(l),
                    Added(r) => rights.push(r),
                }
            }
            rights.sort_unstable();
            prop_assert_eq!(lefts, (0..left.len()).collect::<Vec<_>>());
            prop_assert_eq!(rights, (0..right.len()).collect::<Vec<_>>());
        }
    }
}
