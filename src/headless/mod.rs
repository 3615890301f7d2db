//! What sockeye prints and records without a screen: JSON lines for programs, one line a message for eyes.
//!
//! All of it reads the log, on threads of its own: [`follow()`] prints, [`record`] writes a recording. [`print()`] and
//! [`load`] take a recording instead.

mod beside;
mod file;
mod follow;
pub mod hook;
mod lines;
mod numbers;
mod outlet;
mod printer;
mod redact;
mod save;
mod sieve;
mod subscription;

pub mod commands;

pub mod schema;

pub mod text;

pub use beside::{append, check_append, is_same_file, replace};
pub use file::{FileError, load, load_into, open, payload, print, resume, seekable};
pub use follow::{Follower, follow, private, record};
pub use numbers::Renumbered;
pub use outlet::Outlet;
pub use redact::Redactor;
pub use save::{Chosen, Saved, save, save_into};
pub use subscription::Subscription;

use crate::filter::Filter;
use crate::net::Listening;
use text::Style;

/// What is printed on the standard output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Output {
    /// One line a message, for eyes.
    #[default]
    Text,
    /// A recording's lines, for programs.
    Json,
    /// Nothing.
    None,
}

impl Output {
    /// All of them.
    pub const ALL: [Output; 3] = [Output::Text, Output::Json, Output::None];

    /// The word that the command line uses.
    pub fn name(self) -> &'static str {
        match self {
            Output::Text => "text",
            Output::Json => "json",
            Output::None => "none",
        }
    }

    /// The output that the command line's word names.
    pub fn from_name(name: &str) -> Option<Output> {
        Output::ALL.into_iter().find(|output| output.name() == name)
    }
}

/// What becomes of the secrets in HTTP heads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Redaction {
    /// Placeholders stand for them, and each line says where.
    #[default]
    On,
    /// They are printed and recorded as they came.
    Off,
}

/// What is printed, and how.
#[derive(Clone, Debug)]
pub struct Printing {
    /// In which form.
    pub output: Output,
    /// Which rows.
    pub filter: Filter,
    /// How lines for eyes look.
    pub style: Style,
    /// What is listened on, for the first lines; nothing where it is a recording that is printed.
    pub listen: Vec<Listening>,
    /// What becomes of secrets.
    pub redaction: Redaction,
}
