//! Sends a message of its own.

use super::prelude::*;

pub(super) const FAULT: Fault = Fault {
    name: "send",
    options: &["to"],
    on: &[Occasion::Message, Occasion::Open],
    forms: &[
        (r#"send = "text", to = "client""#, "this text is sent to that end, before the message"),
        (
            "send = { json = { … } }",
            r#"JSON, as a table or as text; also `{ hex = "…" }`, `{ ping = "…" }`, `{ pong = "…" }`"#,
        ),
    ],
    example: Example {
        rule: r#"when = 'dir:client type=order'
then = [{ send = { json = { error = "closed" } }, to = "client" }, { drop = true }]"#,
        given: client(r#"{"type":"order"}"#),
    },
    read: |arguments| {
        let Some(to) = arguments.option("to") else {
            return Err(arguments.main.wrong("send needs to = \"client\" or to = \"server\""));
        };
        let (opcode, payload) = arguments.main.content(&["text", "json", "hex", "ping", "pong"])?;
        Ok(Box::new(Send { direction: to.sender()?.opposite(), opcode, payload }))
    },
};

#[derive(Debug)]
struct Send {
    direction: Direction,
    opcode: Opcode,
    payload: Vec<u8>,
}

impl Send {
    fn effect(&self) -> Effect {
        Effect::Send { direction: self.direction, opcode: self.opcode, payload: self.payload.clone() }
    }
}

impl Act for Send {
    fn message(&self, moment: &mut Moment) {
        moment.effects.push(self.effect());
    }

    fn opened(&self, opened: &mut Opened) {
        opened.effects.push(self.effect());
    }
}
