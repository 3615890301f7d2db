//! What goes wrong in a handshake, in sentences that say what to do next.

use std::io;

use rustls::{AlertDescription as Alert, CertificateError, Error, InvalidMessage, PeerIncompatible};

use crate::capture::{CertificateRequest, Leg};

/// Why a server could not be talked to.
pub(super) fn of_server(error: &io::Error, leg: &Leg) -> String {
    if leg.asked == CertificateRequest::Unanswered {
        let own = refused_for_certificate(error);
        if own {
            return WANTS_CERTIFICATE.to_owned();
        }
    }
    let Some(fault) = inner(error) else {
        return match error.kind() {
            io::ErrorKind::UnexpectedEof => {
                "the server hung up in the handshake; does it speak TLS on this port?".to_owned()
            }
            _ => error.to_string(),
        };
    };
    match fault {
        Error::InvalidCertificate(_) => {
            format!("{}; --server-ca names a root to trust, --insecure lets it pass", of_certificate(fault))
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
        Error::AlertReceived(Alert::NoApplicationProtocol) | Error::NoApplicationProtocol => {
            format!("the server speaks none of what was offered: {}", leg.offered.join(", "))
        }
        Error::AlertReceived(alert) => format!("the server broke off with the alert {alert:?}"),
        other => other.to_string(),
    }
}

/// What is said where a server wants a certificate of ours, and there is none.
const WANTS_CERTIFICATE: &str =
    "the server wants a client certificate: name one with --client-cert and --client-key";

/// Whether a server broke off as it would over a certificate that it asked for (RFC 8446 6.2).
fn refused_for_certificate(error: &io::Error) -> bool {
    match inner(error) {
        Some(Error::AlertReceived(alert)) => matches!(
            alert,
            Alert::CertificateRequired
                | Alert::HandshakeFailure
                | Alert::BadCertificate
                | Alert::NoCertificate
                | Alert::CertificateUnknown
                | Alert::AccessDenied
        ),
        Some(_) => false,
        // Some say nothing.
        None => true,
    }
}

/// What is wrong with a certificate, in a sentence.
pub(super) fn of_certificate(error: &Error) -> String {
    let Error::InvalidCertificate(fault) = error else { return error.to_string() };
    match fault {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "the server's certificate has expired".to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "the server's certificate is not valid yet: is a clock wrong?".to_owned()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "the server's certificate is for another name".to_owned()
        }
        CertificateError::UnknownIssuer => {
            "the server's certificate is signed by nobody known here".to_owned()
        }
        CertificateError::Revoked => "the server's certificate was revoked".to_owned(),
        other => format!("the server's certificate does not hold: {other}"),
    }
}

/// Why a client broke off, as far as its alert tells.
pub(in crate::net) fn of_client(error: &io::Error) -> String {
    match inner(error) {
        Some(Error::AlertReceived(
            Alert::UnknownCA
            | Alert::BadCertificate
            | Alert::CertificateUnknown
            | Alert::UnsupportedCertificate,
        )) => "the client does not trust the Sockeye CA; `sockeye ca install-help` says how it learns to"
            .to_owned(),
        Some(other) => other.to_string(),
        // Some clients only hang up.
        None if error.kind() == io::ErrorKind::UnexpectedEof => {
            "it hung up on our certificate; does it trust the Sockeye CA? `sockeye ca install-help` says how"
                .to_owned()
        }
        None => error.to_string(),
    }
}

fn inner(error: &io::Error) -> Option<&Error> {
    error.get_ref()?.downcast_ref()
}
