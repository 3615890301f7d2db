//! As curl: the opening handshake, for any version of it.

use super::shell::{command, quoted};
use super::{Language, Talk};

pub(super) fn write(talk: &Talk) -> String {
    let mut words = vec!["curl --include --silent --no-buffer --http1.1".to_owned()];
    let mut header = |line: &str| words.push(format!("--header {}", quoted(line)));
    header("Connection: Upgrade");
    header("Upgrade: websocket");
    header("Sec-WebSocket-Version: 13");
    for (name, value) in &talk.fields {
        // As curl has it, an empty one ends in a semicolon.
        header(&if value.is_empty() { format!("{name};") } else { format!("{name}: {value}") });
    }
    if !talk.subprotocols.is_empty() {
        header(&format!("Sec-WebSocket-Protocol: {}", talk.subprotocols.join(", ")));
    }
    words.push("--header \"Sec-WebSocket-Key: $(openssl rand -base64 16)\"".to_owned());
    let url = talk.url.replacen("ws", "http", 1);
    words.push(quoted(&url));
    let mut remarks = vec!["The opening handshake; what comes behind it is printed as frames.".to_owned()];
    if !talk.said.is_empty() {
        remarks.push("curl sends no messages here: for those take websocat, wscat or a program.".to_owned());
    }
    command(talk, Language::Curl, &remarks, &words)
}
