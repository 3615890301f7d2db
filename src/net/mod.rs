//! Sockets: listening, telling modes apart, HTTP beside WebSockets, and driving the relay.
//!
//! The route of a connection: `entrance` listens, `listener` takes it in, `mode` tells by its first bytes what it speaks, `serve` has
//! its requests answered one after the other (`accept`: hyper reads each; `dial` reaches the server; `edit` changes
//! the few lines that must change; `exchange` carries both messages), and where an answer is 101, `drive` moves the
//! session's bytes until the end. CONNECT and SOCKS5 come in through `tunnel`. `report` tells the log.

mod accept;
mod ca;
mod certificate;
mod dial;
mod door;
mod drive;
mod edit;
mod endpoint;
mod entrance;
mod exchange;
mod framing;
mod guard;
pub mod install;
mod intervene;
mod listener;
mod mode;
mod open;
mod page;
mod proxy_protocol;
mod report;
mod serve;
mod socks5;
mod stream;
mod target;
mod tls;
mod transparent;
mod transport;
mod tunnel;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::task::JoinSet;

pub use ca::{CaError, CertAuthority, LeafKey};
pub use dial::{NoProxy, ParentProxy, ParentProxyError, WayOut};
pub use door::Door;
pub use endpoint::{Endpoint, Listener, Reach};
pub use entrance::{Entrance, Listen, Listening};
pub use guard::{Credentials, CredentialsError, Limits};
pub use open::{Afterwards, Clear, Opening};
pub use proxy_protocol::ProxyProtocol;
pub use serve::{HostHeader, written};
pub use target::{Authority, Target, TargetError};
pub use tls::{ClientCertificate, ClientCertificateError, KeyLog, ServerTls, Trust, certificates};

use crate::capture::Tap;
use crate::control::{Command, Controller};
use serve::Shared;

/// What a proxy needs to know.
pub struct ProxyConfig {
    /// Where to listen, and where what comes to each goes.
    pub listeners: Vec<Listen>,
    /// Whether clients' connections begin with a PROXY protocol header, which says whose they are.
    pub accept_proxy_protocol: bool,
    /// What becomes of `Host` and `Origin` in reverse mode.
    pub host: HostHeader,
    /// Names that a reverse listener goes by, beside its addresses and names that are nobody's.
    pub names: Vec<String>,
    /// What clients have to know to use the listener; none lets everybody in.
    pub auth: Option<Credentials>,
    /// How much clients may ask.
    pub limits: Limits,
    /// How long a server may take to be reached, and to answer an opening handshake.
    pub handshake_limit: Duration,
    /// How servers are reached.
    pub way_out: WayOut,
    /// How servers behind TLS are talked to.
    pub server_tls: ServerTls,
    /// Which clients' TLS is opened; none leaves all of it closed.
    pub opening: Option<Opening>,
    /// Where the secrets of TLS connections are written down; none keeps them.
    pub key_log: Option<KeyLog>,
}

impl Default for ProxyConfig {
    /// A forward proxy on a free port of this machine, that opens no TLS.
    fn default() -> ProxyConfig {
        ProxyConfig {
            listeners: vec![Listen::new(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), Entrance::Forward)],
            accept_proxy_protocol: false,
            host: HostHeader::Rewrite,
            names: Vec::new(),
            auth: None,
            limits: Limits::default(),
            handshake_limit: Duration::from_secs(30),
            way_out: WayOut::default(),
            server_tls: ServerTls::default(),
            opening: None,
            key_log: None,
        }
    }
}

/// A running proxy. Dropping it leaves it running; [`Proxy::finish`] ends it.
pub struct Proxy {
    listening: Vec<Listening>,
    door: Door,
    controller: Controller,
    thread: JoinHandle<()>,
}

/// Why a proxy did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address is taken, or not this machine's.
    #[error("cannot listen on {0}: {1}; choose another address with --listen (port 0 takes a free one)")]
    Listen(SocketAddr, io::Error),
    /// The server is where the proxy itself listens.
    #[error(
        "{0} is where this proxy itself listens: name the server behind it, or choose another address with --listen"
    )]
    Loop(String),
    /// A password is to be asked for where nobody can be.
    #[error(
        "--auth does not go with --transparent: a client that is redirected knows of no proxy that could ask it"
    )]
    Unasked,
    /// The system gives no thread, or no sockets.
    #[error("cannot start: {0}")]
    System(io::Error),
}

impl Proxy {
    /// Listens, and serves from a thread of its own. With no listeners, clients come in by its [`Door`] alone.
    ///
    /// # Errors
    /// Where the address cannot be listened on.
    pub fn start(config: ProxyConfig, tap: Tap, controller: &Controller) -> Result<Proxy, StartError> {
        let mut opened = Vec::new();
        for listen in &config.listeners {
            opened.extend(listen.open()?);
        }
        if opened.is_empty() && !config.listeners.is_empty() {
            return Err(StartError::System(io::Error::other("there is no address to listen on")));
        }
        let listening: Vec<_> = opened.iter().map(|(_, listening)| listening.clone()).collect();
        let own = guard::Own::new(listening.iter().map(|listening| listening.address).collect());
        check(&config, &listening, &own)?;
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(StartError::System)?;
        let shared = Arc::new(Shared {
            tap,
            controller: controller.clone(),
            dialler: dial::Dialler::new(config.way_out, config.server_tls, own, config.key_log.clone()),
            opener: config.opening.map(|opening| open::Opener::new(opening, config.key_log.clone())),
            key_log: config.key_log,
            accept_proxy_protocol: config.accept_proxy_protocol,
            host: config.host,
            names: config.names,
            auth: config.auth,
            seats: guard::Seats::new(config.limits.connections),
            limits: config.limits,
            handshake_limit: config.handshake_limit,
        });
        let (door, doorkeeper) = door::door();
        // The caller may be in a runtime of its own: nothing here may block on another.
        let listeners = {
            let _context = runtime.enter();
            let of_tokio = |(listener, listening): (_, Listening)| {
                Ok((tokio::net::TcpListener::from_std(listener)?, listening))
            };
            opened.into_iter().map(of_tokio).collect::<io::Result<Vec<_>>>().map_err(StartError::System)?
        };
        let thread = thread::Builder::new()
            .name("relay".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    let mut all = JoinSet::new();
                    all.spawn(doorkeeper.attend(Arc::clone(&shared)));
                    for (listener, listening) in listeners {
                        all.spawn(listener::listen(listener, Arc::clone(&shared), listening));
                    }
                    drop(shared);
                    while all.join_next().await.is_some() {}
                });
                // A name lookup that hangs is not waited for.
                runtime.shutdown_background();
            })
            .map_err(StartError::System)?;
        Ok(Proxy { listening, door, controller: controller.clone(), thread })
    }

    /// Where it listens, in the order asked for.
    pub fn listening(&self) -> &[Listening] {
        &self.listening
    }

    /// The way in for clients inside the program.
    pub fn door(&self) -> Door {
        self.door.clone()
    }

    /// The first address that it listens on.
    ///
    /// # Panics
    /// Where it was started without listeners.
    pub fn address(&self) -> SocketAddr {
        self.listening[0].address
    }

    /// Shuts it down: open sessions are reset and told to the log, and the [`Tap`] is dropped.
    pub fn finish(self) {
        self.controller.send(Command::ShutDown);
        // A panic there was printed; there is nothing left to end.
        let _ = self.thread.join();
    }
}

/// Whether what the listeners are to do can be done.
fn check(config: &ProxyConfig, listening: &[Listening], own: &guard::Own) -> Result<(), StartError> {
    if config.auth.is_some() && listening.iter().any(|listening| listening.entrance == Entrance::Transparent)
    {
        return Err(StartError::Unasked);
    }
    for listening in listening {
        if let Entrance::Reverse(Target { authority }) = &listening.entrance
            && authority.host.parse().is_ok_and(|host| own.is_at(SocketAddr::new(host, authority.port)))
        {
            return Err(StartError::Loop(authority.to_string()));
        }
    }
    Ok(())
}
