//! Options of the commands that read a recording.

use std::path::PathBuf;

use clap::Args;

use sockeye::filter::Filter;
use sockeye::headless::Output;

use super::output::{LogOptions, RedactOptions};
use super::values::{filter, output};

#[derive(Debug, Args)]
pub struct ShowOptions {
    /// The recording; - reads the standard input
    pub file: PathBuf,
    /// What is shown to begin with
    #[arg(long, value_name = "EXPR", default_value = "", value_parser = filter, hide_default_value = true)]
    pub filter: Filter,
    #[command(flatten)]
    pub redact: RedactOptions,
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
