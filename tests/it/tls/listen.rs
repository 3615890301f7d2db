//! Listeners that speak TLS themselves.

use std::io::{Read, Write};
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};
use sockeye::capture::Opened;
use sockeye::net::Clear;

use super::{greet, opening_as};
use crate::support::request;
use crate::support::tls::{client_config, tls_client, tls_server};

#[test]
fn a_forward_proxy_inside_tls_opens_tls_inside_it() {
    let server = tls_server("good");
    let (running, root) = opening_as(None, |_, opening| opening.clear = Clear::Refused);
    let mut outer = tls_client(running.client(), "127.0.0.1", &root);
    let port = server.address.port();
    outer.write_all(format!("CONNECT localhost:{port} HTTP/1.1\r\n\r\n").as_bytes()).unwrap();
    let mut established = [0; b"HTTP/1.1 200 Connection established\r\n\r\n".len()];
    outer.read_exact(&mut established).unwrap();
    assert!(established.starts_with(b"HTTP/1.1 200 "));
    let name = ServerName::try_from("localhost").unwrap();
    let inner = ClientConnection::new(Arc::new(client_config(&root)), name).unwrap();
    let mut client = StreamOwned::new(inner, outer);
    client.write_all(request(server.address).as_bytes()).unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n\x01\x02hi") {
        let mut octet = [0];
        client.read_exact(&mut octet).unwrap();
        head.extend(octet);
    }
    client.write_all(b"\x81\x80\0\0\0\0").unwrap();
    client.flush().unwrap();
    server.finish();
    drop(client);
    let log = running.finish();
    let Some(Opened::Session(opening)) = log.opening(1).unwrap() else { panic!("not opened") };
    assert!(opening.url.starts_with("wss://localhost:"), "{}", opening.url);
    assert_eq!(log.rows(1), 1..3);
}

#[test]
fn who_speaks_no_tls_is_told_where_that_is_the_rule() {
    let (running, _) = opening_as(None, |_, opening| opening.clear = Clear::Refused);
    let mut client = running.client();
    client.send("GET http://localhost:1/ HTTP/1.1\r\n\r\n");
    client.finish();
    let answer = String::from_utf8(client.rest()).unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(answer.contains("--listen-tls") && answer.contains("https://"), "{answer}");
    running.finish();
}

#[test]
fn a_reverse_proxy_serves_who_speaks_tls() {
    let server = crate::support::Server::once(|mut peer| {
        peer.head();
        peer.send(crate::support::switching() + "\u{1}\u{2}hi").expect(b"\x81\x80\0\0\0\0");
    });
    let (running, root) = opening_as(Some(server.address), |_, opening| opening.clear = Clear::Refused);
    let mut client = tls_client(running.client(), "localhost", &root);
    greet(&mut client, running.address);
    server.finish();
    drop(client);
    running.finish();
}
