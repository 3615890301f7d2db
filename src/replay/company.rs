//! The cast of a mock server as all its connections share it: what one of them does, others may wait for.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use super::cast::{Asked, Cast, Waiting};
use crate::capture::Stamp;

/// A cast that several connections play.
pub(super) struct Company {
    cast: Mutex<Cast>,
    moved: watch::Sender<()>,
}

impl Company {
    pub fn new(cast: Cast) -> Company {
        Company { cast: Mutex::new(cast), moved: watch::Sender::new(()) }
    }

    pub fn cast(&self) -> MutexGuard<'_, Cast> {
        self.cast.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something happened that another connection may wait for.
    pub fn moved(&self) {
        self.moved.send_replace(());
    }

    /// Is told whenever something happened.
    pub fn moves(&self) -> watch::Receiver<()> {
        self.moved.subscribe()
    }

    /// All of a request is there.
    pub fn arrived(&self, asked: Asked) {
        self.cast().arrived(asked);
        self.moved();
    }

    /// A request was answered, or its client went away.
    pub fn answered(&self, asked: Asked) {
        self.cast().answered(asked);
        self.moved();
    }

    /// One that plays this part, which was opened at `opened`; none where nothing but sessions can be waited for.
    pub fn member(&self, part: usize, opened: Stamp) -> Option<Member<'_>> {
        self.cast().has_visits().then(|| Member { company: self, part, opened, moves: self.moves() })
    }
}

/// A session that is being played, among the others.
pub(super) struct Member<'a> {
    company: &'a Company,
    part: usize,
    opened: Stamp,
    moves: watch::Receiver<()>,
}

impl Member<'_> {
    /// Tells the others that all was said that was recorded before `next`, which counts from the opening.
    pub fn tell(&mut self, next: Option<Duration>) {
        let next = next.map(|at| Stamp(self.opened.0.saturating_add(at.as_nanos() as u64)));
        if self.company.cast().said(self.part, next) {
            self.company.moved();
        }
    }

    /// What is still to be done elsewhere, and when that was recorded, since the opening.
    pub fn elsewhere(&mut self) -> Option<(Duration, String)> {
        self.moves.mark_unchanged();
        let waiting = self.company.cast().elsewhere(self.part);
        waiting.map(|Waiting { recorded, what }| (recorded.since(self.opened), what))
    }

    /// Waits until something happened elsewhere.
    pub async fn moved(&mut self) {
        // The company outlives its members.
        let _ = self.moves.changed().await;
    }
}
