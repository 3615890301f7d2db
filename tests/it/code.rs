//! Sessions as code: literals that say any text, as the languages themselves read them, and the command that writes it.

use std::io::Write;
use std::process::{Command, Stdio};

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use sockeye::interchange::code::Language;

/// Texts with all that quoting has to do with, and any other character.
fn texts() -> Vec<String> {
    let special = prop::sample::select(
        "'\"\\$`!\n\r\t\0{}%#/-= \u{2028}\u{202e}\u{feff}é日👩".chars().collect::<Vec<_>>(),
    );
    let character = prop_oneof![special, any::<char>()];
    let text = prop::collection::vec(character, 0..12).prop_map(|text| text.into_iter().collect::<String>());
    let mut runner = TestRunner::default();
    let all = prop::collection::vec(text, 400).new_tree(&mut runner).unwrap();
    all.current()
}

/// What a program prints that is given on the standard input; none where this machine has no such interpreter.
fn printed(interpreter: &[&str], program: &str) -> Option<Vec<u8>> {
    let mut command = Command::new(interpreter[0]);
    command.args(&interpreter[1..]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().ok()?;
    child.stdin.take().unwrap().write_all(program.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{interpreter:?}");
    Some(output.stdout)
}

/// Each text in hex on a line of its own, as a program says it that has `line` for each literal.
#[track_caller]
fn check(language: Language, interpreter: &[&str], line: impl Fn(&str) -> String) {
    let texts = texts();
    let program: String =
        texts.iter().filter_map(|text| language.text(text)).map(|literal| line(&literal)).collect();
    let Some(printed) = printed(interpreter, &program) else { return };
    let printed = String::from_utf8(printed).unwrap();
    let expected: Vec<String> = texts
        .iter()
        .map(|text| text.bytes().map(|octet| format!("{octet:02x}")).collect::<String>())
        .collect();
    assert_eq!(printed.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn a_shell_reads_any_text_back() {
    let texts: Vec<_> = texts().into_iter().filter(|text| !text.contains('\0')).collect();
    let literal = |text: &String| format!("printf '%s\\0' {}\n", Language::Websocat.text(text).unwrap());
    let program: String = texts.iter().map(literal).collect();
    let Some(printed) = printed(&["sh"], &program) else { return };
    let mut read: Vec<_> = printed.split(|octet| *octet == 0).collect();
    read.pop();
    assert_eq!(read, texts.iter().map(String::as_bytes).collect::<Vec<_>>());
    assert_eq!(Language::Curl.text("a\0b"), None);
}

#[test]
fn python_reads_any_text_back() {
    check(Language::Python, &["python3", "-"], |literal| format!("print({literal}.encode().hex())\n"));
}

#[test]
fn node_reads_any_text_back() {
    check(Language::Node, &["node", "-"], |literal| {
        format!("console.log(Buffer.from({literal}).toString(\"hex\"));\n")
    });
}

#[test]
fn javascript_is_json() {
    for text in texts() {
        let literal = Language::JavaScript.text(&text).unwrap();
        assert_eq!(serde_json::from_str::<String>(&literal).unwrap(), text);
    }
}

#[test]
fn rust_reads_any_text_back() {
    let texts = texts();
    let literals: Vec<_> = texts.iter().filter_map(|text| Language::Rust.text(text)).collect();
    let folder = tempfile::tempdir().unwrap();
    let (file, program) = (folder.path().join("texts.rs"), folder.path().join("texts"));
    let code = format!(
        "fn main() {{ use std::io::Write; for text in [{}] {{ std::io::stdout().write_all(text.as_bytes()).unwrap(); \
         std::io::stdout().write_all(b\"\\xff\").unwrap(); }} }}",
        literals.join(", ")
    );
    std::fs::write(&file, code).unwrap();
    let Ok(compiled) = Command::new("rustc").arg(&file).arg("-o").arg(&program).status() else { return };
    assert!(compiled.success());
    let printed = Command::new(&program).output().unwrap().stdout;
    let mut read: Vec<_> = printed.split(|octet| *octet == 0xff).collect();
    read.pop();
    assert_eq!(read, texts.iter().map(String::as_bytes).collect::<Vec<_>>());
}

#[test]
fn a_recorded_session_is_exported_as_code() {
    let export = |words: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sockeye"));
        command.args(["export", "docs/demo.jsonl"]).args(words).output().unwrap()
    };
    let output = export(&["--as", "python", "--session", "1"]);
    let code = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && code.contains("websockets.connect(\n        \"ws://"), "{code}");
    assert!(code.contains("        await socket.send("), "{code}");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("session.mjs");
    let output = export(&["--as", "node", file.to_str().unwrap()]);
    assert!(output.status.success() && output.stdout.is_empty());
    assert!(std::fs::read_to_string(&file).unwrap().contains("new WebSocket(\"ws://"));
    for (words, said) in [
        (&["--as", "cobol"][..], "is none of curl, websocat"),
        (&["--as", "curl", "--session", "999"], "holds no session 999"),
        (&[], "<OUT>"),
    ] {
        let output = export(words);
        assert_eq!(output.status.code(), Some(2));
        let fault = String::from_utf8(output.stderr).unwrap();
        assert!(fault.contains(said), "{fault}");
    }
}
