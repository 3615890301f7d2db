//! Recordings and printed lines: what the proxy saw, written, read back, and loaded again.

use std::io::{self, BufReader, Write};
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};

use sockeye::capture::{
    Ended, Ending, Event, Kind, Log, LogConfig, Message, Next, Note, Opening, SMALLEST_LIMIT, Stamp,
};
use sockeye::filter::Filter;
use sockeye::headless::schema::{Item, Reader};
use sockeye::headless::text::Style;
use sockeye::headless::{Follower, Output, Printing, Redaction, follow, load, open, print, record};
use sockeye::net::{Entrance, Listening};
use sockeye::ws::{Direction, Opcode};

use crate::support::{PATIENCE, Server, request, reverse};

fn at_8080() -> Vec<Listening> {
    vec![Listening { address: "127.0.0.1:8080".parse().unwrap(), entrance: Entrance::Forward }]
}

fn printing(output: Output, filter: &str) -> Printing {
    Printing {
        output,
        filter: Filter::parse(filter).unwrap(),
        style: Style::PLAIN,
        listen: Vec::new(),
        redaction: Redaction::Off,
    }
}

fn log() -> Log {
    Log::create(&LogConfig::default()).unwrap()
}

fn opening(session: u32) -> Event {
    let time = Stamp(u64::from(session) * 1_000_000);
    Event::Opened(Opening { session, time, url: format!("ws://localhost/{session}"), ..Opening::default() })
}

/// When a message was said.
fn spoken(number: u64) -> Stamp {
    Stamp((number + 10) * 1_000_000)
}

fn said(session: u32, number: u64, payload: impl Into<Vec<u8>>) -> Event {
    let payload = payload.into();
    Event::Message(Message {
        session,
        number,
        time: spoken(number),
        direction: Direction::ToClient,
        kind: Kind::Frame(Opcode::Text),
        compressed: false,
        wire_size: payload.len() as u64,
        size: payload.len() as u64,
        utf8: true,
        complete: true,
        frames: Vec::new(),
        frames_left_out: 0,
        faults: Vec::new(),
        payload: payload.into(),
        injected: None,
    })
}

fn ended(session: u32) -> Event {
    let (client, server) = (Ending::Fin, Ending::Fin);
    Event::Ended(Ended { session, time: Stamp(90_000_000_000), client, server, first: None, octets: [0; 2] })
}

const SWITCHING: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                         Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

/// Records a log that is closed.
fn recorded(log: &Log) -> String {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log.jsonl");
    record(log, &path, at_8080(), Redaction::Off, |_| {}).unwrap().finish(PATIENCE).unwrap().unwrap();
    std::fs::read_to_string(path).unwrap()
}

fn printed(recording: &str, printing: &Printing) -> String {
    let mut out = Vec::new();
    let mut reader = Reader::new("log.jsonl", recording.as_bytes()).unwrap();
    let remarks = print(&mut reader, printing, &mut out).unwrap();
    assert_eq!(remarks, Vec::<String>::new());
    String::from_utf8(out).unwrap()
}

fn items(recording: &str) -> Vec<Item> {
    let mut reader = Reader::new("log.jsonl", recording.as_bytes()).unwrap();
    let mut items = Vec::new();
    while let Some(record) = reader.next().unwrap() {
        items.push(record.item);
    }
    items
}

/// The lines without what differs from run to run.
fn steady(recording: &str) -> Vec<String> {
    let steady = |line: &str| {
        let mut line: serde_json::Value = serde_json::from_str(line).unwrap();
        let object = line.as_object_mut().unwrap();
        for key in ["time", "at", "started", "timing", "client", "server", "url", "request", "sent", "notes"]
        {
            object.shift_remove(key);
        }
        line.to_string()
    };
    recording.lines().map(steady).collect()
}

#[test]
fn what_passes_is_recorded_and_comes_back() {
    let server = Server::once(|mut peer| {
        peer.head();
        peer.send(SWITCHING).expect(b"\x81\x85\0\0\0\0hello");
        // in two fragments with a ping between them, then unmasked as it should be, then masked as it should not
        peer.send(b"\x01\x03{\"a\x89\x00\x80\x04\":1}\x82\x02\xff\xfe\x81\x81\x01\x02\x03\x04\x60");
        peer.send(b"\x88\x06\x03\xe8done").finish().expect_fin();
    });
    let running = reverse(server.address);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("chat.jsonl");
    let recorder = record(&running.log, &path, at_8080(), Redaction::Off, |_| {}).unwrap();
    let mut client = running.client();
    client.send(request(running.address)).expect(SWITCHING).send(b"\x81\x85\0\0\0\0hello");
    client.rest();
    client.finish();
    server.finish();
    let log = running.finish();
    log.close();
    recorder.finish(PATIENCE).unwrap().unwrap();

    let recording = std::fs::read_to_string(&path).unwrap();
    let frames = recording.lines().find(|line| line.contains("frames_at")).unwrap();
    assert!(frames.contains(r#""json":{"a":1},"frames":[3,4],"frames_at":["#), "{frames}");
    assert!(frames.contains(r#""offset":[0,7]"#), "{frames}");
    let lines = steady(&recording.replace(&frames[frames.find(r#","frames":"#).unwrap()..], "}"));
    assert_eq!(
        lines,
        [
            r#"{"type":"recording","version":1,"tool":"sockeye 0.1.0","listen":"127.0.0.1:8080"}"#,
            r#"{"type":"open","session":1,"mode":"reverse","http":"1.1","tls":null,"response":{"line":"HTTP/1.1 101 Switching Protocols","headers":[["Upgrade","websocket"],["Connection","Upgrade"],["Sec-WebSocket-Accept","s3pPLMBiTxaQ9kYGzzhZRbK+xOo="]]},"subprotocol":null,"extensions":null}"#,
            r#"{"type":"message","session":1,"n":1,"from":"client","op":"text","text":"hello"}"#,
            r#"{"type":"ping","session":1,"n":2,"from":"server","text":"","offset":5}"#,
            r#"{"type":"message","session":1,"n":3,"from":"server","op":"text","json":{"a":1}}"#,
            r#"{"type":"message","session":1,"n":4,"from":"server","op":"binary","base64":"//4="}"#,
            r#"{"type":"message","session":1,"n":5,"from":"server","op":"text","text":"a","frames":[{"length":1,"masking_key":"01020304"}]}"#,
            r#"{"type":"violation","session":1,"n":5,"from":"server","what":"the server masked this frame; a server must not mask","section":"RFC 6455 5.1"}"#,
            r#"{"type":"close","session":1,"n":6,"from":"server","code":1000,"reason":"done"}"#,
            r#"{"type":"end","session":1,"first":"server","octets":{"client":11,"server":32}}"#,
        ]
    );
    assert_eq!(printed(&recording, &printing(Output::Json, "")), recording);
    let mut reader = open(&path).unwrap();
    let again = load(&mut reader, &LogConfig::default()).unwrap();
    assert_eq!(recorded(&again), recording);
}

#[test]
fn payloads_of_any_size_are_the_same_in_the_log_and_the_recording() {
    let log = log();
    log.append(opening(1)).unwrap();
    for (number, size) in (1..).zip([0, 1, 40_000, 1_100_000, 3_000_001]) {
        let text: String = "grüße \u{1f41f}\n".chars().cycle().take(size).collect();
        log.append(said(1, number, text)).unwrap();
    }
    log.close();
    let recording = recorded(&log);
    let mut cursor = log.cursor();
    for item in items(&recording) {
        let Next::Event(event) = cursor.next().unwrap() else { panic!("the log has less") };
        let (Event::Message(logged), Item::Event(Event::Message(read))) = (&event, &item) else { continue };
        let bytes = log.read(&logged.payload, 0, logged.payload.len() as usize).unwrap();
        assert!(read.payload.in_memory() == Some(&bytes), "{}", bytes.len());
    }
    assert!(matches!(cursor.next().unwrap(), Next::End));
    let again =
        load(&mut Reader::new("log.jsonl", recording.as_bytes()).unwrap(), &LogConfig::default()).unwrap();
    assert!(recorded(&again) == recording);
}

/// A sink that takes nothing until it is told to, and tells what it took each time it is flushed.
struct Gate {
    opened: Receiver<()>,
    is_open: bool,
    taken: Vec<u8>,
    tell: Sender<String>,
}

fn gate() -> (Gate, Sender<()>, Receiver<String>) {
    let (open, opened) = channel();
    let (tell, told) = channel();
    (Gate { opened, is_open: false, taken: Vec::new(), tell }, open, told)
}

impl Write for Gate {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.is_open {
            self.opened.recv_timeout(PATIENCE).map_err(io::Error::other)?;
            self.is_open = true;
        }
        self.taken.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let taken = String::from_utf8(std::mem::take(&mut self.taken)).unwrap();
        let _ = self.tell.send(taken);
        Ok(())
    }
}

#[test]
fn a_line_is_handed_on_when_traffic_pauses() {
    let log = log();
    let (gate, open, told) = gate();
    open.send(()).unwrap();
    let listen = at_8080();
    let follower = Follower::spawn(&log, Printing { listen, ..printing(Output::Text, "") }, gate).unwrap();
    assert_eq!(told.recv_timeout(PATIENCE).unwrap(), "listening on 127.0.0.1:8080\n");
    log.append(opening(1)).unwrap();
    assert!(told.recv_timeout(PATIENCE).unwrap().ends_with("#1 ● ws://localhost/1\n"));
    log.append(said(1, 1, "hello")).unwrap();
    assert!(told.recv_timeout(PATIENCE).unwrap().ends_with("hello\n"));
    assert!(follower.finish(std::time::Duration::ZERO).is_none());
    log.close();
    follower.finish(PATIENCE).unwrap().unwrap();
}

#[test]
fn a_slow_reader_is_told_what_it_missed_and_makes_nobody_wait() {
    let log = Log::create(&LogConfig { directory: None, limit: SMALLEST_LIMIT }).unwrap();
    let (gate, open, told) = gate();
    let follower = Follower::spawn(&log, printing(Output::Json, ""), gate).unwrap();
    log.append(opening(1)).unwrap();
    let payload = "x".repeat(8_000);
    let count = 2 * SMALLEST_LIMIT / 8_000;
    for number in 1..=count {
        // the sink takes nothing yet: this would never end if anybody waited for it
        log.append(said(1, number, payload.clone())).unwrap();
    }
    log.close();
    open.send(()).unwrap();
    follower.finish(PATIENCE).unwrap().unwrap();
    let text: String = told.iter().collect();
    let (mut messages, mut lost, mut openings) = (0, 0, 0);
    for item in items(&text) {
        match item {
            Item::Event(Event::Message(message)) => {
                messages += 1;
                assert_eq!(message.time, spoken(message.number));
            }
            Item::Event(Event::Opened(_)) => openings += 1,
            Item::Gap { lost: more, .. } => lost += more,
            other => panic!("{other:?}"),
        }
    }
    assert!(lost > 0);
    // the opening itself was among the lost; what is known of it is printed all the same
    assert_eq!((openings, messages + lost), (1, count + 1));
}

#[test]
fn nobody_reading_any_more_is_no_error() {
    struct Gone;
    impl Write for Gone {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let log = log();
    // the log is not closed: the follower ends for want of a reader
    follow(&log, &printing(Output::Json, ""), Gone).unwrap();
    log.append(opening(1)).unwrap();
    log.close();
    let recording = recorded(&log);
    let mut reader = Reader::new("log.jsonl", recording.as_bytes()).unwrap();
    assert_eq!(print(&mut reader, &printing(Output::Text, ""), Gone).unwrap(), Vec::<String>::new());
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_ends_the_recording_and_not_the_proxy() {
    let log = log();
    let (tell, told) = channel();
    let tell = move |text: &str| tell.send(text.to_owned()).unwrap();
    let recorder = record(&log, Path::new("/dev/full"), Vec::new(), Redaction::Off, tell).unwrap();
    let text = told.recv_timeout(PATIENCE).unwrap();
    assert!(text.starts_with("the recording /dev/full ends here: No space left on device"), "{text}");
    assert!(text.ends_with("; the proxy goes on without it"), "{text}");
    assert_eq!(recorder.finish(PATIENCE).unwrap().unwrap_err().kind(), io::ErrorKind::StorageFull);
    let Next::Event(Event::Note(Note { text: noted, .. })) = log.cursor().next().unwrap() else { panic!() };
    assert_eq!(noted, text);
    assert!(told.recv().is_err(), "it is told once");
}

#[test]
fn a_recording_is_its_owners_and_replaces_an_older_one() {
    let directory = tempfile::tempdir().unwrap();
    let log = log();
    log.close();
    let path = directory.path().join("new.jsonl");
    for _ in 0..2 {
        record(&log, &path, Vec::new(), Redaction::Off, |_| {}).unwrap().finish(PATIENCE).unwrap().unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 1);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert!(record(&log, directory.path(), Vec::new(), Redaction::Off, |_| {}).is_err());
}

/// Two sessions, of which the second says what is asked for, and a note.
fn two_sessions() -> String {
    let log = log();
    log.append(opening(1)).unwrap();
    log.append(opening(2)).unwrap();
    log.append(said(1, 1, "nothing")).unwrap();
    log.append(said(2, 1, "nothing either")).unwrap();
    log.append(said(2, 2, "a needle")).unwrap();
    log.append(Event::Note(Note { time: Stamp(0), flow: None, text: "disk is full".to_owned() })).unwrap();
    log.append(ended(1)).unwrap();
    log.append(ended(2)).unwrap();
    log.append(opening(3)).unwrap();
    log.close();
    recorded(&log)
}

#[test]
fn a_filter_leaves_lines_out_and_the_rest_is_a_recording() {
    let recording = two_sessions();
    let all: Vec<&str> = recording.lines().collect();
    let filtered = printed(&recording, &printing(Output::Json, "needle"));
    // the first line, session 2 from its opening to its end, and the note of the proxy's own
    assert_eq!(filtered.lines().collect::<Vec<_>>(), [all[0], all[2], all[5], all[6], all[8]]);
    assert_eq!(items(&filtered).len(), 4);
}

#[test]
fn a_filter_says_the_same_live_and_afterwards() {
    let recording = two_sessions();
    let mut reader = Reader::new("log.jsonl", recording.as_bytes()).unwrap();
    let log = load(&mut reader, &LogConfig::default()).unwrap();
    let bare = |text: &str| text.replace(",\"listen\":\"127.0.0.1:8080\"", "");
    for output in [Output::Text, Output::Json] {
        let printing = printing(output, "needle");
        let mut live = Vec::new();
        follow(&log, &printing, &mut live).unwrap();
        let live = bare(std::str::from_utf8(&live).unwrap());
        let afterwards = bare(&printed(&recording, &printing));
        assert!(live.contains("a needle"), "{live}");
        match output {
            Output::Text => {
                let (origin, lines) = afterwards.split_once('\n').unwrap();
                assert!(
                    origin.starts_with("recorded from 2") && origin.ends_with("listening on 127.0.0.1:8080")
                );
                assert_eq!(live, lines);
            }
            _ => assert_eq!(live, afterwards),
        }
    }
}

#[test]
fn a_damaged_file_is_printed_up_to_the_damage() {
    let recording = two_sessions();
    let mut lines: Vec<&str> = recording.lines().collect();
    lines[4] = "{\"type\":\"message\",\"session\":2}";
    let damaged = lines.join("\n");
    for output in [Output::Text, Output::Json] {
        let mut out = Vec::new();
        let mut reader = Reader::new("log.jsonl", damaged.as_bytes()).unwrap();
        let error = print(&mut reader, &printing(output, ""), &mut out).unwrap_err();
        assert_eq!(error.to_string(), "log.jsonl:5: \"op\" is missing; mend this line, or delete it");
        assert!(String::from_utf8(out).unwrap().contains("\"nothing\"") || output == Output::Text);
    }
}

#[test]
fn a_torn_recording_is_read_up_to_its_last_whole_line() {
    let recording = two_sessions();
    let torn = &recording[..recording.len() - 20];
    let mut out = Vec::new();
    let mut reader = Reader::new("log.jsonl", BufReader::new(torn.as_bytes())).unwrap();
    let remarks = print(&mut reader, &printing(Output::Json, ""), &mut out).unwrap();
    assert_eq!(remarks, ["the last line of log.jsonl is not whole: its writer was stopped while writing it"]);
    assert_eq!(String::from_utf8(out).unwrap().lines().count(), recording.lines().count() - 1);
    let mut reader = Reader::new("log.jsonl", torn.as_bytes()).unwrap();
    let log = load(&mut reader, &LogConfig::default()).unwrap();
    assert_eq!(log.stats().messages, 3);
    assert!(recorded(&log).lines().last().unwrap().contains("is not whole"));
}

#[test]
fn a_loaded_recording_keeps_its_times_and_numbers_its_rows() {
    let recording = two_sessions();
    let filtered = printed(&recording, &printing(Output::Json, "needle"));
    let mut reader = Reader::new("log.jsonl", filtered.as_bytes()).unwrap();
    let started = reader.recording().started;
    let log = load(&mut reader, &LogConfig::default()).unwrap();
    assert_eq!(log.started(), started);
    assert!(log.is_closed());
    assert_eq!(log.message(2, 1).unwrap().unwrap().payload.in_memory().unwrap(), "a needle");
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = open(Path::new("/nowhere/chat.jsonl")).map(drop).unwrap_err().to_string();
    assert!(error.starts_with("cannot read /nowhere/chat.jsonl: "), "{error}");
}
