//! The log as its readers see it.

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::*;
use crate::ws::{Direction, Opcode};

mod acts;

fn log(limit: u64) -> Log {
    Log::create(&LogConfig { directory: None, limit }).unwrap()
}

fn opened(session: u32) -> Event {
    Event::Opened(Opening {
        session,
        url: "ws://127.0.0.1:3000/chat".into(),
        request: Bytes::from_static(b"GET /chat HTTP/1.1\r\nHost: h\r\n\r\n"),
        response: Bytes::from_static(b"HTTP/1.1 101 Switching Protocols\r\n\r\n"),
        ..Opening::default()
    })
}

fn ended(session: u32) -> Event {
    Event::Ended(Ended {
        session,
        time: Stamp(9),
        client: Ending::Fin,
        server: Ending::Fin,
        first: Some(Direction::ToServer),
        octets: [7, 0],
    })
}

fn text(session: u32, number: u64, payload: &[u8]) -> Event {
    let message = Message::whole(Direction::ToServer, Kind::Frame(Opcode::Text), payload.to_vec());
    Event::Message(Message { session, number, time: Stamp(number), ..message })
}

/// An unmasked frame: enough for what is not about masks.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match payload.len() {
        0..126 => frame.push(payload.len() as u8),
        126..65_536 => {
            frame.push(126);
            frame.extend_from_slice(&(payload.len() as u16).to_be_bytes());
        }
        length => {
            frame.push(127);
            frame.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    frame.extend_from_slice(payload);
    frame
}

/// Tells a capture thread `bytes` from the server in pieces of `cut`, waits for it, and gives the log.
fn captured(bytes: &[u8], cut: usize) -> Log {
    let log = log(0);
    let (tap, thread) = capture(&log, CaptureConfig::default()).unwrap();
    let session = tap.next_session();
    tap.event(opened(session));
    for chunk in bytes.chunks(cut) {
        tap.bytes(session, Direction::ToClient, chunk, Instant::now());
    }
    tap.event(ended(session));
    drop(tap);
    thread.finish(&log);
    log
}

fn all(cursor: &mut Cursor) -> Vec<Event> {
    let mut events = Vec::new();
    loop {
        match cursor.next().unwrap() {
            Next::Event(event) => events.push(event),
            Next::End => return events,
            other => panic!("{other:?} in a closed log"),
        }
    }
}

#[test]
fn every_row_of_many_is_found_by_its_number() {
    let log = log(0);
    log.append(opened(1)).unwrap();
    log.append(opened(2)).unwrap();
    for number in 1..=500 {
        log.append(text(1, number, format!("one {number}").as_bytes())).unwrap();
        if number % 3 == 0 {
            log.append(text(2, number / 3, format!("two {}", number / 3).as_bytes())).unwrap();
        }
    }
    assert_eq!((log.rows(1), log.rows(2), log.rows(3)), (1..501, 1..167, 1..1));
    for number in 1..=500 {
        let message = log.message(1, number).unwrap().unwrap();
        assert_eq!(message.number, number);
        assert_eq!(log.read(&message.payload, 0, 100).unwrap(), format!("one {number}"));
    }
    assert_eq!(log.message(2, 166).unwrap().unwrap().payload, Payload::from("two 166"));
    assert_eq!(log.message(1, 501).unwrap(), None);
    assert_eq!(log.message(1, 0).unwrap(), None);
}

#[test]
fn a_large_payload_is_read_in_any_part() {
    let payload: Vec<u8> = (0..3_000_000u32).map(|at| (at % 251) as u8).collect();
    let log = log(0);
    log.append(opened(1)).unwrap();
    log.append(text(1, 1, &payload)).unwrap();
    let message = log.message(1, 1).unwrap().unwrap();
    assert_eq!((message.payload.len(), message.payload.in_memory()), (payload.len() as u64, None));
    for (offset, length) in [(0, 10), (262_100, 100), (2_999_990, 100), (5_000_000, 1), (0, 3_000_000)] {
        let end = (offset + length).min(payload.len());
        let expected = payload.get(offset..end).unwrap_or_default();
        assert_eq!(log.read(&message.payload, offset as u64, length).unwrap(), expected);
    }
}

#[test]
fn the_oldest_goes_at_the_limit_and_the_numbers_stay() {
    let log = log(SMALLEST_LIMIT);
    let mut slow = log.cursor();
    log.append(opened(1)).unwrap();
    let payload = [b'x'; 20_000];
    for number in 1..=2_000 {
        log.append(text(1, number, &payload)).unwrap();
    }
    let rows = log.rows(1);
    assert_eq!(rows.end, 2001);
    assert!(rows.start > 1000 && rows.start < 1400, "{rows:?}");
    assert_eq!(log.message(1, rows.start).unwrap().unwrap().number, rows.start);
    assert_eq!(log.message(1, 1).unwrap(), None);
    let stats = log.stats();
    assert!(stats.log_bytes <= SMALLEST_LIMIT, "{stats:?}");
    assert!(stats.evicted >= rows.start - 64 && stats.evicted <= rows.start + 1, "{stats:?} {rows:?}");
    log.close();
    let Next::Gap(lost) = slow.next().unwrap() else { panic!("the cursor did not say what it missed") };
    assert_eq!(lost + all(&mut slow).len() as u64, 2001);
    assert_eq!(log.summary(Flow::Session(1)).unwrap().messages, [2000, 0]);
}

#[test]
fn closed_sessions_beyond_the_limit_are_forgotten() {
    let log = log(SMALLEST_LIMIT);
    log.append(opened(1)).unwrap();
    log.append(ended(1)).unwrap();
    log.append(opened(2)).unwrap();
    for number in 1..=1_200 {
        log.append(text(2, number, &[b'x'; 20_000])).unwrap();
    }
    assert!(log.summary(Flow::Session(1)).is_none());
    assert!(log.summary(Flow::Session(2)).is_some());
    assert_eq!(log.summaries(|all| all.count()), 1);
}

#[test]
fn the_handshake_of_a_session_that_goes_on_outlives_the_limit() {
    let log = log(SMALLEST_LIMIT);
    let mut cursor = log.cursor();
    log.append(opened(1)).unwrap();
    assert!(matches!(cursor.next().unwrap(), Next::Event(Event::Opened(_))));
    for number in 1..=4_000 {
        log.append(text(1, number, &[b'x'; 20_000])).unwrap();
    }
    assert!(log.stats().evicted > 2_000);
    let Some(Opened::Session(opening)) = log.opening(1).unwrap() else { panic!("forgotten") };
    assert_eq!(opening.url, "ws://127.0.0.1:3000/chat");
    log.close();
    let again = all_after_gaps(&mut cursor).into_iter().filter(|event| matches!(event, Event::Opened(_)));
    assert_eq!(again.count(), 0, "a cursor saw the opening twice");
}

fn all_after_gaps(cursor: &mut Cursor) -> Vec<Event> {
    let mut events = Vec::new();
    loop {
        match cursor.next().unwrap() {
            Next::Event(event) => events.push(event),
            Next::Gap(_) => {}
            Next::Pending => panic!("pending in a closed log"),
            Next::End => return events,
        }
    }
}

#[test]
fn a_cursor_sees_events_in_order_and_waits_for_more() {
    let log = log(0);
    let mut cursor = log.cursor();
    assert!(matches!(cursor.next().unwrap(), Next::Pending));
    log.append(opened(1)).unwrap();
    log.append(text(1, 1, &[b'y'; 400_000])).unwrap();
    log.append(ended(1)).unwrap();
    assert!(matches!(cursor.next().unwrap(), Next::Event(Event::Opened(_))));
    let Next::Event(Event::Message(message)) = cursor.next().unwrap() else { panic!("no message") };
    assert_eq!(log.read(&message.payload, 0, usize::MAX).unwrap().len(), 400_000);
    assert_eq!(cursor.next().unwrap().event(), Some(ended(1)));
    assert!(matches!(cursor.next().unwrap(), Next::Pending));
    log.close();
    assert!(matches!(cursor.next().unwrap(), Next::End));
}

impl Next {
    fn event(self) -> Option<Event> {
        match self {
            Next::Event(event) => Some(event),
            _ => None,
        }
    }
}

#[test]
fn waiting_ends_with_the_next_change() {
    let log = log(0);
    let seen = log.version();
    assert_eq!(log.wait(seen, Duration::ZERO), seen);
    let writer = log.clone();
    let thread = std::thread::spawn(move || writer.append(opened(1)));
    assert!(log.wait(seen, Duration::from_secs(60)) > seen);
    thread.join().unwrap().unwrap();
}

#[test]
fn bytes_become_messages_however_they_are_cut() {
    let mut bytes = frame(0x01, b"hel");
    bytes.extend(frame(0x89, b"ping"));
    bytes.extend(frame(0x80, b"lo"));
    bytes.extend(frame(0x82, &vec![7; 100_000]));
    bytes.extend(frame(0x88, &[0x0f, 0xa1, b'b', b'y', b'e']));
    for cut in [1, 7, 5000, usize::MAX] {
        let log = captured(&bytes, cut);
        let kinds: Vec<(&str, u64, usize)> = (1..5)
            .map(|number| log.message(1, number).unwrap().unwrap())
            .map(|message| (message.kind.name(), message.size, message.frames.len()))
            .collect();
        assert_eq!(kinds, [("ping", 4, 1), ("text", 5, 2), ("binary", 100_000, 1), ("close", 5, 1)]);
        assert_eq!(log.rows(1), 1..5);
        let binary = log.message(1, 3).unwrap().unwrap();
        assert_eq!(log.read(&binary.payload, 0, usize::MAX).unwrap(), vec![7; 100_000]);
        let summary = log.summary(Flow::Session(1)).unwrap();
        assert_eq!((summary.messages, summary.controls), ([0, 2], [0, 2]));
        assert_eq!(&*summary.end, "server 4001 bye");
        assert_eq!((log.stats().open, log.stats().closed, log.stats().messages), (0, 1, 4));
    }
}

#[test]
fn what_is_unfinished_at_the_end_is_written_as_such() {
    let log = captured(&frame(0x81, b"hello")[..4], 64);
    let message = log.message(1, 1).unwrap().unwrap();
    assert!(!message.complete);
    assert_eq!(message.payload, Payload::from("he"));
    assert_eq!(message.faults.len(), 1);
    assert_eq!(log.summary(Flow::Session(1)).unwrap().violations, 1);
}

#[test]
fn bytes_that_are_no_frames_become_raw_rows() {
    let log = captured(b"HTTP/1.1 500 Oh no\r\n\r\n", 10);
    let first = log.message(1, 1).unwrap().unwrap();
    assert_eq!(first.kind, Kind::Raw);
    assert_eq!(first.faults.len(), 1);
    let whole: Vec<u8> = log
        .rows(1)
        .flat_map(|number| {
            let message = log.message(1, number).unwrap().unwrap();
            log.read(&message.payload, 0, usize::MAX).unwrap()
        })
        .collect();
    assert_eq!(whole, b"HTTP/1.1 500 Oh no\r\n\r\n");
}

#[test]
fn the_logs_folder_is_private_and_goes_away() {
    let parent = tempfile::tempdir().unwrap();
    let log = Log::create(&LogConfig { directory: Some(parent.path().into()), limit: 0 }).unwrap();
    let inside: Vec<_> =
        std::fs::read_dir(parent.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(inside.len(), 1);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&inside[0]).unwrap().permissions().mode() & 0o777, 0o700);
        // The files of the log have no name that another could open.
        log.append(opened(1)).unwrap();
        assert_eq!(std::fs::read_dir(&inside[0]).unwrap().count(), 0);
    }
    drop(log);
    assert_eq!(std::fs::read_dir(parent.path()).unwrap().count(), 0);
}

#[cfg(target_os = "linux")]
#[test]
fn the_folder_of_a_killed_process_goes_with_the_next_start() {
    let parent = tempfile::tempdir().unwrap();
    let (dead, alive) = ("sockeye-4194999-0123456789abcdef", format!("sockeye-{}-0", std::process::id()));
    std::fs::create_dir(parent.path().join(dead)).unwrap();
    std::fs::create_dir(parent.path().join(&alive)).unwrap();
    let _log = Log::create(&LogConfig { directory: Some(parent.path().into()), limit: 0 }).unwrap();
    assert!(!parent.path().join(dead).exists());
    assert!(parent.path().join(&alive).exists());
}

#[test]
fn clearing_forgets_what_is_over() {
    let log = log(0);
    log.append(opened(1)).unwrap();
    log.append(ended(1)).unwrap();
    log.append(opened(2)).unwrap();
    log.clear();
    let left = log.summaries(|all| all.map(|summary| summary.flow).collect::<Vec<_>>());
    assert_eq!(left, [Flow::Session(2)]);
    assert_eq!(log.rows(1), 1..1);
}

#[test]
fn many_rows_at_once_are_the_same_as_one_by_one() {
    let log = log(SMALLEST_LIMIT);
    log.append(opened(1)).unwrap();
    log.append(opened(2)).unwrap();
    let payload = |number: u64| match number % 50 {
        // In its record, but longer than one read; and in pieces of its own.
        7 => vec![b'x'; 5000],
        19 => vec![b'y'; 100_000],
        _ => number.to_string().into_bytes(),
    };
    for number in 1..=300 {
        log.append(text(1, number, &payload(number))).unwrap();
        log.append(text(2, number, &vec![b'z'; (number * 97 % 20_000) as usize])).unwrap();
    }
    // Where a payload is found may differ, but not what it is.
    let in_memory = |message: Message| {
        let payload = log.read(&message.payload, 0, usize::MAX).unwrap();
        Message { payload: Payload::from(payload), ..message }
    };
    for session in [1, 2] {
        for rows in [1..301, 1..1, 64..66, 60..200, 299..400, 0..3, 250..251] {
            let one_by_one: Vec<Message> = rows
                .clone()
                .filter_map(|number| log.message(session, number).unwrap())
                .map(in_memory)
                .collect();
            let together: Vec<Message> =
                log.messages(session, rows.clone()).unwrap().into_iter().map(in_memory).collect();
            assert!(together == one_by_one, "{session} {rows:?}");
            assert!(rows != (1..301) || together.len() == 300);
        }
    }
    assert_eq!(log.messages(3, 1..10).unwrap(), []);
}

#[test]
fn of_many_rows_those_that_were_removed_are_left_out() {
    let log = log(SMALLEST_LIMIT);
    log.append(opened(1)).unwrap();
    for number in 1..=2000 {
        log.append(text(1, number, &[b'x'; 20_000])).unwrap();
    }
    let left = log.rows(1);
    assert!(left.start > 1);
    let numbers: Vec<u64> = log.messages(1, 1..2001).unwrap().iter().map(|message| message.number).collect();
    assert_eq!(numbers, left.collect::<Vec<u64>>());
}

#[test]
fn the_first_row_that_is_left_can_be_read_also_after_large_batches() {
    let log = log(SMALLEST_LIMIT);
    log.append(opened(1)).unwrap();
    for batch in 0..8 {
        log.append_all((1..=4000).map(|row| text(1, batch * 4000 + row, &[b'x'; 1000]))).unwrap();
        let first = log.rows(1).start;
        assert!(log.message(1, first).unwrap().is_some(), "{first}");
        assert!(first == 1 || log.message(1, first - 1).unwrap().is_none(), "{first}");
    }
    assert!(log.rows(1).start > 1);
}
