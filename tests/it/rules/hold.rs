//! What rules hold, settled by commands with no screen anywhere.

use std::io::Read;

use bytes::Bytes;
use sockeye::capture::{By, Deed};
use sockeye::control::Verdict;
use sockeye::ws::Opcode;

use super::{masked, opened, rule};
use crate::support::{Running, request, reverse};

/// Waits until so much is held.
#[track_caller]
fn held(running: &Running, count: usize) {
    running.until(|log| (log.held().len() == count).then_some(()));
}

#[test]
fn messages_wait_for_a_command_and_the_rule_is_told() {
    let rules = "[[rule]]\nname='it'\nwhen='dir:client two'\nthen={ hold = true }\n";
    let (running, mut client, server) = opened(rules, |mut peer| {
        peer.expect(masked(0x81, "one")).expect(masked(0x89, "p"));
        let mut changed = [0; 9];
        peer.0.read_exact(&mut changed).unwrap();
        assert_eq!(changed[..2], [0x81, 0x83]);
        peer.expect(masked(0x81, "three")).expect_fin();
    });
    client.send(masked(0x81, "one")).send(masked(0x81, "two")).send(masked(0x81, "three"));
    client.send(masked(0x89, "p"));
    held(&running, 1);
    running.settle(1, Verdict::Replace(Opcode::Text, Bytes::from("zwo")));
    client.finish().expect_fin();
    server.finish();
    let log = running.finish();
    let acts = log.acts(1, 2);
    assert!(matches!(&acts[0], act if act.deed == Deed::Held && act.by == By::Rule("it".into())), "{acts:?}");
    assert!(matches!(&acts[1].deed, Deed::Edited(Opcode::Text, _)), "{acts:?}");
    assert_eq!((acts.len(), acts[1].by.clone()), (2, By::User));
}

#[test]
fn a_handshake_that_is_dropped_gets_no_answer_and_the_server_is_not_asked() {
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let running = reverse(server.local_addr().unwrap());
    rule(&running, "[[rule]]\non='handshake'\nthen={ hold = true }\n");
    let mut client = running.client();
    client.send(request(running.address));
    running.settle(1, Verdict::Drop);
    client.expect_reset();
    server.set_nonblocking(true).unwrap();
    assert_eq!(server.accept().map(|_| ()).unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    let log = running.finish();
    assert_eq!((log.rows(1), log.held().len()), (1..1, 0));
}

#[test]
fn a_held_message_may_be_answered_with_a_close() {
    let rules = "[[rule]]\nwhen='dir:client bad'\nthen={ hold = true }\n";
    let (running, mut client, server) = opened(rules, |mut peer| {
        peer.expect(masked(0x81, "good"));
        let mut close = [0; 10];
        peer.0.read_exact(&mut close).unwrap();
        let payload: Vec<u8> = close[6..].iter().zip(&close[2..6]).map(|(octet, key)| octet ^ key).collect();
        assert_eq!((&close[..2], &payload[..]), (&[0x88, 0x84][..], &b"\x0f\xa8no"[..]));
        peer.send(b"\x88\x02\x0f\xa8").expect_fin();
    });
    client.send(masked(0x81, "good")).send(masked(0x81, "bad")).send(masked(0x81, "behind"));
    held(&running, 1);
    running.settle(1, Verdict::Close(4008, "no".to_owned()));
    client.expect(b"\x88\x04\x0f\xa8no").send(b"\x88\x82\0\0\0\0\x0f\xa8").expect_fin();
    server.finish();
    let log = running.finish();
    let deeds: Vec<Deed> = log.acts(1, 2).into_iter().map(|act| act.deed).collect();
    assert_eq!(deeds, [Deed::Held, Deed::Dropped, Deed::Closed(4008, "no".to_owned())]);
    let behind: Vec<Deed> = log.acts(1, 3).into_iter().map(|act| act.deed).collect();
    assert_eq!(behind, [Deed::Dropped], "it did not go on either");
}

#[test]
fn at_the_end_of_the_proxy_all_that_is_held_goes_on_in_order() {
    let rules = "[[rule]]\nwhen='/held/'\nthen={ hold = true }\n";
    let (running, mut client, server) = opened(rules, |mut peer| {
        peer.send(b"\x81\x05held1\x82\x01x\x81\x05held2\x81\x01y");
        for said in ["held 1", "free", "held 2", "held 3", "last"] {
            peer.expect(masked(0x81, said));
        }
    });
    for said in ["held 1", "free", "held 2", "held 3", "last"] {
        client.send(masked(0x81, said));
    }
    held(&running, 5);
    running.until(|log| (log.rows(1).end >= 10).then_some(()));
    running.finish();
    client.expect(b"\x81\x05held1\x82\x01x\x81\x05held2\x81\x01y");
    server.finish();
}

#[test]
fn at_the_end_of_the_proxy_what_waits_for_its_time_goes_on_too() {
    let rules =
        "[[rule]]\nwhen='late'\nthen={ delay = '1h' }\n[[rule]]\nwhen='/held/'\nthen={ hold = true }\n";
    let (running, mut client, server) = opened(rules, |mut peer| {
        for said in ["held 1", "late", "held 2", "last"] {
            peer.expect(masked(0x81, said));
        }
    });
    for said in ["held 1", "late", "held 2", "last"] {
        client.send(masked(0x81, said));
    }
    held(&running, 2);
    running.until(|log| (log.rows(1).end >= 5).then_some(()));
    running.finish();
    server.finish();
}
