//! What steps and messages are called in reports.

use super::script::What;
use crate::capture::Kind;
use crate::decode;
use crate::ws::{Close, Opcode};

/// Columns that a message takes in a report.
const SHOWN: usize = 160;

pub(super) fn describe(what: &What) -> String {
    match what {
        What::End(how) => how.name().to_owned(),
        What::Message(message) => {
            let bytes = message.payload.in_memory().cloned().unwrap_or_default();
            match message.kind {
                Kind::Frame(Opcode::Close) => {
                    let close = Close::parse(&bytes);
                    close_words(close.code.map(|code| code.0), close.reason)
                }
                Kind::Frame(opcode) => said(opcode, &bytes),
                Kind::Raw => said(Opcode::Binary, &bytes),
            }
        }
    }
}

pub(super) fn said(opcode: Opcode, payload: &[u8]) -> String {
    let view = decode::detect(opcode, payload);
    format!("{} {}", Kind::Frame(opcode).name(), decode::summary(view, payload, SHOWN))
}

pub(super) fn close_words(code: Option<u16>, reason: &[u8]) -> String {
    let code = code.map_or_else(|| "without a status code".to_owned(), |code| code.to_string());
    match reason {
        [] => format!("close {code}"),
        reason => format!("close {code} \"{}\"", decode::visible_bytes(reason)),
    }
}
