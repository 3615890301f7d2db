//! What the proxy shows to servers that ask for a client's certificate, and that they did.

use std::sync::Arc;

use rustls::SignatureScheme;
use rustls::client::ResolvesClientCert;
use rustls::sign::CertifiedKey;

use super::met;
use crate::capture::CertificateRequest;

/// Nothing, so far.
#[derive(Debug)]
pub(super) struct Identity;

impl ResolvesClientCert for Identity {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        met::note(|met| met.asked = CertificateRequest::Unanswered);
        None
    }

    fn has_certs(&self) -> bool {
        // With none at all, it would not be told of being asked.
        true
    }
}
