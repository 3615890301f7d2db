//! Dialogues: who asks and says what on several connections, and what waits for it.

use std::time::Duration;

use super::*;

/// A recording in which each line is told as `at who what`: `5 x2 POST /a?b (9)` is an exchange that was over at 9 ms,
/// `5 s1 GET /a` a session that was opened, `6 s1 > hello` and `7 s1 < hi` its messages.
fn cast(lines: &[&str]) -> Cast {
    let at = |ms: &str| format!("2026-11-22T14:30:00.{:03}Z", ms.parse::<u32>().unwrap());
    let head = |line: &str| format!(r#"{{"line":"{line} HTTP/1.1","headers":[["Host","h"]]}}"#);
    let mut text = format!(r#"{{"type":"recording","version":1,"tool":"t","started":"{}"}}"#, at("0"));
    let mut opened = 0;
    for line in lines {
        let (ms, rest) = line.split_once(' ').unwrap();
        let (who, what) = rest.split_once(' ').unwrap();
        let (kind, number) = who.split_at(1);
        text.push('\n');
        let flow = r#""mode":"reverse","url":"http://h/","server":"127.0.0.1:1","tls":null"#;
        text.push_str(&match (kind, what.split_once(' ').unwrap()) {
            ("s", (arrow @ (">" | "<"), said)) => {
                let (from, at) = (if arrow == ">" { "client" } else { "server" }, ms.parse::<u32>().unwrap() - opened);
                format!(r#"{{"type":"message","session":{number},"n":1,"at":{at},"from":"{from}","op":"text","text":"{said}"}}"#)
            }
            ("s", _) => {
                opened = ms.parse().unwrap();
                let response = r#"{"line":"HTTP/1.1 101 Switching Protocols","headers":[]}"#;
                format!(
                    r#"{{"type":"open","session":{number},"time":"{}",{flow},"http":"1.1","request":{},"response":{response}}}"#,
                    at(ms), head(what),
                )
            }
            (_, (_, end)) => {
                let (what, end) = what.rsplit_once(" (").unwrap_or_else(|| panic!("{end}"));
                let (over, response) = match end.trim_end_matches(')').strip_suffix(" never") {
                    Some(over) => (over, "null".to_owned()),
                    None => (end.trim_end_matches(')'), r#"{"line":"HTTP/1.1 200 OK","headers":[]}"#.to_owned()),
                };
                let took = over.parse::<u32>().unwrap() - ms.parse::<u32>().unwrap();
                format!(
                    r#"{{"type":"exchange","exchange":{number},"time":"{}","took":{took},{flow},"request":{},"response":{response}}}"#,
                    at(ms), head(what),
                )
            }
        });
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("recording.jsonl");
    std::fs::write(&file, text + "\n").unwrap();
    Cast::read(&file).unwrap()
}

fn request(line: &str) -> RequestHead {
    RequestHead::parse(format!("{line} HTTP/1.1\r\nHost: h\r\n\r\n").as_bytes()).unwrap()
}

/// Asks, and gives what is asked for with the line that it has in the recording.
fn ask(cast: &mut Cast, line: &str) -> (Asked, u64) {
    let asked = cast.ask(&request(line), &[]).unwrap();
    cast.arrived(asked);
    (asked, cast.title(asked).1)
}

fn waits(cast: &Cast, asked: Asked) -> String {
    cast.waits_for(asked).map(|waiting| waiting.what).unwrap_or_default()
}

/// As Engine.IO does it: a poll that waits for a POST, another one for what a socket is told.
const POLLING: &[&str] = &[
    "1 x1 GET /io/?t=1 (4)",
    "10 x2 GET /io/?sid=ABCDEFGH1 (19)",
    "12 x3 POST /io/?sid=ABCDEFGH1 (20)",
    "30 s1 GET /io/?ws&sid=ABCDEFGH1",
    "33 s1 > probe",
    "34 s1 < probe",
    "25 x4 GET /io/?sid=ABCDEFGH1 (35)",
    "40 s1 > upgrade",
    "41 s1 < hello",
];

#[test]
fn a_poll_is_answered_when_what_it_waited_for_was_done_elsewhere() {
    let mut cast = cast(POLLING);
    let (opening, line) = ask(&mut cast, "GET /io/?t=77");
    assert_eq!((line, waits(&cast, opening)), (2, String::new()));
    let (first, line) = ask(&mut cast, "GET /io/?sid=ABCDEFGH1");
    assert_eq!((line, waits(&cast, first)), (3, "POST /io/?sid=ABCDEFGH1 (line 4)".to_owned()));
    let (post, _) = ask(&mut cast, "POST /io/?sid=ABCDEFGH1");
    assert_eq!((waits(&cast, first), waits(&cast, post)), (String::new(), String::new()));
    cast.answered(first);
    cast.answered(post);
    let (second, line) = ask(&mut cast, "GET /io/?sid=ABCDEFGH1");
    assert_eq!((line, waits(&cast, second)), (8, "a client for /io/?ws&sid=ABCDEFGH1 (line 5)".to_owned()));
    let part = cast.choose(&request("GET /io/?ws&sid=ABCDEFGH1")).unwrap();
    assert_eq!(waits(&cast, second), "the next message in /io/?ws&sid=ABCDEFGH1 (line 5)");
    let opened = cast.parts()[part].opening.time;
    let after = |ms: u64| Some(Stamp(opened.0 + Duration::from_millis(ms).as_nanos() as u64));
    assert!(cast.said(part, after(3)) && !cast.said(part, after(3)));
    assert_ne!(waits(&cast, second), "");
    // The probe came and was answered; what is said next was recorded after the poll's answer.
    assert!(cast.said(part, after(10)));
    assert_eq!(waits(&cast, second), "");
    // Asked more often than recorded, it is answered as the last was.
    let (again, line) = ask(&mut cast, "GET /io/?sid=ABCDEFGH1");
    assert_eq!((line, waits(&cast, again)), (8, String::new()));
}

#[test]
fn a_socket_takes_over_from_polls_at_the_same_request_each_time() {
    let poll = "transport=polling&sid=ABCDEFGH1";
    // By the clock of the proxy the poll was answered first; but the client heard the probe first, and polled no more.
    let mut heard_first = cast(&[
        &format!("10 x1 GET /io/?{poll} (20)"),
        "15 s1 GET /io/?transport=websocket&sid=ABCDEFGH1",
        "19 s1 > 2probe",
        "21 s1 < 3probe",
        "25 s1 > 5",
    ]);
    let part = heard_first.choose(&request("GET /io/?transport=websocket&sid=ABCDEFGH1")).unwrap();
    let opened = heard_first.parts()[part].opening.time;
    let at = |ms: u64| Stamp(opened.0 + Duration::from_millis(ms - 15).as_nanos() as u64);
    let (asked, _) = ask(&mut heard_first, &format!("GET /io/?{poll}"));
    heard_first.said(part, Some(at(21)));
    assert_ne!(waits(&heard_first, asked), "");
    assert!(heard_first.elsewhere(part).is_none_or(|waiting| waiting.recorded > at(21)));
    heard_first.said(part, Some(at(25)));
    assert_eq!(waits(&heard_first, asked), "");
    // Here it heard the answer first, and polled once more.
    let mut polled_on = cast(&[
        &format!("10 x1 GET /io/?{poll} (20)"),
        "15 s1 GET /io/?transport=websocket&sid=ABCDEFGH1",
        "19 s1 > 2probe",
        "21 s1 < 3probe",
        &format!("23 x2 GET /io/?{poll} (24)"),
    ]);
    let part = polled_on.choose(&request("GET /io/?transport=websocket&sid=ABCDEFGH1")).unwrap();
    let (first, _) = ask(&mut polled_on, &format!("GET /io/?{poll}"));
    polled_on.said(part, Some(at(21)));
    assert_eq!(waits(&polled_on, first), "");
    polled_on.answered(first);
    assert_eq!(polled_on.elsewhere(part).unwrap().recorded, at(21));
    let (second, _) = ask(&mut polled_on, &format!("GET /io/?{poll}"));
    assert!(polled_on.elsewhere(part).is_none_or(|waiting| waiting.recorded > at(21)));
    assert_ne!(waits(&polled_on, second), "");
}

#[test]
fn what_is_repeated_waits_for_its_own_round() {
    let mut cast = cast(POLLING).repeated();
    for _ in 0..3 {
        assert_eq!(ask(&mut cast, "GET /io/?t=1").1, 2);
        let (poll, line) = ask(&mut cast, "GET /io/?sid=ABCDEFGH1");
        assert_eq!((line, waits(&cast, poll)), (3, "POST /io/?sid=ABCDEFGH1 (line 4)".to_owned()));
        let (post, _) = ask(&mut cast, "POST /io/?sid=ABCDEFGH1");
        assert_eq!(waits(&cast, poll), "");
        cast.answered(post);
        let (poll, line) = ask(&mut cast, "GET /io/?sid=ABCDEFGH1");
        assert_eq!((line, waits(&cast, poll)), (8, "a client for /io/?ws&sid=ABCDEFGH1 (line 5)".to_owned()));
        let part = cast.choose(&request("GET /io/?ws&sid=ABCDEFGH1")).unwrap();
        assert_ne!(waits(&cast, poll), "");
        cast.done(part);
        assert_eq!(waits(&cast, poll), "");
    }
    assert!(cast.left().is_empty() && !cast.is_over());
}

#[test]
fn a_message_waits_for_the_request_that_was_made_before_it() {
    let mut cast =
        cast(&["1 s1 GET /live", "5 x1 POST /say (9)", "8 s1 < said", "20 x2 POST /other/say (30)"]);
    let part = cast.choose(&request("GET /live")).unwrap();
    let elsewhere = cast.elsewhere(part).unwrap();
    assert_eq!(elsewhere.what, "POST /say (line 3)");
    assert_eq!(elsewhere.recorded.since(cast.parts()[part].opening.time), Duration::from_millis(4));
    let (post, _) = ask(&mut cast, "POST /say");
    // What was said before the answer need not wait for it.
    assert_eq!(cast.elsewhere(part).unwrap().recorded.since(elsewhere.recorded), Duration::from_millis(4));
    cast.answered(post);
    assert_eq!(cast.elsewhere(part), None);
}

#[test]
fn what_is_left_out_or_optional_is_not_waited_for() {
    let lines = &["1 x1 GET /poll (9)", "2 x2 POST /say (8)", "3 x3 GET /favicon.ico (4)"];
    let mut all = cast(lines);
    let (poll, _) = ask(&mut all, "GET /poll");
    assert_ne!(waits(&all, poll), "");
    let left: Vec<_> = all.left().into_iter().map(|left| (left.target, left.how)).collect();
    assert_eq!(left, [("POST /say".to_owned(), Unplayed::NotAsked)]);
    let post = Filter::parse("method:POST").unwrap();
    for mut some in
        [cast(lines).with_optional(&post), cast(lines).select(&Filter::parse("-method:POST").unwrap())]
    {
        let (poll, _) = ask(&mut some, "GET /poll");
        assert_eq!((waits(&some, poll), some.is_over()), (String::new(), false));
        some.answered(poll);
        assert!(some.is_over() && some.left().is_empty());
    }
}

#[test]
fn a_request_that_was_never_answered_is_not_answered_now() {
    let mut cast = cast(&["1 x1 GET /poll (50 never)", "2 x2 GET /page (8)"]);
    let (poll, _) = ask(&mut cast, "GET /poll");
    assert!(!cast.has_answer(poll));
    let (page, _) = ask(&mut cast, "GET /page");
    cast.answered(page);
    // Nobody waits for its client to leave.
    assert!(cast.has_answer(page) && cast.is_over());
}

#[test]
fn the_exchange_whose_query_is_most_alike_is_chosen() {
    let mut cast = cast(&[
        "1 x1 GET /a?x=1 (2)",
        "3 x2 GET /a?x=1&sid=AAAA0001 (4)",
        "5 x3 GET /a?x=1&sid=BBBB0001 (6)",
    ]);
    assert_eq!(ask(&mut cast, "GET /a?x=1&sid=BBBB0001&t=9").1, 4);
    assert_eq!(ask(&mut cast, "GET /a?x=1").1, 2);
    assert_eq!(ask(&mut cast, "GET /a?x=1&sid=CCCC0001").1, 3);
    assert!(cast.ask(&request("POST /a?x=1"), &[]).is_none());
}
