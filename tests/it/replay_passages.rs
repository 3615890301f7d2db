//! A session that rules changed, played again: each part from what that end heard and said.

use std::net::SocketAddr;
use std::thread::JoinHandle;

use sockeye::control::Command;
use sockeye::headless::{Chosen, Redaction, save};
use sockeye::net::{Reach, ServerTls, WayOut};
use sockeye::replay::{Cast, MockServer, Played, ReplayClient, Settings};
use sockeye::rules::RuleSet;
use sockeye::ws::Opcode;
use tokio::runtime::Runtime;

use crate::replay::{close, from_server, mock, open, session, text};
use crate::support::{PATIENCE, Peer, request, reverse};

const RULES: &str = "
[[rule]]
when = 'buy'
then = { replace = 'sell' }
[[rule]]
when = 'price'
then = { replace = 'price 90' }
[[rule]]
when = 'secret'
then = { drop = true }
[[rule]]
when = 'notice'
then = { duplicate = 1 }
";

fn said(payload: &str) -> Vec<u8> {
    from_server(Opcode::Text, payload.as_bytes())
}

fn goodbye() -> Vec<u8> {
    from_server(Opcode::Close, &1000_u16.to_be_bytes())
}

/// The server's part.
const SERVER: &[&str] = &[
    r#"{"type":"message","session":0,"n":1,"at":1,"from":"client","op":"text","text":"sell"}"#,
    r#"{"type":"message","session":0,"n":2,"at":2,"from":"server","op":"text","text":"price 5"}"#,
    r#"{"type":"message","session":0,"n":3,"at":3,"from":"server","op":"text","text":"secret"}"#,
    r#"{"type":"message","session":0,"n":4,"at":4,"from":"server","op":"text","text":"notice"}"#,
    r#"{"type":"close","session":0,"n":5,"at":5,"from":"client","code":1000}"#,
    r#"{"type":"close","session":0,"n":6,"at":6,"from":"server","code":1000}"#,
];

/// A live server that has this part, and what came of it.
fn serve() -> (SocketAddr, JoinHandle<Vec<Played>>) {
    mock(&[session(1, "/chat?x=1", "", SERVER)], Settings::default())
}

#[track_caller]
fn fits(over: JoinHandle<Vec<Played>>) {
    let played = over.join().unwrap();
    assert!(played.len() == 1 && played[0].report.is_ok(), "{played:?}");
}

/// The client's part, once the session is open.
fn ask(peer: &mut Peer) {
    peer.send(text("buy")).expect([said("price 90"), said("notice"), said("notice")].concat());
    peer.send(close(1000)).expect(goodbye()).expect_fin();
}

#[test]
fn each_part_of_a_changed_session_is_played_as_its_other_end_knew_it() {
    let (address, over) = serve();
    let proxy = reverse(address);
    proxy.controller.send(Command::Rules(RuleSet::parse(RULES).unwrap()));
    let mut peer = proxy.client();
    peer.send(request(proxy.address)).head();
    ask(&mut peer);
    drop(peer);
    fits(over);
    proxy.until(|log| (log.stats().closed == 1).then_some(()));
    let log = proxy.finish();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("changed.jsonl");
    save(&log, &file, &Chosen::All, Vec::new(), Redaction::Off).unwrap();
    Runtime::new().unwrap().block_on(async {
        let mock = MockServer::from_file(&file).start().await.unwrap();
        let mut peer = open(mock.url().strip_prefix("ws://").unwrap().parse().unwrap(), "/chat?x=1");
        ask(&mut peer);
        drop(peer);
        let outcome = mock.finish().await;
        assert!(outcome.is_ok(), "{outcome}");
        for cast in [Cast::read(&file).unwrap(), Cast::of_log(&log, 1).unwrap()] {
            let (address, over) = serve();
            let reach = Reach::new(WayOut::default(), ServerTls::default(), PATIENCE);
            let target = format!("ws://{address}").parse().unwrap();
            let mut client = ReplayClient::new(target, reach, cast, Settings::default());
            let played = client.next().await.unwrap().unwrap();
            assert!(played.report.is_ok(), "{:?}", played.report);
            fits(over);
        }
    });
}
