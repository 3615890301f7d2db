//! A value of a file of rules as it was written, on one line, without what stands beside it.

use toml::Spanned;
use toml::de::DeValue;

use super::Value;

/// As much as is kept, in bytes: what a rule sends may be long.
const KEPT: usize = 2000;

impl Value<'_, '_> {
    /// The value as it was written: tables and lists on one line, without comments.
    pub(super) fn written(&self) -> String {
        let mut out = String::new();
        write(&mut out, self.text, self.spanned);
        if out.len() > KEPT {
            let end = (0..=KEPT).rev().find(|at| out.is_char_boundary(*at)).unwrap_or_default();
            out.truncate(end);
            out.push('…');
        }
        out
    }
}

fn write(out: &mut String, text: &str, value: &Spanned<DeValue<'_>>) {
    if out.len() > KEPT {
        return;
    }
    match value.get_ref() {
        DeValue::Table(table) => {
            let mut entries: Vec<_> = table.iter().collect();
            entries.sort_by_key(|(key, _)| key.span().start);
            out.push('{');
            for (place, (key, value)) in entries.into_iter().enumerate() {
                out.push_str(if place > 0 { ", " } else { " " });
                out.push_str(text.get(key.span()).unwrap_or(key.get_ref()));
                out.push_str(" = ");
                write(out, text, value);
            }
            out.push_str(if table.is_empty() { "}" } else { " }" });
        }
        DeValue::Array(list) => {
            out.push('[');
            for (place, value) in list.iter().enumerate() {
                out.push_str(if place > 0 { ", " } else { "" });
                write(out, text, value);
            }
            out.push(']');
        }
        // Only text of several lines has any to be joined.
        _ => {
            let lines = text.get(value.span()).unwrap_or_default().lines();
            out.push_str(&lines.map(str::trim_end).collect::<Vec<_>>().join("⏎"));
        }
    }
}
