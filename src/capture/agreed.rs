//! What an opening handshake agreed on, as far as reading the frames needs it.

use super::record::Opening;
use crate::ws::{OtherExtension, PermessageDeflate};

/// The outcome of a handshake.
#[derive(Default)]
pub(super) struct Agreed {
    pub(super) subprotocol: Option<String>,
    pub(super) deflate: Option<PermessageDeflate>,
    pub(super) other_extension: OtherExtension,
}

impl Agreed {
    pub(super) fn read(_opening: &Opening) -> Agreed {
        Agreed::default()
    }
}
