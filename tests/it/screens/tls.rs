//! The tab TLS: both legs, their certificates, and why something was not opened.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::style::Color;
use sockeye::capture::{
    Certificate, CertificateRequest, Event, Exchange, Leg, Opening, Refused, Tls, Tunnel, Verified,
};

use super::Stage;
use super::views::{LARGE, SMALL, check};
use crate::sample::{Sample, at, opening};

/// 2026-11-22 14:30 UTC.
const STARTED: i64 = 1_795_357_800;
const DAY: i64 = 86_400;

/// A certificate that holds from and until so many days after the log began.
fn certificate(subject: &str, issuer: &str, [from, until]: [i64; 2]) -> Certificate {
    Certificate {
        subject: format!("CN={subject}"),
        issuer: format!("CN={issuer}"),
        names: Vec::new(),
        not_before: STARTED + from * DAY,
        not_after: STARTED + until * DAY + until.signum() * 3_600,
        key: "P-256".into(),
        serial: "5f1c09".into(),
        sha256: "0b6b2c0d2d1f3a4e".repeat(4),
    }
}

fn leaf(host: &str, issuer: &str, days: [i64; 2]) -> Certificate {
    Certificate { names: vec![host.into(), "127.0.0.1".into()], ..certificate(host, issuer, days) }
}

fn leg(chain: &[Certificate], verified: Verified) -> Leg {
    Leg {
        server_name: Some("chat.example".into()),
        offered: vec!["http/1.1".into()],
        alpn: Some("http/1.1".into()),
        version: Some("TLS 1.3".into()),
        suite: Some("TLS_AES_256_GCM_SHA384".into()),
        chain: chain.into(),
        verified,
        took: Some(Duration::from_micros(3_100)),
        ..Leg::default()
    }
}

fn client() -> Leg {
    let offered = vec!["h2".into(), "http/1.1".into()];
    let chain = [leaf("chat.example", "Sockeye CA (ada@desk)", [-1, 396])];
    Leg { offered, ..leg(&chain, Verified::No) }
}

fn server(host: &str, days: [i64; 2], verified: Verified) -> Leg {
    let root = certificate("Example Root", "Example Root", [-400, 3_300]);
    leg(&[leaf(host, "Example Root", days), root], verified)
}

fn agreed(client: Option<Leg>, server: Option<Leg>) -> Option<Arc<Tls>> {
    Some(Arc::new(Tls { client, server }))
}

fn secure(session: u32, tls: Option<Arc<Tls>>) -> Opening {
    let url = "wss://chat.example/chat".into();
    Opening { url, tls, notes: Vec::new(), ..opening(session, u64::from(session) * 1_000, "/chat", "") }
}

fn expired() -> Event {
    let fault = "the server's certificate has expired";
    let server = Leg {
        version: None,
        suite: None,
        alpn: None,
        took: None,
        ..server("chat.example", [-90, -3], Verified::Fault(fault.into()))
    };
    let tls = agreed(Some(client()), Some(server));
    Event::Refused(Refused {
        opening: Opening { response: Default::default(), ..secure(2, tls) },
        why: format!(
            "cannot reach chat.example:443: {fault}; --server-ca names a root to trust, --insecure lets it pass"
        ),
        ..Refused::default()
    })
}

/// One flow of its own, chosen, with the tab open.
fn stage(event: Event, size: (u16, u16)) -> Stage {
    let started = UNIX_EPOCH + Duration::from_secs(STARTED as u64);
    let sample = Sample::begun(started);
    sample.add(event);
    let mut stage = Stage::new(sample, size);
    stage.keys("7");
    stage
}

#[track_caller]
fn check_both(name: &str, event: &Event) {
    for (size, suffix) in [(SMALL, "small"), (LARGE, "large")] {
        let mut stage = stage(event.clone(), size);
        if size == SMALL {
            stage.keys("tab tab enter");
        }
        check(&format!("{name}_{suffix}"), &stage);
    }
}

#[test]
fn both_legs_and_their_certificates() {
    let server =
        Leg { asked: CertificateRequest::Unanswered, ..server("chat.example", [-3, 87], Verified::Yes) };
    check_both("tls", &Event::Opened(secure(1, agreed(Some(client()), Some(server)))));
}

#[test]
fn a_refusal_shows_the_certificate_that_is_wrong() {
    check_both("tls_expired", &expired());
    let stage = stage(expired(), LARGE);
    assert!(stage.line_with("expired 3 days ago").contains('✗'), "{}", stage.screen());
    assert!(stage.screen().contains("--insecure lets it pass"));
    let mut stage = stage;
    stage.keys("5");
    stage.line_with("the tab TLS shows the server's certificates");
}

#[test]
fn what_insecure_let_pass_is_marked() {
    let fault = Verified::Fault("the server's certificate is for another name".into());
    let server = server("wrong.example", [-3, 87], fault);
    let stage = stage(Event::Opened(secure(1, agreed(Some(client()), Some(server)))), LARGE);
    for words in [
        "✗ the server's certificate is for another name",
        "! --insecure let it pass",
        "✗ chat.example is not among them",
    ] {
        stage.line_with(words);
    }
}

#[test]
fn sessions_are_filtered_by_what_tls_came_to() {
    for (filter, listed) in
        [("tls:yes", 1), ("tls:1.3", 1), ("tls:unverified", 1), ("tls:no", 2), ("tls:1.2", 0)]
    {
        let fault = Verified::Fault("the server's certificate has expired".into());
        let sample = Sample::empty();
        let tls = agreed(None, Some(server("chat.example", [-90, -3], fault)));
        sample.add(Event::Opened(secure(1, tls)));
        sample.add(Event::Opened(opening(2, 2_000, "/clear", "")));
        let mut stage = Stage::new(sample, LARGE);
        stage.keys("g");
        stage.line("f", filter);
        let screen = stage.screen();
        for (number, url) in [(1, "wss://chat.example/chat "), (2, "localhost:3000/clear ")] {
            let shown = screen.lines().take(5).any(|line| line.contains(url));
            assert_eq!(shown, listed == number, "{filter}\n{screen}");
        }
    }
}

#[test]
fn a_tunnel_left_closed_says_how_it_is_opened() {
    let tunnel = Tunnel {
        session: 1,
        time: at(1_000),
        target: "bank.example:443".into(),
        why: "TLS, left closed".into(),
        ..Tunnel::default()
    };
    check_both("tls_closed", &Event::Tunnel(tunnel));
}

#[test]
fn a_flow_in_the_clear_says_so() {
    let stage = stage(Event::Opened(opening(1, 1_000, "/chat", "")), LARGE);
    stage.line_with("[TLS]");
    stage.line_with("In the clear: no TLS was spoken");
}

#[test]
fn a_client_in_the_clear_and_one_end_not_reached_are_told_apart() {
    let reached = stage(
        Event::Opened(secure(1, agreed(None, Some(server("chat.example", [-3, 87], Verified::Yes))))),
        LARGE,
    );
    assert!(reached.line_with("· in the clear").contains("✓ the server's certificate holds"));
    let exchange = Exchange {
        exchange: 1,
        time: at(1_000),
        ended: Some(at(1_200)),
        url: "https://chat.example/".into(),
        request: "GET / HTTP/1.1\r\n\r\n".into(),
        error: Some("cannot reach chat.example:443: connection refused".into()),
        tls: agreed(Some(client()), None),
        ..Exchange::default()
    };
    stage(Event::Exchanged(exchange), LARGE).line_with("· the server was not reached");
}

#[test]
fn what_holds_is_green_and_what_does_not_is_red() {
    let colour = |event: Event, words: &str| {
        let stage = stage(event, LARGE);
        let mut terminal = Terminal::new(TestBackend::new(LARGE.0, LARGE.1)).unwrap();
        terminal.draw(|frame| stage.console.draw(frame)).unwrap();
        let buffer = terminal.backend().buffer();
        let row = stage.screen().lines().position(|line| line.contains(words)).unwrap() as u16;
        let mut cells = (0..LARGE.0).map(|x| &buffer[(x, row)]);
        cells.find(|cell| cell.symbol() == &words[..words.chars().next().unwrap().len_utf8()]).unwrap().fg
    };
    let good = Event::Opened(secure(1, agreed(None, Some(server("chat.example", [-3, 87], Verified::Yes)))));
    assert_eq!(colour(good.clone(), "✓ the server's certificate holds"), Color::Green);
    assert_eq!(colour(good, "✓ for 87 more days"), Color::Green);
    assert_eq!(colour(expired(), "✗ the server's certificate has expired"), Color::Red);
    assert_eq!(colour(expired(), "✗ expired 3 days ago"), Color::Red);
}

#[test]
fn a_hostile_certificate_leaves_the_terminal_alone() {
    let mut server = server("chat.example", [-3, 87], Verified::Fault("\u{1b}[2Jgone".into()));
    let mut hostile = server.chain.to_vec();
    hostile[0].subject = "CN=\u{1b}[2J\u{202e}evil".into();
    hostile[0].names = vec!["\r\n\u{7}".into(); 200];
    server.chain = hostile.into();
    for size in [SMALL, (200, 60), (20, 8)] {
        let tls = agreed(Some(client()), Some(server.clone()));
        let screen = stage(Event::Opened(secure(1, tls)), size).screen();
        assert!(!screen.chars().any(|character| character.is_control() && character != '\n'), "{screen:?}");
        assert!(!screen.contains('\u{202e}'));
    }
}

#[test]
fn the_certificates_are_copied_as_they_are_shown() {
    let event = Event::Opened(secure(1, agreed(None, Some(server("chat.example", [-3, 87], Verified::Yes)))));
    let mut stage = stage(event, LARGE);
    stage.keys("tab tab y");
    let copied = stage.console.copied().unwrap();
    assert!(copied.contains("✓ for 87 more days"), "{copied}");
}
