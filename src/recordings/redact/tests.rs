//! Recordings without their secrets.

use std::io::Cursor;

use super::*;

const LOGIN: &str = r#"{"type":"recording","version":1,"tool":"t","started":"2026-11-22T14:30:00.000Z"}
{"type":"exchange","exchange":1,"time":"2026-11-22T14:30:01.000Z","mode":null,"url":"http://a/login","tls":null,"request":{"line":"POST /login HTTP/1.1","headers":[],"body":"{\"password\":\"swordfish\"}"},"response":{"line":"HTTP/1.1 200 OK","headers":[],"body":"{\"token\":\"s3cr3t-t0k3n\"}"}}
{"type":"open","session":1,"time":"2026-11-22T14:30:02.000Z","mode":null,"url":"ws://a/","tls":null,"request":{"line":"GET / HTTP/1.1","headers":[["Authorization","Bearer s3cr3t-t0k3n"]]},"response":{"line":"HTTP/1.1 101 x","headers":[]}}
{"type":"message","session":1,"n":1,"at":1.000,"from":"client","op":"text","json":{"token":"s3cr3t-t0k3n","pin":1234},"compressed":20}
{"type":"message","session":1,"n":2,"at":2.000,"from":"server","op":"text", "json":{"token":null,"hello":"you"}}
{"type":"message","session":1,"n":3,"at":3.000,"from":"client","op":"text","text":"42[\"auth\",{\"token\":\"other\"}]"}
"#;

fn redacted(text: &str, paths: &[&str]) -> (Vec<String>, Redacted) {
    let paths: Vec<Path> = paths.iter().map(|path| path.parse().unwrap()).collect();
    let mut out = Vec::new();
    let mut reader = Reader::new("it", Cursor::new(text.as_bytes())).unwrap();
    let told = redact(&mut reader, &paths, &mut out).unwrap();
    (String::from_utf8(out).unwrap().lines().map(str::to_owned).collect(), told)
}

#[test]
fn the_same_secret_has_the_same_placeholder_in_heads_bodies_and_messages() {
    let (lines, told) = redacted(LOGIN, &["$..token", "$.pin", "password", "$.nowhere"]);
    assert!(
        lines[0]
            .ends_with(r#""redacted":true,"redacted_paths":["$..token","$.pin","password","$.nowhere"]}"#),
        "{}",
        lines[0]
    );
    assert!(lines[1].contains(r#""body":"{\"password\":\"redacted-1\"}""#), "{}", lines[1]);
    assert!(lines[1].contains(r#""body":"{\"token\":\"redacted-2\"}""#), "{}", lines[1]);
    assert!(
        lines[1].ends_with(r#""redacted":["request body password","response body $..token"]}"#),
        "{}",
        lines[1]
    );
    assert!(lines[2].contains("Bearer redacted-2"), "{}", lines[2]);
    assert!(
        lines[3].ends_with(r#""json":{"token":"redacted-2","pin":"redacted-3"},"redacted":["$..token","$.pin"],"compressed":20}"#),
        "{}",
        lines[3]
    );
    assert_eq!(lines[4], LOGIN.lines().nth(4).unwrap(), "a line with no secret stays as it stands");
    assert!(lines[5].contains(r#""text":"42[\"auth\",{\"token\":\"redacted-4\"}]""#), "{}", lines[5]);
    assert_eq!(told, Redacted { messages: 2, heads: 2, nowhere: vec!["$.nowhere".to_owned()] });
}

#[test]
fn what_went_on_in_a_message_s_place_is_redacted_as_it_is() {
    let act = r#"{"type":"act","session":1,"n":1,"at":1.500,"from":"client","act":"edited","by":"user","op":"text","json":{"token":"s3cr3t-t0k3n"}}"#;
    let (lines, _) = redacted(&format!("{LOGIN}{act}\n"), &["$.token"]);
    assert!(lines[6].ends_with(r#""json":{"token":"redacted-1"},"redacted":["$.token"]}"#), "{}", lines[6]);
}

#[test]
fn what_is_redacted_stays_as_it_is() {
    let once = redacted(LOGIN, &["$..token"]).0.join("\n") + "\n";
    let again = redacted(&once, &["$..token"]);
    assert_eq!(again.0.join("\n") + "\n", once);
    let more = redacted(&once, &["$.pin"]).0;
    assert!(more[0].contains(r#"["$..token","$.pin"]"#), "{}", more[0]);
    assert!(more[3].contains(r#"{"token":"redacted-1","pin":"redacted-"#), "{}", more[3]);
}

#[test]
fn recordings_that_were_joined_keep_their_sessions_apart() {
    let (lines, _) = redacted(&format!("{LOGIN}{LOGIN}"), &[]);
    assert_eq!(lines.iter().filter(|line| line.contains("\"recording\"")).count(), 1);
    assert!(lines.last().unwrap().contains(r#""session":2"#));
}
