//! Any bytes as a HAR file: what is imported of it can be read.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sockeye::headless::schema::Reader;
use sockeye::interchange::har;

fuzz_target!(|input: &[u8]| {
    let none = |_: &str| Err(std::io::Error::other("no file"));
    let Ok(draft) = har::read("fuzz.har", input, &none) else { return };
    let mut written = Vec::new();
    if draft.write("fuzz.har", &mut written).is_ok() {
        let mut reader = Reader::new("fuzz.jsonl", &written[..]).expect("what was written can be read");
        while reader.next().expect("what was written can be read").is_some() {}
    }
});
