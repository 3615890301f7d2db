//! A rule made of a message: a filter that it matches, as TOML to go on with.

use crate::capture::{Flow, Kind, Log, Message};
use crate::decode::{self, Field, FieldPath};
use crate::filter::Filter;
use crate::tui::app::App;
use crate::tui::edit::Editor;
use crate::tui::page::Page;
use crate::tui::words;
use crate::ws::Direction;

/// The fields that say what kind of message one is, the most usual first.
const KINDS: [&str; 5] = ["type", "event", "method", "action", "op"];
/// As much of a payload as is looked at.
const START: usize = 64 << 10;

impl App {
    /// Opens a rule in the editor that is for messages like the chosen one, and does `then`.
    pub(in crate::tui) fn begin_rule(&mut self, log: &Log, page: &Page, then: &str) {
        let Some(Flow::Session(session)) = page.chosen.as_ref().map(|summary| summary.flow) else {
            return self.say("rules are about sessions and their messages: no session is chosen");
        };
        let message = page.messages.number.and_then(|number| log.message(session, number).ok().flatten());
        let (name, when) = match message {
            Some(message) => about(log, &message),
            None => {
                let target = words::first_line(&super::head_of(log, session));
                let path =
                    target.split(' ').nth(1).and_then(|target| target.split('?').next()).unwrap_or("/");
                (format!("handshakes of {path}"), format!("path:={}", quoted(path)))
            }
        };
        self.editor = Some(Editor::of_rule(written(&name, &when, then)));
    }
}

/// A name, and a filter that a message and its like match.
fn about(log: &Log, message: &Message) -> (String, String) {
    let from = match message.direction {
        Direction::ToServer => "client",
        Direction::ToClient => "server",
    };
    let Kind::Frame(opcode) = message.kind else {
        return (format!("bytes from the {from}"), format!("dir:{from}"));
    };
    let op = message.kind.name();
    let payload = log.read(&message.payload, 0, START).unwrap_or_default();
    let kind = KINDS.iter().find_map(|name| {
        let mut value = None;
        decode::fields(opcode, &payload, &FieldPath::key(name), &mut |field| {
            if let Field::Text(text) = field {
                value = Some(text.to_string());
            }
            true
        });
        value.filter(|value| value.len() <= 60).map(|value| (name, value))
    });
    let plain = (format!("{op} from the {from}"), format!("dir:{from} op:{op}"));
    let Some((field, value)) = kind else { return plain };
    let when = format!("dir:{from} op:{op} json.{field}={}", quoted(&value));
    if Filter::parse(&when).is_err() {
        return plain;
    }
    (format!("{value} from the {from}"), when)
}

/// A word of a filter, in quotation marks where it needs them.
pub(in crate::tui) fn quoted(word: &str) -> String {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "-_./".contains(character);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\""))
    }
}

/// The rule as a file of rules has it.
fn written(name: &str, when: &str, then: &str) -> String {
    let then = if then.starts_with(['{', '[']) { then.to_owned() } else { format!("{{ {then} = true }}") };
    format!("[[rule]]\nname = {}\nwhen = {}\nthen = {then}\n", toml_string(name), toml_string(when))
}

/// A string in TOML: literal, so that a filter's own quotation marks stay as they are, where that can be.
fn toml_string(text: &str) -> String {
    if !text.contains('\'') && !text.chars().any(char::is_control) {
        return format!("'{text}'");
    }
    decode::json_string(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::RuleSet;

    #[test]
    fn what_is_written_is_a_rule_whatever_the_message_says() {
        for value in ["order", "it's", "a \"quote\"", "back\\slash", "line\nfeed", "日本"] {
            let when = format!("dir:client op:text json.type={}", quoted(value));
            let rule = written(&format!("{value} from the client"), &when, "drop");
            let rules = RuleSet::parse(&rule).unwrap_or_else(|errors| panic!("{errors:?} in {rule}"));
            assert_eq!(rules.names().count(), 1);
        }
    }

    #[test]
    fn what_is_done_may_be_a_word_or_a_table() {
        assert!(written("a", "op:text", "drop").contains("\nthen = { drop = true }\n"));
        assert!(written("a", "op:text", "{ delay = \"1s\" }").contains("\nthen = { delay = \"1s\" }\n"));
    }
}
