//! What goes wrong with TLS, in sentences that say what to do next.

use std::io;

use rustls::{AlertDescription as Alert, CertificateError, Error, InvalidMessage, PeerIncompatible};
use time::OffsetDateTime;

use crate::capture::{Certificate, CertificateRequest, Leg, Tls, Verified};
use crate::net::transport::is_reset;

/// Why a server could not be talked to.
pub(super) fn of_server(error: &io::Error, leg: &Leg) -> String {
    let fault = inner(error);
    let alert = match fault {
        Some(Error::AlertReceived(alert)) => Some(*alert),
        _ => None,
    };
    let hung_up = is_reset(error) || error.kind() == io::ErrorKind::UnexpectedEof;
    if let Some(why) = over_certificate(leg, alert).filter(|_| alert.is_some() || hung_up) {
        return why;
    }
    let Some(fault) = fault else {
        return match hung_up {
            true => "the server hung up in the handshake; does it speak TLS on this port?".to_owned(),
            false => error.to_string(),
        };
    };
    match fault {
        Error::InvalidCertificate(_) => {
            let why = of_certificate(fault, &leg.chain);
            match fault {
                Error::InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::Other(_)) => {
                    format!("{why}; --server-ca names a root to trust, --insecure lets it pass")
                }
                _ => format!("{why}; --insecure lets it pass"),
            }
        }
        Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
            "the server does not speak TLS on this port; does ws:// or http:// reach it?".to_owned()
        }
        Error::PeerIncompatible(
            PeerIncompatible::ServerDoesNotSupportTls12Or13
            | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig,
        )
        | Error::AlertReceived(Alert::ProtocolVersion) => {
            "the server speaks no TLS as new as 1.2, and nothing older is spoken here".to_owned()
        }
        Error::AlertReceived(Alert::HandshakeFailure | Alert::InsufficientSecurity) => {
            "the server and Sockeye have no cipher suite in common".to_owned()
        }
        Error::AlertReceived(Alert::UnrecognisedName) => match &leg.server_name {
            Some(name) => format!("the server does not know the name {name}"),
            None => "the server wants to be asked for by name, not by address".to_owned(),
        },
        Error::AlertReceived(Alert::NoApplicationProtocol) | Error::NoApplicationProtocol => format!(
            "the server speaks nothing of what was offered ({}), and HTTP/2 is not spoken here yet; \
             --tls-passthrough leaves it to the client",
            leg.offered.join(", ")
        ),
        Error::AlertReceived(alert) => format!("the server broke off with the alert {alert:?}"),
        other => other.to_string(),
    }
}

/// Why a server broke off, where that is for the client's certificate that it asked for. Of TLS 1.3 that is heard only
/// after the handshake (RFC 8446 4.4.2.4), and some servers say nothing.
pub(in crate::net) fn over_certificate(leg: &Leg, alert: Option<Alert>) -> Option<String> {
    let of_certificates = alert.is_none_or(|alert| {
        matches!(
            alert,
            Alert::CertificateRequired
                | Alert::HandshakeFailure
                | Alert::BadCertificate
                | Alert::NoCertificate
                | Alert::CertificateUnknown
                | Alert::CertificateExpired
                | Alert::CertificateRevoked
                | Alert::UnsupportedCertificate
                | Alert::UnknownCA
                | Alert::AccessDenied
        )
    });
    // Where it goes while it is still written to, its alert may be lost.
    let how = alert.map_or_else(|| "it hung up".to_owned(), |alert| format!("its alert: {alert:?}"));
    match leg.asked {
        CertificateRequest::Unanswered if of_certificates => Some(format!(
            "the server wants a client certificate ({how}): name one with --client-cert and --client-key"
        )),
        CertificateRequest::Answered if of_certificates => {
            Some(format!("the server does not accept the certificate of --client-cert ({how})"))
        }
        _ => None,
    }
}

/// What is wrong with the certificates that a server showed, in a sentence.
pub(super) fn of_certificate(error: &Error, chain: &[Certificate]) -> String {
    let Error::InvalidCertificate(fault) = error else { return error.to_string() };
    let own = chain.first().cloned().unwrap_or_default();
    match fault {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            let expired = chain.iter().map(|certificate| certificate.not_after).min();
            format!("the server's certificate has expired{}", expired.and_then(day).unwrap_or_default())
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "the server's certificate is not valid yet: is a clock wrong?".to_owned()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            match own.names.get(..MOST_NAMES).unwrap_or(&own.names) {
                [] => "the server's certificate is for no name at all (it has no subjectAltName)".to_owned(),
                names => format!("the server's certificate is for another name: {}", names.join(", ")),
            }
        }
        // webpki takes none that may be an authority for a server's.
        CertificateError::UnknownIssuer | CertificateError::Other(_) if own.subject == own.issuer => {
            "the server's certificate is signed by itself".to_owned()
        }
        CertificateError::UnknownIssuer => {
            let last = chain.last().cloned().unwrap_or_default();
            format!("the server's certificate is signed by nobody known here: {}", last.issuer)
        }
        CertificateError::Revoked => "the server's certificate was revoked".to_owned(),
        other => format!("the server's certificate does not hold: {other}"),
    }
}

/// Names of a certificate that are told where it is for others.
const MOST_NAMES: usize = 5;

fn day(seconds: i64) -> Option<String> {
    OffsetDateTime::from_unix_timestamp(seconds).ok().map(|time| format!(" on {}", time.date()))
}

/// What a session's reader should know of the server's TLS.
pub(in crate::net) fn notes(tls: &Tls) -> Vec<String> {
    let mut notes = Vec::new();
    let Some(leg) = &tls.server else { return notes };
    if let Verified::Fault(fault) = &leg.verified {
        notes.push(format!("{fault}; --insecure let it pass"));
    }
    if leg.asked == CertificateRequest::Unanswered {
        let host = leg.server_name.as_deref().unwrap_or("HOST");
        let own = match &tls.client {
            Some(_) => format!(
                "; one of the client's own cannot be passed on, but --tls-passthrough {host} leaves it to the client"
            ),
            None => String::new(),
        };
        notes.push(format!("the server asked for a client certificate: --client-cert shows it one{own}"));
    }
    notes
}

/// How a client broke off.
pub(in crate::net) enum Refusal {
    /// It does not take our certificate, or seems not to.
    Certificate(String),
    /// Something else.
    Other(String),
}

/// Why a client broke off, as far as its alert tells.
pub(in crate::net) fn of_client(error: &io::Error) -> Refusal {
    match inner(error) {
        Some(Error::AlertReceived(alert)) => of_alert(*alert),
        Some(Error::NoApplicationProtocol) => Refusal::Other(
            "the client speaks HTTP/2 alone, which is not spoken here yet: let it offer HTTP/1.1".to_owned(),
        ),
        Some(other) => Refusal::Other(other.to_string()),
        // Some clients only hang up.
        None if is_reset(error) || error.kind() == io::ErrorKind::UnexpectedEof => hung_up(),
        None => Refusal::Other(error.to_string()),
    }
}

/// The same, of an alert that came later.
pub(in crate::net) fn of_alert(alert: Alert) -> Refusal {
    match alert {
        Alert::UnknownCA
        | Alert::BadCertificate
        | Alert::CertificateUnknown
        | Alert::CertificateExpired
        | Alert::UnsupportedCertificate => Refusal::Certificate(
            "the client does not trust the Sockeye CA; `sockeye ca install-help` says how it learns to"
                .to_owned(),
        ),
        alert => Refusal::Other(format!("the client broke off with the alert {alert:?}")),
    }
}

/// The same, of a client that says nothing.
pub(in crate::net) fn hung_up() -> Refusal {
    Refusal::Certificate(
        "the client hung up on our certificate; does it trust the Sockeye CA? `sockeye ca install-help` says how"
            .to_owned(),
    )
}

/// The alert in an error, where it is one.
pub(in crate::net) fn alert(error: &io::Error) -> Option<Alert> {
    match inner(error) {
        Some(Error::AlertReceived(alert)) => Some(*alert),
        _ => None,
    }
}

fn inner(error: &io::Error) -> Option<&Error> {
    error.get_ref()?.downcast_ref()
}
