//! Breaks off in the midst of a frame.

use super::prelude::*;

pub(super) const FAULT: Fault = Fault {
    name: "truncate",
    options: &["end"],
    on: &[Occasion::Message],
    forms: &[
        ("truncate = true", "half of its payload goes on, and then the connection to its receiver ends"),
        ("truncate = 5", "so many octets of its frame go on, header included"),
        (
            r#"end = "reset""#,
            r#"it ends by a reset (RST); with `"fin"`, or where nothing is said, as if the sender had finished"#,
        ),
    ],
    example: Example {
        rule: r#"when = 'dir:server type=snapshot'
then = { truncate = true, end = "reset" }"#,
        given: server(r#"{"type":"snapshot"}"#),
    },
    read: |arguments| {
        let octets = match arguments.main.is_truth() {
            true => arguments.main.yes().map(|()| None)?,
            false => Some(arguments.main.whole(1..=u64::MAX)?),
        };
        let reset = match arguments.option("end") {
            Some(end) => end.one_of(&["fin", "reset"])? == "reset",
            None => false,
        };
        Ok(Box::new(Truncate { octets, reset }))
    },
};

#[derive(Debug)]
struct Truncate {
    /// None is half of the payload.
    octets: Option<u64>,
    reset: bool,
}

impl Act for Truncate {
    fn message(&self, moment: &mut Moment) {
        let size = moment.seen.wire_size;
        // RFC 6455 5.2: two octets, the length's own and the masking key.
        let length = match size {
            0..=125 => 0,
            126..=65_535 => 2,
            _ => 8,
        };
        let key = if moment.seen.direction == Direction::ToServer { 4 } else { 0 };
        let header = 2 + length + key;
        let octets = self.octets.unwrap_or(header + size / 2);
        // The last octet stays behind in any case.
        let octets = octets.min((header + size).saturating_sub(1));
        moment.effects.push(Effect::Truncate { octets, reset: self.reset });
    }
}
