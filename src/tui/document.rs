//! What the detail pane shows of a message, a session or an exchange: which tab, and its lines.

use super::actions::Tab;
use super::answers::Other;
use super::halves::Halves;
use super::page::Page;
use super::theme::{Look, Words};
use super::{frames, handshake, hex, payload, text, timing, tls, words};
use crate::capture::{Act, Flow, FlowKind, Log, Message, Payload, Stamp, Summary};
use crate::decode::{View, visible};
use crate::filter::Filter;
use crate::ws::Opcode;

/// What the detail pane is about.
pub(super) struct Subject<'a> {
    pub(super) log: &'a Log,
    pub(super) summary: &'a Summary,
    /// The row under the cursor.
    pub(super) number: Option<u64>,
    pub(super) now: Stamp,
    /// The message that the one under the cursor answers.
    pub(super) answers: Option<Other>,
    /// The one that answers it.
    pub(super) answered: Option<Other>,
}

/// What a document depends on: while none of it changes, it need not be made again.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Key {
    flow: Flow,
    number: Option<u64>,
    tab: Tab,
    view: Option<View>,
    columns: usize,
    /// What may still change: the session's state and traffic.
    fresh: u64,
    others: [Option<Other>; 2],
    /// The latest of what was done to it.
    act: Option<u64>,
}

/// A document's lines, or where to take them from.
pub(super) enum Document {
    Lines(Vec<Words>),
    Hex(hex::Hex),
    Frames(Box<frames::Frames>),
}

/// What a row stands for.
pub(super) struct Content {
    pub(super) payload: Payload,
    /// How long the payload was; more than was captured where a limit cut it.
    pub(super) size: u64,
    pub(super) opcode: Opcode,
    /// The message, where it is one.
    pub(super) message: Option<Message>,
    /// The message that it answers, and the one that answers it.
    pub(super) others: [Option<Other>; 2],
    /// What was done to the message.
    pub(super) acts: Vec<Act>,
}

impl<'a> Subject<'a> {
    pub(super) fn new(log: &'a Log, summary: &'a Summary, page: &Page) -> Subject<'a> {
        let messages = &page.messages;
        let row = messages.rows.iter().find(|row| Some(row.number) == messages.number);
        Subject {
            log,
            summary,
            number: messages.number,
            now: page.now,
            answers: row.and_then(|row| row.answers),
            answered: messages.answered,
        }
    }
}

impl Subject<'_> {
    /// The tab that is shown when `wanted` is chosen: what has no payload shows its handshake instead.
    pub(super) fn tab(&self, wanted: Tab) -> Tab {
        match wanted {
            Tab::Handshake | Tab::Timing | Tab::Tls => wanted,
            Tab::Frames if !words::has_messages(self.summary) => Tab::Handshake,
            _ if self.number.is_none() => Tab::Handshake,
            // A refused handshake is chosen for its reason, and a request without a body for its head.
            Tab::Pretty if self.is_refused() || self.is_bare() => Tab::Handshake,
            _ => wanted,
        }
    }

    fn is_refused(&self) -> bool {
        self.summary.kind == FlowKind::Session && !words::has_messages(self.summary)
    }

    /// Half of an exchange that is all head.
    fn is_bare(&self) -> bool {
        self.summary.kind == FlowKind::Exchange && self.content().is_none_or(|content| content.size == 0)
    }

    /// What the pane is about, in few words.
    pub(super) fn title(&self) -> String {
        let flow = match self.summary.flow {
            Flow::Session(number) => format!("#{number}"),
            Flow::Exchange(number) => format!("x{number}"),
        };
        match self.number {
            Some(number) if words::has_messages(self.summary) => format!("{flow} message {number}"),
            Some(1) => format!("{flow} request"),
            Some(_) => format!("{flow} response"),
            None => flow,
        }
    }

    pub(super) fn key(&self, tab: Tab, view: Option<View>, columns: usize) -> Key {
        let traffic = self.summary.bytes.iter().sum::<u64>() + self.summary.state as u64;
        let fresh = match tab {
            // Often enough for the eye.
            Tab::Timing => self.now.0 / 500_000_000,
            Tab::Handshake | Tab::Tls if self.summary.kind == FlowKind::Exchange => traffic,
            Tab::Handshake | Tab::Tls => {
                self.summary.state as u64 + u64::from(self.summary.ended.is_some()) * 8
            }
            _ if words::has_messages(self.summary) => 0,
            _ => traffic,
        };
        let others = [self.answers, self.answered];
        let act = match self.summary.flow {
            Flow::Session(session) if tab == Tab::Handshake => self.log.latest_act(session, None),
            Flow::Session(session) => self.log.latest_act(session, self.number),
            Flow::Exchange(_) => None,
        };
        Key { flow: self.summary.flow, number: self.number, tab, view, columns, fresh, others, act }
    }

    /// Makes the document of a tab, its lines at most `columns` wide.
    pub(super) fn document(&self, tab: Tab, view: Option<View>, columns: usize) -> Document {
        let lines = match tab {
            Tab::Handshake => handshake::document(self, columns),
            Tab::Timing => timing::document(self, columns),
            Tab::Tls => tls::document(self, columns),
            _ => match self.content() {
                None => vec![vec![(
                    Look::Dim,
                    "This message has left the log: it was the oldest when room ran out.".into(),
                )]],
                Some(content) => return self.of_content(content, tab, view, columns),
            },
        };
        Document::Lines(lines)
    }

    fn of_content(&self, content: Content, tab: Tab, view: Option<View>, columns: usize) -> Document {
        match (tab, content.message) {
            (Tab::Frames, Some(message)) => {
                let opened = self.summary.opened;
                Document::Frames(Box::new(frames::Frames::new(message, &content.acts, opened, columns)))
            }
            (tab, message) => {
                let content = Content { message, ..content };
                match tab {
                    Tab::Hex => Document::Hex(hex::Hex::new(&content, columns)),
                    Tab::Raw => Document::Lines(payload::raw(self.log, &content, columns)),
                    _ => Document::Lines(payload::pretty(self.log, &content, view, columns)),
                }
            }
        }
    }

    /// The message or body under the cursor.
    pub(super) fn content(&self) -> Option<Content> {
        let number = self.number?;
        if let (Flow::Session(session), true) = (self.summary.flow, words::has_messages(self.summary)) {
            let message = self.log.message(session, number).ok()??;
            return Some(Content {
                payload: message.payload.clone(),
                size: message.size,
                opcode: words::opcode_of(message.kind),
                message: Some(message),
                others: [self.answers, self.answered],
                acts: self.log.acts(session, number),
            });
        }
        let halves = Halves::of(self.log, self.summary)?;
        let half = halves.get(number)?;
        let kind = words::header(&half.head, "content-type").unwrap_or_default().to_ascii_lowercase();
        let text = ["json", "text", "xml", "javascript", "urlencoded"].iter().any(|word| kind.contains(word));
        let opcode = if text { Opcode::Text } else { Opcode::Binary };
        Some(Content {
            payload: half.body.clone(),
            size: half.size,
            opcode,
            message: None,
            others: [None; 2],
            acts: Vec::new(),
        })
    }

    pub(super) fn payload(&self) -> Option<Payload> {
        self.content().map(|content| content.payload)
    }

    /// The payload for the clipboard: text as it is, bytes in hex.
    pub(super) fn payload_text(&self) -> Option<String> {
        let payload = self.payload()?;
        let bytes = self.log.read(&payload, 0, CLIPBOARD).ok()?;
        Some(match String::from_utf8(bytes.to_vec()) {
            Ok(text) => text,
            Err(_) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        })
    }
}

/// As much as goes to the clipboard: terminals take little more.
const CLIPBOARD: usize = 1 << 20;

impl Document {
    pub(super) fn len(&self) -> u64 {
        match self {
            Document::Lines(lines) => lines.len() as u64,
            Document::Hex(hex) => hex.len(),
            Document::Frames(frames) => frames.len(),
        }
    }

    /// Up to `height` lines from `top` on.
    pub(super) fn lines(&self, log: &Log, top: u64, height: usize) -> Vec<Words> {
        match self {
            Document::Lines(lines) => lines.iter().skip(top as usize).take(height).cloned().collect(),
            Document::Hex(hex) => hex.lines(log, top, height),
            Document::Frames(frames) => frames.lines(top, height),
        }
    }

    /// The lines in which `search` finds something. Hex is not looked through.
    pub(super) fn find(&self, search: &Filter) -> Vec<u64> {
        let Document::Lines(lines) = self else { return Vec::new() };
        let found = |line: &Words| {
            let text: String = line.iter().map(|(_, text)| text.as_str()).collect();
            !search.highlights(&text).is_empty()
        };
        (0..).zip(lines).filter(|(_, line)| found(line)).map(|(at, _)| at).collect()
    }
}

/// A sentence over as many lines as it takes, behind a sign.
pub(super) fn sentence(look: Look, sign: &str, sentence: &str, columns: usize) -> Vec<Words> {
    let indent = text::width(sign) + 1;
    let folded = text::fold(sentence, columns.saturating_sub(indent).max(20));
    let mut lines = Vec::with_capacity(folded.len());
    for (at, line) in folded.into_iter().enumerate() {
        let before = if at == 0 { format!("{sign} ") } else { " ".repeat(indent) };
        lines.push(vec![(look, before), (look, line)]);
    }
    lines
}

/// A name in a column of its own, and its value beside it, over as many lines as that takes.
pub(super) fn pair((name, room): (&str, usize), look: Look, value: &str, columns: usize) -> Vec<Words> {
    let folded = text::fold(&visible(value), columns.saturating_sub(room).max(20));
    let names = std::iter::once(name).chain(std::iter::repeat(""));
    let line = |(name, value)| vec![(Look::Key, text::left(name, room)), (look, value)];
    names.zip(folded).map(line).collect()
}

/// Lines broken where they are wider than `columns`.
pub(super) fn wrapped(lines: Vec<Words>, columns: usize) -> Vec<Words> {
    let mut out = Vec::with_capacity(lines.len());
    for line in lines {
        let bytes: usize = line.iter().map(|(_, text)| text.len()).sum();
        if bytes <= columns {
            out.push(line);
            continue;
        }
        let (mut words, mut used) = (Words::new(), 0);
        for (look, text) in line {
            let mut rest = &text[..];
            loop {
                let (mut at, mut wide) = text::fitting(rest, columns.saturating_sub(used));
                if at == 0 && used == 0 {
                    // A line that is empty takes one grapheme, however wide that is.
                    at = text::first(rest);
                    wide = text::width(&rest[..at]);
                }
                let (piece, tail) = rest.split_at(at);
                if !piece.is_empty() {
                    words.push((look, piece.to_owned()));
                    used += wide;
                }
                if tail.is_empty() {
                    break;
                }
                out.push(std::mem::take(&mut words));
                (rest, used) = (tail, 0);
            }
        }
        out.push(words);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn wrapped_lines_fit_and_lose_nothing(
            spans in proptest::collection::vec("[a-z 日é\u{301}👩\u{200d}🚀]{0,40}", 1..6),
            columns in 2usize..30,
        ) {
            let line: Words = spans.iter().map(|text| (Look::Text, text.clone())).collect();
            let lines = wrapped(vec![line], columns);
            let mut joined = String::new();
            for line in &lines {
                let whole: String = line.iter().map(|(_, text)| text.as_str()).collect();
                let wide: usize = line.iter().map(|(_, text)| text::width(text)).sum();
                // What is joined into one grapheme is not broken, however wide it is.
                let first = text::width(line.first().map_or("", |(_, text)| &text[..text::first(text)]));
                prop_assert!(wide <= columns || wide == first, "{:?}", whole);
                joined.extend(line.iter().map(|(_, text)| text.as_str()));
            }
            prop_assert_eq!(joined, spans.concat());
        }
    }

    #[test]
    fn a_very_long_line_is_wrapped_in_one_go() {
        let long = "é".repeat(1 << 20);
        let lines = wrapped(vec![vec![(Look::Text, long)]], 77);
        assert_eq!(lines.len(), (1usize << 20).div_ceil(77));
    }
}
