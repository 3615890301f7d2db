//! A recording made anew, with the times of the old one where nothing else is new.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::io::{BufRead, Seek, Write};
use std::path::Path;

use super::align::{Pairing, align};
use super::content::settled;
use super::input::{Input, open};
use super::units::{Session, Unit, Units, What};
use crate::capture::{Event, Message};
use crate::headless::schema::Keys;
use crate::headless::{FileError, replace};

/// What became of the messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Refreshed {
    /// They stay as they were.
    pub kept: u64,
    /// They have new content and the old time.
    pub changed: u64,
    /// They are new.
    pub added: u64,
    /// They are not there any more.
    pub removed: u64,
}

/// Writes the `new` recording so that a line diff from the `old` one shows what is new, and nothing else.
///
/// Sessions are found again by path, query and subprotocol, exchanges by method and target, messages by what they say.
/// What says the same stands there as it did, old times, addresses, handshake keys and all. A message that is in
/// another one's place has its time; one that is new has a time between its neighbours'. Sessions keep the numbers that
/// they had. `same` is asked of messages that differ: where it says yes, the old one stays.
///
/// # Errors
/// Where a recording is damaged or became shorter, and where `out` fails.
pub fn refresh<O: BufRead + Seek, N: BufRead + Seek>(
    old: &mut Input<O>,
    new: &mut Input<N>,
    same: impl Fn(&Message, &Message) -> bool,
    mut out: impl Write,
) -> Result<Refreshed, FileError> {
    let units = Both { old: Units::read(old)?, new: Units::read(new)? };
    let mut plan = Plan::default();
    let mut lines = Lines { old, new };
    plan.sessions(&units, |o, n| lines.are_same(&units, o, n, &same))?;
    plan.others(&units);
    plan.steps.sort_by_key(|step| (step.after, step.new));
    out.write_all(&first_line(&units))?;
    for step in &plan.steps {
        for line in lines.of(&units, step, &plan)? {
            out.write_all(&line)?;
        }
    }
    out.flush()?;
    Ok(plan.told)
}

/// The recording in a file made anew in its place, as [`refresh`] does.
///
/// # Errors
/// Those of [`refresh`]; the file is as it was then.
pub fn refresh_file<N: BufRead + Seek>(
    path: &Path,
    new: &mut Input<N>,
    same: impl Fn(&Message, &Message) -> bool,
) -> Result<Refreshed, FileError> {
    let mut old = open(path)?;
    replace(path, |out| refresh(&mut old, new, same, out))
}

/// For [`refresh`]: only what is the same to the octet is the same.
pub fn to_the_octet(_: &Message, _: &Message) -> bool {
    false
}

struct Both {
    old: Units,
    new: Units,
}

/// What is written in a place.
struct Step {
    /// The line of the old recording that it stands at, or behind.
    after: u64,
    /// The record of the new recording that it is, by its place.
    new: usize,
    from: From,
}

enum From {
    /// The old record stays.
    Old(usize),
    /// The new record, with what is new each time as it was in the old one.
    Settled(usize),
    /// The new record, this long after its session was opened.
    At(u64),
    New,
}

#[derive(Default)]
struct Plan {
    steps: Vec<Step>,
    /// The numbers that sessions and exchanges of the new recording get.
    numbers: [HashMap<u32, u32>; 2],
    told: Refreshed,
}

const SESSIONS: usize = 0;
const EXCHANGES: usize = 1;

impl Plan {
    /// Finds the sessions again, and what is the same in them.
    fn sessions(
        &mut self,
        units: &Both,
        mut same: impl FnMut(usize, usize) -> Result<bool, FileError>,
    ) -> Result<(), FileError> {
        let mut olds: HashMap<u64, Vec<&Session>> = HashMap::new();
        for session in units.old.sessions.iter().rev() {
            olds.entry(session.place).or_default().push(session);
        }
        let mut free = units.old.sessions.iter().map(|session| session.number).max().unwrap_or(0);
        let mut last_line = units.old.all.last().map_or(1, |unit| unit.line);
        for session in &units.new.sessions {
            let old = olds.get_mut(&session.place).and_then(Vec::pop);
            let number = old.map_or_else(
                || {
                    free += 1;
                    free
                },
                |old| old.number,
            );
            self.numbers[SESSIONS].insert(session.number, number);
            match old {
                Some(old) => self.session(units, old, session, &mut same)?,
                None => {
                    last_line += 1;
                    self.whole(session, last_line);
                }
            }
        }
        for left in olds.into_values().flatten() {
            self.told.removed += left.said.len() as u64;
        }
        Ok(())
    }

    /// A session that is new.
    fn whole(&mut self, session: &Session, after: u64) {
        let all = session.opening.iter().chain(&session.said).chain(&session.end);
        self.steps.extend(all.map(|new| Step { after, new: *new, from: From::New }));
        self.told.added += session.said.len() as u64;
    }

    /// A session that was there.
    fn session(
        &mut self,
        units: &Both,
        old: &Session,
        new: &Session,
        mut same: impl FnMut(usize, usize) -> Result<bool, FileError>,
    ) -> Result<(), FileError> {
        let (olds, news) = (&units.old.all, &units.new.all);
        let mut after = 1;
        if let Some(new) = new.opening {
            after = self.either(units, old.opening, new, after);
        }
        let marks =
            |said: &[usize], units: &[Unit]| said.iter().map(|at| units[*at].mark).collect::<Vec<_>>();
        let pairs = align(&marks(&old.said, olds), &marks(&new.said, news));
        // When the old message behind those that are added was.
        let mut ends = vec![u64::MAX; pairs.len()];
        let mut next = old.end.map_or(u64::MAX, |end| olds[end].at);
        for (end, pair) in ends.iter_mut().zip(&pairs).rev() {
            *end = next;
            if let Pairing::Same(o, _) | Pairing::Changed(o, _) = pair {
                next = olds[old.said[*o]].at;
            }
        }
        // When the message before was written to be, and when it was.
        let (mut written, mut was) = (0_u64, 0_u64);
        let before = self.told;
        for (pair, end) in pairs.iter().zip(ends) {
            let (o, n) = match pair {
                Pairing::Removed(_) => {
                    self.told.removed += 1;
                    continue;
                }
                Pairing::Added(n) => (None, new.said[*n]),
                Pairing::Same(o, n) | Pairing::Changed(o, n) => (Some(old.said[*o]), new.said[*n]),
            };
            let from = match (pair, o) {
                (Pairing::Same(..), Some(o)) => From::Old(o),
                (_, Some(o)) if same(o, n)? => From::Old(o),
                (_, Some(o)) => From::At(olds[o].at),
                (_, None) => {
                    let passed = news[n].at.saturating_sub(was);
                    From::At(written.max(written.saturating_add(passed).min(end)))
                }
            };
            match from {
                From::Old(_) => self.told.kept += 1,
                _ if o.is_some() => self.told.changed += 1,
                _ => self.told.added += 1,
            }
            after = o.map_or(after, |o| olds[o].line);
            written = match from {
                From::At(at) => at,
                _ => o.map_or(written, |o| olds[o].at),
            };
            was = news[n].at;
            self.steps.push(Step { after, new: n, from });
        }
        if let Some(end) = new.end {
            let Some(o) = old.end else {
                self.steps.push(Step { after, new: end, from: From::At(written.max(news[end].at)) });
                return Ok(());
            };
            let nothing_new = Refreshed { kept: self.told.kept, ..before } == self.told;
            let is_same = nothing_new && olds[o].mark.content == news[end].mark.content;
            let from = if is_same { From::Old(o) } else { From::At(olds[o].at.max(written)) };
            self.steps.push(Step { after: olds[o].line.max(after), new: end, from });
        }
        Ok(())
    }

    /// A record that is in both recordings, or only in the new one; gives the line behind which it goes.
    fn either(&mut self, units: &Both, old: Option<usize>, new: usize, after: u64) -> u64 {
        let (after, from) = match old {
            Some(old) => {
                let (o, n) = (&units.old.all[old], &units.new.all[new]);
                let is_same = o.mark.content == n.mark.content;
                (o.line, if is_same { From::Old(old) } else { From::Settled(old) })
            }
            None => (after, From::New),
        };
        self.steps.push(Step { after, new, from });
        after
    }

    /// Finds exchanges again, and what the proxy said.
    fn others(&mut self, units: &Both) {
        let is_other = |unit: &Unit| matches!(unit.what, What::Exchange(_) | What::Other(_));
        let others =
            |all: &[Unit]| -> Vec<usize> { (0..all.len()).filter(|at| is_other(&all[*at])).collect() };
        let (olds, news) = (others(&units.old.all), others(&units.new.all));
        let mut taken = HashSet::new();
        let mut found: HashMap<usize, usize> = HashMap::new();
        // Those that are the same take their places first.
        for by in [|unit: &Unit| unit.mark.content, |unit: &Unit| unit.mark.shape] {
            let mut free: HashMap<u64, Vec<usize>> = HashMap::new();
            for old in olds.iter().rev().filter(|old| !taken.contains(*old)) {
                free.entry(by(&units.old.all[*old])).or_default().push(*old);
            }
            for new in &news {
                let Entry::Vacant(place) = found.entry(*new) else { continue };
                let old = free.get_mut(&by(&units.new.all[*new])).and_then(Vec::pop);
                taken.extend(old);
                old.map(|old| place.insert(old));
            }
        }
        let exchange = |what| if let What::Exchange(number) = what { Some(number) } else { None };
        let numbers = units.old.all.iter().filter_map(|unit| exchange(unit.what));
        let mut free = numbers.max().unwrap_or(0);
        let mut after = 1;
        for new in news {
            let old = found.get(&new).copied();
            after = self.either(units, old, new, after).max(after);
            let Some(number) = exchange(units.new.all[new].what) else { continue };
            let was = old.and_then(|old| exchange(units.old.all[old].what));
            let given = was.unwrap_or_else(|| {
                free += 1;
                free
            });
            self.numbers[EXCHANGES].insert(number, given);
        }
    }
}

/// Both recordings, to take lines from.
struct Lines<'i, O, N> {
    old: &'i mut Input<O>,
    new: &'i mut Input<N>,
}

impl<O: BufRead + Seek, N: BufRead + Seek> Lines<'_, O, N> {
    /// The lines of one step.
    fn of(&mut self, units: &Both, step: &Step, plan: &Plan) -> Result<Vec<Vec<u8>>, FileError> {
        let unit = &units.new.all[step.new];
        let lines = match step.from {
            From::Old(old) => self.old.lines(units.old.all[old].span)?,
            _ => self.new.lines(unit.span)?,
        };
        let old = match step.from {
            From::Settled(old) => self.old.lines(units.old.all[old].span)?,
            _ => Vec::new(),
        };
        let each = lines.into_iter().enumerate().map(|(index, line)| {
            // It was read before.
            let Ok(keys) = Keys::parse(&line) else { return line };
            let mut changed = match (&step.from, old.get(index).map(|old| Keys::parse(old))) {
                (From::Settled(_), Some(Ok(old))) => settled(&old, keys.clone()),
                (From::At(at), _) => moved(keys.clone(), *at),
                _ => keys.clone(),
            };
            plan.number(&mut changed, unit);
            if changed.iter().eq(keys.iter()) { line } else { changed.to_line() }
        });
        Ok(each.collect())
    }

    fn are_same(
        &mut self,
        units: &Both,
        old: usize,
        new: usize,
        same: &impl Fn(&Message, &Message) -> bool,
    ) -> Result<bool, FileError> {
        let message = |event| if let Some(Event::Message(message)) = event { Some(message) } else { None };
        let old = message(units.old.event(self.old, old)?);
        let new = message(units.new.event(self.new, new)?);
        Ok(old.zip(new).is_some_and(|(old, new)| same(&old, &new)))
    }
}

impl Plan {
    /// Gives a line the numbers that it has now.
    fn number(&self, keys: &mut Keys, unit: &Unit) {
        let flow = match unit.what {
            What::Opening(session) | What::Said(session) | What::End(session) => {
                Some(("session", SESSIONS, session))
            }
            What::Exchange(exchange) => Some(("exchange", EXCHANGES, exchange)),
            What::Other(_) => None,
        };
        if let Some((key, which, number)) = flow {
            let number = self.numbers[which].get(&number).copied().unwrap_or(number);
            set_number(keys, key, u64::from(number));
        }
        if unit.number != 0 {
            set_number(keys, "n", unit.number);
        }
    }
}

fn set_number(keys: &mut Keys, key: &str, number: u64) {
    if keys.number(key).is_some_and(|known| known != number) {
        keys.set(key, &number.to_string());
    }
}

/// A line at another time; its frames keep their distance.
fn moved(mut keys: Keys, at: u64) -> Keys {
    let Some(was) = keys.nanoseconds("at") else { return keys };
    keys.set_nanoseconds("at", at);
    if let Some(mut frames) = keys.list_of_nanoseconds("frames_at") {
        for frame in &mut frames {
            *frame = (*frame + at).saturating_sub(was);
        }
        keys.set_list_of_nanoseconds("frames_at", &frames);
    }
    keys
}

/// The old first line, as far as it is true of what follows.
fn first_line(units: &Both) -> Vec<u8> {
    let (old, new) = (&units.old.recording, &units.new.recording);
    let line = |line: &[u8]| [line.trim_ascii_end(), b"\n"].concat();
    if (old.version, old.redaction) == (new.version, new.redaction) {
        return line(&units.old.first_line);
    }
    let (Ok(old), Ok(mut keys)) = (Keys::parse(&units.old.first_line), Keys::parse(&units.new.first_line))
    else {
        return line(&units.new.first_line);
    };
    for key in ["started", "listen", "listeners"] {
        if let Some(value) = old.get(key) {
            keys.set(key, value);
        }
    }
    keys.to_line()
}

#[cfg(test)]
mod tests;
