//! Takes from the log what is held now: all of it by number, and in detail what is in view.

use std::collections::HashMap;
use std::sync::Arc;

use super::pulse::{Due, Pulse};
use crate::capture::{By, Deed, Flow, Held, Log, Opened, Stamp};
use crate::tui::app::App;
use crate::tui::words;
use crate::ws::Direction;

/// What is held now, as far as the screen shows it.
#[derive(Clone, Debug, Default)]
pub struct Waiting {
    /// All of it, in the order it was held.
    pub order: Arc<Vec<Held>>,
    /// The place of the cursor.
    pub cursor: Option<usize>,
    /// The place of the first in view.
    pub top: usize,
    /// Those in view.
    pub rows: Vec<HeldRow>,
    /// How many there is room for.
    pub height: usize,
    /// Which ends of which sessions wait because no more may be held of what they send.
    pub full: Vec<(u32, Direction)>,
}

/// A message or handshake that is held.
#[derive(Clone, Debug, PartialEq)]
pub struct HeldRow {
    /// What is held, and since when.
    pub held: Held,
    /// Octets of its payload, or of the handshake's request.
    pub size: u64,
    /// `text`, `ping`, `handshake`.
    pub kind: &'static str,
    /// What it says, on one line, safe for a terminal.
    pub what: String,
    /// What falls due in its session meanwhile.
    pub due: Option<Due>,
    /// When it was looked at.
    pub now: Stamp,
}

/// What is kept from one page to the next.
#[derive(Debug, Default)]
pub(in crate::tui) struct Watch {
    pulses: HashMap<u32, Pulse>,
}

impl Watch {
    /// What is held at `now`, with `height` rows of it in view.
    pub(in crate::tui) fn gather(
        &mut self,
        log: &Log,
        app: &App,
        (height, columns): (usize, usize),
        now: Stamp,
    ) -> Waiting {
        // What a recording tells of was held once.
        let order = if log.is_closed() { Vec::new() } else { log.held() };
        if order.is_empty() {
            self.pulses.clear();
            return Waiting { height, ..Waiting::default() };
        }
        let chosen = order.iter().position(|held| Some(held.held) == app.holding.chosen);
        let cursor = chosen.unwrap_or(app.holding.at.min(order.len() - 1));
        let lowest = cursor.saturating_sub(height.saturating_sub(1));
        let top = app.holding.top.clamp(lowest, cursor).min(order.len().saturating_sub(height));
        let shown = order.iter().skip(top).take(height);
        let rows: Vec<HeldRow> = shown.map(|held| self.row(log, app, held, (columns, now))).collect();
        self.pulses.retain(|session, _| rows.iter().any(|row| row.held.session == *session));
        Waiting {
            full: full(log, &order, &rows),
            order: Arc::new(order),
            cursor: Some(cursor),
            top,
            rows,
            height,
        }
    }

    fn row(&mut self, log: &Log, app: &App, held: &Held, (columns, now): (usize, Stamp)) -> HeldRow {
        let row = |size, kind, what| HeldRow { held: held.clone(), size, kind, what, due: None, now };
        let Some(number) = held.message else {
            let head = head_of(log, held.session);
            return row(head.len() as u64, "handshake", words::first_line(&head));
        };
        let Ok(Some(message)) = log.message(held.session, number) else {
            return row(0, "-", "(it has left the log)".to_owned());
        };
        let pulse = self.pulses.entry(held.session).or_default();
        pulse.listen(log, held.session);
        let what = words::what(log, &message, app.view, columns);
        HeldRow { due: pulse.due(now), ..row(message.size, message.kind.name(), what) }
    }
}

/// The head of a session's request, as the client sent it.
pub(in crate::tui) fn head_of(log: &Log, session: u32) -> bytes::Bytes {
    match log.opening(session) {
        Ok(Some(Opened::Asked(opening) | Opened::Session(opening))) => opening.request,
        Ok(Some(Opened::Refused(refused))) => refused.opening.request,
        _ => bytes::Bytes::new(),
    }
}

/// The directions in which so much is held that the sender waits, of the sessions in view.
fn full(log: &Log, order: &[Held], rows: &[HeldRow]) -> Vec<(u32, Direction)> {
    let mut full = Vec::new();
    for row in rows {
        let (session, direction) = (row.held.session, row.held.direction);
        if row.held.message.is_none() || full.contains(&(session, direction)) {
            continue;
        }
        let is_this = |held: &&Held| held.session == session && held.direction == direction;
        let Some(since) = order.iter().filter(is_this).map(|held| held.since).min() else { continue };
        let is_full = log
            .session_acts(session)
            .iter()
            .any(|act| act.deed == Deed::Full && act.direction == direction && act.time >= since);
        if is_full {
            full.push((session, direction));
        }
    }
    full
}

/// What is held, in words: `message 310 of #3`.
pub(in crate::tui) fn subject_of(held: &Held) -> String {
    let flow = Flow::Session(held.session);
    match held.message {
        Some(number) => format!("message {number} of #{flow}"),
        None => format!("the handshake of #{flow}"),
    }
}

/// Who had it held, where that was not the user.
pub(super) fn by(held: &Held) -> Option<String> {
    match &held.by {
        By::User => None,
        By::Rule(name) => Some(format!("by rule {name}")),
        By::Proxy => Some("by the proxy".to_owned()),
    }
}
