//! A request and its response as two rows, so that what is no session can be looked at as one is.

use std::time::Duration;

use bytes::Bytes;

use super::app::App;
use super::page::Row;
use super::words;
use crate::capture::{Exchange, Flow, Log, Opened, Opening, Payload, Summary, Timing};
use crate::ws::Direction;

/// The halves that there are.
#[derive(Clone, Debug)]
pub(super) struct Halves {
    summary: Summary,
    halves: Vec<Half>,
}

/// A head and its body.
#[derive(Clone, Debug)]
pub(super) struct Half {
    pub(super) direction: Direction,
    pub(super) at: Duration,
    pub(super) head: Bytes,
    pub(super) body: Payload,
    pub(super) size: u64,
}

impl Halves {
    /// The halves of an exchange or of a refused handshake.
    pub(super) fn of(log: &Log, summary: &Summary) -> Option<Halves> {
        let halves = match summary.flow {
            Flow::Exchange(number) => of_exchange(log.exchange(number).ok()??),
            Flow::Session(number) => match log.opening(number).ok()?? {
                Opened::Refused(refused) => of_opening(refused.opening, refused.body),
                _ => Vec::new(),
            },
        };
        Some(Halves { summary: summary.clone(), halves })
    }

    pub(super) fn len(&self) -> u64 {
        self.halves.len() as u64
    }

    /// The half that the row of that number stands for.
    pub(super) fn get(&self, number: u64) -> Option<&Half> {
        self.halves.get(usize::try_from(number.checked_sub(1)?).ok()?)
    }

    pub(super) fn rows(&self, app: &App) -> Vec<Row> {
        let rows = (1..).zip(&self.halves).map(|(number, half)| {
            let first_line = words::first_line(&half.head);
            let kind = words::header(&half.head, "content-type");
            Row {
                number,
                direction: half.direction,
                at: half.at,
                gap: (number > 1).then_some(half.at),
                size: half.size,
                wire: None,
                kind: half.kind(),
                control: false,
                what: kind.map_or_else(|| first_line.clone(), |kind| format!("{first_line}   {kind}")),
                frames: 0,
                faults: 0,
                complete: true,
                answers: None,
                marked: app.marks.contains(&(self.summary.flow, number)),
                done: String::new(),
            }
        });
        rows.collect()
    }
}

impl Half {
    fn kind(&self) -> &'static str {
        match self.direction {
            Direction::ToServer => "request",
            Direction::ToClient => "response",
        }
    }
}

fn of_exchange(exchange: Exchange) -> Vec<Half> {
    let at = until_response(&exchange.timing);
    let request = Half {
        direction: Direction::ToServer,
        at: Duration::ZERO,
        head: exchange.request,
        body: exchange.request_body,
        size: exchange.request_size,
    };
    let response = Half {
        direction: Direction::ToClient,
        at,
        head: exchange.response,
        body: exchange.response_body,
        size: exchange.response_size,
    };
    halves(request, response)
}

fn of_opening(opening: Opening, body: Payload) -> Vec<Half> {
    let at = until_response(&opening.timing);
    let size = body.len();
    let half = |direction, at, head, body, size| Half { direction, at, head, body, size };
    halves(
        half(Direction::ToServer, Duration::ZERO, opening.request, Payload::default(), 0),
        half(Direction::ToClient, at, opening.response, body, size),
    )
}

fn halves(request: Half, response: Half) -> Vec<Half> {
    if response.head.is_empty() && response.body.is_empty() { vec![request] } else { vec![request, response] }
}

fn until_response(timing: &Timing) -> Duration {
    [timing.dns, timing.tcp, timing.tls, timing.response].into_iter().flatten().sum()
}
