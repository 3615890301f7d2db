//! Resets both connections.

use super::prelude::*;

pub(super) const FAULT: Fault = Fault {
    name: "reset",
    options: &[],
    on: &[Occasion::Message, Occasion::Open],
    forms: &[("reset = true", "both connections are reset (RST), without a close frame")],
    example: Example {
        rule: r#"when = 'dir:client'
after = 2
then = { reset = true }"#,
        given: Given::Times { turn: 3, of: &client("hello") },
    },
    read: |arguments| {
        arguments.main.yes()?;
        Ok(Box::new(Reset))
    },
};

#[derive(Debug)]
struct Reset;

impl Act for Reset {
    fn message(&self, moment: &mut Moment) {
        moment.effects.push(Effect::Reset);
    }

    fn opened(&self, opened: &mut Opened) {
        opened.effects.push(Effect::Reset);
    }
}
