//! The screens without a terminal: keys in, effects and drawings out. The run loop and the tests drive it alike.

use ratatui::Frame;
use ratatui::layout::Rect;

use super::About;
use super::actions::{Pane, When};
use super::app::{App, Effect, Seek, Zoom};
use super::draw::{self, Regions, View};
use super::edit::Editor;
use super::encores::Stage;
use super::gather::Gatherer;
use super::hold::{HoldAction, HoldEffect};
use super::page::Page;
use super::rules::Ruling;
use super::sent::Sent;
use super::sheet::{self, SheetKind};
use super::sifter::Sifter;
use super::theme::Theme;
use crate::capture::{Flow, Log, Payload, Program, Stamp, State, Summary};
use crate::control::Controller;
use crate::filter::Filter;
use crate::replay::Encore;

/// All of the screens' state over one log.
pub struct Console {
    log: Log,
    about: About,
    theme: Theme,
    app: App,
    page: Page,
    gatherer: Gatherer,
    area: Rect,
    stage: Stage,
    /// The notes that were announced.
    noted: u64,
    /// What the user sent, and is not in the log yet.
    sent: Sent,
    /// Whether the end of the program was announced.
    over: bool,
    /// Who knows the rules that hold.
    controller: Option<Controller>,
}

impl Console {
    /// Screens of `width` by `height` that look at `log`.
    pub fn new(log: Log, about: About, theme: Theme, (width, height): (u16, u16)) -> Console {
        let mut app = App::default();
        app.filter = about.filter.clone();
        let gatherer = Gatherer::new(log.clone());
        Console {
            log,
            about,
            theme,
            app,
            page: Page::default(),
            gatherer,
            area: Rect::new(0, 0, width, height),
            stage: Stage::default(),
            noted: 0,
            sent: Sent::default(),
            over: false,
            controller: None,
        }
    }

    /// What the user did so far.
    pub fn app(&self) -> &App {
        &self.app
    }

    /// What was last shown of what happened.
    pub fn page(&self) -> &Page {
        &self.page
    }

    /// The terminal has another size.
    pub fn resize(&mut self, width: u16, height: u16) {
        self.area = Rect::new(0, 0, width, height);
    }

    /// Takes in one key, by its name as in [`super::BINDINGS`].
    pub fn key(&mut self, key: &str) -> Option<Effect> {
        match self.app.key(key, &self.page)? {
            Effect::Hold(HoldEffect::Edit(held)) => {
                self.open_editor(held, HoldAction::Edit);
                None
            }
            Effect::Hold(HoldEffect::EditOutside(held)) => self
                .open_editor(held, HoldAction::EditOutside)
                .then_some(Effect::Hold(HoldEffect::TakeOutside)),
            Effect::Hold(HoldEffect::Rule(then)) => {
                self.app.begin_rule(&self.log, &self.page, &then);
                None
            }
            effect => Some(effect),
        }
    }

    fn open_editor(&mut self, held: u64, action: HoldAction) -> bool {
        let held = self.page.waiting.order.iter().find(|one| one.held == held);
        held.is_some_and(|held| self.app.open_editor(&self.log, held, action))
    }

    /// The text that a program of the user's is to edit, and the ending of a file for it.
    pub fn outside(&self) -> Option<(String, &'static str)> {
        self.app.editor.as_ref().map(|editor| (editor.text(), editor.file_ending()))
    }

    /// A program of the user's has edited that text, or failed to: why.
    pub fn edited_outside(&mut self, result: Result<String, String>) -> Option<Effect> {
        self.app.edited_outside(result)
    }

    /// A rule could not be saved: it stays in the editor, to be mended.
    pub(super) fn keep_rule(&mut self, rule: String, why: &str) {
        self.app.editor = Some(Editor::of_rule(rule));
        self.app.complain(why);
    }

    /// Shows the rules that hold by this controller's word.
    pub fn show_rules_of(&mut self, controller: Controller) {
        self.controller = Some(controller);
    }

    /// What is held was so before the screens came, or by somebody else.
    pub fn hold(&mut self, filter: Option<Filter>) {
        self.app.holding.on = filter.is_some();
        self.app.holding.filter = filter.unwrap_or_default();
    }

    /// Takes in what was pasted.
    pub fn paste(&mut self, text: &str) {
        self.app.paste(text);
    }

    /// Looks at the log anew, at `now`.
    pub fn refresh(&mut self, now: Stamp) {
        self.stage.look(&self.log, &mut self.app);
        self.compared();
        self.gather(now);
        if self.app.seeking.is_some() && self.sought() {
            self.gather(now);
        }
        let (width, height) = (self.area.width as usize, self.area.height.saturating_sub(2) as usize);
        if let Some(editor) = &mut self.app.editor {
            editor.settle(width, height);
        }
        self.rule(width);
        if let Some(sheet) = &mut self.app.sheet {
            let place = match self.app.comparison {
                Some(_) => When::Comparing,
                None => When::In(self.app.focus),
            };
            self.page.sheet = sheet.lines((&self.log, &self.page), &self.about, place, width);
            sheet.settle(self.page.sheet.len(), height);
            if sheet.kind == SheetKind::Rules {
                sheet.settle_rules(&self.page.rules.rows, height);
            }
        }
        self.compose_first();
        self.hear();
        if let Some(words) = self.sent.arrived(&self.log) {
            self.app.say(words);
        }
    }

    /// Shows a session that is being played again beside the one that it plays.
    pub fn begin(&mut self, encore: Encore) {
        self.stage.begin(encore, &mut self.app);
    }

    /// Looks at the rules; at what is on their sheet only while that is shown.
    fn rule(&mut self, columns: usize) {
        let rules = Ruling::of(self.controller.as_ref());
        let is_shown = self.app.sheet.is_some_and(|sheet| sheet.kind == SheetKind::Rules);
        self.page.rules = match is_shown {
            true => rules.on_sheet(self.controller.as_ref(), (&self.log, self.page.now), columns),
            false => rules,
        };
    }

    /// Gives up a comparison of sessions that the log does not have.
    fn compared(&mut self) {
        let Some(comparison) = &self.app.comparison else { return };
        let gone = |session: u32| self.log.summary(Flow::Session(session)).is_none();
        let missing = [Some(comparison.left), comparison.right].into_iter().flatten().find(|one| gone(*one));
        if let Some(missing) = missing {
            self.app.comparison = None;
            self.app.complain(format!("there is no session {missing} to compare"));
        }
    }

    /// Opens the composer with the first session, where that is wanted.
    fn compose_first(&mut self) {
        let is_open = |summary: &Summary| summary.state == State::Open && !summary.is_over();
        if self.about.composes && self.page.chosen.as_ref().is_some_and(is_open) {
            self.about.composes = false;
            self.app.zoom = Zoom::Session;
            self.app.focus = Pane::Messages;
            self.app.compose(None, &self.page);
        }
    }

    /// Announces what the proxy has newly said of itself, and the end of the program that was run.
    fn hear(&mut self) {
        if let Some(program) = self.about.printed().filter(|_| !self.over)
            && let Some(end) = program.ended()
        {
            self.over = true;
            self.app.say(format!("{}; Q leaves with its exit code", sheet::end_of(program, &end)));
        }
        let notes = self.page.stats.notes;
        if notes > self.noted {
            self.noted = notes;
            if let Some(note) = self.log.notes(1).pop() {
                self.app.complain(format!("{}; ! shows all notes", note.text));
            }
        }
    }

    fn gather(&mut self, now: Stamp) {
        let regions = Regions::of(self.area, &self.app, &self.page);
        self.page = self.gatherer.gather(&self.app, &regions.room(self.area), now);
        let settled = Regions::of(self.area, &self.app, &self.page);
        if settled.room(self.area) != regions.room(self.area) {
            self.page = self.gatherer.gather(&self.app, &settled.room(self.area), now);
        }
        self.app.settle(&self.page);
        self.app.settle_held(&self.page);
    }

    /// Goes on with a search; true where it moved something.
    fn sought(&mut self) -> bool {
        let Some(way) = self.app.seeking else { return false };
        match self.app.focus {
            Pane::Sessions => self.sought_flow(way),
            Pane::Messages => return self.sought_message(way),
            Pane::Detail => self.sought_line(way),
            Pane::Held => self.app.say("the search goes through the panes above; esc goes there"),
        }
        self.app.seeking = None;
        true
    }

    fn sought_flow(&mut self, way: Seek) {
        let cursor = self.page.flows.cursor;
        match next_of(&self.page.flows.found, cursor, way) {
            Some(place) => self.app.choose(&self.page, place),
            None => self.app.say("found in no session; for what was said in one: tab, then n"),
        }
    }

    fn sought_line(&mut self, way: Seek) {
        match next_of(&self.page.detail.found, Some(self.page.detail.top), way) {
            Some(line) => self.app.scroll = line,
            None => self.app.say("not found here (hex and frames are not looked through)"),
        }
    }

    fn sought_message(&mut self, way: Seek) -> bool {
        let Some(found) = &self.page.messages.search else { return false };
        let here = self.page.messages.number.unwrap_or(0);
        let listing = &found.listing;
        let (busy, tested) = (!listing.is_done(), listing.tested());
        // The nearest is known where all between has been tested.
        let next = match way {
            Seek::Next if busy && here + 1 < tested.start => None,
            Seek::Previous if busy && here > tested.end => None,
            Seek::Next => listing.number_at(listing.place_of(here + 1)),
            Seek::Previous => {
                listing.place_of(here).checked_sub(1).and_then(|place| listing.number_at(place))
            }
        };
        // Round the end, once all has been looked at.
        let round = match way {
            Seek::Next => listing.number_at(0),
            Seek::Previous => found.length.checked_sub(1).and_then(|last| listing.number_at(last)),
        };
        match (next, busy) {
            (Some(number), _) => self.app.found(&self.page, number, None),
            (None, true) => return false,
            (None, false) => match round {
                Some(number) => self.app.found(&self.page, number, Some(way)),
                None => self.app.say("not found; the filter may hide it"),
            },
        }
        self.app.seeking = None;
        true
    }

    /// Draws what was looked at last.
    pub fn draw(&self, frame: &mut Frame<'_>) {
        let view = View { app: &self.app, page: &self.page, about: &self.about, theme: self.theme };
        draw::render(frame, &view);
    }

    /// What copying puts on the clipboard.
    pub fn copied(&self) -> Option<String> {
        self.gatherer.copied(&self.app, &self.page)
    }

    /// The payload under the cursor.
    pub fn payload(&self) -> Option<Payload> {
        self.gatherer.payload(&self.page)
    }

    /// Filters and searches what is waiting for it, here and now.
    pub fn work(&self) {
        while self.gatherer.sifter.work(&self.log) {}
    }

    /// Says something to the user until the next key.
    pub fn say(&mut self, text: impl Into<String>) {
        self.app.say(text);
    }

    /// Says that something went wrong.
    pub fn complain(&mut self, text: impl Into<String>) {
        self.app.complain(text);
    }

    /// So many messages were sent in a session, and will be there as its row `next` or behind that.
    pub(super) fn sent(&mut self, session: u32, next: u64, count: u64) {
        self.sent.await_in(session, next, count);
    }

    /// Whether filtering or searching goes on, so that there will be more to show.
    pub(super) fn is_busy(&self) -> bool {
        let messages = &self.page.messages;
        let found = messages.search.as_ref();
        messages.learning
            || !messages.listing.is_done()
            || found.is_some_and(|found| !found.listing.is_done())
            || self.page.comparison.as_ref().is_some_and(|compared| compared.busy)
            || self.app.seeking.is_some()
            || self.sent.is_busy(&self.log)
    }

    /// Goes up with all that the screens show beside the log.
    pub(super) fn version(&self) -> u64 {
        self.about.printed().map_or(0, Program::version) + self.stage.version()
    }

    pub(super) fn sifter(&self) -> Sifter {
        self.gatherer.sifter.clone()
    }
}

/// The next of some places in order, or the one before, round the ends.
fn next_of<T: Copy + Ord>(found: &[T], here: Option<T>, way: Seek) -> Option<T> {
    let Some(here) = here else { return found.first().copied() };
    match way {
        Seek::Next => found.iter().find(|&&place| place > here).or(found.first()).copied(),
        Seek::Previous => found.iter().rev().find(|&&place| place < here).or(found.last()).copied(),
    }
}
