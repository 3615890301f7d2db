//! A session as code that says the same: the request's headers that matter, and the client's messages as sends.
//!
//! One file a language; [`Language`] is the table. What a language cannot say is told in a comment of its own.

mod curl;
mod javascript;
mod python;
mod rust;
mod shell;
mod websocat;
mod wscat;

use std::io;

use bytes::Bytes;

use crate::capture::{Kind, Log, Message, Opened, Opening};
use crate::decode::visible;
use crate::ws::handshake::RequestHead;
use crate::ws::{Direction, Opcode};

/// What a session is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// curl, for the opening handshake alone.
    Curl,
    /// websocat, at a shell.
    Websocat,
    /// wscat, at a shell.
    Wscat,
    /// JavaScript in a browser.
    JavaScript,
    /// JavaScript in Node, with `ws`.
    Node,
    /// Python, with `websockets`.
    Python,
    /// Rust, with tokio-tungstenite.
    Rust,
}

impl Language {
    /// All of them.
    pub const ALL: [Language; 7] = [
        Language::Curl,
        Language::Websocat,
        Language::Wscat,
        Language::JavaScript,
        Language::Node,
        Language::Python,
        Language::Rust,
    ];

    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Language::Curl => "curl",
            Language::Websocat => "websocat",
            Language::Wscat => "wscat",
            Language::JavaScript => "javascript",
            Language::Node => "node",
            Language::Python => "python",
            Language::Rust => "rust",
        }
    }

    /// The one of that name, or of the only one that begins so.
    pub fn from_name(name: &str) -> Option<Language> {
        let mut beginning = Language::ALL.into_iter().filter(|language| language.name().starts_with(name));
        let exact = Language::ALL.into_iter().find(|language| language.name() == name);
        exact.or_else(|| beginning.next().filter(|_| !name.is_empty() && beginning.next().is_none()))
    }

    /// The code.
    pub fn write(self, talk: &Talk) -> String {
        match self {
            Language::Curl => curl::write(talk),
            Language::Websocat => websocat::write(talk),
            Language::Wscat => wscat::write(talk),
            Language::JavaScript => javascript::browser(talk),
            Language::Node => javascript::node(talk),
            Language::Python => python::write(talk),
            Language::Rust => rust::write(talk),
        }
    }

    /// A text as a literal; none where the language has none for it.
    pub fn text(self, text: &str) -> Option<String> {
        match self {
            Language::Curl | Language::Websocat | Language::Wscat => shell::word(text),
            Language::JavaScript | Language::Node => Some(javascript::text(text)),
            Language::Python => Some(python::text(text)),
            Language::Rust => Some(rust::text(text)),
        }
    }

    /// What a line that is not run begins with.
    fn comment(self) -> &'static str {
        match self {
            Language::Curl | Language::Websocat | Language::Wscat | Language::Python => "#",
            Language::JavaScript | Language::Node | Language::Rust => "//",
        }
    }
}

/// A session as far as its client has a part in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Talk {
    /// The server's URL.
    pub url: String,
    /// The request's headers that a client would have to say.
    pub fields: Vec<(String, String)>,
    /// The subprotocols that were offered.
    pub subprotocols: Vec<String>,
    /// What the client said.
    pub said: Vec<Said>,
    /// What is not said here, a sentence each.
    pub left_out: Vec<String>,
}

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// Text.
    Text(String),
    /// Bytes.
    Binary(Bytes),
}

/// Headers that a client's library says by itself, that are for one connection, or that say nothing of the session.
const OWN: [&str; 17] = [
    "host",
    "connection",
    "upgrade",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "content-length",
    "accept-encoding",
    "cache-control",
    "pragma",
    "priority",
    "dnt",
    "via",
    "x-forwarded-for",
    "x-forwarded-proto",
    "x-forwarded-host",
];
const OWN_BEGINNINGS: [&str; 4] = ["sec-websocket-", "sec-fetch-", "sec-ch-", "proxy-"];

/// Octets of messages that are written as code; beyond them it is no code to read.
const MOST: u64 = 1 << 20;

impl Talk {
    /// The opening of a session, with nothing said yet.
    pub fn of(opening: &Opening) -> Talk {
        let head = if opening.sent.is_empty() { &opening.request } else { &opening.sent };
        let mut talk = Talk { url: opening.url.clone(), ..Talk::default() };
        let Ok(request) = RequestHead::parse(head) else { return talk };
        for header in request.headers().iter() {
            let name = String::from_utf8_lossy(header.name).into_owned();
            let lower = name.to_ascii_lowercase();
            let own =
                OWN.contains(&lower.as_str()) || OWN_BEGINNINGS.iter().any(|own| lower.starts_with(own));
            if !own {
                talk.fields.push((name, String::from_utf8_lossy(header.value).into_owned()));
            }
        }
        let offered = request.headers().elements("Sec-WebSocket-Protocol");
        talk.subprotocols = offered.map(|name| String::from_utf8_lossy(name).into_owned()).collect();
        talk
    }

    /// A session of `log`: all that its client said, or `numbers` of its messages.
    ///
    /// # Errors
    /// Where the log cannot be read.
    pub fn of_session(log: &Log, session: u32, numbers: Option<&[u64]>) -> io::Result<Option<Talk>> {
        let mut talk = match log.opening(session)? {
            Some(Opened::Asked(opening) | Opened::Session(opening)) => Talk::of(&opening),
            Some(Opened::Refused(refused)) => Talk::of(&refused.opening),
            _ => return Ok(None),
        };
        let mut room = MOST;
        let rows = log.rows(session);
        let all: Box<dyn Iterator<Item = u64>> = match numbers {
            Some(numbers) => Box::new(numbers.iter().copied()),
            None => Box::new(rows),
        };
        for number in all {
            let Some(message) = log.message(session, number)? else { continue };
            // What is asked for by its number is wanted, whoever said it.
            if numbers.is_none() && message.direction != Direction::ToServer {
                continue;
            }
            match said(log, &message, &mut room)? {
                Ok(said) => talk.said.push(said),
                Err(None) => {}
                Err(Some(why)) => talk.left_out.push(format!("message {number} is left out: {why}")),
            }
        }
        Ok(Some(talk))
    }

    /// What is left out, and more of it, as comments.
    fn comments(&self, language: Language, more: &[String]) -> String {
        let lines = self.left_out.iter().chain(more);
        lines.map(|line| format!("{} {}\n", language.comment(), visible(line))).collect()
    }

    /// The value of a header, where it is there once.
    fn field(&self, name: &str) -> Option<&str> {
        let mut named = self.fields.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name));
        named.next().map(|(_, value)| value.as_str()).filter(|_| named.next().is_none())
    }

    /// All headers but these.
    fn fields_but<'a>(&'a self, names: &'a [&str]) -> impl Iterator<Item = &'a (String, String)> {
        let is_named = |name: &str| names.iter().any(|other| other.eq_ignore_ascii_case(name));
        self.fields.iter().filter(move |(name, _)| !is_named(name))
    }
}

/// A message as it can be said again, or why it cannot; no word is lost about control frames.
fn said(log: &Log, message: &Message, room: &mut u64) -> io::Result<Result<Said, Option<&'static str>>> {
    let opcode = match message.kind {
        Kind::Frame(opcode @ (Opcode::Text | Opcode::Binary)) => opcode,
        Kind::Frame(opcode) if opcode.is_control() => return Ok(Err(None)),
        _ => return Ok(Err(Some("it is neither text nor binary"))),
    };
    if !message.complete || message.payload.len() < message.size {
        return Ok(Err(Some("the log does not hold all of it")));
    }
    if message.size > *room {
        return Ok(Err(Some("there is too much to be code")));
    }
    *room -= message.size;
    let mut payload = Vec::new();
    while (payload.len() as u64) < message.size {
        let more = log.read(&message.payload, payload.len() as u64, 1 << 20)?;
        if more.is_empty() {
            return Ok(Err(Some("the log does not hold all of it")));
        }
        payload.extend_from_slice(&more);
    }
    Ok(match (opcode, String::from_utf8(payload)) {
        (Opcode::Text, Ok(text)) => Ok(Said::Text(text)),
        (Opcode::Text, Err(_)) => Err(Some("it is a text that is no UTF-8")),
        (_, Ok(text)) => Ok(Said::Binary(text.into_bytes().into())),
        (_, Err(error)) => Ok(Said::Binary(error.into_bytes().into())),
    })
}

/// A string literal in double quotes, as many languages have it; `escaped` spells what cannot be seen.
fn quoted(text: &str, escaped: impl Fn(char) -> String) -> String {
    let mut literal = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => literal.extend(['\\', character]),
            '\n' => literal.push_str("\\n"),
            '\r' => literal.push_str("\\r"),
            '\t' => literal.push_str("\\t"),
            _ if is_plain(character) => literal.push(character),
            _ => literal.push_str(&escaped(character)),
        }
    }
    literal.push('"');
    literal
}

/// A character as it is, where it can be seen and is no escape of its language's.
fn is_plain(character: char) -> bool {
    !character.is_control() && visible(character.encode_utf8(&mut [0; 4])).chars().eq([character])
}

#[cfg(test)]
mod tests;
