//! What a filter lets through: its rows, and with them the lines that open and end their sessions.

use std::collections::HashMap;

use crate::capture::{Event, Log, Opening, Row};
use crate::filter::Filter;

/// A filter that keeps what it prints readable as a recording: a session's opening comes before the first of its
/// rows that the filter is true of, and its end after them. `T` is what is kept of an opening until then.
pub(super) struct Sieve<T> {
    filter: Filter,
    sessions: HashMap<u32, Known<T>>,
}

struct Known<T> {
    /// None for a tunnel.
    opening: Option<Opening>,
    /// None once it was let through.
    held_back: Option<T>,
}

/// What is to be done with an event.
#[derive(Debug, PartialEq)]
pub(super) enum Passed<T> {
    /// It is not printed.
    No,
    /// It is printed.
    Yes,
    /// It is printed, and before it the opening that was held back.
    After(T),
}

impl<T> Sieve<T> {
    pub fn new(filter: Filter) -> Sieve<T> {
        Sieve { filter, sessions: HashMap::new() }
    }

    /// Whether everything passes.
    pub fn is_open(&self) -> bool {
        self.filter.is_empty()
    }

    /// Decides about an event. `keep` gives what to keep of it if it is an opening that does not pass by itself.
    pub fn pass(&mut self, event: &Event, log: Option<&Log>, keep: impl FnOnce() -> T) -> Passed<T> {
        if self.is_open() {
            return Passed::Yes;
        }
        match event {
            Event::Opened(opening) => self.begin(opening.session, Some(opening), event, keep),
            Event::Tunnel(tunnel) => self.begin(tunnel.session, None, event, keep),
            Event::Message(message) => {
                let known = self.sessions.get_mut(&message.session);
                let opening = known.as_ref().and_then(|known| known.opening.as_ref());
                if !matches(&self.filter, event, opening, log) {
                    return Passed::No;
                }
                after(known.and_then(|known| known.held_back.take()))
            }
            Event::Ended(ended) => {
                let known = self.sessions.remove(&ended.session);
                let opening = known.as_ref().and_then(|known| known.opening.as_ref());
                let begun = known.as_ref().is_some_and(|known| known.held_back.is_none());
                if !begun && !matches(&self.filter, event, opening, log) {
                    return Passed::No;
                }
                after(known.and_then(|known| known.held_back))
            }
            // What the proxy has to say of itself is not what a filter is for.
            Event::Note(note) if note.flow.is_none() => Passed::Yes,
            _ if matches(&self.filter, event, None, log) => Passed::Yes,
            _ => Passed::No,
        }
    }

    fn begin(
        &mut self,
        session: u32,
        opening: Option<&Opening>,
        event: &Event,
        keep: impl FnOnce() -> T,
    ) -> Passed<T> {
        let passes = matches(&self.filter, event, None, None);
        let held_back = (!passes).then(keep);
        self.sessions.insert(session, Known { opening: opening.cloned(), held_back });
        if passes { Passed::Yes } else { Passed::No }
    }
}

fn after<T>(held_back: Option<T>) -> Passed<T> {
    held_back.map_or(Passed::Yes, Passed::After)
}

fn matches(filter: &Filter, event: &Event, opening: Option<&Opening>, log: Option<&Log>) -> bool {
    let row = Row::of_event(event, opening);
    filter.matches(&log.map_or(row, |log| row.in_log(log)))
}
