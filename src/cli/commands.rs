//! Options about commands from outside.

use clap::Args;

#[derive(Clone, Copy, Debug, Default, Args)]
pub struct CommandsOptions {
    /// Take commands as JSON lines from the standard input, and answer each on the standard output; no screen. They hold,
    /// edit, inject and more: see docs/commands.md
    #[arg(long)]
    pub commands: bool,
    /// End when the standard input of --commands does, as it does when the program that started this one is gone
    #[arg(long, requires = "commands")]
    pub end_with_stdin: bool,
}
