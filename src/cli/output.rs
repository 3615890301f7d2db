//! Options about what is seen, recorded and kept.

use std::path::PathBuf;

use clap::Args;

use sockeye::config::Size;
use sockeye::filter::Filter;
use sockeye::headless::{Output, Redaction};

use super::values::{filter, limit, output};

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
    #[command(flatten)]
    pub redact: RedactOptions,
    /// What is shown and printed; see the filter language in docs/filters.md or with ? on the screen
    #[arg(long, value_name = "EXPR", default_value = "", value_parser = filter, hide_default_value = true)]
    pub filter: Filter,
}

#[derive(Clone, Debug, Args)]
pub struct RedactOptions {
    /// Replace secrets in what is printed, recorded and saved: credentials, cookies, tokens in URLs and subprotocols.
    /// This is so anyhow; payloads are left as they are, see docs/security.md
    #[arg(long, overrides_with = "no_redact")]
    pub redact: bool,
    /// Print, record and save secrets as they came
    #[arg(long, overrides_with = "redact")]
    pub no_redact: bool,
}

impl RedactOptions {
    /// What they come to.
    pub fn redaction(&self) -> Redaction {
        if self.no_redact { Redaction::Off } else { Redaction::On }
    }
}

#[derive(Clone, Debug, Args)]
pub struct LogOptions {
    /// Disk for the live log; at the limit the oldest goes first, and the screen says so
    #[arg(long, value_name = "SIZE", default_value = "2GiB", value_parser = limit)]
    pub capture_limit: Size,
    /// Where the live log is kept, in a private folder that goes away on exit [default: the system's temporary folder]
    #[arg(long, value_name = "DIR")]
    pub capture_dir: Option<PathBuf>,
}
