//! Files that make a program trust our authority beside what it trusts anyhow.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sockeye::net::CertAuthority;

use super::jks;

/// Makes the files, in a folder of their own.
pub(super) struct Trust<'a> {
    authority: &'a CertAuthority,
    folder: &'a Path,
    /// What the platform trusts, in DER.
    roots: Vec<Vec<u8>>,
    /// The bundles made so far, by the file that was there before.
    bundles: HashMap<Option<PathBuf>, PathBuf>,
}

impl<'a> Trust<'a> {
    /// Finds the platform's roots: those of `SSL_CERT_FILE` where the user has set it.
    pub(super) fn new(authority: &'a CertAuthority, folder: &'a Path) -> Trust<'a> {
        let found = rustls_native_certs::load_native_certs();
        let roots = found.certs.iter().map(|root| root.as_ref().to_vec()).collect();
        Trust { authority, folder, roots, bundles: HashMap::new() }
    }

    /// Our certificate in PEM, after what is in `before`.
    pub(super) fn added_to(&self, before: Option<&Path>, name: &str) -> io::Result<PathBuf> {
        let before = before.and_then(|file| fs::read_to_string(file).ok()).unwrap_or_default();
        self.write(name, self.with_ours(before).as_bytes())
    }

    /// All roots and ours, in PEM. A file that the user has named takes the place of the platform's roots.
    pub(super) fn bundle(&mut self, named: Option<&Path>) -> io::Result<PathBuf> {
        // One that cannot be read is of no use to the program either.
        let read = named.and_then(|file| Some((file.to_owned(), fs::read_to_string(file).ok()?)));
        let (key, roots) = match read {
            Some((file, roots)) => (Some(file), roots),
            None => (None, self.roots.iter().map(|root| pem(root)).collect()),
        };
        if let Some(bundle) = self.bundles.get(&key) {
            return Ok(bundle.clone());
        }
        let name = format!("roots-{}.pem", self.bundles.len());
        let bundle = self.write(&name, self.with_ours(roots).as_bytes())?;
        self.bundles.insert(key, bundle.clone());
        Ok(bundle)
    }

    /// All roots and ours, for Java.
    pub(super) fn keystore(&self) -> io::Result<PathBuf> {
        let mut roots: Vec<_> = self.roots.iter().map(Vec::as_slice).collect();
        roots.push(self.authority.certificate_der());
        self.write("roots.jks", &jks::keystore(roots.into_iter()))
    }

    fn with_ours(&self, mut roots: String) -> String {
        if !roots.is_empty() && !roots.ends_with('\n') {
            roots.push('\n');
        }
        roots + self.authority.certificate_pem()
    }

    fn write(&self, name: &str, bytes: &[u8]) -> io::Result<PathBuf> {
        let path = self.folder.join(name);
        fs::write(&path, bytes)?;
        Ok(path)
    }
}

/// A certificate in PEM (RFC 7468 2).
fn pem(der: &[u8]) -> String {
    let mut text = "-----BEGIN CERTIFICATE-----\n".to_owned();
    // 64 signs a line.
    for line in der.chunks(48) {
        STANDARD.encode_string(line, &mut text);
        text.push('\n');
    }
    text + "-----END CERTIFICATE-----\n"
}
