//! Opens a client's TLS: reads whom it wants, reaches that server first, then answers with a certificate of our own.

mod hello;
mod pattern;

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use rustls::ServerConfig;
use rustls::sign::SingleCertAndKey;
use tokio::time::timeout;
use tokio_rustls::server::StartHandshake;

use super::ca::{CaError, CertAuthority};
use super::certificate::Chains;
use super::dial::{DialError, Dialled};
use super::drive::Drive;
use super::mode::Speech;
use super::serve::{Route, Serving};
use super::target::Authority;
use super::tls::{self, HTTP1, Protocol};
use super::transport::Transport;
use super::tunnel::Inside;
use crate::capture::{Certificate, Leg, Tls};
use hello::Hello;
use pattern::matches;

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
    chains: Chains,
    answers: Mutex<HashMap<(String, Option<Protocol>), Answer>>,
}

/// What a client is answered with.
#[derive(Clone)]
struct Answer {
    config: Arc<ServerConfig>,
    /// The certificates in it.
    chain: Arc<[Certificate]>,
}

impl Opener {
    pub(super) fn new(settings: Opening) -> Opener {
        Opener { settings, chains: Chains::default(), answers: Mutex::default() }
    }

    /// Who signs what clients get.
    pub(super) fn authority(&self) -> &CertAuthority {
        &self.settings.authority
    }

    fn leaves_closed(&self, host: &str) -> bool {
        self.settings.passthrough.iter().any(|pattern| matches(pattern, host))
    }

    /// What a client that wants `host` is answered with, where `chosen` is what will be spoken inside.
    fn answer(&self, host: &str, chosen: Option<Protocol>) -> Result<Answer, CaError> {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = (host.to_owned(), chosen);
        if let Some(answer) = answers.get(&wanted) {
            return Ok(answer.clone());
        }
        let leaf = self.settings.authority.leaf(host)?;
        let chain = self.chains.read(&leaf.cert);
        let mut config = ServerConfig::builder_with_provider(tls::provider())
            .with_safe_default_protocol_versions()
            .expect("ring has suites for TLS 1.2 and 1.3")
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(SingleCertAndKey::from((*leaf).clone())));
        config.alpn_protocols = wanted.1.iter().cloned().collect();
        if answers.len() >= MOST_ANSWERS {
            answers.clear();
        }
        let answer = Answer { config: Arc::new(config), chain };
        answers.insert(wanted, answer.clone());
        Ok(answer)
    }
}

const MOST_ANSWERS: usize = 1_000;

impl Serving {
    /// Opens the TLS that `client` has begun to speak; `server` is connected already where a tunnel was asked for.
    pub(super) async fn open(
        mut self,
        mut client: Transport,
        authority: Authority,
        server: Option<Dialled>,
    ) -> Option<Drive> {
        let shared = Arc::clone(&self.shared);
        let hello = timeout(shared.handshake_limit, Hello::read(&mut client)).await;
        let hello = match hello.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
            Ok(hello) => hello,
            Err(error) => {
                self.note(format!(
                    "{} began TLS to {authority}, but not as it is spoken: {error}",
                    self.from
                ));
                return None;
            }
        };
        let asked = hello.server_name();
        let host = asked.clone().unwrap_or_else(|| authority.name().to_owned());
        let opener = shared.opener.as_ref().filter(|opener| !opener.leaves_closed(&host));
        let Some(opener) = opener else {
            client.rewind(hello.bytes);
            let server = self.reach(&authority, server).await.ok()?;
            return self.opaque(client, server, "TLS, left closed");
        };
        // The server first: what is wrong with it is what the client is to hear, and what it chooses is what the
        // client gets.
        let mut server = self.reach_inside(&authority, server, &hello).await;
        let shown = match (asked, &self.route) {
            (Some(name), _) => name,
            // It asked for an address, which is the listener's.
            (None, Route::Reverse(_)) => client.local_host().unwrap_or(host),
            (None, _) => host,
        };
        let client = match self.answer(opener, &shown, client, hello, &server).await {
            Ok((client, leg)) => {
                self.client_leg = Some(leg);
                client
            }
            Err((why, leg)) => {
                self.client_leg = Some(leg);
                let mut tls = known(&server);
                self.join(&mut tls);
                let url = Authority { secure: true, ..authority }.http_url("");
                self.failed(self.mode, url, &why, tls);
                return None;
            }
        };
        if !matches!(self.route, Route::Reverse(_)) {
            self.route = Route::Tunnel(Authority { secure: true, ..authority });
        }
        if let Ok(server) = &mut server {
            self.join(&mut server.tls);
        }
        match server {
            Ok(server) => self.opened(client, server).await,
            Err(error) => {
                self.unreached = Some(error);
                self.run(client).await
            }
        }
    }

    /// The connection that the client's bytes go to as they are.
    async fn reach(&self, authority: &Authority, server: Option<Dialled>) -> Result<Dialled, DialError> {
        match server {
            Some(server) => Ok(server),
            None => self.dial(&Authority { secure: false, ..authority.clone() }).await,
        }
    }

    /// The connection that what is inside the client's TLS goes to.
    async fn reach_inside(
        &self,
        authority: &Authority,
        server: Option<Dialled>,
        hello: &Hello,
    ) -> Result<Dialled, DialError> {
        // A tunnel that was asked for leads to wherever the client wants TLS. In reverse mode, the user has said
        // what the server speaks and what it is called.
        let tunnelled = server.is_some() || !matches!(self.route, Route::Reverse(_));
        let name = hello.server_name().filter(|_| tunnelled);
        let server = self.reach(authority, server).await?;
        if tunnelled || authority.secure {
            self.secure(server, name.as_deref().unwrap_or(authority.name()), spoken(hello.offered())).await
        } else {
            Ok(server)
        }
    }

    /// Answers a client with a leaf for `host`.
    async fn answer(
        &self,
        opener: &Opener,
        host: &str,
        client: Transport,
        hello: Hello,
        server: &Result<Dialled, DialError>,
    ) -> Result<(Transport, Leg), (String, Leg)> {
        let offered = hello.offered();
        let mut leg =
            Leg { server_name: hello.server_name(), offered: tls::names(&offered), ..Leg::default() };
        let chosen = match server.as_ref().map(|server| server.tls.as_ref()) {
            // As the server chose.
            Ok(Some(tls)) => {
                tls.server.as_ref().and_then(|server| server.alpn.clone()).map(String::into_bytes)
            }
            _ => offered.into_iter().find(|protocol| protocol == HTTP1),
        };
        let answer = match opener.answer(host, chosen) {
            Ok(answer) => answer,
            Err(error) => return Err((error.to_string(), leg)),
        };
        leg.chain = answer.chain;
        let Ok(socket) = client.into_socket() else {
            return Err(("TLS within TLS is not opened".to_owned(), leg));
        };
        let begun = Instant::now();
        let accepting = StartHandshake::from_parts(hello.accepted, socket).into_stream(answer.config);
        let accepted = timeout(self.shared.handshake_limit, accepting).await;
        match accepted.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
            Ok(stream) => {
                leg.took = Some(begun.elapsed());
                tls::agreed(&mut leg, stream.get_ref().1);
                Ok((Transport::tls_to_client(stream), leg))
            }
            Err(error) => Err((tls::of_client(&error), leg)),
        }
    }

    async fn opened(mut self, mut client: Transport, mut server: Dialled) -> Option<Drive> {
        match self.first_inside(&mut client, &mut server.transport).await {
            Inside::Client(Speech::Http) => {
                self.server = Some(server);
                self.run(client).await
            }
            _ => self.opaque(client, server, "inside TLS, neither HTTP nor WebSocket"),
        }
    }
}

/// What is offered to a server for a client that offers this.
fn spoken(offered: Vec<Protocol>) -> Vec<Protocol> {
    offered.into_iter().filter(|protocol| protocol == HTTP1).collect()
}

/// What is known of a server's TLS, also where it failed.
fn known(server: &Result<Dialled, DialError>) -> Option<Arc<Tls>> {
    match server {
        Ok(server) => server.tls.clone(),
        Err(error) => error.tls(),
    }
}
