//! What the client offers is what the server is offered, and what the server chooses is what the client gets.

use std::net::SocketAddr;

use rustls::pki_types::CertificateDer;
use sockeye::capture::{Leg, Log, Opened};
use sockeye::net::Trust;

use super::{answer, greet, opening, tunnel};
use crate::support::tls::{
    certificates, client_config, server_config, tls_client, tls_client_as, tls_server, tls_server_as,
};
use crate::support::{Peer, Server, switching};

fn protocols(names: &[&str]) -> Vec<Vec<u8>> {
    names.iter().map(|name| name.as_bytes().to_vec()).collect()
}

/// A server that speaks these.
fn speaking(names: &[&str]) -> Server {
    let mut config = server_config("good");
    config.alpn_protocols = protocols(names);
    tls_server_as(config)
}

/// Opens a session by a client that offers `names`; gives what it got, and both legs.
fn session(server: Server, names: &[&str]) -> (Option<String>, Leg, Leg) {
    let (running, root) = opening(None, Trust::Verified, &[]);
    let mut config = client_config(&root);
    config.alpn_protocols = protocols(names);
    let mut client = tls_client_as(tunnel(&running, server.address.port()), "localhost", config);
    greet(&mut client, server.address);
    let got = client.conn.alpn_protocol().map(|name| String::from_utf8(name.to_vec()).unwrap());
    server.finish();
    drop(client);
    let (client, server) = legs(&running.finish());
    (got, client, server)
}

#[track_caller]
fn legs(log: &Log) -> (Leg, Leg) {
    let Some(Opened::Session(opening)) = log.opening(1).unwrap() else { panic!("not opened") };
    let tls = opening.tls.unwrap();
    (tls.client.clone().unwrap(), tls.server.clone().unwrap())
}

#[test]
fn the_servers_choice_is_the_clients() {
    for (speaks, offers, chosen) in [
        (&["h2", "http/1.1"][..], &["h2", "http/1.1"][..], Some("http/1.1")),
        (&["http/1.1"], &["http/1.1"], Some("http/1.1")),
        (&[], &["http/1.1"], None),
        (&["http/1.1"], &[], None),
        (&["odd/1", "http/1.1"], &["http/1.1", "odd/1"], Some("odd/1")),
    ] {
        let (got, client, server) = session(speaking(speaks), offers);
        assert_eq!(got.as_deref(), chosen, "{speaks:?} {offers:?}");
        assert_eq!(client.offered, offers);
        assert_eq!(server.offered, offers.iter().filter(|name| **name != "h2").copied().collect::<Vec<_>>());
        assert_eq!((client.alpn.as_deref(), server.alpn.as_deref()), (chosen, chosen));
    }
}

#[test]
fn a_client_that_speaks_http_2_alone_is_left_to_the_server() {
    let server = speaking(&["h2"]);
    let (running, _) = opening(None, Trust::Verified, &[]);
    let mut config = client_config(&certificates("ca.pem")[0]);
    config.alpn_protocols = protocols(&["h2"]);
    let mut client = tls_client_as(tunnel(&running, server.address.port()), "localhost", config);
    greet(&mut client, server.address);
    server.finish();
    drop(client);
    let Some(Opened::Tunnel(tunnel)) = running.finish().opening(1).unwrap() else { panic!("no tunnel") };
    assert!(tunnel.why.contains("HTTP/2"), "{}", tunnel.why);
}

#[test]
fn a_server_that_speaks_http_2_alone_is_a_502_that_says_so() {
    let server = speaking(&["h2"]);
    let (running, root) = opening(None, Trust::Verified, &[]);
    let mut config = client_config(&root);
    config.alpn_protocols = protocols(&["h2", "http/1.1"]);
    let mut client = tls_client_as(tunnel(&running, server.address.port()), "localhost", config);
    let answer = answer(&mut client, server.address);
    assert!(answer.starts_with("HTTP/1.1 502 "), "{answer}");
    assert!(answer.contains("(http/1.1)") && answer.contains("HTTP/2 is not spoken here yet"), "{answer}");
    server.finish();
    running.finish();
}

#[test]
fn the_clients_name_for_the_server_is_what_the_server_is_asked_for() {
    let server = tls_server("good");
    let (running, root) = opening(None, Trust::Verified, &[]);
    let mut peer = running.client();
    // By address, where the name is told by TLS alone.
    peer.send(format!("CONNECT 127.0.0.1:{} HTTP/1.1\r\n\r\n", server.address.port()));
    peer.expect("HTTP/1.1 200 Connection established\r\n\r\n");
    let mut client = tls_client(peer, "localhost", &root);
    greet(&mut client, server.address);
    server.finish();
    drop(client);
    let (client, server) = legs(&running.finish());
    assert_eq!(
        [client.server_name, server.server_name],
        [Some("localhost".into()), Some("localhost".into())]
    );
}

#[test]
fn a_client_that_names_no_server_gets_the_certificate_of_the_address_it_reached() {
    let (running, root, server) = in_front();
    let mut client = tls_client(running, "127.0.0.1", &root);
    greet(&mut client, server.1);
    server.0.finish();
}

/// A reverse proxy in front of a server in the clear: a client's connection to it, and the server with the address
/// that clients name.
fn in_front() -> (Peer, CertificateDer<'static>, (Server, SocketAddr)) {
    let server = Server::once(|mut peer| {
        peer.head();
        peer.send(switching() + "\u{1}\u{2}hi").expect(b"\x81\x80\0\0\0\0");
    });
    let (running, root) = opening(Some(server.address), Trust::Verified, &[]);
    let address = running.address;
    (running.client(), root, (server, address))
}
