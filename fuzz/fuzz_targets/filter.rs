//! Any text as a filter, asked of any payload: no failure, and no verdict that looking deeper overturns.
#![no_main]

use std::borrow::Cow;

use libfuzzer_sys::fuzz_target;
use sockeye::filter::{Filter, Flag, Kind, Reads, Subject, complete};
use sockeye::ws::{Direction, Opcode};

struct Row {
    payload: Vec<u8>,
    bits: u8,
}

impl Subject for Row {
    fn kind(&self) -> Kind {
        if self.bits & 0x10 == 0 { Kind::Frame(Opcode::from_bits(self.bits)) } else { Kind::Session }
    }

    fn direction(&self) -> Option<Direction> {
        Some(Direction::BOTH[usize::from(self.bits >> 5 & 1)])
    }

    fn size(&self) -> Option<u64> {
        Some(self.payload.len() as u64)
    }

    fn url(&self) -> &str {
        "ws://localhost:3000/chat?room=1"
    }

    fn number(&self) -> Option<u64> {
        Some(7)
    }

    fn payload(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.payload)
    }

    fn request_head(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.payload)
    }

    fn has(&self, flag: Flag) -> bool {
        flag == Flag::Marked && self.bits & 0x40 != 0
    }
}

fuzz_target!(|input: (&str, Vec<u8>, u8)| {
    let (source, payload, bits) = input;
    let row = Row { payload, bits };
    let completion = complete(source, usize::from(bits));
    assert!(source.get(completion.start..).is_some());
    let filter = match Filter::parse(source) {
        Ok(filter) => filter,
        Err(error) => {
            assert!((1..=source.chars().count() + 1).contains(&error.column), "{error}");
            return;
        }
    };
    let matches = filter.matches(&row);
    for reads in [Reads::Nothing, Reads::Flow, Reads::Message, Reads::Payload] {
        assert!(filter.verdict(&row, reads).is_none_or(|verdict| verdict == matches));
    }
    assert_eq!(filter.verdict(&row, filter.reads()), Some(matches));
    for range in filter.highlights(&row.text()) {
        assert!(!row.text()[range].is_empty());
    }
});
