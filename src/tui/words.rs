//! What rows are called and say: close codes, first lines, one line for each message.

use std::borrow::Cow;

use crate::capture::{self, By, Deeds, FlowKind, Log, Message, State, Summary};
use crate::decode::{self, View, visible, visible_bytes};
use crate::headless::text as headless;
use crate::ws::handshake::glance;
use crate::ws::{Close, Direction, Opcode};

/// As much of a payload as a row could show.
const ROW: usize = 2 << 10;

/// `▲` from the client, `▼` from the server.
pub(super) fn arrow(direction: Direction) -> &'static str {
    match direction {
        Direction::ToServer => "▲",
        Direction::ToClient => "▼",
    }
}

/// What was done to a message, in signs and words: `✎ edited, held`, `+ sent by rule greet`.
pub(super) fn done(deeds: Deeds, injected: Option<&By>) -> String {
    let mut all: Vec<String> = headless::words_of(deeds).map(str::to_owned).collect();
    all.extend(injected.map(|by| format!("sent by {}", visible(&by.to_string()))));
    let sign = match headless::sign(deeds) {
        Some((sign, _)) => sign,
        None if injected.is_some() => headless::INJECTED,
        None => return String::new(),
    };
    format!("{sign} {}", all.join(", "))
}

/// The opcode that a payload is read by.
pub(super) fn opcode_of(kind: capture::Kind) -> Opcode {
    match kind {
        capture::Kind::Frame(opcode) => opcode,
        capture::Kind::Raw => Opcode::Binary,
    }
}

/// What a message says, on one line of about `columns`.
pub(super) fn what(log: &Log, message: &Message, view: Option<View>, columns: usize) -> String {
    let Ok(bytes) = log.read(&message.payload, 0, ROW) else { return "(cannot be read)".to_owned() };
    let quoted =
        |bytes: &[u8]| if bytes.is_empty() { String::new() } else { format!("\"{}\"", visible_bytes(bytes)) };
    match message.kind {
        capture::Kind::Frame(Opcode::Close) => {
            let close = Close::parse(&bytes);
            let code = close.code.map_or_else(|| "no status code".to_owned(), |code| code.to_string());
            format!("{code} {}", quoted(close.reason)).trim_end().to_owned()
        }
        capture::Kind::Frame(Opcode::Ping | Opcode::Pong) => quoted(&bytes),
        kind => {
            let payload = decode::Payload::start_of(&bytes, message.size);
            let opcode = opcode_of(kind);
            let view = view.unwrap_or_else(|| decode::detect(opcode, payload));
            decode::summary(view, payload, columns)
        }
    }
}

/// The first line of a head, safe for a terminal.
pub(super) fn first_line(head: &[u8]) -> String {
    visible_bytes(glance::first_line(head)).into_owned()
}

/// The value of the first header of that name, safe for a terminal.
pub(super) fn header<'a>(head: &'a [u8], name: &'a str) -> Option<Cow<'a, str>> {
    glance::values(head, name).next().map(visible_bytes)
}

/// A URL without what the eye does not need: `localhost:3000/chat` for `ws://localhost:3000/chat`.
pub(super) fn target(url: &str) -> String {
    let bare = url.strip_prefix("ws://").or_else(|| url.strip_prefix("http://")).unwrap_or(url);
    visible(bare).into_owned()
}

/// Whether a flow's rows are messages, and not the halves of an exchange.
pub(super) fn has_messages(summary: &Summary) -> bool {
    summary.kind == FlowKind::Session && !matches!(summary.state, State::Asked | State::Failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_says_what_was_done_to_it() {
        let by = By::Rule("greet".into());
        assert_eq!(done(Deeds::HELD | Deeds::RELEASED | Deeds::EDITED, None), "✎ edited, held");
        assert_eq!(done(Deeds::NONE, Some(&by)), "+ sent by rule greet");
        assert_eq!(done(Deeds::NONE, None), "");
    }
}
