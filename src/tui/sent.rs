//! Where what the user sent went in: the rows that appear for it.

use crate::capture::{By, Log};

/// Sessions that something was sent in, and is not seen there yet.
#[derive(Debug, Default)]
pub(super) struct Sent(Vec<Awaited>);

#[derive(Debug)]
struct Awaited {
    session: u32,
    /// The first number that was not looked at.
    next: u64,
    /// How many messages there are to come.
    missing: u64,
    /// How many more rows are looked at.
    patience: u64,
}

/// Rows that are looked at before each drawing: there is more to do than this.
const AT_ONCE: u64 = 500;
/// Rows after which it is given up: a session may be a flood.
const PATIENCE: u64 = 50_000;

impl Sent {
    /// So many messages were sent, and will come in at number `next` or behind it.
    pub(super) fn await_in(&mut self, session: u32, next: u64, count: u64) {
        match self.0.iter_mut().find(|awaited| awaited.session == session) {
            Some(awaited) => {
                awaited.missing += count;
                awaited.patience = PATIENCE;
            }
            None => self.0.push(Awaited { session, next, missing: count, patience: PATIENCE }),
        }
    }

    /// What has newly come in, in words.
    pub(super) fn arrived(&mut self, log: &Log) -> Option<String> {
        let mut arrived = None;
        for awaited in &mut self.0 {
            let rows = log.rows(awaited.session);
            let from = awaited.next.max(rows.start);
            let to = rows.end.min(from + AT_ONCE);
            for number in from..to {
                let message = log.message(awaited.session, number).ok().flatten();
                let Some(message) = message.filter(|message| message.injected == Some(By::User)) else {
                    continue;
                };
                awaited.missing = awaited.missing.saturating_sub(1);
                let kind = message.kind.name();
                arrived = Some(format!("sent: {kind} went in as message {number} of #{}", awaited.session));
            }
            awaited.patience = awaited.patience.saturating_sub(to.saturating_sub(from));
            awaited.next = to.max(from);
        }
        self.0.retain(|awaited| awaited.missing > 0 && awaited.patience > 0);
        arrived
    }

    /// Whether there are rows to be looked at yet.
    pub(super) fn is_busy(&self, log: &Log) -> bool {
        self.0.iter().any(|awaited| awaited.next < log.rows(awaited.session).end)
    }
}
