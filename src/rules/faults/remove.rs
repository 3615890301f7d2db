//! Removes fields of a JSON message.

use super::prelude::*;
use crate::decode::{self, FieldPath};
use crate::rules::file::field_path;

pub(super) const FAULT: Fault = Fault {
    name: "remove",
    options: &[],
    on: &[Occasion::Message],
    forms: &[(r#"remove = "user.id""#, "this field of the JSON, or each of a list, is taken out")],
    example: Example {
        rule: r#"when = 'dir:server'
then = { remove = ["token", "items[*].at"] }"#,
        given: server(r#"{"token":"t", "items":[{"id":1,"at":5}]}"#),
    },
    read: |arguments| {
        let paths = arguments.main.strings()?.into_iter().map(|(at, path)| field_path(at, path));
        Ok(Box::new(Remove { paths: paths.collect::<Result<_, _>>()? }))
    },
};

#[derive(Debug)]
struct Remove {
    paths: Vec<FieldPath>,
}

impl Act for Remove {
    fn message(&self, moment: &mut Moment) {
        moment.change(|payload| {
            let mut changed = None;
            for path in &self.paths {
                changed = decode::remove_field(changed.as_deref().unwrap_or(payload), path).or(changed);
            }
            changed
        });
    }
}
