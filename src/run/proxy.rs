//! The proxy itself: what listens, what records, what prints or shows, and an orderly end.

use std::env::VarError;
use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::time::Duration;

use sockeye::capture::{Capture, CaptureConfig, Log, LogConfig, Program, capture};
use sockeye::connect::Voice;
use sockeye::control::Controller;
use sockeye::filter::Filter;
use sockeye::headless::{self, Follower, Output, Printing, Redaction, text::Style};
use sockeye::net::{Clear, Credentials, Door, HostHeader, Limits, Listening, Proxy, ProxyConfig, StartError};
use sockeye::replay::Progress;

use super::rules::{Holding, Rules};
use super::signals::Signals;
use super::{Failure, UNREACHABLE, USAGE};
use crate::cli::{LogOptions, OutputOptions, ProxyOptions, SafetyOptions};

/// Runs the proxy until the user or a signal ends it.
pub fn proxy(mut options: ProxyOptions) -> Result<(), Failure> {
    options.output.headless |= options.commands.commands;
    let style = Style::for_stdout();
    let config = ProxyConfig { auth: auth(&options.safety)?, ..config(&options)? };
    let rules = Rules::of(&options.rules, &options.output)?;
    let signals = heed_signals(&options.output)?;
    let running = Running::start(config, options.log, rules)?;
    let recorder = running.record(&options.output)?;
    let output = if options.commands.commands {
        super::commands::obey(&running, &options.output, options.commands, signals)?
    } else {
        running.look(&options.output, style, || signals.map_or(Ok(()), Signals::wait))?
    };
    running.finish(output, recorder);
    Ok(())
}

/// What the options ask of the proxy.
pub fn config(options: &ProxyOptions) -> Result<ProxyConfig, Failure> {
    let connections = options.safety.max_connections.map_or_else(room, |count| count as usize);
    let clear = if options.listen.listen_tls { Clear::Refused } else { Clear::Served };
    Ok(ProxyConfig {
        listeners: options
            .listen
            .listeners(options.server.as_ref())
            .map_err(|error| Failure::new(USAGE, error))?,
        accept_proxy_protocol: options.listen.accept_proxy_protocol,
        host: if options.keep_host { HostHeader::Keep } else { HostHeader::Rewrite },
        names: options.safety.allow_host.clone(),
        auth: None,
        limits: Limits { connections, ..Limits::default() },
        handshake_limit: options.handshake_timeout,
        way_out: options.out.way_out(&no_proxy()),
        server_tls: super::tls::server_tls(&options.tls.server)?,
        opening: super::tls::opening(&options.tls, clear)?,
        key_log: super::tls::key_log(&options.tls)?,
    })
}

/// `NO_PROXY`, or its lower-case form, which more programs heed.
pub fn no_proxy() -> String {
    let listed = ["no_proxy", "NO_PROXY"].into_iter().find_map(|name| std::env::var(name).ok());
    listed.unwrap_or_default()
}

/// What clients have to know, by the option or by the environment.
fn auth(options: &SafetyOptions) -> Result<Option<Credentials>, Failure> {
    const VARIABLE: &str = "SOCKEYE_AUTH";
    match std::env::var(VARIABLE) {
        _ if options.auth.is_some() => Ok(options.auth.clone()),
        Ok(word) if !word.is_empty() => {
            let read = word.parse().map(Some);
            read.map_err(|error| Failure::new(USAGE, format_args!("{VARIABLE}: {error}")))
        }
        Err(VarError::NotUnicode(_)) => Err(Failure::new(USAGE, format_args!("{VARIABLE} is no UTF-8"))),
        _ => Ok(None),
    }
}

/// A proxy with its log.
pub struct Running {
    pub log: Log,
    pub controller: Controller,
    pub proxy: Proxy,
    /// The program that it was started for.
    pub program: Option<Program>,
    /// The replay that it stands in front of.
    pub replay: Option<Progress>,
    /// What the user says as a client of the program's own.
    pub voice: Option<Voice>,
    rules: Holding,
    capture: Capture,
}

/// What the screen says that it shows.
#[derive(Default)]
#[cfg_attr(not(feature = "tui"), expect(dead_code, reason = "there is no screen to show it"))]
pub struct Shown {
    pub listen: Vec<Listening>,
    pub recording: Option<PathBuf>,
    pub source: Option<String>,
    pub program: Option<Program>,
    pub replay: Option<Progress>,
    pub voice: Option<Voice>,
    pub rules: Option<PathBuf>,
    pub filter: Filter,
    pub redaction: Redaction,
    /// The way into a proxy, for sessions that are played again.
    pub way: Option<Way>,
}

/// Gives the door of a proxy, or says why there is none.
pub type Way = Box<dyn Fn() -> Result<Door, String>>;

impl Running {
    /// Listens, with a log of its own.
    pub fn start(config: ProxyConfig, log: LogOptions, rules: Rules) -> Result<Running, Failure> {
        raise_open_files();
        let log_config = LogConfig { directory: log.capture_dir, limit: log.capture_limit.0 };
        let log = Log::create(&log_config).map_err(|error| {
            Failure::new(USAGE, format_args!("{error}; choose another place with --capture-dir"))
        })?;
        let (tap, capture) =
            capture(&log, CaptureConfig::default()).map_err(|error| Failure::new(UNREACHABLE, error))?;
        let controller = Controller::new();
        let rules = rules.hold(&controller, &tap);
        let advice = match config.auth {
            Some(_) => ": who has the password may use it, and all that passes can be read on the way",
            None => {
                ", and so is all that passes: --auth user:password keeps others out, 127.0.0.1 keeps it to this one"
            }
        };
        let proxy = Proxy::start(config, tap, &controller).map_err(|error| {
            Failure::new(
                if matches!(error, StartError::Loop(_) | StartError::Unasked) { USAGE } else { UNREACHABLE },
                error,
            )
        })?;
        for Listening { address, .. } in proxy.listening() {
            if !address.ip().is_loopback() {
                eprintln!("sockeye: {address} is open to other machines{advice}");
            }
        }
        Ok(Running { log, controller, proxy, program: None, replay: None, voice: None, rules, capture })
    }

    /// Begins to record, where that is wanted.
    pub fn record(&self, options: &OutputOptions) -> Result<Option<Follower>, Failure> {
        let Some(path) = &options.record else { return Ok(None) };
        let listen = self.proxy.listening().to_vec();
        // On the screen, the note in the log says it.
        let prints = !shows_screen(options);
        let tell = move |fault: &str| {
            if prints {
                eprintln!("sockeye: {fault}");
            }
        };
        let recorder = headless::record(&self.log, path, listen, options.redact.redaction(), tell);
        let recorder = recorder.map_err(|error| {
            Failure::new(USAGE, format_args!("cannot write the recording {}: {error}", path.display()))
        })?;
        Ok(Some(recorder))
    }

    /// Prints or shows what happens until the user leaves, or, headless, until `wait` is over; gives what prints.
    pub fn look(
        &self,
        options: &OutputOptions,
        style: Style,
        wait: impl FnOnce() -> io::Result<()>,
    ) -> Result<Option<Follower>, Failure> {
        let listen = self.proxy.listening().to_vec();
        if shows_screen(options) {
            let door = self.proxy.door();
            let shown = Shown {
                listen,
                recording: options.record.clone(),
                source: None,
                program: self.program.clone(),
                replay: self.replay.clone(),
                voice: self.voice.clone(),
                rules: self.rules.path().map(PathBuf::from),
                filter: options.filter.clone(),
                redaction: options.redact.redaction(),
                way: Some(Box::new(move || Ok(door.clone()))),
            };
            return screen(&self.log, shown, Some(self.controller.clone())).map(|()| None);
        }
        let printing = Printing {
            output: options.output,
            filter: options.filter.clone(),
            style,
            listen,
            redaction: options.redact.redaction(),
        };
        let follower = (options.output != Output::None)
            .then(|| Follower::spawn(&self.log, printing, io::stdout()))
            .transpose()
            .map_err(|error| Failure::new(UNREACHABLE, error))?;
        wait().map_err(|error| Failure::new(UNREACHABLE, error))?;
        Ok(follower)
    }

    /// Shuts down: sessions are told, the log is completed, the recording and the output get their last lines.
    pub fn finish(self, output: Option<Follower>, recorder: Option<Follower>) {
        self.proxy.finish();
        drop(self.rules);
        self.capture.finish(&self.log);
        // A file is waited for, a pipe that nobody reads is not. What went wrong was told when it did.
        let _ = recorder.map(|recorder| recorder.finish(Duration::from_secs(60)));
        let _ = output.map(|output| output.finish(Duration::from_secs(2)));
    }
}

/// Whether what happens is shown on a screen, and not printed.
pub fn shows_screen(options: &OutputOptions) -> bool {
    cfg!(feature = "tui") && !options.headless && io::stdout().is_terminal()
}

/// The signals to end, before there is anything that they should not leave behind. The screen has its own.
pub fn heed_signals(options: &OutputOptions) -> Result<Option<Signals>, Failure> {
    let signals = (!shows_screen(options)).then(Signals::heed).transpose();
    signals.map_err(|error| Failure::new(UNREACHABLE, error))
}

/// Shows a log on the terminal until the user leaves.
#[cfg(feature = "tui")]
pub fn screen(log: &Log, shown: Shown, controller: Option<Controller>) -> Result<(), Failure> {
    use sockeye::tui::{About, Outside};
    let Shown { listen, recording, source, program, replay, voice, rules, filter, redaction, way } = shown;
    let about = About { listen, recording, source, program, replay, composes: voice.is_some(), filter };
    let editor = Some(Box::new(super::editor::edit) as sockeye::tui::OutsideEditor);
    let add_rule = controller.clone().map(|controller| {
        Box::new(move |rule: &str| super::rules::add(rules.as_deref(), rule, &controller))
            as sockeye::tui::AddRule
    });
    let outside = Outside { controller, redaction, voice, editor, add_rule, way, ..Outside::default() };
    sockeye::tui::run(log, about, &outside).map_err(|error| {
        Failure::new(UNREACHABLE, format_args!("the terminal cannot be used: {error}; try --headless"))
    })
}

/// Shows a log on the terminal until the user leaves.
#[cfg(not(feature = "tui"))]
pub fn screen(_: &Log, _: Shown, _: Option<Controller>) -> Result<(), Failure> {
    Err(Failure::new(USAGE, "this sockeye was built without its screen: use --headless"))
}

/// How many clients' connections there is room for: each takes two sockets.
fn room() -> usize {
    // Some files are the log's, the recording's and the program's own.
    usize::try_from(raise_open_files().saturating_sub(64) / 2).unwrap_or(usize::MAX).max(16)
}

/// A session takes two sockets: the room that there is, is asked for. Gives how many files may be open.
fn raise_open_files() -> u64 {
    #[cfg(unix)]
    // Where it is refused, the limit is what it was, and a connection too many is told as such.
    return rlimit::increase_nofile_limit(u64::MAX).unwrap_or(1_024);
    #[cfg(not(unix))]
    return 20_000;
}
