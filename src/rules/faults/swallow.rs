//! Swallows pings or pongs.

use super::prelude::*;

pub(super) const FAULT: Fault = Fault {
    name: "swallow",
    options: &[],
    on: &[Occasion::Message],
    forms: &[(
        r#"swallow = "ping""#,
        r#"pings do not go on; also `"pong"`, or `"both"`. The filter need not name control frames"#,
    )],
    example: Example {
        rule: r#"when = 'dir:client'
then = { swallow = "pong" }"#,
        given: Given::Message(Direction::ToServer, Opcode::Pong, b""),
    },
    read: |arguments| {
        let which = arguments.main.one_of(&["ping", "pong", "both"])?;
        Ok(Box::new(Swallow { ping: which != "pong", pong: which != "ping" }))
    },
};

#[derive(Debug)]
struct Swallow {
    ping: bool,
    pong: bool,
}

impl Act for Swallow {
    fn message(&self, moment: &mut Moment) {
        moment.effects.push(Effect::Drop);
    }

    fn is_for(&self, opcode: Opcode, _: bool) -> bool {
        match opcode {
            Opcode::Ping => self.ping,
            Opcode::Pong => self.pong,
            _ => false,
        }
    }
}
