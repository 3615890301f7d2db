//! A recording with less in it: some sessions, no heartbeats, round times, small payloads.

use std::collections::{HashMap, HashSet};
use std::io::{BufRead, Seek, Write};

use super::input::Input;
use super::numbers::Numbers;
use super::payload;
use super::shrink::shrink;
use crate::capture::Kind;
use crate::capture::{Act, Event, Flow, Message, Opening, Row};
use crate::decode::Heartbeats;
use crate::filter::Filter;
use crate::headless::schema::{Item, Keys, ReadError, Record};
use crate::headless::{FileError, Redaction};
use crate::ws::handshake::{RequestHead, ResponseHead};

/// What is left out, and what is made of the rest.
#[derive(Clone, Debug, Default)]
pub struct Trim {
    /// The sessions and exchanges that are kept: those that it is true of, or of something that they say.
    pub filter: Filter,
    /// What becomes of heartbeats.
    pub heartbeats: Beats,
    /// Times are rounded to whole ones of these, in nanoseconds; 0 leaves them.
    pub round: u64,
    /// How sessions, exchanges and messages are numbered.
    pub numbering: Numbering,
    /// How many octets a payload may have.
    pub shrink: Option<usize>,
}

/// What becomes of heartbeats.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Beats {
    /// They stay.
    #[default]
    Kept,
    /// They are left out, but for those that break a rule.
    Cut,
}

/// How what is left is numbered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Numbering {
    /// From 1, without gaps.
    #[default]
    Anew,
    /// As it was.
    Kept,
}

/// What became of a recording.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Trimmed {
    /// Sessions, exchanges and tunnels that were left out.
    pub flows: u64,
    /// Heartbeats that were left out.
    pub heartbeats: u64,
    /// Payloads that were made smaller.
    pub shrunk: u64,
    /// Payloads that are still larger than was asked for, as their shape is.
    pub still_large: u64,
}

/// Writes a recording with less in it. Lines that nothing is changed in stay as they stand.
///
/// # Errors
/// Where the recording is damaged, and where `out` fails.
pub fn trim<R: BufRead + Seek>(
    input: &mut Input<R>,
    trim: &Trim,
    mut out: impl Write,
) -> Result<Trimmed, FileError> {
    let survey = Survey::of(input, &trim.filter)?;
    let mut reader = input.reader()?;
    let mut work = Work::new(trim);
    out.write_all(&work.first_line(reader.first_line(), &survey))?;
    while let Some(record) = reader.next()? {
        if record.lines.is_empty() || !survey.keeps(&record.item) {
            continue;
        }
        out.write_all(&work.lines(&record))?;
    }
    out.flush()?;
    Ok(Trimmed { flows: survey.left_out(), ..work.told })
}

/// What a recording holds, and what of it is kept.
struct Survey {
    /// None where everything is.
    kept: Option<HashMap<Flow, bool>>,
    /// Whether secrets are replaced in all recordings that are joined in the file.
    redaction: Redaction,
}

impl Survey {
    fn of<R: BufRead + Seek>(input: &mut Input<R>, filter: &Filter) -> Result<Survey, ReadError> {
        let mut reader = input.reader()?;
        let mut redaction = reader.recording().redaction;
        let mut kept: HashMap<Flow, bool> = HashMap::new();
        let mut openings: HashMap<u32, Opening> = HashMap::new();
        while let Some(record) = reader.next()? {
            let event = match record.item {
                Item::Event(event) => event,
                Item::Recording(other) if other.redaction == Redaction::Off => {
                    redaction = Redaction::Off;
                    continue;
                }
                _ => continue,
            };
            // What the proxy says of a session does not make it another one.
            let (Some(flow), false) = (event.flow(), matches!(event, Event::Note(_))) else { continue };
            let opening = match flow {
                Flow::Session(session) => openings.get(&session),
                Flow::Exchange(_) => None,
            };
            let known = kept.entry(flow).or_default();
            *known = *known || filter.matches(&Row::of_event(&event, opening));
            match event {
                Event::Opened(opening) => drop(openings.insert(opening.session, opening)),
                Event::Ended(ended) => drop(openings.remove(&ended.session)),
                _ => {}
            }
        }
        Ok(Survey { kept: (!filter.is_empty()).then_some(kept), redaction })
    }

    fn keeps(&self, item: &Item) -> bool {
        let (Some(kept), Item::Event(event)) = (&self.kept, item) else { return true };
        event.flow().is_none_or(|flow| kept.get(&flow).copied().unwrap_or(false))
    }

    fn left_out(&self) -> u64 {
        self.kept.iter().flat_map(HashMap::values).filter(|kept| !**kept).count() as u64
    }
}

struct Work<'t> {
    trim: &'t Trim,
    numbers: Numbers,
    heartbeats: HashMap<u32, Heartbeats>,
    /// The messages that were left out.
    cut: HashSet<(u32, u64)>,
    told: Trimmed,
}

impl<'t> Work<'t> {
    fn new(trim: &'t Trim) -> Work<'t> {
        Work {
            trim,
            numbers: Numbers::default(),
            heartbeats: HashMap::new(),
            cut: HashSet::new(),
            told: Trimmed::default(),
        }
    }

    fn first_line(&self, line: &[u8], survey: &Survey) -> Vec<u8> {
        let Ok(mut keys) = Keys::parse(line) else { return line.to_vec() };
        if survey.redaction == Redaction::Off && self.trim.numbering == Numbering::Anew {
            keys.remove("redacted");
        }
        self.round(&mut keys);
        keys.to_line()
    }

    /// A record's lines; none where it is left out.
    fn lines(&mut self, record: &Record) -> Vec<u8> {
        match &record.item {
            Item::Event(Event::Opened(opening)) => {
                self.heartbeats.insert(opening.session, heartbeats(opening));
            }
            Item::Event(Event::Message(message)) if self.is_cut(message) => {
                self.told.heartbeats += 1;
                self.cut.insert((message.session, message.number));
                return Vec::new();
            }
            // What was done to one that is left out.
            Item::Event(Event::Act(Act { session, number: Some(number), .. }))
                if self.cut.contains(&(*session, *number)) =>
            {
                return Vec::new();
            }
            Item::Event(Event::Ended(ended)) => drop(self.heartbeats.remove(&ended.session)),
            // Numbers that are new go on by themselves.
            Item::Recording(_) if self.trim.numbering == Numbering::Anew => return Vec::new(),
            _ => {}
        }
        let lines = record.lines.split_inclusive(|byte| *byte == b'\n');
        let numbers = match self.trim.numbering {
            Numbering::Anew => Some(self.numbers.of(&record.item)),
            Numbering::Kept => None,
        };
        let mut all = Vec::new();
        for (index, line) in lines.filter(|line| !line.trim_ascii().is_empty()).enumerate() {
            let Ok(mut keys) = Keys::parse(line) else { continue };
            let mut changed = numbers.is_some_and(|numbers| numbers.write(&mut keys));
            changed |= self.round(&mut keys);
            if let (0, Item::Event(Event::Message(message))) = (index, &record.item) {
                changed |= self.shrink(&mut keys, message);
            }
            if changed {
                all.extend(keys.to_line());
            } else {
                all.extend_from_slice(line.strip_suffix(b"\n").unwrap_or(line));
                all.push(b'\n');
            }
        }
        all
    }

    fn is_cut(&self, message: &Message) -> bool {
        let Kind::Frame(opcode) = message.kind else { return false };
        if self.trim.heartbeats == Beats::Kept || !message.faults.is_empty() {
            return false;
        }
        let heartbeats = self.heartbeats.get(&message.session).copied().unwrap_or_default();
        message.payload.in_memory().is_some_and(|payload| heartbeats.beat(opcode, payload).is_some())
    }

    fn shrink(&mut self, keys: &mut Keys, message: &Message) -> bool {
        let (Some(limit), Kind::Frame(opcode)) = (self.trim.shrink, message.kind) else { return false };
        let Some(whole) = message.payload.in_memory().filter(|_| !opcode.is_control()) else { return false };
        let Some(shorter) = shrink(whole, limit) else {
            self.told.still_large += u64::from(whole.len() > limit);
            return false;
        };
        self.told.shrunk += 1;
        self.told.still_large += u64::from(shorter.len() > limit);
        // Of one that was made smaller before, the first size is the one to know.
        let size = keys.number("shrunk").unwrap_or(message.size);
        payload::replace(keys, &shorter);
        if let Some(key) = payload::key(keys) {
            keys.put_behind(key, "shrunk", &size.to_string());
        }
        true
    }

    /// Rounds all times of a line.
    fn round(&self, keys: &mut Keys) -> bool {
        super::times::round(keys, self.trim.round)
    }
}

/// The heartbeats of a session.
pub(crate) fn heartbeats(opening: &Opening) -> Heartbeats {
    let target = RequestHead::parse(&opening.request).map(|request| request.target().into_owned());
    let response = ResponseHead::parse(&opening.response).ok();
    let subprotocol =
        response.and_then(|response| Some(response.headers().text("Sec-WebSocket-Protocol")?.into_owned()));
    Heartbeats::of(&target.unwrap_or_default(), subprotocol.as_deref())
}

#[cfg(test)]
mod tests;
