//! Switches rules off and on as the user wishes.

use super::Desk;
use crate::control::{Command, Outcome, Switch};
use crate::decode::visible;
use crate::rules::Standing;

impl Desk<'_> {
    /// The rule of that name holds no more, or, where it was switched off, holds again.
    pub(super) fn switch_rule(&mut self, name: &str) {
        let Some(controller) = &self.outside.controller else {
            return self.console.say("no rule holds here: this is a recording");
        };
        let shown = visible(name);
        let rules = controller.rules();
        let standing = rules.listed().into_iter().find(|rule| rule.name == name).map(|rule| rule.standing);
        let to = match standing {
            None => return self.console.complain(format!("no rule that holds is called {shown}")),
            Some(Standing::Off) => {
                return self.console.say(format!("{shown} is off in its file: change it there"));
            }
            Some(Standing::SwitchedOff) => Switch::On,
            Some(Standing::Holds | Standing::UsedUp | Standing::UsedUpIn(_)) => Switch::Off,
        };
        let words = match (controller.send(Command::Switch { rule: name.into(), to }), to) {
            (Outcome::Done, Switch::On) => format!("{shown} holds again, and counts anew in each session"),
            (Outcome::Done, Switch::Off) => {
                format!("{shown} is switched off until u or the end; its file is as it was")
            }
            (Outcome::NotThere, _) => format!("{shown} is not there any more"),
        };
        self.console.say(words);
    }
}
