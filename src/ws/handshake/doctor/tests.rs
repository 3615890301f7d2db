//! Each finding, and the sentence for each failed handshake.

use super::*;

const REQUEST: &str = "GET /chat HTTP/1.1\r\n\
    Host: example.com\r\n\
    Upgrade: websocket\r\n\
    Connection: keep-alive, Upgrade\r\n\
    Sec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEC==\r\n\
    Sec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Protocol: chat, superchat\r\n\
    Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n";

const RESPONSE: &str = "HTTP/1.1 101 Switching Protocols\r\n\
    Upgrade: websocket\r\n\
    Connection: Upgrade\r\n\
    Sec-WebSocket-Accept: OfS0wDaT5NoxF2gqm7Zj2YtetzM=\r\n\
    Sec-WebSocket-Protocol: chat\r\n\
    Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n";

/// `text` with the line that begins with `name` replaced by `line`; none if that is empty.
#[track_caller]
fn with(text: &str, name: &str, line: &str) -> String {
    let (start, behind) = text.split_at(text.find(name).expect("the line is there"));
    let (_, rest) = behind.split_once("\r\n").unwrap();
    let line = if line.is_empty() { String::new() } else { format!("{line}\r\n") };
    format!("{start}{line}{rest}")
}

#[track_caller]
fn examined(request: &str, response: &str) -> Examination {
    let request = RequestHead::parse(request.as_bytes()).unwrap();
    let response = ResponseHead::parse(response.as_bytes()).unwrap();
    examine(&request, Some(&response))
}

/// What is said, a line each.
fn told(findings: &[Finding]) -> Vec<String> {
    let line = |finding: &Finding| {
        format!("{} {}: {} ({})", finding.side, finding.severity, finding.sentence, finding.section)
    };
    findings.iter().map(line).collect()
}

#[test]
fn a_good_handshake() {
    let examination = examined(REQUEST, RESPONSE);
    let expected = Examination {
        offered_subprotocols: vec!["chat".into(), "superchat".into()],
        subprotocol: Some("chat".into()),
        offered_extensions: vec!["permessage-deflate; client_max_window_bits".into()],
        extensions: Some("permessage-deflate".into()),
        deflate: Some(PermessageDeflate::default()),
        accepted: true,
        ..Examination::default()
    };
    assert_eq!(examination, expected);
}

#[test]
fn before_the_answer() {
    let request = RequestHead::parse(with(REQUEST, "Host", "").as_bytes()).unwrap();
    let examination = examine(&request, None);
    assert_eq!(told(&examination.findings), ["client fault: the request has no Host header (RFC 6455 4.1)"]);
    assert_eq!((examination.accepted, examination.why), (false, None));
}

/// The line of the request to replace, what with, what is then said.
const REQUESTS: [(&str, &str, &str); 25] = [
    (
        "GET",
        "POST /chat HTTP/1.1",
        "client fault: the method is POST; an opening handshake is a GET (RFC 6455 4.1)",
    ),
    (
        "GET",
        "GET /chat HTTP/1.0",
        "client fault: the request is HTTP/1.0; a WebSocket needs HTTP/1.1 (RFC 6455 4.1)",
    ),
    (
        "GET",
        "GET /#top HTTP/1.1",
        "client fault: the target \"/#top\" has a fragment; the URL of a WebSocket has none (RFC 6455 3)",
    ),
    (
        "GET",
        "GET ws://h/ HTTP/1.1",
        "client odd: the target is a whole URL with ws://; on the wire it has to be http:// or https:// (RFC 6455 4.1)",
    ),
    ("Host", "", "client fault: the request has no Host header (RFC 6455 4.1)"),
    ("Host", "Host: a\r\nHost: b", "client fault: the request has 2 Host headers (RFC 9112 3.2)"),
    ("Upgrade", "", "client fault: the request has no Upgrade header; it must be websocket (RFC 6455 4.1)"),
    ("Upgrade", "Upgrade: h2c", "client fault: Upgrade is \"h2c\", not websocket (RFC 6455 4.1)"),
    (
        "Connection",
        "",
        "client fault: the request has no Connection header; it must name Upgrade (RFC 6455 4.1)",
    ),
    (
        "Connection",
        "Connection: close",
        "client fault: Connection is \"close\"; it must name Upgrade (RFC 6455 4.1)",
    ),
    ("Sec-WebSocket-Key", "", "client fault: the request has no Sec-WebSocket-Key (RFC 6455 4.1)"),
    (
        "Sec-WebSocket-Key",
        "Sec-WebSocket-Key: ?",
        "client fault: Sec-WebSocket-Key \"?\" is not base64 (RFC 6455 4.1)",
    ),
    (
        "Sec-WebSocket-Key",
        "Sec-WebSocket-Key: AAAA",
        "client fault: Sec-WebSocket-Key \"AAAA\" holds 3 bytes, not 16 (RFC 6455 4.1)",
    ),
    (
        "Sec-WebSocket-Key",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "client odd: Sec-WebSocket-Key is the example of the RFC; each handshake needs a random one (RFC 6455 4.1)",
    ),
    (
        "Sec-WebSocket-Version",
        "",
        "client fault: the request has no Sec-WebSocket-Version; it must be 13 (RFC 6455 4.1)",
    ),
    (
        "Sec-WebSocket-Version",
        "Sec-WebSocket-Version: 8",
        "client fault: Sec-WebSocket-Version is \"8\"; it must be 13 (RFC 6455 4.1)",
    ),
    (
        "Sec-WebSocket-Version",
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Version: 13",
        "client fault: the request has 2 Sec-WebSocket-Version headers; one is allowed (RFC 6455 11.3.5)",
    ),
    (
        "Sec-WebSocket-Protocol",
        "Sec-WebSocket-Protocol:",
        "client fault: Sec-WebSocket-Protocol is there, but empty; leave it out (RFC 6455 4.1)",
    ),
    (
        "Sec-WebSocket-Protocol",
        "Sec-WebSocket-Protocol: a b",
        "client fault: the subprotocol \"a b\" is not a token: it has blanks or other signs that must not be in it (RFC 6455 4.1)",
    ),
    (
        "Sec-WebSocket-Protocol",
        "Sec-WebSocket-Protocol: a, a",
        "client fault: the subprotocol \"a\" is offered twice (RFC 6455 4.1)",
    ),
    (
        "Sec-WebSocket-Extensions",
        "Sec-WebSocket-Extensions:",
        "client fault: Sec-WebSocket-Extensions is there, but empty; leave it out (RFC 6455 9.1)",
    ),
    (
        "Sec-WebSocket-Extensions",
        "Sec-WebSocket-Extensions: permessage-deflate; x",
        "client fault: permessage-deflate has no parameter x (RFC 7692 7.1)",
    ),
    (
        "Host",
        "Host: a\r\nSec-WebSocket-Accept: x",
        "client odd: Sec-WebSocket-Accept stands in the request; it belongs into the answer (RFC 6455 11.3.3)",
    ),
    (
        "Host",
        "Host: a\r\nContent-Length: 10",
        "client odd: the request announces a body; an opening handshake has none (RFC 6455 4.1)",
    ),
    (
        "Host",
        "Host: a\r\nA : b",
        "client odd: the header line \"A : b\": there are blanks around its name (RFC 9112 5)",
    ),
];

#[test]
fn requests_are_checked() {
    for (name, line, expected) in REQUESTS {
        let head = with(REQUEST, name, line);
        let request = RequestHead::parse(head.as_bytes()).unwrap();
        let findings = examine(&request, None).findings;
        assert_eq!(told(&findings), [expected], "{line}");
    }
}

/// The line of the answer to replace, what with, what is then said.
const RESPONSES: [(&str, &str, &str); 16] = [
    (
        "HTTP",
        "HTTP/1.0 101 Hm",
        "server fault: the answer is HTTP/1.0; a WebSocket needs HTTP/1.1 (RFC 6455 4.1)",
    ),
    ("Upgrade", "", "server fault: the answer has no Upgrade header; it must be websocket (RFC 6455 4.1)"),
    (
        "Upgrade",
        "Upgrade: WebSocket2",
        "server fault: Upgrade is \"WebSocket2\", not websocket (RFC 6455 4.1)",
    ),
    (
        "Connection",
        "",
        "server fault: the answer has no Connection header; it must name Upgrade (RFC 6455 4.1)",
    ),
    (
        "Connection",
        "Connection: keep-alive",
        "server fault: Connection is \"keep-alive\"; it must name Upgrade (RFC 6455 4.1)",
    ),
    ("Sec-WebSocket-Accept", "", "server fault: the answer has no Sec-WebSocket-Accept (RFC 6455 4.1)"),
    (
        "Sec-WebSocket-Accept",
        "Sec-WebSocket-Accept: x",
        "server fault: Sec-WebSocket-Accept is \"x\", but for this key it must be \"OfS0wDaT5NoxF2gqm7Zj2YtetzM=\"; it may be the answer to another request, from a cache or a fixed reply (RFC 6455 4.1)",
    ),
    (
        "Sec-WebSocket-Accept",
        "Sec-WebSocket-Accept: OfS0wDaT5NoxF2gqm7Zj2YtetzM=\r\nsec-websocket-accept: x",
        "server fault: the answer has 2 Sec-WebSocket-Accept headers; one is allowed (RFC 6455 11.3.3)",
    ),
    (
        "Sec-WebSocket-Protocol",
        "",
        "server odd: the client offered the subprotocol \"chat, superchat\", and the server chose none; browsers then give up (WHATWG WebSockets 2)",
    ),
    (
        "Sec-WebSocket-Protocol",
        "Sec-WebSocket-Protocol:",
        "server fault: Sec-WebSocket-Protocol is there, but empty; a server that chooses none leaves it out (RFC 6455 4.2.2)",
    ),
    (
        "Sec-WebSocket-Protocol",
        "Sec-WebSocket-Protocol: Chat",
        "server fault: the server chose the subprotocol \"Chat\", which is not among those offered (\"chat, superchat\") (RFC 6455 4.1)",
    ),
    (
        "Sec-WebSocket-Protocol",
        "Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Protocol: superchat",
        "server fault: the answer has 2 Sec-WebSocket-Protocol headers; one is allowed (RFC 6455 11.3.4)",
    ),
    (
        "Sec-WebSocket-Extensions",
        "Sec-WebSocket-Extensions: permessage-deflate\r\nSec-WebSocket-Extensions: ,",
        "server fault: the answer has 2 Sec-WebSocket-Extensions headers; one is allowed (RFC 6455 11.3.2)",
    ),
    (
        "Sec-WebSocket-Extensions",
        "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=7",
        "server fault: server_max_window_bits must be a number from 8 to 15, not 7 (RFC 7692 7.1.2.1)",
    ),
    (
        "Upgrade",
        "Upgrade: websocket\r\nContent-Length: 0",
        "server odd: the answer has Content-Length, but a 101 has no body: what follows are frames (RFC 9110 15.2)",
    ),
    (
        "Upgrade",
        "Upgrade: websocket\r\nA\r\n",
        "server odd: the header line \"A\": there is no colon in it (RFC 9112 5)",
    ),
];

#[test]
fn acceptances_are_checked() {
    for (name, line, expected) in RESPONSES {
        let examination = examined(REQUEST, &with(RESPONSE, name, line.trim_end()));
        assert_eq!(told(&examination.findings), [expected], "{line}");
        assert!(examination.accepted);
        let fault = expected.strip_prefix("server fault: ");
        let why = fault.map(|fault| format!("the server answered 101, but clients have to give up: {fault}"));
        assert_eq!(examination.why, why);
    }
}

#[test]
fn both_upgrade_headers_missing_point_to_a_proxy() {
    let request = with(&with(REQUEST, "Upgrade", ""), "Connection", "Connection: close");
    let examination = examined(&request, "HTTP/1.1 400 Bad Request\r\n\r\n");
    let words = "the request lacks both Upgrade: websocket and Connection: Upgrade; proxies in between drop them \
                 unless told otherwise (nginx: proxy_set_header Upgrade $http_upgrade)";
    assert_eq!(told(&examination.findings), [format!("client fault: {words} (RFC 6455 4.1)")]);
    let why = format!("the server answered 400 Bad Request, not 101: {words} (RFC 6455 4.1)");
    assert_eq!(examination.why, Some(why));
}

#[test]
fn a_subprotocol_nobody_offered() {
    let examination = examined(&with(REQUEST, "Sec-WebSocket-Protocol", ""), RESPONSE);
    let expected =
        "server fault: the server chose the subprotocol \"chat\", but the client offered none (RFC 6455 4.1)";
    assert_eq!(told(&examination.findings), [expected]);
    assert_eq!(examination.subprotocol.as_deref(), Some("chat"));
}

#[test]
fn an_unknown_extension_is_noted() {
    let request = with(REQUEST, "Sec-WebSocket-Extensions", "Sec-WebSocket-Extensions: x-zip; a=\"1\" , b");
    let response = with(RESPONSE, "Sec-WebSocket-Extensions", "Sec-WebSocket-Extensions: x-zip");
    let examination = examined(&request, &response);
    let expected = "server note: an extension is on that is not known here, so payloads are shown as they are on the wire (RFC 6455 9)";
    assert_eq!(told(&examination.findings), [expected]);
    assert_eq!(examination.offered_extensions, ["x-zip; a=\"1\"", "b"]);
    assert_eq!(examination.extensions.as_deref(), Some("x-zip"));
    assert_eq!((examination.other_extension, examination.why), (OtherExtension::Unknown, None));
}

/// The head of an answer, and why there is then no WebSocket.
const REFUSALS: [(&str, &str); 17] = [
    (
        "200 OK",
        "200 OK, not 101: \"/chat\" is an ordinary page there, or a proxy in between dropped the Upgrade header; check the path (RFC 6455 4.1)",
    ),
    (
        "301 Moved\r\nLocation: https://a/b",
        "301 Moved, not 101: it sends the client on to \"wss://a/b\"; WebSocket clients seldom follow, so connect there (RFC 6455 4.1)",
    ),
    (
        "302 Found\r\nLocation: /login",
        "302 Found, not 101: it sends the client on to \"/login\"; WebSocket clients seldom follow, so connect there (RFC 6455 4.1)",
    ),
    ("307 Hm", "307 Hm, not 101: it sends the client elsewhere, but does not say where (RFC 6455 4.1)"),
    (
        "400 Bad Request",
        "400 Bad Request, not 101: it finds the request wrong; a proxy in between may have altered it, or a parameter is missing (RFC 6455 4.1)",
    ),
    (
        "401",
        "401, not 101: it wants credentials: a cookie, a token or an Authorization header that it takes (RFC 6455 4.1)",
    ),
    (
        "401 Unauthorized\r\nWWW-Authenticate: Basic realm=x",
        "401 Unauthorized, not 101: it wants credentials (\"Basic\"); the request has none that it takes (RFC 6455 4.1)",
    ),
    (
        "403 Forbidden",
        "403 Forbidden, not 101: it refuses this client; it may want an Origin header, a cookie or a token (RFC 6455 10.2)",
    ),
    ("404 Not Found", "404 Not Found, not 101: there is nothing at \"/chat\"; check the path (RFC 6455 4.1)"),
    (
        "407 No",
        "407 No, not 101: a proxy on the way wants credentials: a cookie, a token or an Authorization header that it takes (RFC 6455 4.1)",
    ),
    (
        "426 Upgrade Required",
        "426 Upgrade Required, not 101: it wants an upgrade and saw none; a proxy in between may have dropped the Upgrade header (RFC 6455 4.2.2)",
    ),
    (
        "426 Upgrade Required\r\nSec-WebSocket-Version: 8\r\nSec-WebSocket-Version: 7",
        "426 Upgrade Required, not 101: it speaks WebSocket version \"8, 7\", and the client asked for \"13\" (RFC 6455 4.4)",
    ),
    (
        "429 Slow\r\nRetry-After: 30",
        "429 Slow, not 101: there were too many requests; it asks to try again in 30 s (RFC 6455 4.1)",
    ),
    (
        "500 Oops",
        "500 Oops, not 101: it failed while handling the request; its own log says why (RFC 6455 4.1)",
    ),
    (
        "502 Bad Gateway",
        "502 Bad Gateway, not 101: a gateway in front of the server could not reach it, or did not understand its answer (RFC 6455 4.1)",
    ),
    (
        "503 Busy",
        "503 Busy, not 101: it, or what a gateway would pass this on to, is not available (RFC 6455 4.1)",
    ),
    ("418 I'm a teapot", "418 I'm a teapot, not 101: it did not accept the handshake (RFC 6455 4.1)"),
];

#[test]
fn refusals_are_explained() {
    for (answer, why) in REFUSALS {
        let examination = examined(REQUEST, &format!("HTTP/1.1 {answer}\r\n\r\n"));
        assert_eq!(examination.why, Some(format!("the server answered {why}")));
        assert!(!examination.accepted);
        assert_eq!(examination.findings, []);
    }
    let from_browser = with(REQUEST, "Host", "Host: a\r\nOrigin: http://b");
    let why = examined(&from_browser, "HTTP/1.1 403 Forbidden\r\n\r\n").why.unwrap();
    assert!(
        why.ends_with("most often because the Origin \"http://b\" is not allowed (RFC 6455 10.2)"),
        "{why}"
    );
    let without_key = with(REQUEST, "Sec-WebSocket-Key", "");
    let why = examined(&without_key, "HTTP/1.1 400 Bad Request\r\n\r\n").why.unwrap();
    assert_eq!(
        why,
        "the server answered 400 Bad Request, not 101: the request has no Sec-WebSocket-Key (RFC 6455 4.1)"
    );
}
