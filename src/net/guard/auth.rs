//! Who may use a listener: a user and a password, as HTTP Basic (RFC 7617) and SOCKS5 (RFC 1929) carry them. Pure.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, header};
use ring::digest::{SHA256, digest};

/// What a client has to know.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    user: String,
    password: String,
}

/// Why a word is no user and password. It does not repeat the word.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum CredentialsError {
    /// One of both is missing.
    #[error("that is no user and password: give user:password, neither of them empty")]
    Incomplete,
    /// Longer than SOCKS5 can say (RFC 1929 2).
    #[error("a user and a password have 255 octets each at most")]
    TooLong,
}

impl FromStr for Credentials {
    type Err = CredentialsError;

    fn from_str(word: &str) -> Result<Credentials, CredentialsError> {
        let (user, password) = word.split_once(':').ok_or(CredentialsError::Incomplete)?;
        if user.is_empty() || password.is_empty() {
            return Err(CredentialsError::Incomplete);
        }
        if user.len() > 255 || password.len() > 255 {
            return Err(CredentialsError::TooLong);
        }
        Ok(Credentials { user: user.to_owned(), password: password.to_owned() })
    }
}

impl Credentials {
    /// Whether a request's field of this name says them.
    pub(in crate::net) fn are_in(&self, headers: &HeaderMap, name: HeaderName) -> bool {
        headers.get_all(name).iter().any(|value| self.are_basic(value.as_bytes()))
    }

    /// Whether a field's value is `Basic` and these.
    pub(in crate::net) fn are_basic(&self, value: &[u8]) -> bool {
        let value = value.trim_ascii();
        let Some((scheme, rest)) = value.split_at_checked(6) else { return false };
        let decoded = STANDARD.decode(rest.trim_ascii()).unwrap_or_default();
        scheme.eq_ignore_ascii_case(b"basic ")
            && same(&decoded, format!("{}:{}", self.user, self.password).as_bytes())
    }

    /// Whether a SOCKS5 client says them.
    pub(in crate::net) fn are(&self, user: &[u8], password: &[u8]) -> bool {
        // Both are looked at in any case.
        same(user, self.user.as_bytes()) & same(password, self.password.as_bytes())
    }
}

/// Compares digests: neither a length nor a first wrong octet shows in the time that it takes.
fn same(one: &[u8], other: &[u8]) -> bool {
    digest(&SHA256, one).as_ref() == digest(&SHA256, other).as_ref()
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credentials for {:?}", self.user)
    }
}

/// Where a client says who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::net) enum Lock {
    /// To a forward proxy, which is what it takes this for (RFC 9110 11.7).
    Proxy,
    /// To a server, for which it takes this. `Proxy-Authorization` opens it too, for apps that need `Authorization`.
    Server,
}

impl Lock {
    /// Whether these headers open it.
    pub(in crate::net) fn is_opened(self, with: &Credentials, headers: &HeaderMap) -> bool {
        with.are_in(headers, header::PROXY_AUTHORIZATION)
            || (self == Lock::Server && with.are_in(headers, header::AUTHORIZATION))
    }

    /// The field that asks for the password.
    pub(in crate::net) fn challenge(self) -> (HeaderName, &'static str) {
        let name = match self {
            Lock::Proxy => header::PROXY_AUTHENTICATE,
            Lock::Server => header::WWW_AUTHENTICATE,
        };
        (name, "Basic realm=\"sockeye\", charset=\"UTF-8\"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mira() -> Credentials {
        "mira:fish:net".parse().unwrap()
    }

    #[test]
    fn a_user_and_a_password_are_read_and_not_shown() {
        assert!(mira().are(b"mira", b"fish:net"));
        assert!(!mira().are(b"mira", b"fish") && !mira().are(b"", b""));
        assert!(!format!("{:?}", mira()).contains("fish"));
        for (word, expected) in [
            ("mira", CredentialsError::Incomplete),
            (":x", CredentialsError::Incomplete),
            ("x:", CredentialsError::Incomplete),
        ] {
            assert_eq!(word.parse::<Credentials>(), Err(expected), "{word}");
        }
        assert_eq!(format!("x:{}", "y".repeat(256)).parse::<Credentials>(), Err(CredentialsError::TooLong));
    }

    #[test]
    fn basic_is_read_as_clients_write_it() {
        let value = STANDARD.encode("mira:fish:net");
        for (value, expected) in [
            (format!("Basic {value}"), true),
            (format!("basic   {value} "), true),
            (format!("Bearer {value}"), false),
            (format!("Basic {}", STANDARD.encode("mira:fish")), false),
            ("Basic".to_owned(), false),
            ("Basic !!!".to_owned(), false),
            (String::new(), false),
        ] {
            assert_eq!(mira().are_basic(value.as_bytes()), expected, "{value}");
        }
    }

    #[test]
    fn authorization_opens_a_servers_lock_alone() {
        let value = format!("Basic {}", STANDARD.encode("mira:fish:net"));
        let with = |name: HeaderName| HeaderMap::from_iter([(name, value.parse().unwrap())]);
        assert!(Lock::Proxy.is_opened(&mira(), &with(header::PROXY_AUTHORIZATION)));
        assert!(!Lock::Proxy.is_opened(&mira(), &with(header::AUTHORIZATION)));
        assert!(Lock::Server.is_opened(&mira(), &with(header::AUTHORIZATION)));
        assert!(Lock::Server.is_opened(&mira(), &with(header::PROXY_AUTHORIZATION)));
        assert!(!Lock::Server.is_opened(&mira(), &HeaderMap::new()));
    }
}
