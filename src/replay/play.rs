//! A player with a socket: what one end says over a live session, and what comes of it.

use std::future::{pending, poll_fn};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::time::timeout;

use super::company::Member;
use super::player::{Output, Player};
use super::report::Report;
use super::script::Step;
use super::settings::Settings;
use super::wire::{Heard, Wire};
use crate::capture::Ending;
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
    /// How long anything may be waited for.
    patience: Duration,
    /// What is to be written.
    out: BytesMut,
    unflushed: bool,
    /// Whether the other end reads no more.
    deaf: bool,
    /// Whether the other end says no more.
    silent: bool,
}

/// What came next.
enum Next {
    /// So many octets were read; none at the end.
    Read(io::Result<usize>),
    /// All is written.
    Written,
    /// Nothing more can be written.
    Unwritten,
}

/// Octets of what is to be written beyond which nothing more is added.
const MOST_OUT: usize = 1 << 20;

/// Plays the end whose messages go `ours` over a session that has just been agreed on, until it is over; `rest` came
/// behind the head that agreed on it. Where it is one of several, `member` tells it of the others.
pub(super) async fn play<S: Iterator<Item = Result<Step, ReadError>>>(
    other: Endpoint,
    rest: &[u8],
    (ours, agreed): (Direction, &Examination),
    steps: S,
    settings: &Settings,
    member: Option<Member<'_>>,
) -> Report {
    let player = Player::new(ours, steps, settings.clone(), Duration::ZERO);
    let play = Play {
        other,
        wire: Wire::new(ours, agreed),
        player,
        begun: Instant::now(),
        patience: settings.step_timeout,
        out: BytesMut::new(),
        unflushed: false,
        deaf: false,
        silent: false,
    };
    play.run(rest, member).await
}

impl<S: Iterator<Item = Result<Step, ReadError>>> Play<S> {
    async fn run(mut self, rest: &[u8], mut member: Option<Member<'_>>) -> Report {
        let mut buffer = vec![0; 64 << 10];
        let heard = self.wire.read(rest);
        self.hear(heard);
        loop {
            if let Some(member) = &mut member {
                self.player.elsewhere(member.elsewhere(), self.begun.elapsed());
            }
            while self.out.len() < MOST_OUT
                && let Some(output) = self.player.poll()
            {
                match output {
                    Output::HalfClose => {
                        self.write_all(&mut buffer).await;
                        // One that has gone is found out when it is read from.
                        let _ = self.other.shutdown().await;
                    }
                    Output::Finish(how) => return self.part(how, &mut buffer).await,
                    output => self.say(output),
                }
            }
            if let Some(member) = &mut member
                && self.out.is_empty()
            {
                member.tell(self.player.next_at());
            }
            let wait = match self.out.len() < MOST_OUT {
                true => self.player.wake_at().unwrap_or_default().saturating_sub(self.begun.elapsed()),
                // There is more to say, but no room for it.
                false => self.patience,
            };
            let moved = async {
                match &mut member {
                    Some(member) => member.moved().await,
                    None => pending().await,
                }
            };
            let next = tokio::select! {
                next = timeout(wait, self.next(&mut buffer)) => next,
                () = moved => continue,
            };
            match next {
                Err(_) => self.player.wake(self.begun.elapsed()),
                Ok(next) => self.take(next, &buffer),
            }
        }
    }

    fn say(&mut self, output: Output) {
        let bytes = match output {
            Output::Send(message) => self.wire.write_message(&message, masking_key()),
            Output::SendFrames(message, frames) => self.wire.write_frames(&message, frames, masking_key),
            Output::Pong(payload) => self.wire.write(Opcode::Pong, &payload, masking_key()),
            Output::HalfClose | Output::Finish(_) => Vec::new(),
        };
        self.out.extend_from_slice(&bytes);
    }

    fn take(&mut self, next: Next, buffer: &[u8]) {
        let ended = match next {
            Next::Written => return,
            // What it said before it left is still to be read.
            Next::Unwritten => {
                self.deaf = true;
                self.out.clear();
                return;
            }
            Next::Read(Ok(count @ 1..)) => {
                let heard = self.wire.read(&buffer[..count]);
                return self.hear(heard);
            }
            Next::Read(Ok(0)) => Ending::Fin,
            Next::Read(Err(error)) => ending_of(&error),
        };
        self.silent = true;
        let heard = self.wire.end();
        self.hear(heard);
        self.player.ended(&ended, self.begun.elapsed());
    }

    fn hear(&mut self, heard: Vec<Heard>) {
        for heard in heard {
            let now = self.begun.elapsed();
            match heard {
                // Behind the end of the play only what was said counts.
                Heard::Said(said) if self.player.is_over() && said.opcode.is_control() => {}
                Heard::Said(said) => self.player.received(&said, now),
                Heard::Raw(bytes) => self.player.received_raw(&bytes, now),
                Heard::Violation(what) => self.player.violated(&what),
            }
        }
    }

    /// Writes what is to be written, and reads meanwhile: an end that first wrote all and then read could wait for ever
    /// for one that does the same.
    async fn next(&mut self, buffer: &mut [u8]) -> Next {
        poll_fn(|context| {
            if let Poll::Ready(next) = self.poll_write(context) {
                return Poll::Ready(next);
            }
            if self.silent {
                return Poll::Pending;
            }
            let mut buffer = ReadBuf::new(buffer);
            let read = ready!(Pin::new(&mut self.other).poll_read(context, &mut buffer));
            Poll::Ready(Next::Read(read.map(|()| buffer.filled().len())))
        })
        .await
    }

    fn poll_write(&mut self, context: &mut Context<'_>) -> Poll<Next> {
        if self.deaf {
            self.out.clear();
            return Poll::Pending;
        }
        while !self.out.is_empty() {
            match ready!(Pin::new(&mut self.other).poll_write(context, &self.out)) {
                Ok(count @ 1..) => self.out.advance(count),
                Ok(0) | Err(_) => return Poll::Ready(Next::Unwritten),
            }
            self.unflushed = true;
        }
        if !self.unflushed {
            return Poll::Pending;
        }
        let flushed = ready!(Pin::new(&mut self.other).poll_flush(context));
        self.unflushed = false;
        Poll::Ready(if flushed.is_ok() { Next::Written } else { Next::Unwritten })
    }

    /// Writes all that is to be written, as far as the other end takes it.
    async fn write_all(&mut self, buffer: &mut [u8]) {
        while !self.deaf && (self.unflushed || !self.out.is_empty()) {
            let Ok(next) = timeout(PARTING, self.next(buffer)).await else { return };
            self.take(next, buffer);
        }
    }

    /// Ends the connection as it was recorded; what still comes was not.
    async fn part(mut self, how: Ending, buffer: &mut [u8]) -> Report {
        self.write_all(buffer).await;
        if how == Ending::Reset {
            self.other.reset();
            return self.player.report().clone();
        }
        let gone = self.other.shutdown().await.is_err();
        while !gone && !self.silent {
            let Ok(next) = timeout(PARTING, self.next(buffer)).await else { break };
            self.take(next, buffer);
        }
        self.player.report().clone()
    }
}

/// How an end left whose connection cannot be read any more.
fn ending_of(error: &io::Error) -> Ending {
    match error.kind() {
        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::BrokenPipe => {
            Ending::Reset
        }
        // TLS without its close alert: the connection itself ended well.
        io::ErrorKind::UnexpectedEof => Ending::Fin,
        _ => Ending::Failed(error.to_string()),
    }
}

/// Random, as far as there is randomness (RFC 6455 5.3); a mock has no secrets to keep from a proxy in between.
fn masking_key() -> [u8; 4] {
    let mut key = [0; 4];
    let _ = getrandom::fill(&mut key);
    key
}
