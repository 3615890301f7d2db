//! The relay between raw peers: what goes in comes out, and ends as it ended.

use sockeye::capture::{Ending, Flow, Kind, Log, Opened, State};
use sockeye::ws::{Direction, Opcode};

use crate::support::{Peer, Running, Server, forward, request, reverse, switching};

/// Opens a session on both ends through a reverse proxy.
fn opened(script: impl FnOnce(Peer) + Send + 'static) -> (Running, Peer, Server) {
    let server = Server::once(move |mut peer| {
        peer.head();
        peer.send(switching());
        script(peer);
    });
    let running = reverse(server.address);
    let mut client = running.client();
    client.send(request(running.address)).expect(switching());
    (running, client, server)
}

#[track_caller]
fn ended(log: &Log) -> (Ending, Ending, Option<Direction>) {
    let ended = log.ended(1).unwrap().unwrap();
    (ended.client, ended.server, ended.first)
}

#[test]
fn the_handshake_crosses_as_it_came_but_for_the_host() {
    let server = Server::once(|mut peer| {
        let expected = request(peer.0.local_addr().unwrap());
        peer.expect(expected).send(switching()).expect_fin();
    });
    let running = reverse(server.address);
    let mut client = running.client();
    client.send(request(running.address)).expect(switching()).finish().expect_fin();
    server.finish();
    let address = running.address;
    let log = running.finish();
    let Some(Opened::Session(opening)) = log.opening(1).unwrap() else { panic!("not opened") };
    assert_eq!(opening.request, request(address));
    assert_eq!(opening.response, switching());
    assert_eq!(opening.notes, [format!("Host rewritten from {address}")]);
}

#[test]
fn all_bytes_cross_both_ways_in_any_shape() {
    // Frames of every kind, and bytes that are none: the relay does not care.
    let upward = b"\x81\x85\x01\x02\x03\x04hello\xc1\x7e\x00\x02hi\x00\x00\xff\xfe\x88\x82\x00\x00\x00\x00\x03\xe8more".to_vec();
    let downward: Vec<u8> = (0..100_000u32).map(|at| (at * 7 % 256) as u8).collect();
    let (expected, answer) = (upward.clone(), downward.clone());
    let (running, mut client, server) = opened(move |mut peer| {
        peer.expect(expected).send(answer).finish().expect_fin();
    });
    client.send(&upward).expect(&downward).expect_fin().finish();
    server.finish();
    let log = running.finish();
    assert_eq!(ended(&log), (Ending::Fin, Ending::Fin, Some(Direction::ToClient)));
}

#[test]
fn half_a_frame_leaves_before_its_other_half() {
    let (running, mut client, server) = opened(|mut peer| {
        peer.expect(b"\x81\x85\x01\x02").send(b"\x81").expect(b"\x03\x04hello").send(b"\x00").expect_fin();
    });
    client
        .send(b"\x81\x85\x01\x02")
        .expect(b"\x81")
        .send(b"\x03\x04hello")
        .expect(b"\x00")
        .finish()
        .expect_fin();
    server.finish();
    running.finish();
}

#[test]
fn early_bytes_arrive_from_both_sides() {
    let server = Server::once(|mut peer| {
        peer.head();
        peer.expect(b"\x81\x00early");
        peer.send(switching() + "\u{1}\u{0}at once").expect(b"later").finish();
    });
    let running = reverse(server.address);
    let mut client = running.client();
    client.send(request(running.address).into_bytes()).send(b"\x81\x00early");
    client.expect(switching() + "\u{1}\u{0}at once").send(b"later").finish().expect_fin();
    server.finish();
    let log = running.finish();
    assert_eq!(log.ended(1).unwrap().unwrap().octets, [12, 9]);
}

#[test]
fn a_half_close_stays_half() {
    let (running, mut client, server) = opened(|mut peer| {
        peer.expect(b"last words").expect_fin().send(b"still talking").finish();
    });
    client.send(b"last words").finish().expect(b"still talking").expect_fin();
    server.finish();
    assert_eq!(ended(&running.finish()), (Ending::Fin, Ending::Fin, Some(Direction::ToServer)));
}

#[test]
fn a_reset_is_passed_on_as_such_by_the_client() {
    let (running, client, server) = opened(|mut peer| {
        peer.expect_reset();
    });
    client.reset();
    server.finish();
    let ended = running.until(|log| log.ended(1).unwrap());
    assert_eq!((ended.client, ended.first), (Ending::Reset, Some(Direction::ToServer)));
    running.finish();
}

#[test]
fn a_reset_is_passed_on_as_such_by_the_server() {
    let (running, mut client, server) = opened(Peer::reset);
    client.expect_reset();
    server.finish();
    let ended = running.until(|log| log.ended(1).unwrap());
    assert_eq!((ended.server, ended.first), (Ending::Reset, Some(Direction::ToClient)));
    running.finish();
}

#[test]
fn a_killed_session_is_reset_on_both_sides_and_said_so() {
    let (running, mut client, server) = opened(|mut peer| {
        peer.expect_reset();
    });
    running.until(|log| log.summary(Flow::Session(1)).filter(|summary| summary.state == State::Open));
    running.controller.send(sockeye::control::Command::Kill { session: 1 });
    client.expect_reset();
    server.finish();
    let log = running.finish();
    assert_eq!(ended(&log), (Ending::Killed, Ending::Killed, None));
    assert_eq!(&*log.summary(Flow::Session(1)).unwrap().end, "killed");
}

#[test]
fn the_log_shows_the_messages_that_passed() {
    let (running, mut client, server) = opened(|mut peer| {
        peer.expect(b"\x81\x82\x00\x00\x00\x00hi").send(b"\x01\x03hel\x89\x01p\x80\x02lo").expect_fin();
    });
    client
        .send(b"\x81\x82\x00\x00\x00\x00hi")
        .expect(b"\x01\x03hel\x89\x01p\x80\x02lo")
        .finish()
        .expect_fin();
    server.finish();
    let log = running.finish();
    let rows: Vec<_> = log
        .rows(1)
        .map(|number| log.message(1, number).unwrap().unwrap())
        .map(|message| {
            let payload = message.payload.in_memory().unwrap().clone();
            (message.direction, message.kind, String::from_utf8(payload.to_vec()).unwrap())
        })
        .collect();
    let row = |direction, opcode, payload: &str| (direction, Kind::Frame(opcode), payload.to_owned());
    assert_eq!(
        rows,
        [
            row(Direction::ToServer, Opcode::Text, "hi"),
            row(Direction::ToClient, Opcode::Ping, "p"),
            row(Direction::ToClient, Opcode::Text, "hello"),
        ]
    );
}

#[test]
fn sessions_open_through_connect_socks_and_absolute_form() {
    let ways: [fn(&mut Peer, std::net::SocketAddr) -> String; 3] = [
        |client, server| {
            client.send(format!("CONNECT {server} HTTP/1.1\r\nHost: {server}\r\n\r\n"));
            client.expect("HTTP/1.1 200 Connection established\r\n\r\n");
            request(server)
        },
        |client, server| {
            client.send(b"\x05\x01\x00").expect(b"\x05\x00");
            let port = server.port().to_be_bytes();
            client.send([5, 1, 0, 1, 127, 0, 0, 1, port[0], port[1]]);
            client.expect([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
            request(server)
        },
        |_, server| request(server).replace("GET /", &format!("GET ws://{server}/")),
    ];
    for way in ways {
        let server = Server::once(|mut peer| {
            let expected = request(peer.0.local_addr().unwrap());
            peer.expect(expected)
                .send(switching())
                .expect(b"\x81\x80\x00\x00\x00\x00")
                .send(b"\x81\x00")
                .expect_fin();
        });
        let running = forward();
        let mut client = running.client();
        let request = way(&mut client, server.address);
        client.send(request).expect(switching()).send(b"\x81\x80\x00\x00\x00\x00").expect(b"\x81\x00");
        client.finish().expect_fin();
        server.finish();
        let log = running.finish();
        let summary = log.summary(Flow::Session(1)).unwrap();
        assert_eq!((summary.messages, summary.state), ([1, 1], State::Closed), "{:?}", summary.mode);
    }
}

#[test]
fn a_socks_client_that_asks_for_what_is_not_there_gets_its_reply() {
    for (ask, reply) in [
        (&b"\x05\x01\x02"[..], &b"\x05\xff"[..]),
        (b"\x05\x01\x00\x05\x02\x00\x01\x7f\0\0\x01\0\x50", b"\x05\x00\x05\x07\0\x01\0\0\0\0\0\0"),
        (b"\x05\x01\x00\x05\x01\x00\x09\x7f\0\0\x01\0\x50", b"\x05\x00\x05\x08\0\x01\0\0\0\0\0\0"),
    ] {
        let running = forward();
        running.client().send(ask).expect(reply).expect_fin();
        running.finish();
    }
}

#[test]
fn a_connect_without_a_port_is_told_what_it_lacks() {
    let running = forward();
    let mut client = running.client();
    client.send("CONNECT somewhere HTTP/1.1\r\n\r\n");
    let answer = String::from_utf8(client.rest()).unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("host:port"), "{answer}");
    running.finish();
}

#[test]
fn what_is_no_http_in_a_tunnel_is_relayed_unread_and_listed() {
    for first in [&b"\x16\x03\x01\x02\x00tls"[..], b"\x00\x01\x02", b"SSH-2.0-x\r\n"] {
        let expected = first.to_vec();
        let server = Server::once(move |mut peer| {
            peer.expect(expected).send(b"\xff\xfe").expect_fin();
        });
        let running = forward();
        let mut client = running.client();
        let address = server.address;
        client
            .send(format!("CONNECT {address} HTTP/1.1\r\n\r\n"))
            .expect("HTTP/1.1 200 Connection established\r\n\r\n");
        client.send(first).expect(b"\xff\xfe").finish().expect_fin();
        server.finish();
        let log = running.finish();
        assert!(
            matches!(log.opening(1).unwrap(), Some(Opened::Tunnel(tunnel)) if tunnel.target == address.to_string())
        );
        assert_eq!(log.summary(Flow::Session(1)).unwrap().bytes, [first.len() as u64, 2]);
    }
}

#[test]
fn a_word_begun_when_the_server_speaks_first_is_not_lost() {
    let (go, wait) = std::sync::mpsc::channel();
    let server = Server::once(move |mut peer| {
        wait.recv().unwrap();
        peer.send(b"220 hello\r\n").expect(b"GATHER\r\n").finish().expect_fin();
    });
    let running = forward();
    let mut client = running.client();
    client.send(format!("CONNECT {} HTTP/1.1\r\n\r\n", server.address));
    // It might be a GET.
    client.expect("HTTP/1.1 200 Connection established\r\n\r\n").send("G");
    go.send(()).unwrap();
    client.expect("220 hello\r\n").send("ATHER\r\n").expect_fin().finish();
    server.finish();
    running.finish();
}

#[test]
fn a_server_that_speaks_first_is_heard_in_a_tunnel() {
    let server = Server::once(|mut peer| {
        peer.send(b"220 hello\r\n").expect(b"HELO\r\n").finish().expect_fin();
    });
    let running = forward();
    let mut client = running.client();
    client.send(format!("CONNECT {} HTTP/1.1\r\n\r\n", server.address));
    client
        .expect("HTTP/1.1 200 Connection established\r\n\r\n220 hello\r\n")
        .send(b"HELO\r\n")
        .expect_fin()
        .finish();
    server.finish();
    running.finish();
}
