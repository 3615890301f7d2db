//! Secrets in URLs: parameters of telling names, and what stands before the host.

use std::ops::Range;

use super::secrets::{Finds, Origin};
use super::token;

/// Parameters whose value is a secret: those of exactly these names, without regard to case and to what is neither
/// letter nor digit.
pub(super) const NAMES: [&str; 13] = [
    "accesskey",
    "auth",
    "authorization",
    "bearer",
    "code",
    "key",
    "pass",
    "passphrase",
    "pwd",
    "session",
    "sid",
    "sig",
    "ticket",
];

/// And those whose names end so.
pub(super) const ENDINGS: [&str; 10] = [
    "apikey",
    "credential",
    "jwt",
    "passwd",
    "password",
    "secret",
    "sessionid",
    "signature",
    "token",
    "authkey",
];

/// The longest name that is looked at.
const LONGEST_NAME: usize = 128;

/// How far a URL goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// All there is, blanks included.
    Url,
    /// Up to what ends a URL inside a sentence or a header.
    Prose,
}

/// A URL.
pub(super) fn redact_url(url: &str, finds: &mut Finds) -> String {
    let read = redact(url.as_bytes(), Extent::Url, "url", finds);
    let read = token::redact(&read, "url", finds);
    String::from_utf8_lossy(&read).into_owned()
}

/// Text with URLs in it, or nothing but one. The places that are told are `place` and a parameter's name.
pub(super) fn redact(text: &[u8], extent: Extent, place: &str, finds: &mut Finds) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let secret = match rest.starts_with(b"//") {
            true => user_info(rest, extent),
            false => parameter(rest, extent),
        };
        let Some(Secret { name, value }) = secret else {
            out.push(rest[0]);
            at += 1;
            continue;
        };
        let place = format!("{place} {}", String::from_utf8_lossy(name));
        let end = value.end;
        out.extend_from_slice(&rest[..value.start]);
        let value = &rest[value];
        out.extend(finds.replace_form(value, &decode(value), Origin::Named, &place));
        at += end;
    }
    out
}

/// A secret at the start of a text.
struct Secret<'t> {
    name: &'t [u8],
    value: Range<usize>,
}

/// What stands before the host in `//user:password@host`: the password, or all of it where there is but one word.
fn user_info(text: &[u8], extent: Extent) -> Option<Secret<'static>> {
    let length =
        text[2..].iter().take_while(|byte| !b"/?#\\".contains(byte) && !ends_url(**byte, extent)).count();
    let at = text[2..2 + length].iter().rposition(|byte| *byte == b'@')? + 2;
    let start = text[2..at].iter().position(|byte| *byte == b':').map_or(2, |colon| colon + 3);
    (start < at).then_some(Secret { name: b"user", value: start..at })
}

/// A parameter of a telling name behind what separates parameters, which may be encoded itself inside another URL.
fn parameter(text: &[u8], extent: Extent) -> Option<Secret<'_>> {
    let (begin, nested) = match text {
        [b'?' | b'&' | b'#', ..] => (1, false),
        [b';', ..] if extent == Extent::Url => (1, false),
        [b'%', code @ ..] if is_code(code, b"3f") || is_code(code, b"26") || is_code(code, b"23") => {
            (3, true)
        }
        _ => return None,
    };
    let rest = &text[begin..];
    let equals = |at: usize| match rest.get(at..)? {
        [b'=', ..] if !nested => Some(1),
        [b'%', code @ ..] if nested && is_code(code, b"3d") => Some(3),
        _ => None,
    };
    let looked_at = rest.iter().take(LONGEST_NAME).take_while(|byte| is_name(**byte)).count();
    let (length, sign) = (0..=looked_at).find_map(|at| equals(at).map(|sign| (at, sign)))?;
    if !is_secret(&rest[..length]) {
        return None;
    }
    let start = length + sign;
    let value = rest[start..].iter().enumerate().take_while(|(at, byte)| {
        let ends = match byte {
            b'&' | b'#' => true,
            b'%' => {
                nested && (is_code(&rest[start + at + 1..], b"26") || is_code(&rest[start + at + 1..], b"23"))
            }
            byte => ends_url(**byte, extent),
        };
        !ends
    });
    let mut end = start + value.count();
    if extent == Extent::Prose {
        // A sentence goes on behind it.
        end -= rest[start..end].iter().rev().take_while(|byte| b".:!?".contains(byte)).count();
    }
    Some(Secret { name: &rest[..length], value: begin + start..begin + end })
}

/// Whether a parameter of this name holds a secret.
fn is_secret(name: &[u8]) -> bool {
    let letters: Vec<u8> =
        decode(name).iter().filter(|byte| byte.is_ascii_alphanumeric()).map(u8::to_ascii_lowercase).collect();
    NAMES.iter().any(|name| letters == name.as_bytes())
        || ENDINGS.iter().any(|ending| letters.ends_with(ending.as_bytes()))
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.~%[]+$:@!*".contains(&byte)
}

/// Whether a URL inside a sentence ends here.
fn ends_url(byte: u8, extent: Extent) -> bool {
    extent == Extent::Prose && (byte <= b' ' || b"\"'<>`,;)]}".contains(&byte))
}

/// Whether the hexadecimal digits behind a percent sign are these.
fn is_code(digits: &[u8], code: &[u8]) -> bool {
    digits.get(..2).is_some_and(|digits| digits.eq_ignore_ascii_case(code))
}

/// Undoes percent-encoding (RFC 3986 2.1); what is no encoding stays.
fn decode(text: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        let digits = text.get(at + 1..at + 3).and_then(|digits| std::str::from_utf8(digits).ok());
        let digits = digits.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) if text[at] == b'%' => {
                decoded.push(byte);
                at += 3;
            }
            _ => {
                decoded.push(text[at]);
                at += 1;
            }
        }
    }
    decoded
}
