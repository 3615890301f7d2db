//! A handshake from a file that has not all of it, or has it as HTTP/2 does, made one of HTTP/1.1.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::ws::handshake::accept_key;

/// A header's name.
pub type Name = String;

/// Both heads of a handshake or exchange.
pub struct Heads {
    /// Host and port as the URL has them.
    pub host: String,
    /// The request line.
    pub request_line: String,
    /// The request's headers.
    pub request: Vec<(Name, String)>,
    /// The status line; empty where no response came.
    pub status_line: String,
    /// The response's headers.
    pub response: Vec<(Name, String)>,
    /// What was changed, a sentence each.
    pub notes: Vec<String>,
}

/// The key of handshakes of which none is known: 16 octets (RFC 6455 4.1).
const KEY: &[u8; 16] = b"sockeye imported";

impl Heads {
    /// Puts what HTTP/2 says otherwise in HTTP/1.1's form and, where a session was `open`ed, puts in what its handshake must
    /// have had. Notes say what was done.
    pub(super) fn make_http1(&mut self, open: bool) {
        for headers in [&mut self.request, &mut self.response] {
            headers.retain(|(name, _)| !name.starts_with(':'));
        }
        let mut other = Vec::new();
        for line in [&mut self.request_line, &mut self.status_line] {
            other.extend(make_version(line));
        }
        if let Some(version) = other.first() {
            self.notes.push(format!("imported: its HTTP version is {version}, written here as HTTP/1.1"));
        }
        let mut put_in = Vec::new();
        put(&mut self.request, "Host", &self.host, &mut put_in);
        if open {
            self.complete(&mut put_in);
        }
        if !put_in.is_empty() {
            self.notes.push(format!("imported: put in what the file does not have: {}", put_in.join(", ")));
        }
    }

    fn complete(&mut self, put_in: &mut Vec<&'static str>) {
        if let Some(rest) = self.request_line.strip_prefix("CONNECT ") {
            self.request_line = format!("GET {rest}");
            put_in.push("GET for CONNECT");
        }
        if self.status_line.split(' ').nth(1) != Some("101") {
            self.status_line = "HTTP/1.1 101 Switching Protocols".to_owned();
            put_in.push("101");
        }
        put(&mut self.request, "Upgrade", "websocket", put_in);
        put(&mut self.request, "Connection", "Upgrade", put_in);
        put(&mut self.request, "Sec-WebSocket-Version", "13", put_in);
        put(&mut self.request, "Sec-WebSocket-Key", &STANDARD.encode(KEY), put_in);
        put(&mut self.response, "Upgrade", "websocket", put_in);
        put(&mut self.response, "Connection", "Upgrade", put_in);
        let key = self.request.iter().find(|header| header.0.eq_ignore_ascii_case("Sec-WebSocket-Key"));
        let accept = accept_key(key.map_or("", |header| &header.1).as_bytes());
        put(&mut self.response, "Sec-WebSocket-Accept", &accept, put_in);
    }
}

/// Adds a header that is missing.
fn put(headers: &mut Vec<(Name, String)>, name: &'static str, value: &str, put_in: &mut Vec<&'static str>) {
    if !headers.iter().any(|header| header.0.eq_ignore_ascii_case(name)) {
        headers.push((name.to_owned(), value.to_owned()));
        if !put_in.contains(&name) {
            put_in.push(name);
        }
    }
}

/// Makes the line's version one of HTTP/1; gives what it was where it was another.
fn make_version(line: &mut String) -> Option<String> {
    let request = !line.to_ascii_uppercase().starts_with("HTTP/")
        && !line.to_ascii_lowercase().starts_with("h2 ")
        && !line.to_ascii_lowercase().starts_with("h3 ");
    let (before, version, behind) = match request {
        true => line.rsplit_once(' ').map(|(rest, version)| (format!("{rest} "), version, String::new()))?,
        false => {
            let (version, rest) = line.split_once(' ').unwrap_or((line, ""));
            (String::new(), version, format!(" {rest}"))
        }
    };
    let version = version.to_owned();
    let upper = version.to_ascii_uppercase();
    if upper == "HTTP/1.1" || upper == "HTTP/1.0" {
        *line = format!("{before}{upper}{behind}");
        return None;
    }
    *line = format!("{before}HTTP/1.1{behind}");
    Some(version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_become_those_of_http_1() {
        for (line, expected, was) in [
            ("GET / http/1.1", "GET / HTTP/1.1", None),
            ("GET / h2", "GET / HTTP/1.1", Some("h2")),
            ("HTTP/2.0 200 ", "HTTP/1.1 200 ", Some("HTTP/2.0")),
            ("h3 200 ", "HTTP/1.1 200 ", Some("h3")),
            ("", "", None),
        ] {
            let mut line = line.to_owned();
            assert_eq!(make_version(&mut line).as_deref(), was);
            assert_eq!(line, expected);
        }
    }

    #[test]
    fn a_handshake_over_http_2_becomes_one_that_can_be_replayed() {
        let mut heads = Heads {
            host: "h".to_owned(),
            request_line: "CONNECT /chat HTTP/2".to_owned(),
            request: vec![(":protocol".to_owned(), "websocket".to_owned())],
            status_line: "HTTP/2 200 ".to_owned(),
            response: Vec::new(),
            notes: Vec::new(),
        };
        heads.make_http1(true);
        assert_eq!(heads.request_line, "GET /chat HTTP/1.1");
        assert_eq!(heads.status_line, "HTTP/1.1 101 Switching Protocols");
        assert!(heads.request.iter().all(|header| !header.0.starts_with(':')));
        assert_eq!(heads.response.last().unwrap().0, "Sec-WebSocket-Accept");
        assert_eq!(heads.notes.len(), 2, "{:?}", heads.notes);
    }
}
