//! TLS to servers: verified against the platform's roots and those the user names; each fault in one sentence.

use std::io;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, SignatureScheme};
use rustls_platform_verifier::Verifier;
use tokio_rustls::TlsConnector;

use super::transport::{Socket, Transport};

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
}

/// The certificates in a PEM file's text.
///
/// # Errors
/// Where it is damaged, in words.
pub fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().map_err(|error| error.to_string())
}

/// Makes connections to servers secure.
pub(super) struct Connector {
    settings: ServerTls,
    verifier: OnceLock<Result<Arc<Verifier>, String>>,
    /// For servers that are verified: one, so that their sessions are resumed.
    verified: OnceLock<Arc<ClientConfig>>,
}

/// A secured connection, and what was wrong with the server's certificate where that was let pass.
pub(super) struct Secured {
    pub(super) transport: Transport,
    pub(super) fault: Option<String>,
}

impl Connector {
    pub(super) fn new(settings: ServerTls) -> Connector {
        Connector { settings, verifier: OnceLock::new(), verified: OnceLock::new() }
    }

    /// Speaks TLS with the server called `host` over `socket`. HTTP/1.1 alone is offered.
    ///
    /// # Errors
    /// In one sentence, without the server's name.
    pub(super) async fn secure(&self, host: &str, socket: Socket) -> Result<Secured, String> {
        let name = ServerName::try_from(host.to_owned()).map_err(|error| error.to_string())?;
        let verifier = self.verifier()?;
        let fault = Arc::new(Mutex::new(None));
        let config = match self.settings.trust {
            Trust::Verified => match self.verified.get() {
                Some(config) => Arc::clone(config),
                None => Arc::clone(self.verified.get_or_init(|| config(verifier))),
            },
            Trust::Insecure => config(Arc::new(Lenient { verifier, fault: Arc::clone(&fault) })),
        };
        let connected = TlsConnector::from(config).connect(name, socket).await;
        let transport = connected.map(Transport::tls_to_server).map_err(|error| explain_io(&error))?;
        let fault = fault.lock().unwrap_or_else(PoisonError::into_inner).take();
        Ok(Secured { transport, fault })
    }

    /// Reading the platform's roots takes a while: only where one is needed, and once.
    fn verifier(&self) -> Result<Arc<Verifier>, String> {
        let made = self.verifier.get_or_init(|| {
            let provider = Arc::new(ring::default_provider());
            let roots = self.settings.roots.iter().cloned();
            Verifier::new_with_extra_roots(roots, provider).map(Arc::new).map_err(|error| error.to_string())
        });
        made.clone()
    }
}

fn config(verifier: Arc<dyn ServerCertVerifier>) -> Arc<ClientConfig> {
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring has suites for TLS 1.2 and 1.3")
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Arc::new(config)
}

/// Lets every server pass, and remembers what was wrong with it.
#[derive(Debug)]
struct Lenient {
    verifier: Arc<Verifier>,
    fault: Arc<Mutex<Option<String>>>,
}

impl Lenient {
    fn found<T>(&self, result: Result<T, rustls::Error>, otherwise: T) -> Result<T, rustls::Error> {
        if let Err(error) = &result {
            *self.fault.lock().unwrap_or_else(PoisonError::into_inner) = Some(explain(error));
        }
        Ok(result.unwrap_or(otherwise))
    }
}

impl ServerCertVerifier for Lenient {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let verdict =
            self.verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        self.found(verdict, ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.found(
            self.verifier.verify_tls12_signature(message, cert, dss),
            HandshakeSignatureValid::assertion(),
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.found(
            self.verifier.verify_tls13_signature(message, cert, dss),
            HandshakeSignatureValid::assertion(),
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier.supported_verify_schemes()
    }
}

fn explain_io(error: &io::Error) -> String {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(fault @ rustls::Error::InvalidCertificate(_)) => {
            format!("{}; --server-ca names a root to trust, --insecure lets it pass", explain(fault))
        }
        Some(fault) => fault.to_string(),
        None => error.to_string(),
    }
}

/// What is wrong with a certificate, in a sentence.
fn explain(error: &rustls::Error) -> String {
    let rustls::Error::InvalidCertificate(fault) = error else { return error.to_string() };
    match fault {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "the server's certificate has expired".to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "the server's certificate is not valid yet: is a clock wrong?".to_owned()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "the server's certificate is for another name".to_owned()
        }
        CertificateError::UnknownIssuer => {
            "the server's certificate is signed by nobody known here".to_owned()
        }
        CertificateError::Revoked => "the server's certificate was revoked".to_owned(),
        other => format!("the server's certificate does not hold: {other}"),
    }
}
