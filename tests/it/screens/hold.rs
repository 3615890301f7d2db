//! What is held: the pane, the keys, the editor, and what becomes of it.

use bytes::Bytes;
use sockeye::capture::{Act, By, Deed, Event, Kind, Payload};
use sockeye::control::Verdict;
use sockeye::tui::{Effect, HoldEffect, Pane};
use sockeye::ws::Direction::{ToClient, ToServer};
use sockeye::ws::Opcode;

use super::Stage;
use super::rules::chosen;
use super::views::{LARGE, SMALL, check};
use crate::sample::{Sample, at, opening};

const SIZE: (u16, u16) = (100, 30);

/// Two open sessions; of the first, messages 3 and 4 are held, of the second the handshake.
fn waiting() -> Sample {
    let mut sample = Sample::empty();
    sample.open(1, 0, "/chat", "");
    sample.text(1, 1_000, ToServer, r#"{"type":"hello"}"#);
    for second in [2, 5, 8, 11] {
        sample.control(1, second * 1_000, ToServer, Opcode::Ping, b"k");
    }
    sample.text(1, 11_100, ToServer, r#"{"type":"order","amount":41}"#);
    let binary = sample.message(1, 11_200, ToClient, Kind::Frame(Opcode::Binary), b"\x01\x02\xff");
    sample.add(Event::Message(binary));
    sample.hold(1, 1, Some(6), (11_100, ToServer));
    sample.hold(2, 1, Some(7), (11_200, ToClient));
    sample.add(Event::Asked(opening(2, 12_000, "/admin", "Sec-WebSocket-Protocol: a, b\r\n")));
    sample.hold(3, 2, None, (12_000, ToServer));
    sample
}

fn stage() -> Stage {
    Stage::new(waiting(), SIZE)
}

#[track_caller]
fn settled(effect: Option<Effect>) -> (u64, Verdict) {
    match effect {
        Some(Effect::Hold(HoldEffect::Settle(held, verdict, _))) => (held, verdict),
        other => panic!("nothing is settled: {other:?}"),
    }
}

/// The row of what is held with these words in it.
#[track_caller]
fn held(stage: &Stage, words: &str) -> String {
    let screen = stage.screen();
    let mut rows = screen.lines().skip_while(|line| !line.contains("━ Held") && !line.contains("─ Held"));
    let found = rows.find(|line| line.contains(words));
    found.unwrap_or_else(|| panic!("nothing with {words:?} is held in\n{screen}")).to_owned()
}

/// Types into the editor.
fn type_in(stage: &mut Stage, text: &str) {
    for character in text.chars() {
        let key = if character == ' ' { "space".to_owned() } else { character.to_string() };
        stage.console.key(&key);
    }
    stage.look();
}

#[test]
fn a_pane_appears_with_what_is_held_and_goes_when_nothing_is() {
    let mut stage = stage();
    assert!(stage.line_with(r#""amount":41"#).contains('▲'));
    let screen = stage.screen();
    let held: Vec<&str> = screen.lines().skip_while(|line| !line.contains("Held")).collect();
    assert!(held[0].contains("1 of 3"), "{screen}");
    assert!(held[2].contains("text") && held[2].contains("1.3s") && held[2].contains("order"), "{screen}");
    assert!(held[3].contains("binary") && held[3].contains("3 B"), "{screen}");
    assert!(held[4].contains("handshake") && held[4].contains("GET /admin"), "{screen}");
    for (held, number) in [(1, Some(6)), (2, Some(7))] {
        stage.sample.act(Some(held), (1, number), (12_500, ToServer), Deed::Released);
    }
    stage.sample.act(Some(3), (2, None), (12_500, ToServer), Deed::Refused(403));
    stage.look();
    assert!(!stage.screen().contains("━ Held") && !stage.screen().contains("─ Held"), "{}", stage.screen());
}

#[test]
fn how_long_it_is_held_ticks_and_the_next_ping_is_known() {
    let mut stage = stage();
    assert!(held(&stage, "binary").contains("ping due in 1 s"), "{}", stage.screen());
    stage.now = at(13_400);
    stage.look();
    assert!(held(&stage, "handshake").contains("1.4s"), "{}", stage.screen());
    stage.now = at(16_000);
    stage.look();
    assert!(held(&stage, "binary").contains("ping 2 s late"), "{}", stage.screen());
}

#[test]
fn what_is_held_goes_on_or_is_dropped_one_by_one_or_all() {
    let mut stage = stage();
    assert_eq!(settled(stage.keys("t a")), (1, Verdict::Forward));
    assert_eq!(settled(stage.keys("j d")), (2, Verdict::Drop));
    assert_eq!(stage.keys("A"), Some(Effect::Hold(HoldEffect::ReleaseAll)));
    assert_eq!(stage.console.app().focus, Pane::Held);
    stage.keys("esc");
    assert_eq!(stage.console.app().focus, Pane::Sessions, "back to where the keys were");
}

#[test]
fn a_held_message_is_settled_from_the_list_of_messages() {
    let mut stage = stage();
    stage.keys("tab g");
    assert_eq!(stage.keys("d"), None, "message 1 is not held");
    assert!(stage.screen().contains("this message is not held; t goes to what is"));
    stage.keys("G k");
    assert_eq!(chosen(&stage), Some(6));
    assert!(stage.screen().contains("a go on   d drop   e edit"), "{}", stage.screen());
    assert_eq!(settled(stage.keys("d")), (1, Verdict::Drop));
}

#[test]
fn the_panes_above_show_what_is_chosen_among_the_held() {
    let mut stage = stage();
    stage.keys("t j");
    assert_eq!(chosen(&stage), Some(7));
    stage.keys("j");
    assert!(stage.line_with("GET /admin HTTP/1.1").len() > 10);
    assert!(stage.console.app().flow == Some(sockeye::capture::Flow::Session(2)));
}

#[test]
fn what_goes_on_makes_room_for_the_next_and_the_panes_show_it() {
    let mut stage = stage();
    stage.keys("t");
    assert_eq!(chosen(&stage), Some(6));
    stage.sample.act(Some(1), (1, Some(6)), (12_400, ToServer), Deed::Released);
    stage.look();
    assert_eq!(chosen(&stage), Some(7));
    assert_eq!(settled(stage.keys("a")), (2, Verdict::Forward));
}

#[test]
fn what_is_newly_held_does_not_move_the_cursor() {
    let mut stage = stage();
    stage.keys("t j");
    for number in 8..40 {
        stage.sample.text(1, 12_000 + number, ToServer, "more");
        stage.sample.hold(number, 1, Some(number), (12_000 + number, ToServer));
    }
    stage.look();
    assert_eq!(settled(stage.keys("a")), (2, Verdict::Forward));
    assert_eq!(chosen(&stage), Some(7));
}

#[test]
fn a_message_is_edited_in_place_and_json_is_checked_as_it_is_typed() {
    let mut stage = stage();
    stage.keys("t e end left");
    type_in(&mut stage, ",");
    assert!(stage.screen().contains("✗ line 1, column 29: expected a key"), "{}", stage.screen());
    type_in(&mut stage, "\"a\":\"日本\"");
    assert!(stage.screen().contains("✓ JSON"), "{}", stage.screen());
    let new = r#"{"type":"order","amount":41,"a":"日本"}"#;
    assert_eq!(settled(stage.keys("ctrl-s")), (1, Verdict::Replace(Opcode::Text, new.into())));
    assert!(stage.console.app().editor.is_none());
}

#[test]
fn a_message_that_is_left_as_it_was_goes_on_as_it_was() {
    let mut stage = stage();
    assert_eq!(settled(stage.keys("t e ctrl-s")), (1, Verdict::Forward));
    assert_eq!(stage.keys("e esc"), None);
    assert!(stage.screen().contains("it is still held"), "{}", stage.screen());
}

#[test]
fn octets_are_edited_as_hex() {
    let mut stage = stage();
    stage.keys("t j e");
    assert!(stage.line_with("00000000").contains("01 02 ff"), "{}", stage.screen());
    type_in(&mut stage, "41 4");
    assert!(stage.screen().contains("✗ line 1, column 6"), "{}", stage.screen());
    type_in(&mut stage, "2 ");
    assert!(stage.line_with("00000000").ends_with("AB..."), "{}", stage.screen());
    let new = &b"AB\x01\x02\xff"[..];
    assert_eq!(settled(stage.keys("ctrl-s")), (2, Verdict::Replace(Opcode::Binary, new.into())));
}

#[test]
fn a_handshake_is_edited_refused_or_dropped() {
    let mut stage = stage();
    stage.keys("t G e");
    assert!(stage.screen().contains("GET /admin HTTP/1.1") && stage.screen().contains("the handshake of #2"));
    type_in(&mut stage, "X");
    let (held, verdict) = settled(stage.keys("ctrl-s"));
    let Verdict::ReplaceHead(head) = verdict else { panic!("{verdict:?}") };
    assert!(
        held == 3 && head.starts_with(b"XGET /admin HTTP/1.1\r\nHost: ") && head.ends_with(b": a, b\r\n\r\n")
    );
    assert_eq!(
        settled(stage.line(":", "refuse 403 not today")),
        (3, Verdict::Refuse(403, "not today".into()))
    );
    assert_eq!(settled(stage.keys("D ctrl-u 5 0 3 enter")), (3, Verdict::Refuse(503, String::new())));
    assert_eq!(settled(stage.keys("d")), (3, Verdict::Drop));
    stage.keys("g");
    stage.line(":", "refuse 403");
    assert!(stage.screen().contains("only a handshake can be refused"), "{}", stage.screen());
}

#[test]
fn a_held_message_is_answered_with_a_close() {
    let mut stage = stage();
    stage.keys("t");
    assert_eq!(settled(stage.line(":", "close 4001 go away")), (1, Verdict::Close(4001, "go away".into())));
    stage.keys("C ctrl-u");
    type_in(&mut stage, "bye");
    assert!(stage.screen().contains("✗"), "{}", stage.screen());
}

#[test]
fn what_to_hold_is_asked_for_said_and_switched() {
    let mut stage = Stage::new(Sample::full(), SIZE);
    stage.typed("i", "op:te");
    assert!(stage.screen().contains("hold: op:te") && stage.screen().contains('✗'), "{}", stage.screen());
    type_in(&mut stage, "xt");
    assert_eq!(stage.keys("enter"), Some(Effect::Hold(HoldEffect::Wanted)));
    assert!(stage.line_with("sockeye").contains("holding op:text · 0 held"), "{}", stage.screen());
    assert_eq!(stage.console.app().holding.wanted().unwrap().source(), "op:text");
    stage.keys("I");
    assert!(stage.console.app().holding.wanted().is_none());
    assert!(!stage.line_with("sockeye").contains("holding"), "{}", stage.screen());
    stage.keys("I");
    assert!(stage.console.app().holding.wanted().is_some());
    stage.keys("i");
    assert!(stage.screen().contains("hold: op:text"), "the present one is there to be changed");
    stage.keys("ctrl-u enter");
    assert!(stage.console.app().holding.wanted().is_none());
}

#[test]
fn the_screen_says_when_no_more_can_be_held() {
    let stage = stage();
    stage.sample.act(None, (1, None), (11_500, ToServer), Deed::Full);
    let mut stage = stage;
    stage.look();
    assert!(stage.line_with("Held").contains("#1 holds all it may: its client waits"), "{}", stage.screen());
}

#[test]
fn leaving_with_something_held_asks_what_becomes_of_it() {
    let mut stage = stage();
    assert_eq!(stage.keys("Q"), None);
    assert!(stage.screen().contains("3 are held: enter lets them go on, d drops them, esc stays"));
    assert_eq!(stage.keys("esc"), None);
    assert_eq!(stage.keys("Q enter"), Some(Effect::Quit));
    stage.keys("esc");
    assert_eq!(stage.keys("Q d"), Some(Effect::Hold(HoldEffect::DropAndQuit(vec![1, 2, 3]))));
    let mut stage = Stage::new(Sample::full(), SIZE);
    assert_eq!(stage.keys("Q"), Some(Effect::Quit), "nothing is asked where nothing is held");
}

#[test]
fn a_program_of_the_users_edits_or_fails() {
    let mut stage = stage();
    assert_eq!(stage.keys("t E"), Some(Effect::Hold(HoldEffect::TakeOutside)));
    let (text, ending) = stage.console.outside().unwrap();
    assert_eq!((text.as_str(), ending), (r#"{"type":"order","amount":41}"#, "json"));
    assert_eq!(stage.console.edited_outside(Err("the editor vi ended with 1".to_owned())), None);
    stage.look();
    assert!(stage.screen().contains("the editor vi ended with 1; it is still held"), "{}", stage.screen());
    assert!(stage.console.app().editor.is_none());

    stage.keys("E");
    assert_eq!(stage.console.edited_outside(Ok(text.clone() + "\n")), None);
    stage.look();
    assert!(stage.screen().contains("nothing was changed; it is still held"), "{}", stage.screen());

    stage.keys("E");
    assert_eq!(
        settled(stage.console.edited_outside(Ok("[]\n".to_owned()))),
        (1, Verdict::Replace(Opcode::Text, "[]".into()))
    );

    stage.keys("E");
    assert_eq!(stage.console.edited_outside(Ok("[\n".to_owned())), None, "it is looked at first");
    stage.look();
    assert!(stage.screen().contains("✗ line 1, column 2"), "{}", stage.screen());
}

#[test]
fn a_message_that_goes_on_while_it_is_edited_is_said_to() {
    let mut stage = stage();
    stage.keys("t e");
    assert!(stage.screen().contains("held 1.3s"), "{}", stage.screen());
    stage.sample.act(Some(1), (1, Some(6)), (12_400, ToServer), Deed::Released);
    stage.look();
    assert!(stage.screen().contains("not held any more"), "{}", stage.screen());
}

#[test]
fn what_was_held_in_a_recording_is_not_held_now() {
    let sample = waiting();
    sample.log.close();
    let stage = Stage::new(sample, SIZE);
    assert!(!stage.screen().contains(" Held "), "{}", stage.screen());
}

#[test]
fn what_is_held_and_the_editor_are_drawn() {
    for (size, suffix) in [(SMALL, "small"), (LARGE, "large")] {
        let mut stage = Stage::new(waiting(), size);
        stage.line("i", "op:text or op:binary");
        stage.keys("t j");
        check(&format!("held_{suffix}"), &stage);
        stage.keys("k e end left ,");
        check(&format!("edit_json_{suffix}"), &stage);
        stage.keys("esc esc j e end space 4 1");
        check(&format!("edit_hex_{suffix}"), &stage);
        stage.keys("esc esc G e");
        check(&format!("edit_head_{suffix}"), &stage);
    }
}

#[test]
fn the_detail_of_a_message_tells_what_was_done_to_it_and_what_went_on() {
    for (size, suffix) in [(SMALL, "small"), (LARGE, "large")] {
        let mut stage = Stage::new(waiting(), size);
        stage.keys("enter G k");
        let after = Payload::from(Bytes::from_static(br#"{"type":"order","amount":42}"#));
        let edited = Deed::Edited(Opcode::Text, after);
        stage.sample.act(Some(1), (1, Some(6)), (12_300, ToServer), edited);
        stage.look();
        check(&format!("edited_{suffix}"), &stage);
        stage.keys("3");
        check(&format!("edited_hex_{suffix}"), &stage);
        stage.keys("4");
        check(&format!("edited_frames_{suffix}"), &stage);
    }
}

#[test]
fn what_differs_is_in_sight_where_a_long_message_was_edited() {
    let mut sample = waiting();
    let order = |amount: u64| {
        let items: Vec<String> =
            (0..40).map(|item| format!(r#"{{"item":{item},"name":"number {item}"}}"#)).collect();
        format!(r#"{{"type":"order","items":[{}],"amount":{amount}}}"#, items.join(","))
    };
    sample.text(1, 12_000, ToServer, &order(41));
    for (amount, by) in [(42, By::Rule("price".into())), (43, By::User)] {
        let deed = Deed::Edited(Opcode::Text, Payload::from(order(amount)));
        let (time, direction) = (at(12_100), ToServer);
        sample.add(Event::Act(Act { session: 1, time, direction, number: Some(8), held: None, deed, by }));
    }
    let mut stage = Stage::new(sample, SMALL);
    stage.keys("enter G enter");
    check("edited_long", &stage);
    let page = stage.console.page();
    assert!(page.detail.length > 120, "all of it in full, three times, is below: {}", page.detail.length);
}

#[test]
fn the_detail_of_a_session_tells_what_was_done_to_it_and_by_whom() {
    let mut sample = waiting();
    sample.act(Some(3), (2, None), (12_200, ToServer), Deed::Refused(403));
    let rule = |millis, direction, deed| {
        let by = By::Rule("slow \u{1b}[2J".into());
        Event::Act(Act { session: 1, time: at(millis), direction, number: None, held: None, deed, by })
    };
    sample.add(rule(3_000, ToClient, Deed::Throttled(ToClient, "10 messages a second".to_owned())));
    sample.add(rule(4_000, ToServer, Deed::Stalled(ToServer, None)));
    let mut message = sample.message(1, 12_000, ToClient, Kind::Frame(Opcode::Text), b"from nobody");
    message.injected = Some(By::User);
    sample.add(Event::Message(message));
    let mut stage = Stage::new(sample, LARGE);
    stage.keys("enter G");
    assert!(stage.screen().contains("+ sent by the user"), "{}", stage.screen());
    stage.keys("5");
    stage.sample.act(None, (1, None), (12_350, ToServer), Deed::Closed(4000, "out".to_owned()));
    stage.look();
    check("session_acts", &stage);
    stage.keys("esc j");
    let refused = "✗ 0.200 handshake refused with 403 by the user";
    assert!(stage.screen().contains(refused), "{}", stage.screen());
}

#[test]
fn a_rule_is_made_of_the_chosen_message_and_checked_as_it_is_typed() {
    let mut stage = stage();
    stage.keys("t");
    assert_eq!(stage.line(":", "rule drop"), None);
    assert!(stage.screen().contains("when = 'dir:client op:text json.type=order'"), "{}", stage.screen());
    assert!(stage.screen().contains("✓ a rule"), "{}", stage.screen());
    stage.keys("ctrl-end up end left left");
    type_in(&mut stage, ", dorp = 1");
    assert!(stage.screen().contains("✗ line 4, column"), "{}", stage.screen());
    assert_eq!(stage.keys("ctrl-s"), None, "what is no rule is not saved");
    stage.keys("ctrl-z");
    let rule = "[[rule]]\nname = 'order from the client'\nwhen = 'dir:client op:text json.type=order'\n\
                then = { drop = true }\n";
    assert_eq!(stage.keys("ctrl-s"), Some(Effect::Hold(HoldEffect::AddRule(rule.to_owned()))));
    stage.keys("+ esc");
    assert!(stage.screen().contains("nothing was saved"), "{}", stage.screen());
}
