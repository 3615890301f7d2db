//! What an opening handshake agreed on, as far as reading the frames needs it.

use super::record::Opening;
use crate::rules::Flow;
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

    /// What rules are asked about in the session that `opening` opened, and that agreed on this.
    pub(crate) fn flow(&self, opening: &Opening) -> Flow {
        Flow {
            session: opening.session,
            url: opening.url.clone(),
            subprotocol: self.subprotocol.clone().unwrap_or_default(),
            request: opening.request.clone(),
            response: opening.response.clone(),
            tls: opening.tls.as_ref().map(|tls| tls.words()).unwrap_or_default(),
        }
    }
}

impl Opening {
    /// What rules are asked about: before the server has answered, in its request alone.
    pub fn flow(&self) -> Flow {
        Agreed::read(self).flow(self)
    }
}
