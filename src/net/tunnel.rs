//! Tunnels that a client asks for: CONNECT and SOCKS5. What it speaks inside decides what they become.

use std::io;
use std::sync::Arc;
use std::task::Poll;

use http::StatusCode;
use tokio::time::timeout;

use super::accept::Asked;
use super::dial::Dialled;
use super::drive::{Drive, Watch};
use super::mode::{Speech, first_words};
use super::page::is_here;
use super::serve::{Route, Serving, plain};
use super::socks5::{self, Reply};
use super::target::Authority;
use super::transport::Transport;
use crate::capture::{Event, Exchange, Mode, Note, Tls, Tunnel};

impl Serving {
    /// Has a CONNECT done: the server is dialled before the client is told that it may go on.
    pub(super) async fn connect(mut self, asked: Asked) -> Option<Drive> {
        let named = asked.parts.uri.authority().map(|authority| authority.as_str());
        let named = named.filter(|name| name.rsplit(']').next().is_some_and(|rest| rest.contains(':')));
        let Some(authority) = named.and_then(|name| Authority::parse(name, false)) else {
            asked.answer(plain(StatusCode::BAD_REQUEST, "CONNECT wants host:port")).await;
            return None;
        };
        if is_here(&authority) {
            let mut client = asked.take_over();
            self.mode = Mode::Connect;
            self.route = Route::Own;
            return if client.tell(ESTABLISHED).await { self.run(client).await } else { None };
        }
        match self.dial(&authority).await {
            Ok(server) => {
                let mut client = asked.take_over();
                self.mode = Mode::Connect;
                if client.tell(ESTABLISHED).await {
                    return self.through(client, server).await;
                }
            }
            Err(error) => {
                self.not_connected(Mode::Connect, &authority, &error.to_string());
                asked.answer(plain(error.status(), &error.to_string())).await;
            }
        }
        None
    }

    /// Has a SOCKS5 client connected.
    pub(super) async fn socks5(mut self, mut client: Transport) -> Option<Drive> {
        self.mode = Mode::Socks5;
        let asked = timeout(self.shared.limits.head, socks5::accept(&mut client, self.shared.auth.as_ref()));
        let late = |_| Err(io::Error::other("it did not say in time where it wants to go"));
        let authority = match asked.await.unwrap_or_else(late) {
            Ok(authority) => authority,
            Err(error) => {
                let time = self.shared.tap.log().now();
                let text = format!("a SOCKS5 client at {} was not served: {error}", self.from);
                self.shared.tap.event(Event::Note(Note { time, flow: None, text }));
                client.linger().await;
                return None;
            }
        };
        if is_here(&authority) {
            self.route = Route::Own;
            let told = socks5::reply(&mut client, Reply::Succeeded).await;
            return if told.is_ok() { self.run(client).await } else { None };
        }
        match self.dial(&authority).await {
            Ok(server) => {
                if socks5::reply(&mut client, Reply::Succeeded).await.is_ok() {
                    return self.through(client, server).await;
                }
            }
            Err(error) => {
                self.not_connected(Mode::Socks5, &authority, &error.to_string());
                // A client that has gone needs no reply.
                let _ = socks5::reply(&mut client, Reply::to(&error)).await;
            }
        }
        None
    }

    /// Goes by what is said first inside the tunnel, by either side.
    pub(super) async fn through(mut self, mut client: Transport, mut server: Dialled) -> Option<Drive> {
        let why = match self.first_inside(&mut client, &mut server.transport).await {
            Inside::Client(Speech::Http) => {
                self.route = Route::Tunnel(server.authority.clone());
                self.server = Some(server);
                return self.run(client).await;
            }
            Inside::Client(Speech::Tls) if self.shared.opener.is_some() => {
                let authority = server.authority.clone();
                return self.open(client, authority, Some(server)).await;
            }
            Inside::Client(Speech::Tls) => NOT_OPENED,
            Inside::Client(_) => "neither HTTP nor WebSocket",
            Inside::Server => "the server spoke first",
            Inside::ClientLeft | Inside::ServerLeft => "nothing was said",
        };
        self.opaque(client, server, why)
    }

    /// Relays without reading, and lists it; not past a password that cannot be asked for.
    pub(super) fn opaque(self, client: Transport, mut server: Dialled, why: &str) -> Option<Drive> {
        if self.is_locked_unread() {
            self.note(format!(
                "{} did not say the user and password of --auth, and was closed: only HTTP can ({why})",
                self.from
            ));
            return None;
        }
        self.join(&mut server.tls);
        let session = self.shared.tap.next_session();
        let server_address = server.transport.peer_name();
        let proxy = self.shared.dialler.proxy_for(&server.authority);
        let through = proxy.map(|proxy| format!("; through the proxy {proxy}")).unwrap_or_default();
        let drive = self.drive(client, server.transport, session, Watch::Octets);
        self.shared.tap.event(Event::Tunnel(Tunnel {
            session,
            time: self.shared.tap.log().now(),
            mode: Some(self.mode),
            target: server.authority.to_string(),
            client: self.from.clone(),
            server: server_address,
            why: format!("{why}{through}"),
            tls: server.tls,
        }));
        Some(drive)
    }

    pub(super) async fn first_inside(&self, client: &mut Transport, server: &mut Transport) -> Inside {
        let mut words = Vec::new();
        let mut spoken = vec![0; 4096];
        let mut count = 0;
        let inside = {
            let mut first = std::pin::pin!(first_words(client, &mut words));
            std::future::poll_fn(|context| {
                if let Poll::Ready(speech) = first.as_mut().poll(context) {
                    return Poll::Ready(match speech {
                        Ok(Some(speech)) => Inside::Client(speech),
                        Ok(None) | Err(_) => Inside::ClientLeft,
                    });
                }
                server.poll_read_into(context, &mut spoken).map(|read| {
                    count = read.unwrap_or(0);
                    if count > 0 { Inside::Server } else { Inside::ServerLeft }
                })
            })
            .await
        };
        // Whoever spoke first, and whatever the other had begun to say: all of it is to be relayed.
        client.rewind(words.into());
        spoken.truncate(count);
        server.rewind(spoken.into());
        inside
    }

    fn not_connected(&self, mode: Mode, authority: &Authority, why: &str) {
        self.failed(mode, authority.http_url(""), why, None);
    }

    /// Tells of a connection that came to nothing before a request.
    pub(super) fn failed(&self, mode: Mode, url: String, why: &str, tls: Option<Arc<Tls>>) {
        let tap = &self.shared.tap;
        let time = tap.log().now();
        tap.event(Event::Exchanged(Exchange {
            exchange: tap.next_exchange(),
            time,
            ended: Some(time),
            mode: Some(mode),
            url,
            client: self.from.clone(),
            error: Some(why.to_owned()),
            tls,
            ..Exchange::default()
        }));
    }
}

/// What a client is told whose tunnel there is.
const ESTABLISHED: &[u8] = b"HTTP/1.1 200 Connection established\r\n\r\n";

/// Why TLS is relayed unread where there is nothing to open it with.
pub(super) const NOT_OPENED: &str = "TLS, not opened: `sockeye ca install-help` says how it is";

/// Who said what first.
pub(super) enum Inside {
    Client(Speech),
    Server,
    /// The client ended its connection without a word.
    ClientLeft,
    /// The server did.
    ServerLeft,
}
