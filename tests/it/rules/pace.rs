//! Directions that are slowed down or stalled.

use std::io::Read;
use std::time::{Duration, Instant};

use sockeye::capture::{Deed, Deeds};
use sockeye::control::{Command, Outcome, Switch};
use sockeye::ws::Direction;

use super::{masked, opened, rule};
use crate::support::{PATIENCE, Running};

/// A server's frame of text with 100 octets.
fn hundred(letter: u8) -> Vec<u8> {
    [&b"\x81\x64"[..], &[letter; 100]].concat()
}

#[test]
fn a_direction_has_so_many_octets_a_second_and_the_other_is_not_slowed() {
    let rules = "[[rule]]\nthen={ throttle = { octets = 1000 }, from = 'server' }\n";
    let (running, mut client, server) = opened(rules, |mut peer| {
        (b'a'..=b'e').for_each(|letter| {
            peer.send(hundred(letter));
        });
        // As much again comes the other way meanwhile.
        peer.expect(masked(0x81, &"x".repeat(100)).repeat(5)).send(b"\x81\x04done").expect_fin();
    });
    let begun = Instant::now();
    client.send(masked(0x81, &"x".repeat(100)).repeat(5));
    // What waits is in order, also what came last.
    (b'a'..=b'e').for_each(|letter| {
        client.expect(hundred(letter));
    });
    client.expect(b"\x81\x04done").finish().expect_fin();
    // 516 octets.
    assert!(begun.elapsed() >= Duration::from_millis(510), "{:?}", begun.elapsed());
    server.finish();
    running.finish();
}

#[test]
fn a_direction_that_is_stalled_for_ever_gives_nothing_and_the_session_ends_with_its_ends() {
    let rules = "[[rule]]\nname='it'\nwhen='dir:server two'\nthen={ stall = true }\n";
    let (running, mut client, server) = opened(rules, |mut peer| {
        peer.send(b"\x81\x03one\x81\x03two\x81\x05three\x89\x01p");
        peer.expect(masked(0x81, "still heard")).expect(masked(0x88, "\u{3}\u{68}"));
        // The answer to the close is stalled as well; the end is not.
        peer.send(b"\x88\x02\x03\x68").finish().expect_fin();
    });
    client.expect(b"\x81\x03one").send(masked(0x81, "still heard"));
    client.0.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    let nothing = client.0.read(&mut [0]).map_err(|error| error.kind());
    assert!(matches!(nothing, Err(std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut)));
    client.0.set_read_timeout(Some(PATIENCE)).unwrap();
    client.send(masked(0x88, "\u{3}\u{68}")).finish().expect_fin();
    server.finish();
    let log = running.finish();
    let told = format!("{:?}", log.acts(1, 2));
    assert!(told.contains("Stalled(ToClient, None)") && told.contains("Rule(\"it\")"), "{told}");
    assert!(told.contains("Dropped, by: Proxy"), "it did not go on: {told}");
    let ending = super::ending(&log);
    assert!(ending.contains("client: Fin, server: Fin"), "{ending}");
}

#[test]
fn a_session_with_a_direction_stalled_for_ever_ends_with_the_proxy() {
    let rules = "[[rule]]\non='open'\nthen={ stall = true }\n";
    let (running, mut client, server) = opened(rules, |mut peer| {
        peer.send(b"\x81\x03one");
        assert!(matches!(peer.0.read(&mut [0]), Ok(0) | Err(_)));
    });
    client.send(masked(0x81, "one"));
    running.until(|log| (log.rows(1).end >= 3).then_some(()));
    running.finish();
    assert!(matches!(client.0.read(&mut [0]), Ok(0) | Err(_)));
    server.finish();
}

#[test]
fn a_message_that_is_due_while_its_session_is_at_work_goes_on() {
    for delay in ["1us", "5us", "10us", "20us", "50us"] {
        let rules = format!("[[rule]]\nwhen='dir:client'\nthen={{ delay = '{delay}' }}\n");
        let (running, mut client, server) = opened(&rules, |mut peer| {
            for _ in 0..20 {
                peer.expect(masked(0x81, "one")).send(b"\x81\x03got");
            }
            peer.expect_fin();
        });
        for _ in 0..20 {
            client.send(masked(0x81, "one")).expect(b"\x81\x03got");
        }
        client.finish().expect_fin();
        server.finish();
        running.finish();
    }
}

#[test]
fn however_many_messages_waited_when_a_session_ended_none_is_dropped_in_silence() {
    const COUNT: u64 = 3000;
    let rules = "[[rule]]\nname='it'\nwhen='dir:server'\ntimes=1\nthen={ stall = true }\n";
    let (running, mut client, server) = opened(rules, |mut peer| {
        for _ in 0..3 {
            peer.expect(masked(0x81, "go")).send(b"\x82\x01x".repeat(1000));
        }
        peer.expect(masked(0x81, "go")).finish().expect_fin();
    });
    for thousand in 0..=3 {
        // Each is read before the next comes, and each is announced by a row of its own.
        running.until(|log| (log.rows(1).end > thousand * 1001).then_some(()));
        client.send(masked(0x81, "go"));
    }
    client.expect_fin().finish();
    server.finish();
    let log = running.finish();
    let one_by_one =
        (1..=COUNT + 4).filter(|number| log.deeds(1, *number).any(Deeds::DROPPED)).count() as u64;
    let others: u64 = log
        .session_acts(1)
        .iter()
        .map(|act| if let Deed::OthersDropped(count) = act.deed { count } else { 0 })
        .sum();
    assert_eq!(one_by_one + others, COUNT, "{one_by_one} and {others}");
    assert!(one_by_one >= 1000 && others > 0, "{one_by_one} and {others}");
}

fn switch(running: &Running, to: Switch) {
    let rule = "it".into();
    assert_eq!(running.controller.send(Command::Switch { rule, to }), Outcome::Done);
}

/// Waits until these things, and no others, were done to the session by its rules.
#[track_caller]
fn done(running: &Running, expected: &[Deed]) {
    running.until(|log| {
        let acts = log.session_acts(1);
        (acts.iter().map(|act| &act.deed).eq(expected)).then_some(())
    });
}

#[test]
fn a_stall_ends_when_its_rule_is_switched_off_and_what_waited_goes_on_in_order() {
    let rules = "[[rule]]\nname='it'\nwhen='dir:server two'\nthen={ stall = true }\n";
    let (running, mut client, server) = opened(rules, |mut peer| {
        peer.send(b"\x81\x03one\x81\x03two\x81\x05three\x89\x01p\x82\x04four");
        // Nothing is looked at any more: a frame goes on while it comes.
        peer.expect(masked(0x81, "go")).send(b"\x81\x06half").expect(masked(0x81, "seen")).send("ed");
        peer.expect_fin();
    });
    client.expect(b"\x81\x03one");
    running.until(|log| (log.rows(1).end >= 6 && !log.acts(1, 2).is_empty()).then_some(()));
    switch(&running, Switch::Off);
    client.expect(b"\x81\x03two\x81\x05three\x89\x01p\x82\x04four");
    done(&running, &[Deed::Lifted]);
    client.send(masked(0x81, "go")).expect(b"\x81\x06half").send(masked(0x81, "seen")).expect("ed");
    client.finish().expect_fin();
    server.finish();
    let log = running.finish();
    let told = format!("{:?}", log.session_acts(1));
    assert!(told.contains("ToClient") && told.contains("Rule(\"it\")"), "{told}");
    let acts = log.rule_acts().remove(0);
    assert_eq!((acts.messages, acts.sessions, acts.message), (1, 1, Some((1, 2))), "{acts:?}");
}

#[test]
fn a_slower_pace_ends_or_changes_with_its_rule_and_comes_back_with_it() {
    // A hundred octets of which would take longer than any test waits.
    let slow =
        |rate| format!("[[rule]]\nname='it'\nthen={{ throttle = {{ octets = {rate} }}, from = 'server' }}\n");
    let throttled = |rate| Deed::Throttled(Direction::ToClient, format!("{rate} octets a second"));
    let (running, mut client, server) = opened(&slow(1), |mut peer| {
        peer.send(hundred(b'a')).expect(masked(0x81, "go")).send(hundred(b'b')).expect_fin();
    });
    let mut expected = vec![throttled(1)];
    done(&running, &expected);
    running.until(|log| (log.rows(1).end >= 2).then_some(()));
    rule(&running, &slow(1_000_000));
    client.expect(hundred(b'a'));
    expected.extend([Deed::Lifted, throttled(1_000_000)]);
    done(&running, &expected);
    switch(&running, Switch::Off);
    expected.push(Deed::Lifted);
    done(&running, &expected);
    rule(&running, &slow(1));
    switch(&running, Switch::On);
    expected.push(throttled(1));
    done(&running, &expected);
    client.send(masked(0x81, "go"));
    running.until(|log| (log.rows(1).end >= 4).then_some(()));
    rule(&running, "");
    client.expect(hundred(b'b'));
    client.finish().expect_fin();
    server.finish();
    running.finish();
}

#[test]
fn a_stall_that_waits_for_the_end_of_a_message_does_not_begin_when_its_rule_is_switched_off() {
    let rules = "[[rule]]\nname='it'\nwhen='dir:client stall'\nthen={ stall = true, from = 'server' }\n";
    let (running, mut client, server) = opened(rules, |mut peer| {
        peer.send(b"\x81\x06half").expect(masked(0x81, "stall")).expect(masked(0x81, "go"));
        peer.send(b"ed\x81\x04more").expect_fin();
    });
    client.expect(b"\x81\x06half").send(masked(0x81, "stall"));
    running.until(|log| (!log.acts(1, 1).is_empty()).then_some(()));
    switch(&running, Switch::Off);
    done(&running, &[Deed::Lifted]);
    client.send(masked(0x81, "go")).expect(b"ed\x81\x04more").finish().expect_fin();
    server.finish();
    running.finish();
}
