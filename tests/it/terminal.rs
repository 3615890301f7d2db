//! The program in a pseudo-terminal: keys in, screens out, and the terminal as it was at the end.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::process::Command;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

use crate::support::{Peer, Server, request, switching};

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A terminal with a program in it.
pub struct Terminal {
    master: Box<dyn MasterPty + Send>,
    keys: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    output: Receiver<Vec<u8>>,
    screen: vt100::Parser,
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
    }
}

impl Terminal {
    fn run(program: &str, words: &[&str]) -> Terminal {
        let size = PtySize { rows: 30, cols: 100, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(program);
        command.env("XDG_DATA_HOME", env!("CARGO_TARGET_TMPDIR"));
        command.args(words);
        command.env("TERM", "xterm-256color");
        command.env("EDITOR", "sed -i s/third/fourth/");
        command.env_remove("VISUAL");
        let child = pair.slave.spawn_command(command).unwrap();
        let mut reader = pair.master.try_clone_reader().unwrap();
        let keys = pair.master.take_writer().unwrap();
        let (sender, output) = mpsc::channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            // The end of a pseudo-terminal is an error on Linux, and an end elsewhere.
            while let Ok(count @ 1..) = reader.read(&mut buffer) {
                if sender.send(buffer[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        Terminal { master: pair.master, keys, child, output, screen: vt100::Parser::new(30, 100, 0) }
    }

    pub fn sockeye(words: &[&str]) -> Terminal {
        Terminal::run(env!("CARGO_BIN_EXE_sockeye"), words)
    }

    /// A proxy on a free port, and where it listens.
    fn proxy(server: &str) -> (Terminal, SocketAddr) {
        Terminal::proxy_with(server, &[])
    }

    /// The same, with more options.
    pub fn proxy_with(server: &str, more: &[&str]) -> (Terminal, SocketAddr) {
        let mut terminal = Terminal::sockeye(&[&[server, "-l", "127.0.0.1:0"], more].concat());
        terminal.wait_for("Nothing has come through yet");
        let title = terminal.text().lines().next().unwrap_or_default().to_owned();
        let address = title.split_whitespace().nth(1).unwrap().parse().unwrap();
        (terminal, address)
    }

    pub fn text(&self) -> String {
        self.screen.screen().contents()
    }

    /// Takes in what comes until the screen is as wanted.
    #[track_caller]
    fn wait_until(&mut self, what: &str, wanted: impl Fn(&vt100::Screen) -> bool) {
        let begun = Instant::now();
        while !wanted(self.screen.screen()) {
            let left = PATIENCE.checked_sub(begun.elapsed());
            let left = left.unwrap_or_else(|| panic!("never came: {what}\n{}", self.text()));
            match self.output.recv_timeout(left) {
                Ok(bytes) => self.screen.process(&bytes),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => panic!("ended before {what}\n{}", self.text()),
            }
        }
    }

    #[track_caller]
    pub fn wait_for(&mut self, words: &str) {
        self.wait_until(words, |screen| screen.contents().contains(words));
    }

    pub fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    fn signal(&self, name: &str) {
        let process = self.child.process_id().unwrap().to_string();
        assert!(Command::new("kill").args([format!("-{name}"), process]).status().unwrap().success());
    }

    /// Waits for the end; gives the exit code. The terminal must be as it was.
    #[track_caller]
    fn finish(mut self) -> u32 {
        self.end()
    }

    /// Waits for the end with this exit code; gives what stands on the terminal then.
    #[track_caller]
    pub fn leave(mut self, code: u32) -> String {
        assert_eq!(self.end(), code, "{}", self.text());
        self.text()
    }

    #[track_caller]
    fn end(&mut self) -> u32 {
        let begun = Instant::now();
        let code = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status.exit_code();
            }
            assert!(begun.elapsed() < PATIENCE, "does not end\n{}", self.text());
            // Output comes, or its end does, or some time has passed.
            if let Ok(bytes) = self.output.recv_timeout(Duration::from_millis(20)) {
                self.screen.process(&bytes);
            }
        };
        // Until nobody has the terminal any more.
        while let Ok(bytes) = self.output.recv_timeout(PATIENCE) {
            self.screen.process(&bytes);
        }
        self.assert_restored();
        code
    }

    #[track_caller]
    fn assert_restored(&self) {
        let screen = self.screen.screen();
        assert!(!screen.alternate_screen(), "the alternate screen is left");
        assert!(!screen.hide_cursor(), "the cursor is shown");
        assert!(!screen.bracketed_paste(), "pasting is as it was");
        self.assert_modes("ordinary", true);
    }

    /// Whether the terminal's line discipline echoes and gathers lines.
    #[track_caller]
    fn assert_modes(&self, what: &str, ordinary: bool) {
        let path = self.master.tty_name().unwrap();
        let modes =
            Command::new("stty").arg("-a").stdin(std::fs::File::open(path).unwrap()).output().unwrap();
        let modes = String::from_utf8(modes.stdout).unwrap();
        let has = |mode: &str| modes.split([' ', ';', '\n']).any(|word| word == mode);
        assert_eq!((has("icanon"), has("echo")), (ordinary, ordinary), "{what}: {modes}");
    }
}

/// A server that answers a handshake, says two things, and waits for the end.
fn talking_server() -> Server {
    Server::once(|mut peer| {
        peer.head();
        peer.send(switching()).send(b"\x81\x0d{\"tick\":1001}").send(b"\x81\x07goodbye");
        // Leaving while a session is open resets it.
        let _ = peer.0.read_to_end(&mut Vec::new());
    })
}

/// A client that has opened a session and sent one message.
fn talking_client(proxy: SocketAddr) -> Peer {
    let mut client = Peer::connect(proxy);
    client.send(request(proxy));
    client.head();
    client.send(b"\x81\x85\0\0\0\0hello");
    client
}

#[test]
fn a_session_is_watched_live_filtered_and_left() {
    let server = talking_server();
    let (mut terminal, address) = Terminal::proxy(&format!("ws://{}", server.address));
    terminal.assert_modes("while it runs", false);
    let mut client = talking_client(address);
    terminal.wait_for("goodbye");
    terminal.wait_for("hello");
    terminal.wait_for("/chat?x=1");

    terminal.press("\r");
    terminal.wait_for("esc back");
    terminal.press("fdir:clie");
    terminal.wait_for("✗ column");
    terminal.press("nt\r");
    terminal.wait_for("filter: dir:client");
    terminal.wait_until("the server's messages go", |screen| !screen.contents().contains("goodbye"));
    terminal.press("f\x15\r");
    terminal.wait_for("goodbye");

    terminal.press("5");
    terminal.wait_for("as computed from the key");
    terminal.press("?");
    terminal.wait_for("Here, in messages");
    terminal.press("\x1b");
    // Escape and a key that come together are another key.
    terminal.wait_until("the help goes", |screen| !screen.contents().contains("Here, in messages"));
    terminal.wait_for("[Handshake]");

    client.finish();
    terminal.press("Q");
    assert_eq!(terminal.finish(), 0);
    drop(client);
    server.finish();
}

#[test]
fn a_payload_and_a_recording_are_saved() {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str| directory.path().join(name).display().to_string();
    let server = talking_server();
    let (mut terminal, address) = Terminal::proxy(&format!("ws://{}", server.address));
    let client = talking_client(address);
    terminal.wait_for("goodbye");
    terminal.press(&format!(":save-recording {}\r", file("all.jsonl")));
    terminal.wait_for("saved ");
    terminal.press(&format!("\tg:save-payload {}\r", file("one.bin")));
    terminal.wait_until("the payload is saved", |screen| screen.contents().contains(" B in "));
    terminal.press(&format!(":save-payload {}\r", file("one.bin")));
    terminal.wait_for("is there already");
    terminal.press("Q");
    assert_eq!(terminal.finish(), 0);
    drop(client);
    server.finish();

    let payload = std::fs::read(file("one.bin")).unwrap();
    assert!([&b"hello"[..], b"{\"tick\":1001}"].contains(&&payload[..]), "{payload:?}");
    for saved in ["one.bin", "all.jsonl"] {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(file(saved)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{saved}");
    }
    let recording = std::fs::read_to_string(file("all.jsonl")).unwrap();
    let kinds: Vec<String> = recording.lines().map(|line| line.chars().take(17).collect()).collect();
    assert!(kinds[0].starts_with("{\"type\":\"recordin"), "{recording}");
    assert_eq!(
        recording.lines().filter(|line| line.contains("\"type\":\"message\"")).count(),
        3,
        "{recording}"
    );

    let mut shown = Terminal::sockeye(&["show", &file("all.jsonl")]);
    shown.wait_for("goodbye");
    shown.press("Q");
    assert_eq!(shown.finish(), 0);
}

#[test]
fn a_killed_session_resets_both_ends() {
    let server = Server::once(|mut peer| {
        peer.head();
        peer.send(switching());
        peer.expect_reset();
    });
    let (mut terminal, address) = Terminal::proxy(&format!("ws://{}", server.address));
    let mut client = Peer::connect(address);
    client.send(request(address));
    client.head();
    terminal.wait_for("●");
    terminal.press("X");
    terminal.wait_for("killed");
    client.expect_reset();
    server.finish();
    terminal.press("Q");
    assert_eq!(terminal.finish(), 0);
}

/// The next frame of a client: its opcode, and its payload unmasked.
fn frame(peer: &mut Peer) -> (u8, String) {
    let mut head = [0; 6];
    peer.0.read_exact(&mut head).unwrap();
    let mut payload = vec![0; usize::from(head[1] & 0x7f)];
    peer.0.read_exact(&mut payload).unwrap();
    payload.iter_mut().enumerate().for_each(|(at, octet)| *octet ^= head[2 + at % 4]);
    (head[0] & 0x0f, String::from_utf8(payload).unwrap())
}

/// A client with an open session, in which nothing has been said.
fn silent_client(proxy: SocketAddr) -> Peer {
    let mut client = Peer::connect(proxy);
    client.send(request(proxy));
    client.head();
    client
}

#[test]
fn messages_are_held_changed_dropped_and_edited_in_the_users_editor_while_pings_pass() {
    let server = Server::once(|mut peer| {
        peer.head();
        peer.send(switching());
        assert_eq!(frame(&mut peer), (9, String::new()), "the ping overtakes what is held");
        assert_eq!(frame(&mut peer), (1, "first!".to_owned()));
        assert_eq!(frame(&mut peer), (1, "fourth".to_owned()));
        peer.send(b"\x81\x02ok");
        let _ = peer.0.read_to_end(&mut Vec::new());
    });
    let (mut terminal, address) = Terminal::proxy(&format!("ws://{}", server.address));
    terminal.press("idir:client op:text\r");
    terminal.wait_for("holding dir:client op:text");
    let mut client = silent_client(address);
    client.send(b"\x81\x85\0\0\0\0first\x81\x86\0\0\0\0second\x81\x85\0\0\0\0third\x89\x80\0\0\0\0");
    terminal.wait_for("3 held");

    terminal.press("te");
    terminal.wait_for("ctrl-s send it on");
    terminal.press("\x05!");
    terminal.wait_for("· changed");
    terminal.press("\x13");
    terminal.wait_for("message 1 of #1 goes on changed: 5 B became 6 B");
    terminal.wait_for("2 held");
    terminal.press("d");
    terminal.wait_for("message 2 of #1 is dropped");
    terminal.wait_for("1 held");
    terminal.press("E");
    terminal.wait_for("message 3 of #1 goes on changed: 5 B became 6 B");
    terminal.wait_for("0 held");
    client.expect(b"\x81\x02ok");
    terminal.assert_modes("after the editor", false);
    terminal.press("Q");
    assert_eq!(terminal.finish(), 0);
    drop(client);
    server.finish();
}

#[test]
fn what_is_held_when_the_screen_is_left_goes_on_unless_it_is_dropped() {
    for (answer, arrives) in [("\r", true), ("d", false)] {
        let server = Server::once(move |mut peer| {
            peer.head();
            peer.send(switching());
            let mut rest = Vec::new();
            // Leaving while a session is open resets it.
            let _ = peer.0.read_to_end(&mut rest);
            assert_eq!(!rest.is_empty(), arrives);
        });
        let (mut terminal, address) = Terminal::proxy(&format!("ws://{}", server.address));
        terminal.press("iop:text\r");
        terminal.wait_for("holding op:text");
        let mut client = silent_client(address);
        client.send(b"\x81\x84\0\0\0\0last");
        terminal.wait_for("1 held");
        terminal.press("Q");
        terminal.wait_for("1 is held: enter lets it go on, d drops it, esc stays");
        terminal.press(answer);
        assert_eq!(terminal.finish(), 0);
        server.finish();
    }
}

#[test]
fn what_a_program_prints_has_a_pane_and_its_exit_code_is_ours() {
    let script = "printf 'one \\033[31mred\\033[0m line\\n'; echo a fault >&2; exit 5";
    let mut terminal = Terminal::sockeye(&["run", "--", "sh", "-c", script]);
    terminal.wait_for("exited with 5; Q leaves");
    terminal.wait_for("It prints (O shows all)");
    terminal.press("O");
    terminal.wait_until("both outputs", |screen| {
        let text = screen.contents();
        text.contains("one red line") && text.contains("err a fault") && text.contains(": exited with 5")
    });
    terminal.press("O");
    terminal.wait_for("Nothing has come through yet");
    terminal.press("Q");
    assert_eq!(terminal.finish(), 5);
}

#[test]
fn a_program_that_runs_when_the_screen_is_left_is_asked_to_end() {
    // The screen shows the command too, so what is waited for is not in it as a whole.
    let script = "trap 'kill $!; exit 9' TERM; sleep 1000 & printf 'it %s\\n' runs; wait";
    let mut terminal = Terminal::sockeye(&["run", "--", "sh", "-c", script]);
    terminal.wait_for("it runs");
    terminal.press("Q");
    assert_eq!(terminal.finish(), 9);
}

#[test]
fn a_pane_of_output_stays_at_its_end_until_it_is_scrolled() {
    let directory = tempfile::tempdir().unwrap();
    let pipe = directory.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let script = format!("seq -f 'line %g' 100; cat {}", pipe.display());
    let mut terminal = Terminal::sockeye(&["run", "--", "sh", "-c", &script]);
    let mut program = std::fs::OpenOptions::new().write(true).open(&pipe).unwrap();
    terminal.press("O");
    terminal.wait_for("line 100");
    program.write_all(b"one more\n").unwrap();
    terminal.wait_for("one more");
    terminal.press("g");
    terminal.wait_for("What sh -c");
    program.write_all(b"unseen\n").unwrap();
    drop(program);
    terminal.wait_for("exited with 0");
    assert!(!terminal.text().contains("unseen"), "{}", terminal.text());
    terminal.press("G");
    terminal.wait_for("unseen");
    terminal.press("Q");
    assert_eq!(terminal.finish(), 0);
}

#[test]
fn signals_to_end_restore_the_terminal() {
    for signal in ["TERM", "HUP", "INT"] {
        let (terminal, _) = Terminal::proxy("ws://127.0.0.1:9");
        terminal.signal(signal);
        assert_eq!(terminal.finish(), 0, "SIG{signal}");
    }
}

#[test]
fn a_terminal_that_goes_away_ends_the_program() {
    let (mut terminal, _) = Terminal::proxy("ws://127.0.0.1:9");
    let mut child = std::mem::replace(&mut terminal.child, Box::new(Nobody));
    drop(terminal);
    let (ended, end) = mpsc::channel();
    std::thread::spawn(move || ended.send(child.wait().is_ok()));
    assert_eq!(end.recv_timeout(PATIENCE), Ok(true), "it goes on without a terminal");
}

#[test]
fn ctrl_z_gives_the_terminal_to_the_shell_and_fg_takes_it_again() {
    let program = env!("CARGO_BIN_EXE_sockeye");
    let script = format!(
        "set -m; {program} -l 127.0.0.1:0 ws://127.0.0.1:9; echo STOPPED; read answer; fg >/dev/null; echo ENDED"
    );
    let mut terminal = Terminal::run("sh", &["-c", &script]);
    terminal.wait_for("Nothing has come through yet");
    terminal.press("\x1a");
    terminal.wait_for("STOPPED");
    terminal.assert_restored();
    terminal.press("\n");
    terminal.wait_for("Nothing has come through yet");
    terminal.wait_until("the alternate screen again", vt100::Screen::alternate_screen);
    terminal.press("Q");
    terminal.wait_for("ENDED");
    assert_eq!(terminal.finish(), 0);
}

#[test]
fn another_size_is_taken_at_once() {
    let (mut terminal, _) = Terminal::proxy("ws://127.0.0.1:9");
    let size = PtySize { rows: 20, cols: 60, pixel_width: 0, pixel_height: 0 };
    terminal.master.resize(size).unwrap();
    terminal.screen.screen_mut().set_size(20, 60);
    terminal.wait_until("hints on the last line", |screen| {
        screen.contents().lines().nth(19).is_some_and(|line| line.contains("quit"))
    });
    terminal.press("Q");
    assert_eq!(terminal.finish(), 0);
}

/// Stands in for a child that somebody else waits for.
#[derive(Debug)]
struct Nobody;

impl portable_pty::ChildKiller for Nobody {
    fn kill(&mut self) -> std::io::Result<()> {
        Ok(())
    }

    fn clone_killer(&self) -> Box<dyn portable_pty::ChildKiller + Send + Sync> {
        Box::new(Nobody)
    }
}

impl Child for Nobody {
    fn try_wait(&mut self) -> std::io::Result<Option<portable_pty::ExitStatus>> {
        Ok(None)
    }

    fn wait(&mut self) -> std::io::Result<portable_pty::ExitStatus> {
        Ok(portable_pty::ExitStatus::with_exit_code(0))
    }

    fn process_id(&self) -> Option<u32> {
        None
    }
}

#[test]
fn a_message_is_composed_into_an_open_session() {
    let server = Server::once(|mut peer| {
        peer.head();
        peer.send(switching());
        let mut frame = [0; 2 + 4 + 5];
        peer.0.read_exact(&mut frame).unwrap();
        let payload: Vec<u8> =
            frame[6..].iter().zip(frame[2..6].iter().cycle()).map(|(a, b)| a ^ b).collect();
        assert_eq!((&frame[..2], &payload[..]), (&b"\x81\x85"[..], &b"hello"[..]));
        peer.expect_reset();
    });
    let (mut terminal, address) = Terminal::proxy(&format!("ws://{}", server.address));
    let mut client = Peer::connect(address);
    client.send(request(address));
    client.head();
    terminal.wait_for("●");
    terminal.press("s");
    terminal.wait_for("Send to the server");
    terminal.press("hello\r");
    terminal.wait_for("went in as message 1 of #1");
    // ctrl-t turns to the other end.
    terminal.press("\x14");
    terminal.wait_for("Send to the client");
    terminal.press("/hex 00 ff\r");
    terminal.wait_for("went in as message 2 of #1");
    client.expect(b"\x82\x02\x00\xff");
    terminal.press("\x1b");
    terminal.wait_until("the composer is closed", |screen| !screen.contents().contains("Send to the"));
    terminal.press("X");
    client.expect_reset();
    server.finish();
}
