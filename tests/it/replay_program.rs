//! `sockeye replay` as test runners start it: what it prints and writes, when it ends, and its exit code.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use crate::replay::{HELLO, recording, session};

/// A mock server in a process of its own.
pub struct Mock {
    child: Child,
    out: BufReader<ChildStdout>,
    pub url: String,
}

impl Mock {
    pub fn start(file: &Path, words: &[&str]) -> Mock {
        let mut child = Command::new(env!("CARGO_BIN_EXE_sockeye"))
            .args(["replay", "server", file.to_str().unwrap(), "--output", "json"])
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        assert!(line.starts_with(r#"{"type":"ready","url":"ws://127.0.0.1:"#), "{line}");
        let url = line.split('"').nth(7).unwrap().to_owned();
        Mock { child, out, url }
    }

    /// The next line that it prints.
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.out.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    #[cfg(unix)]
    fn terminate(&self) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").arg(id).status().unwrap().success());
    }

    pub fn code(mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }
}

pub fn sockeye(words: &[&str]) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } =
        Command::new(env!("CARGO_BIN_EXE_sockeye")).args(words).stdin(Stdio::null()).output().unwrap();
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

#[test]
fn what_is_wrong_with_the_command_line_or_the_file_is_said() {
    let (_folder, file) = recording(&[session(1, "/", "", HELLO)]);
    let file = file.to_str().unwrap();
    let check = |words: &[&str], part: &str| {
        let (code, _, errors) = sockeye(words);
        assert!(code == Some(2) && errors.contains(part), "{words:?}: {errors}");
    };
    check(&["replay", "server", file, "--ignore", "$."], "a name is missing");
    check(&["replay", "server", "-"], "give it as a file");
    check(&["replay", "server", file, "--report", "junit"], "such as junit=report.xml");
    check(&["replay", "server", file, "--report", "html=x"], "none of junit, tap, json");
    check(&["replay", "server", file, "--report", "tap=-,json=-"], "only one thing fits");
    let (_folder, empty) = recording(&[]);
    check(&["replay", "server", empty.to_str().unwrap()], "holds no session");
}

#[test]
fn both_parts_end_well_and_write_reports() {
    let (folder, file) = recording(&[session(1, "/one", "", HELLO), session(2, "/two", "", HELLO)]);
    let report = |name: &str| folder.path().join(name);
    let reports = format!("junit={},json={}", report("x.xml").display(), report("x.json").display());
    let mut mock = Mock::start(&file, &["--report", &reports]);
    let (code, out, errors) =
        sockeye(&["replay", "client", file.to_str().unwrap(), &mock.url, "--report", "tap=-"]);
    assert_eq!(code, Some(0), "{out}{errors}");
    assert!(out.starts_with("TAP version 14\n1..2\nok 1 - /one (line 2)\nok 2 - /two (line 9)"), "{out}");
    assert!(errors.contains("ok      /one (2 messages as recorded, 2 sent)"), "{errors}");
    assert!(mock.line().starts_with(r#"{"type":"session","target":"/one","line":2,"ok":true,"#));
    assert!(mock.line().starts_with(r#"{"type":"session","target":"/two","#));
    assert_eq!(mock.line(), r#"{"type":"summary","ok":true,"played":2,"left":[]}"#);
    assert_eq!(mock.code(), Some(0));
    let xml = std::fs::read_to_string(report("x.xml")).unwrap();
    assert!(xml.contains(r#"tests="2" failures="0""#), "{xml}");
    let json = std::fs::read_to_string(report("x.json")).unwrap();
    assert!(json.contains(r#""ok": true"#), "{json}");
}

#[cfg(unix)]
#[test]
fn a_signal_ends_it_and_what_was_not_played_is_named() {
    let (_folder, file) = recording(&[session(1, "/one", "", HELLO)]);
    let mut mock = Mock::start(&file, &[]);
    mock.terminate();
    let left = r#"{"target":"/one","line":2,"how":"untouched"}"#;
    assert_eq!(mock.line(), format!(r#"{{"type":"summary","ok":false,"played":0,"left":[{left}]}}"#));
    assert_eq!(mock.code(), Some(1));
}

#[cfg(unix)]
#[test]
fn a_session_is_played_again_and_again_until_a_signal() {
    let (_folder, file) = recording(&[session(1, "/one", "", HELLO)]);
    let mut mock = Mock::start(&file, &["--repeat"]);
    for _ in 0..3 {
        assert_eq!(sockeye(&["replay", "client", file.to_str().unwrap(), &mock.url]).0, Some(0));
        assert!(mock.line().contains(r#""ok":true"#));
    }
    mock.terminate();
    assert_eq!(mock.line(), r#"{"type":"summary","ok":true,"played":3,"left":[]}"#);
    assert_eq!(mock.code(), Some(0));
}

#[test]
fn it_ends_with_its_standard_input_or_when_nobody_comes() {
    let (_folder, file) = recording(&[session(1, "/one", "", HELLO)]);
    let mut mock = Mock::start(&file, &["--end-with-stdin"]);
    drop(mock.child.stdin.take());
    assert!(mock.line().contains("untouched"));
    assert_eq!(mock.code(), Some(1));
    let file = file.to_str().unwrap();
    let (code, out, errors) = sockeye(&["replay", "server", file, "--idle-timeout", "0.05"]);
    assert_eq!(code, Some(1), "{out}");
    assert!(out.contains(&format!("MISSING /one\n{file}:2: this session was not played\n")), "{out}");
    assert!(errors.contains("not all of the recording was played: 1 missing"), "{errors}");
}

#[test]
fn a_file_beside_the_recording_holds_options() {
    let (folder, file) = recording(&[session(1, "/one", "", HELLO), session(2, "/two", "", HELLO)]);
    let options = folder.path().join("recording.replay.toml");
    let file = file.to_str().unwrap();
    let play = |more: &[&str]| sockeye(&[&["replay", "server", file], more].concat());
    std::fs::write(&options, "idle-timeout = 0.05\nselect = 'path:/two'\n").unwrap();
    let (_, out, _) = play(&[]);
    assert!(out.contains("MISSING /two") && !out.contains("/one"), "{out}");
    // The command line wins.
    let (_, out, _) = play(&["--select", "path:/one"]);
    assert!(out.contains("MISSING /one") && !out.contains("/two"), "{out}");
    let (code, _, errors) = play(&["--select", "path:/three"]);
    assert!(code == Some(2) && errors.contains("--select fits no session"), "{errors}");
    std::fs::write(&options, "\ntiming = 'slow'\n").unwrap();
    let (code, _, errors) = play(&[]);
    assert!(code == Some(2) && errors.contains("recording.replay.toml:2: "), "{errors}");
}

#[test]
fn a_client_that_no_session_is_left_for_goes_on_to_a_real_server() {
    let (_one, one) = recording(&[session(1, "/one", "", HELLO)]);
    let (_two, two) = recording(&[session(1, "/two", "", HELLO)]);
    let (_both, both) = recording(&[session(1, "/two", "", HELLO), session(2, "/one", "", HELLO)]);
    let mut real = Mock::start(&two, &[]);
    let mut mock = Mock::start(&one, &["--on-miss", &format!("forward={}", real.url)]);
    let (code, out, errors) = sockeye(&["replay", "client", both.to_str().unwrap(), &mock.url]);
    assert_eq!(code, Some(0), "{out}{errors}");
    assert!(real.line().contains(r#""target":"/two","line":2,"ok":true"#));
    assert!(mock.line().contains(r#""target":"/one","line":2,"ok":true"#));
    assert_eq!((real.code(), mock.code()), (Some(0), Some(0)));
}

#[test]
fn a_client_that_no_session_is_left_for_is_recorded() {
    let (folder, one) = recording(&[session(1, "/one", "", HELLO)]);
    let (_two, two) = recording(&[session(1, "/two", "", HELLO)]);
    let (_both, both) = recording(&[session(1, "/two", "", HELLO), session(2, "/one", "", HELLO)]);
    let before = std::fs::read_to_string(&one).unwrap();
    let url = |mock: &Mock| mock.url.clone();
    let play = |more: &[&str]| {
        let mut real = Mock::start(&two, &[]);
        let record = format!("record={}", url(&real));
        let mut mock = Mock::start(&one, &[&["--on-miss", &record], more].concat());
        let (code, out, errors) = sockeye(&["replay", "client", both.to_str().unwrap(), &mock.url]);
        assert_eq!(code, Some(0), "{out}{errors}");
        assert!(real.line().contains(r#""target":"/two","line":2,"ok":true"#));
        assert!(mock.line().contains(r#""target":"/one","line":2,"ok":true"#));
        let recorded = mock.line();
        assert!(
            recorded.contains(r#""type":"recorded""#) && recorded.contains(r#""sessions":1"#),
            "{recorded}"
        );
        assert_eq!((real.code(), mock.code()), (Some(0), Some(0)));
    };
    let other = folder.path().join("other.jsonl");
    play(&["--record-to", other.to_str().unwrap()]);
    assert_eq!(std::fs::read_to_string(&one).unwrap(), before);
    play(&[]);
    let after = std::fs::read_to_string(&one).unwrap();
    let added = after.strip_prefix(&before).unwrap();
    assert!(added.starts_with(r#"{"type":"recording","version":1,"#) && added.contains(r#""redacted":true"#));
    // Both are played the next time, without the real server.
    for file in [&one, &other] {
        let mut mock = Mock::start(file, &["--select", "path:/two"]);
        let (code, out, _) = sockeye(&["replay", "client", two.to_str().unwrap(), &mock.url]);
        assert!(code == Some(0) && mock.line().contains(r#""ok":true"#), "{out}");
    }
}

#[test]
fn what_cannot_be_added_to_is_told_before_anything_is_played() {
    let (_folder, file) = recording(&[session(1, "/one", "", HELLO)]);
    let torn = std::fs::read_to_string(&file).unwrap() + "{\"type\":\"mess";
    std::fs::write(&file, &torn).unwrap();
    let words = ["replay", "server", file.to_str().unwrap(), "--on-miss", "record=ws://127.0.0.1:9"];
    let (code, _, errors) = sockeye(&words);
    assert!(code == Some(2) && errors.contains("its last line is not whole; delete that line"), "{errors}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), torn);
}

#[test]
fn new_answers_are_written_into_the_recording_and_nothing_else_changes() {
    let changed: Vec<_> = HELLO.iter().map(|line| line.replace("world", "moon")).collect();
    let changed: Vec<&str> = changed.iter().map(String::as_str).collect();
    let (_server, server) = recording(&[session(1, "/two", "", &changed)]);
    let (_client, client) = recording(&[session(1, "/one", "", HELLO), session(7, "/two", "", HELLO)]);
    let before = std::fs::read_to_string(&client).unwrap();
    let mock = Mock::start(&server, &[]);
    let file = client.to_str().unwrap();
    let url = mock.url.clone();
    let words = ["replay", "client", file, &url, "--update", "--select", "path:/two"];
    let (code, out, errors) = sockeye(&words);
    assert_eq!(code, Some(0), "{out}{errors}");
    assert!(out.contains("1 messages changed, 0 new,"), "{out}");
    assert_eq!(mock.code(), Some(0));
    let after = std::fs::read_to_string(&client).unwrap();
    let (one, two) = before.split_at(before.find(r#"{"type":"open","session":7"#).unwrap());
    let rest = after.strip_prefix(one).unwrap_or_else(|| panic!("{after}"));
    let was: Vec<_> = two.lines().collect();
    let is: Vec<_> = rest.lines().collect();
    let differ: Vec<_> = is.iter().filter(|line| !was.contains(*line)).collect();
    assert!(differ.iter().any(|line| line.contains("moon") && line.contains(r#""at":3"#)), "{differ:#?}");
    // Where nobody answers, all stays.
    let (code, _, errors) = sockeye(&words);
    assert!(code == Some(3) && errors.contains("stays as it was: cannot reach"), "{errors}");
    assert_eq!(std::fs::read_to_string(&client).unwrap(), after);
}
