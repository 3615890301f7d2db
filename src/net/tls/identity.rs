//! The certificate that the proxy shows to servers that ask for one (mutual TLS), and that they did ask.

use std::sync::Arc;

use rustls::client::ResolvesClientCert;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys, SignatureScheme};

use super::{certificates, met, provider};
use crate::capture::CertificateRequest;

/// A client's certificate with its private key.
#[derive(Clone, Debug)]
pub struct ClientCertificate(Arc<CertifiedKey>);

/// Why two files are no certificate with its key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClientCertificateError {
    /// The text has no certificate in it.
    #[error("there is no certificate in it, in PEM")]
    NoCertificate,
    /// The text has no key in it.
    #[error("there is no private key in it, in PEM (another file may have it: --client-key)")]
    NoKey,
    /// It has one, behind a password.
    #[error("the key is encrypted: `openssl pkey -in KEY -out PLAIN` writes it without its password")]
    Encrypted,
    /// The key is another certificate's.
    #[error("the key does not belong to the certificate")]
    Mismatch,
    /// What else may be wrong with a certificate.
    #[error("{0}")]
    Damaged(String),
    /// What else may be wrong with a key.
    #[error("{0}")]
    DamagedKey(String),
}

impl ClientCertificateError {
    /// Whether it is the key that is at fault, rather than the certificate.
    pub fn is_of_key(&self) -> bool {
        use ClientCertificateError::{DamagedKey, Encrypted, Mismatch, NoKey};
        matches!(self, NoKey | Encrypted | Mismatch | DamagedKey(_))
    }
}

impl ClientCertificate {
    /// Reads the certificate, with those that lead from it to its root, and the key, both in PEM.
    ///
    /// # Errors
    /// Where one is missing or damaged, or they do not belong together.
    pub fn from_pem(certificate: &[u8], key: &[u8]) -> Result<ClientCertificate, ClientCertificateError> {
        let chain: Vec<CertificateDer<'static>> =
            certificates(certificate).map_err(ClientCertificateError::Damaged)?;
        if chain.is_empty() {
            return Err(ClientCertificateError::NoCertificate);
        }
        if is_encrypted(key) {
            return Err(ClientCertificateError::Encrypted);
        }
        let key = match PrivateKeyDer::from_pem_slice(key) {
            Ok(key) => key,
            Err(pem::Error::NoItemsFound) => return Err(ClientCertificateError::NoKey),
            Err(error) => return Err(ClientCertificateError::DamagedKey(error.to_string())),
        };
        let certified = CertifiedKey::from_der(chain, key, &provider());
        certified.map(|certified| ClientCertificate(Arc::new(certified))).map_err(|error| match error {
            Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => ClientCertificateError::Mismatch,
            other => ClientCertificateError::DamagedKey(other.to_string()),
        })
    }

    /// The certificates, its own first.
    pub(super) fn chain(&self) -> &[CertificateDer<'static>] {
        &self.0.cert
    }
}

/// Whether the key in a PEM file's text is encrypted: as PKCS #8 (RFC 5958 3), or as OpenSSL did of old.
fn is_encrypted(pem: &[u8]) -> bool {
    let text = String::from_utf8_lossy(pem);
    text.contains("-----BEGIN ENCRYPTED PRIVATE KEY-----") || text.contains("Proc-Type: 4,ENCRYPTED")
}

/// What is shown: the user's certificate, or nothing.
#[derive(Debug)]
pub(super) struct Identity(pub(super) Option<ClientCertificate>);

impl ResolvesClientCert for Identity {
    fn resolve(&self, _: &[&[u8]], schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        let shown = self.0.as_ref().filter(|shown| shown.0.key.choose_scheme(schemes).is_some());
        met::note(|met| {
            met.asked = match shown {
                Some(_) => CertificateRequest::Answered,
                None => CertificateRequest::Unanswered,
            }
        });
        shown.map(|shown| Arc::clone(&shown.0))
    }

    fn has_certs(&self) -> bool {
        // With none at all, it would not be told of being asked.
        true
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair};

    use super::*;

    fn pair() -> (String, String) {
        let key = KeyPair::generate().unwrap();
        (CertificateParams::default().self_signed(&key).unwrap().pem(), key.serialize_pem())
    }

    #[test]
    fn what_is_no_certificate_with_its_key_says_why() {
        let (certificate, key) = pair();
        let other = pair().1;
        let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
        let of_old = key.replacen('\n', "\nProc-Type: 4,ENCRYPTED\n", 1);
        for (certificate, key, expected) in [
            ("", &*key, ClientCertificateError::NoCertificate),
            (&certificate, "", ClientCertificateError::NoKey),
            (&certificate, &certificate, ClientCertificateError::NoKey),
            (&certificate, encrypted, ClientCertificateError::Encrypted),
            (&certificate, &of_old, ClientCertificateError::Encrypted),
            (&certificate, &other, ClientCertificateError::Mismatch),
        ] {
            let read = ClientCertificate::from_pem(certificate.as_bytes(), key.as_bytes());
            assert_eq!(read.err(), Some(expected));
        }
    }

    #[test]
    fn both_may_be_in_one_file() {
        let (certificate, key) = pair();
        let both = certificate + &key;
        assert_eq!(ClientCertificate::from_pem(both.as_bytes(), both.as_bytes()).unwrap().chain().len(), 1);
    }
}
