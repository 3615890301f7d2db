//! The pages that are made, and not written: `UPDATE_DOCS=1 cargo test --test it docs` makes them anew.

use std::path::{Path, PathBuf};

use serde_json::Value;
use sockeye::demo::{Demo, Rounds};
use sockeye::headless::{self, Redaction};
use sockeye::net::{Entrance, Listening};

use crate::support::{PATIENCE, reverse};

#[cfg(feature = "tui")]
#[path = "../../examples/picture.rs"]
mod picture;

#[allow(dead_code, reason = "the program uses all of it")]
#[path = "../../src/cli/mod.rs"]
mod cli;

mod options;
mod rules;

/// Compares a page with what it should be, or makes it so.
#[track_caller]
fn check(name: &str, expected: &str) {
    let path = page(name);
    if updating() {
        std::fs::write(path, expected).unwrap();
        return;
    }
    let found = std::fs::read_to_string(path).unwrap_or_default().replace("\r\n", "\n");
    assert!(found == expected, "docs/{name} is not up to date: UPDATE_DOCS=1 cargo test --test it docs");
}

fn page(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name)
}

fn updating() -> bool {
    std::env::var_os("UPDATE_DOCS").is_some()
}

#[test]
fn the_page_of_options_is_the_command_line() {
    check("options.md", &options::page(&cli::command()));
}

#[test]
fn the_examples_of_testing_are_the_files() {
    let text = std::fs::read_to_string(page("testing.md")).unwrap().replace("\r\n", "\n");
    let expected = with_files(&text);
    assert!(expected.matches("```go\npackage chat\n").count() == 1, "{expected}");
    check("testing.md", &expected);
}

/// The page with each block of code behind `<!-- PATH -->` as the file is.
fn with_files(text: &str) -> String {
    let mut made = String::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        made.push_str(line);
        made.push('\n');
        if let Some(path) = line.strip_prefix("<!-- ").and_then(|rest| rest.strip_suffix(" -->")) {
            let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
            made.push_str(lines.next().unwrap());
            made.push('\n');
            made.push_str(&std::fs::read_to_string(file).unwrap().replace("\r\n", "\n"));
            made.push_str("```\n");
            assert!(lines.any(|line| line == "```"), "{path}: its block of code has no end");
        }
    }
    made
}

#[test]
fn the_recorded_demo_and_the_picture_of_it_are_up_to_date() {
    let recorded = steady(&record_demo(1000.0));
    let written = || steady(&std::fs::read_to_string(page("demo.jsonl")).unwrap_or_default());
    if updating() && written() != recorded {
        // At the pace of life, for the times in it.
        std::fs::write(page("demo.jsonl"), record_demo(1.0)).unwrap();
    }
    let same = written() == recorded;
    assert!(same, "docs/demo.jsonl is not up to date: UPDATE_DOCS=1 cargo test --test it docs");
    #[cfg(feature = "tui")]
    check("screen.svg", &picture::draw().unwrap());
}

/// A recording of one round, as if the server and the proxy were on their usual ports.
fn record_demo(tempo: f64) -> String {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("demo.jsonl");
    let demo = Demo::start().unwrap();
    let server = demo.target();
    let running = reverse(server);
    let proxy = running.address;
    let recorder = headless::record(
        &running.log,
        &path,
        vec![Listening { address: proxy, entrance: Entrance::Forward }],
        Redaction::On,
        |_| {},
    )
    .unwrap();
    let mut playing = demo.play(proxy, Rounds::Once { tempo }).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(playing.over()).unwrap();
    drop(playing);
    running.finish();
    recorder.finish(PATIENCE).unwrap().unwrap();
    let recording = std::fs::read_to_string(path).unwrap();
    recording.replace(&server.to_string(), "localhost:3000").replace(&proxy.to_string(), "127.0.0.1:8080")
}

/// A recording's lines without their times and ports.
fn steady(recording: &str) -> Vec<String> {
    let steady = |line: &str| {
        let mut line: Value = serde_json::from_str(line).unwrap();
        let object = line.as_object_mut().unwrap();
        for key in ["time", "at", "started", "timing", "client", "frames_at", "ended", "took"] {
            object.shift_remove(key);
        }
        line.to_string()
    };
    recording.lines().map(steady).collect()
}
