//! Options about the way to the servers.

use clap::Args;

use sockeye::net::{NoProxy, ParentProxy, ProxyProtocol, WayOut};

#[derive(Debug, Args)]
pub struct OutOptions {
    /// Reach the servers through this proxy: http://, socks5:// (names are looked up here) or socks5h:// (it looks them
    /// up), then [user:password@]host:port. Hosts in NO_PROXY are reached without it; HTTP_PROXY and the like are
    /// not heeded, as they may well name sockeye itself
    #[arg(long, value_name = "URL")]
    pub proxy: Option<ParentProxy>,
    /// Begin each connection to a server with a PROXY protocol header (v1 or v2) that names the client
    #[arg(long, value_name = "VERSION")]
    pub send_proxy_protocol: Option<ProxyProtocol>,
}

impl OutOptions {
    /// What they mean, where `NO_PROXY` is this.
    pub fn way_out(&self, no_proxy: &str) -> WayOut {
        WayOut {
            proxy: self.proxy.clone(),
            no_proxy: NoProxy::parse(no_proxy),
            header: self.send_proxy_protocol,
        }
    }
}
