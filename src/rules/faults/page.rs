//! The part of `docs/rules.md` that is made from the table, examples carried out.

use std::fmt::Write;

use bytes::Bytes;

use super::{Example, FAULTS, Fault, Given};
use crate::decode;
use crate::rules::{Flow, Judge, RuleSet, Seen};
use crate::ws::Opcode;

/// Every fault, how it is written, and an example with what comes of it, as Markdown.
pub fn page() -> String {
    let mut page = String::new();
    for fault in &FAULTS {
        // Writing to text does not fail.
        let _ = section(fault, &mut page);
    }
    page
}

fn section(fault: &Fault, page: &mut String) -> std::fmt::Result {
    writeln!(page, "### `{}`\n", fault.name)?;
    for (form, meaning) in fault.forms {
        writeln!(page, "- `{form}`: {meaning}")?;
    }
    let on: Vec<_> = fault.on.iter().map(|on| format!("`{}`", on.name())).collect();
    writeln!(page, "\nOn {}.\n\n```toml\n[[rule]]\n{}\n```\n", on.join(", "), fault.example.rule)?;
    let (subject, done) = fault.example.played();
    writeln!(page, "{subject}: {}.\n", done.join("; "))
}

impl Example {
    /// What it is about, and what is done.
    pub(super) fn played(&self) -> (String, Vec<String>) {
        let rules = RuleSet::parse(&format!("[[rule]]\n{}\n", self.rule)).unwrap_or_default();
        let mut judge = Judge::new(rules);
        let subject = self.given.name();
        let mut done = self.given.play(&mut judge);
        if let Given::Times { turn, of } = self.given {
            for _ in 0..turn {
                done = of.play(&mut judge);
            }
        }
        (subject, done)
    }
}

impl Given {
    fn name(&self) -> String {
        match self {
            Given::Message(direction, opcode, payload) => {
                let shown = decode::summary(decode::detect(*opcode, *payload), *payload, 100);
                let what = match opcode {
                    Opcode::Text => String::new(),
                    opcode => format!("{opcode} "),
                };
                let shown = if shown.is_empty() { "(empty)".to_owned() } else { format!("`{shown}`") };
                format!("{what}{shown} from the {}", direction.sender())
            }
            Given::Open => "A session that opens".to_owned(),
            Given::Handshake => "A request for a session".to_owned(),
            Given::Response => "The server's 101".to_owned(),
            Given::Times { turn, of } => format!("{}, for the {turn}{} time", of.name(), ending(*turn)),
        }
    }

    pub(super) fn play(&self, judge: &mut Judge) -> Vec<String> {
        let flow = Flow {
            session: 1,
            url: "ws://localhost:3000/chat".to_owned(),
            request: Bytes::from_static(b"GET /chat HTTP/1.1\r\nHost: localhost:3000\r\n\r\n"),
            ..Flow::default()
        };
        match self {
            Given::Message(direction, opcode, payload) => {
                let seen = Seen {
                    flow: &flow,
                    direction: *direction,
                    opcode: *opcode,
                    payload: Some(payload),
                    wire_size: payload.len() as u64,
                    compressed: false,
                };
                judge.message(&seen).iter().map(|step| step.effect.to_string()).collect()
            }
            Given::Open => judge.opened(&flow).iter().map(|step| step.effect.to_string()).collect(),
            Given::Handshake => judge.request(&flow).iter().map(|step| step.effect.to_string()).collect(),
            Given::Response => judge.response(&flow).iter().map(|step| step.effect.to_string()).collect(),
            Given::Times { .. } => Vec::new(),
        }
    }
}

fn ending(turn: u32) -> &'static str {
    match turn {
        1 => "st",
        2 => "nd",
        3 => "rd",
        _ => "th",
    }
}
