//! Replaces what a regular expression finds.

use std::borrow::Cow;

use regex::bytes::Regex;

use super::prelude::*;

pub(super) const FAULT: Fault = Fault {
    name: "substitute",
    options: &["with"],
    on: &[Occasion::Message],
    forms: &[(
        r#"substitute = "regex", with = "…""#,
        "all that the regular expression finds in the payload is replaced; `$1` or `${name}` stands for a group, `$$` for a dollar",
    )],
    example: Example {
        rule: r#"when = 'op:text'
then = { substitute = 'room-(\d+)', with = 'hall-$1' }"#,
        given: client("join room-12"),
    },
    read: |arguments| {
        let Some(with) = arguments.option("with") else {
            return Err(arguments
                .main
                .wrong("substitute needs with = \"…\": what comes in place of what it finds"));
        };
        Ok(Box::new(Substitute { find: arguments.main.regex()?, with: with.string()?.to_owned() }))
    },
};

#[derive(Debug)]
struct Substitute {
    find: Regex,
    with: String,
}

impl Act for Substitute {
    fn message(&self, moment: &mut Moment) {
        moment.change(|payload| match self.find.replace_all(payload, self.with.as_bytes()) {
            Cow::Borrowed(_) => None,
            Cow::Owned(changed) => Some(changed),
        });
    }
}
