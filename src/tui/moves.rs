//! How cursors move: by rows, pages, searches and marks.

use super::actions::{Action, Pane};
use super::app::{App, Seek};
use super::page::Page;
use crate::capture::Flow;

impl App {
    /// A movement in the pane that has the keys.
    pub(super) fn travel(&mut self, action: Action, page: &Page) {
        match self.focus {
            Pane::Sessions => self.travel_flows(action, page),
            Pane::Messages => self.travel_messages(action, page),
            Pane::Detail => self.travel_detail(action, page),
            Pane::Held => self.travel_held(action, page),
        }
    }

    fn travel_flows(&mut self, action: Action, page: &Page) {
        let length = page.flows.order.len() as u64;
        let cursor = page.flows.cursor.unwrap_or(0) as u64;
        let place = destination(action, cursor, length, page.flows.height);
        self.follow_flows = false;
        self.choose(page, place as usize);
    }

    /// Chooses the session at a place of the list.
    pub(super) fn choose(&mut self, page: &Page, place: usize) {
        if let Some(&flow) = page.flows.order.get(place)
            && self.flow != Some(flow)
        {
            self.flow = Some(flow);
            self.scroll = 0;
        }
    }

    fn travel_messages(&mut self, action: Action, page: &Page) {
        let Some(flow) = self.flow else { return };
        let cursor = page.messages.cursor.unwrap_or(0);
        let place = destination(action, cursor, page.messages.length, page.messages.height);
        match action {
            Action::Last => self.follow(flow, page, true),
            // At the end already: nothing was scrolled, so following goes on.
            _ if Some(place) == page.messages.cursor => {}
            _ => self.go_to(flow, page, place),
        }
    }

    /// The cursor goes to the row at `place`, and following ends.
    fn go_to(&mut self, flow: Flow, page: &Page, place: u64) {
        if let Some(number) = page.messages.listing.number_at(place) {
            self.go_to_number(flow, page, number);
        }
    }

    pub(super) fn go_to_number(&mut self, flow: Flow, page: &Page, number: u64) {
        let place = self.place_mut(flow, page);
        (place.row, place.follow) = (number, false);
        self.scroll = 0;
    }

    /// One message on, from any pane.
    pub(super) fn move_message(&mut self, step: i64, page: &Page) {
        let (Some(flow), Some(cursor)) = (self.flow, page.messages.cursor) else { return };
        if let Some(place) = cursor.checked_add_signed(step) {
            self.go_to(flow, page, place);
        }
    }

    fn travel_detail(&mut self, action: Action, page: &Page) {
        let detail = &page.detail;
        let last_top = detail.length.saturating_sub(detail.height as u64);
        let half = (detail.height as u64 / 2).max(1);
        let to = match action {
            Action::Down => self.scroll + 1,
            Action::Up => self.scroll.saturating_sub(1),
            Action::HalfDown => self.scroll + half,
            Action::HalfUp => self.scroll.saturating_sub(half),
            Action::PageDown => self.scroll + detail.height as u64,
            Action::PageUp => self.scroll.saturating_sub(detail.height as u64),
            Action::First => 0,
            _ => last_top,
        };
        self.scroll = to.min(last_top);
        // Who reads on does not want the next message to take this one's place.
        if let (Some(flow), true) = (self.flow, self.scroll > 0) {
            self.follow(flow, page, false);
        }
    }

    /// Begins or ends following.
    pub(super) fn follow(&mut self, flow: Flow, page: &Page, follow: bool) {
        let number = page.messages.number;
        let place = self.place_mut(flow, page);
        if place.follow && !follow {
            place.row = number.unwrap_or(place.row);
        }
        place.follow = follow;
    }

    pub(super) fn toggle_follow(&mut self, page: &Page) {
        if self.focus == Pane::Sessions {
            self.follow_flows = !self.follow_flows;
            let words = if self.follow_flows {
                "the newest session is chosen as it comes"
            } else {
                "the chosen session stays"
            };
            return self.say(words);
        }
        let Some(flow) = self.flow else { return };
        let follow = !self.place_mut(flow, page).follow;
        self.follow(flow, page, follow);
        self.say(if follow { "following what arrives" } else { "not following; G or F follows again" });
    }

    /// To the next find, or the one before.
    pub(super) fn seek(&mut self, way: Seek) {
        if self.search.is_none() {
            return self.say("nothing to look for; / asks");
        }
        // The next page finds it, or one after it: a search takes its time.
        self.seeking = Some(way);
    }

    /// The search found a message, perhaps only round the end.
    pub(super) fn found(&mut self, page: &Page, number: u64, round: Option<Seek>) {
        let Some(flow) = self.flow else { return };
        self.go_to_number(flow, page, number);
        match round {
            Some(Seek::Next) => self.say("from the first again"),
            Some(Seek::Previous) => self.say("from the last again"),
            None => {}
        }
    }

    /// Marks or unmarks what the cursor is on.
    pub(super) fn toggle_mark(&mut self, page: &Page) {
        let Some(flow) = self.flow else { return };
        if self.is_hidden(page) {
            return;
        }
        let row = match self.focus {
            Pane::Sessions => Some(0),
            _ => page.messages.number,
        };
        let Some(row) = row else { return };
        if !self.marks.remove(&(flow, row)) {
            self.marks.insert((flow, row));
        }
    }

    pub(super) fn next_mark(&mut self, page: &Page) {
        let Some(flow) = self.flow else { return };
        if self.focus == Pane::Sessions {
            let marked = |place: &usize| self.marks.contains(&(page.flows.order[*place], 0));
            let after = page.flows.cursor.map_or(0, |cursor| cursor + 1);
            let next =
                (after..page.flows.order.len()).chain(0..after.min(page.flows.order.len())).find(marked);
            return match next {
                Some(place) => self.choose(page, place),
                None => self.say("no session is marked; m marks"),
            };
        }
        let here = page.messages.number.unwrap_or(0);
        let listed = |&&(_, row): &&(Flow, u64)| row > 0 && page.messages.listing.shows(row);
        let after = self.marks.range((flow, here + 1)..=(flow, u64::MAX)).find(listed);
        let next =
            after.or_else(|| self.marks.range((flow, 1)..=(flow, here)).find(listed)).map(|mark| mark.1);
        match next {
            Some(row) => self.go_to_number(flow, page, row),
            None => self.say("no message is marked; m marks"),
        }
    }
}

/// Where a movement leads in a list of `length` rows of which `height` are in view.
pub(super) fn destination(action: Action, cursor: u64, length: u64, height: usize) -> u64 {
    let (page, half) = (height.saturating_sub(1).max(1) as u64, (height / 2).max(1) as u64);
    let to = match action {
        Action::Down => cursor + 1,
        Action::Up => cursor.saturating_sub(1),
        Action::HalfDown => cursor + half,
        Action::HalfUp => cursor.saturating_sub(half),
        Action::PageDown => cursor + page,
        Action::PageUp => cursor.saturating_sub(page),
        Action::First => 0,
        _ => length,
    };
    to.min(length.saturating_sub(1))
}
