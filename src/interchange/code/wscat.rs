//! As wscat, which sends one message by itself; more of them are typed.

use super::shell::{command, quoted, word};
use super::{Language, Said, Talk};

pub(super) fn write(talk: &Talk) -> String {
    let mut words = vec![format!("wscat --connect {}", quoted(&talk.url))];
    for (name, value) in &talk.fields {
        words.push(format!("--header {}", quoted(&format!("{name}: {value}"))));
    }
    for name in &talk.subprotocols {
        words.push(format!("--subprotocol {}", quoted(name)));
    }
    let mut remarks = Vec::new();
    let mut texts = Vec::new();
    for said in &talk.said {
        match said {
            Said::Text(text) if !text.is_empty() && !text.contains('\0') => texts.push(text),
            _ => remarks
                .push("A message is left out: wscat sends texts alone, and none that is empty.".to_owned()),
        }
    }
    if let Some(first) = texts.first().and_then(|text| word(text)) {
        // Answers are waited for.
        words.push(format!("--wait 5 --execute {first}"));
    }
    for text in texts.iter().skip(1) {
        remarks.push(format!("wscat sends one message by itself; without --execute, type: {text}"));
    }
    command(talk, Language::Wscat, &remarks, &words)
}
