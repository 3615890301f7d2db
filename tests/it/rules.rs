//! Each fault, seen by scripted peers as what it is; and rules in force beside traffic that they leave alone.

mod chance;
mod hold;
mod pace;

use std::time::{Duration, Instant};

use sockeye::capture::{Deed, Log};
use sockeye::control::Command;
use sockeye::rules::RuleSet;
use sockeye::ws::Direction;

use crate::support::{Peer, Running, Server, request, reverse, switching};

/// A reverse proxy with rules, and a session through it, open on both ends.
fn opened(rules: &str, script: impl FnOnce(Peer) + Send + 'static) -> (Running, Peer, Server) {
    let (running, server) = ruled(rules, script);
    let mut client = running.client();
    client.send(request(running.address)).expect(switching());
    (running, client, server)
}

fn ruled(rules: &str, script: impl FnOnce(Peer) + Send + 'static) -> (Running, Server) {
    let server = Server::once(move |mut peer| {
        peer.head();
        peer.send(switching());
        script(peer);
    });
    let running = reverse(server.address);
    rule(&running, rules);
    (running, server)
}

fn rule(running: &Running, rules: &str) {
    running.controller.send(Command::Rules(RuleSet::parse(rules).unwrap()));
}

/// What the server sends, and what the client gets of it under one rule that does `then`.
fn server_says(then: &str, sent: &'static [u8], received: &[u8]) {
    let (running, mut client, server) = opened(&format!("[[rule]]\n{then}\n"), move |mut peer| {
        peer.send(sent).finish().expect_fin();
    });
    client.expect(received).expect_fin().finish();
    server.finish();
    running.finish();
}

/// A client's frame, masked with zeros: its payload is to be read in a test.
fn masked(first: u8, payload: &str) -> Vec<u8> {
    let mut frame = vec![first, 0x80 | payload.len() as u8, 0, 0, 0, 0];
    frame.extend_from_slice(payload.as_bytes());
    frame
}

#[test]
fn a_message_is_dropped_and_the_others_are_as_they_came() {
    server_says(
        "when='two'\nthen={ drop = true }",
        b"\x81\x03one\x81\x03two\x82\x05three",
        b"\x81\x03one\x82\x05three",
    );
}

#[test]
fn pings_are_swallowed() {
    server_says("then={ swallow = 'ping' }", b"\x89\x01a\x8a\x01b\x81\x01x", b"\x8a\x01b\x81\x01x");
    server_says(
        "when='op:pong'\nthen={ drop = true }",
        b"\x89\x01a\x8a\x01b\x81\x01x",
        b"\x89\x01a\x81\x01x",
    );
}

#[test]
fn a_message_is_replaced_or_changed() {
    server_says(
        "when='op:text'\nthen={ replace = 'bye' }",
        b"\x01\x01h\x80\x01i\x82\x01x",
        b"\x81\x03bye\x82\x01x",
    );
    server_says("then={ set = { a = 2 } }", b"\x81\x08{\"a\": 1}\x81\x01x", b"\x81\x08{\"a\": 2}\x81\x01x");
    server_says("then={ remove = 'a' }", b"\x81\x08{\"a\": 1}", b"\x81\x02{}");
    server_says("then={ substitute = '(l+)', with = '<$1>' }", b"\x81\x05hello", b"\x81\x07he<ll>o");
}

#[test]
fn a_message_is_duplicated_or_overtaken() {
    server_says(
        "when='one'\nthen={ duplicate = 2 }",
        b"\x81\x03one\x81\x01x",
        b"\x81\x03one\x81\x03one\x81\x03one\x81\x01x",
    );
    server_says(
        "when='one'\nthen={ reorder = 2 }",
        b"\x81\x03one\x81\x01x\x81\x01y\x81\x01z",
        b"\x81\x01x\x81\x01y\x81\x03one\x81\x01z",
    );
}

#[test]
fn where_all_messages_are_to_be_overtaken_every_second_is() {
    server_says(
        "then={ reorder = 1 }",
        b"\x81\x01a\x81\x01b\x81\x01c\x81\x01d\x81\x01e",
        b"\x81\x01b\x81\x01a\x81\x01d\x81\x01c\x81\x01e",
    );
}

#[test]
fn octets_are_corrupted_on_the_wire() {
    server_says("then={ corrupt = true, at = [0, 2], xor = 1 }", b"\x81\x03abc", b"\x81\x03\x60b\x62");
}

#[test]
fn every_second_message_after_the_first_is_meant() {
    server_says(
        "after=1\nevery=2\ntimes=1\nthen={ drop = true }",
        b"\x81\x011\x81\x012\x81\x013\x81\x014\x81\x015",
        b"\x81\x011\x81\x012\x81\x014\x81\x015",
    );
}

#[test]
fn several_rules_act_in_order() {
    server_says(
        "then={ replace = 'two' }\n[[rule]]\nwhen='two'\nthen=[{ send = 'three', to = 'client' }, { duplicate = 1 }]",
        b"\x81\x03one",
        b"\x81\x05three\x81\x03two\x81\x03two",
    );
}

#[test]
fn a_frame_is_cut_and_the_connections_end() {
    server_says(
        "when='cut'\nthen={ truncate = true }",
        b"\x81\x01x\x81\x06cut me\x81\x01y",
        b"\x81\x01x\x81\x06cut",
    );
    let rules = "[[rule]]\nwhen='cut'\nthen={ truncate = 3, end = 'reset' }\n";
    let (running, mut client, server) = opened(rules, |mut peer| {
        peer.send(b"\x81\x06cut me").expect_fin();
    });
    client.expect_reset();
    server.finish();
    running.finish();
}

#[test]
fn a_session_is_closed_with_a_code_and_a_reason() {
    let rules = "[[rule]]\nwhen='dir:server bad'\nthen={ close = 4001, reason = 'no' }\n";
    let (running, mut client, server) = opened(rules, |mut peer| {
        peer.send(b"\x81\x03bad");
        let mut close = [0; 10];
        std::io::Read::read_exact(&mut peer.0, &mut close).unwrap();
        assert_eq!(close[..2], [0x88, 0x84]);
        peer.send(b"\x88\x02\x0f\xa1").expect_fin();
    });
    client.expect(b"\x88\x04\x0f\xa1no").send(b"\x88\x82\0\0\0\0\x0f\xa1").expect_fin();
    server.finish();
    running.finish();
}

#[test]
fn both_connections_are_reset() {
    let rules = "[[rule]]\nwhen='dir:server'\nafter=1\nthen={ reset = true }\n";
    let (running, mut client, server) = opened(rules, |mut peer| {
        peer.send(b"\x81\x01x").expect(masked(0x81, "next")).send(b"\x81\x01y").expect_reset();
    });
    client.expect(b"\x81\x01x").send(masked(0x81, "next")).expect_reset();
    server.finish();
    let log = running.finish();
    assert!(ending(&log).contains("rule 1"), "{}", ending(&log));
}

fn ending(log: &Log) -> String {
    format!("{:?}", log.ended(1).unwrap())
}

#[test]
fn a_message_is_delayed_and_the_other_direction_is_not() {
    let rules = "[[rule]]\nwhen='dir:server slow'\nthen={ delay = '300ms' }\n";
    let (running, mut client, server) = opened(rules, |mut peer| {
        peer.send(b"\x81\x04slow").send(b"\x81\x04next").expect(masked(0x81, "quick")).send(b"\x89\x00");
        peer.expect_fin();
    });
    let begun = Instant::now();
    client.send(masked(0x81, "quick"));
    // A ping passes what waits.
    client.expect(b"\x89\x00").expect(b"\x81\x04slow\x81\x04next");
    assert!(begun.elapsed() >= Duration::from_millis(250), "{:?}", begun.elapsed());
    client.finish().expect_fin();
    server.finish();
    running.finish();
}

#[test]
fn a_direction_is_throttled_from_the_beginning() {
    let rules = "[[rule]]\nthen={ throttle = { messages = 10 }, from = 'server' }\n";
    let (running, mut client, server) = opened(rules, |mut peer| {
        peer.send(b"\x81\x011\x81\x012\x81\x013\x81\x014").expect_fin();
    });
    let begun = Instant::now();
    client.expect(b"\x81\x011\x81\x012\x81\x013\x81\x014");
    assert!(begun.elapsed() >= Duration::from_millis(250), "{:?}", begun.elapsed());
    client.finish().expect_fin();
    server.finish();
    running.finish();
}

#[test]
fn a_direction_is_stalled_and_the_other_is_not() {
    let rules = "[[rule]]\nwhen='dir:client'\nthen={ stall = '300ms', from = 'server' }\n";
    let (running, mut client, server) = opened(rules, |mut peer| {
        peer.expect(masked(0x81, "go")).send(b"\x81\x01x").expect(masked(0x81, "on")).expect_fin();
    });
    client.send(masked(0x81, "go"));
    let begun = Instant::now();
    client.send(masked(0x81, "on")).expect(b"\x81\x01x");
    assert!(begun.elapsed() >= Duration::from_millis(250), "{:?}", begun.elapsed());
    client.finish().expect_fin();
    server.finish();
    running.finish();
}

#[test]
fn a_message_is_sent_when_a_session_opens() {
    let rules = "[[rule]]\non='open'\nwhen='path:/chat'\nthen=[{ send = 'hi', to = 'client' }, { send = { ping = 'p' }, to = 'client' }]\n";
    let (running, mut client, server) = opened(rules, |mut peer| {
        peer.expect_fin();
    });
    client.expect(b"\x81\x02hi\x89\x01p").finish().expect_fin();
    server.finish();
    running.finish();
}

#[test]
fn a_handshake_is_refused_and_the_next_is_not() {
    let rules = "[[rule]]\ntimes=1\nper='all'\nthen={ refuse = 503, body = 'later' }\n";
    let (running, server) = ruled(rules, |mut peer| {
        peer.expect_fin();
    });
    let mut refused = running.client();
    refused.send(request(running.address));
    assert!(refused.head().starts_with("HTTP/1.1 503 "));
    refused.expect("later");
    let mut client = running.client();
    client.send(request(running.address)).expect(switching()).finish().expect_fin();
    server.finish();
    running.finish();
}

#[test]
fn headers_of_both_heads_are_set_and_removed() {
    let rules = "[[rule]]\nthen=[{ set-header = { X-A = '1' } }, { remove-header = 'Cookie' }]\n\
                 [[rule]]\non='response'\nthen={ set-header = { Server = 'even' } }\n";
    let server = Server::once(|mut peer| {
        let head = peer.head();
        assert!(head.contains("X-A: 1\r\n") && !head.to_ascii_lowercase().contains("cookie"), "{head}");
        peer.send(switching()).send(b"\x81\x01x").expect_fin();
    });
    let running = reverse(server.address);
    rule(&running, rules);
    let mut client = running.client();
    client.send(request(running.address));
    let head = client.head();
    assert!(head.contains("Server: even\r\n") && !head.contains("odd"), "{head}");
    client.expect(b"\x81\x01x").finish().expect_fin();
    server.finish();
    let log = running.finish();
    let edits: Vec<_> = log
        .session_acts(1)
        .iter()
        .map(|act| {
            let Deed::Edited(_, head) = &act.deed else { panic!("{act:?}") };
            let head = String::from_utf8(log.read(head, 0, usize::MAX).unwrap().to_vec()).unwrap();
            (act.by.to_string(), act.direction, head.contains("X-A: 1"), head.contains("Server: even"))
        })
        .collect();
    assert_eq!(
        edits,
        [
            ("rule 1".to_owned(), Direction::ToServer, true, false),
            ("rule 2".to_owned(), Direction::ToClient, false, true),
        ],
        "all that a rule does to a head is one act"
    );
}

#[test]
fn a_rule_for_the_answer_knows_the_subprotocol_that_it_chose() {
    let chosen = switching().replace("Server:odd", "Sec-WebSocket-Protocol: json");
    let server = Server::once(move |mut peer| {
        peer.head();
        peer.send(chosen).expect_fin();
    });
    let running = reverse(server.address);
    rule(
        &running,
        "[[rule]]\non='response'\nwhen='protocol:json'\nthen={ set-header = { Server = 'even' } }\n",
    );
    let mut client = running.client();
    client.send(request(running.address));
    let head = client.head();
    assert!(head.contains("Server: even\r\n"), "{head}");
    client.finish().expect_fin();
    server.finish();
    running.finish();
}

#[test]
fn what_no_rule_matches_goes_on_byte_for_byte() {
    // Lengths written too long, fragments, reserved bits, a masked server.
    let odd: &[u8] = b"\x81\x7e\x00\x02hi\x89\x00\x01\x01a\x80\x01b\xf2\x01x\x81\x81\x01\x02\x03\x04\x60";
    server_says("when='nothing-like-it'\nthen={ drop = true }", odd, odd);
    server_says("when='path:/other'\nthen={ drop = true }", odd, odd);
}

#[test]
fn a_message_too_long_for_rules_says_that_it_was_not_judged() {
    let long = [&b"\x82\x7f\0\0\0\0\x01\0\0\x01"[..], &vec![b'x'; (16 << 20) + 1]].concat();
    let expected = [&long, &b"\x81\x02hi"[..]].concat();
    let (running, mut client, server) = opened("[[rule]]\nthen={ drop = true }\n", move |mut peer| {
        peer.send(b"\x81\x01a").send(&expected).finish().expect_fin();
    });
    client.expect(long).expect_fin().finish();
    server.finish();
    let log = running.finish();
    let deeds =
        [1, 2, 3].map(|number| log.acts(1, number).into_iter().map(|act| act.deed).collect::<Vec<_>>());
    assert_eq!(deeds, [vec![Deed::Dropped], vec![Deed::Unjudged], vec![Deed::Dropped]]);
    let (running, mut client, server) = opened("[[rule]]\nthen={ throttle = '1GiB' }\n", |mut peer| {
        peer.send([&b"\x82\x7f\0\0\0\0\x01\0\0\x01"[..], &vec![b'x'; (16 << 20) + 1]].concat());
        peer.finish().expect_fin();
    });
    assert_eq!(client.rest().len(), 10 + (16 << 20) + 1);
    client.finish();
    server.finish();
    assert_eq!(running.finish().acts(1, 1), [], "no rule is about messages");
}

#[test]
fn rules_change_in_an_open_session() {
    let (running, mut client, server) = opened("", |mut peer| {
        peer.send(b"\x81\x01a").expect(masked(0x81, "go")).send(b"\x81\x01b").expect(masked(0x81, "go"));
        peer.send(b"\x81\x01c").expect_fin();
    });
    client.expect(b"\x81\x01a");
    rule(&running, "[[rule]]\nwhen='dir:server'\nthen={ replace = 'x' }\n");
    client.send(masked(0x81, "go")).expect(b"\x81\x01x");
    rule(&running, "");
    client.send(masked(0x81, "go")).expect(b"\x81\x01c").finish().expect_fin();
    server.finish();
    running.finish();
}

#[test]
fn what_a_rule_did_is_told_with_its_name() {
    let rules = "[[rule]]\nname='mine'\nwhen='one'\nthen=[{ replace = 'two' }, { mark = true }]\n";
    let (running, mut client, server) = opened(rules, |mut peer| {
        peer.send(b"\x81\x03one").finish().expect_fin();
    });
    client.expect(b"\x81\x03two").expect_fin().finish();
    server.finish();
    let log = running.finish();
    let acts = format!("{:?}", log.acts(1, 1));
    assert!(
        acts.contains("Edited(Text") && acts.contains("Marked") && acts.contains("Rule(\"mine\")"),
        "{acts}"
    );
}
