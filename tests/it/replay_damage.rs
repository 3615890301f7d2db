//! Recordings that were damaged by hand: an error names file and line, and what can be read is played to its end.

use std::path::Path;

use proptest::prelude::*;
use sockeye::replay::{Cast, Fidelity, Settings, Trouble};

use crate::duel::duel;

/// The recordings of tests/data/replay.
fn recordings() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/replay");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.into_iter().map(|file| std::fs::read_to_string(file).unwrap()).collect()
}

#[derive(Clone, Debug)]
enum Damage {
    Delete,
    Double,
    Swap,
    Cut(usize),
    Number(usize, &'static str),
    Word(&'static str, &'static str),
}

impl Damage {
    /// Does it to the line of this index.
    fn done(&self, lines: &mut Vec<String>, index: usize) {
        match self {
            Damage::Delete => drop(lines.remove(index)),
            Damage::Double => lines.insert(index, lines[index].clone()),
            Damage::Swap => {
                let other = (index + 1) % lines.len();
                lines.swap(index, other);
            }
            Damage::Cut(at) => {
                let at = at % lines[index].len();
                let at = (0..=at).rfind(|at| lines[index].is_char_boundary(*at)).unwrap();
                lines[index].truncate(at);
            }
            Damage::Number(which, number) => {
                let line = &lines[index];
                let starts: Vec<_> = line.match_indices(':').map(|(at, _)| at + 1).collect();
                let numbers: Vec<_> = starts
                    .into_iter()
                    .filter(|at| line[*at..].starts_with(|c: char| c.is_ascii_digit()))
                    .collect();
                if let Some(start) = numbers.get(which % numbers.len().max(1)) {
                    let length = line[*start..].find([',', '}', ']', '"']).unwrap_or(0);
                    lines[index].replace_range(*start..start + length, number);
                }
            }
            Damage::Word(from, to) => lines[index] = lines[index].replacen(from, to, 1),
        }
    }
}

fn damage() -> impl Strategy<Value = Damage> {
    let numbers = ["-1", "1e300", "0", "18446744073709551616", "\"x\"", "null", "99999999999"];
    let words = [
        ("\"client\"", "\"server\""),
        ("\"from\"", "\"form\""),
        ("\"text\":", "\"base64\":"),
        ("\"at\":", "\"n\":"),
        ("message", "close"),
        ("HTTP/1.1", "HTTP"),
        ("GET ", "GET\\r\\n"),
        ("101", "200"),
        ("\"headers\":[[", "\"headers\":[[["),
        ("polling", "websocket"),
    ];
    prop_oneof![
        Just(Damage::Delete),
        Just(Damage::Double),
        Just(Damage::Swap),
        any::<usize>().prop_map(Damage::Cut),
        (any::<usize>(), prop::sample::select(numbers.to_vec()))
            .prop_map(|(which, number)| Damage::Number(which, number)),
        prop::sample::select(words.to_vec()).prop_map(|(from, to)| Damage::Word(from, to)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn a_damaged_recording_is_played_or_its_fault_is_named(
        which in any::<usize>(),
        damages in prop::collection::vec((any::<usize>(), damage()), 1..4),
        fidelity in prop::sample::select(vec![Fidelity::Messages, Fidelity::Frames, Fidelity::Bytes]),
    ) {
        let recordings = recordings();
        let mut lines: Vec<String> = recordings[which % recordings.len()].lines().map(str::to_owned).collect();
        for (index, damage) in damages {
            if !lines.is_empty() {
                let index = index % lines.len();
                damage.done(&mut lines, index);
            }
        }
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("damaged.jsonl");
        std::fs::write(&file, lines.join("\n") + "\n").unwrap();
        let named = |error: &str| {
            error.contains("damaged.jsonl is not a recording") || error.contains("damaged.jsonl:")
        };
        let settings = Settings { fidelity, ..Settings::default() };
        match Cast::read(&file) {
            Err(error) => prop_assert!(named(&error.to_string()), "{error}"),
            Ok(cast) => for part in 0..cast.parts().len() {
                for report in duel(&cast, part, &settings).unwrap() {
                    for problem in report.problems {
                        if let Trouble::Unreadable(why) = &problem.what {
                            prop_assert!(named(why), "{why}");
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn a_fault_is_named_with_its_line() {
    for recording in recordings() {
        for index in 1..recording.lines().count() - 1 {
            let mut lines: Vec<String> = recording.lines().map(str::to_owned).collect();
            lines[index].truncate(20);
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("damaged.jsonl");
            std::fs::write(&file, lines.join("\n") + "\n").unwrap();
            let error = Cast::read(&file).map(|_| ()).unwrap_err().to_string();
            assert!(error.contains(&format!("damaged.jsonl:{}: ", index + 1)), "{error}");
        }
    }
}

#[test]
fn recordings_of_applications_play_each_other_without_sockets() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/replay");
    for entry in std::fs::read_dir(folder).unwrap() {
        let file = entry.unwrap().path();
        let cast = Cast::read(&file).unwrap();
        assert!(!cast.parts().is_empty());
        let settings = Settings { order: sockeye::replay::Order::Unordered, ..Settings::default() };
        for part in 0..cast.parts().len() {
            for report in duel(&cast, part, &settings).unwrap() {
                assert!(report.is_ok(), "{}: {:?}", file.display(), report.problems);
            }
        }
    }
}
