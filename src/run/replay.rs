//! `sockeye replay`: a recording's sessions played to live ends, and what came of it.

use std::io::{self, Write};
use std::path::Path;

use sockeye::net::{Listener, Reach, ServerTls, WayOut};
use sockeye::replay::{Cast, Expectation, MockServer, Played, ReplayClient, Settings};

use super::signals::Signals;
use super::{DIFFERENT, Failure, UNREACHABLE, USAGE};
use crate::cli::replay::{PlayOptions, ReplayClientOptions, ReplayCommand, ReplayServerOptions};

/// Runs one of the commands.
pub fn replay(command: ReplayCommand) -> Result<(), Failure> {
    match command {
        ReplayCommand::Server(options) => {
            let cast = cast(&options.file)?;
            played(server(cast, options))
        }
        ReplayCommand::Client(options) => {
            let cast = cast(&options.file)?;
            played(client(cast, options))
        }
    }
}

fn cast(file: &Path) -> Result<Cast, Failure> {
    if file.as_os_str() == "-" {
        return Err(Failure::new(
            USAGE,
            "a recording is read in several places to be played: give it as a file",
        ));
    }
    let cast = Cast::read(file).map_err(|error| Failure::new(USAGE, error))?;
    if cast.parts().is_empty() {
        return Err(Failure::new(USAGE, format_args!("{} holds no session to play", file.display())));
    }
    Ok(cast)
}

/// Has it played until it is over or a signal comes; `play` gives whether all was as recorded.
fn played(play: impl Future<Output = Result<bool, Failure>>) -> Result<(), Failure> {
    let unreachable = |error: io::Error| Failure::new(UNREACHABLE, error);
    let signals = Signals::heed().map_err(unreachable)?;
    match signals.until(play).map_err(unreachable)?.transpose()? {
        Some(true) => Ok(()),
        Some(false) => Err(Failure::new(DIFFERENT, "what was played is not what was recorded")),
        None => Err(Failure::new(DIFFERENT, "it was stopped before all of the recording was played")),
    }
}

async fn server(cast: Cast, options: ReplayServerOptions) -> Result<bool, Failure> {
    let listen = options.listen;
    let unreachable = |error: io::Error| {
        Failure::new(
            UNREACHABLE,
            format_args!("cannot listen on {listen}: {error}; choose another address with --listen"),
        )
    };
    let listener = Listener::bind(listen).map_err(unreachable)?;
    let address = listener.address().map_err(unreachable)?;
    let mut server = MockServer::new(listener, cast, settings(&options.play));
    say(&format!("listening on {address}\n"))?;
    let mut as_recorded = true;
    while let Some(played) = server.next().await {
        as_recorded &= played.report.is_ok();
        say(&told(&options.file, &played))?;
    }
    Ok(as_recorded)
}

async fn client(cast: Cast, options: ReplayClientOptions) -> Result<bool, Failure> {
    let limit = options.play.step_timeout;
    let reach = Reach { tls: ServerTls::default(), way_out: WayOut::default(), limit };
    let mut client = ReplayClient::new(options.server, reach, cast, settings(&options.play));
    let mut as_recorded = true;
    while let Some(played) = client.next().await.map_err(|error| Failure::new(UNREACHABLE, error))? {
        as_recorded &= played.report.is_ok();
        say(&told(&options.file, &played))?;
    }
    Ok(as_recorded)
}

fn settings(options: &PlayOptions) -> Settings {
    Settings {
        expectation: Expectation {
            matching: options.matching,
            ignore: options.ignore.clone(),
            volatile: options.volatile.clone(),
        },
        bindings: options.bind.clone(),
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
