//! Sets headers of an opening handshake.

use super::prelude::*;

pub(super) const FAULT: Fault = Fault {
    name: "set-header",
    options: &[],
    on: &[Occasion::Handshake, Occasion::Response],
    forms: &[(
        r#"set-header = { Origin = "https://evil.example" }"#,
        r#"these headers of the request have these values, once each; of the response with `on = "response"`"#,
    )],
    example: Example {
        rule: r#"when = 'path:/chat'
then = { set-header = { Origin = "https://evil.example" } }"#,
        given: Given::Handshake,
    },
    read: |arguments| {
        let mut headers = Vec::new();
        for (name, value) in arguments.main.entries("{ Origin = \"https://evil.example\" }")? {
            let text = value.string()?;
            if !is_name(&name) || text.contains(['\r', '\n', '\0']) {
                return Err(value.wrong(&format!(
                    "{name:?} with {text:?} is no header: a name has no spaces, a value one line"
                )));
            }
            headers.push((name, text.to_owned()));
        }
        Ok(Box::new(SetHeader(headers)))
    },
};

#[derive(Debug)]
struct SetHeader(Vec<(String, String)>);

/// Whether it is a header's name (RFC 9110 5.1).
pub(super) fn is_name(name: &str) -> bool {
    let is_sign = |sign: u8| sign.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&sign);
    !name.is_empty() && name.bytes().all(is_sign)
}

impl Act for SetHeader {
    fn handshake(&self, _: &mut Random) -> Vec<HandshakeEdit> {
        self.0.iter().map(|(name, value)| HandshakeEdit::Set(name.clone(), value.clone())).collect()
    }
}
