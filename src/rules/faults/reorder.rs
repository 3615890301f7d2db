//! Lets messages overtake one.

use super::prelude::*;

pub(super) const FAULT: Fault = Fault {
    name: "reorder",
    options: &[],
    on: &[Occasion::Message],
    forms: &[(
        "reorder = 2",
        "it goes on after so many of the messages behind it; they are not put behind others meanwhile",
    )],
    example: Example {
        rule: r#"when = 'dir:server op:data'
every = 5
probability = 1.0
then = { reorder = 2 }"#,
        given: Given::Times { turn: 5, of: &server("five") },
    },
    read: |arguments| {
        let behind = arguments.main.whole(1..=1000)?;
        Ok(Box::new(Reorder(u32::try_from(behind).unwrap_or(u32::MAX))))
    },
};

#[derive(Debug)]
struct Reorder(u32);

impl Act for Reorder {
    fn message(&self, moment: &mut Moment) {
        moment.effects.push(Effect::Reorder(self.0));
    }
}
