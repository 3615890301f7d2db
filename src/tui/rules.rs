//! The sheet of rules: which hold, what they are, and how often each acted; and the way from one to what it acted on.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use super::actions::Pane;
use super::app::{App, Effect, Place, Zoom};
use super::document::pair;
use super::page::Page;
use super::sheet::{Sheet, SheetKind};
use super::theme::{Look, Words};
use super::{hold, text, timing};
use crate::capture::{Flow, Log, RuleActs, Stamp};
use crate::control::Controller;
use crate::decode::visible;
use crate::filter::Filter;
use crate::headless::text as headless;
use crate::rules::{Listed, RuleSet, Standing};

/// The rules as far as the screen shows them.
#[derive(Clone, Debug, Default)]
pub struct Ruling {
    /// How many hold now.
    pub holding: usize,
    /// Why the file of rules cannot be taken as it is now.
    pub fault: Option<Arc<str>>,
    /// Those on the sheet, while it is shown.
    pub rows: Vec<RuleRow>,
    /// The lines of the sheet, while it is shown.
    pub(super) lines: Vec<Words>,
}

/// A rule on the sheet.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleRow {
    /// Its name.
    pub name: Arc<str>,
    /// What it did so far; none where that is nothing.
    pub acts: Option<RuleActs>,
    /// Its lines on the sheet.
    pub lines: Range<usize>,
}

impl Ruling {
    /// Of a proxy that takes rules; nothing where a recording is looked at.
    pub(super) fn of(controller: Option<&Controller>) -> Ruling {
        let Some(controller) = controller else { return Ruling::default() };
        let (holding, fault) = (controller.rules().names().count(), controller.rules_fault());
        Ruling { holding, fault, ..Ruling::default() }
    }

    /// The same with what is on the sheet, at `now`.
    pub(super) fn on_sheet(
        self,
        controller: Option<&Controller>,
        (log, now): (&Log, Stamp),
        columns: usize,
    ) -> Ruling {
        let rules = controller.map(Controller::rules).unwrap_or_default();
        let acts = log.rule_acts();
        let mut acted: HashMap<Arc<str>, RuleActs> =
            acts.iter().map(|acts| (Arc::clone(&acts.name), acts.clone())).collect();
        let mut sheet = Lines { ruling: self, log, now, columns };
        sheet.heading(&rules);
        let listed = rules.listed();
        for rule in &listed {
            sheet.rule(rule, acted.remove(rule.name));
        }
        // In the order of their first acts.
        let gone: Vec<RuleActs> = acts.into_iter().filter(|acts| acted.contains_key(&acts.name)).collect();
        if !gone.is_empty() && !log.is_closed() {
            sheet.add(vec![]);
            sheet.add(vec![(Look::Heading, " Rules that acted, and hold no more".to_owned())]);
        }
        let is_nothing = listed.is_empty() && gone.is_empty();
        gone.into_iter().for_each(|acts| sheet.gone(acts));
        if is_nothing {
            sheet.nothing();
        }
        sheet.ruling
    }
}

/// The sheet as it is made.
struct Lines<'a> {
    ruling: Ruling,
    log: &'a Log,
    now: Stamp,
    columns: usize,
}

/// What the names of a rule's parts take.
const PART: usize = 6;
/// How wide a rule's first line is at the most.
const WIDEST: usize = 100;
/// How many lines each of them takes at the most.
const MOST_LINES: usize = 3;

impl Lines<'_> {
    fn add(&mut self, line: Words) {
        self.ruling.lines.push(line);
    }

    fn heading(&mut self, rules: &RuleSet) {
        self.add(Words::new());
        let title = match self.log.is_closed() {
            true => " Rules that acted in this recording, in the order in which they began to".to_owned(),
            false => " Rules, in the order in which they act".to_owned(),
        };
        let source = match rules.source() {
            Some(file) => format!("   {}", visible(file)),
            None if rules.listed().is_empty() => String::new(),
            None => "   set by a command".to_owned(),
        };
        self.add(vec![(Look::Heading, title), (Look::Dim, source)]);
        let Some(fault) = self.ruling.fault.clone() else { return };
        let what = format!("{fault}; the rules from before still hold");
        let lines =
            super::document::sentence(Look::Bad, "   ✗", &visible(&what), self.columns.saturating_sub(2));
        self.ruling.lines.extend(lines);
    }

    fn nothing(&mut self) {
        let how = match self.log.is_closed() {
            true => "   None did, as far as the recording tells.",
            false => "   None hold. --rules FILE reads some from a file, + makes one of a message.",
        };
        self.add(vec![(Look::Dim, how.to_owned())]);
    }

    /// A rule that the file lists.
    fn rule(&mut self, rule: &Listed<'_>, acts: Option<RuleActs>) {
        let start = self.ruling.lines.len();
        let is_off = matches!(rule.standing, Standing::Off | Standing::SwitchedOff | Standing::UsedUp);
        let standing = match rule.standing {
            Standing::Off => Some("off in the file".to_owned()),
            Standing::SwitchedOff => Some("switched off by hand".to_owned()),
            Standing::UsedUp => Some("used up".to_owned()),
            Standing::UsedUpIn(_) | Standing::Holds => None,
        };
        let told = match (&acts, &rule.standing) {
            (Some(acts), _) => Some(self.acted(acts)),
            (None, Standing::Off | Standing::SwitchedOff) => None,
            (None, _) => Some("has not acted".to_owned()),
        };
        let told = standing.into_iter().chain(told).collect::<Vec<_>>().join(" · ");
        self.title(rule.name, if is_off { ("○", Look::Dim) } else { ("●", Look::Good) }, &told);
        let when = rule.when.source().trim();
        self.part("when", if when.is_empty() { "everything" } else { when });
        self.part("then", rule.then);
        let used_up = match rule.standing {
            Standing::UsedUpIn(sessions) => format!("; used up in {}", text::plural(sessions, "session")),
            _ => String::new(),
        };
        if !rule.pace.is_empty() {
            self.part("acts", &format!("{}{used_up}", rule.pace));
        }
        self.end(rule.name.into(), acts, start);
    }

    /// One that is known by what it did alone.
    fn gone(&mut self, acts: RuleActs) {
        let start = self.ruling.lines.len();
        let told = self.acted(&acts);
        let sign = if self.log.is_closed() { "●" } else { "○" };
        self.title(&acts.name.clone(), (sign, Look::Dim), &told);
        let mut did: Vec<&str> = headless::words_of(acts.deeds).collect();
        // A message that it sent tells that by itself.
        if acts.sent > 0 && !did.contains(&"sent") {
            did.push("sent");
        }
        self.part("did", &did.join(", "));
        self.end(Arc::clone(&acts.name), Some(acts), start);
    }

    fn end(&mut self, name: Arc<str>, acts: Option<RuleActs>, start: usize) {
        let lines = start..self.ruling.lines.len();
        self.ruling.rows.push(RuleRow { name, acts, lines });
    }

    fn title(&mut self, name: &str, (sign, look): (&str, Look), told: &str) {
        // Wide screens do not tear a rule from its counts.
        let room = self.columns.min(WIDEST).saturating_sub(6);
        let name = visible(name);
        let told = text::cut(told, room.saturating_sub(text::width(&name).min(room / 3) + 2));
        let name = text::left(&name, room.saturating_sub(text::width(&told) + 2));
        self.add(vec![
            (look, format!("   {sign} ")),
            (Look::Accent, format!("{name}  ")),
            (Look::Text, told),
        ]);
    }

    fn part(&mut self, name: &str, value: &str) {
        let columns = self.columns.saturating_sub(2);
        let most = columns.saturating_sub(PART + 5) * MOST_LINES;
        let value = text::cut(&visible(value), most);
        let lines = pair((&format!("     {name}"), PART + 5), Look::Text, &value, columns);
        self.ruling.lines.extend(lines.into_iter().take(MOST_LINES + 1));
    }

    /// `14 messages in 2 sessions, 3s ago`.
    fn acted(&self, acts: &RuleActs) -> String {
        let mut what = Vec::new();
        if acts.messages > 0 {
            what.push(text::plural(acts.messages, "message"));
        }
        if acts.sent > 0 {
            what.push(format!("{} sent", text::count(acts.sent)));
        }
        let sessions = text::plural(acts.sessions, "session");
        let what = if what.is_empty() { sessions } else { format!("{} in {sessions}", what.join(", ")) };
        match timing::wall_clock(self.log, acts.last).filter(|_| self.log.is_closed()) {
            Some(clock) => format!("{what}, last {clock}"),
            None => format!("{what}, {} ago", text::age(self.now.since(acts.last))),
        }
    }
}

impl App {
    /// To what the rule acted on that is chosen on the sheet: the lists show that alone.
    pub(super) fn show_ruled(&mut self, chosen: usize, page: &Page) {
        let Some(row) = page.rules.rows.get(chosen) else { return };
        let Some(acts) = &row.acts else {
            return self.say(format!("{} has not acted on anything yet", visible(&row.name)));
        };
        let filter = match Filter::parse(&format!("rule={}", hold::quoted(&row.name))) {
            Ok(filter) => filter,
            Err(error) => return self.complain(format!("no filter finds it by its name: {error}")),
        };
        self.sheet = None;
        self.comparison = None;
        self.zoom = Zoom::All;
        self.follow_flows = false;
        self.flow_filter = filter.clone();
        let (session, message) = acts.message.map_or((acts.session, None), |(of, number)| (of, Some(number)));
        let flow = Flow::Session(session);
        (self.flow, self.scroll) = (Some(flow), 0);
        let Some(number) = message else {
            (self.focus, self.filter) = (Pane::Sessions, Filter::default());
            return self
                .say(format!("{} acted in these sessions; f enter shows all again", visible(&row.name)));
        };
        self.filter = filter;
        self.hide_control = false;
        self.focus = Pane::Messages;
        self.go_to_row(flow, Place { row: number, top: number, follow: false });
        self.say(format!("{} acted on these; f enter in each list shows all again", visible(&row.name)));
    }

    /// Has the rule of that name, or the one that is chosen on the sheet, switched off, or on again.
    pub(super) fn switch_rule(&mut self, name: Option<&str>, page: &Page) -> Option<Effect> {
        let sheet = self.sheet.filter(|sheet| sheet.kind == SheetKind::Rules);
        match (name, sheet) {
            (Some(name), _) => return Some(Effect::SwitchRule(name.into())),
            (None, Some(sheet)) => {
                let chosen = page.rules.rows.get(sheet.chosen)?;
                return Some(Effect::SwitchRule(Arc::clone(&chosen.name)));
            }
            (None, None) => {
                self.sheet = Some(Sheet::new(SheetKind::Rules));
                self.say("j and k choose a rule, u switches it off or on");
            }
        }
        None
    }
}
