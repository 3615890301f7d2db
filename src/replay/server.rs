//! The mock server: plays the server's part of a recording to whoever connects.

use std::future::pending;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use http::StatusCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, copy_bidirectional, duplex};
use tokio::sync::mpsc;

use super::cast::{Asked, Cast};
use super::company::Company;
use super::heads;
use super::outcome::{Left, Played};
use super::play::{play, read_head};
use super::report::{Report, Trouble};
use super::settings::Settings;
use super::taping::{RealServer, Taping};
use super::visit::{self, Answer, Then};
use crate::headless::{Redaction, append};
use crate::net::{Endpoint, Listener, Reach, Target, written};
use crate::ws::Direction;
use crate::ws::handshake::{RequestHead, ResponseHead, examine, is_upgrade_attempt};

/// Plays the server's part of a recording.
pub struct MockServer {
    /// None where clients come by [`Doorway`] alone.
    listener: Option<Listener>,
    guests: mpsc::UnboundedReceiver<Endpoint>,
    doorway: Doorway,
    stage: Arc<Stage>,
    over: mpsc::UnboundedReceiver<Played>,
}

/// Where clients come in without a port. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Doorway(mpsc::UnboundedSender<Endpoint>);

/// What becomes of clients that no session is left for, and of plain HTTP requests.
#[derive(Clone, Debug)]
pub enum Miss {
    /// They get a 404 that says what is on offer, and are told of.
    Fail,
    /// They go on to this server, with all that they say from then on.
    Forward(Target, Reach),
    /// So do they, and what they say and hear is recorded, for [`MockServer::append_recorded`].
    Record(RealServer),
}

/// Octets of further requests that are read while one is held.
const MOST_AHEAD: usize = 64 << 10;

struct Stage {
    company: Company,
    miss: Miss,
    settings: Settings,
    told: mpsc::UnboundedSender<Played>,
    /// What records the sessions that were not, from the first of them on.
    taping: Mutex<Option<Arc<Taping>>>,
    /// How many of these go on.
    passing: AtomicUsize,
}

impl Doorway {
    /// A connection to the mock server, which hears of it when it next serves; where it is gone, this one has ended.
    pub fn connect(&self) -> DuplexStream {
        let (ours, theirs) = duplex(BETWEEN);
        let _ = self.0.send(Endpoint::over(ours));
        theirs
    }
}

/// Octets under way in a connection without a port.
const BETWEEN: usize = 64 << 10;

impl MockServer {
    /// Plays what `cast` holds to those who connect with `listener`, or come in by the [`Doorway`].
    pub fn new(
        listener: impl Into<Option<Listener>>,
        cast: Cast,
        settings: Settings,
        miss: Miss,
    ) -> MockServer {
        let (told, over) = mpsc::unbounded_channel();
        let (doorway, guests) = mpsc::unbounded_channel();
        let stage = Arc::new(Stage {
            company: Company::new(cast),
            miss,
            settings,
            told,
            taping: Mutex::default(),
            passing: AtomicUsize::new(0),
        });
        MockServer { listener: listener.into(), guests, doorway: Doorway(doorway), stage, over }
    }

    /// Where it listens, as a URL without a path; of one without a port, a name that leads nowhere.
    ///
    /// # Errors
    /// Where the system does not say.
    pub fn url(&self) -> io::Result<String> {
        match &self.listener {
            Some(listener) => listener.address().map(|address| format!("ws://{address}")),
            None => Ok("ws://mock.invalid".to_owned()),
        }
    }

    /// Where clients come in without a port.
    pub fn doorway(&self) -> Doorway {
        self.doorway.clone()
    }

    /// To be called inside a tokio runtime. Serves until the next session is over, and gives what came of it; none once
    /// all of the recording was played. Nothing is lost where it is given up and called again.
    pub async fn next(&mut self) -> Option<Played> {
        let mut moves = self.stage.company.moves();
        loop {
            if self.stage.cast().is_over() && !self.stage.is_recording() {
                return self.over.try_recv().ok();
            }
            let client = tokio::select! {
                biased;
                played = self.over.recv() => return played,
                // The last request may have been answered, or the last session have ended.
                _ = moves.changed() => continue,
                Some(guest) = self.guests.recv() => guest,
                accepted = accepted(self.listener.as_ref()) => match accepted {
                    Ok(client) => client,
                    Err(_) => continue,
                },
            };
            let stage = Arc::clone(&self.stage);
            tokio::spawn(async move { stage.serve(client).await });
        }
    }

    /// Adds the sessions that were recorded behind the recording at `path`, or makes it of them; gives how many there
    /// were. Ends those that still go on.
    ///
    /// # Errors
    /// Where the file cannot be written. It is as it was then.
    pub fn append_recorded(&self, path: &Path, redaction: Redaction) -> io::Result<u64> {
        let taping = self.stage.taping().take();
        let Some(taping) = taping else { return Ok(0) };
        let tape = taping.end(redaction)?;
        if !tape.is_empty() {
            append(path, &tape.lines)?;
        }
        Ok(tape.sessions())
    }

    /// Whether a session is being played, or was and [`MockServer::next`] has yet to tell of it.
    pub fn is_playing(&self) -> bool {
        // While it is locked no session ends unseen.
        let cast = self.stage.cast();
        cast.is_playing() || !self.over.is_empty()
    }

    /// The sessions that were not played to their end.
    pub fn left(&self) -> Vec<Left> {
        self.stage.cast().left()
    }
}

impl Stage {
    fn cast(&self) -> MutexGuard<'_, Cast> {
        self.company.cast()
    }

    /// Answers a client's requests, and plays the session that one is for.
    async fn serve(&self, mut client: Endpoint) {
        let mut bytes = Vec::new();
        loop {
            let Some(length) = read_head(&mut client, &mut bytes).await else { return };
            let rest = bytes.split_off(length);
            let Ok(request) = RequestHead::parse(&bytes) else {
                return client.say_last(&written(StatusCode::BAD_REQUEST, "this is no HTTP request")).await;
            };
            if is_upgrade_attempt(&request) {
                return self.open(client, request, rest).await;
            }
            let asked = self.cast().ask(&request, &self.settings.ignore_query);
            let Some(asked) = asked else { return self.not_recorded(client, &request, &rest).await };
            bytes = rest;
            let answer = self.answer(&mut client, &request, &mut bytes, asked).await;
            let goes_on = match answer {
                None => false,
                Some(Answer { bytes, then: Then::Close }) => {
                    client.say_last(&bytes).await;
                    return self.company.answered(asked);
                }
                Some(Answer { bytes, then: Then::Keep }) => {
                    client.write_all(&bytes).await.is_ok() && client.flush().await.is_ok()
                }
            };
            self.company.answered(asked);
            if !goes_on {
                return;
            }
        }
    }

    /// What a plain HTTP request is answered, once all is there that its answer waits for; none where the client left.
    /// `bytes` came behind its head, and keeps what came behind its body.
    async fn answer(
        &self,
        client: &mut Endpoint,
        request: &RequestHead,
        bytes: &mut Vec<u8>,
        asked: Asked,
    ) -> Option<Answer> {
        let length = match visit::body_length(request) {
            Ok(length) => length,
            Err(answer) => return Some(answer),
        };
        while bytes.len() < length {
            if !matches!(client.read_buf(bytes).await, Ok(1..)) {
                return None;
            }
        }
        bytes.drain(..length);
        self.company.arrived(asked);
        if !self.hold(client, bytes, asked).await {
            return None;
        }
        let exchange = self.cast().exchange(asked);
        Some(match exchange {
            Ok(Some(exchange)) => visit::answer(request, &exchange),
            Ok(None) => Answer::failed("the recording was changed since it was opened"),
            Err(error) => Answer::failed(&error.to_string()),
        })
    }

    /// Holds an answer back until what it waits for has happened on other connections, but no longer than a step may
    /// take. False where its client left, which one does that never got an answer.
    async fn hold(&self, client: &mut Endpoint, bytes: &mut Vec<u8>, asked: Asked) -> bool {
        let mut moves = self.company.moves();
        let begun = Instant::now();
        let late = tokio::time::sleep(self.settings.step_timeout);
        tokio::pin!(late);
        let has_answer = self.cast().has_answer(asked);
        loop {
            moves.mark_unchanged();
            let waiting = self.cast().waits_for(asked);
            if has_answer && waiting.is_none() {
                return true;
            }
            tokio::select! {
                _ = moves.changed() => {}
                // Who says more has not left; it is heard later.
                read = client.read_buf(bytes), if bytes.len() < MOST_AHEAD => {
                    if !matches!(read, Ok(1..)) {
                        return false;
                    }
                }
                () = &mut late, if has_answer => {
                    let what = waiting.map(|waiting| waiting.what).unwrap_or_default();
                    let (target, line) = self.cast().title(asked);
                    let report = Report::of(Trouble::TimedOut(what));
                    self.tell(Played { line: Some(line), target, took: begun.elapsed(), report });
                    return true;
                }
            }
        }
    }

    fn tell(&self, played: Played) {
        // Nobody listens any more where the server was dropped.
        let _ = self.told.send(played);
    }

    /// A plain HTTP request came for which the recording has no answer.
    async fn not_recorded(&self, client: Endpoint, request: &RequestHead, rest: &[u8]) {
        match &self.miss {
            Miss::Forward(..) | Miss::Record(_) => self.go_on(client, request, rest).await,
            Miss::Fail => {
                let why = format!("the recording has no answer to {} {}", request.method(), request.target());
                client.say_last(&written(StatusCode::NOT_FOUND, &why)).await;
                if !visit::is_browsers_own(request) {
                    let target = format!("{} {}", request.method(), request.target());
                    let report = Report::of(Trouble::Unexpected(format!("a request: {why}")));
                    self.tell(Played { line: None, target, took: Duration::ZERO, report });
                }
            }
        }
    }

    /// Plays the session that a request is for.
    async fn open(&self, mut client: Endpoint, request: RequestHead, rest: Vec<u8>) {
        let target = request.target().into_owned();
        let begun = Instant::now();
        let chosen = self.cast().choose(&request);
        let Some(chosen) = chosen else {
            return match &self.miss {
                Miss::Fail => self.turn_away(client, target).await,
                Miss::Forward(..) => self.go_on(client, &request, &rest).await,
                Miss::Record(_) => {
                    self.passing.fetch_add(1, Ordering::AcqRel);
                    self.go_on(client, &request, &rest).await;
                    self.passing.fetch_sub(1, Ordering::AcqRel);
                    self.company.moved();
                }
            };
        };
        let (line, opened, settings, head, steps) = {
            let cast = self.cast();
            let part = &cast.parts()[chosen];
            let (head, steps) = match part.refusal {
                Some(_) => (heads::refusal(part), None),
                None => (heads::switching(part, &request), Some(cast.steps(chosen))),
            };
            (part.line, part.opening.time, self.settings.of_session(&part.opening), head, steps)
        };
        self.company.moved();
        let report = match steps {
            None => {
                client.say_last(&head).await;
                Report::default()
            }
            Some(Err(error)) => Report::of(Trouble::Unreadable(error.to_string())),
            Some(Ok(steps)) => match ResponseHead::parse(&head) {
                Ok(response) => {
                    let agreed = examine(&request, Some(&response));
                    // A client that has gone again is found out by the player.
                    let _ = client.write_all(&head).await;
                    let member = self.company.member(chosen, opened);
                    play(
                        client,
                        &rest,
                        (Direction::ToClient, &agreed),
                        steps.bound(&settings.bindings),
                        &settings,
                        member,
                    )
                    .await
                }
                Err(_) => Report::of(Trouble::Unreadable("the recorded response is no HTTP".to_owned())),
            },
        };
        let mut cast = self.cast();
        cast.done(chosen);
        // Under the lock: who sees that all is over finds what came of it.
        self.tell(Played { line: Some(line), target, took: begun.elapsed(), report });
        drop(cast);
        self.company.moved();
    }

    /// A client that fits no session hears which there are.
    async fn turn_away(&self, client: Endpoint, target: String) {
        let offers = self.cast().on_offer();
        let offers = if offers.is_empty() { "nothing any more".to_owned() } else { offers.join(", ") };
        let why = format!("the recording has no session left for {target}; it still has {offers}");
        client.say_last(&written(StatusCode::NOT_FOUND, &why)).await;
        let report = Report::of(Trouble::Unexpected(format!("a client for {target}: {why}")));
        self.tell(Played { line: None, target, took: Duration::ZERO, report });
    }

    /// Has the client and the real server talk to each other, from this request on, of which `rest` came behind the
    /// head.
    async fn go_on(&self, mut client: Endpoint, request: &RequestHead, rest: &[u8]) {
        let (mut server, host) = match self.reach().await {
            Ok(reached) => reached,
            Err(why) => return client.say_last(&written(StatusCode::BAD_GATEWAY, &why)).await,
        };
        let own = || request.headers().text("Host").map(|host| host.into_owned());
        let host = host.or_else(own).unwrap_or_default();
        let mut bytes = heads::forwarded(request, &host);
        bytes.extend_from_slice(rest);
        if server.write_all(&bytes).await.is_ok() {
            // However it ends, both have heard.
            let _ = copy_bidirectional(&mut client, &mut server).await;
        }
    }

    /// A connection to the real server, and what it is called there; the proxy that records has the client's own word
    /// for it.
    async fn reach(&self) -> Result<(Endpoint, Option<String>), String> {
        match &self.miss {
            Miss::Fail => Err("there is no server to go on to".to_owned()),
            Miss::Forward(server, reach) => {
                let host = server.authority.host_header();
                Endpoint::connect(server, reach).await.map(|connection| (connection, Some(host)))
            }
            Miss::Record(server) => {
                let cannot = |error: io::Error| format!("cannot record: {error}");
                let taping = {
                    let mut place = self.taping();
                    match &*place {
                        Some(taping) => Arc::clone(taping),
                        None => Arc::clone(place.insert(Arc::new(Taping::start(server).map_err(cannot)?))),
                    }
                };
                let (target, reach) = taping.way(server.limit).map_err(cannot)?;
                Endpoint::connect(&target, &reach).await.map(|connection| (connection, None))
            }
        }
    }

    fn taping(&self) -> MutexGuard<'_, Option<Arc<Taping>>> {
        self.taping.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a session that was not recorded goes on and is.
    fn is_recording(&self) -> bool {
        self.passing.load(Ordering::Acquire) > 0
    }
}

/// The next client by a port; without one, none ever comes.
async fn accepted(listener: Option<&Listener>) -> io::Result<Endpoint> {
    match listener {
        Some(listener) => listener.accept().await,
        None => pending().await,
    }
}
