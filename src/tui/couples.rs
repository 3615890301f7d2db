//! Takes from the log what a comparison is to show: both sessions' messages, paired, and what differs in each pair.

use std::sync::Arc;

use super::comparison::{Anchor, Compared, Comparison, Couple, Half, Kin};
use super::document::{self, Content};
use super::theme::{Look, Words};
use super::{payload, text, words};
use crate::capture::{Flow, Kind, Log, Message, Summary};
use crate::decode::visible;
use crate::recordings::{Mark, Pairing, abreast, align, mark};
use crate::replay::{Bound, Difference, Expectation};
use crate::ws::{Direction, Opcode};

/// Messages of a session that are compared.
const MOST: usize = 50_000;
/// Messages, and octets of them, that are read at a time, so that keys are answered meanwhile.
const SHARE: (usize, usize) = (2_000, 4 << 20);
/// Octets of a payload that are compared.
const COMPARED: usize = 256 << 10;

/// What is kept of a comparison from one page to the next.
#[derive(Default)]
pub(super) struct Couples {
    sessions: (u32, Option<u32>),
    sides: [Side; 2],
    pairs: Arc<Vec<Pairing>>,
    /// How many messages the pairs are of.
    paired: [usize; 2],
    /// The payloads that are open, side by side.
    open: Option<(OpenKey, Vec<Pair>)>,
}

/// Two lines side by side.
type Pair = (Kin, [Words; 2]);

type OpenKey = (Anchor, [Option<u64>; 2]);

/// One session, as far as it was read.
#[derive(Default)]
struct Side {
    /// The number of the next message.
    next: u64,
    numbers: Vec<u64>,
    marks: Vec<(Direction, Mark)>,
}

/// How much room there is: columns, rows, lines of detail, and lines where payloads are open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Space {
    pub(super) columns: usize,
    pub(super) rows: usize,
    pub(super) detail: usize,
    pub(super) lines: usize,
}

/// Both sessions while a page is made.
struct Looking<'a> {
    log: &'a Log,
    summaries: [Option<Summary>; 2],
    columns: usize,
}

impl Couples {
    /// What is shown of `comparison`; none where the log does not have the session on the left.
    pub(super) fn look(&mut self, log: &Log, comparison: &Comparison, space: Space) -> Option<Compared> {
        let sessions = (comparison.left, comparison.right);
        if self.sessions != sessions {
            *self = Couples { sessions, ..Couples::default() };
        }
        let summary = |session: u32| log.summary(Flow::Session(session));
        let looking = Looking {
            log,
            summaries: [Some(summary(comparison.left)?), comparison.right.and_then(summary)],
            columns: space.columns,
        };
        let busy = self.sides[0].read(log, comparison.left)
            | comparison.right.is_some_and(|right| self.sides[1].read(log, right));
        self.pair();
        let kins = self.kins(&looking);
        let shown: Vec<_> = kins
            .into_iter()
            .filter(|(_, kin)| !comparison.only_differences || !matches!(kin, Kin::Same | Kin::Awaited))
            .collect();
        let cursor = place_of(&shown, comparison.anchor);
        let top = comparison.top.clamp((cursor + 1).saturating_sub(space.rows), cursor);
        let top = top.min(shown.len().saturating_sub(space.rows)).min(cursor);
        let couple = |(anchor, kin): &(Anchor, Kin)| looking.couple(*kin, self.halves(*anchor), *anchor);
        let mut compared = Compared {
            titles: looking.titles(),
            counts: counts(&shown, &self.pairs, &looking),
            busy,
            cut: self.sides.iter().any(|side| side.numbers.len() >= MOST),
            rows: shown.iter().skip(top).take(space.rows).map(couple).collect(),
            cursor,
            top,
            height: space.rows,
            ..Compared::default()
        };
        if let Some((anchor, kin)) = shown.get(cursor) {
            compared.detail = looking.detail(*kin, self.halves(*anchor), *anchor);
            compared.detail.truncate(space.detail.max(1) * 8);
            if let Some(first) = comparison.open {
                let key = (*anchor, self.halves(*anchor));
                if self.open.as_ref().is_none_or(|(known, _)| *known != key) {
                    self.open = Some((key, looking.open(*anchor, key.1)));
                }
                let lines = self.open.as_ref().map_or(&[][..], |(_, lines)| lines);
                let first = first.min(lines.len().saturating_sub(space.lines));
                compared.lines = lines.iter().skip(first).take(space.lines).cloned().collect();
                compared.length = (lines.len(), first);
            }
        }
        compared.shown = Arc::new(shown);
        Some(compared)
    }

    /// Pairs what both sides have so far.
    fn pair(&mut self) {
        let lengths = [self.sides[0].marks.len(), self.sides[1].marks.len()];
        if self.paired != lengths || self.pairs.is_empty() {
            self.pairs = Arc::new(abreast(&self.sides[0].marks, &self.sides[1].marks));
            self.paired = lengths;
        }
    }

    /// All rows, and how each is akin.
    fn kins(&self, looking: &Looking<'_>) -> Vec<(Anchor, Kin)> {
        let [left, right] = &self.sides;
        // What has not been answered yet may still come.
        let open = looking.summaries[1].as_ref().is_none_or(|right| !right.is_over());
        let mut last = [None; 2];
        for pairing in self.pairs.iter() {
            if let Pairing::Same(l, _) | Pairing::Changed(l, _) = pairing {
                last[left.marks[*l].0 as usize] = Some(*l);
            }
        }
        let mut rows = vec![(Anchor::Opening, looking.opening_kin())];
        rows.extend(self.pairs.iter().map(|pairing| match pairing {
            Pairing::Same(l, _) => (Anchor::Left(left.numbers[*l]), Kin::Same),
            Pairing::Changed(l, _) => (Anchor::Left(left.numbers[*l]), Kin::Changed),
            Pairing::Removed(l) => {
                let is_last = last[left.marks[*l].0 as usize].is_none_or(|last| *l > last);
                let kin = if open && is_last { Kin::Awaited } else { Kin::Missing };
                (Anchor::Left(left.numbers[*l]), kin)
            }
            Pairing::Added(r) => (Anchor::Right(right.numbers[*r]), Kin::Extra),
        }));
        if looking.summaries.iter().flatten().any(Summary::is_over) {
            rows.push((Anchor::End, looking.end_kin()));
        }
        rows
    }

    /// The numbers of both messages of a row.
    fn halves(&self, anchor: Anchor) -> [Option<u64>; 2] {
        let [left, right] = &self.sides;
        match anchor {
            Anchor::Opening | Anchor::End => [None; 2],
            Anchor::Right(number) => [None, Some(number)],
            Anchor::Left(number) => {
                let place = left.numbers.partition_point(|other| *other < number);
                let other = self.pairs.iter().find_map(|pairing| match pairing {
                    Pairing::Same(l, r) | Pairing::Changed(l, r) if *l == place => Some(right.numbers[*r]),
                    _ => None,
                });
                [Some(number), other]
            }
        }
    }
}

impl Side {
    /// Reads on; true where there is more to be read already.
    fn read(&mut self, log: &Log, session: u32) -> bool {
        let range = log.rows(session);
        self.next = self.next.max(range.start);
        let (mut messages, mut octets) = SHARE;
        while self.next < range.end && self.numbers.len() < MOST {
            if messages == 0 || octets == 0 {
                return true;
            }
            let number = self.next;
            self.next += 1;
            messages -= 1;
            let Ok(Some(message)) = log.message(session, number) else { continue };
            // Heartbeats are the live ends' own.
            let Some(opcode) = compared(&message) else { continue };
            let Ok(bytes) = log.read(&message.payload, 0, COMPARED) else { continue };
            octets = octets.saturating_sub(bytes.len());
            self.numbers.push(number);
            self.marks.push((message.direction, mark(message.direction, opcode, &bytes)));
        }
        false
    }
}

/// The opcode by which a message is compared, where it is.
fn compared(message: &Message) -> Option<Opcode> {
    match message.kind {
        Kind::Frame(Opcode::Ping | Opcode::Pong) => None,
        kind => Some(words::opcode_of(kind)),
    }
}

/// Where a row is now; where it is left out, the one that took its place.
fn place_of(shown: &[(Anchor, Kin)], anchor: Anchor) -> usize {
    let found = shown.iter().position(|(other, _)| *other == anchor);
    let near = || match anchor {
        Anchor::Left(number) => {
            shown.iter().position(|(other, _)| matches!(other, Anchor::Left(other) if *other >= number))
        }
        Anchor::Opening | Anchor::Right(_) => Some(0),
        Anchor::End => None,
    };
    found.or_else(near).unwrap_or(shown.len().saturating_sub(1))
}

/// How many messages are the same, changed, missing and extra.
fn counts(shown: &[(Anchor, Kin)], pairs: &[Pairing], looking: &Looking<'_>) -> [u64; 4] {
    let mut counts = [0; 4];
    for pairing in pairs {
        let at = match pairing {
            Pairing::Same(..) => 0,
            Pairing::Changed(..) => 1,
            Pairing::Removed(_) => 2,
            Pairing::Added(_) => 3,
        };
        counts[at] += 1;
    }
    // What may still come is not missing.
    if looking.summaries[1].as_ref().is_none_or(|right| !right.is_over()) {
        counts[2] = shown.iter().filter(|(_, kin)| *kin == Kin::Missing).count() as u64;
    }
    counts
}

impl Looking<'_> {
    fn titles(&self) -> [String; 2] {
        [0, 1].map(|side| match &self.summaries[side] {
            Some(summary) => format!("#{} {}", summary.flow, words::target(&summary.url)),
            None => "has yet to begin".to_owned(),
        })
    }

    /// What is told of the opening handshakes: the name of each thing, and what both have.
    fn openings(&self) -> Vec<(&'static str, [String; 2])> {
        let of = |tell: &dyn Fn(&Summary) -> String| {
            [0, 1].map(|side| self.summaries[side].as_ref().map(tell).unwrap_or_default())
        };
        vec![
            ("path", of(&|summary| path(&summary.url))),
            (
                "status",
                of(&|summary| match summary.status {
                    Some(status) => status.to_string(),
                    None if summary.is_over() => summary.end.to_string(),
                    None => "no answer yet".to_owned(),
                }),
            ),
            ("subprotocol", of(&|summary| summary.subprotocol.as_deref().unwrap_or("none").to_owned())),
            ("deflate", of(&|summary| if summary.deflate { "yes" } else { "no" }.to_owned())),
        ]
    }

    fn opening_kin(&self) -> Kin {
        match &self.summaries[1] {
            None => Kin::Awaited,
            Some(_) if self.openings().iter().all(|(_, [left, right])| left == right) => Kin::Same,
            Some(_) => Kin::Changed,
        }
    }

    fn end_kin(&self) -> Kin {
        match self.summaries.each_ref().map(|summary| summary.as_ref().filter(|summary| summary.is_over())) {
            [Some(left), Some(right)] if left.end == right.end => Kin::Same,
            [Some(_), Some(_)] => Kin::Changed,
            [None, _] => Kin::Extra,
            [_, None] => Kin::Awaited,
        }
    }

    fn couple(&self, kin: Kin, numbers: [Option<u64>; 2], anchor: Anchor) -> Couple {
        let sides = match anchor {
            Anchor::Opening => [0, 1].map(|side| {
                let summary = self.summaries[side].as_ref()?;
                let openings = self.openings();
                let said = |at: usize| visible(&openings[at].1[side]).into_owned();
                let chosen = summary.subprotocol.as_ref().map_or(String::new(), |_| format!(", {}", said(2)));
                Some(half(format!("{} → {}{chosen}", said(0), said(1))))
            }),
            Anchor::End => [0, 1].map(|side| {
                let summary = self.summaries[side].as_ref()?;
                let end =
                    if summary.is_over() { visible(&summary.end).into_owned() } else { "open".to_owned() };
                Some(half(format!("end: {end}")))
            }),
            _ => [0, 1].map(|side| self.half(side, numbers[side]?)),
        };
        let places = if kin == Kin::Changed {
            self.differences(numbers, anchor).into_iter().map(|difference| difference.place).collect()
        } else {
            Vec::new()
        };
        Couple { kin, sides, places }
    }

    fn message(&self, side: usize, number: u64) -> Option<Message> {
        let Flow::Session(session) = self.summaries[side].as_ref()?.flow else { return None };
        self.log.message(session, number).ok()?
    }

    fn half(&self, side: usize, number: u64) -> Option<Half> {
        let message = self.message(side, number)?;
        let what = words::what(self.log, &message, None, self.columns);
        let what = match message.kind {
            Kind::Frame(Opcode::Text | Opcode::Binary) => what,
            kind => format!("{} {what}", kind.name()),
        };
        Some(Half { direction: Some(message.direction), number: Some(number), what })
    }

    /// In what both sides of a row differ.
    fn differences(&self, numbers: [Option<u64>; 2], anchor: Anchor) -> Vec<Difference> {
        let other = |place: &str, [left, right]: [String; 2]| Difference {
            place: place.to_owned(),
            expected: Some(left),
            got: Some(right),
        };
        match anchor {
            Anchor::Opening => {
                let openings = self.openings().into_iter();
                openings
                    .filter(|(_, [left, right])| left != right)
                    .map(|(place, both)| other(place, both))
                    .collect()
            }
            Anchor::End => {
                let ends =
                    [0, 1].map(|side| self.summaries[side].as_ref().map(|summary| summary.end.to_string()));
                vec![other("end", ends.map(Option::unwrap_or_default))]
            }
            _ => self.told_apart(numbers).unwrap_or_default(),
        }
    }

    fn told_apart(&self, numbers: [Option<u64>; 2]) -> Option<Vec<Difference>> {
        let left = self.message(0, numbers[0]?)?;
        let right = self.message(1, numbers[1]?)?;
        let bytes = |message: &Message| self.log.read(&message.payload, 0, COMPARED).ok();
        let (old, new) = (bytes(&left)?, bytes(&right)?);
        let opcodes = [&left, &right].map(|message| words::opcode_of(message.kind));
        Some(Expectation::default().compare((opcodes[0], &old), (opcodes[1], &new), &Bound::default()))
    }

    /// What is said of a row below the list.
    fn detail(&self, kin: Kin, numbers: [Option<u64>; 2], anchor: Anchor) -> Vec<Words> {
        let columns = self.columns.saturating_sub(2);
        let lines = match kin {
            Kin::Changed => {
                let differences = self.differences(numbers, anchor);
                if differences.is_empty() {
                    vec![vec![(Look::Dim, "the same values, spelt otherwise".to_owned())]]
                } else {
                    differences.iter().map(told).collect()
                }
            }
            _ => {
                let said = match kin {
                    Kin::Missing => "only on the left",
                    Kin::Awaited => "not on the right yet",
                    Kin::Extra => "only on the right",
                    _ => "the same on both sides",
                };
                let mut lines = vec![vec![(Look::Dim, said.to_owned())]];
                let side = usize::from(numbers[0].is_none());
                lines.extend(
                    numbers[side].map(|number| self.pretty(side, number, columns)).unwrap_or_default(),
                );
                lines
            }
        };
        document::wrapped(lines, columns)
    }

    fn pretty(&self, side: usize, number: u64, columns: usize) -> Vec<Words> {
        let Some(message) = self.message(side, number) else { return Vec::new() };
        let content = Content {
            payload: message.payload.clone(),
            size: message.size,
            opcode: words::opcode_of(message.kind),
            message: Some(message),
            others: [None; 2],
            acts: Vec::new(),
        };
        payload::pretty(self.log, &content, None, columns)
    }

    /// Both payloads of a row, line by line: those that are the same beside each other.
    fn open(&self, anchor: Anchor, numbers: [Option<u64>; 2]) -> Vec<Pair> {
        let width = (self.columns / 2).saturating_sub(3).max(10);
        let lines: [Vec<Words>; 2] = match anchor {
            Anchor::Opening | Anchor::End => [0, 1].map(|side| {
                let line = |(name, both): &(&str, [String; 2])| {
                    vec![(Look::Key, text::left(name, 13)), (Look::Text, visible(&both[side]).into_owned())]
                };
                self.openings().iter().map(line).collect()
            }),
            _ => [0, 1]
                .map(|side| numbers[side].map(|number| self.pretty(side, number, width)).unwrap_or_default()),
        };
        let [left, right] = lines.each_ref().map(|lines| lines.iter().map(line_mark).collect::<Vec<_>>());
        let [left_lines, right_lines] = lines;
        let pairing = |pairing| match pairing {
            Pairing::Same(l, r) => (Kin::Same, [left_lines[l].clone(), right_lines[r].clone()]),
            Pairing::Changed(l, r) => (Kin::Changed, [left_lines[l].clone(), right_lines[r].clone()]),
            Pairing::Removed(l) => (Kin::Missing, [left_lines[l].clone(), Words::new()]),
            Pairing::Added(r) => (Kin::Extra, [Words::new(), right_lines[r].clone()]),
        };
        align(&left, &right).into_iter().map(pairing).collect()
    }
}

/// A line as it is compared: what stands before its first colon says which it is.
fn line_mark(line: &Words) -> Mark {
    let whole: String = line.iter().map(|(_, text)| text.as_str()).collect();
    let name = whole.split(':').next().unwrap_or_default().to_owned();
    let of = |text: &str| mark(Direction::ToServer, Opcode::Binary, text.as_bytes()).content;
    Mark { content: of(&whole), shape: of(&name), kind: 0 }
}

fn half(what: String) -> Half {
    Half { direction: None, number: None, what }
}

fn path(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.find('/').map_or("/", |at| &rest[at..]).to_owned()
}

/// A difference on one line.
fn told(difference: &Difference) -> Words {
    let side = |side: &Option<String>| match side {
        Some(value) => (Look::Value, visible(value).into_owned()),
        None => (Look::Dim, "nothing".to_owned()),
    };
    vec![
        (Look::Key, format!("{}  ", visible(&difference.place))),
        side(&difference.expected),
        (Look::Odd, "  →  ".to_owned()),
        side(&difference.got),
    ]
}
