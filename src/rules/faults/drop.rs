//! Drops a message.

use super::prelude::*;

pub(super) const FAULT: Fault = Fault {
    name: "drop",
    options: &[],
    on: &[Occasion::Message],
    forms: &[("drop = true", "it does not go on")],
    example: Example {
        rule: r#"when = 'dir:server type=heartbeat'
then = { drop = true }"#,
        given: server(r#"{"type":"heartbeat"}"#),
    },
    read: |arguments| {
        arguments.main.yes()?;
        Ok(Box::new(Drop))
    },
};

#[derive(Debug)]
struct Drop;

impl Act for Drop {
    fn message(&self, moment: &mut Moment) {
        moment.effects.push(Effect::Drop);
    }
}
