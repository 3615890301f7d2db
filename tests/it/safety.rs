//! What the proxy refuses, so that nobody can turn it against its user.

use std::time::{Duration, Instant};

use sockeye::capture::{Capture, CaptureConfig, Event, Log, LogConfig, Next, capture};
use sockeye::control::Controller;
use sockeye::net::{Proxy, ProxyConfig, StartError};

use crate::support::{PATIENCE, Running, Server, config, forward, start};

/// What a forward proxy says to a client that says `ask`, and closes then.
#[track_caller]
fn answer(running: &Running, ask: &str) -> String {
    let mut client = running.client();
    client.send(ask);
    String::from_utf8(client.rest()).unwrap()
}

fn log() -> (Log, sockeye::capture::Tap, Capture) {
    let log = Log::create(&LogConfig::default()).unwrap();
    let (tap, capture) = capture(&log, CaptureConfig::default()).unwrap();
    (log, tap, capture)
}

#[test]
fn a_forward_proxy_does_not_ask_itself() {
    let running = forward();
    let port = running.address.port();
    for host in ["127.0.0.1", "localhost", "0.0.0.0", "[::ffff:127.0.0.1]"] {
        let ask = format!("GET http://{host}:{port}/x HTTP/1.1\r\nHost: x\r\n\r\n");
        let got = answer(&running, &ask);
        assert!(got.starts_with("HTTP/1.1 508 Loop Detected\r\n"), "{ask}: {got}");
        assert!(got.contains("is this proxy itself"), "{got}");
        let got = answer(&running, &format!("CONNECT {host}:{port} HTTP/1.1\r\n\r\n"));
        assert!(got.starts_with("HTTP/1.1 508 Loop Detected\r\n"), "{got}");
    }
    let mut client = running.client();
    client.send(b"\x05\x01\x00").expect(b"\x05\x00");
    client.send(b"\x05\x01\x00\x01\x7f\0\0\x01").send(port.to_be_bytes());
    client.expect(b"\x05\x02\x00\x01\0\0\0\0\0\0").expect_fin();
    // None of it came back: what is listed is what these clients asked for.
    let log = running.finish();
    assert_eq!(log.stats().exchanges, 9);
    assert!(log.exchange(1).unwrap().unwrap().error.unwrap().contains("is this proxy itself"));
}

#[test]
fn a_reverse_proxy_is_not_its_own_server() {
    // A port that is free now; nothing else here asks for one by number.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut config = config(Some(free));
    config.listeners[0].addresses = vec![free];
    let (log, tap, capture) = log();
    let started = Proxy::start(config, tap, &Controller::new());
    let Err(error @ StartError::Loop(_)) = started else { panic!("it started") };
    assert!(error.to_string().contains("--listen"), "{error}");
    capture.finish(&log);
}

/// What the server gets of a page's request that calls the listener `name`, and what the log says of it.
fn through_reverse(name: &str, allowed: &[&str]) -> (String, Vec<String>) {
    let (tell, told) = std::sync::mpsc::channel();
    let server = Server::once(move |mut peer| {
        tell.send(peer.head()).unwrap();
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    });
    let mut config = config(Some(server.address));
    config.names = allowed.iter().map(|name| (*name).to_owned()).collect();
    let running = start(config);
    let mut client = running.client();
    client.send(format!("GET / HTTP/1.1\r\nHost: {name}\r\nOrigin: http://{name}\r\n\r\n"));
    client.expect("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    server.finish();
    (told.recv().unwrap(), running.finish().exchange(1).unwrap().unwrap().notes)
}

#[test]
fn a_page_whose_name_was_made_to_point_here_does_not_pass_for_the_listeners_own() {
    let (got, notes) = through_reverse("evil.example:8080", &[]);
    assert_eq!(got, "GET / HTTP/1.1\r\nHost: evil.example:8080\r\nOrigin: http://evil.example:8080\r\n\r\n");
    assert!(notes.iter().any(|note| note.contains("--allow-host evil.example")), "{notes:?}");
}

#[test]
fn names_that_are_the_users_own_are_rewritten_to_the_servers() {
    for (name, allowed) in [("app:8080", &[][..]), ("my.test", &[]), ("app.example:80", &["app.example"])] {
        let (got, notes) = through_reverse(name, allowed);
        assert!(got.contains("Host: 127.0.0.1:") && got.contains("Origin: http://127.0.0.1:"), "{got}");
        assert_eq!(notes.len(), 2, "{notes:?}");
    }
}

/// "mira:fish" as HTTP Basic writes it.
const MIRA: &str = "Basic bWlyYTpmaXNo";

fn with_password(server: Option<std::net::SocketAddr>) -> Running {
    start(ProxyConfig { auth: Some("mira:fish".parse().unwrap()), ..config(server) })
}

/// A server that answers one request with an empty 200 and gives back its head.
fn head_of_one() -> (Server, std::sync::mpsc::Receiver<String>) {
    let (tell, told) = std::sync::mpsc::channel();
    let server = Server::once(move |mut peer| {
        tell.send(peer.head()).unwrap();
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    });
    (server, told)
}

#[test]
fn a_forward_proxy_with_a_password_asks_for_it() {
    let (server, told) = head_of_one();
    let running = with_password(None);
    let at = server.address;
    for ask in [
        format!("GET http://{at}/ HTTP/1.1\r\nHost: {at}\r\n\r\n"),
        format!("CONNECT {at} HTTP/1.1\r\nProxy-Authorization: Basic bWlyYTpib25l\r\n\r\n"),
        format!("CONNECT {at} HTTP/1.1\r\nAuthorization: {MIRA}\r\n\r\n"),
    ] {
        let got = answer(&running, &ask);
        assert!(got.starts_with("HTTP/1.1 407 Proxy Authentication Required\r\n"), "{ask}: {got}");
        assert!(
            got.to_ascii_lowercase().contains("\r\nproxy-authenticate: basic realm=\"sockeye\""),
            "{got}"
        );
    }
    // The page says how to trust the CA: everybody may read it.
    assert!(answer(&running, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").starts_with("HTTP/1.1 200"));
    let mut client = running.client();
    client.send(format!("GET http://{at}/ HTTP/1.1\r\nHost: {at}\r\nProxy-Authorization: {MIRA}\r\n\r\n"));
    client.expect("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    server.finish();
    assert!(!told.recv().unwrap().contains("Authorization"));
    let log = running.finish();
    assert!(log.exchange(1).unwrap().unwrap().error.unwrap().contains("--auth"));
}

#[test]
fn a_tunnel_is_asked_for_the_password_once() {
    let (server, told) = head_of_one();
    let running = with_password(None);
    let mut client = running.client();
    client.send(format!("CONNECT {} HTTP/1.1\r\nProxy-Authorization: {MIRA}\r\n\r\n", server.address));
    client.expect("HTTP/1.1 200 Connection established\r\n\r\n");
    client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n").expect("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    server.finish();
    assert_eq!(told.recv().unwrap(), "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    running.finish();
}

#[test]
fn a_socks_client_logs_in_or_stays_out() {
    let (server, _told) = head_of_one();
    let running = with_password(None);
    // It cannot log in.
    running.client().send(b"\x05\x01\x00").expect(b"\x05\xff").expect_fin();
    // It does so with another password.
    let mut client = running.client();
    client.send(b"\x05\x02\x00\x02").expect(b"\x05\x02");
    client.send(b"\x01\x04mira\x04bone").expect(b"\x01\x01").expect_fin();
    let mut client = running.client();
    client.send(b"\x05\x02\x00\x02").expect(b"\x05\x02").send(b"\x01\x04mira\x04fish").expect(b"\x01\x00");
    client.send(b"\x05\x01\x00\x01\x7f\0\0\x01").send(server.address.port().to_be_bytes());
    client.expect(b"\x05\x00\x00\x01\0\0\0\0\0\0");
    client.send("GET / HTTP/1.1\r\n\r\n").expect("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    server.finish();
    running.finish();
}

#[test]
fn a_reverse_proxy_with_a_password_asks_as_a_server_does_and_keeps_it_to_itself() {
    for (field, passes) in [
        (format!("Authorization: {MIRA}"), ""),
        (format!("Proxy-Authorization: {MIRA}\r\nAuthorization: Bearer x"), "Authorization: Bearer x\r\n"),
    ] {
        let (server, told) = head_of_one();
        let running = with_password(Some(server.address));
        let host = server.address;
        let got = answer(&running, &format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n"));
        assert!(got.starts_with("HTTP/1.1 401 Unauthorized\r\n"), "{got}");
        assert!(got.to_ascii_lowercase().contains("\r\nwww-authenticate: basic realm=\"sockeye\""), "{got}");
        let mut client = running.client();
        client.send(format!("GET / HTTP/1.1\r\nHost: {host}\r\n{field}\r\n\r\n"));
        client.expect("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        server.finish();
        assert_eq!(told.recv().unwrap(), format!("GET / HTTP/1.1\r\nHost: {host}\r\n{passes}\r\n"));
        running.finish();
    }
}

#[test]
fn what_cannot_be_asked_for_a_password_does_not_pass() {
    // The server is reached before it is clear what is said, and hears nothing.
    let server = Server::once(|mut peer| {
        peer.expect_fin();
    });
    let running = with_password(Some(server.address));
    running.client().send("NICK me\r\n").expect_fin();
    server.finish();
    running.finish();
}

#[test]
fn heads_beyond_the_limits_are_refused_with_the_limit() {
    let running = forward();
    let long = |octets| "x".repeat(octets);
    for (ask, status, limit) in [
        (format!("GET http://h/{} HTTP/1.1\r\n", long(64 << 10)), "414", "64 KiB"),
        (format!("GET http://h/ HTTP/1.1\r\nA: {}", long(256 << 10)), "431", "256 KiB"),
        (format!("GET http://h/ HTTP/1.1\r\n{}", "A: b\r\n".repeat(1001)), "431", "1000 lines"),
    ] {
        let got = answer(&running, &ask);
        assert!(got.starts_with(&format!("HTTP/1.1 {status} ")) && got.contains(limit), "{limit}: {got}");
    }
    let log = running.finish();
    assert!(log.exchange(1).unwrap().unwrap().error.unwrap().contains("64 KiB"));
}

/// A proxy that waits for heads only so long.
fn hasty() -> Running {
    let mut config = config(None);
    config.limits.head = Duration::from_millis(50);
    start(config)
}

#[test]
fn a_client_that_does_not_finish_its_head_is_told_so() {
    let running = hasty();
    // One that has not begun may take its time: the others are long over before it does.
    let mut idle = running.client();
    for begun in ["GET / HTTP/1.1\r\nHo", "G"] {
        let got = answer(&running, begun);
        assert!(
            got.starts_with("HTTP/1.1 408 Request Timeout\r\n") && got.contains("50ms"),
            "{begun}: {got}"
        );
    }
    // SOCKS has no word for it.
    running.client().send(b"\x05\x01\x00").expect(b"\x05\x00").expect_fin();
    idle.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert!(idle.head().starts_with("HTTP/1.1 200 OK\r\n"));
    running.finish();
}

#[test]
fn a_connection_too_many_is_turned_away_until_there_is_room() {
    let mut config = config(None);
    config.limits.connections = 1;
    let running = start(config);
    let page = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let mut first = running.client();
    // It is served, and so it has its place.
    first.send(b"\x05\x01\x00").expect(b"\x05\x00");
    for _ in 0..3 {
        let got = answer(&running, page);
        assert!(got.starts_with("HTTP/1.1 503 Service Unavailable\r\n"), "{got}");
        assert!(got.contains("--max-connections"), "{got}");
    }
    first.finish().expect_fin();
    // Its place is free a moment after its end is seen.
    let begun = Instant::now();
    while !answer(&running, page).starts_with("HTTP/1.1 200") {
        assert!(begun.elapsed() < PATIENCE);
    }
    let log = running.finish();
    let mut cursor = log.cursor();
    let mut told = 0;
    while let Next::Event(event) = cursor.next().unwrap() {
        told += usize::from(matches!(event, Event::Note(note) if note.text.contains("turned away")));
    }
    assert_eq!(told, 1);
}

#[test]
fn a_password_is_not_promised_where_nobody_can_be_asked() {
    let mut config = ProxyConfig { auth: Some("mira:fish".parse().unwrap()), ..config(None) };
    config.listeners[0].entrance = sockeye::net::Entrance::Transparent;
    let (log, tap, capture) = log();
    assert!(matches!(Proxy::start(config, tap, &Controller::new()), Err(StartError::Unasked)));
    capture.finish(&log);
}
