//! `--rules`, hooks and `sockeye rules check`, as a user has them: by the program.
#![cfg(feature = "cli")]

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{self, Receiver};

use tempfile::TempDir;

use crate::support::{PATIENCE, Peer, Server, request, switching};

fn sockeye(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sockeye"));
    command.current_dir(folder).env_remove("SOCKEYE_AUTH");
    command
}

/// A folder with files in it.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn check(folder: &Path, words: &[&str]) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } =
        sockeye(folder).args(["rules", "check"]).args(words).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

/// A proxy that was started with rules, and what it says on stderr.
struct Proxy {
    child: Child,
    address: std::net::SocketAddr,
    errors: Receiver<String>,
}

impl Proxy {
    fn start(folder: &Path, server: std::net::SocketAddr) -> Proxy {
        let mut child = sockeye(folder)
            .args(["--headless", "--rules", "rules.toml", "-l", "127.0.0.1:0", &format!("ws://{server}")])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut first = String::new();
        output.read_line(&mut first).unwrap();
        let address = first.trim().rsplit(' ').next().unwrap().parse().unwrap();
        std::thread::spawn(move || output.read_to_end(&mut Vec::new()));
        let (told, errors) = mpsc::channel();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        std::thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| told.send(line)));
        Proxy { child, address, errors }
    }

    /// The next line on stderr has this in it.
    #[track_caller]
    fn says(&self, expected: &str) {
        let line = self.errors.recv_timeout(PATIENCE).unwrap();
        assert!(line.contains(expected), "{line}");
    }

    fn client(&self) -> Peer {
        let mut client = Peer::connect(self.address);
        client.send(request(self.address)).expect(switching());
        client
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// A client's frame of text, masked with zeros.
fn masked(payload: &str) -> Vec<u8> {
    let mut frame = vec![0x81, 0x80 | payload.len() as u8, 0, 0, 0, 0];
    frame.extend_from_slice(payload.as_bytes());
    frame
}

/// A server that sends one message for each that comes.
fn echo(count: usize) -> Server {
    Server::once(move |mut peer| {
        peer.head();
        peer.send(switching());
        for _ in 0..count {
            peer.expect(masked("go")).send(b"\x81\x03one");
        }
        peer.expect_fin();
    })
}

#[test]
fn rules_are_read_again_when_their_file_changes_and_wrong_ones_do_not_hold() {
    let folder = folder(&[("rules.toml", "[[rule]]\nthen = { replace = 'a' }\n")]);
    let file = folder.path().join("rules.toml");
    let server = echo(4);
    let proxy = Proxy::start(folder.path(), server.address);
    let mut client = proxy.client();
    let only_server = |text: &str| format!("[[rule]]\nwhen = 'dir:server'\nthen = {text}\n");
    fs::write(&file, only_server("{ replace = 'b' }")).unwrap();
    proxy.says("rules.toml: 1 rule holds now");
    client.send(masked("go")).expect(b"\x81\x01b");
    fs::write(&file, only_server("{ relpace = 'c' }")).unwrap();
    proxy.says(
        "rules.toml:3:10: then has no relpace: did you mean replace?; the rules from before still hold",
    );
    client.send(masked("go")).expect(b"\x81\x01b");
    // As editors do it: another file takes its place.
    fs::write(folder.path().join("new"), only_server("{ replace = 'd' }")).unwrap();
    fs::rename(folder.path().join("new"), &file).unwrap();
    proxy.says("rules.toml: 1 rule holds now");
    client.send(masked("go")).expect(b"\x81\x01d");
    fs::write(&file, "").unwrap();
    proxy.says("rules.toml: no rules hold now");
    client.send(masked("go")).expect(b"\x81\x03one").finish().expect_fin();
    server.finish();
}

#[test]
fn a_proxy_does_not_start_with_rules_that_are_wrong_or_missing() {
    let folder = folder(&[("rules.toml", "[[rule]]\nthen = {}\n")]);
    let run = |file: &str| {
        let output = sockeye(folder.path()).args(["--headless", "--rules", file]).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let wrong = "sockeye: rules.toml:2:8: then is a table, such as { drop = true }\n";
    assert_eq!(run("rules.toml"), (Some(2), wrong.to_owned()));
    let (code, told) = run("none.toml");
    assert!(code == Some(2) && told.starts_with("sockeye: cannot read the rules none.toml: "), "{told}");
}

#[cfg(unix)]
#[test]
fn a_hook_says_what_becomes_of_a_message() {
    // It answers the first, and neither of the others.
    let hook = "read a; echo '{\"id\":1,\"do\":\"replace\",\"text\":\"two\"}'; read a; echo gone wrong >&2; read a; exit";
    let rules = format!("[[rule]]\nwhen = 'dir:server'\nthen = {{ run = '''{hook}''', timeout = 0.3 }}\n");
    let folder = folder(&[("rules.toml", &rules)]);
    let server = echo(3);
    let proxy = Proxy::start(folder.path(), server.address);
    let mut client = proxy.client();
    client.send(masked("go")).expect(b"\x81\x03two");
    client.send(masked("go")).expect(b"\x81\x03one");
    proxy.says("says gone wrong");
    proxy.says("did not answer within 300ms; the message of the server in session 1 goes on as it is");
    client.send(masked("go")).expect(b"\x81\x03one").finish().expect_fin();
    proxy.says("ended; what it was asked about goes on (1)");
    server.finish();
}

#[test]
fn rules_that_are_right_or_wrong_are_told() {
    let folder = folder(&[
        ("right.toml", "[[rule]]\nname = 'a'\nthen = { drop = true }\n"),
        ("wrong.toml", "sede = 1\n[[rule]]\nthen = { drop = 1 }\n"),
    ]);
    let right = (Some(0), "right.toml: 1 rule, nothing wrong\n".to_owned(), String::new());
    assert_eq!(check(folder.path(), &["right.toml"]), right);
    let json = (Some(0), "{\"type\":\"rule\",\"rule\":\"a\"}\n".to_owned(), String::new());
    assert_eq!(check(folder.path(), &["right.toml", "--output", "json"]), json);
    let wrong = "sockeye: wrong.toml:1:1: a file of rules has no sede: did you mean seed?\n\
                 wrong.toml:3:17: drop takes nothing but true; leave it out otherwise\n";
    assert_eq!(check(folder.path(), &["wrong.toml"]), (Some(2), String::new(), wrong.to_owned()));
}

#[test]
fn no_rule_would_have_touched_a_message_that_was_too_long_for_rules() {
    let recording = r#"{"type":"recording","version":1,"tool":"x","started":"2026-11-22T14:30:00.120Z"}
{"type":"message","session":1,"n":1,"at":1,"from":"client","op":"text","text":"hello","size":16777217,"captured":5}
{"type":"message","session":1,"n":2,"at":2,"from":"client","op":"text","text":"hello","size":16777216,"captured":5}
"#;
    let rules = "[[rule]]\nname = 'it'\nthen = { drop = true }\n";
    let folder = folder(&[("rules.toml", rules), ("long.jsonl", recording)]);
    let told = "session 1 message 2 from the client: text hello\n  it: dropped\nit: touched 1\n";
    let done = check(folder.path(), &["rules.toml", "--against", "long.jsonl"]);
    assert_eq!(done, (Some(0), told.to_owned(), String::new()));
}

#[test]
fn a_recording_shows_what_rules_would_have_done() {
    let recording = r#"{"type":"recording","version":1,"tool":"x","started":"2026-11-22T14:30:00.120Z"}
{"type":"open","session":1,"time":"2026-11-22T14:30:01.000Z","mode":"reverse","url":"ws://127.0.0.1:3000/chat","http":"1.1","tls":null,"request":{"line":"GET /chat HTTP/1.1","headers":[["Host","h"]]},"response":{"line":"HTTP/1.1 101 Switching Protocols","headers":[]}}
{"type":"message","session":1,"n":1,"at":1,"from":"client","op":"text","json":{"price":1}}
{"type":"message","session":1,"n":2,"at":2,"from":"server","op":"text","text":"hello"}
{"type":"ping","session":1,"n":3,"at":3,"from":"server","text":"p"}
"#;
    let rules = "[[rule]]\nname = 'free'\nwhen = 'price=1'\nthen = { set = { price = 0 } }\n\
                 [[rule]]\nname = 'quiet'\nthen = { swallow = 'ping' }\n\
                 [[rule]]\nname = 'slow'\nthen = { throttle = '1KiB', from = 'server' }\n";
    let never = "[[rule]]\nname = 'never'\nwhen = 'path:/other'\nthen = { refuse = 503 }\n";
    let folder = folder(&[
        ("rules.toml", rules),
        ("more.toml", &format!("{rules}{never}")),
        ("refused.toml", &format!("[[rule]]\nname = 'no'\nthen = {{ refuse = 503 }}\n{rules}")),
        ("chat.jsonl", recording),
        ("torn.jsonl", "hello\n"),
    ]);
    let told = "session 1 open\n  slow: the server is slowed down to 1024 octets a second\n\
                session 1 message 1 from the client: text {\"price\":1}\n  free: replaced by {\"price\":0}\n\
                session 1 message 3 from the server: ping p\n  quiet: dropped\n\
                free: touched 1\nquiet: touched 1\nslow: touched 1\n";
    let against = |rules, more: &[&str]| {
        check(folder.path(), &[&[rules, "--against", "chat.jsonl"][..], more].concat())
    };
    assert_eq!(against("rules.toml", &[]), (Some(0), told.to_owned(), String::new()));
    let refused = "session 1 handshake\n  no: refused with 503\nno: touched 1\nfree: touched nothing\n\
                   quiet: touched nothing\nslow: touched nothing\n";
    assert_eq!(against("refused.toml", &[]), (Some(1), refused.to_owned(), String::new()));
    let (code, out, _) = against("more.toml", &[]);
    assert!(code == Some(1) && out.ends_with("never: touched nothing\n"), "{out}");
    let (code, out, _) = against("rules.toml", &["--output", "json"]);
    let first: Vec<serde_json::Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((code, first.len()), (Some(0), 6));
    assert_eq!((&first[1]["after"], &first[1]["n"]), (&r#"{"price":0}"#.into(), &1.into()));
    let (code, _, errors) = check(folder.path(), &["rules.toml", "--against", "torn.jsonl"]);
    assert!(code == Some(2) && errors.contains("torn.jsonl"), "{errors}");
}
