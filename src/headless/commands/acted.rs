//! The answer to `acted`: which rules hold, and what each did so far.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::{Told, milliseconds, told};
use crate::capture::{Log, RuleActs, Stamp};
use crate::control::Controller;
use crate::headless::text;
use crate::rules::{Listed, Standing};

/// The rules that hold by the word of `controller`, with what the log has of each; then those that acted and hold no more.
pub(super) fn acted(controller: &Controller, log: &Log) -> Told {
    let now = log.now();
    let acts = log.rule_acts();
    let mut by_name: HashMap<Arc<str>, &RuleActs> =
        acts.iter().map(|acts| (Arc::clone(&acts.name), acts)).collect();
    let rules = controller.rules();
    let holding: Vec<Value> =
        rules.listed().iter().map(|rule| listed(rule, by_name.remove(rule.name), now)).collect();
    let gone = acts.iter().filter(|acts| by_name.contains_key(&acts.name));
    let mut answer = told("file", rules.source().into());
    answer.insert("fault".to_owned(), controller.rules_fault().as_deref().into());
    answer.insert("rules".to_owned(), holding.into());
    answer.insert(
        "gone".to_owned(),
        gone.map(|acts| Value::from(counted(&acts.name, Some(acts), now))).collect(),
    );
    answer
}

fn listed(rule: &Listed<'_>, acts: Option<&RuleActs>, now: Stamp) -> Value {
    let (standing, used_up) = match rule.standing {
        Standing::Holds => ("holds", 0),
        Standing::UsedUpIn(sessions) => ("holds", sessions),
        Standing::UsedUp => ("used up", 0),
        Standing::Off => ("off", 0),
        Standing::SwitchedOff => ("switched off", 0),
    };
    let mut told = counted(rule.name, acts, now);
    told.insert("standing".to_owned(), standing.into());
    if used_up > 0 {
        told.insert("used_up_in".to_owned(), used_up.into());
    }
    told.insert("when".to_owned(), rule.when.source().into());
    told.insert("then".to_owned(), rule.then.into());
    if !rule.pace.is_empty() {
        told.insert("acts".to_owned(), rule.pace.as_str().into());
    }
    told.into()
}

fn counted(name: &str, acts: Option<&RuleActs>, now: Stamp) -> Told {
    let count = |count: fn(&RuleActs) -> u64| acts.map_or(0, count);
    let mut told = told("name", name.into());
    told.insert("messages".to_owned(), count(|acts| acts.messages).into());
    told.insert("sent".to_owned(), count(|acts| acts.sent).into());
    told.insert("sessions".to_owned(), count(|acts| acts.sessions).into());
    if let Some(acts) = acts {
        told.insert("did".to_owned(), text::words_of(acts.deeds).collect());
        let ago = milliseconds(now.since(acts.last));
        told.insert("last".to_owned(), json!({ "session": acts.session, "ago": ago }));
    }
    told
}
