//! Servers whose certificate does not hold: each fault is told, with the switch that lets it pass.

use sockeye::capture::Opened;
use sockeye::net::Trust;

use super::{answer, greet, opening, opening_as, tunnel};
use crate::support::tls::{certificates, tls_client, tls_server};

/// A server's certificate, what is wrong with it, and what lets it pass.
const FAULTS: [(&str, &str, &str); 4] = [
    ("expired", "the server's certificate has expired on 2020-01-02", "--insecure"),
    ("wrong-name", "the server's certificate is for another name: elsewhere.invalid", "--insecure"),
    (
        "unknown-root",
        "the server's certificate is signed by nobody known here: CN=Another test CA",
        "--server-ca",
    ),
    ("self-signed", "the server's certificate is signed by itself", "--server-ca"),
];

#[test]
fn a_server_that_cannot_be_verified_is_a_502_that_says_why() {
    for (name, fault, switch) in FAULTS {
        let server = tls_server(name);
        let (running, root) = opening(None, Trust::Verified, &[]);
        let mut client = tls_client(tunnel(&running, server.address.port()), "localhost", &root);
        let answer = answer(&mut client, server.address);
        assert!(answer.starts_with("HTTP/1.1 502 Bad Gateway\r\n"), "{answer}");
        assert!(answer.contains(fault) && answer.contains(switch), "{name}: {answer}");
        server.finish();
        let Some(Opened::Refused(refused)) = running.finish().opening(1).unwrap() else { panic!("{name}") };
        assert!(refused.why.contains(fault) && refused.why.contains(switch), "{name}: {}", refused.why);
    }
}

#[test]
fn an_insecure_proxy_talks_to_it_and_says_so() {
    for (name, fault, _) in FAULTS {
        let server = tls_server(name);
        let (running, root) = opening(None, Trust::Insecure, &[]);
        let mut client = tls_client(tunnel(&running, server.address.port()), "localhost", &root);
        greet(&mut client, server.address);
        server.finish();
        drop(client);
        let Some(Opened::Session(opening)) = running.finish().opening(1).unwrap() else { panic!("{name}") };
        assert_eq!(opening.notes, [format!("{fault}; --insecure let it pass")]);
    }
}

#[test]
fn a_certificate_that_is_its_own_authority_holds_where_the_user_names_it() {
    let server = tls_server("self-signed");
    let (running, root) =
        opening_as(None, |config, _| config.server_tls.roots = certificates("self-signed.pem"));
    let mut client = tls_client(tunnel(&running, server.address.port()), "localhost", &root);
    greet(&mut client, server.address);
    server.finish();
    drop(client);
    let Some(Opened::Session(opening)) = running.finish().opening(1).unwrap() else { panic!("not opened") };
    assert_eq!(opening.notes, Vec::<String>::new());
}

#[test]
fn the_same_does_not_hold_for_another_name() {
    let server = tls_server("self-signed");
    let (running, root) =
        opening_as(None, |config, _| config.server_tls.roots = certificates("self-signed.pem"));
    let mut client = tls_client(tunnel(&running, server.address.port()), "elsewhere.invalid", &root);
    let answer = answer(&mut client, server.address);
    assert!(answer.contains("for another name: localhost, 127.0.0.1, ::1"), "{answer}");
    server.finish();
    running.finish();
}
