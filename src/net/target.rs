//! Servers as users and clients name them.

use std::fmt;
use std::net::Ipv6Addr;
use std::path::PathBuf;
use std::str::FromStr;

/// The server that everything goes to in reverse mode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Where it is.
    pub authority: Authority,
}

/// A host, a port, and whether TLS is spoken there; or a Unix socket.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Authority {
    /// Whether it is reached through TLS.
    pub secure: bool,
    /// A name, an IPv4 address, or an IPv6 address without brackets, with its zone where it has one (RFC 4007 11).
    pub host: String,
    /// The TCP port.
    pub port: u16,
    /// The Unix socket that is connected to in place of host and port, which then only name it to the server.
    pub socket: Option<PathBuf>,
}

/// Why a word does not name a server.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// Neither a URL of a kind that is known nor host:port.
    #[error(
        "{0:?} is no server: give ws://, wss://, http:// or https:// and a host, host:port, or unix:/path (an IPv6 address in brackets)"
    )]
    NotAServer(String),
    /// A URL with more than a host in it.
    #[error("{0:?} has a path, but the client's own path is what goes to the server: give {1} alone")]
    Path(String, String),
}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(word: &str) -> Result<Target, TargetError> {
        let wrong = || TargetError::NotAServer(word.to_owned());
        if let Some(path) = word.strip_prefix("unix:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            return if path.is_empty() {
                Err(wrong())
            } else {
                Ok(Target { authority: Authority::at(path) })
            };
        }
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
        match self.authority.socket {
            Some(_) => self.authority.fmt(f),
            None => f.write_str(&self.authority.ws_url("")),
        }
    }
}

impl Authority {
    /// A server in the clear.
    pub fn new(host: String, port: u16) -> Authority {
        // A name that is none is for the lookup to refuse.
        let host = a_label(&host).unwrap_or(host);
        Authority { secure: false, host, port, socket: None }
    }

    /// A server behind the Unix socket at `path`. It knows itself as localhost.
    fn at(path: &str) -> Authority {
        Authority { socket: Some(path.into()), ..Authority::new("localhost".to_owned(), 80) }
    }

    /// `host`, `host:port` or `[address]:port`.
    pub fn parse(text: &str, secure: bool) -> Option<Authority> {
        // What stands before an @ is for the client's own use.
        let text = text.rsplit('@').next().unwrap_or(text);
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (address, rest) = rest.split_once(']')?;
                (zoned(address)?, rest)
            }
            None => {
                let (host, port) = text.split_at(text.find(':').unwrap_or(text.len()));
                (a_label(host).filter(|host| is_name(host))?, port)
            }
        };
        let port = match port {
            "" | ":" => default_port(secure),
            port => port.strip_prefix(':')?.parse().ok().filter(|port| *port != 0)?,
        };
        Some(Authority { secure, ..Authority::new(host, port) })
    }

    /// The host as others know it: a zone means something on this machine alone (RFC 4007 11.2).
    pub fn name(&self) -> &str {
        self.host.split('%').next().unwrap_or(&self.host)
    }

    /// As in a `Host` header: the port only where it is not the scheme's own.
    pub fn host_header(&self) -> String {
        let name = bracketed(self.name());
        if self.port == default_port(self.secure) { name } else { format!("{name}:{}", self.port) }
    }

    /// As a CONNECT names it (RFC 9112 3.2.3).
    pub(super) fn connect_target(&self) -> String {
        format!("{}:{}", bracketed(self.name()), self.port)
    }

    /// As a page's origin.
    pub fn origin(&self) -> String {
        format!("{}://{}", if self.secure { "https" } else { "http" }, self.host_header())
    }

    /// A `ws` or `wss` URL with this path.
    pub fn ws_url(&self, path: &str) -> String {
        format!("{}://{}{path}", if self.secure { "wss" } else { "ws" }, self.place())
    }

    /// An `http` or `https` URL with this path.
    pub fn http_url(&self, path: &str) -> String {
        format!("{}://{}{path}", if self.secure { "https" } else { "http" }, self.place())
    }

    /// As in a URL.
    fn place(&self) -> String {
        if self.socket.is_some() { self.host_header() } else { self.to_string() }
    }
}

impl fmt::Display for Authority {
    /// `host:port`, or `unix:/path`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.socket {
            Some(path) => write!(f, "unix:{}", path.display()),
            None => write!(f, "{}:{}", bracketed(&self.host), self.port),
        }
    }
}

fn bracketed(host: &str) -> String {
    if host.contains(':') { format!("[{host}]") } else { host.to_owned() }
}

fn default_port(secure: bool) -> u16 {
    if secure { 443 } else { 80 }
}

/// A name as the DNS and certificates have it: an international one in its ASCII form (RFC 5890 2.3.2.1).
fn a_label(host: &str) -> Option<String> {
    if host.is_ascii() { Some(host.to_owned()) } else { idna::domain_to_ascii(host).ok() }
}

fn is_name(host: &str) -> bool {
    let legal = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'.' | b'-' | b'_');
    !host.is_empty() && host.bytes().all(legal)
}

/// An IPv6 address with its zone, if any, after `%`, or after `%25` as URLs have it (RFC 6874 2).
fn zoned(address: &str) -> Option<String> {
    let Some((address, zone)) = address.split_once('%') else {
        return address.parse::<Ipv6Addr>().ok().map(|_| address.to_owned());
    };
    address.parse::<Ipv6Addr>().ok()?;
    let zone = zone.strip_prefix("25").filter(|zone| !zone.is_empty()).unwrap_or(zone);
    is_name(zone).then(|| format!("{address}%{zone}"))
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
        check("wss://Bücher.example", Ok("wss://xn--bcher-kva.example:443"));
        check("[::1]:3000", Ok("ws://[::1]:3000"));
        check("ws://[::1]", Ok("ws://[::1]:80"));
        check("[fe80::1%eth0]:3000", Ok("ws://[fe80::1%eth0]:3000"));
        check("wss://[fe80::1%25eth0]", Ok("wss://[fe80::1%eth0]:443"));
        check("unix:/run/app.sock", Ok("unix:/run/app.sock"));
        check("unix:///run/app.sock", Ok("unix:/run/app.sock"));
        check("unix:app.sock", Ok("unix:app.sock"));
    }

    #[test]
    fn what_a_server_is_told_of_itself_means_something_there() {
        for (word, host, url) in [
            ("ws://[fe80::1%eth0]", "[fe80::1]", "ws://[fe80::1%eth0]:80/chat"),
            ("ws://[fe80::1%eth0]:3000", "[fe80::1]:3000", "ws://[fe80::1%eth0]:3000/chat"),
            ("wss://example.com", "example.com", "wss://example.com:443/chat"),
            ("unix:/run/app.sock", "localhost", "ws://localhost/chat"),
        ] {
            let target: Target = word.parse().unwrap();
            assert_eq!(target.authority.host_header(), host, "{word}");
            assert_eq!(target.authority.ws_url("/chat"), url, "{word}");
            assert_eq!(target.to_string().parse(), Ok(target), "{word}");
        }
    }

    #[test]
    fn what_is_no_server_is_refused_with_the_way_out() {
        check("localhost", Err("give ws://"));
        check("ftp://x", Err("give ws://"));
        check("ws://", Err("give ws://"));
        check("ws://h:0", Err("give ws://"));
        check("ws://h:99999", Err("give ws://"));
        check("ws://[::1", Err("give ws://"));
        check("fe80::1", Err("an IPv6 address in brackets"));
        check("ws://[fe80::1%]", Err("give ws://"));
        check("unix:", Err("unix:/path"));
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
