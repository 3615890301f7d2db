//! Options of `sockeye replay`: recorded sessions played again.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use sockeye::net::Target;
use sockeye::replay::{Binding, Match, Order, Path, Timing, Volatile};

use super::values::{address, seconds};

#[derive(Debug, Subcommand)]
pub enum ReplayCommand {
    /// Play the server's part of a recording to whoever connects, and tell what was otherwise than recorded
    Server(ReplayServerOptions),
    /// Play the client's part of a recording against a real server, and tell what it answers otherwise than recorded
    Client(ReplayClientOptions),
}

#[derive(Debug, Args)]
pub struct ReplayServerOptions {
    /// The recording
    pub file: PathBuf,
    /// The address to listen on; port 0 takes a free one
    #[arg(short, long, value_name = "ADDR", default_value = "127.0.0.1:0", value_parser = address)]
    pub listen: SocketAddr,
    #[command(flatten)]
    pub play: PlayOptions,
}

#[derive(Debug, Args)]
pub struct ReplayClientOptions {
    /// The recording
    pub file: PathBuf,
    /// The server: a ws://, wss://, http:// or https:// URL without a path, or host:port
    pub server: Target,
    #[command(flatten)]
    pub play: PlayOptions,
}

#[derive(Debug, Args)]
pub struct PlayOptions {
    /// How much alike messages must be to the recorded ones: exact, json, subset, type or any
    #[arg(long = "match", value_name = "HOW", default_value = "json", value_parser = matching)]
    pub matching: Match,
    /// A place in JSON where anything may stand: $.ts, $..id, $.items[*].at (repeatable)
    #[arg(long, value_name = "PATH")]
    pub ignore: Vec<Path>,
    /// Values that may differ where both are of this kind: uuid, iso (dates with a time) or epoch (repeatable)
    #[arg(long, value_name = "KIND", value_parser = volatile)]
    pub volatile: Vec<Volatile>,
    /// A value that is new in each run, taken from where it comes and put in where it was recorded: id=$.id (repeatable)
    #[arg(long, value_name = "NAME=PATH")]
    pub bind: Vec<Binding>,
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

fn matching(word: &str) -> Result<Match, String> {
    Match::from_name(word).ok_or_else(|| unknown(word, Match::ALL.map(Match::name)))
}

fn volatile(word: &str) -> Result<Volatile, String> {
    Volatile::from_name(word).ok_or_else(|| unknown(word, Volatile::ALL.map(Volatile::name)))
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

fn unknown<const N: usize>(word: &str, names: [&str; N]) -> String {
    format!("{word:?} is none of {}", names.join(", "))
}
