//! What the log holds of TLS, on both legs.

use std::io::{Read, Write};
use std::sync::Arc;

use sockeye::capture::{Certificate, CertificateRequest, Event, Leg, Log, Next, Opened, Tls, Verified};
use sockeye::net::Trust;

use super::{answer, failure, greet, opening, tunnel};
use crate::support::tls::{certificates, tls_client, tls_server};

#[track_caller]
fn session(log: &Log) -> Arc<Tls> {
    let tls = match log.opening(1).unwrap() {
        Some(Opened::Session(opening)) => opening.tls,
        Some(Opened::Refused(refused)) => refused.opening.tls,
        Some(Opened::Tunnel(tunnel)) => tunnel.tls,
        other => panic!("{other:?}"),
    };
    tls.expect("the facts of TLS")
}

/// Those of the first exchange, where it is over.
#[track_caller]
fn exchange(log: &Log) -> Arc<Tls> {
    let mut cursor = log.cursor();
    while let Next::Event(event) = cursor.next().unwrap() {
        if let Event::Exchanged(exchange) = event {
            return exchange.tls.expect("the facts of TLS");
        }
    }
    panic!("no exchange");
}

fn subjects(chain: &[Certificate]) -> Vec<&str> {
    chain.iter().map(|certificate| certificate.subject.as_str()).collect()
}

#[track_caller]
fn check_server(leg: &Leg) {
    assert_eq!(leg.server_name.as_deref(), Some("localhost"));
    assert_eq!(leg.version.as_deref(), Some("TLS 1.3"));
    assert!(leg.suite.as_deref().is_some_and(|suite| suite.starts_with("TLS_AES_")), "{leg:?}");
    assert_eq!(leg.verified, Verified::Yes);
    assert_eq!(leg.asked, CertificateRequest::None);
    assert!(leg.took.is_some_and(|took| !took.is_zero()), "{leg:?}");
    let [certificate] = &leg.chain[..] else { panic!("{:?}", leg.chain) };
    assert_eq!(
        (certificate.subject.as_str(), certificate.issuer.as_str()),
        ("CN=good", "CN=Sockeye test CA")
    );
    assert_eq!(certificate.names, ["localhost", "127.0.0.1", "::1"]);
    assert_eq!(certificate.key, "P-256");
}

#[test]
fn a_session_has_both_legs() {
    let server = tls_server("good");
    let (running, root) = opening(None, Trust::Verified, &[]);
    let mut client = tls_client(tunnel(&running, server.address.port()), "localhost", &root);
    greet(&mut client, server.address);
    let shown = client.conn.peer_certificates().unwrap().len();
    server.finish();
    drop(client);
    let tls = session(&running.finish());
    check_server(tls.server.as_ref().unwrap());
    let leg = tls.client.as_ref().unwrap();
    assert_eq!(leg.server_name.as_deref(), Some("localhost"));
    assert_eq!(leg.version.as_deref(), Some("TLS 1.3"));
    assert_eq!(leg.chain.len(), shown);
    assert_eq!(subjects(&leg.chain), ["CN=localhost", "CN=Sockeye CA (test@here), O=Sockeye"]);
    assert_eq!(leg.verified, Verified::No);
    assert!(leg.took.is_some(), "{leg:?}");
}

#[test]
fn a_server_that_does_not_hold_is_told_with_its_certificate() {
    let server = tls_server("wrong-name");
    let (running, root) = opening(None, Trust::Verified, &[]);
    let mut client = tls_client(tunnel(&running, server.address.port()), "localhost", &root);
    answer(&mut client, server.address);
    server.finish();
    let tls = session(&running.finish());
    let leg = tls.server.as_ref().unwrap();
    assert_eq!(subjects(&leg.chain), ["CN=wrong-name"]);
    assert!(matches!(&leg.verified, Verified::Fault(fault) if fault.contains("another name")), "{leg:?}");
    assert_eq!((&leg.version, &leg.suite, leg.took), (&None, &None, None));
    assert!(tls.client.as_ref().is_some_and(|leg| leg.version.is_some()), "{tls:?}");
}

#[test]
fn what_is_no_http_inside_has_both_legs() {
    let server = tls_server("good");
    let (running, root) = opening(None, Trust::Verified, &[]);
    let mut client = tls_client(tunnel(&running, server.address.port()), "localhost", &root);
    client.write_all(b"\x00\x01no http\r\n\r\n").unwrap();
    client.read_exact(&mut [0; 4]).unwrap();
    client.write_all(b"\x81\x80\0\0\0\0").unwrap();
    server.finish();
    drop(client);
    let tls = session(&running.finish());
    check_server(tls.server.as_ref().unwrap());
    assert!(tls.client.is_some(), "{tls:?}");
}

#[test]
fn a_client_that_refuses_us_leaves_what_it_was_shown() {
    let server = tls_server("good");
    let (running, _) = opening(None, Trust::Verified, &[]);
    let port = server.address.port();
    let mut client = tls_client(tunnel(&running, port), "localhost", &certificates("ca.pem")[0]);
    assert!(client.write_all(b"GET / HTTP/1.1\r\n\r\n").is_err());
    // Its alert goes out with what is flushed.
    let _ = client.flush();
    drop(client);
    server.finish();
    running.until(failure);
    let tls = exchange(&running.finish());
    check_server(tls.server.as_ref().unwrap());
    let leg = tls.client.as_ref().unwrap();
    assert_eq!(leg.server_name.as_deref(), Some("localhost"));
    assert_eq!(leg.chain[0].names, ["localhost"]);
    assert_eq!((&leg.version, leg.took), (&None, None));
}
