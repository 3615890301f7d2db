//! As Rust, with tokio-tungstenite.

use super::{Language, Said, Talk, quoted};

const BEGINNING: &str = include_str!("rust_beginning.txt");
const END: &str = include_str!("rust_end.txt");

pub(super) fn write(talk: &Talk) -> String {
    let mut features =
        "cargo add futures-util tokio --features tokio/full; cargo add tokio-tungstenite".to_owned();
    if talk.url.starts_with("wss") {
        features += " --features rustls-tls-native-roots";
    }
    let mut code = talk.comments(Language::Rust, &[features]);
    code += BEGINNING;
    let mut fields: Vec<(String, String)> =
        talk.fields.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone())).collect();
    if !talk.subprotocols.is_empty() {
        fields.push(("sec-websocket-protocol".to_owned(), talk.subprotocols.join(", ")));
    }
    let mutable = if fields.is_empty() { "" } else { "mut " };
    code += &format!("    let {mutable}request = {}.into_client_request()?;\n", text(&talk.url));
    for (name, value) in &fields {
        code += &format!("    request.headers_mut().append({}, {}.parse()?);\n", text(name), text(value));
    }
    code += "    let (mut socket, _) = connect_async(request).await?;\n";
    for said in &talk.said {
        let message = match said {
            Said::Text(said) => format!("Message::text({})", text(said)),
            Said::Binary(payload) => {
                let octets: String = payload.iter().map(|octet| format!("\\x{octet:02x}")).collect();
                format!("Message::binary(&b\"{octets}\"[..])")
            }
        };
        code += &format!("    socket.send({message}).await?;\n");
    }
    code + END
}

/// A string literal.
pub(super) fn text(text: &str) -> String {
    quoted(text, |character| format!("\\u{{{:x}}}", u32::from(character)))
}
