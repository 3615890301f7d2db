//! The screens: what happened, drawn for whoever asks at the keys.
//!
//! A screen is a function of what the user did ([`App`]) and what happened ([`Page`], the rows in view, taken from
//! the log). [`Console`] puts the two together without a terminal; [`run`] gives it one.

mod abreast;
mod actions;
mod acts;
mod answers;
mod app;
mod certificate;
mod changes;
mod commands;
mod comparison;
mod composer;
mod console;
mod couples;
mod document;
mod draw;
mod edit;
mod empty;
mod encores;
mod frames;
mod gather;
mod halves;
mod handshake;
mod help;
mod hex;
mod hold;
mod input;
mod inspector;
mod listing;
mod messages;
mod moves;
mod page;
mod payload;
mod rules;
mod saving;
mod sent;
mod sessions;
mod sheet;
mod sieve;
mod sifter;
mod sort;
mod status;
mod subject;
mod terminal;
mod text;
mod theme;
mod timing;
mod tls;
mod words;

use std::path::PathBuf;

use crate::capture::Program;
use crate::filter::Filter;
use crate::net::Listening;
use crate::replay::Progress;

pub use actions::{Action, BINDINGS, Binding, Pane, Tab, When, keys_page};
pub use answers::Other;
pub use app::{App, Effect, Mark, Notice, Place, Zoom};
pub use comparison::{Compared, Comparison, Couple, Half, Kin};
pub use composer::Composer;
pub use console::Console;
pub use edit::{Editor, Edits};
pub use hold::{HeldRow, HoldAction, HoldEffect, Holding, Waiting};
pub use input::{Input, Purpose};
pub use listing::Listing;
pub use page::{Detail, Flows, Found, Messages, Page, Row};
pub use rules::{RuleRow, Ruling};
pub use sheet::{Sheet, SheetKind};
pub use sort::Sort;
pub use terminal::{AddRule, Outside, OutsideEditor, Way, run};
pub use theme::{Look, Theme, Words};

/// What the screens are about.
#[derive(Clone, Debug, Default)]
pub struct About {
    /// What is listened on; nothing where a recording is looked at.
    pub listen: Vec<Listening>,
    /// The recording that is being written.
    pub recording: Option<PathBuf>,
    /// What is looked at where nothing is listened on: a recording's name.
    pub source: Option<String>,
    /// The program whose traffic is looked at.
    pub program: Option<Program>,
    /// The replay that plays meanwhile.
    pub replay: Option<Progress>,
    /// Whether the composer opens with the first session.
    pub composes: bool,
    /// What is shown to begin with.
    pub filter: Filter,
}

impl About {
    /// What is printed meanwhile, by a program that was run or by a replay.
    fn printed(&self) -> Option<&Program> {
        self.program.as_ref().or_else(|| self.replay.as_ref().map(Progress::told))
    }
}
