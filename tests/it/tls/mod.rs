//! TLS opened: what is inside is treated as in the clear, and every refusal is told.

mod alpn;
mod client_certificates;
mod facts;
mod key_log;
mod listen;
mod refusals;
mod trust;

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use sockeye::capture::{Event, Log, Next, Opened};
use sockeye::net::{CertAuthority, Opening, ProxyConfig, Trust};

use crate::support::tls::{TlsClient, certificates, tls_client, tls_server};
use crate::support::{Peer, Running, Server, config, request, start, switching};

/// A proxy that opens TLS, and the certificate that its clients are to trust.
fn opening(
    server: Option<SocketAddr>,
    trust: Trust,
    passthrough: &[&str],
) -> (Running, CertificateDer<'static>) {
    let passthrough = passthrough.iter().map(|host| (*host).to_owned()).collect();
    opening_as(server, |config, opening| {
        config.server_tls.trust = trust;
        opening.passthrough = passthrough;
    })
}

/// The same, set up by `change`.
fn opening_as(
    server: Option<SocketAddr>,
    change: impl FnOnce(&mut ProxyConfig, &mut Opening),
) -> (Running, CertificateDer<'static>) {
    let authority = CertAuthority::new("test@here", time::OffsetDateTime::now_utc()).unwrap();
    let root = CertificateDer::from(authority.certificate_der().to_vec());
    let mut config = config(server);
    config.server_tls.roots = certificates("ca.pem");
    let mut opening = Opening::new(Arc::new(authority));
    change(&mut config, &mut opening);
    config.opening = Some(opening);
    (start(config), root)
}

/// A CONNECT tunnel to `port` of localhost.
fn tunnel(running: &Running, port: u16) -> Peer {
    let mut client = running.client();
    client.send(format!("CONNECT localhost:{port} HTTP/1.1\r\n\r\n"));
    client.expect("HTTP/1.1 200 Connection established\r\n\r\n");
    client
}

/// Opens a session, hears "hi", and says nothing.
#[track_caller]
fn greet(client: &mut TlsClient, host: SocketAddr) {
    client.write_all(request(host).as_bytes()).unwrap();
    let expected = switching() + "\u{1}\u{2}hi";
    let mut got = vec![0; expected.len()];
    client.read_exact(&mut got).unwrap();
    assert_eq!(String::from_utf8(got).unwrap(), expected);
    client.write_all(b"\x81\x80\0\0\0\0").unwrap();
}

#[track_caller]
fn answer(client: &mut TlsClient, host: SocketAddr) -> String {
    client.write_all(request(host).as_bytes()).unwrap();
    let mut got = Vec::new();
    client.read_to_end(&mut got).unwrap();
    String::from_utf8(got).unwrap()
}

fn notes(log: &Log) -> Vec<String> {
    let mut cursor = log.cursor();
    let mut notes = Vec::new();
    while let Next::Event(event) = cursor.next().unwrap() {
        if let Event::Note(note) = event {
            notes.push(note.text);
        }
    }
    notes
}

/// What the first exchange failed with, once it is over.
fn failure(log: &Log) -> Option<String> {
    let mut cursor = log.cursor();
    while let Next::Event(event) = cursor.next().unwrap() {
        if let Event::Exchanged(exchange) = event {
            return exchange.error;
        }
    }
    None
}

#[test]
fn a_session_through_connect_is_read_and_verified_on_both_legs() {
    let server = tls_server("good");
    let (running, root) = opening(None, Trust::Verified, &[]);
    let mut client = tls_client(tunnel(&running, server.address.port()), "localhost", &root);
    greet(&mut client, server.address);
    server.finish();
    drop(client);
    let log = running.finish();
    let Some(Opened::Session(opening)) = log.opening(1).unwrap() else { panic!("not opened") };
    assert_eq!(
        opening.url,
        format!(
            "wss://localhost:{}/chat?x=1",
            opening.url.rsplit(':').next().unwrap().split('/').next().unwrap()
        )
    );
    assert_eq!(opening.notes, Vec::<String>::new());
    assert_eq!(log.rows(1), 1..3);
}

#[test]
fn a_client_may_speak_tls_to_a_reverse_proxy() {
    let server = Server::once(|mut peer| {
        peer.head();
        peer.send(switching() + "\u{1}\u{2}hi").expect(b"\x81\x80\0\0\0\0");
    });
    let (running, root) = opening(Some(server.address), Trust::Verified, &[]);
    let mut client = tls_client(running.client(), "localhost", &root);
    greet(&mut client, running.address);
    server.finish();
    drop(client);
    assert_eq!(running.finish().rows(1), 1..3);
}

#[test]
fn a_host_that_is_to_stay_closed_does() {
    let server = tls_server("good");
    let (running, _) = opening(None, Trust::Verified, &["local*"]);
    // The server's own certificate is what the client gets.
    let mut client =
        tls_client(tunnel(&running, server.address.port()), "localhost", &certificates("ca.pem")[0]);
    greet(&mut client, server.address);
    server.finish();
    drop(client);
    let log = running.finish();
    assert!(matches!(log.opening(1).unwrap(), Some(Opened::Tunnel(_))));
}

#[test]
fn a_host_that_is_to_stay_closed_and_cannot_be_reached_is_told() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (running, _) = opening(Some(nobody), Trust::Verified, &["*"]);
    let mut client = tls_client(running.client(), "localhost", &certificates("ca.pem")[0]);
    assert!(client.write_all(b"GET / HTTP/1.1\r\n\r\n").is_err());
    let told =
        |log: &Log| log.exchange(1).unwrap()?.error.filter(|error| error.contains("connection refused"));
    running.until(told);
    running.finish();
}

#[test]
fn what_is_no_http_inside_is_relayed_and_listed() {
    let server = tls_server("good");
    let (running, root) = opening(None, Trust::Verified, &[]);
    let mut client = tls_client(tunnel(&running, server.address.port()), "localhost", &root);
    // The server reads on until an empty line.
    client.write_all(b"\x00\x01no http\r\n\r\n").unwrap();
    let mut got = vec![0; switching().len() + 4];
    client.read_exact(&mut got).unwrap();
    client.write_all(b"\x81\x80\0\0\0\0").unwrap();
    server.finish();
    drop(client);
    let log = running.finish();
    assert!(
        matches!(log.opening(1).unwrap(), Some(Opened::Tunnel(tunnel)) if tunnel.why.contains("inside TLS"))
    );
}
