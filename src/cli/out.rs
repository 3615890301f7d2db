//! Options about the way to the servers.

use clap::Args;

use sockeye::net::{ProxyProtocol, WayOut};

#[derive(Debug, Args)]
pub struct OutOptions {
    /// Begin each connection to a server with a PROXY protocol header (v1 or v2) that names the client
    #[arg(long, value_name = "VERSION")]
    pub send_proxy_protocol: Option<ProxyProtocol>,
}

impl OutOptions {
    /// What they mean.
    pub fn way_out(&self) -> WayOut {
        WayOut { header: self.send_proxy_protocol }
    }
}
