//! Options of `sockeye replay`: recorded sessions played again.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use sockeye::filter::Filter;
use sockeye::net::{Target, TargetError};
use sockeye::replay::{Binding, Fidelity, Order, Reporter, Timing};

use super::expectation::ExpectationOptions;
use super::output::{LogOptions, RedactOptions};
use super::tls::ServerTlsOptions;
use super::values::{address, filter, seconds};

#[derive(Debug, Subcommand)]
pub enum ReplayCommand {
    /// Play the server's part of a recording to whoever connects, and tell what was otherwise than recorded
    #[command(args_override_self = true)]
    Server(Box<ReplayServerOptions>),
    /// Play the client's part of a recording against a real server, and tell what it answers otherwise than recorded
    #[command(args_override_self = true)]
    Client(Box<ReplayClientOptions>),
}

#[derive(Debug, Args)]
pub struct ReplayServerOptions {
    /// The recording
    pub file: PathBuf,
    /// The address to listen on; port 0 takes a free one
    #[arg(short, long, value_name = "ADDR", default_value = "127.0.0.1:0", value_parser = address)]
    pub listen: SocketAddr,
    /// Play each session as often as a client comes for it; ends by a signal, or by one of the two below
    #[arg(long)]
    pub repeat: bool,
    /// A parameter of queries that does not count when a plain HTTP request is answered: t, cachebust (repeatable)
    #[arg(long, value_name = "NAME")]
    pub ignore_query: Vec<String>,
    /// What becomes of a client that no session is left for: fail, or forward=ws://localhost:3000 to have it, and
    /// plain HTTP that was not recorded, answered by a real server; record=ws://localhost:3000 also adds what it says
    /// to the recording
    #[arg(long, value_name = "HOW", default_value = "fail", value_parser = on_miss)]
    pub on_miss: OnMiss,
    /// The recording that --on-miss record adds to, in place of the one that is played
    #[arg(long, value_name = "FILE")]
    pub record_to: Option<PathBuf>,
    /// Sessions and exchanges that need not be asked for, as a filter: ~http for all plain HTTP
    #[arg(long, value_name = "EXPR", value_parser = filter)]
    pub optional: Option<Filter>,
    /// End when the standard input does, as it does when the program that started this one is gone
    #[arg(long, conflicts_with = "show")]
    pub end_with_stdin: bool,
    /// End when no session was played for so long
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub idle_timeout: Option<Duration>,
    #[command(flatten)]
    pub play: PlayOptions,
    #[command(flatten)]
    pub told: TellOptions,
    #[command(flatten)]
    pub stage: StageOptions,
}

#[derive(Debug, Args)]
pub struct ReplayClientOptions {
    /// The recording
    pub file: PathBuf,
    /// The server: a ws://, wss://, http:// or https:// URL without a path, or host:port
    pub server: Target,
    /// Write what the server answers into the recording, whatever it is; times and all else that is not new stay
    #[arg(long)]
    pub update: bool,
    #[command(flatten)]
    pub play: PlayOptions,
    #[command(flatten)]
    pub told: TellOptions,
    #[command(flatten)]
    pub stage: StageOptions,
}

#[derive(Debug, Args)]
pub struct TellOptions {
    /// What is printed on the standard output: text, or json with a line for each session
    #[arg(long, value_name = "FORM", default_value = "text", value_parser = told)]
    pub output: Told,
    /// Reports for test runners, written at the end: junit=FILE, tap=FILE, json=FILE; - is the standard output
    /// (repeatable, or with commas between)
    #[arg(long, value_name = "FORM=FILE", value_delimiter = ',', value_parser = report)]
    pub report: Vec<ReportFile>,
}

/// With either of the first two, a proxy stands between the player and the other end.
#[derive(Debug, Args)]
pub struct StageOptions {
    /// Show on the screen what passes while it plays, as a proxy in between sees it; what came of it is told on leaving
    #[arg(long)]
    pub show: bool,
    /// Write a recording of what passes while it plays; an existing file is overwritten
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
    #[command(flatten)]
    pub redact: RedactOptions,
    #[command(flatten)]
    pub log: LogOptions,
}

/// What becomes of a client that no session is left for.
#[derive(Clone, Debug)]
pub enum OnMiss {
    Fail,
    Forward(Target),
    Record(Target),
}

/// What is printed while it plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    Text,
    Json,
}

/// A report, and the file that it goes to.
#[derive(Clone, Debug)]
pub struct ReportFile {
    pub reporter: Reporter,
    /// `-` is the standard output.
    pub file: PathBuf,
}

#[derive(Debug, Args)]
pub struct PlayOptions {
    #[command(flatten)]
    pub tls: ServerTlsOptions,
    /// Which of the recorded sessions and plain HTTP exchanges are played: the filter language of docs/filters.md, asked
    /// of their openings
    #[arg(long, value_name = "EXPR", default_value = "", value_parser = filter, hide_default_value = true)]
    pub select: Filter,
    #[command(flatten)]
    pub expectation: ExpectationOptions,
    /// A value that is new in each run, taken from where it comes and put in where it was recorded: id=$.id (repeatable)
    #[arg(long, value_name = "NAME=PATH")]
    pub bind: Vec<Binding>,
    /// How true to the recording: messages, frames (fragments, control frames, reserved bits as they were) or bytes (and
    /// how connections ended)
    #[arg(long, value_name = "HOW", default_value = "messages", value_parser = fidelity)]
    pub fidelity: Fidelity,
    /// Wait for heartbeats and send them as they were recorded. Without it, those of subprotocols ({"type":"ping"} and its
    /// like, Engine.IO, Phoenix and others) are answered as they were recorded to be, and nothing waits for them
    #[arg(long)]
    pub expect_heartbeats: bool,
    /// In which order messages may come: strict, causal or unordered (between two that are sent)
    #[arg(long, value_name = "ORDER", default_value = "causal", value_parser = order)]
    pub order: Order,
    /// When messages are sent whose turn it is: fast, recorded, or x2 for twice as fast as recorded
    #[arg(long, value_name = "TIMING", default_value = "fast", value_parser = timing)]
    pub timing: Timing,
    /// How long anything may be waited for
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    pub step_timeout: Duration,
}

fn fidelity(word: &str) -> Result<Fidelity, String> {
    Fidelity::from_name(word).ok_or_else(|| unknown(word, Fidelity::ALL.map(Fidelity::name)))
}

fn order(word: &str) -> Result<Order, String> {
    match word {
        "strict" => Ok(Order::Strict),
        "causal" => Ok(Order::Causal),
        "unordered" => Ok(Order::Unordered),
        _ => Err(unknown(word, ["strict", "causal", "unordered"])),
    }
}

fn timing(word: &str) -> Result<Timing, String> {
    match word {
        "fast" => Ok(Timing::Fast),
        "recorded" => Ok(Timing::Scaled(1.0)),
        _ => {
            let speed = word.strip_prefix('x').and_then(|speed| speed.parse::<f64>().ok());
            let speed = speed.filter(|speed| speed.is_finite() && *speed > 0.0);
            let speed = speed.ok_or_else(|| unknown(word, ["fast", "recorded", "x2", "x0.5"]))?;
            Ok(Timing::Scaled(1.0 / speed))
        }
    }
}

fn on_miss(word: &str) -> Result<OnMiss, String> {
    match word.split_once('=') {
        None if word == "fail" => Ok(OnMiss::Fail),
        Some(("forward", server)) => {
            server.parse().map(OnMiss::Forward).map_err(|error: TargetError| error.to_string())
        }
        Some(("record", server)) => {
            server.parse().map(OnMiss::Record).map_err(|error: TargetError| error.to_string())
        }
        _ => Err(unknown(word, ["fail", "forward=ws://localhost:3000", "record=ws://localhost:3000"])),
    }
}

fn told(word: &str) -> Result<Told, String> {
    match word {
        "text" => Ok(Told::Text),
        "json" => Ok(Told::Json),
        _ => Err(unknown(word, ["text", "json"])),
    }
}

fn report(word: &str) -> Result<ReportFile, String> {
    let Some((form, file)) = word.split_once('=').filter(|(_, file)| !file.is_empty()) else {
        return Err(format!("{word:?} is no report: give a form and a file, such as junit=report.xml"));
    };
    let reporter =
        Reporter::from_name(form).ok_or_else(|| unknown(form, Reporter::ALL.map(Reporter::name)))?;
    Ok(ReportFile { reporter, file: file.into() })
}

pub(super) fn unknown<const N: usize>(word: &str, names: [&str; N]) -> String {
    format!("{word:?} is none of {}", names.join(", "))
}
