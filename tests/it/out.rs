//! The ways out to the servers: what reaches them, and by which road.

mod proxies;
#[cfg(unix)]
mod sockets;

use sockeye::net::{ProxyProtocol, WayOut};

use crate::support::{Peer, Running, Server, config, request, start, switching};

/// A proxy in front of `server`, or a forward proxy, that goes out like this.
fn going_out(server: Option<std::net::SocketAddr>, way_out: WayOut) -> Running {
    let mut config = config(server);
    config.way_out = way_out;
    start(config)
}

/// A server that gets `header` before all else, then opens a session in which it says "hi".
fn told_first(header: impl FnOnce(&mut Peer) + Send + 'static) -> Server {
    Server::once(move |mut peer| {
        header(&mut peer);
        assert!(peer.head().starts_with("GET /chat?x=1 HTTP/1.1\r\n"));
        peer.send(switching() + "\u{1}\u{2}hi").expect(b"\x81\x80\0\0\0\0");
    })
}

/// Opens a session and hears "hi".
#[track_caller]
fn greet(mut client: Peer, server: &Server) {
    client.send(request(server.address)).expect(switching() + "\u{1}\u{2}hi").send(b"\x81\x80\0\0\0\0");
    client.expect_fin();
}

#[test]
fn the_proxy_protocol_in_text_names_the_client() {
    let (tell, told) = std::sync::mpsc::channel::<String>();
    let server = told_first(move |peer| {
        peer.expect(told.recv().unwrap());
    });
    let way_out = WayOut { header: Some(ProxyProtocol::V1), ..WayOut::default() };
    let running = going_out(Some(server.address), way_out);
    let client = running.client();
    let (from, to) = (client.0.local_addr().unwrap(), running.address);
    tell.send(format!("PROXY TCP4 {} {} {} {}\r\n", from.ip(), to.ip(), from.port(), to.port())).unwrap();
    greet(client, &server);
    server.finish();
    running.finish();
}

#[test]
fn the_proxy_protocol_in_octets_names_the_client_of_a_tunnel() {
    let (tell, told) = std::sync::mpsc::channel::<Vec<u8>>();
    let server = told_first(move |peer| {
        peer.expect(told.recv().unwrap());
    });
    let running = going_out(None, WayOut { header: Some(ProxyProtocol::V2), ..WayOut::default() });
    let mut client = running.client();
    let ports = [client.0.local_addr().unwrap().port(), running.address.port()].map(u16::to_be_bytes);
    let mut header = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\x7f\0\0\x01\x7f\0\0\x01".to_vec();
    header.extend(ports.concat());
    tell.send(header).unwrap();
    client.send(format!("CONNECT {} HTTP/1.1\r\n\r\n", server.address));
    client.expect("HTTP/1.1 200 Connection established\r\n\r\n");
    greet(client, &server);
    server.finish();
    running.finish();
}

/// What a client is told that cannot be served.
#[track_caller]
fn refusal(running: Running) -> String {
    let mut client = running.client();
    client.send(request(running.address));
    let answer = String::from_utf8(client.rest()).unwrap();
    running.finish();
    assert!(answer.starts_with("HTTP/1.1 502 Bad Gateway\r\n"), "{answer}");
    answer.rsplit("\r\n").next().unwrap().trim().to_owned()
}
