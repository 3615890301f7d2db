//! Connections redirected by the kernel, in network namespaces of the tests' own. Without the right to make them, or
//! without `unshare`, `ip` and `nft`, these tests say so on the standard error and test nothing.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use sockeye::capture::{Mode, Opened};
use sockeye::net::{CertAuthority, Entrance, Listen, Opening, ProxyConfig, ServerTls, Trust};

use crate::support::tls::{certificates, tls_client, tls_server};
use crate::support::{Peer, Running, config, request, start, switching};

/// Whose connections are redirected, and the servers they mean; all are this namespace's own.
const CLIENTS: [&str; 2] = ["192.0.2.9", "2001:db8::9"];
const SERVERS: [&str; 2] = ["192.0.2.1", "2001:db8::1"];

/// Says whether the caller is in a network namespace of its own. If it is not, has the test called `name` run in one.
fn inside(name: &str) -> bool {
    const INSIDE: &str = "SOCKEYE_TEST_NAMESPACE";
    if std::env::var_os(INSIDE).is_some() {
        return true;
    }
    let unshare = || {
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--net"]);
        command
    };
    let able = unshare().args(["sh", "-c", "ip link set lo up && nft add table inet sockeye"]).output();
    match able {
        Ok(output) if output.status.success() => {}
        Ok(output) => {
            eprintln!("{name} was skipped: {}", String::from_utf8_lossy(&output.stderr).trim());
            return false;
        }
        Err(error) => {
            eprintln!("{name} was skipped: unshare: {error}");
            return false;
        }
    }
    let own = std::env::current_exe().unwrap();
    let test = format!("transparent::{name}");
    let output =
        unshare().arg(own).args([&test, "--exact", "--nocapture"]).env(INSIDE, "1").output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("1 passed"), "{test} is no test: {said}");
    false
}

fn run(words: &str) {
    let mut words = words.split(' ');
    assert!(Command::new(words.next().unwrap()).args(words).status().unwrap().success());
}

/// A transparent proxy on all loopback addresses, to which what `CLIENTS` send to ports 80, 443 and 25 is redirected.
fn redirected(more: ProxyConfig) -> Running {
    run("ip link set lo up");
    for address in CLIENTS.iter().chain(&SERVERS) {
        let length = if address.contains(':') { "128 nodad" } else { "32" };
        run(&format!("ip address add {address}/{length} dev lo"));
    }
    let addresses = ["127.0.0.1:8080", "[::1]:8080"].map(|address| address.parse().unwrap());
    let listen = Listen { addresses: addresses.to_vec(), entrance: Entrance::Transparent };
    let running = start(ProxyConfig { listeners: vec![listen], ..more });
    let mut nft = Command::new("nft").args(["-f", "-"]).stdin(Stdio::piped()).spawn().unwrap();
    let [four, six] = CLIENTS;
    let rules = format!(
        "table inet sockeye {{ chain output {{
            type nat hook output priority -100
            ip saddr {four} tcp dport {{ 80, 443, 25 }} redirect to :8080
            ip6 saddr {six} tcp dport {{ 80, 443, 25 }} redirect to :8080
        }}
        }}
"
    );
    nft.stdin.take().unwrap().write_all(rules.as_bytes()).unwrap();
    assert!(nft.wait().unwrap().success());
    running
}

/// Connects from a client's address to a server's.
fn connect(from: &str, to: SocketAddr) -> Peer {
    let socket = socket2::Socket::new(socket2::Domain::for_address(to), socket2::Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::new(from.parse().unwrap(), 0).into()).unwrap();
    socket.connect(&to.into()).unwrap();
    Peer(socket.into())
}

/// A server at `address` that plays `script` once.
fn serve(address: SocketAddr, script: impl FnOnce(Peer) + Send + 'static) -> std::thread::JoinHandle<()> {
    let listener = std::net::TcpListener::bind(address).unwrap();
    std::thread::spawn(move || script(Peer(listener.accept().unwrap().0)))
}

#[test]
fn sessions_reach_the_servers_they_were_meant_for() {
    if !inside("sessions_reach_the_servers_they_were_meant_for") {
        return;
    }
    let running = redirected(config(None));
    for (session, (client, server)) in (1..).zip(CLIENTS.into_iter().zip(SERVERS)) {
        let address = SocketAddr::new(server.parse().unwrap(), 80);
        let ask = request(address).replace(&address.to_string(), "chat.example");
        let expected = ask.clone();
        let serving = serve(address, move |mut peer| {
            peer.expect(expected).send(switching()).expect_fin();
        });
        let mut peer = connect(client, address);
        peer.send(ask).expect(switching()).finish();
        serving.join().unwrap();
        running.until(|log| log.ended(session).unwrap());
        let Some(Opened::Session(opening)) = running.log.opening(session).unwrap() else { panic!("none") };
        assert_eq!(opening.mode, Some(Mode::Transparent));
        assert_eq!(opening.url, "ws://chat.example:80/chat?x=1");
        assert_eq!(opening.server, address.to_string());
        assert!(opening.notes.is_empty(), "{:?}", opening.notes);
        let from: SocketAddr = opening.client.parse().unwrap();
        assert_eq!(from.ip().to_string(), client);
    }
    running.finish();
}

/// Hands what comes to `address` on to `server`, both ways.
fn hand_on(address: SocketAddr, server: SocketAddr) -> std::thread::JoinHandle<()> {
    serve(address, move |peer| {
        let server = Peer::connect(server).0;
        let (mut from, mut to) = (peer.0.try_clone().unwrap(), server.try_clone().unwrap());
        let there = std::thread::spawn(move || std::io::copy(&mut from, &mut to));
        // Either end may leave without a word.
        let _ = std::io::copy(&mut &server, &mut &peer.0);
        drop((peer, server, there));
    })
}

#[test]
fn tls_is_opened_under_the_name_that_the_client_asks_for() {
    if !inside("tls_is_opened_under_the_name_that_the_client_asks_for") {
        return;
    }
    let authority = CertAuthority::new("test@here", time::OffsetDateTime::now_utc()).unwrap();
    let root = CertificateDer::from(authority.certificate_der().to_vec());
    let running = redirected(ProxyConfig {
        server_tls: ServerTls { roots: certificates("ca.pem"), trust: Trust::Verified, certificate: None },
        opening: Some(Opening::new(Arc::new(authority))),
        ..config(None)
    });
    for (session, (client, server)) in (1..).zip(CLIENTS.into_iter().zip(SERVERS)) {
        let address = SocketAddr::new(server.parse().unwrap(), 443);
        let behind = tls_server("good");
        let handing = hand_on(address, behind.address);
        // The certificate of the server is for this name, and so is what the client is shown.
        let mut client = tls_client(connect(client, address), "localhost", &root);
        let ask = request(address).replace(&address.to_string(), "localhost");
        client.write_all(ask.as_bytes()).unwrap();
        let expected = switching() + "\u{1}\u{2}hi";
        let mut got = vec![0; expected.len()];
        client.read_exact(&mut got).unwrap();
        assert_eq!(String::from_utf8(got).unwrap(), expected);
        client.write_all(b"\x81\x80\0\0\0\0").unwrap();
        behind.finish();
        drop(client);
        handing.join().unwrap();
        let opening = running.until(|log| match log.opening(session).unwrap() {
            Some(Opened::Session(opening)) => Some(opening),
            _ => None,
        });
        assert_eq!(opening.url, "wss://localhost:443/chat?x=1");
        assert_eq!(opening.server, address.to_string());
        assert_eq!(opening.mode, Some(Mode::Transparent));
    }
    running.finish();
}

#[test]
fn a_server_that_speaks_first_is_heard() {
    if !inside("a_server_that_speaks_first_is_heard") {
        return;
    }
    let running = redirected(config(None));
    let address = SocketAddr::new(SERVERS[0].parse().unwrap(), 25);
    let serving = serve(address, |mut peer| {
        peer.send("220 ready\r\n").expect("QUIT\r\n");
    });
    connect(CLIENTS[0], address).expect("220 ready\r\n").send("QUIT\r\n").expect_fin();
    serving.join().unwrap();
    let log = running.finish();
    let Some(Opened::Tunnel(tunnel)) = log.opening(1).unwrap() else { panic!("no tunnel") };
    assert_eq!((tunnel.mode, tunnel.target), (Some(Mode::Transparent), address.to_string()));
}

#[test]
fn what_was_not_redirected_is_refused_and_told_why() {
    if !inside("what_was_not_redirected_is_refused_and_told_why") {
        return;
    }
    let running = redirected(config(None));
    for address in ["127.0.0.1:8080", "[::1]:8080"] {
        let answer = Peer::connect(address.parse().unwrap()).send("GET / HTTP/1.1\r\nHost: x\r\n\r\n").rest();
        let answer = String::from_utf8(answer).unwrap();
        assert!(answer.contains("was sent to it directly"), "{answer}");
    }
    running.finish();
}

#[test]
fn a_proxy_whose_own_connections_are_redirected_says_so() {
    if !inside("a_proxy_whose_own_connections_are_redirected_says_so") {
        return;
    }
    let running = redirected(config(None));
    // Now everybody's are, the proxy's own as well.
    run("nft add rule inet sockeye output tcp dport 80 redirect to :8080");
    let address = SocketAddr::new(SERVERS[0].parse().unwrap(), 80);
    let answer = connect(CLIENTS[0], address).send(request(address)).rest();
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.contains("was redirected back to it"), "{answer}");
    let log = running.finish();
    // It went round a few times at the most before it was known.
    assert!(log.stats().notes < 10, "{:?}", log.stats());
}

#[test]
fn a_server_that_is_not_there_is_told_of() {
    if !inside("a_server_that_is_not_there_is_told_of") {
        return;
    }
    let running = redirected(config(None));
    let address = SocketAddr::new(SERVERS[1].parse().unwrap(), 80);
    let answer = connect(CLIENTS[1], address).send(request(address)).rest();
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.contains("cannot reach [2001:db8::1]:80"), "{answer}");
    running.finish();
}
