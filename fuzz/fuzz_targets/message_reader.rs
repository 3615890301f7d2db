//! Any bytes under any agreement: what a reader tells does not depend on where they are cut.
//!
//! The first byte of the input says what was agreed, the second how the rest is cut.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sockeye::ws::{
    Direction, Finished, FrameHeader, MessageReader, OtherExtension, Part, PermessageDeflate, Scratch, Sink,
    Violation,
};

fuzz_target!(|input: &[u8]| {
    let [agreed, step, stream @ ..] = input else { return };
    let (agreed, step) = (*agreed, *step);
    let whole = read(agreed, stream.chunks(stream.len().max(1)));
    assert_eq!(read(agreed, stream.chunks(usize::from(step).max(1))), whole);
    assert_eq!(read(agreed, stream.chunks(1)), whole);
});

fn read<'a>(agreed: u8, chunks: impl Iterator<Item = &'a [u8]>) -> Told {
    let bit = |at: u8| agreed >> at & 1 == 1;
    let direction = if bit(0) { Direction::ToServer } else { Direction::ToClient };
    let other = if bit(1) { OtherExtension::Unknown } else { OtherExtension::None };
    let deflate = bit(2).then(|| PermessageDeflate {
        server_no_context_takeover: bit(3),
        client_no_context_takeover: bit(3),
        server_max_window_bits: if bit(5) { 9 } else { 15 },
        client_max_window_bits: if bit(5) { 9 } else { 15 },
    });
    let limit = if bit(4) { 20 } else { 1 << 20 };
    let mut reader = MessageReader::new(direction, deflate, other, limit);
    let (mut scratch, mut told) = (Scratch::new(), Told::default());
    for chunk in chunks {
        reader.read(chunk, &mut scratch, &mut told);
    }
    reader.end(&mut told);
    assert!(told.payload.iter().all(Vec::is_empty));
    told
}

#[derive(Debug, Default, PartialEq)]
struct Told {
    events: Vec<Event>,
    payload: [Vec<u8>; 2],
    raw: Vec<u8>,
}

#[derive(Debug, PartialEq)]
enum Event {
    Frame(FrameHeader, u64),
    Violation(Part, Violation, String),
    Finished(Finished, Vec<u8>),
}

impl Sink for Told {
    fn frame(&mut self, header: &FrameHeader, offset: u64) {
        self.events.push(Event::Frame(*header, offset));
    }

    fn payload(&mut self, part: Part, bytes: &[u8]) {
        self.payload[part as usize].extend_from_slice(bytes);
    }

    fn violation(&mut self, part: Part, violation: Violation) {
        self.events.push(Event::Violation(part, violation, violation.to_string()));
    }

    fn finished(&mut self, part: Part, message: &Finished) {
        let payload = std::mem::take(&mut self.payload[part as usize]);
        assert!(payload.len() as u64 == message.size || message.capped);
        self.events.push(Event::Finished(message.clone(), payload));
    }

    fn raw(&mut self, bytes: &[u8]) {
        self.raw.extend_from_slice(bytes);
    }
}
