//! A file of rules that is read again when it changes.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use sockeye::capture::Tap;
use sockeye::control::{Command, Controller};
use sockeye::rules::RuleSet;

use super::{Told, parse, read};
use crate::run::{Failure, USAGE};

/// How often it is looked whether the file has changed. All of it is read: that sees every change, whatever an editor does
/// with the file, and rules are short.
const EVERY: Duration = Duration::from_millis(250);

/// Rules that were read from a file.
pub(super) struct Read {
    pub(super) rules: RuleSet,
    pub(super) path: PathBuf,
    text: String,
    /// How often in a row it could not be read.
    missed: u32,
}

/// How often in a row a file cannot be read before that is told: an editor that replaces it may have taken the old one
/// away for a moment.
const MISSED: u32 = 4;

/// A file that is looked at until this is dropped.
pub(super) struct Watched {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Read {
    pub(super) fn of(path: &Path) -> Result<Read, Failure> {
        let (text, rules) = read(path).map_err(|error| Failure::new(USAGE, error))?;
        Ok(Read { rules, path: path.to_owned(), text, missed: 0 })
    }

    /// Has hold what the file says from now on.
    pub(super) fn watch(mut self, controller: &Controller, tap: &Tap, told: Told) -> Watched {
        let (stop, stopped) = mpsc::channel();
        let (controller, tap) = (controller.clone(), tap.clone());
        let thread = thread::spawn(move || {
            while stopped.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
                if let Some(remark) = self.look_again(&controller) {
                    told.tell(&tap, &remark);
                }
            }
        });
        Watched { stop: Some(stop), thread: Some(thread) }
    }

    /// Reads the file again where it has changed; gives what there is to say.
    fn look_again(&mut self, controller: &Controller) -> Option<String> {
        const STAY: &str = "the rules from before still hold";
        let text = match std::fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) => {
                self.missed = self.missed.saturating_add(1);
                if self.missed != MISSED {
                    return None;
                }
                let fault = format!("{} cannot be read: {error}", self.path.display());
                controller.tell_rules_fault(Some(&fault));
                return Some(format!("{fault}; {STAY}"));
            }
        };
        let was_missed = std::mem::take(&mut self.missed) >= MISSED;
        if text == self.text && !was_missed {
            return None;
        }
        self.text = text;
        match parse(&self.path, &self.text) {
            Ok(rules) => {
                self.rules = rules.continuing(&self.rules);
                controller.send(Command::Rules(self.rules.clone()));
                // Without those that were switched off by hand.
                let count = match controller.rules().names().count() {
                    0 => "no rules hold".to_owned(),
                    1 => "1 rule holds".to_owned(),
                    count => format!("{count} rules hold"),
                };
                Some(format!("{}: {count} now", self.path.display()))
            }
            Err(errors) => {
                let fault = errors.replace('\n', "; ");
                controller.tell_rules_fault(Some(&fault));
                Some(format!("{fault}; {STAY}"))
            }
        }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        drop(self.stop.take());
        // It has nothing to say once it was told to stop.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}
