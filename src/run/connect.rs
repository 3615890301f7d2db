//! `sockeye connect`: a session of the user's own, through the proxy, on the screen or line by line.

use std::io::{self, BufRead, IsTerminal, Write};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sockeye::capture::{Event, Log, Next};
use sockeye::connect::{Client, End, Field, Request, Told, Unopened, Until, Url, Voice, voice};
use sockeye::control::compose::{Content, Draft};
use sockeye::decode::{self, visible};
use sockeye::headless::{self, Output, text::Style};
use sockeye::net::{Door, ProxyConfig, WayOut};
use sockeye::ws::Opcode;
use sockeye::ws::handshake::{Severity, Side};
use tokio::sync::oneshot;

use super::proxy::{Running, heed_signals, no_proxy, shows_screen};
use super::rules::Rules;
use super::{DIFFERENT, DONE, Failure, UNREACHABLE, USAGE};
use crate::cli::connect::{ConnectOptions, Printed};
use crate::cli::tls::ServerTlsOptions;
use crate::cli::{LogOptions, OutputOptions};

/// Opens a session and keeps it until it is over; gives the exit code by how it ended.
pub fn connect(options: ConnectOptions) -> Result<u8, Failure> {
    let request = request(&options)?;
    let first = drafts(&options)?;
    let config = config(&options)?;
    let (output, log) = output(&options);
    let on_screen = shows_screen(&output);
    let rules = Rules::of(&options.rules, &output)?;
    let signals = heed_signals(&output)?;
    let mut running = Running::start(config, log, rules)?;
    let recorder = running.record(&output)?;
    let (mouth, ear) = voice();
    running.voice = Some(mouth.clone());
    let talk = Talk { request, door: running.proxy.door(), options: Ways::of(&options, on_screen) };
    let (mut conversation, over) = talk.start(ear)?;
    for (number, line) in first.into_iter().enumerate() {
        say(&mouth, line)
            .map_err(|error| Failure::new(USAGE, format_args!("--data {}: {error}", number + 1)))?;
    }
    if on_screen {
        drop(mouth);
    } else {
        running.voice = None;
        read_lines(mouth, options.literal);
    }
    let printer = running.look(&output, Style::for_stdout(), || {
        // A signal ends it as the end of the input does.
        let ended = async {
            // Gone or told: it is over.
            let _ = over.await;
            Ok(())
        };
        signals.map_or(Ok(()), |signals| signals.wait_or(ended))
    });
    running.voice = None;
    let ended = conversation.stop();
    let seen = running.log.clone();
    running.finish(printer?, recorder);
    match ended? {
        Ok(end) if end.is_clean() => Ok(DONE),
        Ok(end) => Err(Failure::new(DIFFERENT, end)),
        Err(unopened) => {
            let silent = || "no session came about: there was no answer in time".to_owned();
            let why = refused(&seen).unwrap_or_else(|| match unopened {
                Unopened::Answered(why) => why,
                Unopened::Silent => silent(),
            });
            Err(Failure::new(UNREACHABLE, why))
        }
    }
}

/// What is asked for.
fn request(options: &ConnectOptions) -> Result<Request, Failure> {
    let mut url: Url = options.url.clone();
    if let Some(socket) = &options.unix_socket {
        url.server.authority.socket = Some(socket.clone());
    }
    let mut fields = Vec::new();
    let mut set = |name: &str, value: &str| match format!("{name}: {value}").parse() {
        Ok(field) => {
            fields.push(field);
            Ok(())
        }
        Err(error) => Err(Failure::new(USAGE, error)),
    };
    if let Some(origin) = &options.origin {
        set("Origin", origin)?;
    }
    if let Some(agent) = &options.user_agent {
        set("User-Agent", agent)?;
    }
    if let Some(user) = options.user.as_ref().or(url.user.as_ref()) {
        set("Authorization", &format!("Basic {}", STANDARD.encode(user)))?;
    }
    if !options.cookies.is_empty() {
        set("Cookie", &options.cookies.join("; "))?;
    }
    // What is written out in full is meant.
    let named = |field: &Field| options.headers.iter().any(|other| other.is_of(field));
    fields.retain(|field| !named(field));
    fields.extend(options.headers.iter().cloned());
    Ok(Request { url, subprotocols: options.subprotocols.clone(), deflate: !options.no_deflate, fields })
}

/// A proxy that nobody else comes to.
fn config(options: &ConnectOptions) -> Result<ProxyConfig, Failure> {
    let tls = ServerTlsOptions {
        server_ca: options.cacert.clone(),
        insecure: options.insecure,
        client_cert: options.cert.clone(),
        client_key: options.key.clone(),
    };
    Ok(ProxyConfig {
        listeners: Vec::new(),
        handshake_limit: options.connect_timeout,
        way_out: WayOut {
            proxy: options.proxy.clone(),
            no_proxy: sockeye::net::NoProxy::parse(&no_proxy()),
            header: None,
        },
        server_tls: super::tls::server_tls(&tls)?,
        ..ProxyConfig::default()
    })
}

/// What is seen of it. Lines from elsewhere are no keys.
fn output(options: &ConnectOptions) -> (OutputOptions, LogOptions) {
    let output = OutputOptions {
        headless: options.headless || !io::stdin().is_terminal(),
        output: match options.output {
            Printed::Plain => Output::None,
            Printed::Log(output) => output,
        },
        record: options.record.clone(),
        redact: options.redact.clone(),
        filter: options.filter.clone(),
    };
    (output, options.log.clone())
}

/// What is said first.
fn drafts(options: &ConnectOptions) -> Result<Vec<Draft>, Failure> {
    let read = |line: &String| match options.literal {
        true => Ok(Draft::text(line)),
        false => Draft::parse(line).map_err(|error| Failure::new(USAGE, format_args!("--data: {error}"))),
    };
    options.data.iter().map(read).collect()
}

/// The client, before it is on its way.
struct Talk {
    request: Request,
    door: Door,
    options: Ways,
}

/// What the client does beside talking.
#[derive(Clone, Copy)]
struct Ways {
    limit: Duration,
    until: Until,
    prints: bool,
    tells: bool,
    verbose: bool,
}

impl Ways {
    fn of(options: &ConnectOptions, on_screen: bool) -> Ways {
        // Who ends what they type has read what came; a script's words were not answered yet.
        let typed = on_screen || io::stdin().is_terminal();
        let linger = if typed { Duration::ZERO } else { options.linger };
        let linger = (on_screen || !options.keep_open).then_some(linger);
        Ways {
            // The proxy reaches the server and waits for its answer, each as long.
            limit: options.connect_timeout * 2,
            until: Until { most: options.max_time, linger },
            prints: options.output == Printed::Plain && !on_screen,
            tells: !on_screen,
            verbose: options.verbose && !on_screen,
        }
    }
}

/// The client under way, on a thread of its own.
struct Conversation {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<Result<End, Unopened>>>,
}

impl Talk {
    /// Begins; what is given beside is over when the session is.
    fn start(self, ear: sockeye::connect::Ear) -> Result<(Conversation, oneshot::Receiver<()>), Failure> {
        let failed = |error| Failure::new(UNREACHABLE, format_args!("cannot start: {error}"));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
        let (stop, stopped) = oneshot::channel();
        let (over, is_over) = oneshot::channel();
        let work = move || {
            let end = runtime.block_on(self.run(ear, stopped));
            // Nobody may wait for it any more.
            let _ = over.send(());
            end
        };
        let thread = thread::Builder::new().name("client".to_owned()).spawn(work).map_err(failed)?;
        Ok((Conversation { stop: Some(stop), thread: Some(thread) }, is_over))
    }

    async fn run(
        self,
        ear: sockeye::connect::Ear,
        mut stopped: oneshot::Receiver<()>,
    ) -> Result<End, Unopened> {
        let Ways { limit, until, prints, tells, verbose } = self.options;
        let open = async {
            let entered = self.door.enter(&self.request.url.server).await;
            let (server, _) = entered.map_err(|_| Unopened::Silent)?;
            Client::open(server, &self.request, limit).await
        };
        let client = tokio::select! {
            client = open => client?,
            _ = &mut stopped => return Ok(End::Cut("left before the session was open")),
        };
        if verbose {
            heads(&client);
        }
        let faults = client
            .agreed()
            .findings
            .iter()
            .filter(|finding| finding.severity == Severity::Fault && finding.side == Side::Server);
        for fault in faults.filter(|_| tells) {
            eprintln!("sockeye: {} ({})", visible(&fault.sentence), fault.section);
        }
        let stop = async { drop(stopped.await) };
        let end = client.talk(ear, until, stop, |told| match told {
            Told::Message(opcode, payload) if prints => print(opcode, &payload),
            Told::Violation(what) if tells => {
                eprintln!("sockeye: the server broke a rule: {}", visible(&what));
            }
            _ => {}
        });
        Ok(end.await)
    }
}

impl Conversation {
    /// Ends the session, where it is not over, and waits until it is.
    fn stop(&mut self) -> Result<Result<End, Unopened>, Failure> {
        let _ = self.stop.take().map(|stop| stop.send(()));
        let ended = self.thread.take().map(JoinHandle::join);
        ended.and_then(Result::ok).ok_or_else(|| Failure::new(UNREACHABLE, "the session broke off"))
    }
}

/// Says what was typed.
fn say(mouth: &Voice, draft: Draft) -> Result<(), String> {
    let payload = match &draft.content {
        Content::Bytes(payload) => payload.clone(),
        Content::File(path) => {
            headless::payload(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?
        }
    };
    // Where the session is over, its end is told anyhow.
    let _ = mouth.say(draft.frames(&payload));
    Ok(())
}

/// Says each line of the standard input, on a thread that ends with the process at the latest.
fn read_lines(mouth: Voice, literal: bool) {
    thread::spawn(move || {
        let mut input = io::stdin().lock();
        let mut line = Vec::new();
        for number in 1_u64.. {
            line.clear();
            match input.read_until(b'\n', &mut line) {
                Ok(1..) => {}
                _ => return,
            }
            let end = line.strip_suffix(b"\n").map(|line| line.strip_suffix(b"\r").unwrap_or(line));
            let read = match std::str::from_utf8(end.unwrap_or(&line)) {
                Ok(line) if literal => Ok(Draft::text(line)),
                Ok(line) => Draft::parse(line),
                Err(_) => Err("no UTF-8: /hex and /base64 send other bytes".to_owned()),
            };
            if let Err(error) = read.and_then(|draft| say(&mouth, draft)) {
                eprintln!("sockeye: line {number} is not sent: {error}");
            }
        }
    });
}

/// Prints a message as a line that could be sent back.
fn print(opcode: Opcode, payload: &[u8]) {
    let mut out = io::stdout().lock();
    let line = match opcode {
        Opcode::Text => [payload, b"\n"].concat(),
        _ => {
            let octets: Vec<_> = payload.iter().map(|octet| format!(" {octet:02x}")).collect();
            format!("/hex{}\n", octets.concat()).into_bytes()
        }
    };
    // Where nobody reads it any more, the session goes on all the same.
    let _ = out.write_all(&line).and_then(|()| out.flush());
}

/// The opening handshake, as curl shows it.
fn heads(client: &Client) {
    for (sign, head) in [('>', client.request()), ('<', client.response())] {
        for line in head.split(|octet| *octet == b'\n').filter(|line| !line.trim_ascii().is_empty()) {
            eprintln!("{sign} {}", visible(&String::from_utf8_lossy(line.trim_ascii_end())));
        }
    }
}

/// Octets and characters of what a server says that are told.
const SAID: usize = 400;

/// Why no session came about, as the log has it: with what the server itself said.
fn refused(log: &Log) -> Option<String> {
    let mut cursor = log.cursor();
    loop {
        match cursor.next().ok()? {
            Next::Event(Event::Refused(refused)) => {
                let body = log.read(&refused.body, 0, SAID).unwrap_or_default();
                let body = body.trim_ascii();
                let said = decode::summary(decode::detect(Opcode::Text, body), body, SAID);
                // A page for people to look at says little in one line.
                let is_page = body.starts_with(b"<");
                let has_said = !refused.opening.response.is_empty() && !said.is_empty() && !is_page;
                return Some(match has_said {
                    true => format!("{}; it says: {said}", refused.why),
                    false => refused.why,
                });
            }
            Next::Event(_) | Next::Gap(_) => {}
            Next::Pending | Next::End => return None,
        }
    }
}
