//! Options of `sockeye run`.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::time::Duration;

use clap::Args;

use super::values::{address, seconds};
use super::{
    CommandsOptions, ListenOptions, LogOptions, OutOptions, OutputOptions, ProxyOptions, RulesOptions,
    SafetyOptions, TlsOptions,
};

#[derive(Debug, Args)]
pub struct RunOptions {
    /// The program, and after it its arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "CMD")]
    pub command: Vec<OsString>,
    /// The address to listen on; port 0 takes a free one
    #[arg(short, long, value_name = "ADDR", default_value = "127.0.0.1:0", value_parser = address)]
    pub listen: SocketAddr,
    #[command(flatten)]
    pub output: OutputOptions,
    #[command(flatten)]
    pub rules: RulesOptions,
    /// How long a server may take to be reached, and to answer an opening handshake
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    pub handshake_timeout: Duration,
    #[command(flatten)]
    pub out: OutOptions,
    #[command(flatten)]
    pub tls: TlsOptions,
    #[command(flatten)]
    pub log: LogOptions,
}

impl RunOptions {
    /// The program with its arguments, and the proxy that is to see its traffic.
    pub fn split(self) -> (Vec<OsString>, ProxyOptions) {
        let proxy = ProxyOptions {
            server: None,
            listen: ListenOptions::at(self.listen),
            output: self.output,
            rules: self.rules,
            commands: CommandsOptions::default(),
            keep_host: false,
            handshake_timeout: self.handshake_timeout,
            safety: SafetyOptions::default(),
            out: self.out,
            tls: self.tls,
            log: self.log,
        };
        (self.command, proxy)
    }
}
