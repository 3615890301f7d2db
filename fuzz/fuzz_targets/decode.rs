//! Any bytes in any view: no failure, no more than was asked for, and nothing that a terminal would obey.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sockeye::decode::{self, FieldPath, Limits, Payload, View};
use sockeye::ws::Opcode;

fuzz_target!(|input: (Vec<u8>, u8, u8, u16, u8)| {
    let (bytes, missing, lines, budget, width) = input;
    let payload = Payload::start_of(&bytes, bytes.len() as u64 + u64::from(missing % 2));
    let limits = Limits { lines: lines.into(), bytes: budget.into(), width: width.into() };
    for opcode in [Opcode::Text, Opcode::Binary] {
        decode::detect(opcode, payload);
        let path = FieldPath::parse("*.a[0]").unwrap();
        decode::fields(opcode, &bytes, &path, &mut |_| false);
    }
    for view in View::ALL {
        let summary = decode::summary(view, payload, width.into());
        assert!(summary.chars().count() <= usize::from(width));
        assert_eq!(decode::visible(&summary), summary);
        let shown = decode::pretty(view, payload, &limits);
        assert!(shown.len() <= limits.lines + 3);
        for span in shown.into_iter().flatten() {
            assert_eq!(decode::visible(&span.text), span.text);
        }
    }
    for span in decode::raw_lines(payload, &limits).into_iter().flatten() {
        assert_eq!(decode::visible(&span.text), span.text);
    }
    if decode::json::exact(&bytes) {
        let all = Limits { lines: usize::MAX, bytes: usize::MAX, width: 0 };
        let lines = decode::pretty(View::Json, &bytes[..], &all);
        assert!(!lines.iter().flatten().any(|span| span.style == decode::Style::Error));
    }
});
