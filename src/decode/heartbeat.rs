//! Which messages are heartbeats: said by the clock, and about nothing.

use serde_json::Value;

use crate::ws::Opcode;

/// Which part of a heartbeat a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beat {
    /// The other end is to answer it.
    Asks,
    /// It answers one.
    Answers,
    /// Nobody knows, or it needs no answer.
    Alone,
}

/// The heartbeats of a session.
///
/// Those that are spelt as JSON are known anywhere. `2`, `h` and an empty line mean something else elsewhere: they are
/// known where the opening handshake says what is spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Heartbeats {
    spoken: Option<Spoken>,
}

/// What has heartbeats that do not speak for themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spoken {
    /// Engine.IO, which carries Socket.IO.
    EngineIo,
    SockJs,
    Stomp,
    Mqtt,
}

/// Octets of a heartbeat at most, of those that are spelt as JSON.
const LONGEST: usize = 512;

impl Heartbeats {
    /// Those of a session with this request target and this subprotocol.
    pub fn of(target: &str, subprotocol: Option<&str>) -> Heartbeats {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let subprotocol = subprotocol.unwrap_or_default().to_ascii_lowercase();
        let spoken = if query.split('&').any(|parameter| parameter.starts_with("EIO=")) {
            Some(Spoken::EngineIo)
        } else if subprotocol.ends_with("stomp") {
            Some(Spoken::Stomp)
        } else if subprotocol.starts_with("mqtt") {
            Some(Spoken::Mqtt)
        } else if path.ends_with("/websocket") && path.matches('/').count() >= 4 {
            // /base/server/session/websocket
            Some(Spoken::SockJs)
        } else {
            None
        };
        Heartbeats { spoken }
    }

    /// Which part of a heartbeat a message is; none where it is no heartbeat.
    pub fn beat(&self, opcode: Opcode, payload: &[u8]) -> Option<Beat> {
        match (opcode, self.spoken, payload) {
            (Opcode::Ping, ..) => Some(Beat::Asks),
            (Opcode::Pong, ..) => Some(Beat::Answers),
            (Opcode::Text, Some(Spoken::EngineIo), b"2") => Some(Beat::Asks),
            (Opcode::Text, Some(Spoken::EngineIo), b"3") => Some(Beat::Answers),
            (Opcode::Text, Some(Spoken::SockJs), b"h") => Some(Beat::Alone),
            (_, Some(Spoken::Stomp), b"\n" | b"\r\n") => Some(Beat::Alone),
            // MQTT 5 3.12, 3.13
            (Opcode::Binary, Some(Spoken::Mqtt), [0xc0, 0]) => Some(Beat::Asks),
            (Opcode::Binary, Some(Spoken::Mqtt), [0xd0, 0]) => Some(Beat::Answers),
            (Opcode::Text | Opcode::Binary, _, payload) if payload.len() <= LONGEST => json(payload),
            _ => None,
        }
    }
}

fn json(payload: &[u8]) -> Option<Beat> {
    let (payload, is_signalr) = match payload.strip_suffix(b"\x1e") {
        Some(record) => (record, true),
        None => (payload, false),
    };
    if !matches!(payload.trim_ascii_start().first(), Some(b'{' | b'[')) {
        return None;
    }
    match serde_json::from_slice(payload).ok()? {
        // SignalR's hub protocol: Ping.
        Value::Object(fields) if is_signalr => {
            (fields.len() == 1 && fields.get("type")?.as_u64() == Some(6)).then_some(Beat::Alone)
        }
        Value::Object(fields) => phoenix(fields.get("topic"), fields.get("event")).or_else(|| named(&fields)),
        // Phoenix, version 2: [join reference, reference, topic, event, payload]
        Value::Array(items) if items.len() == 5 => phoenix(items.get(2), items.get(3)),
        _ => None,
    }
}

fn phoenix(topic: Option<&Value>, event: Option<&Value>) -> Option<Beat> {
    match (topic?.as_str()?, event?.as_str()?) {
        ("phoenix", "heartbeat") => Some(Beat::Asks),
        ("phoenix", "phx_reply") => Some(Beat::Answers),
        _ => None,
    }
}

/// The fields that say what a message is.
const NAMING: [&str; 9] = ["type", "op", "event", "action", "cmd", "command", "msg", "kind", "method"];

/// `{"type":"ping"}` and its like: graphql-transport-ws, graphql-ws, Action Cable, DDP and many of their own.
fn named(fields: &serde_json::Map<String, Value>) -> Option<Beat> {
    let (naming, word) = NAMING.iter().find_map(|name| Some((*name, fields.get(*name)?.as_str()?)))?;
    let beat = match &*word.to_ascii_lowercase() {
        "ping" => Beat::Asks,
        "pong" | "heartbeat_ack" | "heartbeat-ack" | "heartbeatack" => Beat::Answers,
        "ka" | "heartbeat" | "hb" | "keepalive" | "keep_alive" | "keep-alive" => Beat::Alone,
        _ => return None,
    };
    // A remote call of that name has an answer, which does not say what it is.
    if naming == "method" && fields.contains_key("id") {
        return None;
    }
    // A number, a time, a reference: what says more is not about nothing.
    let is_slight = |name: &str, value: &Value| match value {
        Value::Object(inner) => inner.is_empty() || name == "payload",
        Value::Array(inner) => inner.is_empty(),
        _ => true,
    };
    let slight = fields.len() <= 4 && fields.iter().all(|(name, value)| is_slight(name, value));
    slight.then_some(beat)
}

#[cfg(test)]
mod tests {
    use super::Beat::*;
    use super::*;

    #[track_caller]
    fn check(heartbeats: Heartbeats, opcode: Opcode, payloads: &[(&str, Option<Beat>)]) {
        for (payload, expected) in payloads {
            assert_eq!(heartbeats.beat(opcode, payload.as_bytes()), *expected, "{payload}");
        }
    }

    #[test]
    fn those_of_the_protocol_are_pings_and_pongs() {
        check(Heartbeats::default(), Opcode::Ping, &[("", Some(Asks)), ("anything", Some(Asks))]);
        check(Heartbeats::default(), Opcode::Pong, &[("", Some(Answers))]);
    }

    #[test]
    fn those_spelt_as_json_are_known_anywhere() {
        check(
            Heartbeats::default(),
            Opcode::Text,
            &[
                (r#"{"type":"ping"}"#, Some(Asks)),
                (r#"{"type":"pong","payload":{"sent":1}}"#, Some(Answers)),
                (r#"{"type":"ka"}"#, Some(Alone)),
                (r#"{"type":"ping","message":1763821800}"#, Some(Asks)),
                (r#"{"msg":"pong","id":"7"}"#, Some(Answers)),
                (r#"{"op":"PING","ts":1}"#, Some(Asks)),
                (r#"{"method":"ping"}"#, Some(Asks)),
                (r#"{"topic":"phoenix","event":"heartbeat","payload":{},"ref":"5"}"#, Some(Asks)),
                (
                    r#"{"topic":"phoenix","event":"phx_reply","payload":{"status":"ok","response":{}},"ref":"5"}"#,
                    Some(Answers),
                ),
                (r#"[null,"5","phoenix","heartbeat",{}]"#, Some(Asks)),
                (r#"[null,"5","phoenix","phx_reply",{"status":"ok","response":{}}]"#, Some(Answers)),
                ("{\"type\":6}\x1e", Some(Alone)),
            ],
        );
    }

    #[test]
    fn what_says_something_is_none() {
        check(
            Heartbeats::default(),
            Opcode::Text,
            &[
                ("", None),
                ("2", None),
                ("h", None),
                ("ping", None),
                ("\n", None),
                (r#"{"type":"message","text":"ping"}"#, None),
                (r#"{"type":"ping","hosts":["a"]}"#, None),
                (r#"{"type":"ping","a":1,"b":2,"c":3,"d":4}"#, None),
                (r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#, None),
                (r#"{"topic":"room:1","event":"phx_reply","payload":{},"ref":"5"}"#, None),
                (r#"["1","1","room:1","heartbeat",{}]"#, None),
                (r#"{"type":6}"#, None),
                ("{\"type\":1}\x1e", None),
                (r#"{"type":"ping""#, None),
            ],
        );
    }

    #[test]
    fn those_that_do_not_speak_for_themselves_are_known_by_the_handshake() {
        let engine_io = Heartbeats::of("/socket.io/?EIO=4&transport=websocket", None);
        check(
            engine_io,
            Opcode::Text,
            &[("2", Some(Asks)), ("3", Some(Answers)), ("2probe", None), ("42[]", None)],
        );
        check(engine_io, Opcode::Binary, &[("2", None)]);
        let sockjs = Heartbeats::of("/echo/123/abcdef/websocket", None);
        check(sockjs, Opcode::Text, &[("h", Some(Alone)), ("o", None)]);
        check(Heartbeats::of("/cable/websocket", None), Opcode::Text, &[("h", None)]);
        let stomp = Heartbeats::of("/ws", Some("v12.stomp"));
        check(stomp, Opcode::Text, &[("\n", Some(Alone)), ("SEND\n\n\0", None)]);
        let mqtt = Heartbeats::of("/mqtt", Some("mqtt"));
        assert_eq!(mqtt.beat(Opcode::Binary, b"\xc0\0"), Some(Asks));
        assert_eq!(mqtt.beat(Opcode::Binary, b"\xd0\0"), Some(Answers));
        assert_eq!(mqtt.beat(Opcode::Binary, b"\xe0\0"), None);
    }
}
