//! The URL of a session: a server, the path there, and who says that they are allowed to.

use std::str::FromStr;

use crate::net::{Target, TargetError};

/// A `ws`, `wss`, `http` or `https` URL, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    /// The server.
    pub server: Target,
    /// The path with its query, as it goes into the request.
    pub path: String,
    /// `user:password`, where it names them.
    pub user: Option<String>,
}

/// Why a word is no URL of a session.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// It names no server.
    #[error("{0}")]
    Server(#[from] TargetError),
    /// RFC 6455 3: a fragment has no meaning.
    #[error(
        "{0:?} has a # in it, which a WebSocket's URL may not have (RFC 6455 3): write %23 where it is meant"
    )]
    Fragment(String),
}

impl FromStr for Url {
    type Err = UrlError;

    fn from_str(word: &str) -> Result<Url, UrlError> {
        if word.contains('#') {
            return Err(UrlError::Fragment(word.to_owned()));
        }
        let (scheme, rest) = word.split_once("://").unwrap_or(("ws", word));
        let (place, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let (user, place) = match place.rsplit_once('@') {
            Some((user, place)) => (Some(decoded(user)), place),
            None => (None, place),
        };
        let server = format!("{scheme}://{place}").parse()?;
        let slash = if path.starts_with('/') { "" } else { "/" };
        Ok(Url { server, path: format!("{slash}{}", encoded(path)), user })
    }
}

/// A path as it may stand in a request: what may not is percent-encoded (RFC 3986 2.1).
fn encoded(path: &str) -> String {
    let octet = |octet: u8| match octet {
        b'!'..=b'~' if !b"\"<>\\^`{|}".contains(&octet) => char::from(octet).to_string(),
        _ => format!("%{octet:02X}"),
    };
    path.bytes().map(octet).collect()
}

fn decoded(word: &str) -> String {
    let mut octets = Vec::new();
    let mut rest = word.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        let digits = behind.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()).filter(|_| *first == b'%') {
            Some(octet) => {
                octets.push(octet);
                rest = &behind[2..];
            }
            None => {
                octets.push(*first);
                rest = behind;
            }
        }
    }
    String::from_utf8_lossy(&octets).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(word: &str, server: &str, path: &str, user: Option<&str>) {
        let url: Url = word.parse().unwrap_or_else(|error| panic!("{word}: {error}"));
        let found = (url.server.to_string(), url.path, url.user);
        assert_eq!(found, (server.to_owned(), path.to_owned(), user.map(str::to_owned)));
    }

    #[test]
    fn a_url_is_a_server_and_a_path() {
        check("ws://localhost:3000/chat?room=1", "ws://localhost:3000", "/chat?room=1", None);
        check("wss://example.test", "wss://example.test:443", "/", None);
        check("https://example.test?x=1", "wss://example.test:443", "/?x=1", None);
        check("localhost:3000/a b/é", "ws://localhost:3000", "/a%20b/%C3%A9", None);
        check("ws://me:s%40fe@[::1]:8/x%20y", "ws://[::1]:8", "/x%20y", Some("me:s@fe"));
    }

    #[test]
    fn what_is_none_is_said() {
        assert!(matches!("ws://h/#top".parse::<Url>(), Err(UrlError::Fragment(_))));
        assert!(matches!("ftp://h/".parse::<Url>(), Err(UrlError::Server(_))));
        assert!(matches!("ws://".parse::<Url>(), Err(UrlError::Server(_))));
    }
}
