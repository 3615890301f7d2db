//! The certificate authority that opens TLS: its own certificate, and a leaf for each host on demand.
//!
//! It reads and writes no files: [`CertAuthority::new`] makes one, [`CertAuthority::from_pem`] takes one up again.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, PKCS_RSA_SHA256, PublicKeyData, SanType, SerialNumber,
};
use rsa::RsaPrivateKey;
use rsa::pkcs8::EncodePrivateKey;
use rsa::rand_core::OsRng;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, pem::PemObject};
use rustls::sign::CertifiedKey;
use time::{Duration, OffsetDateTime};
use tokio::sync::OnceCell;

/// Signs a certificate for any host. Cheap to share: one is made for each host, and kept.
pub struct CertAuthority {
    issuer: Issuer<'static, KeyPair>,
    certificate: String,
    key: String,
    der: CertificateDer<'static>,
    leaf_kind: LeafKey,
    /// One key for all leaves of this process, made for the first.
    leaf_key: OnceCell<KeyPair>,
    leaves: Mutex<HashMap<String, Arc<CertifiedKey>>>,
}

/// The kind of key that leaves have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LeafKey {
    /// ECDSA on the curve P-256: made at once, and quick to sign with.
    #[default]
    P256,
    /// RSA with 2048 bits, for clients that know nothing else: it takes a moment to make.
    Rsa,
}

/// Why an authority cannot be made, taken up or used.
#[derive(Debug, thiserror::Error)]
#[error("the certificate authority: {0}")]
pub struct CaError(String);

/// How long the authority is valid: ten years.
const YEARS: Duration = Duration::days(3653);
/// How long a leaf is, counted from a day ago: as much as browsers accept.
const LEAF: Duration = Duration::days(397);
/// Leaves that are kept. A proxy that meets more hosts makes some anew.
const MOST_LEAVES: usize = 10_000;

impl CertAuthority {
    /// A new authority, named "Sockeye CA (`owner`)".
    ///
    /// # Errors
    /// Where the system gives no randomness.
    pub fn new(owner: &str, now: OffsetDateTime) -> Result<CertAuthority, CaError> {
        let key = KeyPair::generate().map_err(error)?;
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, format!("Sockeye CA ({owner})"));
        params.distinguished_name.push(DnType::OrganizationName, "Sockeye");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.not_before = now - Duration::days(1);
        params.not_after = now + YEARS;
        params.serial_number = Some(serial()?);
        let certificate = params.self_signed(&key).map_err(error)?.pem();
        CertAuthority::from_pem(&certificate, &key.serialize_pem())
    }

    /// The authority that was made before, from its certificate and its private key.
    ///
    /// # Errors
    /// Where they cannot be read, or do not belong together.
    pub fn from_pem(certificate: &str, key: &str) -> Result<CertAuthority, CaError> {
        let der = CertificateDer::from_pem_slice(certificate.as_bytes()).map_err(error)?;
        let issuer_key = KeyPair::from_pem(key).map_err(error)?;
        let issuer = Issuer::from_ca_cert_pem(certificate, issuer_key).map_err(error)?;
        let authority = CertAuthority {
            issuer,
            certificate: certificate.to_owned(),
            key: key.to_owned(),
            der,
            leaf_kind: LeafKey::default(),
            leaf_key: OnceCell::new(),
            leaves: Mutex::default(),
        };
        Ok(authority)
    }

    /// The same, with leaves that have a key of this kind.
    pub fn with_leaf_key(self, kind: LeafKey) -> CertAuthority {
        CertAuthority { leaf_kind: kind, leaf_key: OnceCell::new(), leaves: Mutex::default(), ..self }
    }

    /// Its certificate, for those who are to trust it.
    pub fn certificate_pem(&self) -> &str {
        &self.certificate
    }

    /// The same in DER.
    pub fn certificate_der(&self) -> &[u8] {
        &self.der
    }

    /// Its private key, to be kept where nobody else reads it.
    pub fn key_pem(&self) -> &str {
        &self.key
    }

    /// SHA-256 of its public key (of the SubjectPublicKeyInfo, RFC 5280 4.1.2.7), by which browsers know it.
    pub fn key_sha256(&self) -> Vec<u8> {
        let suite = ring::cipher_suite::TLS13_AES_128_GCM_SHA256.tls13().expect("it is one of TLS 1.3");
        let key = self.issuer.key().subject_public_key_info();
        suite.common.hash_provider.hash(&key).as_ref().to_vec()
    }

    /// A certificate, with its key, for `host`: a name (as A-label where it is international) or an address.
    ///
    /// # Errors
    /// Where `host` is neither.
    pub(super) async fn leaf(&self, host: &str) -> Result<Arc<CertifiedKey>, CaError> {
        let kind = self.leaf_kind;
        // Apart from the sockets: to find two primes may take a second.
        let make = || async move { tokio::task::spawn_blocking(move || kind.make()).await.map_err(error)? };
        let key = self.leaf_key.get_or_try_init(make).await?;
        let mut leaves = self.leaves.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(leaf) = leaves.get(host) {
            return Ok(Arc::clone(leaf));
        }
        let leaf = Arc::new(self.sign(host, key, OffsetDateTime::now_utc())?);
        if leaves.len() >= MOST_LEAVES {
            leaves.clear();
        }
        leaves.insert(host.to_owned(), Arc::clone(&leaf));
        Ok(leaf)
    }

    fn sign(&self, host: &str, key: &KeyPair, now: OffsetDateTime) -> Result<CertifiedKey, CaError> {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        // A common name holds 64 characters at most (RFC 5280 A.1); only the alternative names count.
        params.distinguished_name.push(DnType::CommonName, host.chars().take(64).collect::<String>());
        params.subject_alt_names = vec![match host.parse::<IpAddr>() {
            Ok(address) => SanType::IpAddress(address),
            Err(_) => SanType::DnsName(host.try_into().map_err(|_| CaError(format!("{host:?} is no host")))?),
        }];
        params.not_before = now - Duration::days(1);
        params.not_after = params.not_before + LEAF;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        if self.leaf_kind == LeafKey::Rsa {
            params.key_usages.push(KeyUsagePurpose::KeyEncipherment);
        }
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        // All leaves have one key, from which one serial for all would be made: browsers refuse that.
        params.serial_number = Some(serial()?);
        let certificate = params.signed_by(key, &self.issuer).map_err(error)?;
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let key = ring::sign::any_supported_type(&key).map_err(error)?;
        Ok(CertifiedKey::new(vec![certificate.der().clone(), self.der.clone()], key))
    }
}

impl LeafKey {
    fn make(self) -> Result<KeyPair, CaError> {
        match self {
            LeafKey::P256 => KeyPair::generate().map_err(error),
            LeafKey::Rsa => {
                let key = RsaPrivateKey::new(&mut OsRng, 2048).map_err(error)?;
                let der = key.to_pkcs8_der().map_err(error)?;
                let der = PrivatePkcs8KeyDer::from(der.as_bytes());
                KeyPair::from_pkcs8_der_and_sign_algo(&der, &PKCS_RSA_SHA256).map_err(error)
            }
        }
    }
}

impl fmt::Debug for CertAuthority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CertAuthority")
    }
}

/// Random, positive, 16 octets (RFC 5280 4.1.2.2).
fn serial() -> Result<SerialNumber, CaError> {
    let mut octets = [0; 16];
    getrandom::fill(&mut octets).map_err(error)?;
    octets[0] = octets[0] & 0x7f | 0x40;
    Ok(SerialNumber::from_slice(&octets))
}

fn error(error: impl fmt::Display) -> CaError {
    CaError(error.to_string())
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use rustls::pki_types::ServerName;
    use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection};

    use super::*;

    fn authority() -> CertAuthority {
        CertAuthority::new("me@here", OffsetDateTime::now_utc()).unwrap()
    }

    fn leaf(authority: &CertAuthority, host: &str) -> Result<Arc<CertifiedKey>, CaError> {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(authority.leaf(host))
    }

    /// A handshake in memory with a leaf for `host`, by a client that trusts only `authority` and expects `name`.
    fn handshake(authority: &CertAuthority, host: &str, name: &str) -> Result<(), rustls::Error> {
        let provider = Arc::new(ring::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from(authority.certificate_der().to_vec())).unwrap();
        let client =
            ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions();
        let client = client.unwrap().with_root_certificates(roots).with_no_client_auth();
        let server =
            ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let resolver = rustls::sign::SingleCertAndKey::from((*leaf(authority, host).unwrap()).clone());
        let server = server.with_no_client_auth().with_cert_resolver(Arc::new(resolver));
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let mut client = ClientConnection::new(Arc::new(client), name).unwrap();
        let mut server = ServerConnection::new(Arc::new(server)).unwrap();
        while client.is_handshaking() || server.is_handshaking() {
            let mut bytes = Vec::new();
            client.write_tls(&mut bytes).unwrap();
            server.read_tls(&mut &bytes[..]).unwrap();
            server.process_new_packets()?;
            bytes.clear();
            server.write_tls(&mut bytes).unwrap();
            client.read_tls(&mut &bytes[..]).unwrap();
            client.process_new_packets()?;
        }
        client.writer().write_all(b"hi").unwrap();
        let mut bytes = Vec::new();
        client.write_tls(&mut bytes).unwrap();
        server.read_tls(&mut &bytes[..]).unwrap();
        server.process_new_packets()?;
        let mut got = [0; 2];
        server.reader().read_exact(&mut got).unwrap();
        assert_eq!(&got, b"hi");
        Ok(())
    }

    #[test]
    fn a_client_that_trusts_the_authority_accepts_its_leaves() {
        let authority = authority();
        for host in ["localhost", "example.com", "127.0.0.1", "::1", "xn--bcher-kva.example"] {
            handshake(&authority, host, host).unwrap_or_else(|error| panic!("{host}: {error}"));
        }
        assert!(handshake(&authority, "example.com", "example.org").is_err());
    }

    #[test]
    fn leaves_may_have_rsa_keys() {
        let authority = authority().with_leaf_key(LeafKey::Rsa);
        for host in ["localhost", "127.0.0.1"] {
            handshake(&authority, host, host).unwrap();
        }
        // Twice the bits of the modulus, in hex and in octets, are more than a P-256 certificate has.
        assert!(leaf(&authority, "localhost").unwrap().cert[0].len() > 600);
    }

    #[test]
    fn an_authority_taken_up_again_signs_as_before() {
        let first = authority();
        let again = CertAuthority::from_pem(first.certificate_pem(), first.key_pem()).unwrap();
        assert_eq!(again.certificate_der(), first.certificate_der());
        handshake(&again, "example.com", "example.com").unwrap();
    }

    #[test]
    fn leaves_are_kept_and_each_has_a_serial_of_its_own() {
        let authority = authority();
        let (a, b) = (leaf(&authority, "a.example").unwrap(), leaf(&authority, "b.example").unwrap());
        assert!(Arc::ptr_eq(&a, &leaf(&authority, "a.example").unwrap()));
        // The serial is the first number in a certificate's body: it differs early, well before the names.
        assert_ne!(a.cert[0].as_ref()[..40], b.cert[0].as_ref()[..40]);
    }

    #[test]
    fn what_is_no_host_or_no_certificate_is_an_error() {
        assert!(leaf(&authority(), "bücher.example").is_err());
        assert!(CertAuthority::from_pem("nothing", "of use").is_err());
    }
}
