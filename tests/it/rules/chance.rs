//! How often rules act, and by what chance: the same each time.

use std::io::Read;

use super::{masked, opened};
use crate::support::{Peer, Running, Server, request, reverse, switching};

/// Which of forty numbers, said by a client, are dropped by a rule that acts as `how` says.
fn dropped(start: &str, how: &str) -> Vec<usize> {
    let rules = format!("{start}\n[[rule]]\nname='it'\nwhen='dir:client'\n{how}\nthen={{ drop = true }}\n");
    let (running, mut client, server) = opened(&rules, |mut peer| {
        let heard = numbers(&mut peer);
        let answer = heard.iter().flat_map(|number| [0x82, 1, *number as u8]).collect::<Vec<_>>();
        peer.send(answer).finish();
    });
    say_numbers(&mut client);
    let heard: Vec<usize> = client.rest().chunks(3).map(|frame| usize::from(frame[2])).collect();
    server.finish();
    running.finish();
    (0..40).filter(|number| !heard.contains(number)).collect()
}

fn say_numbers(client: &mut Peer) {
    let frames: Vec<u8> = (0..40).flat_map(|number| masked(0x81, &format!("{number:02}"))).collect();
    client.send(frames).finish();
}

/// The numbers that a client said, in order.
fn numbers(peer: &mut Peer) -> Vec<usize> {
    let mut said = Vec::new();
    peer.0.read_to_end(&mut said).unwrap();
    said.chunks(8).map(|frame| std::str::from_utf8(&frame[6..]).unwrap().parse().unwrap()).collect()
}

#[test]
fn after_every_and_times_count_what_matches() {
    assert_eq!(dropped("", "after=38"), [38, 39]);
    assert_eq!(dropped("", "every=15"), [14, 29]);
    assert_eq!(dropped("", "times=3"), [0, 1, 2]);
    assert_eq!(dropped("", "after=5\nevery=10\ntimes=2"), [14, 24]);
}

#[test]
fn chance_repeats_exactly_and_another_seed_is_another_chance() {
    let first = dropped("seed=7", "probability=0.3");
    assert!((4..25).contains(&first.len()), "{first:?}");
    assert_eq!(dropped("seed=7", "probability=0.3"), first);
    assert_ne!(dropped("seed=8", "probability=0.3"), first);
    let few = dropped("seed=7", "probability=0.3\ntimes=2");
    assert_eq!(few, first[..2]);
    assert_eq!(dropped("", "probability=0.0"), Vec::<usize>::new());
    assert_eq!(dropped("", "probability=1.0").len(), 40);
}

/// What two sessions of one proxy, one behind the other, get through rules that let by only some.
fn two_sessions(how: &str) -> [Vec<usize>; 2] {
    let (tell, told) = std::sync::mpsc::channel();
    let script = || {
        let tell = tell.clone();
        let play = move |mut peer: Peer| {
            peer.head();
            peer.send(switching());
            tell.send(numbers(&mut peer)).unwrap();
        };
        Box::new(play) as Box<dyn FnOnce(Peer) + Send>
    };
    let server = Server::play(vec![script(), script()]);
    let running: Running = reverse(server.address);
    super::rule(&running, &format!("[[rule]]\nwhen='dir:client'\n{how}\nthen={{ drop = true }}\n"));
    let heard = [(); 2].map(|()| {
        let mut client = running.client();
        client.send(request(running.address)).expect(switching());
        say_numbers(&mut client);
        client.expect_fin();
        told.recv().unwrap()
    });
    server.finish();
    running.finish();
    heard
}

#[test]
fn sessions_are_counted_by_themselves_or_together() {
    let all = Vec::from_iter(0..40);
    assert_eq!(two_sessions("times=1"), [all[1..].to_vec(), all[1..].to_vec()]);
    assert_eq!(two_sessions("times=1\nper='all'"), [all[1..].to_vec(), all.clone()]);
    let [first, second] = two_sessions("probability=0.5");
    // Each session has a chance of its own.
    assert_ne!(first, second);
    assert_eq!(two_sessions("probability=0.5"), [first, second]);
}
