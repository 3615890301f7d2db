//! The replay client: plays the client's part of a recording against a real server.

use std::time::Instant;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::io::AsyncWriteExt;

use super::cast::{Cast, Part};
use super::expectation::Difference;
use super::heads;
use super::outcome::{Left, Played};
use super::play::{play, read_head};
use super::report::{Report, Trouble};
use super::settings::Settings;
use crate::net::{Endpoint, Reach, Target};
use crate::ws::Direction;
use crate::ws::handshake::{RequestHead, ResponseHead, examine};

/// Plays the client's part of a recording, one session after the other.
pub struct ReplayClient {
    server: Target,
    reach: Reach,
    cast: Cast,
    settings: Settings,
    next: usize,
}

impl ReplayClient {
    /// To play what `cast` holds to `server`.
    pub fn new(server: Target, reach: Reach, cast: Cast, settings: Settings) -> ReplayClient {
        // Plain HTTP is answered by a mock; a client does not ask it yet.
        ReplayClient { server, reach, cast: cast.without_exchanges(), settings, next: 0 }
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
        let server = Endpoint::connect(&self.server, &self.reach).await?;
        Ok(self.next_on(server).await)
    }

    /// The same, on a connection that there is already: by a proxy's [`crate::net::Door`].
    pub async fn next_on(&mut self, server: Endpoint) -> Option<Played> {
        let chosen = self.next;
        let part = self.cast.parts().get(chosen)?;
        let (line, target) = (Some(part.line), part.target());
        let begun = Instant::now();
        self.next += 1;
        self.cast.begin(chosen);
        let report = match self.session(chosen, server).await {
            Ok(report) => report,
            Err(trouble) => Report::of(trouble),
        };
        self.cast.done(chosen);
        Some(Played { line, target, took: begun.elapsed(), report })
    }

    /// Whether all sessions were played.
    pub fn is_over(&self) -> bool {
        self.next >= self.cast.parts().len()
    }

    /// The server that it speaks to.
    pub fn server(&self) -> &Target {
        &self.server
    }

    /// The sessions that were not played to their end.
    pub fn left(&self) -> Vec<Left> {
        self.cast.left()
    }

    async fn session(&self, chosen: usize, mut server: Endpoint) -> Result<Report, Trouble> {
        let part = &self.cast.parts()[chosen];
        let head = heads::request(part, &self.server.authority.host_header(), &key());
        let gone = || Trouble::Missing("an answer to the opening handshake".to_owned());
        server.write_all(&head).await.map_err(|_| gone())?;
        server.flush().await.map_err(|_| gone())?;
        let mut bytes = Vec::new();
        let answered = tokio::time::timeout(self.settings.step_timeout, read_head(&mut server, &mut bytes));
        let length = answered.await.ok().flatten().ok_or_else(gone)?;
        let rest = bytes.split_off(length);
        let unreadable = |_| Trouble::Unexpected("an answer that is no HTTP".to_owned());
        let response = ResponseHead::parse(&bytes).map_err(unreadable)?;
        same_status(part, &response)?;
        if part.refusal.is_some() {
            return Ok(Report { matched: 1, ..Report::default() });
        }
        let request = RequestHead::parse(&head).map_err(unreadable)?;
        let agreed = examine(&request, Some(&response));
        let steps = self.cast.steps(chosen).map_err(|error| Trouble::Unreadable(error.to_string()))?;
        let settings = self.settings.of_session(&part.opening);
        Ok(play(server, &rest, (Direction::ToServer, &agreed), steps, &settings, None).await)
    }
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
