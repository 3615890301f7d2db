//! Rules of the user's: read from their file, read again when it changes, and tried out; and the hooks that they ask.

#[cfg(feature = "tui")]
mod add;
mod check;
mod hooks;
mod watch;

use std::path::{Path, PathBuf};

use sockeye::capture::{Event, Note, Tap};
use sockeye::control::{Command, Controller};
use sockeye::rules::RuleSet;

use super::Failure;
use crate::cli::{OutputOptions, RulesCommand, RulesOptions};
#[cfg(feature = "tui")]
pub use add::add;
use hooks::Hooks;
use watch::{Read, Watched};

/// Carries out `sockeye rules`; gives the exit code.
pub fn rules(command: &RulesCommand) -> Result<u8, Failure> {
    match command {
        RulesCommand::Check(options) => check::check(options),
    }
}

/// What is to hold once there is a proxy.
#[derive(Default)]
pub struct Rules {
    read: Option<Read>,
    told: Told,
}

/// What holds: a file that is looked at, and programs that run, until this is dropped.
pub struct Holding {
    path: Option<PathBuf>,
    _file: Option<Watched>,
    _hooks: Hooks,
}

impl Holding {
    /// The file of rules, where there is one.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }
}

impl Rules {
    /// Reads the file that the options name, where they name one.
    ///
    /// # Errors
    /// Where it cannot be read, or is wrong.
    pub fn of(options: &RulesOptions, output: &OutputOptions) -> Result<Rules, Failure> {
        let told = if super::proxy::shows_screen(output) { Told::Log } else { Told::Stderr };
        let read = options.rules.as_deref().map(Read::of).transpose()?;
        Ok(Rules { read, told })
    }

    /// Has them hold from now on, and what their file says later.
    pub fn hold(self, controller: &Controller, tap: &Tap) -> Holding {
        let hooks = Hooks::start(controller, tap, self.told);
        if let Some(read) = &self.read {
            controller.send(Command::Rules(read.rules.clone()));
        }
        let path = self.read.as_ref().map(|read| read.path.clone());
        Holding { path, _file: self.read.map(|read| read.watch(controller, tap, self.told)), _hooks: hooks }
    }
}

/// Where remarks are told, besides the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Told {
    /// On stderr as well.
    #[default]
    Stderr,
    /// In the log alone: the screen shows it.
    Log,
}

impl Told {
    /// Tells a remark.
    fn tell(self, tap: &Tap, remark: &str) {
        if self == Told::Stderr {
            eprintln!("sockeye: {remark}");
        }
        tap.event(Event::Note(Note { time: tap.log().now(), flow: None, text: remark.to_owned() }));
    }
}

/// Reads a file of rules, from its text.
///
/// # Errors
/// All that is wrong with it, a line each, with the file's name and the place.
fn parse(path: &Path, text: &str) -> Result<RuleSet, String> {
    let name = path.display().to_string();
    RuleSet::parse(text).map(|rules| rules.read_from(&name)).map_err(|errors| {
        let told: Vec<_> = errors.iter().map(|error| format!("{}:{error}", path.display())).collect();
        told.join("\n")
    })
}

/// Reads a file of rules.
///
/// # Errors
/// As [`parse`], and where there is none.
fn read(path: &Path) -> Result<(String, RuleSet), String> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| format!("cannot read the rules {}: {error}", path.display()))?;
    let rules = parse(path, &text)?;
    Ok((text, rules))
}
