//! What the load client does, and the words in which it is told so.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context as _, Error, Result, bail};

/// One kind of load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scenario {
    /// Messages that are answered, so many under way on each of so many sessions.
    RoundTrips { sessions: usize, in_flight: usize, size: usize, writes: Writes },
    /// As many messages as go through, one way.
    Flood { way: Way, sessions: usize, size: usize },
    /// Connect, handshake, one message and its answer, close: so many at a time.
    NewSessions { at_a_time: usize, size: usize },
    /// One session, one message under way.
    PingPong { size: usize },
    /// Open, one message and its answer, then nothing.
    Idle { sessions: usize },
}

/// Whether messages that could leave together do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writes {
    Together,
    Single,
}

/// Which way a flood goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    ToServer,
    ToClient,
}

/// When to stop: whatever comes first.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    pub time: Duration,
    /// In all sessions together.
    pub messages: u64,
}

impl fmt::Display for Scenario {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Scenario::RoundTrips { sessions, in_flight, size, writes } => {
                let writes = if writes == Writes::Together { "together" } else { "single" };
                write!(out, "round-trips {sessions} {in_flight} {size} {writes}")
            }
            Scenario::Flood { way: Way::ToServer, sessions, size } => {
                write!(out, "to-server {sessions} {size}")
            }
            Scenario::Flood { way: Way::ToClient, sessions, size } => {
                write!(out, "to-client {sessions} {size}")
            }
            Scenario::NewSessions { at_a_time, size } => write!(out, "new-sessions {at_a_time} {size}"),
            Scenario::PingPong { size } => write!(out, "ping-pong {size}"),
            Scenario::Idle { sessions } => write!(out, "idle {sessions}"),
        }
    }
}

impl FromStr for Scenario {
    type Err = Error;

    fn from_str(text: &str) -> Result<Scenario> {
        let words: Vec<&str> = text.split(' ').collect();
        let number = |nth: usize| -> Result<usize> {
            Ok(words.get(nth).with_context(|| format!("too few words in {text}"))?.parse()?)
        };
        Ok(match words[0] {
            "round-trips" => {
                let writes =
                    if words.last() == Some(&"together") { Writes::Together } else { Writes::Single };
                Scenario::RoundTrips { sessions: number(1)?, in_flight: number(2)?, size: number(3)?, writes }
            }
            "to-server" => Scenario::Flood { way: Way::ToServer, sessions: number(1)?, size: number(2)? },
            "to-client" => Scenario::Flood { way: Way::ToClient, sessions: number(1)?, size: number(2)? },
            "new-sessions" => Scenario::NewSessions { at_a_time: number(1)?, size: number(2)? },
            "ping-pong" => Scenario::PingPong { size: number(1)? },
            "idle" => Scenario::Idle { sessions: number(1)? },
            other => bail!("no load is called {other}"),
        })
    }
}
