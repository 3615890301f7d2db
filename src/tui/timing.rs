//! The tab Timing: the steps before the session, and the pace of its messages.

use std::time::Duration;

use super::document::Subject;
use super::text;
use super::theme::{Look, Words};
use super::words;
use crate::capture::{Flow, Log, Message, Opened, Stamp, Timing};
use crate::ws::Direction;

/// How many of the latest messages the pace is read from.
const LATEST: u64 = 1000;

/// The lines for a session or an exchange.
pub(super) fn document(subject: &Subject<'_>, columns: usize) -> Vec<Words> {
    let mut lines = Vec::new();
    let bars = columns.saturating_sub(40).clamp(10, 60);
    match subject.summary.flow {
        Flow::Session(session) if words::has_messages(subject.summary) => {
            latest(subject, session, bars, &mut lines);
        }
        _ => {}
    }
    steps(subject, bars, &mut lines);
    lines
}

/// The message under the cursor, and those before it.
fn latest(subject: &Subject<'_>, session: u32, bars: usize, lines: &mut Vec<Words>) {
    let rows = subject.log.rows(session);
    let end = subject.number.map_or(rows.end, |number| number + 1).min(rows.end);
    let from = rows.start.max(end.saturating_sub(LATEST));
    let messages: Vec<Message> =
        (from..end).filter_map(|number| subject.log.message(session, number).ok().flatten()).collect();
    if let Some(message) = messages.last() {
        one(message, &messages, subject, lines);
    }
    pace(subject, &messages, lines);
    gaps(&messages, bars, lines);
}

fn pair(name: &str, value: String) -> Words {
    vec![(Look::Key, text::left(name, 26)), (Look::Text, value)]
}

fn heading(lines: &mut Vec<Words>, words: &str) {
    if !lines.is_empty() {
        lines.push(Words::new());
    }
    lines.push(vec![(Look::Heading, words.to_owned())]);
}

/// DNS, TCP, TLS, answer: how long each took, drawn one after the other.
fn steps(subject: &Subject<'_>, bars: usize, lines: &mut Vec<Words>) {
    let (timing, whole) = match subject.summary.flow {
        Flow::Exchange(number) => match subject.log.exchange(number) {
            Ok(Some(exchange)) => (exchange.timing, exchange.ended.map(|ended| ended.since(exchange.time))),
            _ => return,
        },
        Flow::Session(number) => match subject.log.opening(number) {
            Ok(Some(Opened::Asked(opening) | Opened::Session(opening))) => (opening.timing, None),
            Ok(Some(Opened::Refused(refused))) => (refused.opening.timing, None),
            _ => (Timing::default(), None),
        },
    };
    let steps = [
        ("DNS", timing.dns),
        ("TCP connect", timing.tcp),
        ("TLS handshake", timing.tls),
        ("server's answer", timing.response),
    ];
    let taken: Vec<(&str, Duration)> =
        steps.iter().filter_map(|(name, time)| Some((*name, (*time)?))).collect();
    let all: Duration = taken.iter().map(|(_, time)| *time).sum();
    if taken.is_empty() {
        return;
    }
    heading(lines, "Until the answer");
    let mut before = Duration::ZERO;
    let columns =
        |time: Duration| (time.as_secs_f64() / all.as_secs_f64().max(1e-9) * bars as f64).round() as usize;
    for (name, time) in taken {
        let from = columns(before);
        before += time;
        let length = columns(before).saturating_sub(from).max(1);
        let bar = format!("{}{}", " ".repeat(from.min(bars - 1)), "━".repeat(length));
        lines.push(vec![
            (Look::Key, text::left(name, 26)),
            (Look::Text, text::right(&text::span(time), 9)),
            (Look::Good, format!("  {bar}")),
        ]);
    }
    lines.push(vec![(Look::Key, text::left("together", 26)), (Look::Text, text::right(&text::span(all), 9))]);
    if let Some(whole) = whole {
        lines.push(vec![
            (Look::Key, text::left("whole exchange", 26)),
            (Look::Text, text::right(&text::span(whole), 9)),
        ]);
    }
}

/// The message under the cursor.
fn one(message: &Message, messages: &[Message], subject: &Subject<'_>, lines: &mut Vec<Words>) {
    heading(lines, &format!("Message {}", message.number));
    lines.push(pair("since the opening", text::span(message.time.since(subject.summary.opened))));
    if let Some(clock) = wall_clock(subject.log, message.time) {
        lines.push(pair("on the clock", clock));
    }
    if let Some(frame) = message.frames.first() {
        lines.push(pair("first to last octet", text::span(message.time.since(frame.time))));
    }
    if let [.., before, _] = messages {
        lines.push(pair("since the one before", text::span(message.time.since(before.time))));
    }
    let other = messages.iter().rev().find(|other| other.direction != message.direction);
    if let Some(other) = other {
        let who = format!("since the {}'s last", other.direction.sender());
        lines.push(pair(
            &who,
            format!("{} (message {})", text::span(message.time.since(other.time)), other.number),
        ));
    }
}

/// The time of day, in UTC.
pub(super) fn wall_clock(log: &Log, at: Stamp) -> Option<String> {
    let since_epoch = log.started().duration_since(std::time::UNIX_EPOCH).ok()?;
    let time = since_epoch + at.since(Stamp(0));
    let seconds = time.as_secs() % 86_400;
    Some(format!(
        "{:02}:{:02}:{:02}.{:03} UTC",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60,
        time.subsec_millis()
    ))
}

/// How many messages a second, each way.
fn pace(subject: &Subject<'_>, messages: &[Message], lines: &mut Vec<Words>) {
    let (Some(first), Some(last)) = (messages.first(), messages.last()) else { return };
    let time = last.time.since(first.time);
    heading(lines, &format!("Pace of the last {}", text::plural(messages.len() as u64, "message")));
    for direction in Direction::BOTH {
        let count = messages.iter().filter(|message| message.direction == direction).count();
        let bytes: u64 = messages
            .iter()
            .filter(|message| message.direction == direction)
            .map(|message| message.wire_size)
            .sum();
        let rate = if time.is_zero() { String::new() } else { rate(count as f64, bytes as f64, time) };
        let name = format!("{} from the {}", words::arrow(direction), direction.sender());
        lines.push(vec![
            (Look::Way(direction), text::left(&name, 26)),
            (Look::Text, format!("{:>6}   {rate}", text::count(count as u64))),
        ]);
    }
    let [to_server, to_client] = subject.summary.messages;
    lines.push(pair(
        "in the whole session",
        format!("{} ▲  {} ▼", text::count(to_server), text::count(to_client)),
    ));
}

fn rate(count: f64, bytes: f64, time: Duration) -> String {
    let seconds = time.as_secs_f64();
    format!("{:.1} a second, {} a second", count / seconds, text::size((bytes / seconds) as u64))
}

/// How long the pauses between messages were.
fn gaps(messages: &[Message], bars: usize, lines: &mut Vec<Words>) {
    const EDGES: [(&str, u64); 6] = [
        ("under 1 ms", 1),
        ("1 to 10 ms", 10),
        ("10 to 100 ms", 100),
        ("0.1 to 1 s", 1_000),
        ("1 to 10 s", 10_000),
        ("10 s and more", u64::MAX),
    ];
    if messages.len() < 3 {
        return;
    }
    let mut counts = [0usize; EDGES.len()];
    for pair in messages.windows(2) {
        let millis = pair[1].time.since(pair[0].time).as_millis() as u64;
        let bucket = EDGES.iter().position(|(_, edge)| millis < *edge).unwrap_or(EDGES.len() - 1);
        counts[bucket] += 1;
    }
    let most = counts.iter().copied().max().unwrap_or(0).max(1);
    heading(lines, "Pauses between messages");
    for ((name, _), count) in EDGES.iter().zip(counts) {
        let length = if count == 0 { 0 } else { (count * bars / most).max(1) };
        lines.push(vec![
            (Look::Key, text::left(name, 26)),
            (Look::Text, format!("{count:>6}  ")),
            (Look::Good, "█".repeat(length)),
        ]);
    }
}
