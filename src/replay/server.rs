//! The mock server: plays the server's part of a recording to whoever connects.

use std::io;
use std::sync::{Arc, MutexGuard};
use std::time::{Duration, Instant};

use http::StatusCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::sync::mpsc;

use super::cast::{Asked, Cast};
use super::company::Company;
use super::heads;
use super::outcome::{Left, Played};
use super::play::{play, read_head};
use super::report::{Report, Trouble};
use super::settings::Settings;
use super::visit::{self, Answer, Then};
use crate::net::{Endpoint, Listener, Reach, Target, written};
use crate::ws::Direction;
use crate::ws::handshake::{RequestHead, ResponseHead, examine, is_upgrade_attempt};

/// Plays the server's part of a recording.
pub struct MockServer {
    listener: Listener,
    stage: Arc<Stage>,
    over: mpsc::UnboundedReceiver<Played>,
}

/// What becomes of clients that no session is left for, and of plain HTTP requests.
#[derive(Clone, Debug)]
pub enum Miss {
    /// They get a 404 that says what is on offer, and are told of.
    Fail,
    /// They go on to this server, with all that they say from then on.
    Forward(Target, Reach),
}

/// Octets of further requests that are read while one is held.
const MOST_AHEAD: usize = 64 << 10;

struct Stage {
    company: Company,
    miss: Miss,
    settings: Settings,
    told: mpsc::UnboundedSender<Played>,
}

impl MockServer {
    /// Plays what `cast` holds to those who connect with `listener`.
    pub fn new(listener: Listener, cast: Cast, settings: Settings, miss: Miss) -> MockServer {
        let (told, over) = mpsc::unbounded_channel();
        let stage = Arc::new(Stage { company: Company::new(cast), miss, settings, told });
        MockServer { listener, stage, over }
    }

    /// Where it listens, as a URL without a path.
    ///
    /// # Errors
    /// Where the system does not say.
    pub fn url(&self) -> io::Result<String> {
        self.listener.address().map(|address| format!("ws://{address}"))
    }

    /// To be called inside a tokio runtime. Serves until the next session is over, and gives what came of it; none once
    /// all of the recording was played. Nothing is lost where it is given up and called again.
    pub async fn next(&mut self) -> Option<Played> {
        let mut moves = self.stage.company.moves();
        loop {
            if self.stage.cast().is_over() {
                return self.over.try_recv().ok();
            }
            tokio::select! {
                biased;
                played = self.over.recv() => return played,
                // The last request may have been answered.
                _ = moves.changed() => {}
                accepted = self.listener.accept() => if let Ok(client) = accepted {
                    let stage = Arc::clone(&self.stage);
                    tokio::spawn(async move { stage.serve(client).await });
                },
            }
        }
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
            Miss::Forward(server, reach) => forward(client, request, rest, (server, reach)).await,
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
                Miss::Forward(server, reach) => forward(client, &request, &rest, (server, reach)).await,
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
                    play(client, &rest, (Direction::ToClient, &agreed), steps, &settings, member).await
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
}

/// Has the client and a real server talk to each other, from this request on, of which `rest` came behind the head.
async fn forward(
    mut client: Endpoint,
    request: &RequestHead,
    rest: &[u8],
    (server, reach): (&Target, &Reach),
) {
    let mut connection = match Endpoint::connect(server, reach).await {
        Ok(connection) => connection,
        Err(why) => return client.say_last(&written(StatusCode::BAD_GATEWAY, &why)).await,
    };
    let mut bytes = heads::forwarded(request, &server.authority.host_header());
    bytes.extend_from_slice(rest);
    if connection.write_all(&bytes).await.is_ok() {
        // However it ends, both have heard.
        let _ = copy_bidirectional(&mut client, &mut connection).await;
    }
}
