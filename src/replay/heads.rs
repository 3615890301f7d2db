//! The heads that a player opens a session with, or answers an opening with: as recorded, and true for the live end.

use bytes::Bytes;

use super::cast::{Part, origin_form};
use super::visit::Then;
use crate::ws::handshake::{RequestHead, ResponseHead, accept_key};

/// The recorded 101 with the `Sec-WebSocket-Accept` of this request (RFC 6455 4.2.2), and with permessage-deflate only
/// where it is offered again, on the terms that are offered.
pub fn switching(part: &Part, request: &RequestHead) -> Bytes {
    let Ok(recorded) = ResponseHead::parse(&part.opening.response) else { return Bytes::new() };
    let key = request.headers().first("Sec-WebSocket-Key").unwrap_or_default();
    let mut head = recorded.start_line().trim_ascii_end().to_vec();
    head.extend_from_slice(b"\r\n");
    let mut line = |name: &[u8], value: &[u8]| head.extend([name, b": ", value, b"\r\n"].concat());
    for header in recorded.headers().iter() {
        let is = |name: &str| header.name.eq_ignore_ascii_case(name.as_bytes());
        if is("Sec-WebSocket-Accept") {
            line(header.name, accept_key(key).as_bytes());
        } else if is("Sec-WebSocket-Extensions") {
            if header.value.starts_with(b"permessage-deflate")
                && let Some(terms) = deflate_terms(request)
            {
                line(header.name, terms.as_bytes());
            }
        } else {
            line(header.name, header.value);
        }
    }
    head.extend_from_slice(b"\r\n");
    head.into()
}

/// The recorded request for another server: with its name, a key of its own, and the server's form of the target.
pub fn request(part: &Part, host: &str, key: &str) -> Bytes {
    let opening = &part.opening;
    let recorded = if opening.sent.is_empty() { &opening.request } else { &opening.sent };
    let Ok(recorded) = RequestHead::parse(recorded) else { return Bytes::new() };
    let mut head = format!("{} {} HTTP/1.1\r\n", recorded.method(), part.target()).into_bytes();
    for header in recorded.headers().iter() {
        let is = |name: &str| header.name.eq_ignore_ascii_case(name.as_bytes());
        let value = match () {
            () if is("Host") => host.as_bytes(),
            () if is("Sec-WebSocket-Key") => key.as_bytes(),
            () => header.value,
        };
        head.extend([header.name, b": ", value, b"\r\n"].concat());
    }
    head.extend_from_slice(b"\r\n");
    head.into()
}

/// A live request for another server: with its name, and the server's form of the target.
pub fn forwarded(request: &RequestHead, host: &str) -> Vec<u8> {
    let target = request.target();
    let mut head = format!("{} {} HTTP/1.1\r\n", request.method(), origin_form(&target)).into_bytes();
    for header in request.headers().iter() {
        let is_host = header.name.eq_ignore_ascii_case(b"Host");
        let value = if is_host { host.as_bytes() } else { header.value };
        head.extend([header.name, b": ", value, b"\r\n"].concat());
    }
    head.extend_from_slice(b"\r\n");
    head
}

/// A recorded refusal, with its body.
pub fn refusal(part: &Part) -> Bytes {
    let body = part.refusal.as_ref().and_then(|body| body.in_memory().cloned()).unwrap_or_default();
    let Ok(recorded) = ResponseHead::parse(&part.opening.response) else { return Bytes::new() };
    response(&recorded, Some(&body), Then::Close)
}

/// A recorded response with its body, framed anew; without one it is framed as it was.
pub fn response(recorded: &ResponseHead, body: Option<&[u8]>, then: Then) -> Bytes {
    let mut bytes = recorded.start_line().trim_ascii_end().to_vec();
    bytes.extend_from_slice(b"\r\n");
    for header in recorded.headers().iter() {
        let is = |name: &str| header.name.eq_ignore_ascii_case(name.as_bytes());
        // The body is whole, and so has a length.
        let framing = is("Transfer-Encoding") || (is("Content-Length") && body.is_some());
        if !framing && !is("Connection") && !is("Keep-Alive") {
            bytes.extend([header.name, b": ", header.value, b"\r\n"].concat());
        }
    }
    if let Some(body) = body {
        bytes.extend_from_slice(format!("Content-Length: {}\r\n", body.len()).as_bytes());
    }
    if then == Then::Close {
        bytes.extend_from_slice(b"Connection: close\r\n");
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(body.unwrap_or_default());
    bytes.into()
}

/// An answer of the mock's own.
pub fn own(status: &str, sentence: &str) -> Bytes {
    let body = format!("sockeye: {sentence}\n");
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n{body}"
    )
    .into()
}

/// What is answered to the first offer of permessage-deflate: what it asks of the server is granted (RFC 7692 7.1).
fn deflate_terms(request: &RequestHead) -> Option<String> {
    let values = request.headers().values("Sec-WebSocket-Extensions");
    let (offers, _) = crate::ws::extension::parse(values);
    let offer = offers.into_iter().find(|offer| offer.name == "permessage-deflate")?;
    let mut terms = offer.name;
    for parameter in offer.parameters {
        match (parameter.name.as_str(), parameter.value) {
            ("server_max_window_bits", Some(bits)) => {
                terms.push_str(&format!("; server_max_window_bits={bits}"));
            }
            ("server_no_context_takeover" | "client_no_context_takeover", _) => {
                terms.push_str("; ");
                terms.push_str(&parameter.name);
            }
            _ => {}
        }
    }
    Some(terms)
}
