//! The command line: what users type, and what it means.

use std::ffi::OsString;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use sockeye::capture::SMALLEST_LIMIT;
use sockeye::config::Size;
use sockeye::filter::Filter;
use sockeye::headless::Output;
use sockeye::net::Target;

/// The debug proxy for WebSockets: shows what really passes, and why a handshake failed
#[derive(Debug, Parser)]
#[command(name = "sockeye", version, max_term_width = 100, args_conflicts_with_subcommands = true)]
#[command(after_help = "Examples:
  sockeye ws://localhost:3000         point your app at ws://127.0.0.1:8080 in place of the server
  sockeye                             a forward proxy: set http://127.0.0.1:8080 as HTTP or SOCKS5 proxy
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
    /// Look at an embedded chat server and its clients through the proxy: no network needed
    Demo(DemoOptions),
    /// Open a recording on the screen
    Show(ShowOptions),
    /// Print a recording
    Print(PrintOptions),
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

#[derive(Debug, Subcommand)]
pub enum CaCommand {
    /// Print where its certificate is
    Path(CaOptions),
    /// Print its certificate in PEM, for whoever is to trust it
    Print(CaOptions),
    /// Make it anew; what trusted the old one has to be told of the new
    New(CaOptions),
    /// Tell how each system, browser and runtime learns to trust it
    InstallHelp(CaOptions),
}

#[derive(Debug, Args)]
pub struct CaOptions {
    /// Where the CA lives [default: the user's data folder]. TLS is opened where there is one: `sockeye ca path`
    /// makes it
    #[arg(long, value_name = "DIR")]
    pub ca_dir: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct TlsOptions {
    #[command(flatten)]
    pub ca: CaOptions,
    /// More roots to trust on the server's side, in PEM (repeatable)
    #[arg(long, value_name = "FILE")]
    pub server_ca: Vec<PathBuf>,
    /// Talk to servers whose certificate does not hold, and say so on each session
    #[arg(long)]
    pub insecure: bool,
    /// Leave this host's TLS closed; * stands for anything (repeatable)
    #[arg(long, value_name = "HOST")]
    pub tls_passthrough: Vec<String>,
}

#[derive(Debug, Args)]
pub struct ProxyOptions {
    /// Where all that comes goes: a ws://, wss://, http:// or https:// URL, or host:port.
    /// Without it: a forward proxy, with CONNECT, absolute form and SOCKS5 on the same port
    pub server: Option<Target>,
    /// The address to listen on; port 0 takes a free one
    #[arg(short, long, value_name = "ADDR", default_value = "127.0.0.1:8080", value_parser = address)]
    pub listen: SocketAddr,
    #[command(flatten)]
    pub output: OutputOptions,
    /// Reverse mode: leave Host and Origin as the client sent them
    #[arg(long)]
    pub keep_host: bool,
    /// How long a server may take to be reached, and to answer an opening handshake
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    pub handshake_timeout: Duration,
    #[command(flatten)]
    pub tls: TlsOptions,
    #[command(flatten)]
    pub log: LogOptions,
}

#[derive(Debug, Args)]
pub struct OutputOptions {
    /// No screen, even in a terminal
    #[arg(long)]
    pub headless: bool,
    /// What headless prints on the standard output
    #[arg(long, value_name = "FORM", default_value = "text", value_parser = output)]
    pub output: Output,
    /// Write a recording as it happens (the same lines as --output json); an existing file is overwritten
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// What is shown and printed; see the filter language in docs/filters.md or with ? on the screen
    #[arg(long, value_name = "EXPR", default_value = "", value_parser = filter, hide_default_value = true)]
    pub filter: Filter,
}

#[derive(Debug, Args)]
pub struct LogOptions {
    /// Disk for the live log; at the limit the oldest goes first, and the screen says so
    #[arg(long, value_name = "SIZE", default_value = "2GiB", value_parser = limit)]
    pub capture_limit: Size,
    /// Where the live log is kept, in a private folder that goes away on exit [default: the system's temporary folder]
    #[arg(long, value_name = "DIR")]
    pub capture_dir: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct DemoOptions {
    /// The address to listen on; port 0 takes a free one
    #[arg(short, long, value_name = "ADDR", default_value = "127.0.0.1:0", value_parser = address)]
    pub listen: SocketAddr,
    #[command(flatten)]
    pub output: OutputOptions,
    #[command(flatten)]
    pub log: LogOptions,
}

#[derive(Debug, Args)]
pub struct ShowOptions {
    /// The recording; - reads the standard input
    pub file: PathBuf,
    /// What is shown to begin with
    #[arg(long, value_name = "EXPR", default_value = "", value_parser = filter, hide_default_value = true)]
    pub filter: Filter,
    #[command(flatten)]
    pub log: LogOptions,
}

#[derive(Debug, Args)]
pub struct PrintOptions {
    /// The recording; - reads the standard input
    pub file: PathBuf,
    /// In which form
    #[arg(long, value_name = "FORM", default_value = "text", value_parser = output)]
    pub output: Output,
    /// Which rows
    #[arg(long, value_name = "EXPR", default_value = "", value_parser = filter, hide_default_value = true)]
    pub filter: Filter,
}

/// The command line's own parser, for completions, the manual page and docs/options.md.
pub fn command() -> clap::Command {
    <Cli as clap::CommandFactory>::command()
}

/// Reads the words of a command line; on a fault, or for help, gives what to print.
pub fn parse(words: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(words)
}

fn address(word: &str) -> Result<SocketAddr, String> {
    let wrong = || format!("{word:?} is no address to listen on: give host:port, such as 127.0.0.1:8080");
    // A port alone is meant for this machine.
    let word = match word.strip_prefix(':').unwrap_or(word) {
        port if port.parse::<u16>().is_ok() => format!("127.0.0.1:{port}"),
        _ => word.to_owned(),
    };
    match word.to_socket_addrs() {
        Ok(mut addresses) => addresses.next().ok_or_else(wrong),
        Err(_) => Err(wrong()),
    }
}

fn seconds(word: &str) -> Result<Duration, String> {
    let seconds = word.strip_suffix('s').unwrap_or(word).parse().ok();
    seconds
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .filter(|duration| !duration.is_zero())
        .ok_or_else(|| format!("{word:?} is no time: give seconds, such as 30"))
}

fn limit(word: &str) -> Result<Size, String> {
    let size: Size = word.parse().map_err(|error: sockeye::config::SizeError| error.to_string())?;
    let least = Size(SMALLEST_LIMIT);
    if size.0 < least.0 { Err(format!("the log needs {least} at least")) } else { Ok(size) }
}

fn output(word: &str) -> Result<Output, String> {
    let names = Output::ALL.map(Output::name).join(", ");
    Output::from_name(word).ok_or_else(|| format!("{word:?} is no output: one of {names}"))
}

fn filter(word: &str) -> Result<Filter, String> {
    Filter::parse(word).map_err(|error| error.to_string())
}
