//! Opens a client's TLS: reads whom it wants, reaches that server first, then answers with a certificate of our own.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::server::{Accepted, Acceptor};
use rustls::sign::SingleCertAndKey;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::server::StartHandshake;

use super::ca::{CaError, CertAuthority};
use super::dial::Dialled;
use super::drive::Drive;
use super::mode::Speech;
use super::serve::{Route, Serving};
use super::target::Authority;
use super::transport::Transport;

/// Which clients' TLS is opened, and with what.
pub struct Opening {
    /// Signs the certificates that clients get.
    pub authority: Arc<CertAuthority>,
    /// Hosts whose TLS is left closed: names in which `*` stands for anything.
    pub passthrough: Vec<String>,
}

/// The same, at work.
pub(super) struct Opener {
    settings: Opening,
    configs: Mutex<HashMap<String, Arc<ServerConfig>>>,
}

/// A client's first words of TLS.
struct Hello {
    accepted: Accepted,
    /// Its bytes, for where it is to stay closed.
    bytes: Bytes,
}

impl Opener {
    pub(super) fn new(settings: Opening) -> Opener {
        Opener { settings, configs: Mutex::default() }
    }

    fn leaves_closed(&self, host: &str) -> bool {
        self.settings.passthrough.iter().any(|pattern| matches(pattern, host))
    }

    /// What a client that wants `host` is answered with.
    fn config(&self, host: &str) -> Result<Arc<ServerConfig>, CaError> {
        let mut configs = self.configs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(config) = configs.get(host) {
            return Ok(Arc::clone(config));
        }
        let leaf = self.settings.authority.leaf(host)?;
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring has suites for TLS 1.2 and 1.3")
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(SingleCertAndKey::from((*leaf).clone())));
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        if configs.len() >= MOST_CONFIGS {
            configs.clear();
        }
        let config = Arc::new(config);
        configs.insert(host.to_owned(), Arc::clone(&config));
        Ok(config)
    }
}

const MOST_CONFIGS: usize = 1_000;

impl Serving {
    /// Opens the TLS that `client` has begun to speak; `server` is connected already where a tunnel was asked for.
    pub(super) async fn open(
        mut self,
        mut client: Transport,
        authority: Authority,
        server: Option<Dialled>,
    ) -> Option<Drive> {
        let hello = match hello(&mut client).await {
            Ok(hello) => hello,
            Err(error) => {
                self.note(format!(
                    "{} began TLS to {authority}, but not as it is spoken: {error}",
                    self.from
                ));
                return None;
            }
        };
        let host = hello.accepted.client_hello().server_name().unwrap_or(&authority.host).to_owned();
        let shared = Arc::clone(&self.shared);
        let opener = shared.opener.as_ref().filter(|opener| !opener.leaves_closed(&host));
        let Some(opener) = opener else {
            client.rewind(hello.bytes);
            let plain = Authority { secure: false, ..authority };
            let server = match server {
                Some(server) => server,
                None => self.dial(&plain).await.ok()?,
            };
            return Some(self.opaque(client, server, "TLS, left closed"));
        };
        // The server first: what is wrong with it is what the client is to hear.
        let server = match server {
            Some(server) => self.shared.dialler.secure(server, &host).await,
            None => self.dial(&authority).await,
        };
        let client = match answer(opener, &host, client, hello).await {
            Ok(client) => client,
            Err(why) => {
                self.note(format!("{} did not let its TLS to {host} be opened: {why}", self.from));
                return None;
            }
        };
        if !matches!(self.route, Route::Reverse(_)) {
            self.route = Route::Tunnel(Authority { secure: true, ..authority });
        }
        match server {
            Ok(server) => self.opened(client, server).await,
            Err(error) => {
                self.unreached = Some(error);
                self.run(client).await
            }
        }
    }

    async fn opened(mut self, mut client: Transport, mut server: Dialled) -> Option<Drive> {
        match self.first_inside(&mut client, &mut server.transport).await {
            super::tunnel::Inside::Client(Speech::Http) => {
                self.server = Some(server);
                self.run(client).await
            }
            _ => Some(self.opaque(client, server, "inside TLS, neither HTTP nor WebSocket")),
        }
    }
}

/// Reads a ClientHello.
async fn hello(client: &mut Transport) -> io::Result<Hello> {
    let mut acceptor = Acceptor::default();
    let mut bytes = Vec::new();
    loop {
        let before = bytes.len();
        bytes.reserve(2048);
        if client.read_buf(&mut bytes).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        acceptor.read_tls(&mut &bytes[before..])?;
        match acceptor.accept() {
            Ok(None) => {}
            Ok(Some(accepted)) => return Ok(Hello { accepted, bytes: bytes.into() }),
            Err((error, mut alert)) => {
                let mut words = Vec::new();
                alert.write_all(&mut words)?;
                // A client that has gone does not hear it.
                let _ = client.write_all(&words).await;
                return Err(io::Error::other(error));
            }
        }
    }
}

/// Answers a client with a leaf for `host`.
async fn answer(opener: &Opener, host: &str, client: Transport, hello: Hello) -> Result<Transport, String> {
    let config = opener.config(host).map_err(|error| error.to_string())?;
    let socket = client.into_socket().map_err(|_| "TLS within TLS is not opened".to_owned())?;
    let stream = StartHandshake::from_parts(hello.accepted, socket).into_stream(config).await;
    stream.map(Transport::tls_to_client).map_err(|error| refusal(&error))
}

/// Why a client broke off, as far as its alert tells.
fn refusal(error: &io::Error) -> String {
    use rustls::AlertDescription as Alert;
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
        Some(rustls::Error::AlertReceived(
            Alert::UnknownCA
            | Alert::BadCertificate
            | Alert::CertificateUnknown
            | Alert::UnsupportedCertificate,
        )) => "the client does not trust the Sockeye CA; `sockeye ca install-help` says how it learns to"
            .to_owned(),
        Some(other) => other.to_string(),
        // Some clients only hang up.
        None if error.kind() == io::ErrorKind::UnexpectedEof => {
            "it hung up on our certificate; does it trust the Sockeye CA? `sockeye ca install-help` says how"
                .to_owned()
        }
        None => error.to_string(),
    }
}

/// Whether `host` is what `pattern` names, in which `*` stands for anything.
fn matches(pattern: &str, host: &str) -> bool {
    let mut rest = host.to_ascii_lowercase();
    let pattern = pattern.to_ascii_lowercase();
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(after) = rest.strip_prefix(first) else { return false };
    rest = after.to_owned();
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        let Some(at) = rest.find(part) else { return false };
        rest = rest[at + part.len()..].to_owned();
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_name_hosts() {
        for (pattern, host, expected) in [
            ("example.com", "EXAMPLE.com", true),
            ("example.com", "www.example.com", false),
            ("*.example.com", "www.example.com", true),
            ("*.example.com", "example.com", false),
            ("*", "anything", true),
            ("a*b*c", "aXbYc", true),
            ("a*b*c", "aXcYb", false),
        ] {
            assert_eq!(matches(pattern, host), expected, "{pattern} {host}");
        }
    }
}
