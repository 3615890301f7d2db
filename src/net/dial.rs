//! Reaching a server: its name, its port, its TLS; each timed, each failure said in one sentence.

use std::io;
use std::net::SocketAddr;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use tokio::net::{TcpStream, lookup_host};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::target::Authority;
use super::tls;
use super::transport::Transport;
use crate::capture::Timing;

/// Connects to servers.
#[derive(Default)]
pub(super) struct Dialler {
    connector: OnceLock<Result<TlsConnector, String>>,
}

/// A connection to a server.
pub(super) struct Dialled {
    pub(super) transport: Transport,
    pub(super) authority: Authority,
    pub(super) timing: Timing,
}

/// Why a server could not be reached. All are for the user's eyes, and name the server.
#[derive(Debug, thiserror::Error)]
pub(super) enum DialError {
    #[error("cannot find {0}: {1}; check the name")]
    Name(String, io::Error),
    #[error("cannot reach {0}: {1}; is the server running?")]
    Connect(String, String),
    #[error("cannot reach {0}: no answer in {1:?}")]
    Timeout(String, Duration),
    #[error("TLS with {0} failed: {1}")]
    Tls(String, String),
}

impl Dialler {
    /// Connects to `authority`, through TLS where it says so, within `limit`.
    pub(super) async fn dial(&self, authority: &Authority, limit: Duration) -> Result<Dialled, DialError> {
        timeout(limit, self.connect(authority))
            .await
            .unwrap_or_else(|_| Err(DialError::Timeout(authority.to_string(), limit)))
    }

    async fn connect(&self, authority: &Authority) -> Result<Dialled, DialError> {
        let mut timing = Timing::default();
        let begun = Instant::now();
        let addresses = resolve(authority).await?;
        timing.dns = Some(begun.elapsed());
        let begun = Instant::now();
        let stream = connect_any(authority, &addresses).await?;
        timing.tcp = Some(begun.elapsed());
        let transport = if authority.secure {
            let begun = Instant::now();
            let transport = self.secure(authority, stream).await?;
            timing.tls = Some(begun.elapsed());
            transport
        } else {
            Transport::tcp(stream)
        };
        Ok(Dialled { transport, authority: authority.clone(), timing })
    }

    async fn secure(&self, authority: &Authority, stream: TcpStream) -> Result<Transport, DialError> {
        let failed = |why: String| DialError::Tls(authority.to_string(), why);
        // Reading the platform's roots takes a while: only where one is needed, and once.
        let connector = self
            .connector
            .get_or_init(|| tls::connector().map_err(|error| error.to_string()))
            .as_ref()
            .map_err(|error| failed(error.clone()))?;
        let name = ServerName::try_from(authority.host.clone()).map_err(|error| failed(error.to_string()))?;
        let stream = connector.connect(name, stream).await.map_err(|error| failed(error.to_string()))?;
        Ok(Transport::tls(stream))
    }
}

async fn resolve(authority: &Authority) -> Result<Vec<SocketAddr>, DialError> {
    if let Ok(address) = authority.host.parse() {
        return Ok(vec![SocketAddr::new(address, authority.port)]);
    }
    let found = lookup_host((authority.host.as_str(), authority.port)).await;
    let addresses: Vec<_> = found.map_err(|error| DialError::Name(authority.host.clone(), error))?.collect();
    if addresses.is_empty() {
        let nothing = io::Error::new(io::ErrorKind::NotFound, "it has no address");
        return Err(DialError::Name(authority.host.clone(), nothing));
    }
    Ok(addresses)
}

/// The first address that answers. Each gets a head start before the next is tried beside it (RFC 8305 5), so that
/// one that is silent does not take all the time there is.
async fn connect_any(authority: &Authority, addresses: &[SocketAddr]) -> Result<TcpStream, DialError> {
    let mut waiting = addresses.iter().copied();
    let mut trying = JoinSet::new();
    let mut last = String::new();
    loop {
        let next = waiting.next();
        if let Some(address) = next {
            trying.spawn(TcpStream::connect(address));
        }
        let tried = match next {
            // The next is tried when this one has failed, or is late.
            Some(_) if waiting.len() > 0 => timeout(HEAD_START, trying.join_next()).await.ok().flatten(),
            _ => trying.join_next().await,
        };
        match tried {
            Some(Ok(Ok(stream))) => {
                // Bytes leave as they come. A socket that cannot do it still works.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Some(Ok(Err(error))) => last = plain(&error),
            Some(Err(error)) => last = error.to_string(),
            None if next.is_none() => return Err(DialError::Connect(authority.to_string(), last)),
            None => {}
        }
    }
}

const HEAD_START: Duration = Duration::from_millis(250);

/// An error's words without the system's number.
fn plain(error: &io::Error) -> String {
    let words = error.to_string();
    words.split(" (os error").next().unwrap_or(&words).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_address_that_refuses_is_followed_by_the_next() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let answers = listener.local_addr().unwrap();
        let authority = Authority { secure: false, host: "localhost".to_owned(), port: answers.port() };
        for addresses in [&[nobody, answers][..], &[answers, nobody], &[nobody, nobody, answers]] {
            let stream = connect_any(&authority, addresses).await.unwrap();
            assert_eq!(stream.peer_addr().unwrap(), answers);
        }
        let error = connect_any(&authority, &[nobody, nobody]).await.unwrap_err().to_string();
        assert!(error.contains("connection refused"), "{error}");
    }
}
