//! Opening handshakes that fail or are odd: they reach the client, and the log, as what they are.

use std::time::Duration;

use sockeye::capture::{Event, Flow, Log, Next, Opened, Refused, State};

use crate::support::{ACCEPT, Peer, Server, config, request, reverse, start, switching};

/// A server that answers the handshake with `answer` and closes; gives what the log says of it.
#[track_caller]
fn refused(answer: &str, script: impl FnOnce(Peer) + Send + 'static) -> Refused {
    let reply = answer.to_owned();
    let server = Server::once(move |mut peer| {
        peer.head();
        peer.send(reply);
        script(peer);
    });
    let running = reverse(server.address);
    let mut client = running.client();
    client.send(request(running.address)).expect(answer).finish().expect_fin();
    server.finish();
    refusal(&running.finish())
}

#[track_caller]
fn refusal(log: &Log) -> Refused {
    assert_eq!(log.summary(Flow::Session(1)).unwrap().state, State::Failed);
    match log.opening(1).unwrap() {
        Some(Opened::Refused(refused)) => refused,
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn a_refusal_reaches_the_client_with_its_body() {
    let answer = "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer\r\nContent-Length: 8\r\n\r\nno token";
    let refused = refused(answer, |mut peer| {
        peer.expect_fin();
    });
    assert_eq!(refused.body.in_memory().unwrap(), "no token");
    assert!(refused.why.contains("401"), "{}", refused.why);
    assert!(answer.as_bytes().starts_with(&refused.opening.response));
}

#[test]
fn a_redirect_reaches_the_client() {
    let answer = "HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n";
    let refused = refused(answer, |mut peer| {
        peer.expect_fin();
    });
    assert!(refused.why.contains("/login"), "{}", refused.why);
}

#[test]
fn after_a_refusal_the_connection_can_try_again() {
    let server = Server::once(|mut peer| {
        peer.head();
        peer.send("HTTP/1.1 401 No\r\nContent-Length: 2\r\n\r\nno");
        peer.head();
        peer.send(switching()).expect(b"\x81\x80\0\0\0\0").expect_fin();
    });
    let running = reverse(server.address);
    let mut client = running.client();
    client.send(request(running.address)).expect("HTTP/1.1 401 No\r\nContent-Length: 2\r\n\r\nno");
    client.send(request(running.address)).expect(switching()).send(b"\x81\x80\0\0\0\0").finish().expect_fin();
    server.finish();
    let log = running.finish();
    assert_eq!((log.stats().refused, log.stats().closed, log.rows(2)), (1, 1, 1..2));
}

#[test]
fn an_answer_that_is_no_http_reaches_the_client_as_it_is() {
    let refused = refused("SSH-2.0-OpenSSH_9.2\r\n", |mut peer| {
        peer.finish().expect_fin();
    });
    assert!(refused.why.contains("not HTTP"), "{}", refused.why);
    assert_eq!(refused.body.in_memory().unwrap(), "SSH-2.0-OpenSSH_9.2\r\n");
}

#[test]
fn a_wrong_accept_is_the_clients_to_judge_and_the_logs_to_tell() {
    let answer = switching().replace(ACCEPT, "AAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    let reply = answer.clone();
    let server = Server::once(move |mut peer| {
        peer.head();
        peer.send(reply).expect_reset();
    });
    let running = reverse(server.address);
    let mut client = running.client();
    client.send(request(running.address)).expect(&answer);
    client.reset();
    server.finish();
    running.until(|log| log.ended(1).unwrap());
    let log = running.finish();
    let Some(Opened::Session(opening)) = log.opening(1).unwrap() else { panic!("not opened") };
    assert_eq!(opening.response, answer);
}

#[test]
fn a_server_that_closes_without_an_answer_is_told_so() {
    let server = Server::once(|mut peer| {
        peer.head();
        peer.finish().expect_fin();
    });
    let running = reverse(server.address);
    running.client().send(request(running.address)).expect_fin();
    server.finish();
    let refused = refusal(&running.finish());
    assert!(refused.why.contains("the server closed the connection"), "{}", refused.why);
}

#[test]
fn a_server_that_resets_in_place_of_an_answer_is_told_so() {
    let server = Server::once(|mut peer| {
        peer.head();
        peer.reset();
    });
    let running = reverse(server.address);
    running.client().send(request(running.address)).expect_reset();
    server.finish();
    let refused = refusal(&running.finish());
    assert!(refused.why.contains("reset"), "{}", refused.why);
}

#[test]
fn a_server_that_hangs_is_a_504_after_the_limit() {
    let (done, wait) = std::sync::mpsc::channel::<()>();
    let server = Server::once(move |mut peer| {
        peer.head();
        // Ends when the test does.
        let _ = wait.recv();
    });
    let mut config = config(Some(server.address));
    config.handshake_limit = Duration::from_millis(50);
    let running = start(config);
    let mut client = running.client();
    client.send(request(running.address));
    let answer = String::from_utf8(client.rest()).unwrap();
    assert!(answer.starts_with("HTTP/1.1 504 Gateway Timeout\r\n"), "{answer}");
    assert!(answer.ends_with("did not answer in 50ms\n"), "{answer}");
    drop(done);
    server.finish();
    let refused = refusal(&running.finish());
    assert!(refused.why.contains("did not answer in 50ms"), "{}", refused.why);
}

#[test]
fn a_server_that_cannot_be_reached_is_a_502_and_said_so() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let running = reverse(nobody);
    let mut client = running.client();
    client.send(request(running.address));
    let answer = String::from_utf8(client.rest()).unwrap();
    assert!(answer.starts_with("HTTP/1.1 502 Bad Gateway\r\n"), "{answer}");
    let refused = refusal(&running.finish());
    assert!(refused.why.contains(&format!("cannot reach {nobody}")), "{}", refused.why);
    assert!(
        refused.opening.request.starts_with(b"GET /chat?x=1 HTTP/1.1\r\nhost:   "),
        "{:?}",
        refused.opening.request
    );
}

#[test]
fn an_attempt_by_the_wrong_method_is_explained_and_passed_on() {
    let server = Server::once(|mut peer| {
        assert!(peer.head().starts_with("POST /chat"));
        peer.send("HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n").expect_fin();
    });
    let running = reverse(server.address);
    let mut client = running.client();
    client.send(request(running.address).replace("GET", "POST"));
    client.expect("HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n").finish().expect_fin();
    server.finish();
    let refused = refusal(&running.finish());
    assert!(refused.why.contains("405") || refused.why.contains("GET"), "{}", refused.why);
}

#[test]
fn the_client_gets_its_answer_only_after_the_server_has_given_its_own() {
    let server = Server::once(|mut peer| {
        peer.head();
        // Reads until the client has looked for an answer and found none.
        peer.expect(b"\x8a\x80\0\0\0\0").send(switching()).expect_fin();
    });
    let running = reverse(server.address);
    let mut client = running.client();
    client.send(request(running.address));
    client.0.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    let mut octet = [0];
    assert!(std::io::Read::read(&mut client.0, &mut octet).is_err(), "answered before the server had");
    client.0.set_read_timeout(Some(crate::support::PATIENCE)).unwrap();
    client.send(b"\x8a\x80\0\0\0\0").expect(switching()).finish().expect_fin();
    server.finish();
    running.finish();
}

#[test]
fn an_attempt_is_listed_while_the_server_has_not_answered() {
    let (go, wait) = std::sync::mpsc::channel();
    let server = Server::once(move |mut peer| {
        peer.head();
        wait.recv().unwrap();
        peer.send(switching()).expect_fin();
    });
    let running = reverse(server.address);
    let mut client = running.client();
    client.send(request(running.address));
    let asked = |log: &Log| log.opening(1).unwrap().filter(|opened| matches!(opened, Opened::Asked(_)));
    running.until(asked);
    go.send(()).unwrap();
    client.expect(switching()).finish().expect_fin();
    server.finish();
    let log = running.finish();
    let mut cursor = log.cursor();
    let mut kinds = Vec::new();
    while let Next::Event(event) = cursor.next().unwrap() {
        kinds.push(match event {
            Event::Asked(_) => "asked",
            Event::Opened(_) => "opened",
            Event::Ended(_) => "ended",
            _ => "other",
        });
    }
    assert_eq!(kinds, ["asked", "opened", "ended"]);
}
