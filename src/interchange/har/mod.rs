//! HAR 1.2, with WebSocket messages as Chrome writes them (`_webSocketMessages`).
//!
//! What HAR has no field for stands in fields of our own, `_sockeye`: the keys of our own lines, so that a recording that
//! was exported can be imported again. `docs/interchange.md` says what each holds.

mod entry;
mod flow;
mod frame;
mod messages;
mod read;
mod write;

#[cfg(test)]
mod tests;

pub use read::read;
pub use write::write;

use super::draft::Object;

/// The field of our own, in the log, in entries and in messages.
const OWN: &str = "_sockeye";
/// Text and binary messages, as Chrome has them.
const MESSAGES: &str = "_webSocketMessages";
/// What was done to the messages of a session and to itself, in the keys of our own lines.
const ACTS: &str = "_sockeyeActs";
/// Pings, pongs, closes and what is no message, in the same shape.
const CONTROL_FRAMES: &str = "_webSocketControlFrames";
/// How it was closed, as HTTP Toolkit has it.
const CLOSE: &str = "_webSocketClose";

/// The request line that goes without saying.
fn plain_request_line(method: &str, url: &str, version: &str) -> String {
    format!("{method} {} {version}", super::head::target(url))
}

/// The status line that goes without saying.
fn plain_status_line(version: &str, status: u64, reason: &str) -> String {
    format!("{version} {status} {reason}")
}
