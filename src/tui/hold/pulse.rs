//! The heartbeat of a session that holds something: when the next ping is due, and when an end gives up.

use std::collections::VecDeque;
use std::time::Duration;

use crate::capture::{Flow, Kind, Log, Message, Stamp};
use crate::decode::{self, Beat, Field, FieldPath, Heartbeats};
use crate::ws::handshake::glance;
use crate::ws::{Direction, Opcode};

/// What is known of one session's heartbeat.
#[derive(Debug, Default)]
pub(super) struct Pulse {
    /// The number of the next row to be looked at.
    next: u64,
    heartbeats: Heartbeats,
    /// The latest pings by their direction, then the latest heartbeats that messages carry.
    beats: [VecDeque<Stamp>; 4],
    engine: Option<Engine>,
}

/// What the server of Engine.IO, which carries socket.io, has said of its heartbeat.
#[derive(Debug)]
struct Engine {
    interval: Duration,
    timeout: Duration,
    last: Stamp,
}

/// Something that is due at a time known in advance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// What, in words: `ping`.
    pub what: &'static str,
    /// When.
    pub at: Stamp,
}

/// Rows that are looked back at when a session first holds something, and that are read for one page.
const LOOK_BACK: u64 = 4_000;
/// Pings that tell the usual time between them.
const USUAL: usize = 6;
/// As much of a message as is looked at.
const START: usize = 512;

impl Pulse {
    /// Looks at what has come since.
    pub(super) fn listen(&mut self, log: &Log, session: u32) {
        let rows = log.rows(session);
        if self.next == 0 {
            self.heartbeats = heartbeats_of(log, session);
            // Engine.IO opens with its terms.
            self.take(log, session, rows.start..rows.end.min(rows.start + 4));
        }
        let from = self.next.max(rows.start).max(rows.end.saturating_sub(LOOK_BACK));
        self.take(log, session, from..rows.end);
        self.next = rows.end.max(1);
    }

    fn take(&mut self, log: &Log, session: u32, rows: std::ops::Range<u64>) {
        for message in log.messages(session, rows).unwrap_or_default() {
            self.hear(log, &message);
        }
    }

    fn hear(&mut self, log: &Log, message: &Message) {
        let Kind::Frame(opcode) = message.kind else { return };
        let start = log.read(&message.payload, 0, START).unwrap_or_default();
        let is_beat = matches!(self.heartbeats.beat(opcode, &start), Some(Beat::Asks | Beat::Alone));
        let to_client = message.direction == Direction::ToClient;
        if is_beat {
            let carried = 2 * usize::from(opcode != Opcode::Ping);
            let beats = &mut self.beats[carried + usize::from(to_client)];
            if beats.back().is_none_or(|last| *last < message.time) {
                beats.push_back(message.time);
            }
            if beats.len() > USUAL {
                beats.pop_front();
            }
        }
        match &mut self.engine {
            Some(engine) if is_beat && to_client && opcode == Opcode::Text => engine.last = message.time,
            None if to_client && opcode == Opcode::Text && start.starts_with(b"0{") => {
                self.engine = Engine::on(&start[1..], message.time);
            }
            _ => {}
        }
    }

    /// What is due next, as far as that can be known.
    pub(super) fn due(&self, now: Stamp) -> Option<Due> {
        let beats = self.beats.iter().zip(["ping", "ping", "heartbeat", "heartbeat"]);
        let beats = beats.filter_map(|(beats, what)| Some(Due { what, at: next_of(beats, now)? }));
        let engine = self.engine.as_ref().map(|engine| Due {
            what: "Engine.IO timeout",
            at: later(engine.last, engine.interval + engine.timeout),
        });
        beats.chain(engine).min_by_key(|due| due.at)
    }
}

impl Engine {
    fn on(terms: &[u8], at: Stamp) -> Option<Engine> {
        let millis = |name: &str| {
            let path = FieldPath::key(name);
            let mut found = None;
            decode::fields(Opcode::Text, terms, &path, &mut |field| {
                if let Field::Number(number) = field {
                    found = number.parse().ok();
                }
                true
            });
            found.map(Duration::from_millis)
        };
        Some(Engine { interval: millis("pingInterval")?, timeout: millis("pingTimeout")?, last: at })
    }
}

fn heartbeats_of(log: &Log, session: u32) -> Heartbeats {
    let head = super::head_of(log, session);
    let target = glance::first_line_word(&head, 1).unwrap_or_default();
    let subprotocol = log.summary(Flow::Session(session)).and_then(|summary| summary.subprotocol);
    Heartbeats::of(&String::from_utf8_lossy(target), subprotocol.as_deref())
}

/// When the next ping of one end is due by the usual time between them. One that stays out for long has stopped.
fn next_of(pings: &VecDeque<Stamp>, now: Stamp) -> Option<Stamp> {
    let mut gaps: Vec<Duration> =
        pings.iter().zip(pings.iter().skip(1)).map(|(before, after)| after.since(*before)).collect();
    gaps.sort_unstable();
    let usual = *gaps.get(gaps.len() / 2)?;
    let at = later(*pings.back()?, usual);
    (later(at, usual * 2) > now).then_some(at)
}

fn later(stamp: Stamp, by: Duration) -> Stamp {
    Stamp(stamp.0.saturating_add(u64::try_from(by.as_nanos()).unwrap_or(u64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamps(seconds: &[u64]) -> VecDeque<Stamp> {
        seconds.iter().map(|second| Stamp(second * 1_000_000_000)).collect()
    }

    #[test]
    fn the_next_ping_is_due_after_the_usual_time() {
        let seconds = |at: u64| Stamp(at * 1_000_000_000);
        assert_eq!(next_of(&stamps(&[0, 30, 60, 91]), seconds(100)), Some(seconds(121)));
        assert_eq!(next_of(&stamps(&[0, 30, 60]), seconds(95)), Some(seconds(90)), "it is late");
        assert_eq!(next_of(&stamps(&[0, 30, 60]), seconds(151)), None, "it has stopped");
        assert_eq!(next_of(&stamps(&[30]), seconds(31)), None, "one ping tells nothing");
    }

    #[test]
    fn engine_io_says_when_it_gives_up() {
        let terms = br#"{"sid":"x","upgrades":[],"pingInterval":25000,"pingTimeout":20000}"#;
        let mut pulse = Pulse { engine: Engine::on(terms, Stamp(0)), ..Pulse::default() };
        assert_eq!(pulse.due(Stamp(0)), Some(Due { what: "Engine.IO timeout", at: Stamp(45_000_000_000) }));
        pulse.engine = Engine::on(br#"{"sid":"x"}"#, Stamp(0));
        assert_eq!(pulse.due(Stamp(0)), None);
    }
}
