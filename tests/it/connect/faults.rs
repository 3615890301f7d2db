//! What `sockeye connect` says where no session comes about, or what was asked for makes no sense.

use super::{Echo, connect, stderr, stdout};
use crate::support::Server;

/// A server that gets a request, answers it so, and leaves.
fn answering(answer: impl AsRef<[u8]> + Send + 'static) -> Server {
    Server::once(move |mut peer| {
        peer.head();
        peer.send(answer);
    })
}

#[track_caller]
fn answered(answer: &'static str, expected: &str) {
    let server = answering(answer);
    let output = connect(&[&format!("ws://{}/chat", server.address)], "never said\n");
    server.finish();
    assert_eq!((output.status.code(), stdout(&output)), (Some(3), ""), "{}", stderr(&output));
    assert_eq!(stderr(&output), format!("sockeye: {expected}\n"));
}

#[test]
fn a_server_that_is_no_websocket_server_is_told_of() {
    answered(
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
        "the server answered 200 OK, not 101: \"/chat\" is an ordinary page there, or a proxy in between dropped the \
         Upgrade header; check the path (RFC 6455 4.1); it says: hi",
    );
    answered(
        "HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n",
        "the server answered 302 Found, not 101: it sends the client on to \"/login\"; WebSocket clients seldom follow, \
         so connect there (RFC 6455 4.1)",
    );
    answered("SSH-2.0-OpenSSH_9\r\n\r\n", "the server's answer is not HTTP");
    answered("", "the server closed the connection before its answer was complete");
    answered("HTTP/1.1 101 Switching", "the server closed the connection before its answer was complete");
}

#[test]
fn a_server_that_does_not_answer_is_waited_for_as_long_as_asked() {
    let server = Server::once(|mut peer| {
        peer.head();
        peer.rest();
    });
    let output = connect(&[&format!("ws://{}/", server.address), "--connect-timeout", "0.2"], "");
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(stderr(&output), format!("sockeye: {} did not answer in 200ms\n", server.address));
    server.finish();
}

#[test]
fn a_faulty_grant_is_told_and_the_session_goes_on() {
    let server = answering(
        b"HTTP/1.1 101 Off we go\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: wrong\r\n\
          Sec-WebSocket-Protocol: chat\r\n\r\n\x81\x02hi",
    );
    let output = connect(&[&format!("ws://{}/", server.address)], "");
    server.finish();
    let told = stderr(&output);
    assert!(
        told.contains("the server chose the subprotocol \"chat\", but the client offered none"),
        "{told}"
    );
    assert!(told.contains("Sec-WebSocket-Accept is \"wrong\", but for this key it must be "), "{told}");
    assert!(told.ends_with("the connection ended without a close frame (1006)\n"), "{told}");
    assert_eq!((stdout(&output), output.status.code()), ("hi\n", Some(1)));
}

#[test]
fn what_cannot_be_asked_for_is_said_before_anybody_is_asked() {
    let url = "ws://127.0.0.1:1/";
    for (words, expected) in [
        (&["-H", "no colon"][..], "\"no colon\" is no header: give 'Name: value'"),
        (&["-H", "A: b\r\nC: d"], "is no header"),
        (&["-H", ": b"], "is no header"),
        (&["-H", "A b: c"], "is no header"),
        (&["-A", "a\r\nb: c"], "is no header"),
        (&["--origin", "a\nb"], "is no header"),
        (&["-b", "a=b\r\nc: d"], "is no cookie"),
        (
            &["-b", "cookies.txt"],
            "\"cookies.txt\" is no cookie: give name=value (a file of them is not read)",
        ),
        (&["-d", "/shrug"], "--data: /shrug is none of"),
        (&["-d", "/file /none/there"], "--data 1: cannot read /none/there"),
        (&["--cacert", "/none/there"], "cannot read certificates from /none/there"),
        (&["--key", "key.pem"], "--cert <FILE>"),
        (&["-x", "ftp://proxy"], "a proxy of the kind ftp:// cannot be used"),
        (&["-m", "soon"], "soon"),
        (&["--keep-open", "--linger", "2"], "cannot be used with"),
    ] {
        let output = connect(&[&[url][..], words].concat(), "");
        let told = stderr(&output);
        assert_eq!((output.status.code(), stdout(&output)), (Some(2), ""), "{words:?}: {told}");
        assert!(told.contains(expected), "{words:?}: {told}");
    }
    for (url, expected) in [
        ("ws://host/#top", "has a # in it, which a WebSocket's URL may not have (RFC 6455 3)"),
        ("ftp://host/", "is no server"),
        ("ws://", "is no server"),
    ] {
        let output = connect(&[url], "");
        assert_eq!(output.status.code(), Some(2), "{url}");
        assert!(stderr(&output).contains(expected), "{url}: {}", stderr(&output));
    }
}

#[test]
fn a_name_that_nobody_has_is_told() {
    let output = connect(&["ws://no-such-host.invalid/"], "");
    assert_eq!(output.status.code(), Some(3));
    assert!(
        stderr(&output).starts_with("sockeye: cannot find no-such-host.invalid: "),
        "{}",
        stderr(&output)
    );
}

#[test]
fn who_asks_may_stand_in_the_url_and_is_overruled_by_what_is_said_more_plainly() {
    let authorized = |words: &[&str], expected: &str| {
        let echo = Echo::once();
        let url = format!("ws://in-url:s%40fe@{}/", echo.address);
        let output = connect(&[&[url.as_str(), "--linger", "0"][..], words].concat(), "");
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let (headers, path) = echo.seen();
        let values: Vec<_> = headers.get_all("authorization").iter().collect();
        assert!(values == [expected] && path == "/", "{values:?} {path}");
    };
    authorized(&[], "Basic aW4tdXJsOnNAZmU=");
    authorized(&["-u", "me:secret"], "Basic bWU6c2VjcmV0");
    authorized(&["-u", "me:secret", "-H", "authorization: Bearer x"], "Bearer x");
}

#[test]
fn a_password_is_in_no_recording() {
    let echo = Echo::once();
    let file = tempfile::NamedTempFile::new().unwrap();
    let url = format!("ws://me:s%40fe@{}/", echo.address);
    let output =
        connect(&[&url, "--record", file.path().to_str().unwrap(), "-d", "hello", "--linger", "0"], "");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    echo.seen();
    let recording = std::fs::read_to_string(&file).unwrap();
    assert!(recording.contains("hello"), "{recording}");
    for secret in ["s@fe", "s%40fe", "bWU6c0BmZQ"] {
        assert!(!recording.contains(secret), "{recording}");
    }
}
