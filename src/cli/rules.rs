//! Options about rules.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use sockeye::headless::Output;

use super::values::output;

#[derive(Debug, Args)]
pub struct RulesOptions {
    /// Rules that hold, change, delay or break what passes (TOML, see docs/rules.md); read again when the file changes
    #[arg(long, value_name = "FILE")]
    pub rules: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub enum RulesCommand {
    /// Say what is wrong with a file of rules, or what it would have done to a recording
    ///
    /// Exit code: 0 where all is well, 1 where a rule would have touched nothing, 2 where a file cannot be read.
    Check(RulesCheckOptions),
}

#[derive(Debug, Args)]
pub struct RulesCheckOptions {
    /// The file of rules
    pub file: PathBuf,
    /// List which messages of this recording each rule would have touched, before and after
    #[arg(long, value_name = "RECORDING")]
    pub against: Option<PathBuf>,
    /// In which form
    #[arg(long, value_name = "FORM", default_value = "text", value_parser = output)]
    pub output: Output,
}
