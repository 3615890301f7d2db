//! What was done to the traffic, in words and in one character.

use super::words::{duration, size};
use crate::capture::{Act, By, Deed, Deeds, Kind};
use crate::ws::Direction;

/// The character for a row that the proxy sent.
pub const INJECTED: &str = "+";

/// A character for each kind of deed, the one that matters most first, with the word for it.
const SIGNS: [(Deeds, &str, &str); 21] = [
    (Deeds::RESET, "↯", "reset"),
    (Deeds::CLOSED, "⊗", "closed"),
    (Deeds::TRUNCATED, "✂", "cut"),
    (Deeds::DROPPED, "⊘", "dropped"),
    (Deeds::OTHERS_DROPPED, "⊘", "others dropped"),
    (Deeds::EDITED, "✎", "edited"),
    (Deeds::CORRUPTED, "≠", "corrupted"),
    (Deeds::DUPLICATED, "⧉", "duplicated"),
    (Deeds::REORDERED, "⇅", "reordered"),
    (Deeds::DELAYED, "◷", "delayed"),
    (Deeds::STALLED, "⊣", "stalled"),
    (Deeds::THROTTLED, "≋", "throttled"),
    (Deeds::LIFTED, "⊢", "lifted"),
    (Deeds::SENT, "»", "sent"),
    (Deeds::REFUSED, "✗", "refused"),
    (Deeds::FULL, "▤", "full"),
    (Deeds::HELD, "‖", "held"),
    (Deeds::RELEASED, "→", "released"),
    (Deeds::RECORDING_STOPPED, "◌", "recording stopped"),
    (Deeds::UNJUDGED, "◇", "unjudged"),
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

/// What was done and by whom: `edited by rule price`; where it was not done to a message, to what as well: `handshake held as
/// 3 by the user`. What an edit made of it is not in it.
pub fn sentence(act: &Act) -> String {
    let held = act.held.map(|held| format!(" as {held}")).unwrap_or_default();
    let what = match &act.deed {
        Deed::Held => format!("held{held}"),
        Deed::Released if act.by == By::Proxy => "let go on".to_owned(),
        Deed::Released => "let go on as it was".to_owned(),
        Deed::Edited(..) => "edited".to_owned(),
        Deed::Dropped => "dropped".to_owned(),
        Deed::OthersDropped(count) => {
            let those =
                if *count == 1 { "1 more message".to_owned() } else { format!("{count} more messages") };
            format!("{those} of the {}'s, which had waited longest, dropped", act.direction.sender())
        }
        Deed::Duplicated(1) => "sent once more".to_owned(),
        Deed::Duplicated(count) => format!("sent {count} times more"),
        Deed::Delayed(time) => format!("delayed by {}", duration(*time)),
        Deed::Reordered(1) => "put behind the one after it".to_owned(),
        Deed::Reordered(count) => format!("put behind the {count} after it"),
        Deed::Corrupted(octets) => format!("{} of it changed on the wire", size(*octets)),
        Deed::Truncated(octets) => format!("cut off after {}", size(*octets)),
        Deed::Closed(code, reason) if reason.is_empty() => format!("closed with {code}"),
        Deed::Closed(code, reason) => format!("closed with {code} \"{reason}\""),
        Deed::Reset => "reset".to_owned(),
        Deed::Stalled(_, Some(time)) => format!("stalled for {}", duration(*time)),
        Deed::Stalled(_, None) => "stalled for good".to_owned(),
        Deed::Throttled(_, rate) => format!("slowed down to {rate}"),
        Deed::Lifted => "no longer held up".to_owned(),
        Deed::Sent(direction, opcode) => {
            format!("{} sent to the {}", Kind::Frame(*opcode).name(), direction.opposite().sender())
        }
        Deed::Marked => "marked".to_owned(),
        Deed::RecordingStopped => "left out of recordings from here on".to_owned(),
        Deed::Refused(status) => format!("refused with {status}"),
        Deed::Unjudged => {
            return "passed over by the rules: too long, or too broken, to be kept until all of it was there"
                .to_owned();
        }
        Deed::Full => {
            return format!(
                "so much of what the {} sends is held that it has to wait",
                act.direction.sender()
            );
        }
    };
    let comma = if matches!(act.deed, Deed::Delayed(_)) { "," } else { "" };
    format!("{}{what}{comma} by {}", subject(act), act.by)
}

/// What it was done to, where that is not the message at hand, with a blank behind it.
fn subject(act: &Act) -> &'static str {
    let of_message = act.number.is_some();
    match &act.deed {
        Deed::Stalled(Direction::ToServer, _) | Deed::Throttled(Direction::ToServer, _) => {
            "the client's side "
        }
        Deed::Stalled(Direction::ToClient, _) | Deed::Throttled(Direction::ToClient, _) => {
            "the server's side "
        }
        Deed::Lifted if act.direction == Direction::ToServer => "the client's side ",
        Deed::Lifted => "the server's side ",
        Deed::Closed(..) | Deed::Reset | Deed::RecordingStopped if of_message => "its session ",
        Deed::Closed(..) | Deed::Reset | Deed::RecordingStopped => "session ",
        Deed::Sent(..) | Deed::Full | Deed::Unjudged | Deed::OthersDropped(_) => "",
        _ if of_message => "",
        Deed::Edited(..) if act.direction == Direction::ToServer => "request ",
        Deed::Edited(..) => "answer ",
        _ => "handshake ",
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::capture::{Payload, Stamp};
    use crate::ws::Opcode;

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
            (Act { number: None, ..act(Deed::Reset, rule()) }, "session reset by rule price"),
            (Act { number: None, ..act(Deed::Held, By::User) }, "handshake held as 3 by the user"),
            (
                Act { number: None, ..act(Deed::Edited(Opcode::Text, Payload::default()), rule()) },
                "answer edited by rule price",
            ),
            (
                Act { number: None, ..act(Deed::Full, By::Proxy) },
                "so much of what the server sends is held that it has to wait",
            ),
            (
                act(Deed::Stalled(Direction::ToServer, None), rule()),
                "the client's side stalled for good by rule price",
            ),
            (
                act(Deed::Sent(Direction::ToServer, Opcode::Text), rule()),
                "text sent to the server by rule price",
            ),
            (
                act(Deed::Unjudged, By::Proxy),
                "passed over by the rules: too long, or too broken, to be kept until all of it was there",
            ),
            (
                Act { number: None, held: None, ..act(Deed::OthersDropped(3976), By::Proxy) },
                "3976 more messages of the server's, which had waited longest, dropped by the proxy",
            ),
            (
                Act { number: None, ..act(Deed::Lifted, rule()) },
                "the server's side no longer held up by rule price",
            ),
            (act(Deed::Dropped, By::Rule("rule 2".into())), "dropped by rule 2"),
        ] {
            assert_eq!(sentence(&act), expected);
        }
    }
}
