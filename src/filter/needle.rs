//! What has to stand in a text message's payload for a term to be true of it: a quick look before the real one.

use memchr::{memchr, memmem};
use regex::bytes;

/// Octets without which a term is not true of a text message.
///
/// Where they do not stand in several payloads one behind the other, they do not stand in any of them: they can be looked
/// for in all at once.
#[derive(Clone, Debug)]
pub(super) enum Needle {
    /// A text in any case, which the regular expression finds.
    Pattern(bytes::Regex),
    /// A part of a text in any case, with each octet as [`folded`].
    Folded(Box<memmem::Finder<'static>>),
    /// A string, as JSON spells it where it has nothing to escape.
    String(Box<memmem::Finder<'static>>),
}

impl Needle {
    /// Of a term that looks for `text` in what is shown, which `regex` finds.
    pub(super) fn words(text: &str, regex: bytes::Regex) -> Option<Needle> {
        if !stands_as_it_is(text) {
            return None;
        }
        let part =
            text.split(|c: char| !has_one_spelling(c)).max_by_key(|part| part.len()).unwrap_or_default();
        if part.len() < SHORTEST_PART {
            return Some(Needle::Pattern(regex));
        }
        let part: Vec<u8> = part.bytes().take(LONGEST_PART).map(folded).collect();
        Some(Needle::Folded(Box::new(memmem::Finder::new(&part).into_owned())))
    }

    /// Of a term that needs a key or a string of JSON.
    pub(super) fn string(text: &str) -> Option<Needle> {
        stands_as_it_is(text).then(|| Needle::String(Box::new(memmem::Finder::new(text).into_owned())))
    }

    /// Whether it may stand in `payload`.
    pub(super) fn may_be_in(&self, payload: &[u8]) -> bool {
        match self {
            Needle::Pattern(regex) => regex.is_match(payload),
            // Most payloads are short: room for them is made at once.
            Needle::Folded(finder) if payload.len() <= 256 => may_be_folded_in::<256>(finder, payload),
            Needle::Folded(finder) => may_be_folded_in::<4096>(finder, payload),
            // `\u0061` is an a as well (RFC 8259 7).
            Needle::String(finder) => finder.find(payload).is_some() || memchr(b'\\', payload).is_some(),
        }
    }
}

/// A shorter part is found too often where the text is not.
const SHORTEST_PART: usize = 3;
/// As much of a longer one is looked for.
const LONGEST_PART: usize = 64;

/// Whether the octets that `finder` looks for may stand in `payload` in any case. It is folded `ROOM` octets at a time, which
/// stay in the processor's nearest memory.
fn may_be_folded_in<const ROOM: usize>(finder: &memmem::Finder<'_>, payload: &[u8]) -> bool {
    let mut room = [0; ROOM];
    let overlap = finder.needle().len() - 1;
    let mut rest = payload;
    loop {
        let here = rest.len().min(ROOM);
        room.iter_mut().zip(&rest[..here]).for_each(|(folded, octet)| *folded = self::folded(*octet));
        if finder.find(&room[..here]).is_some() {
            return true;
        }
        if here == rest.len() {
            return false;
        }
        rest = &rest[here - overlap..];
    }
}

/// An octet without the bit by which small letters of ASCII differ from capitals. Others come to be alike too.
fn folded(octet: u8) -> u8 {
    octet | 0x20
}

/// Whether a character differs from no other but by the case of ASCII: U+017F is an s as well, and U+212A a k.
fn has_one_spelling(c: char) -> bool {
    c.is_ascii() && !matches!(c, 's' | 'S' | 'k' | 'K')
}

/// Whether a text stands in the octets wherever it stands in what is shown of them: only U+FFFD is shown of others.
fn stands_as_it_is(text: &str) -> bool {
    !text.is_empty() && !text.contains(char::REPLACEMENT_CHARACTER)
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use proptest::prelude::*;

    use crate::filter::{Filter, Kind, Subject};
    use crate::ws::{Direction, Opcode};

    struct Message<'a>(Opcode, &'a [u8]);

    impl Subject for Message<'_> {
        fn kind(&self) -> Kind {
            Kind::Frame(self.0)
        }
        fn direction(&self) -> Option<Direction> {
            Some(Direction::ToServer)
        }
        fn size(&self) -> Option<u64> {
            Some(self.1.len() as u64)
        }
        fn payload(&self) -> Cow<'_, [u8]> {
            Cow::Borrowed(self.1)
        }
        fn text(&self) -> Cow<'_, str> {
            String::from_utf8_lossy(self.1)
        }
    }

    const TICKS: &[u8] = br#"{"type":"tick","price":1}{"type":"tick","price":2}"#;

    #[track_caller]
    fn is_ruled_out(filter: &str, expected: bool) {
        let filter = Filter::parse(filter).unwrap();
        assert_eq!(filter.rules_out(&Message(Opcode::Text, TICKS)), expected, "{filter}");
    }

    #[test]
    fn what_is_not_there_is_ruled_out_in_all_at_once() {
        for filter in [
            "tock",
            "type=tock",
            "json.symbol",
            "volume>100",
            "symbol~^A",
            "tick type=tock",
            "tock or symbol=AB",
            "dir:server",
            "op:ping",
            "~b tock",
            "~bs tick",
        ] {
            is_ruled_out(filter, true);
        }
        for filter in
            ["TICK", "type=tick", "price>1", "not tock", "tock or tick", "size>100", "/to.k/", "tick op:text"]
        {
            is_ruled_out(filter, false);
        }
    }

    #[test]
    fn what_may_be_spelt_otherwise_is_not_ruled_out() {
        let rules_out = |filter: &str, opcode, payload: &[u8]| {
            Filter::parse(filter).unwrap().rules_out(&Message(opcode, payload))
        };
        assert!(!rules_out("type=tick", Opcode::Text, br#"{"type":"ti\u0063k"}"#), "an escape");
        assert!(!rules_out("price=100", Opcode::Text, br#"{"price":1e2}"#), "a number");
        assert!(!rules_out("type=tick", Opcode::Binary, b"\x81\xa4type"), "MessagePack");
        assert!(!rules_out("\u{fffd}", Opcode::Text, b"\xff"), "octets that are no UTF-8");
        assert!(!rules_out("1000", Opcode::Close, b"\x03\xe8"), "a close's code");
    }

    const FILTERS: [&str; 18] = [
        "aabb",
        "bkaab",
        "ab",
        "AB",
        "k",
        "not ab",
        "ab or b=1",
        "ab k",
        "k=ab",
        "k!=ab",
        "json.k:a",
        "k>1",
        "k=1",
        "json.k",
        "~b ab",
        "~bq ab",
        "k=\"1\"",
        "size>3",
    ];

    fn payload() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![
            r#"\{"[abk]{1,2}":("[aAbk]{0,3}"|1|1.0|2e1|true|"\\u0061b")\}"#.prop_map(String::into_bytes),
            "[aAbBkK1K]{0,6}".prop_map(String::into_bytes),
            prop::collection::vec(prop::sample::select(&b"abk\xff\xc3"[..]), 0..5),
        ]
    }

    #[test]
    fn words_are_found_in_any_case_and_wherever_they_are() {
        for (word, payload) in
            [("TICKET", "a Ticket"), ("kiosk", "a \u{212a}io\u{17f}\u{212a}"), ("maße", "MAßE")]
        {
            let filter = Filter::parse(word).unwrap();
            for before in [0, 1, 250, 256, 4090, 4096, 8190, 9000] {
                let payload = [" ".repeat(before), payload.to_owned(), " ".repeat(300)].concat();
                let message = Message(Opcode::Text, payload.as_bytes());
                assert!(filter.matches(&message) && !filter.rules_out(&message), "{word} after {before}");
            }
        }
    }

    proptest! {
        /// Nothing is ruled out of several messages that is true of one of them.
        #[test]
        fn nothing_true_is_ruled_out(
            filter in prop::sample::select(&FILTERS[..]),
            payloads in prop::collection::vec(payload(), 0..6),
            binary in any::<bool>(),
        ) {
            let opcode = if binary { Opcode::Binary } else { Opcode::Text };
            let filter = Filter::parse(filter).unwrap();
            let matches = payloads.iter().any(|payload| filter.matches(&Message(opcode, payload)));
            prop_assert!(!(matches && filter.rules_out(&Message(opcode, &payloads.concat()))));
        }
    }
}
