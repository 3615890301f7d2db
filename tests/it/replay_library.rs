//! The players inside a Rust test: what they find, and that a test cannot forget to ask.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;

use futures_util::{SinkExt, StreamExt};
use sockeye::replay::{Fidelity, Match, MockServer, Order, Recorder, ReplayClient, StartError};
use tokio::runtime::Runtime;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Message};

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

/// The lines without what the server answered.
fn answering(word: &str) -> Vec<String> {
    HELLO.iter().map(|line| line.replace("world", word)).collect()
}

fn answering_recording(path: &str, word: &str) -> (tempfile::TempDir, std::path::PathBuf) {
    let lines = answering(word);
    recording(&[session(1, path, "", &lines.iter().map(String::as_str).collect::<Vec<_>>())])
}

#[test]
fn both_parts_are_played_without_ports() {
    let (_folder, file) = recording(&[session(1, "/one", "", HELLO), session(2, "/two", "", HELLO)]);
    for fidelity in Fidelity::ALL {
        Runtime::new().unwrap().block_on(async {
            let mock = MockServer::from_file(&file).fidelity(fidelity).start_in_memory().await.unwrap();
            let client = ReplayClient::from_file(&file).fidelity(fidelity).run_over(|| mock.connect()).await;
            client.unwrap().assert_ok();
            mock.finish().await.assert_ok();
        });
    }
}

#[test]
fn a_client_of_any_stream_talks_to_a_mock_without_a_port() {
    let (_folder, file) = recording(&[session(1, "/one", "", HELLO)]);
    Runtime::new().unwrap().block_on(async {
        let mock = MockServer::from_file(&file).start_in_memory().await.unwrap();
        let url = format!("{}/one", mock.url());
        let (mut client, _) = tokio_tungstenite::client_async(url, mock.connect()).await.unwrap();
        client.send(r#"{"id":7,"ask":"hello"}"#.into()).await.unwrap();
        let answer = loop {
            match client.next().await.unwrap().unwrap() {
                Message::Text(answer) => break answer,
                other => assert!(other.is_ping(), "{other}"),
            }
        };
        assert_eq!(answer.as_str(), r#"{"id":7,"answer":"world"}"#);
        let frame = CloseFrame { code: 1000.into(), reason: "".into() };
        client.close(Some(frame)).await.unwrap();
        while client.next().await.is_some() {}
        drop(client);
        mock.finish().await.assert_ok();
    });
}

#[test]
fn a_recording_is_made_inside_a_test_and_made_anew_with_its_times() {
    let (_server, server) = answering_recording("/one", "world");
    let (folder, script) = recording(&[session(1, "/one", "", HELLO)]);
    let file = folder.path().join("new.jsonl");
    let record = async |server: &std::path::Path| {
        let real = MockServer::from_file(server).matching(Match::Any).start().await.unwrap();
        let recorder = Recorder::new(&file).to(real.url()).start().await.unwrap();
        let played = ReplayClient::from_file(&script).matching(Match::Any).run(recorder.url()).await.unwrap();
        assert!(played.is_ok(), "{played}");
        let recorded = recorder.finish().await.unwrap();
        assert_eq!(recorded.targets, ["/one"]);
        real.finish().await.assert_ok();
        std::fs::read_to_string(&file).unwrap()
    };
    let (_other, other) = answering_recording("/one", "moon");
    Runtime::new().unwrap().block_on(async {
        let first = record(&server).await;
        assert!(first.contains("world") && first.contains(r#""redacted":true"#), "{first}");
        // Which end's FIN is seen first is the system's to say.
        let without_end = |text: &str| -> Vec<String> {
            text.lines().filter(|line| !line.contains(r#""type":"end""#)).map(str::to_owned).collect()
        };
        assert_eq!(without_end(&record(&server).await), without_end(&first));
        let third = record(&other).await;
        assert_eq!(third.replace("moon", "world").lines().count(), first.lines().count());
        let differs = |(a, b): &(&str, &str)| a != b;
        let changed: Vec<_> = first.lines().zip(third.lines()).filter(differs).collect();
        assert!(changed.iter().any(|(_, new)| new.contains("moon")) && changed.len() <= 2, "{changed:#?}");
        // Nobody came: the file stays.
        let recorder = Recorder::new(&file).to("ws://127.0.0.1:9").start().await.unwrap();
        let why = recorder.finish().await.unwrap_err().to_string();
        assert!(why.contains("stays as it was: no client came"), "{why}");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), third);
        let why = Recorder::new(&file).start().await.unwrap_err().to_string();
        assert!(why.contains("needs a server"), "{why}");
    });
}

#[test]
fn a_mock_makes_its_recording_anew_of_the_real_server() {
    let (_server, server) = answering_recording("/one", "moon");
    let (_folder, file) = recording(&[session(1, "/one", "", HELLO), session(2, "/two", "", HELLO)]);
    let (_client, client) = answering_recording("/one", "moon");
    let before = std::fs::read_to_string(&file).unwrap();
    Runtime::new().unwrap().block_on(async {
        let real = MockServer::from_file(&server).start().await.unwrap();
        let mock = MockServer::from_file(&file).select("path:/one").to(real.url()).update();
        let mock = mock.start_in_memory().await.unwrap();
        ReplayClient::from_file(&client).run_over(|| mock.connect()).await.unwrap().assert_ok();
        mock.finish().await.assert_ok();
        real.finish().await.assert_ok();
        let after = std::fs::read_to_string(&file).unwrap();
        assert!(after.contains("moon") && after.contains("world"), "{after}");
        let two = before.split_at(before.find(r#"{"type":"open","session":2"#).unwrap()).1;
        assert!(after.contains(two.trim_end()), "{after}");
        // It is a recording that plays.
        let mock = MockServer::from_file(&file).select("path:/one").start().await.unwrap();
        ReplayClient::from_file(&client).run(mock.url()).await.unwrap().assert_ok();
        mock.finish().await.assert_ok();
    });
}

#[test]
fn a_client_makes_its_recording_anew() {
    let (_server, server) = answering_recording("/one", "moon");
    let (_folder, file) = recording(&[session(1, "/one", "", HELLO)]);
    Runtime::new().unwrap().block_on(async {
        let real = MockServer::from_file(&server).start().await.unwrap();
        ReplayClient::from_file(&file).update().run(real.url()).await.unwrap().assert_ok();
        real.finish().await.assert_ok();
        let real = MockServer::from_file(&server).start().await.unwrap();
        ReplayClient::from_file(&file).run(real.url()).await.unwrap().assert_ok();
        real.finish().await.assert_ok();
        let url = "ws://127.0.0.1:9";
        let why = ReplayClient::from_file(&file).update().run(url).await.unwrap_err().to_string();
        assert!(why.contains("stays as it was: cannot reach"), "{why}");
    });
}

/// The test calls itself, since the environment is the whole program's.
#[test]
fn the_environment_says_that_recordings_are_made_anew() {
    const FILE: &str = "SOCKEYE_TEST_RECORDING";
    if let Ok(file) = std::env::var(FILE) {
        let (_server, server) = answering_recording("/one", "moon");
        return Runtime::new().unwrap().block_on(async {
            let real = MockServer::from_file(&server).start().await.unwrap();
            ReplayClient::from_file(file).run(real.url()).await.unwrap().assert_ok();
            real.finish().await.assert_ok();
        });
    }
    let (_folder, file) = recording(&[session(1, "/one", "", HELLO)]);
    let name = "replay_library::the_environment_says_that_recordings_are_made_anew";
    let again = |value: &str| {
        let mut program = Command::new(std::env::current_exe().unwrap());
        program
            .args(["--exact", name])
            .env(FILE, &file)
            .env("UPDATE_RECORDINGS", value)
            .output()
            .unwrap()
            .status
    };
    assert!(!again("0").success() && !std::fs::read_to_string(&file).unwrap().contains("moon"));
    assert!(again("1").success() && std::fs::read_to_string(&file).unwrap().contains("moon"));
}
