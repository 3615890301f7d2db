//! What was done to a message or a session, and by whom, as the detail pane tells it.

use super::document::sentence;
use super::text;
use super::theme::{Look, Words};
use super::words::arrow;
use crate::capture::{Act, Deed, Deeds, Message, Payload, Stamp};
use crate::decode::visible;
use crate::headless::text as headless;
use crate::ws::Opcode;

/// How many of a session's acts are listed: the latest.
const LISTED: usize = 100;

/// What was done to a message, a sentence each.
pub(super) fn of_message(message: &Message, acts: &[Act], columns: usize) -> Vec<Words> {
    let mut lines = Vec::new();
    if let Some(by) = &message.injected {
        let what = format!("sent by {}", visible(&by.to_string()));
        lines.extend(sentence(Look::Odd, headless::INJECTED, &what, columns));
    }
    for act in acts {
        lines.extend(line(act, &told(act, message), columns));
    }
    lines
}

/// The same but for edits, which [`changes`] tells of.
pub(super) fn beside_changes(message: &Message, acts: &[Act], columns: usize) -> Vec<Words> {
    let others: Vec<Act> = acts.iter().filter(|act| !is_edit(act)).cloned().collect();
    of_message(message, &others, columns)
}

fn told(act: &Act, message: &Message) -> String {
    let mut what = headless::sentence(act);
    if act.held.is_some() && act.deed != Deed::Held {
        what.push_str(&format!(", {} after it came", text::span(act.time.since(message.time))));
    }
    what
}

fn is_edit(act: &Act) -> bool {
    matches!(act.deed, Deed::Edited(..))
}

/// What the tabs of bytes and frames tell before what came: what was done to the message, and a heading where something
/// else went on. That heading, and those of [`edits`], tell of the editing.
pub(super) fn above(message: &Message, acts: &[Act], columns: usize) -> Vec<Words> {
    let Some(heading) = before(message, acts) else { return of_message(message, acts, columns) };
    let told = Deeds::HELD | Deeds::RELEASED | Deeds::EDITED;
    let others: Vec<Act> = acts.iter().filter(|act| !act.deed.kind().any(told)).cloned().collect();
    let mut lines = of_message(message, &others, columns);
    lines.push(heading);
    lines
}

/// What was done to a session that began at `opened`, or to its handshake, a sentence each.
pub(super) fn of_session(acts: &[Act], opened: Stamp, columns: usize) -> Vec<Words> {
    let mut lines = Vec::new();
    let earlier = acts.len().saturating_sub(LISTED);
    if earlier > 0 {
        let what = format!("{} before these are not listed", text::plural(earlier as u64, "act"));
        lines.push(vec![(Look::Dim, format!("… {what}"))]);
    }
    for act in &acts[earlier..] {
        let at = text::moment(act.time.since(opened));
        lines.extend(line(act, &format!("{at} {}", headless::sentence(act)), columns));
    }
    lines
}

fn line(act: &Act, what: &str, columns: usize) -> Vec<Words> {
    let sign = headless::sign(act.deed.kind()).map_or("·", |(sign, _)| sign);
    sentence(Look::Odd, sign, &visible(what), columns)
}

/// What went on in place of a message, for each time that it was edited, under a heading.
pub(super) fn edits(acts: &[Act]) -> impl Iterator<Item = (Words, Opcode, &Payload)> {
    acts.iter().filter_map(|act| match &act.deed {
        Deed::Edited(opcode, payload) => {
            let what = format!("{} after: {}", arrow(act.direction), headless::sentence(act));
            Some((vec![(Look::Heading, visible(&what).into_owned())], *opcode, payload))
        }
        _ => None,
    })
}

/// What the signs stand for where what came and what went on are shown one beside the other, for each time that it was
/// edited.
pub(super) fn changes(message: &Message, acts: &[Act]) -> impl Iterator<Item = Words> {
    let sent = match message.injected {
        None => format!("as the {} sent it", message.direction.sender()),
        Some(_) => "as it was sent".to_owned(),
    };
    acts.iter().filter(|act| is_edit(act)).enumerate().map(move |(place, act)| {
        let before = if place == 0 { sent.as_str() } else { "as it was then" };
        let after = told(act, message);
        let words = |text: String| (Look::Heading, visible(&text).into_owned());
        vec![
            words(format!("{} ", arrow(act.direction))),
            (Look::Bad, "-".to_owned()),
            words(format!(" {before}  ")),
            (Look::Good, "+".to_owned()),
            words(format!(" {after}")),
        ]
    })
}

/// The heading of what came, where something else went on.
pub(super) fn before(message: &Message, acts: &[Act]) -> Option<Words> {
    edits(acts).next()?;
    let whose = match &message.injected {
        Some(_) => String::new(),
        None => format!(", as the {} sent it", message.direction.sender()),
    };
    Some(vec![(Look::Heading, format!("{} before{whose}", arrow(message.direction)))])
}
