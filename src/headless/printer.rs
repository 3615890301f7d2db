//! One way of printing events, whatever it is that is printed.

use std::io::{self, Write};
use std::time::SystemTime;

use super::schema::{self, Payloads, Recording};
use super::sieve::{Passed, Sieve};
use super::text::{self, Style};
use super::{Output, Printing};
use crate::capture::{Event, Log, Stamp};

/// Prints events as they come, in the order they come.
pub(super) enum Printer<'w> {
    Text(text::Writer<'w>, Sieve<Event>),
    Json(schema::Writer<'w>, Sieve<Event>),
    Nothing,
}

impl<'w> Printer<'w> {
    /// Begins with the first line.
    pub fn new(
        out: impl Write + Send + 'w,
        printing: &Printing,
        started: SystemTime,
    ) -> io::Result<Printer<'w>> {
        let sieve = Sieve::new(printing.filter.clone());
        Ok(match printing.output {
            Output::None => Printer::Nothing,
            Output::Text => {
                let mut writer = text::Writer::new(out, printing.style, started);
                if let Some(listen) = &printing.listen {
                    writer.say(&format!("listening on {listen}"))?;
                }
                Printer::Text(writer, sieve)
            }
            Output::Json => {
                let recording = Recording::new(started, printing.listen.clone());
                Printer::Json(schema::Writer::new(out, &recording)?, sieve)
            }
        })
    }

    /// A line of its own, for eyes only.
    pub fn say(&mut self, line: &str) -> io::Result<()> {
        match self {
            Printer::Text(writer, _) => writer.say(line),
            Printer::Json(..) | Printer::Nothing => Ok(()),
        }
    }

    pub fn event(&mut self, event: &Event, log: &Log) -> io::Result<()> {
        self.event_from(event, log, Some(log))
    }

    /// `log` is where a filter looks payloads up that are not in memory.
    pub fn event_from(&mut self, event: &Event, source: &dyn Payloads, log: Option<&Log>) -> io::Result<()> {
        let sieve = match self {
            Printer::Text(_, sieve) | Printer::Json(_, sieve) => sieve,
            Printer::Nothing => return Ok(()),
        };
        match sieve.pass(event, log, || event.clone()) {
            Passed::No => {
                if let Printer::Json(writer, _) = self {
                    writer.skip(event);
                }
                return Ok(());
            }
            Passed::Yes => {}
            Passed::After(opening) => self.write(&opening, source)?,
        }
        self.write(event, source)
    }

    fn write(&mut self, event: &Event, source: &dyn Payloads) -> io::Result<()> {
        match self {
            Printer::Text(writer, _) => writer.event(event, source),
            Printer::Json(writer, _) => writer.event(event, source),
            Printer::Nothing => Ok(()),
        }
    }

    pub fn gap(&mut self, time: Stamp, lost: u64, why: &str) -> io::Result<()> {
        match self {
            Printer::Text(writer, _) => writer.gap(time, lost, why),
            Printer::Json(writer, _) => writer.gap(time, lost, why),
            Printer::Nothing => Ok(()),
        }
    }

    pub fn flush(&mut self) -> io::Result<()> {
        match self {
            Printer::Text(writer, _) => writer.flush(),
            Printer::Json(writer, _) => writer.flush(),
            Printer::Nothing => Ok(()),
        }
    }
}

impl Printing {
    /// All events as JSON lines: what a recording is.
    pub(super) fn recording(listen: Option<String>) -> Printing {
        Printing { output: Output::Json, filter: Default::default(), style: Style::PLAIN, listen }
    }
}
