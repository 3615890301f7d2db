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
    Flood { way: Way, sessions: usize, size: usize, compression: Compression },
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

/// Whether messages are compressed, with permessage-deflate (RFC 7692).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    None,
    /// Each may refer to those before it (context takeover, RFC 7692 7.1.1).
    Together,
    /// Each by itself.
    Alone,
}

impl Compression {
    const ALL: [Compression; 3] = [Compression::None, Compression::Together, Compression::Alone];

    /// In paths and on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Compression::None => "plain",
            Compression::Together => "deflate-together",
            Compression::Alone => "deflate-alone",
        }
    }

    pub fn from_word(word: &str) -> Result<Compression> {
        let found = Compression::ALL.into_iter().find(|compression| compression.word() == word);
        found.with_context(|| format!("no compression is called {word}"))
    }
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
            Scenario::Flood { way, sessions, size, compression } => {
                let way = if way == Way::ToServer { "to-server" } else { "to-client" };
                write!(out, "{way} {sessions} {size} {}", compression.word())
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
            way @ ("to-server" | "to-client") => {
                let way = if way == "to-server" { Way::ToServer } else { Way::ToClient };
                let compression = Compression::from_word(words.get(3).context("a compression")?)?;
                Scenario::Flood { way, sessions: number(1)?, size: number(2)?, compression }
            }
            "new-sessions" => Scenario::NewSessions { at_a_time: number(1)?, size: number(2)? },
            "ping-pong" => Scenario::PingPong { size: number(1)? },
            "idle" => Scenario::Idle { sessions: number(1)? },
            other => bail!("no load is called {other}"),
        })
    }
}
