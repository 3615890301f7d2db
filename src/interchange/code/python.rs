//! As Python, with `websockets` 14 or newer.

use super::{Language, Said, Talk, quoted};

pub(super) fn write(talk: &Talk) -> String {
    let mut code = talk.comments(Language::Python, &["pip install websockets".to_owned()]);
    code +=
        "import asyncio\n\nimport websockets\n\n\nasync def main():\n    async with websockets.connect(\n";
    let mut argument = |line: &str| code += &format!("        {line},\n");
    argument(&text(&talk.url));
    if let Some(origin) = talk.field("origin") {
        argument(&format!("origin={}", text(origin)));
    }
    if let Some(agent) = talk.field("user-agent") {
        argument(&format!("user_agent_header={}", text(agent)));
    }
    if !talk.subprotocols.is_empty() {
        let names: Vec<_> = talk.subprotocols.iter().map(|name| text(name)).collect();
        argument(&format!("subprotocols=[{}]", names.join(", ")));
    }
    // Those that are there twice are no arguments of their own.
    let own: Vec<_> =
        ["origin", "user-agent"].into_iter().filter(|name| talk.field(name).is_some()).collect();
    let fields: Vec<_> = talk.fields_but(&own).collect();
    if !fields.is_empty() {
        let pairs: Vec<_> =
            fields.iter().map(|(name, value)| format!("({}, {})", text(name), text(value))).collect();
        argument(&format!("additional_headers=[{}]", pairs.join(", ")));
    }
    argument("max_size=None");
    code += "    ) as socket:\n";
    for said in &talk.said {
        let literal = match said {
            Said::Text(said) => text(said),
            Said::Binary(payload) => {
                let octets: String = payload.iter().map(|octet| format!("\\x{octet:02x}")).collect();
                format!("b\"{octets}\"")
            }
        };
        code += &format!("        await socket.send({literal})\n");
    }
    code += "        async for message in socket:\n            print(message)\n\n\nasyncio.run(main())\n";
    code
}

/// A string literal.
pub(super) fn text(text: &str) -> String {
    quoted(text, |character| format!("\\U{:08x}", u32::from(character)))
}
