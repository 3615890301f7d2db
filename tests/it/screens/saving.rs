//! Which sessions are saved, and where.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use sockeye::capture::{Event, Flow};
use sockeye::headless::schema::Item;
use sockeye::headless::{self, Chosen, Redaction, Saved};
use sockeye::tui::Effect;

use super::Stage;
use super::views::SMALL;
use crate::sample::Sample;

fn these<const N: usize>(flows: [Flow; N]) -> Chosen {
    Chosen::These(BTreeSet::from(flows))
}

/// The file and the sessions of an effect.
fn saved(effect: Option<Effect>) -> (String, Chosen) {
    match effect {
        Some(Effect::SaveRecording(file, chosen)) => (file.display().to_string(), chosen),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_session_under_the_cursor_is_saved_or_those_that_are_marked() {
    let mut stage = Stage::new(Sample::full(), SMALL);
    // The second is session 2, the third an exchange.
    stage.keys("g j w");
    assert!(stage.screen().contains("save session 2 as: session-2.jsonl"), "{}", stage.screen());
    assert_eq!(saved(stage.keys("enter")), ("session-2.jsonl".to_owned(), these([Flow::Session(2)])));
    stage.keys("j");
    assert_eq!(saved(stage.line(":", "w one.jsonl")), ("one.jsonl".to_owned(), these([Flow::Exchange(1)])));
    stage.keys("m j m g w");
    assert!(stage.screen().contains("save the 2 that are marked as: sessions.jsonl"), "{}", stage.screen());
    let both = these([Flow::Session(3), Flow::Exchange(1)]);
    assert_eq!(saved(stage.keys("enter")), ("sessions.jsonl".to_owned(), both));
    // Given up, nothing is saved; the name can be another.
    stage.keys("w esc");
    assert_eq!(saved(stage.line("w backspace", "x")).0, "sessions.jsonx");
}

#[test]
fn all_that_are_listed_are_saved() {
    let mut stage = Stage::new(Sample::full(), SMALL);
    stage.keys("W");
    assert!(stage.screen().contains("save all that the log holds as: recording.jsonl"), "{}", stage.screen());
    assert_eq!(saved(stage.keys("enter")), ("recording.jsonl".to_owned(), Chosen::All));
    stage.line("f", "path:/graphql or path:/chat");
    stage.keys("W");
    assert!(stage.screen().contains("save the 2 that are listed as: recording.jsonl"), "{}", stage.screen());
    assert_eq!(saved(stage.keys("enter")).1, these([Flow::Session(2), Flow::Session(3)]));
}

#[test]
fn nothing_is_saved_of_nothing() {
    let mut stage = Stage::new(Sample::empty(), SMALL);
    assert_eq!(stage.keys("w"), None);
    assert!(stage.screen().contains("no session is chosen"), "{}", stage.screen());
    assert_eq!(stage.keys("W"), None);
    assert!(stage.screen().contains("there is nothing to save yet"), "{}", stage.screen());
}

#[test]
fn what_is_chosen_is_in_the_file_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("chosen.jsonl");
    let mut sample = Sample::begun(SystemTime::now() - Duration::from_secs(60));
    sample.graphql(2);
    sample.exchange(1);
    sample.chat(3);
    let chosen = these([Flow::Session(2), Flow::Exchange(1)]);
    let saved = headless::save(&sample.log, &file, &chosen, Vec::new(), Redaction::On).unwrap();
    assert_eq!(saved, Saved { sessions: 1, exchanges: 1, messages: 3 });
    let mut reader = headless::open(&file).unwrap();
    let mut flows = Vec::new();
    while let Some(record) = reader.next().unwrap() {
        if let Item::Event(event) = record.item {
            assert!(!matches!(event, Event::Note(_)), "{event:?}");
            flows.extend(event.flow());
        }
    }
    flows.dedup();
    assert_eq!(flows, [Flow::Session(2), Flow::Exchange(1)]);
}
