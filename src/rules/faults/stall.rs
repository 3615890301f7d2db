//! Lets nothing by in one direction.

use std::time::Duration;

use super::prelude::*;

pub(super) const FAULT: Fault = Fault {
    name: "stall",
    options: &["from"],
    on: &[Occasion::Message, Occasion::Open],
    forms: &[
        ("stall = true", "nothing goes on in this direction from here on, while the connections stay open"),
        (r#"stall = "5s""#, "for so long"),
        (r#"from = "client""#, "what this end sends; else the direction of the message, and both on open"),
    ],
    example: Example {
        rule: r#"when = 'dir:server'
after = 2
times = 1
then = { stall = "5s" }"#,
        given: Given::Times { turn: 3, of: &server("hello") },
    },
    read: |arguments| {
        let limit = match arguments.main.is_truth() {
            true => arguments.main.yes().map(|()| None)?,
            false => Some(arguments.main.duration()?),
        };
        let from = arguments.option("from").map(|from| from.sender()).transpose()?;
        Ok(Box::new(Stall { limit, from }))
    },
};

#[derive(Debug)]
struct Stall {
    limit: Option<Duration>,
    from: Option<Direction>,
}

impl Act for Stall {
    fn message(&self, moment: &mut Moment) {
        let direction = self.from.unwrap_or(moment.seen.direction);
        moment.effects.push(Effect::Stall(direction, self.limit));
    }

    fn opened(&self, opened: &mut Opened) {
        let directions = Direction::BOTH.into_iter().filter(|one| self.from.is_none_or(|from| from == *one));
        opened.effects.extend(directions.map(|direction| Effect::Stall(direction, self.limit)));
    }
}
