//! Asks a program of the user's what becomes of a message.

use std::sync::Arc;
use std::time::Duration;

use super::prelude::*;

pub(super) const FAULT: Fault = Fault {
    name: "run",
    options: &["timeout"],
    on: &[Occasion::Message],
    forms: &[
        (
            r#"run = "python3 hook.py""#,
            "the program that this command starts says what becomes of it: see [hooks](#hooks)",
        ),
        (
            "timeout = 2.0",
            "how long it may take; two seconds where it is not said. Then the message goes on as it is",
        ),
    ],
    example: Example {
        rule: r#"when = 'dir:client type=login'
then = { run = "python3 hook.py", timeout = 0.5 }"#,
        given: client(r#"{"type":"login"}"#),
    },
    read: |arguments| {
        let command = arguments.main.string()?;
        if command.trim().is_empty() {
            return Err(arguments.main.wrong("run takes a command, such as \"python3 hook.py\""));
        }
        let limit = arguments.option("timeout").map_or(Ok(USUAL), |limit| limit.duration())?;
        Ok(Box::new(Run { hook: command.into(), limit }))
    },
};

/// How long a hook may take that no `timeout` is given for.
const USUAL: Duration = Duration::from_secs(2);

#[derive(Debug)]
struct Run {
    hook: Arc<str>,
    limit: Duration,
}

impl Act for Run {
    fn message(&self, moment: &mut Moment) {
        moment.effects.push(Effect::Ask { hook: Arc::clone(&self.hook), limit: self.limit });
    }
}
