//! The tabs Pretty, Raw and Hex: what a payload says.

use super::acts;
use super::answers::Other;
use super::changes;
use super::document::{Content, sentence, wrapped};
use super::text;
use super::theme::{Look, Words};
use crate::capture::{Log, Message, Payload};
use crate::decode::{self, Limits, Line, Style, View};
use crate::ws::{Close, Opcode};

/// As much of a payload as is laid out; all of it is in Hex, and in the file that `b` saves.
const LAID_OUT: usize = 1 << 20;

/// Laid out by what it is.
pub(super) fn pretty(log: &Log, content: &Content, view: Option<View>, columns: usize) -> Vec<Words> {
    with_edits(content, columns, |opcode, payload, size, columns| {
        laid_out(log, (opcode, payload, size), view, columns)
    })
}

/// As it came, made safe.
pub(super) fn raw(log: &Log, content: &Content, columns: usize) -> Vec<Words> {
    with_edits(content, columns, |_, payload, size, columns| match log.read(payload, 0, LAID_OUT) {
        Ok(bytes) => {
            let payload = decode::Payload::start_of(&bytes, size);
            let raw = decode::raw_lines(payload, &Limits::default()).into_iter().map(words).collect();
            wrapped(raw, columns)
        }
        Err(error) => unreadable(&error),
    })
}

/// What came, as `show` shows it. Where that was edited, beside what went on: what differs, and both in full where that is
/// not all.
fn with_edits(
    content: &Content,
    columns: usize,
    show: impl Fn(Opcode, &Payload, u64, usize) -> Vec<Words>,
) -> Vec<Words> {
    let mut lines = remarks(content, columns);
    let show_before = |columns| show(content.opcode, &content.payload, content.size, columns);
    let edited = content
        .message
        .as_ref()
        .and_then(|message| acts::before(message, &content.acts).map(|heading| (message, heading)));
    let Some((message, heading_before)) = edited else {
        lines.extend(show_before(columns));
        return lines;
    };
    let narrow = columns.saturating_sub(changes::SIGN);
    let (mut last, mut folded) = (show_before(narrow), false);
    for (heading, (_, opcode, payload)) in
        acts::changes(message, &content.acts).zip(acts::edits(&content.acts))
    {
        let next = show(opcode, payload, payload.len(), narrow);
        let changes = changes::between(&last, &next);
        lines.extend(wrapped(vec![heading], columns));
        lines.extend(changes.lines);
        folded |= changes.folded;
        last = next;
    }
    if folded {
        lines.extend([Words::new(), heading_before]);
        lines.extend(show_before(columns));
        for (heading, opcode, payload) in acts::edits(&content.acts) {
            lines.extend([Words::new(), heading]);
            lines.extend(show(opcode, payload, payload.len(), columns));
        }
    }
    lines
}

fn laid_out(
    log: &Log,
    (opcode, payload, size): (Opcode, &Payload, u64),
    view: Option<View>,
    columns: usize,
) -> Vec<Words> {
    let bytes = match log.read(payload, 0, LAID_OUT) {
        Ok(bytes) => bytes,
        Err(error) => return unreadable(&error),
    };
    if opcode == Opcode::Close && view.is_none() {
        return close(&bytes);
    }
    if bytes.is_empty() && size == 0 {
        return vec![vec![(Look::Dim, "empty".to_owned())]];
    }
    let payload = decode::Payload::start_of(&bytes, size);
    let view = view.unwrap_or_else(|| decode::detect(opcode, payload));
    let limits = Limits { width: columns.saturating_sub(2), ..Limits::default() };
    wrapped(decode::pretty(view, payload, &limits).into_iter().map(words).collect(), columns)
}

/// The bytes from line `top` on.
pub(super) fn hex(log: &Log, payload: &Payload, top: u64, height: usize) -> Vec<Words> {
    let offset = top * decode::HEX_WIDTH as u64;
    match log.read(payload, offset, height * decode::HEX_WIDTH) {
        Ok(bytes) if bytes.is_empty() => vec![vec![(Look::Dim, "empty".to_owned())]],
        Ok(bytes) => decode::hex_lines(&bytes, offset).into_iter().map(words).collect(),
        Err(error) => unreadable(&error),
    }
}

/// What is to be known before the payload is read: broken rules, what was done to it, and what is missing.
fn remarks(content: &Content, columns: usize) -> Vec<Words> {
    let mut lines = content.message.as_ref().map_or_else(Vec::new, |message| faults(message, columns));
    if let Some(message) = &content.message {
        lines.extend(acts::beside_changes(message, &content.acts, columns));
    }
    let [answers, answered] = content.others;
    let mut other = |what: &str, other: Option<Other>| {
        if let Some(other) = other {
            let words = format!("↩ {what} message {}, {} later", other.number, text::span(other.after));
            lines.push(vec![(Look::Dim, words)]);
        }
    };
    other("answers", answers);
    other("answered by", answered);
    let captured = content.payload.len();
    if captured > LAID_OUT as u64 {
        let start = text::size(LAID_OUT as u64);
        let what = format!(
            "at most the first {start} of {} is laid out; Hex shows all, b saves all",
            text::size(captured)
        );
        lines.extend(sentence(Look::Odd, "…", &what, columns));
    }
    if captured < content.size {
        let what = format!(
            "{} of {} were kept: the limit for captured payloads",
            text::size(captured),
            text::size(content.size)
        );
        lines.extend(sentence(Look::Odd, "…", &what, columns));
    }
    lines
}

/// The rules that a message broke, a sentence each.
pub(super) fn faults(message: &Message, columns: usize) -> Vec<Words> {
    let mut lines = Vec::new();
    for fault in &message.faults {
        let what = format!("{} ({})", decode::visible(&fault.what), fault.section);
        lines.extend(sentence(Look::Bad, "⚠", &what, columns));
    }
    if !message.complete {
        lines.extend(sentence(Look::Odd, "…", "the connection ended inside this message", columns));
    }
    lines
}

fn close(payload: &[u8]) -> Vec<Words> {
    let close = Close::parse(payload);
    let mut lines = Vec::new();
    match close.code {
        None => lines.push(vec![(Look::Text, "a close frame without a status code".to_owned())]),
        Some(code) => lines.push(vec![
            (Look::Key, "status code  ".to_owned()),
            (if code.is_ordinary() { Look::Good } else { Look::Odd }, code.0.to_string()),
            (Look::Text, format!("  {}", code.name())),
        ]),
    }
    if !close.reason.is_empty() {
        let reason = decode::visible_bytes(close.reason).into_owned();
        lines.push(vec![(Look::Key, "reason       ".to_owned()), (Look::Text, reason)]);
    }
    lines
}

fn unreadable(error: &std::io::Error) -> Vec<Words> {
    vec![vec![(Look::Bad, format!("✗ the log cannot be read: {error}"))]]
}

/// A decoder's line in the screen's words.
pub(super) fn words(line: Line) -> Words {
    line.into_iter().map(|span| (look(span.style), span.text)).collect()
}

fn look(style: Style) -> Look {
    match style {
        Style::Key => Look::Key,
        Style::String => Look::String,
        Style::Number | Style::Literal => Look::Value,
        Style::Error => Look::Bad,
        Style::Comment | Style::Dim => Look::Dim,
        Style::Punctuation | Style::Plain => Look::Text,
    }
}
