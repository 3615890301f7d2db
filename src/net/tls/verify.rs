//! Verifies servers against the platform's roots and those the user names, and notes what it finds of each.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, SignatureScheme};
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
        Ok(Judge { verifier: verifier.map_err(|error| error.to_string())?, trust: settings.trust, chains })
    }

    /// What becomes of a verdict.
    fn found<T>(&self, verdict: Result<T, rustls::Error>, passed: T) -> Result<T, rustls::Error> {
        if let Err(error) = &verdict {
            met::note(|met| met.verified = Verified::Fault(of_certificate(error)));
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
    ) -> Result<ServerCertVerified, rustls::Error> {
        let verdict =
            self.verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
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
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let verdict = self.verifier.verify_tls12_signature(message, cert, dss);
        self.found(verdict, HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let verdict = self.verifier.verify_tls13_signature(message, cert, dss);
        self.found(verdict, HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier.supported_verify_schemes()
    }
}
