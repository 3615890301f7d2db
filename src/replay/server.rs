//! The mock server: plays the server's part of a recording to whoever connects.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc;

use super::cast::Cast;
use super::heads;
use super::play::{play, read_head};
use super::report::{Report, Trouble};
use super::settings::Settings;
use crate::net::{Endpoint, Listener};
use crate::ws::Direction;
use crate::ws::handshake::{RequestHead, ResponseHead, examine, is_upgrade_attempt};

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
            return client.say_last(&heads::own("400 Bad Request", "this is no HTTP request")).await;
        };
        let target = request.target().into_owned();
        if !is_upgrade_attempt(&request) {
            let why = "this mock plays WebSocket sessions, and the request asks for none";
            return client.say_last(&heads::own("404 Not Found", why)).await;
        }
        let chosen = self.cast().choose(&request);
        let Some(chosen) = chosen else { return self.turn_away(client, target).await };
        let (line, head, steps) = {
            let cast = self.cast();
            let part = &cast.parts()[chosen];
            match part.refusal {
                Some(_) => (part.line, heads::refusal(part), None),
                None => (part.line, heads::switching(part, &request), Some(cast.steps(chosen))),
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
                    let agreed = examine(&request, Some(&response));
                    if client.write_all(&head).await.is_err() {
                        return;
                    }
                    play(client, &rest, (Direction::ToClient, &agreed), steps, &self.settings).await
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
        client.say_last(&heads::own("404 Not Found", &why)).await;
        let report = Report::of(Trouble::Unexpected(format!("a client for {target}: {why}")));
        let _ = self.told.send(Played { line: None, target, report });
    }
}
