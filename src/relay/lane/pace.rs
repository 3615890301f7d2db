//! How fast a direction may be: throttled, or stalled.

use std::time::{Duration, Instant};

use super::Who;
use crate::rules::Rate;

/// When the next message may go on.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// Who slows it down, and to what: the latest word holds.
    rates: Vec<(Who, Rate)>,
    /// Who stalls it, and until when, for ever where none is said: it goes on when none is left.
    stalls: Vec<(Who, Option<Instant>)>,
    /// Earliest time for the next.
    next: Option<Instant>,
    /// When the last octet of the one under way is due, where octets are counted.
    due: Option<Instant>,
}

impl Pace {
    pub(super) fn stall(&mut self, by: Who, now: Instant, time: Option<Duration>) {
        let until = time.map(|time| now + time);
        match self.stalls.iter_mut().find(|(who, _)| *who == by) {
            Some((_, before)) => *before = before.zip(until).map(|(before, until)| before.max(until)),
            None => self.stalls.push((by, until)),
        }
    }

    pub(super) fn throttle(&mut self, by: Who, rate: Rate) {
        self.rates.retain(|(who, _)| *who != by);
        self.rates.push((by, rate));
        self.due = None;
    }

    /// What `by` began is over; whether there was such a thing still.
    pub(super) fn lift(&mut self, by: &Who, now: Instant) -> bool {
        self.forget_over(now);
        let (rate, before) = (self.rate(), self.rates.len() + self.stalls.len());
        self.rates.retain(|(who, _)| who != by);
        self.stalls.retain(|(who, _)| who != by);
        if self.rate() != rate {
            (self.next, self.due) = (None, None);
        }
        self.rates.len() + self.stalls.len() < before
    }

    /// Whether something of so many octets, which is next, may go on.
    pub(super) fn lets(&mut self, now: Instant, octets: usize) -> bool {
        self.forget_over(now);
        if !self.stalls.is_empty() {
            return false;
        }
        match self.rate() {
            // As on a slow line: it is there when its last octet is.
            Some(Rate::Octets(rate)) => {
                let begins = self.next.map_or(now, |next| next.max(now));
                *self.due.get_or_insert_with(|| begins + lasting(octets as f64 / rate)) <= now
            }
            _ => self.next.is_none_or(|next| next <= now),
        }
    }

    /// When it may, where that is known and not now.
    pub(super) fn opens_at(&self) -> Option<Instant> {
        if self.is_stalled_for_ever() {
            return None;
        }
        let over = self.stalls.iter().filter_map(|(_, until)| *until).max();
        over.max(self.due.or(self.next))
    }

    pub(super) fn is_stalled_for_ever(&self) -> bool {
        self.stalls.iter().any(|(_, until)| until.is_none())
    }

    /// Whether it holds anything back, now or later.
    pub(super) fn is_slow(&self) -> bool {
        !self.rates.is_empty() || !self.stalls.is_empty()
    }

    /// Something of so many octets went on.
    pub(super) fn passed(&mut self, now: Instant, octets: usize) {
        self.next = match self.rate() {
            None => None,
            Some(Rate::Octets(_)) => self.due,
            Some(Rate::Messages(_)) if octets == 0 => self.next,
            Some(Rate::Messages(rate)) => {
                let since = self.next.map_or(now, |next| next.max(now));
                Some(since + lasting(1.0 / rate))
            }
        };
        self.due = None;
    }

    fn rate(&self) -> Option<Rate> {
        self.rates.last().map(|(_, rate)| *rate)
    }

    fn forget_over(&mut self, now: Instant) {
        self.stalls.retain(|(_, until)| until.is_none_or(|until| until > now));
    }
}

/// So many seconds. A rate of nothing is a day.
fn lasting(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::from_secs(86_400))
}
