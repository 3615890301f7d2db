//! Carries out what the user wants of what is held: commands to the network, and a program of the user's to edit with.

use std::io;

use super::screen::Screen;
use super::{Desk, Leave};
use crate::control::{Command, Outcome, Verdict};
use crate::tui::hold::HoldEffect;

impl Desk<'_> {
    /// Does what is asked about what is held.
    pub(super) fn hold(&mut self, effect: HoldEffect, screen: &mut Screen) -> io::Result<Option<Leave>> {
        match effect {
            HoldEffect::TakeOutside => return self.edit_outside(screen),
            // The console opens its editor by itself.
            HoldEffect::Edit(_) | HoldEffect::EditOutside(_) | HoldEffect::Rule(_) => return Ok(None),
            _ => {}
        }
        let Some(controller) = &self.outside.controller else {
            self.console.hold(None);
            self.console.say("nothing can be held here: this is a recording");
            return Ok(None);
        };
        match effect {
            HoldEffect::Wanted => {
                controller.send(Command::Hold(self.console.app().holding.wanted()));
            }
            HoldEffect::Settle(held, verdict, words) => {
                match controller.send(Command::Settle { held, verdict }) {
                    Outcome::Done => self.console.say(words),
                    Outcome::NotThere => self.console.complain("it is not held any more: it has gone on"),
                }
            }
            HoldEffect::ReleaseAll => {
                controller.send(Command::ReleaseAll { session: None });
                self.console.say("all that was held goes on");
            }
            HoldEffect::Close(session, code, reason) => {
                let outcome = controller.send(Command::Close { session, code: Some(code), reason });
                match outcome {
                    Outcome::Done => self.console.say(format!("#{session} is closed with {code}")),
                    Outcome::NotThere => self.console.say(format!("#{session} is over already")),
                }
            }
            HoldEffect::DropAndQuit(all) => {
                for held in all {
                    // What has gone on meanwhile needs no verdict.
                    let _ = controller.send(Command::Settle { held, verdict: Verdict::Drop });
                }
                return Ok(Some(Leave));
            }
            HoldEffect::AddRule(rule) => match self.outside.add_rule.as_ref().map(|add| add(&rule)) {
                Some(Ok(words)) => self.console.say(words),
                Some(Err(why)) => self.console.keep_rule(rule, &why),
                None => self.console.complain("no rules can be saved from here"),
            },
            HoldEffect::TakeOutside
            | HoldEffect::Edit(_)
            | HoldEffect::EditOutside(_)
            | HoldEffect::Rule(_) => {}
        }
        Ok(None)
    }

    /// Gives the terminal to a program of the user's, with what is being edited, and takes it back.
    fn edit_outside(&mut self, screen: &mut Screen) -> io::Result<Option<Leave>> {
        let Some((text, ending)) = self.console.outside() else { return Ok(None) };
        let result = match &self.outside.editor {
            None => Err("no editor can be started from here".to_owned()),
            Some(editor) => {
                self.keys.pause();
                screen.leave();
                let result = editor(&text, ending);
                self.signals.forget();
                screen.enter()?;
                self.keys.go_on();
                result
            }
        };
        match self.console.edited_outside(result) {
            Some(effect) => self.perform(effect, screen),
            None => Ok(None),
        }
    }
}
