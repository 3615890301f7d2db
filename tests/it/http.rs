//! Plain HTTP beside the WebSockets: every byte as it came, and listed as exchanges.

use sockeye::capture::{Exchange, Flow, State};

use crate::support::{Peer, Server, config, forward, request, reverse, start, switching};

/// Plays one connection's dialogue through a reverse proxy that leaves `Host` alone; gives its exchanges.
#[track_caller]
fn through(script: impl FnOnce(Peer) + Send + 'static, client: impl FnOnce(&mut Peer)) -> Vec<Exchange> {
    let server = Server::once(script);
    let mut config = config(Some(server.address));
    config.host = sockeye::net::HostHeader::Keep;
    let running = start(config);
    client(&mut running.client());
    server.finish();
    let log = running.finish();
    let count = log.stats().exchanges as u32;
    (1..=count).map(|number| log.exchange(number).unwrap().unwrap()).collect()
}

#[test]
fn heads_cross_exactly_as_they_came() {
    let ask = "GET /a?b  HTTP/1.1\r\nhOST:x\r\nCookie:  a=1\r\nX-Odd:\t1 \r\ncookie: b=2\r\n\r\n"
        .replace("  HTTP", " HTTP");
    let answer = "HTTP/1.1 200 Fine, thanks\r\nset-cookie: a\r\nX-b:1\r\nSet-Cookie:   b \r\nContent-LENGTH: 2\r\n\r\nok";
    let expected = ask.clone();
    let exchanges = through(
        move |mut peer| {
            peer.expect(expected).send(answer).expect_fin();
        },
        |client| {
            client.send(&ask).expect(answer).finish().expect_fin();
        },
    );
    assert_eq!(exchanges.len(), 1);
    assert_eq!(exchanges[0].request, ask);
    assert!(answer.as_bytes().starts_with(&exchanges[0].response));
    assert_eq!(exchanges[0].response_body.in_memory().unwrap(), "ok");
    assert_eq!(exchanges[0].error, None);
}

#[test]
fn server_sent_events_arrive_one_by_one() {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";
    let (got, told) = std::sync::mpsc::channel();
    let exchanges = through(
        move |mut peer| {
            peer.expect("GET /events HTTP/1.1\r\n\r\n").send(head);
            for event in 0..3 {
                // The next goes out only once the client has got the one before.
                peer.send(format!("data: {event}\n\n"));
                told.recv().unwrap();
            }
            peer.finish();
        },
        |client| {
            client.send("GET /events HTTP/1.1\r\n\r\n").expect(head);
            for event in 0..3 {
                client.expect(format!("data: {event}\n\n"));
                got.send(()).unwrap();
            }
            client.expect_fin();
        },
    );
    assert_eq!(exchanges[0].response_body.in_memory().unwrap(), "data: 0\n\ndata: 1\n\ndata: 2\n\n");
}

#[test]
fn trailers_chunks_and_extensions_cross_as_they_came() {
    let ask =
        "POST /up HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n";
    let answer =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nyes\r\n0\r\nX-Undeclared: 2\r\n\r\n";
    let exchanges = through(
        move |mut peer| {
            peer.expect(ask).send(answer).expect_fin();
        },
        |client| {
            client.send(ask).expect(answer).finish();
        },
    );
    assert_eq!(exchanges[0].request_body.in_memory().unwrap(), "hello");
    assert_eq!((exchanges[0].request_size, exchanges[0].response_size), (5, 3));
    assert_eq!(exchanges[0].response_body.in_memory().unwrap(), "yes");
}

#[test]
fn a_body_waits_for_100_continue_and_early_hints_pass() {
    let ask = "PUT / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n";
    let answer =
        "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n";
    let exchanges = through(
        move |mut peer| {
            peer.expect(ask).send("HTTP/1.1 100 Continue\r\n\r\n").expect("body").send(answer).expect_fin();
        },
        |client| {
            client.send(ask).expect("HTTP/1.1 100 Continue\r\n\r\n").send("body").expect(answer).finish();
        },
    );
    assert!(exchanges[0].response.starts_with(b"HTTP/1.1 201"));
}

#[test]
fn a_refused_expectation_needs_no_body() {
    let ask = "PUT / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n";
    let answer = "HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    through(
        move |mut peer| {
            peer.expect(ask).send(answer).finish().expect_fin();
        },
        |client| {
            client.send(ask).expect(answer).finish();
        },
    );
}

#[test]
fn head_and_304_have_no_body_and_the_connection_goes_on() {
    let exchanges = through(
        |mut peer| {
            peer.expect("HEAD /a HTTP/1.1\r\n\r\n").send("HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n");
            peer.expect("GET /b HTTP/1.1\r\n\r\n")
                .send("HTTP/1.1 304 Not Modified\r\nContent-Length: 9000\r\n\r\n");
            peer.expect("GET /c HTTP/1.1\r\n\r\n")
                .send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nc")
                .expect_fin();
        },
        |client| {
            client.send("HEAD /a HTTP/1.1\r\n\r\n").expect("HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n");
            client
                .send("GET /b HTTP/1.1\r\n\r\n")
                .expect("HTTP/1.1 304 Not Modified\r\nContent-Length: 9000\r\n\r\n");
            client
                .send("GET /c HTTP/1.1\r\n\r\n")
                .expect("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nc")
                .finish();
        },
    );
    let urls: Vec<_> = exchanges.iter().map(|exchange| exchange.url.rsplit('/').next().unwrap()).collect();
    assert_eq!(urls, ["a", "b", "c"]);
}

#[test]
fn pipelined_requests_are_answered_in_turn() {
    let exchanges = through(
        |mut peer| {
            peer.expect("POST /1 HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc");
            peer.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1");
            peer.expect("GET /2 HTTP/1.1\r\n\r\n")
                .send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n2")
                .expect_fin();
        },
        |client| {
            client.send("POST /1 HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcGET /2 HTTP/1.1\r\n\r\n");
            client.expect("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n2").finish();
        },
    );
    assert_eq!(exchanges.len(), 2);
}

#[test]
fn a_large_upload_and_download_cross_whole() {
    const SIZE: usize = 8 << 20;
    let exchanges = through(
        |mut peer| {
            let head = format!("POST / HTTP/1.1\r\nContent-Length: {SIZE}\r\n\r\n");
            peer.expect(head).expect(vec![b'u'; SIZE]);
            peer.send("HTTP/1.1 200 OK\r\n\r\n").send(vec![b'd'; SIZE]).finish().expect_fin();
        },
        |client| {
            client.send(format!("POST / HTTP/1.1\r\nContent-Length: {SIZE}\r\n\r\n")).send(vec![b'u'; SIZE]);
            client.expect("HTTP/1.1 200 OK\r\n\r\n").expect(vec![b'd'; SIZE]).expect_fin();
        },
    );
    assert_eq!((exchanges[0].request_size, exchanges[0].response_size), (SIZE as u64, SIZE as u64));
    assert!(exchanges[0].response_body.len() < SIZE as u64);
}

#[test]
fn an_upgrade_may_come_as_a_later_request() {
    let server = Server::once(|mut peer| {
        peer.expect("GET /first HTTP/1.1\r\n\r\n").send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        let expected = request(peer.0.local_addr().unwrap());
        peer.expect(expected).send(switching()).expect(b"\x81\x80\0\0\0\0").expect_fin();
    });
    let running = reverse(server.address);
    let mut client = running.client();
    client.send("GET /first HTTP/1.1\r\n\r\n").expect("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    client.send(request(running.address)).expect(switching()).send(b"\x81\x80\0\0\0\0").finish().expect_fin();
    server.finish();
    let log = running.finish();
    assert_eq!((log.stats().exchanges, log.stats().closed, log.stats().messages), (1, 1, 1));
}

#[test]
fn the_servers_end_of_an_idle_connection_reaches_the_client() {
    through(
        |mut peer| {
            peer.expect("GET / HTTP/1.1\r\n\r\n")
                .send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                .finish();
        },
        |client| {
            client
                .send("GET / HTTP/1.1\r\n\r\n")
                .expect("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                .expect_fin();
        },
    );
}

#[test]
fn a_client_that_leaves_during_a_response_is_told_to_the_server() {
    let server = Server::once(|mut peer| {
        peer.head();
        peer.send("HTTP/1.1 200 OK\r\n\r\nfirst").expect_reset();
    });
    let running = reverse(server.address);
    let mut client = running.client();
    client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n").expect("HTTP/1.1 200 OK\r\n\r\nfirst");
    client.reset();
    server.finish();
    let exchange = running.until(|log| log.exchange(1).unwrap().filter(|exchange| exchange.ended.is_some()));
    assert!(exchange.error.unwrap().contains("client"));
    running.finish();
}

#[test]
fn a_server_that_breaks_off_is_told_to_the_client() {
    let exchanges = through(
        |mut peer| {
            peer.head();
            peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf").finish();
        },
        |client| {
            client
                .send("GET / HTTP/1.1\r\n\r\n")
                .expect("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
                .expect_fin();
        },
    );
    assert!(exchanges[0].error.as_ref().unwrap().contains("before its answer was complete"));
}

#[test]
fn a_server_that_cannot_be_reached_is_a_502_with_one_sentence() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let running = reverse(nobody);
    let mut client = running.client();
    client.send("GET /x HTTP/1.1\r\nHost: x\r\n\r\n");
    let answer = String::from_utf8(client.rest()).unwrap();
    assert!(answer.starts_with("HTTP/1.1 502 Bad Gateway\r\n"), "{answer}");
    let sentence = format!("sockeye: cannot reach {nobody}: connection refused; is the server running?\n");
    assert!(answer.ends_with(&sentence), "{answer}");
    let log = running.finish();
    assert_eq!(log.summary(Flow::Exchange(1)).unwrap().state, State::Failed);
}

#[test]
fn a_request_without_a_server_tells_how_to_use_a_forward_proxy() {
    let running = forward();
    let mut client = running.client();
    client.send("GET /x HTTP/1.1\r\nHost: x\r\n\r\n");
    let answer = String::from_utf8(client.rest()).unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(answer.contains("sockeye ws://localhost:3000"), "{answer}");
    running.client().send(request(running.address)).rest();
    let log = running.finish();
    let exchange = log.exchange(1).unwrap().unwrap();
    assert_eq!((&exchange.url[..], &exchange.request[..7]), ("/x", &b"GET /x "[..]));
    assert!(exchange.error.unwrap().contains("names no server"));
    assert_eq!(log.summary(Flow::Session(1)).unwrap().state, State::Failed);
}

#[test]
fn a_request_that_cannot_be_read_is_answered_and_listed() {
    let server = Server::play(Vec::new());
    let running = reverse(server.address);
    let mut client = running.client();
    client.send("GET / HTTP/1.1\r\nno colon here\r\n\r\n");
    let answer = String::from_utf8(client.rest()).unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    let log = running.finish();
    let exchange = log.exchange(1).unwrap().unwrap();
    assert_eq!(exchange.request, "GET / HTTP/1.1\r\nno colon here\r\n\r\n");
    assert!(exchange.error.unwrap().contains("could not be read"));
    server.finish();
}

#[test]
fn absolute_form_goes_to_the_server_it_names() {
    let server = Server::once(|mut peer| {
        peer.expect("GET /a HTTP/1.1\r\nHost: h\r\n\r\n")
            .send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        peer.expect("GET /b HTTP/1.1\r\n\r\n")
            .send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            .expect_fin();
    });
    let running = forward();
    let mut client = running.client();
    let address = server.address;
    client
        .send(format!("GET http://{address}/a HTTP/1.1\r\nHost: h\r\nProxy-Connection: keep-alive\r\n\r\n"));
    client.expect("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    client.send(format!("GET http://{address}/b HTTP/1.1\r\n\r\n"));
    client.expect("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").finish();
    server.finish();
    let log = running.finish();
    assert_eq!(log.exchange(1).unwrap().unwrap().notes.len(), 2);
}

#[test]
fn an_upgrade_to_another_protocol_is_an_exchange_and_then_a_tunnel() {
    let ask = "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: smoke\r\n\r\n";
    let answer = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: smoke\r\n\r\n";
    let server = Server::once(move |mut peer| {
        peer.head();
        peer.send("HTTP/1.1 200 No\r\nContent-Length: 0\r\n\r\n");
        peer.head();
        peer.send(answer).expect("puff").send("puff back").finish().expect_fin();
    });
    let running = reverse(server.address);
    let mut client = running.client();
    client.send(ask).expect("HTTP/1.1 200 No\r\nContent-Length: 0\r\n\r\n");
    client.send(ask).expect(answer).send("puff").expect("puff back").expect_fin().finish();
    server.finish();
    let log = running.finish();
    assert_eq!((log.stats().exchanges, log.stats().refused), (2, 0));
    assert_eq!(log.exchange(2).unwrap().unwrap().error, None);
    assert!(matches!(log.opening(1).unwrap(), Some(sockeye::capture::Opened::Tunnel(_))));
    assert_eq!(log.summary(Flow::Session(1)).unwrap().bytes, [4, 9]);
}
