//! Peers that speak TLS, with the certificates of `certs/`.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject};
use rustls::server::WebPkiClientVerifier;
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection, StreamOwned,
    SupportedProtocolVersion,
};

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

/// What a server with a certificate of `certs/` speaks TLS with.
pub fn server_config(name: &str) -> ServerConfig {
    let (chain, key) = pair(name);
    let config = ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions();
    config.unwrap().with_no_client_auth().with_single_cert(chain, key).unwrap()
}

/// The same, where clients are asked for a certificate that `ca.pem` has signed.
pub fn asking_config(versions: &[&'static SupportedProtocolVersion], demand: Demand) -> ServerConfig {
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots("ca.pem")), provider());
    let verifier = match demand {
        Demand::Optional => verifier.allow_unauthenticated(),
        Demand::Required => verifier,
    };
    let (chain, key) = pair("good");
    let config = ServerConfig::builder_with_provider(provider()).with_protocol_versions(versions).unwrap();
    config.with_client_cert_verifier(verifier.build().unwrap()).with_single_cert(chain, key).unwrap()
}

/// Whether a server talks to clients without a certificate.
#[derive(Clone, Copy)]
pub enum Demand {
    Optional,
    Required,
}

/// The certificate and key of these names in `certs/`.
pub fn pair(name: &str) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
    let key = PrivateKeyDer::from_pem_file(certs(&format!("{name}.key"))).unwrap();
    (certificates(&format!("{name}.pem")), key)
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn roots(name: &str) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(certificates(name));
    roots
}

/// A server behind TLS that answers one opening handshake, says "hi" in a text frame, and waits for an empty one.
pub fn tls_server(name: &str) -> Server {
    tls_server_as(server_config(name))
}

/// The same, as `config` has it.
pub fn tls_server_as(config: ServerConfig) -> Server {
    Server::once(tls_session(&Arc::new(config)))
}

/// What such a server does with one connection. A client that does not like it leaves.
pub fn tls_session(config: &Arc<ServerConfig>) -> impl FnOnce(Peer) + Send + 'static {
    let config = Arc::clone(config);
    move |mut peer| {
        let mut session = ServerConnection::new(config).unwrap();
        let mut stream = rustls::Stream::new(&mut session, &mut peer.0);
        let mut head = Vec::new();
        let mut octet = [0];
        while !head.ends_with(b"\r\n\r\n") {
            if !matches!(stream.read(&mut octet), Ok(1)) {
                // What it breaks off with goes on its way.
                let _ = session.write_tls(&mut peer.0);
                return;
            }
            head.push(octet[0]);
        }
        stream.write_all((switching() + "\u{1}\u{2}hi").as_bytes()).unwrap();
        let mut frame = [0; 6];
        stream.read_exact(&mut frame).unwrap();
        assert_eq!(&frame, b"\x81\x80\0\0\0\0");
    }
}

/// What a client speaks TLS with that trusts `root` alone.
pub fn client_config(root: &CertificateDer<'static>) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(root.clone()).unwrap();
    let config = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions();
    config.unwrap().with_root_certificates(roots).with_no_client_auth()
}

/// Speaks TLS over `peer` with the server called `host`, trusting `root` alone.
pub fn tls_client(peer: Peer, host: &str, root: &CertificateDer<'static>) -> TlsClient {
    tls_client_as(peer, host, client_config(root))
}

/// The same, as `config` has it.
pub fn tls_client_as(peer: Peer, host: &str, config: ClientConfig) -> TlsClient {
    let name = ServerName::try_from(host.to_owned()).unwrap();
    StreamOwned::new(ClientConnection::new(Arc::new(config), name).unwrap(), peer.0)
}
