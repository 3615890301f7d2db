//! What the command line says about itself: completions and the manual page.

use std::io::{self, Write};

use clap_complete::Shell;

use super::{Failure, USAGE};
use crate::cli;

/// Prints a shell's completions.
pub fn completions(shell: Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut cli::command(), "sockeye", &mut script);
    put(&script)
}

/// Prints the manual page.
pub fn man() -> Result<(), Failure> {
    let mut page = Vec::new();
    clap_mangen::Man::new(cli::command())
        .render(&mut page)
        .map_err(|error| Failure::new(USAGE, format_args!("cannot make the manual page: {error}")))?;
    put(&page)
}

fn put(bytes: &[u8]) -> Result<(), Failure> {
    match io::stdout().write_all(bytes) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::new(USAGE, format_args!("cannot write to the standard output: {error}")))
        }
        _ => Ok(()),
    }
}
