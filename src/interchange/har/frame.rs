//! One message as an element of `_webSocketMessages`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{OWN, Object};
use crate::capture::{Kind, Message};
use crate::ws::{Direction, Opcode};

/// The keys of our line that the element says in its own way.
const SAID: &[&str] = &["type", "session", "from", "op", "json", "text", "base64", "code", "reason"];

/// Whether it is a message in HAR's sense.
pub fn is_message(message: &Message) -> bool {
    matches!(message.kind, Kind::Frame(Opcode::Text | Opcode::Binary))
}

/// The element, `seconds` being its time since 1970; `line` is our own line about it.
pub fn element(message: &Message, seconds: f64, line: Object, violations: Vec<Value>) -> Value {
    let payload = message.payload.in_memory().cloned().unwrap_or_default();
    let mut own: Object = line.into_iter().filter(|(key, _)| !SAID.contains(&key.as_str())).collect();
    if !violations.is_empty() {
        own.insert("violations".to_owned(), violations.into());
    }
    let data = match message.kind {
        Kind::Frame(Opcode::Text) => match std::str::from_utf8(&payload) {
            Ok(text) => text.to_owned(),
            Err(_) => {
                own.insert("base64".to_owned(), STANDARD.encode(&payload).into());
                String::from_utf8_lossy(&payload).into_owned()
            }
        },
        // Whatever is not text is base64, with nothing that says so.
        _ => STANDARD.encode(&payload),
    };
    let opcode = match message.kind {
        Kind::Frame(opcode) => i8::try_from(opcode.bits()).unwrap_or(-1),
        Kind::Raw => -1,
    };
    let way = match message.direction {
        Direction::ToServer => "send",
        Direction::ToClient => "receive",
    };
    json!({ "type": way, "time": seconds, "opcode": opcode, "data": data, OWN: own })
}
