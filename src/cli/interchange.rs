//! Options of `sockeye export` and `sockeye import`: recordings from and for other tools.

use std::path::PathBuf;

use clap::Args;

use sockeye::interchange::code::Language;

#[derive(Debug, Args)]
pub struct ExportOptions {
    /// The recording
    pub file: PathBuf,
    /// Write one session as code that says the same: curl, websocat, wscat, javascript, node, python or rust. It goes
    /// to the standard output where no file is named
    #[arg(long = "as", value_name = "LANGUAGE", value_parser = language)]
    pub language: Option<Language>,
    /// Which session is written as code [default: the first]
    #[arg(long, value_name = "NUMBER", requires = "language")]
    pub session: Option<u32>,
    /// What is written; its ending says as what: .har (HAR 1.2, with WebSocket messages as Chrome has them),
    /// .pcapng (for Wireshark, in clear text) or .jsonl (the recording again, those that were joined made one)
    #[arg(required_unless_present = "language")]
    pub out: Option<PathBuf>,
}

fn language(word: &str) -> Result<Language, String> {
    let names = || Language::ALL.map(Language::name).join(", ");
    Language::from_name(word).ok_or_else(|| format!("{word:?} is none of {}", names()))
}

#[derive(Debug, Args)]
pub struct ImportOptions {
    /// A HAR file, of any tool, or a flow file of mitmproxy
    pub file: PathBuf,
    /// The recording that is written
    pub out: PathBuf,
}
