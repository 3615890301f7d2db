//! Any bytes as a recording: each session of it is played to its end, whatever it says.
#![no_main]

#[path = "../../tests/it/duel.rs"]
mod duel;

use libfuzzer_sys::fuzz_target;
use sockeye::replay::{Cast, Fidelity, Order, Settings};

fuzz_target!(|input: &[u8]| {
    let [how, recording @ ..] = input else { return };
    let file = std::env::temp_dir().join(format!("sockeye-fuzz-replay-{}.jsonl", std::process::id()));
    std::fs::write(&file, recording).expect("there is room");
    let settings = Settings {
        fidelity: [Fidelity::Messages, Fidelity::Frames, Fidelity::Bytes][usize::from(how % 3)],
        order: [Order::Strict, Order::Causal, Order::Unordered][usize::from(how / 3 % 3)],
        bindings: vec!["id=$.id".parse().expect("it is a path")],
        ..Settings::default()
    };
    match Cast::read(&file) {
        Err(error) => assert!(error.to_string().contains(".jsonl"), "{error}"),
        Ok(cast) => {
            for part in 0..cast.parts().len() {
                duel::duel(&cast, part, &settings).expect("it was read before");
            }
            cast.left();
        }
    }
});
