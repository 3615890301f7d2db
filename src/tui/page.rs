//! What happened, as far as the screen shows it: only the rows in view, taken from the log before each drawing.

use std::sync::Arc;
use std::time::Duration;

use super::actions::Tab;
use super::answers::Other;
use super::comparison::Compared;
use super::hold::Waiting;
use super::listing::Listing;
use super::rules::Ruling;
use super::theme::Words;
use crate::capture::{Flow, Stamp, Stats, Summary};
use crate::ws::Direction;

/// All that a screen shows of what happened.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// When this was taken.
    pub now: Stamp,
    /// The totals.
    pub stats: Stats,
    /// Whether nothing has come at all.
    pub empty: bool,
    /// The list of sessions.
    pub flows: Flows,
    /// The session that the lower panes are about.
    pub chosen: Option<Summary>,
    /// Its rows.
    pub messages: Messages,
    /// What is shown of the row under the cursor.
    pub detail: Detail,
    /// What is held.
    pub waiting: Waiting,
    /// Two sessions side by side, where they are compared.
    pub comparison: Option<Compared>,
    /// The rules.
    pub rules: Ruling,
    /// The lines of the sheet over the panes.
    pub sheet: Vec<Words>,
}

/// The list of sessions.
#[derive(Clone, Debug, Default)]
pub struct Flows {
    /// All that are listed, in order.
    pub order: Arc<Vec<Flow>>,
    /// How many there are beside, hidden by a filter or a switch.
    pub hidden: usize,
    /// The longest name of a subprotocol among them, in characters.
    pub subprotocol: usize,
    /// The first that is, or was, an open session.
    pub first_session: Option<Flow>,
    /// When something last came.
    pub latest: Stamp,
    /// The place of the chosen one, where it is listed.
    pub cursor: Option<usize>,
    /// The place of the first row in view.
    pub top: usize,
    /// The rows in view.
    pub rows: Vec<Summary>,
    /// How many rows there is room for.
    pub height: usize,
    /// The places that the search finds, while it is asked for.
    pub found: Vec<usize>,
}

/// The list of messages.
#[derive(Clone, Debug, Default)]
pub struct Messages {
    /// Which rows there are.
    pub listing: Listing,
    /// How many there were when this was taken.
    pub length: u64,
    /// Whether the cursor stays at the end.
    pub follow: bool,
    /// The place of the cursor.
    pub cursor: Option<u64>,
    /// The number of the row under the cursor.
    pub number: Option<u64>,
    /// The place of the first row in view.
    pub top: u64,
    /// Its number.
    pub top_number: u64,
    /// The rows in view.
    pub rows: Vec<Row>,
    /// How many rows there is room for.
    pub height: usize,
    /// How far the search has come, in percent, and what it has found so far.
    pub search: Option<Found>,
    /// The message that answers the one under the cursor.
    pub answered: Option<Other>,
    /// Whether it takes longer to find out what the rows in view answer.
    pub learning: bool,
}

/// What a search has found in the list of messages.
#[derive(Clone, Debug)]
pub struct Found {
    /// The rows found.
    pub listing: Listing,
    /// How many.
    pub length: u64,
}

/// One message, or one half of an exchange.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Its number in its session.
    pub number: u64,
    /// Which way it went.
    pub direction: Direction,
    /// When, since the session opened.
    pub at: Duration,
    /// The time since the row before.
    pub gap: Option<Duration>,
    /// Octets of the payload.
    pub size: u64,
    /// Octets on the wire where it was compressed.
    pub wire: Option<u64>,
    /// `text`, `ping`, `request`.
    pub kind: &'static str,
    /// Whether it is a control frame.
    pub control: bool,
    /// What it says, on one line, safe for a terminal.
    pub what: String,
    /// How many frames it came in.
    pub frames: u64,
    /// How many MUSTs it broke.
    pub faults: usize,
    /// Whether it came to its end.
    pub complete: bool,
    /// The message that it answers.
    pub answers: Option<Other>,
    /// Whether the user, or a rule, marked it.
    pub marked: bool,
    /// What was done to it: a sign and words; empty where nothing was.
    pub done: String,
}

/// The detail pane.
#[derive(Clone, Debug, Default)]
pub struct Detail {
    /// The tab that is shown: the chosen one where it has something to say.
    pub tab: Tab,
    /// What is shown, in few words.
    pub title: String,
    /// How many lines there are.
    pub length: u64,
    /// The first in view.
    pub top: u64,
    /// Those in view.
    pub lines: Vec<Words>,
    /// How many there is room for.
    pub height: usize,
    /// The lines that the search finds, while it is asked for.
    pub found: Vec<u64>,
}
