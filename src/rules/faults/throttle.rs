//! Slows a direction down.

use super::prelude::*;
use crate::rules::Rate;
use crate::rules::file::{Value, Wrong};

pub(super) const FAULT: Fault = Fault {
    name: "throttle",
    options: &["from"],
    on: &[Occasion::Open, Occasion::Message],
    forms: &[
        (
            r#"throttle = "16KiB""#,
            "from here on no more octets a second than this; a message goes on when its last one is due",
        ),
        ("throttle = { messages = 5 }", "from here on no more messages a second than this"),
        (
            r#"from = "client""#,
            "only what this end sends; else both ends are slowed down on open, and the sender on a message",
        ),
    ],
    example: Example {
        rule: r#"when = 'path:/chat'
then = { throttle = "16KiB", from = "server" }"#,
        given: Given::Open,
    },
    read: |arguments| {
        let from = arguments.option("from").map(|from| from.sender()).transpose()?;
        Ok(Box::new(Throttle { rate: rate(&arguments.main)?, from }))
    },
};

#[derive(Debug)]
struct Throttle {
    rate: Rate,
    from: Option<Direction>,
}

fn rate(value: &Value) -> Result<Rate, Wrong> {
    if !value.is_table() {
        return octets(value);
    }
    match &value.entries("{ messages = 5 }")?[..] {
        [(unit, value)] if unit == "messages" => {
            Ok(Rate::Messages(value.number(f64::MIN_POSITIVE..=f64::INFINITY)?))
        }
        [(unit, value)] if unit == "octets" => octets(value),
        _ => Err(value.wrong("throttle takes { messages = 5 } or { octets = \"16KiB\" }, each a second")),
    }
}

fn octets(value: &Value) -> Result<Rate, Wrong> {
    match value.size()? {
        0 => Err(value.wrong("throttle takes one octet a second at least; stall = true lets nothing by")),
        octets => Ok(Rate::Octets(octets as f64)),
    }
}

impl Act for Throttle {
    fn message(&self, moment: &mut Moment) {
        let direction = self.from.unwrap_or(moment.seen.direction);
        moment.effects.push(Effect::Throttle(direction, self.rate));
    }

    fn opened(&self, opened: &mut Opened) {
        let directions = Direction::BOTH.into_iter().filter(|one| self.from.is_none_or(|from| from == *one));
        opened.effects.extend(directions.map(|direction| Effect::Throttle(direction, self.rate)));
    }
}
