//! Recordings in other tools' formats, by the program as a whole.

use std::path::Path;
use std::process::{Command, Output};

fn sockeye(words: &[&str], folder: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sockeye")).args(words).current_dir(folder).output().unwrap()
}

#[track_caller]
fn run(words: &[&str], folder: &Path) {
    let output = sockeye(words, folder);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// What the program says where it cannot do as asked.
#[track_caller]
fn fault(words: &[&str], folder: &Path) -> String {
    let output = sockeye(words, folder);
    assert_eq!(output.status.code(), Some(2));
    String::from_utf8(output.stderr).unwrap()
}

fn demo() -> (tempfile::TempDir, String) {
    let recording = std::fs::read_to_string("docs/demo.jsonl").unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("demo.jsonl"), &recording).unwrap();
    (folder, recording)
}

#[test]
fn a_recording_comes_back_from_har_as_it_was() {
    let (folder, recording) = demo();
    run(&["export", "demo.jsonl", "demo.har"], folder.path());
    run(&["import", "demo.har", "again.jsonl"], folder.path());
    let again = std::fs::read_to_string(folder.path().join("again.jsonl")).unwrap();
    let sorted = |text: &str| {
        let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines.join("\n")
    };
    assert_eq!(sorted(&again), sorted(&recording));
}

#[test]
fn what_cannot_be_converted_is_said_and_leaves_no_file() {
    let (folder, _) = demo();
    let folder = folder.path();
    for (words, expected) in [
        (["export", "none.jsonl", "a.har"], "cannot read none.jsonl"),
        (["export", "demo.jsonl", "a.gif"], "what a.gif is to be is not known"),
        (["export", "demo.jsonl", "demo.jsonl"], "demo.jsonl"),
        (["import", "demo.jsonl", "a.har"], "a.har would be a recording"),
        (["import", "demo.jsonl", "a.jsonl"], "demo.jsonl:2:1: trailing characters"),
    ] {
        let said = fault(&words, folder);
        assert!(said.contains(expected), "{words:?}: {said}");
    }
    std::fs::write(folder.join("bad.jsonl"), "{}\n").unwrap();
    assert!(fault(&["export", "bad.jsonl", "a.har"], folder).contains("bad.jsonl is not a recording"));
    let left = std::fs::read_dir(folder).unwrap().count();
    assert_eq!(left, 2, "the recording and the bad one");
}

#[test]
fn recordings_that_were_joined_become_one() {
    let (folder, recording) = demo();
    std::fs::write(folder.path().join("two.jsonl"), format!("{recording}{recording}")).unwrap();
    run(&["export", "two.jsonl", "one.jsonl"], folder.path());
    let one = std::fs::read_to_string(folder.path().join("one.jsonl")).unwrap();
    let of_type = |text: &str, name: &str| text.matches(&format!("{{\"type\":\"{name}\"")).count();
    assert_eq!(of_type(&one, "recording"), 1);
    assert_eq!(of_type(&one, "message"), 2 * of_type(&recording, "message"));
    run(&["export", "two.jsonl", "two.pcapng"], folder.path());
    let packets = std::fs::read(folder.path().join("two.pcapng")).unwrap();
    assert!(packets.starts_with(b"\x0a\x0d\x0d\x0a"));
}
