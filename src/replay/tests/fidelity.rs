//! Dialogues in bytes: what the player writes and accepts when it is to be true to frames, or to every byte.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use crate::capture::{Ending, Event};
use crate::headless::schema::{Item, Reader};
use crate::replay::{Fidelity, Heard, Output, Passages, Player, Settings, Steps, Wire};
use crate::ws::Direction::{self, ToClient, ToServer};
use crate::ws::{Examination, Frame, LengthForm, Opcode, PermessageDeflate};

/// The steps of a session of these lines, without what all of them have.
fn steps(lines: &[&str]) -> Steps {
    let mut text = concat!(
        r#"{"type":"recording","version":1,"tool":"t","started":"2026-11-22T14:30:00.000Z"}"#,
        "\n",
        r#"{"type":"open","session":1,"time":"2026-11-22T14:30:00.000Z","mode":null,"url":"ws://h/","http":"1.1","#,
        r#""tls":null,"request":{"line":"GET / HTTP/1.1","headers":[]},"response":null}"#,
        "\n",
    )
    .to_owned();
    let mut number = 0;
    for line in lines {
        // A violation belongs to the message before it.
        number += u32::from(!line.contains("\"violation\"") && !line.contains("\"act\""));
        // An act says itself which message it was done to.
        let own = if line.contains("\"n\":") { String::new() } else { format!("\"n\":{number},") };
        text.push_str(&format!("{{\"session\":1,{own}\"at\":{number},{line}}}\n"));
    }
    let mut passages = Passages::default();
    let mut all = Reader::new("it", std::io::Cursor::new(text.clone().into_bytes())).unwrap();
    // A line that is damaged is told when it is come to.
    while let Ok(Some(record)) = all.next() {
        if let Item::Event(Event::Act(act)) = record.item {
            passages.add(act);
        }
    }
    let mut reader = Reader::new("it", std::io::Cursor::new(text.into_bytes())).unwrap();
    let Some(Item::Event(Event::Opened(opening))) = reader.next().unwrap().map(|record| record.item) else {
        panic!("the first line opens it")
    };
    Steps::after(reader, &opening, Arc::new(passages))
}

type Recorded = Player<Steps>;

/// A player with its wire, and what it wrote that was not looked at yet.
pub(super) struct Play {
    player: Recorded,
    wire: Wire,
    written: VecDeque<u8>,
    ending: Option<Ending>,
    half_closed: bool,
}

impl Play {
    pub(super) fn new(ours: Direction, fidelity: Fidelity, lines: &[&str]) -> Play {
        Play::agreed(ours, fidelity, lines, &Examination::default())
    }

    fn agreed(ours: Direction, fidelity: Fidelity, lines: &[&str], agreed: &Examination) -> Play {
        let settings = Settings { fidelity, ..Settings::default() };
        let player = Player::new(ours, steps(lines), settings, Duration::ZERO);
        let wire = Wire::new(ours, agreed);
        let mut play = Play { player, wire, written: VecDeque::new(), ending: None, half_closed: false };
        play.write();
        play
    }

    fn write(&mut self) {
        let key = || [7; 4];
        while let Some(output) = self.player.poll() {
            let bytes = match output {
                Output::Send(message) => self.wire.write_message(&message, key()),
                Output::SendFrames(message, frames) => self.wire.write_frames(&message, frames, key),
                Output::Pong(payload) => self.wire.write(Opcode::Pong, &payload, key()),
                Output::HalfClose => {
                    self.half_closed = true;
                    continue;
                }
                Output::Finish(how) => {
                    self.ending = Some(how);
                    continue;
                }
            };
            self.written.extend(bytes);
        }
    }

    /// The other end writes these bytes.
    pub(super) fn hear(&mut self, bytes: &[u8]) -> &mut Play {
        let heard = self.wire.read(bytes);
        self.take(heard)
    }

    /// The other end's connection ends.
    fn leave(&mut self, how: Ending) -> &mut Play {
        let heard = self.wire.end();
        self.take(heard);
        self.player.ended(&how, Duration::ZERO);
        self.write();
        self
    }

    fn take(&mut self, heard: Vec<Heard>) -> &mut Play {
        for heard in heard {
            match heard {
                Heard::Said(said) => self.player.received(&said, Duration::ZERO),
                Heard::Raw(bytes) => self.player.received_raw(&bytes, Duration::ZERO),
                Heard::Violation(what) => self.player.violated(&what),
            }
        }
        self.write();
        self
    }

    /// It has written these bytes and no others since it was last asked.
    #[track_caller]
    pub(super) fn says(&mut self, bytes: &[u8]) -> &mut Play {
        let written: Vec<u8> = self.written.drain(..).collect();
        assert_eq!(written, bytes, "{:02x?}", String::from_utf8_lossy(&written));
        self
    }

    #[track_caller]
    pub(super) fn ends(&mut self, how: &Ending, problems: &[&str]) {
        assert_eq!(self.ending.as_ref(), Some(how));
        self.has(problems);
    }

    #[track_caller]
    fn has(&self, problems: &[&str]) {
        let found: Vec<_> = self.player.report().problems.iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), problems.len(), "{found:#?}");
        for (found, part) in found.iter().zip(problems) {
            assert!(found.contains(part), "{found}");
        }
    }
}

fn frame(opcode: Opcode, payload: &[u8]) -> Frame<'_> {
    Frame::new(opcode, payload)
}

pub(super) fn masked(opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    frame(opcode, payload).masked([1, 2, 3, 4]).to_bytes()
}

#[test]
fn fragments_are_sent_as_they_were_with_the_ping_between_them() {
    let lines = [
        r#""type":"message","from":"client","op":"text","text":"go""#,
        r#""type":"ping","from":"server","text":"p","offset":4"#,
        r#""type":"pong","from":"client","text":"p""#,
        r#""type":"message","from":"server","op":"text","text":"abc","frames":[2,1],"offset":[0,7]"#,
        r#""type":"message","from":"client","op":"text","text":"end""#,
    ];
    let mut play = Play::new(ToClient, Fidelity::Frames, &lines);
    play.says(b"").hear(&masked(Opcode::Text, b"go")).says(b"\x01\x02ab\x89\x01p");
    play.hear(&masked(Opcode::Pong, b"p")).says(b"\x80\x01c");
    play.hear(&masked(Opcode::Text, b"end")).ends(&Ending::Fin, &[]);
    // Messages alone know nothing of it.
    let mut play = Play::new(ToClient, Fidelity::Messages, &lines);
    play.hear(&masked(Opcode::Text, b"go")).says(b"\x81\x03abc");
}

#[test]
fn what_was_odd_about_a_frame_is_so_again() {
    let lines = [
        r#""type":"message","from":"server","op":"text","text":"a","frames":[{"length":1,"masking_key":"01020304"}]"#,
        r#""type":"message","from":"server","op":"text","text":"b","frames":[{"length":1,"length_bits":16}]"#,
        r#""type":"message","from":"server","op":"text","text":"c","frames":[{"length":1,"rsv":3}]"#,
        r#""type":"message","from":"server","op":"opcode 3","text":"d""#,
        r#""type":"message","from":"server","op":"continuation","text":"e""#,
        r#""type":"message","from":"server","op":"raw","base64":"/wA=""#,
    ];
    let expected = [
        frame(Opcode::Text, b"a").masked([1, 2, 3, 4]),
        frame(Opcode::Text, b"b").length_form(LengthForm::Sixteen),
        frame(Opcode::Text, b"c").reserved_bits(3),
        frame(Opcode::Reserved(3), b"d"),
        frame(Opcode::Continuation, b"e"),
    ]
    .map(|frame| frame.to_bytes())
    .concat();
    Play::new(ToClient, Fidelity::Frames, &lines).says(&[&expected[..], b"\xff\x00"].concat());
    // A client's ordinary key is a new one; where there was none, there is none.
    let lines = [
        r#""type":"message","from":"client","op":"text","text":"a""#,
        r#""type":"message","from":"client","op":"text","text":"b","frames":[{"length":1,"masking_key":null}]"#,
    ];
    let expected =
        [frame(Opcode::Text, b"a").masked([7; 4]).to_bytes(), frame(Opcode::Text, b"b").to_bytes()];
    Play::new(ToServer, Fidelity::Frames, &lines).says(&expected.concat());
}

#[test]
fn a_compressed_message_is_compressed_afresh_into_as_many_frames() {
    let text = "sockeye ".repeat(30);
    let line = format!(
        r#""type":"message","from":"server","op":"text","text":"{text}","compressed":31,"frames":[10,0,21]"#
    );
    let deflate = Examination { deflate: Some(PermessageDeflate::default()), ..Examination::default() };
    for (agreed, compressed) in [(deflate, true), (Examination::default(), false)] {
        let mut play = Play::agreed(ToClient, Fidelity::Frames, &[&line], &agreed);
        let written: Vec<u8> = play.written.drain(..).collect();
        let mut client = Wire::new(ToServer, &agreed);
        let Some(Heard::Said(said)) = client.read(&written).pop() else { panic!("a message") };
        assert_eq!((said.frames, said.compressed, &said.faults), (3, compressed, &Vec::new()));
        assert!(said.payload == text && said.headers[1].payload_length == 0);
    }
}

#[test]
fn a_message_that_was_cut_off_is_so_again() {
    let lines = [
        r#""type":"message","from":"server","op":"binary","text":"abcd","complete":false,"frames":[3,9]"#,
        r#""type":"end","client":"open","server":"reset","first":"server""#,
    ];
    let mut play = Play::new(ToClient, Fidelity::Bytes, &lines);
    play.says(b"\x02\x03abc\x00\x09d").ends(&Ending::Reset, &[]);
    // And is expected of the other end, whose connection says that no more comes.
    let mut play = Play::new(ToServer, Fidelity::Bytes, &lines);
    play.hear(b"\x02\x03abc\x00\x09d").has(&[]);
    play.leave(Ending::Reset).ends(&Ending::Fin, &[r#"violation: expected nothing, got"#]);
    // As it is where the recording says what it broke.
    let fault = "the connection ended inside a frame; payload bytes that never came: 8";
    let fault = format!(r#""type":"violation","from":"server","what":"{fault}","section":"RFC 6455 5.2""#);
    let mut play = Play::new(ToServer, Fidelity::Bytes, &[lines[0], &fault, lines[1]]);
    play.hear(b"\x02\x03abc\x00\x09d").leave(Ending::Reset).ends(&Ending::Fin, &[]);
}

#[test]
fn another_framing_is_told_with_what_would_accept_it() {
    let lines = [
        r#""type":"message","from":"client","op":"text","text":"abc","frames":[2,1]"#,
        r#""type":"message","from":"client","op":"text","text":"xyz""#,
    ];
    let mut play = Play::new(ToClient, Fidelity::Frames, &lines);
    let pieces = |cut: usize, key: [u8; 4]| {
        let first = frame(Opcode::Text, &b"abc"[..cut]).unfinished().masked(key).to_bytes();
        [first, frame(Opcode::Continuation, &b"abc"[cut..]).masked(key).to_bytes()].concat()
    };
    play.hear(&pieces(2, [9; 4])).hear(&masked(Opcode::Text, b"xyz")).ends(&Ending::Fin, &[]);
    let mut play = Play::new(ToClient, Fidelity::Frames, &lines);
    play.hear(&pieces(1, [9; 4])).hear(&frame(Opcode::Text, b"xyz").to_bytes());
    let unmasked = "violation: expected nothing, got the client did not mask this frame";
    play.ends(&Ending::Fin, &["frames: expected 2 frames of 2, 1, got 2 frames of 1, 2", unmasked]);
    let problem = &play.player.report().problems[0];
    assert_eq!(problem.way_out().unwrap(), "--fidelity messages");
}

#[test]
fn pings_and_pongs_have_their_places() {
    let lines = [
        r#""type":"ping","from":"client","text":"old""#,
        r#""type":"pong","from":"server","text":"old""#,
        r#""type":"message","from":"server","op":"text","text":"a""#,
        r#""type":"message","from":"client","op":"text","text":"b""#,
    ];
    let mut play = Play::new(ToClient, Fidelity::Frames, &lines);
    // What stands in a ping may be new; its pong has the same.
    play.says(b"").hear(&masked(Opcode::Ping, b"new")).says(b"\x8a\x03new\x81\x01a");
    play.hear(&masked(Opcode::Ping, b"2")).says(b"\x8a\x012").has(&["was not recorded: ping 2"]);
    play.hear(&masked(Opcode::Pong, b"?")).has(&["ping 2", "was not recorded: pong ?"]);
    // As bytes, no pong is made up.
    let mut play = Play::new(ToClient, Fidelity::Bytes, &lines[2..]);
    play.says(b"\x81\x01a").hear(&masked(Opcode::Ping, b"2")).says(b"").has(&["ping 2"]);
    // A pong that answers ours has its payload.
    let lines =
        [r#""type":"ping","from":"server","text":"p""#, r#""type":"pong","from":"client","text":"p""#];
    let mut play = Play::new(ToClient, Fidelity::Frames, &lines);
    play.says(b"\x89\x01p").hear(&masked(Opcode::Pong, b"q"));
    play.ends(&Ending::Fin, &["payload: expected pong p, got pong q"]);
}

#[test]
fn bytes_that_are_no_frames_are_compared_however_they_come() {
    let lines = [
        r#""type":"message","from":"client","op":"raw","base64":"//8A""#,
        r#""type":"message","from":"client","op":"raw","text":"GET /""#,
        r#""type":"message","from":"server","op":"text","text":"what?""#,
    ];
    let mut play = Play::new(ToClient, Fidelity::Bytes, &lines);
    play.hear(b"\xff\xff").says(b"").hear(b"\x00GE").says(b"").hear(b"T /").says(b"\x81\x05what?");
    play.ends(&Ending::Fin, &[]);
    let mut play = Play::new(ToClient, Fidelity::Bytes, &lines);
    play.hear(b"\xff\xff\x00GOT /").has(&["payload: expected"]);
}

#[test]
fn connections_end_as_they_did() {
    let end = |words: &str| format!(r#""type":"end",{words}"#);
    let hello = r#""type":"message","from":"client","op":"text","text":"hello""#;
    // The server left with a FIN and no close, and heard the client's.
    let (first, last) = (
        end(r#""client":"fin","server":"fin","first":"server""#),
        end(r#""client":"reset","server":"fin","first":"client""#),
    );
    let mut play = Play::new(ToClient, Fidelity::Bytes, &[hello, &first]);
    play.hear(&masked(Opcode::Text, b"hello"));
    assert!(play.half_closed && play.ending.is_none());
    play.leave(Ending::Fin).ends(&Ending::Fin, &[]);
    let mut play = Play::new(ToClient, Fidelity::Bytes, &[hello, &first]);
    play.hear(&masked(Opcode::Text, b"hello")).leave(Ending::Reset);
    play.ends(&Ending::Fin, &["its connection ended otherwise: expected fin, got reset"]);
    // The client left first, and the server only then.
    let mut play = Play::new(ToClient, Fidelity::Bytes, &[hello, &last]);
    play.hear(&masked(Opcode::Text, b"hello"));
    assert!(!play.half_closed);
    play.leave(Ending::Reset).ends(&Ending::Fin, &[]);
    // One that leaves early has not said what it had.
    let mut play = Play::new(ToClient, Fidelity::Bytes, &[hello, &last]);
    play.leave(Ending::Reset).ends(&Ending::Fin, &["never came: text hello"]);
}

proptest! {
    /// However a message was cut, and whatever it has become: it goes out whole, in as many frames.
    #[test]
    fn a_message_goes_out_whole_in_as_many_frames(
        lengths in prop::collection::vec(0_u64..400, 1..9),
        text in "[a-d]{0,600}",
        compressed in any::<bool>(),
        deflate in any::<bool>(),
        cut in 1_usize..50,
    ) {
        let wire: u64 = lengths.iter().sum();
        let (key, frames) = (if compressed { "compressed" } else { "wire" }, lengths.len());
        let line = format!(
            r#""type":"message","from":"client","op":"text","text":"{text}","{key}":{wire},"frames":{lengths:?}"#
        );
        let deflate = deflate.then(PermessageDeflate::default);
        let agreed = Examination { deflate, ..Examination::default() };
        let mut play = Play::agreed(ToServer, Fidelity::Frames, &[&line], &agreed);
        let written: Vec<u8> = play.written.drain(..).collect();
        let mut server = Wire::new(ToClient, &agreed);
        let heard: Vec<_> = written.chunks(cut).flat_map(|piece| server.read(piece)).collect();
        prop_assert_eq!(heard.len(), 1);
        let Heard::Said(said) = &heard[0] else { panic!("{heard:?}") };
        prop_assert!(said.complete && said.faults.is_empty() && said.payload == text, "{:?}", said);
        prop_assert_eq!(said.frames, frames as u64);
    }

    /// Whatever bytes come, the play ends when the connection does.
    #[test]
    fn whatever_comes_the_play_ends(
        pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..8),
        fidelity in prop::sample::select(Fidelity::ALL.to_vec()),
        fin in any::<bool>(),
    ) {
        let lines = [
            r#""type":"ping","from":"client","text":"p""#,
            r#""type":"message","from":"client","op":"raw","text":"GET /""#,
            r#""type":"message","from":"server","op":"text","text":"abc","frames":[2,1]"#,
            r#""type":"end","client":"fin","server":"fin","first":"client""#,
        ];
        let mut play = Play::new(ToClient, fidelity, &lines);
        for piece in &pieces {
            play.hear(piece);
        }
        play.leave(if fin { Ending::Fin } else { Ending::Reset });
        prop_assert!(play.ending.is_some() && play.player.is_over());
    }
}

#[test]
fn what_a_proxy_sent_in_an_ends_name_is_not_expected_of_it() {
    let lines = [
        r#""type":"message","from":"client","injected":"user","op":"text","text":"from the proxy""#,
        r#""type":"message","from":"server","injected":"user","op":"text","text":"to the client""#,
    ];
    for fidelity in Fidelity::ALL {
        let mut play = Play::new(ToClient, fidelity, &lines);
        play.says(b"\x81\x0dto the client").ends(&Ending::Fin, &[]);
    }
}

#[test]
fn a_damaged_recording_is_told() {
    let play = Play::new(ToClient, Fidelity::Frames, &[r#""type":"message","from":"client","op":"text""#]);
    play.has(&["is missing"]);
}
