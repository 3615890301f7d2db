//! Filters and marks on the screens.

use sockeye::capture::{Deed, Flow};
use sockeye::headless::Chosen;
use sockeye::tui::Effect;
use sockeye::ws::Direction::ToServer;

use super::Stage;
use super::rules::{chosen, feed};
use super::views::{CHAT, SMALL, check};
use crate::sample::Sample;

#[test]
fn removing_a_filter_keeps_the_selection() {
    let mut stage = feed(200);
    stage.keys("g");
    stage.line("f", "dir:server");
    stage.keys("g j j j j j");
    let number = chosen(&stage).expect("a chosen message");
    assert!(number.is_multiple_of(2));
    stage.line(":", "filter");
    assert_eq!(chosen(&stage), Some(number));
    assert_eq!(stage.console.page().messages.length, 200);
}

#[test]
fn a_filter_that_hides_the_selection_gives_it_back_when_it_goes() {
    let mut stage = feed(200);
    stage.keys("g j j j");
    assert_eq!(chosen(&stage), Some(4));
    stage.line("f", "dir:client");
    assert_eq!(chosen(&stage), Some(5), "the next that is shown");
    stage.line(":", "filter");
    assert_eq!(chosen(&stage), Some(4));
}

#[test]
fn marks_are_visited_in_turn() {
    let mut stage = feed(30);
    stage.keys("g j j m j j j m g '");
    assert_eq!(chosen(&stage), Some(3));
    stage.keys("'");
    assert_eq!(chosen(&stage), Some(6));
    stage.keys("'");
    assert_eq!(chosen(&stage), Some(3));
    stage.line("f", "marked");
    assert_eq!(stage.console.page().messages.length, 2);
    stage.keys("m");
    assert_eq!(stage.console.page().messages.length, 1, "the filter follows the marks");
}

#[test]
fn a_filter_follows_what_is_done_to_messages_later() {
    let mut stage = feed(30);
    stage.line("f", "held or rule:\"drop ticks\"");
    assert_eq!(stage.console.page().messages.length, 0);
    stage.sample.hold(1, 1, Some(7), (400, ToServer));
    stage.sample.rule_act("drop ticks", (1, Some(9)), 410, Deed::Dropped);
    stage.sample.rule_act("mark ticks", (1, Some(11)), 420, Deed::Marked);
    stage.look();
    assert_eq!(stage.console.page().messages.length, 2);
    assert!(stage.screen().contains("number 7.") && stage.screen().contains("number 9."));
    stage.line(":", "filter not held");
    stage.sample.hold(2, 1, Some(30), (430, ToServer));
    stage.look();
    assert_eq!(stage.console.page().messages.length, 28);
}

#[test]
fn every_action_is_a_command_too() {
    let mut stage = feed(30);
    stage.line(":", "first");
    assert_eq!(chosen(&stage), Some(1));
    stage.line(":", "filter dir:server");
    assert_eq!(stage.console.page().messages.length, 15);
    stage.line(":", "hex");
    assert!(stage.screen().contains("[Hex]"));
    assert_eq!(stage.line(":", "kill"), Some(Effect::Kill(Flow::Session(1))));
    let all = Effect::SaveRecording("all.jsonl".into(), Chosen::All);
    assert_eq!(stage.line(":", "save-all all.jsonl"), Some(all));
    assert_eq!(stage.line(":", "save-payload a.bin"), Some(Effect::SavePayload("a.bin".into())));
    assert_eq!(stage.line(":", "q"), Some(Effect::Quit));
}

#[test]
fn a_bad_filter_stays_in_the_line_to_be_mended() {
    let mut stage = feed(5);
    stage.line("f", "(");
    assert!(stage.console.app().input.is_some());
    assert!(stage.console.app().filter.is_empty());
    stage.keys("backspace enter");
    assert!(stage.console.app().input.is_none());
}

#[test]
fn a_filter_that_parses_and_one_that_does_not() {
    for (line, name) in [("dir:client", "filter_good"), ("dir:", "filter_bad")] {
        let mut stage = Stage::new(Sample::full(), SMALL);
        stage.keys(CHAT);
        stage.typed("f", line);
        check(name, &stage);
    }
}
