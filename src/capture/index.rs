//! What readers share: each flow in short, and where its records are.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fs::File;

use super::acts::Acts;
use super::agreed::Agreed;
use super::batch::Written;
use super::format::LENGTH;
use super::log::Stats;
use super::record::{Ended, Event, Flow, Opening, Refused};
use super::rows::{Rows, STRETCH};
use super::rule_acts::{First, rule};
use super::segments::Segments;
use super::summary::{FlowKind, State, Summary};

/// Small, and locked for short.
pub(super) struct Index {
    pub(super) segments: Segments,
    /// The position after the last octet that may be read.
    pub(super) end: u64,
    /// Events before each file that is left, oldest file first; cursors count with it what they missed.
    pub(super) events_before: VecDeque<u64>,
    pub(super) events: u64,
    pub(super) flows: BTreeMap<u64, Entry>,
    /// The place of each flow in `flows`, which is in the order they began.
    places: HashMap<Flow, u64>,
    next_place: u64,
    /// The highest number of a session, and of an exchange.
    pub(super) highest: [u32; 2],
    pub(super) stats: Stats,
    /// Where the latest notes are.
    pub(super) notes: VecDeque<u64>,
    pub(super) acts: Acts,
}

/// Notes that can be found again: the latest.
const NOTES: usize = 1000;

pub(super) struct Entry {
    pub(super) summary: Summary,
    /// Where the latest record about the handshake, or the exchange, is.
    pub(super) opening: u64,
    pub(super) ended: Option<u64>,
    pub(super) rows: Rows,
}

impl Index {
    pub(super) fn new(segments: Segments, stats: Stats) -> Index {
        Index {
            segments,
            end: 0,
            events_before: [0].into(),
            events: 0,
            flows: BTreeMap::new(),
            places: HashMap::new(),
            next_place: 0,
            highest: [0; 2],
            stats,
            notes: VecDeque::new(),
            acts: Acts::default(),
        }
    }

    pub(super) fn entry(&self, flow: Flow) -> Option<&Entry> {
        self.flows.get(self.places.get(&flow)?)
    }

    pub(super) fn entry_or_new(&mut self, flow: Flow) -> &mut Entry {
        let (highest, number) = match flow {
            Flow::Session(number) => (&mut self.highest[0], number),
            Flow::Exchange(number) => (&mut self.highest[1], number),
        };
        *highest = number.max(*highest);
        let place = *self.places.entry(flow).or_insert_with(|| {
            self.next_place += 1;
            self.next_place
        });
        self.flows.entry(place).or_insert_with(|| Entry {
            summary: Summary::new(flow),
            opening: 0,
            ended: None,
            rows: Rows::default(),
        })
    }

    /// The positions that the list at `position` holds.
    pub(super) fn positions(&self, position: u64) -> Option<[u64; STRETCH as usize]> {
        let mut octets = [0; LENGTH + 1 + STRETCH as usize * 8];
        let read = self.segments.read(position, &mut octets).ok()??;
        if read < octets.len() {
            return None;
        }
        let mut positions = [0; STRETCH as usize];
        for (position, octets) in positions.iter_mut().zip(octets[LENGTH + 1..].chunks_exact(8)) {
            *position = octets.try_into().map(u64::from_le_bytes).ok()?;
        }
        Some(positions)
    }

    fn count(&mut self, before: Option<(FlowKind, State)>, after: (FlowKind, State)) {
        if before == Some(after) {
            return;
        }
        match before {
            None if after.0 == FlowKind::Exchange => self.stats.exchanges += 1,
            Some((kind, State::Open)) if kind != FlowKind::Exchange => self.stats.open -= 1,
            _ => {}
        }
        match after {
            (FlowKind::Exchange, _) | (_, State::Asked) => {}
            (_, State::Open) => self.stats.open += 1,
            (_, State::Closed) => self.stats.closed += 1,
            (_, State::Failed) => self.stats.refused += 1,
        }
    }

    /// Takes in that `event` (of a kind that is about a flow) was written at `position`, an opening with what it
    /// agreed on.
    pub(super) fn apply(&mut self, event: &Event, position: u64, agreed: Option<Agreed>) {
        if matches!(event, Event::Note(_)) {
            self.stats.notes += 1;
            self.notes.push_back(position);
            if self.notes.len() > NOTES {
                self.notes.pop_front();
            }
            return;
        }
        let Some(flow) = event.flow() else { return };
        let before = self.entry(flow).map(|entry| (entry.summary.kind, entry.summary.state));
        let entry = self.entry_or_new(flow);
        let octets = entry.summary.bytes;
        let is_first = match event {
            Event::Act(act) => rule(&act.by).is_some_and(|name| entry.summary.acts.by_rule(name)),
            _ => false,
        };
        entry.summary.apply(event);
        if let Some(agreed) = agreed {
            entry.summary.subprotocol = agreed.subprotocol.map(Into::into);
            entry.summary.deflate = agreed.deflate.is_some();
        }
        match event {
            Event::Message(_) | Event::Act(_) => {}
            Event::Ended(_) => entry.ended = Some(position),
            _ => entry.opening = position,
        }
        let after = (entry.summary.kind, entry.summary.state);
        let grown = entry.summary.bytes.iter().sum::<u64>().saturating_sub(octets.iter().sum());
        self.stats.bytes += grown;
        self.count(before, after);
        match event {
            Event::Act(act) => self.acts.add(act, position, is_first),
            Event::Ended(Ended { session, .. })
            | Event::Refused(Refused { opening: Opening { session, .. }, .. }) => self.acts.over(*session),
            _ => {}
        }
    }

    pub(super) fn apply_rows(&mut self, session: u32, written: &Written) {
        self.stats.messages += written.positions.len() as u64;
        self.stats.bytes += written.octets.iter().sum::<u64>();
        self.stats.violations += written.violations;
        let summary = &mut self.entry_or_new(Flow::Session(session)).summary;
        for way in 0..2 {
            summary.messages[way] += written.messages[way];
            summary.controls[way] += written.controls[way];
            summary.bytes[way] += written.octets[way];
        }
        summary.violations += written.violations;
        summary.acts.injected += written.injected;
        let mut sent = Vec::new();
        for (name, number) in &written.sent {
            sent.push((name, *number, summary.acts.by_rule(name)));
        }
        summary.last = summary.last.max(written.last);
        if let Some((direction, payload)) = &written.close {
            summary.closed(*direction, payload);
        }
        for (name, number, in_session) in sent {
            let first = First { in_session, ..First::default() };
            self.acts.rules.sent(name, (session, number), written.last, first);
        }
    }

    /// Removes the oldest file, and what is only about it. Gives it where nobody reads it.
    pub(super) fn evict(&mut self) -> Option<File> {
        if self.segments.count() < 2 {
            return None;
        }
        let oldest = self.segments.remove_oldest();
        self.events_before.pop_front();
        self.stats.evicted = self.events_before.front().copied().unwrap_or_default();
        let start = self.segments.start();
        self.notes.retain(|position| *position >= start);
        self.acts.forget_before(start);
        self.flows.retain(|_, entry| {
            entry.rows.forget_before(start);
            let last = entry.ended.unwrap_or(entry.opening);
            !(entry.summary.is_over() && last < start)
        });
        let flows = &self.flows;
        self.places.retain(|_, place| flows.contains_key(place));
        oldest
    }

    /// Forgets the flows that are over.
    pub(super) fn clear(&mut self) {
        self.flows.retain(|_, entry| !entry.summary.is_over());
        let flows = &self.flows;
        self.places.retain(|_, place| flows.contains_key(place));
    }

    /// The flows that go on while the record of their opening is in the oldest file.
    pub(super) fn endangered(&self) -> Vec<(Flow, u64)> {
        let end = self.segments.start() + self.segments.size();
        let going_on = self.flows.values().filter(|entry| !entry.summary.is_over() && entry.opening < end);
        going_on.map(|entry| (entry.summary.flow, entry.opening)).collect()
    }
}
