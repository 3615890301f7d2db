//! TLS for the load client and the load server, the same for every proxy: the certificates, the one suite, and whether
//! sessions are resumed.

use std::fmt;
use std::fs;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::str::FromStr;
use std::sync::Arc;
use std::task::{Context, Poll};

use anyhow::{Context as _, Error, Result, bail};
use rcgen::{CertificateParams, DnType, Issuer, KeyPair};
use rustls::client::Resumption;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::NoServerSessionStorage;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// The name that the certificates are for, and that is asked for.
pub const HOST: &str = "localhost";

/// Whether there is TLS on both sides of the proxy, and what becomes of its sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// None.
    Clear,
    /// Every connection has a whole handshake: the load client and the load server keep no session.
    Whole,
    /// The load client and the load server resume what the proxy lets them.
    Resumed,
}

impl Security {
    /// Whether there is TLS.
    pub fn is_tls(self) -> bool {
        self != Security::Clear
    }
}

impl fmt::Display for Security {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Security::Clear => "clear",
            Security::Whole => "whole",
            Security::Resumed => "resumed",
        })
    }
}

impl FromStr for Security {
    type Err = Error;

    fn from_str(text: &str) -> Result<Security> {
        Ok(match text {
            "clear" => Security::Clear,
            "whole" => Security::Whole,
            "resumed" => Security::Resumed,
            other => bail!("no security is called {other}"),
        })
    }
}

/// Writes into `folder` what all need: an authority, and a certificate for [`HOST`] that it signed; keys on P-256.
///
/// `sockeye-ca.pem` and `.key` are the authority, named as sockeye wants them; `host.pem` is certificate and key.
pub fn make_certificates(folder: &Path) -> Result<()> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "relay bench");
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    params.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign];
    let authority = params.self_signed(&key)?;
    fs::write(folder.join("sockeye-ca.pem"), authority.pem())?;
    fs::write(folder.join("sockeye-ca.key"), key.serialize_pem())?;
    let host_key = KeyPair::generate()?;
    let mut params = CertificateParams::new([HOST.to_owned(), "127.0.0.1".to_owned()])?;
    params.use_authority_key_identifier_extension = true;
    let host = params.signed_by(&host_key, &Issuer::from_ca_cert_pem(&authority.pem(), key)?)?;
    // With the authority behind it, as sockeye sends it too.
    fs::write(folder.join("host.pem"), host.pem() + &authority.pem() + &host_key.serialize_pem())?;
    Ok(())
}

/// What proxies are given no choice in, so that all do the same work.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(CryptoProvider {
        cipher_suites: vec![ring::cipher_suite::TLS13_AES_128_GCM_SHA256],
        kx_groups: vec![ring::kx_group::X25519],
        ..ring::default_provider()
    })
}

/// What makes the load client's connections secure.
pub fn connector(folder: &Path, security: Security) -> Result<TlsConnector> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(folder.join("sockeye-ca.pem"))?)?;
    let config = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?;
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    if security == Security::Whole {
        config.resumption = Resumption::disabled();
    }
    Ok(Arc::new(config).into())
}

/// What makes the load server's connections secure.
pub fn acceptor(folder: &Path, security: Security) -> Result<TlsAcceptor> {
    let file = folder.join("host.pem");
    let chain = CertificateDer::pem_file_iter(&file)?.collect::<Result<Vec<_>, _>>()?;
    let config = ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?;
    let config = config.with_no_client_auth();
    let mut config = config.with_single_cert(chain, PrivateKeyDer::from_pem_file(&file)?)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    match security {
        Security::Resumed => config.ticketer = ring::Ticketer::new()?,
        _ => {
            config.session_storage = Arc::new(NoServerSessionStorage {});
            config.send_tls13_tickets = 0;
        }
    }
    Ok(Arc::new(config).into())
}

/// A connection, with TLS or without.
#[derive(Debug)]
pub enum Stream {
    /// In the clear.
    Plain(TcpStream),
    /// Inside TLS.
    Tls(Box<tokio_rustls::TlsStream<TcpStream>>),
}

impl Stream {
    /// As the load client opens it.
    pub async fn connect(address: &str, connector: Option<&TlsConnector>) -> Result<Stream> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let Some(connector) = connector else { return Ok(Stream::Plain(stream)) };
        let stream = connector.connect(ServerName::try_from(HOST)?, stream).await.context("TLS")?;
        Ok(Stream::Tls(Box::new(stream.into())))
    }

    /// As the load server takes it in.
    pub async fn accept(stream: TcpStream, acceptor: Option<&TlsAcceptor>) -> Result<Stream> {
        stream.set_nodelay(true)?;
        let Some(acceptor) = acceptor else { return Ok(Stream::Plain(stream)) };
        Ok(Stream::Tls(Box::new(acceptor.accept(stream).await?.into())))
    }

    /// Writes all of `bytes`, and holds nothing back.
    pub async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes).await?;
        self.flush().await
    }

    /// Whether there is something to read, or an end.
    pub async fn has_read(&mut self, into: &mut [u8]) -> bool {
        let mut buffer = ReadBuf::new(into);
        std::future::poll_fn(|context| {
            Poll::Ready(Pin::new(&mut *self).poll_read(context, &mut buffer).is_ready())
        })
        .await
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Stream::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Stream::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Stream::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Plain(stream) => Pin::new(stream).poll_flush(context),
            Stream::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Stream::Tls(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
