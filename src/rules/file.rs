//! Rules as users write them: a TOML file, read with the place of every fault in it.

mod append;
mod arguments;
mod written;

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

pub use append::{NewRule, append};
pub(super) use arguments::{Arguments, Value, Wrong, field_path};

use super::faults::{self, Act, Fault};
use super::rule::{Count, Occasion, Pace, Rule};
use super::{Off, RuleSet, Standing};
use crate::filter::{Filter, Reads};

/// What is wrong with a file of rules, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RulesError {
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    /// What is wrong, and what to write instead.
    pub message: String,
}

impl fmt::Display for RulesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.message)
    }
}

/// What the random numbers start from where the file does not say.
const SEED: u64 = 1;
const AT_TOP: &[&str] = &["seed", "rule"];
const OF_A_RULE: &[&str] =
    &["name", "when", "then", "on", "every", "after", "times", "probability", "per", "off"];

/// Reads a file of rules. An empty one has none.
///
/// # Errors
/// All that is wrong with it, one fault for each rule at the most.
pub(super) fn parse(text: &str) -> Result<RuleSet, Vec<RulesError>> {
    let placed = |wrong: Wrong| placed(text, wrong);
    let table = DeTable::parse(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        vec![placed(Wrong { at, message: error.message().to_owned() })]
    })?;
    let mut errors = Vec::new();
    let mut rules: Vec<Arc<Rule>> = Vec::new();
    let mut off: Vec<Off> = Vec::new();
    let mut seed = SEED;
    for (key, value) in table.get_ref() {
        let value = Value::new(key.get_ref(), text, value);
        match key.get_ref().as_ref() {
            "seed" => match value.whole(ANY) {
                Ok(given) => seed = given,
                Err(wrong) => errors.push(placed(wrong)),
            },
            "rule" => match tables(&value) {
                Ok(tables) => {
                    for (place, table) in tables.into_iter().enumerate() {
                        match rule(text, table, place, &rules) {
                            Ok((rule, IsOff(true))) => {
                                off.push(Off { place, rule: Arc::new(rule), standing: Standing::Off });
                            }
                            Ok((rule, IsOff(false))) => rules.push(Arc::new(rule)),
                            Err(wrong) => errors.push(placed(wrong)),
                        }
                    }
                }
                Err(wrong) => errors.push(placed(wrong)),
            },
            other => errors.push(placed(unknown(key.span().start, other, "a file of rules", AT_TOP))),
        }
    }
    errors.sort_by_key(|error| (error.line, error.column));
    if !errors.is_empty() {
        return Err(errors);
    }
    Ok(RuleSet { rules: rules.into(), off: off.into(), seed, ..RuleSet::default() })
}

/// Any number of times.
const ANY: RangeInclusive<u64> = 0..=u64::MAX;

fn tables<'a, 'i>(value: &Value<'a, 'i>) -> Result<Vec<&'a Spanned<DeValue<'i>>>, Wrong> {
    match value.spanned.get_ref() {
        DeValue::Array(tables) => Ok(tables.iter().collect()),
        _ => Err(value.wrong("rules begin with [[rule]], in two brackets")),
    }
}

/// Whether a rule is switched off.
struct IsOff(bool);

/// Reads one rule.
fn rule(
    text: &str,
    table: &Spanned<DeValue<'_>>,
    place: usize,
    before: &[Arc<Rule>],
) -> Result<(Rule, IsOff), Wrong> {
    let at = table.span().start;
    let DeValue::Table(entries) = table.get_ref() else {
        return Err(Wrong { at, message: "rules begin with [[rule]], in two brackets".to_owned() });
    };
    if let Some(key) = entries.keys().find(|key| !OF_A_RULE.contains(&key.get_ref().as_ref())) {
        let word = key.get_ref();
        let mut wrong = unknown(key.span().start, word, "a rule", OF_A_RULE);
        if faults::named(word).is_some() {
            wrong.message = format!("{word} is what a rule does, and stands in then = {{ {word} = … }}");
        }
        return Err(wrong);
    }
    let get = |name: &'static str| entries.get(name).map(|value| Value::new(name, text, value));
    let name = match get("name") {
        Some(value) => value.string()?.to_owned(),
        None => format!("rule {}", place + 1),
    };
    if before.iter().any(|rule| *rule.name == *name) {
        let at = get("name").map_or(at, |value| value.at());
        return Err(Wrong {
            at,
            message: format!("another rule is called {name:?}: give each a name of its own"),
        });
    }
    let Some(then) = get("then") else {
        return Err(Wrong {
            at,
            message: format!("{name} does nothing: give it then = {{ … }}, such as then = {{ drop = true }}"),
        });
    };
    let written = then.written();
    let acts = acts(&then)?;
    let on = match get("on") {
        Some(value) => occasion(&value)?,
        None => usual(&acts),
    };
    if let Some((_, at, fault)) = acts.iter().find(|(.., fault)| !fault.on.contains(&on)) {
        return Err(Wrong { at: *at, message: misplaced(fault, on) });
    }
    let when = match get("when") {
        Some(value) => filter(&value, on)?,
        None => Filter::default(),
    };
    let pace = pace(&get)?;
    let counts_all = get("per").map_or(Ok(false), |value| Ok(value.one_of(&["session", "all"])? == "all"))?;
    let then: Vec<_> = acts.into_iter().map(|(act, ..)| act).collect();
    let meaning = format!("{name} {when} {on:?} {pace:?} {counts_all} {then:?}");
    let shared = counts_all.then(|| Arc::new(Mutex::new(Count::default())));
    let rule = Rule {
        name: name.into(),
        when,
        on,
        pace,
        then,
        written,
        meaning,
        shared,
        used_up: AtomicU64::new(0),
    };
    Ok((rule, IsOff(get("off").map_or(Ok(false), |value| value.truth())?)))
}

fn pace<'a, 'i>(get: &dyn Fn(&'static str) -> Option<Value<'a, 'i>>) -> Result<Pace, Wrong> {
    Ok(Pace {
        after: get("after").map_or(Ok(0), |value| value.whole(ANY))?,
        every: get("every").map_or(Ok(1), |value| value.whole(1..=u64::MAX))?,
        probability: get("probability").map_or(Ok(1.0), |value| value.number(0.0..=1.0))?,
        times: get("times").map(|value| value.whole(ANY)).transpose()?,
    })
}

type Acts = Vec<(Box<dyn Act>, usize, &'static Fault)>;

/// What `then` says: one table, or several in order.
fn acts(then: &Value) -> Result<Acts, Wrong> {
    let several = match then.spanned.get_ref() {
        DeValue::Array(several) if several.is_empty() => return Err(then.wrong("then is empty")),
        DeValue::Array(several) => several.iter().collect(),
        _ => vec![then.spanned],
    };
    several.into_iter().map(|one| act(&Value::new("then", then.text, one))).collect()
}

fn act(then: &Value) -> Result<(Box<dyn Act>, usize, &'static Fault), Wrong> {
    const SUCH_AS: &str = "then is a table, such as { drop = true }";
    let DeValue::Table(table) = then.spanned.get_ref() else { return Err(then.wrong(SUCH_AS)) };
    let mut found = table.iter().filter_map(|(key, value)| Some((faults::named(key.get_ref())?, key, value)));
    let Some((fault, key, main)) = found.next() else {
        let Some((key, _)) = table.iter().next() else { return Err(then.wrong(SUCH_AS)) };
        let names: Vec<_> = faults::FAULTS.iter().map(|fault| fault.name).collect();
        return Err(unknown(key.span().start, key.get_ref(), "then", &names));
    };
    if let Some((other, key, _)) = found.next() {
        let (one, other) = (fault.name, other.name);
        let message = format!("{one} and {other} at once: write then = [{{ {one} = … }}, {{ {other} = … }}]");
        return Err(Wrong { at: key.span().start, message });
    }
    let is_known = |word: &str| word == fault.name || fault.options.contains(&word);
    if let Some(key) = table.keys().find(|key| !is_known(key.get_ref())) {
        let what = format!("then = {{ {} = … }}", fault.name);
        return Err(unknown(key.span().start, key.get_ref(), &what, fault.options));
    }
    let arguments = Arguments { text: then.text, table, main: Value::new(fault.name, then.text, main) };
    Ok(((fault.read)(&arguments)?, key.span().start, fault))
}

fn occasion(value: &Value) -> Result<Occasion, Wrong> {
    let name = value.one_of(&Occasion::ALL.map(Occasion::name))?;
    Ok(Occasion::ALL.into_iter().find(|occasion| occasion.name() == name).unwrap_or(Occasion::Message))
}

/// When a rule is asked that does not say: at the first occasion that suits all it does.
fn usual(acts: &Acts) -> Occasion {
    let suits = |on: &&Occasion| acts.iter().all(|(.., fault)| fault.on.contains(on));
    let first = acts.first().and_then(|(.., fault)| fault.on.iter().find(suits));
    first.copied().unwrap_or(Occasion::Message)
}

fn misplaced(fault: &Fault, on: Occasion) -> String {
    let fits: Vec<_> = fault.on.iter().map(|on| format!("on = \"{}\"", on.name())).collect();
    format!("{} cannot be done on = {:?}, but {}", fault.name, on.name(), fits.join(" or "))
}

fn filter(value: &Value, on: Occasion) -> Result<Filter, Wrong> {
    let source = value.string()?;
    let filter = Filter::parse(source).map_err(|error| {
        // In a plain string the fault's column can be shown.
        let inside = value.spanned.span().start + 1;
        let plain = value.text.get(inside..).is_some_and(|rest| rest.starts_with(source));
        let offset = source.char_indices().nth(error.column - 1).map_or(source.len(), |(at, _)| at);
        let at = if plain { inside + offset } else { value.at() };
        Wrong { at, message: format!("{}; docs/filters.md has the language", error.message) }
    })?;
    if let Some(asked) = filter.asks_the_log() {
        return Err(value.wrong(&format!(
            "{asked} is not known of what is still on its way: ask what it says, and count with after, every and times"
        )));
    }
    if on != Occasion::Message && filter.reads() > Reads::Flow {
        return Err(value.wrong(&format!(
            "{source:?} asks about a message, and on = {:?} is before there is one: ask for the session, \
             such as path:/chat",
            on.name()
        )));
    }
    Ok(filter)
}

/// An unknown word, and the nearest of those that are known.
fn unknown(at: usize, word: &str, of: &str, known: &[&str]) -> Wrong {
    let nearest = known.iter().min_by_key(|one| edits(word, one));
    let message = match nearest {
        Some(near) if edits(word, near) <= 2.max(word.len() / 3) => {
            format!("{of} has no {word}: did you mean {near}?")
        }
        _ if known.is_empty() => format!("{of} takes nothing else, and no {word}"),
        _ => format!("{of} has no {word}: it has {}", known.join(", ")),
    };
    Wrong { at, message }
}

/// How many letters have to be put in, taken out or changed to make `one` the other (Levenshtein).
fn edits(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.chars().count()).collect();
    for (i, a) in one.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, b) in other.chars().enumerate() {
            let changed = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}

fn placed(text: &str, wrong: Wrong) -> RulesError {
    let before = text.get(..wrong.at.min(text.len())).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    RulesError {
        line: before.matches('\n').count() + 1,
        column: before[line_start..].chars().count() + 1,
        message: wrong.message,
    }
}

#[cfg(test)]
mod tests;
