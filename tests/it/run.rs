//! `sockeye run`: what the program is given, where its output goes, how it ends.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use rustls::pki_types::{CertificateDer, pem::PemObject};
use serde_json::Value;

use crate::support::tls::{certs, tls_client, tls_server};
use crate::support::{Peer, request, switching};

/// `sockeye run` with a shell's script as the program.
fn run(options: &[&str], script: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sockeye"));
    command.env("XDG_DATA_HOME", env!("CARGO_TARGET_TMPDIR"));
    command.arg("run").args(options).args(["--", "sh", "-c", script]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn outcome(options: &[&str], script: &str) -> Output {
    run(options, script).output().unwrap()
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

fn certificates_in(file: &Path) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_file_iter(file).unwrap().map(Result::unwrap).collect()
}

/// A program that tells its variables and waits until it is let go.
struct Waiting {
    child: Child,
    errors: BufReader<std::process::ChildStderr>,
    variables: HashMap<String, String>,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Waiting {
    fn start(command: &mut Command) -> Waiting {
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        let mut errors = BufReader::new(child.stderr.take().unwrap());
        let mut variables = HashMap::new();
        loop {
            let mut line = String::new();
            assert_ne!(errors.read_line(&mut line).unwrap(), 0, "it ended: {variables:?}");
            match line.trim_end().split_once('=') {
                Some((name, value)) => variables.insert(name.to_owned(), value.to_owned()),
                None => break,
            };
        }
        Waiting { child, errors, variables }
    }

    fn finish(mut self) -> Option<i32> {
        drop(self.child.stdin.take());
        let mut rest = String::new();
        self.errors.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "");
        self.child.wait().unwrap().code()
    }
}

/// Tells the variables, then waits for the end of its input.
const TELL: &str = "env; echo; read gone";

#[test]
fn its_exit_code_is_the_programs() {
    for (script, code) in [("exit 0", 0), ("exit 7", 7), ("kill -TERM $$", 143), ("kill -KILL $$", 137)] {
        assert_eq!(outcome(&["--headless"], script).status.code(), Some(code), "{script}");
    }
}

#[test]
fn a_program_that_cannot_be_started_is_told_as_shells_do() {
    for (program, code, sentence) in
        [("/nowhere/at/all", 127, "there is no program"), ("/etc/passwd", 126, "executable?")]
    {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sockeye"));
        command.env("XDG_DATA_HOME", env!("CARGO_TARGET_TMPDIR"));
        let output = command.args(["run", "--headless", program]).output().unwrap();
        let errors = text(output.stderr);
        assert_eq!(output.status.code(), Some(code), "{errors}");
        assert!(errors.contains(sentence) && errors.lines().count() == 1, "{errors}");
    }
}

#[test]
fn what_is_printed_has_the_standard_output_to_itself() {
    let output = outcome(&["--headless", "--output", "json"], "echo out; echo err >&2");
    assert_eq!(text(output.stderr), "out\nerr\n");
    let lines: Vec<Value> =
        text(output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0]["type"], "recording");
}

#[test]
fn where_nothing_is_printed_both_outputs_are_the_programs() {
    let output = outcome(&["--headless", "--output", "none"], "echo out; echo err >&2");
    assert_eq!((text(output.stdout), text(output.stderr)), ("out\n".to_owned(), "err\n".to_owned()));
}

#[test]
fn signals_reach_the_program_which_decides() {
    for (name, code) in [("TERM", 9), ("HUP", 8), ("INT", 7)] {
        let script = "for end in TERM.9 HUP.8 INT.7; do trap \"kill \\$!; exit ${end#*.}\" ${end%.*}; done
            sleep 1000 & echo; wait";
        let mut waiting = Waiting::start(&mut run(&["--headless"], script));
        let process = waiting.child.id().to_string();
        assert!(Command::new("kill").args([format!("-{name}"), process]).status().unwrap().success());
        assert_eq!(waiting.child.wait().unwrap().code(), Some(code), "SIG{name}");
    }
}

#[test]
fn the_program_finds_the_proxy_and_its_files_go_with_it() {
    let waiting = Waiting::start(&mut run(&["--headless"], TELL));
    let proxy = waiting.variables["http_proxy"].clone();
    assert!(proxy.starts_with("http://127.0.0.1:"), "{proxy}");
    for name in ["HTTP_PROXY", "https_proxy", "ALL_PROXY", "ws_proxy", "WSS_PROXY"] {
        assert_eq!(waiting.variables[name], proxy, "{name}");
    }
    assert!(!waiting.variables["NO_PROXY"].contains("localhost"));
    let store = waiting.variables["JAVA_TOOL_OPTIONS"].split("trustStore=").nth(1).unwrap();
    let store = std::fs::read(store.split(' ').next().unwrap()).unwrap();
    assert_eq!(&store[..4], b"\xfe\xed\xfe\xed");
    let preload = waiting.variables["NODE_OPTIONS"].split('"').nth(1).unwrap().to_owned();
    let folder = Path::new(&preload).parent().unwrap().to_owned();
    assert_eq!(std::fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(waiting.finish(), Some(1));
    assert!(!folder.exists(), "{} is left behind", folder.display());
}

#[test]
fn what_the_user_had_set_is_kept() {
    let own = certs("ca.pem");
    let mut command = run(&["--headless"], TELL);
    command.env("SSL_CERT_FILE", &own).env("NODE_EXTRA_CA_CERTS", &own);
    command.env("NODE_OPTIONS", "--no-warnings").env("JAVA_TOOL_OPTIONS", "-Dtheir=own");
    let waiting = Waiting::start(&mut command);
    let of_user = certificates_in(&own);
    for name in ["SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"] {
        let both = certificates_in(Path::new(&waiting.variables[name]));
        assert_eq!((both.len(), &both[0]), (2, &of_user[0]), "{name}");
    }
    for (name, beginning) in
        [("NODE_OPTIONS", "--no-warnings --require"), ("JAVA_TOOL_OPTIONS", "-Dtheir=own -D")]
    {
        assert!(waiting.variables[name].starts_with(beginning), "{}", waiting.variables[name]);
    }
    assert_eq!(waiting.finish(), Some(1));
}

#[test]
fn a_session_over_tls_is_opened_without_any_set_up_and_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("run.jsonl");
    let server = tls_server("good");
    let trusted = certs("ca.pem");
    let options =
        ["--headless", "--record", file.to_str().unwrap(), "--server-ca", trusted.to_str().unwrap()];
    // An authority is made where there was none.
    let mut command = run(&options, TELL);
    let waiting = Waiting::start(command.env("XDG_DATA_HOME", folder.path()));
    let mut peer = Peer::connect(waiting.variables["http_proxy"][7..].parse().unwrap());
    let host = format!("localhost:{}", server.address.port());
    peer.send(format!("CONNECT {host} HTTP/1.1\r\n\r\n"));
    peer.expect("HTTP/1.1 200 Connection established\r\n\r\n");
    let ours = certificates_in(Path::new(&waiting.variables["DENO_CERT"]));
    let mut client = tls_client(peer, "localhost", &ours[0]);
    client.write_all(request(server.address).as_bytes()).unwrap();
    let mut answer = vec![0; switching().len() + 4];
    client.read_exact(&mut answer).unwrap();
    client.write_all(b"\x81\x80\0\0\0\0").unwrap();
    server.finish();
    drop(client);
    assert_eq!(waiting.finish(), Some(1));
    let recording = std::fs::read_to_string(&file).unwrap();
    let lines: Vec<Value> = recording.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[1]["url"], format!("wss://{host}/chat?x=1"));
    assert_eq!(lines.last().unwrap()["type"], "end");
}
