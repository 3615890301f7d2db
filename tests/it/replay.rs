//! Recorded sessions played to live clients, over sockets.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::process::Command;
use std::sync::Arc;
use std::thread::JoinHandle;

use rustls::ServerConnection;
use sockeye::net::{Listener, Reach, ServerTls, WayOut};
use sockeye::replay::{Cast, Miss, MockServer, Played, ReplayClient, Settings};
use sockeye::ws::encode::message;
use sockeye::ws::{Direction, Opcode};

use crate::support::tls::{certs, server_config, tls_server};
use crate::support::{ACCEPT, KEY, PATIENCE, Peer, Server};

const HEAD: &str =
    r#"{"type":"recording","version":1,"tool":"sockeye 0.1.0","started":"2026-11-22T14:30:00.000Z"}"#;

/// A session under `path`, of these lines.
pub fn session(number: u32, path: &str, subprotocol: &str, lines: &[&str]) -> String {
    let mut text = format!(
        r#"{{"type":"open","session":{number},"time":"2026-11-22T14:30:01.000Z","mode":"reverse","url":"ws://h{path}","http":"1.1","tls":null,"request":{{"line":"GET {path} HTTP/1.1","headers":[["Host","h"],["Upgrade","websocket"],["Connection","Upgrade"],["Sec-WebSocket-Version","13"],["Sec-WebSocket-Key","{KEY}"]]}},"response":{{"line":"HTTP/1.1 101 Switching Protocols","headers":[["Upgrade","websocket"],["Connection","Upgrade"],["Sec-WebSocket-Accept","old"]{subprotocol}]}},"subprotocol":null,"extensions":null}}"#
    );
    for line in lines {
        text.push('\n');
        text.push_str(&line.replace("\"session\":0", &format!("\"session\":{number}")));
    }
    text
}

pub const HELLO: &[&str] = &[
    r#"{"type":"message","session":0,"n":1,"at":1,"from":"client","op":"text","json":{"id":7,"ask":"hello"}}"#,
    r#"{"type":"ping","session":0,"n":2,"at":2,"from":"server"}"#,
    r#"{"type":"message","session":0,"n":3,"at":3,"from":"server","op":"text","json":{"id":7,"answer":"world"}}"#,
    r#"{"type":"close","session":0,"n":4,"at":4,"from":"client","code":1000}"#,
    r#"{"type":"close","session":0,"n":5,"at":5,"from":"server","code":1000}"#,
    r#"{"type":"end","session":0,"at":6,"client":"fin","server":"fin","first":"server","octets":[0,0]}"#,
];

/// A recording in a file that goes away with the folder.
pub fn recording(sessions: &[String]) -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("recording.jsonl");
    std::fs::write(&file, format!("{HEAD}\n{}\n", sessions.join("\n"))).unwrap();
    (folder, file)
}

/// A mock server of these sessions, and what came of all of them.
pub fn mock(sessions: &[String], settings: Settings) -> (SocketAddr, JoinHandle<Vec<Played>>) {
    let (folder, file) = recording(sessions);
    let (tell, told) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = Listener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
            tell.send(listener.address().unwrap()).unwrap();
            let mut server = MockServer::new(listener, Cast::read(&file).unwrap(), settings, Miss::Fail);
            let mut all = Vec::new();
            while let Some(played) = server.next().await {
                all.push(played);
            }
            drop(folder);
            all
        })
    });
    (told.recv().unwrap(), thread)
}

fn ask(address: SocketAddr, path: &str, more: &str) -> Peer {
    let mut peer = Peer::connect(address);
    peer.send(format!(
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n{more}\r\n"
    ));
    peer
}

pub fn open(address: SocketAddr, path: &str) -> Peer {
    let mut peer = ask(address, path, "");
    let head = peer.head();
    assert!(head.starts_with("HTTP/1.1 101 ") && head.contains(ACCEPT) && !head.contains("old"), "{head}");
    peer
}

pub fn text(payload: &str) -> Vec<u8> {
    message(Direction::ToServer, Opcode::Text, payload.as_bytes(), [1, 2, 3, 4])
}

pub fn close(code: u16) -> Vec<u8> {
    message(Direction::ToServer, Opcode::Close, &code.to_be_bytes(), [1, 2, 3, 4])
}

pub fn from_server(opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    message(Direction::ToClient, opcode, payload, [0; 4])
}

#[test]
fn the_client_hears_what_was_recorded() {
    let (address, over) = mock(&[session(1, "/chat?x=1", "", HELLO)], Settings::default());
    let mut peer = open(address, "/chat?x=1");
    peer.send(text(r#"{ "ask": "hello", "id": 7 }"#));
    peer.expect(from_server(Opcode::Text, br#"{"id":7,"answer":"world"}"#));
    // A ping of the client's own is answered, and changes nothing.
    peer.send(message(Direction::ToServer, Opcode::Ping, b"p", [0; 4]))
        .expect(from_server(Opcode::Pong, b"p"));
    peer.send(close(1000)).expect(from_server(Opcode::Close, &1000_u16.to_be_bytes())).expect_fin();
    drop(peer);
    let played = over.join().unwrap();
    assert_eq!(played.len(), 1);
    assert!(played[0].report.is_ok(), "{:?}", played[0]);
    assert_eq!((played[0].report.matched, played[0].report.sent, played[0].line), (2, 2, Some(2)));
}

#[test]
fn a_fresh_id_comes_back_and_a_change_is_found() {
    let mut settings = Settings { bindings: vec!["id=$.id".parse().unwrap()], ..Settings::default() };
    settings.expectation.ignore = Vec::new();
    let (address, over) = mock(&[session(1, "/", "", HELLO)], settings);
    let mut peer = open(address, "/");
    peer.send(text(r#"{"id":99,"ask":"hallo"}"#));
    peer.expect(from_server(Opcode::Text, br#"{"id":99,"answer":"world"}"#));
    peer.send(close(1000)).expect(from_server(Opcode::Close, &1000_u16.to_be_bytes()));
    drop(peer);
    let report = over.join().unwrap().remove(0).report;
    let problem = &report.problems[0];
    assert_eq!(problem.line, Some(3));
    assert!(problem.to_string().contains(r#"$.ask: expected "hello", got "hallo""#), "{problem}");
}

#[test]
fn each_client_gets_a_session_of_its_own() {
    let chosen = r#",["Sec-WebSocket-Protocol","b"]"#;
    let sessions =
        [session(1, "/one", "", HELLO), session(2, "/two", chosen, HELLO), session(3, "/two", "", HELLO)];
    let (address, over) = mock(&sessions, Settings::default());
    // The first of that path has a subprotocol that this client does not offer.
    let finish = |mut peer: Peer| {
        peer.send(text(r#"{"id":7,"ask":"hello"}"#));
        peer.expect(from_server(Opcode::Text, br#"{"id":7,"answer":"world"}"#));
        peer.send(close(1000)).expect(from_server(Opcode::Close, &1000_u16.to_be_bytes()));
    };
    let two = open(address, "/two");
    let mut nobody = ask(address, "/three", "");
    let answer = String::from_utf8(nobody.rest()).unwrap();
    assert!(answer.starts_with("HTTP/1.1 404 ") && answer.contains("/one, /two"), "{answer}");
    drop(nobody);
    finish(open(address, "/one"));
    let mut with = ask(address, "/two", "Sec-WebSocket-Protocol: a, b\r\n");
    assert!(with.head().contains("Sec-WebSocket-Protocol: b\r\n"));
    finish(with);
    finish(two);
    let played = over.join().unwrap();
    let mut lines: Vec<_> = played.iter().map(|played| (played.line, played.report.is_ok())).collect();
    lines.sort();
    assert_eq!(lines, [(None, false), (Some(2), true), (Some(9), true), (Some(16), true)]);
}

/// The client's part of these sessions, played against `server`.
pub fn client(sessions: &[String], server: SocketAddr) -> Result<Vec<Played>, String> {
    let (_folder, file) = recording(sessions);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let reach = Reach::new(WayOut::default(), ServerTls::default(), PATIENCE);
        let target = format!("ws://{server}").parse().unwrap();
        let cast = Cast::read(&file).unwrap();
        let mut client = ReplayClient::new(target, reach, cast, Settings::default());
        let mut all = Vec::new();
        while let Some(played) = client.next().await? {
            all.push(played);
        }
        Ok(all)
    })
}

#[test]
fn the_two_parts_of_a_recording_play_each_other() {
    let sessions = [session(1, "/one", "", HELLO), session(2, "/two?x", "", HELLO)];
    let (address, over) = mock(&sessions, Settings::default());
    for played in [client(&sessions, address).unwrap(), over.join().unwrap()] {
        let lines: Vec<_> = played.iter().map(|played| played.line).collect();
        assert_eq!(lines, [Some(2), Some(9)]);
        assert!(played.iter().all(|played| played.report.is_ok()), "{played:?}");
    }
}

#[test]
fn a_server_that_answers_otherwise_is_found_out() {
    let changed = HELLO.iter().map(|line| line.replace("world", "moon")).collect::<Vec<_>>();
    let changed: Vec<&str> = changed.iter().map(String::as_str).collect();
    let (address, over) = mock(&[session(1, "/", "", &changed)], Settings::default());
    let found = |played: Vec<Played>| played[0].report.problems[0].to_string();
    let first = found(client(&[session(1, "/", "", HELLO)], address).unwrap());
    assert!(first.contains(r#"$.answer: expected "world", got "moon""#), "{first}");
    assert!(over.join().unwrap()[0].report.is_ok());
    let refusing = Server::once(|mut peer| {
        peer.head();
        peer.send("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    });
    let second = found(client(&[session(1, "/", "", HELLO)], refusing.address).unwrap());
    assert!(second.contains("status: expected 101, got 404"), "{second}");
    refusing.finish();
    let nobody = client(&[session(1, "/", "", HELLO)], address).unwrap_err();
    assert!(nobody.contains("cannot reach"), "{nobody}");
}

/// A plain HTTP exchange, answered with `body`.
fn exchange(number: u32, request: &str, body: &str) -> String {
    format!(
        r#"{{"type":"exchange","exchange":{number},"time":"2026-11-22T14:30:00.50{number}Z","took":0.5,"mode":"reverse","url":"http://h/","tls":null,"request":{{"line":"{request} HTTP/1.1","headers":[["Host","h"]]}},"response":{{"line":"HTTP/1.1 200 OK","headers":[["X-A","b"],["Transfer-Encoding","chunked"]],{body}}}}}"#
    )
}

#[test]
fn plain_requests_are_answered_as_recorded_before_the_session_opens() {
    let sessions = [
        exchange(1, "GET /poll?t=1&sid=a", r#""body":"first""#),
        exchange(2, "GET /poll?t=2&sid=b", r#""body":"second""#),
        exchange(3, "POST /login", r#""body":"welcome""#),
        exchange(4, "GET /long", r#""body":"cut","size":70000"#),
        session(1, "/chat", "", HELLO),
    ];
    let settings = Settings { ignore_query: vec!["t".to_owned()], ..Settings::default() };
    let (address, over) = mock(&sessions, settings);
    let answer =
        |body: &str| format!("HTTP/1.1 200 OK\r\nX-A: b\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let mut peer = Peer::connect(address);
    // What counts of the query is the same; then what is left of the path, in order; then the last again.
    for (target, body) in [("/poll?t=9&sid=b", "second"), ("/poll?sid=c", "first"), ("/poll?sid=a", "first")]
    {
        peer.send(format!("GET {target} HTTP/1.1\r\nHost: h\r\n\r\n")).expect(answer(body));
    }
    peer.send("POST /login HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nuser").expect(answer("welcome"));
    // On the same connection a session opens.
    peer.send(format!(
        "GET /chat HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n\r\n"
    ));
    assert!(peer.head().starts_with("HTTP/1.1 101 "));
    for (request, status) in [
        ("GET /nowhere", "HTTP/1.1 404 "),
        ("GET /long", "HTTP/1.1 502 "),
        ("POST /login HTTP/1.1\r\nTransfer-Encoding: chunked\r\nX:", "HTTP/1.1 411 "),
    ] {
        let mut other = Peer::connect(address);
        other.send(format!("{request} HTTP/1.1\r\nHost: h\r\n\r\n"));
        let head = other.head();
        assert!(head.starts_with(status), "{request}: {head}");
    }
    peer.send(text(r#"{"ask":"hello","id":7}"#));
    peer.expect(from_server(Opcode::Text, br#"{"id":7,"answer":"world"}"#));
    peer.send(close(1000)).expect(from_server(Opcode::Close, &1000_u16.to_be_bytes())).expect_fin();
    drop(peer);
    let played = over.join().unwrap();
    let failed: Vec<_> = played.iter().filter(|played| !played.report.is_ok()).collect();
    assert_eq!(failed.len(), 1, "{failed:?}");
    assert_eq!((&*failed[0].target, failed[0].line), ("GET /nowhere", None));
}

#[test]
fn a_poll_is_held_until_its_client_has_posted() {
    let poll = exchange(1, "GET /poll", r#""body":"news""#).replace("took\":0.5", "took\":9");
    let sessions = [poll, exchange(2, "POST /say", r#""body":"ok""#), session(1, "/chat", "", HELLO)];
    let get = "GET /poll HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    let settings = Settings { step_timeout: std::time::Duration::from_millis(50), ..Settings::default() };
    let (address, over) = mock(&sessions, settings);
    // Nobody posts: it is answered late, and that is told.
    let mut peer = Peer::connect(address);
    assert!(String::from_utf8(peer.send(get).rest()).unwrap().ends_with("news"));
    let mut peer = Peer::connect(address);
    peer.send("POST /say HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    assert!(String::from_utf8(peer.rest()).unwrap().ends_with("ok"));
    drop(open(address, "/chat"));
    let played = over.join().unwrap();
    assert_eq!((&*played[0].target, played[0].line), ("GET /poll", Some(2)));
    let problem = played[0].report.problems[0].to_string();
    assert!(problem.contains("waited for too long: POST /say (line 3)"), "{problem}");
}

#[test]
fn a_server_behind_tls_is_verified_as_the_proxy_would() {
    let session = session(
        1,
        "/",
        "",
        &[
            r#"{"type":"message","session":0,"n":1,"at":1,"from":"server","op":"text","text":"hi"}"#,
            r#"{"type":"message","session":0,"n":2,"at":2,"from":"client","op":"text","text":""}"#,
        ],
    );
    let (_folder, file) = recording(&[session]);
    let play = |server: &Server, more: &[&str]| {
        let url = format!("wss://localhost:{}", server.address.port());
        let words = [&["replay", "client", file.to_str().unwrap(), &url], more].concat();
        let output = Command::new(env!("CARGO_BIN_EXE_sockeye")).args(words).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let ca = certs("ca.pem");
    let unknown = tls_server("good");
    let (code, errors) = play(&unknown, &[]);
    assert!(code == Some(3) && errors.contains("--server-ca"), "{errors}");
    unknown.finish();
    // What it answers is another matter.
    let named = Server::once(move |mut peer| {
        let mut session = ServerConnection::new(Arc::new(server_config("good"))).unwrap();
        let mut stream = rustls::Stream::new(&mut session, &mut peer.0);
        let mut octet = [0];
        while octet != *b"\n" {
            stream.read_exact(&mut octet).unwrap();
        }
        stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n").unwrap();
    });
    let (code, errors) = play(&named, &["--server-ca", ca.to_str().unwrap()]);
    assert!(code == Some(1) && errors.contains("not what was recorded"), "{code:?} {errors}");
    named.finish();
}
