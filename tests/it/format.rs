//! The recording format as `docs/recording.schema.json` has it: what is written holds to it, slips of the pen do not.

use std::path::Path;

use boon::{Compiler, SchemaIndex, Schemas};
use serde_json::Value;

struct Schema(Schemas, SchemaIndex);

impl Schema {
    fn load() -> Schema {
        let text = std::fs::read_to_string("docs/recording.schema.json").unwrap();
        let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
        compiler.add_resource("recording.schema.json", serde_json::from_str(&text).unwrap()).unwrap();
        let index = compiler.compile("recording.schema.json", &mut schemas).unwrap();
        Schema(schemas, index)
    }

    fn fault(&self, line: &str) -> Option<String> {
        let value: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        self.0.validate(&value, self.1).err().map(|fault| format!("{fault:#}"))
    }

    #[track_caller]
    fn check(&self, text: &str, name: &str) {
        let mut count = 0;
        for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.is_empty()) {
            if let Some(fault) = self.fault(line) {
                panic!("{name}:{number}: {fault}\n{line}");
            }
            count += 1;
        }
        assert!(count > 0, "{name} has no lines");
    }
}

#[test]
fn recordings_that_are_kept_here_hold_to_the_schema() {
    let schema = Schema::load();
    let mut folders = vec![Path::new("docs").to_owned(), "examples".into(), "tests".into()];
    let mut count = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("node_modules") {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "jsonl") {
                schema.check(&std::fs::read_to_string(&path).unwrap(), &path.display().to_string());
                count += 1;
            }
        }
    }
    assert!(count > 1);
}

#[test]
fn the_examples_of_the_document_hold_to_the_schema() {
    let page = std::fs::read_to_string("docs/recording-format.md").unwrap();
    let schema = Schema::load();
    let blocks: Vec<_> =
        page.split("```json\n").skip(1).map(|block| block.split("```").next().unwrap()).collect();
    assert!(blocks.len() >= 2);
    for block in blocks {
        schema.check(block, "docs/recording-format.md");
    }
}

#[test]
fn what_the_tools_write_holds_to_the_schema() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy("docs/demo.jsonl", folder.path().join("demo.jsonl")).unwrap();
    let schema = Schema::load();
    for words in [
        &["trim", "demo.jsonl", "out.jsonl", "--heartbeats", "--round", "10", "--shrink", "100"][..],
        &["redact", "demo.jsonl", "out.jsonl", "--path", "$..user"],
        &["merge", "demo.jsonl", "demo.jsonl", "out.jsonl"],
        &["refresh", "demo.jsonl", "demo.jsonl", "out.jsonl"],
        &["export", "demo.jsonl", "out.jsonl"],
    ] {
        let run = std::process::Command::new(env!("CARGO_BIN_EXE_sockeye"))
            .args(words)
            .current_dir(folder.path())
            .output();
        let run = run.unwrap();
        assert!(run.status.success(), "{words:?}: {}", String::from_utf8_lossy(&run.stderr));
        schema.check(&std::fs::read_to_string(folder.path().join("out.jsonl")).unwrap(), words[0]);
    }
}

#[test]
fn slips_of_the_pen_are_found() {
    let schema = Schema::load();
    for line in [
        r#"{}"#,
        r#"{"type":"massage","session":1,"n":1,"at":1,"from":"client","op":"text","text":""}"#,
        r#"{"type":"recording","version":2,"started":"2026-11-22T14:30:00Z"}"#,
        r#"{"type":"recording","version":1,"started":"yesterday"}"#,
        r#"{"type":"open","session":1,"time":"2026-11-22T14:30:00Z"}"#,
        r#"{"type":"open","session":1,"time":"2026-11-22T14:30:00Z","url":"ws://a","mode":"sideways"}"#,
        r#"{"type":"open","session":1,"time":"2026-11-22T14:30:00Z","url":"ws://a","request":{"line":"GET / HTTP/1.1","headers":[["Host"]]}}"#,
        r#"{"type":"open","session":1,"time":"2026-11-22T14:30:00Z","url":"ws://a","timing":{"dsn":1}}"#,
        r#"{"type":"open","session":1,"time":"2026-11-22T14:30:00Z","url":"ws://a","tls":{"server":{"verified":false}}}"#,
        r#"{"type":"message","session":1,"n":1,"at":1,"from":"client","op":"text"}"#,
        r#"{"type":"message","session":1,"n":1,"at":1,"from":"client","op":"text","text":"","base64":""}"#,
        r#"{"type":"message","session":1,"n":1,"at":1,"from":"cleint","op":"text","text":""}"#,
        r#"{"type":"message","session":1,"n":1,"at":1,"from":"client","op":"ping","text":""}"#,
        r#"{"type":"message","session":1,"n":1,"at":-1,"from":"client","op":"text","text":""}"#,
        r#"{"type":"message","session":1,"n":1,"at":1,"from":"client","op":"text","json":"a"}"#,
        r#"{"type":"message","session":1,"n":1,"at":1,"from":"client","op":"text","text":"","frame":[1]}"#,
        r#"{"type":"message","session":1,"n":1,"at":1,"from":"client","op":"text","text":"","frames":[{"fin":true}]}"#,
        r#"{"type":"message","session":1,"n":1,"at":1,"from":"client","op":"binary","base64":"abc"}"#,
        r#"{"type":"ping","session":1,"n":1,"at":1,"from":"client","json":{}}"#,
        r#"{"type":"close","session":1,"n":1,"at":1,"from":"client","reason":"no code"}"#,
        r#"{"type":"close","session":1,"n":1,"at":1,"from":"client","code":70000}"#,
        r#"{"type":"violation","session":1,"n":1,"at":1,"from":"client"}"#,
        r#"{"type":"act","session":1,"n":1,"at":1,"from":"client","act":"droped","by":"user"}"#,
        r#"{"type":"act","session":1,"n":1,"at":1,"from":"client","act":"dropped","by":"rule"}"#,
        r#"{"type":"act","session":1,"n":1,"at":1,"from":"client","act":"delayed","by":"user"}"#,
        r#"{"type":"end","session":1,"at":1,"client":"fin","server":"fin","octets":{"client":1}}"#,
        r#"{"type":"exchange","exchange":1,"time":"2026-11-22T14:30:00Z","url":"http://a","request":{"body":"","body_base64":""}}"#,
        r#"{"type":"note","time":"2026-11-22T14:30:00Z","session":1,"exchange":1,"text":""}"#,
        r#"{"type":"gap","time":"2026-11-22T14:30:00Z","events":-1}"#,
    ] {
        assert!(schema.fault(line).is_some(), "{line}");
    }
}
