//! Several recordings as one.

use std::io::Cursor;

use proptest::prelude::*;

use super::*;

fn first(seconds: u32, more: &str) -> String {
    format!(
        r#"{{"type":"recording","version":1,"tool":"t","started":"2026-11-22T14:30:{seconds:02}.000Z","listen":"127.0.0.1:{seconds}"{more}}}"#
    )
}

fn open(session: u32, second: u32) -> String {
    format!(
        r#"{{"type":"open","session":{session},"time":"2026-11-22T14:30:{second:02}.000Z","mode":null,"url":"ws://a/{second}","tls":null,"request":null,"response":null}}"#
    )
}

fn said(session: u32, at: u32, text: &str) -> String {
    format!(
        r#"{{"type":"message","session":{session},"n":{at},"at":{at}.000,"from":"client","op":"text","text":"{text}"}}"#
    )
}

fn exchange(number: u32, second: u32) -> String {
    format!(
        r#"{{"type":"exchange","exchange":{number},"time":"2026-11-22T14:30:{second:02}.000Z","mode":null,"url":"http://a/","tls":null,"request":null,"response":null}}"#
    )
}

fn merged(texts: &[String]) -> Result<(Vec<String>, Merged), MergeError> {
    let each = texts.iter().enumerate();
    let mut inputs: Vec<_> =
        each.map(|(at, text)| Input::new(format!("{at}.jsonl"), Cursor::new(text.clone()))).collect();
    let mut out = Vec::new();
    let told = merge(&mut inputs, &mut out)?;
    Ok((String::from_utf8(out).unwrap().lines().map(str::to_owned).collect(), told))
}

#[test]
fn what_happened_first_stands_first() {
    let a = [first(1, ""), open(4, 2), said(4, 1000, "a1"), said(4, 5000, "a2"), exchange(1, 8)].join("\n");
    let b = [first(0, ""), open(4, 4), exchange(3, 5), said(4, 2000, "b1"), open(9, 9)].join("\n") + "\n";
    let (lines, told) = merged(&[a, b]).unwrap();
    let expected = [
        open(1, 2),
        said(1, 1, "a1").replace("1.000", "1000.000"),
        open(2, 4),
        exchange(1, 5),
        said(2, 1, "b1").replace("1.000", "2000.000"),
        said(1, 2, "a2").replace("2.000", "5000.000"),
        exchange(2, 8),
        open(3, 9),
    ];
    assert_eq!(lines[1..], expected);
    assert!(lines[0].contains(r#""started":"2026-11-22T14:30:00.000Z","listen":"127.0.0.1:1","listeners":["127.0.0.1:1","127.0.0.1:0"]"#), "{}", lines[0]);
    assert_eq!(told, Merged::default());
}

#[test]
fn it_is_redacted_where_all_are() {
    let (open, redacted) = (first(1, ""), first(1, r#","redacted":true"#));
    let (lines, told) = merged(&[redacted.clone(), redacted.clone()]).unwrap();
    assert!(lines[0].contains("redacted") && !told.partly_redacted);
    let (lines, told) = merged(&[redacted.clone(), format!("{redacted}\n{open}\n")]).unwrap();
    assert!(!lines[0].contains("redacted") && told.partly_redacted);
}

#[test]
fn versions_and_damage_are_told_with_the_file() {
    let error = merged(&[first(1, ""), first(1, "").replace("\"version\":1", "\"version\":0")]).unwrap_err();
    assert!(error.to_string().starts_with("0.jsonl is of version 1 and 1.jsonl of version 0: "), "{error}");
    let error = merged(&[first(1, ""), first(1, "").replace("\"version\":1", "\"version\":7")]).unwrap_err();
    assert!(error.to_string().starts_with("1.jsonl:1: the recording is of version 7"), "{error}");
    let error = merged(&[first(1, ""), first(1, "") + "\n{}\n"]).unwrap_err();
    assert!(error.to_string().starts_with("1.jsonl:2: "), "{error}");
}

proptest! {
    /// Each recording's lines stay in their order, and all of them can be read again.
    #[test]
    fn nothing_is_lost(times in prop::collection::vec(prop::collection::vec(0_u32..50_000, 0..8), 1..4)) {
        let texts: Vec<String> = times.iter().enumerate().map(|(which, times)| {
            let mut lines = vec![first(0, ""), open(1, 1)];
            lines.extend(times.iter().enumerate().map(|(at, time)| said(1, *time, &format!("{which}-{at}"))));
            lines.join("\n")
        }).collect();
        let (lines, _) = merged(&texts).unwrap();
        let mut reader = Reader::new("it", Cursor::new(lines.join("\n"))).unwrap();
        while reader.next().unwrap().is_some() {}
        for (which, times) in times.iter().enumerate() {
            let mark = format!("\"text\":\"{which}-");
            let order: Vec<usize> = lines.iter().filter_map(|line| {
                line.split(&mark).nth(1)?.split('"').next()?.parse().ok()
            }).collect();
            prop_assert_eq!(order, (0..times.len()).collect::<Vec<_>>());
        }
    }
}
