//! What was done to the traffic, in words and in one character.

use super::words::{duration, size};
use crate::capture::{Act, By, Deed, Deeds, Kind};

/// The character for a row that the proxy sent.
pub const INJECTED: &str = "+";

/// A character for each kind of deed, the one that matters most first, with the word for it.
const SIGNS: [(Deeds, &str, &str); 18] = [
    (Deeds::RESET, "↯", "reset"),
    (Deeds::CLOSED, "⊗", "closed"),
    (Deeds::TRUNCATED, "✂", "cut"),
    (Deeds::DROPPED, "⊘", "dropped"),
    (Deeds::EDITED, "✎", "edited"),
    (Deeds::CORRUPTED, "≠", "corrupted"),
    (Deeds::DUPLICATED, "⧉", "duplicated"),
    (Deeds::REORDERED, "⇅", "reordered"),
    (Deeds::DELAYED, "◷", "delayed"),
    (Deeds::STALLED, "⊣", "stalled"),
    (Deeds::THROTTLED, "≋", "throttled"),
    (Deeds::SENT, "»", "sent"),
    (Deeds::REFUSED, "✗", "refused"),
    (Deeds::FULL, "▤", "full"),
    (Deeds::HELD, "‖", "held"),
    (Deeds::RELEASED, "→", "released"),
    (Deeds::RECORDING_STOPPED, "◌", "recording stopped"),
    (Deeds::MARKED, "*", "marked"),
];

/// The one character for what was done to a row, and the word for it; none where nothing was.
pub fn sign(deeds: Deeds) -> Option<(&'static str, &'static str)> {
    SIGNS.iter().find(|(kind, ..)| deeds.any(*kind)).map(|(_, sign, word)| (*sign, *word))
}

/// The words for all that was done to a row, what matters most first. That it went on after it was held goes without
/// saying.
pub fn words(deeds: Deeds) -> impl Iterator<Item = &'static str> {
    SIGNS
        .iter()
        .filter(move |(kind, ..)| deeds.any(*kind) && *kind != Deeds::RELEASED)
        .map(|(_, _, word)| *word)
}

/// What was done and by whom: `edited by rule price`, `held as 3 by the user`. What an edit made of it is not in it.
pub fn sentence(act: &Act) -> String {
    let held = act.held.map(|held| format!(" as {held}")).unwrap_or_default();
    let session = if act.number.is_some() { "its session " } else { "" };
    let what = match &act.deed {
        Deed::Held => return format!("held{held} by {}", act.by),
        Deed::Released if act.by == By::Proxy => "let go on".to_owned(),
        Deed::Released => "let go on as it was".to_owned(),
        Deed::Edited(..) => "edited".to_owned(),
        Deed::Dropped => "dropped".to_owned(),
        Deed::Duplicated(1) => "sent once more".to_owned(),
        Deed::Duplicated(count) => format!("sent {count} times more"),
        Deed::Delayed(time) => format!("delayed by {}", duration(*time)),
        Deed::Reordered(1) => "put behind the one after it".to_owned(),
        Deed::Reordered(count) => format!("put behind the {count} after it"),
        Deed::Corrupted(octets) => format!("{} of it changed on the wire", size(*octets)),
        Deed::Truncated(octets) => format!("cut off after {}", size(*octets)),
        Deed::Closed(code, reason) if reason.is_empty() => format!("{session}closed with {code}"),
        Deed::Closed(code, reason) => format!("{session}closed with {code} \"{reason}\""),
        Deed::Reset => format!("{session}reset"),
        Deed::Stalled(side, Some(time)) => {
            format!("the {}'s side stalled for {}", side.sender(), duration(*time))
        }
        Deed::Stalled(side, None) => format!("the {}'s side stalled for good", side.sender()),
        Deed::Throttled(side, rate) => format!("the {}'s side slowed down to {rate}", side.sender()),
        Deed::Sent(direction, opcode) => {
            format!("{} sent to the {}", Kind::Frame(*opcode).name(), direction.opposite().sender())
        }
        Deed::Marked => "marked".to_owned(),
        Deed::RecordingStopped => format!("{session}left out of recordings from here on"),
        Deed::Refused(status) => format!("refused with {status}"),
        Deed::Full => return "so much is held that its sender has to wait".to_owned(),
    };
    let comma = if matches!(act.deed, Deed::Delayed(_)) { "," } else { "" };
    format!("{what}{comma} by {}", act.by)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::capture::{Payload, Stamp};
    use crate::ws::{Direction, Opcode};

    #[test]
    fn a_row_shows_what_matters_most_and_tells_the_rest() {
        let deeds = Deeds::HELD | Deeds::RELEASED | Deeds::DROPPED | Deeds::MARKED;
        assert_eq!(sign(deeds), Some(("⊘", "dropped")));
        assert_eq!(words(deeds).collect::<Vec<_>>(), ["dropped", "held", "marked"]);
        assert_eq!((sign(Deeds::NONE), words(Deeds::NONE).next()), (None, None));
    }

    #[test]
    fn a_sentence_says_what_and_by_whom() {
        let act = |deed, by| Act {
            session: 1,
            time: Stamp(0),
            direction: Direction::ToClient,
            number: Some(5),
            held: Some(3),
            deed,
            by,
        };
        let rule = || By::Rule("price".into());
        for (act, expected) in [
            (act(Deed::Held, By::User), "held as 3 by the user"),
            (act(Deed::Edited(Opcode::Text, Payload::default()), rule()), "edited by rule price"),
            (act(Deed::Delayed(Duration::from_millis(250)), rule()), "delayed by 250 ms, by rule price"),
            (
                act(Deed::Closed(4000, "out".to_owned()), By::Proxy),
                "its session closed with 4000 \"out\" by the proxy",
            ),
            (Act { number: None, ..act(Deed::Reset, rule()) }, "reset by rule price"),
            (
                act(Deed::Stalled(Direction::ToServer, None), rule()),
                "the client's side stalled for good by rule price",
            ),
            (
                act(Deed::Sent(Direction::ToServer, Opcode::Text), rule()),
                "text sent to the server by rule price",
            ),
            (act(Deed::Dropped, By::Rule("rule 2".into())), "dropped by rule 2"),
        ] {
            assert_eq!(sentence(&act), expected);
        }
    }
}
