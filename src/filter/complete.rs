//! Completion of the word under the cursor.

use super::table::{Key, Operator, TABLE, What};

/// What could stand where the cursor is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Completion {
    /// The byte at which the word under the cursor begins: a candidate replaces `start..cursor`.
    pub start: usize,
    /// What could stand there.
    pub candidates: Vec<String>,
}

/// Completes the word that ends at byte `cursor`.
pub fn complete(input: &str, cursor: usize) -> Completion {
    let mut cursor = cursor.min(input.len());
    while !input.is_char_boundary(cursor) {
        cursor -= 1;
    }
    let before = &input[..cursor];
    let start = before.rfind(|c: char| c.is_whitespace() || "()!&|".contains(c)).map_or(0, |at| {
        let length = before[at..].chars().next().map_or(1, char::len_utf8);
        at + length
    });
    let start = start + usize::from(before[start..].starts_with('-'));
    let word = &before[start..];
    let is_quoted = before.matches('"').count() % 2 == 1;
    let candidates = if is_quoted { Vec::new() } else { candidates(word) };
    Completion { start, candidates }
}

fn candidates(word: &str) -> Vec<String> {
    let (head, list) = match word.split_once(':') {
        Some((key, list)) => (Some(key), list),
        None => (None, word),
    };
    let mut found: Vec<String> = match head {
        // in `op:text,bin` it is the last item that is completed
        Some(key) => {
            let item = list.rfind(',').map_or(0, |comma| comma + 1);
            let kept = &word[..key.len() + 1 + item];
            values(key)
                .filter(|value| starts_with(value, &list[item..]))
                .map(|value| format!("{kept}{value}"))
                .collect()
        }
        None => TABLE.iter().flat_map(spellings).filter(|name| starts_with(name, word)).collect(),
    };
    found.retain(|candidate| candidate != word);
    found
}

fn values(key: &str) -> impl Iterator<Item = &'static str> {
    let is_meant = |operator: &&Operator| matches!(operator.what, What::Key(_)) && operator.is_called(key);
    TABLE.iter().find(is_meant).into_iter().flat_map(|operator| operator.values).copied()
}

/// How an operator begins when it is typed.
fn spellings(operator: &Operator) -> Vec<String> {
    let Some(name) = operator.names.first() else {
        // the only one of its kind that is typed as it stands
        return if operator.form == "json.a.b[0]" { vec!["json.".to_owned()] } else { Vec::new() };
    };
    vec![match operator.what {
        What::Key(Key::Size | Key::WireSize) => format!("{name}>"),
        What::Key(_) => format!("{name}:"),
        What::Tilde(_) => format!("~{name}"),
        What::Flag(_) | What::Syntax => (*name).to_owned(),
    }]
}

fn starts_with(name: &str, start: &str) -> bool {
    name.get(..start.len()).is_some_and(|own| own.eq_ignore_ascii_case(start))
}
