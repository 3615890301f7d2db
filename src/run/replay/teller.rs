//! Tells what came of a replay: while it plays on the standard output, and at the end in files.

use std::io::{self, Write};
use std::path::Path;

use sockeye::capture::{Log, Stream};
use sockeye::recordings::Refreshed;
use sockeye::replay::{Left, Outcome, Played, Progress, reporter};

use super::super::{DIFFERENT, Failure, USAGE};
use crate::cli::replay::{ReportFile, TellOptions, Told};

/// Gathers what came of it, and tells it.
pub struct Teller {
    form: Told,
    reports: Vec<ReportFile>,
    outcome: Outcome,
    /// Who looks on meanwhile, and by which clock.
    screen: Option<(Progress, Log)>,
    /// What the standard output is told when the screen has gone.
    kept: String,
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
        let (form, reports) = (options.output, options.report.clone());
        Ok(Teller { form, reports, outcome, screen: None, kept: String::new() })
    }

    /// A screen has the terminal until the end: it is told what happens by `progress`.
    pub fn beside_screen(&mut self, progress: Progress, log: &Log) {
        self.screen = Some((progress, log.clone()));
    }

    /// A mock server listens, with so many sessions and exchanges on offer.
    pub fn ready(&mut self, url: &str, on_offer: (usize, usize)) -> Result<(), Failure> {
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
        if let Some((progress, log)) = &self.screen {
            progress.add(&played);
            for line in reporter::session_text(&self.outcome.file, &played).lines() {
                progress.told().print(log.now(), Stream::Output, line);
            }
        }
        self.outcome.add(played);
        self.say(&text)
    }

    /// Nothing more is played, and this is left. The screen stays, if there is one.
    pub fn over(&self, left: &[Left]) {
        let Some((progress, _)) = &self.screen else { return };
        let all = progress.played();
        progress.told().end(match (progress.otherwise(), left.len()) {
            (0, 0) => format!("all was as recorded ({all} played)"),
            (0, left) => format!("as recorded, and not all of it: {all} played, {left} not"),
            (otherwise, _) => format!("{otherwise} of {all} otherwise than recorded (O tells more)"),
        });
    }

    /// Sessions that were recorded meanwhile were added to a file.
    pub fn recorded(&mut self, sessions: u64, file: &Path) -> Result<(), Failure> {
        if sessions == 0 {
            return Ok(());
        }
        let file = file.display().to_string();
        match self.form {
            Told::Text => self.say(&format!("added to {file}: {sessions} new\n")),
            Told::Json => self.say(&format!("{}\n", reporter::recorded_json(&file, sessions))),
        }
    }

    /// The recording was made anew.
    pub fn updated(&mut self, updated: &Refreshed) -> Result<(), Failure> {
        let file = self.outcome.file.clone();
        match self.form {
            Told::Text => {
                let Refreshed { kept, changed, added, removed } = updated;
                self.say(&format!(
                    "updated {file}: {changed} messages changed, {added} new, {removed} gone, {kept} as they were\n"
                ))
            }
            Told::Json => self.say(&format!("{}\n", reporter::updated_json(&file, updated))),
        }
    }

    /// Nothing more is played. Writes the reports; what was otherwise than recorded is a failure.
    pub fn end(mut self, left: Vec<Left>) -> Result<(), Failure> {
        self.outcome.left = left;
        if self.screen.take().is_some() {
            let kept = std::mem::take(&mut self.kept);
            self.say(&kept)?;
        }
        let last = match self.form {
            Told::Text => {
                let left = self.outcome.left.iter().map(|left| reporter::left_text(&self.outcome.file, left));
                left.collect()
            }
            Told::Json => format!("{}\n", reporter::summary_json(&self.outcome)),
        };
        self.say(&last)?;
        let outcome = &self.outcome;
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

    /// On the standard output, or where a report goes there, on the other one; with a screen not before it has gone.
    fn say(&mut self, text: &str) -> Result<(), Failure> {
        if self.screen.is_some() {
            self.kept.push_str(text);
            Ok(())
        } else if self.reports.iter().any(|report| report.file.as_os_str() == "-") {
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
