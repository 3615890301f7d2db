//! What TLS agreed on, on either leg of a flow, and the certificates that were shown.

use std::sync::Arc;
use std::time::Duration;

/// What is known of a flow's TLS. A leg that is in the clear, or was not reached, has none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tls {
    /// Between the client and the proxy, where the proxy speaks for the server.
    pub client: Option<Leg>,
    /// Between the proxy and the server.
    pub server: Option<Leg>,
}

impl Tls {
    /// It in few words, for filters: the versions agreed on, `unverified` where the server's certificate does not hold,
    /// `failed` where a handshake came to nothing. Empty where no TLS was spoken.
    pub fn words(&self) -> String {
        let mut words: Vec<&str> = Vec::new();
        for leg in [&self.client, &self.server].into_iter().flatten() {
            words.push(leg.version.as_deref().unwrap_or("failed"));
            if matches!(leg.verified, Verified::Fault(_)) {
                words.push("unverified");
            }
        }
        words.dedup();
        words.join(" ")
    }
}

/// One TLS connection, as far as its handshake came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Leg {
    /// The server's name that was asked for (SNI, RFC 6066 3).
    pub server_name: Option<String>,
    /// The application protocols that were offered (ALPN, RFC 7301), in order.
    pub offered: Vec<String>,
    /// The one that was chosen.
    pub alpn: Option<String>,
    /// `TLS 1.3`; none where the handshake failed before.
    pub version: Option<String>,
    /// The cipher suite by its registered name: `TLS_AES_128_GCM_SHA256`.
    pub suite: Option<String>,
    /// The certificates shown in the server's name, its own first. On the client's leg they are the proxy's.
    pub chain: Arc<[Certificate]>,
    /// Those that the connecting end showed for itself, where it was asked for any (mutual TLS).
    pub own_chain: Arc<[Certificate]>,
    /// Whether the other end asked for a certificate.
    pub asked: CertificateRequest,
    /// What the proxy found of the server's certificate. On the client's leg that is the client's to say.
    pub verified: Verified,
    /// How long the handshake took.
    pub took: Option<Duration>,
}

/// Whether an end was asked to show a certificate of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CertificateRequest {
    /// It was not asked.
    #[default]
    None,
    /// It was, and had one to show.
    Answered,
    /// It was, and had none.
    Unanswered,
}

/// What came of verifying the server's certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Verified {
    /// It was not looked at: the handshake did not come so far, or it is not ours to look at.
    #[default]
    No,
    /// It holds.
    Yes,
    /// It does not, in a sentence. Whether it was let pass, the session's end says.
    Fault(String),
}

/// The facts of a certificate (RFC 5280), for eyes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Certificate {
    /// Whom it is for: `CN=localhost`.
    pub subject: String,
    /// Who signed it.
    pub issuer: String,
    /// The names and addresses that it holds for (subjectAltName).
    pub names: Vec<String>,
    /// From when it holds, in seconds since 1970.
    pub not_before: i64,
    /// Until when.
    pub not_after: i64,
    /// The kind of its key: `P-256`, `RSA 2048`.
    pub key: String,
    /// Its serial number, in lower-case hex.
    pub serial: String,
    /// The SHA-256 of the whole, in lower-case hex.
    pub sha256: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_words_say_what_there_is_to_filter_by() {
        let leg = |version: &str| Some(Leg { version: Some(version.to_owned()), ..Leg::default() });
        let fault = Verified::Fault("it has expired".to_owned());
        let bad = leg("TLS 1.2").map(|leg| Leg { verified: fault.clone(), ..leg });
        let broken = Some(Leg { verified: fault, ..Leg::default() });
        for (client, server, words) in [
            (None, None, ""),
            (leg("TLS 1.3"), leg("TLS 1.3"), "TLS 1.3"),
            (leg("TLS 1.3"), bad, "TLS 1.3 TLS 1.2 unverified"),
            (leg("TLS 1.3"), broken, "TLS 1.3 failed unverified"),
            (None, Some(Leg::default()), "failed"),
        ] {
            assert_eq!(Tls { client, server }.words(), words);
        }
    }
}
