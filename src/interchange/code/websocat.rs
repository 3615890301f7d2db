//! As websocat: lines on its standard input are the messages.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::shell::{command, quoted, word};
use super::{Language, Said, Talk};

pub(super) fn write(talk: &Talk) -> String {
    let mut remarks = Vec::new();
    let any_binary = talk.said.iter().any(|said| matches!(said, Said::Binary(_)));
    let prefix = prefix(talk);
    let mut arguments = Vec::new();
    let mut lines = true;
    for said in &talk.said {
        let message = match said {
            Said::Text(text) => text.clone(),
            Said::Binary(payload) => format!("{prefix}{}", STANDARD.encode(payload)),
        };
        lines &= !message.contains('\n');
        match word(&message) {
            Some(word) => arguments.push(word),
            None => {
                remarks.push("A message is left out: it has a NUL, which no argument can have.".to_owned());
            }
        }
    }
    let mut words = Vec::new();
    if !arguments.is_empty() {
        // Where a message has lines of its own, messages end in a NUL.
        let form = if lines { r"printf '%s\n'" } else { r"printf '%s\0'" };
        let last = arguments.len() - 1;
        arguments[last].push_str(" |");
        words.push(form.to_owned());
        words.append(&mut arguments);
    }
    words.push("websocat --text --no-close".to_owned());
    if !lines {
        words.push("--null-terminated".to_owned());
    }
    if any_binary {
        words.push(format!("--base64 --binary-prefix {}", quoted(&prefix)));
    }
    for (name, value) in &talk.fields {
        // Without the =, it would take what stands behind it as headers as well.
        words.push(format!("--header={}", quoted(&format!("{name}: {value}"))));
    }
    if !talk.subprotocols.is_empty() {
        words.push(format!("--protocol {}", quoted(&talk.subprotocols.join(", "))));
    }
    words.push(quoted(&talk.url));
    command(talk, Language::Websocat, &remarks, &words)
}

/// What says that a line is bytes in base64: something that no text begins with.
fn prefix(talk: &Talk) -> String {
    let mut prefix = "base64:".to_owned();
    let clashes = |prefix: &str| {
        talk.said.iter().any(|said| matches!(said, Said::Text(text) if text.starts_with(prefix)))
    };
    while clashes(&prefix) {
        prefix.push(':');
    }
    prefix
}
