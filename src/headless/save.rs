//! A recording of what the log holds at one moment: all of it, or what was chosen.

use std::collections::{BTreeSet, HashSet};
use std::fs::OpenOptions;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use super::follow::{EVICTED, begin, private};
use super::printer::Printer;
use super::{Printing, Redaction};
use crate::capture::{Event, Flow, Log, Next};
use crate::net::Listening;

/// What is saved of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chosen {
    /// All that it holds.
    All,
    /// These, and what is told of them.
    These(BTreeSet<Flow>),
}

/// What was saved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Saved {
    /// Sessions, refused attempts at one, and tunnels.
    pub sessions: u64,
    /// Plain HTTP exchanges.
    pub exchanges: u64,
    /// Messages and control frames.
    pub messages: u64,
}

/// Writes a recording of what is chosen of what the log holds at this moment into a new file. What has not been
/// answered yet is in no recording.
///
/// # Errors
/// Where there is a file of that name already, it cannot be written, or the log cannot be read.
pub fn save(
    log: &Log,
    path: &Path,
    chosen: &Chosen,
    listen: Vec<Listening>,
    redaction: Redaction,
) -> io::Result<Saved> {
    let file = private(OpenOptions::new().write(true).create_new(true)).open(path)?;
    save_into(log, BufWriter::new(file), chosen, listen, redaction)
}

/// The same, to a writer.
///
/// # Errors
/// Where `out` fails, or the log cannot be read.
pub fn save_into(
    log: &Log,
    out: impl Write + Send,
    chosen: &Chosen,
    listen: Vec<Listening>,
    redaction: Redaction,
) -> io::Result<Saved> {
    let until = log.now();
    let mut printer = Printer::new(out, &Printing::recording(listen, redaction), log.started())?.recording();
    let (mut cursor, mut begun, mut saved) = (log.cursor(), HashSet::new(), Saved::default());
    loop {
        match cursor.next()? {
            // What came since would never end under a flood.
            Next::Event(event) if event.time() > until => break,
            Next::Event(event) if !chosen.has(&event) => {}
            Next::Event(event) => {
                begin(log, &mut printer, &mut begun, &event)?;
                printer.event(&event, log)?;
                saved.count(&event);
            }
            Next::Gap(lost) => printer.gap(until, lost, EVICTED)?,
            Next::Pending | Next::End => break,
        }
    }
    printer.flush()?;
    Ok(saved)
}

impl Chosen {
    fn has(&self, event: &Event) -> bool {
        match self {
            Chosen::All => true,
            Chosen::These(flows) => event.flow().is_some_and(|flow| flows.contains(&flow)),
        }
    }
}

impl Saved {
    fn count(&mut self, event: &Event) {
        match event {
            Event::Opened(_) | Event::Refused(_) | Event::Tunnel(_) => self.sessions += 1,
            Event::Exchanged(_) => self.exchanges += 1,
            Event::Message(_) => self.messages += 1,
            _ => {}
        }
    }
}
