//! `sockeye replay`: a recording's sessions played to live ends, and what came of it.

mod teller;

use std::future::pending;
use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;

use sockeye::net::{Listener, Reach, WayOut};
use sockeye::replay::{Cast, Expectation, Miss, MockServer, ReplayClient, Settings};
use tokio::sync::oneshot;

use self::teller::Teller;
use super::signals::Signals;
use super::{Failure, UNREACHABLE, USAGE};
use crate::cli::replay::{OnMiss, PlayOptions, ReplayClientOptions, ReplayCommand, ReplayServerOptions};
use crate::cli::replay_file;

/// Runs one of the commands.
pub fn replay(command: ReplayCommand) -> Result<(), Failure> {
    match with_file(command)? {
        ReplayCommand::Server(options) => server(&options),
        ReplayCommand::Client(options) => client(*options),
    }
}

/// With the options of `NAME.replay.toml`, where that lies beside the recording `NAME.jsonl`.
fn with_file(command: ReplayCommand) -> Result<ReplayCommand, Failure> {
    let recording = match &command {
        ReplayCommand::Server(options) => &options.file,
        ReplayCommand::Client(options) => &options.file,
    };
    let file = recording.with_extension("replay.toml");
    let name = file.display().to_string();
    match std::fs::read_to_string(&file) {
        Ok(text) => replay_file::amended(std::env::args_os(), &name, &text)
            .map_err(|error| Failure::new(USAGE, error)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(command),
        Err(error) => Err(Failure::new(USAGE, format_args!("cannot read {name}: {error}"))),
    }
}

fn cast(file: &Path, options: &PlayOptions) -> Result<Cast, Failure> {
    if file.as_os_str() == "-" {
        return Err(Failure::new(
            USAGE,
            "a recording is read in several places to be played: give it as a file",
        ));
    }
    let cast = Cast::read(file).map_err(|error| Failure::new(USAGE, error))?;
    if cast.is_empty() {
        return Err(Failure::new(USAGE, format_args!("{} holds no session to play", file.display())));
    }
    let cast = cast.select(&options.select);
    if cast.is_empty() {
        let why = format_args!("--select fits no session of {}", file.display());
        return Err(Failure::new(USAGE, why));
    }
    Ok(cast)
}

fn server(options: &ReplayServerOptions) -> Result<(), Failure> {
    let mut cast = cast(&options.file, &options.play)?;
    if let Some(optional) = &options.optional {
        cast = cast.with_optional(optional);
    }
    if options.repeat {
        cast = cast.repeated();
    }
    let mut teller = Teller::new(&options.file, &options.told)?;
    let signals = Signals::heed().map_err(unreachable)?;
    let mut server = None;
    // Until a signal comes; then what was played by then is told.
    let ended = signals.until(serve(&mut server, cast, options, &mut teller)).map_err(unreachable)?;
    ended.transpose()?;
    let left = server.map(|server| server.left()).unwrap_or_default();
    teller.end(left)
}

fn unreachable(error: io::Error) -> Failure {
    Failure::new(UNREACHABLE, error)
}

/// Listens and plays until all was played, or one of the ends comes that the user chose.
async fn serve(
    place: &mut Option<MockServer>,
    cast: Cast,
    options: &ReplayServerOptions,
    teller: &mut Teller,
) -> Result<(), Failure> {
    let listen = options.listen;
    let unreachable = |error: io::Error| {
        Failure::new(
            UNREACHABLE,
            format_args!("cannot listen on {listen}: {error}; choose another address with --listen"),
        )
    };
    let listener = Listener::bind(listen).map_err(unreachable)?;
    let on_offer = (cast.parts().len(), cast.exchanges());
    let miss = match &options.on_miss {
        OnMiss::Fail => Miss::Fail,
        OnMiss::Forward(server) => Miss::Forward(server.clone(), reach(&options.play)?),
    };
    let settings = Settings { ignore_query: options.ignore_query.clone(), ..settings(&options.play) };
    let server = place.insert(MockServer::new(listener, cast, settings, miss));
    teller.ready(&server.url().map_err(unreachable)?, on_offer)?;
    let stdin = options.end_with_stdin.then(stdin_ends);
    let stdin = async {
        match stdin {
            // Where nobody reads it any more, it does not end either.
            Some(ended) => {
                if ended.await.is_err() {
                    pending::<()>().await;
                }
            }
            None => pending().await,
        }
    };
    tokio::pin!(stdin);
    let mut ending = false;
    loop {
        let idle = tokio::time::sleep(options.idle_timeout.unwrap_or(Duration::MAX));
        let next = tokio::select! {
            biased;
            next = server.next() => next,
            // What is being played is played to its end, which takes no longer than its steps may.
            () = &mut stdin, if !ending => {
                ending = true;
                if server.is_playing() { continue } else { None }
            }
            () = idle, if options.idle_timeout.is_some() => {
                if server.is_playing() { continue } else { None }
            }
        };
        let Some(played) = next else { return Ok(()) };
        teller.played(played)?;
        if ending && !server.is_playing() {
            return Ok(());
        }
    }
}

/// Is told when the standard input has ended. A thread reads it: a read of it cannot be given up, but the program can
/// end meanwhile.
fn stdin_ends() -> oneshot::Receiver<()> {
    let (tell, ended) = oneshot::channel();
    std::thread::spawn(move || {
        let mut stdin = io::stdin().lock();
        let mut buffer = [0; 4096];
        loop {
            match stdin.read(&mut buffer) {
                Ok(1..) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(0) | Err(_) => break,
            }
        }
        // Nobody waits any more where all was played.
        let _ = tell.send(());
    });
    ended
}

fn client(options: ReplayClientOptions) -> Result<(), Failure> {
    let cast = cast(&options.file, &options.play)?;
    if cast.parts().is_empty() {
        let why = format_args!(
            "what is to be played of {} is plain HTTP alone, which a client does not ask yet",
            options.file.display()
        );
        return Err(Failure::new(USAGE, why));
    }
    let mut teller = Teller::new(&options.file, &options.told)?;
    let reach = reach(&options.play)?;
    let mut client = ReplayClient::new(options.server, reach, cast, settings(&options.play));
    let signals = Signals::heed().map_err(unreachable)?;
    let ended = signals.until(async {
        while let Some(played) = client.next().await.map_err(|error| Failure::new(UNREACHABLE, error))? {
            teller.played(played)?;
        }
        Ok(())
    });
    let ended = ended.map_err(unreachable)?.transpose();
    let told = teller.end(client.left());
    ended.and(told)
}

fn reach(options: &PlayOptions) -> Result<Reach, Failure> {
    let tls = crate::run::tls::server_tls(&options.tls)?;
    Ok(Reach::new(WayOut::default(), tls, options.step_timeout))
}

fn settings(options: &PlayOptions) -> Settings {
    Settings {
        expectation: Expectation {
            matching: options.matching,
            ignore: options.ignore.clone(),
            volatile: options.volatile.clone(),
        },
        bindings: options.bind.clone(),
        fidelity: options.fidelity,
        order: options.order,
        timing: options.timing,
        step_timeout: options.step_timeout,
        ..Settings::default()
    }
}
