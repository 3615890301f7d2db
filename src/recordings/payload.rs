//! The payload of a message's line: what it is, and another in its place.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::headless::schema::Keys;

/// The keys that hold one.
const KEYS: [&str; 3] = ["json", "text", "base64"];

/// Keys that say how a payload passed, which is not known of another one.
const OF_ITS_PASSAGE: [&str; 7] =
    ["size", "captured", "wire", "frames", "frames_left_out", "frames_at", "offset"];

/// Puts another payload in the place of a message's, as if it had come in one ordinary frame.
pub(super) fn replace(keys: &mut Keys, payload: &[u8]) {
    let Some(key) = KEYS.into_iter().find(|key| keys.get(key).is_some()) else { return };
    for key in OF_ITS_PASSAGE {
        keys.remove(key);
    }
    match (key, std::str::from_utf8(payload)) {
        ("json", Ok(json)) => keys.set("json", json),
        (_, Ok(text)) if key != "base64" => keys.rename(key, "text", text),
        _ => keys.rename(key, "base64", &STANDARD.encode(payload)),
    }
}

/// The key that holds it.
pub(super) fn key(keys: &Keys) -> Option<&'static str> {
    KEYS.into_iter().find(|key| keys.get(key).is_some())
}

/// What of a payload is JSON: all of it, or what stands behind a number and a name, as Engine.IO and others have it.
/// Gives what stands before, and the value.
pub(super) fn json(payload: &[u8]) -> Option<(&[u8], Value)> {
    let begin = payload.iter().take(LONGEST_PREFIX).position(|byte| matches!(byte, b'{' | b'['))?;
    let (before, json) = payload.split_at(begin);
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-/,:_ \t\r\n".contains(byte);
    if !before.iter().all(plain) {
        return None;
    }
    Some((before, serde_json::from_slice(json).ok()?))
}

const LONGEST_PREFIX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_found_behind_what_tells_packets_apart() {
        let found = |payload: &'static str| {
            json(payload.as_bytes()).map(|(before, value)| format!("{}|{value}", before.escape_ascii()))
        };
        assert_eq!(found(r#"{"a":1}"#).unwrap(), r#"|{"a":1}"#);
        assert_eq!(found(r#"42/chat,7["a",{}]"#).unwrap(), r#"42/chat,7|["a",{}]"#);
        assert_eq!(found("hello"), None);
        assert_eq!(found("\"quoted\" [1]"), None);
        assert_eq!(found("42[1"), None);
    }

    #[test]
    fn another_payload_came_in_one_frame() {
        let line = br#"{"op":"text","json":{"a":[1,2]},"compressed":7,"frames":[3,4],"offset":9}"#;
        let mut keys = Keys::parse(line).unwrap();
        replace(&mut keys, br#"{"a":[1]}"#);
        assert_eq!(keys.to_line(), b"{\"op\":\"text\",\"json\":{\"a\":[1]},\"compressed\":7}\n");
        let mut keys = Keys::parse(br#"{"op":"text","text":"a","utf8":false}"#).unwrap();
        replace(&mut keys, b"\xff");
        assert_eq!(keys.to_line(), b"{\"op\":\"text\",\"base64\":\"/w==\",\"utf8\":false}\n");
    }
}
