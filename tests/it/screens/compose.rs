//! Writing messages: the composer, and messages sent again.

use bytes::Bytes;
use sockeye::control::compose::Draft;
use sockeye::interchange::code::Language;
use sockeye::tui::Effect;
use sockeye::ws::{Direction, Opcode};

use super::Stage;
use super::views::{CHAT, LARGE, SMALL, check};
use crate::sample::Sample;

fn stage() -> Stage {
    let mut stage = Stage::new(Sample::full(), LARGE);
    stage.keys(CHAT);
    stage
}

#[track_caller]
fn sent(effect: Option<Effect>) -> (u32, Direction, Draft) {
    match effect {
        Some(Effect::Send { session, direction, draft }) => (session, direction, draft),
        other => panic!("not sent: {other:?}"),
    }
}

#[test]
fn what_is_typed_is_judged_and_sent() {
    for (size, suffix) in [(SMALL, "small"), (LARGE, "large")] {
        let mut stage = Stage::new(Sample::full(), size);
        stage.keys(CHAT);
        stage.typed("s", r#"{"type":"subscribe", 7}"#);
        check(&format!("composer_{suffix}"), &stage);
    }
    let mut stage = stage();
    stage.typed("s", r#"{"a":1}"#);
    assert!(stage.line_with("✓ JSON text · 7 B").contains('✓'));
    let (session, direction, draft) = sent(stage.keys("enter"));
    assert_eq!((session, direction), (3, Direction::ToServer));
    let frames = draft.frames(&Bytes::from_static(br#"{"a":1}"#));
    assert_eq!((frames.len(), frames[0].opcode), (1, Opcode::Text));
    // It stays open for the next.
    assert!(stage.screen().contains("Send to the server"));
    stage.keys("esc");
    assert!(!stage.screen().contains("Send to the server"));
}

#[test]
fn either_end_can_be_written_to() {
    let mut stage = stage();
    stage.keys("s ctrl-t x");
    assert!(stage.screen().contains("Send to the client"));
    assert_eq!(sent(stage.keys("enter")).1, Direction::ToClient);
    // The side is remembered.
    assert_eq!(sent(stage.line(":", "send hello")).1, Direction::ToClient);
}

#[test]
fn what_was_sent_comes_back_with_the_arrows() {
    let mut stage = stage();
    stage.line("s", "first");
    stage.line("esc s", "/hex 00 ff");
    let (.., draft) = sent(stage.keys("up up enter"));
    assert_eq!(draft, Draft::text("first"));
}

#[test]
fn what_cannot_be_sent_stays_to_be_mended() {
    let mut stage = stage();
    assert_eq!(stage.line("s", "/hex 0g"), None);
    assert!(stage.screen().contains("'g' is no hexadecimal digit"));
    assert!(stage.screen().contains("/hex 0g"));
    assert!(sent(stage.keys("backspace backspace 0 1 enter")).2.file().is_none());
}

#[test]
fn lines_can_be_pasted_into_a_message() {
    let mut stage = stage();
    stage.keys("s");
    stage.console.paste("[1,\r\n2]\u{1b}");
    stage.look();
    assert_eq!(sent(stage.keys("enter")).2, Draft::parse("[1,\n2]").unwrap());
}

#[test]
fn what_is_not_open_cannot_be_written_to() {
    let mut stage = Stage::new(Sample::full(), LARGE);
    stage.keys("g");
    stage.keys("s");
    assert!(stage.screen().contains("nothing can be sent"), "{}", stage.screen());
    assert!(!stage.screen().contains("Send to the"));
    let mut empty = Stage::new(Sample::empty(), SMALL);
    empty.keys("s");
    assert!(empty.screen().contains("no session is there to send to"));
}

#[test]
fn a_message_is_sent_again_and_so_are_marked_ones() {
    let again = |numbers: &[u64], direction| {
        Some(Effect::Resend { session: 3, numbers: numbers.to_vec(), direction })
    };
    let mut stage = stage();
    assert_eq!(stage.keys("j r"), again(&[2], None));
    assert_eq!(stage.line(":", "resend to client"), again(&[2], Some(Direction::ToClient)));
    stage.keys("m j j m");
    // The cursor is on a marked one, and so all of them are meant; on another, that one alone.
    assert_eq!(stage.keys("r"), again(&[2, 4], None));
    assert_eq!(stage.keys("k r"), again(&[3], None));
    assert_eq!(stage.line(":", "resend to nobody"), None);
}

#[test]
fn a_small_screen_has_room_for_the_line() {
    let mut stage = Stage::new(Sample::full(), (60, 8));
    stage.keys(CHAT);
    stage.typed("s", "hello there");
    assert!(stage.screen().lines().last().unwrap().starts_with(" ▲ hello there"));
}

#[test]
fn a_session_or_a_message_is_copied_as_code() {
    let copied = |language, numbers: Option<&[u64]>| {
        Some(Effect::CopyAs { language, session: 3, numbers: numbers.map(<[u64]>::to_vec) })
    };
    let mut stage = stage();
    assert_eq!(stage.line("Y", "py"), copied(Language::Python, Some(&[1])));
    assert_eq!(stage.line("m j j m :", "copy-as rust"), copied(Language::Rust, Some(&[1, 3])));
    stage.keys("esc");
    assert_eq!(stage.line("Y", "node"), copied(Language::Node, None));
    stage.keys("Y tab tab");
    assert!(stage.screen().contains("copy as: websocat"), "{}", stage.screen());
    stage.typed("esc Y", "cobol");
    assert!(stage.screen().contains("✗ curl websocat wscat javascript node python rust"));
}
