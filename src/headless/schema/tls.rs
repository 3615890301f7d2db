//! What TLS agreed on, to a line's key `tls` and back.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use super::clock;
use super::events::{duration, missing, no_time};
use super::json::{self, Object};
use super::writer::nanoseconds;
use crate::capture::{Certificate, CertificateRequest, Leg, Tls, Verified};
use crate::headless::lines::Lines;

/// The key as it stands in a line.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct TlsLine {
    client: Option<LegLine>,
    server: Option<LegLine>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct LegLine {
    version: Option<String>,
    suite: Option<String>,
    sni: Option<String>,
    alpn: Option<String>,
    offered: Vec<String>,
    /// True, or a sentence that says what is wrong.
    verified: Option<Value>,
    took: Option<f64>,
    chain: Vec<CertificateLine>,
    asked: Option<String>,
    own_chain: Vec<CertificateLine>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct CertificateLine {
    subject: String,
    issuer: String,
    names: Vec<String>,
    from: Option<String>,
    until: Option<String>,
    key: String,
    serial: String,
    sha256: String,
}

/// Writes the key.
pub(super) fn write(line: &mut Object, tls: Option<&Tls>) {
    let Some(tls) = tls else { return line.null("tls") };
    line.object("tls", |object| {
        for (key, leg) in [("client", &tls.client), ("server", &tls.server)] {
            match leg {
                Some(leg) => object.object(key, |object| write_leg(object, leg)),
                None => object.null(key),
            }
        }
    });
}

fn write_leg(object: &mut Object, leg: &Leg) {
    let words =
        [("version", &leg.version), ("suite", &leg.suite), ("sni", &leg.server_name), ("alpn", &leg.alpn)];
    for (key, word) in words {
        if let Some(word) = word {
            object.string(key, word);
        }
    }
    strings(object, "offered", &leg.offered);
    match &leg.verified {
        Verified::No => {}
        Verified::Yes => object.key("verified").push(b"true"),
        Verified::Fault(fault) => object.string("verified", fault),
    }
    if let Some(took) = leg.took {
        object.millis("took", nanoseconds(took));
    }
    write_chain(object, "chain", &leg.chain);
    match leg.asked {
        CertificateRequest::None => {}
        CertificateRequest::Answered => object.string("asked", ANSWERED),
        CertificateRequest::Unanswered => object.string("asked", UNANSWERED),
    }
    write_chain(object, "own_chain", &leg.own_chain);
}

const ANSWERED: &str = "answered";
const UNANSWERED: &str = "unanswered";

fn write_chain(object: &mut Object, key: &str, chain: &[Certificate]) {
    if !chain.is_empty() {
        object.list(key, chain, write_certificate);
    }
}

fn write_certificate(out: &mut Lines, certificate: &Certificate) {
    let mut object = Object::begin(out);
    object.string("subject", &certificate.subject);
    object.string("issuer", &certificate.issuer);
    strings(&mut object, "names", &certificate.names);
    object.string("from", &clock::format_seconds(certificate.not_before));
    object.string("until", &clock::format_seconds(certificate.not_after));
    object.string("key", &certificate.key);
    object.string("serial", &certificate.serial);
    object.string("sha256", &certificate.sha256);
    object.end();
}

fn strings(object: &mut Object, key: &str, texts: &[String]) {
    if !texts.is_empty() {
        object.list(key, texts, |out, text| json::string(out, text));
    }
}

/// Takes the key's value from a line.
///
/// # Errors
/// What cannot be read, in words.
pub(super) fn read(line: Option<TlsLine>) -> Result<Option<Arc<Tls>>, String> {
    let Some(line) = line else { return Ok(None) };
    let [client, server] = [line.client, line.server].map(|leg| leg.map(leg_of).transpose());
    Ok(Some(Arc::new(Tls { client: client?, server: server? })))
}

fn leg_of(line: LegLine) -> Result<Leg, String> {
    let asked = match line.asked.as_deref() {
        None => CertificateRequest::None,
        Some(ANSWERED) => CertificateRequest::Answered,
        Some(UNANSWERED) => CertificateRequest::Unanswered,
        Some(other) => {
            return Err(format!("\"asked\" is neither \"{ANSWERED}\" nor \"{UNANSWERED}\": {other}"));
        }
    };
    Ok(Leg {
        server_name: line.sni,
        offered: line.offered,
        alpn: line.alpn,
        version: line.version,
        suite: line.suite,
        chain: chain(line.chain)?,
        own_chain: chain(line.own_chain)?,
        asked,
        verified: match line.verified {
            None => Verified::No,
            Some(Value::Bool(true)) => Verified::Yes,
            Some(Value::String(fault)) => Verified::Fault(fault),
            Some(other) => {
                return Err(format!("\"verified\" is neither true nor a sentence of what is wrong: {other}"));
            }
        },
        took: line.took.map(|took| duration(took, "took")).transpose()?,
    })
}

fn chain(lines: Vec<CertificateLine>) -> Result<Arc<[Certificate]>, String> {
    lines.into_iter().map(certificate).collect()
}

fn certificate(line: CertificateLine) -> Result<Certificate, String> {
    let seconds = |text: Option<String>, key| {
        let text = text.ok_or_else(|| missing(key))?;
        clock::parse_seconds(&text).ok_or_else(|| no_time(key, &text))
    };
    Ok(Certificate {
        subject: line.subject,
        issuer: line.issuer,
        names: line.names,
        not_before: seconds(line.from, "from")?,
        not_after: seconds(line.until, "until")?,
        key: line.key,
        serial: line.serial,
        sha256: line.sha256,
    })
}
