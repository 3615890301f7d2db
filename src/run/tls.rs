//! What the options about TLS come to: files read, and what is wrong with them said.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sockeye::net::{
    Afterwards, Clear, ClientCertificate, KeyLog, LeafKey, Opening, ServerTls, Trust, certificates,
};

use super::{Failure, USAGE};
use crate::cli::TlsOptions;
use crate::cli::tls::{LeafKeyKind, ServerTlsOptions};

/// How servers behind TLS are talked to.
pub fn server_tls(options: &ServerTlsOptions) -> Result<ServerTls, Failure> {
    let mut roots = Vec::new();
    for file in &options.server_ca {
        let failed = |error: &dyn std::fmt::Display| {
            Failure::new(USAGE, format_args!("cannot read certificates from {}: {error}", file.display()))
        };
        let pem = std::fs::read(file).map_err(|error| failed(&error))?;
        let read = certificates(&pem).map_err(|error| failed(&error))?;
        if read.is_empty() {
            return Err(failed(&"there is none in it, in PEM"));
        }
        roots.extend(read);
    }
    let trust = if options.insecure { Trust::Insecure } else { Trust::Verified };
    Ok(ServerTls { roots, trust, certificate: client_certificate(options)? })
}

/// Which clients' TLS is opened; `clear` says what becomes of clients that speak none.
pub fn opening(options: &TlsOptions, clear: Clear) -> Result<Option<Opening>, Failure> {
    let kind = match options.leaf_key {
        LeafKeyKind::P256 => LeafKey::P256,
        LeafKeyKind::Rsa => LeafKey::Rsa,
    };
    let authority = match clear {
        Clear::Refused => Some(super::ca::own_authority(&options.ca)?),
        Clear::Served => super::ca::authority(&options.ca)?,
    };
    let authority = authority.map(|authority| authority.with_leaf_key(kind));
    Ok(authority.map(|authority| Opening {
        passthrough: options.tls_passthrough.clone(),
        afterwards: if options.tls_passthrough_on_refusal { Afterwards::Closed } else { Afterwards::Opened },
        clear,
        ..Opening::new(Arc::new(authority))
    }))
}

/// Where the secrets of TLS connections are written down, for the eyes of the user alone.
pub fn key_log(options: &TlsOptions) -> Result<Option<KeyLog>, Failure> {
    let variable = std::env::var_os("SSLKEYLOGFILE").filter(|file| !file.is_empty());
    let (file, named_by) = match (&options.keylog, variable) {
        (Some(file), _) => (file.clone(), "--keylog"),
        (None, Some(file)) => (PathBuf::from(file), "SSLKEYLOGFILE"),
        (None, None) => return Ok(None),
    };
    let mut open = OpenOptions::new();
    open.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut open, 0o600);
    let opened = open.open(&file).map_err(|error| {
        Failure::new(
            USAGE,
            format_args!("cannot append TLS secrets to {} ({named_by}): {error}", file.display()),
        )
    })?;
    Ok(Some(KeyLog::new(opened)))
}

fn client_certificate(options: &ServerTlsOptions) -> Result<Option<ClientCertificate>, Failure> {
    let Some(file) = &options.client_cert else { return Ok(None) };
    let key_file = options.client_key.as_ref().unwrap_or(file);
    let read = |file: &Path| {
        std::fs::read(file)
            .map_err(|error| Failure::new(USAGE, format_args!("cannot read {}: {error}", file.display())))
    };
    let certificate = ClientCertificate::from_pem(&read(file)?, &read(key_file)?).map_err(|error| {
        let of = if error.is_of_key() { ("--client-key", key_file) } else { ("--client-cert", file) };
        Failure::new(USAGE, format_args!("{} {} cannot be used: {error}", of.0, of.1.display()))
    })?;
    Ok(Some(certificate))
}
