//! Options of the commands on recordings as files: trim, redact, merge, refresh, diff.

use std::path::PathBuf;

use clap::Args;

use sockeye::config::Size;
use sockeye::diff::teller::Form;
use sockeye::filter::Filter;
use sockeye::recordings::Path;

use super::expectation::ExpectationOptions;
use super::values::filter;

/// Where a changed recording goes.
#[derive(Debug, Args)]
pub struct OutputFile {
    /// The recording that is written, which only its owner can read; - is the standard output
    #[arg(required_unless_present = "in_place")]
    pub out: Option<PathBuf>,
    /// Write it in the place of the one that is read, once all of it is written
    #[arg(long, conflicts_with = "out")]
    pub in_place: bool,
}

#[derive(Debug, Args)]
pub struct TrimOptions {
    /// The recording
    pub file: PathBuf,
    #[command(flatten)]
    pub to: OutputFile,
    /// Leave out pings, pongs and the heartbeats of subprotocols: {"type":"ping"} and its like, Engine.IO, Phoenix, SignalR,
    /// STOMP, MQTT, SockJS. Those that break a rule stay
    #[arg(long)]
    pub heartbeats: bool,
    /// Keep only the sessions and exchanges that it is true of, or of something that they say; they stay whole
    #[arg(long, value_name = "EXPR", default_value = "", value_parser = filter, hide_default_value = true)]
    pub filter: Filter,
    /// Round all times to whole ones of so many milliseconds: 1, 10, 0.5
    #[arg(long, value_name = "MS", value_parser = milliseconds)]
    pub round: Option<u64>,
    /// Make payloads smaller that have more octets. JSON keeps its names and types, with long strings and lists shortened;
    /// others are cut. The line says how large it was
    #[arg(long, value_name = "SIZE")]
    pub shrink: Option<Size>,
    /// Leave the numbers of sessions, exchanges and messages as they are, and do not count from 1
    #[arg(long)]
    pub keep_numbers: bool,
}

#[derive(Debug, Args)]
pub struct RedactFileOptions {
    /// The recording; - reads the standard input
    pub file: PathBuf,
    #[command(flatten)]
    pub to: OutputFile,
    /// Replace what stands there in messages and bodies that are JSON, too: $.token, $..password, $.users[*].email
    /// (repeatable)
    #[arg(long, value_name = "PATH")]
    pub path: Vec<Path>,
}

#[derive(Debug, Args)]
pub struct MergeOptions {
    /// The recordings
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// The recording that is written, which only its owner can read; - is the standard output
    pub out: PathBuf,
}

#[derive(Debug, Args)]
pub struct RefreshOptions {
    /// The recording as it was
    pub old: PathBuf,
    /// The recording as it was made again
    pub new: PathBuf,
    #[command(flatten)]
    pub to: OutputFile,
}

#[derive(Debug, Args)]
pub struct DiffOptions {
    /// A recording
    pub a: PathBuf,
    /// The one that it is compared with; without it, two sessions of the first are compared
    #[arg(required_unless_present = "sessions")]
    pub b: Option<PathBuf>,
    /// Compare only one session of the first with one of the second, by their numbers: 1,2
    #[arg(long, value_name = "A,B", value_parser = two)]
    pub sessions: Option<(u32, u32)>,
    #[command(flatten)]
    pub expectation: ExpectationOptions,
    /// Compare pings, pongs and the heartbeats of subprotocols, too
    #[arg(long)]
    pub heartbeats: bool,
    /// What is printed on the standard output: text, or json with a line for each difference
    #[arg(long, value_name = "FORM", default_value = "text", value_parser = form)]
    pub output: Form,
}

fn two(word: &str) -> Result<(u32, u32), String> {
    let numbers =
        word.split_once(',').and_then(|(a, b)| Some((a.trim().parse().ok()?, b.trim().parse().ok()?)));
    numbers.ok_or_else(|| format!("{word:?} is not two sessions: give their numbers, such as 1,2"))
}

fn form(word: &str) -> Result<Form, String> {
    match word {
        "text" => Ok(Form::Text),
        "json" => Ok(Form::Json),
        _ => Err(format!("{word:?} is none of text, json")),
    }
}

/// Milliseconds, in nanoseconds.
fn milliseconds(word: &str) -> Result<u64, String> {
    let number = word.strip_suffix("ms").unwrap_or(word).parse::<f64>().ok();
    let nanoseconds =
        number.map(|number| (number * 1e6).round()).filter(|number| (1e3..1e15).contains(number));
    nanoseconds
        .map(|number| number as u64)
        .ok_or_else(|| format!("{word:?} is no number of milliseconds: give 0.001 or more, such as 10"))
}
