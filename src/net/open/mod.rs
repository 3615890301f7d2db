//! Opens a client's TLS: reads whom it wants, reaches that server first, then answers with a certificate of our own.

mod entrance;
mod hello;
mod pattern;

use std::collections::{HashMap, HashSet};
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

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
use super::tls::{self, HTTP1, HTTP2, KeyLog, Protocol, Refusal};
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
    /// What becomes of a host whose client has refused its certificate.
    pub afterwards: Afterwards,
    /// What becomes of clients that speak no TLS to the listener.
    pub clear: Clear,
}

/// What becomes of a client that speaks to a listener in the clear.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Clear {
    /// It is served like those that speak TLS.
    #[default]
    Served,
    /// It is refused, and told so.
    Refused,
}

/// What becomes of a host's TLS after a client has refused the certificate that it was shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Afterwards {
    /// It is opened all the same: the client may have learnt to trust.
    #[default]
    Opened,
    /// It is left closed, so that what trusts nobody else works.
    Closed,
}

impl Opening {
    /// Opens the TLS of all hosts.
    pub fn new(authority: Arc<CertAuthority>) -> Opening {
        Opening {
            authority,
            passthrough: Vec::new(),
            afterwards: Afterwards::default(),
            clear: Clear::default(),
        }
    }
}

/// The same, at work.
pub(super) struct Opener {
    settings: Opening,
    key_log: Option<KeyLog>,
    chains: Chains,
    answers: Mutex<HashMap<(String, Option<Protocol>), Answer>>,
    /// Hosts that are left closed since a client refused our certificate.
    refused: Mutex<HashSet<String>>,
}

/// What a client is answered with.
#[derive(Clone)]
struct Answer {
    config: Arc<ServerConfig>,
    /// The certificates in it.
    chain: Arc<[Certificate]>,
}

impl Opener {
    pub(super) fn new(settings: Opening, key_log: Option<KeyLog>) -> Opener {
        Opener {
            settings,
            key_log,
            chains: Chains::default(),
            answers: Mutex::default(),
            refused: Mutex::default(),
        }
    }

    /// Who signs what clients get.
    pub(super) fn authority(&self) -> &CertAuthority {
        &self.settings.authority
    }

    /// Why the TLS to `host` is not to be opened; none where it is.
    fn leaves_closed(&self, host: &str) -> Option<&'static str> {
        if self.settings.passthrough.iter().any(|pattern| matches(pattern, host)) {
            return Some("TLS, left closed");
        }
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        refused.contains(host).then_some("TLS, left closed since a client refused our certificate")
    }

    /// What becomes of clients that speak no TLS to the listener.
    pub(super) fn clear(&self) -> Clear {
        self.settings.clear
    }

    /// Takes note of a client that refused our certificate for `host`; says what follows from it.
    fn refused(&self, host: &str) -> String {
        if self.settings.afterwards == Afterwards::Opened {
            return format!("; --tls-passthrough {host} leaves its TLS closed");
        }
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        if refused.len() < MOST_REFUSED {
            refused.insert(host.to_owned());
        }
        format!("; TLS to {host} is left closed from its next connection on")
    }

    /// What a client that wants `host` is answered with, where `chosen` is what will be spoken inside.
    async fn answer(&self, host: &str, chosen: Option<Protocol>) -> Result<Answer, CaError> {
        let wanted = (host.to_owned(), chosen);
        let answers = || self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(answer) = answers().get(&wanted) {
            return Ok(answer.clone());
        }
        let leaf = self.settings.authority.leaf(host).await?;
        let chain = self.chains.read(&leaf.cert);
        let mut config = ServerConfig::builder_with_provider(tls::provider())
            .with_safe_default_protocol_versions()
            .expect("ring has suites for TLS 1.2 and 1.3")
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(SingleCertAndKey::from((*leaf).clone())));
        if let Some(key_log) = &self.key_log {
            config.key_log = Arc::new(key_log.clone());
        }
        config.alpn_protocols = wanted.1.iter().cloned().collect();
        let answer = Answer { config: Arc::new(config), chain };
        let mut answers = answers();
        if answers.len() >= MOST_ANSWERS {
            answers.clear();
        }
        answers.insert(wanted, answer.clone());
        Ok(answer)
    }
}

const MOST_ANSWERS: usize = 1_000;
const MOST_REFUSED: usize = 10_000;
/// How soon a client hangs up that does not like our certificate.
const AT_ONCE: Duration = Duration::from_secs(1);

impl Serving {
    /// Opens the TLS that `client` has begun to speak; `server` is connected already where a tunnel was asked for.
    pub(super) async fn open(
        mut self,
        mut client: Transport,
        authority: Authority,
        server: Option<Dialled>,
    ) -> Option<Drive> {
        let shared = Arc::clone(&self.shared);
        let hello = match self.hello(&mut client).await {
            Ok(hello) => hello,
            Err(error) => {
                self.note(format!(
                    "{} began TLS to {authority}, but not as it is spoken: {error}",
                    self.from
                ));
                return None;
            }
        };
        let opener = shared.opener.as_ref()?;
        let host = hello.server_name().unwrap_or_else(|| authority.name().to_owned());
        if let Some(why) = self.leaves_closed(opener, &host, &hello) {
            client.rewind(hello.bytes);
            return match self.reach(&authority, server).await {
                Ok(server) => self.opaque(client, server, why),
                Err(error) => {
                    let url = Authority { secure: true, ..authority }.http_url("");
                    self.failed(self.mode, url, &error.to_string(), None);
                    None
                }
            };
        }
        // The server first: what is wrong with it is what the client is to hear, and what it chooses is what the
        // client gets.
        let mut server = self.reach_inside(&authority, server, &hello).await;
        let known_leg = server.as_ref().ok().and_then(|server| server.tls.as_ref()?.server.as_ref());
        let answered = self.answer(opener, &host, client, hello, known_leg).await;
        self.tell_key_log();
        let client = match answered {
            Ok(client) => client,
            Err(refusal) => {
                self.refused(opener, &authority, &host, refusal, known(&server));
                return None;
            }
        };
        if let Ok(server) = &mut server {
            self.join(&mut server.tls);
        }
        let within = match self.route {
            Route::Reverse(_) => self.route.clone(),
            _ => Route::Tunnel(Authority { secure: true, ..authority }),
        };
        self.route = within;
        match server {
            Ok(server) => self.opened(&host, client, server).await,
            Err(error) => {
                self.unreached = Some(error);
                self.run(client).await
            }
        }
    }

    /// Why the TLS to `host` is not to be opened; none where it is.
    fn leaves_closed(&self, opener: &Opener, host: &str, hello: &Hello) -> Option<&'static str> {
        let offered = hello.offered();
        // In reverse mode nobody else can answer the client.
        let http2 = !offered.is_empty() && spoken(&offered).is_empty() && !self.is_reverse();
        opener.leaves_closed(host).or(http2.then_some(HTTP2_ALONE))
    }

    async fn hello(&self, client: &mut Transport) -> io::Result<Hello> {
        let hello = timeout(self.shared.handshake_limit, Hello::read(client)).await;
        hello.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }

    fn is_reverse(&self) -> bool {
        matches!(self.route, Route::Reverse(_))
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
        let tunnelled = !self.is_reverse();
        let name = hello.server_name().filter(|_| tunnelled);
        let server = self.reach(authority, server).await?;
        if tunnelled || authority.secure {
            self.secure(server, name.as_deref().unwrap_or(authority.name()), spoken(&hello.offered())).await
        } else {
            Ok(server)
        }
    }

    /// Answers a client with a leaf for `host`.
    async fn answer(
        &mut self,
        opener: &Opener,
        host: &str,
        client: Transport,
        hello: Hello,
        known: Option<&Leg>,
    ) -> Result<Transport, Refusal> {
        let offered = hello.offered();
        let name = hello.server_name();
        let shown = match (&name, self.is_reverse()) {
            // It asked for an address, and that is the listener's.
            (None, true) => client.local_host(),
            _ => None,
        };
        let chosen = match known {
            // As the server chose.
            Some(leg) => leg.alpn.clone().map(String::into_bytes),
            // Who offers HTTP/2 alone is told that it is not spoken.
            None => {
                offered.iter().any(|protocol| protocol == HTTP1 || protocol == HTTP2).then(|| HTTP1.to_vec())
            }
        };
        let leg = self.client_leg.insert(Leg {
            server_name: name,
            offered: tls::names(&offered),
            ..Leg::default()
        });
        let answer = opener.answer(shown.as_deref().unwrap_or(host), chosen).await;
        let answer = answer.map_err(|error| Refusal::Other(error.to_string()))?;
        leg.chain = answer.chain;
        let socket = client.into_socket();
        let begun = Instant::now();
        let start = StartHandshake::from_parts(hello.accepted, socket);
        // It begins as it is made, not as it is waited for.
        let accepting = async { start.into_stream(answer.config).await };
        let title =
            self.shared.key_log.as_ref().map(|_| format!("client leg, {} -> sockeye, {host}", self.from));
        let accepting = tls::observed(title, accepting);
        let accepted = timeout(self.shared.handshake_limit, accepting).await.map(|(accepted, _)| accepted);
        let accepted = accepted.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        let stream = accepted.map_err(|error| tls::of_client(&error))?;
        leg.took = Some(begun.elapsed());
        tls::agreed(leg, stream.get_ref().1);
        Ok(Transport::tls_to_client(stream))
    }

    async fn opened(mut self, host: &str, mut client: Transport, mut server: Dialled) -> Option<Drive> {
        let begun = Instant::now();
        match self.first_inside(&mut client, &mut server.transport).await {
            Inside::Client(Speech::Http) => {
                self.server = Some(server);
                self.run(client).await
            }
            Inside::ClientLeft => {
                // Some finish the handshake before they look at the certificate.
                let refusal = match client.alert() {
                    Some(alert) => tls::of_alert(alert),
                    None if begun.elapsed() < AT_ONCE => tls::hung_up(),
                    None => Refusal::Other("the client left without a word".to_owned()),
                };
                let shared = Arc::clone(&self.shared);
                let authority = server.authority.clone();
                self.refused(shared.opener.as_ref()?, &authority, host, refusal, server.tls.clone());
                server.transport.say(b"").await;
                None
            }
            Inside::ServerLeft if server.over_certificate().is_some() => {
                self.unreached = server.over_certificate();
                self.run(client).await
            }
            _ => self.opaque(client, server, "inside TLS, neither HTTP nor WebSocket"),
        }
    }

    /// Tells of a client that broke off.
    fn refused(
        &self,
        opener: &Opener,
        authority: &Authority,
        host: &str,
        refusal: Refusal,
        mut tls: Option<Arc<Tls>>,
    ) {
        let why = match refusal {
            Refusal::Certificate(why) if self.is_reverse() => why,
            Refusal::Certificate(why) => why + &opener.refused(host),
            Refusal::Other(why) => why,
        };
        self.join(&mut tls);
        let url = Authority { secure: true, ..authority.clone() }.http_url("");
        self.failed(self.mode, url, &why, tls);
    }
}

const HTTP2_ALONE: &str =
    "TLS, left closed: the client speaks HTTP/2 alone, which is not spoken here yet; HTTP/1.1 is read";

/// What is offered to a server for a client that offers this: what is not read here is relayed, but HTTP/2 would be
/// taken for something else.
fn spoken(offered: &[Protocol]) -> Vec<Protocol> {
    offered.iter().filter(|protocol| *protocol != HTTP2).cloned().collect()
}

/// What is known of a server's TLS, also where it failed.
fn known(server: &Result<Dialled, DialError>) -> Option<Arc<Tls>> {
    match server {
        Ok(server) => server.tls.clone(),
        Err(error) => error.tls(),
    }
}
