//! Why there is no WebSocket, in one sentence: answers other than 101, and bytes that are no HTTP at all.

use super::doctor::Finding;
use super::head::{HeadError, RequestHead, ResponseHead};
use crate::ws::quote;

/// Explains an answer other than 101.
pub(super) fn explain(request: &RequestHead, response: &ResponseHead, fault: Option<&Finding>) -> String {
    let (status, reason) = (response.status(), response.reason());
    let answer = if reason.is_empty() { status.to_string() } else { format!("{status} {reason}") };
    let (because, section) = match (status, fault) {
        (426, _) if versions(response).is_some() => because(request, response),
        // what the request lacks explains the answers that complain about the request or did not see a handshake
        (200..=299 | 400 | 404 | 405 | 426 | 501, Some(fault)) => (fault.sentence.clone(), fault.section),
        _ => because(request, response),
    };
    format!("the server answered {answer}, not 101: {because} ({section})")
}

fn because(request: &RequestHead, response: &ResponseHead) -> (String, &'static str) {
    let target = request.target();
    let words = match response.status() {
        401 => credentials(response, "WWW-Authenticate", "it"),
        407 => credentials(response, "Proxy-Authenticate", "a proxy on the way"),
        403 => return origin(request),
        426 => return upgrade_required(request, response),
        300..=303 | 307 | 308 => redirect(response),
        100..=199 => "that is an answer before the answer, and none followed".into(),
        200..=299 => format!(
            "{} is an ordinary page there, or a proxy in between dropped the Upgrade header; check the path",
            quote(&target)
        ),
        400 => {
            "it finds the request wrong; a proxy in between may have altered it, or a parameter is missing"
                .into()
        }
        404 | 410 => format!("there is nothing at {}; check the path", quote(&target)),
        405 => format!("{} does not take a {}; check the path", quote(&target), request.method()),
        408 => "the request took too long to arrive".into(),
        421 => "it does not serve this host on this connection; check the Host header".into(),
        429 => format!("there were too many requests{}", retry(response)),
        431 => "the request's headers are too large, most often its cookies".into(),
        500 => "it failed while handling the request; its own log says why".into(),
        501 | 505 => "it does not know how to do that; it may not speak WebSocket at all".into(),
        502 => "a gateway in front of the server could not reach it, or did not understand its answer".into(),
        503 => format!("it, or what a gateway would pass this on to, is not available{}", retry(response)),
        504 => "a gateway in front of the server got no answer from it in time".into(),
        _ => "it did not accept the handshake".into(),
    };
    (words, "RFC 6455 4.1")
}

fn credentials(response: &ResponseHead, header: &str, who: &str) -> String {
    let challenge = response.headers().text(header).unwrap_or_default();
    match challenge.split([' ', ',']).next() {
        Some(scheme) if !scheme.is_empty() => {
            format!("{who} wants credentials ({}); the request has none that it takes", quote(scheme))
        }
        _ => format!("{who} wants credentials: a cookie, a token or an Authorization header that it takes"),
    }
}

fn origin(request: &RequestHead) -> (String, &'static str) {
    let words = match request.headers().text("Origin") {
        Some(origin) => {
            format!("it refuses this client; most often because the Origin {} is not allowed", quote(&origin))
        }
        None => "it refuses this client; it may want an Origin header, a cookie or a token".into(),
    };
    (words, "RFC 6455 10.2")
}

fn upgrade_required(request: &RequestHead, response: &ResponseHead) -> (String, &'static str) {
    let asked = request.headers().text("Sec-WebSocket-Version").unwrap_or_default();
    match versions(response) {
        Some(versions) => {
            let words = format!(
                "it speaks WebSocket version {}, and the client asked for {}",
                quote(&versions),
                if asked.is_empty() { "none".into() } else { quote(&asked) }
            );
            (words, "RFC 6455 4.4")
        }
        None => {
            let words =
                "it wants an upgrade and saw none; a proxy in between may have dropped the Upgrade header";
            (words.into(), "RFC 6455 4.2.2")
        }
    }
}

/// The versions a server says it speaks, when it says so.
fn versions(response: &ResponseHead) -> Option<String> {
    let lines = response.headers().values("Sec-WebSocket-Version").map(String::from_utf8_lossy);
    let versions = lines.collect::<Vec<_>>().join(", ");
    (!versions.is_empty()).then_some(versions)
}

fn redirect(response: &ResponseHead) -> String {
    let Some(location) = response.headers().text("Location") else {
        return "it sends the client elsewhere, but does not say where".into();
    };
    let address = match location.split_once("://") {
        Some(("https", rest)) => format!("wss://{rest}"),
        Some(("http", rest)) => format!("ws://{rest}"),
        _ => location.into_owned(),
    };
    format!(
        "it sends the client on to {}; WebSocket clients seldom follow, so connect there",
        quote(&address)
    )
}

fn retry(response: &ResponseHead) -> String {
    match response.headers().text("Retry-After") {
        Some(after) if after.bytes().all(|byte| byte.is_ascii_digit()) => {
            format!("; it asks to try again in {after} s")
        }
        Some(after) => format!("; it asks to try again at {}", quote(&after)),
        None => String::new(),
    }
}

/// Explains what came from a server in place of an answer; `bytes` is all of it, or enough of it.
pub fn explain_no_response(bytes: &[u8], error: HeadError) -> String {
    match bytes {
        [] => "the server closed the connection without an answer".into(),
        _ if error == HeadError::Incomplete => format!(
            "the server's answer breaks off inside its head, after {} bytes; it begins {}",
            bytes.len(),
            beginning(bytes)
        ),
        [0x15, 0x03, ..] => {
            "the server answered with a TLS alert: it expects TLS here, so connect with wss:// or https://"
                .into()
        }
        // an HTTP/2 SETTINGS frame: RFC 9113 3.4 has the server begin with one
        [0, _, _, 0x04, ..] => "the server speaks HTTP/2 here and no HTTP/1.1".into(),
        [0x81 | 0x82 | 0x88 | 0x89, ..] => {
            "the server sent WebSocket frames without answering the handshake first".into()
        }
        _ => match protocol(bytes) {
            Some(name) => format!("the server does not speak HTTP here but {name}"),
            None => format!("the server's answer is no HTTP; it begins {}", beginning(bytes)),
        },
    }
}

/// Explains what came from a client in place of a request; `bytes` is all of it, or enough of it.
pub fn explain_no_request(bytes: &[u8], error: HeadError) -> String {
    match bytes {
        [] => "the client closed the connection without a request".into(),
        _ if error == HeadError::Incomplete => format!(
            "the client's request breaks off inside its head, after {} bytes; it begins {}",
            bytes.len(),
            beginning(bytes)
        ),
        [0x16, 0x03, ..] => "the client began with TLS (wss:// or https://), where none is expected".into(),
        [b'P', b'R', b'I', b' ', b'*', ..] => {
            "the client speaks HTTP/2 without asking; HTTP/1.1 is expected".into()
        }
        [0x81 | 0x82 | 0x88 | 0x89, second, ..] if second & 0x80 != 0 => {
            "the client sent WebSocket frames without an opening handshake".into()
        }
        _ => match protocol(bytes) {
            Some(name) => format!("the client does not speak HTTP but {name}"),
            None => format!("the client's request is no HTTP; it begins {}", beginning(bytes)),
        },
    }
}

/// What else is often found behind a port.
fn protocol(bytes: &[u8]) -> Option<&'static str> {
    const GREETINGS: [(&[u8], &str); 7] = [
        (b"SSH-", "SSH"),
        (b"220", "SMTP or FTP"),
        (b"+OK", "POP3 or Redis"),
        (b"* OK", "IMAP"),
        (b"-ERR", "Redis"),
        (b"AMQP", "AMQP"),
        (b"RFB ", "VNC"),
    ];
    GREETINGS.iter().find(|(greeting, _)| bytes.starts_with(greeting)).map(|(_, name)| *name)
}

fn beginning(bytes: &[u8]) -> String {
    quote(&bytes[..bytes.len().min(24)].escape_ascii().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use HeadError::{Incomplete, NotHttp};

    #[test]
    fn answers_that_are_no_http() {
        for (bytes, error, expected) in [
            (&b""[..], Incomplete, "the server closed the connection without an answer"),
            (
                b"\x15\x03\x01\x00\x02",
                NotHttp,
                "the server answered with a TLS alert: it expects TLS here, so connect with wss:// or https://",
            ),
            (b"\0\0\x12\x04\0\0\0\0\0", NotHttp, "the server speaks HTTP/2 here and no HTTP/1.1"),
            (b"SSH-2.0-OpenSSH", NotHttp, "the server does not speak HTTP here but SSH"),
            (
                b"\x81\x02hi",
                NotHttp,
                "the server sent WebSocket frames without answering the handshake first",
            ),
            (b"<html>\r\n", NotHttp, "the server's answer is no HTTP; it begins \"<html>\\r\\n\""),
            (
                b"HTTP/1.1 10",
                Incomplete,
                "the server's answer breaks off inside its head, after 11 bytes; it begins \"HTTP/1.1 10\"",
            ),
        ] {
            assert_eq!(explain_no_response(bytes, error), expected);
        }
    }

    #[test]
    fn requests_that_are_no_http() {
        for (bytes, error, expected) in [
            (&b""[..], Incomplete, "the client closed the connection without a request"),
            (
                b"\x16\x03\x01\x02\x00",
                NotHttp,
                "the client began with TLS (wss:// or https://), where none is expected",
            ),
            (b"PRI * HTTP/2.0\r\n", NotHttp, "the client speaks HTTP/2 without asking; HTTP/1.1 is expected"),
            (b"\x81\x82abcdef", NotHttp, "the client sent WebSocket frames without an opening handshake"),
            (b"AMQP\0\0\x09\x01", NotHttp, "the client does not speak HTTP but AMQP"),
            (b"hello\n", NotHttp, "the client's request is no HTTP; it begins \"hello\\n\""),
            (
                b"GET / HT",
                Incomplete,
                "the client's request breaks off inside its head, after 8 bytes; it begins \"GET / HT\"",
            ),
        ] {
            assert_eq!(explain_no_request(bytes, error), expected);
        }
    }
}
