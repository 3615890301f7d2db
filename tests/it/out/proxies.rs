//! Servers behind another proxy: what it is asked, and what becomes of its answers.

use std::net::SocketAddr;

use sockeye::capture::Opened;
use sockeye::net::{Entrance, NoProxy, ProxyProtocol, WayOut};

use super::refusal;
use crate::support::tls::{certificates, tls_server};
use crate::support::{Peer, Running, Server, config, forward, request, start, switching};

const HTTP_REQUEST: &str = "CONNECT server.example:3000 HTTP/1.1\r\nHost: server.example:3000\r\n";

/// A way out through the proxy at `address`; `start` is its URL up to there.
fn through(start: &str, address: SocketAddr) -> WayOut {
    WayOut { proxy: Some(format!("{start}{address}").parse().unwrap()), ..WayOut::default() }
}

/// A proxy in front of `server` that goes out like this.
fn in_front_of(server: &str, way_out: WayOut) -> Running {
    let mut config = config(None);
    config.listeners[0].entrance = Entrance::Reverse(server.parse().unwrap());
    config.server_tls.roots = certificates("ca.pem");
    config.way_out = way_out;
    start(config)
}

/// Opens a session as the server, once the proxy's part is done.
fn serve(peer: &mut Peer) {
    assert!(peer.head().starts_with("GET /chat?x=1 HTTP/1.1\r\nhost:   server.example:3000\r\n"));
    peer.send(switching() + "\u{1}\u{2}hi").expect(b"\x81\x80\0\0\0\0");
}

/// Opens a session, hears "hi", and gives what the log has of it.
#[track_caller]
fn greet(running: Running) -> sockeye::capture::Opening {
    let mut client = running.client();
    client.send(request(running.address)).expect(switching() + "\u{1}\u{2}hi").send(b"\x81\x80\0\0\0\0");
    client.expect_fin();
    let log = running.finish();
    let Some(Opened::Session(opening)) = log.opening(1).unwrap() else { panic!("not opened") };
    opening
}

#[test]
fn an_http_proxy_is_asked_by_connect_and_the_session_says_so() {
    let proxy = Server::once(|mut peer| {
        // "me@home:s:cret"
        peer.expect(HTTP_REQUEST).expect("Proxy-Authorization: Basic bWVAaG9tZTpzOmNyZXQ=\r\n\r\n");
        peer.send("HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 200 Go on\r\nVia: x\r\nContent-Length: 9\r\n\r\n");
        serve(&mut peer);
    });
    let address = proxy.address;
    let opening =
        greet(in_front_of("ws://server.example:3000", through("http://me%40home:s:cret@", address)));
    proxy.finish();
    assert_eq!(opening.notes[1..], [format!("through the proxy http://{address}")]);
    assert_eq!(opening.server, address.to_string());
    assert_eq!(opening.url, "ws://server.example:3000/chat?x=1");
    assert!(opening.timing.dns.is_some() && opening.timing.tcp.is_some());
}

#[test]
fn a_socks5_proxy_looks_names_up_and_is_told_who_asks() {
    let proxy = Server::once(|mut peer| {
        peer.expect(b"\x05\x02\x00\x02").send(b"\x05\x02");
        peer.expect(b"\x01\x02me\x05s:cre").send(b"\x01\x00");
        peer.expect(b"\x05\x01\x00\x03\x0eserver.example\x0b\xb8");
        peer.send(b"\x05\x00\x00\x03\x01x\x00\x01");
        serve(&mut peer);
    });
    let address = proxy.address;
    let opening = greet(in_front_of("ws://server.example:3000", through("socks5h://me:s%3Acre@", address)));
    proxy.finish();
    assert_eq!(opening.notes[1..], [format!("through the proxy socks5h://{address}")]);
}

#[test]
fn a_socks5_proxy_may_be_given_addresses_alone() {
    let server = |peer: &mut Peer| {
        peer.expect(b"\x05\x01\x00").send(b"\x05\x00");
        let mut kind = [0; 4];
        std::io::Read::read_exact(&mut peer.0, &mut kind).unwrap();
        // localhost may be of either family.
        match kind {
            [5, 1, 0, 1] => peer.expect(b"\x7f\0\0\x01\x0b\xb8"),
            other => {
                assert_eq!(other, [5, 1, 0, 4]);
                peer.expect(b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x0b\xb8")
            }
        };
        peer.send(b"\x05\x04\x00\x01\0\0\0\0\0\0");
    };
    let proxy = Server::once(move |mut peer| server(&mut peer));
    let address = proxy.address;
    let why = refusal(in_front_of("ws://localhost:3000", through("socks5://", address)));
    proxy.finish();
    assert_eq!(
        why,
        format!(
            "sockeye: cannot reach localhost:3000 through the proxy socks5://{address}: \
             it answered \"host unreachable\" (4)"
        )
    );
}

#[track_caller]
fn check_refusal(start: &str, script: &'static [(&[u8], &[u8])], expected: &str) {
    let proxy = Server::once(move |mut peer| {
        for (asked, answer) in script {
            peer.expect(asked).send(answer);
        }
    });
    let address = proxy.address;
    let why = refusal(in_front_of("ws://server.example:3000", through(start, address)));
    proxy.finish();
    let scheme = start.split("://").next().unwrap();
    let about = format!("cannot reach server.example:3000 through the proxy {scheme}://{address}");
    assert_eq!(why, format!("sockeye: {about}: {expected}"));
}

#[test]
fn what_an_http_proxy_refuses_is_told_as_it_said_it() {
    const ASKED: &[u8] = b"CONNECT server.example:3000 HTTP/1.1\r\nHost: server.example:3000\r\n\r\n";
    const ASKED_AS: &[u8] = b"CONNECT server.example:3000 HTTP/1.1\r\nHost: server.example:3000\r\n\
        Proxy-Authorization: Basic YTpi\r\n\r\n";
    let check = |start, script, expected| check_refusal(start, script, expected);
    check(
        "http://",
        &[(ASKED, b"HTTP/1.1 407 Who are you?\r\nContent-Length: 0\r\n\r\n")],
        "it answered 407 Who are you?: it wants to know who asks; put user and password into --proxy",
    );
    check(
        "http://a:b@",
        &[(ASKED_AS, b"HTTP/1.0 407 No\r\n\r\n")],
        "it answered 407 No: it does not take this user and password",
    );
    check(
        "http://",
        &[(ASKED, b"HTTP/1.1 403 Forbidden\r\n\r\nbody")],
        "it answered 403 Forbidden; many proxies let CONNECT go to port 443 alone",
    );
    check("http://", &[(ASKED, b"HTTP/1.1 503\r\n\r\n")], "it answered 503");
    check("http://", &[(ASKED, b"HTTP/1.1 200 O")], "it broke off in the middle of its answer");
    check("http://", &[(ASKED, b"")], "it closed the connection without an answer; does it speak HTTP?");
    check("http://", &[(ASKED, b"SSH-2.0-x\r\n")], "its answer is not HTTP (invalid HTTP version)");
}

#[test]
fn what_a_socks5_proxy_refuses_is_told_in_words() {
    const ASKED: &[u8] = b"\x05\x01\x00\x03\x0eserver.example\x0b\xb8";
    let check = |start, script, expected| check_refusal(start, script, expected);
    check(
        "socks5h://",
        &[(b"\x05\x01\x00", b"\x05\xff")],
        "it wants to know who asks; put user and password into --proxy",
    );
    check(
        "socks5h://a:b@",
        &[(b"\x05\x02\x00\x02", b"\x05\x02"), (b"\x01\x01a\x01b", b"\x01\x01")],
        "it does not take this user and password",
    );
    check(
        "socks5h://",
        &[(b"\x05\x01\x00", b"\x05\x00"), (ASKED, b"\x05\x02\x00\x01\0\0\0\0\0\0")],
        "it answered \"not allowed by its rules\" (2)",
    );
    check(
        "socks5h://",
        &[(b"\x05\x01\x00", b"\x05\x00"), (ASKED, b"\x05\x63\x00\x01\0\0\0\0\0\0")],
        "it answered \"a reply that no RFC knows\" (99)",
    );
    check(
        "socks5h://",
        &[(b"\x05\x01\x00", b"")],
        "it closed the connection without an answer; does it speak SOCKS5, and want no user and password?",
    );
    check(
        "socks5h://a:b@",
        &[(b"\x05\x02\x00\x02", b"\x05\x02"), (b"\x01\x01a\x01b", b"")],
        "it closed the connection on hearing user and password; are they right?",
    );
    check(
        "socks5h://",
        &[(b"\x05\x01\x00", b"HTTP/1.1 400 Bad Request\r\n\r\n")],
        "it speaks HTTP, not SOCKS5: give http:// in --proxy",
    );
}

#[test]
fn a_proxy_that_is_not_there_is_told_of() {
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert_eq!(
        refusal(in_front_of("ws://server.example:3000", through("http://", address))),
        format!(
            "sockeye: cannot reach server.example:3000 through the proxy http://{address}: \
             connection refused; is it running?"
        )
    );
}

#[test]
fn a_server_in_no_proxy_is_reached_without_it() {
    let server = Server::once(|mut peer| {
        peer.head();
        peer.send(switching() + "\u{1}\u{2}hi").expect(b"\x81\x80\0\0\0\0");
    });
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let way_out = through("http://", nobody);
    let no_proxy =
        NoProxy::parse(&format!("example.com, 127.0.0.0/8:{0},127.0.0.1:{0}", server.address.port()));
    let target = format!("ws://{}", server.address);
    let opening = greet(in_front_of(&target, WayOut { no_proxy, ..way_out }));
    server.finish();
    assert_eq!(opening.notes.len(), 1, "{:?}", opening.notes);
}

#[test]
fn tls_and_the_client_in_front_of_it_go_through_a_proxy() {
    for scheme in ["http://", "socks5://", "socks5h://"] {
        let server = tls_server("good");
        let parent = forward();
        let way_out = through(scheme, parent.address);
        let opening = greet(in_front_of(&format!("wss://localhost:{}", server.address.port()), way_out));
        server.finish();
        parent.finish();
        assert_eq!(opening.server, opening.notes[1].rsplit("://").next().unwrap(), "{:?}", opening.notes);
    }
    let proxy = Server::once(|mut peer| {
        peer.head();
        peer.send("HTTP/1.1 200 OK\r\n\r\n").expect("PROXY TCP4 127.0.0.1 127.0.0.1 ").send("x");
        peer.rest();
    });
    let way_out = WayOut { header: Some(ProxyProtocol::V1), ..through("http://", proxy.address) };
    let running = in_front_of("wss://server.example:3000", way_out);
    let mut client = running.client();
    client.send(request(running.address));
    assert!(client.head().starts_with("HTTP/1.1 502 Bad Gateway\r\n"));
    proxy.finish();
    running.finish();
}

#[test]
fn a_server_that_speaks_right_behind_the_proxys_answer_is_heard() {
    let proxy = Server::once(|mut peer| {
        assert!(peer.head().starts_with("CONNECT mail.example:25 HTTP/1.1\r\n"));
        peer.send("HTTP/1.1 200 OK\r\n\r\n220 hello").expect("QUIT");
    });
    let mut config = config(None);
    config.way_out = through("http://", proxy.address);
    let running = start(config);
    let mut client = running.client();
    client.send("CONNECT mail.example:25 HTTP/1.1\r\n\r\n");
    client.expect("HTTP/1.1 200 Connection established\r\n\r\n220 hello").send("QUIT").expect_fin();
    let address = proxy.address;
    proxy.finish();
    let log = running.finish();
    let Some(Opened::Tunnel(tunnel)) = log.opening(1).unwrap() else { panic!("no tunnel") };
    assert_eq!(tunnel.why, format!("the server spoke first; through the proxy http://{address}"));
    assert_eq!(tunnel.target, "mail.example:25");
}

#[test]
fn a_name_cannot_smuggle_words_to_an_http_proxy() {
    let proxy = Server::once(|mut peer| {
        peer.expect_fin();
    });
    let mut config = config(None);
    config.way_out = through("http://", proxy.address);
    let running = start(config);
    let mut client = running.client();
    client.send(b"\x05\x01\x00").expect(b"\x05\x00");
    client.send(b"\x05\x01\x00\x03\x08h\r\nX: y\r\x00\x50").expect(b"\x05\x04\x00\x01\0\0\0\0\0\0");
    proxy.finish();
    running.finish();
}
