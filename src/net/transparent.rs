//! Connections that the kernel redirected here: where each of them was going.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::net::TcpStream;

use super::drive::Drive;
use super::mode::{Speech, first_words};
use super::serve::{Route, Serving};
use super::target::Authority;
use super::transport::Transport;
use crate::capture::Mode;

/// Why a connection is not served that came straight to a transparent listener.
const NOT_REDIRECTED: &str = "this listener takes connections that the system redirects to it, and this one was sent to \
    it directly: docs/transparent.md has the lines that redirect";

/// Why one of the proxy's own connections is not served.
const CAME_BACK: &str = "the proxy's own connection was redirected back to it: leave its user out of what is redirected, \
    as docs/transparent.md tells";

/// Where a connection was going that came to `listener` and now ends at `local`; `original` is what the kernel
/// remembers of a redirected one. None where it was meant for the listener.
fn destination(local: SocketAddr, original: Option<SocketAddr>, listener: SocketAddr) -> Option<SocketAddr> {
    // With TPROXY, nothing was rewritten: the connection's own end is where it was going.
    let destination = original.unwrap_or(local);
    let at_listener = local.port() == listener.port()
        && (listener.ip().is_unspecified() || listener.ip().to_canonical() == local.ip());
    (destination != local || !at_listener).then_some(destination)
}

/// What the kernel remembers of a connection that was redirected by REDIRECT or DNAT.
#[cfg(target_os = "linux")]
fn original(stream: &TcpStream, local: SocketAddr) -> Option<SocketAddr> {
    let socket = socket2::SockRef::from(stream);
    let original = if local.is_ipv4() { socket.original_dst_v4() } else { socket.original_dst_v6() };
    original.ok()?.as_socket()
}

#[cfg(not(target_os = "linux"))]
fn original(_: &TcpStream, _: SocketAddr) -> Option<SocketAddr> {
    None
}

impl Serving {
    /// Serves a connection that came to a transparent listener at `listener`.
    pub(super) async fn transparent(mut self, client: TcpStream, listener: SocketAddr) -> Option<Drive> {
        self.mode = Mode::Transparent;
        let mut addresses = self.addresses?;
        let original = original(&client, addresses.destination);
        let going = destination(addresses.destination, original, listener);
        let client = Transport::tcp(client);
        let Some(destination) = going else { return self.refuse(client, NOT_REDIRECTED).await };
        addresses.destination = destination;
        self.addresses = Some(addresses);
        let authority = Authority {
            secure: false,
            host: destination.ip().to_string(),
            port: destination.port(),
            socket: None,
        };
        self.route = Route::Tunnel(authority.clone());
        // It may have come before the proxy has heard that its own connection was made: that comes first.
        for _ in 0..3 {
            tokio::task::yield_now().await;
        }
        if self.shared.dialler.recent.has(addresses.source) {
            return self.refuse(client, CAME_BACK).await;
        }
        // The server may be who speaks first.
        let server = self.dial(&authority).await;
        // Only now is it sure that a connection of our own is among the recent ones.
        if self.shared.dialler.recent.has(addresses.source) {
            return self.refuse(client, CAME_BACK).await;
        }
        match server {
            Ok(server) => self.through(client, server).await,
            Err(error) => self.unreached(client, authority, error).await,
        }
    }

    /// Tells a client in its own way that its server cannot be reached.
    async fn unreached(
        mut self,
        mut client: Transport,
        authority: Authority,
        error: super::dial::DialError,
    ) -> Option<Drive> {
        let mut words = Vec::new();
        let speech = first_words(&mut client, &mut words).await;
        client.rewind(words.into());
        match speech {
            Ok(Some(Speech::Http)) => {
                self.unreached = Some(error);
                return self.run(client).await;
            }
            Ok(Some(Speech::Tls)) if self.shared.opener.is_some() => {
                return self.open(client, authority, None).await;
            }
            _ => {}
        }
        self.failed(self.mode, authority.http_url(""), &error.to_string(), None);
        client.reset();
        None
    }

    async fn refuse(self, mut client: Transport, why: &str) -> Option<Drive> {
        self.note(format!("a connection from {} was refused: {why}", self.from));
        let mut words = Vec::new();
        if let Ok(Some(Speech::Http)) = first_words(&mut client, &mut words).await {
            client.tell(&super::serve::written(http::StatusCode::LOOP_DETECTED, why)).await;
            client.linger().await;
        } else {
            client.reset();
        }
        None
    }

    /// What a redirected client calls its server: it knows it by name, the kernel by address.
    pub(super) fn called(
        &self,
        authority: &Authority,
        host: Option<&http::HeaderValue>,
    ) -> Option<Authority> {
        let host = host.filter(|_| self.mode == Mode::Transparent)?;
        Authority::parse(host.to_str().ok()?, authority.secure)
    }
}

/// The proxy's own ends of connections that it made a moment ago: by them it knows one that comes back to it.
#[derive(Default)]
pub(super) struct Recent(Mutex<VecDeque<(Instant, SocketAddr)>>);

impl Recent {
    /// Long enough for a connection to come back, and too short for its port to be another's.
    const KEPT: Duration = Duration::from_secs(2);
    const MOST: usize = 1_000;

    /// Remembers a connection that was made just now.
    pub(super) fn add(&self, own: SocketAddr) {
        let now = Instant::now();
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while all.len() >= Recent::MOST || all.front().is_some_and(|(made, _)| now - *made > Recent::KEPT) {
            all.pop_front();
        }
        all.push_back((now, own));
    }

    /// Whether a connection from `source` is one of them.
    pub(super) fn has(&self, source: SocketAddr) -> bool {
        let now = Instant::now();
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().any(|(made, own)| *own == source && now - *made <= Recent::KEPT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(local: &str, original: Option<&str>, listener: &str, expected: Option<&str>) {
        let address = |text: &str| text.parse::<SocketAddr>().unwrap();
        let found = destination(address(local), original.map(address), address(listener));
        assert_eq!(found, expected.map(address));
    }

    #[test]
    fn where_a_connection_was_going() {
        // REDIRECT, and DNAT to another machine's proxy.
        check("127.0.0.1:8080", Some("192.0.2.1:80"), "127.0.0.1:8080", Some("192.0.2.1:80"));
        check("10.0.0.1:8080", Some("192.0.2.1:8080"), "0.0.0.0:8080", Some("192.0.2.1:8080"));
        check("[::1]:8080", Some("[2001:db8::1]:443"), "[::1]:8080", Some("[2001:db8::1]:443"));
        // TPROXY.
        check("192.0.2.1:80", None, "0.0.0.0:8080", Some("192.0.2.1:80"));
        check("192.0.2.1:8080", None, "127.0.0.1:8080", Some("192.0.2.1:8080"));
    }

    #[test]
    fn one_that_was_not_redirected_is_known() {
        check("127.0.0.1:8080", None, "127.0.0.1:8080", None);
        check("127.0.0.1:8080", Some("127.0.0.1:8080"), "127.0.0.1:8080", None);
        check("10.0.0.1:8080", Some("10.0.0.1:8080"), "0.0.0.0:8080", None);
        check("[::1]:8080", None, "[::]:8080", None);
    }

    #[test]
    fn recent_connections_are_known_by_their_own_ends() {
        let recent = Recent::default();
        let [own, other] = ["192.0.2.1:1", "192.0.2.1:2"].map(|address| address.parse().unwrap());
        recent.add(own);
        assert!(recent.has(own) && !recent.has(other));
        for _ in 0..Recent::MOST {
            recent.add(other);
        }
        assert!(!recent.has(own), "memory is bounded");
    }
}
