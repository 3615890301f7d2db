//! How fast a direction may be: throttled, or stalled.

use std::time::{Duration, Instant};

use crate::rules::Rate;

/// When the next message may go on.
#[derive(Debug, Default)]
pub(super) struct Pace {
    rate: Option<Rate>,
    stalled: Option<Stall>,
    /// Earliest time for the next.
    next: Option<Instant>,
    /// When the last octet of the one under way is due, where octets are counted.
    due: Option<Instant>,
}

#[derive(Clone, Copy, Debug)]
enum Stall {
    Until(Instant),
    Ever,
}

impl Pace {
    pub(super) fn stall(&mut self, now: Instant, time: Option<Duration>) {
        self.stalled = Some(time.map_or(Stall::Ever, |time| Stall::Until(now + time)));
    }

    pub(super) fn throttle(&mut self, rate: Rate) {
        self.rate = Some(rate);
        self.due = None;
    }

    /// Whether something of so many octets, which is next, may go on.
    pub(super) fn lets(&mut self, now: Instant, octets: usize) -> bool {
        if let Some(Stall::Until(end)) = self.stalled
            && end <= now
        {
            self.stalled = None;
        }
        if self.stalled.is_some() {
            return false;
        }
        match self.rate {
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
        let next = self.due.or(self.next);
        match self.stalled {
            Some(Stall::Until(end)) => Some(next.map_or(end, |next| next.max(end))),
            Some(Stall::Ever) => None,
            None => next,
        }
    }

    pub(super) fn is_stalled_for_ever(&self) -> bool {
        matches!(self.stalled, Some(Stall::Ever))
    }

    /// Whether it holds anything back, now or later.
    pub(super) fn is_slow(&self) -> bool {
        self.rate.is_some() || self.stalled.is_some()
    }

    /// Something of so many octets went on.
    pub(super) fn passed(&mut self, now: Instant, octets: usize) {
        self.next = match self.rate {
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
}

/// So many seconds. A rate of nothing is a day.
fn lasting(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::from_secs(86_400))
}
