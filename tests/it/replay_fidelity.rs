//! Sessions played true to their frames and bytes over real sockets: what was odd on the wire is so again, and so are
//! the ends of connections.

use sockeye::headless::{Chosen, Redaction, save};
use sockeye::replay::{Fidelity, MockServer, Outcome, ReplayClient, Settings};
use sockeye::ws::{Direction, Frame, LengthForm, Opcode};
use tokio::runtime::Runtime;

use crate::replay::{mock, open, session, text};
use crate::support::{Peer, Server, request, reverse, switching};

/// Records a session of these two, and plays both of its parts against each other.
fn again(
    client: impl FnOnce(Peer),
    server: impl FnOnce(Peer) + Send + 'static,
    fidelity: Fidelity,
) -> [Outcome; 2] {
    let server = Server::once(|mut peer| {
        peer.head();
        peer.send(switching());
        server(peer);
    });
    let proxy = reverse(server.address);
    let mut peer = proxy.client();
    peer.send(request(proxy.address)).head();
    client(peer);
    server.finish();
    proxy.until(|log| (log.stats().closed == 1).then_some(()));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("odd.jsonl");
    save(&proxy.finish(), &file, &Chosen::All, Vec::new(), Redaction::Off).unwrap();
    Runtime::new().unwrap().block_on(async {
        let mock = MockServer::from_file(&file).fidelity(fidelity).start().await.unwrap();
        let client = ReplayClient::from_file(&file).fidelity(fidelity).run(mock.url()).await.unwrap();
        [client, mock.finish().await]
    })
}

#[track_caller]
fn fits([client, server]: [Outcome; 2]) {
    assert!(client.is_ok() && server.is_ok(), "client: {client}\nserver: {server}");
}

fn close(direction: Direction) -> Vec<u8> {
    sockeye::ws::encode::message(direction, Opcode::Close, &1000_u16.to_be_bytes(), [5; 4])
}

fn masked(frame: Frame) -> Vec<u8> {
    frame.masked([5; 4]).to_bytes()
}

#[test]
fn fragments_and_the_ping_between_them_are_played_by_both_ends() {
    for fidelity in Fidelity::ALL {
        let client = |mut peer: Peer| {
            peer.send(masked(Frame::new(Opcode::Text, b"h").unfinished()));
            peer.send(masked(Frame::new(Opcode::Continuation, b"i"))).expect(b"\x01\x02ab\x89\x01p");
            peer.send(masked(Frame::new(Opcode::Pong, b"p"))).expect(b"\x80\x01c");
            peer.send(close(Direction::ToServer)).expect(close(Direction::ToClient)).expect_fin();
        };
        let server = |mut peer: Peer| {
            peer.expect(masked(Frame::new(Opcode::Text, b"h").unfinished()));
            peer.expect(masked(Frame::new(Opcode::Continuation, b"i"))).send(b"\x01\x02ab\x89\x01p");
            peer.expect(masked(Frame::new(Opcode::Pong, b"p"))).send(b"\x80\x01c");
            peer.expect(close(Direction::ToServer)).send(close(Direction::ToClient)).finish().expect_fin();
        };
        fits(again(client, server, fidelity));
    }
}

#[test]
fn broken_rules_and_a_reset_are_played_by_both_ends() {
    let odd = || {
        let odd = [
            Frame::new(Opcode::Text, b"masked").masked([1, 2, 3, 4]),
            Frame::new(Opcode::Binary, b"long").length_form(LengthForm::SixtyFour),
            Frame::new(Opcode::Text, b"\xff").reserved_bits(1),
        ];
        odd.map(|frame| frame.to_bytes()).concat()
    };
    let client = move |mut peer: Peer| {
        peer.send(text("hello")).expect(odd()).expect_reset();
    };
    let server = move |mut peer: Peer| {
        peer.expect(text("hello")).send(odd());
        peer.reset();
    };
    fits(again(client, server, Fidelity::Bytes));
    fits(again(client, server, Fidelity::Frames));
    // Whoever asks for messages alone hears that rules were broken.
    let [client, _] = again(client, server, Fidelity::Messages);
    assert!(client.to_string().contains("RFC 6455 8.1"), "{client}");
}

#[test]
fn bytes_that_are_no_frames_and_a_message_that_is_cut_off_are_played_by_both_ends() {
    let client = |mut peer: Peer| {
        peer.send(text("hello")).send(b"GET / HTTP/1.1\r\n\r\n").expect(b"\x82\x05abc").expect_fin().finish();
    };
    let server = |mut peer: Peer| {
        peer.expect(text("hello"))
            .expect(b"GET / HTTP/1.1\r\n\r\n")
            .send(b"\x82\x05abc")
            .finish()
            .expect_fin();
    };
    fits(again(client, server, Fidelity::Bytes));
}

#[test]
fn a_connection_ends_as_it_was_recorded() {
    let settings = || Settings { fidelity: Fidelity::Bytes, ..Settings::default() };
    let hello = r#"{"type":"message","session":0,"n":1,"at":1,"from":"client","op":"text","text":"hello"}"#;
    let end = |words: &str| format!(r#"{{"type":"end","session":0,"at":6,{words},"octets":[0,0]}}"#);
    let sessions = [
        session(1, "/fin", "", &[hello, &end(r#""client":"fin","server":"fin","first":"server""#)]),
        session(2, "/reset", "", &[hello, &end(r#""client":"open","server":"reset","first":"server""#)]),
        session(3, "/left", "", &[hello, &end(r#""client":"fin","server":"fin","first":"client""#)]),
    ];
    let (address, over) = mock(&sessions, settings());
    // No close frame, and then no more than there was.
    open(address, "/fin").send(text("hello")).expect_fin().finish();
    open(address, "/reset").send(text("hello")).expect_reset();
    let mut peer = open(address, "/left");
    peer.send(text("hello"));
    peer.reset();
    let played = over.join().unwrap();
    let problems: Vec<_> = played.iter().flat_map(|played| &played.report.problems).collect();
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].to_string().contains("expected fin, got reset"), "{}", problems[0]);
    assert_eq!(problems[0].way_out().unwrap(), "--fidelity frames");
}
