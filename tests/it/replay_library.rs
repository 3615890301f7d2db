//! The players inside a Rust test: what they find, and that a test cannot forget to ask.

use std::panic::{AssertUnwindSafe, catch_unwind};

use sockeye::replay::{MockServer, Order, ReplayClient, StartError};
use tokio::runtime::Runtime;

use crate::replay::{HELLO, recording, session};

#[test]
fn both_parts_of_a_recording_fit_each_other() {
    let (_folder, file) = recording(&[session(1, "/one", "", HELLO), session(2, "/two", "", HELLO)]);
    Runtime::new().unwrap().block_on(async {
        let mock = MockServer::from_file(&file).start().await.unwrap();
        let client = ReplayClient::from_file(&file).run(mock.url()).await.unwrap();
        client.assert_ok();
        let outcome = mock.finish().await;
        outcome.assert_ok();
        assert_eq!((client.played.len(), outcome.played.len()), (2, 2));
    });
}

#[test]
fn what_differs_is_found_and_can_be_ignored() {
    let (_folder, file) = recording(&[session(1, "/", "", HELLO)]);
    let changed: Vec<_> = HELLO.iter().map(|line| line.replace("hello", "hallo")).collect();
    let changed: Vec<&str> = changed.iter().map(String::as_str).collect();
    let (_folder, other) = recording(&[session(1, "/", "", &changed)]);
    Runtime::new().unwrap().block_on(async {
        let mock = MockServer::from_file(&file).start().await.unwrap();
        ReplayClient::from_file(&other).run(mock.url()).await.unwrap().assert_ok();
        let outcome = mock.finish().await;
        assert!(!outcome.is_ok());
        assert!(outcome.to_string().contains("$.ask: expected \"hello\", got \"hallo\""), "{outcome}");
        let mock = MockServer::from_file(&file).ignore("$.ask").bind("id", "$.id").start().await.unwrap();
        ReplayClient::from_file(&other).run(mock.url()).await.unwrap().assert_ok();
        mock.finish().await.assert_ok();
    });
}

#[test]
fn a_mock_that_nobody_asks_fails_the_test_when_it_is_dropped() {
    let (_folder, file) = recording(&[session(1, "/one", "", HELLO)]);
    Runtime::new().unwrap().block_on(async {
        let mock = MockServer::from_file(&file).start().await.unwrap();
        let dropped = catch_unwind(AssertUnwindSafe(|| drop(mock))).unwrap_err();
        let why = dropped.downcast_ref::<String>().unwrap();
        assert!(why.contains("MISSING /one"), "{why}");
        let mock = MockServer::from_file(&file).start().await.unwrap();
        assert!(!mock.finish().await.is_ok());
    });
}

#[test]
fn wrong_words_are_told_when_it_starts() {
    let (_folder, file) = recording(&[session(1, "/one", "", HELLO)]);
    Runtime::new().unwrap().block_on(async {
        let path = MockServer::from_file(&file).ignore("$.").start().await.unwrap_err();
        assert!(matches!(path, StartError::Path(_)));
        let filter = MockServer::from_file(&file).select("path:").start().await.unwrap_err();
        assert!(matches!(filter, StartError::Words(_)), "{filter}");
        let none = MockServer::from_file(&file).select("path:/two").start().await.unwrap_err();
        assert!(matches!(none, StartError::Empty(_)), "{none}");
        let missing = ReplayClient::from_file("nowhere.jsonl").run("ws://h").await.unwrap_err();
        assert!(missing.to_string().contains("nowhere.jsonl"), "{missing}");
    });
}

#[test]
fn recordings_of_applications_play_each_other() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/replay");
    let files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(files.len() >= 6, "{files:?}");
    Runtime::new().unwrap().block_on(async {
        for file in files {
            // A client plays no plain HTTP; answers come when they are asked for, which may be before others.
            let mock = MockServer::from_file(&file).optional("~http").start().await.unwrap();
            let client = ReplayClient::from_file(&file).order(Order::Unordered);
            client.run(mock.url()).await.unwrap().assert_ok();
            mock.finish().await.assert_ok();
        }
    });
}
