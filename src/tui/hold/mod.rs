//! Holding, from the user's side: what is to be held, which of what is held is chosen, and what becomes of it.

mod draw;
mod editing;
mod gather;
mod pulse;
mod rule;

use super::actions::{Action, Pane};
use super::app::{App, Effect, Zoom};
use super::input::Purpose;
use super::moves::destination;
use super::page::Page;
use super::text;
use crate::capture::{Flow, Held};
use crate::control::Verdict;
use crate::filter::Filter;

pub use gather::{HeldRow, Waiting};

pub(super) use draw::{is_chosen, render, state_of};
pub(super) use gather::{Watch, head_of, subject_of};
pub(super) use rule::quoted;

/// What is held, as the user has asked for it, and where they are among it.
#[derive(Clone, Debug, Default)]
pub struct Holding {
    /// What is held while it is on.
    pub filter: Filter,
    /// Whether it is on.
    pub on: bool,
    /// What it is held under that the cursor is on.
    pub(super) chosen: Option<u64>,
    /// Its place, for when it is gone.
    pub(super) at: usize,
    /// The first in view.
    pub(super) top: usize,
    /// Where the keys were before they came here.
    pub(super) before: Pane,
}

impl Holding {
    /// What is to be held now.
    pub fn wanted(&self) -> Option<Filter> {
        (self.on && !self.filter.is_empty()).then(|| self.filter.clone())
    }
}

/// What can be done about what is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HoldAction {
    /// Say what is to be held.
    Filter,
    /// Hold, or hold no more.
    Switch,
    /// To what is held.
    Go,
    /// Let one go on.
    Forward,
    /// Let all go on.
    ForwardAll,
    /// Drop one.
    Drop,
    /// Change one, here.
    Edit,
    /// Change one, in the user's own editor.
    EditOutside,
    /// Close its session in its place.
    Close,
    /// Answer a handshake with a refusal.
    Refuse,
    /// Make a rule of what the cursor is on.
    Rule,
}

/// What the world outside has to do about what is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HoldEffect {
    /// What is to be held has changed: [`App::holding`] says what.
    Wanted,
    /// This becomes of what is held under that number; and how that is told.
    Settle(u64, Verdict, String),
    /// All of it goes on.
    ReleaseAll,
    /// It is opened in the editor.
    Edit(u64),
    /// It is opened in the user's own editor.
    EditOutside(u64),
    /// The text that is in the editor is opened there.
    TakeOutside,
    /// A session is closed with a code and a reason.
    Close(u32, u16, String),
    /// A rule is begun in the editor, which does that.
    Rule(String),
    /// A rule is added to the file of rules.
    AddRule(String),
    /// All of it is dropped, and then the screen is left.
    DropAndQuit(Vec<u64>),
}

impl App {
    /// Does what an action about holding means, with the argument of a command if it was one.
    pub(super) fn act_on_held(
        &mut self,
        action: HoldAction,
        argument: Option<&str>,
        page: &Page,
    ) -> Option<Effect> {
        match action {
            HoldAction::Filter => match argument {
                None => self.ask(Purpose::Hold, None, page),
                Some(filter) => return self.hold(filter, page),
            },
            HoldAction::Switch => return self.switch_holding(page),
            HoldAction::Go => self.go_to_held(page),
            HoldAction::ForwardAll if page.waiting.order.is_empty() => self.say("nothing is held"),
            HoldAction::ForwardAll => return Some(Effect::Hold(HoldEffect::ReleaseAll)),
            HoldAction::Close => return self.close(argument, page),
            HoldAction::Rule => {
                let then = argument.unwrap_or("{ hold = true }").to_owned();
                return Some(Effect::Hold(HoldEffect::Rule(then)));
            }
            action => {
                let held = self.held_here(page)?.clone();
                return self.settle_one(action, &held, argument, page);
            }
        }
        None
    }

    fn settle_one(
        &mut self,
        action: HoldAction,
        held: &Held,
        argument: Option<&str>,
        page: &Page,
    ) -> Option<Effect> {
        let settle = |verdict, became: &str| {
            let words = format!("{} {became}", subject_of(held));
            Some(Effect::Hold(HoldEffect::Settle(held.held, verdict, words)))
        };
        match action {
            HoldAction::Forward => settle(Verdict::Forward, "goes on"),
            HoldAction::Drop if held.message.is_none() => {
                settle(Verdict::Drop, "is dropped: the client's connection is closed without an answer")
            }
            HoldAction::Drop => settle(Verdict::Drop, "is dropped"),
            HoldAction::Edit => Some(Effect::Hold(HoldEffect::Edit(held.held))),
            HoldAction::EditOutside => Some(Effect::Hold(HoldEffect::EditOutside(held.held))),
            HoldAction::Refuse if held.message.is_some() => {
                self.say("only a handshake can be refused; d drops a message, C closes its session");
                None
            }
            HoldAction::Refuse => match argument.map(refusal) {
                None => {
                    self.ask(Purpose::Refuse, None, page);
                    None
                }
                Some(Ok((status, body))) => {
                    settle(Verdict::Refuse(status, body), &format!("is answered with {status}"))
                }
                Some(Err(wrong)) => {
                    self.complain(wrong);
                    None
                }
            },
            _ => None,
        }
    }

    /// A filter of what to hold was given; an empty one holds nothing more.
    pub(super) fn hold(&mut self, filter: &str, page: &Page) -> Option<Effect> {
        match Filter::parse(filter.trim()) {
            Err(error) => {
                self.complain(format!("column {}: {}", error.column, error.message));
                None
            }
            Ok(filter) => {
                self.holding.on = !filter.is_empty();
                if self.holding.on {
                    self.holding.filter = filter;
                }
                self.tell_holding(page);
                Some(Effect::Hold(HoldEffect::Wanted))
            }
        }
    }

    fn switch_holding(&mut self, page: &Page) -> Option<Effect> {
        if self.holding.filter.is_empty() {
            self.ask(Purpose::Hold, None, page);
            return None;
        }
        self.holding.on = !self.holding.on;
        self.tell_holding(page);
        Some(Effect::Hold(HoldEffect::Wanted))
    }

    fn tell_holding(&mut self, page: &Page) {
        let held = page.waiting.order.len() as u64;
        if self.holding.on {
            self.say(format!("holding {}; I switches it off", self.holding.filter.source()));
        } else if held > 0 {
            self.say(format!("nothing more is held; {} still held, A lets all go on", is_or_are(held)));
        } else {
            self.say("nothing is held");
        }
    }

    /// The keys go to what is held.
    fn go_to_held(&mut self, page: &Page) {
        if page.waiting.order.is_empty() && self.focus != Pane::Held {
            let how = if self.holding.on { "nothing is held yet" } else { "nothing is held; i holds" };
            return self.say(how);
        }
        if self.focus != Pane::Held {
            self.holding.before = self.focus;
            self.focus = Pane::Held;
        }
        self.show_chosen(page.waiting.cursor.unwrap_or(0), page);
    }

    /// Back from what is held, to where the keys were.
    pub(super) fn leave_held(&mut self) {
        let there = self.holding.before;
        self.focus = match self.zoom {
            Zoom::Detail => Pane::Detail,
            Zoom::Session if there == Pane::Sessions => Pane::Messages,
            _ => there,
        };
    }

    /// A movement among what is held. The panes above show what the cursor is on.
    pub(super) fn travel_held(&mut self, action: Action, page: &Page) {
        let cursor = page.waiting.cursor.unwrap_or(0) as u64;
        let to = destination(action, cursor, page.waiting.order.len() as u64, page.waiting.height);
        self.show_chosen(to as usize, page);
    }

    fn show_chosen(&mut self, at: usize, page: &Page) {
        let Some(held) = page.waiting.order.get(at) else { return };
        (self.holding.chosen, self.holding.at) = (Some(held.held), at);
        let flow = Flow::Session(held.session);
        if self.flow != Some(flow) {
            (self.flow, self.scroll) = (Some(flow), 0);
            self.follow_flows = false;
        }
        if let Some(number) = held.message {
            self.go_to_number(flow, page, number);
        }
    }

    /// What is held of what the cursor is on; says so where nothing is.
    fn held_here<'a>(&mut self, page: &'a Page) -> Option<&'a Held> {
        let waiting = &page.waiting;
        let session = match self.flow {
            Some(Flow::Session(session)) => Some(session),
            _ => None,
        };
        let found = match self.focus {
            Pane::Held => waiting.cursor.and_then(|cursor| waiting.order.get(cursor)),
            Pane::Sessions => {
                waiting.order.iter().find(|held| Some(held.session) == session && held.message.is_none())
            }
            _ => waiting.order.iter().find(|held| {
                Some(held.session) == session
                    && (held.message.is_none() || held.message == page.messages.number)
            }),
        };
        if found.is_none() {
            self.say(match (waiting.order.is_empty(), self.focus) {
                (true, _) => "nothing is held; i holds what a filter matches".to_owned(),
                (false, Pane::Held) => "nothing is chosen".to_owned(),
                (false, Pane::Sessions) => "this is not held; t goes to what is".to_owned(),
                (false, _) => "this message is not held; t goes to what is".to_owned(),
            });
        }
        found
    }

    /// Closes the session of what is held in its place, or else the chosen session.
    fn close(&mut self, argument: Option<&str>, page: &Page) -> Option<Effect> {
        let Some(argument) = argument else {
            self.ask(Purpose::Close, None, page);
            return None;
        };
        let (code, reason) = match closing(argument) {
            Ok(closing) => closing,
            Err(wrong) => {
                self.complain(wrong);
                return None;
            }
        };
        let held = if page.waiting.order.is_empty() { None } else { self.held_here(page).cloned() };
        self.notice = None;
        match (held, &page.chosen) {
            (Some(held), _) if held.message.is_some() => {
                let words =
                    format!("#{} is closed with {code}; {} does not go on", held.session, subject_of(&held));
                Some(Effect::Hold(HoldEffect::Settle(held.held, Verdict::Close(code, reason), words)))
            }
            (Some(_), _) => {
                self.say("a handshake that is held has nothing to close; D refuses it, d drops it");
                None
            }
            (None, Some(summary)) if !summary.is_over() => match summary.flow {
                Flow::Session(session) => Some(Effect::Hold(HoldEffect::Close(session, code, reason))),
                Flow::Exchange(_) => {
                    self.say("an exchange has no closing handshake");
                    None
                }
            },
            (None, Some(summary)) => {
                self.say(format!("#{} is over already", summary.flow));
                None
            }
            (None, None) => {
                self.say("no session is chosen");
                None
            }
        }
    }

    /// Takes over where the cursor really is.
    pub(super) fn settle_held(&mut self, page: &Page) {
        let waiting = &page.waiting;
        let Some(cursor) = waiting.cursor else {
            (self.holding.chosen, self.holding.at, self.holding.top) = (None, 0, 0);
            return;
        };
        let before = self.holding.chosen;
        (self.holding.at, self.holding.top) = (cursor, waiting.top);
        self.holding.chosen = waiting.order.get(cursor).map(|held| held.held);
        // What was chosen has gone: the panes above show what the cursor is on now.
        if self.focus == Pane::Held && before.is_some() && before != self.holding.chosen {
            self.show_chosen(cursor, page);
        }
    }

    /// Leaves; where something is held, the user says first what becomes of it.
    pub(super) fn quit(&mut self, page: &Page) -> Option<Effect> {
        if page.waiting.order.is_empty() {
            return Some(Effect::Quit);
        }
        self.leaving = true;
        None
    }

    /// A key while the user is asked what becomes of what is held.
    pub(super) fn answer_leaving(&mut self, key: &str, page: &Page) -> Option<Effect> {
        match key {
            "enter" | "Q" | "ctrl-c" => Some(Effect::Quit),
            "d" => {
                let all = page.waiting.order.iter().map(|held| held.held).collect();
                Some(Effect::Hold(HoldEffect::DropAndQuit(all)))
            }
            _ => {
                self.leaving = false;
                None
            }
        }
    }
}

/// The question that is asked before the screen is left.
pub(super) fn leaving_question(page: &Page) -> String {
    let held = page.waiting.order.len() as u64;
    let what = if held == 1 { "1 is held: enter lets it go on, d drops it" } else { "" };
    if what.is_empty() {
        format!("{} are held: enter lets them go on, d drops them, esc stays", text::count(held))
    } else {
        format!("{what}, esc stays")
    }
}

fn is_or_are(count: u64) -> String {
    format!("{} {}", text::count(count), if count == 1 { "is" } else { "are" })
}

/// A status code and a reason, as typed: `4001 bye`.
pub(super) fn closing(typed: &str) -> Result<(u16, String), String> {
    let (code, reason) = typed.trim().split_once(' ').unwrap_or((typed.trim(), ""));
    let reason = reason.trim();
    let Ok(code) = code.parse::<u16>() else {
        return Err("first the status code, then the reason: 4001 bye".to_owned());
    };
    match code {
        1000..=4999 if reason.len() <= crate::ws::Close::LONGEST_REASON => Ok((code, reason.to_owned())),
        1000..=4999 => Err(format!("a reason has 123 octets at most, this has {}", reason.len())),
        _ => Err("status codes go from 1000 to 4999".to_owned()),
    }
}

/// A status and a body, as typed: `403 not today`.
pub(super) fn refusal(typed: &str) -> Result<(u16, String), String> {
    let (status, body) = typed.trim().split_once(' ').unwrap_or((typed.trim(), ""));
    match status.parse::<u16>() {
        Ok(status @ 400..=599) => Ok((status, body.trim().to_owned())),
        Ok(_) => Err("a refusal's status is 400 to 599".to_owned()),
        Err(_) => Err("first the status, then what is said: 403 not today".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_statuses_are_read_with_their_words() {
        assert_eq!(closing("4001 go away "), Ok((4001, "go away".to_owned())));
        assert_eq!(closing("1000"), Ok((1000, String::new())));
        assert!(closing("999").unwrap_err().contains("1000 to 4999"));
        assert!(closing("bye").unwrap_err().contains("first the status code"));
        assert!(closing(&format!("1000 {}", "x".repeat(124))).unwrap_err().contains("123"));
        assert_eq!(refusal("403 not today"), Ok((403, "not today".to_owned())));
        assert_eq!(refusal("503"), Ok((503, String::new())));
        assert!(refusal("200 fine").unwrap_err().contains("400 to 599"));
        assert!(refusal("no").unwrap_err().contains("first the status"));
    }
}
