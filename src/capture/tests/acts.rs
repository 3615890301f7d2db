//! What was done to messages, as the log's readers see it.

use super::*;
use crate::capture::acts::MOST_ACTS;
use crate::capture::rule_acts::MOST_RULES;
use crate::filter::{Filter, Flag, Subject};

const OUT: Direction = Direction::ToClient;

fn act(deed: Deed) -> Act {
    Act { session: 1, time: Stamp(5), direction: OUT, number: None, held: None, deed, by: By::User }
}

/// Has `tell` tell a capture thread of session 1, and gives the log when all is in it.
fn told(tell: impl FnOnce(&Tap)) -> Log {
    let log = log(0);
    let (tap, thread) = capture(&log, CaptureConfig::default()).unwrap();
    tap.next_session();
    tap.event(opened(1));
    tell(&tap);
    drop(tap);
    thread.finish(&log);
    log
}

fn deeds(log: &Log, number: u64) -> Vec<Deed> {
    log.acts(1, number).into_iter().map(|act| act.deed).collect()
}

#[test]
fn an_act_finds_its_message_by_where_it_began() {
    // A ping between two fragments is complete before them, and the next chunk brings two in one.
    let mut first = frame(0x01, b"hel");
    first.extend(frame(0x89, b"ping"));
    first.extend(frame(0x80, b"lo"));
    let second = [frame(0x81, b"a"), frame(0x81, b"b")].concat();
    let log = told(|tap| {
        tap.bytes(1, OUT, &first[..4], Instant::now());
        tap.bytes(1, OUT, &first[4..], Instant::now());
        tap.act(act(Deed::Duplicated(1)), Some(5));
        // What the other end says meanwhile changes nothing.
        tap.bytes(1, Direction::ToServer, &frame(0x81, b"other"), Instant::now());
        tap.act(act(Deed::Dropped), Some(0));
        tap.bytes(1, OUT, &second, Instant::now());
        tap.act(act(Deed::Marked), Some(first.len() as u64 + 3));
        tap.act(act(Deed::Reset), None);
    });
    assert_eq!(deeds(&log, 1), [Deed::Duplicated(1)]);
    assert_eq!(deeds(&log, 2), [Deed::Dropped]);
    assert_eq!((deeds(&log, 3), deeds(&log, 4)), (vec![], vec![]));
    assert_eq!(deeds(&log, 5), [Deed::Marked]);
    let session: Vec<Deed> = log.session_acts(1).into_iter().map(|act| act.deed).collect();
    assert_eq!(session, [Deed::Reset]);
}

#[test]
fn what_becomes_of_a_message_that_waited_is_found_by_where_it_began() {
    let one = frame(0x81, b"a");
    let log = told(|tap| {
        tap.bytes(1, OUT, &one, Instant::now());
        // Nothing was done to the session yet: nobody waits.
        tap.bytes(1, OUT, &one, Instant::now());
        tap.act(act(Deed::Delayed(Duration::from_secs(1))), Some(3));
        for _ in 0..1030 {
            tap.bytes(1, OUT, &one, Instant::now());
        }
        tap.act(act(Deed::Dropped), Some(3 * 1031));
        tap.act(act(Deed::Dropped), Some(3 * 100));
        tap.act(act(Deed::Dropped), Some(3));
    });
    assert_eq!(deeds(&log, 2), [Deed::Delayed(Duration::from_secs(1))]);
    assert_eq!(deeds(&log, 1032), [Deed::Dropped]);
    assert_eq!(deeds(&log, 101), [Deed::Dropped]);
    let others: Vec<Deed> = log.session_acts(1).into_iter().map(|act| act.deed).collect();
    assert_eq!(others, [], "which it was is not known, and its session is not over");
}

#[test]
fn of_more_that_are_dropped_than_are_known_it_is_told_how_many_they_are() {
    let one = frame(0x81, b"a");
    let log = told(|tap| {
        tap.bytes(1, OUT, &one, Instant::now());
        tap.act(act(Deed::Stalled(OUT, None)), Some(0));
        for _ in 1..3000 {
            tap.bytes(1, OUT, &one, Instant::now());
        }
        for number in 0..3000 {
            tap.act(Act { by: By::Proxy, ..act(Deed::Dropped) }, Some(3 * number));
        }
        tap.bytes(1, OUT, &one, Instant::now());
        tap.act(act(Deed::Dropped), Some(3));
        tap.event(ended(1));
    });
    let told = (1..=3000).filter(|number| log.deeds(1, *number).any(Deeds::DROPPED)).count() as u64;
    assert!(told >= 1000, "{told}");
    let others: Vec<Act> = log.session_acts(1);
    let deeds: Vec<_> = others.iter().map(|act| (act.deed.clone(), act.direction, act.by.clone())).collect();
    let lost = |count, by| (Deed::OthersDropped(count), OUT, by);
    assert_eq!(deeds, [lost(3000 - told, By::Proxy), lost(1, By::User)]);
    assert_eq!(log.deeds(1, 3000 - told), Deeds::NONE, "it is the latest that are known");
}

#[test]
fn what_is_held_is_known_until_it_is_settled() {
    let held = |deed, held| Act { held: Some(held), ..act(deed) };
    let log = log(0);
    let (tap, thread) = capture(&log, CaptureConfig::default()).unwrap();
    tap.next_session();
    tap.event(opened(1));
    tap.bytes(1, OUT, &[frame(0x81, b"a"), frame(0x81, b"b")].concat(), Instant::now());
    tap.act(held(Deed::Held, 7), Some(0));
    tap.act(held(Deed::Held, 8), Some(3));
    tap.bytes(1, OUT, &frame(0x89, b"between"), Instant::now());
    let edited = Deed::Edited(Opcode::Text, Payload::from(vec![b'x'; 100_000]));
    tap.act(held(edited, 8), None);
    tap.act(held(Deed::Duplicated(2), 8), None);
    let mut seen = log.version();
    while deeds(&log, 2).len() < 3 {
        seen = log.wait(seen, Duration::from_secs(60));
    }
    let holding = log.held();
    assert_eq!(holding.len(), 1);
    assert_eq!((holding[0].held, holding[0].session, holding[0].message), (7, 1, Some(1)));
    assert_eq!((&*holding[0].url, holding[0].since), ("ws://127.0.0.1:3000/chat", Stamp(5)));
    let Deed::Edited(Opcode::Text, payload) = &log.acts(1, 2)[1].deed else { panic!("not edited") };
    assert_eq!(log.read(payload, 0, usize::MAX).unwrap(), vec![b'x'; 100_000]);
    tap.event(ended(1));
    drop(tap);
    thread.finish(&log);
    assert_eq!(log.held(), []);
    let acts = log.summary(Flow::Session(1)).unwrap().acts;
    assert_eq!((acts.held, acts.edited, acts.others), (2, 1, 1));
}

#[test]
fn an_injected_message_is_a_row_of_its_own() {
    let log = told(|tap| {
        // Half of the server's message is there; what is injected goes in before it.
        let own = frame(0x81, b"own");
        tap.bytes(1, OUT, &own[..2], Instant::now());
        let injected = [frame(0x01, b"frag"), frame(0x89, b"")].concat();
        tap.injected(1, OUT, &injected, Instant::now(), By::Rule("greet".into()));
        tap.bytes(1, OUT, &own[2..], Instant::now());
        tap.injected(1, OUT, &frame(0x88, &[0x0f, 0xa0]), Instant::now(), By::User);
        tap.act(act(Deed::Closed(4000, "enough".into())), None);
        tap.event(ended(1));
    });
    let rows = log.messages(1, 1..9).unwrap();
    let told: Vec<(&str, Option<By>, bool)> =
        rows.iter().map(|row| (row.kind.name(), row.injected.clone(), row.complete)).collect();
    let rule = Some(By::Rule("greet".into()));
    assert_eq!(
        told,
        [
            ("ping", rule.clone(), true),
            ("text", rule, false),
            ("text", None, true),
            ("close", Some(By::User), true)
        ]
    );
    assert!(rows.iter().all(|row| row.faults.is_empty()), "{rows:?}");
    let row = Row::of_message(&rows[0], None);
    assert!(row.has(Flag::Injected) && !Row::of_message(&rows[2], None).has(Flag::Injected));
    let summary = log.summary(Flow::Session(1)).unwrap();
    assert_eq!((summary.acts.injected, summary.close), (3, None));
    assert_eq!(&*summary.end, "closed by the user, 4000 enough");
}

#[test]
fn a_row_is_what_was_done_to_it() {
    let log = told(|tap| {
        tap.bytes(1, OUT, &[frame(0x81, b"a"), frame(0x81, b"b")].concat(), Instant::now());
        tap.act(act(Deed::Corrupted(2)), Some(0));
        tap.act(act(Deed::Marked), Some(0));
        tap.act(act(Deed::Dropped), Some(3));
    });
    let rows = log.messages(1, 1..3).unwrap();
    let flags =
        |row: Row<'_>| [Flag::Held, Flag::Edited, Flag::Dropped, Flag::Marked].map(|flag| row.has(flag));
    assert_eq!(flags(Row::of_message(&rows[0], None).in_log(&log)), [false, true, false, true]);
    assert_eq!(flags(Row::of_message(&rows[1], None).in_log(&log)), [false, false, true, false]);
    assert_eq!(flags(Row::of_message(&rows[1], None).in_log(&log).done(Deeds::NONE, &[])), [false; 4]);
    let event = Event::Act(act(Deed::Dropped));
    assert_eq!(flags(Row::of_event(&event, None)), [false, false, true, false]);
}

#[test]
fn the_oldest_acts_are_forgotten() {
    let log = log(0);
    log.append(opened(1)).unwrap();
    let most = MOST_ACTS as u64;
    let numbered = |number| Event::Act(Act { number: Some(number), ..act(Deed::Dropped) });
    log.append_all((1..=most + 2).map(numbered)).unwrap();
    assert_eq!((log.deeds(1, 2), log.acts(1, 2)), (Deeds::NONE, vec![]));
    assert_eq!((log.deeds(1, 3), log.acts(1, 3).len()), (Deeds::DROPPED, 1));
    assert_eq!(log.summary(Flow::Session(1)).unwrap().acts.dropped, most + 2);
}

#[test]
fn acts_go_with_the_part_of_the_log_that_held_them() {
    let log = log(SMALLEST_LIMIT);
    log.append(opened(1)).unwrap();
    log.append(text(1, 1, b"first")).unwrap();
    log.append(Event::Act(Act { number: Some(1), ..act(Deed::Dropped) })).unwrap();
    assert_eq!(log.deeds(1, 1), Deeds::DROPPED);
    let filling = |number| text(1, number, &[b'x'; 20_000]);
    log.append_all((2..=2000).map(filling)).unwrap();
    assert_eq!((log.deeds(1, 1), log.acts(1, 1)), (Deeds::NONE, vec![]));
}

#[test]
fn what_each_rule_did_is_counted() {
    let by = |name: &str, number, deed| Act { by: By::Rule(name.into()), number, ..act(deed) };
    let in_session = |session, act: Act| Event::Act(Act { session, ..act });
    let log = log(0);
    log.append_all((1..=2).map(opened)).unwrap();
    log.append_all((1..=4).map(|number| text(1, number, b"tick"))).unwrap();
    // Two things on one message are one message.
    log.append(in_session(1, by("slow", Some(1), Deed::Marked))).unwrap();
    log.append(in_session(1, by("slow", Some(1), Deed::Delayed(Duration::from_secs(1))))).unwrap();
    log.append(in_session(2, by("slow", Some(1), Deed::Marked))).unwrap();
    log.append(in_session(1, by("cut", None, Deed::Reset))).unwrap();
    log.append(in_session(1, by("slow", Some(3), Deed::Marked))).unwrap();
    // What the user does is no rule's.
    log.append(in_session(2, act(Deed::Dropped))).unwrap();
    let Event::Message(own) = text(2, 1, b"own") else { panic!("no message") };
    log.append(Event::Message(Message { injected: Some(By::Rule("greet".into())), ..own })).unwrap();
    let counted: Vec<_> = log
        .rule_acts()
        .into_iter()
        .map(|rule| (rule.name.to_string(), rule.messages, rule.sent, rule.sessions, rule.message))
        .collect();
    assert_eq!(
        counted,
        [
            ("slow".to_owned(), 3, 0, 2, Some((1, 3))),
            ("cut".to_owned(), 0, 0, 1, None),
            ("greet".to_owned(), 0, 1, 1, Some((2, 1))),
        ]
    );
    assert!(log.rule_acts()[0].deeds == Deeds::MARKED | Deeds::DELAYED);
    assert_eq!(log.rules_on(1, 1).iter().map(|name| &**name).collect::<Vec<_>>(), ["slow"]);
    assert!(log.rules_on(1, 2).is_empty() && log.rules_on(2, 0).is_empty());
    let of_session = log.summary(Flow::Session(1)).unwrap().acts.rules;
    assert_eq!(of_session.iter().map(|name| &**name).collect::<Vec<_>>(), ["slow", "cut"]);
}

#[test]
fn rules_that_sent_by_the_capture_are_counted() {
    let log = told(|tap| {
        let frames = [frame(0x81, b"a"), frame(0x81, b"b")].concat();
        tap.injected(1, OUT, &frames, Instant::now(), By::Rule("greet".into()));
        tap.injected(1, OUT, &frame(0x81, b"c"), Instant::now(), By::User);
    });
    let [greet] = &log.rule_acts()[..] else { panic!("{:?}", log.rule_acts()) };
    assert_eq!((greet.sent, greet.sessions, greet.message), (2, 1, Some((1, 2))));
}

#[test]
fn of_too_many_rules_the_one_that_acted_longest_ago_is_forgotten() {
    let log = log(0);
    log.append(opened(1)).unwrap();
    let numbered = |number: u64| {
        let by = By::Rule(format!("rule {number}").into());
        Event::Act(Act { by, time: Stamp(number), number: Some(number), ..act(Deed::Marked) })
    };
    log.append_all((1..=MOST_RULES as u64 + 1).map(numbered)).unwrap();
    let rules = log.rule_acts();
    assert_eq!(rules.len(), MOST_RULES);
    assert_eq!((&*rules[0].name, rules[0].messages), ("rule 2", 1));
    assert!(log.rules_on(1, 1).is_empty() && log.rules_on(1, 2).len() == 1);
}

#[test]
fn messages_are_found_by_the_rules_that_acted_on_them() {
    let log = told(|tap| {
        tap.bytes(1, OUT, &[frame(0x81, b"a"), frame(0x81, b"b")].concat(), Instant::now());
        tap.act(Act { by: By::Rule("Drop ticks".into()), ..act(Deed::Dropped) }, Some(0));
        tap.act(act(Deed::Marked), Some(3));
        tap.injected(1, OUT, &frame(0x81, b"c"), Instant::now(), By::Rule("greet".into()));
    });
    let rows = log.messages(1, 1..4).unwrap();
    let found = |filter: &str| -> Vec<u64> {
        let filter = Filter::parse(filter).unwrap();
        let passing = rows.iter().filter(|row| filter.matches(&Row::of_message(row, None).in_log(&log)));
        passing.map(|row| row.number).collect()
    };
    assert_eq!(found("rule:\"drop ticks\""), [1]);
    assert_eq!(found("rule=\"drop ticks\""), [0; 0], "= asks for the very name");
    assert_eq!(
        (found("rule:*"), found("-rule:*"), found("rule~e"), found("rule:greet")),
        (vec![1, 3], vec![2], vec![3], vec![3])
    );
    let event = Event::Act(Act { by: By::Rule("greet".into()), ..act(Deed::Reset) });
    assert!(Filter::parse("rule:greet").unwrap().matches(&Row::of_event(&event, None)));
}
