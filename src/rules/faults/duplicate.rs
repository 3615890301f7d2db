//! Sends a message more than once.

use super::prelude::*;

pub(super) const FAULT: Fault = Fault {
    name: "duplicate",
    options: &[],
    on: &[Occasion::Message],
    forms: &[("duplicate = 1", "it goes on so many times more")],
    example: Example {
        rule: r#"when = 'dir:client type=order'
then = { duplicate = 1 }"#,
        given: client(r#"{"type":"order"}"#),
    },
    read: |arguments| {
        let more = arguments.main.whole(1..=1000)?;
        Ok(Box::new(Duplicate(u32::try_from(more).unwrap_or(u32::MAX))))
    },
};

#[derive(Debug)]
struct Duplicate(u32);

impl Act for Duplicate {
    fn message(&self, moment: &mut Moment) {
        moment.effects.push(Effect::Duplicate(self.0));
    }
}
