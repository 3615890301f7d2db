//! Reaching a server: its name, its port, its TLS; each timed, each failure said in one sentence.

mod http_connect;
mod no_proxy;
mod parent;
mod socket;
mod socks5;

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::StatusCode;
use tokio::net::{TcpStream, lookup_host};
use tokio::task::JoinSet;
use tokio::time::timeout;

pub use no_proxy::NoProxy;
pub use parent::{ParentProxy, ParentProxyError};

use super::guard::Own;
use super::page::{ELSEWHERE, is_own};
use super::proxy_protocol::{self, Addresses, ProxyProtocol};
use super::target::Authority;
use super::tls::{self, Connector, HTTP1, KeyLog, Protocol, Secured, ServerTls, TlsFault};
use super::transparent::Recent;
use super::transport::Transport;
use crate::capture::{Timing, Tls};

/// How servers are reached.
#[derive(Clone, Debug, Default)]
pub struct WayOut {
    /// The proxy that servers are reached through, if any. Those on Unix sockets are not.
    pub proxy: Option<ParentProxy>,
    /// Servers that are reached without it.
    pub no_proxy: NoProxy,
    /// The form of a header that names the client to the server, in front of all else; none for no header.
    pub header: Option<ProxyProtocol>,
}

/// Connects to servers.
pub(super) struct Dialler {
    /// Connections made just now, for listeners to which they might be redirected.
    pub(super) recent: Recent,
    way_out: WayOut,
    connector: Connector,
    own: Own,
}

/// A connection to a server.
pub(super) struct Dialled {
    pub(super) transport: Transport,
    pub(super) authority: Authority,
    pub(super) timing: Timing,
    /// What its TLS agreed on, and the client's where that is known.
    pub(super) tls: Option<Arc<Tls>>,
}

/// Why a server could not be reached. All are for the user's eyes, and name the server.
#[derive(Debug, thiserror::Error)]
pub(super) enum DialError {
    #[error("cannot find {0}: {1}; check the name")]
    Name(String, io::Error),
    #[error("cannot reach {0}: {1}; is the server running?")]
    Connect(String, String),
    #[error("cannot reach {0}: {1}")]
    Socket(String, String),
    #[error("cannot reach {server} through the proxy {proxy}: {why}")]
    Proxy { server: String, proxy: String, why: String },
    #[error("cannot reach {0}: no answer in {1:?}")]
    Timeout(String, Duration),
    #[error(
        "{0} is this proxy itself, listening on {1}: what is sent there would come back for ever; name the server behind it"
    )]
    Loop(String, SocketAddr),
    #[error("{ELSEWHERE}")]
    Page,
    #[error("TLS with {0} failed: {1}")]
    Tls(String, TlsFault),
}

impl DialError {
    /// What a client is answered that asked in HTTP.
    pub(super) fn status(&self) -> StatusCode {
        match self {
            DialError::Timeout(..) => StatusCode::GATEWAY_TIMEOUT,
            DialError::Page => StatusCode::NOT_FOUND,
            DialError::Loop(..) => StatusCode::LOOP_DETECTED,
            _ => StatusCode::BAD_GATEWAY,
        }
    }

    /// How far the server's TLS came.
    pub(super) fn tls(&self) -> Option<Arc<Tls>> {
        let DialError::Tls(_, fault) = self else { return None };
        Some(Arc::new(Tls { client: None, server: Some((*fault.leg).clone()) }))
    }
}

impl Dialled {
    /// Why the server left, where that is for the certificate of a client: with TLS 1.3 it does so after the handshake.
    pub(super) fn over_certificate(&self) -> Option<DialError> {
        let leg = self.tls.as_ref()?.server.as_ref()?;
        let why = tls::over_certificate(leg, Some(self.transport.alert()?))?;
        Some(DialError::Tls(self.authority.to_string(), TlsFault::new(why, leg.clone())))
    }
}

impl Dialler {
    pub(super) fn new(way_out: WayOut, tls: ServerTls, own: Own, key_log: Option<KeyLog>) -> Dialler {
        Dialler { way_out, connector: Connector::new(tls, key_log), own, recent: Recent::default() }
    }

    /// Connects to `authority` for the client of `addresses`, through TLS where it says so, within `limit`.
    pub(super) async fn dial(
        &self,
        authority: &Authority,
        addresses: Option<Addresses>,
        limit: Duration,
    ) -> Result<Dialled, DialError> {
        if is_own(authority) {
            return Err(DialError::Page);
        }
        timeout(limit, self.connect(authority, addresses)).await.unwrap_or_else(|_| {
            let through = self.proxy_for(authority).map(|proxy| format!(" through the proxy {proxy}"));
            Err(DialError::Timeout(format!("{authority}{}", through.unwrap_or_default()), limit))
        })
    }

    /// The proxy that this server is reached through.
    pub(super) fn proxy_for(&self, server: &Authority) -> Option<&ParentProxy> {
        let listed = server.socket.is_some() || self.way_out.no_proxy.covers(server.name(), server.port);
        self.way_out.proxy.as_ref().filter(|_| !listed)
    }

    async fn connect(&self, authority: &Authority, client: Option<Addresses>) -> Result<Dialled, DialError> {
        let mut timing = Timing::default();
        let mut transport = match (&authority.socket, self.proxy_for(authority)) {
            (Some(path), _) => {
                let begun = Instant::now();
                let stream = socket::connect(path).await;
                timing.tcp = Some(begun.elapsed());
                Transport::plain(stream.map_err(|why| DialError::Socket(authority.to_string(), why))?)
            }
            (None, Some(proxy)) => self.connect_through(proxy, authority, &mut timing).await?,
            (None, None) => Transport::tcp(self.connect_tcp(authority, &mut timing).await?),
        };
        if let Some(version) = self.way_out.header {
            // A server that has gone is found out when the request is sent.
            transport.tell(&proxy_protocol::header(version, client)).await;
        }
        let dialled = Dialled { transport, authority: authority.clone(), timing, tls: None };
        if authority.secure {
            self.secure(dialled, authority.name(), vec![HTTP1.to_vec()]).await
        } else {
            Ok(dialled)
        }
    }

    async fn connect_through(
        &self,
        proxy: &ParentProxy,
        server: &Authority,
        timing: &mut Timing,
    ) -> Result<Transport, DialError> {
        let failed = |why| DialError::Proxy { server: server.to_string(), proxy: proxy.to_string(), why };
        let begun = Instant::now();
        let address = match proxy.wants_addresses() {
            true => resolve(server).await?.first().copied(),
            false => None,
        };
        let looked_up = begun.elapsed();
        let stream = self.connect_tcp(&proxy.authority, timing).await.map_err(|error| match error {
            DialError::Name(_, error) => failed(format!("cannot find it: {error}; check its name")),
            DialError::Connect(_, why) => failed(format!("{why}; is it running?")),
            other => other,
        })?;
        timing.dns = timing.dns.map(|dns| dns + looked_up);
        let mut transport = Transport::tcp(stream);
        let begun = Instant::now();
        proxy.ask(&mut transport, server, address).await.map_err(failed)?;
        // The server is reached when the proxy says so.
        timing.tcp = timing.tcp.map(|tcp| tcp + begun.elapsed());
        Ok(transport)
    }

    async fn connect_tcp(&self, authority: &Authority, timing: &mut Timing) -> Result<TcpStream, DialError> {
        let begun = Instant::now();
        let (own, addresses): (Vec<_>, Vec<_>) =
            resolve(authority).await?.into_iter().partition(|address| self.own.is_at(*address));
        timing.dns = Some(begun.elapsed());
        let begun = Instant::now();
        // A name may stand for a server beside us as well, on the other loopback address.
        let stream = connect_any(authority, &addresses).await.map_err(|error| match own.first() {
            Some(address) => DialError::Loop(authority.to_string(), *address),
            None => error,
        })?;
        timing.tcp = Some(begun.elapsed());
        if let Ok(own) = stream.local_addr() {
            self.recent.add(own);
        }
        Ok(stream)
    }

    /// Speaks TLS over a connection, with the server called `host`, which may choose among what is `offered`.
    pub(super) async fn secure(
        &self,
        dialled: Dialled,
        host: &str,
        offered: Vec<Protocol>,
    ) -> Result<Dialled, DialError> {
        let Dialled { transport, mut authority, mut timing, .. } = dialled;
        let begun = Instant::now();
        let Secured { transport, leg } = self
            .connector
            .secure(host, offered, transport)
            .await
            .map_err(|fault| DialError::Tls(authority.to_string(), fault))?;
        timing.tls = Some(begun.elapsed());
        authority.secure = true;
        let tls = Some(Arc::new(Tls { client: None, server: Some(leg) }));
        Ok(Dialled { transport, authority, timing, tls })
    }
}

async fn resolve(authority: &Authority) -> Result<Vec<SocketAddr>, DialError> {
    if let Ok(address) = authority.host.parse() {
        return Ok(vec![SocketAddr::new(address, authority.port)]);
    }
    if is_this_machine(&authority.host) {
        let both: [IpAddr; 2] = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
        return Ok(both.map(|ip| SocketAddr::new(ip, authority.port)).to_vec());
    }
    let found = lookup_host((authority.host.as_str(), authority.port)).await;
    let addresses: Vec<_> = found.map_err(|error| DialError::Name(authority.host.clone(), error))?.collect();
    if addresses.is_empty() {
        let nothing = io::Error::new(io::ErrorKind::NotFound, "it has no address");
        return Err(DialError::Name(authority.host.clone(), nothing));
    }
    Ok(addresses)
}

/// Whether a host is one below `localhost`, which is this machine whatever a resolver knows (RFC 6761 6.3). By such a name
/// a client that keeps loopback from its proxy, as Go's does, still comes through.
fn is_this_machine(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host).as_bytes();
    host.len() > BELOW.len() && host[host.len() - BELOW.len()..].eq_ignore_ascii_case(BELOW)
}

const BELOW: &[u8] = b".localhost";

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
    async fn a_name_below_localhost_is_this_machine() {
        for host in ["app.localhost", "a.b.LocalHost."] {
            let addresses = resolve(&Authority::new(host.to_owned(), 80)).await.unwrap();
            assert_eq!(addresses, ["127.0.0.1:80".parse().unwrap(), "[::1]:80".parse().unwrap()], "{host}");
        }
        assert!(!is_this_machine(".localhost") && !is_this_machine("localhost.example"));
        assert!(!is_this_machine("notlocalhost"));
    }

    #[tokio::test]
    async fn an_address_that_refuses_is_followed_by_the_next() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let answers = listener.local_addr().unwrap();
        let authority = Authority::new("localhost".to_owned(), answers.port());
        for addresses in [&[nobody, answers][..], &[answers, nobody], &[nobody, nobody, answers]] {
            let stream = connect_any(&authority, addresses).await.unwrap();
            assert_eq!(stream.peer_addr().unwrap(), answers);
        }
        let error = connect_any(&authority, &[nobody, nobody]).await.unwrap_err().to_string();
        assert!(error.contains("connection refused"), "{error}");
    }
}
