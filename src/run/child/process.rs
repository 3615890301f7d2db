//! The program's process: where its output goes, and its exit code.

use std::io;
use std::process::{ExitStatus, Stdio};

use tokio::process::Command;

/// Where the program's output goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Routing {
    /// Where ours would.
    Own,
    /// All of it to the standard error: what we print has the standard output to itself.
    Errors,
}

impl Routing {
    pub(super) fn apply(self, command: &mut Command) {
        match self {
            Routing::Own => {}
            Routing::Errors => {
                command.stdout(Stdio::from(io::stderr()));
            }
        }
    }
}

/// As shells give it: 128 and the signal's number for a program that a signal has ended.
pub(super) fn exit_code(status: ExitStatus) -> u8 {
    #[cfg(unix)]
    let signal = std::os::unix::process::ExitStatusExt::signal(&status);
    #[cfg(not(unix))]
    let signal = None::<i32>;
    let code = status.code().or(signal.map(|signal| 128 + signal));
    // A code of more than eight bits is there on Windows alone.
    code.map_or(u8::MAX, |code| u8::try_from(code).unwrap_or(u8::MAX))
}
