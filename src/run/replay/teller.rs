//! Tells what came of a replay: while it plays on the standard output, and at the end in files.

use std::io::{self, Write};
use std::path::Path;

use sockeye::replay::{Left, Outcome, Played, reporter};

use super::super::{DIFFERENT, Failure, USAGE};
use crate::cli::replay::{ReportFile, TellOptions, Told};

/// Gathers what came of it, and tells it.
pub struct Teller {
    form: Told,
    reports: Vec<ReportFile>,
    outcome: Outcome,
}

impl Teller {
    /// Tells of the recording `file`.
    pub fn new(file: &Path, options: &TellOptions) -> Result<Teller, Failure> {
        let on_stdout = options.report.iter().filter(|report| report.file.as_os_str() == "-").count();
        if on_stdout > 1 || (on_stdout == 1 && options.output == Told::Json) {
            return Err(Failure::new(
                USAGE,
                "only one thing fits on the standard output: give the other reports a file",
            ));
        }
        let outcome = Outcome::of(file.display().to_string());
        Ok(Teller { form: options.output, reports: options.report.clone(), outcome })
    }

    /// A mock server listens, with so many sessions and exchanges on offer.
    pub fn ready(&self, url: &str, on_offer: (usize, usize)) -> Result<(), Failure> {
        match self.form {
            Told::Text => self.say(&format!("listening on {}\n", url.trim_start_matches("ws://"))),
            Told::Json => self.say(&format!("{}\n", reporter::ready(url, on_offer))),
        }
    }

    /// A session is over.
    pub fn played(&mut self, played: Played) -> Result<(), Failure> {
        let text = match self.form {
            Told::Text => reporter::session_text(&self.outcome.file, &played),
            Told::Json => format!("{}\n", reporter::session_json(&played)),
        };
        self.outcome.add(played);
        self.say(&text)
    }

    /// Nothing more is played. Writes the reports; what was otherwise than recorded is a failure.
    pub fn end(mut self, left: Vec<Left>) -> Result<(), Failure> {
        self.outcome.left = left;
        let outcome = &self.outcome;
        match self.form {
            Told::Text => {
                let left = outcome.left.iter().map(|left| reporter::left_text(&outcome.file, left));
                self.say(&left.collect::<String>())?;
            }
            Told::Json => self.say(&format!("{}\n", reporter::summary_json(outcome)))?,
        }
        for report in &self.reports {
            let text = report.reporter.write(outcome);
            if report.file.as_os_str() == "-" {
                written(io::stdout(), &text, "the standard output")?;
            } else {
                let name = report.file.display();
                std::fs::write(&report.file, text)
                    .map_err(|error| Failure::new(USAGE, format_args!("cannot write {name}: {error}")))?;
            }
        }
        match (outcome.is_as_recorded(), outcome.left.len()) {
            (true, 0) => Ok(()),
            (true, left) => Err(Failure::new(
                DIFFERENT,
                format_args!("not all of the recording was played: {left} missing"),
            )),
            (false, _) => Err(Failure::new(DIFFERENT, "what was played is not what was recorded")),
        }
    }

    /// On the standard output, or where a report goes there, on the other one.
    fn say(&self, text: &str) -> Result<(), Failure> {
        if self.reports.iter().any(|report| report.file.as_os_str() == "-") {
            written(io::stderr(), text, "the standard error")
        } else {
            written(io::stdout(), text, "the standard output")
        }
    }
}

fn written(mut out: impl Write, text: &str, name: &str) -> Result<(), Failure> {
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::new(USAGE, format_args!("cannot write to {name}: {error}")))
        }
        _ => Ok(()),
    }
}
