//! The sheet of rules: which hold, what each did, and the way to what it acted on.

use std::time::{Duration, SystemTime};

use sockeye::capture::{By, Deed, Event, Flow, Kind, Message};
use sockeye::control::{Command, Controller, Switch};
use sockeye::rules::RuleSet;
use sockeye::tui::{About, Effect, Pane};
use sockeye::ws::Direction::{ToClient, ToServer};
use sockeye::ws::Opcode;

use super::Stage;
use super::rules::chosen;
use super::views::{LARGE, SMALL, check};
use crate::sample::Sample;

const RULES: &str = r#"
[[rule]]
name = "expensive orders fail"
when = 'dir:client type=order price>100'
then = { set = { price = 0 } }

[[rule]]
name = "flaky feed"
when = 'path:/feed dir:server op:data'
after = 1
probability = 0.5
times = 2
then = [
  { delay = ["100ms", "2s"] },   # now and then
  { mark = true },
]

[[rule]]
name = "maintenance"
then = { refuse = 503, body = "back soon" }
off = true

[[rule]]
name = "greet"
on = "open"
then = { send = "hello", to = "client" }
"#;

/// Two sessions in which rules acted.
fn ruled() -> Sample {
    let mut sample = Sample::begun(SystemTime::UNIX_EPOCH + Duration::from_secs(50_000));
    for session in [1, 2] {
        sample.open(session, u64::from(session) * 1_000, "/feed", "");
        let hello = sample.message(session, 2_100, ToClient, Kind::Frame(Opcode::Text), b"hello");
        sample.add(Event::Message(Message { injected: Some(By::Rule("greet".into())), ..hello }));
        for number in 2..=20 {
            let direction = if number % 2 == 0 { ToServer } else { ToClient };
            sample.text(
                session,
                3_000 + number * 10,
                direction,
                &format!("{{\"type\":\"order\",\"price\":{number}}}"),
            );
        }
    }
    for number in [5, 9] {
        sample.rule_act("flaky feed", (1, Some(number)), 4_000, Deed::Marked);
        sample.rule_act("flaky feed", (1, Some(number)), 4_100, Deed::Delayed(Duration::from_secs(1)));
    }
    sample.rule_act("flaky feed", (2, Some(7)), 5_000, Deed::Marked);
    sample.rule_act("yesterday's", (2, None), 6_000, Deed::Reset);
    sample
}

fn stage(size: (u16, u16)) -> (Stage, Controller) {
    let controller = Controller::new();
    controller.send(Command::Rules(RuleSet::parse(RULES).unwrap().read_from("rules.toml")));
    let mut stage = Stage::new(ruled(), size);
    stage.console.show_rules_of(controller.clone());
    stage.look();
    (stage, controller)
}

#[test]
fn the_rules_that_hold_are_told_with_what_they_did() {
    let (mut stage, _) = stage(SMALL);
    stage.keys("T");
    check("rules_small", &stage);
    let (mut stage, controller) = self::stage(LARGE);
    controller.tell_rules_fault(Some("rules.toml:6:1: a rule has no whne: did you mean when?"));
    stage.keys("T j");
    check("rules_large", &stage);
}

#[test]
fn a_rule_leads_to_the_messages_that_it_acted_on() {
    let (mut stage, _) = stage(SMALL);
    stage.keys("g tab G T j enter");
    let app = stage.console.app();
    assert_eq!((app.sheet, app.focus, app.flow), (None, Pane::Messages, Some(Flow::Session(2))));
    assert_eq!((chosen(&stage), stage.console.page().messages.length), (Some(7), 1));
    stage.keys("shift-tab k");
    assert_eq!(stage.console.app().flow, Some(Flow::Session(1)));
    assert_eq!(stage.console.page().messages.length, 2, "those of the other session, too");
    // What it sent.
    stage.keys("T G k enter");
    assert_eq!((chosen(&stage), stage.console.page().messages.length), (Some(1), 1), "{}", stage.screen());
    // One that acted on a session alone: that is listed.
    stage.keys("T G enter");
    assert_eq!(stage.console.page().flows.order.len(), 1);
    assert_eq!(
        (stage.console.app().focus, stage.console.app().flow),
        (Pane::Sessions, Some(Flow::Session(2)))
    );
    assert_eq!(stage.console.page().messages.length, 20, "all of its messages are listed");
}

#[test]
fn a_rule_that_did_nothing_leads_nowhere_and_says_so() {
    let (mut stage, _) = stage(SMALL);
    stage.keys("T enter");
    assert!(
        stage.screen().contains("expensive orders fail has not acted on anything yet"),
        "{}",
        stage.screen()
    );
    assert!(stage.console.app().filter.is_empty() && stage.console.app().sheet.is_some());
    stage.keys("T");
    assert_eq!(stage.console.app().sheet, None);
}

#[test]
fn a_rule_is_switched_off_and_on_from_the_sheet() {
    let (mut stage, controller) = stage(SMALL);
    assert_eq!(stage.keys("u"), None, "which one?");
    assert!(stage.screen().contains("j and k choose a rule, u switches it off or on"), "{}", stage.screen());
    assert_eq!(stage.keys("j u"), Some(Effect::SwitchRule("flaky feed".into())));
    controller.send(Command::Switch { rule: "flaky feed".into(), to: Switch::Off });
    stage.look();
    let line = stage.line_with("flaky feed");
    assert!(line.starts_with(" › ○") && line.contains("switched off by hand · 3 messages"), "{line}");
    controller.send(Command::Switch { rule: "flaky feed".into(), to: Switch::On });
    stage.look();
    assert!(stage.line_with("flaky feed").starts_with(" › ●"));
    assert!(stage.line_with("maintenance").contains("off in the file"));
    stage.keys("T");
    assert_eq!(stage.line(":", "rule-switch greet"), Some(Effect::SwitchRule("greet".into())));
}

#[test]
fn the_chosen_rule_stays_in_view() {
    let (mut stage, _) = stage((80, 12));
    stage.keys("T");
    for (key, name) in
        [("j", "flaky feed"), ("j", "maintenance"), ("j", "greet"), ("j", "yesterday's"), ("g", "expensive")]
    {
        stage.keys(key);
        assert!(stage.line_with("›").contains(name), "{}", stage.screen());
    }
    assert!(
        stage.screen().contains("in the order in which they act"),
        "the heading comes back with the first"
    );
}

#[test]
fn a_recording_tells_the_rules_by_what_they_did() {
    let sample = ruled();
    sample.log.close();
    let about = About { source: Some("chat.jsonl".into()), ..About::default() };
    let mut stage = Stage::about(sample, about, SMALL);
    stage.line(":", "rules");
    check("rules_recording", &stage);
    stage.keys("j enter");
    assert_eq!((chosen(&stage), stage.console.page().messages.length), (Some(7), 1));
}

#[test]
fn where_no_rule_holds_it_is_said_how_one_can() {
    let mut stage = Stage::new(Sample::full(), SMALL);
    stage.console.show_rules_of(Controller::new());
    stage.keys("T");
    assert!(stage.screen().contains("--rules FILE"), "{}", stage.screen());
}
