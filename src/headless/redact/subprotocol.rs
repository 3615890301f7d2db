//! Secrets in `Sec-WebSocket-Protocol`, where browsers' clients put them for want of another header.

use super::secrets::{Finds, Origin};
use super::token;

/// An entry of one of these names says that the next one is a secret.
const ANNOUNCE: [&str; 14] = [
    "accesstoken",
    "apikey",
    "auth",
    "authorization",
    "authtoken",
    "bearer",
    "credential",
    "credentials",
    "idtoken",
    "jwt",
    "key",
    "secret",
    "ticket",
    "token",
];

/// What stands behind one of these words inside an entry is a secret: `bearer.…`, `openai-insecure-api-key.…`.
const LEAD: [&str; 10] =
    ["apikey", "auth", "authorization", "bearer", "header", "jwt", "key", "password", "secret", "token"];

/// Where there is more to say: Kubernetes puts its own name between the word and the secret.
const KNOWN: [&str; 1] = ["base64url.bearer.authorization.k8s.io."];

/// What stands behind a leading word is taken for a secret from this length on.
const SHORTEST: usize = 8;

/// A list of subprotocols.
pub(super) fn redact(list: &[u8], place: &str, finds: &mut Finds) -> Vec<u8> {
    let mut out = Vec::with_capacity(list.len());
    let mut announced = false;
    for (at, element) in list.split(|byte| *byte == b',').enumerate() {
        if at > 0 {
            out.push(b',');
        }
        let entry = element.trim_ascii();
        let before = element.len() - element.trim_ascii_start().len();
        let kept = match finds.subprotocols.contains(entry) || announced {
            true => Some(0),
            false => kept(entry),
        };
        out.extend_from_slice(&element[..before]);
        match kept {
            Some(kept) if !entry.is_empty() => {
                let (name, secret) = entry.split_at(kept);
                finds.subprotocols.insert(entry.to_vec());
                out.extend_from_slice(name);
                out.extend(finds.replace(secret, Origin::Named, place));
            }
            _ => out.extend_from_slice(entry),
        }
        out.extend_from_slice(&element[before + entry.len()..]);
        announced = !entry.is_empty() && !announced && announces(entry);
    }
    out
}

/// How much of an entry is its name, where a secret is behind it; none where there is no secret in it.
fn kept(entry: &[u8]) -> Option<usize> {
    if let Some(known) = KNOWN.iter().find(|known| entry.starts_with(known.as_bytes())) {
        return Some(known.len());
    }
    let mut word = 0;
    for (at, byte) in entry.iter().enumerate() {
        if byte.is_ascii_alphanumeric() {
            continue;
        }
        let rest = entry.len() - at - 1;
        if rest >= SHORTEST && LEAD.iter().any(|lead| entry[word..at].eq_ignore_ascii_case(lead.as_bytes())) {
            return Some(at + 1);
        }
        word = at + 1;
    }
    (token::is_web_token(entry) || token::looks_random(entry)).then_some(0)
}

fn announces(entry: &[u8]) -> bool {
    let letters: Vec<u8> = entry.iter().filter(|byte| byte.is_ascii_alphanumeric()).copied().collect();
    ANNOUNCE.iter().any(|name| letters.eq_ignore_ascii_case(name.as_bytes()))
}
