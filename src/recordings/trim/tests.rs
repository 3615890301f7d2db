//! Recordings with less in them.

use std::io::Cursor;

use proptest::prelude::*;

use super::*;
use crate::headless::schema::Reader;

const TWO: &str = r#"{"type":"recording","version":1,"tool":"t","started":"2026-11-22T14:30:00.123Z","redacted":true}
{"type":"open","session":3,"time":"2026-11-22T14:30:01.499Z","mode":null,"url":"ws://a/chat","tls":null,"request":{"line":"GET /chat HTTP/1.1","headers":[]},"response":{"line":"HTTP/1.1 101 x","headers":[]},"timing":{"tcp":0.612}}
{"type":"open","session":5,"time":"2026-11-22T14:30:02.000Z","mode":null,"url":"ws://a/socket.io/","tls":null,"request":{"line":"GET /socket.io/?EIO=4 HTTP/1.1","headers":[]},"response":{"line":"HTTP/1.1 101 x","headers":[]}}
{"type":"message","session":3,"n":1,"at":10.400,"from":"client","op":"text","text":"hello"}
{"type":"ping","session":3,"n":2,"at":11.000,"from":"server"}
{"type":"pong","session":3,"n":3,"at":12.000,"from":"client","text":"?"}
{"type":"violation","session":3,"n":3,"at":12.000,"from":"client","what":"it has no mask","section":"RFC 6455 5.1"}
{"type":"message","session":5,"n":7,"at":1.000,"from":"server","op":"text","text":"2"}
{"type":"message","session":3,"n":4,"at":13.600,"from":"server","op":"text","text":"2"}
{"type": "message","session":5,"n":8,"at":2.000,"from":"client","op":"text","text":"42[\"a\"]"}
{"type":"exchange","exchange":9,"time":"2026-11-22T14:30:03.000Z","mode":null,"url":"http://a/","tls":null,"request":{"line":"GET / HTTP/1.1","headers":[]},"response":null}
{"type":"end","session":3,"at":20.000,"client":"fin","server":"fin"}
{"type":"note","time":"2026-11-22T14:30:04.000Z","session":5,"text":"killed"}
{"type":"later","session":5,"what":"a type of tomorrow"}
"#;

fn trimmed(text: &str, options: &Trim) -> (String, Trimmed) {
    let mut out = Vec::new();
    let told = trim(&mut Input::new("it", Cursor::new(text.as_bytes())), options, &mut out).unwrap();
    (String::from_utf8(out).unwrap(), told)
}

/// Session or exchange, number and payload of each line.
fn brief(text: &str) -> Vec<String> {
    let each = text.lines().map(|line| {
        let keys = Keys::parse(line.as_bytes()).unwrap();
        let word = |key: &str| keys.get(key).unwrap_or("").to_owned();
        let flow = word("session") + &word("exchange");
        [word("type").trim_matches('"').to_owned(), flow, word("n"), word("text")]
            .join(" ")
            .trim_end()
            .to_owned()
    });
    each.collect()
}

#[test]
fn heartbeats_go_and_numbers_close_up() {
    let (out, told) = trimmed(TWO, &Trim { heartbeats: Beats::Cut, ..Trim::default() });
    assert_eq!(
        brief(&out),
        [
            "recording",
            "open 1",
            "open 2",
            r#"message 1 1 "hello""#,
            r#"pong 1 2 "?""#,
            "violation 1 2",
            r#"message 1 3 "2""#,
            r#"message 2 1 "42[\"a\"]""#,
            "exchange 1",
            "end 1",
            r#"note 2  "killed""#,
            "later 5",
        ]
    );
    assert_eq!(told, Trimmed { heartbeats: 2, ..Trimmed::default() });
}

#[test]
fn what_was_done_to_messages_has_their_numbers_and_goes_with_them() {
    let act = |n: u64, act: &str| {
        format!(
            r#"{{"type":"act","session":3,"n":{n},"at":15.000,"from":"client","act":"{act}","by":"user"}}"#
        ) + "\n"
    };
    let end = "{\"type\":\"end\"";
    let text = TWO.replacen(end, &(act(4, "dropped") + &act(2, "held") + &act(3, "marked") + end), 1);
    let (out, _) = trimmed(&text, &Trim { heartbeats: Beats::Cut, ..Trim::default() });
    let acts: Vec<_> = brief(&out).into_iter().filter(|line| line.starts_with("act")).collect();
    assert_eq!(acts, ["act 1 3", "act 1 2"]);
}

#[test]
fn numbers_are_kept_where_that_is_asked_for_and_lines_stay_as_they_stand() {
    let (out, _) = trimmed(TWO, &Trim { numbering: Numbering::Kept, ..Trim::default() });
    assert_eq!(out, TWO);
}

#[test]
fn a_filter_picks_whole_sessions_also_by_what_they_say() {
    let pick = |expression: &str| {
        let filter = Filter::parse(expression).unwrap();
        let (out, told) = trimmed(TWO, &Trim { filter, numbering: Numbering::Kept, ..Trim::default() });
        let mut flows: Vec<_> =
            brief(&out).iter().filter_map(|line| line.split(' ').nth(1)?.parse::<u32>().ok()).collect();
        flows.sort_unstable();
        flows.dedup();
        (flows, told.flows)
    };
    assert_eq!(pick("path:/chat"), (vec![3, 5], 2));
    assert_eq!(
        trimmed(TWO, &Trim { filter: Filter::parse("path:/chat").unwrap(), ..Trim::default() })
            .0
            .lines()
            .count(),
        9
    );
    assert_eq!(pick("hello").1, 2);
}

#[test]
fn times_become_round() {
    let (out, _) = trimmed(TWO, &Trim { round: 1_000_000_000, ..Trim::default() });
    for part in
        [r#""started":"2026-11-22T14:30:00.000Z""#, r#""time":"2026-11-22T14:30:01.000Z""#, r#""tcp":0.000"#]
    {
        assert!(out.contains(part), "{part}: {out}");
    }
    let (out, _) = trimmed(TWO, &Trim { round: 1_000_000, ..Trim::default() });
    assert!(out.contains(r#""at":10.000"#) && out.contains(r#""at":14.000"#), "{out}");
}

#[test]
fn what_is_shrunk_says_how_large_it_was_and_shrinks_no_further_by_itself() {
    let line = |text: &str| {
        let head: String = TWO.lines().take(2).map(|line| line.to_owned() + "\n").collect();
        head + r#"{"type":"message","session":1,"n":1,"at":1.000,"from":"client","op":"text","json":{"v":"#
            + &format!("\"{text}\"")
            + r#"},"compressed":9,"frames":[1,8]}"#
            + "\n"
    };
    let options = Trim { shrink: Some(40), ..Trim::default() };
    let (out, told) = trimmed(&line(&"x".repeat(99)), &options);
    let last = out.lines().last().unwrap();
    let expected = format!(r#""json":{{"v":"{}…"}},"shrunk":107,"compressed":9}}"#, "x".repeat(16));
    assert!(last.ends_with(&expected), "{last}");
    assert_eq!((told.shrunk, told.still_large), (1, 0));
    let (again, told) = trimmed(&out, &Trim { shrink: Some(2), ..Trim::default() });
    assert_eq!((&again, told.still_large), (&out, 1));
}

#[test]
fn recordings_that_were_joined_become_one_that_is_redacted_where_all_are() {
    let open = TWO.replace(",\"redacted\":true", "");
    let (out, _) = trimmed(&(TWO.to_owned() + &open), &Trim::default());
    assert_eq!(out.matches("\"recording\"").count(), 1);
    assert!(!out.contains("\"redacted\":true"));
    assert!(out.contains("\"open\",\"session\":4"), "{out}");
    let (out, _) = trimmed(&(TWO.to_owned() + TWO), &Trim::default());
    assert!(out.contains("\"redacted\":true"));
}

fn options() -> impl Strategy<Value = Trim> {
    let filters = prop::sample::select(&["", "path:/chat", "hello", "!~ping"][..]);
    (
        filters,
        any::<bool>(),
        prop::sample::select(&[0_u64, 1_000, 7_000_000][..]),
        any::<bool>(),
        prop::option::of(0_usize..20),
    )
        .prop_map(|(filter, cut, round, anew, shrink)| Trim {
            filter: Filter::parse(filter).unwrap_or_default(),
            heartbeats: if cut { Beats::Cut } else { Beats::Kept },
            round,
            numbering: if anew { Numbering::Anew } else { Numbering::Kept },
            shrink,
        })
}

proptest! {
    /// Lines of a recording in any selection come out as a recording; the same trimmed again stays the same.
    #[test]
    fn what_comes_out_is_a_recording(picks in prop::collection::vec(any::<bool>(), 13), options in options()) {
        let lines = TWO.lines().skip(1).zip(&picks).filter(|(_, pick)| **pick).map(|(line, _)| line);
        let text: String = TWO.lines().take(1).chain(lines).map(|line| line.to_owned() + "\n").collect();
        let (out, _) = trimmed(&text, &options);
        let mut reader = Reader::new("it", Cursor::new(out.clone())).unwrap();
        while reader.next().unwrap().is_some() {}
        let all = Trim { filter: Filter::default(), ..options };
        prop_assert_eq!(&trimmed(&out, &all).0, &out);
    }

    /// Damage is told with file and line, and never more than that.
    #[test]
    fn damage_is_told(at in 0_usize..2600, byte in any::<u8>(), options in options()) {
        let mut text = TWO.as_bytes().to_vec();
        let at = at % text.len();
        text[at] = byte;
        let mut out = Vec::new();
        if let Err(error) = trim(&mut Input::new("it", Cursor::new(&text[..])), &options, &mut out) {
            let said = error.to_string();
            prop_assert!(said.starts_with("it:") || said.starts_with("it is not a recording"), "{}", said);
        }
    }
}
