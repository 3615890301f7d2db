//! The sheet of rules in a terminal of its own: the file is read again under it, and rules are switched.

use std::io::Read;
use std::path::PathBuf;

use tempfile::TempDir;

use crate::support::{Peer, Server, request, switching};
use crate::terminal::Terminal;

/// A screen with a file of these rules, between a client and a server that plays `script` once the session is open.
struct Ruled {
    file: PathBuf,
    terminal: Terminal,
    client: Peer,
    server: Server,
    _folder: TempDir,
}

impl Ruled {
    fn begin(rules: &str, script: impl FnOnce(Peer) + Send + 'static) -> Ruled {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("rules.toml");
        std::fs::write(&file, rules).unwrap();
        let server = Server::once(|mut peer| {
            peer.head();
            peer.send(switching());
            script(peer);
        });
        let target = format!("ws://{}", server.address);
        let (terminal, address) = Terminal::proxy_with(&target, &["--rules", file.to_str().unwrap()]);
        let mut client = Peer::connect(address);
        client.send(request(address)).expect(switching());
        Ruled { file, terminal, client, server, _folder: folder }
    }
}

#[test]
fn rules_are_seen_to_act_switched_off_and_read_again() {
    let rules = "[[rule]]\nname = 'no ticks'\nwhen = 'tick'\nthen = { drop = true }\n";
    let Ruled { file, mut terminal, mut client, server, _folder } = Ruled::begin(rules, |mut peer| {
        peer.send(b"\x81\x04tick\x81\x04tick\x81\x02go");
        peer.expect(b"\x81\x82\0\0\0\0on").send(b"\x81\x04tick");
        // Leaving while a session is open resets it.
        let _ = peer.0.read_to_end(&mut Vec::new());
    });
    client.expect(b"\x81\x02go");

    terminal.press("T");
    terminal.wait_for("2 messages in 1 session");
    terminal.press("u");
    terminal.wait_for("no ticks is switched off until u or the end; its file is as it was");
    terminal.wait_for("switched off by hand");
    client.send(b"\x81\x82\0\0\0\0on").expect(b"\x81\x04tick");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), rules);

    std::fs::write(&file, "[[rule]]\nname = 'no ticks'\nwhne = 'tick'\n").unwrap();
    terminal.wait_for("a rule has no whne: did you mean when?");
    terminal.wait_for("the rules from before");
    terminal.wait_for("! 1 note");
    terminal.press("u");
    terminal.wait_for("no ticks holds again");
    terminal.press("\r");
    terminal.wait_for("no ticks acted on these");
    terminal.wait_for("2 of 2 of 5");
    terminal.press("Q");
    terminal.leave(0);
    server.finish();
}

#[test]
fn what_a_stall_kept_back_arrives_when_its_rule_is_switched_off() {
    let rules = "[[rule]]\nname = 'no ticks'\nwhen = 'tick'\nthen = { stall = true }\n";
    let Ruled { mut terminal, mut client, server, _folder, .. } = Ruled::begin(rules, |mut peer| {
        peer.send(b"\x81\x02go\x81\x04tick\x81\x04tock");
        let _ = peer.0.read_to_end(&mut Vec::new());
    });
    client.expect(b"\x81\x02go");
    terminal.press("T");
    terminal.wait_for("1 message in 1 session");
    terminal.press("u");
    client.expect(b"\x81\x04tick\x81\x04tock");
    terminal.press("\r");
    terminal.wait_for("no ticks acted on these");
    terminal.press("5");
    terminal.wait_for("no longer held up by rule no ticks");
    terminal.press("Q");
    terminal.leave(0);
    server.finish();
}
