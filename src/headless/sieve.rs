//! What a filter lets through: its rows, and with them the lines that open and end their sessions and those that say
//! what was done to them.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use crate::capture::{Act, By, Deeds, Event, Log, Opening, Row};
use crate::filter::Filter;

/// A filter that keeps what it prints readable as a recording: a session's opening comes before the first of its
/// rows that the filter is true of, and its end after them. What was done to a message comes with it; where that is
/// what makes the filter true of the message, the message comes right before. `T` is what is kept of an event until
/// then.
pub(super) struct Sieve<T> {
    filter: Filter,
    /// Whether what is done to a message can make the filter true of it.
    about_acts: bool,
    /// Whether another filter may come.
    changing: bool,
    /// Whether nothing passes.
    shut: bool,
    sessions: HashMap<u32, Known<T>>,
}

struct Known<T> {
    /// None for a tunnel.
    opening: Option<Opening>,
    /// None once it was let through.
    held_back: Option<T>,
    /// The numbers of the latest messages that were let through.
    passed: VecDeque<u64>,
    /// The latest messages that were not.
    waiting: VecDeque<Waiting<T>>,
}

/// A message that the filter is not true of, unless something is done to it.
struct Waiting<T> {
    number: u64,
    done: Done,
    event: Event,
    kept: T,
}

/// What was done to a message so far.
#[derive(Debug, Default)]
struct Done {
    deeds: Deeds,
    /// The rules that did some of it.
    rules: Vec<Arc<str>>,
}

/// How many of a session's messages that were let through are known.
const PASSED: usize = 4096;
/// How many of a session's messages wait for what may be done to them.
const WAITING: usize = 256;

/// What is to be done with an event.
#[derive(Debug, PartialEq)]
pub(super) enum Passed<T> {
    /// It is not printed.
    No,
    /// It is printed.
    Yes,
    /// It is printed, and before it what was held back.
    After(Vec<T>),
}

impl<T> Sieve<T> {
    pub fn new(filter: Filter) -> Sieve<T> {
        let about_acts = filter.is_about_acts();
        Sieve { filter, about_acts, changing: false, shut: false, sessions: HashMap::new() }
    }

    /// The same, and another filter may come: what it needs to know of sessions is kept.
    pub fn changing(self) -> Sieve<T> {
        Sieve { changing: true, ..self }
    }

    /// Another filter from here on; none lets nothing pass.
    pub fn change(&mut self, filter: Option<Filter>) {
        self.shut = filter.is_none();
        self.filter = filter.unwrap_or_default();
        self.about_acts = self.filter.is_about_acts();
    }

    /// Whether everything passes.
    pub fn is_open(&self) -> bool {
        self.filter.is_empty()
    }

    /// Decides about an event. `keep` gives what to keep of it if it does not pass by itself, but may later.
    pub fn pass(&mut self, event: &Event, log: Option<&Log>, keep: impl FnOnce() -> T) -> Passed<T> {
        if self.shut {
            self.note(event, Some(keep));
            return Passed::No;
        }
        if self.is_open() {
            if self.changing {
                return self.note(event, None::<fn() -> T>);
            }
            return Passed::Yes;
        }
        match event {
            Event::Opened(opening) => self.begin(opening.session, Some(opening), event, keep),
            Event::Tunnel(tunnel) => self.begin(tunnel.session, None, event, keep),
            Event::Message(message) => {
                let known = self.sessions.get_mut(&message.session);
                let opening = known.as_ref().and_then(|known| known.opening.as_ref());
                let passes = matches(&self.filter, event, opening, log, &Done::default());
                let Some(known) = known else { return if passes { Passed::Yes } else { Passed::No } };
                if passes {
                    known.let_through(message.number);
                    return after(known.held_back.take());
                }
                if self.about_acts {
                    known.wait(message.number, event, keep());
                }
                Passed::No
            }
            Event::Act(act) => self.act(act, event, log),
            Event::Ended(ended) => {
                let known = self.sessions.remove(&ended.session);
                let opening = known.as_ref().and_then(|known| known.opening.as_ref());
                let begun = known.as_ref().is_some_and(|known| known.held_back.is_none());
                if !begun && !matches(&self.filter, event, opening, log, &Done::default()) {
                    return Passed::No;
                }
                after(known.and_then(|known| known.held_back))
            }
            // What the proxy has to say of itself is not what a filter is for.
            Event::Note(note) if note.flow.is_none() => Passed::Yes,
            _ if matches(&self.filter, event, None, log, &Done::default()) => Passed::Yes,
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
        let passes = matches(&self.filter, event, None, None, &Done::default());
        let held_back = (!passes).then(keep);
        let known =
            Known { opening: opening.cloned(), held_back, passed: VecDeque::new(), waiting: VecDeque::new() };
        self.sessions.insert(session, known);
        if passes { Passed::Yes } else { Passed::No }
    }

    /// Takes in an event that passes, or that does not, where `keep` is given, whatever the filter.
    fn note(&mut self, event: &Event, keep: Option<impl FnOnce() -> T>) -> Passed<T> {
        let (session, opening) = match event {
            Event::Opened(opening) => (opening.session, Some(opening.clone())),
            Event::Tunnel(tunnel) => (tunnel.session, None),
            Event::Ended(ended) => {
                let known = self.sessions.remove(&ended.session);
                return after(known.and_then(|known| known.held_back));
            }
            Event::Message(message) if keep.is_none() => {
                let Some(known) = self.sessions.get_mut(&message.session) else { return Passed::Yes };
                known.let_through(message.number);
                return after(known.held_back.take());
            }
            _ => return Passed::Yes,
        };
        let held_back = keep.map(|keep| keep());
        let known = Known { opening, held_back, passed: VecDeque::new(), waiting: VecDeque::new() };
        self.sessions.insert(session, known);
        Passed::Yes
    }

    fn act(&mut self, act: &Act, event: &Event, log: Option<&Log>) -> Passed<T> {
        let known = self.sessions.get_mut(&act.session);
        let opening = known.as_ref().and_then(|known| known.opening.as_ref());
        let itself = matches(&self.filter, event, opening, log, &Done::default());
        let Some(known) = known else { return if itself { Passed::Yes } else { Passed::No } };
        // What is done to a session belongs to it as its end does.
        let Some(number) = act.number else {
            let passes = itself || known.held_back.is_none();
            return if passes { after(known.held_back.take()) } else { Passed::No };
        };
        if known.passed.contains(&number) {
            return Passed::Yes;
        }
        let place = known.waiting.iter().position(|waiting| waiting.number == number);
        let passes = match place.and_then(|place| known.waiting.get_mut(place)) {
            Some(waiting) => {
                waiting.done.add(act);
                matches(&self.filter, &waiting.event, known.opening.as_ref(), log, &waiting.done)
            }
            None => false,
        };
        if !passes && !itself {
            return Passed::No;
        }
        let opening = known.held_back.take();
        let message = place.and_then(|place| known.waiting.remove(place));
        known.let_through(number);
        let before: Vec<T> = opening.into_iter().chain(message.map(|message| message.kept)).collect();
        if before.is_empty() { Passed::Yes } else { Passed::After(before) }
    }
}

impl Done {
    fn add(&mut self, act: &Act) {
        self.deeds |= act.deed.kind();
        if let By::Rule(name) = &act.by
            && !self.rules.contains(name)
        {
            self.rules.push(Arc::clone(name));
        }
    }
}

impl<T> Known<T> {
    fn let_through(&mut self, number: u64) {
        self.passed.push_back(number);
        if self.passed.len() > PASSED {
            self.passed.pop_front();
        }
    }

    fn wait(&mut self, number: u64, event: &Event, kept: T) {
        self.waiting.push_back(Waiting { number, done: Done::default(), event: event.clone(), kept });
        if self.waiting.len() > WAITING {
            self.waiting.pop_front();
        }
    }
}

fn after<T>(held_back: Option<T>) -> Passed<T> {
    held_back.map_or(Passed::Yes, |held_back| Passed::After(vec![held_back]))
}

/// Whether the filter is true of an event, to which this was done so far: what the log says may be of later.
fn matches(
    filter: &Filter,
    event: &Event,
    opening: Option<&Opening>,
    log: Option<&Log>,
    done: &Done,
) -> bool {
    let row = Row::of_event(event, opening).done(done.deeds, &done.rules);
    filter.matches(&log.map_or(row, |log| row.in_log(log)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::{Deed, Kind, Message, Stamp};
    use crate::ws::{Direction, Opcode};

    fn said(number: u64, text: &str) -> Event {
        let message = Message::whole(Direction::ToClient, Kind::Frame(Opcode::Text), text.to_owned());
        Event::Message(Message { number, wire_size: 1, size: 1, ..message })
    }

    fn done(number: Option<u64>, deed: Deed) -> Event {
        let (time, direction) = (Stamp(0), Direction::ToClient);
        Event::Act(Act { session: 1, time, direction, number, held: None, deed, by: By::User })
    }

    /// What is printed of some events, each by its place; the opening is 0.
    fn printed(filter: &str, events: &[Event]) -> Vec<usize> {
        let mut sieve = Sieve::new(Filter::parse(filter).unwrap());
        let opened = [Event::Opened(Opening { session: 1, ..Opening::default() })];
        let mut printed = Vec::new();
        for (place, event) in opened.iter().chain(events).enumerate() {
            match sieve.pass(event, None, || place) {
                Passed::No => continue,
                Passed::Yes => {}
                Passed::After(before) => printed.extend(before),
            }
            printed.push(place);
        }
        printed
    }

    #[test]
    fn what_was_done_to_a_message_comes_with_it() {
        let events = [
            said(1, "apple"),
            said(2, "pear"),
            done(Some(1), Deed::Held),
            done(Some(2), Deed::Dropped),
            done(Some(1), Deed::Released),
            done(None, Deed::Reset),
        ];
        assert_eq!(printed("pear", &events), [0, 2, 4, 6]);
        assert_eq!(printed("", &events), [0, 1, 2, 3, 4, 5, 6]);
        assert!(printed("plum", &events).is_empty());
    }

    #[test]
    fn another_filter_holds_from_where_it_comes() {
        let mut sieve = Sieve::new(Filter::default()).changing();
        let opened = Event::Opened(Opening { session: 1, ..Opening::default() });
        fn pass(sieve: &mut Sieve<&'static str>, event: &Event) -> Passed<&'static str> {
            sieve.pass(event, None, || "open")
        }
        assert_eq!(pass(&mut sieve, &opened), Passed::Yes);
        assert_eq!(pass(&mut sieve, &said(1, "apple")), Passed::Yes);
        sieve.change(Some(Filter::parse("pear").unwrap()));
        assert_eq!(pass(&mut sieve, &said(2, "apple")), Passed::No);
        assert_eq!(pass(&mut sieve, &said(3, "pear")), Passed::Yes);
        sieve.change(None);
        let second = Event::Opened(Opening { session: 2, ..Opening::default() });
        assert_eq!(pass(&mut sieve, &second), Passed::No);
        assert_eq!(pass(&mut sieve, &said(4, "pear")), Passed::No);
        sieve.change(Some(Filter::default()));
        let Event::Message(message) = said(1, "plum") else { panic!() };
        let late = Event::Message(Message { session: 2, ..message });
        assert_eq!(pass(&mut sieve, &late), Passed::After(vec!["open"]));
        assert_eq!(pass(&mut sieve, &late), Passed::Yes);
    }

    #[test]
    fn a_message_comes_before_what_makes_the_filter_true_of_it() {
        let events = [
            said(1, "apple"),
            said(2, "pear"),
            done(Some(1), Deed::Held),
            done(Some(2), Deed::Dropped),
            done(Some(1), Deed::Dropped),
            done(Some(1), Deed::Marked),
        ];
        assert_eq!(printed("dropped", &events), [0, 2, 4, 1, 5, 6]);
        assert_eq!(printed("dropped and held", &events), [0, 1, 5, 6]);
        assert_eq!(printed("apple and dropped", &events), [0, 1, 5, 6]);
    }
}
