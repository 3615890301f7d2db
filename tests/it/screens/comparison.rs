//! Two sessions side by side.

use sockeye::capture::{Flow, Kind};
use sockeye::net::Target;
use sockeye::tui::{Effect, Kin};
use sockeye::ws::Direction::{ToClient, ToServer};
use sockeye::ws::Opcode;

use super::Stage;
use super::views::{LARGE, SMALL, check};
use crate::sample::Sample;

/// Two talks that are much alike: what was, and what is now.
fn talks() -> Sample {
    let mut sample = Sample::empty();
    sample.open(1, 1_000, "/chat", "Sec-WebSocket-Protocol: chat.v2\r\n");
    sample.text(1, 1_010, ToServer, r#"{"type":"subscribe","id":1,"channel":"prices"}"#);
    sample.text(1, 1_020, ToClient, r#"{"type":"ack","id":1,"server":{"name":"quay","load":0.25}}"#);
    sample.control(1, 1_030, ToServer, Opcode::Ping, b"k1");
    sample.control(1, 1_031, ToClient, Opcode::Pong, b"k1");
    sample.text(1, 1_040, ToClient, r#"{"type":"tick","price":18.4}"#);
    sample.text(1, 1_050, ToClient, r#"{"type":"news","text":"gone since"}"#);
    sample.text(1, 1_060, ToServer, r#"{"type":"bye"}"#);
    sample.control(1, 1_070, ToServer, Opcode::Close, b"\x03\xe8done");
    sample.end(1, 1_080);
    sample.open(2, 5_000, "/chat", "");
    sample.text(2, 5_010, ToServer, r#"{"id":1,"channel":"prices","type":"subscribe"}"#);
    sample.text(2, 5_011, ToClient, r#"{"type":"hello"}"#);
    sample.text(2, 5_020, ToClient, r#"{"type":"ack","id":1,"server":{"name":"harbour"}}"#);
    sample
}

/// The rest of the second talk.
fn rest(sample: &mut Sample) {
    sample.text(2, 5_030, ToClient, r#"{"type":"tick","price":18.4}"#);
    sample.text(2, 5_040, ToServer, r#"{"type":"bye"}"#);
    sample.control(2, 5_050, ToServer, Opcode::Close, b"\x03\xe8done");
    sample.end(2, 5_060);
}

fn kins(stage: &Stage) -> Vec<Kin> {
    let compared = stage.console.page().comparison.as_ref().expect("two sessions are compared");
    compared.rows.iter().map(|couple| couple.kin).collect()
}

#[test]
fn two_sessions_are_side_by_side() {
    for (size, suffix) in [(SMALL, "small"), (LARGE, "large")] {
        let mut sample = talks();
        rest(&mut sample);
        let mut stage = Stage::new(sample, size);
        stage.line(":", "compare 1 2");
        stage.keys("] ] ]");
        check(&format!("compare_{suffix}"), &stage);
        stage.keys("enter");
        check(&format!("compare_open_{suffix}"), &stage);
        stage.keys("esc - g");
        check(&format!("compare_differences_{suffix}"), &stage);
        stage.keys("?");
        assert!(stage.screen().contains("Here, in a comparison"), "{}", stage.screen());
        stage.keys("esc esc");
        assert!(stage.screen().contains("━━ Sessions"), "{}", stage.screen());
    }
}

#[test]
fn what_is_the_same_changed_missing_and_extra_is_told_apart() {
    use Kin::{Changed, Extra, Missing, Same};
    let mut sample = talks();
    rest(&mut sample);
    let mut stage = Stage::new(sample, LARGE);
    stage.line(":", "compare #1 #2");
    let expected = [Changed, Same, Extra, Changed, Same, Missing, Same, Same, Same];
    // The openings, six messages on the left (heartbeats are no part of it), one more on the right, and the ends.
    assert_eq!(kins(&stage), expected, "{}", stage.screen());
    assert!(stage.screen().contains("4 same · 1 changed · 1 missing · 1 extra"), "{}", stage.screen());
    assert!(stage.screen().contains("subprotocol  chat.v2  →  none"), "{}", stage.screen());
    stage.keys("j j j");
    assert_eq!(
        stage.console.copied().as_deref(),
        Some("$.server.name  \"quay\"  →  \"harbour\"\n$.server.load  0.25  →  nothing")
    );
}

#[test]
fn a_session_that_goes_on_is_compared_as_it_comes() {
    use Kin::{Awaited, Changed, Extra, Missing, Same};
    let mut stage = Stage::new(talks(), LARGE);
    stage.line(":", "compare 1 2");
    let before = [Changed, Same, Extra, Changed, Awaited, Awaited, Awaited, Awaited, Awaited];
    assert_eq!(kins(&stage), before, "{}", stage.screen());
    stage.keys("j j j j");
    let chosen = stage.line_with("›");
    assert!(chosen.contains("tick"), "{chosen}");
    rest(&mut stage.sample);
    stage.look();
    assert_eq!(kins(&stage), [Changed, Same, Extra, Changed, Same, Missing, Same, Same, Same]);
    // What came has not moved the cursor.
    assert!(stage.line_with("›").contains("tick"), "{}", stage.screen());
    let mut late =
        stage.sample.message(2, 5_005, ToClient, Kind::Frame(Opcode::Text), b"{\"type\":\"more\"}");
    late.size = 15;
    stage.sample.add(sockeye::capture::Event::Message(late));
    stage.look();
    assert!(stage.line_with("›").contains("tick"), "{}", stage.screen());
}

#[test]
fn the_two_are_those_that_are_marked_or_named() {
    let mut stage = Stage::new(talks(), SMALL);
    stage.keys("=");
    assert!(stage.screen().contains("mark one session with m and choose another"), "{}", stage.screen());
    stage.keys("g m j =");
    assert!(stage.screen().contains("#1 and #2"), "{}", stage.screen());
    stage.keys("esc m k =");
    assert!(stage.screen().contains("#1 and #2"), "{}", stage.screen());
    stage.keys("esc");
    stage.line(":", "compare 1 7");
    assert!(stage.screen().contains("there is no session 7 to compare"), "{}", stage.screen());
    stage.line(":", "compare one");
    assert!(stage.screen().contains("compare what? :compare 3 5"), "{}", stage.screen());
    stage.line(":", "compare 1 2");
    stage.keys("X");
    assert!(stage.screen().contains("not while two sessions are compared"), "{}", stage.screen());
}

#[test]
fn long_sessions_are_compared_and_scrolled() {
    let mut sample = Sample::empty();
    for session in [1, 2] {
        sample.open(session, 100, "/feed", "");
        for number in 0..5_000 {
            let direction = if number % 2 == 0 { ToServer } else { ToClient };
            let value = if session == 2 && number == 4_321 { 1 } else { 0 };
            sample.text(session, 200 + number, direction, &format!(r#"{{"n":{number},"value":{value}}}"#));
        }
    }
    let mut stage = Stage::new(sample, SMALL);
    stage.line(":", "compare 1 2");
    while stage.console.page().comparison.as_ref().is_some_and(|compared| compared.busy) {
        stage.look();
    }
    assert!(stage.screen().contains("4 999 same · 1 changed"), "{}", stage.screen());
    stage.keys("]");
    assert!(stage.line_with("›").contains("4322"), "{}", stage.screen());
    assert!(stage.screen().contains("$.value  0  →  1"), "{}", stage.screen());
    stage.keys("]");
    assert!(stage.screen().contains("no difference after this"), "{}", stage.screen());
    stage.keys("G k pgup [");
    assert!(stage.line_with("›").contains("4322"), "{}", stage.screen());
}

#[test]
fn a_session_is_played_to_the_server_that_is_asked_for() {
    let mut stage = Stage::new(Sample::full(), LARGE);
    stage.keys("g j j j R");
    assert!(stage.screen().contains("play #3 again to: ws://localhost:3000"), "{}", stage.screen());
    let to = |url: &str| Some(Effect::Play(3, url.parse::<Target>().unwrap()));
    assert_eq!(stage.keys("enter"), to("ws://localhost:3000"));
    assert_eq!(stage.line(":", "play wss://staging.example"), to("wss://staging.example"));
    stage.line("R", "/chat");
    assert!(stage.console.app().input.is_some(), "the line stays to be mended");
    assert!(stage.screen().contains("has a path"), "{}", stage.screen());
    stage.keys("esc j R");
    assert!(stage.screen().contains("a tunnel is relayed unread"), "{}", stage.screen());
    assert_eq!(stage.console.page().chosen.as_ref().map(|chosen| chosen.flow), Some(Flow::Session(4)));
}
