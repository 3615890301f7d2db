//! Dialogues with what passed a proxy that changed it: each end hears what it heard, and is expected to say what it said.

use super::fidelity::{Play, masked};
use crate::capture::Ending;
use crate::replay::Fidelity;
use crate::ws::Direction::{ToClient, ToServer};
use crate::ws::Opcode::Text;

/// A price that was raised, a secret that was held back, and a notice that came three times.
const CHANGED: [&str; 9] = [
    r#""type":"message","from":"client","op":"text","text":"buy""#,
    r#""type":"message","from":"server","op":"text","text":"price 5","frames":[3,4],"offset":[0,5]"#,
    r#""type":"message","from":"server","op":"text","text":"secret""#,
    r#""type":"act","n":3,"from":"server","act":"dropped","by":"user""#,
    r#""type":"message","from":"server","op":"text","text":"notice""#,
    r#""type":"act","n":4,"from":"server","act":"duplicated","count":2,"by":"user""#,
    r#""type":"act","n":2,"from":"server","act":"held","held":1,"by":"user""#,
    r#""type":"act","n":1,"from":"client","act":"edited","by":"user","op":"text","text":"sell""#,
    r#""type":"act","n":2,"from":"server","act":"edited","held":1,"by":"user","op":"text","text":"price 90""#,
];

const ENDS: [Fidelity; 2] = [Fidelity::Messages, Fidelity::Frames];

#[test]
fn a_client_hears_what_it_heard_and_says_what_it_said() {
    for fidelity in ENDS {
        let mut play = Play::new(ToClient, fidelity, &CHANGED);
        play.says(b"").hear(&masked(Text, b"buy"));
        play.says(b"\x81\x08price 90\x81\x06notice\x81\x06notice\x81\x06notice").ends(&Ending::Fin, &[]);
    }
}

#[test]
fn a_server_hears_what_it_heard_and_says_what_it_said() {
    for fidelity in ENDS {
        let mut play = Play::new(ToServer, fidelity, &CHANGED);
        let sell: Vec<u8> = [7; 4].iter().cycle().zip(b"sell").map(|(key, byte)| key ^ byte).collect();
        play.says(&[b"\x81\x84\x07\x07\x07\x07", &*sell].concat());
        let price: &[u8] =
            if fidelity == Fidelity::Frames { b"\x01\x03pri\x80\x04ce 5" } else { b"\x81\x07price 5" };
        play.hear(price).hear(b"\x81\x06secret\x81\x06notice").ends(&Ending::Fin, &[]);
    }
}

#[test]
fn what_was_done_is_known_however_late_it_was_done() {
    let message = r#""type":"message","from":"server","op":"text","text":"x""#;
    let mut lines = vec![message; 2_000];
    lines.push(r#""type":"act","n":1,"from":"server","act":"dropped","by":"user""#);
    let mut play = Play::new(ToClient, Fidelity::Messages, &lines);
    play.says(&b"\x81\x01x".repeat(1_999)).ends(&Ending::Fin, &[]);
}

#[test]
fn what_the_proxy_sent_itself_stands_between_no_frames() {
    let lines = [
        r#""type":"ping","from":"server","text":"p","offset":40"#,
        r#""type":"message","from":"server","injected":"user","op":"text","text":"abc","frames":[2,1],"offset":[0,50]"#,
    ];
    let mut play = Play::new(ToClient, Fidelity::Frames, &lines);
    play.says(b"\x89\x01p\x01\x02ab\x80\x01c").ends(&Ending::Fin, &[]);
}
