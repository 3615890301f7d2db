//! Extensions: what `Sec-WebSocket-Extensions` offers and agrees (RFC 6455 9.1, RFC 7692 7.1).

use super::Direction;

/// The agreed parameters of permessage-deflate (RFC 7692 7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PermessageDeflate {
    /// The server forgets its compression context after each message.
    pub server_no_context_takeover: bool,
    /// The client forgets its compression context after each message.
    pub client_no_context_takeover: bool,
    /// The server's window is at most 2 to this power, 8 to 15.
    pub server_max_window_bits: u8,
    /// The client's window is at most 2 to this power, 8 to 15.
    pub client_max_window_bits: u8,
}

impl Default for PermessageDeflate {
    /// With no parameters: contexts taken over, windows of 32 KiB.
    fn default() -> PermessageDeflate {
        PermessageDeflate {
            server_no_context_takeover: false,
            client_no_context_takeover: false,
            server_max_window_bits: 15,
            client_max_window_bits: 15,
        }
    }
}

impl PermessageDeflate {
    /// Whether the one who sends in `direction` forgets its context after each message.
    pub fn no_context_takeover(&self, direction: Direction) -> bool {
        match direction {
            Direction::ToServer => self.client_no_context_takeover,
            Direction::ToClient => self.server_no_context_takeover,
        }
    }

    /// The window bits of the one who sends in `direction`.
    pub fn max_window_bits(&self, direction: Direction) -> u8 {
        match direction {
            Direction::ToServer => self.client_max_window_bits,
            Direction::ToClient => self.server_max_window_bits,
        }
    }
}

/// Whether an extension was agreed that is not known here.
///
/// Such an extension may give reserved bits and reserved opcodes a meaning, so neither is then a violation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OtherExtension {
    /// None.
    #[default]
    None,
    /// One at least.
    Unknown,
}
