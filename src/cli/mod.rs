//! The command line: what users type, and what it means.

mod commands;
pub mod connect;
mod expectation;
pub mod files;
mod interchange;
mod listen;
mod out;
mod output;
mod recording;
pub mod replay;
pub mod replay_file;
pub mod rules;
mod run;
mod safety;
pub mod tls;
mod values;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use sockeye::net::Target;

pub use commands::CommandsOptions;
pub use files::{DiffOptions, MergeOptions, RedactFileOptions, RefreshOptions, TrimOptions};
pub use interchange::{ExportOptions, ImportOptions};
pub use listen::ListenOptions;
pub use out::OutOptions;
pub use output::{LogOptions, OutputOptions};
pub use recording::{PrintOptions, ShowOptions};
pub use rules::{RulesCommand, RulesOptions};
pub use run::RunOptions;
pub use safety::SafetyOptions;
pub use tls::{CaCommand, TlsOptions};
use values::{address, seconds};

/// The debug proxy for WebSockets: shows what really passes, and why a handshake failed
#[derive(Debug, Parser)]
#[command(name = "sockeye", version, max_term_width = 100, args_conflicts_with_subcommands = true)]
#[command(after_help = "Examples:
  sockeye run -- node app.js          what a program says and hears, wss:// included, with no set-up
  sockeye ws://localhost:3000         point your app at ws://127.0.0.1:8080 in place of the server
  sockeye                             a forward proxy: set http://127.0.0.1:8080 as HTTP or SOCKS5 proxy
  sockeye connect wss://localhost/ws  talk to a server yourself; with pipes, lines in and lines out
  sockeye demo                        something to look at, with no network and no set-up
  sockeye ws://localhost:3000 --headless --output json --record session.jsonl")]
pub struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub proxy: ProxyOptions,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start a program so that its traffic comes through here, with TLS opened; ends with its exit code
    Run(Box<RunOptions>),
    /// Look at an embedded chat server and its clients through the proxy: no network needed
    Demo(DemoOptions),
    /// Open a session of your own: a client for any WebSocket server, on the screen or for scripts
    Connect(Box<connect::ConnectOptions>),
    /// Open a recording on the screen
    Show(ShowOptions),
    /// Print a recording
    Print(PrintOptions),
    /// Play recorded sessions again, in tests
    #[command(subcommand)]
    Replay(replay::ReplayCommand),
    /// Write a recording for other tools: as HAR, for Wireshark, or as one recording
    Export(ExportOptions),
    /// Make a recording of a HAR file or a mitmproxy flow file
    Import(ImportOptions),
    /// Make a recording smaller: without heartbeats, with chosen sessions, round times, small payloads
    Trim(TrimOptions),
    /// Replace the secrets of a recording: those of HTTP heads, and those that you name in JSON
    Redact(RedactFileOptions),
    /// Make one recording of several, in the order of time
    Merge(MergeOptions),
    /// Tell in what two recordings differ, or two sessions of one: by what messages mean, not by lines
    Diff(DiffOptions),
    /// Give a recording that was made again the times of the old one, so that a diff shows what is new
    Refresh(RefreshOptions),
    /// Rules, tried out
    #[command(subcommand)]
    Rules(RulesCommand),
    /// The certificate authority with which TLS is opened
    #[command(subcommand)]
    Ca(CaCommand),
    /// Print a shell's completions: `sockeye completions bash > /etc/bash_completion.d/sockeye`
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page: `sockeye man | man -l -`
    Man,
}

#[derive(Debug, Args)]
pub struct ProxyOptions {
    /// Where all that comes goes: a ws://, wss://, http:// or https:// URL, host:port, or unix:/path.
    /// Without it: a forward proxy, with CONNECT, absolute form and SOCKS5 on the same port
    pub server: Option<Target>,
    #[command(flatten)]
    pub listen: ListenOptions,
    #[command(flatten)]
    pub output: OutputOptions,
    #[command(flatten)]
    pub rules: RulesOptions,
    #[command(flatten)]
    pub commands: CommandsOptions,
    /// Reverse mode: leave Host and Origin as the client sent them
    #[arg(long)]
    pub keep_host: bool,
    /// How long a server may take to be reached, and to answer an opening handshake
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    pub handshake_timeout: Duration,
    #[command(flatten)]
    pub safety: SafetyOptions,
    #[command(flatten)]
    pub out: OutOptions,
    #[command(flatten)]
    pub tls: TlsOptions,
    #[command(flatten)]
    pub log: LogOptions,
}

#[derive(Debug, Args)]
pub struct DemoOptions {
    /// The address to listen on; port 0 takes a free one
    #[arg(short, long, value_name = "ADDR", default_value = "127.0.0.1:0", value_parser = address)]
    pub listen: SocketAddr,
    #[command(flatten)]
    pub output: OutputOptions,
    #[command(flatten)]
    pub rules: RulesOptions,
    #[command(flatten)]
    pub log: LogOptions,
}

/// The command line's own parser, for completions, the manual page and docs/options.md.
pub fn command() -> clap::Command {
    <Cli as clap::CommandFactory>::command()
}

/// Reads the words of a command line; on a fault, or for help, gives what to print.
pub fn parse(words: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(words)
}
