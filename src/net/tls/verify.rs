//! Verifies servers against the platform's roots and those the user names, and notes what it finds of each.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_name;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};
use rustls_platform_verifier::Verifier;

use super::fault::of_certificate;
use super::{ServerTls, Trust, met};
use crate::capture::Verified;
use crate::net::certificate::Chains;

/// Judges servers' certificates.
#[derive(Debug)]
pub(super) struct Judge {
    verifier: Verifier,
    trust: Trust,
    /// Those that the user names.
    roots: Vec<CertificateDer<'static>>,
    chains: Arc<Chains>,
}

impl Judge {
    /// Reads the platform's roots, which takes a while.
    pub(super) fn new(
        settings: &ServerTls,
        chains: Arc<Chains>,
        provider: Arc<CryptoProvider>,
    ) -> Result<Judge, String> {
        let verifier = Verifier::new_with_extra_roots(settings.roots.iter().cloned(), provider);
        let verifier = verifier.map_err(|error| error.to_string())?;
        Ok(Judge { verifier, trust: settings.trust, roots: settings.roots.clone(), chains })
    }

    /// The verdict on a certificate that the user has named itself as a root, as people do with one that is signed by
    /// itself: webpki takes none that may be an authority for a server's. None where it was not named.
    fn named(
        &self,
        end_entity: &CertificateDer<'_>,
        server_name: &ServerName<'_>,
        now: UnixTime,
    ) -> Option<Result<ServerCertVerified, Error>> {
        if !self.roots.iter().any(|root| root == end_entity) {
            return None;
        }
        let parsed = match ParsedCertificate::try_from(end_entity) {
            Ok(parsed) => parsed,
            Err(error) => return Some(Err(error)),
        };
        let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        let certificate = &self.chains.read(&[end_entity.clone().into_owned()])[0];
        if now > certificate.not_after {
            return Some(Err(CertificateError::Expired.into()));
        }
        if now < certificate.not_before {
            return Some(Err(CertificateError::NotValidYet.into()));
        }
        Some(verify_server_name(&parsed, server_name).map(|()| ServerCertVerified::assertion()))
    }

    /// What becomes of a verdict.
    fn found<T>(&self, verdict: Result<T, Error>, passed: T) -> Result<T, Error> {
        if let Err(error) = &verdict {
            met::note(|met| met.verified = Verified::Fault(of_certificate(error, &met.chain)));
        }
        match self.trust {
            Trust::Verified => verdict,
            Trust::Insecure => Ok(verdict.unwrap_or(passed)),
        }
    }
}

impl ServerCertVerifier for Judge {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verdict =
            self.verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        let verdict = verdict.or_else(|error| self.named(end_entity, server_name, now).unwrap_or(Err(error)));
        let chain = std::iter::once(end_entity).chain(intermediates);
        let chain: Vec<_> = chain.map(|certificate| certificate.clone().into_owned()).collect();
        met::note(|met| {
            met.chain = self.chains.read(&chain);
            met.verified = Verified::Yes;
        });
        self.found(verdict, ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let verdict = self.verifier.verify_tls12_signature(message, cert, dss);
        self.found(verdict, HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let verdict = self.verifier.verify_tls13_signature(message, cert, dss);
        self.found(verdict, HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier.supported_verify_schemes()
    }
}
