//! Whole screens as they are drawn.

use sockeye::capture::{Event, Opening, Refused};
use sockeye::net::{Entrance, Listening};
use sockeye::tui::About;

use super::Stage;
use crate::sample::Sample;

pub const SMALL: (u16, u16) = (80, 24);
pub const LARGE: (u16, u16) = (140, 45);

/// Compares a screen with the one on file.
#[track_caller]
pub fn check(name: &str, stage: &Stage) {
    insta::with_settings!({ prepend_module_to_snapshot => false, snapshot_path => "../snapshots", omit_expression => true }, {
        insta::assert_snapshot!(name, without_clock(&stage.screen()));
    });
}

/// The time of day is never the same.
fn without_clock(screen: &str) -> String {
    match screen.find(" UTC") {
        Some(end) => format!("{}hh:mm:ss.mmm{}", &screen[..end - 12], &screen[end..]),
        None => screen.to_owned(),
    }
}

/// The same keys on a small and on a large screen.
#[track_caller]
fn check_both(name: &str, keys: &str) {
    for (size, suffix) in [(SMALL, "small"), (LARGE, "large")] {
        let mut stage = Stage::new(Sample::full(), size);
        stage.keys(keys);
        check(&format!("{name}_{suffix}"), &stage);
    }
}

/// The keys that lead to the chat's messages, the first one chosen.
pub const CHAT: &str = "g j j j enter g";

#[test]
fn an_empty_screen_says_what_to_do_next() {
    for (size, suffix) in [(SMALL, "small"), (LARGE, "large")] {
        check(&format!("empty_{suffix}"), &Stage::new(Sample::empty(), size));
    }
}

#[test]
fn an_empty_forward_proxy_says_how_to_set_it() {
    let about = About {
        listen: vec![Listening { address: "127.0.0.1:8080".parse().unwrap(), entrance: Entrance::Forward }],
        ..About::default()
    };
    check("empty_forward", &Stage::about(Sample::empty(), about, SMALL));
}

#[test]
fn several_listeners_are_all_told() {
    let listening = |address: &str, entrance| Listening { address: address.parse().unwrap(), entrance };
    let server = |url: &str| Entrance::Reverse(url.parse().unwrap());
    let about = About {
        listen: vec![
            listening("127.0.0.1:8081", server("ws://localhost:3001")),
            listening("[::1]:8081", server("ws://localhost:3001")),
            listening("127.0.0.1:9000", Entrance::Forward),
        ],
        ..About::default()
    };
    let stage = Stage::about(Sample::empty(), about, SMALL);
    check("empty_listeners", &stage);
}

#[test]
fn live() {
    check_both("live", "g j j j tab");
}

#[test]
fn a_session_fills_the_screen() {
    check_both("session", CHAT);
}

#[test]
fn a_refused_handshake_is_explained() {
    check_both("refused", "g");
}

#[test]
fn an_exchange_shows_both_heads() {
    check_both("exchange", "g j j tab 5");
}

#[test]
fn an_exchange_shows_its_body() {
    check_both("exchange_body", "g j j tab G 1");
}

#[test]
fn a_tunnel_says_why_it_is_not_read() {
    check_both("tunnel", "G");
}

#[test]
fn frames() {
    check_both("frames", &format!("{CHAT} j j 4"));
}

#[test]
fn hex() {
    check_both("hex", &format!("{CHAT} j j 3"));
}

#[test]
fn message_pack_is_decoded() {
    check_both("message_pack", &format!("{CHAT} j j"));
}

#[test]
fn a_violation_stands_out() {
    check_both("violation", &format!("{CHAT} j j j j j j j"));
}

#[test]
fn a_handshake_is_read_line_by_line() {
    check_both("handshake", &format!("{CHAT} tab 5 enter"));
}

#[test]
fn timing() {
    check_both("timing", &format!("{CHAT} j j j j j j 6"));
}

#[test]
fn help_for_where_you_are() {
    check_both("help", "?");
}

#[test]
fn an_answer_says_what_it_answers_and_when() {
    let mut stage = Stage::new(Sample::full(), LARGE);
    stage.keys(CHAT);
    assert!(stage.line_with("\"ack\"").ends_with("↩ 1 3.0 ms"), "{}", stage.screen());
    assert!(stage.line_with("pong").ends_with("↩ 4 3.0 ms"), "{}", stage.screen());
    assert!(stage.screen().contains("↩ answered by message 2, 3.0 ms later"));
    stage.keys("j");
    assert!(stage.screen().contains("↩ answers message 1, 3.0 ms later"));
}

#[test]
fn a_recording_says_where_it_was_redacted() {
    let sample = Sample::empty();
    let opening = Opening {
        session: 1,
        url: "ws://localhost:3000/chat?token=redacted-1".into(),
        request: "GET /chat?token=redacted-1 HTTP/1.1\r\n\r\n".into(),
        response: "HTTP/1.1 101 Switching Protocols\r\n\r\n".into(),
        redacted: vec!["url token".into(), "response Set-Cookie".into()],
        ..Opening::default()
    };
    sample.add(Event::Opened(opening));
    let mut stage = Stage::new(sample, LARGE);
    stage.keys("5 enter");
    assert!(stage.screen().contains("· redacted: url token, response Set-Cookie"), "{}", stage.screen());
}

#[test]
fn what_a_refusal_says_is_not_said_again_of_the_heads() {
    let sample = Sample::empty();
    let why = "the server answered 426 Upgrade Required, not 101: the request lacks both Upgrade: websocket and \
               Connection: Upgrade; proxies in between drop them unless told otherwise (nginx: proxy_set_header \
               Upgrade $http_upgrade) (RFC 6455 4.1)";
    let opening = Opening {
        session: 1,
        url: "ws://localhost:3000/chat".into(),
        request: "GET /chat HTTP/1.1\r\nHost: localhost:3000\r\nSec-WebSocket-Version: 13\r\n\
                  Sec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA==\r\n\r\n"
            .into(),
        response: "HTTP/1.1 426 Upgrade Required\r\n\r\n".into(),
        ..Opening::default()
    };
    sample.add(Event::Refused(Refused { opening, why: why.into(), ..Refused::default() }));
    let stage = Stage::new(sample, LARGE);
    assert_eq!(stage.screen().matches("lacks both Upgrade").count(), 1, "{}", stage.screen());
}
