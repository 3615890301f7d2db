//! A player with a socket: what one end says over a live session, and what comes of it.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::player::{Output, Player};
use super::report::Report;
use super::script::Step;
use super::settings::Settings;
use super::wire::{Heard, Wire};
use crate::capture::{Ending, Kind, Message};
use crate::headless::schema::ReadError;
use crate::net::Endpoint;
use crate::ws::handshake::head_length;
use crate::ws::{Direction, Examination, Opcode};

/// Octets of a head that are read.
const LARGEST_HEAD: usize = 64 << 10;
/// How long the other end may take to be done after the last message.
const PARTING: Duration = Duration::from_secs(2);

/// Reads until the head is whole; gives its length.
pub(super) async fn read_head(other: &mut Endpoint, bytes: &mut Vec<u8>) -> Option<usize> {
    loop {
        if let Some(length) = head_length(bytes) {
            return Some(length);
        }
        bytes.reserve(2048);
        if bytes.len() > LARGEST_HEAD || other.read_buf(bytes).await.ok()? == 0 {
            return None;
        }
    }
}

/// One session being played.
struct Play<S> {
    other: Endpoint,
    wire: Wire,
    player: Player<S>,
    begun: Instant,
}

/// Plays the end whose messages go `ours` over a session that has just been agreed on, until it is over; `rest` came
/// behind the head that agreed on it.
pub(super) async fn play<S: Iterator<Item = Result<Step, ReadError>>>(
    other: Endpoint,
    rest: &[u8],
    (ours, agreed): (Direction, &Examination),
    steps: S,
    settings: &Settings,
) -> Report {
    let player = Player::new(ours, steps, settings.clone(), Duration::ZERO);
    Play { other, wire: Wire::new(ours, agreed), player, begun: Instant::now() }.run(rest).await
}

impl<S: Iterator<Item = Result<Step, ReadError>>> Play<S> {
    async fn run(mut self, rest: &[u8]) -> Report {
        let mut buffer = vec![0; 64 << 10];
        let mut out = Vec::new();
        let mut heard = self.wire.read(rest);
        loop {
            for heard in heard.drain(..) {
                self.hear(heard, &mut out);
            }
            let finish = self.speak(&mut out);
            if !out.is_empty() && self.other.write_all(&out).await.is_err() {
                self.player.ended(self.begun.elapsed());
            }
            out.clear();
            if let Some(how) = finish {
                return self.part(how, &mut buffer).await;
            }
            let wake = self.player.wake_at().unwrap_or_default();
            let wait = wake.saturating_sub(self.begun.elapsed());
            match tokio::time::timeout(wait, self.other.read(&mut buffer)).await {
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
            Heard::Ping(payload) => out.extend(self.wire.write(Opcode::Pong, &payload, masking_key())),
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
            Kind::Frame(opcode) => self.wire.write(opcode, &payload, masking_key()),
            Kind::Raw => payload.to_vec(),
        }
    }

    /// Ends the connection as it was recorded; what still comes was not.
    async fn part(mut self, how: Ending, buffer: &mut [u8]) -> Report {
        if how == Ending::Reset {
            self.other.reset();
            return self.player.report().clone();
        }
        let gone = self.other.shutdown().await.is_err();
        while !gone && let Ok(Ok(count @ 1..)) = tokio::time::timeout(PARTING, self.other.read(buffer)).await
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

/// Random, as far as there is randomness (RFC 6455 5.3); a mock has no secrets to keep from a proxy in between.
fn masking_key() -> [u8; 4] {
    let mut key = [0; 4];
    let _ = getrandom::fill(&mut key);
    key
}
