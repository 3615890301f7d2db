//! Which message answers which: by what a question and its answer both carry.

use std::collections::HashMap;

use super::field::{Field, FieldPath, fields};
use crate::ws::{Direction, Opcode};

/// What ties a message to its question or its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Which of the two it can be.
    pub role: Role,
    /// What both carry.
    pub tie: Tie,
}

/// Which part of a question and its answer a message can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It asks, whatever was asked before.
    Asks,
    /// It only ever answers.
    Answers,
    /// It answers what was asked, and asks where nothing was.
    Either,
}

/// What a question and its answer both carry.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Tie {
    /// The payload of a ping (RFC 6455 5.5.3).
    Ping(Box<[u8]>),
    /// An `id` that is a string.
    Text(Box<str>),
    /// An `id` that is a number, as it is spelt.
    Number(Box<str>),
}

/// How far apart a question and its answer are looked for, in rows of their session.
pub const LOOK_BACK: u64 = 512;

/// What ties a message to others, from its opcode and (the start of) its payload.
pub fn correlate(opcode: Opcode, payload: &[u8]) -> Option<Key> {
    CORRELATORS.iter().find_map(|correlator| correlator(opcode, payload))
}

/// A way to tell. The first in [`CORRELATORS`] that knows something is believed: what knows a subprotocol comes
/// before what holds for many.
type Correlator = fn(Opcode, &[u8]) -> Option<Key>;

static CORRELATORS: [Correlator; 2] = [heartbeat, identified];

/// A pong carries its ping's payload (RFC 6455 5.5.3).
fn heartbeat(opcode: Opcode, payload: &[u8]) -> Option<Key> {
    let role = match opcode {
        Opcode::Ping => Role::Asks,
        Opcode::Pong => Role::Answers,
        _ => return None,
    };
    Some(Key { role, tie: Tie::Ping(payload.into()) })
}

/// JSON, MessagePack or CBOR with an `id` at the top, as JSON-RPC and many others have it.
fn identified(opcode: Opcode, payload: &[u8]) -> Option<Key> {
    if opcode.is_control() {
        return None;
    }
    let mut tie = None;
    fields(opcode, payload, &FieldPath::key("id"), &mut |field| {
        tie = match field {
            Field::Text(text) => Some(Tie::Text((**text).into())),
            Field::Number(number) => Some(Tie::Number((**number).into())),
            _ => None,
        };
        true
    });
    // In JSON-RPC both ends may ask, and count their questions each for itself.
    let asks = tie.is_some() && fields(opcode, payload, &FieldPath::key("method"), &mut |_| true);
    Some(Key { role: if asks { Role::Asks } else { Role::Either }, tie: tie? })
}

/// One session's messages going by, and which of them answers which.
#[derive(Clone, Debug, Default)]
pub struct Correlation(HashMap<Tie, Talk>);

/// What has been said with one tie.
#[derive(Clone, Debug)]
struct Talk {
    /// Who asked last.
    asker: Direction,
    /// The latest question each way that has no answer.
    open: [Option<u64>; 2],
}

impl Correlation {
    /// Takes in the next message, of number `number`; gives the number of the one that it answers.
    ///
    /// Only the first answer counts: what follows it with the same tie (a stream of results) answers nothing.
    pub fn next(&mut self, number: u64, direction: Direction, key: &Key) -> Option<u64> {
        let talk = self.0.get_mut(&key.tie);
        if key.role != Role::Asks
            && let Some(talk) = talk
        {
            if let Some(asked) = talk.open[direction.opposite() as usize].take()
                && number - asked <= LOOK_BACK
            {
                return Some(asked);
            }
            if talk.asker != direction {
                return None;
            }
        }
        if key.role != Role::Answers {
            let fresh = Talk { asker: direction, open: [None; 2] };
            let talk = self.0.entry(key.tie.clone()).or_insert(fresh);
            talk.asker = direction;
            talk.open[direction as usize] = Some(number);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `>` from the client, `<` from the server, then `ping x`, `pong x` or a payload; at the end `= n` where it is
    /// to answer line n, counted from 1.
    #[track_caller]
    fn check(dialogue: &str) {
        let mut correlation = Correlation::default();
        for (number, line) in (1..).zip(dialogue.lines().map(str::trim).filter(|line| !line.is_empty())) {
            let (words, expected) = line.split_once(" = ").unwrap_or((line, ""));
            let direction = if words.starts_with('>') { Direction::ToServer } else { Direction::ToClient };
            let words = words[1..].trim();
            let key = match words.split_once(' ') {
                Some(("ping", payload)) => correlate(Opcode::Ping, payload.as_bytes()),
                Some(("pong", payload)) => correlate(Opcode::Pong, payload.as_bytes()),
                _ => correlate(Opcode::Text, words.as_bytes()),
            };
            let answered = key.and_then(|key| correlation.next(number, direction, &key));
            assert_eq!(answered, expected.parse().ok(), "{line}");
        }
    }

    #[test]
    fn a_pong_answers_the_latest_ping_with_its_payload_from_the_other_end() {
        check(
            "> ping a
             < ping a
             > ping b
             < pong a = 1
             < pong a
             > pong a = 2
             > pong b
             < pong b = 3
             < pong c",
        );
    }

    #[test]
    fn the_first_message_from_the_other_end_with_the_same_id_is_the_answer() {
        check(
            r#"> {"id":1,"op":"subscribe"}
               > {"id":2}
               < {"id":3}
               < {"id":1,"type":"next"} = 1
               < {"id":1,"type":"next"}
               < {"type":"tick"}
               < {"id":2} = 2
               > {"id":1,"type":"complete"}
               > {"ack":true,"id":3} = 3"#,
        );
    }

    #[test]
    fn an_id_can_be_used_again() {
        check(
            r#"> {"id":7}
               < {"id":7} = 1
               > {"id":7}
               > {"id":7}
               < {"id":7} = 4
               < {"id":7}"#,
        );
    }

    #[test]
    fn numbers_and_strings_are_not_the_same() {
        check(
            r#"> {"id":1}
               < {"id":"1"}
               < {"id":1} = 1
               > {"id":"1"} = 2
               > {"id":null}
               < {"id":null}
               > {"id":{"a":1}}
               < {"id":{"a":1}}
               > {"in":{"id":9}}
               < {"id":9}"#,
        );
    }

    #[test]
    fn in_json_rpc_both_ends_ask_with_numbers_of_their_own() {
        check(
            r#"> {"id":1,"method":"a"}
               < {"id":1,"method":"b"}
               > {"id":1,"result":0} = 2
               < {"id":1,"result":0} = 1"#,
        );
    }

    #[test]
    fn binary_formats_have_ids_too() {
        let key = |payload: &[u8]| correlate(Opcode::Binary, payload).map(|key| key.tie);
        assert_eq!(key(b"\x82\xa2id\x07\xa1a\x01"), Some(Tie::Number("7".into())));
        assert_eq!(key(b"\xd9\xd9\xf7\xa1\x62id\x61x"), Some(Tie::Text("x".into())));
        assert_eq!(key(b"hello"), None);
    }

    #[test]
    fn what_lies_too_far_back_is_not_looked_for() {
        let key = correlate(Opcode::Text, br#"{"id":1}"#).unwrap();
        for (between, expected) in [(LOOK_BACK, Some(1)), (LOOK_BACK + 1, None)] {
            let mut correlation = Correlation::default();
            assert_eq!(correlation.next(1, Direction::ToServer, &key), None);
            assert_eq!(correlation.next(1 + between, Direction::ToClient, &key), expected);
        }
    }
}
