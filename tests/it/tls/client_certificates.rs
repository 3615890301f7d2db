//! Servers that ask for the client's certificate (mutual TLS).

use rustls::version::{TLS12, TLS13};
use sockeye::capture::{CertificateRequest, Leg, Log, Opened};
use sockeye::net::{ClientCertificate, ProxyConfig};

use super::{answer, greet, opening_as, tunnel};
use crate::support::tls::{Demand, asking_config, certs, tls_client, tls_server_as};

fn read(file: &str) -> Vec<u8> {
    std::fs::read(certs(file)).unwrap()
}

fn show(name: &str) -> impl FnOnce(&mut ProxyConfig) {
    let (certificate, key) = (read(&format!("{name}.pem")), read(&format!("{name}.key")));
    move |config| {
        config.server_tls.certificate = Some(ClientCertificate::from_pem(&certificate, &key).unwrap());
    }
}

/// The server's leg of the first session, and its notes.
#[track_caller]
fn server_leg(log: &Log) -> (Leg, Vec<String>) {
    let Some(Opened::Session(opening)) = log.opening(1).unwrap() else { panic!("not opened") };
    (opening.tls.unwrap().server.clone().unwrap(), opening.notes)
}

#[test]
fn one_that_is_configured_is_shown() {
    for version in [&TLS12, &TLS13] {
        let server = tls_server_as(asking_config(&[version], Demand::Required));
        let (running, root) = opening_as(None, |config, _| show("client")(config));
        let mut client = tls_client(tunnel(&running, server.address.port()), "localhost", &root);
        greet(&mut client, server.address);
        server.finish();
        drop(client);
        let (leg, notes) = server_leg(&running.finish());
        assert_eq!(leg.asked, CertificateRequest::Answered);
        assert_eq!(leg.own_chain[0].subject, "CN=client");
        assert_eq!(notes, Vec::<String>::new());
    }
}

#[test]
fn without_one_the_502_names_the_options() {
    for version in [&TLS12, &TLS13] {
        let server = tls_server_as(asking_config(&[version], Demand::Required));
        let (running, root) = opening_as(None, |_, _| {});
        let mut client = tls_client(tunnel(&running, server.address.port()), "localhost", &root);
        let answer = answer(&mut client, server.address);
        assert!(answer.starts_with("HTTP/1.1 502 Bad Gateway\r\n"), "{version:?}: {answer}");
        assert!(answer.contains("wants a client certificate"), "{version:?}: {answer}");
        assert!(answer.contains("--client-cert and --client-key"), "{version:?}: {answer}");
        server.finish();
        let Some(Opened::Refused(refused)) = running.finish().opening(1).unwrap() else {
            panic!("{version:?}")
        };
        assert!(refused.why.contains("--client-cert and --client-key"), "{}", refused.why);
        assert_eq!(
            refused.opening.tls.unwrap().server.as_ref().unwrap().asked,
            CertificateRequest::Unanswered
        );
    }
}

#[test]
fn one_that_the_server_does_not_accept_is_told() {
    for version in [&TLS12, &TLS13] {
        let server = tls_server_as(asking_config(&[version], Demand::Required));
        let (running, root) = opening_as(None, |config, _| show("unknown-root")(config));
        let mut client = tls_client(tunnel(&running, server.address.port()), "localhost", &root);
        let answer = answer(&mut client, server.address);
        assert!(answer.contains("does not accept the certificate of --client-cert"), "{version:?}: {answer}");
        server.finish();
        running.finish();
    }
}

#[test]
fn a_session_without_one_says_that_it_was_asked_for() {
    let server = tls_server_as(asking_config(&[&TLS13], Demand::Optional));
    let (running, root) = opening_as(None, |_, _| {});
    let mut client = tls_client(tunnel(&running, server.address.port()), "localhost", &root);
    greet(&mut client, server.address);
    server.finish();
    drop(client);
    let (leg, notes) = server_leg(&running.finish());
    assert_eq!(leg.asked, CertificateRequest::Unanswered);
    let [note] = &notes[..] else { panic!("{notes:?}") };
    assert!(note.contains("--client-cert") && note.contains("--tls-passthrough localhost"), "{note}");
}
