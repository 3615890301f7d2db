//! `sockeye replay`: a recording's sessions played to live ends, and what came of it.

use std::io::{self, Write};
use std::path::Path;

use sockeye::net::Listener;
use sockeye::replay::{Cast, Expectation, MockServer, Played, Settings};

use super::signals::Signals;
use super::{DIFFERENT, Failure, UNREACHABLE, USAGE};
use crate::cli::replay::{PlayOptions, ReplayCommand, ReplayServerOptions};

/// Runs one of the commands.
pub fn replay(command: ReplayCommand) -> Result<(), Failure> {
    match command {
        ReplayCommand::Server(options) => server(options),
    }
}

fn server(options: ReplayServerOptions) -> Result<(), Failure> {
    if options.file.as_os_str() == "-" {
        return Err(Failure::new(
            USAGE,
            "a recording is read in several places to be played: give it as a file",
        ));
    }
    let signals = Signals::heed().map_err(|error| Failure::new(UNREACHABLE, error))?;
    let cast = Cast::read(&options.file).map_err(|error| Failure::new(USAGE, error))?;
    if cast.parts().is_empty() {
        let file = options.file.display();
        return Err(Failure::new(USAGE, format_args!("{file} holds no session to play")));
    }
    let listen = options.listen;
    let fault = signals.until(async {
        let unreachable = |error: io::Error| {
            Failure::new(
                UNREACHABLE,
                format_args!("cannot listen on {listen}: {error}; choose another address with --listen"),
            )
        };
        let listener = Listener::bind(listen).map_err(unreachable)?;
        let address = listener.address().map_err(unreachable)?;
        let mut server = MockServer::new(listener, cast, settings(options.play));
        say(&format!("listening on {address}\n"))?;
        let mut fault = false;
        while let Some(played) = server.next().await {
            fault |= !played.report.is_ok();
            say(&told(&options.file, &played))?;
        }
        Ok(fault)
    });
    match fault.map_err(|error| Failure::new(UNREACHABLE, error))? {
        Some(fault) => match fault? {
            false => Ok(()),
            true => Err(Failure::new(DIFFERENT, "what was played is not what was recorded")),
        },
        None => Err(Failure::new(DIFFERENT, "it was stopped before all of the recording was played")),
    }
}

fn settings(options: PlayOptions) -> Settings {
    Settings {
        expectation: Expectation {
            matching: options.matching,
            ignore: options.ignore,
            volatile: options.volatile,
        },
        bindings: options.bind,
        order: options.order,
        timing: options.timing,
        step_timeout: options.step_timeout,
    }
}

/// What came of a session, for eyes.
fn told(file: &Path, played: &Played) -> String {
    let report = &played.report;
    let mut text = match (report.is_ok(), played.line) {
        (true, _) => format!("ok      {}", played.target),
        (false, _) => format!("FAILED  {}", played.target),
    };
    text.push_str(&format!(" ({} messages as recorded, {} sent)\n", report.matched, report.sent));
    for problem in &report.problems {
        let place = problem.line.or(played.line).map(|line| format!("{}:{line}: ", file.display()));
        text.push_str(&format!("{}{problem}\n", place.unwrap_or_default()));
        for recent in &problem.recent {
            text.push_str(&format!("    {recent}\n"));
        }
        if let Some(option) = problem.way_out() {
            text.push_str(&format!("  {option} would accept it\n"));
        }
    }
    if report.left_out > 0 {
        text.push_str(&format!("{} more were left out\n", report.left_out));
    }
    text
}

fn say(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::new(USAGE, format_args!("cannot write to the standard output: {error}")))
        }
        _ => Ok(()),
    }
}
