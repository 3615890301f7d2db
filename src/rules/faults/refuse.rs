//! Refuses an opening handshake.

use super::prelude::*;
use crate::rules::Refusal;

pub(super) const FAULT: Fault = Fault {
    name: "refuse",
    options: &["body"],
    on: &[Occasion::Handshake],
    forms: &[
        ("refuse = 503", "the server is not asked, and the client gets this status, from 400 to 599"),
        (r#"body = "…""#, "with this body"),
    ],
    example: Example {
        rule: r#"when = 'path:/chat'
every = 2
then = { refuse = 503, body = "down for maintenance" }"#,
        given: Given::Times { turn: 2, of: &Given::Handshake },
    },
    read: |arguments| {
        let status = arguments.main.whole(400..=599)?;
        let body = arguments.option("body").map_or(Ok(""), |body| body.string())?.to_owned();
        Ok(Box::new(Refuse(Refusal { status: u16::try_from(status).unwrap_or_default(), body })))
    },
};

#[derive(Debug)]
struct Refuse(Refusal);

impl Act for Refuse {
    fn handshake(&self, _: &mut Random) -> Vec<HandshakeEdit> {
        vec![HandshakeEdit::Refuse(self.0.clone())]
    }
}
