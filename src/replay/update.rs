//! A recording whose client's part was played again, with the new answers in it.

use std::collections::HashMap;
use std::fmt;
use std::io::{self, BufRead, Cursor, Write};
use std::path::Path;

use super::binding::Bound;
use super::cast::origin_form;
use super::settings::Settings;
use super::taping::{Tape, Taping};
use crate::capture::{Kind, Message};
use crate::headless::schema::{Keys, ReadError};
use crate::headless::{FileError, open, replace, seekable};
use crate::recordings::{Input, Refreshed, refresh_file};

/// Why a recording was not made anew. It is as it was.
#[derive(Debug, thiserror::Error)]
pub enum UpdateError {
    /// The sessions could not be played to their end.
    #[error("{0} stays as it was: not all that the client said could be said again")]
    Unplayed(String),
    /// A session never came about, in words.
    #[error("{0} stays as it was: {1}")]
    Unopened(String, String),
    /// A file cannot be read or written.
    #[error("{0} stays as it was: {1}")]
    File(String, FileError),
}

/// Writes the sessions of `tape` in the place of those that are opened on the lines `replayed` of the recording at
/// `path`, in this order. What `settings` ignores stays as it was.
pub(super) fn put_in(
    path: &Path,
    replayed: &[u64],
    tape: &Tape,
    settings: &Settings,
) -> Result<Refreshed, UpdateError> {
    let name = path.display().to_string();
    let failed = |error: FileError| UpdateError::File(name.clone(), error);
    let source = seekable(path).map_err(|error| failed(error.into()))?;
    let sessions = sessions(&tape.lines).map_err(|why| UpdateError::Unopened(name.clone(), why))?;
    if let Some(missing) = (0..replayed.len()).find(|at| sessions.get(*at).is_none_or(Vec::is_empty)) {
        let why = format!("the server was not reached for the session on line {}", replayed[missing]);
        return Err(UpdateError::Unopened(name, why));
    }
    let merged = merged(source, replayed, Anew::Sessions, |at| &sessions[at])
        .map_err(|error| failed(ReadError::Io { file: name.clone(), source: error }.into()))?;
    write_over(path, merged, settings).map_err(failed)
}

/// Writes a new recording over an old one, with its times where nothing else is new; or where there is none.
///
/// # Errors
/// Where the old one is damaged, or cannot be written.
pub(super) fn write_over(path: &Path, new: Vec<u8>, settings: &Settings) -> Result<Refreshed, FileError> {
    if seekable(path).is_err() {
        // There is nothing to keep, or nothing that can be read; then this says so.
        replace(path, |out| out.write_all(&new))?;
        return Ok(Refreshed::default());
    }
    let bound = Bound::new(settings.bindings.clone());
    let same = |old: &Message, new: &Message| {
        let (Kind::Frame(was), Kind::Frame(is)) = (old.kind, new.kind) else { return false };
        let payload = |message: &Message| message.payload.in_memory().cloned().unwrap_or_default();
        let (old, new) = (payload(old), payload(new));
        settings.expectation.compare((was, &old), (is, &new), &bound).is_empty()
    };
    refresh_file(path, &mut Input::new("what was recorded", Cursor::new(new)), same)
}

/// Writes what passed through `taping` into the recording at `path`: in the place of the sessions that are opened on the
/// lines `only`, or of all there was. Gives the targets of the new sessions.
///
/// # Errors
/// In a sentence that names the file. It is as it was then.
pub(super) fn remade(
    path: &Path,
    only: Option<&[u64]>,
    taping: &Taping,
    settings: &Settings,
) -> Result<Vec<String>, String> {
    let stays = |why: &dyn fmt::Display| format!("{} stays as it was: {why}", path.display());
    let redaction = open(path).map(|reader| reader.recording().redaction).unwrap_or_default();
    let tape = taping.end(redaction).map_err(|error| stays(&error))?;
    if tape.is_empty() {
        return Err(stays(&"no client came"));
    }
    let sessions = sessions(&tape.lines).map_err(|why| stays(&why))?;
    let mut new = Vec::new();
    if let (Some(only), Ok(old)) = (only, seekable(path)) {
        let anew = if tape.stats.exchanges > 0 { Anew::SessionsAndExchanges } else { Anew::Sessions };
        new = merged(old, only, anew, |_| &[]).map_err(|error| stays(&error))?;
    }
    new.extend_from_slice(&tape.lines);
    write_over(path, new, settings).map_err(|error| stays(&error))?;
    let target = |session: &Vec<Keys>| {
        let url = session.first()?.text("url")?;
        Some(origin_form(&url).to_owned())
    };
    Ok(sessions.iter().filter_map(target).collect())
}

/// Which lines of a recording are replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Anew {
    Sessions,
    SessionsAndExchanges,
}

/// The lines of each session of a recording, in their order.
fn sessions(tape: &[u8]) -> Result<Vec<Vec<Keys>>, String> {
    let mut sessions: Vec<Vec<Keys>> = Vec::new();
    for line in tape.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let keys = Keys::parse(line)?;
        let Some(number) = keys.number("session") else { continue };
        if keys.text("type").is_some_and(|kind| kind == "refused") && keys.get("response") == Some("null") {
            return Err(keys.text("why").unwrap_or_default());
        }
        let at = usize::try_from(number.saturating_sub(1)).unwrap_or(usize::MAX);
        while sessions.len() <= at && at < tape.len() {
            sessions.push(Vec::new());
        }
        if let Some(session) = sessions.get_mut(at) {
            session.push(keys);
        }
    }
    Ok(sessions)
}

/// The lines of `old`, with those of a session that is opened on one of the `replayed` lines replaced by what `new` gives
/// for its place among these.
fn merged<'k>(
    mut old: impl BufRead,
    replayed: &[u64],
    anew: Anew,
    new: impl Fn(usize) -> &'k [Keys],
) -> io::Result<Vec<u8>> {
    let places: HashMap<u64, usize> = replayed.iter().zip(0..).map(|(line, at)| (*line, at)).collect();
    let mut replaced = Vec::new();
    let mut merged = Vec::new();
    let (mut line, mut number) = (Vec::new(), 0);
    loop {
        line.clear();
        if old.read_until(b'\n', &mut line)? == 0 {
            return Ok(merged);
        }
        number += 1;
        // What is no line stays for whoever reads it.
        let keys = Keys::parse(&line).ok();
        let session = keys.as_ref().and_then(|keys| keys.number("session"));
        let kind = keys.and_then(|keys| keys.text("type")).unwrap_or_default();
        if kind == "recording" {
            // Another one's sessions count anew.
            replaced.clear();
        }
        match (places.get(&number), session) {
            (Some(at), Some(session)) => {
                replaced.push(session);
                for keys in new(*at) {
                    let mut keys = keys.clone();
                    keys.set("session", &session.to_string());
                    merged.extend(keys.to_line());
                }
            }
            (_, Some(session)) if replaced.contains(&session) => {}
            _ if kind == "exchange" && anew == Anew::SessionsAndExchanges => {}
            _ => {
                merged.extend_from_slice(&line);
                if !line.ends_with(b"\n") {
                    merged.push(b'\n');
                }
            }
        }
    }
}
