//! Java's keystore of trusted certificates (JKS version 2), which every JVM reads and no other program has to make.

use sha1::{Digest, Sha1};

/// What Java's own tools take where nobody says otherwise.
pub(super) const PASSWORD: &str = "changeit";

/// A keystore of certificates, each in DER.
pub(super) fn keystore<'a>(certificates: impl ExactSizeIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut store = Vec::new();
    store.extend(0xfeed_feed_u32.to_be_bytes());
    store.extend(2_u32.to_be_bytes());
    store.extend((certificates.len() as u32).to_be_bytes());
    for (at, certificate) in certificates.enumerate() {
        // A trusted certificate, and not a key.
        store.extend(2_u32.to_be_bytes());
        put_text(&mut store, &format!("root{at}"));
        // When it was added, in milliseconds: of no use to anybody.
        store.extend(0_u64.to_be_bytes());
        put_text(&mut store, "X.509");
        store.extend((certificate.len() as u32).to_be_bytes());
        store.extend(certificate);
    }
    let mut digest = Sha1::new();
    for unit in PASSWORD.encode_utf16() {
        digest.update(unit.to_be_bytes());
    }
    digest.update(b"Mighty Aphrodite");
    digest.update(&store);
    store.extend(digest.finalize());
    store
}

/// Its length in two octets, then the text.
fn put_text(store: &mut Vec<u8>, text: &str) {
    store.extend((text.len() as u16).to_be_bytes());
    store.extend(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keystore_is_laid_out_as_java_reads_it() {
        let store = keystore([&b"\x30\x01a"[..], b"\x30\x02bb"].into_iter());
        assert_eq!(&store[..12], b"\xfe\xed\xfe\xed\0\0\0\x02\0\0\0\x02");
        assert_eq!(&store[12..22], b"\0\0\0\x02\0\x05root");
        let ends = store.len() - 20 - 4;
        assert_eq!(&store[ends - 4..ends + 4], b"\0\0\0\x04\x30\x02bb");
    }
}
