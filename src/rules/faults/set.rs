//! Sets fields of a JSON message.

use super::prelude::*;
use crate::decode::{self, FieldPath};
use crate::rules::file::field_path;

pub(super) const FAULT: Fault = Fault {
    name: "set",
    options: &[],
    on: &[Occasion::Message],
    forms: &[(
        r#"set = { "user.name" = "x", "items[0]" = 1 }"#,
        "these fields of the JSON, each by its path, get these values; the rest stays as it is spelt",
    )],
    example: Example {
        rule: r#"when = 'type=order'
then = { set = { price = 0, "user.role" = "admin" } }"#,
        given: client(r#"{"type":"order", "price":12.50, "user":{"id":7}}"#),
    },
    read: |arguments| {
        let mut fields = Vec::new();
        for (path, value) in arguments.main.entries("{ price = 0 }")? {
            fields.push((field_path(value.at(), &path)?, value.json()?));
        }
        Ok(Box::new(Set { fields }))
    },
};

#[derive(Debug)]
struct Set {
    fields: Vec<(FieldPath, String)>,
}

impl Act for Set {
    fn message(&self, moment: &mut Moment) {
        moment.change(|payload| {
            let mut changed = None;
            for (path, value) in &self.fields {
                let before = changed.as_deref().unwrap_or(payload);
                changed = decode::set_field(before, path, value).or(changed);
            }
            changed
        });
    }
}
