//! Secrets in recordings and printed lines: replaced there, and nowhere else.

use std::path::Path;

use sockeye::capture::{Flow, Log, LogConfig, Opened};
use sockeye::filter::Filter;
use sockeye::headless::text::Style;
use sockeye::headless::{Chosen, Output, Printing, Redaction, follow, load, open, print, record, save};

use crate::support::{PATIENCE, Server, reverse};

const SECRETS: [&str; 4] = ["t-0417-query", "bearer-s3cret", "c00kie-value", "0123456789abcdef"];

const REQUEST: &str = "GET /chat?room=quay&token=t-0417-query HTTP/1.1\r\nHost: quay\r\nUpgrade: websocket\r\n\
                       Connection: Upgrade\r\nAuthorization: Bearer bearer-s3cret\r\n\
                       Cookie: lang=no; session=c00kie-value\r\nSec-WebSocket-Version: 13\r\n\
                       Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
                       Sec-WebSocket-Protocol: chat, access_token, 0123456789abcdef\r\n\r\n";

const REFUSAL: &str = "HTTP/1.1 403 Forbidden\r\nSet-Cookie: session=c00kie-value; Path=/\r\nContent-Length: 47\r\n\r\n\
                       bearer-s3cret of c00kie-value may not: chat, no";

/// The log of a refused handshake full of secrets. What is passed on has them all.
fn refused() -> Log {
    let server = Server::once(|mut peer| {
        let head = peer.head();
        for secret in SECRETS {
            assert!(head.contains(secret), "{head}");
        }
        peer.send(REFUSAL).finish();
    });
    let running = reverse(server.address);
    let mut client = running.client();
    client.send(REQUEST).expect(REFUSAL);
    client.finish();
    server.finish();
    let log = running.finish();
    log.close();
    log
}

fn recorded(log: &Log, path: &Path, redaction: Redaction) -> String {
    record(log, path, Vec::new(), redaction, |_| {}).unwrap().finish(PATIENCE).unwrap().unwrap();
    std::fs::read_to_string(path).unwrap()
}

fn printing(output: Output, redaction: Redaction) -> Printing {
    Printing { output, filter: Filter::default(), style: Style::PLAIN, listen: Vec::new(), redaction }
}

fn followed(log: &Log, printing: &Printing) -> String {
    let mut out = Vec::new();
    follow(log, printing, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn no_secret_is_recorded_or_printed_unless_it_is_wanted() {
    let log = refused();
    let directory = tempfile::tempdir().unwrap();
    let lines = |redaction| {
        [
            recorded(&log, &directory.path().join("a.jsonl"), redaction),
            followed(&log, &printing(Output::Json, redaction)),
            followed(&log, &printing(Output::Text, redaction)),
        ]
    };
    for lines in lines(Redaction::On) {
        for secret in SECRETS {
            assert!(!lines.contains(secret), "{lines}");
        }
        assert!(lines.contains("/chat?room=quay&token=redacted-1"), "{lines}");
    }
    let [recording, json, text] = lines(Redaction::Off);
    for secret in SECRETS {
        assert!(recording.contains(secret) && json.contains(secret), "{recording}");
    }
    assert!(text.contains("token=t-0417-query") && !recording.contains("redacted"), "{recording}");
}

#[test]
fn a_recording_says_what_was_replaced_and_keeps_what_it_says() {
    let log = refused();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("first.jsonl");
    let recording = recorded(&log, &path, Redaction::On);
    let lines: Vec<serde_json::Value> =
        recording.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0]["redacted"], true);
    let places = [
        "url token",
        "request Authorization",
        "request Cookie",
        "request Sec-WebSocket-Protocol",
        "response Set-Cookie",
        "response body",
    ];
    assert_eq!(lines[1]["redacted"], serde_json::json!(places));
    assert_eq!(lines[1]["response"]["body"], "redacted-2 of redacted-4 may not: chat, no");
    assert_eq!(
        lines[1]["request"]["headers"].as_array().unwrap()[3..],
        [
            serde_json::json!(["Authorization", "Bearer redacted-2"]),
            serde_json::json!(["Cookie", "lang=redacted-3; session=redacted-4"]),
            serde_json::json!(["Sec-WebSocket-Version", "13"]),
            serde_json::json!(["Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="]),
            serde_json::json!(["Sec-WebSocket-Protocol", "chat, access_token, redacted-5"]),
        ]
    );

    // Opened and saved again, it is the same; printed, it is as it stands.
    let loaded = load(&mut open(&path).unwrap(), &LogConfig::default()).unwrap();
    let Ok(Some(Opened::Refused(refused))) = loaded.opening(1) else { panic!("{recording}") };
    assert_eq!(refused.opening.redacted, places);
    let again = directory.path().join("again.jsonl");
    save(&loaded, &again, &Chosen::All, Vec::new(), Redaction::On).unwrap();
    assert_eq!(std::fs::read_to_string(&again).unwrap(), recording);
    let mut out = Vec::new();
    print(&mut open(&path).unwrap(), &printing(Output::Text, Redaction::Off), &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert!(text.lines().next().unwrap().ends_with(", redacted"), "{text}");
}

#[test]
fn the_log_keeps_everything_as_it_came() {
    let log = refused();
    let directory = tempfile::tempdir().unwrap();
    recorded(&log, &directory.path().join("a.jsonl"), Redaction::On);
    let Ok(Some(Opened::Refused(refused))) = log.opening(1) else { panic!() };
    assert_eq!(refused.opening.request, REQUEST);
    assert!(refused.opening.url.ends_with("token=t-0417-query"));
    assert_eq!(refused.opening.redacted, Vec::<String>::new());
    assert!(log.summary(Flow::Session(1)).unwrap().url.ends_with("token=t-0417-query"));
}
