//! Secrets in the head of a request or a response, also where it is hardly one: every line is looked at as it stands.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

use super::query::{self, Extent};
use super::secrets::{Finds, Origin};
use super::{subprotocol, token};

/// What a header's value is, as far as its name tells.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// `Bearer …`: a scheme, and a secret behind it.
    Credentials,
    /// A secret.
    Secret,
    /// `name=value; name=value`
    Cookies,
    /// `name=value; attributes`
    SetCookie,
    /// A list, in which there may be secrets.
    Subprotocols,
    /// A URL.
    Url,
}

/// The headers that are looked at by name. All others are looked through for URLs and web tokens.
pub(super) const HEADERS: [(&str, Kind); 31] = [
    ("Authorization", Kind::Credentials),
    ("Proxy-Authorization", Kind::Credentials),
    ("X-Authorization", Kind::Credentials),
    ("Cookie", Kind::Cookies),
    ("Cookie2", Kind::Cookies),
    ("Set-Cookie", Kind::SetCookie),
    ("Set-Cookie2", Kind::SetCookie),
    ("Sec-WebSocket-Protocol", Kind::Subprotocols),
    ("Content-Location", Kind::Url),
    ("Location", Kind::Url),
    ("Origin", Kind::Url),
    ("Referer", Kind::Url),
    ("X-Forwarded-Uri", Kind::Url),
    ("X-Original-Uri", Kind::Url),
    ("X-Original-Url", Kind::Url),
    ("Api-Key", Kind::Secret),
    ("Apikey", Kind::Secret),
    ("Cf-Access-Client-Secret", Kind::Secret),
    ("Cf-Access-Jwt-Assertion", Kind::Secret),
    ("Ocp-Apim-Subscription-Key", Kind::Secret),
    ("Private-Token", Kind::Secret),
    ("X-Access-Token", Kind::Secret),
    ("X-Amz-Security-Token", Kind::Secret),
    ("X-Api-Key", Kind::Secret),
    ("X-Auth-Token", Kind::Secret),
    ("X-Csrf-Token", Kind::Secret),
    ("X-Forwarded-Access-Token", Kind::Secret),
    ("X-Goog-Api-Key", Kind::Secret),
    ("X-Session-Token", Kind::Secret),
    ("X-Vault-Token", Kind::Secret),
    ("X-Xsrf-Token", Kind::Secret),
];

/// Schemes that are kept before the credentials themselves (RFC 9110 11.1); what begins otherwise is a secret whole.
const SCHEMES: [&str; 18] = [
    "ApiKey",
    "AWS4-HMAC-SHA256",
    "Basic",
    "Bearer",
    "Concealed",
    "Digest",
    "DPoP",
    "GNAP",
    "Hawk",
    "JWT",
    "Negotiate",
    "NTLM",
    "OAuth",
    "SCRAM-SHA-1",
    "SCRAM-SHA-256",
    "SharedAccessSignature",
    "Token",
    "vapid",
];

/// What a cookie may have beside its value (RFC 6265 4.1); what else there is, is taken for a secret.
const ATTRIBUTES: [&str; 11] = [
    "comment",
    "domain",
    "expires",
    "httponly",
    "max-age",
    "partitioned",
    "path",
    "priority",
    "samesite",
    "secure",
    "version",
];

/// A head of any bytes, `side` being what the places are called by: `request`, `response`.
pub(super) fn redact(head: &Bytes, side: &str, finds: &mut Finds) -> Bytes {
    let mut out = Vec::with_capacity(head.len());
    for (place, line) in lines(head).enumerate() {
        let end = line.len() - line.iter().rev().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        let (text, line_end) = line.split_at(end);
        match named(text) {
            Some(named) => named.redact(text, side, finds, &mut out),
            None => out.extend(match place {
                0 => first_line(text, side, finds),
                _ => other(text, side, finds),
            }),
        }
        out.extend_from_slice(line_end);
    }
    match out == *head {
        true => head.clone(),
        false => out.into(),
    }
}

/// Lines with their ends. One that begins with a blank goes on with the one before (RFC 9112 5.2).
fn lines(head: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = head;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let ends = memchr::memchr_iter(b'\n', rest).map(|at| at + 1);
        let end = ends.into_iter().find(|end| !matches!(rest.get(*end), Some(b' ' | b'\t')));
        let (line, behind) = rest.split_at(end.unwrap_or(rest.len()));
        rest = behind;
        Some(line)
    })
}

/// A header of a name that is looked at.
struct Named {
    name: &'static str,
    kind: Kind,
    /// Where its value begins, blanks included.
    value: usize,
}

/// The first such header in a line. It may stand behind a carriage return, or on a line of its own that begins with a
/// blank: there are servers that take these for headers. All that is behind it is its value.
fn named(line: &[u8]) -> Option<Named> {
    let breaks = memchr::memchr2_iter(b'\r', b'\n', line).map(|at| at + 1);
    std::iter::once(0).chain(breaks).find_map(|start| {
        let text = &line[start..];
        let colon = memchr::memchr3(b':', b'\r', b'\n', text).filter(|at| text[*at] == b':')?;
        let found = text[..colon].trim_ascii();
        let (name, kind) = HEADERS.iter().find(|(name, _)| found.eq_ignore_ascii_case(name.as_bytes()))?;
        Some(Named { name, kind: *kind, value: start + colon + 1 })
    })
}

impl Named {
    fn redact(&self, line: &[u8], side: &str, finds: &mut Finds, out: &mut Vec<u8>) {
        let (name, rest) = line.split_at(self.value);
        let value = rest.trim_ascii();
        let before = rest.len() - rest.trim_ascii_start().len();
        let place = format!("{side} {}", self.name);
        let replaced = match self.kind {
            Kind::Credentials => credentials(value, &place, finds),
            Kind::Secret => finds.replace(value, Origin::Named, &place),
            Kind::Cookies => cookies(value, &place, finds),
            Kind::SetCookie => set_cookie(value, &place, finds),
            Kind::Subprotocols => subprotocol::redact(value, &place, finds),
            Kind::Url => {
                let read = query::redact(value, Extent::Url, &place, finds);
                token::redact(&read, &place, finds)
            }
        };
        out.extend_from_slice(name);
        out.extend_from_slice(&rest[..before]);
        out.extend(replaced);
        out.extend_from_slice(&rest[before + value.len()..]);
    }
}

/// A request line, in which all between the method and the version is the target; or a status line.
fn first_line(line: &[u8], side: &str, finds: &mut Finds) -> Vec<u8> {
    let Some(method) = memchr::memchr(b' ', line).filter(|_| !line.starts_with(b"HTTP/")) else {
        return other(line, side, finds);
    };
    let version = memchr::memmem::rfind(line, b" HTTP/").filter(|at| *at > method).unwrap_or(line.len());
    let target = query::redact(&line[method..version], Extent::Url, "url", finds);
    let target = token::redact(&target, "url", finds);
    [&line[..method], &target, &line[version..]].concat()
}

/// A line that its name does not tell anything of.
fn other(line: &[u8], side: &str, finds: &mut Finds) -> Vec<u8> {
    let name = memchr::memchr(b':', line).map(|at| line[..at].trim_ascii());
    let is_name = |name: &&[u8]| name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(byte));
    let name = name.filter(is_name).and_then(|name| std::str::from_utf8(name).ok()).unwrap_or("head");
    let place = format!("{side} {name}");
    let read = query::redact(line, Extent::Prose, &place, finds);
    token::redact(&read, &place, finds)
}

fn credentials(value: &[u8], place: &str, finds: &mut Finds) -> Vec<u8> {
    let word = value.iter().position(u8::is_ascii_whitespace).unwrap_or(value.len());
    let (scheme, rest) = value.split_at(word);
    let secret = rest.trim_ascii();
    let known = SCHEMES.iter().any(|known| scheme.eq_ignore_ascii_case(known.as_bytes()));
    if secret.is_empty() || !known {
        return finds.replace(value, Origin::Named, place);
    }
    let replaced = finds.replace(secret, Origin::Named, place);
    if scheme.eq_ignore_ascii_case(b"Basic")
        && replaced != secret
        && let Ok(plain) = STANDARD.decode(secret)
        && let Some(colon) = memchr::memchr(b':', &plain)
    {
        finds.also(secret, &plain);
        finds.also(secret, &plain[colon + 1..]);
    }
    [scheme, &rest[..rest.len() - secret.len()], &replaced].concat()
}

/// All of a request's cookies: names stay.
fn cookies(value: &[u8], place: &str, finds: &mut Finds) -> Vec<u8> {
    let cookies = value.split(|byte| *byte == b';').map(|cookie| pair(cookie, place, finds));
    cookies.collect::<Vec<_>>().join(&b';')
}

/// A response's cookie: its name and its attributes stay.
fn set_cookie(value: &[u8], place: &str, finds: &mut Finds) -> Vec<u8> {
    let parts =
        value.split(|byte| *byte == b';').enumerate().map(|(at, part)| match at > 0 && is_attribute(part) {
            true => part.to_vec(),
            false => pair(part, place, finds),
        });
    parts.collect::<Vec<_>>().join(&b';')
}

/// A second `=` is none of an attribute's: it is another cookie, behind a comma.
fn is_attribute(part: &[u8]) -> bool {
    let mut words = part.splitn(2, |byte| *byte == b'=');
    let name = words.next().unwrap_or_default().trim_ascii();
    let value = words.next().unwrap_or_default();
    !value.contains(&b'=') && ATTRIBUTES.iter().any(|known| name.eq_ignore_ascii_case(known.as_bytes()))
}

/// `name=value` without its value; what has no name is a value.
fn pair(cookie: &[u8], place: &str, finds: &mut Finds) -> Vec<u8> {
    let start = memchr::memchr(b'=', cookie).map_or(0, |equals| equals + 1);
    let (name, rest) = cookie.split_at(start);
    let value = rest.trim_ascii();
    let before = rest.len() - rest.trim_ascii_start().len();
    let unquoted = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")).unwrap_or(value);
    let replaced = finds.replace_form(value, unquoted, Origin::Cookie, place);
    [name, &rest[..before], &replaced, &rest[before + value.len()..]].concat()
}
