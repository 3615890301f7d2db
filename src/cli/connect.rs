//! Options of `sockeye connect`: curl's, where they mean the same.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use sockeye::connect::{Field, Url};
use sockeye::filter::Filter;
use sockeye::headless::Output;
use sockeye::net::ParentProxy;

use super::RulesOptions;
use super::output::{LogOptions, RedactOptions};
use super::values::{filter, seconds, seconds_if_any};

#[derive(Debug, Args)]
pub struct ConnectOptions {
    /// The session's URL: ws://, wss://, http:// or https://, with its path and query
    pub url: Url,
    /// A header of the request, in place of our own of that name: 'Name: value'; 'Name:' for none (repeatable)
    #[arg(short = 'H', long = "header", value_name = "HEADER")]
    pub headers: Vec<Field>,
    /// A subprotocol to offer, the most wanted first (repeatable, or with commas between)
    #[arg(short, long = "subprotocol", value_name = "NAME", value_delimiter = ',')]
    pub subprotocols: Vec<String>,
    /// Cookies to send: name=value, more of them behind a ; (repeatable)
    #[arg(short = 'b', long = "cookie", value_name = "COOKIES", value_parser = cookies)]
    pub cookies: Vec<String>,
    /// Say who asks, by HTTP Basic
    #[arg(short, long, value_name = "USER:PASSWORD")]
    pub user: Option<String>,
    /// The page that asks: https://example.com
    #[arg(long, value_name = "ORIGIN")]
    pub origin: Option<String>,
    /// What the request says that we are
    #[arg(short = 'A', long, value_name = "NAME")]
    pub user_agent: Option<String>,
    /// Do not offer permessage-deflate
    #[arg(long)]
    pub no_deflate: bool,
    /// Talk to a server whose certificate does not hold
    #[arg(short = 'k', long)]
    pub insecure: bool,
    /// More roots to trust, in PEM (repeatable)
    #[arg(long, visible_alias = "server-ca", value_name = "FILE")]
    pub cacert: Vec<PathBuf>,
    /// A certificate for a server that asks for one, in PEM
    #[arg(short = 'E', long, visible_alias = "client-cert", value_name = "FILE")]
    pub cert: Option<PathBuf>,
    /// Its private key, in PEM [default: the one in the same file]
    #[arg(long, visible_alias = "client-key", value_name = "FILE", requires = "cert")]
    pub key: Option<PathBuf>,
    /// Reach the server through this proxy: http://, socks5:// or socks5h://
    #[arg(short = 'x', long, value_name = "URL")]
    pub proxy: Option<ParentProxy>,
    /// Connect to this Unix socket in place of the URL's host and port
    #[arg(long, value_name = "PATH")]
    pub unix_socket: Option<PathBuf>,
    #[command(flatten)]
    pub rules: RulesOptions,
    /// How long the server may take to be reached, and to answer
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    pub connect_timeout: Duration,
    /// Close the session after so long
    #[arg(short = 'm', long, value_name = "SECONDS", value_parser = seconds)]
    pub max_time: Option<Duration>,
    /// HTTP/1.1, which it is anyhow
    #[arg(long = "http1.1", hide = true)]
    pub http1_1: bool,
    /// A message to send first, written as a line of the standard input (repeatable)
    #[arg(short, long = "data", value_name = "MESSAGE")]
    pub data: Vec<String>,
    /// Lines are messages as they are, also those that begin with /
    #[arg(long)]
    pub literal: bool,
    /// How long answers are waited for when the standard input ends, unless that is a terminal; then it closes
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = seconds_if_any, conflicts_with = "keep_open")]
    pub linger: Duration,
    /// Stay when the standard input ends, until the server closes or --max-time is over
    #[arg(long)]
    pub keep_open: bool,
    /// Print the heads of the opening handshake on stderr
    #[arg(short, long)]
    pub verbose: bool,
    /// No screen, even in a terminal: lines of the standard input are messages, and what comes is printed
    #[arg(long)]
    pub headless: bool,
    /// What headless prints on the standard output: plain (what the server says, a message a line), text or json (as
    /// the proxy does), or none
    #[arg(long, value_name = "FORM", default_value = "plain", value_parser = printed)]
    pub output: Printed,
    /// Write a recording as it happens; an existing file is overwritten
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
    #[command(flatten)]
    pub redact: RedactOptions,
    /// What is shown, and printed as text or json: the filter language of docs/filters.md
    #[arg(long, value_name = "EXPR", default_value = "", value_parser = filter, hide_default_value = true)]
    pub filter: Filter,
    #[command(flatten)]
    pub log: LogOptions,
}

/// What is printed where there is no screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Printed {
    /// What the server says, and nothing else.
    Plain,
    /// What the proxy prints.
    Log(Output),
}

fn printed(word: &str) -> Result<Printed, String> {
    match word {
        "plain" => Ok(Printed::Plain),
        _ => match Output::from_name(word) {
            Some(output) => Ok(Printed::Log(output)),
            None => Err(format!(
                "{word:?} is no output: one of plain, {}",
                Output::ALL.map(Output::name).join(", ")
            )),
        },
    }
}

fn cookies(word: &str) -> Result<String, String> {
    if word.contains('=') && !word.contains(['\r', '\n']) {
        return Ok(word.to_owned());
    }
    Err(format!("{word:?} is no cookie: give name=value (a file of them is not read)"))
}
