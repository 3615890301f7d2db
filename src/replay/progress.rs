//! How far a replay has come, for whoever looks on while it plays.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::outcome::Played;
use crate::capture::Program;

/// A replay under way. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Progress(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    told: Program,
    sessions: u64,
    played: AtomicU64,
    otherwise: AtomicU64,
}

impl Progress {
    /// One of so many sessions, by the words that the user knows it by.
    pub fn new(name: impl Into<String>, sessions: u64) -> Progress {
        let (played, otherwise) = (AtomicU64::new(0), AtomicU64::new(0));
        Progress(Arc::new(Inner { told: Program::new(name), sessions, played, otherwise }))
    }

    /// What it has told, and its end.
    pub fn told(&self) -> &Program {
        &self.0.told
    }

    /// A session is over.
    pub fn add(&self, played: &Played) {
        let otherwise = u64::from(!played.report.is_ok());
        self.0.otherwise.fetch_add(otherwise, Ordering::Relaxed);
        self.0.played.fetch_add(1, Ordering::Relaxed);
    }

    /// How many sessions there are to play.
    pub fn sessions(&self) -> u64 {
        self.0.sessions
    }

    /// How many times one was played.
    pub fn played(&self) -> u64 {
        self.0.played.load(Ordering::Relaxed)
    }

    /// How many of those were otherwise than recorded.
    pub fn otherwise(&self) -> u64 {
        self.0.otherwise.load(Ordering::Relaxed)
    }
}
