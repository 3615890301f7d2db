//! Options about the ways in.

use std::net::SocketAddr;
use std::str::FromStr;

use clap::Args;

use sockeye::net::{Entrance, Listen, Target};

use super::values::addresses;

#[derive(Debug, Args)]
pub struct ListenOptions {
    /// An address to listen on, and, behind a =, the server that all which comes there goes to: :8081=ws://localhost:3001.
    /// Port 0 takes a free one; repeatable
    #[arg(short, long, value_name = "ADDR[=SERVER]", default_value = "127.0.0.1:8080")]
    pub listen: Vec<ListenOn>,
    /// Take connections that the kernel redirects here, and send each on to where it was going: docs/transparent.md
    /// has the lines for iptables and nftables (Linux)
    #[arg(long)]
    pub transparent: bool,
    /// Take only connections that begin with a PROXY protocol header (v1 or v2), and show the client that it names
    #[arg(long, conflicts_with = "transparent")]
    pub accept_proxy_protocol: bool,
    /// Take clients in by TLS alone; the CA is made where there is none. In reverse mode for wss:// clients, without
    /// a server as a proxy that is reached by https://
    #[arg(long)]
    pub listen_tls: bool,
}

/// What is said of one listener.
#[derive(Clone, Debug)]
pub struct ListenOn {
    addresses: Vec<SocketAddr>,
    server: Option<Target>,
}

impl FromStr for ListenOn {
    type Err = String;

    fn from_str(word: &str) -> Result<ListenOn, String> {
        let (place, server) = match word.split_once('=') {
            Some((place, server)) => (place, Some(server)),
            None => (word, None),
        };
        let server = server.map(str::parse).transpose();
        let server = server.map_err(|error: sockeye::net::TargetError| error.to_string())?;
        Ok(ListenOn { addresses: addresses(place)?, server })
    }
}

impl ListenOptions {
    /// One listener, as a forward proxy.
    pub fn at(address: SocketAddr) -> ListenOptions {
        ListenOptions {
            listen: vec![ListenOn { addresses: vec![address], server: None }],
            transparent: false,
            accept_proxy_protocol: false,
            listen_tls: false,
        }
    }

    /// What they mean, with `server` for those that have none of their own.
    ///
    /// # Errors
    /// In a sentence, where `server` would get nothing.
    pub fn listeners(&self, server: Option<&Target>) -> Result<Vec<Listen>, String> {
        if let Some(server) = server
            && self.listen.iter().all(|listen| listen.server.is_some())
        {
            return Err(format!(
                "nothing would go to {server}, as each --listen names a server: give it a --listen without one"
            ));
        }
        if self.transparent && !cfg!(target_os = "linux") {
            return Err(
                "--transparent is there on Linux alone: use a forward proxy, or `sockeye run`".to_owned()
            );
        }
        if let Some(server) = server.filter(|_| self.transparent) {
            return Err(format!(
                "--transparent sends connections to where they were going: leave out {server}, or give it a listener \
                 of its own, as in --listen :8081={server}"
            ));
        }
        let listener = |listen: &ListenOn| Listen {
            addresses: listen.addresses.clone(),
            entrance: match listen.server.as_ref().or(server) {
                Some(server) => Entrance::Reverse(server.clone()),
                None if self.transparent => Entrance::Transparent,
                None => Entrance::Forward,
            },
        };
        Ok(self.listen.iter().map(listener).collect())
    }
}
