//! A comparison told: to people as text, to programs as JSON lines.

use serde_json::{Map, Value, json};

use super::{Counts, Finding, Part, Place, Summary, Which};
use crate::capture::{Kind, Message};
use crate::decode::{detect, summary, visible};
use crate::replay::Difference;
use crate::ws::{Direction, Opcode};

/// How a comparison is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// For people.
    #[default]
    Text,
    /// For programs: a line a finding, and one at the end.
    Json,
}

/// Tells what is found between two recordings of these names.
pub struct Teller {
    form: Form,
    files: [String; 2],
    /// What the findings are about that come now.
    target: String,
    begun: bool,
}

/// Characters of a payload that are shown.
const SHOWN: usize = 120;

impl Teller {
    /// One that tells it so; the files are named as the user did.
    pub fn new(form: Form, files: [String; 2]) -> Teller {
        Teller {
            form,
            files: files.map(|file| visible(&file).into_owned()),
            target: String::new(),
            begun: false,
        }
    }

    /// A finding, in lines.
    pub fn finding(&mut self, finding: &Finding) -> String {
        if let Finding::About(target, ..) = finding {
            self.target = target.clone();
        }
        match self.form {
            Form::Text => {
                let first = match self.begun {
                    true => String::new(),
                    false => format!("--- {}\n+++ {}\n", self.files[0], self.files[1]),
                };
                self.begun = true;
                first + &self.text(finding)
            }
            Form::Json => self.json(finding).map_or_else(String::new, |value| tame(&value) + "\n"),
        }
    }

    /// What came of it all, in a line.
    pub fn summary(&self, summary: &Summary) -> String {
        match self.form {
            Form::Text if summary.is_same() => {
                let Summary { flows, messages } = summary;
                format!("the same: {} sessions and exchanges, {} messages\n", flows.same, messages.same)
            }
            Form::Text => {
                let counts = |counts: &Counts| {
                    let parts = [
                        (counts.same, "the same"),
                        (counts.changed, "changed"),
                        (counts.removed, "gone"),
                        (counts.added, "new"),
                    ];
                    let parts = parts.into_iter().filter(|(count, _)| *count > 0);
                    let parts: Vec<_> = parts.map(|(count, what)| format!("{count} {what}")).collect();
                    if parts.is_empty() { "none".to_owned() } else { parts.join(", ") }
                };
                let messages = counts(&summary.messages);
                format!("\nsessions and exchanges: {}; messages: {messages}\n", counts(&summary.flows))
            }
            Form::Json => {
                let counts = |counts: &Counts| json!({"same": counts.same, "changed": counts.changed, "removed": counts.removed, "added": counts.added});
                let same = summary.is_same();
                let line = json!({"type": "summary", "same": same, "flows": counts(&summary.flows), "messages": counts(&summary.messages)});
                tame(&line) + "\n"
            }
        }
    }

    fn text(&self, finding: &Finding) -> String {
        let [a, b] = &self.files;
        match finding {
            Finding::About(target, one, other) => {
                format!("\n{}   {a}:{} {b}:{}\n", visible(target), one.line, other.line)
            }
            Finding::Only(which, target, place, messages) => {
                let (sign, file) = self.side(*which);
                let with = if *messages > 0 {
                    format!(", {}", counted(*messages, "message"))
                } else {
                    String::new()
                };
                format!("\n{sign} {}   {file}:{}{with}\n", visible(target), place.line)
            }
            Finding::Differs(part, one, other, differences) => {
                let name = part.name();
                format!("  ~ {name}   {a}:{} {b}:{}\n{}", one.line, other.line, listed(differences))
            }
            Finding::Changed(both, differences) => {
                let [(one, old), (other, _)] = &**both;
                let said = said(old);
                format!("  ~ {said}   {a}:{} {b}:{}\n{}", one.line, other.line, listed(differences))
            }
            Finding::Missing(which, place, message) => {
                let (sign, file) = self.side(*which);
                format!("  {sign} {}   {file}:{}\n", said(message), place.line)
            }
        }
    }

    fn side(&self, which: Which) -> (char, &str) {
        match which {
            Which::A => ('-', &self.files[0]),
            Which::B => ('+', &self.files[1]),
        }
    }

    fn json(&self, finding: &Finding) -> Option<Value> {
        let mut line = Map::new();
        let mut put = |key: &str, value: Value| drop(line.insert(key.to_owned(), value));
        let place = |place: &Place| json!({"number": place.number, "line": place.line});
        match finding {
            Finding::About(..) => return None,
            Finding::Only(which, target, at, messages) => {
                put("type", which.word().into());
                put("target", target.as_str().into());
                put(which.name(), place(at));
                put("messages", (*messages).into());
            }
            Finding::Differs(part, one, other, differences) => {
                put("type", "changed".into());
                put("target", self.target.as_str().into());
                put("part", part.name().into());
                put("a", place(one));
                put("b", place(other));
                put("differences", list(differences));
            }
            Finding::Changed(both, differences) => {
                let [(one, old), (other, _)] = &**both;
                put("type", "changed".into());
                put("target", self.target.as_str().into());
                put("part", "message".into());
                put("a", place(one));
                put("b", place(other));
                put("from", old.direction.sender().into());
                put("op", old.kind.name().into());
                put("differences", list(differences));
            }
            Finding::Missing(which, at, message) => {
                put("type", which.word().into());
                put("target", self.target.as_str().into());
                put("part", "message".into());
                put(which.name(), place(at));
                put("from", message.direction.sender().into());
                put("op", message.kind.name().into());
                put("summary", shown(message).into());
            }
        }
        Some(Value::Object(line))
    }
}

impl Which {
    fn name(self) -> &'static str {
        match self {
            Which::A => "a",
            Which::B => "b",
        }
    }

    fn word(self) -> &'static str {
        match self {
            Which::A => "removed",
            Which::B => "added",
        }
    }
}

impl Part {
    fn name(self) -> &'static str {
        match self {
            Part::Opening => "opening",
            Part::End => "end",
            Part::Exchange => "exchange",
        }
    }
}

fn list(differences: &[Difference]) -> Value {
    let each = |one: &Difference| json!({"place": one.place, "a": one.expected, "b": one.got});
    differences.iter().map(each).collect()
}

fn listed(differences: &[Difference]) -> String {
    let side = |side: &Option<String>| {
        side.as_deref().map_or("nothing".to_owned(), |side| visible(side).into_owned())
    };
    let each = differences
        .iter()
        .map(|one| format!("      {}: {} → {}\n", visible(&one.place), side(&one.expected), side(&one.got)));
    each.collect()
}

/// A message on a line.
fn said(message: &Message) -> String {
    let arrow = match message.direction {
        Direction::ToServer => '▲',
        Direction::ToClient => '▼',
    };
    format!("{arrow} {} {}", message.kind.name(), shown(message)).trim_end().to_owned()
}

fn shown(message: &Message) -> String {
    let payload = message.payload.in_memory().map(|bytes| &bytes[..]).unwrap_or_default();
    match message.kind {
        Kind::Frame(Opcode::Close) => super::likeness::closed(payload),
        Kind::Frame(opcode) => summary(detect(opcode, payload), payload, SHOWN),
        Kind::Raw => summary(detect(Opcode::Binary, payload), payload, SHOWN),
    }
}

fn counted(count: u64, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// A line that does nothing to a terminal.
fn tame(value: &Value) -> String {
    let escaped = |sign: char| match sign {
        '\u{7f}'..='\u{9f}' => format!("\\u{:04x}", u32::from(sign)),
        other => other.to_string(),
    };
    value.to_string().chars().map(escaped).collect()
}
