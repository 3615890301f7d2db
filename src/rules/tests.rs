//! What rules come to, message for message.

use std::time::Duration;

use bytes::Bytes;

use super::*;
use crate::ws::Opcode;

fn flow(session: u32) -> Flow {
    Flow {
        session,
        url: "ws://localhost:3000/chat".to_owned(),
        request: Bytes::from_static(b"GET /chat HTTP/1.1\r\nHost: localhost:3000\r\n\r\n"),
        ..Flow::default()
    }
}

fn rules(text: &str) -> RuleSet {
    RuleSet::parse(text).unwrap()
}

fn judge(text: &str) -> Judge {
    Judge::new(rules(text))
}

/// What is done with a text from the server, rule by rule.
fn text(judge: &mut Judge, flow: &Flow, text: &str) -> Vec<String> {
    message(judge, flow, Direction::ToClient, Opcode::Text, text.as_bytes())
}

fn message(
    judge: &mut Judge,
    flow: &Flow,
    direction: Direction,
    opcode: Opcode,
    payload: &[u8],
) -> Vec<String> {
    let seen = Seen {
        flow,
        direction,
        opcode,
        payload: Some(payload),
        wire_size: payload.len() as u64,
        compressed: false,
    };
    let word = |step: Step<Effect>| format!("{}: {}", step.rule.as_deref().unwrap_or("user"), step.effect);
    judge.message(&seen).into_iter().map(word).collect()
}

#[test]
fn each_rule_sees_what_the_one_before_made_of_it() {
    let mut judge = judge(
        "[[rule]]\nname='a'\nwhen='price=1'\nthen={ set = { price = 2 } }\n\
         [[rule]]\nname='b'\nwhen='price=2'\nthen={ set = { price = 3 } }\n\
         [[rule]]\nname='c'\nwhen='price=1'\nthen={ drop = true }\n",
    );
    assert_eq!(
        text(&mut judge, &flow(1), r#"{"price":1}"#),
        [r#"a: replaced by {"price":2}"#, r#"b: replaced by {"price":3}"#]
    );
    assert!(text(&mut judge, &flow(1), r#"{"price":4}"#).is_empty());
}

#[test]
fn nothing_is_done_with_what_was_dropped() {
    let mut judge = judge(
        "[[rule]]\nname='a'\nthen=[{ send = 'hi', to = 'server' }, { drop = true }, { mark = true }]\n\
         [[rule]]\nname='b'\nthen={ duplicate = 2 }\n",
    );
    assert_eq!(text(&mut judge, &flow(1), "x"), ["a: sent to the server: hi", "a: dropped"]);
}

#[test]
fn recordings_tell_what_else_is_done_with_the_message_that_ends_them() {
    let mut judge = judge(
        "[[rule]]\nname='a'\nthen=[{ stop-recording = true }, { mark = true }]\n\
         [[rule]]\nname='b'\nthen={ drop = true }\n",
    );
    let last = "a: its session is left out of recordings from here on";
    assert_eq!(text(&mut judge, &flow(1), "x"), ["a: marked", "b: dropped", last]);
}

#[test]
fn holds_and_hooks_come_last_and_see_what_rules_made() {
    let text_of_rules =
        "[[rule]]\nname='ask'\nthen={ run = 'hook' }\n[[rule]]\nname='b'\nthen={ replace = 'y' }\n";
    let held = rules(text_of_rules).holding(Some(Filter::parse("/^y$/").unwrap()));
    let mut judge = Judge::new(held);
    assert_eq!(
        text(&mut judge, &flow(1), "x"),
        ["b: replaced by y", "ask: hook is asked, for 2s at the most", "user: held"]
    );
}

#[test]
fn chance_repeats_in_each_run_and_differs_between_sessions() {
    let text_of_rules = "seed = 5\n[[rule]]\nname='a'\nprobability=0.5\nthen={ delay = ['0s', '1h'] }\n";
    let run = |session| {
        let mut judge = judge(text_of_rules);
        (0..20).map(|_| text(&mut judge, &flow(session), "x")).collect::<Vec<_>>()
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
    let acted = run(1).iter().filter(|done| !done.is_empty()).count();
    assert!((4..17).contains(&acted), "{acted}");
}

#[test]
fn a_rule_counts_in_each_session_or_in_all() {
    let each = rules("[[rule]]\ntimes=1\nthen={ drop = true }\n");
    let all = rules("[[rule]]\ntimes=1\nper='all'\nthen={ drop = true }\n");
    let dropped = |rules: &RuleSet| {
        let sessions = [1, 1, 2].map(flow);
        let mut judges = [Judge::new(rules.clone()), Judge::new(rules.clone())];
        sessions.map(|flow| text(&mut judges[flow.session as usize - 1], &flow, "x").len())
    };
    assert_eq!(dropped(&each), [1, 0, 1]);
    assert_eq!(dropped(&all), [1, 0, 0]);
    let same = rules("# read again\n[[rule]]\ntimes=1\nper='all'\nthen={ drop = true }\n");
    assert_eq!(dropped(&same.continuing(&all)), [0, 0, 0]);
}

#[test]
fn rules_that_stay_go_on_counting() {
    let before = "[[rule]]\nname='a'\nafter=2\nthen={ drop = true }\n";
    let mut judge = judge(before);
    assert!(text(&mut judge, &flow(1), "x").is_empty());
    judge.replace(rules(&format!("[[rule]]\nname='new'\nthen={{ mark = true }}\n{before}")), &flow(1));
    assert_eq!(text(&mut judge, &flow(1), "x"), ["new: marked"]);
    assert_eq!(text(&mut judge, &flow(1), "x"), ["new: marked", "a: dropped"]);
}

#[test]
fn only_what_may_match_is_reached() {
    let reach = |text: &str| {
        let [to_server, to_client] = rules(text).reach(&flow(1)).directions;
        (to_server, to_client)
    };
    assert_eq!(reach(""), (false, false));
    assert_eq!(reach("[[rule]]\nwhen='type=x'\nthen={ drop = true }"), (true, true));
    assert_eq!(reach("[[rule]]\nwhen='dir:client type=x'\nthen={ drop = true }"), (true, false));
    assert_eq!(
        reach("[[rule]]\nwhen='path:/other or (to:client path:/chat)'\nthen={ drop = true }"),
        (false, true)
    );
    assert_eq!(reach("[[rule]]\nwhen='path:/other'\nthen={ drop = true }"), (false, false));
    assert_eq!(reach("[[rule]]\nthen={ refuse = 503 }"), (false, false));
    assert_eq!(reach("[[rule]]\nthen={ throttle = 10 }"), (false, false));
    assert_eq!(reach("[[rule]]\non='message'\nthen={ throttle = 10 }"), (true, true));
}

#[test]
fn those_that_go_before_another_are_not_put_behind_others() {
    let mut judge = judge("[[rule]]\nname='r'\nwhen='op:text'\nthen={ reorder = 2 }\n");
    let flow = flow(1);
    for word in ["a", "b", "c", "d"] {
        let expected: &[&str] =
            if matches!(word, "a" | "d") { &["r: sent after the next 2 messages"] } else { &[] };
        assert_eq!(text(&mut judge, &flow, word), expected, "{word}");
        // The other direction has an order of its own, and a ping is no message.
        assert!(message(&mut judge, &flow, Direction::ToClient, Opcode::Ping, b"").is_empty());
    }
    assert_eq!(message(&mut judge, &flow, Direction::ToServer, Opcode::Text, b"e").len(), 1);
}

#[test]
fn handshakes_are_refused_changed_and_delayed() {
    let mut judge = judge(
        "[[rule]]\nname='h'\nwhen='path:/chat'\nthen=[{ set-header = { X-A = '1' } }, { remove-header = 'Cookie' }]\n\
         [[rule]]\nname='slow'\non='handshake'\nthen={ delay = 0.5 }\n\
         [[rule]]\nname='no'\nafter=1\nthen={ refuse = 503, body = 'later' }\n\
         [[rule]]\nname='never'\nthen={ set-header = { X-B = '1' } }\non='response'\n",
    );
    let edits =
        |steps: Vec<Step<HandshakeEdit>>| steps.into_iter().map(|step| step.effect).collect::<Vec<_>>();
    let touched = [
        HandshakeEdit::Set("X-A".to_owned(), "1".to_owned()),
        HandshakeEdit::Remove("Cookie".to_owned()),
        HandshakeEdit::Delay(Duration::from_millis(500)),
    ];
    assert_eq!(edits(judge.request(&flow(1))), touched);
    let refused = HandshakeEdit::Refuse(Refusal { status: 503, body: "later".to_owned() });
    assert_eq!(edits(judge.request(&flow(1))).last(), Some(&refused));
    assert_eq!(edits(judge.response(&flow(1))), [HandshakeEdit::Set("X-B".to_owned(), "1".to_owned())]);
}

#[test]
fn a_direction_is_slowed_down_once() {
    let mut judge = judge("[[rule]]\nname='slow'\non='message'\nthen={ throttle = { messages = 2.5 } }\n");
    assert_eq!(text(&mut judge, &flow(1), "x"), ["slow: the server is slowed down to 2.5 messages a second"]);
    assert!(text(&mut judge, &flow(1), "x").is_empty());
}

/// What is done at once when these rules hold, rule by rule.
fn replaced(judge: &mut Judge, text: &str) -> Vec<String> {
    let steps = judge.replace(rules(text), &flow(1));
    steps.into_iter().map(|step| format!("{}: {}", step.rule.as_deref().unwrap(), step.effect)).collect()
}

fn opened(judge: &mut Judge) -> Vec<String> {
    let steps = judge.opened(&flow(1));
    steps.into_iter().map(|step| format!("{}: {}", step.rule.as_deref().unwrap(), step.effect)).collect()
}

const LIFTED: &str = "slow: what it stalled or slowed down is so no more";

#[test]
fn what_a_rule_began_is_over_when_it_holds_no_more_or_another_way() {
    let slow = "[[rule]]\nname='slow'\non='message'\nthen={ throttle = { messages = 2 } }\n";
    let began = "slow: the server is slowed down to 2 messages a second";
    let mut judge = judge(slow);
    assert!(replaced(&mut judge, "").is_empty(), "it had begun nothing");
    assert!(replaced(&mut judge, slow).is_empty());
    assert_eq!(text(&mut judge, &flow(1), "x"), [began]);
    let beside = format!("[[rule]]\nname='other'\nthen={{ mark = true }}\n{slow}");
    assert!(replaced(&mut judge, &beside).is_empty(), "it stayed");
    assert_eq!(replaced(&mut judge, ""), [LIFTED]);
    assert!(replaced(&mut judge, slow).is_empty(), "it waits for a message");
    assert_eq!(text(&mut judge, &flow(1), "x"), [began], "and begins it again with that");
    assert_eq!(replaced(&mut judge, &slow.replace('2', "3")), [LIFTED]);
    assert_eq!(text(&mut judge, &flow(1), "x"), ["slow: the server is slowed down to 3 messages a second"]);
}

#[test]
fn what_a_rule_began_when_the_session_opened_it_begins_again_when_it_holds_again() {
    let slow = "[[rule]]\nname='slow'\nthen=[{ throttle = { messages = 2 }, from = 'client' }, { send = 'hi', to = 'client' }]\n";
    let began = |rate| format!("slow: the client is slowed down to {rate} messages a second");
    let mut judge = judge(slow);
    assert_eq!(opened(&mut judge), [began(2), "slow: sent to the client: hi".to_owned()]);
    assert_eq!(replaced(&mut judge, ""), [LIFTED]);
    assert_eq!(replaced(&mut judge, slow), [began(2)], "and sends nothing again");
    assert_eq!(replaced(&mut judge, &slow.replace('2', "3")), [LIFTED.to_owned(), began(3)]);
    let elsewhere = slow.replace("then", "when='path:/other'\nthen");
    assert_eq!(replaced(&mut judge, &elsewhere), [LIFTED], "this session is none of its own any more");
    assert!(replaced(&mut judge, &slow.replace("slow", "new")).is_empty(), "this session was open before");
    assert_eq!(replaced(&mut judge, slow), [began(2)]);
    let stall = "[[rule]]\nname='slow'\non='open'\nthen={ stall = '5s', from = 'client' }\n";
    let mut judge = self::judge(stall);
    assert_eq!(opened(&mut judge), ["slow: nothing that the client sends goes on for 5s"]);
    assert_eq!(replaced(&mut judge, ""), [LIFTED]);
    assert!(replaced(&mut judge, stall).is_empty(), "it had its time");
}

#[test]
fn delays_are_as_their_distribution_says() {
    let delays = |then: &str| {
        let mut judge = judge(&format!("[[rule]]\nthen={{ delay = {then} }}\n"));
        let flow = flow(1);
        let seen = Seen {
            flow: &flow,
            direction: Direction::ToClient,
            opcode: Opcode::Text,
            payload: Some(b"x"),
            wire_size: 1,
            compressed: false,
        };
        let mut one = || match judge.message(&seen).remove(0).effect {
            Effect::Delay(delay) => delay.as_secs_f64(),
            other => panic!("{other}"),
        };
        (0..2000).map(|_| one()).collect::<Vec<_>>()
    };
    let mean = |delays: &[f64]| delays.iter().sum::<f64>() / delays.len() as f64;
    assert!(delays("'200ms'").iter().all(|delay| *delay == 0.2));
    let range = delays("['1s', '3s']");
    assert!(range.iter().all(|delay| (1.0..3.0).contains(delay)) && (mean(&range) - 2.0).abs() < 0.05);
    let normal = delays("{ mean = '10s', deviation = '1s' }");
    assert!((mean(&normal) - 10.0).abs() < 0.1 && normal.iter().any(|delay| *delay > 11.0));
    assert!((mean(&delays("{ exponential = 2 }")) - 2.0).abs() < 0.2);
}

#[test]
fn octets_are_corrupted_within_the_payload_alone() {
    let mut judge = judge("[[rule]]\nthen={ corrupt = 3 }\n");
    let flow = flow(1);
    for size in 0..20_u64 {
        let payload = vec![0; size as usize];
        let seen = Seen {
            flow: &flow,
            direction: Direction::ToServer,
            opcode: Opcode::Binary,
            payload: Some(&payload),
            wire_size: size,
            compressed: false,
        };
        match &judge.message(&seen)[..] {
            [] => assert_eq!(size, 0),
            [Step { effect: Effect::Corrupt(changes), .. }] => {
                assert!((1..=3).contains(&changes.len()));
                assert!(changes.iter().all(|(at, xor)| *at < size && *xor != 0), "{changes:?}");
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_frame_is_cut_before_its_end() {
    let mut judge = judge("[[rule]]\nthen={ truncate = true }\n");
    let mut cut = |direction, size: usize| {
        message(&mut judge, &flow(1), direction, Opcode::Binary, &vec![0; size]).remove(0)
    };
    let words =
        |octets| format!("rule 1: cut off after {octets} octets of its frame, and the connection ends");
    assert_eq!(cut(Direction::ToServer, 10), words(2 + 4 + 5));
    assert_eq!(cut(Direction::ToClient, 200), words(2 + 2 + 100));
    assert_eq!(cut(Direction::ToClient, 0), words(1));
}

#[test]
fn pings_are_swallowed_and_messages_are_not() {
    let mut judge = judge("[[rule]]\nname='s'\nthen={ swallow = 'ping' }\n");
    let mut one = |opcode| message(&mut judge, &flow(1), Direction::ToServer, opcode, b"x");
    assert_eq!(one(Opcode::Ping), ["s: dropped"]);
    assert!(one(Opcode::Pong).is_empty() && one(Opcode::Text).is_empty());
}

#[test]
fn control_frames_are_touched_only_where_they_are_named() {
    for (when, done) in [
        ("dir:client", [true, false, false, false]),
        ("op:ping", [false, true, false, false]),
        ("not op:ping", [true, false, false, false]),
        ("hello or op:control", [true, true, true, true]),
        ("dir:client op:close code:1000", [false, false, false, true]),
    ] {
        let rules = rules(&format!("[[rule]]\nwhen='{when}'\nthen={{ drop = true }}\n"));
        let held = RuleSet::default().holding(Some(Filter::parse(when).unwrap()));
        for (rules, what) in [(rules, "dropped"), (held, "held")] {
            let mut judge = Judge::new(rules);
            let mut touched = |opcode, payload: &[u8]| {
                let done = message(&mut judge, &flow(1), Direction::ToServer, opcode, payload);
                done.iter().any(|done| done.ends_with(what))
            };
            let found = [
                touched(Opcode::Text, b"hello"),
                touched(Opcode::Ping, b"hello"),
                touched(Opcode::Pong, b"hello"),
                touched(Opcode::Close, b"\x03\xe8hello"),
            ];
            assert_eq!(found, done, "{when}: {what}");
        }
    }
}

#[test]
fn what_is_about_control_frames_reaches_and_counts_them_alone() {
    let rule =
        "[[rule]]\nname='s'\nwhen='dir:client'\nevery=2\nthen=[{ mark = true }, { swallow = 'ping' }]\n";
    let mut judge = judge(rule);
    let mut one = |opcode| message(&mut judge, &flow(1), Direction::ToServer, opcode, b"x");
    assert!(one(Opcode::Ping).is_empty());
    assert!(one(Opcode::Pong).is_empty() && one(Opcode::Close).is_empty(), "neither counts");
    assert_eq!(one(Opcode::Ping), ["s: dropped"], "and is not marked: the filter does not name it");
    assert!(one(Opcode::Text).is_empty());
    assert_eq!(one(Opcode::Binary), ["s: marked"]);
    let mut pongs = self::judge("[[rule]]\nname='s'\nevery=2\nthen={ swallow = 'pong' }\n");
    let mut one = |opcode| message(&mut pongs, &flow(1), Direction::ToServer, opcode, b"x").len();
    let opcodes = [Opcode::Text, Opcode::Pong, Opcode::Text, Opcode::Ping, Opcode::Pong, Opcode::Pong];
    assert_eq!(opcodes.map(&mut one), [0, 0, 0, 0, 1, 0], "every second pong, whatever is between");
}

#[test]
fn a_close_has_a_code_to_filter_by() {
    let mut judge = judge("[[rule]]\nname='c'\nwhen='code:4xxx bye'\nthen={ mark = true }\n");
    let close = |payload: &[u8], judge: &mut Judge| {
        message(judge, &flow(1), Direction::ToServer, Opcode::Close, payload)
    };
    assert_eq!(close(b"\x0f\xa1bye", &mut judge), ["c: marked"]);
    assert!(close(b"\x03\xe8bye", &mut judge).is_empty());
}

#[test]
fn rules_are_listed_as_the_file_has_them() {
    let rules = rules(
        "[[rule]]\nname='first'\nwhen='price>100'\nthen={ set = { 'a b' = 2, price = [1, 2] } } # why\n\
         [[rule]]\nname='off'\noff=true\nthen={ drop = true }\n\
         [[rule]]\nafter=2\nevery=3\nprobability=0.5\ntimes=4\nper='all'\n\
         then=[\n  { delay = ['1s', '2s'] }, # slow\n  { mark = true },\n]\n\
         [[rule]]\nname='table'\non='handshake'\n[rule.then]\nrefuse = 503\nbody = '''\nback\nsoon'''\n",
    );
    let listed: Vec<_> =
        rules.listed().into_iter().map(|one| (one.name.to_owned(), one.then.to_owned())).collect();
    let own = |name: &str, then: &str| (name.to_owned(), then.to_owned());
    assert_eq!(
        listed,
        [
            own("first", "{ set = { 'a b' = 2, price = [1, 2] } }"),
            own("off", "{ drop = true }"),
            own("rule 3", "[{ delay = ['1s', '2s'] }, { mark = true }]"),
            own("table", "{ refuse = 503, body = '''⏎back⏎soon''' }"),
        ]
    );
    let paces: Vec<_> = rules.listed().into_iter().map(|one| one.pace).collect();
    assert_eq!(paces, ["", "", "after 2, every 3, probability 0.5, times 4 in all", "on the request"]);
    let whens: Vec<_> = rules.listed().iter().map(|one| one.when.source().to_owned()).collect();
    assert_eq!(whens, ["price>100", "", "", ""]);
    assert_eq!(rules.listed()[1].standing, Standing::Off);
    assert_eq!(rules.names().collect::<Vec<_>>(), ["first", "rule 3", "table"], "what is off does not hold");
}

#[test]
fn rules_are_told_that_have_acted_as_often_as_they_may() {
    let rules = rules(
        "[[rule]]\nname='each'\ntimes=1\nthen={ mark = true }\n\
         [[rule]]\nname='all'\ntimes=2\nper='all'\nthen={ mark = true }\n\
         [[rule]]\nname='never'\ntimes=0\nthen={ mark = true }\n",
    );
    let standings = || rules.listed().into_iter().map(|one| one.standing).collect::<Vec<_>>();
    assert_eq!(standings(), [Standing::Holds, Standing::Holds, Standing::UsedUp]);
    let mut one = Judge::new(rules.clone());
    text(&mut one, &flow(1), "x");
    assert_eq!(standings(), [Standing::UsedUpIn(1), Standing::Holds, Standing::UsedUp]);
    text(&mut one, &flow(1), "x");
    text(&mut Judge::new(rules.clone()), &flow(2), "x");
    assert_eq!(standings(), [Standing::UsedUpIn(2), Standing::UsedUp, Standing::UsedUp]);
}
