//! Any bytes: what a walker finds does not depend on where they are cut.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sockeye::ws::{FrameHeader, FrameWalker, Walked};

fuzz_target!(|input: (Vec<u8>, u8)| {
    let (stream, step) = input;
    let whole = walk(stream.chunks(stream.len().max(1)));
    assert_eq!(walk(stream.chunks(usize::from(step).max(1))), whole);
    assert_eq!(walk(stream.chunks(1)), whole);
});

fn walk<'a>(chunks: impl Iterator<Item = &'a [u8]>) -> (Vec<FrameHeader>, u64, u64, bool) {
    let (mut walker, mut skipper) = (FrameWalker::new(), FrameWalker::new());
    let (mut headers, mut payload, mut ends, mut skipped) = (vec![], 0, 0, 0);
    for chunk in chunks {
        for walked in walker.walk(chunk) {
            match walked {
                Walked::Header(header) => headers.push(header),
                Walked::Payload(bytes) => payload += bytes.len() as u64,
                Walked::End => ends += 1,
            }
        }
        skipped += skipper.skip(chunk);
        assert_eq!(walker.at_boundary(), skipper.at_boundary());
        assert_eq!(walker.at_message_boundary(), skipper.at_message_boundary());
    }
    assert_eq!(ends, skipped);
    (headers, payload, ends, walker.at_message_boundary())
}
