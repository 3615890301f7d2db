//! What has to stand in a text message's payload for a term to be true of it: a quick look before the real one.

use memchr::memmem;
use regex::bytes;

use crate::decode::may_be_escaped;

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
    /// A string as it stands in JSON where nothing of it is escaped, and what stands there where something may be.
    String(Box<[memmem::Finder<'static>; 2]>),
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
        let finders = || [text, may_be_escaped(text)].map(|part| memmem::Finder::new(part).into_owned());
        stands_as_it_is(text).then(|| Needle::String(Box::new(finders())))
    }

    /// Whether it may stand in `payload`.
    pub(super) fn may_be_in(&self, payload: &[u8]) -> bool {
        match self {
            Needle::Pattern(regex) => regex.is_match(payload),
            // Most payloads are short: room for them is made at once.
            Needle::Folded(finder) if payload.len() <= 256 => may_be_folded_in::<256>(finder, payload),
            Needle::Folded(finder) => may_be_folded_in::<4096>(finder, payload),
            Needle::String(finders) => finders.iter().any(|finder| finder.find(payload).is_some()),
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

    use crate::filter::{BETWEEN, Filter, Kind, Subject};
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
        fn shows_payload(&self) -> bool {
            self.0 == Opcode::Text
        }
        fn payload(&self) -> Cow<'_, [u8]> {
            Cow::Borrowed(self.1)
        }
        fn text(&self) -> Cow<'_, str> {
            String::from_utf8_lossy(self.1)
        }
    }

    const TICKS: &[u8] = b"{\"type\":\"tick\",\"price\":1,\"note\":\"\\n\"}\0{\"type\":\"tick\",\"price\":2}";

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
            "price>2",
            "price<1",
            "json.price>=2.5",
            "price=3",
            "type~^T",
            "json.type:tock",
            "tick>1",
            "price.tick>0",
            "tick type=tock",
            "tock or symbol=AB",
            "dir:server",
            "op:ping",
            "~b tock",
            "~bs tick",
        ] {
            is_ruled_out(filter, true);
        }
        for filter in [
            "TICK",
            "type=tick",
            "price>1",
            "price<=1",
            "price=2.0",
            "price!=1",
            "type!~^T",
            "json.price",
            "price[0]>5",
            "not tock",
            "tock or tick",
            "size>100",
            "/to.k/",
            "tick op:text",
        ] {
            is_ruled_out(filter, false);
        }
    }

    #[test]
    fn what_may_be_spelt_otherwise_is_not_ruled_out() {
        let rules_out = |filter: &str, opcode, payload: &[u8]| {
            Filter::parse(filter).unwrap().rules_out(&Message(opcode, payload))
        };
        assert!(!rules_out("type=tick", Opcode::Text, br#"{"type":"ti\u0063k"}"#), "an escape");
        assert!(!rules_out("price>1", Opcode::Text, br#"{"\u0070rice":2}"#), "an escape in a key");
        assert!(!rules_out(r#"json["a/b"]>1"#, Opcode::Text, br#"{"a\/b":2}"#), "an escape of one letter");
        assert!(!rules_out("price=100", Opcode::Text, br#"{"price":1e2}"#), "a number");
        assert!(!rules_out("price>1", Opcode::Text, br#"{"price":"2"}"#), "a number in a string");
        assert!(!rules_out("price>1", Opcode::Text, b"{\"price\"\n: 2}"), "white space");
        assert!(!rules_out("price>1", Opcode::Text, br#"{"price":2"#), "a text that breaks off");
        let two = [&br#"{"price":2"#[..], b"5"].join(&BETWEEN);
        assert!(!rules_out("price=2", Opcode::Text, &two), "a text that breaks off before another");
        assert!(!rules_out("price!=1", Opcode::Text, br#"{"price":[1]}"#), "an array");
        assert!(!rules_out(r#"json[","]>1"#, Opcode::Text, br#"{"a":"b",",":2}"#), "the key of a comma");
        assert!(!rules_out("type=tick", Opcode::Binary, b"\x81\xa4type"), "MessagePack");
        assert!(!rules_out("\u{fffd}", Opcode::Text, b"\xff"), "octets that are no UTF-8");
        assert!(!rules_out("1000", Opcode::Close, b"\x03\xe8"), "a close's code");
    }

    const FILTERS: [&str; 11] =
        ["aabb", "bkaab", "ab", "AB", "k", "not ab", "ab or b=1", "ab k", "~b ab", "~bq ab", "size>3"];

    /// A field's name, what is asked of it, and a value.
    fn of_a_field() -> impl Strategy<Value = String> {
        let names = ["k", "a.k", "k.a", "k[0]", "k[*]", "json.k", r#"json[","]"#, r#"json["a/b"]"#];
        let questions = ["=", "!=", "~", "!~", ">", ">=", "<", "<="];
        let values = ["1", "\"1\"", "2", "1.5", "-1", "a", "ab", "true", "null"];
        let all = (
            prop::sample::select(names.to_vec()),
            prop::sample::select(questions.to_vec()),
            prop::sample::select(values.to_vec()),
        );
        all.prop_map(|(name, question, value)| format!("{name}{question}{value}"))
    }

    fn filter() -> impl Strategy<Value = Filter> {
        let fixed = prop::sample::select(FILTERS.to_vec()).prop_map(str::to_owned);
        let fields = prop_oneof![
            of_a_field(),
            of_a_field().prop_map(|one| format!("not {one}")),
            (of_a_field(), of_a_field()).prop_map(|(one, other)| format!("{one} or {other}")),
        ];
        prop_oneof![1 => fixed, 4 => fields].prop_map(|source| Filter::parse(&source).unwrap())
    }

    /// JSON, with what makes it hard to read at a glance.
    fn json() -> impl Strategy<Value = String> {
        let space = || prop::sample::select(vec!["", "", " ", "\t", "\r\n"]);
        let scalar = prop::sample::select(
            r#"1 1.0 0.1e1 2 -1 15e-1 12 1e NaN true null "" "1" "2" "a" "ab" "true" "\u0031" "\"k\":2" "k" "," "a,k""#
                .split(' ')
                .map(str::to_owned)
                .collect::<Vec<_>>(),
        );
        let key = prop::sample::select(vec!["k", "k", "a", ",", "a/b", "a\\/b", "\\u006b", "k\\\"", "\\n"]);
        scalar.prop_recursive(3, 12, 3, move |inner| {
            let member = (key.clone(), space(), space(), inner.clone(), space()).prop_map(
                |(key, before, behind, value, end)| format!("\"{key}\"{before}:{behind}{value}{end}"),
            );
            let list = |open: &'static str, items: BoxedStrategy<String>, close: &'static str| {
                prop::collection::vec(items, 0..4)
                    .prop_map(move |items| format!("{open}{}{close}", items.join(",")))
            };
            prop_oneof![3 => list("{", member.boxed(), "}"), 1 => list("[", inner.boxed(), "]")]
        })
    }

    fn payload() -> impl Strategy<Value = Vec<u8>> {
        let cut = (json(), 0..40_usize).prop_map(|(json, end)| json.bytes().take(end).collect());
        let two = (json(), json()).prop_map(|(one, other)| format!("{one}\n{other}").into_bytes());
        prop_oneof![
            4 => json().prop_map(String::into_bytes),
            1 => cut,
            1 => two,
            1 => r#"\{"k":"?(-?[12]|a)"#.prop_map(String::into_bytes),
            1 => "[aAbBkK12K.\"]{0,6}".prop_map(String::into_bytes),
            1 => prop::collection::vec(prop::sample::select(&b"abk\xff\xc3\""[..]), 0..5),
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
        #![proptest_config(ProptestConfig::with_cases(4096))]

        /// Nothing is ruled out of several messages that is true of one of them, or of that one by itself.
        #[test]
        fn nothing_true_is_ruled_out(
            filter in filter(),
            payloads in prop::collection::vec(payload(), 0..5),
        ) {
            // In binary messages JSON is read alike, and never at a glance.
            let is_true = |payload: &Vec<u8>| filter.matches(&Message(Opcode::Binary, payload));
            let matches: Vec<bool> = payloads.iter().map(is_true).collect();
            let all = payloads.join(&BETWEEN);
            prop_assert!(!(matches.contains(&true) && filter.rules_out(&Message(Opcode::Text, &all))));
            for (payload, matches) in payloads.iter().zip(matches) {
                prop_assert_eq!(filter.matches(&Message(Opcode::Text, payload)), matches);
            }
        }
    }
}
