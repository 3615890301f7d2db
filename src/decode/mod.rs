//! What a payload says: JSON, text, hex, MessagePack and CBOR, as lines a screen can show.
//!
//! [`detect`] chooses a [`View`] by content; [`summary`] and [`pretty`] show a payload in any of them; [`fields`]
//! finds values inside it; [`correlate`] tells which message answers which. Whatever comes out is safe for a terminal.

mod cbor;
mod correlate;
mod event;
mod field;
mod heartbeat;
mod hex;
pub mod json;
mod key;
mod lexer;
mod line;
mod msgpack;
mod spell;
mod splice;
mod text;
mod tree;
mod visible;

pub use correlate::{Correlation, Key, LOOK_BACK, Role, Tie, correlate};
pub use field::{Field, FieldPath, fields};
pub use heartbeat::{Beat, Heartbeats};
pub use hex::{HEX_WIDTH, hex_lines};
pub use key::{KeyFinder, may_be_escaped};
pub use line::{Limits, Line, Span, Style, plain};
pub use splice::{is_json, json_string, remove_field, set_field};
pub use text::raw_lines;
pub use visible::{visible, visible_bytes};

use crate::ws::Opcode;

/// A way to look at a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum View {
    /// JSON, broken or not (RFC 8259).
    Json,
    /// MessagePack.
    MessagePack,
    /// CBOR (RFC 8949).
    Cbor,
    /// Text, line by line.
    Text,
    /// Offsets, bytes, ASCII.
    Hex,
}

impl View {
    /// All of them, in the order they are tried and switched through.
    pub const ALL: [View; 5] = [View::Json, View::MessagePack, View::Cbor, View::Text, View::Hex];

    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            View::Json => "json",
            View::MessagePack => "msgpack",
            View::Cbor => "cbor",
            View::Text => "text",
            View::Hex => "hex",
        }
    }

    /// The view of that name.
    pub fn from_name(name: &str) -> Option<View> {
        View::ALL.into_iter().find(|view| view.name().eq_ignore_ascii_case(name))
    }

    /// The one after it, and the first after the last.
    pub fn next(self) -> View {
        View::ALL[(self as usize + 1) % View::ALL.len()]
    }

    fn decoder(self) -> &'static dyn Decoder {
        DECODERS[self as usize].1
    }
}

/// A message's payload, or the start of it.
#[derive(Clone, Copy, Debug)]
pub struct Payload<'a> {
    /// What there is of it.
    pub bytes: &'a [u8],
    /// How long the whole is: more than `bytes` where only the start is at hand.
    pub total: u64,
}

impl<'a> Payload<'a> {
    /// The start of a payload of `total` bytes.
    pub fn start_of(bytes: &'a [u8], total: u64) -> Payload<'a> {
        Payload { bytes, total: total.max(bytes.len() as u64) }
    }

    /// Whether nothing is missing.
    pub fn is_whole(&self) -> bool {
        self.total == self.bytes.len() as u64
    }
}

impl<'a> From<&'a [u8]> for Payload<'a> {
    fn from(bytes: &'a [u8]) -> Payload<'a> {
        Payload { bytes, total: bytes.len() as u64 }
    }
}

impl<'a> From<&'a str> for Payload<'a> {
    fn from(text: &'a str) -> Payload<'a> {
        Payload::from(text.as_bytes())
    }
}

/// The view that suits a payload best, by its content.
pub fn detect<'a>(opcode: Opcode, payload: impl Into<Payload<'a>>) -> View {
    let payload = payload.into();
    let found = DECODERS.iter().find(|(_, decoder)| decoder.recognises(opcode, payload));
    found.map_or(View::Hex, |&(view, _)| view)
}

/// The payload on one line of at most `max_chars` characters, for a table.
pub fn summary<'a>(view: View, payload: impl Into<Payload<'a>>, max_chars: usize) -> String {
    view.decoder().summary(payload.into(), max_chars)
}

/// The payload over as many lines as it takes, within limits; a cut is said in a last line.
pub fn pretty<'a>(view: View, payload: impl Into<Payload<'a>>, limits: &Limits) -> Vec<Line> {
    view.decoder().pretty(payload.into(), limits)
}

/// One format. A new one is a file with this in it, a [`View`], and a line in [`DECODERS`].
trait Decoder: Sync {
    /// Whether this is the view to start with, the ones before it in the table having said no.
    fn recognises(&self, opcode: Opcode, payload: Payload) -> bool;

    /// One line of at most `max_chars` characters.
    fn summary(&self, payload: Payload, max_chars: usize) -> String;

    /// All of it within the limits, also where the payload is something else altogether.
    fn pretty(&self, payload: Payload, limits: &Limits) -> Vec<Line>;
}

/// Every format, in the order of [`View::ALL`].
static DECODERS: [(View, &dyn Decoder); 5] = [
    (View::Json, &json::Json),
    (View::MessagePack, &msgpack::MessagePack),
    (View::Cbor, &cbor::Cbor),
    (View::Text, &text::Text),
    (View::Hex, &hex::Hex),
];

/// At most `max_chars` characters, the last of them an ellipsis where some are missing.
fn clip(text: &str, max_chars: usize) -> String {
    match text.char_indices().nth(max_chars) {
        None => text.to_owned(),
        Some(_) if max_chars == 0 => String::new(),
        Some(_) => text.chars().take(max_chars - 1).chain(['…']).collect(),
    }
}

#[cfg(test)]
mod tests;
