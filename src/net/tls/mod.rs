//! TLS to servers: verified against the platform's roots and those the user names; each fault in one sentence.

mod fault;
mod identity;
mod key_log;
mod leg;
mod met;
mod verify;

use std::sync::{Arc, OnceLock};
use std::time::Instant;

use rustls::ClientConfig;
use rustls::client::Resumption;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::TlsConnector;

pub(super) use fault::{Refusal, alert, hung_up, notes, of_alert, of_client, over_certificate};
use identity::Identity;
pub use identity::{ClientCertificate, ClientCertificateError};
pub use key_log::KeyLog;
pub(super) use leg::{agreed, names};
pub(super) use met::observed;
use verify::Judge;

use super::certificate::Chains;
use super::transport::Transport;
use crate::capture::{CertificateRequest, Leg, Verified};

/// What happens to a server whose certificate does not hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Trust {
    /// It is not talked to.
    #[default]
    Verified,
    /// It is talked to all the same, and the session says what is wrong.
    Insecure,
}

/// How servers behind TLS are talked to.
#[derive(Clone, Debug, Default)]
pub struct ServerTls {
    /// Roots to trust beside the platform's.
    pub roots: Vec<CertificateDer<'static>>,
    /// What becomes of a server that cannot be verified.
    pub trust: Trust,
    /// Shown to servers that ask for one.
    pub certificate: Option<ClientCertificate>,
}

/// The certificates in a PEM file's text.
///
/// # Errors
/// Where it is damaged, in words.
pub fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().map_err(|error| error.to_string())
}

/// An application protocol's name (ALPN, RFC 7301).
pub(super) type Protocol = Vec<u8>;

/// The one that is read here.
pub(super) const HTTP1: &[u8] = b"http/1.1";
/// One that is not, so far.
pub(super) const HTTP2: &[u8] = b"h2";

/// ring's algorithms, for all configurations.
pub(super) fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    Arc::clone(PROVIDER.get_or_init(|| Arc::new(ring::default_provider())))
}

/// Makes connections to servers secure.
pub(super) struct Connector {
    settings: ServerTls,
    key_log: Option<KeyLog>,
    chains: Arc<Chains>,
    /// One for all servers, so that sessions are resumed.
    config: OnceLock<Result<Arc<ClientConfig>, String>>,
}

/// A secured connection, and what was agreed on.
pub(super) struct Secured {
    pub(super) transport: Transport,
    pub(super) leg: Leg,
}

/// A handshake that failed: why, and how far it came.
#[derive(Debug, thiserror::Error)]
#[error("{why}")]
pub(super) struct TlsFault {
    why: String,
    pub(super) leg: Box<Leg>,
}

impl TlsFault {
    pub(super) fn new(why: String, leg: Leg) -> TlsFault {
        TlsFault { why, leg: Box::new(leg) }
    }
}

impl Connector {
    pub(super) fn new(settings: ServerTls, key_log: Option<KeyLog>) -> Connector {
        Connector { settings, key_log, chains: Arc::default(), config: OnceLock::new() }
    }

    /// Speaks TLS with the server called `host`, which may choose among what is `offered`.
    ///
    /// # Errors
    /// In one sentence, without the server's name.
    pub(super) async fn secure(
        &self,
        host: &str,
        offered: Vec<Protocol>,
        transport: Transport,
    ) -> Result<Secured, TlsFault> {
        let mut leg = Leg { offered: names(&offered), ..Leg::default() };
        let name = match ServerName::try_from(host.to_owned()) {
            Ok(name) => name,
            Err(_) => {
                return Err(TlsFault::new(format!("{host:?} is no name that a certificate can be for"), leg));
            }
        };
        if let ServerName::DnsName(name) = &name {
            leg.server_name = Some(name.as_ref().to_owned());
        }
        let config = match self.config() {
            Ok(config) => config,
            Err(why) => return Err(TlsFault::new(why, leg)),
        };
        let title = self
            .key_log
            .as_ref()
            .map(|_| format!("server leg, sockeye -> {}, {host}", transport.peer_name()));
        let socket = transport.into_socket();
        let begun = Instant::now();
        let connector = TlsConnector::from(config);
        let connecting = connector.with_alpn(offered).connect(name, socket);
        let (connected, met) = observed(title, connecting).await;
        leg.chain = met.chain;
        leg.verified = met.verified;
        leg.asked = met.asked;
        if let (CertificateRequest::Answered, Some(own)) = (met.asked, &self.settings.certificate) {
            leg.own_chain = self.chains.read(own.chain());
        }
        let stream = match connected {
            Ok(stream) => stream,
            Err(error) => return Err(TlsFault::new(fault::of_server(&error, &leg), leg)),
        };
        leg.took = Some(begun.elapsed());
        let connection = stream.get_ref().1;
        agreed(&mut leg, connection);
        if let (true, Some(chain)) = (leg.chain.is_empty(), connection.peer_certificates()) {
            // A session that is resumed was verified when it began: nothing else is kept.
            leg.chain = self.chains.read(chain);
            leg.verified = Verified::Yes;
        }
        Ok(Secured { transport: Transport::tls_to_server(stream), leg })
    }

    /// Reading the platform's roots takes a while: only where one is needed, and once.
    fn config(&self) -> Result<Arc<ClientConfig>, String> {
        self.config.get_or_init(|| self.make_config().map(Arc::new)).clone()
    }

    fn make_config(&self) -> Result<ClientConfig, String> {
        let judge = Judge::new(&self.settings, Arc::clone(&self.chains), provider())?;
        let mut config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .expect("ring has suites for TLS 1.2 and 1.3")
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(judge))
            .with_client_cert_resolver(Arc::new(Identity(self.settings.certificate.clone())));
        if let Some(key_log) = &self.key_log {
            config.key_log = Arc::new(key_log.clone());
        }
        if self.settings.trust == Trust::Insecure {
            // A resumed session does not tell again what was wrong with its certificate.
            config.resumption = Resumption::disabled();
        }
        Ok(config)
    }
}
