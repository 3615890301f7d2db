//! Any bytes as a recording: what is read of them, written and read again, is written the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sockeye::headless::schema::{InMemory, Item, Reader, Writer};

fuzz_target!(|input: &[u8]| {
    let Some(once) = rewritten(input) else { return };
    let twice = rewritten(&once).expect("what was written can be read");
    assert!(once == twice, "{}\n{}", once.escape_ascii(), twice.escape_ascii());
    assert!(std::str::from_utf8(&once).is_ok_and(|text| text.chars().all(|c| c == '\n' || !c.is_control())));
});

/// What is read of a recording until its end, or the first fault, written.
fn rewritten(recording: &[u8]) -> Option<Vec<u8>> {
    let mut reader = Reader::new("fuzz.jsonl", recording).ok()?;
    let mut written = Vec::new();
    let mut writer = Writer::new(&mut written, reader.recording()).expect("memory takes all");
    while let Ok(Some(record)) = reader.next() {
        match record.item {
            Item::Event(event) => writer.event(&event, &InMemory),
            Item::Gap { time, lost, why } => writer.gap(time, lost, &why),
            Item::Recording(_) | Item::Unknown(_) => Ok(()),
        }
        .expect("memory takes all");
    }
    writer.flush().expect("memory takes all");
    drop(writer);
    Some(written)
}
