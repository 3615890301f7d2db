//! `sockeye connect`: what a server sees of it, what it prints, and how it ends.

mod faults;
mod ways;

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpListener;
use tokio_tungstenite::accept_hdr_async;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Message, http};

/// A server of others' making that says everything back, and what it saw of the request.
struct Echo {
    address: SocketAddr,
    thread: std::thread::JoinHandle<(http::HeaderMap, String)>,
}

impl Echo {
    /// Serves one session: `bye` is answered with a close of 4001, `ping` with a ping whose pong is told.
    fn once() -> Echo {
        let (tell, address) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
                tell.send(listener.local_addr().unwrap()).unwrap();
                let (stream, _) = listener.accept().await.unwrap();
                let mut seen = (http::HeaderMap::new(), String::new());
                #[expect(clippy::result_large_err, reason = "it is the library's own type")]
                let answer = |request: &Request, mut response: Response| -> Result<Response, ErrorResponse> {
                    seen = (request.headers().clone(), request.uri().to_string());
                    if request.headers().contains_key("sec-websocket-protocol") {
                        let chosen = http::HeaderValue::from_static("chat");
                        response.headers_mut().insert("sec-websocket-protocol", chosen);
                    }
                    if request.uri().path() == "/denied" {
                        let denied =
                            http::Response::builder().status(403).body(Some("members only\n".to_owned()));
                        return Err(denied.unwrap());
                    }
                    Ok(response)
                };
                if let Ok(mut session) = accept_hdr_async(stream, answer).await {
                    while let Some(Ok(message)) = session.next().await {
                        let answer = match &message {
                            Message::Text(text) if text.as_str() == "bye" => {
                                let close = CloseFrame { code: 4001.into(), reason: "as asked".into() };
                                Message::Close(Some(close))
                            }
                            Message::Text(text) if text.as_str() == "ping" => Message::Ping("k1".into()),
                            Message::Pong(payload) => Message::text(format!("pong {}", payload.len())),
                            Message::Text(_) | Message::Binary(_) => message,
                            _ => continue,
                        };
                        if session.send(answer).await.is_err() {
                            break;
                        }
                    }
                }
                seen
            })
        });
        Echo { address: address.recv().unwrap(), thread }
    }

    fn url(&self, path: &str) -> String {
        format!("ws://{}{path}", self.address)
    }

    fn seen(self) -> (http::HeaderMap, String) {
        self.thread.join().unwrap()
    }
}

/// Runs it with these lines on its standard input.
fn connect(words: &[&str], lines: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sockeye"));
    command.arg("connect").args(words);
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn().unwrap();
    // One that is over already reads nothing.
    let _ = child.stdin.take().unwrap().write_all(lines.as_bytes());
    child.wait_with_output().unwrap()
}

fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

#[test]
fn lines_are_messages_and_messages_lines() {
    let echo = Echo::once();
    let output = connect(&[&echo.url("/"), "-d", "first"], "hello\n{\"a\":1}\n/hex 00 ff\n//slash\n");
    assert_eq!(stdout(&output), "first\nhello\n{\"a\":1}\n/hex 00 ff\n/slash\n");
    assert_eq!((output.status.code(), stderr(&output)), (Some(0), ""));
    echo.seen();
}

#[test]
fn the_request_is_as_asked_for() {
    let echo = Echo::once();
    let url = echo.url("/chat?room=1");
    let words = [
        &url,
        "-H",
        "X-Room: 7",
        "-H",
        "User-Agent:",
        "-b",
        "a=b",
        "-b",
        "c=d",
        "-u",
        "me:secret",
        "--origin",
        "https://example.test",
        "-s",
        "json,chat",
        "--no-deflate",
        "-v",
        "--http1.1",
    ];
    let output = connect(&words, "");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stderr(&output).contains("> GET /chat?room=1 HTTP/1.1\n"), "{}", stderr(&output));
    assert!(stderr(&output).contains("< HTTP/1.1 101 "), "{}", stderr(&output));
    let (address, (headers, path)) = (echo.address, echo.seen());
    let header = |name: &str| headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    assert_eq!(path, "/chat?room=1");
    for (name, value) in [
        ("host", address.to_string().as_str()),
        ("x-room", "7"),
        ("cookie", "a=b; c=d"),
        ("authorization", "Basic bWU6c2VjcmV0"),
        ("origin", "https://example.test"),
        ("sec-websocket-protocol", "json, chat"),
    ] {
        assert_eq!(header(name).as_deref(), Some(value), "{name}");
    }
    assert_eq!((header("user-agent"), header("sec-websocket-extensions")), (None, None));
}

#[test]
fn the_long_names_of_curls_flags_and_a_host_of_ones_own_are_heeded() {
    let echo = Echo::once();
    let url = echo.url("");
    let words = [
        "--header",
        "Host: elsewhere.test",
        "--header",
        "X-Empty;",
        "--user-agent",
        "mine/1",
        "--cookie",
        "a=b; c=d",
        "--user",
        "me:",
        "--subprotocol",
        "json",
        "--subprotocol",
        "chat",
        "--connect-timeout",
        "5",
        "--data",
        "first",
        "--data",
        "/ping k",
        "--linger",
        "0.3",
        &url,
    ];
    let output = connect(&words, "");
    assert_eq!((stdout(&output), output.status.code()), ("first\n", Some(0)), "{}", stderr(&output));
    let (headers, path) = echo.seen();
    assert_eq!(path, "/");
    for (name, value) in [
        ("host", "elsewhere.test"),
        ("x-empty", ""),
        ("user-agent", "mine/1"),
        ("cookie", "a=b; c=d"),
        ("authorization", "Basic bWU6"),
        ("sec-websocket-protocol", "json, chat"),
        ("sec-websocket-extensions", "permessage-deflate; client_max_window_bits"),
    ] {
        let values: Vec<_> = headers.get_all(name).iter().collect();
        assert!(values == [value], "{name}: {values:?}");
    }
}

#[test]
fn it_ends_with_a_code_by_how_the_session_did() {
    let echo = Echo::once();
    let output = connect(&[&echo.url("/"), "--keep-open"], "bye\n");
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("the server closed the session: 4001"), "{}", stderr(&output));
    assert!(stderr(&output).contains("as asked"), "{}", stderr(&output));
    echo.seen();
    let echo = Echo::once();
    let output = connect(&[&echo.url("/denied")], "");
    assert_eq!(output.status.code(), Some(3));
    let told = stderr(&output);
    assert!(told.contains("403") && told.ends_with("it says: members only\n"), "{told}");
    echo.seen();
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let output = connect(&[&format!("ws://{nobody}/")], "");
    assert_eq!(output.status.code(), Some(3));
    assert!(stderr(&output).contains(&format!("cannot reach {nobody}")), "{}", stderr(&output));
    assert_eq!(connect(&["ftp://example.test/"], "").status.code(), Some(2));
}

#[test]
fn pings_are_answered_and_max_time_closes() {
    let echo = Echo::once();
    let output = connect(&[&echo.url("/"), "--keep-open", "--max-time", "1"], "ping\n");
    assert_eq!((stdout(&output), output.status.code()), ("pong 2\n", Some(0)), "{}", stderr(&output));
    echo.seen();
}

#[test]
fn a_line_that_cannot_be_sent_is_said_and_the_others_are() {
    let echo = Echo::once();
    let output = connect(&[&echo.url("/")], "/hex 0\n/shrug\nok\n");
    assert_eq!(stdout(&output), "ok\n");
    assert!(stderr(&output).contains("line 1 is not sent: 0 is half an octet"), "{}", stderr(&output));
    assert!(stderr(&output).contains("line 2 is not sent: /shrug is none of"), "{}", stderr(&output));
    echo.seen();
    let echo = Echo::once();
    let output = connect(&[&echo.url("/"), "--literal"], "/hex 0\n");
    assert_eq!((stdout(&output), stderr(&output)), ("/hex 0\n", ""));
    echo.seen();
}

#[test]
fn what_passes_is_recorded_and_printed_as_by_the_proxy() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let file = folder.join("connected.jsonl");
    let echo = Echo::once();
    let record = file.to_str().unwrap();
    let output = connect(&[&echo.url("/x"), "--record", record, "--output", "json"], "hello\n");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let mut recorded = String::new();
    std::fs::File::open(&file).unwrap().read_to_string(&mut recorded).unwrap();
    for lines in [&recorded[..], stdout(&output)] {
        assert!(lines.contains(r#""from":"client","op":"text","text":"hello""#), "{lines}");
        assert!(lines.contains(r#""from":"server","op":"text","text":"hello""#), "{lines}");
        assert!(lines.contains(r#""type":"end""#), "{lines}");
    }
    echo.seen();
}
