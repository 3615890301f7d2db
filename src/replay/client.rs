//! The replay client: plays the client's part of a recording against a real server.

use std::io;
use std::path::Path;
use std::time::Instant;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::io::AsyncWriteExt;

use super::cast::{Cast, Part};
use super::expectation::{Difference, Match};
use super::heads;
use super::outcome::{Left, Played};
use super::play::{play, read_head};
use super::report::{Report, Trouble};
use super::settings::Settings;
use super::taping::{RealServer, Taping};
use super::update::{self, UpdateError};
use crate::headless::{self, FileError};
use crate::net::{Endpoint, Reach, Target};
use crate::recordings::Refreshed;
use crate::ws::Direction;
use crate::ws::handshake::{RequestHead, ResponseHead, examine};

/// Plays the client's part of a recording, one session after the other.
pub struct ReplayClient {
    server: Server,
    cast: Cast,
    settings: Settings,
    /// How much alike answers must be, where those that are played may be any.
    asked: Match,
    next: usize,
    /// Sessions of a recording that is made anew of which not all could be said.
    unplayed: u64,
}

enum Server {
    Named(Target, Reach),
    /// At the other end of the streams that are given.
    Nameless,
    /// One whose answers are recorded.
    Taped(Taping, Target, Reach),
}

/// What a server is called that has no name.
const NAMELESS: &str = "localhost";

impl ReplayClient {
    /// To play what `cast` holds to `server`.
    pub fn new(server: Target, reach: Reach, cast: Cast, settings: Settings) -> ReplayClient {
        ReplayClient::to(Server::Named(server, reach), cast, settings)
    }

    /// To play what `cast` holds to servers that are given as streams, by [`ReplayClient::next_on`].
    pub fn nameless(cast: Cast, settings: Settings) -> ReplayClient {
        ReplayClient::to(Server::Nameless, cast, settings)
    }

    /// To play what `cast` holds to `server`, and to record what it answers, for [`ReplayClient::write_update`]. Answers
    /// may be any.
    ///
    /// # Errors
    /// Where the system has no port, file or thread for a proxy in between.
    pub fn updating(server: &RealServer, cast: Cast, mut settings: Settings) -> io::Result<ReplayClient> {
        let taping = Taping::start(server)?;
        let (target, reach) = taping.way(server.limit)?;
        // The new answers are compared when they are written.
        let asked = std::mem::replace(&mut settings.expectation.matching, Match::Any);
        let mut client = ReplayClient::to(Server::Taped(taping, target, reach), cast, settings);
        client.asked = asked;
        Ok(client)
    }

    fn to(server: Server, cast: Cast, settings: Settings) -> ReplayClient {
        // Plain HTTP is answered by a mock; a client does not ask it yet.
        let cast = cast.without_exchanges();
        ReplayClient { server, cast, asked: settings.expectation.matching, settings, next: 0, unplayed: 0 }
    }

    /// Plays the next session, and gives what came of it; none once all were played. To be called inside a tokio
    /// runtime.
    ///
    /// # Errors
    /// Where the server cannot be reached, in one sentence.
    pub async fn next(&mut self) -> Result<Option<Played>, String> {
        if self.is_over() {
            return Ok(None);
        }
        let server = match &self.server {
            Server::Named(server, reach) | Server::Taped(_, server, reach) => {
                Endpoint::connect(server, reach).await?
            }
            Server::Nameless => return Err("this client has no server to connect to".to_owned()),
        };
        Ok(self.next_on(server).await)
    }

    /// Whether all sessions were played.
    pub fn is_over(&self) -> bool {
        self.next >= self.cast.parts().len()
    }

    /// As [`ReplayClient::next`], on a connection that there is already: by a proxy's [`crate::net::Door`], or in memory.
    pub async fn next_on(&mut self, server: Endpoint) -> Option<Played> {
        let chosen = self.next;
        let part = self.cast.parts().get(chosen)?;
        let (line, target) = (Some(part.line), part.target());
        let begun = Instant::now();
        self.next += 1;
        self.cast.begin(chosen);
        let mut report = match self.session(chosen, server).await {
            Ok(report) => report,
            Err(Trouble::Answered(_)) if self.is_taped() => Report::default(),
            Err(trouble) => {
                self.unplayed += 1;
                Report::of(trouble)
            }
        };
        if self.is_taped() {
            report.problems.retain(|problem| leaves_unsaid(&problem.what));
            report.left_out = 0;
            self.unplayed += u64::from(!report.is_ok());
        }
        self.cast.done(chosen);
        Some(Played { line, target, took: begun.elapsed(), report })
    }

    /// The server that it connects to, where it does.
    pub fn server(&self) -> Option<&Target> {
        match &self.server {
            Server::Named(server, _) | Server::Taped(_, server, _) => Some(server),
            Server::Nameless => None,
        }
    }

    /// Writes what the server answered into the recording at `path`, which is the one that was played; a client that was
    /// not made by [`ReplayClient::updating`] writes nothing. Ends the sessions that still go on.
    ///
    /// # Errors
    /// Where not all sessions were played, or the file cannot be written; it is as it was then.
    pub fn write_update(self, path: &Path) -> Result<Refreshed, UpdateError> {
        let Server::Taped(taping, ..) = &self.server else { return Ok(Refreshed::default()) };
        let name = || path.display().to_string();
        if self.unplayed > 0 || !self.is_over() {
            return Err(UpdateError::Unplayed(name()));
        }
        let failed = |error: FileError| UpdateError::File(name(), error);
        let recording = headless::open(path).map_err(|error| failed(error.into()))?.recording().clone();
        let tape = taping.end(recording.redaction).map_err(|error| failed(error.into()))?;
        let lines: Vec<_> = self.cast.parts().iter().map(|part| part.line).collect();
        let mut settings = self.settings.clone();
        settings.expectation.matching = self.asked;
        update::put_in(path, &lines, &tape, &settings)
    }

    fn is_taped(&self) -> bool {
        matches!(self.server, Server::Taped(..))
    }

    /// The sessions that were not played to their end.
    pub fn left(&self) -> Vec<Left> {
        self.cast.left()
    }

    async fn session(&self, chosen: usize, mut server: Endpoint) -> Result<Report, Trouble> {
        let part = &self.cast.parts()[chosen];
        let host = match &self.server {
            Server::Named(server, _) | Server::Taped(_, server, _) => server.authority.host_header(),
            Server::Nameless => NAMELESS.to_owned(),
        };
        let head = heads::request(part, &host, &key());
        let gone = || Trouble::Missing("an answer to the opening handshake".to_owned());
        server.write_all(&head).await.map_err(|_| gone())?;
        server.flush().await.map_err(|_| gone())?;
        let mut bytes = Vec::new();
        let answered = tokio::time::timeout(self.settings.step_timeout, read_head(&mut server, &mut bytes));
        let length = answered.await.ok().flatten().ok_or_else(gone)?;
        let rest = bytes.split_off(length);
        let unreadable = |_| Trouble::Unexpected("an answer that is no HTTP".to_owned());
        let response = ResponseHead::parse(&bytes).map_err(unreadable)?;
        match same_status(part, &response) {
            // Another subprotocol is an answer like any other.
            Err(Trouble::Answered(_))
                if self.is_taped() && part.refusal.is_none() && response.status() == 101 => {}
            answered => answered?,
        }
        if part.refusal.is_some() {
            return Ok(Report { matched: 1, ..Report::default() });
        }
        let request = RequestHead::parse(&head).map_err(unreadable)?;
        let agreed = examine(&request, Some(&response));
        let steps = self.cast.steps(chosen).map_err(|error| Trouble::Unreadable(error.to_string()))?;
        let settings = self.settings.of_session(&part.opening);
        Ok(play(
            server,
            &rest,
            (Direction::ToServer, &agreed),
            steps.bound(&settings.bindings),
            &settings,
            None,
        )
        .await)
    }
}

/// Whether the client's part was not said to its end.
fn leaves_unsaid(trouble: &Trouble) -> bool {
    matches!(trouble, Trouble::TimedOut(_) | Trouble::NotSent(_) | Trouble::Unreadable(_))
}

/// Whether the server answered the opening as it was recorded: by the status, and by the subprotocol.
fn same_status(part: &Part, response: &ResponseHead) -> Result<(), Trouble> {
    let Ok(recorded) = ResponseHead::parse(&part.opening.response) else { return Ok(()) };
    let subprotocol = |head: &ResponseHead| {
        head.headers().text("Sec-WebSocket-Protocol").map(|subprotocol| subprotocol.into_owned())
    };
    let status = |head: &ResponseHead| Some(head.status().to_string());
    let mut differences = Vec::new();
    for (place, expected, got) in [
        ("status", status(&recorded), status(response)),
        ("Sec-WebSocket-Protocol", subprotocol(&recorded), subprotocol(response)),
    ] {
        if expected != got {
            differences.push(Difference { place: place.to_owned(), expected, got });
        }
    }
    if differences.is_empty() { Ok(()) } else { Err(Trouble::Answered(differences)) }
}

/// A `Sec-WebSocket-Key`: 16 octets, random as far as there is randomness (RFC 6455 4.1).
fn key() -> String {
    let mut octets = [0; 16];
    let _ = getrandom::fill(&mut octets);
    STANDARD.encode(octets)
}
