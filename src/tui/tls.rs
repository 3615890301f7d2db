//! The tab TLS: what either leg agreed on, whether the server's certificate holds, and the certificates that were shown.

use std::sync::Arc;
use std::time::UNIX_EPOCH;

use super::certificate;
use super::document::{self, Subject, pair, wrapped};
use super::text;
use super::theme::{Look, Words};
use crate::capture::{
    Certificate, CertificateRequest, Exchange, Flow, Leg, Log, Opened, Opening, Stamp, Tls, Verified,
};
use crate::decode::visible;

/// From how many columns on the legs stand side by side.
const WIDE: usize = 110;

/// The width of a name beside its value.
pub(super) const PAIR: usize = 12;

/// The lines for a session, a refused handshake, a tunnel or an exchange.
pub(super) fn document(subject: &Subject<'_>, columns: usize) -> Vec<Words> {
    let known = match subject.summary.flow {
        Flow::Exchange(number) => subject.log.exchange(number).ok().flatten().map(Known::of_exchange),
        Flow::Session(number) => subject.log.opening(number).ok().flatten().map(Known::of_session),
    };
    let lines = match known {
        Some(known) => known.lines(subject.log, columns),
        None => vec![vec![(
            Look::Dim,
            "What TLS agreed on has left the log: it was the oldest when room ran out.".into(),
        )]],
    };
    wrapped(lines, columns)
}

/// What the log knows of a flow, as far as this tab shows it.
struct Known {
    tls: Arc<Tls>,
    url: String,
    time: Stamp,
    fate: Fate,
}

/// What came of the flow.
enum Fate {
    /// It was opened, or is about to be.
    Going,
    /// It failed: why.
    Failed(String),
    /// It is relayed unread: why.
    Unread(String),
}

/// Which of the two.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Client,
    Server,
}

impl Known {
    fn of_session(opened: Opened) -> Known {
        let opening = |opening: Opening, fate| Known {
            tls: opening.tls.unwrap_or_default(),
            url: opening.url,
            time: opening.time,
            fate,
        };
        match opened {
            Opened::Asked(asked) | Opened::Session(asked) => opening(asked, Fate::Going),
            Opened::Refused(refused) => opening(refused.opening, Fate::Failed(refused.why)),
            Opened::Tunnel(tunnel) => Known {
                tls: tunnel.tls.unwrap_or_default(),
                url: tunnel.target,
                time: tunnel.time,
                fate: Fate::Unread(tunnel.why),
            },
        }
    }

    fn of_exchange(exchange: Exchange) -> Known {
        Known {
            tls: exchange.tls.unwrap_or_default(),
            url: exchange.url,
            time: exchange.time,
            fate: exchange.error.map_or(Fate::Going, Fate::Failed),
        }
    }

    fn lines(&self, log: &Log, columns: usize) -> Vec<Words> {
        let mut lines = self.outcome(columns);
        if self.tls.client.is_none() && self.tls.server.is_none() {
            lines.extend(self.nothing(columns));
            return lines;
        }
        let began = log.started().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = (began + self.time.since(Stamp(0))).as_secs() as i64;
        if !lines.is_empty() {
            lines.push(Words::new());
        }
        let block = |end, leg: &Option<Leg>, columns| {
            let mut lines = self.leg(end, leg.as_ref(), columns);
            lines.extend(self.chains(end, leg.as_ref(), now, columns));
            lines
        };
        let Tls { client, server } = &*self.tls;
        if columns >= WIDE {
            let half = (columns - BETWEEN.len()) / 2;
            let left = wrapped(block(End::Client, client, half), half);
            let right = wrapped(block(End::Server, server, half), half);
            lines.extend(beside(left, right, half));
        } else {
            // The server's is the one that people come for.
            lines.extend(block(End::Server, server, columns));
            lines.push(Words::new());
            lines.extend(block(End::Client, client, columns));
        }
        lines
    }

    /// Why it failed, or is not read.
    fn outcome(&self, columns: usize) -> Vec<Words> {
        match &self.fate {
            Fate::Going => Vec::new(),
            Fate::Failed(why) => sentence(Look::Bad, "✗", why, columns),
            Fate::Unread(why) => sentence(Look::Odd, "≡", &format!("relayed unread: {why}"), columns),
        }
    }

    /// Where nothing is known of either leg, why that is.
    fn nothing(&self, columns: usize) -> Vec<Words> {
        let words = match &self.fate {
            Fate::Unread(why) if why.starts_with("TLS") => {
                "The client and the server speak TLS with each other, and nothing of it is seen here. To have it opened: \
                 `sockeye ca install-help` makes a certificate authority and says how the client comes to trust it; \
                 hosts that --tls-passthrough names stay closed."
            }
            Fate::Failed(_) if self.is_secure() => {
                "TLS was to be spoken with the server. It did not come to that, or nothing of it was recorded."
            }
            _ if self.is_secure() => {
                "TLS was spoken with the server. What was agreed on is not in the recording: it is older than that."
            }
            _ => "In the clear: no TLS was spoken, neither with the client nor with the server.",
        };
        sentence(Look::Dim, "·", words, columns)
    }

    fn is_secure(&self) -> bool {
        self.url.starts_with("wss:") || self.url.starts_with("https:")
    }

    /// What one leg agreed on.
    fn leg(&self, end: End, leg: Option<&Leg>, columns: usize) -> Vec<Words> {
        let heading = match end {
            End::Client => "Between the client and the proxy",
            End::Server => "Between the proxy and the server",
        };
        let mut lines = vec![vec![(Look::Heading, heading.to_owned())]];
        let Some(leg) = leg else {
            let words = match end {
                End::Server if self.is_secure() => "the server was not reached",
                _ => "in the clear",
            };
            lines.extend(sentence(Look::Dim, "·", words, columns));
            return lines;
        };
        lines.extend(self.verdict(end, leg, columns));
        let value = |value: &Option<String>| value.clone().unwrap_or_else(|| "none".to_owned());
        let mut add = |name: &str, look, value: &str| lines.extend(pair((name, PAIR), look, value, columns));
        match &leg.version {
            Some(version) => add("version", Look::Text, version),
            None => add("version", Look::Bad, "✗ none: the handshake failed"),
        }
        if let Some(suite) = &leg.suite {
            add("suite", Look::Text, suite);
        }
        add("SNI", Look::Text, &value(&leg.server_name));
        add("ALPN", Look::Text, &value(&leg.alpn));
        let offered = if leg.offered.is_empty() { "none".to_owned() } else { leg.offered.join(", ") };
        add("  offered", Look::Text, &offered);
        if let Some(took) = leg.took {
            add("handshake", Look::Text, &text::span(took));
        }
        if let Some((look, words)) = asked(end, leg.asked) {
            add("asked", look, words);
        }
        lines
    }

    /// Whether the certificate of this leg holds.
    fn verdict(&self, end: End, leg: &Leg, columns: usize) -> Vec<Words> {
        let say = |look, sign, words: &str| sentence(look, sign, words, columns);
        match (end, &leg.verified) {
            (End::Client, _) if leg.chain.is_empty() => Vec::new(),
            (End::Client, _) => {
                say(Look::Dim, "·", "its certificate is the proxy's; to trust it is up to the client")
            }
            (End::Server, Verified::Yes) => say(Look::Good, "✓", "the server's certificate holds"),
            (End::Server, Verified::Fault(fault)) => {
                let mut lines = say(Look::Bad, "✗", fault);
                if leg.version.is_some() && !matches!(self.fate, Fate::Failed(_)) {
                    lines.extend(say(Look::Odd, "!", "--insecure let it pass"));
                }
                lines
            }
            (End::Server, Verified::No) => {
                say(Look::Odd, "!", "the server's certificate was not verified: it did not come to that")
            }
        }
    }

    /// The certificates that were shown on a leg.
    fn chains(&self, end: End, leg: Option<&Leg>, now: i64, columns: usize) -> Vec<Words> {
        let Some(leg) = leg else { return Vec::new() };
        let date = certificate::date(now);
        let (shown, own) = match end {
            End::Client => ("▼ shown by the proxy", "▲ shown by the client"),
            End::Server => ("▼ shown by the server", "▲ shown by the proxy for the client"),
        };
        let host = match end {
            End::Server => leg.server_name.as_deref().unwrap_or_else(|| host_of(&self.url)),
            End::Client => "",
        };
        let mut lines = Vec::new();
        let mut add = |heading: &str, chain: &[Certificate], host: &str| {
            if chain.is_empty() {
                return;
            }
            lines.push(Words::new());
            let heading = format!("{heading}, as of {date}");
            lines.push(vec![(Look::Heading, heading)]);
            for (at, one) in chain.iter().enumerate() {
                // Those behind the first are authorities, and hold for no host.
                let host = if at == 0 { host } else { "" };
                lines.extend(certificate::lines(one, (at + 1, host), now, columns));
            }
        };
        add(shown, &leg.chain, host);
        add(own, &leg.own_chain, "");
        lines
    }
}

fn sentence(look: Look, sign: &str, words: &str, columns: usize) -> Vec<Words> {
    document::sentence(look, sign, &visible(words), columns)
}

/// Whether the connecting end was asked for a certificate of its own.
fn asked(end: End, asked: CertificateRequest) -> Option<(Look, &'static str)> {
    Some(match (end, asked) {
        (_, CertificateRequest::None) => return None,
        (End::Server, CertificateRequest::Answered) => {
            (Look::Good, "✓ the server asked for a certificate, and got one")
        }
        (End::Server, CertificateRequest::Unanswered) => (
            Look::Odd,
            "! the server asked for a certificate, and there was none to show: --client-cert and --client-key name one",
        ),
        (End::Client, CertificateRequest::Answered) => {
            (Look::Good, "✓ the client was asked for a certificate, and showed one")
        }
        (End::Client, CertificateRequest::Unanswered) => {
            (Look::Odd, "! the client was asked for a certificate, and showed none")
        }
    })
}

/// The host in a URL or in `host:port`, without brackets.
fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    match authority.strip_prefix('[') {
        Some(literal) => literal.split(']').next().unwrap_or(literal),
        None => authority.split(':').next().unwrap_or(authority),
    }
}

const BETWEEN: &str = "   ";

/// Two columns of lines, the left one `half` wide.
fn beside(left: Vec<Words>, right: Vec<Words>, half: usize) -> Vec<Words> {
    let height = left.len().max(right.len());
    let (mut left, mut right) = (left.into_iter(), right.into_iter());
    let row = |_| {
        let mut line = left.next().unwrap_or_default();
        let used: usize = line.iter().map(|(_, text)| text::width(text)).sum();
        if let Some(right) = right.next().filter(|right| !right.is_empty()) {
            line.push((Look::Text, " ".repeat(half.saturating_sub(used)) + BETWEEN));
            line.extend(right);
        }
        line
    };
    (0..height).map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_stands_without_port_and_brackets() {
        for (url, host) in [
            ("wss://example.com:443/chat?a=b:c", "example.com"),
            ("https://[::1]:8443/", "::1"),
            ("example.com:443", "example.com"),
            ("wss://example.com?x", "example.com"),
            ("", ""),
        ] {
            assert_eq!(host_of(url), host, "{url}");
        }
    }

    #[test]
    fn columns_line_up_whichever_is_longer() {
        let lines = |words: &[&str]| -> Vec<Words> {
            words.iter().map(|word| vec![(Look::Text, (*word).to_owned())]).collect()
        };
        let rows: Vec<String> = beside(lines(&["a", "日本"]), lines(&["x", "y", "z"]), 5)
            .iter()
            .map(|line| line.iter().map(|(_, text)| text.as_str()).collect())
            .collect();
        assert_eq!(rows, ["a       x", "日本    y", "        z"]);
    }
}
