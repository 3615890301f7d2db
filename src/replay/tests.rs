//! Dialogues: what the player says and finds when the other end does this or that.

mod fidelity;
mod passages;

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::capture::{Ending, Kind, Message};
use crate::decode::{Correlation, correlate};
use crate::ws::Direction::{self, ToClient, ToServer};
use crate::ws::Opcode;

type Steps = std::vec::IntoIter<Result<Step, Infallible>>;

/// A recorded session: `> text` from the client, `< text` from the server, `> close 1000`, `< ping`.
fn script(lines: &[&str]) -> Steps {
    let mut correlation = Correlation::default();
    let mut steps = Vec::new();
    for (index, line) in (0_u64..).zip(lines) {
        let (from, words) = line.split_once(' ').unwrap();
        let from = if from == ">" { ToServer } else { ToClient };
        let (opcode, payload) = match words.split_once(' ') {
            Some(("close", code)) => {
                (Opcode::Close, code.parse::<u16>().unwrap().to_be_bytes().to_vec().into())
            }
            _ if words == "ping" => (Opcode::Ping, Bytes::new()),
            _ => (Opcode::Text, Bytes::from(words.to_owned())),
        };
        let key = correlate(opcode, &payload);
        let asked = key.and_then(|key| correlation.next(index, from, &key));
        let message = message(from, opcode, payload);
        let at = Duration::from_millis(100 * index);
        let answers = asked.map(|asked| index - asked);
        steps.push(Ok(Step {
            line: index + 3,
            at,
            from,
            answers,
            what: What::Message(message),
            passage: Passage::default(),
        }));
    }
    steps.into_iter()
}

fn message(direction: Direction, opcode: Opcode, payload: Bytes) -> Message {
    Message { wire_size: 0, ..Message::whole(direction, Kind::Frame(opcode), payload) }
}

/// A player of the server's part, and what it says.
struct Play {
    player: Player<Steps>,
    now: Duration,
}

impl Play {
    fn new(lines: &[&str], settings: Settings) -> Play {
        Play { player: Player::new(ToClient, script(lines), settings, Duration::ZERO), now: Duration::ZERO }
    }

    /// The client says `text`; the player says all of `answers`.
    #[track_caller]
    fn say(&mut self, text: &str, answers: &[&str]) -> &mut Play {
        self.player.received(&text_of(text), self.now);
        self.expect(answers)
    }

    #[track_caller]
    fn expect(&mut self, answers: &[&str]) -> &mut Play {
        let said: Vec<_> = std::iter::from_fn(|| self.player.poll()).map(|output| spelt(&output)).collect();
        assert_eq!(said, answers);
        self
    }

    #[track_caller]
    fn after(&mut self, millis: u64, answers: &[&str]) -> &mut Play {
        self.now += Duration::from_millis(millis);
        self.player.wake(self.now);
        self.expect(answers)
    }

    #[track_caller]
    fn close(&mut self, code: u16, answers: &[&str]) -> &mut Play {
        self.player.received(&Said::new(Opcode::Close, code.to_be_bytes().to_vec()), self.now);
        self.expect(answers)
    }

    #[track_caller]
    fn problems(&self, expected: &[(Option<u64>, &str)]) {
        let problems = &self.player.report().problems;
        let found: Vec<_> = problems.iter().map(|problem| (problem.line, problem.to_string())).collect();
        assert_eq!(found.len(), expected.len(), "{found:?}");
        for ((line, text), (expected_line, part)) in found.iter().zip(expected) {
            assert!(line == expected_line && text.contains(part), "{line:?} {text}");
        }
    }
}

fn text_of(text: &str) -> Said {
    Said::new(Opcode::Text, text.to_owned())
}

fn spelt(output: &Output) -> String {
    match output {
        Output::Finish(how) => how.name().to_owned(),
        Output::HalfClose => "half".to_owned(),
        Output::Pong(payload) => format!("pong {}", String::from_utf8_lossy(payload)),
        Output::Send(message) | Output::SendFrames(message, _) => {
            let payload = message.payload.in_memory().unwrap();
            match message.kind {
                Kind::Frame(Opcode::Close) => {
                    format!("close {}", u16::from_be_bytes([payload[0], payload[1]]))
                }
                _ => String::from_utf8(payload.to_vec()).unwrap(),
            }
        }
    }
}

fn settings(change: impl FnOnce(&mut Settings)) -> Settings {
    let mut settings = Settings::default();
    change(&mut settings);
    settings
}

#[test]
fn the_server_speaks_when_the_client_has_said_what_it_had_said() {
    let mut play = Play::new(
        &["< welcome", "> hello", "> ping me", "< ping", "< hi", "> bye", "< close 1000", "> close 1000"],
        Settings::default(),
    );
    play.expect(&["welcome"]).say("hello", &[]).say("ping me", &["hi"]).say("bye", &["close 1000"]);
    play.close(1000, &["fin"]).problems(&[]);
    let report = play.player.report();
    assert_eq!((report.sent, report.matched), (3, 4));
    assert!(play.player.is_over());
}

#[test]
fn an_answer_waits_for_its_own_question_only() {
    let lines = [
        r#"> {"id":1,"method":"slow"}"#,
        r#"> {"id":2,"method":"fast"}"#,
        r#"< {"id":2,"result":"b"}"#,
        r#"< {"id":1,"result":"a"}"#,
    ];
    let mut play = Play::new(&lines, Settings::default());
    // Its answer was recorded after the other question, which it does not depend on.
    play.say(r#"{"id":1,"method":"slow"}"#, &[r#"{"id":1,"result":"a"}"#]);
    play.say(r#"{"id":2,"method":"fast"}"#, &[r#"{"id":2,"result":"b"}"#, "fin"]).problems(&[]);
}

#[test]
fn fresh_ids_are_bound_and_answered() {
    let lines = [r#"> {"id":1,"method":"x"}"#, r#"< {"id":1,"result":"a"}"#, r#"> {"ack":1}"#];
    let bind =
        settings(|settings| settings.bindings = vec!["id=$.id".parse().unwrap(), "$.ack".parse().unwrap()]);
    let mut play = Play::new(&lines, bind);
    play.say(r#"{"id":77,"method":"x"}"#, &[r#"{"id":77,"result":"a"}"#]).say(r#"{"ack":77}"#, &["fin"]);
    play.problems(&[]);
}

#[test]
fn a_message_that_differs_is_told_with_what_would_accept_it() {
    let mut play = Play::new(&[r#"> {"a":1,"ts":5}"#, "< ok", "> bye"], Settings::default());
    play.say(r#"{"a":1,"ts":6}"#, &["ok"]).say("bye", &["fin"]);
    play.problems(&[(Some(3), "$.ts: expected 5, got 6")]);
    let problem = &play.player.report().problems[0];
    assert_eq!(problem.way_out().unwrap(), "--ignore '$.ts'");
    assert_eq!(problem.recent, [r#"client text {"a":1,"ts":6}"#]);
}

#[test]
fn what_is_skipped_is_missing_and_what_is_more_is_unexpected() {
    let mut play = Play::new(&["> one", "> two", "< ok", "> three"], Settings::default());
    play.say("two", &["ok"]);
    play.problems(&[(Some(3), "never came: text one")]);
    play.say("three", &["fin"]);
    let mut play = Play::new(&["< done"], Settings::default());
    play.expect(&["done", "fin"]).say("what?", &[]);
    play.problems(&[(None, "was not recorded: text what?")]);
}

#[test]
fn orders_differ_in_what_may_come_when() {
    let lines = ["> a", "< ok", "> b", "> c", "< end"];
    let order = |order| settings(|settings| settings.order = order);
    // Causal: b comes before it was its turn, but in its order.
    let mut play = Play::new(&lines, order(Order::Causal));
    play.say("a", &["ok"]).say("b", &[]).say("c", &["end", "fin"]).problems(&[]);
    let mut play = Play::new(&lines, order(Order::Unordered));
    play.say("a", &["ok"]).say("c", &[]).say("b", &["end", "fin"]).problems(&[]);
    let mut play = Play::new(&lines, order(Order::Causal));
    play.say("a", &["ok"]).say("c", &["end", "fin"]).problems(&[(Some(5), "never came")]);
    let slow = settings(|settings| {
        settings.order = Order::Strict;
        settings.timing = Timing::Scaled(1.0);
    });
    let mut play = Play::new(&lines, slow);
    play.say("a", &[]).say("b", &[]).problems(&[(None, "was not recorded")]);
}

#[test]
fn time_passes_as_recorded_where_it_is_asked_for() {
    let scaled = settings(|settings| settings.timing = Timing::Scaled(2.0));
    let mut play = Play::new(&["> a", "< b", "< c"], scaled);
    play.say("a", &[]);
    assert_eq!(play.player.wake_at(), Some(Duration::from_millis(200)));
    play.after(199, &[]).after(1, &["b"]).after(199, &[]).after(1, &["c", "fin"]).problems(&[]);
}

#[test]
fn nothing_is_waited_for_longer_than_a_step_may_take() {
    let mut play =
        Play::new(&["> a", "< b"], settings(|settings| settings.step_timeout = Duration::from_secs(2)));
    play.after(1_999, &[]);
    play.after(1, &["fin"]);
    play.problems(&[(Some(3), "waited for too long: text a"), (Some(4), "not be sent")]);
}

#[test]
fn an_end_that_comes_early_leaves_things_undone() {
    let mut play = Play::new(&["> a", "< b", "> close 1000"], Settings::default());
    play.close(1001, &["b", "fin"]);
    play.problems(&[(Some(3), "never came"), (Some(5), "expected close 1000, got close 1001")]);
    let mut play = Play::new(&["> a", "< b"], Settings::default());
    play.player.ended(&Ending::Fin, play.now);
    play.expect(&["fin"]).problems(&[(Some(3), "never came"), (Some(4), "could not be sent")]);
}

#[test]
fn what_was_recorded_after_something_elsewhere_waits_for_it() {
    let mut play = Play::new(&["> a", "< b", "< c", "> d"], Settings::default());
    let told = |play: &mut Play, first: Option<(u64, &str)>, answers: &[&str]| {
        let first = first.map(|(at, what)| (Duration::from_millis(at), what.to_owned()));
        play.player.elsewhere(first, play.now);
        play.expect(answers);
    };
    told(&mut play, Some((150, "POST /one")), &[]);
    assert_eq!(play.player.next_at(), Some(Duration::ZERO));
    // What was recorded before it does not wait.
    play.say("a", &["b"]);
    assert_eq!(play.player.next_at(), Some(Duration::from_millis(200)));
    told(&mut play, Some((500, "POST /two")), &["c"]);
    play.say("d", &["fin"]).problems(&[]);
    assert_eq!(play.player.next_at(), None);
    let mut play = Play::new(&["> a", "< b"], Settings::default());
    told(&mut play, Some((50, "POST /one")), &[]);
    play.say("a", &[]).after(10_000, &["fin"]);
    play.problems(&[(Some(4), "waited for too long: POST /one")]);
}

#[test]
fn ten_thousand_messages_take_a_bounded_window() {
    let steps = (0..10_000_u64).map(|index| {
        let from = if index % 2 == 0 { ToServer } else { ToClient };
        let what = What::Message(message(from, Opcode::Text, Bytes::from(format!("{{\"n\":{index}}}"))));
        Ok::<_, Infallible>(Step {
            line: index + 2,
            at: Duration::from_micros(index),
            from,
            answers: None,
            what,
            passage: Passage::default(),
        })
    });
    let mut player = Player::new(ToClient, steps, Settings::default(), Duration::ZERO);
    let mut answers = 0;
    for index in (0..10_000).step_by(2) {
        player.received(&text_of(&format!("{{ \"n\": {index} }}")), Duration::ZERO);
        answers += std::iter::from_fn(|| player.poll()).filter(|one| matches!(one, Output::Send(_))).count();
    }
    assert_eq!((answers, player.report().matched, player.is_over()), (5_000, 5_000, true));
    assert!(player.report().is_ok());
}

#[test]
fn heartbeats_are_answered_as_recorded_and_hold_nothing_up() {
    let ping = r#"{"topic":"phoenix","event":"heartbeat","payload":{},"ref":"9"}"#;
    let lines = [
        "> hello",
        r#"< {"type":"ping"}"#,
        r#"> {"topic":"phoenix","event":"heartbeat","payload":{},"ref":"2"}"#,
        r#"< {"topic":"phoenix","event":"phx_reply","payload":{"status":"ok"},"ref":"2"}"#,
        "< welcome",
        "> bye",
    ];
    let mut play = Play::new(&lines, Settings::default());
    let answer = r#"{"topic":"phoenix","event":"phx_reply","payload":{"status":"ok"},"ref":"9"}"#;
    play.say(ping, &[answer]).say("hello", &["welcome"]).say(r#"{"type":"pong"}"#, &[]).say(ping, &[answer]);
    play.say("bye", &["fin"]);
    play.problems(&[]);
    // Where nobody answered, nobody does.
    let mut play = Play::new(&["> hello", "< welcome"], Settings::default());
    play.say(r#"{"type":"ping"}"#, &[]).say("hello", &["welcome", "fin"]).problems(&[]);
}

#[test]
fn heartbeats_are_messages_where_that_is_asked_for() {
    let settings = Settings { heartbeats: None, ..Settings::default() };
    let mut play = Play::new(&[r#"> {"type":"ping"}"#, r#"< {"type":"pong"}"#], settings);
    play.expect(&[]).say(r#"{"type":"ping"}"#, &[r#"{"type":"pong"}"#, "fin"]).problems(&[]);
}

proptest! {
    /// Whatever comes, and whenever: the play ends, and each recorded message is accounted for once.
    #[test]
    fn every_recorded_message_is_accounted_for(
        lines in prop::collection::vec("[<>] ([a-d]|\\{\"id\":[1-3]\\})", 0..12),
        said in prop::collection::vec(("[a-d]|\\{\"id\":[1-3]\\}", 0_u64..400), 0..16),
        order in prop::sample::select(vec![Order::Strict, Order::Causal, Order::Unordered]),
        scaled in any::<bool>(),
    ) {
        let timing = if scaled { Timing::Scaled(0.5) } else { Timing::Fast };
        let settings = settings(|settings| (settings.order, settings.timing) = (order, timing));
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let theirs = lines.iter().filter(|line| line.starts_with('>')).count() as u64;
        let ours = lines.len() as u64 - theirs;
        let mut play = Play::new(&lines, settings);
        for (text, wait) in said {
            play.now += Duration::from_millis(wait);
            play.player.wake(play.now);
            play.player.received(&text_of(&text), play.now);
        }
        play.player.ended(&Ending::Fin, play.now);
        let outputs: Vec<_> = std::iter::from_fn(|| play.player.poll()).collect();
        prop_assert!(matches!(outputs.last(), Some(Output::Finish(_))));
        let report = play.player.report();
        let count = |which: fn(&Trouble) -> bool| {
            report.problems.iter().filter(|problem| which(&problem.what)).count() as u64
        };
        let different = count(|what| matches!(what, Trouble::Different(_)));
        let missing = count(|what| matches!(what, Trouble::Missing(_)));
        prop_assert_eq!(report.matched + different + missing, theirs);
        prop_assert_eq!(report.sent + count(|what| matches!(what, Trouble::NotSent(_))), ours);
    }
}
