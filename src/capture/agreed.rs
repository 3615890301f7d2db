//! What an opening handshake agreed on, as far as reading the frames needs it.

use super::record::Opening;
use crate::ws::handshake::{RequestHead, ResponseHead, examine};
use crate::ws::{OtherExtension, PermessageDeflate};

/// The outcome of a handshake.
#[derive(Default)]
pub(crate) struct Agreed {
    pub(crate) subprotocol: Option<String>,
    pub(crate) deflate: Option<PermessageDeflate>,
    pub(crate) other_extension: OtherExtension,
}

impl Agreed {
    pub(crate) fn read(opening: &Opening) -> Agreed {
        let heads = (RequestHead::parse(&opening.request), ResponseHead::parse(&opening.response));
        let (Ok(request), Ok(response)) = heads else { return Agreed::default() };
        let read = examine(&request, Some(&response));
        Agreed { subprotocol: read.subprotocol, deflate: read.deflate, other_extension: read.other_extension }
    }
}
