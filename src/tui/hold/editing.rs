//! Editing what is held: how it comes into the editor, and what becomes of it there.

use bytes::Bytes;

use super::gather::{head_of, subject_of};
use super::{HoldAction, HoldEffect};
use crate::capture::{Held, Log};
use crate::control::Verdict;
use crate::tui::app::{App, Effect};
use crate::tui::edit::{Edited, Editor, Edits, IN_PLACE};
use crate::tui::{text, words};

/// As much as a program of the user's is given.
const OUTSIDE: u64 = 16 << 20;

impl App {
    /// One key for the editor.
    pub(in crate::tui) fn edit(&mut self, key: &str) -> Option<Effect> {
        let edited = self.editor.as_mut()?.key(key);
        self.take_edited(edited)
    }

    fn take_edited(&mut self, edited: Edited) -> Option<Effect> {
        match edited {
            Edited::Going => None,
            Edited::Outside => Some(Effect::Hold(HoldEffect::TakeOutside)),
            Edited::Left => {
                let held = self.editor.take().is_some_and(|editor| editor.held().is_some());
                self.say(if held { "nothing was changed; it is still held" } else { "nothing was saved" });
                None
            }
            Edited::Done(octets) => {
                let editor = self.editor.take()?;
                let was = editor.original_size();
                let became = |new: &Bytes| {
                    format!("goes on changed: {} became {}", text::size(was), text::size(new.len() as u64))
                };
                let (held, verdict, became) = match (editor.edits, octets) {
                    (Edits::Rule, rule) => {
                        let rule = String::from_utf8_lossy(&rule.unwrap_or_default()).into_owned();
                        return Some(Effect::Hold(HoldEffect::AddRule(rule)));
                    }
                    (Edits::Message { held, .. } | Edits::Handshake { held }, None) => {
                        (held, Verdict::Forward, "goes on as it was".to_owned())
                    }
                    (Edits::Message { held, opcode }, Some(new)) => {
                        let became = became(&new);
                        (held, Verdict::Replace(opcode, new), became)
                    }
                    (Edits::Handshake { held }, Some(new)) => {
                        let became = became(&new);
                        (held, Verdict::ReplaceHead(new), became)
                    }
                };
                let words = format!("{} {became}", editor.title);
                Some(Effect::Hold(HoldEffect::Settle(held, verdict, words)))
            }
        }
    }

    /// Opens what is held in the editor; false, and says why, where that cannot be. `action` says whose editor it is for.
    pub(in crate::tui) fn open_editor(&mut self, log: &Log, held: &Held, action: HoldAction) -> bool {
        let opened = match held.message {
            None => {
                let head = head_of(log, held.session);
                if head.is_empty() {
                    Err("its request has left the log".to_owned())
                } else {
                    Ok(editor_of_head(held, head))
                }
            }
            Some(number) => editor_of_message(log, held, number, action),
        };
        match opened {
            Ok(mut editor) => {
                editor.in_passing = action == HoldAction::EditOutside;
                self.editor = Some(editor);
                true
            }
            Err(why) => {
                self.complain(format!("{} cannot be edited: {why}", subject_of(held)));
                false
            }
        }
    }

    /// A program of the user's has edited what is in the editor, or failed to. What came straight from the list goes on
    /// at once where nothing is wrong with it.
    pub(in crate::tui) fn edited_outside(&mut self, result: Result<String, String>) -> Option<Effect> {
        let editor = self.editor.as_mut()?;
        let in_passing = std::mem::take(&mut editor.in_passing);
        let held = if editor.held().is_some() { "; it is still held" } else { "" };
        match result {
            Err(why) => {
                if in_passing {
                    self.editor = None;
                }
                self.complain(format!("{why}{held}"));
                None
            }
            Ok(text) => {
                editor.edited_outside(&text);
                if !in_passing || editor.complaint().is_some() {
                    return None;
                }
                let edited = if editor.is_changed() { editor.key("ctrl-s") } else { Edited::Left };
                self.take_edited(edited)
            }
        }
    }
}

fn editor_of_head(held: &Held, head: Bytes) -> Editor {
    Editor::of_head(held.held, head, subject_of(held))
}

fn editor_of_message(log: &Log, held: &Held, number: u64, action: HoldAction) -> Result<Editor, String> {
    let message = match log.message(held.session, number) {
        Ok(Some(message)) => message,
        Ok(None) => return Err("it has left the log".to_owned()),
        Err(error) => return Err(format!("the log cannot be read: {error}")),
    };
    if message.payload.len() < message.size {
        return Err(format!("only {} of it were kept", text::size(message.payload.len())));
    }
    if action == HoldAction::Edit && message.size > IN_PLACE as u64 {
        return Err(format!("{} are too much for here; E opens them in $EDITOR", text::size(message.size)));
    }
    if message.size > OUTSIDE {
        return Err(format!("{} are too much", text::size(message.size)));
    }
    let payload = log.read(&message.payload, 0, message.size as usize);
    let payload = payload.map_err(|error| format!("the log cannot be read: {error}"))?;
    let opcode = words::opcode_of(message.kind);
    Ok(Editor::of_message(held.held, opcode, payload, subject_of(held)))
}
