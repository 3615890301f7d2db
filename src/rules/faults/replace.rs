//! Sends something else in place of a message.

use super::prelude::*;

pub(super) const FAULT: Fault = Fault {
    name: "replace",
    options: &[],
    on: &[Occasion::Message],
    forms: &[
        (r#"replace = "text""#, "this text goes on in place of the message"),
        ("replace = { json = { ok = false } }", "this JSON, as a table or as text"),
        (r#"replace = { hex = "82 a4" }"#, "these octets, as a binary message"),
    ],
    example: Example {
        rule: r#"when = 'type=price'
then = { replace = { json = { type = "price", price = -1 } } }"#,
        given: server(r#"{"type":"price","price":12}"#),
    },
    read: |arguments| {
        let (opcode, payload) = arguments.main.content(&["text", "json", "hex"])?;
        Ok(Box::new(Replace { opcode, payload }))
    },
};

#[derive(Debug)]
struct Replace {
    opcode: Opcode,
    payload: Vec<u8>,
}

impl Act for Replace {
    fn message(&self, moment: &mut Moment) {
        match moment.seen.opcode {
            Opcode::Text | Opcode::Binary => {
                moment.effects.push(Effect::Replace(self.opcode, self.payload.clone()));
            }
            // Of a ping or pong, what it holds, as far as it may hold it (RFC 6455 5.5).
            control @ (Opcode::Ping | Opcode::Pong) if self.payload.len() <= Opcode::LONGEST_CONTROL => {
                moment.effects.push(Effect::Replace(control, self.payload.clone()));
            }
            _ => {}
        }
    }
}
