//! What a handshake agreed on, for the log.

use rustls::{CipherSuite, CommonState, ProtocolVersion};

use super::Protocol;
use crate::capture::Leg;

/// Adds what a finished handshake agreed on.
pub(in crate::net) fn agreed(leg: &mut Leg, connection: &CommonState) {
    leg.alpn = connection.alpn_protocol().map(name);
    leg.version = connection.protocol_version().map(version);
    leg.suite = connection.negotiated_cipher_suite().map(|suite| registered(suite.suite()));
}

/// Application protocols by their names.
pub(in crate::net) fn names(protocols: &[Protocol]) -> Vec<String> {
    protocols.iter().map(|protocol| name(protocol)).collect()
}

fn name(protocol: &[u8]) -> String {
    protocol.escape_ascii().to_string()
}

/// A suite's name in IANA's registry, which does not tell those of TLS 1.3 apart as rustls does.
fn registered(suite: CipherSuite) -> String {
    let name = format!("{suite:?}");
    name.strip_prefix("TLS13_").map(|rest| format!("TLS_{rest}")).unwrap_or(name)
}

fn version(version: ProtocolVersion) -> String {
    match version {
        ProtocolVersion::TLSv1_2 => "TLS 1.2".to_owned(),
        ProtocolVersion::TLSv1_3 => "TLS 1.3".to_owned(),
        other => format!("{other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suites_have_their_registered_names() {
        for (suite, name) in [
            (CipherSuite::TLS13_AES_128_GCM_SHA256, "TLS_AES_128_GCM_SHA256"),
            (CipherSuite::TLS13_CHACHA20_POLY1305_SHA256, "TLS_CHACHA20_POLY1305_SHA256"),
            (CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"),
        ] {
            assert_eq!(registered(suite), name);
        }
    }

    #[test]
    fn protocols_are_named_as_they_are_registered() {
        assert_eq!(names(&[b"http/1.1".to_vec(), vec![0x0a, 0x0a]]), ["http/1.1", r"\n\n"]);
    }
}
