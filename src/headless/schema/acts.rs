//! Acts as lines and back, and who did them.

use bytes::Bytes;

use super::events::{duration, missing, payload, sender};
use super::json::Object;
use super::line::Line;
use super::payload::Payloads;
use super::writer::{nanoseconds, write_payload};
use crate::capture::{Act, By, Deed, Kind, Payload, Stamp};
use crate::ws::Direction;

/// Writes an act's line, of a session that was opened at `opened`.
pub(super) fn write(line: &mut Object, act: &Act, opened: Stamp, source: &dyn Payloads) {
    line.string("type", "act");
    line.number("session", u64::from(act.session));
    if let Some(number) = act.number {
        line.number("n", number);
    }
    line.millis("at", act.time.0.saturating_sub(opened.0));
    if !act.has_no_side() {
        line.string("from", act.direction.sender());
    }
    line.string("act", act.deed.name());
    if let Some(held) = act.held {
        line.number("held", held);
    }
    match &act.by {
        By::User => line.string("by", "user"),
        By::Proxy => line.string("by", "proxy"),
        By::Rule(name) => {
            line.string("by", "rule");
            line.string("rule", name);
        }
    }
    particulars(line, act, source);
}

fn particulars(line: &mut Object, act: &Act, source: &dyn Payloads) {
    match &act.deed {
        Deed::Edited(opcode, payload) => {
            let kind = Kind::Frame(*opcode);
            line.string("op", kind.name());
            let captured = write_payload(line, kind, payload, source);
            if captured != payload.len() {
                line.number("size", payload.len());
                line.number("captured", captured);
            }
        }
        Deed::Duplicated(count) | Deed::Reordered(count) => line.number("count", u64::from(*count)),
        Deed::Corrupted(count) | Deed::Truncated(count) | Deed::OthersDropped(count) => {
            line.number("count", *count);
        }
        Deed::Delayed(time) => line.millis("for", nanoseconds(*time)),
        Deed::Stalled(direction, time) => {
            side(line, act, *direction);
            if let Some(time) = time {
                line.millis("for", nanoseconds(*time));
            }
        }
        Deed::Closed(code, reason) => {
            line.number("code", u64::from(*code));
            line.string("reason", reason);
        }
        Deed::Throttled(direction, rate) => {
            side(line, act, *direction);
            line.string("rate", rate);
        }
        Deed::Sent(direction, opcode) => {
            line.string("to", direction.opposite().sender());
            line.string("op", Kind::Frame(*opcode).name());
        }
        Deed::Refused(status) => line.number("status", u64::from(*status)),
        Deed::Held
        | Deed::Released
        | Deed::Dropped
        | Deed::Reset
        | Deed::Marked
        | Deed::RecordingStopped
        | Deed::Full
        | Deed::Lifted
        | Deed::Unjudged => {}
    }
}

/// Whose side something was done to, where it is not the side of who sent the message.
fn side(line: &mut Object, act: &Act, direction: Direction) {
    if direction != act.direction {
        line.string("side", direction.sender());
    }
}

/// The act that a line tells, of `session`; none where the word for it is not known.
pub(super) fn read(line: &Line, (session, time): (u32, Stamp)) -> Result<Option<Act>, String> {
    let word = line.act.as_deref().ok_or_else(|| missing("act"))?;
    let from = line.from.as_deref().map(sender).transpose()?;
    let direction = from.unwrap_or(Direction::ToServer);
    let Some(deed) = deed(word, line, direction)? else { return Ok(None) };
    let by = match line.by.as_deref().ok_or_else(|| missing("by"))? {
        "user" => By::User,
        "proxy" => By::Proxy,
        "rule" => By::Rule(line.rule.as_deref().ok_or_else(|| missing("rule"))?.into()),
        other => return Err(format!("\"by\" is none of \"user\", \"rule\" and \"proxy\": {other}")),
    };
    let act = Act { session, time, direction, number: line.n, held: line.held, deed, by };
    if from.is_none() && !act.has_no_side() {
        return Err(missing("from"));
    }
    Ok(Some(act))
}

fn deed(word: &str, line: &Line, direction: Direction) -> Result<Option<Deed>, String> {
    let count = || line.count.ok_or_else(|| missing("count"));
    let small = || u32::try_from(count()?).map_err(|_| "\"count\" is too large".to_owned());
    let time = || line.lasting.map(|time| duration(time, "for")).transpose();
    let opcode = || {
        let op = line.op.as_deref().ok_or_else(|| missing("op"))?;
        match Kind::from_name(op) {
            Some(Kind::Frame(opcode)) => Ok(opcode),
            _ => Err(format!("\"op\" is no opcode: {op}")),
        }
    };
    let side = || line.side.as_deref().map_or(Ok(direction), sender);
    Ok(Some(match word {
        "held" => Deed::Held,
        "released" => Deed::Released,
        "edited" => {
            let opcode = opcode()?;
            let after: Bytes = payload(line, Kind::Frame(opcode))?;
            Deed::Edited(opcode, Payload::from(after))
        }
        "dropped" => Deed::Dropped,
        "others dropped" => Deed::OthersDropped(count()?),
        "duplicated" => Deed::Duplicated(small()?),
        "delayed" => Deed::Delayed(time()?.ok_or_else(|| missing("for"))?),
        "reordered" => Deed::Reordered(small()?),
        "corrupted" => Deed::Corrupted(count()?),
        "truncated" => Deed::Truncated(count()?),
        "closed" => {
            let reason = line.reason.as_deref().unwrap_or_default().to_owned();
            Deed::Closed(line.code.ok_or_else(|| missing("code"))?, reason)
        }
        "reset" => Deed::Reset,
        "stalled" => Deed::Stalled(side()?, time()?),
        "throttled" => {
            let rate = line.rate.as_deref().ok_or_else(|| missing("rate"))?;
            Deed::Throttled(side()?, rate.to_owned())
        }
        "sent" => {
            let to = line.to.as_deref().ok_or_else(|| missing("to"))?;
            Deed::Sent(sender(to)?.opposite(), opcode()?)
        }
        "marked" => Deed::Marked,
        "recording stopped" => Deed::RecordingStopped,
        "refused" => Deed::Refused(line.status.ok_or_else(|| missing("status"))?),
        "full" => Deed::Full,
        "lifted" => Deed::Lifted,
        "unjudged" => Deed::Unjudged,
        _ => return Ok(None),
    }))
}

/// Who sent a message in its sender's name, in one string.
pub(super) fn injector(by: &By) -> String {
    match by {
        By::User => "user".to_owned(),
        By::Proxy => "proxy".to_owned(),
        By::Rule(name) => format!("rule {name}"),
    }
}

/// What [`injector`] wrote.
pub(super) fn read_injector(text: &str) -> Result<By, String> {
    match (text, text.strip_prefix("rule ")) {
        ("user", _) => Ok(By::User),
        ("proxy", _) => Ok(By::Proxy),
        (_, Some(name)) => Ok(By::Rule(name.into())),
        _ => Err(format!("\"injected\" is none of \"user\", \"rule NAME\" and \"proxy\": {text}")),
    }
}
