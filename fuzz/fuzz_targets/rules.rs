//! Any text as a file of rules, asked of any messages: no failure, faults with their place, the same fate each time, and a
//! file that another rule can be added to. The input is the file, what a new rule does, and the messages, with a zero octet
//! between them; the first octet of a message says what it is.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sockeye::rules::{Flow, Judge, NewRule, RuleSet, Seen, append};
use sockeye::ws::{Direction, Opcode};

fuzz_target!(|input: &[u8]| {
    let mut parts = input.split(|octet| *octet == 0);
    let mut text = || std::str::from_utf8(parts.next().unwrap_or_default());
    let (Ok(file), Ok(then)) = (text(), text()) else { return };
    let messages: Vec<(u8, &[u8])> =
        parts.filter_map(|part| part.split_first().map(|(bits, payload)| (*bits, payload))).collect();
    let rules = match RuleSet::parse(file) {
        Ok(rules) => rules,
        Err(errors) => {
            assert!(!errors.is_empty());
            for error in errors {
                assert!(error.line >= 1 && error.line <= file.lines().count() + 1, "{error}");
                assert!(error.column >= 1 && !error.message.is_empty(), "{error}");
            }
            return;
        }
    };
    let new =
        NewRule { name: "new".to_owned(), when: "op:text".to_owned(), then: then.to_owned(), times: None };
    if let Ok(written) = append(file, &new) {
        let more = RuleSet::parse(&written).expect("what was written can be read");
        assert_eq!(more.names().count(), rules.names().count() + 1, "{written}");
    }
    // Each with a count of its own.
    let fates = [(); 2].map(|()| fate(&RuleSet::parse(file).expect("it was read before"), &messages));
    assert_eq!(fates[0], fates[1]);
});

/// All that rules do with these messages of one session.
fn fate(rules: &RuleSet, messages: &[(u8, &[u8])]) -> String {
    let flow = Flow {
        session: 3,
        url: "ws://localhost:3000/chat?room=1".to_owned(),
        subprotocol: "json".to_owned(),
        request: "GET /chat?room=1 HTTP/1.1\r\nHost: localhost\r\nCookie: a=1\r\n\r\n".into(),
        response: "HTTP/1.1 101 Switching Protocols\r\n\r\n".into(),
        tls: String::new(),
    };
    let mut judge = Judge::new(rules.clone());
    let mut fate = format!("{:?} {:?}", judge.request(&flow), judge.response(&flow));
    fate += &format!("{:?} {:?}", judge.opened(&flow), rules.reach(&flow));
    for (bits, payload) in messages {
        let direction = Direction::BOTH[usize::from(bits >> 4 & 1)];
        let seen = Seen {
            flow: &flow,
            direction,
            opcode: Opcode::from_bits(*bits),
            payload: (bits & 0x20 == 0).then_some(*payload),
            wire_size: payload.len() as u64,
            compressed: bits & 0x40 != 0,
        };
        let steps = judge.message(&seen);
        assert!(steps.is_empty() || rules.reach(&flow).directions[direction as usize], "{steps:?}");
        fate += &format!("{steps:?}");
    }
    fate
}
