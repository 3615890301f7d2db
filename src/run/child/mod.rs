//! `sockeye run`: a program started so that its traffic comes through the proxy; its exit code is ours.

mod browser;
mod environment;
mod jks;
mod process;
mod trust;

use std::ffi::OsString;
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::{Duration, Instant};

use sockeye::capture::Program;
use sockeye::headless::{Follower, Output, text::Style};
use sockeye::net::CertAuthority;
use tempfile::TempDir;
use tokio::process::Command;

use super::proxy::{Running, config, heed_signals};
use super::rules::Rules;
use super::signals::Signals;
use super::{Failure, UNREACHABLE, USAGE};
use crate::cli::{OutputOptions, RunOptions};
use environment::{Surroundings, Variable};
use process::{Routing, Watched};

/// Exit codes of shells, for a program that cannot be started.
const NOT_EXECUTABLE: u8 = 126;
const NOT_FOUND: u8 = 127;

/// How long sessions may take to end once the program has.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Runs a program behind a proxy of its own; gives its exit code, or 128 and the number of the signal that ended it.
pub fn run(options: RunOptions) -> Result<u8, Failure> {
    let (words, options) = options.split();
    // To start a program so is to ask for its TLS to be opened.
    let authority = super::ca::made_if_missing(&options.tls.ca)?;
    let config = config(&options)?;
    let rules = Rules::of(&options.rules, &options.output)?;
    let signals = heed_signals(&options.output)?;
    let mut running = Running::start(config, options.log, rules)?;
    let recorder = running.record(&options.output)?;
    let launch = Launch { words, address: reached_at(running.proxy.address()), authority };
    // The folder stays for as long as the program may read what is in it.
    let run = launch.prepare(&options.output).and_then(|(_folder, command)| match signals {
        Some(signals) => launch.below(command, signals, &running, &options.output),
        None => launch.beside_a_screen(command, &mut running, &options.output).map(|code| (code, None)),
    });
    let (code, output) = match run {
        Ok((code, output)) => (Ok(code), output),
        Err(failure) => (Err(failure), None),
    };
    running.finish(output, recorder);
    code
}

/// The program to be started, and the proxy that it is started for.
struct Launch {
    words: Vec<OsString>,
    /// Where the program reaches the proxy.
    address: SocketAddr,
    authority: CertAuthority,
}

impl Launch {
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
        command.args(switches).args(arguments).envs(variables).kill_on_drop(true);
        match options.output {
            Output::None => Routing::Own,
            Output::Text | Output::Json => Routing::Errors,
        }
        .apply(&mut command);
        Ok((folder, command))
    }

    /// Without a screen: it has the terminal, if there is one, and each signal that comes.
    fn below(
        &self,
        command: Command,
        signals: Signals,
        running: &Running,
        options: &OutputOptions,
    ) -> Result<(u8, Option<Follower>), Failure> {
        let child = signals.start(command).map_err(|error| self.not_started(&error))?;
        let mut code = super::DONE;
        let output = running.look(options, Style::for_stdout(), || {
            code = process::exit_code(signals.hand_on(child)?);
            wait_for_sessions(running);
            Ok(())
        })?;
        Ok((code, output))
    }

    /// With a screen, which stays until the user leaves it.
    fn beside_a_screen(
        &self,
        command: Command,
        running: &mut Running,
        options: &OutputOptions,
    ) -> Result<u8, Failure> {
        let words: Vec<_> = self.words.iter().map(|word| word.to_string_lossy()).collect();
        let program = Program::new(words.join(" "));
        let watched = Watched::start(command, &program, &running.log);
        let watched = watched.map_err(|error| self.not_started(&error))?;
        running.program = Some(program.clone());
        let looked = running.look(options, Style::for_stdout(), || Ok(()));
        if program.ended().is_none() {
            // The terminal may be gone.
            let _ = writeln!(io::stderr(), "sockeye: {} still runs, and is asked to end", program.name());
        }
        let code = watched.finish().map_err(|error| Failure::new(UNREACHABLE, error));
        looked.and(code)
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
