//! What is to be done with traffic, and when: rules, as a user writes them, and what they come to for one message.
//!
//! Pure: what passes is shown to a session's [`Judge`], which answers with what is to be done. The relay does it.

mod effect;
mod seen;

use std::sync::Arc;

pub use effect::{Effect, HandshakeEdit, Rate, Refusal, Step};
pub use seen::{Flow, Seen};

use crate::filter::Filter;
use crate::ws::Direction;

/// All that holds at one time, in order. Cheap to clone; the default does nothing.
#[derive(Clone, Debug, Default)]
pub struct RuleSet {
    /// What is to be held, by the user's own wish.
    hold: Option<Arc<Filter>>,
}

/// What of a session may be touched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// Messages and control frames to the server, to the client.
    pub directions: [bool; 2],
}

impl RuleSet {
    /// The same, and messages and handshakes that `hold` matches are held for the user; none for nothing more.
    pub fn holding(&self, hold: Option<Filter>) -> RuleSet {
        RuleSet { hold: hold.map(Arc::new) }
    }

    /// Whether there is nothing to be done, whatever passes.
    pub fn is_empty(&self) -> bool {
        self.hold.is_none()
    }

    /// What of `flow` may be touched: what may not, nobody needs to look at.
    pub fn reach(&self, flow: &Flow) -> Reach {
        let may = |direction| self.hold.as_ref().is_some_and(|hold| flow.may_match(hold, direction));
        Reach { directions: Direction::BOTH.map(may) }
    }
}

/// The rules at work on one session: they count what passed.
#[derive(Debug)]
pub struct Judge {
    rules: RuleSet,
}

impl Judge {
    /// For a session in which nothing has passed yet.
    pub fn new(rules: RuleSet) -> Judge {
        Judge { rules }
    }

    /// Other rules hold from here on; those that stayed go on counting.
    pub fn replace(&mut self, rules: RuleSet) {
        self.rules = rules;
    }

    /// What is to be done with a request that asks for a session, before the server gets it.
    pub fn request(&mut self, flow: &Flow) -> Vec<Step<HandshakeEdit>> {
        let held = self.rules.hold.as_ref().is_some_and(|hold| hold.matches(flow));
        held.then_some(Step { rule: None, effect: HandshakeEdit::Hold }).into_iter().collect()
    }

    /// What is to be done with the server's 101, before the client gets it.
    pub fn response(&mut self, _flow: &Flow) -> Vec<Step<HandshakeEdit>> {
        Vec::new()
    }

    /// What is to be done now that the session is open.
    pub fn opened(&mut self, _flow: &Flow) -> Vec<Step<Effect>> {
        Vec::new()
    }

    /// What is to be done with a message or control frame, in order. Nothing: it goes on as it came.
    pub fn message(&mut self, seen: &Seen<'_>) -> Vec<Step<Effect>> {
        let held = self.rules.hold.as_ref().is_some_and(|hold| hold.matches(seen));
        held.then_some(Step { rule: None, effect: Effect::Hold }).into_iter().collect()
    }
}
