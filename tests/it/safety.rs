//! What the proxy refuses, so that nobody can turn it against its user.

use sockeye::capture::{Capture, CaptureConfig, Log, LogConfig, capture};
use sockeye::control::Controller;
use sockeye::net::{Proxy, StartError};

use crate::support::{Running, config, forward};

/// What a forward proxy says to a client that says `ask`, and closes then.
#[track_caller]
fn answer(running: &Running, ask: &str) -> String {
    let mut client = running.client();
    client.send(ask);
    String::from_utf8(client.rest()).unwrap()
}

fn log() -> (Log, sockeye::capture::Tap, Capture) {
    let log = Log::create(&LogConfig::default()).unwrap();
    let (tap, capture) = capture(&log, CaptureConfig::default()).unwrap();
    (log, tap, capture)
}

#[test]
fn a_forward_proxy_does_not_ask_itself() {
    let running = forward();
    let port = running.address.port();
    for host in ["127.0.0.1", "localhost", "0.0.0.0", "[::ffff:127.0.0.1]"] {
        let ask = format!("GET http://{host}:{port}/x HTTP/1.1\r\nHost: x\r\n\r\n");
        let got = answer(&running, &ask);
        assert!(got.starts_with("HTTP/1.1 508 Loop Detected\r\n"), "{ask}: {got}");
        assert!(got.contains("is this proxy itself"), "{got}");
        let got = answer(&running, &format!("CONNECT {host}:{port} HTTP/1.1\r\n\r\n"));
        assert!(got.starts_with("HTTP/1.1 508 Loop Detected\r\n"), "{got}");
    }
    let mut client = running.client();
    client.send(b"\x05\x01\x00").expect(b"\x05\x00");
    client.send(b"\x05\x01\x00\x01\x7f\0\0\x01").send(port.to_be_bytes());
    client.expect(b"\x05\x02\x00\x01\0\0\0\0\0\0").expect_fin();
    // None of it came back: what is listed is what these clients asked for.
    let log = running.finish();
    assert_eq!(log.stats().exchanges, 9);
    assert!(log.exchange(1).unwrap().unwrap().error.unwrap().contains("is this proxy itself"));
}

#[test]
fn a_reverse_proxy_is_not_its_own_server() {
    // A port that is free now; nothing else here asks for one by number.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut config = config(Some(free));
    config.listen = free;
    let (log, tap, capture) = log();
    let started = Proxy::start(config, tap, &Controller::new());
    let Err(error @ StartError::Loop(_)) = started else { panic!("it started") };
    assert!(error.to_string().contains("--listen"), "{error}");
    capture.finish(&log);
}
