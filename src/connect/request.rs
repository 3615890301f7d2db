//! The request that asks for a session: its head, with what the user wants in it. Pure.

use std::str::FromStr;

use super::Url;

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Request {
    /// Where.
    pub url: Url,
    /// The subprotocols that are offered, the most wanted first.
    pub subprotocols: Vec<String>,
    /// Whether permessage-deflate is offered.
    pub deflate: bool,
    /// More header lines, and what is to be otherwise with those that are there anyhow; each in turn.
    pub fields: Vec<Field>,
}

/// What is to become of the header lines of one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Field {
    /// One more; in place of our own where there is one.
    Set(String, String),
    /// None of our own.
    Without(String),
}

impl FromStr for Field {
    type Err = String;

    /// As curl has it: `Name: value`, `Name;` for an empty one, `Name:` for none.
    fn from_str(word: &str) -> Result<Field, String> {
        let wrong = || {
            format!("{word:?} is no header: give 'Name: value', 'Name;' for an empty one, 'Name:' for none")
        };
        let token = |name: &str| {
            let legal = |octet: u8| octet.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&octet);
            !name.is_empty() && name.bytes().all(legal)
        };
        if word.contains(['\r', '\n', '\0']) {
            return Err(wrong());
        }
        let field = match word.split_once(':') {
            Some((name, value)) if value.trim().is_empty() => Field::Without(name.trim().to_owned()),
            Some((name, value)) => Field::Set(name.trim().to_owned(), value.trim().to_owned()),
            None => match word.strip_suffix(';') {
                Some(name) => Field::Set(name.trim().to_owned(), String::new()),
                None => return Err(wrong()),
            },
        };
        let (Field::Set(name, _) | Field::Without(name)) = &field;
        if token(name) { Ok(field) } else { Err(wrong()) }
    }
}

impl Request {
    /// The head, with this `Sec-WebSocket-Key`.
    pub fn head(&self, key: &str) -> Vec<u8> {
        let mut own = vec![
            ("Host", self.url.server.authority.host_header()),
            ("Upgrade", "websocket".to_owned()),
            ("Connection", "Upgrade".to_owned()),
            ("Sec-WebSocket-Key", key.to_owned()),
            ("Sec-WebSocket-Version", "13".to_owned()),
        ];
        if !self.subprotocols.is_empty() {
            own.push(("Sec-WebSocket-Protocol", self.subprotocols.join(", ")));
        }
        if self.deflate {
            let offer = "permessage-deflate; client_max_window_bits";
            own.push(("Sec-WebSocket-Extensions", offer.to_owned()));
        }
        own.push(("User-Agent", concat!("sockeye/", env!("CARGO_PKG_VERSION")).to_owned()));
        let mut head = format!("GET {} HTTP/1.1\r\n", self.url.path);
        let mut line = |name: &str, value: &str| {
            let space = if value.is_empty() { "" } else { " " };
            head.push_str(&format!("{name}:{space}{value}\r\n"));
        };
        for (name, value) in &own {
            let mut named =
                self.fields.iter().filter(|field| field.name().eq_ignore_ascii_case(name)).peekable();
            if named.peek().is_none() {
                line(name, value);
            }
            for field in named {
                field.write(&mut line);
            }
        }
        let is_own = |field: &&Field| own.iter().any(|(name, _)| field.name().eq_ignore_ascii_case(name));
        for field in self.fields.iter().filter(|field| !is_own(field)) {
            field.write(&mut line);
        }
        head.push_str("\r\n");
        head.into_bytes()
    }
}

impl Field {
    /// Whether it is about the header of the same name.
    pub fn is_of(&self, other: &Field) -> bool {
        self.name().eq_ignore_ascii_case(other.name())
    }

    fn name(&self) -> &str {
        let (Field::Set(name, _) | Field::Without(name)) = self;
        name
    }

    fn write(&self, line: &mut impl FnMut(&str, &str)) {
        if let Field::Set(name, value) = self {
            line(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ws::handshake::{RequestHead, ResponseHead, accept_key, examine};

    fn request(fields: &[&str]) -> Request {
        Request {
            url: "ws://localhost:3000/chat?x=1".parse().unwrap_or_else(|error| panic!("{error}")),
            subprotocols: vec!["json".to_owned(), "xml".to_owned()],
            deflate: true,
            fields: fields.iter().filter_map(|field| field.parse().ok()).collect(),
        }
    }

    fn text(request: &Request) -> String {
        String::from_utf8_lossy(&request.head("dGhlIHNhbXBsZSBub25jZQ==")).into_owned()
    }

    #[test]
    fn the_head_is_a_faultless_opening() {
        let key = "u6r4J2momAZqe5TRXGr+jg==";
        let head = request(&["X-Room: 7", "Cookie: a=b"]).head(key);
        let request = RequestHead::parse(&head).unwrap_or_else(|error| panic!("{error:?}"));
        assert_eq!(request.target(), "/chat?x=1");
        assert_eq!(request.headers().text("X-Room").as_deref(), Some("7"));
        let answer = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {}\r\nSec-WebSocket-Protocol: xml\r\n\r\n",
            accept_key(key.as_bytes())
        );
        let response = ResponseHead::parse(answer.as_bytes()).unwrap_or_else(|error| panic!("{error:?}"));
        let examination = examine(&request, Some(&response));
        assert_eq!((examination.findings, examination.subprotocol.as_deref()), (vec![], Some("xml")));
    }

    #[test]
    fn the_users_headers_replace_and_remove_our_own() {
        let head =
            text(&request(&["host: other.test", "User-Agent:", "X-Empty;", "Sec-WebSocket-Extensions: x"]));
        assert!(head.contains("\r\nhost: other.test\r\n") && !head.contains("localhost:3000"), "{head}");
        assert!(!head.contains("User-Agent") && head.contains("\r\nX-Empty:\r\n"), "{head}");
        assert!(
            head.contains("\r\nSec-WebSocket-Extensions: x\r\n") && !head.contains("permessage"),
            "{head}"
        );
    }

    #[test]
    fn a_header_cannot_bring_another_with_it() {
        for wrong in ["X: a\r\nY: b", "no colon", ": x", "a b: c"] {
            assert!(wrong.parse::<Field>().is_err(), "{wrong}");
        }
    }
}
