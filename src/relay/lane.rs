//! One direction off the short way: its messages are judged, wait where they have to, and go on in order, as they came
//! or as somebody wants them.
//!
//! Whatever comes is taken apart by a [`Gate`] into messages, control frames, and bytes that are neither. Messages and
//! close frames stand in a queue and leave it from its head; other control frames pass by it. A message that is settled
//! by hand may leave from the middle: that it overtakes is what was asked for. Time, masking keys and judgements come
//! as arguments.

mod arrival;
mod corrupt;
mod pace;
mod queue;
mod run;
mod skim;

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::gate::{Event, Gate};
use super::{Shut, Verdict};
use crate::rules::{Effect, Flow, Rate, Seen, Step};
use crate::ws::{Direction, FrameWalker, Opcode, encode};
pub use skim::Room;

use pace::Pace;
use queue::{Entry, Place, Queue, What};

/// What a lane asks of its surroundings.
pub trait Surroundings {
    /// Whether it can be said at a glance that nothing is to be done with any of several messages, whose payloads stand in
    /// that of `passing` one behind the other with [`crate::filter::BETWEEN`] between them. That they are not touched need
    /// not be seen: then each is judged.
    fn passes(&mut self, passing: &Passing<'_>) -> bool {
        let _ = passing;
        false
    }

    /// What is to be done with a message or control frame.
    fn judge(&mut self, passing: &Passing<'_>) -> Vec<Step<Effect>>;

    /// A number under which something is held.
    fn hold(&mut self) -> u64;

    /// A fresh masking key (RFC 6455 5.3).
    fn masking_key(&mut self) -> [u8; 4];
}

/// What is judged.
#[derive(Clone, Copy, Debug)]
pub struct Passing<'a> {
    /// Which way it goes.
    pub direction: Direction,
    /// Of its first frame.
    pub opcode: Opcode,
    /// Its payload, unmasked and inflated; none where it could not be inflated.
    pub payload: Option<&'a [u8]>,
    /// Octets of its payload on the wire.
    pub wire_size: u64,
    /// Whether it was compressed.
    pub compressed: bool,
}

impl<'a> Passing<'a> {
    /// The same, as rules see it in its session.
    pub fn seen(&self, flow: &'a Flow) -> Seen<'a> {
        let Passing { direction, opcode, payload, wire_size, compressed } = *self;
        Seen { flow, direction, opcode, payload, wire_size, compressed }
    }
}

/// Something that a lane did, or that its session has to do.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// Where the message or control frame that it is about began in the direction's stream; none where it is about the
    /// direction.
    pub offset: Option<u64>,
    /// What it is, or was, held under.
    pub held: Option<u64>,
    /// What.
    pub what: Done,
    /// Who wanted it.
    pub by: Who,
}

/// Who wants something done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// The user.
    User,
    /// The rule of this name.
    Rule(Arc<str>),
    /// Nobody: a limit, or the end.
    Proxy,
}

/// What a lane did.
#[derive(Clone, Debug, PartialEq)]
pub enum Done {
    /// It waits for the user.
    Held,
    /// It waits for a hook, for so long at most.
    Asked {
        /// The hook's command.
        hook: Arc<str>,
        /// How long it may take.
        limit: Duration,
        /// What it is asked about.
        opcode: Opcode,
        /// Its payload.
        payload: Vec<u8>,
    },
    /// It went on as it was, after it was held.
    Released,
    /// It went on while it came, and nobody was asked about it.
    Unjudged,
    /// This went on in its place.
    Replaced(Opcode, Vec<u8>),
    /// It did not go on.
    Dropped,
    /// It goes on so many times more.
    Duplicated(u32),
    /// It waits so long.
    Delayed(Duration),
    /// So many messages behind it go before it.
    Reordered(u32),
    /// So many of its octets were changed on the wire.
    Corrupted(u64),
    /// So many octets of it went on, and then the direction ends.
    Truncated(u64),
    /// These frames of our own making went out.
    Sent(Vec<u8>),
    /// So much is held that the sender has to wait.
    Full,
    /// The receiver of a closing handshake of ours has answered with its own close frame.
    CloseSeen,
    /// For the session: what a lane cannot do alone.
    Session(Effect),
    /// The direction is stalled from it on, for so long; for ever where none is said.
    Stalled(Option<Duration>),
    /// The direction is slowed down from it on.
    Throttled(Rate),
    /// What somebody stalled or slowed down is so no more, by their word.
    Lifted,
    /// It has a frame of our own sent, in its own direction.
    Answered(Opcode),
}

/// One direction, off the short way.
pub struct Lane {
    direction: Direction,
    gate: Gate,
    queue: Queue,
    pace: Pace,
    /// What goes on, to be written.
    out: Vec<u8>,
    /// Follows what goes on: frames of our own go in between messages, never into them.
    boundary: FrameWalker,
    told: Vec<Told>,
    events: Vec<Event>,
    /// What is to be done with the next message, where it was judged already.
    judged: Option<Vec<Step<Effect>>>,
    /// The beginning of a message that will be looked at once all of it is there; the gate has not seen it.
    kept: Vec<u8>,
    /// How many messages are looked at together, at the most.
    at_once: usize,
    /// Since when control frames wait for the rest of the message that they came in.
    between_since: Option<Instant>,
    /// Octets that may be held.
    limit: usize,
    full: bool,
    /// Nothing of the sender goes on any more: the direction was closed in its name, or cut off.
    closed: bool,
    /// The sender has ended, and what is in the queue comes first.
    ending: Option<Shut>,
    /// When it was last looked at what may go on.
    ran: Option<Instant>,
}

/// Octets that may wait where a direction is slowed down: the sender is to feel it.
const SLOW_ROOM: usize = 64 << 10;
/// Messages that may wait, however short they are: each takes some 400 octets of memory beside its own.
const MOST_WAITING: usize = 1 << 16;

impl Lane {
    /// With `gate`, which stands between two messages; at `limit` octets held, no more is read.
    pub fn new(direction: Direction, gate: Gate, limit: usize) -> Lane {
        Lane {
            direction,
            gate,
            queue: Queue::default(),
            pace: Pace::default(),
            out: Vec::new(),
            boundary: FrameWalker::new(),
            told: Vec::new(),
            events: Vec::new(),
            judged: None,
            kept: Vec::new(),
            at_once: usize::MAX,
            between_since: None,
            limit,
            full: false,
            closed: false,
            ending: None,
            ran: None,
        }
    }

    /// Lets go on what may by now.
    pub fn run(&mut self, now: Instant, around: &mut dyn Surroundings) {
        self.ran = Some(now);
        self.let_controls_go(now, around);
        while let Some(entry) = self.queue.next(now, self.place(), |octets| self.pace.lets(now, octets)) {
            self.leave(entry, now, around);
        }
        let timed_out = self.queue.time_out(now, &mut || around.hold(), &mut self.told);
        // No more room for what could overtake.
        let full = self.is_full(self.limit) && self.queue.is_to_be_overtaken();
        if full {
            self.queue.end();
        }
        if timed_out || full {
            self.run(now, around);
        }
    }

    /// Whose word it is when `by` settles what is held under `held`; none where it is not here.
    pub fn whose(&self, held: u64, by: Who) -> Option<Who> {
        self.queue.asker(held).map(|asker| asker.cloned().unwrap_or(by))
    }

    /// Somebody says what becomes of what is held under `held`: `verdict` is given on it. Whether it was here.
    pub fn settle(
        &mut self,
        held: u64,
        verdict: Verdict,
        by: Who,
        now: Instant,
        around: &mut dyn Surroundings,
    ) -> bool {
        let goes_on = verdict.times > 0;
        let Some(entry) = self.queue.settle(held, verdict, &by, &mut self.told) else { return false };
        if goes_on {
            entry.ask_user(&mut || around.hold(), &mut self.told);
        }
        self.run(now, around);
        true
    }

    /// All that is held goes on, in order.
    pub fn release_all(&mut self, by: &Who, now: Instant, around: &mut dyn Surroundings) {
        self.queue.release_all(by, &mut self.told);
        self.run(now, around);
    }

    /// All that waits, for somebody's word or for its time, goes on at once, in order: there is no time left. A direction
    /// that is stalled for ever stays so.
    pub fn hurry(&mut self, by: &Who, now: Instant, around: &mut dyn Surroundings) {
        if !self.pace.is_stalled_for_ever() {
            self.pace = Pace::default();
        }
        self.queue.hurry();
        self.take_controls(now, around);
        self.release_all(by, now, around);
    }

    /// Sends whole frames of our own, between two messages and past all that waits.
    pub fn send(&mut self, frames: Vec<u8>, by: Who, now: Instant, around: &mut dyn Surroundings) {
        self.queue.push(Entry::own(frames, by));
        self.run(now, around);
    }

    /// What is held under `held` will not go on, nor does what is behind it yet: a close answers it.
    pub fn withhold(&mut self, held: u64, by: &Who) {
        self.queue.settle(held, Verdict::DROP, by, &mut self.told);
    }

    /// Sends a close frame of our own; nothing of the sender goes on from here on.
    pub fn close(&mut self, frame: Vec<u8>, by: Who, now: Instant, around: &mut dyn Surroundings) {
        self.closed = true;
        self.pace = Pace::default();
        if self.queue.has_close() {
            self.tell(None, None, Done::CloseSeen, Who::Proxy);
        }
        self.queue.drop_all(&Who::Proxy, &mut self.told);
        if self.place() == Place::Inside {
            // Half a frame went on, and its rest will not: all that can follow is the end.
            self.ending = Some(Shut::Fin);
        }
        self.send(frame, by, now, around);
    }

    /// Nothing goes on for so long; for ever where none is said. Whoever wants it tells of it.
    pub fn stall(&mut self, by: Who, time: Option<Duration>, now: Instant) {
        self.pace.stall(by, now, time);
    }

    /// No more than this goes on. Whoever wants it tells of it.
    pub fn throttle(&mut self, by: Who, rate: Rate) {
        self.pace.throttle(by, rate);
    }

    /// What `by` stalled or slowed down is so no more: what waited for that goes on, in order.
    pub fn lift(&mut self, by: &Who, now: Instant, around: &mut dyn Surroundings) {
        if self.pace.lift(by, now) {
            self.tell(None, None, Done::Lifted, by.clone());
        }
        self.run(now, around);
    }

    /// The sender has ended. After a FIN, what waits goes on as it would have, and the end behind it; after a reset,
    /// nothing does.
    pub fn ended(&mut self, shut: Shut, now: Instant, around: &mut dyn Surroundings) {
        if shut == Shut::Reset || self.pace.is_stalled_for_ever() {
            self.queue.drop_all(&Who::Proxy, &mut self.told);
            self.pace = Pace::default();
            self.closed = true;
        }
        self.take_rest(now, around);
        self.ending = Some(shut);
        self.queue.end();
        self.run(now, around);
    }

    /// Whether a close frame went on.
    pub fn has_closed(&self) -> bool {
        self.boundary.has_closed()
    }

    /// How the direction ends, once all that goes on before that has.
    pub fn end(&self) -> Option<Shut> {
        self.ending.filter(|_| self.queue.is_over(self.place()))
    }

    /// Takes what goes on, to be written in order.
    pub fn take_out(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }

    /// Takes what was done since this was asked last.
    pub fn take_told(&mut self) -> Vec<Told> {
        std::mem::take(&mut self.told)
    }

    /// Whether more may be read from the sender.
    pub fn may_read(&self) -> bool {
        let slow = self.pace.is_slow();
        let room = if slow { SLOW_ROOM.min(self.limit) } else { self.limit };
        self.queue.is_empty() || !self.is_full(room) || self.queue.waits_for_sender(self.place())
    }

    /// When something will go on by itself, if the lane [runs](Lane::run) then: that may have passed since it ran last.
    pub fn wake_at(&self) -> Option<Instant> {
        let ran = self.ran?;
        let opens = self.pace.opens_at().filter(|time| *time > ran && !self.queue.is_empty());
        [opens, self.queue.wake_at(ran, self.place()), self.controls_go_at()].into_iter().flatten().min()
    }

    /// Whether the short way may be taken again: nothing waits, and what goes on is what the sender sends.
    pub fn can_leave(&self) -> bool {
        self.queue.is_empty()
            && self.gate.can_leave()
            && self.kept.is_empty()
            && !self.pace.is_slow()
            && !self.closed
            && self.ending.is_none()
            && self.boundary.at_message_boundary()
    }

    fn place(&self) -> Place {
        match &self.boundary {
            boundary if boundary.at_message_boundary() => Place::Message,
            boundary if boundary.at_boundary() => Place::Frame,
            _ => Place::Inside,
        }
    }

    /// Whether as much waits as may, where so many octets may.
    fn is_full(&self, room: usize) -> bool {
        let octets = self.queue.octets() + self.gate.octets() + self.kept.len();
        octets >= room || self.queue.len() >= MOST_WAITING
    }

    /// Notes on `entry` what is to be done with it.
    fn apply(
        &mut self,
        entry: &mut Entry,
        steps: Vec<Step<Effect>>,
        now: Instant,
        around: &mut dyn Surroundings,
    ) {
        for Step { rule, effect } in steps {
            let by = rule.map_or(Who::User, Who::Rule);
            let done = match effect {
                Effect::Hold if entry.is_waiting() => {
                    entry.then_user = true;
                    continue;
                }
                Effect::Hold => {
                    entry.hold(around.hold());
                    self.tell(entry.offset(), entry.held, Done::Held, by);
                    continue;
                }
                Effect::Ask { hook, limit } => {
                    entry.ask(around.hold(), now + limit, by.clone());
                    let (opcode, payload) = entry.content();
                    self.tell(entry.offset(), entry.held, Done::Asked { hook, limit, opcode, payload }, by);
                    continue;
                }
                Effect::Send { direction, opcode, payload } if direction == self.direction => {
                    let frame = encode::message(direction, opcode, &payload, around.masking_key());
                    // A control frame may stand inside a message, which cannot wait for what stands before it.
                    let in_turn = matches!(entry.what, What::Message(_));
                    self.queue.push(if in_turn {
                        Entry::own_in_turn(frame, by.clone())
                    } else {
                        Entry::own(frame, by.clone())
                    });
                    Done::Answered(opcode)
                }
                Effect::Stall(direction, time) if direction == self.direction => {
                    self.stall(by.clone(), time, now);
                    Done::Stalled(time)
                }
                Effect::Throttle(direction, rate) if direction == self.direction => {
                    self.throttle(by.clone(), rate);
                    Done::Throttled(rate)
                }
                Effect::Close { .. } | Effect::Reset => {
                    entry.verdict = Verdict::DROP;
                    self.tell(entry.offset(), None, Done::Dropped, by.clone());
                    // Before the session hears of it, what came along with this would go on.
                    self.closed = true;
                    Done::Session(effect)
                }
                Effect::Truncate { octets, reset } => {
                    let shut = if reset { Shut::Reset } else { Shut::Fin };
                    entry.truncate = Some((octets, shut));
                    Done::Truncated(octets)
                }
                other => entry.change(other, now),
            };
            self.tell(entry.offset(), None, done, by);
        }
    }

    /// `entry` goes on, or not.
    fn leave(&mut self, entry: Entry, now: Instant, around: &mut dyn Surroundings) {
        let start = self.out.len();
        match entry.what {
            What::Bytes(bytes) if start == 0 => self.out = bytes,
            What::Bytes(bytes) => self.out.extend(bytes),
            What::Own(frames, by) => {
                self.out.extend_from_slice(&frames);
                self.tell(None, None, Done::Sent(frames), by);
            }
            What::Control(frame) => match entry.verdict.replacement {
                Some((opcode, payload)) => {
                    for _ in 0..entry.verdict.times {
                        let key = around.masking_key();
                        self.out.extend(encode::message(self.direction, opcode, &payload, key));
                    }
                }
                None => {
                    for _ in 0..entry.verdict.times {
                        self.out.extend_from_slice(&frame.raw);
                    }
                }
            },
            What::Message(whole) => {
                self.gate.put_back(whole, entry.verdict, &mut || around.masking_key(), &mut self.out);
            }
        }
        corrupt::corrupt(&mut self.out[start..], &entry.corrupt);
        if let Some((octets, shut)) = entry.truncate {
            let kept = usize::try_from(octets).unwrap_or(usize::MAX).min(self.out.len() - start);
            self.out.truncate(start + kept);
            self.queue.drop_all(&Who::Proxy, &mut self.told);
            self.closed = true;
            self.pace = Pace::default();
            self.ending = Some(shut);
        }
        self.boundary.skip(&self.out[start..]);
        self.pace.passed(now, self.out.len() - start);
    }

    fn tell(&mut self, offset: Option<u64>, held: Option<u64>, what: Done, by: Who) {
        self.told.push(Told { offset, held, what, by });
    }
}

#[cfg(test)]
mod tests;
