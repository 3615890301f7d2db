//! Takes from the log what the screen is to show: the rows in view, and the document of the detail pane.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use super::actions::{Pane, Tab};
use super::answers::Answers;
use super::app::{App, Place};
use super::couples::Couples;
use super::document::{self, Document, Subject};
use super::draw::Room;
use super::halves::Halves;
use super::hold;
use super::listing::Listing;
use super::page::{Detail, Flows, Found, Messages, Page, Row};
use super::sieve::Sieve;
use super::sifter::{Sifter, Test};
use super::sort::Sort;
use super::subject::FlowSubject;
use super::words;
use crate::capture::{Deeds, Flow, FlowKind, Log, Message, Opened, Stamp, Stats, Summary};

/// What is kept from one page to the next, so that each costs little.
pub(super) struct Gatherer {
    log: Log,
    pub(super) sifter: Sifter,
    shown: Option<Arc<Sieve<Test>>>,
    searched: Option<Arc<Sieve<Test>>>,
    frozen: Option<Frozen>,
    order: Option<(OrderKey, Flows)>,
    document: Option<(document::Key, Document)>,
    answers: Answers,
    watch: hold::Watch,
    couples: Couples,
}

/// What the list of sessions depends on.
type OrderKey = (u64, Sort, bool, String, usize);

/// What there was when the view was stopped.
struct Frozen {
    now: Stamp,
    stats: Stats,
    summaries: Vec<Summary>,
    places: HashMap<Flow, usize>,
    ends: HashMap<Flow, u64>,
}

impl Gatherer {
    pub(super) fn new(log: Log) -> Gatherer {
        Gatherer {
            log,
            sifter: Sifter::default(),
            shown: None,
            searched: None,
            frozen: None,
            order: None,
            document: None,
            answers: Answers::default(),
            watch: hold::Watch::default(),
            couples: Couples::default(),
        }
    }

    /// The page for what the user did, with as many rows as there is room for, taken at `now`.
    pub(super) fn gather(&mut self, app: &App, room: &Room, now: Stamp) -> Page {
        self.freeze(app, now);
        let flows = self.flows(app, room);
        let chosen = self.choose(app, &flows);
        let flows = self.flow_rows(app, flows, chosen.as_ref(), room.flows);
        let place = chosen.as_ref().and_then(|summary| app.place(summary.flow));
        let mut page = Page {
            now: match &self.frozen {
                Some(frozen) => frozen.now,
                // A recording's clock stands still at its end.
                None if self.log.is_closed() => flows.latest,
                None => now,
            },
            stats: self.frozen.as_ref().map_or_else(|| self.log.stats(), |frozen| frozen.stats.clone()),
            empty: flows.order.is_empty() && flows.hidden == 0,
            flows,
            waiting: self.watch.gather(&self.log, app, (room.held, room.columns), now),
            ..Page::default()
        };
        if let Some(summary) = &chosen {
            page.messages = self.messages(app, summary, place, room);
            self.learn(summary, &mut page.messages);
            page.detail = self.detail(app, summary, &page, room);
        }
        page.messages.height = room.messages;
        page.chosen = chosen;
        if let Some(comparison) = &app.comparison {
            page.comparison = self.couples.look(&self.log, comparison, room.comparison);
        }
        page
    }

    /// Keeps what there is when the view is stopped, and lets it go afterwards.
    fn freeze(&mut self, app: &App, now: Stamp) {
        if !app.paused {
            self.frozen = None;
        } else if self.frozen.is_none() {
            let summaries: Vec<Summary> = self.log.summaries(|all| all.cloned().collect());
            let places = summaries.iter().enumerate().map(|(place, summary)| (summary.flow, place)).collect();
            let ends = summaries.iter().filter_map(|summary| match summary.flow {
                Flow::Session(session) => Some((summary.flow, self.log.rows(session).end)),
                Flow::Exchange(_) => None,
            });
            let ends = ends.collect();
            self.frozen = Some(Frozen { now, stats: self.log.stats(), summaries, places, ends });
        }
    }

    fn summary(&self, flow: Flow) -> Option<Summary> {
        match &self.frozen {
            Some(frozen) => frozen.places.get(&flow).map(|&place| frozen.summaries[place].clone()),
            None => self.log.summary(flow),
        }
    }

    fn summaries<T>(&self, look: impl FnOnce(&mut dyn Iterator<Item = &Summary>) -> T) -> T {
        match &self.frozen {
            Some(frozen) => look(&mut frozen.summaries.iter()),
            None => self.log.summaries(look),
        }
    }

    /// The order of the sessions, and the room they have.
    fn flows(&mut self, app: &App, room: &Room) -> Flows {
        let version = if self.frozen.is_some() { 0 } else { self.log.version() };
        let key = (version, app.sort, app.hide_http, app.flow_filter.source().to_owned(), app.marks.len());
        if self.order.as_ref().is_none_or(|(known, _)| *known != key) {
            self.order = Some((key, self.sorted(app)));
        }
        let flows = self.order.as_ref().map(|(_, flows)| flows.clone()).unwrap_or_default();
        Flows { height: room.flows, ..flows }
    }

    fn sorted(&self, app: &App) -> Flows {
        let (mut all, mut subprotocol, mut latest, mut first_session) = (0, 0, Stamp(0), None);
        // The filter reads only what summaries hold, in memory: quick enough under the log's lock.
        let mut listed: Vec<(u64, Arc<str>, Flow)> = self.summaries(|summaries| {
            summaries
                .inspect(|summary| {
                    all += 1;
                    latest = latest.max(summary.last);
                })
                .filter(|summary| !(app.hide_http && summary.kind == FlowKind::Exchange))
                .filter(|summary| {
                    let marked = app.marks.contains(&(summary.flow, 0));
                    app.flow_filter.is_empty() || app.flow_filter.matches(&FlowSubject { summary, marked })
                })
                .map(|summary| {
                    let name = summary.subprotocol.as_ref().map_or(0, |name| name.chars().count());
                    subprotocol = subprotocol.max(name);
                    if words::has_messages(summary) {
                        first_session.get_or_insert(summary.flow);
                    }
                    (sort_key(app.sort, summary), Arc::clone(&summary.url), summary.flow)
                })
                .collect()
        });
        match app.sort {
            Sort::Oldest => {}
            Sort::Newest => listed.reverse(),
            Sort::Target => listed.sort_by(|a, b| a.1.cmp(&b.1)),
            _ => listed.sort_by_key(|(key, ..)| std::cmp::Reverse(*key)),
        }
        let order: Vec<Flow> = listed.into_iter().map(|(.., flow)| flow).collect();
        Flows {
            hidden: all - order.len(),
            order: Arc::new(order),
            subprotocol,
            latest,
            first_session,
            ..Flows::default()
        }
    }

    /// The session that the screen is about: the user's choice while it exists.
    fn choose(&self, app: &App, flows: &Flows) -> Option<Summary> {
        let newest = || {
            flows
                .order
                .iter()
                .copied()
                .max_by_key(|flow| (self.summary(*flow).map(|summary| summary.opened), *flow))
        };
        let flow = match app.flow {
            _ if app.follow_flows => newest(),
            // Somebody who has not pressed a key yet came to see a WebSocket.
            _ if !app.touched && flows.first_session.is_some() => flows.first_session,
            Some(flow) if self.summary(flow).is_some() => Some(flow),
            _ => flows.first_session.or(flows.order.first().copied()),
        };
        self.summary(flow?)
    }

    /// Fills in the rows in view and the cursor.
    fn flow_rows(&self, app: &App, mut flows: Flows, chosen: Option<&Summary>, height: usize) -> Flows {
        let length = flows.order.len();
        flows.cursor = chosen.and_then(|summary| flows.order.iter().position(|&flow| flow == summary.flow));
        flows.top = match flows.cursor {
            Some(cursor) => in_view(app.flows_top as u64, cursor as u64, length as u64, height) as usize,
            None => app.flows_top.min(length.saturating_sub(height)),
        };
        let shown = flows.order.iter().skip(flows.top).take(height);
        flows.rows = shown.filter_map(|&flow| self.summary(flow)).collect();
        if let (Some(search), Pane::Sessions, Some(_)) = (&app.search, app.focus, app.seeking) {
            let found = |flow: &Flow| {
                let marked = app.marks.contains(&(*flow, 0));
                self.summary(*flow)
                    .is_some_and(|summary| search.matches(&FlowSubject { summary: &summary, marked }))
            };
            flows.found =
                flows.order.iter().enumerate().filter(|(_, flow)| found(flow)).map(|(at, _)| at).collect();
        }
        flows
    }

    /// The numbers of a session's rows, as far as they are to be seen.
    fn range(&self, session: u32) -> Range<u64> {
        let range = self.log.rows(session);
        match &self.frozen {
            None => range,
            Some(frozen) => {
                let end = frozen.ends.get(&Flow::Session(session)).copied().unwrap_or(range.start);
                range.start..end.max(range.start)
            }
        }
    }

    fn messages(&mut self, app: &App, summary: &Summary, place: Option<Place>, room: &Room) -> Messages {
        let (listing, search) = match summary.flow {
            Flow::Session(session) if words::has_messages(summary) => self.listings(app, summary, session),
            _ => (Listing::all(1..1 + Halves::of(&self.log, summary).map_or(0, |halves| halves.len())), None),
        };
        let length = listing.len();
        // What may still grow is followed; what is over is read from its beginning.
        let grows = words::has_messages(summary) && !summary.is_over() && !self.log.is_closed();
        let fresh = Place { row: 1, top: 1, follow: grows };
        let place = place.unwrap_or(fresh);
        let last = length.checked_sub(1);
        let cursor = last.map(|last| if place.follow { last } else { listing.place_of(place.row).min(last) });
        let wanted = if place.follow { last.unwrap_or(0) } else { listing.place_of(place.top) };
        let top = cursor.map_or(0, |cursor| in_view(wanted, cursor, length, room.messages));
        Messages {
            rows: self.rows(app, summary, &listing, top, room),
            number: cursor.and_then(|cursor| listing.number_at(cursor)),
            top_number: listing.number_at(top).unwrap_or(1),
            search: search.map(|listing| Found { length: listing.len(), listing }),
            height: room.messages,
            follow: place.follow,
            answered: None,
            learning: false,
            listing,
            length,
            cursor,
            top,
        }
    }

    /// What is listed of a session's messages, and what the search finds among it.
    fn listings(&mut self, app: &App, summary: &Summary, session: u32) -> (Listing, Option<Listing>) {
        let range = self.range(session);
        let flow = summary.flow;
        let marks = app.marks.range((flow, 1)..=(flow, u64::MAX)).map(|mark| mark.1).collect();
        let filters = if app.filter.is_empty() { Vec::new() } else { vec![app.filter.clone()] };
        let test = Test { session, opening: None, filters, control: !app.hide_control, marks };
        let search = app.search.clone().map(|search| {
            let mut test = test.clone();
            test.filters.push(search);
            test
        });
        let plain = test.control && test.filters.is_empty();
        // What is near to where the user looks is to be there first.
        let middle = match app.place(flow) {
            Some(place) if !place.follow => place.row.clamp(range.start, range.end),
            _ => range.end,
        };
        let shown = keep((&self.log, &self.sifter), &mut self.shown, (!plain).then_some(test), middle);
        let searched = keep((&self.log, &self.sifter), &mut self.searched, search, middle);
        let listing = match shown {
            None => Listing::all(range.clone()),
            Some(sieve) => Listing::sieved(range.clone(), sieve),
        };
        (listing, searched.map(|sieve| Listing::sieved(range, sieve)))
    }

    fn rows(&self, app: &App, summary: &Summary, listing: &Listing, top: u64, room: &Room) -> Vec<Row> {
        // One more above, for the time since then.
        let from = top.saturating_sub(1);
        let numbers = (from..top + room.messages as u64).map_while(|place| listing.number_at(place));
        let Flow::Session(session) = summary.flow else {
            return Halves::of(&self.log, summary).map_or_else(Vec::new, |halves| halves.rows(app));
        };
        if !words::has_messages(summary) {
            return Halves::of(&self.log, summary).map_or_else(Vec::new, |halves| halves.rows(app));
        }
        let mut before = None;
        let mut rows = Vec::with_capacity(room.messages);
        for number in numbers {
            let Ok(Some(message)) = self.log.message(session, number) else { continue };
            let mut row = self.row(app, summary, &message, room.columns);
            row.gap = before.replace(message.time).map(|before| message.time.since(before));
            rows.push(row);
        }
        if from < top && !rows.is_empty() {
            rows.remove(0);
        }
        rows
    }

    /// Finds out which message each of those in view answers.
    fn learn(&mut self, summary: &Summary, messages: &mut Messages) {
        let Flow::Session(session) = summary.flow else { return };
        if !words::has_messages(summary) {
            return;
        }
        self.answers.begin(session);
        let rows: Vec<u64> = messages.rows.iter().map(|row| row.number).collect();
        messages.learning = !self.answers.learn(&self.log, &rows);
        for row in &mut messages.rows {
            row.answers = self.answers.of(row.number);
        }
        if let Some(number) = messages.number {
            messages.answered = self.answers.answer_to(&self.log, number, messages.listing.range().end);
        }
    }

    fn row(&self, app: &App, summary: &Summary, message: &Message, columns: usize) -> Row {
        let deeds = self.log.deeds(message.session, message.number);
        Row {
            number: message.number,
            direction: message.direction,
            at: message.time.since(summary.opened),
            gap: None,
            size: message.size,
            wire: message.compressed.then_some(message.wire_size),
            kind: message.kind.name(),
            control: message.kind.is_control(),
            what: words::what(&self.log, message, app.view, columns),
            frames: message.frames.len() as u64 + message.frames_left_out,
            faults: message.faults.len(),
            complete: message.complete,
            answers: None,
            marked: app.marks.contains(&(summary.flow, message.number)) || deeds.any(Deeds::MARKED),
            done: words::done(deeds, message.injected.as_ref()),
        }
    }

    fn detail(&mut self, app: &App, summary: &Summary, page: &Page, room: &Room) -> Detail {
        let subject = Subject::new(&self.log, summary, page);
        let tab = subject.tab(app.tab);
        let key = subject.key(tab, app.view, room.detail_columns);
        if self.document.as_ref().is_none_or(|(known, _)| *known != key) {
            let document = subject.document(tab, app.view, room.detail_columns);
            self.document = Some((key, document));
        }
        let Some((_, document)) = &self.document else { return Detail::default() };
        let length = document.len();
        let top = app.scroll.min(length.saturating_sub(room.detail as u64));
        let found = match (&app.search, app.focus, app.seeking) {
            (Some(search), Pane::Detail, Some(_)) => document.find(search),
            _ => Vec::new(),
        };
        let lines = document.lines(&self.log, top, room.detail);
        Detail { tab, title: subject.title(), length, top, lines, height: room.detail, found }
    }

    /// What copying gives: what the pane is about, in full where that is reasonable.
    pub(super) fn copied(&self, app: &App, page: &Page) -> Option<String> {
        if let Some(compared) = &page.comparison {
            return Some(compared.copied());
        }
        let summary = page.chosen.as_ref()?;
        if app.focus == Pane::Sessions {
            return Some(summary.url.to_string());
        }
        let subject = Subject::new(&self.log, summary, page);
        match (app.focus, subject.tab(app.tab)) {
            (Pane::Detail, Tab::Handshake | Tab::Timing | Tab::Tls | Tab::Frames | Tab::Hex) => {
                let (_, document) = self.document.as_ref()?;
                let lines = document.lines(&self.log, 0, 4096);
                let text =
                    lines.iter().map(|line| line.iter().map(|(_, text)| text.as_str()).collect::<String>());
                Some(text.collect::<Vec<_>>().join("\n"))
            }
            _ => subject.payload_text(),
        }
    }

    /// The payload that the cursor is on, for a file.
    pub(super) fn payload(&self, page: &Page) -> Option<crate::capture::Payload> {
        let summary = page.chosen.as_ref()?;
        Subject::new(&self.log, summary, page).payload()
    }
}

/// Keeps a sieve while its test is still the one wanted; else stops it and begins another.
fn keep(
    (log, sifter): (&Log, &Sifter),
    kept: &mut Option<Arc<Sieve<Test>>>,
    wanted: Option<Test>,
    middle: u64,
) -> Option<Arc<Sieve<Test>>> {
    let fits = matches!((&kept, &wanted), (Some(sieve), Some(test)) if sieve.test.same(test));
    if !fits {
        if let Some(old) = kept.take() {
            old.stop();
        }
        *kept = wanted.map(|test| {
            let opening = match log.opening(test.session) {
                Ok(Some(Opened::Asked(opening) | Opened::Session(opening))) => Some(opening),
                _ => None,
            };
            sifter.begin(Test { opening, ..test }, middle)
        });
    }
    kept.clone()
}

/// The first row in view: `wanted`, or as little away from it as keeps the cursor in sight and the page full.
fn in_view(wanted: u64, cursor: u64, length: u64, height: usize) -> u64 {
    let height = height.max(1) as u64;
    let lowest = cursor.saturating_sub(height - 1);
    wanted.clamp(lowest, cursor).min(length.saturating_sub(height)).min(cursor)
}

fn sort_key(sort: Sort, summary: &Summary) -> u64 {
    match sort {
        Sort::Active => summary.last.0,
        Sort::Messages => summary.messages.iter().sum(),
        Sort::Bytes => summary.bytes.iter().sum(),
        Sort::Violations => summary.violations,
        Sort::Oldest | Sort::Newest | Sort::Target => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::in_view;

    #[test]
    fn the_cursor_stays_in_sight_and_the_page_full() {
        assert_eq!(in_view(0, 0, 100, 10), 0);
        assert_eq!(in_view(0, 12, 100, 10), 3);
        assert_eq!(in_view(20, 12, 100, 10), 12);
        assert_eq!(in_view(95, 99, 100, 10), 90);
        assert_eq!(in_view(5, 6, 8, 10), 0);
        assert_eq!(in_view(0, 0, 0, 0), 0);
    }
}
