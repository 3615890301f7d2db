//! What the user does while two sessions are compared: which, where the cursor is, what is open.

use std::sync::Arc;

use super::actions::Action;
use super::app::App;
use super::page::Page;
use super::theme::Words;
use crate::capture::Flow;
use crate::ws::Direction;

/// Two sessions side by side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// The session on the left.
    pub left: u32,
    /// The one on the right; none while it has yet to begin.
    pub right: Option<u32>,
    /// Whether rows that are the same are left out.
    pub only_differences: bool,
    pub(super) anchor: Anchor,
    pub(super) top: usize,
    /// The first line in view, where a row's payloads are open.
    pub(super) open: Option<usize>,
}

/// What a row is known by while others come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    /// The opening handshakes.
    Opening,
    /// A message of the left session, by its number.
    Left(u64),
    /// One of the right session, that the left one has not.
    Right(u64),
    /// How they ended.
    End,
}

/// What helps most while two sessions are compared.
pub(super) const HELPFUL: [Action; 6] =
    [Action::Help, Action::Open, Action::Back, Action::NextMessage, Action::PreviousMessage, Action::Copy];

/// What became of a row of the left session in the right one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kin {
    /// Both have it.
    Same,
    /// Both have it, and it says something else.
    Changed,
    /// The left one alone has it.
    Missing,
    /// The left one alone has it, and it may still come.
    Awaited,
    /// The right one alone has it.
    Extra,
}

/// What a comparison shows.
#[derive(Clone, Debug, Default)]
pub struct Compared {
    /// Both sessions in few words.
    pub titles: [String; 2],
    /// How many messages are the same, changed, missing and extra.
    pub counts: [u64; 4],
    /// Whether not all has been looked at yet.
    pub busy: bool,
    /// Whether the sessions are longer than what is compared of them.
    pub cut: bool,
    /// All rows that are shown, in order.
    pub(super) shown: Arc<Vec<(Anchor, Kin)>>,
    /// The place of the cursor.
    pub cursor: usize,
    /// The place of the first row in view.
    pub top: usize,
    /// How many rows there is room for.
    pub height: usize,
    /// Those in view.
    pub rows: Vec<Couple>,
    /// What is to be said of the row under the cursor.
    pub detail: Vec<Words>,
    /// The payloads of the row under the cursor, line by line, where they are open; those in view.
    pub lines: Vec<(Kin, [Words; 2])>,
    /// How many lines that are, and the first in view.
    pub length: (usize, usize),
}

/// One row.
#[derive(Clone, Debug, PartialEq)]
pub struct Couple {
    /// How the two are akin.
    pub kin: Kin,
    /// Both sides, as far as they have it.
    pub sides: [Option<Half>; 2],
    /// The places in which they differ.
    pub places: Vec<String>,
}

/// One side of a row.
#[derive(Clone, Debug, PartialEq)]
pub struct Half {
    /// Which way it went; none where it is no message.
    pub direction: Option<Direction>,
    /// The message's number.
    pub number: Option<u64>,
    /// What it says, on one line, safe for a terminal.
    pub what: String,
}

impl Compared {
    /// What differs in the row under the cursor, as text.
    pub(super) fn copied(&self) -> String {
        let line = |line: &Words| line.iter().map(|(_, text)| text.as_str()).collect::<String>();
        self.detail.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

impl Kin {
    /// The sign between both.
    pub(super) fn sign(self) -> &'static str {
        match self {
            Kin::Same => "=",
            Kin::Changed => "≠",
            Kin::Missing => "-",
            Kin::Awaited => "…",
            Kin::Extra => "+",
        }
    }
}

impl Comparison {
    pub(super) fn new(left: u32, right: Option<u32>) -> Comparison {
        Comparison { left, right, only_differences: false, anchor: Anchor::Opening, top: 0, open: None }
    }

    /// The keys to hint at.
    pub(super) fn hints(&self) -> Vec<(&'static str, &'static str)> {
        match self.open {
            Some(_) => vec![
                ("?", "help"),
                ("esc", "back"),
                ("j k", "scroll"),
                ("J K", "next row"),
                ("] [", "next difference"),
            ],
            None => vec![
                ("?", "help"),
                ("esc", "back"),
                ("enter", "open"),
                ("] [", "next difference"),
                ("-", "only differences"),
                ("y", "copy"),
            ],
        }
    }

    fn travel(&mut self, action: Action, compared: &Compared) {
        let Some(last) = compared.shown.len().checked_sub(1) else { return };
        let page = compared.height.saturating_sub(1).max(1);
        if let Some(top) = &mut self.open {
            let last = compared.length.0.saturating_sub(1);
            *top = moved(action, *top, page, last);
            return;
        }
        self.go_to(moved(action, compared.cursor, page, last), compared);
    }

    fn go_to(&mut self, place: usize, compared: &Compared) {
        if let Some((anchor, _)) = compared.shown.get(place) {
            self.anchor = *anchor;
            self.open = self.open.map(|_| 0);
        }
    }

    /// To the next row that differs, or the one before; false where there is none.
    fn seek(&mut self, step: isize, compared: &Compared) -> bool {
        let mut place = compared.cursor;
        while let Some(next) = place.checked_add_signed(step).filter(|next| *next < compared.shown.len()) {
            place = next;
            if !matches!(compared.shown[place].1, Kin::Same | Kin::Awaited) {
                self.go_to(place, compared);
                return true;
            }
        }
        false
    }
}

fn moved(action: Action, at: usize, page: usize, last: usize) -> usize {
    let to = match action {
        Action::Down => at + 1,
        Action::Up => at.saturating_sub(1),
        Action::HalfDown => at + page / 2,
        Action::HalfUp => at.saturating_sub(page / 2),
        Action::PageDown => at + page,
        Action::PageUp => at.saturating_sub(page),
        Action::First => 0,
        _ => last,
    };
    to.min(last)
}

impl App {
    /// Opens a comparison: of the two sessions of `argument`, else of the two that are marked, else of the marked one
    /// and the one under the cursor.
    pub(super) fn compare(&mut self, argument: Option<&str>, page: &Page) {
        let pair = match argument {
            Some(words) => numbers(words),
            None => self.marked_pair(page),
        };
        match pair {
            Some([left, right]) => self.comparison = Some(Comparison::new(left, Some(right))),
            None if argument.is_some() => self.complain("compare what? :compare 3 5"),
            None => self.say("mark one session with m and choose another, or :compare 3 5"),
        }
    }

    fn marked_pair(&self, page: &Page) -> Option<[u32; 2]> {
        let session = |flow: &Flow| match flow {
            Flow::Session(number) => Some(*number),
            Flow::Exchange(_) => None,
        };
        let marked: Vec<u32> =
            self.marks.iter().filter(|(_, row)| *row == 0).filter_map(|(flow, _)| session(flow)).collect();
        let chosen = page.chosen.as_ref().and_then(|summary| session(&summary.flow));
        match (&marked[..], chosen) {
            ([left, right], _) => Some([*left, *right]),
            ([one], Some(chosen)) if *one != chosen => Some([*one, chosen]),
            _ => None,
        }
    }

    /// Keys while two sessions are compared; false where the action goes on to mean what it means.
    pub(super) fn act_on_comparison(&mut self, action: Action, page: &Page) -> bool {
        let Some(comparison) = &mut self.comparison else { return false };
        let nothing = Compared::default();
        let compared = page.comparison.as_ref().unwrap_or(&nothing);
        match action {
            Action::Down
            | Action::Up
            | Action::HalfDown
            | Action::HalfUp
            | Action::PageDown
            | Action::PageUp
            | Action::First
            | Action::Last => comparison.travel(action, compared),
            Action::NextMessage | Action::PreviousMessage => {
                let step = if action == Action::NextMessage { 1 } else { -1 };
                comparison.go_to(compared.cursor.saturating_add_signed(step), compared);
            }
            Action::Open if comparison.open.is_none() => comparison.open = Some(0),
            Action::Open => comparison.open = None,
            Action::Back => match comparison.open.take() {
                Some(_) => {}
                None => self.comparison = None,
            },
            Action::NextDifference | Action::SearchNext if !comparison.seek(1, compared) => {
                self.say("no difference after this");
            }
            Action::PreviousDifference | Action::SearchPrevious if !comparison.seek(-1, compared) => {
                self.say("no difference before this");
            }
            Action::NextDifference
            | Action::PreviousDifference
            | Action::SearchNext
            | Action::SearchPrevious => {}
            Action::OnlyDifferences => {
                comparison.only_differences = !comparison.only_differences;
                let words =
                    if comparison.only_differences { "what is the same is left out" } else { "all is shown" };
                self.say(words);
            }
            Action::Help
            | Action::Notes
            | Action::Output
            | Action::Command
            | Action::Compare
            | Action::Copy
            | Action::Redraw
            | Action::Suspend
            | Action::Quit => return false,
            _ => self.say("not while two sessions are compared; esc goes back"),
        }
        true
    }

    /// Takes over which rows of a comparison are really shown.
    pub(super) fn settle_comparison(&mut self, page: &Page) {
        let (Some(comparison), Some(compared)) = (&mut self.comparison, &page.comparison) else { return };
        comparison.top = compared.top;
        comparison.open = comparison.open.map(|_| compared.length.1);
        if let Some((anchor, _)) = compared.shown.get(compared.cursor) {
            comparison.anchor = *anchor;
        }
    }
}

/// Two numbers, each perhaps behind a `#`.
fn numbers(words: &str) -> Option<[u32; 2]> {
    let mut numbers = words.split([' ', ',']).filter(|word| !word.is_empty());
    let mut next = || numbers.next()?.trim_start_matches('#').parse().ok();
    let pair = [next()?, next()?];
    numbers.next().is_none().then_some(pair)
}
