//! Heads as they come.

use super::*;

#[track_caller]
fn request(text: &str) -> RequestHead {
    RequestHead::parse(text.as_bytes()).unwrap()
}

/// Names and values, as `Name=value`, oddities behind them.
fn lines(headers: &Headers) -> Vec<String> {
    let show = |bytes: &[u8]| bytes.escape_ascii().to_string();
    let line = |header: Header<'_>| {
        let oddity = header.oddity.map_or(String::new(), |oddity| format!(" ({oddity})"));
        format!("{}={}{oddity}", show(header.name), show(header.value))
    };
    headers.iter().map(line).collect()
}

#[test]
fn a_request_is_read_as_it_came() {
    let text = "GET /chat?a=b HTTP/1.1\r\nhost:  example.com \r\nCookie: a\r\nX-Empty:\r\ncookie: b\r\n\r\n";
    let request = request(text);
    assert_eq!((&*request.method(), &*request.target(), request.version()), ("GET", "/chat?a=b", (1, 1)));
    assert_eq!(request.start_line(), b"GET /chat?a=b HTTP/1.1");
    assert_eq!(lines(request.headers()), ["host=example.com", "Cookie=a", "X-Empty=", "cookie=b"]);
    assert_eq!(request.raw(), text.as_bytes());
    assert_eq!(request.headers().count("COOKIE"), 2);
    assert_eq!(request.headers().text("Host").unwrap(), "example.com");
    assert!(request.headers().contains("x-empty") && !request.headers().contains("x-emptier"));
}

#[test]
fn a_response_is_read_as_it_came() {
    for (line, status, reason) in [
        ("HTTP/1.1 101 Switching Protocols", 101, "Switching Protocols"),
        ("HTTP/1.0 404 ", 404, ""),
        ("HTTP/1.1 200", 200, ""),
        ("http/2 500 Oh No!", 500, "Oh No!"),
    ] {
        let text = format!("{line}\r\nA: b\r\n\r\nbody");
        let response = ResponseHead::parse(text.as_bytes()).unwrap();
        assert_eq!((response.status(), &*response.reason()), (status, reason));
        assert_eq!(response.start_line(), line.as_bytes());
        assert_eq!(response.raw().len(), text.len() - 4, "the body is left alone");
    }
}

#[test]
fn odd_lines_are_kept_and_named() {
    let text =
        "GET / HTTP/1.1\nno colon here\n Folded: before anything\nA : 1\r\nB: 2\r\n\t more\r\n: x\nC:3\n\n";
    let request = request(text);
    let expected = [
        "no colon here= (there is no colon in it)",
        "Folded=before anything (there are blanks around its name)",
        "A=1 (there are blanks around its name)",
        r"B=2\r\n\t more (it is folded over several lines)",
        "=x (it has no name)",
        "C=3",
    ];
    assert_eq!(lines(request.headers()), expected);
}

#[test]
fn lists_add_up_over_lines() {
    let request = request("GET / HTTP/1.1\r\nConnection: keep-alive, UPGRADE ,\r\nconnection: x\r\n\r\n");
    let headers = request.headers();
    let elements: Vec<_> = headers.elements("Connection").collect();
    assert_eq!(elements, [&b"keep-alive"[..], b"UPGRADE", b"x"]);
    assert!(headers.has_token("connection", "upgrade") && headers.has_token("connection", "X"));
    assert!(!headers.has_token("connection", "keep"));
}

#[test]
fn what_is_no_head() {
    for text in
        ["", "G", "GET", "GET / HTTP/1.1", "GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nA: b\r\n", "\r\n", "\r"]
    {
        assert_eq!(RequestHead::parse(text.as_bytes()), Err(HeadError::Incomplete), "{text:?}");
    }
    for text in
        ["\x16\x03\x01", "GET /\r\n\r\n", "GET / HTTP/x\r\n\r\n", "GET\r\n\r\n", "SSH-2.0-x\r\n\r\n", " GET"]
    {
        assert_eq!(RequestHead::parse(text.as_bytes()), Err(HeadError::NotHttp), "{text:?}");
    }
    for text in ["", "HT", "HTTP/1.1 101 Switching Protocols\r\n", "\r\nHTTP/1.1 200 OK\r\n"] {
        assert_eq!(ResponseHead::parse(text.as_bytes()), Err(HeadError::Incomplete), "{text:?}");
    }
    for text in ["ICY", "HTTP/1.1 abc\r\n\r\n", "HTTP/1.1 20\r\n\r\n", "HTTP/1.1\r\n\r\n", "\x15\x03"] {
        assert_eq!(ResponseHead::parse(text.as_bytes()), Err(HeadError::NotHttp), "{text:?}");
    }
}

#[test]
fn the_end_of_a_head_is_found() {
    for (text, length) in [
        ("a\r\n\r\nb", Some(5)),
        ("a\n\nb", Some(3)),
        ("a\nb\r\n\r\n", Some(7)),
        ("\r\n\r\na\r\n\r\n", Some(9)),
        ("a\r\n", None),
        ("a\r\n\r", None),
        ("\r\n\r\n", None),
    ] {
        assert_eq!(head_length(text.as_bytes()), length, "{text:?}");
    }
}
