//! What was done to the traffic: in recordings, and in what is printed of them.

use sockeye::capture::{
    Act, By, Deed, Ended, Ending, Event, Flow, Kind, Log, LogConfig, Message, Opening, Payload, Stamp,
};
use sockeye::filter::Filter;
use sockeye::headless::schema::Reader;
use sockeye::headless::text::Style;
use sockeye::headless::{Output, Printing, Redaction, load, print, record};
use sockeye::ws::{Direction, Opcode};

use crate::support::PATIENCE;

fn opened(session: u32) -> Event {
    let (time, url) = (Stamp(1_000_000), format!("ws://localhost/{session}"));
    Event::Opened(Opening { session, time, url, ..Opening::default() })
}

fn said(session: u32, number: u64, text: &str) -> Event {
    Event::Message(Message {
        session,
        number,
        time: Stamp(number * 1_000_000),
        direction: Direction::ToClient,
        kind: Kind::Frame(Opcode::Text),
        compressed: false,
        wire_size: text.len() as u64,
        size: text.len() as u64,
        utf8: true,
        complete: true,
        frames: Vec::new(),
        frames_left_out: 0,
        faults: Vec::new(),
        payload: Payload::from(text.to_owned()),
        injected: None,
    })
}

fn done(session: u32, number: Option<u64>, deed: Deed) -> Event {
    let (time, direction, by) = (Stamp(9_000_000), Direction::ToClient, By::Rule("secrets".into()));
    Event::Act(Act { session, time, direction, number, held: None, deed, by })
}

fn ended(session: u32) -> Event {
    let (client, server) = (Ending::Fin, Ending::Fin);
    Event::Ended(Ended { session, time: Stamp(10_000_000), client, server, first: None, octets: [0; 2] })
}

/// What is recorded of a log that saw these events.
fn recorded(events: Vec<Event>) -> String {
    let log = Log::create(&LogConfig::default()).unwrap();
    log.append_all(events).unwrap();
    log.close();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log.jsonl");
    record(&log, &path, Vec::new(), Redaction::On, |_| {}).unwrap().finish(PATIENCE).unwrap().unwrap();
    std::fs::read_to_string(path).unwrap()
}

fn printed(recording: &str, output: Output, filter: &str) -> String {
    let printing = Printing {
        output,
        filter: Filter::parse(filter).unwrap(),
        style: Style::PLAIN,
        listen: Vec::new(),
        redaction: Redaction::Off,
    };
    let mut out = Vec::new();
    let mut reader = Reader::new("log.jsonl", recording.as_bytes()).unwrap();
    print(&mut reader, &printing, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn a_rule_ends_what_is_recorded_of_a_session() {
    let recording = recorded(vec![
        opened(1),
        opened(2),
        said(1, 1, "before"),
        done(1, Some(1), Deed::RecordingStopped),
        said(1, 2, "hush"),
        done(1, Some(2), Deed::Dropped),
        said(2, 1, "another"),
        ended(1),
        ended(2),
    ]);
    let kinds: Vec<String> = recording
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .map(|line| format!("{} {}", line["type"].as_str().unwrap(), line["session"]))
        .collect();
    assert_eq!(
        kinds,
        ["recording null", "open 1", "open 2", "message 1", "act 1", "message 2", "end 1", "end 2"]
    );
    assert!(!recording.contains("hush"), "{recording}");
    let lines = printed(&recording, Output::Text, "");
    assert!(lines.contains("left out of recordings from here on by rule secrets"), "{lines}");
}

#[test]
fn what_was_done_is_found_by_its_message_also_where_a_recording_was_filtered() {
    let edited = || Deed::Edited(Opcode::Text, Payload::from("changed".to_owned()));
    let recording = recorded(vec![
        opened(1),
        said(1, 1, "apple"),
        said(1, 2, "pear"),
        done(1, Some(2), edited()),
        said(1, 3, "plum"),
        done(1, Some(1), Deed::Dropped),
        done(1, None, Deed::Reset),
        ended(1),
    ]);
    let filtered = printed(&recording, Output::Json, "edited");
    assert_eq!(filtered.lines().count(), 6, "{filtered}");
    assert!(filtered.contains("pear") && !filtered.contains("apple") && !filtered.contains("plum"));

    let mut reader = Reader::new("log.jsonl", filtered.as_bytes()).unwrap();
    let log = load(&mut reader, &LogConfig::default()).unwrap();
    assert_eq!(log.acts(1, 1).into_iter().map(|act| act.deed).collect::<Vec<_>>(), [edited()]);
    assert_eq!(log.acts(1, 2), []);
    let session: Vec<Deed> = log.session_acts(1).into_iter().map(|act| act.deed).collect();
    assert_eq!(session, [Deed::Reset]);
    assert_eq!(&*log.summary(Flow::Session(1)).unwrap().end, "reset by rule secrets");
}
