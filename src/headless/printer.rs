//! One way of printing events, whatever it is that is printed.

use std::collections::HashSet;
use std::io::{self, Write};
use std::time::SystemTime;

use super::redact::Redactor;
use super::schema::{self, Payloads, Recording};
use super::sieve::{Passed, Sieve};
use super::subscription::Subscription;
use super::text::{self, Style};
use super::{Output, Printing, Redaction};
use crate::capture::{Act, Deed, Event, Flow, Log, Stamp};
use crate::net::Listening;

/// Prints events as they come, in the order they come.
pub(super) struct Printer<'w> {
    form: Form<'w>,
    /// None where secrets are to be seen.
    redactor: Option<Redactor>,
    /// What is printed, where that may change, and how far that was heeded.
    subscription: Option<(Subscription, u64)>,
    /// The sessions of which no more is told; none where nothing stops that.
    stopped: Option<HashSet<u32>>,
}

enum Form<'w> {
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
        let form = match printing.output {
            Output::None => Form::Nothing,
            Output::Text => {
                let mut writer = text::Writer::new(out, printing.style, started);
                for line in text::listening(&printing.listen) {
                    writer.say(&line)?;
                }
                Form::Text(writer, sieve)
            }
            Output::Json => {
                let recording = Recording::new(started, addresses(&printing.listen), printing.redaction);
                Form::Json(schema::Writer::new(out, &recording)?, sieve)
            }
        };
        let redactor = (printing.redaction == Redaction::On).then(Redactor::default);
        Ok(Printer { form, redactor, subscription: None, stopped: None })
    }

    /// Heeding changes of what is to be printed.
    pub fn heeding(self, subscription: Subscription) -> Printer<'w> {
        let form = match self.form {
            Form::Text(writer, sieve) => Form::Text(writer, sieve.changing()),
            Form::Json(writer, sieve) => Form::Json(writer, sieve.changing()),
            Form::Nothing => Form::Nothing,
        };
        Printer { form, subscription: Some((subscription, 0)), ..self }
    }

    /// As a recording: where a rule stops it for a session, the session's end is all that follows.
    pub fn recording(self) -> Printer<'w> {
        Printer { stopped: Some(HashSet::new()), ..self }
    }

    /// Whether an event is of a session of which no more is told.
    fn is_stopped(&mut self, event: &Event) -> bool {
        let (Some(stopped), Some(Flow::Session(session))) = (&mut self.stopped, event.flow()) else {
            return false;
        };
        match event {
            Event::Act(Act { deed: Deed::RecordingStopped, .. }) => !stopped.insert(session),
            Event::Ended(_) => {
                stopped.remove(&session);
                false
            }
            _ => stopped.contains(&session),
        }
    }

    /// A line of its own, for eyes only.
    pub fn say(&mut self, line: &str) -> io::Result<()> {
        match &mut self.form {
            Form::Text(writer, _) => writer.say(line),
            Form::Json(..) | Form::Nothing => Ok(()),
        }
    }

    pub fn event(&mut self, event: &Event, log: &Log) -> io::Result<()> {
        self.event_from(event, log, Some(log))
    }

    /// `log` is where a filter looks payloads up that are not in memory.
    pub fn event_from(&mut self, event: &Event, source: &dyn Payloads, log: Option<&Log>) -> io::Result<()> {
        if self.is_stopped(event) {
            return Ok(());
        }
        let sieve = match &mut self.form {
            Form::Text(_, sieve) | Form::Json(_, sieve) => sieve,
            Form::Nothing => return Ok(()),
        };
        let subscription = self.subscription.as_mut();
        if let Some(filter) = subscription.and_then(|(subscription, seen)| subscription.changed(seen)) {
            sieve.change(filter);
        }
        match sieve.pass(event, log, || event.clone()) {
            Passed::No => {
                if let Form::Json(writer, _) = &mut self.form {
                    writer.skip(event);
                }
                return Ok(());
            }
            Passed::Yes => {}
            Passed::After(before) => before.iter().try_for_each(|event| self.write(event, source))?,
        }
        self.write(event, source)
    }

    fn write(&mut self, event: &Event, source: &dyn Payloads) -> io::Result<()> {
        let event = match &mut self.redactor {
            Some(redactor) => &*redactor.redact(event, source),
            None => event,
        };
        match &mut self.form {
            Form::Text(writer, _) => writer.event(event, source),
            Form::Json(writer, _) => writer.event(event, source),
            Form::Nothing => Ok(()),
        }
    }

    pub fn gap(&mut self, time: Stamp, lost: u64, why: &str) -> io::Result<()> {
        match &mut self.form {
            Form::Text(writer, _) => writer.gap(time, lost, why),
            Form::Json(writer, _) => writer.gap(time, lost, why),
            Form::Nothing => Ok(()),
        }
    }

    pub fn flush(&mut self) -> io::Result<()> {
        match &mut self.form {
            Form::Text(writer, _) => writer.flush(),
            Form::Json(writer, _) => writer.flush(),
            Form::Nothing => Ok(()),
        }
    }
}

fn addresses(listen: &[Listening]) -> Vec<String> {
    listen.iter().map(|listening| listening.address.to_string()).collect()
}

impl Printing {
    /// All events as JSON lines: what a recording is.
    pub(super) fn recording(listen: Vec<Listening>, redaction: Redaction) -> Printing {
        Printing { output: Output::Json, filter: Default::default(), style: Style::PLAIN, listen, redaction }
    }
}
