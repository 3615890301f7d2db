//! Any lines as commands to a proxy in which nothing passes, and as a hook's answers: each command is answered by a line of
//! JSON, and what a hook says is about what it was asked, or a fault in words.
#![no_main]

use std::cell::OnceCell;
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use sockeye::capture::{Log, LogConfig};
use sockeye::control::{Ask, Controller, Verdict};
use sockeye::filter::Filter;
use sockeye::headless::commands::{Commander, Wish, parse};
use sockeye::headless::{Subscription, hook};
use sockeye::ws::{Direction, Opcode};

thread_local! {
    static LOG: OnceCell<Log> = const { OnceCell::new() };
}

fuzz_target!(|input: &[u8]| {
    // A log is files: one is enough for all.
    let log = LOG.with(|log| {
        log.get_or_init(|| Log::create(&LogConfig::default()).expect("there is room")).clone()
    });
    let commander = Commander::new(Controller::new(), log, Subscription::to(Filter::default()));
    for line in input.split(|octet| *octet == b'\n') {
        if let Ok(line) = std::str::from_utf8(line) {
            hears(line);
        }
        // Files of this machine are nothing to try.
        let names_a_file = line.windows(4).any(|word| word == b"file") || line.contains(&b'\\');
        if !names_a_file {
            answers(&commander, line);
        }
    }
});

fn answers(commander: &Commander, line: &[u8]) {
    let asked = parse(line);
    let answer = commander.answer(line);
    assert!(!answer.line.contains('\n'), "{}", answer.line);
    let told: Value = serde_json::from_str(&answer.line).expect("an answer is JSON");
    assert_eq!(told.get("id"), asked.id.as_ref());
    assert_eq!(answer.quit, matches!(asked.wish, Ok(Wish::Quit)));
    let fault = told["error"].as_str();
    assert_eq!(told["ok"] == true, fault.is_none());
    assert!(fault.is_none_or(|fault| !fault.is_empty()));
    if let Err(wrong) = asked.wish {
        assert_eq!(fault, Some(&*wrong));
    }
}

fn hears(line: &str) {
    let ask = Ask {
        held: 7,
        session: 3,
        direction: Direction::ToServer,
        rule: "it".into(),
        hook: "hook".into(),
        limit: Duration::from_secs(1),
        opcode: Opcode::Text,
        payload: "hello".into(),
    };
    match hook::answer(line, &ask) {
        Err(fault) => assert!(!fault.is_empty()),
        Ok(verdict) => {
            assert!(hook::answered(line).is_ok());
            if let Verdict::Close(_, reason) = verdict {
                // RFC 6455 5.5: what a close frame has room for behind the code.
                assert!(reason.len() <= 123, "{reason}");
            }
        }
    }
}
