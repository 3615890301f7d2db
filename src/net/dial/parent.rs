//! The proxy that servers are reached through, as users name it.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use super::super::target::Authority;
use super::super::transport::Transport;
use super::{http_connect, socks5};

/// A proxy on the way to the servers.
#[derive(Clone, PartialEq, Eq)]
pub struct ParentProxy {
    speaks: Speaks,
    pub(super) authority: Authority,
    login: Option<Login>,
}

/// What a proxy speaks, and who looks up the servers' names.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Speaks {
    /// HTTP's CONNECT; the proxy looks up.
    Http,
    /// SOCKS5; names are looked up here.
    Socks5,
    /// SOCKS5; the proxy looks up.
    Socks5h,
}

/// Who we are to the proxy, in the octets that it gets.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Login {
    pub(super) user: Vec<u8>,
    pub(super) password: Vec<u8>,
}

/// Why a word does not name a proxy. None of them repeats the word, which may hold a password.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParentProxyError {
    /// Not a URL with a host.
    #[error("that is no proxy: give http://host:port, socks5://host:port or socks5h://host:port")]
    NotAProxy,
    /// A scheme that is not spoken.
    #[error("a proxy of the kind {0}:// cannot be used: give http://, socks5:// or socks5h://")]
    Scheme(String),
    /// A user or a password that is longer than SOCKS5 can say.
    #[error("user and password have 255 octets at most with SOCKS5 (RFC 1929 2)")]
    Long,
}

impl ParentProxy {
    /// Whether the servers' names are looked up before the proxy is asked.
    pub(super) fn wants_addresses(&self) -> bool {
        self.speaks == Speaks::Socks5
    }

    /// Has the proxy at the other end of `transport` connect to `server`, or to its `address` where that is known.
    ///
    /// # Errors
    /// What the proxy answered, in words.
    pub(super) async fn ask(
        &self,
        transport: &mut Transport,
        server: &Authority,
        address: Option<SocketAddr>,
    ) -> Result<(), String> {
        let login = self.login.as_ref();
        match self.speaks {
            Speaks::Http => http_connect::ask(transport, server, login).await,
            Speaks::Socks5 | Speaks::Socks5h => {
                let host = address.map_or(server.name().to_owned(), |address| address.ip().to_string());
                socks5::ask(transport, &host, server.port, login).await
            }
        }
    }
}

impl FromStr for ParentProxy {
    type Err = ParentProxyError;

    fn from_str(word: &str) -> Result<ParentProxy, ParentProxyError> {
        let (scheme, rest) = word.split_once("://").unwrap_or(("http", word));
        let (speaks, port) = match scheme.to_ascii_lowercase().as_str() {
            "http" => (Speaks::Http, 80),
            "socks5" => (Speaks::Socks5, 1080),
            "socks5h" => (Speaks::Socks5h, 1080),
            other => return Err(ParentProxyError::Scheme(other.to_owned())),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (login, place) = match rest.rsplit_once('@') {
            Some((login, place)) => (Some(Login::parse(login)), place),
            None => (None, rest),
        };
        let too_long = |login: &Login| login.user.len().max(login.password.len()) > 255;
        if speaks != Speaks::Http && login.as_ref().is_some_and(too_long) {
            return Err(ParentProxyError::Long);
        }
        // Where no port is named, it is the scheme's own.
        let named = place.rsplit(']').next().is_some_and(|behind| behind.contains(':'));
        let place = if named { place.to_owned() } else { format!("{place}:{port}") };
        let authority = Authority::parse(&place, false).ok_or(ParentProxyError::NotAProxy)?;
        Ok(ParentProxy { speaks, authority, login })
    }
}

impl fmt::Display for ParentProxy {
    /// Its URL, without the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.speaks {
            Speaks::Http => "http",
            Speaks::Socks5 => "socks5",
            Speaks::Socks5h => "socks5h",
        };
        write!(f, "{scheme}://{}", self.authority)
    }
}

impl fmt::Debug for ParentProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Login {
    /// `user:password`, each percent-encoded where it has to be (RFC 3986 2.1).
    fn parse(text: &str) -> Login {
        let (user, password) = text.split_once(':').unwrap_or((text, ""));
        Login { user: percent_decoded(user), password: percent_decoded(password) }
    }
}

fn percent_decoded(text: &str) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&octet, behind)) = rest.split_first() {
        let digits = behind.get(..2).filter(|_| octet == b'%');
        let value = digits.and_then(|digits| {
            let [high, low] = [digits[0], digits[1]].map(|digit| char::from(digit).to_digit(16));
            u8::try_from(high? * 16 + low?).ok()
        });
        decoded.push(value.unwrap_or(octet));
        rest = if value.is_some() { &behind[2..] } else { behind };
    }
    decoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_named_by_its_url_and_shown_without_its_password() {
        for (word, shown) in [
            ("http://localhost:3128", "http://localhost:3128"),
            ("localhost:3128", "http://localhost:3128"),
            ("HTTP://user:secret@proxy.example/", "http://proxy.example:80"),
            ("socks5://127.0.0.1", "socks5://127.0.0.1:1080"),
            ("socks5h://a%40b:c%3Ad@[::1]:9", "socks5h://[::1]:9"),
            ("socks5h://[::1]", "socks5h://[::1]:1080"),
        ] {
            let proxy: ParentProxy = word.parse().unwrap();
            assert_eq!((proxy.to_string(), format!("{proxy:?}")), (shown.to_owned(), shown.to_owned()));
        }
    }

    #[test]
    fn user_and_password_are_what_the_proxy_gets() {
        for (word, user, password) in [
            ("http://a:b@h", &b"a"[..], &b"b"[..]),
            ("http://a%40b:c%3ad%2f@h", b"a@b", b"c:d/"),
            ("http://a:b:c@h", b"a", b"b:c"),
            ("http://a@b:c@h", b"a@b", b"c"),
            ("http://a%:%zz@h", b"a%", b"%zz"),
            ("http://%c3%a4:%ff@h", "ä".as_bytes(), b"\xff"),
            ("http://a@h", b"a", b""),
        ] {
            let login = word.parse::<ParentProxy>().unwrap().login.unwrap();
            assert_eq!((&login.user[..], &login.password[..]), (user, password), "{word}");
        }
        assert!("http://h:1".parse::<ParentProxy>().unwrap().login.is_none());
    }

    #[test]
    fn what_is_no_proxy_is_refused_with_the_way_out() {
        for (word, part) in [
            ("http://", "give http://host:port"),
            ("http://h:0", "give http://host:port"),
            ("http://h:1/path", "give http://host:port"),
            ("https://h:1", "kind https:// cannot be used: give http://"),
            ("socks4://h:1", "kind socks4://"),
        ] {
            let error = word.parse::<ParentProxy>().unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
        let long = format!("socks5://a:{}@h", "b".repeat(256));
        assert_eq!(long.parse::<ParentProxy>(), Err(ParentProxyError::Long));
    }
}
