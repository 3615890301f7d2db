//! Commands from outside: JSON lines in, one answer to each out. `docs/commands.md` has them all.
//!
//! [`parse()`] reads a line and does nothing; [`Commander`] has it done.

mod acted;
mod parse;
mod words;

#[cfg(test)]
mod tests;

use std::time::Duration;

pub use parse::{Asked, Wish, parse};
use serde_json::{Map, Value, json};
pub use words::{WORDS, Word};

use super::Subscription;
use crate::capture::{By, Flow, FlowKind, Held, Kind, Log, State, Summary};
use crate::control::{Command, Controller, Outcome, Verdict};
use crate::rules::RuleSet;
use crate::ws::{Direction, Opcode};

/// Has commands done that come as lines, and answers each.
#[derive(Clone)]
pub struct Commander {
    controller: Controller,
    log: Log,
    subscription: Subscription,
}

/// What is said to one line.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The line to be printed, without its line end.
    pub line: String,
    /// Whether the end was asked for.
    pub quit: bool,
}

type Told = Map<String, Value>;

impl Commander {
    /// For a proxy: its controller, its log, and what is printed of it.
    pub fn new(controller: Controller, log: Log, subscription: Subscription) -> Commander {
        Commander { controller, log, subscription }
    }

    /// Has done what a line asks for. Any line gives an answer.
    pub fn answer(&self, line: &[u8]) -> Answer {
        let Asked { id, wish } = parse(line);
        let quit = matches!(wish, Ok(Wish::Quit));
        let done = wish.and_then(|wish| self.done(wish));
        let mut answer = Told::new();
        answer.insert("type".to_owned(), "answer".into());
        if let Some(id) = id {
            answer.insert("id".to_owned(), id);
        }
        answer.insert("ok".to_owned(), done.is_ok().into());
        match done {
            Ok(told) => answer.extend(told),
            Err(fault) => drop(answer.insert("error".to_owned(), fault.into())),
        }
        Answer { line: Value::from(answer).to_string(), quit }
    }

    /// Does it; gives what there is to tell.
    fn done(&self, wish: Wish) -> Result<Told, String> {
        match wish {
            Wish::Command(command) => self.command(command).map(|()| Told::new()),
            Wish::Edit { held, opcode, payload } => {
                let opcode = opcode.unwrap_or_else(|| self.opcode_of(held));
                let verdict = Verdict::Replace(opcode, payload);
                self.command(Command::Settle { held, verdict }).map(|()| Told::new())
            }
            Wish::Rules(rules) => Ok(self.rules(rules)),
            Wish::RulesFile(path) => {
                let text = std::fs::read_to_string(&path).map_err(|error| {
                    format!("the rules are as they were: {} cannot be read: {error}", path.display())
                })?;
                let rules = parse::rule_set(&text).map_err(|fault| format!("{}: {fault}", path.display()))?;
                let rules = rules.read_from(&path.display().to_string());
                Ok(self.rules(rules))
            }
            Wish::Subscribe(filter) => {
                self.subscription.change(filter);
                Ok(Told::new())
            }
            Wish::Acted => Ok(acted::acted(&self.controller, &self.log)),
            Wish::List { all } => Ok(self.list(all)),
            Wish::Help => {
                let word = |word: &Word| json!({ "do": word.name, "keys": word.keys, "help": word.help });
                Ok(told("commands", WORDS.iter().map(word).collect()))
            }
            Wish::Quit => Ok(Told::new()),
        }
    }

    fn command(&self, command: Command) -> Result<(), String> {
        let absent = match &command {
            Command::Settle { held, .. } => {
                format!("nothing is held as {held}, or not any more; {{\"do\":\"list\"}} tells what is held")
            }
            Command::Send { session, .. }
            | Command::Close { session, .. }
            | Command::Kill { session }
            | Command::ReleaseAll { session: Some(session) } => {
                format!("session {session} is not open; {{\"do\":\"list\"}} tells which are")
            }
            Command::Switch { rule, .. } => {
                format!(
                    "no rule that is called {rule:?} could hold; {{\"do\":\"acted\"}} tells which there are"
                )
            }
            _ => "there is nothing that this could be done to".to_owned(),
        };
        match self.controller.send(command) {
            Outcome::Done => Ok(()),
            Outcome::NotThere => Err(absent),
        }
    }

    /// What is held goes on as what it is, also where its payload is another.
    fn opcode_of(&self, held: u64) -> Opcode {
        let held = self.log.held().into_iter().find(|one| one.held == held);
        let message = held.and_then(|held| self.log.message(held.session, held.message?).ok().flatten());
        match message.map(|message| message.kind) {
            Some(Kind::Frame(opcode)) => opcode,
            _ => Opcode::Text,
        }
    }

    fn rules(&self, rules: RuleSet) -> Told {
        let rules = rules.continuing(&self.controller.rules());
        let names: Vec<Value> = rules.names().map(Value::from).collect();
        self.controller.send(Command::Rules(rules));
        told("rules", names.into())
    }

    fn list(&self, all: bool) -> Told {
        let held = self.log.held();
        let sessions: Vec<Value> = self.log.summaries(|summaries| {
            let sessions = summaries.filter(|summary| matches!(summary.flow, Flow::Session(_)));
            sessions.filter(|summary| all || !summary.is_over()).map(session).collect()
        });
        let mut list = told("sessions", sessions.into());
        list.insert("held".to_owned(), held.iter().map(|held| self.held(held)).collect());
        let rules = self.controller.rules();
        list.insert("rules".to_owned(), rules.names().map(Value::from).collect());
        let hold = self.controller.hold().map(|filter| filter.source().to_owned());
        list.insert("hold".to_owned(), hold.into());
        list
    }

    fn held(&self, held: &Held) -> Value {
        let mut told = told("held", held.held.into());
        told.insert("session".to_owned(), held.session.into());
        if let Some(number) = held.message {
            told.insert("n".to_owned(), number.into());
        }
        told.insert("from".to_owned(), held.direction.sender().into());
        told.insert("for".to_owned(), milliseconds(self.log.now().since(held.since)));
        match &held.by {
            By::User => drop(told.insert("by".to_owned(), "user".into())),
            By::Proxy => drop(told.insert("by".to_owned(), "proxy".into())),
            By::Rule(name) => {
                told.insert("by".to_owned(), "rule".into());
                told.insert("rule".to_owned(), (&**name).into());
            }
        }
        let message = held.message.and_then(|number| self.log.message(held.session, number).ok().flatten());
        if let Some(message) = message {
            told.insert("op".to_owned(), message.kind.name().into());
            told.insert("size".to_owned(), message.size.into());
        }
        told.into()
    }
}

fn told(key: &str, value: Value) -> Told {
    Told::from_iter([(key.to_owned(), value)])
}

/// A session in short. Its URL is told without its query: that may hold secrets.
fn session(summary: &Summary) -> Value {
    let number = match summary.flow {
        Flow::Session(number) | Flow::Exchange(number) => number,
    };
    let url = summary.url.split('?').next().unwrap_or_default();
    let kind = if summary.kind == FlowKind::Tunnel { "tunnel" } else { "session" };
    let state = match summary.state {
        State::Asked => "asked",
        State::Open => "open",
        State::Closed => "closed",
        State::Failed => "failed",
    };
    let [client, server] = Direction::BOTH.map(|way| {
        let way = way as usize;
        summary.messages[way] + summary.controls[way]
    });
    json!({
        "session": number,
        "type": kind,
        "state": state,
        "url": url,
        "subprotocol": summary.subprotocol.as_deref(),
        "messages": { "client": client, "server": server },
    })
}

fn milliseconds(time: Duration) -> Value {
    (time.as_micros() as f64 / 1e3).into()
}
