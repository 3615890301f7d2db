//! Several listeners at once, each with a server of its own or none.

use std::net::SocketAddr;
use std::thread::JoinHandle;

use sockeye::capture::{CaptureConfig, Flow, Log, LogConfig, Opened, capture};
use sockeye::control::Controller;
use sockeye::net::{Entrance, Listen, Proxy, ProxyConfig};

use crate::support::{Peer, Server, config, request, start, switching};

fn any(ip: &str) -> SocketAddr {
    SocketAddr::new(ip.parse().unwrap(), 0)
}

fn reverse(server: SocketAddr) -> Entrance {
    Entrance::Reverse(format!("ws://{server}").parse().unwrap())
}

/// A server that expects to be asked by its own name and origin.
fn asked_as_itself() -> Server {
    Server::once(|mut peer| {
        let own = peer.0.local_addr().unwrap();
        let head = peer.head();
        assert!(head.contains(&format!("host:   {own}\r\n")), "{head}");
        assert!(head.contains(&format!("Origin: http://{own}\r\n")), "{head}");
        peer.send(switching()).expect_fin();
    })
}

#[test]
fn each_listener_leads_to_its_own_server_under_its_own_name() {
    let servers = [asked_as_itself(), asked_as_itself()];
    let listeners = servers.iter().map(|server| Listen::new(any("127.0.0.1"), reverse(server.address)));
    let listeners = listeners.chain([Listen::new(any("127.0.0.1"), Entrance::Forward)]).collect();
    let running = start(ProxyConfig { listeners, ..config(None) });
    let listening = running.listening().to_vec();
    assert_eq!(listening.len(), 3);
    for listening in &listening[..2] {
        let own = listening.address;
        let ask = request(own).replace("UPGRADE", &format!("Origin: http://{own}\r\nUPGRADE"));
        let mut client = Peer::connect(own);
        client.send(ask).expect(switching());
        client.finish();
    }
    // Only a forward proxy understands SOCKS5.
    Peer::connect(listening[2].address).send(b"\x05\x01\x00").expect(b"\x05\x00");
    let [one, other] = servers.map(|server| {
        let address = server.address;
        server.finish();
        format!("ws://{address}/chat?x=1")
    });
    let log = running.finish();
    let urls = [1, 2].map(|session| log.summary(Flow::Session(session)).unwrap().url.to_string());
    assert_eq!(urls, [one, other]);
}

#[test]
fn one_that_cannot_be_listened_on_ends_them_all_and_is_named() {
    let held = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = held.local_addr().unwrap();
    let listeners = [any("127.0.0.1"), taken].map(|address| Listen::new(address, Entrance::Forward));
    let log = Log::create(&LogConfig::default()).unwrap();
    let (tap, capture) = capture(&log, CaptureConfig::default()).unwrap();
    let config = ProxyConfig { listeners: listeners.to_vec(), ..config(None) };
    let error = Proxy::start(config, tap, &Controller::new()).err().unwrap().to_string();
    assert!(error.contains(&format!("cannot listen on {taken}")) && error.contains("--listen"), "{error}");
    capture.finish(&log);
}

#[test]
fn everything_is_there_over_ipv6() {
    let server = Server::once(|mut peer| {
        peer.head();
        peer.send(switching()).expect_fin();
    });
    let listen = Listen::new(any("::1"), reverse(server.address));
    let running = start(ProxyConfig { listeners: vec![listen], ..config(None) });
    assert!(running.address.is_ipv6());
    let mut client = running.client();
    client.send(request(running.address)).expect(switching()).finish();
    server.finish();
    let log = running.finish();
    let Some(Opened::Session(opening)) = log.opening(1).unwrap() else { panic!("no session") };
    assert!(opening.client.starts_with("[::1]:"), "{}", opening.client);
    assert!(opening.notes[0].starts_with("Host rewritten from [::1]:"), "{:?}", opening.notes);
}

#[test]
fn a_client_of_ipv4_is_shown_as_such_where_all_addresses_are_listened_on() {
    let running =
        start(ProxyConfig { listeners: vec![Listen::new(any("::"), Entrance::Forward)], ..config(None) });
    let address = SocketAddr::new("127.0.0.1".parse().unwrap(), running.address.port());
    Peer::connect(address).send("GET / HTTP/1.1\r\nHost: x\r\n\r\n").rest();
    let log = running.finish();
    assert!(log.exchange(1).unwrap().unwrap().client.starts_with("127.0.0.1:"));
}

/// A server at `[::1]` that echoes one octet inside whatever leads to it.
fn echo() -> (SocketAddr, JoinHandle<()>) {
    let listener = std::net::TcpListener::bind("[::1]:0").unwrap();
    let address = listener.local_addr().unwrap();
    let thread = std::thread::spawn(move || {
        for _ in 0..2 {
            let mut peer = Peer(listener.accept().unwrap().0);
            peer.expect("\0").send("!");
        }
    });
    (address, thread)
}

#[test]
fn connect_and_socks5_reach_addresses_of_ipv6() {
    let (server, thread) = echo();
    let running =
        start(ProxyConfig { listeners: vec![Listen::new(any("::1"), Entrance::Forward)], ..config(None) });
    let mut client = running.client();
    client.send(format!("CONNECT {server} HTTP/1.1\r\nHost: {server}\r\n\r\n"));
    assert!(client.head().starts_with("HTTP/1.1 200 "));
    client.send("\0").expect("!");
    let mut client = running.client();
    client.send(b"\x05\x01\x00").expect(b"\x05\x00");
    client.send(b"\x05\x01\x00\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01").send(server.port().to_be_bytes());
    client.expect(b"\x05\x00\x00\x01\0\0\0\0\0\0").send("\0").expect("!");
    thread.join().unwrap();
    let log = running.finish();
    for session in [1, 2] {
        let Some(Opened::Tunnel(tunnel)) = log.opening(session).unwrap() else { panic!("no tunnel") };
        assert_eq!(tunnel.target, server.to_string());
    }
}

#[test]
fn a_client_that_the_proxy_protocol_names_is_shown() {
    let headers: [(&[u8], &str); 3] = [
        (b"PROXY TCP4 192.0.2.1 192.0.2.2 1234 80\r\n", "192.0.2.1:1234"),
        (b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x01\xc0\0\x02\x02\x04\xd2\0\x50", "192.0.2.1:1234"),
        (b"PROXY UNKNOWN\r\n", "127.0.0.1:"),
    ];
    for (header, expected) in headers {
        let server = Server::once(|mut peer| {
            peer.head();
            peer.send(switching()).expect_fin();
        });
        let running = start(ProxyConfig { accept_proxy_protocol: true, ..config(Some(server.address)) });
        let mut client = running.client();
        client.send(header).send(request(running.address)).expect(switching()).finish();
        server.finish();
        let log = running.finish();
        let Some(Opened::Session(opening)) = log.opening(1).unwrap() else { panic!("no session") };
        assert!(opening.client.starts_with(expected), "{}", opening.client);
    }
}

#[test]
fn a_client_without_the_demanded_header_is_refused() {
    let running = start(ProxyConfig { accept_proxy_protocol: true, ..config(None) });
    let mut client = running.client();
    client.send("GET");
    let notes = running.until(|log| (log.stats().notes > 0).then(|| log.stats().notes));
    assert_eq!(notes, 1);
    running.finish();
}
