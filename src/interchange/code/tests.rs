//! Sessions as code, in each language.

use super::*;

fn talk() -> Talk {
    let opening = Opening {
        url: "ws://localhost:3000/chat?room=1".to_owned(),
        request: Bytes::from_static(
            b"GET /chat?room=1 HTTP/1.1\r\nHost: localhost:3000\r\nConnection: keep-alive, Upgrade\r\n\
              Upgrade: websocket\r\nOrigin: https://app.test\r\nCookie: a='b'\r\nSec-WebSocket-Key: AAAA\r\n\
              Sec-WebSocket-Version: 13\r\nSec-WebSocket-Extensions: permessage-deflate\r\nSec-Fetch-Mode: websocket\r\n\
              Accept-Encoding: gzip\r\nX-Room: 7\r\nSec-WebSocket-Protocol: json, xml\r\n\r\n",
        ),
        ..Opening::default()
    };
    let said = vec![Said::Text("it's \"7\"".to_owned()), Said::Binary(Bytes::from_static(&[0, 255]))];
    Talk { said, ..Talk::of(&opening) }
}

#[track_caller]
fn check(language: Language, expected: &str) {
    assert_eq!(language.write(&talk()), expected);
}

#[test]
fn of_the_request_stays_what_a_client_has_to_say() {
    let talk = talk();
    let names: Vec<_> = talk.fields.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["Origin", "Cookie", "X-Room"]);
    assert_eq!(talk.subprotocols, ["json", "xml"]);
}

#[test]
fn as_curl() {
    check(
        Language::Curl,
        r#"# The opening handshake; what comes behind it is printed as frames.
# curl sends no messages here: for those take websocat, wscat or a program.
curl --include --silent --no-buffer --http1.1 \
  --header 'Connection: Upgrade' \
  --header 'Upgrade: websocket' \
  --header 'Sec-WebSocket-Version: 13' \
  --header 'Origin: https://app.test' \
  --header 'Cookie: a='\''b'\''' \
  --header 'X-Room: 7' \
  --header 'Sec-WebSocket-Protocol: json, xml' \
  --header "Sec-WebSocket-Key: $(openssl rand -base64 16)" \
  'http://localhost:3000/chat?room=1'
"#,
    );
}

#[test]
fn as_websocat() {
    check(
        Language::Websocat,
        r#"printf '\0\0\0\10%s\0\0\0\13%s' \
  'it'\''s "7"' \
  'base64:AP8=' | \
  websocat --text --no-close \
  --lengthprefixed-skip-write-direction \
  --base64 --binary-prefix base64: \
  --header='Origin: https://app.test' \
  --header='Cookie: a='\''b'\''' \
  --header='X-Room: 7' \
  --protocol 'json, xml' \
  lengthprefixed:- \
  'ws://localhost:3000/chat?room=1'
"#,
    );
}

#[test]
fn as_wscat() {
    check(
        Language::Wscat,
        r#"# A message is left out: wscat sends texts alone, and none that has a NUL.
wscat --connect 'ws://localhost:3000/chat?room=1' \
  --header 'Origin: https://app.test' \
  --header 'Cookie: a='\''b'\''' \
  --header 'X-Room: 7' \
  --subprotocol json \
  --subprotocol xml \
  --wait 5 \
  --execute 'it'\''s "7"'
"#,
    );
}

#[test]
fn as_javascript() {
    check(
        Language::JavaScript,
        r#"// No page can set these headers, so that they are left out: X-Room
// The browser sends its own cookies for the server's host.
const socket = new WebSocket("ws://localhost:3000/chat?room=1", ["json", "xml"]);
socket.binaryType = "arraybuffer";
socket.onopen = () => {
  socket.send("it's \"7\"");
  socket.send(new Uint8Array([0, 255]));
};
socket.onmessage = (event) => console.log(event.data);
socket.onclose = (event) => console.log("closed", event.code, event.reason);
"#,
    );
    check(
        Language::Node,
        r#"// npm install ws
import WebSocket from "ws";

const socket = new WebSocket("ws://localhost:3000/chat?room=1", ["json", "xml"], {
  headers: {
    "Origin": "https://app.test",
    "Cookie": "a='b'",
    "X-Room": "7",
  },
});
socket.on("open", () => {
  socket.send("it's \"7\"");
  socket.send(Buffer.from("00ff", "hex"));
});
socket.on("message", (data, isBinary) => console.log(isBinary ? data : data.toString()));
socket.on("close", (code, reason) => console.log("closed", code, reason.toString()));
socket.on("error", (error) => console.error(error.message));
"#,
    );
}

#[test]
fn as_python() {
    check(
        Language::Python,
        r#"# pip install websockets
import asyncio

import websockets


async def main():
    async with websockets.connect(
        "ws://localhost:3000/chat?room=1",
        origin="https://app.test",
        subprotocols=["json", "xml"],
        additional_headers=[("Cookie", "a='b'"), ("X-Room", "7")],
        max_size=None,
    ) as socket:
        await socket.send("it's \"7\"")
        await socket.send(b"\x00\xff")
        async for message in socket:
            print(message)


asyncio.run(main())
"#,
    );
}

#[test]
fn as_rust() {
    let code = Language::Rust.write(&talk());
    for line in [
        r#"    let mut request = "ws://localhost:3000/chat?room=1".into_client_request()?;"#,
        r#"    request.headers_mut().append("cookie", "a='b'".parse()?);"#,
        r#"    request.headers_mut().append("sec-websocket-protocol", "json, xml".parse()?);"#,
        r#"    socket.send(Message::text("it's \"7\"")).await?;"#,
        r#"    socket.send(Message::binary(&b"\x00\xff"[..])).await?;"#,
    ] {
        assert!(code.contains(line), "{line}\n{code}");
    }
}

#[test]
fn a_text_that_looks_like_bytes_stays_text() {
    let said = vec![Said::Text("base64:AA==".to_owned()), Said::Binary(Bytes::from_static(b"x"))];
    let code = Language::Websocat.write(&Talk { said, ..talk() });
    assert!(code.contains("--binary-prefix base64:: "), "{code}");
}

#[test]
fn websocat_gets_one_line_as_a_line_and_all_else_by_its_length() {
    let code = |said: &[&str]| {
        let said = said.iter().map(|text| Said::Text((*text).to_owned())).collect();
        Language::Websocat.write(&Talk { said, url: "ws://h/".to_owned(), ..Talk::default() })
    };
    let line = "printf '%s\\n' \\\n  hello | \\\n  websocat --text --no-close \\\n  --linemode-strip-newlines \\\n  ws://h/\n";
    assert_eq!(code(&["hello"]), line);
    assert!(code(&["a\nb"]).starts_with("printf '\\0\\0\\0\\3%s' "));
    let long = code(&[&"x".repeat(70_000)]);
    assert!(long.contains(r"printf '\0\1\21\160%s' ") && long.contains("--buffer-size 70004"), "{long}");
    let left_out = code(&["c\0", "", "d"]);
    assert!(left_out.starts_with("# A message is left out: it has a NUL"), "{left_out}");
    assert!(left_out.contains("# A message is left out: websocat takes an empty text"), "{left_out}");
    assert!(code(&[]).starts_with("websocat --text"));
}

#[test]
fn wscat_sends_headers_of_one_name_in_one() {
    let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let fields = vec![field("X-A", "1"), field("Cookie", "a=b"), field("x-a", "2"), field("cookie", "c=d")];
    let said = ["a", ""].map(|text| Said::Text(text.to_owned())).to_vec();
    let code = Language::Wscat.write(&Talk { fields, said, ..Talk::default() });
    assert!(
        code.contains("# npm install -g wscat@6: ") && code.ends_with("  --execute a \\\n  --execute ''\n"),
        "{code}"
    );
    assert!(code.contains("--header 'X-A: 1, 2'") && code.contains("--header 'Cookie: a=b; c=d'"), "{code}");
    assert!(
        code.starts_with("# wscat sends one header of a name: the values of x-a stand in one.\n"),
        "{code}"
    );
}

#[test]
fn languages_go_by_their_names() {
    for language in Language::ALL {
        assert_eq!(Language::from_name(language.name()), Some(language));
    }
    assert_eq!(Language::from_name("py"), Some(Language::Python));
    assert_eq!(Language::from_name("w"), None);
    assert_eq!(Language::from_name(""), None);
}
