//! The worker that filters and searches long lists beside the screen.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::sieve::Sieve;
use crate::capture::{Log, Message, Opening, Row};
use crate::filter::{Filter, Reads};

/// What a message must pass to be listed.
#[derive(Clone, Debug)]
pub struct Test {
    /// The session.
    pub(super) session: u32,
    /// How it opened: filters may ask about that too.
    pub(super) opening: Option<Opening>,
    /// Each of these must be true of it.
    pub(super) filters: Vec<Filter>,
    /// Whether ping, pong and close are listed.
    pub(super) control: bool,
    /// The numbers of the messages that the user marked.
    pub(super) marks: Vec<u64>,
}

impl Test {
    /// Whether it would give the same results as `other`.
    pub(super) fn same(&self, other: &Test) -> bool {
        self.session == other.session
            && self.control == other.control
            && self.filters == other.filters
            && (self.marks == other.marks || !self.filters.iter().any(about_marks))
    }

    /// Which of some rows pass, one after the other.
    fn passes(&self, log: &Log, rows: Range<u64>) -> Vec<bool> {
        let mut passed = vec![false; rows.end.saturating_sub(rows.start) as usize];
        // What cannot be read any more is gone from the list in a moment anyhow.
        for message in log.messages(self.session, rows.clone()).unwrap_or_default() {
            let place = message.number.checked_sub(rows.start).and_then(|at| passed.get_mut(at as usize));
            if let Some(passed) = place {
                *passed = self.passes_one(log, &message);
            }
        }
        passed
    }

    /// Tests again the messages to which something was done since.
    fn follow_acts(&self, log: &Log, sieve: &Sieve<Test>) {
        if !self.filters.iter().any(Filter::is_about_acts) {
            return;
        }
        let seen = sieve.heeded.load(Ordering::Relaxed);
        let (numbers, latest) = log.acted_on_since(self.session, seen);
        sieve.retest(&numbers, |test, rows| test.passes(log, rows));
        sieve.heeded.store(latest, Ordering::Relaxed);
    }

    fn passes_one(&self, log: &Log, message: &Message) -> bool {
        if !self.control && message.kind.is_control() {
            return false;
        }
        let row = Row::of_message(message, self.opening.as_ref()).in_log(log);
        let row = if self.marks.binary_search(&message.number).is_ok() { row.marked() } else { row };
        self.filters.iter().all(|filter| filter.matches(&row))
    }
}

fn about_marks(filter: &Filter) -> bool {
    filter.reads() > Reads::Nothing && filter.source().contains("mark")
}

/// The lists under way, shared with the worker.
#[derive(Clone, Debug, Default)]
pub(super) struct Sifter {
    jobs: Arc<Mutex<Vec<Arc<Sieve<Test>>>>>,
}

/// Rows tested before the worker looks round for something more urgent.
const PORTION: u64 = 2048;

impl Sifter {
    /// A sieve for `test`, worked on from now on, from the row `middle` up and down.
    pub(super) fn begin(&self, test: Test, middle: u64) -> Arc<Sieve<Test>> {
        let sieve = Arc::new(Sieve::new(test, middle));
        self.jobs().push(Arc::clone(&sieve));
        sieve
    }

    /// Tests a portion of each list; true when there is more to test.
    pub(super) fn work(&self, log: &Log) -> bool {
        let jobs: Vec<_> = {
            let mut jobs = self.jobs();
            jobs.retain(|job| !job.is_stopped());
            jobs.clone()
        };
        let mut more = false;
        for job in jobs {
            job.test.follow_acts(log, &job);
            let rows = log.rows(job.test.session);
            more |= job.advance(rows, PORTION, |test, rows| test.passes(log, rows));
        }
        more
    }

    /// A thread that works until `stop`.
    pub(super) fn spawn(&self, log: Log, stop: Arc<AtomicBool>) -> std::io::Result<JoinHandle<()>> {
        let sifter = self.clone();
        thread::Builder::new().name("sifter".to_owned()).spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                if !sifter.work(&log) {
                    thread::park_timeout(Duration::from_millis(20));
                }
            }
        })
    }

    fn jobs(&self) -> std::sync::MutexGuard<'_, Vec<Arc<Sieve<Test>>>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
