//! The handshake doctor: checks both heads against every MUST of RFC 6455 4 and says in words what is wrong.

use std::fmt;

use super::head::{Headers, RequestHead, ResponseHead};
use super::{accept, refusal};
use crate::ws::extension::{self, Agreement, Extension, Fault, OtherExtension, is_token};
use crate::ws::{PermessageDeflate, quote};
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::general_purpose::{GeneralPurpose, PAD};

/// What an opening handshake offered, chose and got wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Examination {
    /// The subprotocols the client offered, in its order.
    pub offered_subprotocols: Vec<String>,
    /// The subprotocol the server chose.
    pub subprotocol: Option<String>,
    /// The extensions the client offered, each with its parameters as sent.
    pub offered_extensions: Vec<String>,
    /// The extensions the server chose, as sent.
    pub extensions: Option<String>,
    /// The parameters of permessage-deflate, when it is on.
    pub deflate: Option<PermessageDeflate>,
    /// Whether an extension is on that is not known here.
    pub other_extension: OtherExtension,
    /// Whether the server answered 101.
    pub accepted: bool,
    /// All there is to say, the client's part first.
    pub findings: Vec<Finding>,
    /// Why the handshake failed, in one sentence with its section; `None` when it did not, or has not been answered.
    pub why: Option<String>,
}

/// One thing to say about a handshake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// Whose doing it is.
    pub side: Side,
    /// What it is, in words.
    pub sentence: String,
    /// Where the rule stands, as `RFC 6455 4.1`.
    pub section: &'static str,
}

/// How bad a [`Finding`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// Allowed, or harmless, but likely not meant.
    Odd,
    /// A broken MUST.
    Fault,
}

/// One of the two ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// Who asks.
    Client,
    /// Who answers.
    Server,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Side::Client => "client",
            Side::Server => "server",
        })
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Severity::Note => "note",
            Severity::Odd => "odd",
            Severity::Fault => "fault",
        })
    }
}

/// Examines an opening handshake; `response` is `None` while, or if, there is no answer.
pub fn examine(request: &RequestHead, response: Option<&ResponseHead>) -> Examination {
    let mut asked = Findings { side: Side::Client, list: vec![] };
    asked.check_request(request);
    let offers = asked.check_extension_offers(request.headers());
    let offered_subprotocols = asked.check_subprotocol_offers(request.headers());
    let mut examination = Examination {
        offered_subprotocols,
        offered_extensions: extension_elements(request.headers()),
        ..Examination::default()
    };
    let mut answered = Findings { side: Side::Server, list: vec![] };
    if let Some(response) = response {
        answered.check_lines(response.headers());
        examination.accepted = response.status() == 101;
        if examination.accepted {
            examination.read_acceptance(response, &offers, &mut answered);
            answered.check_acceptance(request, response);
        }
        examination.why = why(request, response, &asked, &answered);
    }
    examination.findings = asked.list;
    examination.findings.append(&mut answered.list);
    examination
}

impl Examination {
    /// What the server chose.
    fn read_acceptance(&mut self, response: &ResponseHead, offers: &[Extension], findings: &mut Findings) {
        let headers = response.headers();
        self.subprotocol = headers.text("Sec-WebSocket-Protocol").map(|value| value.into_owned());
        findings.check_chosen_subprotocol(headers, &self.offered_subprotocols);
        let lines: Vec<_> = headers.values("Sec-WebSocket-Extensions").map(String::from_utf8_lossy).collect();
        if !lines.is_empty() {
            self.extensions = Some(lines.join(", "));
        }
        findings.check_single(headers, "Sec-WebSocket-Extensions", "RFC 6455 11.3.2");
        let (chosen, faults) = extension::parse(headers.values("Sec-WebSocket-Extensions"));
        findings.add_faults(faults);
        let Agreement { deflate, other, faults } = extension::agree(offers, &chosen);
        findings.add_faults(faults);
        (self.deflate, self.other_extension) = (deflate, other);
        if other == OtherExtension::Unknown {
            findings.note(
                "an extension is on that is not known here, so payloads are shown as they are on the wire"
                    .into(),
                "RFC 6455 9",
            );
        }
    }
}

/// The one sentence for a handshake that failed or that clients have to fail.
fn why(
    request: &RequestHead,
    response: &ResponseHead,
    asked: &Findings,
    answered: &Findings,
) -> Option<String> {
    if response.status() != 101 {
        return Some(refusal::explain(request, response, asked.first_fault()));
    }
    let fault = answered.first_fault()?;
    Some(format!(
        "the server answered 101, but clients have to give up: {} ({})",
        fault.sentence, fault.section
    ))
}

/// What is said about one side.
struct Findings {
    side: Side,
    list: Vec<Finding>,
}

impl Findings {
    fn first_fault(&self) -> Option<&Finding> {
        self.list.iter().find(|finding| finding.severity == Severity::Fault)
    }

    fn add(&mut self, severity: Severity, sentence: String, section: &'static str) {
        self.list.push(Finding { severity, side: self.side, sentence, section });
    }

    fn fault(&mut self, sentence: String, section: &'static str) {
        self.add(Severity::Fault, sentence, section);
    }

    fn odd(&mut self, sentence: String, section: &'static str) {
        self.add(Severity::Odd, sentence, section);
    }

    fn note(&mut self, sentence: String, section: &'static str) {
        self.add(Severity::Note, sentence, section);
    }

    fn add_faults(&mut self, faults: Vec<Fault>) {
        for Fault { sentence, section } in faults {
            self.fault(sentence, section);
        }
    }

    /// `the request` or `the answer`.
    fn head(&self) -> &'static str {
        match self.side {
            Side::Client => "the request",
            Side::Server => "the answer",
        }
    }

    fn check_request(&mut self, request: &RequestHead) {
        let headers = request.headers();
        if request.method() != "GET" {
            self.fault(
                format!("the method is {}; an opening handshake is a GET", request.method()),
                "RFC 6455 4.1",
            );
        }
        self.check_http_version(request.version());
        self.check_target(&request.target());
        match headers.count("Host") {
            0 => self.fault("the request has no Host header".into(), "RFC 6455 4.1"),
            1 => {}
            count => self.fault(format!("the request has {count} Host headers"), "RFC 9112 3.2"),
        }
        self.check_upgrade(headers);
        self.check_key(headers);
        self.check_version(headers);
        if headers.contains("Sec-WebSocket-Accept") {
            let sentence = "Sec-WebSocket-Accept stands in the request; it belongs into the answer";
            self.odd(sentence.into(), "RFC 6455 11.3.3");
        }
        let length = headers.text("Content-Length").unwrap_or_default();
        if headers.contains("Transfer-Encoding") || length.bytes().any(|byte| matches!(byte, b'1'..=b'9')) {
            self.odd("the request announces a body; an opening handshake has none".into(), "RFC 6455 4.1");
        }
        self.check_lines(headers);
    }

    fn check_http_version(&mut self, (major, minor): (u8, u8)) {
        if (major, minor) < (1, 1) {
            let sentence = format!("{} is HTTP/{major}.{minor}; a WebSocket needs HTTP/1.1", self.head());
            self.fault(sentence, "RFC 6455 4.1");
        }
    }

    fn check_target(&mut self, target: &str) {
        if target.contains('#') {
            let sentence =
                format!("the target {} has a fragment; the URL of a WebSocket has none", quote(target));
            self.fault(sentence, "RFC 6455 3");
        }
        let scheme = target.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
        if let Some(scheme @ ("ws" | "wss")) = scheme.as_deref() {
            let sentence = format!(
                "the target is a whole URL with {scheme}://; on the wire it has to be http:// or https://"
            );
            self.odd(sentence, "RFC 6455 4.1");
        }
    }

    /// `Upgrade: websocket` and `Connection: Upgrade`, in both heads.
    fn check_upgrade(&mut self, headers: &Headers) {
        let (upgrade, connection) = (headers.text("Upgrade"), headers.text("Connection"));
        let head = self.head();
        let connection_holds = headers.has_token("Connection", "upgrade");
        if upgrade.is_none() && !connection_holds {
            self.fault(
                format!(
                    "{head} lacks both Upgrade: websocket and Connection: Upgrade; proxies in between drop them \
                     unless told otherwise (nginx: proxy_set_header Upgrade $http_upgrade)"
                ),
                "RFC 6455 4.1",
            );
            return;
        }
        match upgrade {
            None => self.fault(format!("{head} has no Upgrade header; it must be websocket"), "RFC 6455 4.1"),
            Some(value) if !headers.has_token("Upgrade", "websocket") => {
                let sentence = format!("Upgrade is {}, not websocket", quote(&value));
                self.fault(sentence, "RFC 6455 4.1");
            }
            _ => {}
        }
        match connection {
            None => {
                self.fault(format!("{head} has no Connection header; it must name Upgrade"), "RFC 6455 4.1");
            }
            Some(value) if !connection_holds => {
                let sentence = format!("Connection is {}; it must name Upgrade", quote(&value));
                self.fault(sentence, "RFC 6455 4.1");
            }
            _ => {}
        }
    }

    fn check_key(&mut self, headers: &Headers) {
        self.check_single(headers, "Sec-WebSocket-Key", "RFC 6455 11.3.1");
        let Some(value) = headers.text("Sec-WebSocket-Key") else {
            self.fault("the request has no Sec-WebSocket-Key".into(), "RFC 6455 4.1");
            return;
        };
        match LENIENT.decode(value.as_bytes()).map(|key| key.len()) {
            Ok(16) => {}
            Ok(length) => {
                let sentence = format!("Sec-WebSocket-Key {} holds {length} bytes, not 16", quote(&value));
                self.fault(sentence, "RFC 6455 4.1");
            }
            Err(_) => {
                self.fault(format!("Sec-WebSocket-Key {} is not base64", quote(&value)), "RFC 6455 4.1");
            }
        }
        if value == EXAMPLE_KEY {
            let sentence = "Sec-WebSocket-Key is the example of the RFC; each handshake needs a random one";
            self.odd(sentence.into(), "RFC 6455 4.1");
        }
    }

    fn check_version(&mut self, headers: &Headers) {
        self.check_single(headers, "Sec-WebSocket-Version", "RFC 6455 11.3.5");
        match headers.text("Sec-WebSocket-Version").as_deref() {
            Some("13") => {}
            Some(other) => {
                let sentence = format!("Sec-WebSocket-Version is {}; it must be 13", quote(other));
                self.fault(sentence, "RFC 6455 4.1");
            }
            None => {
                let sentence = "the request has no Sec-WebSocket-Version; it must be 13";
                self.fault(sentence.into(), "RFC 6455 4.1");
            }
        }
    }

    fn check_subprotocol_offers(&mut self, headers: &Headers) -> Vec<String> {
        let mut offered: Vec<String> = vec![];
        for value in headers.values("Sec-WebSocket-Protocol") {
            if value.is_empty() {
                let sentence = "Sec-WebSocket-Protocol is there, but empty; leave it out";
                self.fault(sentence.into(), "RFC 6455 4.1");
            }
        }
        for element in headers.elements("Sec-WebSocket-Protocol") {
            let name = String::from_utf8_lossy(element).into_owned();
            if !is_token(element) {
                let sentence = format!(
                    "the subprotocol {} is not a token: it has blanks or other signs that must not be in it",
                    quote(&name)
                );
                self.fault(sentence, "RFC 6455 4.1");
            }
            if offered.contains(&name) {
                self.fault(format!("the subprotocol {} is offered twice", quote(&name)), "RFC 6455 4.1");
            }
            offered.push(name);
        }
        offered
    }

    fn check_extension_offers(&mut self, headers: &Headers) -> Vec<Extension> {
        let (offers, faults) = extension::parse(headers.values("Sec-WebSocket-Extensions"));
        self.add_faults(faults);
        self.add_faults(extension::check_offers(&offers));
        offers
    }

    /// What has to hold for a 101.
    fn check_acceptance(&mut self, request: &RequestHead, response: &ResponseHead) {
        let headers = response.headers();
        self.check_http_version(response.version());
        self.check_upgrade(headers);
        self.check_single(headers, "Sec-WebSocket-Accept", "RFC 6455 11.3.3");
        let keys: Vec<&[u8]> = request.headers().values("Sec-WebSocket-Key").collect();
        if let Some(fault) = accept::check(&keys, headers.first("Sec-WebSocket-Accept")) {
            self.add_faults(vec![fault]);
        }
        for name in ["Content-Length", "Transfer-Encoding"] {
            if headers.contains(name) {
                let sentence =
                    format!("the answer has {name}, but a 101 has no body: what follows are frames");
                self.odd(sentence, "RFC 9110 15.2");
            }
        }
    }

    fn check_chosen_subprotocol(&mut self, headers: &Headers, offered: &[String]) {
        self.check_single(headers, "Sec-WebSocket-Protocol", "RFC 6455 11.3.4");
        let Some(chosen) = headers.text("Sec-WebSocket-Protocol") else {
            if !offered.is_empty() {
                let sentence = format!(
                    "the client offered the subprotocol {}, and the server chose none; browsers then give up",
                    quote(&offered.join(", "))
                );
                self.odd(sentence, "WHATWG WebSockets 2");
            }
            return;
        };
        if chosen.is_empty() {
            let sentence =
                "Sec-WebSocket-Protocol is there, but empty; a server that chooses none leaves it out";
            self.fault(sentence.into(), "RFC 6455 4.2.2");
        } else if offered.is_empty() {
            let sentence =
                format!("the server chose the subprotocol {}, but the client offered none", quote(&chosen));
            self.fault(sentence, "RFC 6455 4.1");
        } else if !offered.iter().any(|offer| *offer == *chosen) {
            let sentence = format!(
                "the server chose the subprotocol {}, which is not among those offered ({})",
                quote(&chosen),
                quote(&offered.join(", "))
            );
            self.fault(sentence, "RFC 6455 4.1");
        }
    }

    fn check_single(&mut self, headers: &Headers, name: &str, section: &'static str) {
        let count = headers.count(name);
        if count > 1 {
            self.fault(format!("{} has {count} {name} headers; one is allowed", self.head()), section);
        }
    }

    fn check_lines(&mut self, headers: &Headers) {
        for header in headers.iter() {
            if let Some(oddity) = header.oddity {
                let line = String::from_utf8_lossy(header.raw.trim_ascii());
                self.odd(format!("the header line {}: {oddity}", quote(&line)), "RFC 9112 5");
            }
        }
    }
}

/// Each offered extension with its parameters, as sent.
fn extension_elements(headers: &Headers) -> Vec<String> {
    let values = headers.values("Sec-WebSocket-Extensions");
    let elements =
        values.flat_map(extension::elements).map(|element| String::from_utf8_lossy(element).into_owned());
    elements.collect()
}

/// The example of RFC 6455 4.1 has bits left over behind its last byte, so they cannot be wrong.
const LENIENT: GeneralPurpose = GeneralPurpose::new(&STANDARD, PAD.with_decode_allow_trailing_bits(true));

/// RFC 6455 1.2.
const EXAMPLE_KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

#[cfg(test)]
mod tests;
