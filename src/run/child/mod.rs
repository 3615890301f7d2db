//! `sockeye run`: a program started so that its traffic comes through the proxy; its exit code is ours.

mod browser;
mod environment;
mod jks;
mod process;
mod trust;

use std::ffi::OsString;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::{Duration, Instant};

use sockeye::headless::{Output, text::Style};
use sockeye::net::CertAuthority;
use tempfile::TempDir;
use tokio::process::Command;

use super::proxy::{Running, config, heed_signals};
use super::{Failure, USAGE};
use crate::cli::{OutputOptions, RunOptions};
use environment::{Surroundings, Variable};
use process::Routing;

/// Exit codes of shells, for a program that cannot be started.
const NOT_EXECUTABLE: u8 = 126;
const NOT_FOUND: u8 = 127;

/// How long sessions may take to end once the program has.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Runs a program behind a proxy of its own; gives its exit code, or 128 and the number of the signal that ended it.
pub fn run(options: RunOptions) -> Result<u8, Failure> {
    let (words, mut options) = options.split();
    options.output.headless = true;
    // To start a program so is to ask for its TLS to be opened.
    let authority = super::ca::made_if_missing(&options.tls.ca)?;
    let style = Style::for_stdout();
    let config = config(&options)?;
    let signals = heed_signals(&options.output)?;
    let running = Running::start(config, options.log)?;
    let recorder = running.record(&options.output)?;
    let program = Program { words, address: reached_at(running.proxy.address()), authority };
    let started = program.prepare(&options.output).and_then(|(folder, command)| {
        let child = signals.as_ref().map(|signals| signals.start(command)).transpose();
        child.map(|child| (folder, child)).map_err(|error| program.not_started(&error))
    });
    let (folder, child) = match started {
        Ok(started) => started,
        Err(failure) => {
            running.finish(None, recorder);
            return Err(failure);
        }
    };
    let mut code = super::DONE;
    let output = running.look(&options.output, style, || {
        if let (Some(signals), Some(child)) = (signals, child) {
            code = process::exit_code(signals.hand_on(child)?);
        }
        wait_for_sessions(&running);
        Ok(())
    })?;
    running.finish(output, recorder);
    drop(folder);
    Ok(code)
}

/// The program to be started, and the proxy that it is started for.
struct Program {
    words: Vec<OsString>,
    /// Where the program reaches the proxy.
    address: SocketAddr,
    authority: CertAuthority,
}

impl Program {
    /// What is to be started, and the folder of the files that it is to read.
    fn prepare(&self, options: &OutputOptions) -> Result<(TempDir, Command), Failure> {
        let failed = |error: io::Error| {
            Failure::new(USAGE, format_args!("cannot write what the program is to trust: {error}"))
        };
        let folder = private_folder().map_err(failed)?;
        let surroundings = Surroundings {
            proxy: self.address,
            authority: &self.authority,
            folder: folder.path(),
            given: &|name| std::env::var_os(name),
        };
        let variables: Vec<Variable> = surroundings.variables().map_err(failed)?;
        let (program, arguments) = self.words.split_first().expect("clap asks for a program");
        let mut command = Command::new(program);
        let switches = browser::switches(program, arguments, self.address, &self.authority, folder.path());
        if !switches.is_empty() {
            let words: Vec<_> = switches.iter().map(|switch| switch.to_string_lossy()).collect();
            eprintln!("sockeye: {} gets {}", program.to_string_lossy(), words.join(" "));
        }
        command.args(switches).args(arguments).envs(variables);
        match options.output {
            Output::None => Routing::Own,
            Output::Text | Output::Json => Routing::Errors,
        }
        .apply(&mut command);
        Ok((folder, command))
    }

    fn not_started(&self, error: &io::Error) -> Failure {
        let name = self.words.first().map(|word| word.to_string_lossy()).unwrap_or_default();
        match error.kind() {
            io::ErrorKind::NotFound => Failure::new(
                NOT_FOUND,
                format_args!("there is no program {name}: give its path, or a name that is found in PATH"),
            ),
            io::ErrorKind::PermissionDenied => Failure::new(
                NOT_EXECUTABLE,
                format_args!("{name} cannot be started: {error}; is it a program, and executable?"),
            ),
            _ => Failure::new(NOT_EXECUTABLE, format_args!("{name} cannot be started: {error}")),
        }
    }
}

/// A folder that its owner alone reads, gone when it is dropped.
fn private_folder() -> io::Result<TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("sockeye-run-");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
    builder.tempdir()
}

/// Where this machine reaches what listens on `address`: all addresses of it are none to connect to.
fn reached_at(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// Waits until the sessions of a program that has ended are told to their ends, which its own end brings about. One that
/// another process has taken over may go on for longer than is waited for.
fn wait_for_sessions(running: &Running) {
    let begun = Instant::now();
    while running.controller.open_sessions() > 0 && begun.elapsed() < LAST_WORDS {
        let seen = running.log.version();
        running.log.wait(seen, Duration::from_millis(20));
    }
}
