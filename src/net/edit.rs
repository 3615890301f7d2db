//! The few edits that a request's head gets on its way to the server (and no others): each a line changed in
//! place, all other bytes as they came, and each told in a sentence.

use super::guard::Credentials;
use super::target::Authority;

/// A head after its edits, and what they were.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Edited {
    pub(super) head: Vec<u8>,
    pub(super) notes: Vec<String>,
}

/// What is to be changed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Edits<'a> {
    /// Reverse mode: `Host`, and an `Origin` that names the listener, become those of the server.
    Reverse { server: &'a Authority },
    /// A forward proxy's absolute form: the request line becomes the server's own form.
    Absolute { path: &'a str },
    /// None: the client speaks as if to the server itself.
    None,
}

const LOGGED_IN: &str = "authorization removed: it said the password of --auth";

/// Headers that are meant for a proxy and not for the server (RFC 9110 11.7, and a habit of old browsers).
const FOR_PROXIES: [&str; 2] = ["proxy-authorization", "proxy-connection"];

/// Makes the edits to a head. An `Authorization` that says `login` was for the proxy, and goes.
pub(super) fn edit(head: &[u8], edits: Edits<'_>, login: Option<&Credentials>) -> Edited {
    let mut edited = Edited { head: Vec::with_capacity(head.len() + 32), notes: Vec::new() };
    let host = lines(head).find_map(|line| field(line, "host").map(|(_, value)| value)).unwrap_or_default();
    let says_login = |line| {
        let value = field(line, "authorization").map(|(_, value)| value);
        value.zip(login).is_some_and(|(value, login)| login.are_basic(value))
    };
    for (place, line) in lines(head).enumerate() {
        match edits {
            _ if place > 0 && says_login(line) => edited.notes.push(LOGGED_IN.to_owned()),
            Edits::Absolute { path } if place == 0 => edited.request_line(line, path),
            Edits::Reverse { server } if place > 0 => edited.reverse_line(line, host, server),
            _ if place > 0 => edited.proxy_line(line),
            _ => edited.head.extend_from_slice(line),
        }
    }
    edited
}

impl Edited {
    fn request_line(&mut self, line: &[u8], path: &str) {
        let mut words = line.splitn(3, |octet| *octet == b' ');
        if let (Some(method), Some(target), Some(rest)) = (words.next(), words.next(), words.next()) {
            self.head.extend_from_slice(method);
            self.head.push(b' ');
            self.head.extend_from_slice(path.as_bytes());
            self.head.push(b' ');
            self.head.extend_from_slice(rest);
            self.notes.push(format!("request target rewritten from {}", String::from_utf8_lossy(target)));
        } else {
            self.head.extend_from_slice(line);
        }
    }

    fn reverse_line(&mut self, line: &[u8], host: &[u8], server: &Authority) {
        if let Some((start, value)) = field(line, "host") {
            let wanted = server.host_header();
            if value != wanted.as_bytes() {
                self.replace(line, start, value, &wanted);
                self.notes.push(format!("Host rewritten from {}", String::from_utf8_lossy(value)));
                return;
            }
        } else if let Some((start, value)) = field(line, "origin") {
            let names_listener = [&b"http://"[..], b"https://"].iter().any(|scheme| {
                value.strip_prefix(*scheme).is_some_and(|rest| rest.eq_ignore_ascii_case(host))
            });
            let wanted = server.origin();
            if names_listener && value != wanted.as_bytes() {
                self.replace(line, start, value, &wanted);
                self.notes.push(format!("Origin rewritten from {}", String::from_utf8_lossy(value)));
                return;
            }
        }
        self.proxy_line(line);
    }

    fn replace(&mut self, line: &[u8], start: usize, value: &[u8], wanted: &str) {
        self.head.extend_from_slice(&line[..start]);
        self.head.extend_from_slice(wanted.as_bytes());
        self.head.extend_from_slice(&line[start + value.len()..]);
    }

    fn proxy_line(&mut self, line: &[u8]) {
        match FOR_PROXIES.iter().find(|name| field(line, name).is_some()) {
            Some(name) => self.notes.push(format!("{name} removed: it is for the proxy")),
            None => self.head.extend_from_slice(line),
        }
    }
}

/// The head with this header once, where its first line of that name was, or else as its last.
pub(super) fn set_header(head: &[u8], name: &str, value: &str) -> Vec<u8> {
    let mut edited = Vec::with_capacity(head.len() + name.len() + value.len() + 4);
    let line_of_ours = format!("{name}: {value}\r\n");
    let mut is_set = false;
    for (place, line) in lines(head).enumerate() {
        let names_it = place > 0 && field(line, &name.to_ascii_lowercase()).is_some();
        if !is_set && (names_it || line.trim_ascii().is_empty()) {
            edited.extend_from_slice(line_of_ours.as_bytes());
            is_set = true;
        }
        if !names_it {
            edited.extend_from_slice(line);
        }
    }
    edited
}

/// The head without any header of this name.
pub(super) fn remove_header(head: &[u8], name: &str) -> Vec<u8> {
    let name = name.to_ascii_lowercase();
    let stays = |(place, line): &(usize, &[u8])| *place == 0 || field(line, &name).is_none();
    lines(head).enumerate().filter(stays).flat_map(|(_, line)| line.iter().copied()).collect()
}

/// Lines with their line ends.
fn lines(head: &[u8]) -> impl Iterator<Item = &[u8]> {
    head.split_inclusive(|octet| *octet == b'\n')
}

/// Where the value of a line of this (lower-case) name begins, and the value without the space around it.
fn field<'a>(line: &'a [u8], name: &str) -> Option<(usize, &'a [u8])> {
    let colon = line.iter().position(|octet| *octet == b':')?;
    if !line[..colon].trim_ascii().eq_ignore_ascii_case(name.as_bytes()) {
        return None;
    }
    let rest = &line[colon + 1..];
    let start = colon + 1 + rest.len() - rest.trim_ascii_start().len();
    Some((start, rest.trim_ascii()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server() -> Authority {
        Authority::new("localhost".to_owned(), 3000)
    }

    #[track_caller]
    fn check(edits: Edits<'_>, head: &str, expected: &str, notes: &[&str]) {
        let edited = edit(head.as_bytes(), edits, None);
        assert_eq!(String::from_utf8(edited.head).unwrap(), expected);
        assert_eq!(edited.notes, notes);
    }

    #[test]
    fn a_header_is_set_once_and_removed_wholly() {
        let head = b"GET / HTTP/1.1\r\nA: 1\r\nX: 2\r\na: 3\r\n\r\n";
        assert_eq!(set_header(head, "a", "9"), b"GET / HTTP/1.1\r\na: 9\r\nX: 2\r\n\r\n");
        assert_eq!(set_header(head, "B", "9"), b"GET / HTTP/1.1\r\nA: 1\r\nX: 2\r\na: 3\r\nB: 9\r\n\r\n");
        assert_eq!(remove_header(head, "A"), b"GET / HTTP/1.1\r\nX: 2\r\n\r\n");
    }

    #[test]
    fn host_and_the_listeners_origin_become_the_servers_and_nothing_else_moves() {
        check(
            Edits::Reverse { server: &server() },
            "GET /a  HTTP/1.1\r\nx:  1 \r\nHOST:   127.0.0.1:8080 \r\nX: 2\r\nOrigin: http://127.0.0.1:8080\r\n\r\n",
            "GET /a  HTTP/1.1\r\nx:  1 \r\nHOST:   localhost:3000 \r\nX: 2\r\nOrigin: http://localhost:3000\r\n\r\n",
            &["Host rewritten from 127.0.0.1:8080", "Origin rewritten from http://127.0.0.1:8080"],
        );
    }

    #[test]
    fn a_foreign_origin_stays() {
        let head = "GET / HTTP/1.1\r\nHost: localhost:3000\r\nOrigin: https://example.com\r\n\r\n";
        check(Edits::Reverse { server: &server() }, head, head, &[]);
    }

    #[test]
    fn absolute_form_becomes_the_servers_own_and_proxy_headers_go() {
        check(
            Edits::Absolute { path: "/chat?x=1" },
            "GET ws://h:1/chat?x=1 HTTP/1.1\r\nHost: h:1\r\nProxy-Connection: keep-alive\r\n\r\n",
            "GET /chat?x=1 HTTP/1.1\r\nHost: h:1\r\n\r\n",
            &[
                "request target rewritten from ws://h:1/chat?x=1",
                "proxy-connection removed: it is for the proxy",
            ],
        );
    }

    #[test]
    fn without_edits_every_byte_stays() {
        let head = "GET / HTTP/1.1\nhost : a\n Folded: b\r\n\r\n";
        check(Edits::None, head, head, &[]);
    }
}
