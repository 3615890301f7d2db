//! `w` and `W`: which sessions are saved as a recording, what for a file is proposed, and what is said of it.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::app::{App, Effect};
use super::input::Purpose;
use super::page::Page;
use super::text;
use crate::capture::{Flow, FlowKind};
use crate::headless::{Chosen, Saved};

/// What a name is being asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Saving {
    chosen: Chosen,
    /// `session 3`.
    what: String,
    /// The name that is proposed.
    file: String,
}

impl Saving {
    /// Those that are marked, or else the one under the cursor.
    fn chosen(app: &App, page: &Page) -> Option<Saving> {
        let marked: BTreeSet<Flow> =
            app.marks.iter().filter(|(_, row)| *row == 0).map(|(flow, _)| *flow).collect();
        match (marked.len(), marked.first()) {
            (0, _) => page.chosen.as_ref().map(|summary| Saving::one(summary.flow, summary.kind)),
            (1, Some(Flow::Session(_))) => marked.first().map(|flow| Saving::one(*flow, FlowKind::Session)),
            (1, Some(Flow::Exchange(_))) => marked.first().map(|flow| Saving::one(*flow, FlowKind::Exchange)),
            (count, _) => Some(Saving {
                what: format!("the {count} that are marked"),
                file: "sessions.jsonl".to_owned(),
                chosen: Chosen::These(marked),
            }),
        }
    }

    fn one(flow: Flow, kind: FlowKind) -> Saving {
        let (name, number) = match (flow, kind) {
            (Flow::Exchange(number), _) => ("exchange", number),
            (Flow::Session(number), FlowKind::Tunnel) => ("tunnel", number),
            (Flow::Session(number), _) => ("session", number),
        };
        Saving {
            what: format!("{name} {number}"),
            file: format!("{name}-{number}.jsonl"),
            chosen: Chosen::These(BTreeSet::from([flow])),
        }
    }

    /// All that the list shows: where it hides nothing, all that the log holds, with what was before.
    fn listed(page: &Page) -> Saving {
        let flows = &page.flows;
        let (chosen, what) = match flows.hidden {
            0 => (Chosen::All, "all that the log holds".to_owned()),
            _ => (
                Chosen::These(flows.order.iter().copied().collect()),
                format!("the {} that are listed", flows.order.len()),
            ),
        };
        Saving { chosen, what, file: "recording.jsonl".to_owned() }
    }
}

impl App {
    /// Asks for the file in which the chosen sessions are saved, or takes the one that a command brought.
    pub(super) fn save_chosen(&mut self, file: Option<&str>, page: &Page) -> Option<Effect> {
        match Saving::chosen(self, page) {
            Some(saving) => self.save(saving, file, page),
            None => {
                self.say("no session is chosen");
                None
            }
        }
    }

    /// The same for all that are listed.
    pub(super) fn save_listed(&mut self, file: Option<&str>, page: &Page) -> Option<Effect> {
        self.save(Saving::listed(page), file, page)
    }

    fn save(&mut self, saving: Saving, file: Option<&str>, page: &Page) -> Option<Effect> {
        if page.empty {
            self.say("there is nothing to save yet");
            return None;
        }
        self.saving = Some(saving);
        match file {
            Some(file) => self.save_as(file),
            None => {
                self.ask(Purpose::RecordingFile, None, page);
                None
            }
        }
    }

    /// The name that is proposed.
    pub(super) fn recording_file(&self) -> String {
        self.saving.as_ref().map(|saving| saving.file.clone()).unwrap_or_default()
    }

    /// What is asked for while a name is typed.
    pub(super) fn recording_prompt(&self) -> String {
        format!("save {} as: ", self.saving.as_ref().map_or("a recording", |saving| &saving.what))
    }

    /// A name was given.
    pub(super) fn save_as(&mut self, file: &str) -> Option<Effect> {
        let saving = self.saving.take().filter(|_| !file.is_empty())?;
        Some(Effect::SaveRecording(PathBuf::from(file), saving.chosen))
    }
}

/// `2 sessions, 1 exchange, 87 messages`.
pub(super) fn words(saved: Saved) -> String {
    let mut parts = Vec::new();
    for (count, name) in [(saved.sessions, "session"), (saved.exchanges, "exchange")] {
        if count > 0 {
            parts.push(text::plural(count, name));
        }
    }
    if saved.messages > 0 || parts.is_empty() {
        parts.push(text::plural(saved.messages, "message"));
    }
    parts.join(", ")
}
