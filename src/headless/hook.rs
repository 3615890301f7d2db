//! What a hook is asked about a message, and what it answers: a JSON object a line.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::control::{Ask, Verdict};
use crate::decode::json_string;
use crate::ws::{Close, Direction, Opcode};

/// The line in which a hook is asked, without its end. The message's number while it is held is the question's.
pub fn question(ask: &Ask, url: &str) -> String {
    let content = match std::str::from_utf8(&ask.payload) {
        Ok(text) if ask.opcode != Opcode::Binary => format!(r#""text":{}"#, json_string(text)),
        _ => format!(r#""base64":"{}""#, BASE64_STANDARD.encode(&ask.payload)),
    };
    format!(
        r#"{{"id":{},"session":{},"url":{},"rule":{},"from":"{}","op":"{}",{content}}}"#,
        ask.held,
        ask.session,
        json_string(url),
        json_string(&ask.rule),
        ask.direction.sender(),
        ask.opcode,
    )
}

/// The number of the question that a line answers.
///
/// # Errors
/// Where it is no answer, in a sentence.
pub fn answered(line: &str) -> Result<u64, String> {
    read(line).map(|answer| answer.id)
}

/// What an answer to `ask` comes to.
///
/// # Errors
/// Where it is none, in a sentence that says what one looks like.
pub fn answer(line: &str, ask: &Ask) -> Result<Verdict, String> {
    let answer = read(line)?;
    Ok(match &*answer.what {
        "forward" => Verdict::Forward,
        "drop" => Verdict::Drop,
        "replace" => {
            let (opcode, payload) = answer.content()?;
            // Text stays what it was; of a ping or pong, it is what it holds.
            let opcode = if ask.opcode.is_control() { ask.opcode } else { opcode };
            Verdict::Replace(opcode, payload.into())
        }
        "duplicate" => Verdict::Repeat(2),
        "send" => {
            let direction = match answer.to.as_deref() {
                Some("client") => Direction::ToClient,
                Some("server") => Direction::ToServer,
                _ => return Err(r#""send" needs "to":"client" or "to":"server""#.to_owned()),
            };
            let (opcode, payload) = answer.content()?;
            Verdict::Answer(direction, opcode, payload.into())
        }
        "close" => {
            let reason = answer.reason.unwrap_or_default();
            if reason.len() > Close::LONGEST_REASON {
                return Err("a reason has 123 octets at the most (RFC 6455 5.5)".to_owned());
            }
            Verdict::Close(answer.code.unwrap_or(1000), reason)
        }
        other => {
            return Err(format!(
                "{other:?} is nothing that can be done: forward, drop, replace, duplicate, send or close"
            ));
        }
    })
}

#[derive(Deserialize)]
struct Answer {
    id: u64,
    #[serde(rename = "do")]
    what: String,
    text: Option<String>,
    json: Option<Box<RawValue>>,
    base64: Option<String>,
    to: Option<String>,
    code: Option<u16>,
    reason: Option<String>,
}

impl Answer {
    fn content(&self) -> Result<(Opcode, Vec<u8>), String> {
        match (&self.text, &self.json, &self.base64) {
            (Some(text), None, None) => Ok((Opcode::Text, text.as_bytes().to_vec())),
            (None, Some(json), None) => Ok((Opcode::Text, json.get().as_bytes().to_vec())),
            (None, None, Some(octets)) => match BASE64_STANDARD.decode(octets) {
                Ok(octets) => Ok((Opcode::Binary, octets)),
                Err(error) => Err(format!("what it says in base64 is none: {error}")),
            },
            _ => Err(format!(r#""{}" needs one of "text", "json" and "base64""#, self.what)),
        }
    }
}

fn read(line: &str) -> Result<Answer, String> {
    serde_json::from_str(line)
        .map_err(|error| format!(r#"{error}; an answer is a line such as {{"id":1,"do":"forward"}}"#))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;

    use super::*;

    fn ask(opcode: Opcode, payload: &'static [u8]) -> Ask {
        Ask {
            held: 7,
            session: 3,
            direction: Direction::ToServer,
            rule: "logins".into(),
            hook: "hook".into(),
            limit: Duration::from_secs(1),
            opcode,
            payload: Bytes::from_static(payload),
        }
    }

    #[test]
    fn a_message_is_asked_about_as_text_or_base64() {
        assert_eq!(
            question(&ask(Opcode::Text, b"a\"b"), "ws://h/"),
            r#"{"id":7,"session":3,"url":"ws://h/","rule":"logins","from":"client","op":"text","text":"a\"b"}"#
        );
        let binary = question(&ask(Opcode::Binary, b"abc"), "ws://h/");
        assert!(binary.ends_with(r#""op":"binary","base64":"YWJj"}"#), "{binary}");
    }

    fn settled(line: &str) -> Verdict {
        answer(line, &ask(Opcode::Text, b"hello")).unwrap()
    }

    #[test]
    fn answers_come_to_verdicts() {
        assert_eq!(settled(r#"{"id":7,"do":"forward"}"#), Verdict::Forward);
        assert_eq!(settled(r#"{"do":"drop","id":7}"#), Verdict::Drop);
        assert_eq!(settled(r#"{"do":"duplicate","id":7}"#), Verdict::Repeat(2));
        let replaced = |opcode, payload: &'static str| Verdict::Replace(opcode, Bytes::from(payload));
        assert_eq!(settled(r#"{"id":7,"do":"replace","text":"x"}"#), replaced(Opcode::Text, "x"));
        assert_eq!(
            settled(r#"{"id":7,"do":"replace","json":{"a": 1}}"#),
            replaced(Opcode::Text, r#"{"a": 1}"#)
        );
        assert_eq!(settled(r#"{"id":7,"do":"replace","base64":"YWJj"}"#), replaced(Opcode::Binary, "abc"));
        let close = Verdict::Close(4001, "no".to_owned());
        assert_eq!(settled(r#"{"id":7,"do":"close","code":4001,"reason":"no"}"#), close);
    }

    #[test]
    fn a_close_has_no_room_for_a_long_reason() {
        let line = format!(r#"{{"id":7,"do":"close","reason":"{}"}}"#, "x".repeat(124));
        assert!(answer(&line, &ask(Opcode::Text, b"hello")).unwrap_err().contains("123 octets at the most"));
    }

    #[test]
    fn what_is_sent_goes_where_it_is_to_go() {
        let sent = |direction| Verdict::Answer(direction, Opcode::Text, Bytes::from("x"));
        let to_client = settled(r#"{"id":7,"do":"send","to":"client","text":"x"}"#);
        assert_eq!(to_client, sent(Direction::ToClient));
        let to_server = settled(r#"{"id":7,"do":"send","to":"server","text":"x"}"#);
        assert_eq!(to_server, sent(Direction::ToServer));
    }

    #[test]
    fn what_is_no_answer_is_told() {
        let fault = |line: &str| answer(line, &ask(Opcode::Text, b"")).map(|_| ()).unwrap_err();
        assert!(fault("hello").contains(r#"{"id":1,"do":"forward"}"#));
        assert!(fault(r#"{"id":7,"do":"dorp"}"#).contains("forward, drop"));
        assert!(fault(r#"{"id":7,"do":"replace"}"#).contains("needs one of"));
        assert!(fault(r#"{"id":7,"do":"send","text":"x"}"#).contains(r#""to":"client""#));
        assert_eq!(answered(r#"{"id":9,"do":"x"}"#), Ok(9));
    }
}
