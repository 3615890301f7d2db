//! The composer: a line to be sent to either end of an open session, and what will be made of it.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Clear;

use super::actions::{Action, Pane};
use super::app::{App, Effect};
use super::draw::View;
use super::input::{self, Input, Purpose, Typed};
use super::page::Page;
use super::text;
use crate::capture::{Flow, FlowKind, Summary};
use crate::control::compose::{Content, Draft};
use crate::decode::visible;
use crate::ws::Direction;

/// A message under way to be written.
#[derive(Clone, Debug)]
pub struct Composer {
    /// The session that it is for.
    pub session: u32,
    /// Where it goes.
    pub direction: Direction,
    pub(super) line: Input,
}

/// Lines that it takes on the screen: its rule, what is typed, and what is thought of that.
pub(super) const HEIGHT: u16 = 3;

impl App {
    /// Opens the composer for the chosen session, or sends what a command brought.
    pub(super) fn compose(&mut self, line: Option<&str>, page: &Page) -> Option<Effect> {
        let session = self.open_session(page.chosen.as_ref())?;
        let direction = self.composing_to.unwrap_or(Direction::ToServer);
        if let Some(line) = line {
            return self.drafted(session, direction, line);
        }
        let history = self.histories.entry(Purpose::Send).or_default();
        self.composer = Some(Composer { session, direction, line: Input::new(Purpose::Send, "", history) });
        None
    }

    /// The number of a session that can be sent something; where there is none, says why.
    pub(super) fn open_session(&mut self, chosen: Option<&Summary>) -> Option<u32> {
        let Some(summary) = chosen else {
            self.say("no session is there to send to");
            return None;
        };
        match summary.flow {
            Flow::Session(_) if summary.is_over() => {
                self.complain(format!("#{} is over: nothing can be sent", summary.flow));
                None
            }
            Flow::Session(number) if summary.kind == FlowKind::Session => Some(number),
            flow => {
                self.complain(format!("#{flow} is no open WebSocket session: nothing can be sent"));
                None
            }
        }
    }

    /// One key for the composer, which is open.
    pub(super) fn compose_key(&mut self, key: &str, page: &Page) -> Option<Effect> {
        let composer = self.composer.as_mut()?;
        match key {
            "ctrl-t" => {
                composer.direction = composer.direction.opposite();
                self.composing_to = Some(composer.direction);
                return None;
            }
            "ctrl-j" | "alt-enter" => {
                composer.line.paste("\n");
                return None;
            }
            "pgup" | "pgdn" => {
                let action = if key == "pgup" { Action::PageUp } else { Action::PageDown };
                let focus = std::mem::replace(&mut self.focus, Pane::Messages);
                self.travel(action, page);
                self.focus = focus;
                return None;
            }
            // What was typed is not lost by a key too many.
            "backspace" if composer.line.text().is_empty() => return None,
            _ => {}
        }
        let history = self.histories.entry(Purpose::Send).or_default();
        match composer.line.key(key, history) {
            Typed::Going => None,
            Typed::Dropped => {
                self.composer = None;
                None
            }
            Typed::Done(line) if line.is_empty() => {
                self.say("nothing is typed; /text sends an empty message, esc closes");
                None
            }
            Typed::Done(line) => {
                let (session, direction) = (composer.session, composer.direction);
                self.drafted(session, direction, &line)
            }
        }
    }

    /// A line is to be sent.
    fn drafted(&mut self, session: u32, direction: Direction, line: &str) -> Option<Effect> {
        let draft = match Draft::parse(line) {
            Ok(draft) => draft,
            Err(fault) => {
                self.complain(fault);
                return None;
            }
        };
        let history = self.histories.entry(Purpose::Send).or_default();
        if history.last().map(String::as_str) != Some(line) {
            history.push(line.to_owned());
        }
        if let Some(composer) = &mut self.composer {
            composer.line = Input::new(Purpose::Send, "", history);
        }
        Some(Effect::Send { session, direction, draft })
    }

    /// The messages that the cursor or its marks stand for go to `argument`'s end, or to where they went.
    pub(super) fn resend(&mut self, argument: Option<&str>, page: &Page) -> Option<Effect> {
        let direction = match argument {
            None => None,
            Some("to server") => Some(Direction::ToServer),
            Some("to client") => Some(Direction::ToClient),
            Some(other) => {
                self.complain(format!("{other:?} is neither `to server` nor `to client`"));
                return None;
            }
        };
        let session = self.open_session(page.chosen.as_ref())?;
        let Some(number) = page.messages.number.filter(|_| page.messages.length > 0) else {
            self.say("no message is chosen");
            return None;
        };
        let numbers = self.meant(Flow::Session(session), number);
        Some(Effect::Resend { session, numbers, direction })
    }

    /// The message under the cursor; where it is marked, all that are marked in its session.
    pub(super) fn meant(&self, flow: Flow, number: u64) -> Vec<u64> {
        if !self.marks.contains(&(flow, number)) {
            return vec![number];
        }
        self.marks.range((flow, 1)..=(flow, u64::MAX)).map(|(_, number)| *number).collect()
    }
}

/// `the server`, `the client`.
pub(super) fn receiver(direction: Direction) -> &'static str {
    direction.opposite().sender()
}

/// The keys that help while it is open.
pub(super) fn hints(composer: &Composer) -> Vec<(&'static str, &'static str)> {
    let other = match composer.direction {
        Direction::ToServer => "to the client",
        Direction::ToClient => "to the server",
    };
    vec![
        ("enter", "send"),
        ("ctrl-t", other),
        ("↑ ↓", "earlier"),
        ("/ tab", "what can be sent"),
        ("pgup", "scroll"),
        ("esc", "close"),
    ]
}

pub(super) fn render(frame: &mut Frame<'_>, area: Rect, view: &View<'_>, composer: &Composer) {
    let theme = view.theme;
    let row = |y: u16| Rect { y: area.y + y, height: 1, ..area };
    let line = &composer.line;
    let sign = if composer.direction == Direction::ToServer { " ▲ " } else { " ▼ " };
    let (words, style) = verdict(view, composer);
    let typed = if words.starts_with('✗') { theme.bad() } else { theme.text() };
    if area.height < HEIGHT {
        frame.render_widget(Clear, area);
        input::line(frame, area, line, (sign, theme.accent()), typed);
        return;
    }
    let to = format!("Send to the {}", receiver(composer.direction));
    let target = view.page.chosen.as_ref().map_or("", |summary| &summary.url);
    let of = format!("#{} {}", composer.session, visible(target));
    let width = area.width as usize;
    let of = text::cut(&of, width.saturating_sub(text::width(&to) + 10));
    let used = text::width(&to) + text::width(&of) + 8;
    frame.render_widget(
        Line::from(vec![
            Span::styled("━━ ", theme.accent()),
            Span::styled(to, theme.accent()),
            Span::styled(" ━━ ", theme.accent()),
            Span::styled(of, theme.text()),
            Span::styled(format!(" {}", "━".repeat(width.saturating_sub(used))), theme.accent()),
        ]),
        row(0),
    );
    let words = line.candidates_shown().unwrap_or(words);
    let words = text::cut(&words, width.saturating_sub(3));
    frame.render_widget(Line::styled(format!("   {words}"), style), row(2));
    input::line(frame, row(1), line, (sign, theme.accent()), typed);
}

/// What is thought of the line, and how loudly.
fn verdict(view: &View<'_>, composer: &Composer) -> (String, Style) {
    let theme = view.theme;
    let line = composer.line.text();
    if line.is_empty() {
        let words = "text, JSON, or /hex /file /ping /close …; /text[rsv1,frames=3] is odd on purpose";
        return (words.to_owned(), theme.dim());
    }
    let draft = match Draft::parse(line) {
        Ok(draft) => draft,
        Err(fault) => return (format!("✗ {fault}"), theme.bad()),
    };
    let what = match &draft.content {
        Content::Bytes(payload) => format!("{} · {}", draft.kind(), text::size(payload.len() as u64)),
        Content::File(path) => format!("{} from {}", draft.kind(), visible(&path.to_string_lossy())),
    };
    let remarks = draft.remarks(composer.direction);
    if remarks.is_empty() {
        (format!("✓ {what}"), theme.good())
    } else {
        (format!("⚠ {what} · {}; enter sends it so", remarks.join("; ")), theme.bad())
    }
}
