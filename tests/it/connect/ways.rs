//! The ways on which `sockeye connect` reaches a server: over TLS, through another proxy, by a Unix socket.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};

use rustls::ServerConnection;
use rustls::version::TLS13;
use sockeye::capture::Opened;
use sockeye::ws::handshake::accept_key;

use super::{connect, stderr, stdout};
use crate::support::tls::{Demand, asking_config, certs, server_config};
use crate::support::{Peer, Server, forward};

/// Plays a server: grants the session, says "hi", and once the client has closed, closes too. Gives the request.
fn serve(mut stream: impl Read + Write) -> std::io::Result<String> {
    let (mut head, mut octet) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut octet)?;
        head.push(octet[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let key = head.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: ")).unwrap();
    let accept = accept_key(key.as_bytes());
    let answer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
    stream.write_all(format!("{answer}Sec-WebSocket-Accept: {accept}\r\n\r\n").as_bytes())?;
    stream.write_all(b"\x81\x02hi")?;
    // A close frame of 1000, masked.
    let mut close = [0; 8];
    stream.read_exact(&mut close)?;
    assert_eq!(close[..2], [0x88, 0x82]);
    stream.write_all(b"\x88\x02\x03\xe8")?;
    stream.flush()?;
    Ok(head)
}

/// A server that gets a connection, makes of it what `open` does, and tells what it was asked for, where it was.
fn server(serve: impl FnOnce(Peer) -> Option<String> + Send + 'static) -> (Server, Receiver<String>) {
    let (tell, told) = mpsc::channel();
    let server = Server::once(move |peer| {
        if let Some(head) = serve(peer) {
            tell.send(head).unwrap();
        }
    });
    (server, told)
}

/// The same behind TLS.
fn tls_server(config: rustls::ServerConfig) -> (Server, Receiver<String>) {
    server(|mut peer| {
        let mut session = ServerConnection::new(Arc::new(config)).unwrap();
        let asked = serve(rustls::Stream::new(&mut session, &mut peer.0)).ok();
        // Its last word on TLS goes on its way, where there is one.
        let _ = session.write_tls(&mut peer.0);
        asked
    })
}

fn plain_server() -> (Server, Receiver<String>) {
    server(|mut peer| serve(&mut peer.0).ok())
}

fn file(name: &str) -> String {
    certs(name).to_str().unwrap().to_owned()
}

/// Opens a session, and closes it once it is open.
fn open(words: &[&str]) -> Output {
    connect(&[words, &["--linger", "0"]].concat(), "")
}

#[track_caller]
fn went_well(output: &Output) {
    assert_eq!((stdout(output), output.status.code()), ("hi\n", Some(0)), "{}", stderr(output));
}

/// What is said of a server that cannot be talked to.
#[track_caller]
fn refused(words: &[&str], expected: &str) {
    let output = connect(words, "");
    assert_eq!((output.status.code(), stdout(&output)), (Some(3), ""), "{words:?}: {}", stderr(&output));
    let line = stderr(&output);
    assert!(line.starts_with("sockeye: ") && line.contains(expected), "{words:?}: {line}");
}

#[test]
fn a_server_behind_tls_is_verified() {
    for option in ["--cacert", "--server-ca"] {
        let (server, told) = tls_server(server_config("good"));
        let url = format!("wss://localhost:{}/chat", server.address.port());
        went_well(&open(&[&url, option, &file("ca.pem")]));
        assert!(told.recv().unwrap().starts_with("GET /chat HTTP/1.1\r\n"));
        server.finish();
    }
}

#[test]
fn one_that_cannot_be_verified_is_not_talked_to_unless_insecure() {
    for (name, fault) in [
        ("good", "is signed by nobody known here: CN=Sockeye test CA; --server-ca names a root to trust"),
        ("expired", "has expired on 2020-01-02; --insecure lets it pass"),
        ("wrong-name", "is for another name: elsewhere.invalid; --insecure lets it pass"),
        ("self-signed", "is signed by itself; --server-ca names a root to trust"),
    ] {
        let roots = file("ca.pem");
        let trusting = if name == "good" { &[][..] } else { &["--cacert", &roots] };
        let (server, told) = tls_server(server_config(name));
        let url = format!("wss://localhost:{}", server.address.port());
        refused(&[&[url.as_str()][..], trusting].concat(), fault);
        server.finish();
        assert!(told.recv().is_err(), "{name}: it was asked");
        for insecure in ["-k", "--insecure"] {
            let (server, told) = tls_server(server_config(name));
            let url = format!("wss://localhost:{}", server.address.port());
            went_well(&open(&[&url, insecure]));
            told.recv().unwrap();
            server.finish();
        }
    }
}

#[test]
fn a_server_that_speaks_tls_where_none_is_spoken_is_told_of_and_the_other_way_round() {
    let (server, _told) = tls_server(server_config("good"));
    let expected = "the server speaks TLS on this port; does wss:// or https:// reach it?";
    refused(&[&format!("ws://{}", server.address)], expected);
    server.finish();
    let server = Server::once(|mut peer| {
        peer.expect(b"\x16\x03");
        peer.send("HTTP/1.1 400 Bad Request\r\n\r\n");
        // To leave with something unread would be a reset.
        let _ = peer.0.read_to_end(&mut Vec::new());
    });
    refused(&[&format!("wss://{}", server.address)], "the server does not speak TLS on this port");
    server.finish();
}

#[test]
fn a_server_that_asks_for_a_certificate_gets_one() {
    let both = tempfile::NamedTempFile::new().unwrap();
    let pem = [std::fs::read(certs("client.pem")).unwrap(), std::fs::read(certs("client.key")).unwrap()];
    std::fs::write(&both, pem.concat()).unwrap();
    let (certificate, key, both) = (file("client.pem"), file("client.key"), both.path().to_str().unwrap());
    for words in [
        &["-E", &certificate, "--key", &key][..],
        &["--cert", both],
        &["--client-cert", &certificate, "--client-key", &key],
    ] {
        let (server, told) = tls_server(asking_config(&[&TLS13], Demand::Required));
        let url = format!("wss://localhost:{}", server.address.port());
        went_well(&open(&[&[url.as_str(), "--cacert", &file("ca.pem")][..], words].concat()));
        told.recv().unwrap();
        server.finish();
    }
    let (server, _told) = tls_server(asking_config(&[&TLS13], Demand::Required));
    let url = format!("wss://localhost:{}", server.address.port());
    refused(&[&url, "--cacert", &file("ca.pem")], "wants a client certificate");
    server.finish();
}

/// Through a proxy whose URL begins so, to a server at `url`; gives what that proxy's log has of it.
#[track_caller]
fn through(start: &str, url: &str, words: &[&str]) -> Opened {
    let parent = forward();
    let proxy = format!("{start}{}", parent.address);
    let output = open(&[&[url, "-x", &proxy, "-v"][..], words].concat());
    went_well(&output);
    assert!(stderr(&output).contains("> GET /chat?x=1 HTTP/1.1\n"), "{}", stderr(&output));
    parent.finish().opening(1).unwrap().unwrap()
}

#[test]
fn a_server_is_reached_through_another_proxy() {
    for start in ["http://", "socks5://", "socks5h://"] {
        let (server, told) = plain_server();
        let url = format!("ws://localhost:{}/chat?x=1", server.address.port());
        // A session in the clear is one for that proxy too.
        let Opened::Session(opening) = through(start, &url, &[]) else { panic!("{start}: no session") };
        // An address is all that a proxy of socks5:// is told.
        let host = if start == "socks5://" { "localhost" } else { "none" };
        assert_eq!(opening.url.replace("127.0.0.1", host).replace("[::1]", host), url.replace("none", host));
        assert!(told.recv().unwrap().starts_with("GET /chat?x=1 HTTP/1.1\r\n"), "{start}");
        server.finish();
        let (server, told) = tls_server(server_config("good"));
        let url = format!("wss://localhost:{}/chat?x=1", server.address.port());
        let opened = through(start, &url, &["--cacert", &file("ca.pem")]);
        assert!(matches!(opened, Opened::Tunnel(_)), "{start}: {opened:?}");
        assert!(told.recv().unwrap().starts_with("GET /chat?x=1 HTTP/1.1\r\n"), "{start}");
        server.finish();
    }
}

#[test]
fn a_proxy_that_refuses_or_is_not_there_is_told_of() {
    let proxy = Server::once(|mut peer| {
        assert!(peer.head().contains("\r\nProxy-Authorization: Basic bWU6bm8=\r\n"));
        peer.send("HTTP/1.1 407 Who?\r\nContent-Length: 0\r\n\r\n");
    });
    let words = ["ws://server.example/", "--proxy", &format!("http://me:no@{}", proxy.address)];
    refused(&words, "it answered 407 Who?: it does not take this user and password");
    proxy.finish();
    let nobody = nobody();
    refused(
        &["ws://server.example/", "-x", &format!("socks5h://{nobody}")],
        &format!("cannot reach server.example:80 through the proxy socks5h://{nobody}: connection refused"),
    );
}

#[test]
fn a_server_in_no_proxy_is_reached_without_one() {
    let (server, told) = plain_server();
    let mut command = Command::new(env!("CARGO_BIN_EXE_sockeye"));
    command.args(["connect", &format!("ws://{}/", server.address), "-x", &format!("http://{}", nobody())]);
    let output = command.env("NO_PROXY", "127.0.0.1").stdin(std::process::Stdio::null()).output().unwrap();
    went_well(&output);
    told.recv().unwrap();
    server.finish();
}

/// Where nobody listens.
fn nobody() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

#[cfg(unix)]
#[test]
fn a_unix_socket_stands_in_place_of_the_urls_host() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.sock");
    let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let server = std::thread::spawn(move || serve(listener.accept().unwrap().0).unwrap());
    let path = path.to_str().unwrap();
    went_well(&open(&["ws://app.example:3000/chat", "--unix-socket", path]));
    let head = server.join().unwrap();
    assert!(head.starts_with("GET /chat HTTP/1.1\r\nHost: app.example:3000\r\n"), "{head}");
    refused(
        &["ws://app.example/", "--unix-socket", path],
        &format!("cannot reach unix:{path}: nobody listens there; is the server running?"),
    );
}
