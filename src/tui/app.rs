//! What the user did: where the keys go, what is chosen, filtered, marked and typed. No traffic changes any of it.

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

use super::actions::{self, Action, Pane, Tab};
use super::commands::choices;
use super::comparison::Comparison;
use super::composer::Composer;
use super::edit::Editor;
use super::hold::{HoldEffect, Holding};
use super::input::{Input, Purpose, Typed};
use super::page::Page;
use super::saving::Saving;
use super::sheet::{Sheet, SheetKind};
use super::sort::Sort;
use crate::capture::{Flow, FlowKind};
use crate::control::compose::Draft;
use crate::decode::View;
use crate::filter::Filter;
use crate::headless::Chosen;
use crate::interchange::code::Language;
use crate::net::Target;
use crate::ws::Direction;

/// The user's side of the screen.
#[derive(Clone, Debug, Default)]
pub struct App {
    /// Which pane has the keys.
    pub focus: Pane,
    /// How much of the screen the pane has.
    pub zoom: Zoom,
    /// The chosen tab.
    pub tab: Tab,
    /// How payloads are read; by their content where none is chosen.
    pub view: Option<View>,
    /// The chosen session.
    pub flow: Option<Flow>,
    /// Whether the newest session is chosen as it comes.
    pub follow_flows: bool,
    /// The order of the sessions.
    pub sort: Sort,
    /// Whether plain HTTP exchanges are left out.
    pub hide_http: bool,
    /// Whether control frames are left out.
    pub hide_control: bool,
    /// What messages must pass.
    pub filter: Filter,
    /// What sessions must pass.
    pub flow_filter: Filter,
    /// What is looked for.
    pub search: Option<Filter>,
    /// Whether the view is held still.
    pub paused: bool,
    /// What the user marked.
    pub marks: BTreeSet<Mark>,
    /// The first line of the detail pane.
    pub scroll: u64,
    /// Two sessions side by side in place of the panes.
    pub comparison: Option<Comparison>,
    /// What is shown over the panes.
    pub sheet: Option<Sheet>,
    /// The line being typed.
    pub input: Option<Input>,
    /// The message being written.
    pub composer: Option<Composer>,
    /// Which end was last written to.
    pub(super) composing_to: Option<Direction>,
    /// What is to be held, and where the user is among it.
    pub holding: Holding,
    /// What is being edited.
    pub editor: Option<Editor>,
    /// Whether the user wants to leave, and is asked what becomes of what is held.
    pub leaving: bool,
    /// What is said to the user until the next key.
    pub notice: Option<Notice>,
    /// A search that goes on to the next find as soon as there is one.
    pub(super) seeking: Option<Seek>,
    /// The session that a server is being asked for.
    pub(super) playing: Option<u32>,
    /// What a file is being asked for.
    pub(super) saving: Option<Saving>,
    pub(super) flows_top: usize,
    /// Whether a key was pressed yet: until then, the first session that opens is shown.
    pub(super) touched: bool,
    places: HashMap<Flow, Place>,
    pub(super) histories: HashMap<Purpose, Vec<String>>,
}

/// A session (`row` 0) or one of its messages.
pub type Mark = (Flow, u64);

/// How much of the screen is given to what has the keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Zoom {
    /// All panes are there.
    #[default]
    All,
    /// Messages and detail of one session.
    Session,
    /// Detail alone.
    Detail,
}

/// Where the user is in a list of messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The number of the row under the cursor.
    pub row: u64,
    /// The number of the first row in view.
    pub top: u64,
    /// Whether the cursor stays at the end.
    pub follow: bool,
}

/// Which way a search goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seek {
    Next,
    Previous,
}

/// Something said to the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// One sentence.
    pub text: String,
    /// Whether something went wrong.
    pub bad: bool,
}

/// Something that the world outside has to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Leave.
    Quit,
    /// Back to the shell for a while.
    Suspend,
    /// Draw everything anew.
    Redraw,
    /// Close a session's connections.
    Kill(Flow),
    /// Forget what is over.
    Clear,
    /// A message goes to one end of a session.
    Send {
        /// The session's number.
        session: u32,
        /// Which way it goes.
        direction: Direction,
        /// What was typed.
        draft: Draft,
    },
    /// Messages of an open session are sent again, in order.
    Resend {
        /// The session's number.
        session: u32,
        /// Their numbers.
        numbers: Vec<u64>,
        /// Which way they go; each the way it went where none is said.
        direction: Option<Direction>,
    },
    /// Something about what is held.
    Hold(HoldEffect),
    /// What is shown goes to the clipboard.
    Copy,
    /// A session goes to the clipboard as code.
    CopyAs {
        /// In which language.
        language: Language,
        /// The session's number.
        session: u32,
        /// Which of its messages; all that the client sent where none are said.
        numbers: Option<Vec<u64>>,
    },
    /// The payload under the cursor goes into a file.
    SavePayload(PathBuf),
    /// A recording of what was chosen goes into a file.
    SaveRecording(PathBuf, Chosen),
    /// The rule of that name holds no more, or holds again.
    SwitchRule(Arc<str>),
    /// A session's client part is played to a server, and shown beside it.
    Play(u32, Target),
}

impl App {
    /// Takes in one key, by its name.
    pub fn key(&mut self, key: &str, page: &Page) -> Option<Effect> {
        self.notice = None;
        self.seeking = None;
        self.touched = true;
        if self.leaving {
            return self.answer_leaving(key, page);
        }
        if self.editor.is_some() {
            return self.edit(key);
        }
        if let Some(input) = &mut self.input {
            let purpose = input.purpose;
            let history = self.histories.entry(purpose).or_default();
            return match input.key(key, history) {
                Typed::Going => None,
                Typed::Dropped => {
                    self.input = None;
                    None
                }
                Typed::Done(text) => self.entered(purpose, &text, page),
            };
        }
        if self.composer.is_some() {
            return self.compose_key(key, page);
        }
        let binding = match self.comparison {
            Some(_) => actions::binding_in_comparison(key),
            None => actions::binding(key, self.focus),
        };
        match binding {
            Some(binding) => self.act(binding.action, None, page),
            None if key.is_empty() => None,
            None => {
                self.say(format!("{key} does nothing here; ? shows what does"));
                None
            }
        }
    }

    /// Takes in what was pasted.
    pub fn paste(&mut self, text: &str) {
        if let Some(editor) = &mut self.editor {
            editor.paste(text);
        } else if let Some(input) = &mut self.input {
            input.paste(text);
        } else if let Some(composer) = &mut self.composer {
            composer.line.paste(text);
        }
    }

    /// Takes over what the page settled: the rows that the cursors are really on.
    pub(super) fn settle(&mut self, page: &Page) {
        self.flow = page.chosen.as_ref().map(|summary| summary.flow);
        self.flows_top = page.flows.top;
        self.scroll = page.detail.top;
        self.settle_comparison(page);
        let Some(summary) = &page.chosen else { return };
        if let Some(number) = page.messages.number {
            let fresh = Place {
                row: number,
                top: 0,
                follow: !summary.is_over() && summary.kind == FlowKind::Session,
            };
            let place = self.places.entry(summary.flow).or_insert(fresh);
            // A row that a filter hides is still the chosen one when the filter goes.
            if place.follow || self.filter.is_empty() && !self.hide_control {
                place.row = number;
            }
            place.top = page.messages.top_number;
        }
    }

    /// Where the user is among a session's messages, where they have been there.
    pub fn place(&self, flow: Flow) -> Option<Place> {
        self.places.get(&flow).copied()
    }

    /// The user is at that place of a session's messages now.
    pub(super) fn go_to_row(&mut self, flow: Flow, place: Place) {
        self.places.insert(flow, place);
    }

    /// Says something until the next key.
    pub fn say(&mut self, text: impl Into<String>) {
        self.notice = Some(Notice { text: text.into(), bad: false });
    }

    /// Says that something went wrong.
    pub fn complain(&mut self, text: impl Into<String>) {
        self.notice = Some(Notice { text: text.into(), bad: true });
    }

    /// Does what an action means, with the argument of a command if it was one.
    pub(super) fn act(&mut self, action: Action, argument: Option<&str>, page: &Page) -> Option<Effect> {
        if self.act_on_sheet(action, page) || self.act_on_comparison(action, page) {
            return None;
        }
        match action {
            Action::Down
            | Action::Up
            | Action::HalfDown
            | Action::HalfUp
            | Action::PageDown
            | Action::PageUp
            | Action::First
            | Action::Last => self.travel(action, page),
            Action::Open => self.open(page),
            Action::Back => self.back(),
            Action::NextPane => self.cycle_pane(1, page),
            Action::PreviousPane => self.cycle_pane(-1, page),
            Action::NextMessage => self.move_message(1, page),
            Action::PreviousMessage => self.move_message(-1, page),
            Action::Tab(tab) => self.show_tab(tab),
            Action::NextTab => self.show_tab(page.detail.tab.step(1)),
            Action::PreviousTab => self.show_tab(page.detail.tab.step(-1)),
            Action::View => self.change_view(argument),
            Action::Search => self.ask(Purpose::Search, argument, page),
            Action::SearchNext => self.seek(Seek::Next),
            Action::SearchPrevious => self.seek(Seek::Previous),
            Action::Filter if self.focus == Pane::Sessions => {
                self.ask(Purpose::SessionFilter, argument, page);
            }
            Action::Filter => self.ask(Purpose::Filter, argument, page),
            Action::Follow => self.toggle_follow(page),
            Action::Pause => self.toggle(
                |app| &mut app.paused,
                "the view is held still; p lets it go",
                "the view moves again",
            ),
            Action::Control => self.toggle(
                |app| &mut app.hide_control,
                "control frames are hidden",
                "control frames are shown",
            ),
            Action::Http => {
                self.toggle(|app| &mut app.hide_http, "plain HTTP is hidden", "plain HTTP is shown");
            }
            Action::Sort => self.change_sort(argument),
            Action::Mark => self.toggle_mark(page),
            Action::NextMark => self.next_mark(page),
            Action::Command => self.ask(Purpose::Command, argument, page),
            Action::Help => self.sheet = Some(Sheet::new(SheetKind::Help)),
            Action::Notes => self.sheet = Some(Sheet::new(SheetKind::Notes)),
            Action::Output => self.sheet = Some(Sheet::at_end(SheetKind::Output)),
            Action::Rules => self.sheet = Some(Sheet::new(SheetKind::Rules)),
            Action::Compare => self.compare(argument, page),
            _ => return self.effect(action, argument, page),
        }
        None
    }

    /// Actions that the world outside has a part in.
    fn effect(&mut self, action: Action, argument: Option<&str>, page: &Page) -> Option<Effect> {
        match action {
            Action::Send => self.compose(argument, page),
            Action::Resend => self.resend(argument, page),
            Action::Hold(action) => self.act_on_held(action, argument, page),
            Action::Copy => Some(Effect::Copy),
            Action::CopyAs => self.copy_as(argument, page),
            Action::SavePayload => self.file(Purpose::PayloadFile, argument, page),
            Action::SaveRecording => self.save_chosen(argument, page),
            Action::SaveAll => self.save_listed(argument, page),
            Action::Play => self.play(argument, page),
            Action::SwitchRule => self.switch_rule(argument, page),
            Action::Kill => self.kill(page),
            Action::Clear => Some(Effect::Clear),
            Action::Redraw => Some(Effect::Redraw),
            Action::Suspend => Some(Effect::Suspend),
            Action::Quit => self.quit(page),
            // All others stay on the screen.
            _ => None,
        }
    }

    fn toggle(&mut self, switch: fn(&mut App) -> &mut bool, on: &str, off: &str) {
        let switch = switch(self);
        *switch = !*switch;
        let words = if *switch { on } else { off };
        self.say(words);
    }

    fn open(&mut self, page: &Page) {
        let Some(summary) = &page.chosen else { return };
        match self.focus {
            Pane::Sessions => {
                self.zoom = Zoom::Session;
                self.focus = if page.messages.length == 0 { Pane::Detail } else { Pane::Messages };
            }
            Pane::Messages => {
                self.follow(summary.flow, page, false);
                self.zoom = Zoom::Detail;
                self.focus = Pane::Detail;
            }
            Pane::Detail if self.zoom == Zoom::Detail => self.zoom = Zoom::Session,
            Pane::Detail => self.zoom = Zoom::Detail,
            Pane::Held => (self.zoom, self.focus) = (Zoom::Detail, Pane::Detail),
        }
    }

    fn back(&mut self) {
        match (self.zoom, self.focus) {
            (_, Pane::Held) => self.leave_held(),
            (Zoom::Detail, _) => (self.zoom, self.focus) = (Zoom::Session, Pane::Messages),
            (Zoom::Session, _) => (self.zoom, self.focus) = (Zoom::All, Pane::Sessions),
            (Zoom::All, Pane::Detail) => self.focus = Pane::Messages,
            (Zoom::All, Pane::Messages) => self.focus = Pane::Sessions,
            (Zoom::All, Pane::Sessions) if self.search.is_some() => {
                self.search = None;
                self.say("the search is forgotten");
            }
            (Zoom::All, Pane::Sessions) => self.say("nothing to go back to; Q quits"),
        }
    }

    fn cycle_pane(&mut self, steps: isize, page: &Page) {
        let first = match self.zoom {
            Zoom::All => 0,
            Zoom::Session => 1,
            Zoom::Detail => 2,
        };
        let is_held = !page.waiting.order.is_empty() || self.focus == Pane::Held;
        let panes = &Pane::ALL[first..if is_held { 4 } else { 3 }];
        let at = panes.iter().position(|&pane| pane == self.focus).unwrap_or(0) as isize;
        let to = panes[(at + steps).rem_euclid(panes.len() as isize) as usize];
        if to == Pane::Held && self.focus != Pane::Held {
            self.holding.before = self.focus;
        }
        self.focus = to;
    }

    fn show_tab(&mut self, tab: Tab) {
        if self.tab != tab {
            (self.tab, self.scroll) = (tab, 0);
        }
    }

    fn change_view(&mut self, argument: Option<&str>) {
        let next = match (argument, self.view) {
            (Some("auto"), _) => None,
            (Some(name), _) => match View::from_name(name) {
                Some(view) => Some(view),
                None => {
                    return self
                        .complain(format!("no view is called {name}: {}", choices("[NAME]", "").join(", ")));
                }
            },
            (None, None) => Some(View::ALL[0]),
            (None, Some(view)) => Some(view.next()).filter(|&next| next != View::ALL[0]),
        };
        self.view = next;
        self.scroll = 0;
        match next {
            None => self.say("payloads are read by their content"),
            Some(view) => self.say(format!("payloads are read as {}", view.name())),
        }
        if self.tab != Tab::Pretty {
            self.tab = Tab::Pretty;
        }
    }

    fn change_sort(&mut self, argument: Option<&str>) {
        let at = Sort::ALL.iter().position(|&sort| sort == self.sort).unwrap_or(0);
        self.sort = match argument {
            None => Sort::ALL[(at + 1) % Sort::ALL.len()],
            Some(name) => match Sort::ALL.into_iter().find(|sort| sort.name() == name) {
                Some(sort) => sort,
                None => {
                    return self.complain(format!(
                        "no order is called {name}: {}",
                        choices("[COLUMN]", "").join(", ")
                    ));
                }
            },
        };
        self.say(format!("sessions are sorted by: {}; g goes to the first", self.sort.name()));
    }

    /// Whether the keys are in the list of sessions, and the chosen one is not: says so, for what is done to it is
    /// better done in sight.
    pub(super) fn is_hidden(&mut self, page: &Page) -> bool {
        let hidden = self.focus == Pane::Sessions && page.flows.cursor.is_none();
        let Some(summary) = page.chosen.as_ref().filter(|_| hidden) else { return false };
        self.say(format!("#{} is not in this list; j and k choose", summary.flow));
        true
    }

    fn kill(&mut self, page: &Page) -> Option<Effect> {
        if self.is_hidden(page) {
            return None;
        }
        match &page.chosen {
            Some(summary) if !summary.is_over() => return Some(Effect::Kill(summary.flow)),
            Some(summary) => self.say(format!("#{} is over already", summary.flow)),
            None => self.say("no session is chosen"),
        }
        None
    }

    /// The place of a session, made where there is none.
    pub(super) fn place_mut(&mut self, flow: Flow, page: &Page) -> &mut Place {
        let row = page.messages.number.unwrap_or(1);
        self.places.entry(flow).or_insert(Place { row, top: page.messages.top_number, follow: false })
    }
}
