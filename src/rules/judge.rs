//! The rules at work on one session.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::faults::Moment;
use super::random::Random;
use super::rule::{Count, Occasion, Rule};
use super::{Effect, Flow, HandshakeEdit, Rate, RuleSet, Seen, Step};
use crate::filter::{Filter, Subject};
use crate::ws::{Direction, Opcode};

/// The rules at work on one session: they count what passed.
#[derive(Debug)]
pub struct Judge {
    rules: RuleSet,
    /// One for each rule.
    states: Vec<State>,
    /// What slows the directions down now, and by which rule.
    rates: [Option<(Arc<str>, Rate)>; 2],
    /// Rules that began something when the session opened and hold no more.
    lifted: BTreeSet<Arc<str>>,
    /// How many of the next messages of each direction are to go before one that was put behind them.
    to_overtake: [u32; 2],
}

/// What a rule keeps of a session.
#[derive(Debug, Default)]
struct State {
    count: Count,
    /// Made when it is first asked: only then the session's number is known.
    random: Option<Random>,
    /// Whether it stalled a direction, or slowed one down.
    began: bool,
}

/// A rule that acts.
struct Due {
    rule: Arc<Rule>,
    /// Whether its filter [means](Filter::means) what it acts on.
    is_meant: bool,
}

/// What a message has become.
struct Now {
    opcode: Opcode,
    /// None as long as it is what came.
    payload: Option<Vec<u8>>,
}

impl Judge {
    /// For a session in which nothing has passed yet.
    pub fn new(rules: RuleSet) -> Judge {
        let states = rules.rules.iter().map(|_| State::default()).collect();
        Judge { rules, states, rates: [None, None], lifted: BTreeSet::new(), to_overtake: [0; 2] }
    }

    /// Other rules hold from here on; those that stayed go on counting. Gives what is to be done at once: what a rule had
    /// begun that holds no more, or another way, is over. One that began it when the session opened has no other occasion:
    /// where it holds again, it begins it again as it says now.
    pub fn replace(&mut self, rules: RuleSet, flow: &Flow) -> Vec<Step<Effect>> {
        let mut before: Vec<_> = self.rules.rules.iter().zip(std::mem::take(&mut self.states)).collect();
        let state = |rule: &Arc<Rule>| {
            let place = before.iter().position(|(old, _)| old.meaning == rule.meaning);
            place.map(|place| before.remove(place).1).unwrap_or_default()
        };
        self.states = rules.rules.iter().map(state).collect();
        let mut steps = Vec::new();
        for (rule, _) in before.into_iter().filter(|(_, state)| state.began) {
            if rule.on == Occasion::Open {
                self.lifted.insert(Arc::clone(&rule.name));
            }
            self.rates.iter_mut().for_each(|rate| drop(rate.take_if(|(name, _)| *name == rule.name)));
            steps.push(Step { rule: Some(Arc::clone(&rule.name)), effect: Effect::Lift });
        }
        self.rules = rules;
        self.begin_again(flow, &mut steps);
        steps
    }

    fn begin_again(&mut self, flow: &Flow, steps: &mut Vec<Step<Effect>>) {
        for place in 0..self.rules.rules.len() {
            let rule = &self.rules.rules[place];
            if rule.on == Occasion::Open && self.lifted.contains(&rule.name) && rule.when.matches(flow) {
                self.lifted.remove(&rule.name);
                let mut effects = rule.at_opening();
                // One that has its own end had its time.
                effects.retain(|effect| matches!(effect, Effect::Throttle(..) | Effect::Stall(_, None)));
                self.add(place, effects, steps);
            }
        }
    }

    /// What is to be done with a request that asks for a session, before the server gets it.
    pub fn request(&mut self, flow: &Flow) -> Vec<Step<HandshakeEdit>> {
        let mut steps = self.edits(flow, Occasion::Handshake);
        let refused = steps.iter().any(|step| matches!(step.effect, HandshakeEdit::Refuse(_)));
        let held = self.rules.hold.as_ref().is_some_and(|hold| hold.matches(flow));
        if held && !refused && !steps.iter().any(|step| step.effect == HandshakeEdit::Hold) {
            steps.push(Step { rule: None, effect: HandshakeEdit::Hold });
        }
        steps
    }

    /// What is to be done with the server's 101, before the client gets it.
    pub fn response(&mut self, flow: &Flow) -> Vec<Step<HandshakeEdit>> {
        self.edits(flow, Occasion::Response)
    }

    /// What is to be done now that the session is open.
    pub fn opened(&mut self, flow: &Flow) -> Vec<Step<Effect>> {
        let mut steps = Vec::new();
        for place in 0..self.rules.rules.len() {
            let Some(Due { rule, .. }) = self.due(place, Occasion::Open, flow, flow.session) else {
                continue;
            };
            self.add(place, rule.at_opening(), &mut steps);
        }
        steps
    }

    /// Whether it can be said at a glance that nothing is to be done with any of several messages that share all but their
    /// payloads, which stand in that of `seen` as [`Filter::rules_out`] wants them.
    pub fn passes(&self, seen: &Seen<'_>) -> bool {
        let about = self.rules.rules.iter().filter(|rule| rule.on == Occasion::Message);
        about.map(|rule| &rule.when).chain(self.rules.hold.as_deref()).all(|filter| filter.rules_out(seen))
    }

    /// What is to be done with a message or control frame, in order. Nothing: it goes on as it came.
    ///
    /// Holds and hooks come last: they see what all rules made of it, and what they say holds. Behind them comes only the
    /// end of recordings, which are to tell all that was done.
    pub fn message(&mut self, seen: &Seen<'_>) -> Vec<Step<Effect>> {
        let mut steps = self.steps(seen);
        if !seen.opcode.is_control() {
            self.reorder_in_turn(seen.direction, &mut steps);
        }
        steps.sort_by_key(|step| step.effect == Effect::StopRecording);
        steps
    }

    fn steps(&mut self, seen: &Seen<'_>) -> Vec<Step<Effect>> {
        let mut steps = Vec::new();
        let mut waits = Vec::new();
        let mut now = Now { opcode: seen.opcode, payload: None };
        for place in 0..self.rules.rules.len() {
            let become_so = now.seen(seen);
            let due = self.due(place, Occasion::Message, &become_so, seen.flow.session);
            let Some(Due { rule, is_meant }) = due else { continue };
            let opcode = now.opcode;
            let mut effects = Vec::new();
            for act in rule.then.iter().filter(|act| act.is_for(opcode, is_meant)) {
                let Some(random) = self.states[place].random.as_mut() else { continue };
                let mut moment = Moment { seen: &now.seen(seen), random, effects: Vec::new() };
                act.message(&mut moment);
                let done = moment.effects;
                let is_over = done.iter().any(ends);
                for effect in &done {
                    if let Effect::Replace(opcode, payload) = effect {
                        now = Now { opcode: *opcode, payload: Some(payload.clone()) };
                    }
                }
                effects.extend(done);
                if is_over {
                    self.add(place, effects, &mut steps);
                    return steps;
                }
            }
            let (wait, rest): (Vec<_>, Vec<_>) =
                effects.into_iter().partition(|effect| matches!(effect, Effect::Hold | Effect::Ask { .. }));
            self.add(place, rest, &mut steps);
            self.add(place, wait, &mut waits);
        }
        let is_held = |waits: &[Step<Effect>]| waits.iter().any(|step| step.effect == Effect::Hold);
        let now = now.seen(seen);
        let wished = |hold: &Arc<Filter>| hold.matches(&now) && hold.means(&now);
        if !is_held(&waits) && self.rules.hold.as_ref().is_some_and(wished) {
            waits.push(Step { rule: None, effect: Effect::Hold });
        }
        steps.extend(waits);
        steps
    }

    /// Whether a message may be the last that recordings have of the session.
    pub fn may_stop_recording(&self) -> bool {
        let stops = |rule: &Arc<Rule>| rule.then.iter().any(|act| act.stops_recording());
        self.rules.rules.iter().any(|rule| rule.on == Occasion::Message && stops(rule))
    }

    fn edits(&mut self, flow: &Flow, on: Occasion) -> Vec<Step<HandshakeEdit>> {
        let mut steps = Vec::new();
        for place in 0..self.rules.rules.len() {
            let Some(Due { rule, .. }) = self.due(place, on, flow, flow.session) else { continue };
            let Some(random) = self.states[place].random.as_mut() else { continue };
            for effect in rule.then.iter().flat_map(|act| act.handshake(random)) {
                let is_over = matches!(effect, HandshakeEdit::Refuse(_));
                steps.push(Step { rule: Some(Arc::clone(&rule.name)), effect });
                if is_over {
                    return steps;
                }
            }
        }
        steps
    }

    /// The rule at `place`, where it is about this occasion and acts on this subject.
    fn due(&mut self, place: usize, on: Occasion, subject: &impl Subject, session: u32) -> Option<Due> {
        let rule = &self.rules.rules[place];
        if rule.on != on || !rule.when.matches(subject) {
            return None;
        }
        let is_meant = rule.when.means(subject);
        if !rule.is_for(subject.opcode(), is_meant) {
            return None;
        }
        let State { count, random, .. } = &mut self.states[place];
        let random = random.get_or_insert_with(|| Random::new(self.rules.seed, session, &rule.name));
        rule.is_due(count, random).then(|| Due { rule: Arc::clone(rule), is_meant })
    }

    /// Those that are to go before a message are not put behind others: where all were, none would go.
    fn reorder_in_turn(&mut self, direction: Direction, steps: &mut Vec<Step<Effect>>) {
        let left = &mut self.to_overtake[direction as usize];
        if *left > 0 {
            *left -= 1;
            steps.retain(|step| !matches!(step.effect, Effect::Reorder(_)));
        } else if !steps.iter().any(|step| ends(&step.effect)) {
            let behind = |step: &Step<Effect>| match step.effect {
                Effect::Reorder(behind) => Some(behind),
                _ => None,
            };
            *left = steps.iter().rev().find_map(behind).unwrap_or(0);
        }
    }

    /// Adds what the rule at `place` does, but for what holds already.
    fn add(&mut self, place: usize, effects: Vec<Effect>, steps: &mut Vec<Step<Effect>>) {
        let name = &self.rules.rules[place].name;
        for effect in effects {
            self.states[place].began |= matches!(effect, Effect::Throttle(..) | Effect::Stall(..));
            if let Effect::Throttle(direction, rate) = effect {
                let slowed = Some((Arc::clone(name), rate));
                if self.rates[direction as usize] == slowed {
                    continue;
                }
                self.rates[direction as usize] = slowed;
            }
            steps.push(Step { rule: Some(Arc::clone(name)), effect });
        }
    }
}

impl Now {
    /// The message as it is now.
    fn seen<'a>(&'a self, seen: &Seen<'a>) -> Seen<'a> {
        match &self.payload {
            None => *seen,
            Some(payload) => Seen {
                opcode: self.opcode,
                payload: Some(payload),
                wire_size: payload.len() as u64,
                compressed: false,
                ..*seen
            },
        }
    }
}

/// Whether nothing is left of a message, or of its session, for the rules behind.
fn ends(effect: &Effect) -> bool {
    matches!(effect, Effect::Drop | Effect::Close { .. } | Effect::Reset | Effect::Truncate { .. })
}
