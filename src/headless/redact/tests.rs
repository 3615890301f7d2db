//! Heads in, heads without their secrets out.

use std::time::SystemTime;

use proptest::prelude::*;

use super::super::schema::{InMemory, Item, Reader, Recording, Writer};
use super::*;
use crate::capture::{By, Flow, Stamp};
use crate::headless::Redaction;
use crate::ws::Opcode;

const TOKEN: &str = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJtaXJhIn0.c2lnbmF0dXJl";

fn redact_opening(opening: Opening) -> Opening {
    match Redactor::default().redact(&Event::Opened(opening), &InMemory).into_owned() {
        Event::Opened(opening) => opening,
        other => panic!("{other:?}"),
    }
}

/// A request's head, and what it becomes.
#[track_caller]
fn check_request(head: &str, expected: &str, places: &[&str]) {
    let opening = redact_opening(Opening { request: Bytes::from(head.to_owned()), ..Opening::default() });
    assert_eq!(String::from_utf8_lossy(&opening.request), expected);
    assert_eq!(opening.redacted, places);
}

/// A header of a request, and what it becomes.
#[track_caller]
fn check_header(line: &str, expected: &str, places: &[&str]) {
    let head = |line| format!("GET / HTTP/1.1\r\n{line}\r\n\r\n");
    check_request(&head(line), &head(expected), places);
}

#[track_caller]
fn check_url(url: &str, expected: &str) {
    let opening = redact_opening(Opening { url: url.to_owned(), ..Opening::default() });
    assert_eq!(opening.url, expected);
    assert_eq!(opening.redacted.is_empty(), url == expected);
}

#[test]
fn credentials_keep_their_scheme() {
    let places = ["request Authorization"];
    check_header("Authorization: Bearer abc.def", "Authorization: Bearer redacted-1", &places);
    check_header("AUTHORIZATION:  bearer   abc ", "AUTHORIZATION:  bearer   redacted-1 ", &places);
    check_header("Authorization: abcdef", "Authorization: redacted-1", &places);
    check_header("Authorization: Bearer", "Authorization: redacted-1", &places);
    check_header("Authorization: part1 part2", "Authorization: redacted-1", &places);
    check_header(
        "Authorization: Digest username=\"mira\", response=\"0a\"",
        "Authorization: Digest redacted-1",
        &places,
    );
    check_header(
        "Proxy-Authorization: Basic bWlyYTpmaXNo",
        "Proxy-Authorization: Basic redacted-1",
        &["request Proxy-Authorization"],
    );
    check_header("x-api-key: 1", "x-api-key: redacted-1", &["request X-Api-Key"]);
    check_header("Authorization:", "Authorization:", &[]);
    check_header("X: Bearer", "X: Bearer", &[]);
}

#[test]
fn cookies_keep_their_names_and_attributes() {
    check_header(
        "Cookie: a=1; b=2;c=1; bare",
        "Cookie: a=redacted-1; b=redacted-2;c=redacted-1; redacted-3",
        &["request Cookie"],
    );
    check_header(
        "Set-Cookie: sid=\"38afes7a8\"; Path=/; HttpOnly; Expires=Wed, 21 Oct 2026 07:28:00 GMT; SameSite=Lax",
        "Set-Cookie: sid=redacted-1; Path=/; HttpOnly; Expires=Wed, 21 Oct 2026 07:28:00 GMT; SameSite=Lax",
        &["request Set-Cookie"],
    );
    check_header(
        "Set-Cookie: a=; Path=/, b=secret",
        "Set-Cookie: a=; Path=redacted-1",
        &["request Set-Cookie"],
    );
}

#[test]
fn urls_keep_all_but_what_is_secret() {
    check_url("ws://host/chat?room=quay", "ws://host/chat?room=quay");
    check_url("ws://host/chat?token=t-0417&room=quay", "ws://host/chat?token=redacted-1&room=quay");
    check_url("ws://host/?ACCESS_TOKEN=a%2Bb;c&x=1", "ws://host/?ACCESS_TOKEN=redacted-1&x=1");
    check_url(
        "ws://host/?a=1&X-Amz-Signature=0f&user[password]=p",
        "ws://host/?a=1&X-Amz-Signature=redacted-1&user[password]=redacted-2",
    );
    check_url("ws://host/?%74oken=a", "ws://host/?%74oken=redacted-1");
    check_url("ws://host/?token=&code=&monkey=1", "ws://host/?token=&code=&monkey=1");
    check_url("http://host/a;jsessionid=0f?b=1", "http://host/a;jsessionid=redacted-1");
    check_url(
        "http://host/back#access_token=abc&state=1",
        "http://host/back#access_token=redacted-1&state=1",
    );
    check_url(
        "http://host/?to=http%3A%2F%2Fx%2F%3Ftoken%3Dabc%26b%3D1",
        "http://host/?to=http%3A%2F%2Fx%2F%3Ftoken%3Dredacted-1%26b%3D1",
    );
    check_url("http://mira:fi:sh@host/a", "http://mira:redacted-1@host/a");
    check_url("http://0123abcd@host/a", "http://redacted-1@host/a");
    check_url(&format!("ws://host/live/{TOKEN}/x"), "ws://host/live/redacted-1/x");
}

#[test]
fn urls_in_heads_are_read_as_well() {
    check_request(
        "GET /a?token=one two HTTP/1.1\r\nReferer: https://x/?sig=abc def\r\nLink: <https://x/?token=one%20two>; rel=a\r\n\r\n",
        "GET /a?token=redacted-1 HTTP/1.1\r\nReferer: https://x/?sig=redacted-2\r\nLink: <https://x/?token=redacted-1>; rel=a\r\n\r\n",
        &["url token", "request Referer sig", "request Link token"],
    );
    check_header(&format!("X-Any: a {TOKEN}."), "X-Any: a redacted-1", &["request X-Any"]);
}

#[test]
fn subprotocols_that_are_secrets_are_replaced_in_both_heads() {
    for (offered, expected) in [
        ("graphql-transport-ws, v10.stomp, v1.kernel.websocket.jupyter.org", None),
        ("v4.channel.k8s.io, MyCompanyChatProtocolV2Json, com.example.chat.v2", None),
        (
            "base64url.bearer.authorization.k8s.io.YWJj, v4.channel.k8s.io",
            Some("base64url.bearer.authorization.k8s.io.redacted-1, v4.channel.k8s.io"),
        ),
        (
            "realtime, openai-insecure-api-key.sk-abcdefgh",
            Some("realtime, openai-insecure-api-key.redacted-1"),
        ),
        ("access_token, abc , chat", Some("access_token, redacted-1 , chat")),
        ("Bearer,abc", Some("Bearer,redacted-1")),
        ("chat, 550e8400-e29b-41d4-a716-446655440000", Some("chat, redacted-1")),
        ("chat,header-eyJob3N0IjoiYSJ9", Some("chat,header-redacted-1")),
        (TOKEN, Some("redacted-1")),
        ("token, redacted-7", None),
    ] {
        let line = format!("Sec-WebSocket-Protocol: {offered}");
        let redacted = format!("Sec-WebSocket-Protocol: {}", expected.unwrap_or(offered));
        let places = ["request Sec-WebSocket-Protocol"];
        check_header(&line, &redacted, if expected.is_some() { &places } else { &[] });
    }
    let opening = redact_opening(Opening {
        request: Bytes::from("GET / HTTP/1.1\r\nSec-WebSocket-Protocol: token, xyz\r\n\r\n"),
        response: Bytes::from("HTTP/1.1 101 OK\r\nSec-WebSocket-Protocol: xyz\r\n\r\n"),
        ..Opening::default()
    });
    assert_eq!(opening.response, "HTTP/1.1 101 OK\r\nSec-WebSocket-Protocol: redacted-1\r\n\r\n");
    assert_eq!(opening.redacted, ["request Sec-WebSocket-Protocol", "response Sec-WebSocket-Protocol"]);
}

#[test]
fn what_is_hardly_a_head_leaks_nothing_either() {
    for head in [
        "Authorization: Bearer SECRET\n",
        "GET / HTTP/1.1\nauthorization :SECRET\n\n",
        "GET / HTTP/1.1\r\n Authorization: SECRET\r\n\r\n",
        "GET / HTTP/1.1\r\nAuthorization:\r\n SECRET\r\n\tSECRET\r\n\r\n",
        "GET / HTTP/1.1\rAuthorization: SECRET\r\r",
        "GET / HTTP/1.1\r\nX: 1\rCookie: a=SEC\rRET; b=SECRET\r\n\r\n",
        "GET /?token=SEC RET;SECRET",
        "GET /?a=1;token=SECRET HTTP/1.1 x",
        "\0\0garbage?token=SECRET",
        "GET / HTTP/1.1\r\nCookie: a=\u{fffd}SECRET",
    ] {
        let opening = redact_opening(Opening { request: Bytes::from(head), ..Opening::default() });
        let redacted = String::from_utf8_lossy(&opening.request).into_owned();
        assert!(!redacted.contains("SEC") && !redacted.contains("RET"), "{head:?} -> {redacted:?}");
        assert!(redacted.contains("redacted-1"), "{redacted:?}");
    }
}

#[test]
fn what_was_found_in_a_head_is_replaced_in_the_texts_and_the_body() {
    let refused = Event::Refused(Refused {
        opening: Opening {
            url: "ws://host/?token=t-0417%21".to_owned(),
            request: Bytes::from(
                "GET /?token=t-0417%21 HTTP/1.1\r\nAuthorization: Basic bWlyYTpmaXNo\r\nCookie: a=12345678; b=s3cr3t-value\r\nX: t-0417!\r\n\r\n",
            ),
            response: Bytes::from("HTTP/1.1 401 No t-0417!\r\n\r\n"),
            notes: vec![
                "request target rewritten from /?token=t-0417%21".to_owned(),
                "from ?sig=abc)".to_owned(),
            ],
            ..Opening::default()
        },
        body: Payload::from("t-0417! and fish, s3cr3t-value, 12345678"),
        why: "the server answered 401: t-0417!".to_owned(),
    });
    let Event::Refused(refused) = Redactor::default().redact(&refused, &InMemory).into_owned() else {
        panic!()
    };
    assert_eq!(refused.body.in_memory().unwrap(), "redacted-1 and redacted-2, redacted-4, 12345678");
    assert_eq!(refused.why, "the server answered 401: redacted-1");
    assert_eq!(
        refused.opening.notes,
        ["request target rewritten from /?token=redacted-1", "from ?sig=redacted-5)"]
    );
    assert_eq!(refused.opening.response, "HTTP/1.1 401 No redacted-1\r\n\r\n");
    assert!(String::from_utf8_lossy(&refused.opening.request).contains("\r\nX: redacted-1\r\n"));
    assert_eq!(
        refused.opening.redacted,
        [
            "url token",
            "request Authorization",
            "request Cookie",
            "response body",
            "why",
            "request head",
            "response head",
            "notes",
            "notes sig",
        ]
    );
}

#[test]
fn an_answer_that_is_no_http_is_read_as_a_head() {
    let refused = Event::Refused(Refused {
        body: Payload::from("HTP/1.1 200\r\nSet-Cookie: a=abc\r\n\r\n"),
        ..Refused::default()
    });
    let Event::Refused(refused) = Redactor::default().redact(&refused, &InMemory).into_owned() else {
        panic!()
    };
    assert_eq!(refused.body.in_memory().unwrap(), "HTP/1.1 200\r\nSet-Cookie: a=redacted-1\r\n\r\n");
}

#[test]
fn an_exchange_keeps_the_size_of_a_body_that_is_whole() {
    let exchange = |size| {
        Event::Exchanged(Exchange {
            request: Bytes::from("GET / HTTP/1.1\r\nX-Auth-Token: 0123456789abcdef\r\n\r\n"),
            response_body: Payload::from("0123456789abcdef"),
            response_size: size,
            ..Exchange::default()
        })
    };
    for (size, expected) in [(16, 10), (17, 17)] {
        let Event::Exchanged(exchange) = Redactor::default().redact(&exchange(size), &InMemory).into_owned()
        else {
            panic!()
        };
        assert_eq!((exchange.response_body.len(), exchange.response_size), (10, expected));
        assert_eq!(exchange.redacted, ["request X-Auth-Token", "response body"]);
    }
}

#[test]
fn a_secret_keeps_its_placeholder_throughout_a_recording() {
    let mut redactor = Redactor::default();
    let mut url = |url: &str| {
        let opening = Opening { url: url.to_owned(), ..Opening::default() };
        let Event::Opened(opening) = redactor.redact(&Event::Opened(opening), &InMemory).into_owned() else {
            panic!()
        };
        opening.url
    };
    assert_eq!(url("ws://a/?token=one"), "ws://a/?token=redacted-1");
    assert_eq!(url("ws://a/?token=two"), "ws://a/?token=redacted-2");
    assert_eq!(url("ws://a/?sid=%6Fne&key=two"), "ws://a/?sid=redacted-1&key=redacted-2");
    // of an earlier redaction: its number is taken
    assert_eq!(url("ws://a/?token=redacted-5&key=new"), "ws://a/?token=redacted-5&key=redacted-6");
}

#[test]
fn numbers_are_kept_for_the_secrets_that_were_used_last() {
    let mut numbers = Numbers::default();
    assert_eq!(numbers.of(b"often"), 1);
    for secret in 0..200_000_u32 {
        assert_eq!(numbers.of(&secret.to_be_bytes()), secret + 2);
        assert_eq!(numbers.of(b"often"), 1);
    }
    assert_eq!(numbers.of(&199_999_u32.to_be_bytes()), 200_001);
    assert_eq!(numbers.of(&0_u32.to_be_bytes()), 200_002, "the oldest are forgotten");
}

#[test]
fn with_more_secrets_than_are_looked_for_the_texts_are_left_out() {
    let cookies: Vec<_> = (0..5_000).map(|number| format!("a=some-secret-{number}")).collect();
    let opening = redact_opening(Opening {
        request: Bytes::from(format!("GET / HTTP/1.1\r\nCookie: {}\r\n\r\n", cookies.join("; "))),
        notes: vec!["some-secret-4999".to_owned()],
        ..Opening::default()
    });
    assert_eq!(opening.notes, ["redacted"]);
    assert!(!String::from_utf8_lossy(&opening.request).contains("some-secret"));
}

#[test]
fn so_many_places_are_told_and_no_more() {
    let query: Vec<_> = (0..100).map(|number| format!("n{number}token=a")).collect();
    let opening =
        redact_opening(Opening { url: format!("ws://h/?{}", query.join("&")), ..Opening::default() });
    assert_eq!(
        (opening.redacted.len(), &*opening.redacted[63], &*opening.redacted[64]),
        (65, "url n63token", "more")
    );
}

#[test]
fn a_note_about_the_proxy_is_read_for_urls() {
    let note = Note {
        time: Stamp(1),
        flow: Some(Flow::Session(1)),
        text: "cannot reach ws://h/?token=abc: refused".into(),
    };
    let redacted = Redactor::default().redact(&Event::Note(note.clone()), &InMemory).into_owned();
    assert_eq!(
        redacted,
        Event::Note(Note { text: "cannot reach ws://h/?token=redacted-1: refused".into(), ..note })
    );
}

#[test]
fn heads_that_were_edited_are_read_as_heads() {
    let act = |number, direction| {
        let head = "GET /?token=s3cr3t-t0ken HTTP/1.1\r\nCookie: a=12345678\r\n\r\n".to_owned();
        let deed = Deed::Edited(Opcode::Text, Payload::from(head));
        Event::Act(Act { session: 1, time: Stamp(0), direction, number, held: None, deed, by: By::User })
    };
    let redacted = |event| line_of(&Redactor::default().redact(&event, &InMemory));
    let of_head = redacted(act(None, Direction::ToServer));
    assert!(!of_head.contains("s3cr3t") && !of_head.contains("12345678"), "{of_head}");
    assert!(of_head.contains("Cookie: a=redacted-"), "{of_head}");
    let of_message = redacted(act(Some(1), Direction::ToServer));
    assert!(of_message.contains("12345678"), "payloads are left as they are: {of_message}");
}

#[test]
fn the_page_of_the_format_names_all_that_is_looked_for() {
    let page = include_str!("../../../docs/recording-format.md");
    let headers = head::HEADERS.iter().map(|(name, _)| *name);
    let headers = headers.filter(|name| !name.ends_with('2') && !name.starts_with("X-Original"));
    for name in headers.chain(query::NAMES).chain(query::ENDINGS) {
        assert!(page.contains(&format!("`{name}`")), "{name}");
    }
}

/// A refused handshake with the same secret wherever one can be.
fn full_of(secret: &str, odd: &[u8]) -> Event {
    let basic = {
        use base64::Engine;
        base64::engine::general_purpose::STANDARD.encode(format!("mira:{secret}"))
    };
    let head = |first: String| {
        let mut head = format!(
            "{first}\r\nAuthorization: Bearer {secret}\r\nProxy-Authorization: Basic {basic}\r\n\
             Cookie: a=1; session={secret}\r\nSet-Cookie: session={secret}; Path=/\r\nX-Api-Key: {secret}\r\n\
             Referer: https://u:{secret}@x/?id_token={secret}#code={secret}\r\nX-Odd: {secret}\r\n\
             {secret}: ?token=other-one\r\nodd ?key={secret}: x"
        );
        head.push_str("\r\nX-Bytes: ");
        let mut head = head.into_bytes();
        head.extend_from_slice(odd);
        head.extend_from_slice(b"\r\n\r\n");
        Bytes::from(head)
    };
    Event::Refused(Refused {
        opening: Opening {
            session: 1,
            url: format!("ws://h/{secret}?access_token={secret}"),
            request: head(format!("GET /?access_token={secret} HTTP/1.1")),
            sent: head(format!("GET http://h/?access_token={secret} HTTP/1.1")),
            response: head(format!("HTTP/1.1 401 {secret}")),
            notes: vec![format!("edited {secret}")],
            ..Opening::default()
        },
        body: Payload::from(format!("you sent {secret} and mira:{secret}").into_bytes()),
        why: format!("no {secret}"),
    })
}

fn line_of(event: &Event) -> String {
    let mut out = Vec::new();
    let mut writer =
        Writer::new(&mut out, &Recording::new(SystemTime::UNIX_EPOCH, Vec::new(), Redaction::On)).unwrap();
    writer.event(event, &InMemory).unwrap();
    writer.flush().unwrap();
    drop(writer);
    String::from_utf8(out).unwrap()
}

proptest! {
    #[test]
    fn no_octet_of_a_secret_reaches_a_line(secret in "[A-Za-z]{2}[0-9]{2}[A-Za-z0-9._~-]{4,40}", odd in proptest::collection::vec(any::<u8>(), 0..8)) {
        let event = full_of(&secret, &odd);
        let redacted = Redactor::default().redact(&event, &InMemory).into_owned();
        let lines = line_of(&redacted);
        prop_assert!(!lines.contains(&secret), "{}", lines);
        // What is base64 in the line is read back as well.
        let mut reader = Reader::new("it", lines.as_bytes()).unwrap();
        prop_assert_eq!(reader.recording().redaction, Redaction::On);
        let read = reader.next().unwrap().unwrap();
        let Item::Event(Event::Refused(read)) = read.item else { panic!("{read:?}") };
        for bytes in [&read.opening.request, &read.opening.sent, &read.opening.response] {
            prop_assert!(memchr::memmem::find(bytes, secret.as_bytes()).is_none());
        }
        // Read back and redacted again, it is what it was.
        let read = Event::Refused(read);
        prop_assert_eq!(Redactor::default().redact(&read, &InMemory).into_owned(), read);
    }

    #[test]
    fn any_bytes_are_redacted_once(head in proptest::collection::vec(proptest::sample::select(&b"aT?&;=#%26/:@ .,\r\n\xff"[..]), 0..60)) {
        let head = [b"GET /?token=".as_slice(), &head, b"\r\nCookie: a=b\r\n\r\n"].concat();
        let once = redact_opening(Opening { request: Bytes::from(head), ..Opening::default() });
        let twice = redact_opening(once.clone());
        prop_assert_eq!(twice.request, once.request);
    }
}
