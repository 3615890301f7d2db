//! Peers that speak TLS, with the certificates of `certs/`.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject};
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection, StreamOwned};

use super::{Peer, Server, switching};

/// A client's end of a TLS connection.
pub type TlsClient = StreamOwned<ClientConnection, TcpStream>;

/// A file of `certs/`.
pub fn certs(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("certs").join(name)
}

/// The certificates in a file of `certs/`.
pub fn certificates(name: &str) -> Vec<CertificateDer<'static>> {
    vec![CertificateDer::from_pem_file(certs(name)).unwrap()]
}

/// A server behind TLS that answers one opening handshake, says "hi" in a text frame, and waits for an empty one.
pub fn tls_server(name: &str) -> Server {
    let key = PrivateKeyDer::from_pem_file(certs(&format!("{name}.key"))).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let config = Arc::new(config.with_single_cert(certificates(&format!("{name}.pem")), key).unwrap());
    Server::once(move |mut peer| {
        let mut session = ServerConnection::new(config).unwrap();
        let mut stream = rustls::Stream::new(&mut session, &mut peer.0);
        let mut head = Vec::new();
        let mut octet = [0];
        while !head.ends_with(b"\r\n\r\n") {
            // A client that does not like the certificate leaves.
            if !matches!(stream.read(&mut octet), Ok(1)) {
                return;
            }
            head.push(octet[0]);
        }
        stream.write_all((switching() + "\u{1}\u{2}hi").as_bytes()).unwrap();
        let mut frame = [0; 6];
        stream.read_exact(&mut frame).unwrap();
        assert_eq!(&frame, b"\x81\x80\0\0\0\0");
    })
}

/// Speaks TLS over `peer` with the server called `host`, trusting `root` alone.
pub fn tls_client(peer: Peer, host: &str, root: &CertificateDer<'static>) -> TlsClient {
    let mut roots = RootCertStore::empty();
    roots.add(root.clone()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().unwrap();
    let config = Arc::new(config.with_root_certificates(roots).with_no_client_auth());
    let name = ServerName::try_from(host.to_owned()).unwrap();
    StreamOwned::new(ClientConnection::new(config, name).unwrap(), peer.0)
}
