//! Clients that do not take our certificate.

use std::io::{Read, Write};
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use sockeye::capture::Opened;
use sockeye::net::{Afterwards, Trust};

use super::{failure, greet, opening, opening_as, tunnel};
use crate::support::tls::{certificates, server_config, tls_client, tls_server, tls_session};
use crate::support::{Running, Server};

/// Has a client refuse us that trusts the server's own authority alone.
fn refuse(running: &Running, port: u16) {
    let theirs: &CertificateDer<'static> = &certificates("ca.pem")[0];
    let mut client = tls_client(tunnel(running, port), "localhost", theirs);
    assert!(client.write_all(b"GET / HTTP/1.1\r\n\r\n").is_err());
    // Its alert goes out with what is flushed.
    let _ = client.flush();
}

#[test]
fn a_client_that_does_not_trust_us_is_recognised() {
    let server = tls_server("good");
    let (running, _) = opening(None, Trust::Verified, &[]);
    refuse(&running, server.address.port());
    server.finish();
    let error = running.until(failure);
    assert!(error.contains("does not trust the Sockeye CA"), "{error}");
    assert!(error.contains("--tls-passthrough localhost"), "{error}");
    running.finish();
}

#[test]
fn a_host_may_be_left_closed_after_a_refusal() {
    let config = Arc::new(server_config("good"));
    let server = Server::play(vec![Box::new(tls_session(&config)), Box::new(tls_session(&config))]);
    let (running, _) = opening_as(None, |_, opening| opening.afterwards = Afterwards::Closed);
    refuse(&running, server.address.port());
    let error = running.until(failure);
    assert!(error.contains("left closed from its next connection on"), "{error}");
    // The second try meets the server itself.
    let theirs = &certificates("ca.pem")[0];
    let mut client = tls_client(tunnel(&running, server.address.port()), "localhost", theirs);
    greet(&mut client, server.address);
    server.finish();
    drop(client);
    let Some(Opened::Tunnel(tunnel)) = running.finish().opening(1).unwrap() else { panic!("no tunnel") };
    assert!(tunnel.why.contains("a client refused"), "{}", tunnel.why);
}

#[test]
fn a_client_that_hangs_up_after_the_handshake_is_recognised() {
    let server = tls_server("good");
    let (running, root) = opening(None, Trust::Verified, &[]);
    let mut client = tls_client(tunnel(&running, server.address.port()), "localhost", &root);
    // As Node does, which looks at the certificate when all is done.
    client.conn.complete_io(&mut client.sock).unwrap();
    client.conn.send_close_notify();
    client.flush().unwrap();
    let _ = client.read_to_end(&mut Vec::new());
    drop(client);
    server.finish();
    let error = running.until(failure);
    assert!(error.contains("does it trust the Sockeye CA"), "{error}");
    running.finish();
}
