//! Takes headers out of an opening handshake.

use super::prelude::*;
use super::set_header::is_name;
use crate::rules::file::Wrong;

pub(super) const FAULT: Fault = Fault {
    name: "remove-header",
    options: &[],
    on: &[Occasion::Handshake, Occasion::Response],
    forms: &[(
        r#"remove-header = "Cookie""#,
        r#"this header of the request, or each of a list, is taken out; of the response with `on = "response"`"#,
    )],
    example: Example {
        rule: r#"on = "response"
then = { remove-header = "Sec-WebSocket-Protocol" }"#,
        given: Given::Response,
    },
    read: |arguments| {
        let mut names = Vec::new();
        for (at, name) in arguments.main.strings()? {
            if !is_name(name) {
                return Err(Wrong { at, message: format!("{name:?} is no header's name") });
            }
            names.push(name.to_owned());
        }
        Ok(Box::new(RemoveHeader(names)))
    },
};

#[derive(Debug)]
struct RemoveHeader(Vec<String>);

impl Act for RemoveHeader {
    fn handshake(&self, _: &mut Random) -> Vec<HandshakeEdit> {
        self.0.iter().cloned().map(HandshakeEdit::Remove).collect()
    }
}
