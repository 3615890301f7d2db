//! The mock server: plays the server's part of a recording to whoever connects.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;

use super::answer;
use super::cast::Cast;
use super::player::{Output, Player};
use super::report::{Problem, Report, Trouble};
use super::script::Step;
use super::settings::Settings;
use super::wire::{Heard, Wire};
use crate::capture::{Ending, Kind, Message};
use crate::headless::schema::ReadError;
use crate::net::{Endpoint, Listener};
use crate::ws::handshake::{RequestHead, ResponseHead, examine, head_length, is_upgrade_attempt};
use crate::ws::{Direction, Opcode};

/// Plays the server's part of a recording.
pub struct MockServer {
    listener: Listener,
    stage: Arc<Stage>,
    over: mpsc::UnboundedReceiver<Played>,
}

/// What came of one session.
#[derive(Clone, Debug)]
pub struct Played {
    /// The line of the recording where the session is opened; none where a client fitted none.
    pub line: Option<u64>,
    /// The request target.
    pub target: String,
    /// What came of it.
    pub report: Report,
}

struct Stage {
    cast: Mutex<Cast>,
    settings: Settings,
    told: mpsc::UnboundedSender<Played>,
}

/// Octets of a request's head that are read.
const LARGEST_HEAD: usize = 64 << 10;
/// How long a client may take to be done after the last message.
const PARTING: Duration = Duration::from_secs(2);

impl MockServer {
    /// Plays what `cast` holds to those who connect with `listener`.
    pub fn new(listener: Listener, cast: Cast, settings: Settings) -> MockServer {
        let (told, over) = mpsc::unbounded_channel();
        let stage = Arc::new(Stage { cast: Mutex::new(cast), settings, told });
        MockServer { listener, stage, over }
    }

    /// To be called inside a tokio runtime. Serves until the next session is over, and gives what came of it; none once all of the recording was played.
    pub async fn next(&mut self) -> Option<Played> {
        loop {
            if self.stage.cast().is_empty() && Arc::strong_count(&self.stage) == 1 {
                return self.over.try_recv().ok();
            }
            tokio::select! {
                biased;
                played = self.over.recv() => return played,
                accepted = self.listener.accept() => if let Ok(client) = accepted {
                    let stage = Arc::clone(&self.stage);
                    tokio::spawn(async move { stage.serve(client).await });
                },
            }
        }
    }

    /// The sessions that nobody came for: their lines and request targets.
    pub fn left(&self) -> Vec<(u64, String)> {
        let cast = self.stage.cast();
        cast.left().map(|part| (part.line, part.target())).collect()
    }
}

impl Stage {
    fn cast(&self) -> MutexGuard<'_, Cast> {
        self.cast.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers a client's request, and plays the session that it is for.
    async fn serve(&self, mut client: Endpoint) {
        let mut bytes = Vec::new();
        let Some(length) = read_head(&mut client, &mut bytes).await else { return };
        let rest = bytes.split_off(length);
        let Ok(request) = RequestHead::parse(&bytes) else {
            return client.say_last(&answer::own("400 Bad Request", "this is no HTTP request")).await;
        };
        let target = request.target().into_owned();
        if !is_upgrade_attempt(&request) {
            let why = "this mock plays WebSocket sessions, and the request asks for none";
            return client.say_last(&answer::own("404 Not Found", why)).await;
        }
        let chosen = self.cast().choose(&request);
        let Some(chosen) = chosen else { return self.turn_away(client, target).await };
        let (line, head, steps) = {
            let cast = self.cast();
            let part = &cast.parts()[chosen];
            match part.refusal {
                Some(_) => (part.line, answer::refusal(part), None),
                None => (part.line, answer::switching(part, &request), Some(cast.steps(chosen))),
            }
        };
        let report = match steps {
            None => {
                client.say_last(&head).await;
                Report::default()
            }
            Some(Err(error)) => Report::of(Trouble::Unreadable(error.to_string())),
            Some(Ok(steps)) => match ResponseHead::parse(&head) {
                Ok(response) => {
                    let wire = Wire::new(Direction::ToClient, &examine(&request, Some(&response)));
                    let begun = Instant::now();
                    let player =
                        Player::new(Direction::ToClient, steps, self.settings.clone(), Duration::ZERO);
                    let play = Play { client, wire, player, begun };
                    play.run(&head, &rest).await
                }
                Err(_) => Report::of(Trouble::Unreadable("the recorded response is no HTTP".to_owned())),
            },
        };
        // Nobody waits any more where the server was dropped.
        let _ = self.told.send(Played { line: Some(line), target, report });
    }

    /// A client that fits no session hears which there are.
    async fn turn_away(&self, client: Endpoint, target: String) {
        let offers: Vec<String> = self.cast().left().map(|part| part.target()).collect();
        let offers = if offers.is_empty() { "nothing any more".to_owned() } else { offers.join(", ") };
        let why = format!("the recording has no session left for {target}; it still has {offers}");
        client.say_last(&answer::own("404 Not Found", &why)).await;
        let report = Report::of(Trouble::Unexpected(format!("a client for {target}: {why}")));
        let _ = self.told.send(Played { line: None, target, report });
    }
}

impl Report {
    fn of(what: Trouble) -> Report {
        Report { problems: vec![Problem { what, line: None, recent: Vec::new() }], ..Report::default() }
    }
}

/// Reads until the head is whole; gives its length.
async fn read_head(client: &mut Endpoint, bytes: &mut Vec<u8>) -> Option<usize> {
    loop {
        if let Some(length) = head_length(bytes) {
            return Some(length);
        }
        bytes.reserve(2048);
        if bytes.len() > LARGEST_HEAD || client.read_buf(bytes).await.ok()? == 0 {
            return None;
        }
    }
}

/// One session being played.
struct Play<S> {
    client: Endpoint,
    wire: Wire,
    player: Player<S>,
    begun: Instant,
}

impl<S: Iterator<Item = Result<Step, ReadError>>> Play<S> {
    /// Answers with `head`, and plays until it is over; `rest` came with the request.
    async fn run(mut self, head: &[u8], rest: &[u8]) -> Report {
        let mut buffer = vec![0; 64 << 10];
        let mut out = head.to_vec();
        let mut heard = self.wire.read(rest);
        loop {
            for heard in heard.drain(..) {
                self.hear(heard, &mut out);
            }
            let finish = self.speak(&mut out);
            if !out.is_empty() && self.client.write_all(&out).await.is_err() {
                self.player.ended(self.begun.elapsed());
            }
            out.clear();
            if let Some(how) = finish {
                return self.part(how, &mut buffer).await;
            }
            let wake = self.player.wake_at().unwrap_or_default();
            let wait = wake.saturating_sub(self.begun.elapsed());
            match tokio::time::timeout(wait, self.client.read(&mut buffer)).await {
                Err(_) => self.player.wake(self.begun.elapsed()),
                Ok(Ok(0) | Err(_)) => self.player.ended(self.begun.elapsed()),
                Ok(Ok(count)) => heard = self.wire.read(&buffer[..count]),
            }
        }
    }

    fn hear(&mut self, heard: Heard, out: &mut Vec<u8>) {
        let now = self.begun.elapsed();
        match heard {
            Heard::Message(opcode, payload) => self.player.received(opcode, &payload, now),
            // RFC 6455 5.5.2
            Heard::Ping(payload) => out.extend(self.wire.write(Opcode::Pong, &payload, [0; 4])),
            Heard::Close(code, reason) => self.player.closed(code, &reason, now),
            Heard::Violation(what) => self.player.violated(&what),
        }
    }

    /// Writes what the player wants said; gives how it wants to end, once it does.
    fn speak(&mut self, out: &mut Vec<u8>) -> Option<Ending> {
        while let Some(output) = self.player.poll() {
            match output {
                Output::Send(message) => out.extend(self.bytes(&message)),
                Output::Finish(how) => return Some(how),
            }
        }
        None
    }

    fn bytes(&mut self, message: &Message) -> Vec<u8> {
        let payload = message.payload.in_memory().cloned().unwrap_or_default();
        match message.kind {
            Kind::Frame(opcode) => self.wire.write(opcode, &payload, [0; 4]),
            Kind::Raw => payload.to_vec(),
        }
    }

    /// Ends the connection as it was recorded; what still comes was not.
    async fn part(mut self, how: Ending, buffer: &mut [u8]) -> Report {
        if how == Ending::Reset {
            self.client.reset();
            return self.player.report().clone();
        }
        let gone = self.client.shutdown().await.is_err();
        while !gone && let Ok(Ok(count @ 1..)) = tokio::time::timeout(PARTING, self.client.read(buffer)).await
        {
            for heard in self.wire.read(&buffer[..count]) {
                if let Heard::Message(opcode, payload) = heard {
                    self.player.received(opcode, &payload, self.begun.elapsed());
                }
            }
        }
        self.player.report().clone()
    }
}
