//! Replays behind a proxy of their own: what passes is recorded, and shown.

use std::process::{Command, Stdio};

use sockeye::headless;
use sockeye::headless::schema::Item;

use crate::replay::{HELLO, recording, session};
use crate::replay_program::{Mock, sockeye};

/// The types of a recording's events, in short: one word each.
fn told(file: &std::path::Path) -> String {
    let mut reader = headless::open(file).unwrap();
    let mut words = Vec::new();
    while let Some(record) = reader.next().unwrap() {
        if let Item::Event(event) = record.item {
            let word = format!("{event:?}");
            words.push(word.split('(').next().unwrap_or_default().to_owned());
        }
    }
    words.join(" ")
}

const ALL: &str = "Opened Message Message Message Message Ended";

#[test]
fn what_passes_both_players_is_recorded() {
    let (folder, file) = recording(&[session(1, "/one", "", HELLO)]);
    let (server, client) = (folder.path().join("server.jsonl"), folder.path().join("client.jsonl"));
    let mut mock = Mock::start(&file, &["--record", server.to_str().unwrap()]);
    let words = ["replay", "client", file.to_str().unwrap(), &mock.url, "--record", client.to_str().unwrap()];
    let (code, out, errors) = sockeye(&words);
    assert_eq!(code, Some(0), "{out}{errors}");
    assert!(mock.line().starts_with(r#"{"type":"session","target":"/one","line":2,"ok":true,"#));
    assert_eq!(mock.line(), r#"{"type":"summary","ok":true,"played":1,"left":[]}"#);
    assert_eq!(mock.code(), Some(0));
    assert_eq!((told(&server), told(&client)), (ALL.to_owned(), ALL.to_owned()));
    // What was recorded can be played again.
    let mut mock = Mock::start(&client, &[]);
    assert_eq!(sockeye(&["replay", "client", server.to_str().unwrap(), &mock.url]).0, Some(0));
    assert!(mock.line().contains(r#""ok":true"#));
}

#[test]
fn a_server_that_is_not_there_is_told_of_as_without_a_proxy() {
    let (folder, file) = recording(&[session(1, "/one", "", HELLO)]);
    let out = folder.path().join("out.jsonl");
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("ws://{nobody}");
    let words = ["replay", "client", file.to_str().unwrap(), &url, "--record", out.to_str().unwrap()];
    let (code, _, errors) = sockeye(&words);
    assert!(code == Some(3) && errors.contains(&format!("cannot reach {nobody}")), "{errors}");
    assert_eq!(told(&out), "Refused");
}

#[test]
fn a_screen_needs_a_terminal() {
    let (_folder, file) = recording(&[session(1, "/one", "", HELLO)]);
    let words = ["replay", "server", file.to_str().unwrap(), "--show"];
    let (code, _, errors) = sockeye(&words);
    assert!(code == Some(2) && errors.contains("--show"), "{errors}");
    let (code, _, errors) = sockeye(&[&words[..], &["--end-with-stdin"]].concat());
    assert!(code == Some(2) && errors.contains("cannot be used with"), "{errors}");
}

#[cfg(all(unix, feature = "tui"))]
#[test]
fn a_screen_shows_both_players_and_the_report_comes_when_it_is_left() {
    use crate::terminal::Terminal;
    let (_folder, file) = recording(&[session(1, "/one", "", HELLO), session(2, "/two", "", HELLO)]);
    let file = file.to_str().unwrap();
    let mut shown = Terminal::sockeye(&["replay", "server", file, "--show", "-l", "127.0.0.1:0"]);
    shown.wait_for("Nothing has come through yet");
    let title = shown.text().lines().next().unwrap_or_default().to_owned();
    let url = format!("ws://{}", title.split_whitespace().nth(1).unwrap());
    let (_other, one) = recording(&[session(1, "/one", "", HELLO)]);
    let client = Command::new(env!("CARGO_BIN_EXE_sockeye"))
        .args(["replay", "client", one.to_str().unwrap(), &url])
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(client.success());
    shown.wait_for("1 of 2 played");
    shown.wait_for(r#"{"id":7,"answer":"world"}"#);
    // The other client is one that can be looked at.
    let mut playing = Terminal::sockeye(&["replay", "client", file, &url, "--show", "--select", "path:/two"]);
    playing.wait_for("all was as recorded (1 played)");
    playing.press("O");
    playing.wait_for("ok      /two (2 messages as recorded, 2 sent)");
    playing.press("Q");
    assert!(playing.leave(0).contains("ok      /two (2 messages as recorded, 2 sent)"));
    shown.wait_for("all was as recorded (2 played)");
    shown.press("Q");
    let last = shown.leave(0);
    assert!(last.contains("listening on") && last.contains("ok      /one (2 messages"), "{last}");
}

#[cfg(all(unix, feature = "tui"))]
#[test]
fn who_leaves_the_screen_early_is_told_what_was_not_played() {
    use crate::terminal::Terminal;
    let (_folder, file) = recording(&[session(1, "/one", "", HELLO)]);
    let mut shown = Terminal::sockeye(&["replay", "server", file.to_str().unwrap(), "--show"]);
    shown.wait_for("0 of 1 played");
    shown.press("Q");
    let last = shown.leave(1);
    assert!(last.contains("this session was not played"), "{last}");
    assert!(last.contains("not all of the recording was played: 1 missing"), "{last}");
}

#[cfg(all(unix, feature = "tui"))]
#[test]
fn a_session_is_played_again_from_the_screen_and_compared() {
    use crate::terminal::Terminal;
    let changed: Vec<String> = HELLO.iter().map(|line| line.replace("world", "moon")).collect();
    let changed: Vec<&str> = changed.iter().map(String::as_str).collect();
    let (_then, then) = recording(&[session(4, "/one", "", HELLO)]);
    let (_now, now) = recording(&[session(1, "/one", "", &changed)]);
    let mut mock = Mock::start(&now, &[]);
    // A recording has no proxy of its own until one is needed.
    let mut shown = Terminal::sockeye(&["show", then.to_str().unwrap()]);
    shown.wait_for("Messages of #4");
    shown.press(&format!(":play {}\r", mock.url));
    shown.wait_for("#4 and #5");
    shown.wait_for("3 same · 1 changed");
    shown.wait_for("#5 went otherwise than #4");
    shown.press("]]");
    shown.wait_for("$.answer  \"world\"  →  \"moon\"");
    assert!(mock.line().contains(r#""target":"/one","line":2,"ok":true"#));
    shown.press("\x1b");
    shown.wait_for("Messages of #4");
    shown.press("R");
    shown.wait_for("play #4 again to: ws://h ");
    shown.press("\x15127.0.0.1:1\r");
    shown.wait_for("cannot reach 127.0.0.1:1");
    shown.press("Q");
    shown.leave(0);
}

/// Whoever is inside needs no password, and no TLS.
#[test]
fn a_proxy_lets_in_who_comes_by_its_door() {
    use sockeye::capture::{CaptureConfig, Flow, Log, LogConfig, State, capture};
    use sockeye::control::Controller;
    use sockeye::net::{Proxy, ProxyConfig};
    use sockeye::replay::Encore;
    let (_folder, file) = recording(&[session(7, "/one", "", HELLO)]);
    let mut mock = Mock::start(&file, &[]);
    let log = headless::load(&mut headless::open(&file).unwrap(), &LogConfig::default()).unwrap();
    let (tap, capture) = capture(&log, CaptureConfig::default()).unwrap();
    let config = ProxyConfig { auth: Some("user:password".parse().unwrap()), ..ProxyConfig::default() };
    let proxy = Proxy::start(config, tap, &Controller::new()).unwrap();
    log.reopen();
    let encore = Encore::start(&log, 7, mock.url.parse().unwrap(), proxy.door()).unwrap();
    assert!(mock.line().contains(r#""ok":true"#));
    let over =
        |log: &Log| log.summary(Flow::Session(8)).is_some_and(|summary| summary.state == State::Closed);
    while !over(&log) || encore.over().is_none() {
        log.wait(log.version(), std::time::Duration::from_millis(20));
    }
    let summary = log.summary(Flow::Session(8)).unwrap();
    assert_eq!(Some(summary.client.to_string()), encore.address());
    assert_eq!(encore.over().unwrap().unwrap().matched, 2);
    assert!(Encore::start(&log, 99, mock.url.parse().unwrap(), proxy.door()).is_err());
    let door = proxy.door();
    proxy.finish();
    capture.finish(&log);
    let late = Encore::start(&log, 7, mock.url.parse().unwrap(), door).unwrap();
    while late.over().is_none() {
        std::thread::yield_now();
    }
    assert!(late.over().unwrap().unwrap_err().contains("the proxy has ended"));
}
