//! Servers as users and clients name them.

use std::fmt;
use std::str::FromStr;

/// The server that everything goes to in reverse mode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Where it is.
    pub authority: Authority,
}

/// A host, a port, and whether TLS is spoken there.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Authority {
    /// Whether it is reached through TLS.
    pub secure: bool,
    /// A name, an IPv4 address, or an IPv6 address without brackets.
    pub host: String,
    /// The TCP port.
    pub port: u16,
}

/// Why a word does not name a server.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// Neither a URL of a kind that is known nor host:port.
    #[error("{0:?} is no server: give ws://, wss://, http:// or https:// and a host, or host:port")]
    NotAServer(String),
    /// A URL with more than a host in it.
    #[error("{0:?} has a path, but the client's own path is what goes to the server: give {1} alone")]
    Path(String, String),
}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(word: &str) -> Result<Target, TargetError> {
        let wrong = || TargetError::NotAServer(word.to_owned());
        let (secure, rest) = match word.split_once("://") {
            None => (false, word),
            Some((scheme, rest)) => (is_secure(scheme).ok_or_else(wrong)?, rest),
        };
        let (place, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let authority = if word.contains("://") {
            Authority::parse(place, secure)
        } else {
            // Without a scheme, a port is what tells a server from a slip.
            Authority::parse(place, secure).filter(|_| place.rsplit_once(':').is_some())
        };
        let authority = authority.ok_or_else(wrong)?;
        if !matches!(path, "" | "/") {
            let alone = word[..word.len() - path.len()].to_owned();
            return Err(TargetError::Path(word.to_owned(), alone));
        }
        Ok(Target { authority })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.authority.ws_url(""))
    }
}

impl Authority {
    /// `host`, `host:port` or `[address]:port`.
    pub fn parse(text: &str, secure: bool) -> Option<Authority> {
        // What stands before an @ is for the client's own use.
        let text = text.rsplit('@').next().unwrap_or(text);
        let default = if secure { 443 } else { 80 };
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (address, rest) = rest.split_once(']')?;
                address.parse::<std::net::Ipv6Addr>().ok()?;
                (address, rest.strip_prefix(':').or(rest.is_empty().then_some("")))
            }
            None => match text.rsplit_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (text, Some("")),
            },
        };
        let port = match port? {
            "" => default,
            port => port.parse().ok().filter(|port| *port != 0)?,
        };
        let legal = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'.' | b'-' | b'_' | b':');
        let legal = !host.is_empty() && host.bytes().all(legal);
        legal.then(|| Authority { secure, host: host.to_owned(), port })
    }

    /// As in a `Host` header: the port only where it is not the scheme's own.
    pub fn host_header(&self) -> String {
        let default = if self.secure { 443 } else { 80 };
        if self.port == default { self.bracketed() } else { self.to_string() }
    }

    /// As a page's origin.
    pub fn origin(&self) -> String {
        format!("{}://{}", if self.secure { "https" } else { "http" }, self.host_header())
    }

    /// A `ws` or `wss` URL with this path.
    pub fn ws_url(&self, path: &str) -> String {
        format!("{}://{}{path}", if self.secure { "wss" } else { "ws" }, self)
    }

    /// An `http` or `https` URL with this path.
    pub fn http_url(&self, path: &str) -> String {
        format!("{}://{}{path}", if self.secure { "https" } else { "http" }, self)
    }

    fn bracketed(&self) -> String {
        if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() }
    }
}

impl fmt::Display for Authority {
    /// `host:port`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.bracketed(), self.port)
    }
}

/// What an absolute-form request target names: the server, and the path that it gets (RFC 9112 3.2.2).
pub(super) fn absolute(target: &str) -> Option<(Authority, String)> {
    let (scheme, rest) = target.split_once("://")?;
    let secure = is_secure(scheme)?;
    let (place, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let authority = Authority::parse(place, secure)?;
    let path = path.split('#').next().unwrap_or_default();
    Some((authority, if path.starts_with('/') { path.to_owned() } else { format!("/{path}") }))
}

fn is_secure(scheme: &str) -> Option<bool> {
    match scheme.to_ascii_lowercase().as_str() {
        "ws" | "http" => Some(false),
        "wss" | "https" => Some(true),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(word: &str, expected: Result<&str, &str>) {
        let parsed =
            word.parse::<Target>().map(|target| target.to_string()).map_err(|error| error.to_string());
        match expected {
            Ok(url) => assert_eq!(parsed.as_deref(), Ok(url)),
            Err(part) => assert!(parsed.as_ref().is_err_and(|error| error.contains(part)), "{parsed:?}"),
        }
    }

    #[test]
    fn servers_are_named_by_url_or_by_host_and_port() {
        check("ws://localhost:3000", Ok("ws://localhost:3000"));
        check("http://localhost/", Ok("ws://localhost:80"));
        check("wss://example.com", Ok("wss://example.com:443"));
        check("HTTPS://example.com:8443", Ok("wss://example.com:8443"));
        check("localhost:3000", Ok("ws://localhost:3000"));
        check("[::1]:3000", Ok("ws://[::1]:3000"));
        check("ws://[::1]", Ok("ws://[::1]:80"));
    }

    #[test]
    fn what_is_no_server_is_refused_with_the_way_out() {
        check("localhost", Err("give ws://"));
        check("ftp://x", Err("give ws://"));
        check("ws://", Err("give ws://"));
        check("ws://h:0", Err("give ws://"));
        check("ws://h:99999", Err("give ws://"));
        check("ws://[::1", Err("give ws://"));
        check("ws://localhost:3000/chat", Err("give ws://localhost:3000 alone"));
    }

    #[test]
    fn absolute_form_names_server_and_path() {
        let (authority, path) = absolute("ws://h/chat?a=b").unwrap();
        assert_eq!((authority.to_string().as_str(), path.as_str()), ("h:80", "/chat?a=b"));
        assert_eq!(absolute("http://h:81").unwrap().1, "/");
        assert_eq!(absolute("http://h?a").unwrap().1, "/?a");
        assert!(absolute("/chat").is_none());
    }
}
