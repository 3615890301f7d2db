//! What waits in a lane, in order.

use std::collections::VecDeque;
use std::time::Instant;

use super::super::gate::{Frame, Whole};
use super::super::{Shut, Verdict};
use super::{Done, Told, Who};
use crate::rules::Effect;
use crate::ws::{FrameWalker, Opcode, Walked};

/// What waits. However much that is, to take in more costs the same.
#[derive(Debug, Default)]
pub(super) struct Queue {
    entries: VecDeque<Entry>,
    octets: usize,
    /// How many entries there are of each kind of [`Overtakes`].
    kinds: [usize; 3],
    /// No hook's time is over before.
    hooks: Option<Instant>,
}

/// Something that goes on, at its time.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) what: What,
    pub(super) verdict: Verdict,
    /// Under which number it is held, or was.
    pub(super) held: Option<u64>,
    waits: Option<Waits>,
    /// Whose word a hook's is.
    asker: Option<Who>,
    /// Whether the user is to be asked after the hook.
    pub(super) then_user: bool,
    overtakes: Overtakes,
    due: Option<Instant>,
    /// How many messages behind it go before it.
    pub(super) behind: u32,
    pub(super) corrupt: Vec<(u64, u8)>,
    pub(super) truncate: Option<(u64, Shut)>,
}

/// What may stand in front of something that goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Overtakes {
    Nothing,
    /// What waits for somebody's word.
    Held,
    /// Whatever waits.
    All,
}

/// For whose word it waits.
#[derive(Clone, Copy, Debug)]
enum Waits {
    User,
    /// A hook, until then.
    Hook(Instant),
}

#[derive(Debug)]
pub(super) enum What {
    Message(Whole),
    Control(Frame),
    /// Bytes that belong to no message that was kept.
    Bytes(Vec<u8>),
    /// Whole frames of our own.
    Own(Vec<u8>, Who),
}

impl Entry {
    pub(super) fn new(what: What) -> Entry {
        // A ping is not kept back by messages; behind a close frame nothing may follow.
        let overtakes = match &what {
            What::Control(frame) if frame.opcode != Opcode::Close => Overtakes::All,
            _ => Overtakes::Nothing,
        };
        Entry {
            what,
            verdict: Verdict::FORWARD,
            held: None,
            waits: None,
            asker: None,
            then_user: false,
            overtakes,
            due: None,
            behind: 0,
            corrupt: Vec::new(),
            truncate: None,
        }
    }

    /// Frames of our own that pass all that waits.
    pub(super) fn own(frames: Vec<u8>, by: Who) -> Entry {
        Entry { overtakes: Overtakes::All, ..Entry::own_in_turn(frames, by) }
    }

    /// Frames of our own that go on when those in front have.
    pub(super) fn own_in_turn(frames: Vec<u8>, by: Who) -> Entry {
        Entry::new(What::Own(frames, by))
    }

    /// It waits for the user's word.
    pub(super) fn hold(&mut self, held: u64) {
        (self.held, self.waits, self.asker) = (Some(held), Some(Waits::User), None);
    }

    /// It waits for a hook's word, which is `asker`'s, until `limit`.
    pub(super) fn ask(&mut self, held: u64, limit: Instant, asker: Who) {
        (self.held, self.waits, self.asker) = (Some(held), Some(Waits::Hook(limit)), Some(asker));
    }

    /// Notes what is to be done with it, where nobody's word is needed; gives how that is told.
    pub(super) fn change(&mut self, effect: Effect, now: Instant) -> Done {
        match effect {
            Effect::Drop => {
                self.verdict = Verdict::DROP;
                Done::Dropped
            }
            Effect::Replace(opcode, payload) => {
                self.verdict.replacement = Some((opcode, payload.clone()));
                Done::Replaced(opcode, payload)
            }
            Effect::Duplicate(times) => {
                self.verdict.times = self.verdict.times.saturating_add(times);
                Done::Duplicated(times)
            }
            Effect::Reorder(behind) => {
                self.behind = behind;
                Done::Reordered(behind)
            }
            Effect::Delay(time) => {
                let until = now + time;
                self.due = Some(self.due.map_or(until, |due| due.max(until)));
                Done::Delayed(time)
            }
            Effect::Corrupt(octets) => {
                let count = octets.len() as u64;
                self.corrupt.extend(octets);
                Done::Corrupted(count)
            }
            other => Done::Session(other),
        }
    }

    pub(super) fn offset(&self) -> Option<u64> {
        match &self.what {
            What::Message(whole) => Some(whole.offset),
            What::Control(frame) => Some(frame.offset),
            What::Bytes(_) | What::Own(..) => None,
        }
    }

    /// What would go on now.
    pub(super) fn content(&self) -> (Opcode, Vec<u8>) {
        match (&self.verdict.replacement, &self.what) {
            (Some((opcode, payload)), _) => (*opcode, payload.clone()),
            (None, What::Message(whole)) => (whole.opcode, whole.payload.clone().unwrap_or_default()),
            (None, What::Control(frame)) => (frame.opcode, frame.payload.clone()),
            (None, What::Bytes(_) | What::Own(..)) => (Opcode::Binary, Vec::new()),
        }
    }

    pub(super) fn is_waiting(&self) -> bool {
        self.waits.is_some()
    }

    /// How long a hook's word is waited for.
    fn hook_limit(&self) -> Option<Instant> {
        match self.waits {
            Some(Waits::Hook(limit)) => Some(limit),
            Some(Waits::User) | None => None,
        }
    }

    /// When it is due, where nobody's word is waited for and that is after `now`.
    fn due_after(&self, now: Instant) -> Option<Instant> {
        self.due.filter(|due| *due > now && !self.is_waiting())
    }

    fn is_held_under(&self, held: u64) -> bool {
        self.held == Some(held) && self.is_waiting()
    }

    fn octets(&self) -> usize {
        match &self.what {
            What::Message(whole) => whole.octets(),
            What::Control(frame) => frame.raw.len(),
            What::Bytes(bytes) | What::Own(bytes, _) => bytes.len(),
        }
    }

    /// Octets that go on of it, as they came.
    fn octets_on_the_way(&self) -> usize {
        match &self.what {
            _ if self.verdict.times == 0 => 0,
            What::Message(whole) => whole.wire_octets(),
            _ => self.octets(),
        }
    }

    fn is_ready(&self, now: Instant, place: Place) -> bool {
        self.waits.is_none() && self.due.is_none_or(|due| due <= now) && self.may_begin(place)
    }

    fn may_begin(&self, place: Place) -> bool {
        match &self.what {
            What::Own(frames, _) => place == Place::Message || (place == Place::Frame && is_control(frames)),
            _ => true,
        }
    }

    /// Where the user is to be asked after a hook, now is the time.
    pub(super) fn ask_user(&mut self, hold: &mut dyn FnMut() -> u64, told: &mut Vec<Told>) {
        if std::mem::take(&mut self.then_user) {
            self.hold(hold());
            told.push(Told { offset: self.offset(), held: self.held, what: Done::Held, by: Who::User });
        }
    }

    /// Somebody's word is not waited for any more.
    fn end_wait(&mut self, what: Done, by: &Who, told: &mut Vec<Told>) {
        if self.waits.take().is_some() {
            told.push(Told { offset: self.offset(), held: self.held, what, by: by.clone() });
        }
    }

    fn is_message(&self) -> bool {
        matches!(self.what, What::Message(_))
    }
}

/// Where what goes on stands: frames of our own go in between others, never into them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Inside a frame.
    Inside,
    /// Between two frames of a message, where a control frame may stand (RFC 6455 5.4).
    Frame,
    /// Between two messages.
    Message,
}

/// What a look at the queue comes to.
enum Next {
    /// The entry there goes on.
    Goes(usize),
    /// Nothing does before then; none: before somebody speaks, or something comes.
    Waits(Option<Instant>),
}

/// Whether whole frames are control frames alone.
fn is_control(frames: &[u8]) -> bool {
    let mut walker = FrameWalker::new();
    walker.walk(frames).all(|walked| match walked {
        Walked::Header(header) => header.opcode.is_control(),
        _ => true,
    })
}

impl Queue {
    pub(super) fn push(&mut self, entry: Entry) {
        if matches!(&entry.what, What::Bytes(bytes) if bytes.is_empty()) {
            return;
        }
        self.octets += entry.octets();
        self.kinds[entry.overtakes as usize] += 1;
        self.hooks = [self.hooks, entry.hook_limit()].into_iter().flatten().min();
        self.entries.push_back(entry);
    }

    /// Takes out what goes on next, if `may_go` says so of as many octets, as they came.
    pub(super) fn next(
        &mut self,
        now: Instant,
        place: Place,
        may_go: impl FnOnce(usize) -> bool,
    ) -> Option<Entry> {
        let Next::Goes(index) = self.look(now, place) else { return None };
        if !may_go(self.entries[index].octets_on_the_way()) {
            return None;
        }
        let entry = self.entries.remove(index)?;
        self.octets -= entry.octets();
        self.kinds[entry.overtakes as usize] -= 1;
        if entry.is_message() {
            let overtaken = self.entries.range_mut(..index);
            overtaken.for_each(|entry| entry.behind = entry.behind.saturating_sub(1));
        }
        Some(entry)
    }

    /// What goes on next.
    fn look(&self, now: Instant, place: Place) -> Next {
        // What it takes to pass those that stay.
        let mut least = Overtakes::Nothing;
        let mut due: Option<Instant> = None;
        for (index, entry) in self.entries.iter().enumerate() {
            let is_ready = entry.is_ready(now, place);
            if entry.overtakes >= least && entry.behind == 0 && is_ready {
                return Next::Goes(index);
            }
            due = [due, entry.due_after(now)].into_iter().flatten().min();
            // One that is to be overtaken keeps nobody back, nor do those that pass by, nor one that only those before it
            // keep back.
            if !is_ready && entry.behind == 0 && entry.overtakes < Overtakes::All {
                least = least.max(if entry.is_waiting() { Overtakes::Held } else { Overtakes::All });
                if self.kinds[least as usize..].iter().all(|count| *count == 0) {
                    break;
                }
            }
        }
        Next::Waits(due)
    }

    /// What a hook has not answered in time goes on as it is, unless the user is to be asked after it, under a number that
    /// `hold` gives; whether there was such a thing.
    pub(super) fn time_out(
        &mut self,
        now: Instant,
        hold: &mut dyn FnMut() -> u64,
        told: &mut Vec<Told>,
    ) -> bool {
        if self.hooks.is_none_or(|limit| limit > now) {
            return false;
        }
        let mut any = false;
        for entry in &mut self.entries {
            if entry.hook_limit().is_some_and(|limit| limit <= now) {
                entry.end_wait(Done::Released, &Who::Proxy, told);
                entry.ask_user(hold, told);
                any = true;
            }
        }
        self.hooks = self.entries.iter().filter_map(Entry::hook_limit).min();
        any
    }

    /// Whose word counts on what waits under `held`, where it is a hook's.
    pub(super) fn asker(&self, held: u64) -> Option<Option<&Who>> {
        let entry = self.entries.iter().find(|entry| entry.is_held_under(held))?;
        Some(entry.asker.as_ref())
    }

    /// Settles what waits under `held`, and gives it.
    pub(super) fn settle(
        &mut self,
        held: u64,
        verdict: Verdict,
        by: &Who,
        told: &mut Vec<Told>,
    ) -> Option<&mut Entry> {
        let entry = self.entries.iter_mut().find(|entry| entry.is_held_under(held))?;
        if matches!(entry.waits, Some(Waits::User)) {
            self.kinds[entry.overtakes as usize] -= 1;
            entry.overtakes = entry.overtakes.max(Overtakes::Held);
            self.kinds[entry.overtakes as usize] += 1;
        }
        let done = match &verdict {
            Verdict { times: 0, .. } => Done::Dropped,
            Verdict { replacement: Some((opcode, payload)), .. } => Done::Replaced(*opcode, payload.clone()),
            Verdict { times: 1, .. } => Done::Released,
            Verdict { times, .. } => Done::Duplicated(times - 1),
        };
        let asker = entry.asker.clone();
        entry.end_wait(done, asker.as_ref().unwrap_or(by), told);
        // What a rule made of it before stays, where it goes on as it is.
        match verdict {
            Verdict { replacement: None, times: times @ 1.. } => {
                entry.verdict.times = entry.verdict.times.max(times);
            }
            verdict => entry.verdict = verdict,
        }
        Some(entry)
    }

    pub(super) fn release_all(&mut self, by: &Who, told: &mut Vec<Told>) {
        self.entries.iter_mut().for_each(|entry| entry.end_wait(Done::Released, by, told));
    }

    /// Nothing waits for its time any more, or for others to go before it.
    pub(super) fn hurry(&mut self) {
        self.entries.iter_mut().for_each(|entry| entry.due = None);
        self.end();
    }

    /// Nothing goes on of what is here.
    pub(super) fn drop_all(&mut self, by: &Who, told: &mut Vec<Told>) {
        for entry in &mut self.entries {
            if entry.is_waiting() {
                entry.end_wait(Done::Dropped, by, told);
            } else if let Some(offset) = entry.offset().filter(|_| entry.verdict.times > 0) {
                let (offset, held) = (Some(offset), entry.held);
                told.push(Told { offset, held, what: Done::Dropped, by: by.clone() });
            }
            entry.verdict = Verdict::DROP;
            (entry.due, entry.behind) = (None, 0);
            entry.truncate = None;
            if let What::Bytes(bytes) = &mut entry.what {
                self.octets -= bytes.len();
                bytes.clear();
            }
        }
        let (octets, kinds) = (&mut self.octets, &mut self.kinds);
        self.entries.retain(|entry| {
            let is_own = matches!(entry.what, What::Own(..));
            if is_own {
                *octets -= entry.octets();
                kinds[entry.overtakes as usize] -= 1;
            }
            !is_own
        });
    }

    /// Nothing more comes that could overtake what is here.
    pub(super) fn end(&mut self) {
        self.entries.iter_mut().for_each(|entry| entry.behind = 0);
    }

    /// Whether the sender's close frame waits here.
    pub(super) fn has_close(&self) -> bool {
        let is_close =
            |entry: &Entry| matches!(&entry.what, What::Control(frame) if frame.opcode == Opcode::Close);
        self.entries.iter().any(is_close)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether nothing is here that could still go on, as the sender has ended: frames of our own stay, where that was in
    /// the middle of a message.
    pub(super) fn is_over(&self, place: Place) -> bool {
        self.entries.iter().all(|entry| !entry.may_begin(place))
    }

    pub(super) fn octets(&self) -> usize {
        self.octets
    }

    /// Whether a person, or a hook, has to speak before all of it can go on.
    pub(super) fn waits_for_somebody(&self) -> bool {
        self.entries.iter().any(|entry| entry.waits.is_some())
    }

    /// Whether all of it waits for messages that are to go before it.
    pub(super) fn is_to_be_overtaken(&self) -> bool {
        !self.entries.is_empty() && self.entries.iter().all(|entry| entry.behind > 0)
    }

    /// Whether nothing of it goes on before more has come of the sender: messages to go before it, or the rest of one.
    pub(super) fn waits_for_sender(&self, place: Place) -> bool {
        self.entries.iter().all(|entry| entry.behind > 0 || !entry.may_begin(place))
    }

    /// When to look again, where nothing more went on at `ran`: what is due behind something that waits goes on after that.
    pub(super) fn wake_at(&self, ran: Instant, place: Place) -> Option<Instant> {
        let due = match self.look(ran, place) {
            Next::Goes(_) => None,
            Next::Waits(due) => due,
        };
        [due, self.hooks].into_iter().flatten().min()
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }
}
