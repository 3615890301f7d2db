//! The proof that the server read the handshake: `Sec-WebSocket-Accept` (RFC 6455 4.2.2).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest, Sha1};

use crate::ws::extension::Fault;
use crate::ws::quote;

/// RFC 6455 1.3: what is put behind the key.
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// The `Sec-WebSocket-Accept` that answers a `Sec-WebSocket-Key` (RFC 6455 4.2.2).
pub fn accept_key(key: &[u8]) -> String {
    STANDARD.encode(digest(&[key.trim_ascii(), GUID]))
}

/// What is wrong with the answer to any of `keys`, of which there should be one.
pub(super) fn check(keys: &[&[u8]], accept: Option<&[u8]>) -> Option<Fault> {
    let section = "RFC 6455 4.1";
    let Some(accept) = accept else {
        let sentence = "the answer has no Sec-WebSocket-Accept".into();
        return Some(Fault { sentence, section });
    };
    let key = keys.first()?;
    if keys.iter().any(|key| accept_key(key).as_bytes() == accept) {
        return None;
    }
    let got = String::from_utf8_lossy(accept);
    let sentence = format!(
        "Sec-WebSocket-Accept is {}, but for this key it must be {}; {}",
        quote(&got),
        quote(&accept_key(key)),
        guess(key, accept)
    );
    Some(Fault { sentence, section })
}

/// The usual ways of getting it wrong.
fn guess(key: &[u8], accept: &[u8]) -> &'static str {
    let right = digest(&[key, GUID]);
    let decoded = STANDARD.decode(key).unwrap_or_default();
    let hex: String = right.iter().map(|byte| format!("{byte:02x}")).collect();
    let wrong_ways = [
        (STANDARD.encode(digest(&[key])), "it was made from the key alone, without the GUID"),
        (
            STANDARD.encode(digest(&[&decoded, GUID])),
            "the key was decoded from base64 first, and must not be",
        ),
        (
            STANDARD.encode(digest(&[key, &GUID.to_ascii_lowercase()])),
            "it was made with the GUID in lower case; it has to be in upper case",
        ),
        (STANDARD.encode(hex.as_bytes()), "it is the base64 of the digest in hex, not of its bytes"),
        (hex, "it is the digest in hex, not in base64"),
        (String::from_utf8_lossy(key).into_owned(), "it is the key itself"),
    ];
    let found = wrong_ways.into_iter().find(|(wrong, _)| wrong.as_bytes() == accept);
    found.map_or("it may be the answer to another request, from a cache or a fixed reply", |(_, words)| words)
}

fn digest(parts: &[&[u8]]) -> [u8; 20] {
    let mut sha1 = Sha1::new();
    for part in parts {
        sha1.update(part);
    }
    sha1.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &[u8] = b"dGhlIHNhbXBsZSBub25jZQ==";

    #[test]
    fn the_example_of_the_rfc() {
        // RFC 6455 1.3
        assert_eq!(accept_key(KEY), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        assert_eq!(check(&[KEY], Some(b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")), None);
    }

    #[test]
    fn the_usual_mistakes_are_recognised() {
        let sha1_of_key = STANDARD.encode(digest(&[KEY]));
        for (accept, words) in [
            (sha1_of_key.as_bytes(), "it was made from the key alone, without the GUID"),
            (KEY, "it is the key itself"),
            (&b"b37a4f2cc0624f1690f64606cf385945b2bec4ea"[..], "it is the digest in hex, not in base64"),
            (b"nonsense", "it may be the answer to another request, from a cache or a fixed reply"),
        ] {
            let sentence = check(&[KEY], Some(accept)).unwrap().sentence;
            let expected = format!(
                "Sec-WebSocket-Accept is \"{}\", but for this key it must be \"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\"; {words}",
                accept.escape_ascii()
            );
            assert_eq!(sentence, expected);
        }
    }
}
