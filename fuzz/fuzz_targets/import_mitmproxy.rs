//! Any bytes as a flow file of mitmproxy: what is imported of it can be read.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sockeye::headless::schema::Reader;
use sockeye::interchange::mitmproxy;

fuzz_target!(|input: &[u8]| {
    let Ok(draft) = mitmproxy::read("fuzz.flow", input) else { return };
    let mut written = Vec::new();
    if draft.write("fuzz.flow", &mut written).is_ok() {
        let mut reader = Reader::new("fuzz.jsonl", &written[..]).expect("what was written can be read");
        while reader.next().expect("what was written can be read").is_some() {}
    }
});
