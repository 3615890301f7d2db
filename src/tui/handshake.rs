//! The tab Handshake: both heads line by line as they came, what they mean, and why it failed where it did.

use super::acts;
use super::document::{Subject, pair, sentence, wrapped};
use super::text;
use super::theme::{Look, Words};
use crate::capture::{Ending, Exchange, Flow, Mode, Opened, Opening, Refused, Tunnel, Verified};
use crate::decode::{visible, visible_bytes};
use crate::ws::Direction;
use crate::ws::handshake::{self, Examination, RequestHead, ResponseHead, Severity};

/// The lines for a session, a refused handshake, a tunnel or an exchange.
pub(super) fn document(subject: &Subject<'_>, columns: usize) -> Vec<Words> {
    let mut sheet = Sheet { lines: Vec::new(), columns };
    match subject.summary.flow {
        Flow::Exchange(number) => match subject.log.exchange(number) {
            Ok(Some(exchange)) => sheet.exchange(&exchange),
            _ => sheet.gone(),
        },
        Flow::Session(number) => match subject.log.opening(number) {
            Ok(Some(Opened::Asked(opening))) => sheet.asked(subject, &opening),
            Ok(Some(Opened::Session(opening))) => {
                sheet.ending(subject);
                sheet.acts(subject);
                sheet.opening(&opening, "");
            }
            Ok(Some(Opened::Refused(refused))) => sheet.refused(subject, &refused),
            Ok(Some(Opened::Tunnel(tunnel))) => sheet.tunnel(subject, &tunnel),
            _ => sheet.gone(),
        },
    }
    wrapped(sheet.lines, columns)
}

/// The width of a name beside its value.
const PAIR: usize = 20;

struct Sheet {
    lines: Vec<Words>,
    columns: usize,
}

impl Sheet {
    fn line(&mut self, look: Look, text: impl Into<String>) {
        self.lines.push(vec![(look, text.into())]);
    }

    fn blank(&mut self) {
        if !self.lines.is_empty() {
            self.lines.push(Words::new());
        }
    }

    fn say(&mut self, look: Look, sign: &str, what: &str) {
        self.lines.extend(sentence(look, sign, what, self.columns));
    }

    fn gone(&mut self) {
        self.line(Look::Dim, "The handshake has left the log: it was the oldest when room ran out.");
    }

    /// How a session ended, the truth of it: who, and how each end of the connections went.
    fn ending(&mut self, subject: &Subject<'_>) {
        let Flow::Session(number) = subject.summary.flow else { return };
        let Ok(Some(ended)) = subject.log.ended(number) else { return };
        let first = ended
            .first
            .map(|direction| format!("; the {} was first", direction.sender()))
            .unwrap_or_default();
        let words =
            format!("ended: client {}, server {}{first}", ending(&ended.client), ending(&ended.server));
        self.say(Look::Dim, "○", &words);
    }

    /// What was done to the session or its handshake, and by whom.
    fn acts(&mut self, subject: &Subject<'_>) {
        let Flow::Session(number) = subject.summary.flow else { return };
        let acts = subject.log.session_acts(number);
        self.lines.extend(acts::of_session(&acts, subject.summary.opened, self.columns));
    }

    fn asked(&mut self, subject: &Subject<'_>, opening: &Opening) {
        self.say(Look::Odd, "◌", "the server has not answered yet");
        self.acts(subject);
        self.head("request", Direction::ToServer, &opening.request);
        self.notes(&opening.notes);
    }

    /// Both heads; `why` has been said already.
    fn opening(&mut self, opening: &Opening, why: &str) {
        self.redacted(&opening.redacted);
        self.findings(opening, why);
        self.head("request", Direction::ToServer, &opening.request);
        self.edits(&opening.notes, &opening.request, &opening.sent);
        self.head("response", Direction::ToClient, &opening.response);
        self.ways(opening.mode, &opening.client, &opening.server);
    }

    fn refused(&mut self, subject: &Subject<'_>, refused: &Refused) {
        self.say(Look::Bad, "✗", &format!("not opened: {}", refused.why));
        self.acts(subject);
        let server = refused.opening.tls.as_ref().and_then(|tls| tls.server.as_ref());
        if server.is_some_and(|leg| matches!(leg.verified, Verified::Fault(_))) {
            self.say(Look::Dim, "·", "the tab TLS shows the server's certificates");
        }
        self.opening(&refused.opening, &refused.why);
        if let Ok(body) = subject.log.read(&refused.body, 0, 64 << 10)
            && !body.is_empty()
        {
            self.blank();
            self.line(Look::Heading, format!("▼ body, {}", text::size(refused.body.len())));
            for line in body.split(|&byte| byte == b'\n') {
                let line = visible_bytes(line.strip_suffix(b"\r").unwrap_or(line)).into_owned();
                self.line(Look::Text, line);
            }
        }
    }

    fn tunnel(&mut self, subject: &Subject<'_>, tunnel: &Tunnel) {
        self.say(Look::Odd, "≡", &format!("relayed unread: {}", tunnel.why));
        self.ending(subject);
        self.blank();
        let [to_server, to_client] = subject.summary.bytes;
        self.pair("target", &tunnel.target);
        self.pair("to the server", &text::size(to_server));
        self.pair("to the client", &text::size(to_client));
        self.ways(tunnel.mode, &tunnel.client, &tunnel.server);
    }

    fn exchange(&mut self, exchange: &Exchange) {
        if let Some(error) = &exchange.error {
            self.say(Look::Bad, "✗", error);
        } else if exchange.response.is_empty() {
            self.say(Look::Odd, "◌", "the server has not answered yet");
        } else if exchange.ended.is_none() {
            self.say(Look::Odd, "◌", "the response is still coming");
        }
        self.redacted(&exchange.redacted);
        self.head("request", Direction::ToServer, &exchange.request);
        self.edits(&exchange.notes, &exchange.request, &exchange.sent);
        self.head("response", Direction::ToClient, &exchange.response);
        self.ways(exchange.mode, &exchange.client, &exchange.server);
    }

    /// What the heads mean, and what is wrong or odd about them beyond what `said` says.
    fn findings(&mut self, opening: &Opening, said: &str) {
        let Ok(request) = RequestHead::parse(&opening.request) else { return };
        let response = ResponseHead::parse(&opening.response).ok();
        let read = handshake::examine(&request, response.as_ref());
        for finding in read.findings.iter().filter(|finding| !said.contains(&*finding.sentence)) {
            let (look, sign) = match finding.severity {
                Severity::Note => (Look::Dim, "·"),
                Severity::Odd => (Look::Odd, "!"),
                Severity::Fault => (Look::Bad, "⚠"),
            };
            self.say(look, sign, &format!("{}: {} ({})", finding.side, finding.sentence, finding.section));
        }
        if response.is_some() && read.accepted {
            if read.findings.iter().all(|finding| finding.severity == Severity::Note) {
                self.say(Look::Good, "✓", "both heads keep to RFC 6455 section 4");
            }
            self.agreed(&request, response.as_ref(), &read);
        }
    }

    /// What was offered and chosen, side by side.
    fn agreed(&mut self, request: &RequestHead, response: Option<&ResponseHead>, read: &Examination) {
        self.blank();
        let none = || "none".to_owned();
        let list = |list: &[String]| if list.is_empty() { none() } else { list.join(", ") };
        self.pair("subprotocol", &read.subprotocol.clone().unwrap_or_else(none));
        self.pair("  offered", &list(&read.offered_subprotocols));
        self.pair("extensions", &read.extensions.clone().unwrap_or_else(none));
        self.pair("  offered", &list(&read.offered_extensions));
        if let Some(deflate) = &read.deflate {
            for direction in Direction::BOTH {
                let context = if deflate.no_context_takeover(direction) {
                    "no context takeover"
                } else {
                    "context takeover"
                };
                let window = deflate.max_window_bits(direction);
                let name = format!("  {} deflates", direction.sender());
                self.pair(
                    &name,
                    &format!("{context}, window of {window} bits ({} octets)", text::count(1 << window)),
                );
            }
        }
        let key = request.headers().first("Sec-WebSocket-Key");
        let accept = response.and_then(|response| response.headers().first("Sec-WebSocket-Accept"));
        if let (Some(key), Some(accept)) = (key, accept) {
            let computed = handshake::accept_key(key);
            let (look, words) = match accept == computed.as_bytes() {
                true => (Look::Good, "✓ as computed from the key".to_owned()),
                false => (Look::Bad, format!("✗ the key gives {computed}")),
            };
            let line = vec![(Look::Key, text::left("accept", PAIR)), (look, words)];
            self.lines.push(line);
        }
    }

    /// A head as it came, line by line.
    fn head(&mut self, name: &str, direction: Direction, head: &[u8]) {
        if head.is_empty() {
            return;
        }
        self.blank();
        let who = format!("{} {name}, as the {} sent it", super::words::arrow(direction), direction.sender());
        self.lines.push(vec![(Look::Heading, who)]);
        let head = head.strip_suffix(b"\r\n\r\n").or_else(|| head.strip_suffix(b"\n\n")).unwrap_or(head);
        for (at, line) in head.split(|&byte| byte == b'\n').enumerate() {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            match line.iter().position(|&byte| byte == b':') {
                Some(colon) if at > 0 => self.lines.push(vec![
                    (Look::Key, visible_bytes(&line[..colon]).into_owned()),
                    (Look::Text, visible_bytes(&line[colon..]).into_owned()),
                ]),
                _ => self.line(Look::Accent, visible_bytes(line)),
            }
        }
    }

    /// What the proxy edited, with the lines that the server got instead.
    fn edits(&mut self, notes: &[String], request: &[u8], sent: &[u8]) {
        self.notes(notes);
        if sent.is_empty() || sent == request {
            return;
        }
        let lines = |head: &[u8]| -> Vec<String> {
            let lines = head.split(|&byte| byte == b'\n');
            lines.map(|line| visible_bytes(line.strip_suffix(b"\r").unwrap_or(line)).into_owned()).collect()
        };
        let (before, after) = (lines(request), lines(sent));
        for line in before.iter().filter(|line| !after.contains(line)) {
            self.line(Look::Bad, format!("- {line}"));
        }
        for line in after.iter().filter(|line| !before.contains(line)) {
            self.line(Look::Good, format!("+ {line}"));
        }
    }

    fn notes(&mut self, notes: &[String]) {
        if notes.is_empty() {
            return;
        }
        self.blank();
        for note in notes {
            self.say(Look::Odd, "·", note);
        }
    }

    /// Where a recording has placeholders in place of secrets.
    fn redacted(&mut self, places: &[String]) {
        if places.is_empty() {
            return;
        }
        self.say(Look::Dim, "·", &format!("redacted: {}", visible(&places.join(", "))));
    }

    fn ways(&mut self, mode: Option<Mode>, client: &str, server: &str) {
        self.blank();
        if let Some(mode) = mode {
            let words = match mode {
                Mode::Reverse => "reverse: all that comes to the listener goes to one server",
                Mode::Absolute => "forward: the request line named the server",
                Mode::Connect => "forward: CONNECT named the server",
                Mode::Socks5 => "forward: SOCKS5 named the server",
                Mode::Transparent => "transparent: redirected here on its way to the server",
            };
            self.pair("mode", words);
        }
        self.pair("client", client);
        self.pair("server", server);
    }

    fn pair(&mut self, name: &str, value: &str) {
        if value.is_empty() {
            return;
        }
        self.lines.extend(pair((name, PAIR), Look::Text, value, self.columns));
    }
}

fn ending(ending: &Ending) -> String {
    match ending {
        Ending::Open => "still open".to_owned(),
        Ending::Fin => "finished (FIN)".to_owned(),
        Ending::Reset => "reset (RST)".to_owned(),
        Ending::Killed => "killed by you".to_owned(),
        Ending::Shutdown => "cut by the proxy's shutdown".to_owned(),
        Ending::Failed(why) => format!("failed: {why}"),
    }
}
