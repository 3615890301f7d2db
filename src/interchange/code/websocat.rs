//! As websocat, which takes a line for a message, and where there are more, packets that begin with their length: of lines
//! that come at once it sends the ends as well.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::shell::{command, quoted, word};
use super::{Language, Said, Talk};

/// Octets that are read at once: a longer line might not be taken for one.
const AT_ONCE: usize = 4000;
/// The longest packet, where nothing is said of it.
const BUFFER: usize = 65_536;

pub(super) fn write(talk: &Talk) -> String {
    let mut remarks = Vec::new();
    let any_binary = talk.said.iter().any(|said| matches!(said, Said::Binary(_)));
    let prefix = prefix(talk);
    let mut messages = Vec::new();
    for said in &talk.said {
        let message = match said {
            Said::Text(text) => text.clone(),
            Said::Binary(payload) => format!("{prefix}{}", STANDARD.encode(payload)),
        };
        match word(&message) {
            _ if message.is_empty() => {
                remarks.push("A message is left out: websocat takes an empty text for the end.".to_owned());
            }
            Some(word) => messages.push((message.len(), word)),
            None => {
                remarks.push("A message is left out: it has a NUL, which no argument can have.".to_owned());
            }
        }
    }
    let line = match &messages[..] {
        [] => true,
        [(length, word)] => *length < AT_ONCE && !word.contains('\n') && !word.contains('\r'),
        _ => false,
    };
    let longest = messages.iter().map(|(length, _)| *length).max().unwrap_or_default();
    let mut words = fed(messages, line);
    words.push("websocat --text --no-close".to_owned());
    words.push(
        if line { "--linemode-strip-newlines" } else { "--lengthprefixed-skip-write-direction" }.to_owned(),
    );
    if longest > BUFFER - LENGTH {
        words.push(format!("--buffer-size {}", longest + LENGTH));
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
    if !line {
        words.push("lengthprefixed:-".to_owned());
    }
    words.push(quoted(&talk.url));
    command(talk, Language::Websocat, &remarks, &words)
}

/// Octets of a packet's length.
const LENGTH: usize = 4;

/// What gives websocat its messages, of which the lengths and words are told: none, a line, or packets.
fn fed(messages: Vec<(usize, String)>, line: bool) -> Vec<String> {
    if messages.is_empty() {
        return Vec::new();
    }
    let mut form = String::from("printf '");
    for (length, _) in messages.iter().filter(|_| !line) {
        for octet in u32::try_from(*length).unwrap_or(u32::MAX).to_be_bytes() {
            form += &format!("\\{octet:o}");
        }
        form += "%s";
    }
    form += if line { "%s\\n'" } else { "'" };
    let mut words = vec![form];
    words.extend(messages.into_iter().map(|(_, word)| word));
    if let Some(last) = words.last_mut() {
        last.push_str(" |");
    }
    words
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
