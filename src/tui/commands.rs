//! What typed lines do: filters, searches, commands with their arguments, file names.

use std::path::PathBuf;

use super::actions::{self, Binding, Pane};
use super::app::{App, Effect, Seek};
use super::hold::HoldAction;
use super::input::{Input, Purpose};
use super::page::Page;
use super::sort::Sort;
use crate::capture::Flow;
use crate::decode::View;
use crate::filter::Filter;
use crate::interchange::code::Language;

impl App {
    /// Opens the line at the bottom, or takes an argument that a command brought.
    pub(super) fn ask(&mut self, purpose: Purpose, argument: Option<&str>, page: &Page) {
        if let Some(argument) = argument {
            self.take(purpose, argument);
            return;
        }
        let present = match purpose {
            Purpose::Filter => self.filter.source().to_owned(),
            Purpose::SessionFilter => self.flow_filter.source().to_owned(),
            Purpose::PayloadFile => payload_file(page),
            Purpose::RecordingFile => self.recording_file(),
            Purpose::Hold => self.holding.filter.source().to_owned(),
            Purpose::Close => "1000 ".to_owned(),
            Purpose::Refuse => "403 Forbidden".to_owned(),
            Purpose::Search | Purpose::Command | Purpose::Send | Purpose::CopyAs | Purpose::Server => {
                String::new()
            }
        };
        let input = Input::new(purpose, &present, self.histories.entry(purpose).or_default());
        self.input = Some(match purpose {
            Purpose::RecordingFile => input.asking(self.recording_prompt()),
            Purpose::Server => input.asking(self.server_prompt()),
            _ => input,
        });
    }

    pub(super) fn file(&mut self, purpose: Purpose, argument: Option<&str>, page: &Page) -> Option<Effect> {
        if purpose == Purpose::PayloadFile && page.messages.number.is_none() {
            self.say("no message is chosen");
            return None;
        }
        match argument {
            None => self.ask(purpose, None, page),
            Some(name) => return file_effect(name),
        }
        None
    }

    /// The chosen session as code: all of it from the list of sessions, else the message under the cursor or the marked
    /// ones.
    pub(super) fn copy_as(&mut self, argument: Option<&str>, page: &Page) -> Option<Effect> {
        let Some(summary) = &page.chosen else {
            self.say("no session is chosen");
            return None;
        };
        let Flow::Session(session) = summary.flow else {
            self.say("plain HTTP is not written as code");
            return None;
        };
        let Some(name) = argument else {
            self.ask(Purpose::CopyAs, None, page);
            return None;
        };
        let Some(language) = Language::from_name(name.trim()) else {
            self.complain(format!("no language is called {name}: {}", choices("[LANGUAGE]", "").join(", ")));
            return None;
        };
        let number = page.messages.number.filter(|_| self.focus != Pane::Sessions);
        let numbers = number.map(|number| self.meant(summary.flow, number));
        Some(Effect::CopyAs { language, session, numbers })
    }

    /// The line at the bottom is done.
    pub(super) fn entered(&mut self, purpose: Purpose, text: &str, page: &Page) -> Option<Effect> {
        if let Some(complaint) = self.input.as_ref().and_then(Input::complaint) {
            // The line stays, to be mended.
            self.complain(complaint);
            return None;
        }
        self.input = None;
        let history = self.histories.entry(purpose).or_default();
        if !text.trim().is_empty() && history.last().map(String::as_str) != Some(text) {
            history.push(text.to_owned());
        }
        match purpose {
            Purpose::Command => {
                let (name, argument) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
                let binding = actions::command(name)?;
                self.command(binding, argument.trim(), page)
            }
            Purpose::PayloadFile => file_effect(text.trim()),
            Purpose::RecordingFile => self.save_as(text.trim()),
            Purpose::Hold => self.hold(text, page),
            Purpose::Close => self.act_on_held(HoldAction::Close, Some(text), page),
            Purpose::Refuse => self.act_on_held(HoldAction::Refuse, Some(text), page),
            Purpose::Server => self.play_to(text),
            Purpose::Filter | Purpose::SessionFilter | Purpose::Search => {
                self.take(purpose, text);
                None
            }
            Purpose::CopyAs => self.copy_as(Some(text), page),
            Purpose::Send => None,
        }
    }

    fn command(&mut self, binding: &'static Binding, argument: &str, page: &Page) -> Option<Effect> {
        if !argument.is_empty() && binding.argument.is_empty() {
            self.complain(format!(":{} takes nothing behind it", binding.command));
            return None;
        }
        // `:filter` with nothing behind it shows all again; as a key it opens the line.
        let argument = (!argument.is_empty() || binding.argument == "[EXPR]").then_some(argument);
        self.act(binding.action, argument, page)
    }

    /// A filter or a search was given.
    fn take(&mut self, purpose: Purpose, text: &str) {
        let filter = match Filter::parse(text.trim()) {
            Ok(filter) => filter,
            Err(error) => return self.complain(format!("column {}: {}", error.column, error.message)),
        };
        match purpose {
            Purpose::Filter => self.filter = filter,
            Purpose::SessionFilter => self.flow_filter = filter,
            _ if filter.is_empty() => self.search = None,
            _ => {
                self.search = Some(filter);
                self.seek(Seek::Next);
            }
        }
    }
}

/// What an argument written as `spec` could be, of the words that begin with `typed`.
pub(super) fn choices(spec: &str, typed: &str) -> Vec<String> {
    let words: Vec<&str> = match spec {
        "[NAME]" => std::iter::once("auto").chain(View::ALL.iter().map(|view| view.name())).collect(),
        "[COLUMN]" => Sort::ALL.iter().map(|sort| sort.name()).collect(),
        "[LANGUAGE]" => Language::ALL.map(Language::name).to_vec(),
        "[to END]" => vec!["to server", "to client"],
        _ => Vec::new(),
    };
    words.into_iter().filter(|word| word.starts_with(typed)).map(str::to_owned).collect()
}

fn file_effect(name: &str) -> Option<Effect> {
    (!name.is_empty()).then(|| Effect::SavePayload(PathBuf::from(name)))
}

/// A name for the payload under the cursor.
fn payload_file(page: &Page) -> String {
    let flow = page.chosen.as_ref().map_or(String::new(), |summary| summary.flow.to_string());
    let number = page.messages.number.unwrap_or_default();
    let row = page.messages.rows.iter().find(|row| row.number == number);
    let text = row.is_some_and(|row| row.kind == "text" || row.kind == "request" || row.kind == "response");
    let ending = match row.map(|row| row.what.trim_start()) {
        Some(what) if text && what.starts_with(['{', '[']) => "json",
        _ if text => "txt",
        _ => "bin",
    };
    format!("session-{flow}-message-{number}.{ending}")
}
