//! The sessions that a recording holds, and which of them a client's request is for.

use std::io::BufRead;
use std::path::{Path, PathBuf};

use super::outcome::{Left, Unplayed};
use super::script::Steps;
use super::visit::{self, Visit};
use crate::capture::{Event, Exchange, Opening, Payload, Row};
use crate::filter::Filter;
use crate::headless;
use crate::headless::schema::{Bookmark, Item, ReadError};
use crate::ws::handshake::{RequestHead, ResponseHead, examine};

/// All sessions of a recording. What they say stays in the file until it is played.
pub struct Cast {
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
    bookmark: Bookmark,
    /// How often it was begun.
    begun: u32,
    /// How often it was played to its end.
    done: u32,
}

impl Cast {
    /// Reads a recording for its sessions.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn read(file: &Path) -> Result<Cast, ReadError> {
        let mut reader = headless::open(file)?;
        let (mut parts, mut visits) = (Vec::new(), Vec::new());
        while let Some(record) = reader.next()? {
            let line = record.line;
            let (opening, refusal) = match record.item {
                Item::Event(Event::Opened(opening)) => (opening, None),
                Item::Event(Event::Refused(refused)) => (refused.opening, Some(refused.body)),
                Item::Event(Event::Exchanged(exchange)) => {
                    let mut bookmark = reader.bookmark();
                    bookmark.offset -= record.lines.len() as u64;
                    visits.extend(Visit::new(&exchange, bookmark));
                    continue;
                }
                _ => continue,
            };
            parts.push(Part { opening, line, refusal, bookmark: reader.bookmark(), begun: 0, done: 0 });
        }
        Ok(Cast { file: file.to_owned(), parts, visits, repeated: false })
    }

    /// The same, without the sessions whose opening the filter is not true of.
    pub fn select(mut self, filter: &Filter) -> Cast {
        self.parts.retain(|part| {
            let opened = Event::Opened(part.opening.clone());
            filter.matches(&Row::of_event(&opened, None))
        });
        self
    }

    /// The same, with each session to be played any number of times.
    pub fn repeated(self) -> Cast {
        Cast { repeated: true, ..self }
    }

    /// The sessions in the order of the recording.
    pub fn parts(&self) -> &[Part] {
        &self.parts
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
        self.parts[part].begun += 1;
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

    /// The sessions that were not played to their end.
    pub fn left(&self) -> Vec<Left> {
        let left = |part: &Part| {
            let how = match (part.begun, part.done) {
                (0, _) => Unplayed::Untouched,
                (begun, done) if begun > done => Unplayed::Halfway,
                _ => return None,
            };
            Some(Left { line: part.line, target: part.target(), how })
        };
        self.parts.iter().filter_map(left).collect()
    }

    /// Whether a session is being played.
    pub(super) fn is_playing(&self) -> bool {
        self.parts.iter().any(|part| part.begun > part.done)
    }

    /// Whether there is nothing more to play.
    pub(super) fn is_over(&self) -> bool {
        !self.repeated && self.parts.iter().all(|part| part.done > 0)
    }

    /// The recorded exchange that a plain HTTP request is for, less these parameters of its query.
    ///
    /// # Errors
    /// Where the file cannot be read any more.
    pub(super) fn visit(
        &mut self,
        request: &RequestHead,
        ignored: &[String],
    ) -> Result<Option<Exchange>, ReadError> {
        let Some(chosen) = visit::choose(&mut self.visits, request, ignored) else { return Ok(None) };
        let mut reader = headless::resume(&self.file, self.visits[chosen].bookmark.clone())?;
        match reader.next()?.map(|record| record.item) {
            Some(Item::Event(Event::Exchanged(exchange))) => Ok(Some(exchange)),
            _ => Ok(None),
        }
    }

    /// What the session says, from its file.
    ///
    /// # Errors
    /// Where the file cannot be read any more.
    pub fn steps(&self, part: usize) -> Result<Steps<impl BufRead + use<>>, ReadError> {
        let part = &self.parts[part];
        let reader = headless::resume(&self.file, part.bookmark.clone())?;
        Ok(Steps::after(reader, &part.opening))
    }
}

#[derive(Clone, Copy)]
enum Likeness {
    Query,
    Path,
}

impl Part {
    /// The request target as it was recorded: path and query.
    pub fn target(&self) -> String {
        let recorded = RequestHead::parse(&self.opening.request);
        recorded.map(|request| origin_form(&request.target()).to_owned()).unwrap_or_default()
    }

    fn subprotocol(&self) -> Option<String> {
        ResponseHead::parse(&self.opening.response)
            .ok()?
            .headers()
            .text("Sec-WebSocket-Protocol")
            .map(|subprotocol| subprotocol.trim().to_owned())
    }
}

/// Of an absolute request target what a server gets: its path and query.
pub(super) fn origin_form(target: &str) -> &str {
    let Some((_, rest)) = target.split_once("://") else { return target };
    rest.find('/').map_or("/", |start| &rest[start..])
}

pub(super) fn path(target: &str) -> &str {
    target.split('?').next().unwrap_or_default()
}
