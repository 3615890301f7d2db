//! Recordings as files that are kept: trimmed, redacted, merged, made anew, by the program as a whole.

use std::path::Path;
use std::process::{Command, Output};

use proptest::prelude::*;
use tempfile::TempDir;

fn sockeye(words: &[&str], folder: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sockeye")).args(words).current_dir(folder).output().unwrap()
}

/// Runs a command that does as asked; gives what it says on stderr.
#[track_caller]
fn run(words: &[&str], folder: &TempDir) -> String {
    let output = sockeye(words, folder.path());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{words:?}: {said}");
    said
}

/// What the program says where it cannot do as asked.
#[track_caller]
fn fault(words: &[&str], folder: &TempDir) -> String {
    let output = sockeye(words, folder.path());
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{words:?}: {said}");
    said
}

fn demo() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy("docs/demo.jsonl", folder.path().join("demo.jsonl")).unwrap();
    folder
}

fn read(folder: &TempDir, name: &str) -> String {
    std::fs::read_to_string(folder.path().join(name)).unwrap()
}

fn files(folder: &TempDir) -> Vec<String> {
    let names = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}

#[test]
fn a_trimmed_recording_is_small_private_and_printed_without_its_heartbeats() {
    let folder = demo();
    let words = [
        "trim",
        "demo.jsonl",
        "small.jsonl",
        "--heartbeats",
        "--round",
        "10",
        "--shrink",
        "200",
        "--filter",
        "path:/chat",
    ];
    let said = run(&words, &folder);
    assert!(said.contains("heartbeats were left out") && said.contains("made smaller"), "{said}");
    let small = read(&folder, "small.jsonl");
    assert!(small.len() < read(&folder, "demo.jsonl").len() / 2);
    assert!(!small.contains("\"ping\"") && !small.contains("/prices") && small.contains("\"shrunk\":"));
    let printed = sockeye(&["print", "small.jsonl"], folder.path());
    assert!(String::from_utf8_lossy(&printed.stdout).contains("/chat?room=quay"));
    assert!(printed.status.success());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(folder.path().join("small.jsonl")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
fn a_file_is_written_in_its_own_place_only_where_that_is_asked_for() {
    let folder = demo();
    let before = read(&folder, "demo.jsonl");
    let said = fault(&["trim", "demo.jsonl", "demo.jsonl"], &folder);
    assert!(said.contains("would be overwritten while it is read") && said.contains("--in-place"), "{said}");
    assert!(fault(&["redact", "demo.jsonl", "./demo.jsonl"], &folder).contains("--in-place"));
    assert!(fault(&["merge", "demo.jsonl", "demo.jsonl"], &folder).contains("name another file"));
    assert_eq!(read(&folder, "demo.jsonl"), before);
    run(&["trim", "demo.jsonl", "--heartbeats", "--in-place"], &folder);
    assert!(read(&folder, "demo.jsonl").len() < before.len());
    // Damage leaves it as it was, and nothing beside it.
    let damaged = before.clone() + "{\"type\":\"message\"}\n";
    std::fs::write(folder.path().join("demo.jsonl"), &damaged).unwrap();
    let said = fault(&["trim", "demo.jsonl", "--in-place"], &folder);
    assert!(said.contains("demo.jsonl:88: \"session\" is missing"), "{said}");
    let said = fault(&["redact", "demo.jsonl", "--in-place"], &folder);
    assert!(said.contains("demo.jsonl:88: "), "{said}");
    assert_eq!(read(&folder, "demo.jsonl"), damaged);
    assert_eq!(files(&folder), ["demo.jsonl"]);
}

#[test]
fn secrets_in_payloads_are_replaced_at_the_paths_that_are_named() {
    let folder = demo();
    let said = run(&["redact", "demo.jsonl", "clean.jsonl", "--path", "$.user", "--path", "$.none"], &folder);
    assert!(said.contains("nothing stands at $.none"), "{said}");
    let clean = read(&folder, "clean.jsonl");
    assert!(!clean.contains("\"user\":\"mira\"") && clean.contains(r#""redacted":["$.user"]"#));
    assert!(clean.lines().next().unwrap().contains(r#""redacted_paths":["$.user","$.none"]"#));
    assert!(fault(&["redact", "demo.jsonl", "x", "--path", "$."], &folder).contains("is no path"));
}

#[test]
fn merged_recordings_are_one_and_can_be_filtered_out_again() {
    let folder = demo();
    run(&["trim", "demo.jsonl", "chat.jsonl", "--filter", "path:/chat"], &folder);
    run(&["trim", "demo.jsonl", "rest.jsonl", "--filter", "!path:/chat"], &folder);
    run(&["merge", "chat.jsonl", "rest.jsonl", "both.jsonl"], &folder);
    let both = read(&folder, "both.jsonl");
    assert_eq!(both.matches("\"type\":\"recording\"").count(), 1);
    run(&["trim", "both.jsonl", "again.jsonl", "--filter", "path:/chat"], &folder);
    let [chat, again] = ["chat.jsonl", "again.jsonl"].map(|name| read(&folder, name));
    assert_eq!(chat.lines().skip(1).collect::<Vec<_>>(), again.lines().skip(1).collect::<Vec<_>>());
    let newer = read(&folder, "demo.jsonl").replacen("\"version\":1", "\"version\":2", 1);
    std::fs::write(folder.path().join("newer.jsonl"), newer).unwrap();
    let said = fault(&["merge", "demo.jsonl", "newer.jsonl", "x.jsonl"], &folder);
    assert!(said.contains("newer.jsonl:1: the recording is of version 2"), "{said}");
    let older = read(&folder, "demo.jsonl").replacen("\"version\":1", "\"version\":0", 1);
    std::fs::write(folder.path().join("older.jsonl"), older).unwrap();
    let said = fault(&["merge", "demo.jsonl", "older.jsonl", "x.jsonl"], &folder);
    assert!(said.contains("demo.jsonl is of version 1 and older.jsonl of version 0"), "{said}");
}

#[test]
fn a_recording_that_was_made_again_differs_where_something_is_new() {
    let folder = demo();
    let old = read(&folder, "demo.jsonl");
    run(&["trim", "demo.jsonl", "again.jsonl", "--round", "100"], &folder);
    let again = read(&folder, "again.jsonl").replace("\"online\":[\"jonas\"", "\"online\":[\"nobody\"");
    std::fs::write(folder.path().join("again.jsonl"), again).unwrap();
    let said = run(&["refresh", "demo.jsonl", "again.jsonl", "--in-place"], &folder);
    assert!(said.contains("1 say something else, 0 are new, 0 are gone"), "{said}");
    let new = read(&folder, "demo.jsonl");
    let differ: Vec<_> = old.lines().zip(new.lines()).filter(|(old, new)| old != new).collect();
    assert_eq!((old.lines().count(), differ.len()), (new.lines().count(), 1), "{differ:?}");
    assert!(differ[0].1.contains("nobody"));
}

#[test]
fn what_goes_to_the_standard_output_is_a_recording() {
    let folder = demo();
    for words in [["trim", "demo.jsonl", "-"], ["redact", "demo.jsonl", "-"], ["merge", "demo.jsonl", "-"]] {
        let output = sockeye(&words, folder.path());
        assert!(output.stdout.starts_with(b"{\"type\":\"recording\""), "{words:?}");
    }
    assert!(fault(&["trim", "-", "x.jsonl"], &folder).contains("give it as a file"));
    assert!(fault(&["trim", "demo.jsonl"], &folder).contains("<OUT>"));
    assert!(fault(&["trim", "none.jsonl", "x.jsonl"], &folder).contains("cannot read none.jsonl"));
    assert!(
        fault(&["trim", "demo.jsonl", "no/such/x.jsonl"], &folder).contains("cannot write no/such/x.jsonl")
    );
    assert!(fault(&["trim", "demo.jsonl", "x.jsonl", "--round", "soon"], &folder).contains("such as 10"));
    assert_eq!(files(&folder), ["demo.jsonl"]);
}

/// Runs `diff`; gives its exit code, and what it prints.
fn diff(words: &[&str], folder: &TempDir) -> (i32, String) {
    let output = sockeye(&[&["diff"], words].concat(), folder.path());
    (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
}

#[test]
fn recordings_are_the_same_different_or_unreadable() {
    let folder = demo();
    run(&["trim", "demo.jsonl", "small.jsonl", "--heartbeats", "--round", "10"], &folder);
    let (code, said) = diff(&["demo.jsonl", "small.jsonl"], &folder);
    assert_eq!(code, 0, "{said}");
    assert!(said.starts_with("the same: "), "{said}");
    let changed = read(&folder, "demo.jsonl").replace("\"online\":[\"jonas\"", "\"online\":[\"nobody\"");
    std::fs::write(folder.path().join("changed.jsonl"), changed).unwrap();
    let (code, said) = diff(&["demo.jsonl", "changed.jsonl"], &folder);
    assert_eq!(code, 1);
    assert!(said.contains("$.online[0]: \"jonas\" → \"nobody\""), "{said}");
    let (code, said) =
        diff(&["demo.jsonl", "changed.jsonl", "--ignore", "$.online", "--output", "json"], &folder);
    assert_eq!((code, said.lines().count()), (0, 1), "{said}");
    assert_eq!(diff(&["demo.jsonl", "--sessions", "1,1"], &folder).0, 0);
    assert_eq!(diff(&["demo.jsonl", "--sessions", "1,2"], &folder).0, 1);
    assert!(fault(&["diff", "demo.jsonl", "--sessions", "1,99"], &folder).contains("has no session 99"));
    assert!(fault(&["diff", "demo.jsonl"], &folder).contains("<B>"));
    assert!(fault(&["diff", "demo.jsonl", "none.jsonl"], &folder).contains("cannot read none.jsonl"));
}

#[test]
fn long_sessions_are_compared_however_little_they_have_in_common() {
    let folder = demo();
    let write = |name: &str, salt: u64| {
        let mut text: String =
            read(&folder, "demo.jsonl").lines().take(5).map(|line| line.to_owned() + "\n").collect();
        for n in 1..20_000_u64 {
            let value = (n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 50) + salt;
            text += &format!(
                "{{\"type\":\"message\",\"session\":1,\"n\":{n},\"at\":{n}.000,\"from\":\"server\",\"op\":\"text\",\"json\":{{\"v\":{value}}}}}\n"
            );
        }
        std::fs::write(folder.path().join(name), text).unwrap();
    };
    write("a.jsonl", 0);
    write("b.jsonl", 7_000);
    let (code, said) = diff(&["a.jsonl", "b.jsonl"], &folder);
    assert_eq!(code, 1);
    assert!(
        said.lines().last().unwrap().starts_with("sessions and exchanges: 3 the same, 1 changed"),
        "{:?}",
        said.lines().last()
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// A byte of the demo's recording is another one: all commands either do as asked, or name file and line.
    #[test]
    fn damage_names_the_file_and_the_line(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let folder = demo();
        let mut bytes = std::fs::read(folder.path().join("demo.jsonl")).unwrap();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        std::fs::write(folder.path().join("bad.jsonl"), &bytes).unwrap();
        for words in [
            &["trim", "bad.jsonl", "out.jsonl", "--heartbeats", "--shrink", "10"][..],
            &["redact", "bad.jsonl", "out.jsonl", "--path", "$..user"],
            &["merge", "demo.jsonl", "bad.jsonl", "out.jsonl"],
            &["refresh", "demo.jsonl", "bad.jsonl", "out.jsonl"],
        ] {
            let output = sockeye(words, folder.path());
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            match output.status.code() {
                Some(0) => {
                    let printed = sockeye(&["print", "out.jsonl", "--output", "none"], folder.path());
                    prop_assert!(printed.status.success(), "{:?}: {}", words, String::from_utf8_lossy(&printed.stderr));
                }
                Some(2) => prop_assert!(said.contains("bad.jsonl:") || said.contains("bad.jsonl is"), "{}", said),
                other => prop_assert!(false, "{:?} {:?}: {}", words, other, said),
            }
        }
    }
}
