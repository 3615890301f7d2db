//! `sockeye replay`: a recording's sessions played to live ends, and what came of it.

mod stage;
mod teller;

use std::future::pending;
use std::io::{self, Read};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use sockeye::decode::Heartbeats;
use sockeye::headless;
use sockeye::net::{Door, Entrance, HostHeader, Listen, Listener, ProxyConfig, Reach, Target, WayOut};
use sockeye::replay::{
    Cast, Miss, MockServer, Played, Progress, RealServer, ReplayClient, Settings, UpdateError,
};
use tokio::sync::oneshot;

use self::stage::{Runner, Stage};
use self::teller::Teller;
use super::{DIFFERENT, Failure, UNREACHABLE, USAGE};
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
    let record_to = options.record_to.as_deref().unwrap_or(&options.file);
    if matches!(options.on_miss, OnMiss::Record(_)) {
        headless::check_append(record_to).map_err(|error| not_added(record_to, &error))?;
    }
    let on_offer = (cast.parts().len(), cast.exchanges());
    let progress = Progress::new(format!("replay of {}", name(&options.file)), on_offer.0 as u64);
    let runner = Runner::new(&options.stage)?;
    let (server, stage) = {
        let _inside = runner.enter();
        mock(cast, options, &progress)?
    };
    let url = stage.as_ref().map_or_else(|| server.url().map_err(unreachable), |stage| Ok(stage.url()))?;
    if let Some(stage) = stage.as_ref().filter(|_| options.stage.show) {
        teller.beside_screen(progress, stage.log());
    }
    teller.ready(&url, on_offer)?;
    let mut place = Some(server);
    let mut left = None;
    let mut added = Ok(());
    let add = |server: &MockServer, teller: &mut Teller| {
        let added = server.append_recorded(record_to, options.stage.redact.redaction());
        teller.recorded(added.map_err(|error| not_added(record_to, &error))?, record_to)
    };
    // Until a signal comes, or the user leaves; then what was played by then is told.
    let ended = runner.run(stage.as_ref(), async {
        let served = serve(&mut place, options, &mut teller).await;
        // Nobody listens any more, also where a screen stays.
        if let Some(server) = place.take() {
            left = Some(server.left());
            added = add(&server, &mut teller);
        }
        teller.over(left.as_deref().unwrap_or_default());
        served
    });
    stage.map(Stage::finish);
    let ended = ended?.transpose();
    if let Some(server) = place {
        left = Some(server.left());
        added = add(&server, &mut teller);
    }
    added?;
    ended?;
    teller.end(left.unwrap_or_default())
}

/// Listens, behind a proxy where one is wanted.
fn mock(
    cast: Cast,
    options: &ReplayServerOptions,
    progress: &Progress,
) -> Result<(MockServer, Option<Stage>), Failure> {
    let is_staged = options.stage.is_wanted();
    let listen = if is_staged { SocketAddr::from((Ipv4Addr::LOCALHOST, 0)) } else { options.listen };
    let unreachable = |error: io::Error| {
        Failure::new(
            UNREACHABLE,
            format_args!("cannot listen on {listen}: {error}; choose another address with --listen"),
        )
    };
    let listener = Listener::bind(listen).map_err(unreachable)?;
    let address = listener.address().map_err(unreachable)?;
    let miss = match &options.on_miss {
        OnMiss::Fail => Miss::Fail,
        OnMiss::Forward(server) => Miss::Forward(server.clone(), reach(&options.play)?),
        OnMiss::Record(server) => Miss::Record(real(server, &options.play)?),
    };
    let settings = Settings { ignore_query: options.ignore_query.clone(), ..settings(&options.play) };
    let server = MockServer::new(listener, cast, settings, miss);
    let stage = Stage::start(&options.stage, progress, || {
        let target: Target = format!("ws://{address}").parse().map_err(|error| Failure::new(USAGE, error))?;
        Ok(ProxyConfig {
            listeners: vec![Listen::new(options.listen, Entrance::Reverse(target))],
            // What the clients say is compared with what was recorded: it stays as it is.
            host: HostHeader::Keep,
            ..ProxyConfig::default()
        })
    })?;
    Ok((server, stage))
}

fn not_added(file: &Path, error: &io::Error) -> Failure {
    Failure::new(USAGE, format_args!("cannot add to {}: {error}", file.display()))
}

fn unreachable(error: io::Error) -> Failure {
    Failure::new(UNREACHABLE, error)
}

/// Plays until all was played, or one of the ends comes that the user chose.
async fn serve(
    place: &mut Option<MockServer>,
    options: &ReplayServerOptions,
    teller: &mut Teller,
) -> Result<(), Failure> {
    let Some(server) = place else { return Ok(()) };
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

/// A recording's name without its folder, for where there is little room.
fn name(file: &Path) -> String {
    file.file_name().unwrap_or(file.as_os_str()).to_string_lossy().into_owned()
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
    let words = format!("replay of {} to {}", name(&options.file), options.server);
    let progress = Progress::new(words, cast.parts().len() as u64);
    let mut client = match options.update {
        true => ReplayClient::updating(&real(&options.server, &options.play)?, cast, settings(&options.play))
            .map_err(unreachable)?,
        false => {
            let reach = reach(&options.play)?;
            ReplayClient::new(options.server, reach, cast, settings(&options.play))
        }
    };
    let runner = Runner::new(&options.stage)?;
    let stage = Stage::start(&options.stage, &progress, || {
        Ok(ProxyConfig {
            listeners: Vec::new(),
            handshake_limit: options.play.step_timeout,
            server_tls: crate::run::tls::server_tls(&options.play.tls)?,
            ..ProxyConfig::default()
        })
    })?;
    if let Some(stage) = stage.as_ref().filter(|_| options.stage.show) {
        teller.beside_screen(progress, stage.log());
    }
    let door = stage.as_ref().map(Stage::door);
    let ended = runner.run(stage.as_ref(), async {
        while let Some(played) = next(&mut client, door.as_ref()).await? {
            teller.played(played)?;
        }
        teller.over(&[]);
        Ok(())
    });
    let log = stage.map(Stage::finish);
    let ended = ended?.transpose();
    let reached = match log.as_ref().and_then(stage::unreached) {
        Some(why) => Err(Failure::new(UNREACHABLE, why)),
        None => Ok(()),
    };
    let left = client.left();
    let updated = match options.update && ended.is_ok() && reached.is_ok() {
        true => update(client, &options.file, &mut teller),
        false => Ok(()),
    };
    let told = teller.end(left);
    ended.and(reached).and(updated).and(told)
}

/// Plays the next session, by the door of a proxy where there is one.
async fn next(client: &mut ReplayClient, door: Option<&Door>) -> Result<Option<Played>, Failure> {
    let failed = |why| Failure::new(UNREACHABLE, why);
    match door {
        Some(_) if client.is_over() => Ok(None),
        Some(door) => {
            let Some(server) = client.server() else { return Ok(None) };
            let (server, _) = door.enter(server).await.map_err(unreachable)?;
            Ok(client.next_on(server).await)
        }
        None => client.next().await.map_err(failed),
    }
}

/// Writes the answers that came into the recording.
fn update(client: ReplayClient, file: &Path, teller: &mut Teller) -> Result<(), Failure> {
    let updated = client.write_update(file).map_err(|error| {
        let code = match error {
            UpdateError::Unplayed(_) => DIFFERENT,
            UpdateError::Unopened(..) => UNREACHABLE,
            UpdateError::File(..) => USAGE,
        };
        Failure::new(code, error)
    })?;
    teller.updated(&updated)
}

fn real(server: &Target, options: &PlayOptions) -> Result<RealServer, Failure> {
    let tls = crate::run::tls::server_tls(&options.tls)?;
    Ok(RealServer { target: server.clone(), way_out: WayOut::default(), tls, limit: options.step_timeout })
}

fn reach(options: &PlayOptions) -> Result<Reach, Failure> {
    let tls = crate::run::tls::server_tls(&options.tls)?;
    Ok(Reach::new(WayOut::default(), tls, options.step_timeout))
}

fn settings(options: &PlayOptions) -> Settings {
    Settings {
        expectation: options.expectation.expectation(),
        bindings: options.bind.clone(),
        fidelity: options.fidelity,
        order: options.order,
        timing: options.timing,
        step_timeout: options.step_timeout,
        heartbeats: (!options.expect_heartbeats).then(Heartbeats::default),
        ..Settings::default()
    }
}
