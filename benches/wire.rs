//! How fast frames are walked, read, and let by rules that never match, in memory: nanoseconds a frame and gigabytes a
//! second.
//!
//! `cargo bench --bench wire`, or `cargo bench --bench wire -- "pass 64 B"` for what has these words in its name

use std::hint::black_box;
use std::time::{Duration, Instant};

use sockeye::relay::{Gate, Lane, Passing, Room, Surroundings};
use sockeye::rules::{Effect, Flow, Judge, RuleSet, Step};
use sockeye::ws::inflate::History;
use sockeye::ws::{
    Deflater, Direction, Finished, Frame, FrameHeader, FrameWalker, MessageReader, Opcode, OtherExtension,
    Part, PermessageDeflate, Scratch, Sink, Violation,
};

/// What one read of a socket brings.
const CHUNK: usize = 64 * 1024;
const ROUNDS: usize = 9;

/// Rules that match nothing that is sent: by a word that is nowhere, by a field that each message has.
const RULES: [(&str, &str); 2] = [("a word", "words-that-nobody-says"), ("a field", "json.price=5")];

fn main() {
    println!("{:<56} {:>9} {:>9}", "", "ns/frame", "GB/s");
    for (name, payload, masked) in [
        ("64 B masked", text(64), true),
        ("64 B from a server", text(64), false),
        ("64 B masked, binary-like UTF-8", "é".repeat(32).into_bytes(), true),
        ("64 KiB masked", text(64 * 1024), true),
        ("64 KiB from a server", text(64 * 1024), false),
    ] {
        let frame = Frame::new(Opcode::Text, &payload);
        let frame = if masked { frame.masked([0x12, 0x34, 0x56, 0x78]) } else { frame };
        let direction = if masked { Direction::ToServer } else { Direction::ToClient };
        let stream = repeated(&frame.to_bytes());
        measure(&format!("walk {name}"), &stream, walk);
        measure(&format!("read {name}"), &stream, |bytes| read(bytes, direction, None));
        for (rule, when) in RULES {
            measure(&format!("pass {name}, {rule}"), &stream, |bytes| pass(bytes, direction, None, when));
        }
    }
    let agreed = PermessageDeflate::default();
    for size in [64, 64 * 1024] {
        let payload = text(size);
        let mut deflater = Deflater::new(&agreed, Direction::ToClient);
        let mut stream = Vec::new();
        while stream.len() < 4 << 20 {
            let compressed = deflater.compress(&payload).expect("15 bits can be made");
            Frame::new(Opcode::Text, &compressed).compressed().write_to(&mut stream);
            if stream.len() < 40 * size && stream.len() > 4 << 14 {
                break;
            }
        }
        measure(&format!("read {size} B compressed"), &stream, |bytes| {
            read(bytes, Direction::ToClient, Some(agreed))
        });
        for (rule, when) in RULES {
            measure(&format!("pass {size} B compressed, {rule}"), &stream, |bytes| {
                pass(bytes, Direction::ToClient, Some(agreed), when)
            });
        }
    }
}

/// Frames one after the other, some megabytes of them.
fn repeated(frame: &[u8]) -> Vec<u8> {
    frame.repeat((8 << 20) / frame.len())
}

/// JSON-like text.
fn text(size: usize) -> Vec<u8> {
    let line = br#"{"kind":"tick","symbol":"ABCD","price":123.45,"size":100,"n":1}"#;
    line.iter().copied().cycle().take(size).collect()
}

/// Prints the median of some rounds of `work`, which returns the number of frames.
fn measure(name: &str, stream: &[u8], work: impl Fn(&[u8]) -> u64) {
    let mut asked = std::env::args().skip(1).filter(|word| word != "--bench").peekable();
    if asked.peek().is_some() && !asked.any(|words| name.contains(&words)) {
        return;
    }
    let mut times: Vec<(Duration, u64)> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            let frames = black_box(work(black_box(stream)));
            (start.elapsed(), frames)
        })
        .collect();
    times.sort_unstable();
    let (time, frames) = times[ROUNDS / 2];
    let nanos = time.as_nanos() as f64;
    println!("{name:<56} {:>9.1} {:>9.2}", nanos / frames as f64, stream.len() as f64 / nanos);
}

fn walk(stream: &[u8]) -> u64 {
    let mut walker = FrameWalker::new();
    stream.chunks(CHUNK).map(|chunk| walker.skip(chunk)).sum()
}

fn read(stream: &[u8], direction: Direction, deflate: Option<PermessageDeflate>) -> u64 {
    let mut reader = MessageReader::new(direction, deflate, OtherExtension::None, 1 << 20);
    let (mut scratch, mut count) = (Scratch::new(), Count::default());
    for chunk in stream.chunks(CHUNK) {
        reader.read(chunk, &mut scratch, &mut count);
    }
    assert_eq!(count.violations, 0);
    black_box(count.bytes);
    count.messages
}

/// Lets what no rule is about pass, as a session does.
fn pass(stream: &[u8], direction: Direction, deflate: Option<PermessageDeflate>, when: &str) -> u64 {
    let rules = RuleSet::parse(&format!("[[rule]]\nwhen = '{when}'\nthen = {{ drop = true }}"));
    let mut session = Session { judge: Judge::new(rules.expect("a rule")), flow: Flow::default() };
    let gate = Gate::new(direction, deflate, History::new(), 0, 1 << 20);
    let mut lane = Lane::new(direction, gate, 1 << 20);
    let (mut room, mut passed, now) = (Room::default(), FrameWalker::new(), Instant::now());
    let mut count = 0;
    for chunk in stream.chunks(CHUNK) {
        count += passed.skip(lane.pass(chunk, &mut room, now, &mut session));
        count += passed.skip(&lane.take_out());
    }
    count
}

struct Session {
    judge: Judge,
    flow: Flow,
}

impl Surroundings for Session {
    fn passes(&mut self, passing: &Passing<'_>) -> bool {
        self.judge.passes(&passing.seen(&self.flow))
    }

    fn judge(&mut self, passing: &Passing<'_>) -> Vec<Step<Effect>> {
        self.judge.message(&passing.seen(&self.flow))
    }

    fn hold(&mut self) -> u64 {
        unreachable!("nothing is held")
    }

    fn masking_key(&mut self) -> [u8; 4] {
        unreachable!("nothing is sent")
    }
}

/// The cheapest sink there is.
#[derive(Default)]
struct Count {
    messages: u64,
    bytes: u64,
    violations: u64,
}

impl Sink for Count {
    fn frame(&mut self, header: &FrameHeader, offset: u64) {
        black_box((header, offset));
    }

    fn payload(&mut self, _: Part, bytes: &[u8]) {
        self.bytes += black_box(bytes).len() as u64;
    }

    fn violation(&mut self, _: Part, _: Violation) {
        self.violations += 1;
    }

    fn finished(&mut self, _: Part, message: &Finished) {
        black_box(message);
        self.messages += 1;
    }

    fn raw(&mut self, _: &[u8]) {}
}
