//! The proxy's own page: where it is, what there is to be had, and who does not get it.

use std::sync::Arc;

use sockeye::net::{CertAuthority, Opening};

use crate::support::{Peer, Running, config, forward, reverse, start};

/// A forward proxy with a CA.
fn with_ca() -> (Running, Arc<CertAuthority>) {
    let authority = Arc::new(CertAuthority::new("test@here", time::OffsetDateTime::now_utc()).unwrap());
    let mut config = config(None);
    config.opening = Some(Opening::new(Arc::clone(&authority)));
    (start(config), authority)
}

/// The answer's head, and its body.
#[track_caller]
fn answer(mut client: Peer, ask: &str) -> (String, Vec<u8>) {
    client.send(ask);
    let head = client.head();
    (head, client.rest())
}

#[track_caller]
fn shows_page(client: Peer, ask: &str) {
    let (head, body) = answer(client, ask);
    assert!(head.starts_with("HTTP/1.1 200 OK\r\nContent-Type: text/html"), "{ask}: {head}");
    assert!(String::from_utf8(body).unwrap().contains("SHA-256 fingerprint"), "{ask}");
}

#[track_caller]
fn refuses(running: &Running, ask: &str, status: &str) {
    let (head, body) = answer(running.client(), ask);
    assert!(head.starts_with(&format!("HTTP/1.1 {status}")), "{ask}: {head}");
    assert!(body.starts_with(b"sockeye: "), "{ask}: {}", body.escape_ascii());
}

#[test]
fn it_is_there_by_every_way_in() {
    let (running, _) = with_ca();
    let page = "GET / HTTP/1.1\r\nHost: sockeye.local\r\n\r\n";
    shows_page(running.client(), "GET http://sockeye.local/ HTTP/1.1\r\nHost: sockeye.local\r\n\r\n");
    shows_page(running.client(), "GET http://SOCKEYE.local:80 HTTP/1.1\r\nHost: SOCKEYE.local:80\r\n\r\n");
    shows_page(running.client(), &format!("GET / HTTP/1.1\r\nHost: {}\r\n\r\n", running.address));
    let mut client = running.client();
    client.send("CONNECT sockeye.local:80 HTTP/1.1\r\n\r\n");
    client.expect("HTTP/1.1 200 Connection established\r\n\r\n");
    shows_page(client, page);
    let mut client = running.client();
    client.send(b"\x05\x01\x00").expect(b"\x05\x00");
    client.send(b"\x05\x01\x00\x03\x0dsockeye.local\x00\x50").expect(b"\x05\x00\x00\x01\0\0\0\0\0\0");
    shows_page(client, page);
    // It is an exchange as any other, and none that failed.
    let log = running.finish();
    assert_eq!(log.stats().exchanges, 5);
    let exchange = log.exchange(1).unwrap().unwrap();
    assert_eq!((exchange.error, exchange.url.as_str()), (None, "http://sockeye.local:80/"));
    assert_eq!(exchange.notes, ["answered by the proxy itself"]);
}

#[test]
fn the_certificate_is_to_be_had_in_both_forms() {
    let (running, authority) = with_ca();
    let get = |path| {
        answer(
            running.client(),
            &format!("GET http://sockeye.local{path} HTTP/1.1\r\nHost: sockeye.local\r\n\r\n"),
        )
    };
    let (head, body) = get("/sockeye-ca.crt");
    assert!(head.contains("\r\nContent-Type: application/x-x509-ca-cert\r\n"), "{head}");
    assert_eq!(body, authority.certificate_der());
    let (_, body) = get("/sockeye-ca.pem");
    assert_eq!(body, authority.certificate_pem().as_bytes());
    let (head, body) = answer(running.client(), "HEAD /sockeye-ca.crt HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let length = authority.certificate_der().len();
    assert!(head.contains(&format!("\r\nContent-Length: {length}\r\n")) && body.is_empty(), "{head}");
    running.finish();
}

#[test]
fn there_is_nothing_else() {
    let running = forward();
    refuses(&running, "GET http://sockeye.local/x HTTP/1.1\r\nHost: sockeye.local\r\n\r\n", "404");
    refuses(
        &running,
        "GET http://sockeye.local/sockeye-ca.pem HTTP/1.1\r\nHost: sockeye.local\r\n\r\n",
        "404",
    );
    refuses(&running, "POST http://sockeye.local/ HTTP/1.1\r\nHost: sockeye.local\r\n\r\n", "405");
    refuses(&running, "GET http://sockeye.local:81/ HTTP/1.1\r\nHost: sockeye.local:81\r\n\r\n", "404");
    refuses(&running, "CONNECT sockeye.local:443 HTTP/1.1\r\n\r\n", "404");
    // A session is no page: who asks for one took the proxy for a server.
    let upgrade = "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
    refuses(&running, upgrade, "400");
    running.finish();
}

#[test]
fn other_web_pages_do_not_get_it() {
    let (running, _) = with_ca();
    // The name of a page elsewhere, made to point here.
    refuses(&running, "GET / HTTP/1.1\r\nHost: evil.example:8080\r\n\r\n", "421");
    refuses(&running, "GET /sockeye-ca.pem HTTP/1.1\r\nHost: evil.example:8080\r\n\r\n", "421");
    let fetch =
        "GET / HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\n\r\n";
    refuses(&running, fetch, "403");
    refuses(
        &running,
        "GET http://sockeye.local/ HTTP/1.1\r\nHost: sockeye.local\r\nOrigin: http://evil.example\r\n\r\n",
        "403",
    );
    running.finish();
}

#[test]
fn a_servers_own_pages_are_not_hidden_by_it() {
    let server = crate::support::Server::once(|mut peer| {
        assert!(peer.head().starts_with("GET / HTTP/1.1\r\n"));
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
    });
    let running = reverse(server.address);
    let mut client = running.client();
    client
        .send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .expect("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
    server.finish();
    running.finish();
}
