//! Options of `sockeye export` and `sockeye import`: recordings from and for other tools.

use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Args)]
pub struct ExportOptions {
    /// The recording
    pub file: PathBuf,
    /// What is written; its ending says as what: .har (HAR 1.2, with WebSocket messages as Chrome has them),
    /// .pcapng (for Wireshark, in clear text) or .jsonl (the recording again, those that were joined made one)
    pub out: PathBuf,
}

#[derive(Debug, Args)]
pub struct ImportOptions {
    /// A HAR file, of any tool, or a flow file of mitmproxy
    pub file: PathBuf,
    /// The recording that is written
    pub out: PathBuf,
}
