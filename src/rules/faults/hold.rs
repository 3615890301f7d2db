//! Holds a message, or an opening handshake, for the user.

use super::prelude::*;

pub(super) const FAULT: Fault = Fault {
    name: "hold",
    options: &[],
    on: &[Occasion::Message, Occasion::Handshake],
    forms: &[("hold = true", "it waits for you: on the screen, or by a command")],
    example: Example {
        rule: r#"when = 'dir:client type=order'
then = { hold = true }"#,
        given: client(r#"{"type":"order"}"#),
    },
    read: |arguments| {
        arguments.main.yes()?;
        Ok(Box::new(Hold))
    },
};

#[derive(Debug)]
struct Hold;

impl Act for Hold {
    fn message(&self, moment: &mut Moment) {
        moment.effects.push(Effect::Hold);
    }

    fn handshake(&self, _: &mut Random) -> Vec<HandshakeEdit> {
        vec![HandshakeEdit::Hold]
    }
}
