//! What is a secret by its looks: JSON Web Tokens (RFC 7519), and words that look random.

use memchr::memmem;

use super::secrets::{Finds, Origin};

/// How a JSON Web Token begins: `{"` in base64url.
const BEGIN: &[u8] = b"eyJ";

/// The shortest word that is taken for random, and how often letters and digits must take turns in it.
const RANDOM: (usize, usize) = (20, 4);
/// A word of letters alone that no name has.
const NO_NAME: usize = 32;

/// Replaces JSON Web Tokens, wherever they are.
pub(super) fn redact(bytes: &[u8], place: &str, finds: &mut Finds) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(found) = memmem::find(&bytes[at..], BEGIN) {
        let start = at + found;
        let length = bytes[start..].iter().take_while(|byte| is_token(**byte)).count();
        let token = &bytes[start..start + length];
        out.extend_from_slice(&bytes[at..start]);
        if is_web_token(token) {
            out.extend(finds.replace(token, Origin::Named, place));
        } else {
            out.extend_from_slice(token);
        }
        at = start + length;
    }
    out.extend_from_slice(&bytes[at..]);
    out
}

/// Whether a word is a JSON Web Token: a header, claims and a signature, or the five parts of an encrypted one.
pub(super) fn is_web_token(word: &[u8]) -> bool {
    let mut parts = word.split(|byte| *byte == b'.');
    let long = |part: Option<&[u8]>| part.is_some_and(|part| part.len() >= 8);
    let header = parts.next();
    word.starts_with(BEGIN) && long(header) && parts.next().is_some() && parts.next().is_some()
}

/// Whether a word looks like an identifier that a machine drew: long, with letters and digits taking turns, as in
/// hexadecimal or base64, or longer than names are.
pub(super) fn looks_random(word: &[u8]) -> bool {
    let alphanumeric: Vec<u8> = word.iter().copied().filter(u8::is_ascii_alphanumeric).collect();
    let turns =
        alphanumeric.windows(2).filter(|pair| pair[0].is_ascii_digit() != pair[1].is_ascii_digit()).count();
    let longest = word.split(|byte| !byte.is_ascii_alphanumeric()).map(<[u8]>::len).max();
    alphanumeric.len() >= RANDOM.0 && turns >= RANDOM.1 || longest.is_some_and(|length| length >= NO_NAME)
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')
}
