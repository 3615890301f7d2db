//! What the proxy's own page answers: a document, two downloads, and a sentence for everything else. Pure.

use std::fmt::Write;

use bytes::Bytes;
use http::{Method, StatusCode};
use ring::digest;

use super::super::ca::CertAuthority;
use super::super::install::{CAUTION, Install, PROGRAMS, SYSTEMS};

/// An answer, written.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer {
    /// The head as it is sent.
    pub(super) head: Bytes,
    /// What follows it; for HEAD nothing does.
    pub(super) body: Bytes,
}

/// The paths that there are.
pub(super) const PATHS: [&str; 3] = ["/", PEM, DER];
const PEM: &str = "/sockeye-ca.pem";
const DER: &str = "/sockeye-ca.crt";

const TEXT: &str = "text/plain; charset=utf-8";

/// The answer to a request for `path`, without its query.
pub(super) fn answer(method: &Method, path: &str, ca: Option<&CertAuthority>) -> Answer {
    if !PATHS.contains(&path) {
        return refusal(
            method,
            StatusCode::NOT_FOUND,
            "there is no such page here: see http://sockeye.local/",
        );
    }
    if !matches!(*method, Method::GET | Method::HEAD) {
        let sentence = "this is only to be read: GET or HEAD";
        return refusal(method, StatusCode::METHOD_NOT_ALLOWED, sentence);
    }
    match (path, ca) {
        ("/", ca) => written(method, StatusCode::OK, "text/html; charset=utf-8", document(ca).into_bytes()),
        (PEM, Some(ca)) => {
            let pem = ca.certificate_pem().as_bytes().to_vec();
            written(method, StatusCode::OK, "application/x-pem-file", pem)
        }
        (_, Some(ca)) => {
            let der = ca.certificate_der().to_vec();
            written(method, StatusCode::OK, "application/x-x509-ca-cert", der)
        }
        (_, None) => refusal(method, StatusCode::NOT_FOUND, NO_CA),
    }
}

const NO_CA: &str =
    "there is no CA yet: `sockeye ca path` makes one, and the next start of the proxy uses it";

/// An answer that is a sentence.
pub(super) fn refusal(method: &Method, status: StatusCode, sentence: &str) -> Answer {
    written(method, status, TEXT, format!("sockeye: {sentence}\n").into_bytes())
}

fn written(method: &Method, status: StatusCode, kind: &str, body: Vec<u8>) -> Answer {
    let allow = if status == StatusCode::METHOD_NOT_ALLOWED { "Allow: GET, HEAD\r\n" } else { "" };
    // No script runs, nothing is loaded, nobody frames it, and no other page reads it.
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n{allow}\
         Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'\r\n\
         Cross-Origin-Resource-Policy: same-origin\r\nX-Content-Type-Options: nosniff\r\n\
         X-Frame-Options: DENY\r\nReferrer-Policy: no-referrer\r\nCache-Control: no-store\r\n\
         Connection: close\r\n\r\n",
        body.len()
    );
    let body = if *method == Method::HEAD { Bytes::new() } else { body.into() };
    Answer { head: head.into(), body }
}

fn document(ca: Option<&CertAuthority>) -> String {
    let section = ca.map_or_else(|| format!("<p>{}</p>\n", marked(NO_CA)), about);
    include_str!("page.html").replace("{{ca}}", section.trim_end())
}

/// What there is to say of a CA.
fn about(ca: &CertAuthority) -> String {
    const FILE: &str = "sockeye-ca.pem";
    let fingerprint = digest::digest(&digest::SHA256, ca.certificate_der());
    let pairs: Vec<_> = fingerprint.as_ref().iter().map(|octet| format!("{octet:02X}")).collect();
    let mut html = format!(
        "<h2>Its certificate</h2>\n\
         <p>To read <code>wss://</code> and <code>https://</code>, it answers in the servers’ place, with certificates \
         that its own authority (CA) signs. A client has to trust that first.</p>\n\
         <p class=\"get\"><a href=\"{PEM}\" download>PEM</a><a href=\"{DER}\">DER (phones, Windows)</a></p>\n\
         <p>SHA-256 fingerprint:<br><code>{}</code></p>\n\
         <p>This page came unprotected. Compare the fingerprint on the machine that runs the proxy:<br>\
         <code>sockeye ca print | openssl x509 -noout -fingerprint -sha256</code></p>\n\
         <p class=\"caution\">{CAUTION}</p>\n",
        pairs.join(":")
    );
    let mut list = |title: &str, installs: &[Install]| {
        // Writing to a string does not fail.
        let _ = writeln!(html, "<h2>{title}</h2>\n<dl>");
        for install in installs {
            let how = escaped(&install.how(FILE));
            let _ = writeln!(html, "<dt>{}</dt><dd><code>{how}</code></dd>", escaped(install.who));
        }
        html.push_str("</dl>\n");
    };
    list("How to trust it", SYSTEMS);
    list("Or for one program, by its environment", PROGRAMS);
    html
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// A sentence whose commands stand between backticks.
fn marked(text: &str) -> String {
    let parts = text.split('`').enumerate();
    parts.map(|(n, part)| if n % 2 == 1 { format!("<code>{part}</code>") } else { escaped(part) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(method: Method, path: &str, head: &str, body: &str) {
        let answer = answer(&method, path, None);
        let got = (std::str::from_utf8(&answer.head).unwrap(), std::str::from_utf8(&answer.body).unwrap());
        assert!(got.0.starts_with(head) && got.0.ends_with("\r\n\r\n"), "{got:?}");
        assert!(if body.is_empty() { got.1.is_empty() } else { got.1.contains(body) }, "{got:?}");
    }

    #[test]
    fn there_is_a_page_and_nothing_else() {
        check(Method::GET, "/", "HTTP/1.1 200 OK\r\nContent-Type: text/html", "<code>sockeye ca path</code>");
        check(Method::HEAD, "/", "HTTP/1.1 200 OK\r\n", "");
        check(Method::GET, "/x", "HTTP/1.1 404 Not Found\r\n", "no such page");
        check(Method::POST, "/", "HTTP/1.1 405 Method Not Allowed\r\n", "GET or HEAD");
        check(Method::GET, PEM, "HTTP/1.1 404 Not Found\r\n", "sockeye ca path");
    }

    #[test]
    fn the_page_names_the_ca_and_how_to_trust_it() {
        let ca = CertAuthority::new("me@here", time::OffsetDateTime::now_utc()).unwrap();
        let page = document(Some(&ca));
        for part in [
            PEM,
            DER,
            CAUTION,
            "&amp;&amp; sudo update-ca-certificates",
            "NODE_EXTRA_CA_CERTS=sockeye-ca.pem",
        ] {
            assert!(page.contains(part), "{part}: {page}");
        }
        assert!(!page.contains("<script") && !page.contains("src="), "{page}");
        assert_eq!(answer(&Method::GET, DER, Some(&ca)).body, ca.certificate_der());
        assert_eq!(answer(&Method::GET, PEM, Some(&ca)).body, ca.certificate_pem());
    }
}
