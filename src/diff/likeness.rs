//! What counts of a message, as a hash that is the same for what a replay would take for the same; and differences.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::Value;

use super::{Comparison, Heartbeats};
use crate::capture::{Ended, Event, Exchange, Kind, Message, Opening, Payload};
use crate::decode;
use crate::recordings::heartbeats;
use crate::replay::{Bound, Difference, Expectation, Match, Place};
use crate::ws::handshake::ResponseHead;
use crate::ws::{Close, Opcode};

/// Hashes what counts, message by message.
pub(super) struct Likeness<'c> {
    comparison: &'c Comparison,
    heartbeats: HashMap<u32, decode::Heartbeats>,
}

impl Likeness<'_> {
    pub fn new(comparison: &Comparison) -> Likeness<'_> {
        Likeness { comparison, heartbeats: HashMap::new() }
    }

    /// What counts of an event; a hash of none for what is left out.
    pub fn content(&mut self, event: &Event) -> Option<Option<u64>> {
        match event {
            Event::Opened(opening) => {
                self.heartbeats.insert(opening.session, heartbeats(opening));
                None
            }
            Event::Message(message) => Some(self.message(message)),
            // What the proxy has to say of itself is not what was said.
            Event::Note(_) | Event::Act(_) => Some(None),
            _ => None,
        }
    }

    fn message(&self, message: &Message) -> Option<u64> {
        let payload = message.payload.in_memory()?;
        if let (Heartbeats::LeftOut, Kind::Frame(opcode)) = (self.comparison.heartbeats, message.kind) {
            let known = self.heartbeats.get(&message.session).copied().unwrap_or_default();
            if known.beat(opcode, payload).is_some() {
                return None;
            }
        }
        let mut hasher = DefaultHasher::new();
        (message.direction as u8).hash(&mut hasher);
        let expectation = &self.comparison.expectation;
        let is_data = matches!(message.kind, Kind::Frame(opcode) if !opcode.is_control());
        if is_data && expectation.matching == Match::Any {
            return Some(hasher.finish());
        }
        message.kind.hash(&mut hasher);
        match expectation.matching {
            Match::Exact => payload.hash(&mut hasher),
            _ if !is_data => payload.hash(&mut hasher),
            matching => match serde_json::from_slice(payload) {
                Ok(value) => Hashing { expectation, trail: Vec::new(), hasher: &mut hasher }.value(&value),
                Err(_) if matching == Match::Type => "text".hash(&mut hasher),
                Err(_) => payload.hash(&mut hasher),
            },
        }
        Some(hasher.finish())
    }
}

/// Hashes JSON so that values are the same that [`Expectation::compare`] finds no difference in.
struct Hashing<'h> {
    expectation: &'h Expectation,
    trail: Vec<Place>,
    hasher: &'h mut DefaultHasher,
}

impl Hashing<'_> {
    fn value(&mut self, value: &Value) {
        match value {
            Value::Object(fields) => {
                "{".hash(self.hasher);
                let mut fields: Vec<_> = fields.iter().collect();
                fields.sort_by_key(|(name, _)| *name);
                for (name, value) in fields {
                    self.inner(Place::Name(name.clone()), value);
                }
                "}".hash(self.hasher);
            }
            Value::Array(items) => {
                "[".hash(self.hasher);
                for (index, item) in items.iter().enumerate() {
                    self.inner(Place::Index(index), item);
                }
                "]".hash(self.hasher);
            }
            _ => self.leaf(value),
        }
    }

    fn inner(&mut self, place: Place, value: &Value) {
        self.trail.push(place);
        let ignored = self.expectation.ignore.iter().any(|path| path.leads_to(&self.trail));
        if !ignored {
            match self.trail.last() {
                Some(Place::Name(name)) => name.hash(self.hasher),
                Some(Place::Index(index)) => index.hash(self.hasher),
                None => {}
            }
            self.value(value);
        }
        self.trail.pop();
    }

    fn leaf(&mut self, value: &Value) {
        const SURE: f64 = 9_007_199_254_740_992.0;
        std::mem::discriminant(value).hash(self.hasher);
        if self.expectation.matching == Match::Type {
            return;
        }
        if let Some(kind) = self.expectation.volatile.iter().find(|kind| kind.is(value)) {
            return kind.name().hash(self.hasher);
        }
        match value.as_f64().filter(|number| number.abs() < SURE) {
            // 0.0 and -0.0 are the same.
            Some(number) => (number + 0.0).to_bits().hash(self.hasher),
            None => value.to_string().hash(self.hasher),
        }
    }
}

/// In what two messages differ that stand in each other's place.
pub(super) fn differences(expectation: &Expectation, old: &Message, new: &Message) -> Vec<Difference> {
    let words = |place: &str, old: String, new: String| Difference {
        place: place.to_owned(),
        expected: Some(old),
        got: Some(new),
    };
    let payload = |message: &Message| message.payload.in_memory().cloned().unwrap_or_default();
    match (old.kind, new.kind) {
        (Kind::Frame(Opcode::Close), Kind::Frame(Opcode::Close)) => {
            let [old, new] = [closed(&payload(old)), closed(&payload(new))];
            if old == new { Vec::new() } else { vec![words("close", old, new)] }
        }
        (Kind::Frame(one), Kind::Frame(other)) => {
            let (old, new) = (payload(old), payload(new));
            expectation.compare((one, &old), (other, &new), &Bound::default())
        }
        (one, other) if one != other => vec![words("opcode", one.name().to_owned(), other.name().to_owned())],
        _ => {
            let (old, new) = (payload(old), payload(new));
            expectation.compare((Opcode::Binary, &old), (Opcode::Binary, &new), &Bound::default())
        }
    }
}

pub(super) fn closed(payload: &[u8]) -> String {
    let close = Close::parse(payload);
    let reason = decode::visible_bytes(close.reason).into_owned();
    match close.code {
        Some(code) => format!("{} {reason}", code.0).trim_end().to_owned(),
        None => "no status code".to_owned(),
    }
}

/// In what two openings, ends or exchanges differ.
pub(super) fn of_events(expectation: &Expectation, old: &Event, new: &Event) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut compare = |place: &str, old: Option<String>, new: Option<String>| {
        if old != new {
            found.push(Difference { place: place.to_owned(), expected: old, got: new });
        }
    };
    match (old, new) {
        (Event::Ended(Ended { client, server, .. }), Event::Ended(new)) => {
            compare("client", Some(client.name().to_owned()), Some(new.client.name().to_owned()));
            compare("server", Some(server.name().to_owned()), Some(new.server.name().to_owned()));
        }
        (Event::Exchanged(old), Event::Exchanged(new)) => {
            compare("status", status(&old.response), status(&new.response));
            found.extend(bodies(expectation, old, new));
        }
        (old, new) => {
            let (Some(old), Some(new)) = (opening(old), opening(new)) else { return found };
            compare("status", status(&old.response), status(&new.response));
            compare("subprotocol", subprotocol(old), subprotocol(new));
        }
    }
    found
}

fn bodies(expectation: &Expectation, old: &Exchange, new: &Exchange) -> Vec<Difference> {
    let sides = [
        ("request body", &old.request_body, &new.request_body),
        ("response body", &old.response_body, &new.response_body),
    ];
    let bytes = |body: &Payload| body.in_memory().cloned().unwrap_or_default();
    let compared = sides.into_iter().flat_map(|(side, old, new)| {
        let found = expectation.compare(
            (Opcode::Binary, &bytes(old)),
            (Opcode::Binary, &bytes(new)),
            &Bound::default(),
        );
        found.into_iter().map(move |one| Difference { place: format!("{side} {}", one.place), ..one })
    });
    compared.collect()
}

fn opening(event: &Event) -> Option<&Opening> {
    match event {
        Event::Opened(opening) => Some(opening),
        Event::Refused(refused) => Some(&refused.opening),
        _ => None,
    }
}

fn status(response: &[u8]) -> Option<String> {
    Some(ResponseHead::parse(response).ok()?.status().to_string())
}

fn subprotocol(opening: &Opening) -> Option<String> {
    let response = ResponseHead::parse(&opening.response).ok()?;
    Some(response.headers().text("Sec-WebSocket-Protocol")?.into_owned())
}
