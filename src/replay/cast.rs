//! The sessions and exchanges that a recording holds, which of them a client's request is for, and what waits for what.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::kin::Kin;
use super::outcome::{Left, Unplayed};
use super::passage::Passages;
use super::polling;
use super::script::Steps;
use super::visit::{self, Visit};
use crate::capture::{Event, Exchange, Log, Opened, Opening, Payload, Row, Stamp};
use crate::filter::Filter;
use crate::headless;
use crate::headless::schema::{Bookmark, Item, ReadError};
use crate::ws::handshake::{RequestHead, ResponseHead, examine};

/// All sessions of a recording, or one of the log. What they say stays where it is until it is played.
pub struct Cast {
    /// Where parts are read from that stand in a file.
    file: PathBuf,
    parts: Vec<Part>,
    visits: Vec<Visit>,
    repeated: bool,
}

/// A recorded session, or a refused attempt at one.
pub struct Part {
    /// Its opening handshake.
    pub opening: Opening,
    /// The line of the recording that says so, from 1.
    pub line: u64,
    /// The body of a refusal; none where the session was opened.
    pub refusal: Option<Payload>,
    said: Said,
    /// What became of its messages, as far as that stands in a file.
    passages: Arc<Passages>,
    kin: Kin,
    is_optional: bool,
    /// How often it was begun.
    begun: u32,
    /// How often it was played to its end.
    done: u32,
    /// When the first thing was recorded that has yet to be said; none where all was.
    next: Option<Stamp>,
}

/// Where it stands what a session said.
enum Said {
    /// In the file, from here on.
    Behind(Bookmark),
    In(Log),
}

/// A plain HTTP request that is being answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    visit: usize,
    /// For the how manieth time.
    round: u32,
}

/// What is waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Waiting {
    /// When it was recorded.
    pub recorded: Stamp,
    /// What it is, and where.
    pub what: String,
}

impl Cast {
    /// Reads a recording for its sessions.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn read(file: &Path) -> Result<Cast, ReadError> {
        let mut reader = headless::open(file)?;
        let (mut parts, mut visits): (Vec<Part>, Vec<Visit>) = (Vec::new(), Vec::new());
        let mut probes = Vec::new();
        let mut passages: HashMap<u32, Passages> = HashMap::new();
        while let Some(record) = reader.next()? {
            let line = record.line;
            let (opening, refusal) = match record.item {
                Item::Event(Event::Opened(opening)) => (opening, None),
                Item::Event(Event::Refused(refused)) => (refused.opening, Some(refused.body)),
                Item::Event(Event::Exchanged(exchange)) => {
                    let mut bookmark = reader.bookmark();
                    bookmark.offset -= record.lines.len() as u64;
                    visits.extend(Visit::new(exchange, line, bookmark));
                    continue;
                }
                Item::Event(Event::Message(message)) if polling::is_probe_answered(&message) => {
                    let part = parts.iter().rfind(|part| part.opening.session == message.session);
                    probes.extend(part.map(|part| (part.kin.clone(), message.time)));
                    continue;
                }
                Item::Event(Event::Act(act)) => {
                    passages.entry(act.session).or_default().add(act);
                    continue;
                }
                _ => continue,
            };
            let said = Said::Behind(reader.bookmark());
            parts.push(Part { line, ..Part::new(opening, refusal, said) });
        }
        // Their lines stand where they ended.
        visits.sort_by_key(|visit| visit.exchange.time);
        for part in &mut parts {
            part.passages = passages.remove(&part.opening.session).unwrap_or_default().into();
        }
        for (kin, probe) in probes {
            polling::settle(&mut visits, &kin, probe);
        }
        Ok(Cast { file: file.to_owned(), parts, visits, repeated: false })
    }

    /// One session of the log, as far as that holds it when it is played. Its lines are the numbers of its messages.
    ///
    /// # Errors
    /// Where the log cannot be read, or does not hold the session's handshake with the server's answer.
    pub fn of_log(log: &Log, session: u32) -> io::Result<Cast> {
        let (opening, refusal) = match log.opening(session)? {
            Some(Opened::Session(opening)) => (opening, None),
            Some(Opened::Refused(refused)) => (refused.opening, Some(refused.body)),
            Some(Opened::Asked(_)) => return Err(io::Error::other("the server has not answered it yet")),
            Some(Opened::Tunnel(_)) => return Err(io::Error::other("a tunnel is relayed unread")),
            None => return Err(io::Error::other("its handshake has left the log")),
        };
        let part = Part::new(opening, refusal, Said::In(log.clone()));
        Ok(Cast { file: PathBuf::new(), parts: vec![part], visits: Vec::new(), repeated: false })
    }

    /// The same, without the sessions and exchanges whose opening the filter is not true of.
    pub fn select(mut self, filter: &Filter) -> Cast {
        self.parts.retain(|part| part.is(filter));
        self.visits.retain(|visit| visit.is(filter));
        self
    }

    /// The same, complete without the sessions and exchanges whose opening the filter is true of.
    pub fn with_optional(mut self, filter: &Filter) -> Cast {
        self.parts.iter_mut().for_each(|part| part.is_optional |= part.is(filter));
        self.visits.iter_mut().for_each(|visit| visit.is_optional |= visit.is(filter));
        self
    }

    /// The same, without its exchanges.
    pub(super) fn without_exchanges(self) -> Cast {
        Cast { visits: Vec::new(), ..self }
    }

    /// The same, with each session to be played any number of times.
    pub fn repeated(self) -> Cast {
        Cast { repeated: true, ..self }
    }

    /// The sessions in the order of the recording.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// Whether there is nothing in it that could be played to a client.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty() && self.visits.is_empty()
    }

    /// How many plain HTTP exchanges it has.
    pub fn exchanges(&self) -> usize {
        self.visits.len()
    }

    /// Which session a request is for: the first one left with its path and query, then with its path; among those,
    /// one whose subprotocol it offers. Of sessions that are repeated, those that were played least are left.
    pub fn choose(&mut self, request: &RequestHead) -> Option<usize> {
        let target = request.target().into_owned();
        let offered = examine(request, None).offered_subprotocols;
        let fits = |part: &Part, how: Likeness| {
            let recorded = part.target();
            let place = match how {
                Likeness::Query => recorded == target,
                Likeness::Path => path(&recorded) == path(&target),
            };
            place && part.subprotocol().is_none_or(|subprotocol| offered.contains(&subprotocol))
        };
        let free = |how: Likeness| {
            let parts = self.parts.iter().enumerate();
            let fitting = parts.filter(|(_, part)| (self.repeated || part.begun == 0) && fits(part, how));
            fitting.min_by_key(|(_, part)| part.begun).map(|(at, _)| at)
        };
        let chosen = free(Likeness::Query).or_else(|| free(Likeness::Path))?;
        self.begin(chosen);
        Some(chosen)
    }

    /// The session is going to be played.
    pub(super) fn begin(&mut self, part: usize) {
        let part = &mut self.parts[part];
        part.begun += 1;
        part.next = Some(part.opening.time);
    }

    /// The session was played to its end.
    pub(super) fn done(&mut self, part: usize) {
        self.parts[part].done += 1;
    }

    /// Request targets of the sessions that a client can still come for.
    pub(super) fn on_offer(&self) -> Vec<String> {
        let free = self.parts.iter().filter(|part| self.repeated || part.begun == 0);
        free.map(Part::target).collect()
    }

    /// The sessions that were not played to their end, and the exchanges that nobody asked for.
    pub fn left(&self) -> Vec<Left> {
        let session = |part: &Part| {
            let how = match (part.begun, part.done) {
                (0, _) if !part.is_optional => Unplayed::Untouched,
                (begun, done) if begun > done => Unplayed::Halfway,
                _ => return None,
            };
            Some(Left { line: part.line, target: part.target(), how })
        };
        let exchange = |visit: &Visit| {
            let is_left = visit.begun == 0 && !visit.is_optional;
            is_left.then(|| Left { line: visit.line, target: visit.title(), how: Unplayed::NotAsked })
        };
        let exchanges = self.visits.iter().filter_map(exchange);
        let mut left: Vec<_> = self.parts.iter().filter_map(session).chain(exchanges).collect();
        left.sort_by_key(|left| left.line);
        left
    }

    /// Whether a session is being played.
    pub(super) fn is_playing(&self) -> bool {
        self.parts.iter().any(|part| part.begun > part.done)
    }

    /// Whether there is nothing more to play.
    pub(super) fn is_over(&self) -> bool {
        let done = |part: &Part| part.done > 0 || (part.is_optional && part.begun == 0);
        !self.repeated && self.parts.iter().all(done) && self.visits.iter().all(Visit::is_done)
    }

    /// The recorded exchange that a plain HTTP request is for, less these parameters of its query.
    pub(super) fn ask(&mut self, request: &RequestHead, ignored: &[String]) -> Option<Asked> {
        let visit = visit::choose(&self.visits, request, ignored, self.repeated)?;
        self.visits[visit].begun += 1;
        Some(Asked { visit, round: self.visits[visit].begun })
    }

    /// What was asked for, whole.
    ///
    /// # Errors
    /// Where the file cannot be read any more.
    pub(super) fn exchange(&self, asked: Asked) -> Result<Option<Exchange>, ReadError> {
        let mut reader = headless::resume(&self.file, self.visits[asked.visit].bookmark.clone())?;
        match reader.next()?.map(|record| record.item) {
            Some(Item::Event(Event::Exchanged(exchange))) => Ok(Some(exchange)),
            _ => Ok(None),
        }
    }

    /// Its method and target, and its line.
    pub(super) fn title(&self, asked: Asked) -> (String, u64) {
        let visit = &self.visits[asked.visit];
        (visit.title(), visit.line)
    }

    /// All of the request is there.
    pub(super) fn arrived(&mut self, asked: Asked) {
        self.visits[asked.visit].arrived += 1;
    }

    /// It was answered, or its client went away.
    pub(super) fn answered(&mut self, asked: Asked) {
        self.visits[asked.visit].done += 1;
    }

    /// Whether an answer was recorded at all.
    pub(super) fn has_answer(&self, asked: Asked) -> bool {
        self.visits[asked.visit].answered.is_some()
    }

    pub(super) fn has_visits(&self) -> bool {
        !self.visits.is_empty()
    }

    /// What an answer still waits for: what was said and done by then over this and other connections of the same client.
    /// None where it is due.
    pub(super) fn waits_for(&self, asked: Asked) -> Option<Waiting> {
        let visit = &self.visits[asked.visit];
        let answered = visit.answered?;
        if asked.round > 1 && !self.repeated {
            return None;
        }
        let acts = self.yet(&visit.kin, asked.round).filter(|(other, _)| other.is_act());
        let requests = acts.map(|(_, waiting)| waiting).filter(|waiting| waiting.recorded < answered);
        let related = |part: &&Part| {
            part.opening.time < answered && !part.is_optional && part.kin.belongs_with(&visit.kin)
        };
        let sessions = self.parts.iter().filter(related).filter_map(|part| {
            let waiting = |recorded, which: &str| {
                let what = format!("{which} {} (line {})", part.target(), part.line);
                Some(Waiting { recorded, what })
            };
            if part.begun < asked.round {
                return waiting(part.opening.time, "a client for");
            }
            let is_playing = part.begun == asked.round && part.done < part.begun && part.refusal.is_none();
            let next = part.next.filter(|next| is_playing && *next < answered)?;
            waiting(next, "the next message in")
        });
        requests.chain(sessions).min_by_key(|waiting| waiting.recorded)
    }

    /// All was said in a session that had been said before `next`; gives whether that is new.
    pub(super) fn said(&mut self, part: usize, next: Option<Stamp>) -> bool {
        std::mem::replace(&mut self.parts[part].next, next) != next
    }

    /// The first thing that was done elsewhere while a session was open, and has yet to be done.
    pub(super) fn elsewhere(&self, part: usize) -> Option<Waiting> {
        let part = &self.parts[part];
        let yet = self.yet(&part.kin, part.begun).map(|(_, waiting)| waiting);
        yet.filter(|waiting| waiting.recorded > part.opening.time).min_by_key(|waiting| waiting.recorded)
    }

    /// Exchanges that belong with `kin`, and what of them has yet to be done in this round: being asked for, where that
    /// does something, and being answered.
    fn yet(&self, kin: &Kin, round: u32) -> impl Iterator<Item = (&Visit, Waiting)> {
        let related = move |visit: &&Visit| !visit.is_optional && visit.kin.belongs_with(kin);
        self.visits.iter().filter(related).filter_map(move |visit| {
            let recorded = match () {
                () if visit.arrived < round
                    && let Some(probe) = visit.probe =>
                {
                    Some(visit.exchange.time.min(probe))
                }
                () if visit.arrived < round && visit.is_act() => Some(visit.exchange.time),
                () if visit.done < round => visit.answered,
                () => None,
            };
            let what = format!("{} (line {})", visit.title(), visit.line);
            Some((visit, Waiting { recorded: recorded?, what }))
        })
    }

    /// What the session says, from where it was recorded.
    ///
    /// # Errors
    /// Where the file cannot be read any more.
    pub fn steps(&self, part: usize) -> Result<Steps, ReadError> {
        let part = &self.parts[part];
        Ok(match &part.said {
            Said::Behind(bookmark) => {
                let reader = headless::resume(&self.file, bookmark.clone())?;
                Steps::after(reader, &part.opening, Arc::clone(&part.passages))
            }
            Said::In(log) => Steps::logged(log, &part.opening),
        })
    }
}

#[derive(Clone, Copy)]
enum Likeness {
    Query,
    Path,
}

impl Part {
    fn new(opening: Opening, refusal: Option<Payload>, said: Said) -> Part {
        let kin = Kin::of(&target(&opening));
        let next = Some(opening.time);
        let passages = Arc::default();
        Part { opening, line: 0, refusal, said, passages, kin, is_optional: false, begun: 0, done: 0, next }
    }

    /// The request target as it was recorded: path and query.
    pub fn target(&self) -> String {
        target(&self.opening)
    }

    fn is(&self, filter: &Filter) -> bool {
        filter.matches(&Row::of_event(&Event::Opened(self.opening.clone()), None))
    }

    fn subprotocol(&self) -> Option<String> {
        ResponseHead::parse(&self.opening.response)
            .ok()?
            .headers()
            .text("Sec-WebSocket-Protocol")
            .map(|subprotocol| subprotocol.trim().to_owned())
    }
}

fn target(opening: &Opening) -> String {
    let recorded = RequestHead::parse(&opening.request);
    recorded.map(|request| origin_form(&request.target()).to_owned()).unwrap_or_default()
}

/// Of an absolute request target what a server gets: its path and query.
pub(super) fn origin_form(target: &str) -> &str {
    let Some((_, rest)) = target.split_once("://") else { return target };
    rest.find('/').map_or("/", |start| &rest[start..])
}

pub(super) fn path(target: &str) -> &str {
    target.split('?').next().unwrap_or_default()
}

#[cfg(test)]
mod tests;
