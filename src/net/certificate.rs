//! The facts of certificates (RFC 5280), read once for each chain: a server shows the same one to every session.

use std::collections::HashMap;
use std::fmt::Write;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use ring::digest;
use rustls::pki_types::CertificateDer;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::oid_registry::{
    OID_EC_P256, OID_NIST_EC_P384, OID_NIST_EC_P521, OID_SIG_ED448, OID_SIG_ED25519,
};
use x509_parser::prelude::FromDer;
use x509_parser::public_key::PublicKey;
use x509_parser::x509::SubjectPublicKeyInfo;

use crate::capture::Certificate;

/// What was read of the chains that were met.
#[derive(Debug, Default)]
pub(super) struct Chains(Mutex<HashMap<Vec<CertificateDer<'static>>, Arc<[Certificate]>>>);

/// Chains that are kept. A proxy that meets more reads some anew.
const MOST_CHAINS: usize = 1_000;

impl Chains {
    /// The facts of a chain, in its order.
    pub(super) fn read(&self, chain: &[CertificateDer<'static>]) -> Arc<[Certificate]> {
        if chain.is_empty() {
            return Arc::default();
        }
        let mut chains = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(read) = chains.get(chain) {
            return Arc::clone(read);
        }
        let read: Arc<[_]> = chain.iter().map(|der| read(der)).collect();
        if chains.len() >= MOST_CHAINS {
            chains.clear();
        }
        chains.insert(chain.to_vec(), Arc::clone(&read));
        read
    }
}

/// What there is to read in a certificate's DER. One that cannot be read still has its fingerprint.
fn read(der: &[u8]) -> Certificate {
    let sha256 = hex(digest::digest(&digest::SHA256, der).as_ref());
    let Ok((_, certificate)) = X509Certificate::from_der(der) else {
        return Certificate {
            subject: "a certificate that cannot be read".to_owned(),
            sha256,
            ..Certificate::default()
        };
    };
    let names = certificate.subject_alternative_name().ok().flatten();
    let serial = certificate.raw_serial();
    // DER puts a zero before a number whose first bit is set; it is no part of the number.
    let serial = serial.strip_prefix(&[0]).filter(|rest| !rest.is_empty()).unwrap_or(serial);
    Certificate {
        subject: certificate.subject().to_string(),
        issuer: certificate.issuer().to_string(),
        names: names.map(|names| names.value.general_names.iter().map(name).collect()).unwrap_or_default(),
        not_before: certificate.validity().not_before.timestamp(),
        not_after: certificate.validity().not_after.timestamp(),
        key: key(certificate.public_key()),
        serial: hex(serial),
        sha256,
    }
}

fn name(name: &GeneralName<'_>) -> String {
    match name {
        GeneralName::DNSName(text) | GeneralName::RFC822Name(text) | GeneralName::URI(text) => {
            (*text).to_owned()
        }
        GeneralName::IPAddress(octets) => match (<[u8; 4]>::try_from(*octets), <[u8; 16]>::try_from(*octets))
        {
            (Ok(octets), _) => IpAddr::from(octets).to_string(),
            (_, Ok(octets)) => IpAddr::from(octets).to_string(),
            _ => hex(octets),
        },
        GeneralName::DirectoryName(name) => name.to_string(),
        other => other.to_string(),
    }
}

/// The kind of a key, as people call it.
fn key(info: &SubjectPublicKeyInfo<'_>) -> String {
    let curve = || info.algorithm.parameters.as_ref().and_then(|parameters| parameters.as_oid().ok());
    match info.parsed() {
        // Counted in octets, of which the first may have few bits: sizes are multiples of 8.
        Ok(PublicKey::RSA(rsa)) => format!("RSA {}", rsa.key_size()),
        Ok(PublicKey::EC(point)) => match curve() {
            Some(curve) if curve == OID_EC_P256 => "P-256".to_owned(),
            Some(curve) if curve == OID_NIST_EC_P384 => "P-384".to_owned(),
            Some(curve) if curve == OID_NIST_EC_P521 => "P-521".to_owned(),
            _ => format!("EC {}", point.key_size()),
        },
        _ if info.algorithm.algorithm == OID_SIG_ED25519 => "Ed25519".to_owned(),
        _ if info.algorithm.algorithm == OID_SIG_ED448 => "Ed448".to_owned(),
        _ => info.algorithm.algorithm.to_id_string(),
    }
}

fn hex(octets: &[u8]) -> String {
    octets.iter().fold(String::with_capacity(2 * octets.len()), |mut text, octet| {
        // Writing to a string does not fail.
        let _ = write!(text, "{octet:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::CertAuthority;

    #[test]
    fn a_certificate_tells_its_facts() {
        let now = time::OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap();
        let authority = CertAuthority::new("me@here", now).unwrap();
        let chains = Chains::default();
        let chain = [CertificateDer::from(authority.certificate_der().to_vec())];
        let read = chains.read(&chain);
        let [certificate] = &read[..] else { panic!("{read:?}") };
        assert_eq!(certificate.subject, "CN=Sockeye CA (me@here), O=Sockeye");
        assert_eq!(certificate.issuer, certificate.subject);
        assert_eq!(certificate.not_before, 1_800_000_000 - 86_400);
        assert_eq!(certificate.not_after, 1_800_000_000 + 3_653 * 86_400);
        assert_eq!(certificate.key, "P-256");
        assert_eq!(certificate.serial.len(), 32);
        assert_eq!(certificate.sha256.len(), 64);
        assert!(Arc::ptr_eq(&read, &chains.read(&chain)), "read twice");
    }

    #[test]
    fn what_is_no_certificate_has_a_fingerprint_all_the_same() {
        let read = Chains::default().read(&[CertificateDer::from(&b"abc"[..])]);
        assert!(read[0].sha256.starts_with("ba7816bf"), "{read:?}");
    }
}
