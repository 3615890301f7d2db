//! Marks a message.

use super::prelude::*;

pub(super) const FAULT: Fault = Fault {
    name: "mark",
    options: &[],
    on: &[Occasion::Message],
    forms: &[("mark = true", "the mark that `m` puts on it")],
    example: Example {
        rule: r#"when = 'size>100k'
then = { mark = true }"#,
        given: Given::Message(Direction::ToClient, Opcode::Binary, &[0; 100_001]),
    },
    read: |arguments| {
        arguments.main.yes()?;
        Ok(Box::new(Mark))
    },
};

#[derive(Debug)]
struct Mark;

impl Act for Mark {
    fn message(&self, moment: &mut Moment) {
        moment.effects.push(Effect::Mark);
    }
}
