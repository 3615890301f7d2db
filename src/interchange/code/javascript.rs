//! As JavaScript: in a browser, and in Node with `ws`.

use super::{Language, Said, Talk, quoted};

/// Headers that a browser says for the page.
const OF_BROWSERS: [&str; 4] = ["origin", "cookie", "user-agent", "accept-language"];

pub(super) fn browser(talk: &Talk) -> String {
    let mut remarks = Vec::new();
    let others: Vec<_> = talk.fields_but(&OF_BROWSERS).map(|(name, _)| name.as_str()).collect();
    if !others.is_empty() {
        remarks
            .push(format!("No page can set these headers, so that they are left out: {}", others.join(", ")));
    }
    if talk.field("cookie").is_some() {
        remarks.push("The browser sends its own cookies for the server's host.".to_owned());
    }
    let mut code = talk.comments(Language::JavaScript, &remarks);
    code += &format!("const socket = new WebSocket({}{});\n", text(&talk.url), subprotocols(talk));
    code += "socket.binaryType = \"arraybuffer\";\n";
    code += "socket.onopen = () => {\n";
    for said in &talk.said {
        let literal = match said {
            Said::Text(said) => text(said),
            Said::Binary(payload) => {
                let octets: Vec<_> = payload.iter().map(u8::to_string).collect();
                format!("new Uint8Array([{}])", octets.join(", "))
            }
        };
        code += &format!("  socket.send({literal});\n");
    }
    code += "};\n";
    code += "socket.onmessage = (event) => console.log(event.data);\n";
    code += "socket.onclose = (event) => console.log(\"closed\", event.code, event.reason);\n";
    code
}

pub(super) fn node(talk: &Talk) -> String {
    let mut code = talk.comments(Language::Node, &["npm install ws".to_owned()]);
    code += "import WebSocket from \"ws\";\n\n";
    let mut options = String::new();
    let mut names: Vec<&str> = Vec::new();
    for (name, _) in &talk.fields {
        if !names.iter().any(|other| other.eq_ignore_ascii_case(name)) {
            names.push(name);
        }
    }
    for name in names {
        let values = talk.fields.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name));
        let values: Vec<_> = values.map(|(_, value)| text(value)).collect();
        let value = if let [one] = &values[..] { one.clone() } else { format!("[{}]", values.join(", ")) };
        options += &format!("    {}: {value},\n", text(name));
    }
    let options =
        if options.is_empty() { String::new() } else { format!(", {{\n  headers: {{\n{options}  }},\n}}") };
    let protocols = if options.is_empty() { subprotocols(talk) } else { format!(", {}", array(talk)) };
    code += &format!("const socket = new WebSocket({}{protocols}{options});\n", text(&talk.url));
    code += "socket.on(\"open\", () => {\n";
    for said in &talk.said {
        let literal = match said {
            Said::Text(said) => text(said),
            Said::Binary(payload) => {
                let octets: String = payload.iter().map(|octet| format!("{octet:02x}")).collect();
                format!("Buffer.from(\"{octets}\", \"hex\")")
            }
        };
        code += &format!("  socket.send({literal});\n");
    }
    code += "});\n";
    code += "socket.on(\"message\", (data, isBinary) => console.log(isBinary ? data : data.toString()));\n";
    code += "socket.on(\"close\", (code, reason) => console.log(\"closed\", code, reason.toString()));\n";
    code += "socket.on(\"error\", (error) => console.error(error.message));\n";
    code
}

/// A string literal, which JSON reads as well.
pub(super) fn text(text: &str) -> String {
    quoted(text, |character| {
        let units = character.encode_utf16(&mut [0; 2]).to_vec();
        units.iter().map(|unit| format!("\\u{unit:04x}")).collect()
    })
}

fn subprotocols(talk: &Talk) -> String {
    if talk.subprotocols.is_empty() { String::new() } else { format!(", {}", array(talk)) }
}

fn array(talk: &Talk) -> String {
    let names: Vec<_> = talk.subprotocols.iter().map(|name| text(name)).collect();
    format!("[{}]", names.join(", "))
}
