//! Closes a session.

use super::prelude::*;

pub(super) const FAULT: Fault = Fault {
    name: "close",
    options: &["reason"],
    on: &[Occasion::Message, Occasion::Open],
    forms: &[
        (
            "close = 1011",
            "the session is closed with this status code, with both ends; the message does not go on",
        ),
        (r#"reason = "…""#, "and this reason"),
    ],
    example: Example {
        rule: r#"when = 'dir:client'
after = 2
then = { close = 1013, reason = "try again later" }"#,
        given: Given::Times { turn: 3, of: &client("hello") },
    },
    read: |arguments| {
        let code = arguments.main.whole(0..=65_535)?;
        let reason = match arguments.option("reason") {
            Some(reason) if reason.string()?.len() > crate::ws::Close::LONGEST_REASON => {
                return Err(reason.wrong("a reason has 123 octets at the most (RFC 6455 5.5)"));
            }
            Some(reason) => reason.string()?.to_owned(),
            None => String::new(),
        };
        Ok(Box::new(Close { code: u16::try_from(code).unwrap_or_default(), reason }))
    },
};

#[derive(Debug)]
struct Close {
    code: u16,
    reason: String,
}

impl Close {
    fn effect(&self) -> Effect {
        Effect::Close { code: self.code, reason: self.reason.clone() }
    }
}

impl Act for Close {
    fn message(&self, moment: &mut Moment) {
        moment.effects.push(self.effect());
    }

    fn opened(&self, opened: &mut Opened) {
        opened.effects.push(self.effect());
    }
}
