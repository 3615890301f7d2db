//! The program as a whole: what it prints, what it leaves behind, how it ends.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::Value;

use crate::support::{Peer, Server, request, switching, tls::tls_server};

/// A running `sockeye`, killed when dropped.
struct Program {
    child: Child,
    out: BufReader<ChildStdout>,
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn sockeye(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sockeye"));
    // Where the certificate authority goes: not among the user's own.
    command.env("XDG_DATA_HOME", env!("CARGO_TARGET_TMPDIR"));
    command.args(words).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

impl Program {
    fn start(command: &mut Command) -> Program {
        let mut child = command.spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        Program { child, out }
    }

    /// A headless proxy on a free port, and where it listens.
    fn headless(server: &str, more: &[&str]) -> (Program, SocketAddr) {
        let mut program =
            Program::start(&mut sockeye(&[&[server, "-l", "127.0.0.1:0", "--headless"], more].concat()));
        let first = program.line();
        let address = first.strip_prefix("listening on ").unwrap_or_else(|| panic!("{first:?}")).trim();
        let address = address.parse().unwrap();
        (program, address)
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.out.read_line(&mut line).unwrap();
        line
    }

    #[cfg(unix)]
    fn signal(&self, name: &str) {
        let status =
            Command::new("kill").args([format!("-{name}"), self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    fn exit_code(&mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }

    fn errors(&mut self) -> String {
        let mut errors = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
        errors
    }
}

/// A server that opens a session and echoes what comes, unmasked frames and all.
fn echo() -> Server {
    Server::once(|mut peer| {
        peer.head();
        peer.send(switching());
        let mut buffer = [0; 65_536];
        loop {
            match peer.0.read(&mut buffer) {
                Ok(0) | Err(_) => break,
                Ok(count) => peer.send(&buffer[..count]),
            };
        }
    })
}

fn open(address: SocketAddr) -> Peer {
    let mut client = Peer::connect(address);
    client.send(request(address)).expect(switching());
    client
}

#[test]
fn json_begins_with_the_recording_line_and_tells_each_message() {
    let server = echo();
    let target = format!("ws://{}", server.address);
    let mut program =
        Program::start(&mut sockeye(&[&target, "-l", "127.0.0.1:0", "--headless", "--output", "json"]));
    let first: Value = serde_json::from_str(&program.line()).unwrap();
    assert_eq!((&first["type"], &first["version"]), (&"recording".into(), &1.into()));
    let mut client = open(first["listen"].as_str().unwrap().parse().unwrap());
    client.send(b"\x81\x82\0\0\0\0hi").expect(b"\x81\x82\0\0\0\0hi");
    let open: Value = serde_json::from_str(&program.line()).unwrap();
    let message: Value = serde_json::from_str(&program.line()).unwrap();
    assert_eq!((&open["type"], &open["mode"]), (&"open".into(), &"reverse".into()));
    assert_eq!((&message["from"], &message["text"]), (&"client".into(), &"hi".into()));
}

#[test]
fn a_closed_output_does_not_disturb_the_relay() {
    let server = echo();
    let (mut program, address) = Program::headless(&format!("ws://{}", server.address), &[]);
    let (other, _) = std::io::pipe().unwrap();
    program.out = BufReader::new(ChildStdout::from(std::os::fd::OwnedFd::from(other)));
    let mut client = open(address);
    for _ in 0..200 {
        client.send(b"\x81\x82\0\0\0\0hi").expect(b"\x81\x82\0\0\0\0hi");
    }
    assert!(program.child.try_wait().unwrap().is_none(), "it ended with its output");
}

#[test]
fn an_output_that_nobody_reads_does_not_slow_the_relay() {
    let server = echo();
    let (_program, address) = Program::headless(&format!("ws://{}", server.address), &[]);
    let mut client = open(address);
    // Far more than a pipe and the capture's queue hold.
    let mut frame = b"\x82\x7f\0\0\0\0\0\x01\0\0".to_vec();
    frame.resize(frame.len() + 65_536, b'x');
    for _ in 0..1_000 {
        client.send(&frame).expect(&frame);
    }
}

#[cfg(unix)]
#[test]
fn killed_in_mid_recording_it_leaves_whole_lines() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("killed.jsonl");
    let server = echo();
    let target = format!("ws://{}", server.address);
    let (mut program, address) =
        Program::headless(&target, &["--output", "json", "--record", file.to_str().unwrap()][2..]);
    let mut client = open(address);
    let frame =
        b"\x81\xc8\0\0\0\0{\"kind\":\"a message of some length, so that a line is cut somewhere\"    }";
    for _ in 0..2_000 {
        client.send(frame).expect(frame);
    }
    program.child.kill().unwrap();
    program.child.wait().unwrap();
    let lines = whole_lines(&file);
    assert!(lines.len() > 2 && lines[1]["type"] == "open", "{} lines", lines.len());
    // The echo sends its frames masked, as they came.
    assert!(lines[2..].iter().all(|line| line["type"] == "message" || line["type"] == "violation"));
}

/// The lines of a recording that end, each read as JSON.
#[track_caller]
fn whole_lines(file: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(file).unwrap();
    text.split_inclusive('\n')
        .filter(|line| line.ends_with('\n'))
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line:?}")))
        .collect()
}

#[cfg(unix)]
#[test]
fn told_to_end_it_completes_the_recording_and_tells_both_sides() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ended.jsonl");
    let server = echo();
    let target = format!("ws://{}", server.address);
    let (mut program, address) = Program::headless(&target, &["--record", file.to_str().unwrap()]);
    let mut client = open(address);
    client.send(b"\x81\x80\0\0\0\0").expect(b"\x81\x80\0\0\0\0");
    program.signal("TERM");
    client.expect_reset();
    assert_eq!(program.exit_code(), Some(0));
    let lines = whole_lines(&file);
    let last = lines.last().unwrap();
    assert_eq!(
        (&last["type"], &last["client"], &last["server"]),
        (&"end".into(), &"shutdown".into(), &"shutdown".into())
    );
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn cookies_are_printed_as_they_came_only_where_that_is_asked_for() {
    for (options, expected) in [
        (&[][..], "redacted-1"),
        (&["--no-redact"], "b=2"),
        (&["--no-redact", "--redact"], "redacted-1"),
        (&["--redact", "--no-redact"], "b=2"),
    ] {
        let server = echo();
        let target = format!("ws://{}", server.address);
        let words = [&[&*target, "-l", "127.0.0.1:0", "--headless", "--output", "json"], options].concat();
        let mut program = Program::start(&mut sockeye(&words));
        let first: Value = serde_json::from_str(&program.line()).unwrap();
        let client = open(first["listen"].as_str().unwrap().parse().unwrap());
        let line = program.line();
        assert!(line.contains(expected), "{options:?}: {line}");
        drop(client);
        server.finish();
    }
}

/// Sends SIGTERM to a program with no time lost, once it is told to.
#[cfg(unix)]
struct Executioner(Child);

#[cfg(unix)]
impl Executioner {
    fn of(program: &Program) -> Executioner {
        let script = format!("read now; kill -TERM {}", program.child.id());
        Executioner(Command::new("sh").args(["-c", &script]).stdin(Stdio::piped()).spawn().unwrap())
    }

    fn now(mut self) {
        drop(self.0.stdin.take());
        self.0.wait().unwrap();
    }
}

#[cfg(unix)]
#[test]
fn told_to_end_as_soon_as_it_listens_it_ends_as_at_any_time() {
    let folder = tempfile::tempdir().unwrap();
    for _ in 0..20 {
        let words = ["-l", "127.0.0.1:0", "--headless", "--capture-dir", folder.path().to_str().unwrap()];
        let mut program = Program::start(&mut sockeye(&words));
        let executioner = Executioner::of(&program);
        program.line();
        executioner.now();
        assert_eq!(program.exit_code(), Some(0));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "the live log is left behind");
    }
}

#[test]
fn several_listeners_are_told_one_a_line_and_in_the_recordings_first() {
    let words = ["-l", "127.0.0.1:0=ws://localhost:3001", "-l", "127.0.0.1:0", "--headless"];
    let mut program = Program::start(&mut sockeye(&words));
    let lines = [program.line(), program.line()];
    assert!(lines[0].ends_with(" for ws://localhost:3001\n"), "{lines:?}");
    assert!(lines[1].ends_with(" as a forward proxy\n"), "{lines:?}");
    let mut program = Program::start(&mut sockeye(&[&words[..], &["--output", "json"]].concat()));
    let first: Value = serde_json::from_str(&program.line()).unwrap();
    let listeners = first["listeners"].as_array().unwrap();
    assert_eq!(listeners.len(), 2);
    assert_eq!(listeners[0], first["listen"]);
}

#[test]
fn localhost_is_both_of_its_addresses() {
    let mut program = Program::start(&mut sockeye(&["-l", "localhost:0", "--headless"]));
    let first = program.line();
    assert!(first.starts_with("listening on 127.0.0.1:"), "{first}");
    let port = first.split([':', ' ']).nth(3).unwrap().trim();
    // Not every machine has IPv6.
    if std::net::TcpListener::bind("[::1]:0").is_ok() {
        assert!(program.line().starts_with(&format!("listening on [::1]:{port}")), "{first}");
    }
}

#[test]
fn wrong_words_and_taken_ports_have_exit_codes_and_one_line() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    for (words, code, sentence) in [
        (vec!["ftp://x"], 2, "give ws://"),
        (vec!["--capture-limit", "lots"], 2, "512MiB"),
        (vec!["--filter", "(", "--headless"], 2, "column"),
        (vec!["-l", &taken, "--headless"], 3, "--listen"),
        (vec!["-l", "127.0.0.1:0", "-l", &taken, "--headless"], 3, &taken),
        (vec!["-l", "nowhere", "--headless"], 2, "127.0.0.1:8080"),
        (vec!["ws://h:1", "-l", ":0=ws://h:2", "--headless"], 2, "nothing would go to ws://h:1"),
        (vec!["--capture-dir", "/nowhere/at/all", "--headless"], 2, "--capture-dir"),
        (vec!["--record", "/nowhere/at/all", "-l", "127.0.0.1:0", "--headless"], 2, "/nowhere/at/all"),
        (vec!["print", "/nowhere/at/all"], 2, "/nowhere/at/all"),
    ] {
        let mut program = Program::start(&mut sockeye(&words));
        let errors = program.errors();
        assert_eq!(program.exit_code(), Some(code), "{words:?}: {errors}");
        assert!(errors.contains(sentence), "{words:?}: {errors}");
    }
}

fn sockeye_trusting(target: &str) -> (Program, SocketAddr) {
    let mut command = sockeye(&[target, "-l", "127.0.0.1:0", "--headless"]);
    command.env("SSL_CERT_FILE", Path::new(env!("CARGO_MANIFEST_DIR")).join("certs/ca.pem"));
    let mut program = Program::start(&mut command);
    let address = program.line().strip_prefix("listening on ").unwrap().trim().parse().unwrap();
    (program, address)
}

#[cfg(target_os = "linux")]
#[test]
fn a_server_behind_tls_is_reached_and_verified() {
    let server = tls_server("good");
    let (_program, address) = sockeye_trusting(&format!("wss://localhost:{}", server.address.port()));
    let mut client = Peer::connect(address);
    client.send(request(address)).expect(switching() + "\u{1}\u{2}hi").send(b"\x81\x80\0\0\0\0");
    server.finish();
}

#[cfg(target_os = "linux")]
#[test]
fn a_server_with_another_name_is_not_trusted() {
    let server = tls_server("wrong-name");
    let (_program, address) = sockeye_trusting(&format!("wss://localhost:{}", server.address.port()));
    let mut client = Peer::connect(address);
    client.send(request(address));
    let answer = String::from_utf8(client.rest()).unwrap();
    assert!(answer.starts_with("HTTP/1.1 502 Bad Gateway\r\n"), "{answer}");
    assert!(answer.contains("TLS with localhost"), "{answer}");
    server.finish();
}

#[cfg(target_os = "linux")]
#[test]
fn the_authority_is_made_once_and_its_key_is_private() {
    let data = tempfile::tempdir().unwrap();
    let run = |words: &[&str]| {
        let output = sockeye(words).env("XDG_DATA_HOME", data.path()).output().unwrap();
        (
            output.status.code(),
            String::from_utf8(output.stdout).unwrap(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    let (code, path, _) = run(&["ca", "path"]);
    let certificate = data.path().join("sockeye/sockeye-ca.pem");
    assert_eq!((code, path.trim()), (Some(0), certificate.to_str().unwrap()));
    let made = std::fs::read_to_string(&certificate).unwrap();
    assert_eq!(run(&["ca", "print"]).1, made);
    assert!(run(&["ca", "install-help"]).1.contains("NODE_EXTRA_CA_CERTS"));
    assert_eq!(std::fs::read_to_string(&certificate).unwrap(), made);
    let key = data.path().join("sockeye/sockeye-ca.key");
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(std::fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);

    std::fs::write(&key, "damaged").unwrap();
    let (code, _, errors) = run(&["-l", "127.0.0.1:0", "--headless"]);
    assert_eq!(code, Some(2), "{errors}");
    assert!(errors.contains("sockeye ca new"), "{errors}");
    assert_eq!(run(&["ca", "new"]).0, Some(0));
    assert_ne!(run(&["ca", "print"]).1, made);
}
