//! What counts of a line, and what is new each time anyway: times, addresses, keys of handshakes.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use crate::headless::schema::Keys;

/// Keys that are new each time. `n` and numbers of sessions follow from the lines around.
const INCIDENTAL: [&str; 12] = [
    "session",
    "exchange",
    "n",
    "at",
    "frames_at",
    "offset",
    "compressed",
    "time",
    "took",
    "timing",
    "client",
    "server",
];

/// Those of `end`, where `client` and `server` say how.
const INCIDENTAL_AT_END: [&str; 3] = ["session", "at", "octets"];

/// Headers that are new each time.
const INCIDENTAL_HEADERS: [&str; 3] = ["sec-websocket-key", "sec-websocket-accept", "date"];

/// Ports of this machine: tests take whichever is free.
static LOCAL_PORT: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(localhost|127\.0\.0\.1|\[::1\]):[0-9]+").ok());

/// A hash of all that counts of a record's lines.
pub(super) fn hash(lines: &[&[u8]]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for line in lines {
        match Keys::parse(line) {
            Ok(keys) => counting(&keys).hash(&mut hasher),
            Err(_) => line.hash(&mut hasher),
        }
    }
    hasher.finish()
}

/// All that counts of a line, in one spelling.
fn counting(keys: &Keys) -> String {
    let kind = keys.text("type").unwrap_or_default();
    let incidental = if kind == "end" { &INCIDENTAL_AT_END[..] } else { &INCIDENTAL };
    let mut parts: Vec<(&str, String)> = keys
        .iter()
        .filter(|(key, _)| !incidental.contains(key))
        .map(|(key, value)| (key, if key == "tls" { tls(value) } else { spelt(value) }))
        .collect();
    // That it was compressed counts, how well does not.
    parts.extend(keys.get("compressed").map(|_| ("compressed", String::new())));
    parts.sort();
    let mut text = String::new();
    for (key, value) in parts {
        text.extend([key, "=", &value, "\n"]);
    }
    if is_handshake(keys) {
        for value in incidental_values(keys) {
            text = text.replace(&value, "");
        }
        if let Some(ports) = &*LOCAL_PORT {
            text = ports.replace_all(&text, "$1").into_owned();
        }
    }
    text
}

/// Whether a line holds HTTP heads.
fn is_handshake(keys: &Keys) -> bool {
    keys.get("request").is_some()
}

/// A value in the one spelling that serde_json gives it.
fn spelt(value: &str) -> String {
    serde_json::from_str::<Value>(value).map_or_else(|_| value.to_owned(), |value| value.to_string())
}

/// Without what is new in each handshake: its duration, and the proxy's own certificates.
fn tls(value: &str) -> String {
    let Ok(mut value) = serde_json::from_str::<Value>(value) else { return value.to_owned() };
    for (leg, key) in [("client", "took"), ("server", "took"), ("client", "chain")] {
        if let Some(leg) = value.get_mut(leg).and_then(Value::as_object_mut) {
            leg.remove(key);
        }
    }
    value.to_string()
}

/// The values of headers that are new each time, as they are spelt in the line.
fn incidental_values(keys: &Keys) -> Vec<String> {
    let mut values = Vec::new();
    for head in ["request", "sent", "response"] {
        let Some(Ok(head)) = keys.get(head).map(serde_json::from_str::<Value>) else { continue };
        let headers = head.get("headers").and_then(Value::as_array).cloned().unwrap_or_default();
        for header in headers {
            let (Some(name), Some(value)) = (header[0].as_str(), header[1].as_str()) else { continue };
            if INCIDENTAL_HEADERS.contains(&&*name.to_ascii_lowercase()) && !value.is_empty() {
                let quoted = Value::from(value).to_string();
                values.push(quoted[1..quoted.len() - 1].to_owned());
            }
        }
    }
    values
}

/// A new line of an opening, a refusal, an exchange or a tunnel, with what is new each time as it was in the old one.
pub(super) fn settled(old: &Keys, new: Keys) -> Keys {
    let mut keys = new;
    for key in ["time", "took", "client", "server", "timing"] {
        if let (Some(value), true) = (old.get(key), keys.get(key).is_some()) {
            keys.set(key, value);
        }
    }
    if !is_handshake(old) || !is_handshake(&keys) {
        return keys;
    }
    let [olds, news] = [incidental_values(old), incidental_values(&keys)];
    let mut line = String::from_utf8(keys.to_line()).unwrap_or_default();
    if olds.len() == news.len() {
        for (new, old) in news.iter().zip(&olds) {
            line = line.replace(new, old);
        }
    }
    if let Some(ports) = &*LOCAL_PORT {
        let old_line = String::from_utf8(old.to_line()).unwrap_or_default();
        let mut olds = ports.find_iter(&old_line).map(|found| found.as_str());
        if ports.find_iter(&old_line).count() == ports.find_iter(&line).count() {
            line =
                ports.replace_all(&line, |_: &regex::Captures| olds.next().unwrap_or_default()).into_owned();
        }
    }
    Keys::parse(line.as_bytes()).unwrap_or(keys)
}

/// A hash of what kind of message a payload is to those who talk: the fields that JSON has, and what its `type` says.
pub(crate) fn shape(payload: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    match serde_json::from_slice::<Value>(payload) {
        Ok(value) => outline(&value, 3, &mut hasher),
        // Engine.IO and the like begin with a number and a name.
        Err(_) => payload
            .iter()
            .take(32)
            .take_while(|byte| !b" ,{:".contains(byte))
            .for_each(|byte| byte.hash(&mut hasher)),
    }
    hasher.finish()
}

/// Fields whose values say what a message is.
pub(super) const TELLING: [&str; 12] =
    ["type", "op", "event", "method", "kind", "action", "cmd", "command", "topic", "channel", "name", "t"];

fn outline(value: &Value, depth: u8, hasher: &mut DefaultHasher) {
    std::mem::discriminant(value).hash(hasher);
    if depth == 0 {
        return;
    }
    match value {
        Value::Object(fields) => {
            let mut names: Vec<_> = fields.iter().collect();
            names.sort_by_key(|(name, _)| *name);
            for (name, value) in names {
                name.hash(hasher);
                match value.as_str() {
                    Some(word) if TELLING.contains(&&**name) => word.hash(hasher),
                    _ => outline(value, depth - 1, hasher),
                }
            }
        }
        // Lists of one kind of thing may be of any length; others begin with a name, as Phoenix's and Socket.IO's.
        Value::Array(items) => match items.first() {
            Some(Value::String(word)) => word.hash(hasher),
            Some(first) => outline(first, depth - 1, hasher),
            None => {}
        },
        _ => {}
    }
}

/// A hash of anything.
pub(crate) fn hash_of(value: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}
