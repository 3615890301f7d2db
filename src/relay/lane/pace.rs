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
    }

    /// Whether something may go on.
    pub(super) fn is_open(&mut self, now: Instant) -> bool {
        if let Some(Stall::Until(end)) = self.stalled
            && end <= now
        {
            self.stalled = None;
        }
        self.stalled.is_none() && self.next.is_none_or(|next| next <= now)
    }

    /// When it may, where that is known and not now.
    pub(super) fn opens_at(&self) -> Option<Instant> {
        match self.stalled {
            Some(Stall::Until(end)) => Some(self.next.map_or(end, |next| next.max(end))),
            Some(Stall::Ever) => None,
            None => self.next,
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
        let takes = match self.rate {
            None => {
                self.next = None;
                return;
            }
            Some(Rate::Octets(rate)) => octets as f64 / rate,
            Some(Rate::Messages(rate)) => f64::from(u8::from(octets > 0)) / rate,
        };
        // A rate of nothing is a day.
        let takes = Duration::try_from_secs_f64(takes).unwrap_or(Duration::from_secs(86_400));
        let since = self.next.map_or(now, |next| next.max(now));
        self.next = Some(since + takes);
    }
}
