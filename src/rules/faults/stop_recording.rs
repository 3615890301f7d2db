//! Leaves a session out of recordings.

use super::prelude::*;

pub(super) const FAULT: Fault = Fault {
    name: "stop-recording",
    options: &[],
    on: &[Occasion::Message, Occasion::Open],
    forms: &[(
        "stop-recording = true",
        "its session is left out of recordings from here on; this message is the last that they have of it",
    )],
    example: Example {
        rule: r#"when = 'code:1011'
then = { stop-recording = true }
times = 1
per = 'all'"#,
        given: Given::Message(Direction::ToClient, Opcode::Close, b"\x03\xf3oh"),
    },
    read: |arguments| {
        arguments.main.yes()?;
        Ok(Box::new(StopRecording))
    },
};

#[derive(Debug)]
struct StopRecording;

impl Act for StopRecording {
    fn message(&self, moment: &mut Moment) {
        moment.effects.push(Effect::StopRecording);
    }

    fn opened(&self, opened: &mut Opened) {
        opened.effects.push(Effect::StopRecording);
    }

    fn stops_recording(&self) -> bool {
        true
    }
}
