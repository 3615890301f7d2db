//! Live traffic touched by hand: held, changed, dropped, sent, closed; and all that is not touched as it came.

use std::time::Instant;

use bytes::Bytes;
use sockeye::capture::Log;
use sockeye::control::{Command, FrameSpec, Outcome, Verdict};
use sockeye::filter::Filter;
use sockeye::ws::{Direction, Opcode};

use crate::support::{PATIENCE, Peer, Running, Server, request, reverse, switching};

/// Opens a session on both ends through a reverse proxy that holds what `filter` matches.
fn opened(hold: Option<&str>, script: impl FnOnce(Peer) + Send + 'static) -> (Running, Peer, Server) {
    let server = Server::once(move |mut peer| {
        peer.head();
        peer.send(switching());
        script(peer);
    });
    let running = reverse(server.address);
    running.controller.send(Command::Hold(hold.map(|hold| Filter::parse(hold).unwrap())));
    let mut client = running.client();
    client.send(request(running.address)).expect(switching());
    (running, client, server)
}

impl Running {
    /// Sends a command as soon as it finds what it is for.
    #[track_caller]
    pub fn command(&self, command: &Command) {
        let begun = Instant::now();
        while self.controller.send(command.clone()) == Outcome::NotThere {
            assert!(begun.elapsed() < PATIENCE, "there never was anything for {command:?}");
            std::thread::yield_now();
        }
    }

    #[track_caller]
    pub fn settle(&self, held: u64, verdict: Verdict) {
        self.command(&Command::Settle { held, verdict });
    }
}

/// A client's frame, masked with zeros: its payload is to be read in a test.
fn masked(first: u8, payload: &str) -> Vec<u8> {
    let mut frame = vec![first, 0x80 | payload.len() as u8, 0, 0, 0, 0];
    frame.extend_from_slice(payload.as_bytes());
    frame
}

#[test]
fn a_filter_that_names_no_control_frames_holds_none() {
    let (running, mut client, server) = opened(Some("dir:client"), |mut peer| {
        peer.expect(masked(0x89, "ping")).send(b"\x8a\x04ping").expect(masked(0x81, "held"));
        peer.expect(masked(0x88, "\u{3}\u{68}")).expect_fin();
    });
    client.send(masked(0x89, "ping")).expect(b"\x8a\x04ping");
    client.send(masked(0x81, "held")).send(masked(0x88, "\u{3}\u{68}")).finish();
    running.settle(1, Verdict::Forward);
    client.expect_fin();
    server.finish();
    let log = running.finish();
    let touched: Vec<u64> = (1..=4).filter(|number| !log.acts(1, *number).is_empty()).collect();
    assert_eq!(touched, [3], "the text, and neither ping, pong nor close");
}

#[test]
fn a_filter_that_names_pings_holds_them() {
    let (running, mut client, server) = opened(Some("dir:server or op:ping"), |mut peer| {
        peer.expect(masked(0x81, "free")).expect(masked(0x89, "ping")).expect_fin();
    });
    client.send(masked(0x89, "ping")).send(masked(0x81, "free"));
    running.settle(1, Verdict::Forward);
    client.finish().expect_fin();
    server.finish();
    running.finish();
}

#[test]
fn a_held_message_waits_and_pings_do_not() {
    let (running, mut client, server) = opened(Some("dir:client op:text"), |mut peer| {
        peer.expect(masked(0x89, "ping")).send(b"\x81\x02hi");
        peer.expect(masked(0x81, "held")).expect(masked(0x82, "behind")).expect_fin();
    });
    client.send(masked(0x81, "held")).send(masked(0x82, "behind")).send(masked(0x89, "ping"));
    client.expect(b"\x81\x02hi");
    running.settle(1, Verdict::Forward);
    client.finish().expect_fin();
    server.finish();
    running.finish();
}

#[test]
fn a_held_message_is_changed_or_dropped() {
    let (running, mut client, server) = opened(Some("dir:server"), |mut peer| {
        peer.send(b"\x81\x03one").send(b"\x81\x03two").send(b"\x81\x05three").finish().expect_fin();
    });
    running.settle(1, Verdict::Replace(Opcode::Text, Bytes::from("uno")));
    client.expect(b"\x81\x03uno");
    running.settle(2, Verdict::Drop);
    // The end of its sender waits behind it.
    running.settle(3, Verdict::Forward);
    client.expect(b"\x81\x05three").expect_fin().finish();
    server.finish();
    running.finish();
}

#[test]
fn holding_begins_in_the_middle_of_a_session_at_the_next_message() {
    let (running, mut client, server) = opened(None, |mut peer| {
        peer.send(b"\x81\x05he").expect(masked(0x81, "go"));
        peer.send(b"llo\x81\x05after").expect_fin();
    });
    client.expect(b"\x81\x05he");
    running.controller.send(Command::Hold(Some(Filter::parse("dir:server").unwrap())));
    client.send(masked(0x81, "go")).expect(b"llo");
    running.settle(1, Verdict::Replace(Opcode::Binary, Bytes::from("x")));
    client.expect(b"\x82\x01x").finish().expect_fin();
    server.finish();
    running.finish();
}

#[test]
fn what_is_sent_by_hand_waits_for_the_end_of_the_message_under_way() {
    let (running, mut client, server) = opened(None, |mut peer| {
        peer.send(b"\x01\x02he").expect(masked(0x81, "go"));
        peer.send(b"\x80\x03llo").expect_fin();
    });
    client.expect(b"\x01\x02he");
    let frames = vec![FrameSpec::new(Opcode::Text, "mine")];
    running.command(&Command::Send { session: 1, direction: Direction::ToClient, frames });
    client.send(masked(0x81, "go")).expect(b"\x80\x03llo\x81\x04mine").finish().expect_fin();
    server.finish();
    running.finish();
}

#[test]
fn a_session_is_closed_with_both_ends() {
    let (running, mut client, server) = opened(None, |mut peer| {
        let mut close = [0; 12];
        std::io::Read::read_exact(&mut peer.0, &mut close).unwrap();
        assert_eq!(close[..2], [0x88, 0x86]);
        peer.send(b"\x81\x04late\x88\x02\x0f\xa1").expect_fin();
    });
    running.command(&Command::Close { session: 1, code: Some(4001), reason: "test".to_owned() });
    client.expect(b"\x88\x06\x0f\xa1test").send(b"\x88\x82\0\0\0\0\x0f\xa1").expect_fin();
    server.finish();
    running.finish();
}

#[test]
fn behind_a_close_of_the_server_none_of_ours_follows() {
    // On the short way, and where a rule may touch the direction.
    for hold in [None, Some("op:text")] {
        let (running, mut client, server) = opened(hold, |mut peer| {
            peer.send(b"\x88\x02\x03\xe8");
            let mut close = [0; 8];
            std::io::Read::read_exact(&mut peer.0, &mut close).unwrap();
            assert_eq!(close[..2], [0x88, 0x82]);
            peer.expect_fin();
        });
        client.expect(b"\x88\x02\x03\xe8");
        running.command(&Command::Close { session: 1, code: Some(4001), reason: String::new() });
        // The end comes when the client has answered the server, and not before.
        client.send(b"\x88\x82\0\0\0\0\x03\xe8").expect_fin();
        server.finish();
        running.finish();
    }
}

#[test]
fn a_held_handshake_is_edited_or_refused() {
    let server = Server::once(|mut peer| {
        assert!(peer.head().starts_with("GET /other HTTP/1.1\r\n"));
        peer.send(switching()).expect_fin();
    });
    let running = reverse(server.address);
    running.controller.send(Command::Hold(Some(Filter::parse("kind:session").unwrap_or_default())));
    let mut client = running.client();
    client.send(request(running.address));
    let head = request(running.address).replace("/chat?x=1", "/other").replace("\r\n", "\n");
    running.settle(1, Verdict::ReplaceHead(Bytes::from(head)));
    client.expect(switching()).finish().expect_fin();
    server.finish();
    let mut client = running.client();
    client.send(request(running.address));
    running.settle(2, Verdict::Refuse(403, "not today".to_owned()));
    assert!(client.head().starts_with("HTTP/1.1 403 Forbidden\r\n"));
    let _log: Log = running.finish();
}

#[test]
fn at_the_end_of_the_proxy_what_is_held_goes_on() {
    let (running, mut client, server) = opened(Some("op:text"), |mut peer| {
        peer.expect(masked(0x89, "")).expect(masked(0x81, "held"));
    });
    client.send(masked(0x81, "held")).send(masked(0x89, ""));
    running.until(|log| (log.rows(1).end >= 2).then_some(()));
    running.finish();
    server.finish();
}
