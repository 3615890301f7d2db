//! What only a real terminal shows, and no key brings about: a panic in the middle of drawing.

use std::io::Read;
use std::process::Command;

use portable_pty::{CommandBuilder, PtySize, native_pty_system};

use super::Screen;

const CHILD: &str = "SOCKEYE_TEST_PANICS";

#[test]
fn a_panic_restores_the_terminal() {
    if std::env::var_os(CHILD).is_some() {
        let _screen = Screen::open().unwrap();
        panic!("told on a terminal that is itself again");
    }
    let size = PtySize { rows: 100, cols: 100, pixel_width: 0, pixel_height: 0 };
    let pair = native_pty_system().openpty(size).unwrap();
    let mut command = CommandBuilder::new(std::env::current_exe().unwrap());
    command.args(["--exact", "--nocapture", "tui::terminal::tests::a_panic_restores_the_terminal"]);
    command.env(CHILD, "1");
    command.env("TERM", "xterm-256color");
    command.env("RUST_BACKTRACE", "0");
    let mut child = pair.slave.spawn_command(command).unwrap();
    let mut reader = pair.master.try_clone_reader().unwrap();
    let modes = pair.master.tty_name().unwrap();
    let mut screen = vt100::Parser::new(100, 100, 0);
    // Held open, so that its modes outlive the child.
    let slave = std::fs::File::open(&modes).unwrap();
    drop(pair.slave);
    let gathered = std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while !screen.screen().contents().contains("FAILED") {
            match reader.read(&mut buffer) {
                Ok(count @ 1..) => screen.process(&buffer[..count]),
                _ => break,
            }
        }
        screen
    });
    assert!(!child.wait().unwrap().success());
    let screen = gathered.join().unwrap();
    let screen = screen.screen();
    assert!(screen.contents().contains("told on a terminal that is itself again"), "{}", screen.contents());
    assert!(!screen.alternate_screen() && !screen.hide_cursor() && !screen.bracketed_paste());
    let modes = Command::new("stty").arg("-a").stdin(slave).output().unwrap();
    let modes = String::from_utf8(modes.stdout).unwrap();
    assert!(modes.split([' ', ';', '\n']).any(|mode| mode == "icanon"), "{modes}");
}
