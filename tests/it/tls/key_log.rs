//! The secrets of both legs, written down for other programs.

use std::io::Write;
use std::sync::{Arc, Mutex};

use rustls::pki_types::CertificateDer;
use sockeye::net::KeyLog;

use super::{greet, notes, opening_as, tunnel};
use crate::support::tls::{client_config, server_config, tls_client_as, tls_server_as};

/// What somebody wrote, to be looked at.
#[derive(Clone, Debug, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Written {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// An end's own view of its secrets.
impl rustls::KeyLog for Written {
    fn log(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        let hex = |octets: &[u8]| octets.iter().map(|octet| format!("{octet:02x}")).collect::<String>();
        writeln!(self.clone(), "{label} {} {}", hex(client_random), hex(secret)).unwrap();
    }
}

fn client(root: &CertificateDer<'static>, theirs: &Written) -> rustls::ClientConfig {
    let mut config = client_config(root);
    config.key_log = Arc::new(theirs.clone());
    config
}

#[test]
fn both_legs_are_written_and_told_apart() {
    let (ours, clients, servers) = (Written::default(), Written::default(), Written::default());
    let mut config = server_config("good");
    config.key_log = Arc::new(servers.clone());
    let server = tls_server_as(config);
    let (running, root) = opening_as(None, |config, _| config.key_log = Some(KeyLog::new(ours.clone())));
    let peer = tunnel(&running, server.address.port());
    let from = peer.0.local_addr().unwrap();
    let mut stream = tls_client_as(peer, "localhost", client(&root, &clients));
    greet(&mut stream, server.address);
    let address = server.address;
    server.finish();
    drop(stream);
    running.finish();
    let text = ours.text();
    for (leg, theirs) in [
        (format!("# client leg, {from} -> sockeye, localhost, client random "), clients.text()),
        (format!("# server leg, sockeye -> {address}, localhost, client random "), servers.text()),
    ] {
        let comment =
            text.lines().find(|line| line.starts_with(&leg)).unwrap_or_else(|| panic!("{leg}: {text}"));
        let random = comment.rsplit(' ').next().unwrap();
        assert_eq!(theirs.lines().count(), 5, "{theirs}");
        for line in theirs.lines() {
            assert_eq!(line.split(' ').nth(1), Some(random));
            assert!(text.lines().any(|ours| ours == line), "{line} is not in {text}");
        }
    }
}

#[test]
fn where_they_cannot_be_written_the_log_says_so() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("no space left"))
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let server = tls_server_as(server_config("good"));
    let (running, root) = opening_as(None, |config, _| config.key_log = Some(KeyLog::new(Full)));
    let port = server.address.port();
    let mut stream = tls_client_as(tunnel(&running, port), "localhost", client_config(&root));
    greet(&mut stream, server.address);
    server.finish();
    drop(stream);
    let notes = notes(&running.finish());
    assert!(notes.iter().any(|note| note.contains("--keylog: no space left")), "{notes:?}");
}
