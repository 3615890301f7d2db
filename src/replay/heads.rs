//! The heads that a player opens a session with, or answers an opening with: as recorded, and true for the live end.

use bytes::Bytes;

use super::cast::{Part, origin_form};
use super::visit::Then;
use crate::ws::handshake::{Header, Headers, RequestHead, ResponseHead, accept_key};

/// The recorded 101 with the `Sec-WebSocket-Accept` of this request (RFC 6455 4.2.2), and with permessage-deflate only
/// where it is offered again, on the terms that are offered.
pub fn switching(part: &Part, request: &RequestHead) -> Bytes {
    let Ok(recorded) = ResponseHead::parse(&part.opening.response) else { return Bytes::new() };
    let key = request.headers().first("Sec-WebSocket-Key").unwrap_or_default();
    let accept = accept_key(key);
    let terms = deflate_terms(request);
    copied(recorded.start_line(), recorded.headers(), |header| {
        if is(header, "Sec-WebSocket-Accept") {
            Some(accept.as_bytes())
        } else if is(header, "Sec-WebSocket-Extensions") {
            let was_deflate = header.value.starts_with(b"permessage-deflate");
            terms.as_ref().filter(|_| was_deflate).map(String::as_bytes)
        } else {
            Some(header.value)
        }
    })
    .into()
}

/// The recorded request for another server: with its name, a key of its own, and the server's form of the target.
pub fn request(part: &Part, host: &str, key: &str) -> Bytes {
    let opening = &part.opening;
    let recorded = if opening.sent.is_empty() { &opening.request } else { &opening.sent };
    let Ok(recorded) = RequestHead::parse(recorded) else { return Bytes::new() };
    let line = format!("{} {} HTTP/1.1", recorded.method(), part.target());
    copied(line.as_bytes(), recorded.headers(), |header| {
        Some(match () {
            () if is(header, "Host") => host.as_bytes(),
            () if is(header, "Sec-WebSocket-Key") => key.as_bytes(),
            () => header.value,
        })
    })
    .into()
}

/// A live request for another server: with its name, and the server's form of the target.
pub fn forwarded(request: &RequestHead, host: &str) -> Vec<u8> {
    let target = request.target();
    let line = format!("{} {} HTTP/1.1", request.method(), origin_form(&target));
    copied(line.as_bytes(), request.headers(), |header| {
        Some(if is(header, "Host") { host.as_bytes() } else { header.value })
    })
}

/// A head with this first line, and of `headers` those with a value that `value` gives.
fn copied<'a>(line: &[u8], headers: &'a Headers, value: impl Fn(&Header<'a>) -> Option<&'a [u8]>) -> Vec<u8> {
    let mut head = [line.trim_ascii_end(), b"\r\n"].concat();
    for header in headers.iter() {
        if let Some(value) = value(&header) {
            head.extend([header.name, b": ", value, b"\r\n"].concat());
        }
    }
    head.extend_from_slice(b"\r\n");
    head
}

fn is(header: &Header<'_>, name: &str) -> bool {
    header.name.eq_ignore_ascii_case(name.as_bytes())
}

/// A recorded refusal, with its body.
pub fn refusal(part: &Part) -> Bytes {
    let body = part.refusal.as_ref().and_then(|body| body.in_memory().cloned()).unwrap_or_default();
    let Ok(recorded) = ResponseHead::parse(&part.opening.response) else { return Bytes::new() };
    response(&recorded, Some(&body), Then::Close)
}

/// A recorded response with its body, framed anew; without one it is framed as it was.
pub fn response(recorded: &ResponseHead, body: Option<&[u8]>, then: Then) -> Bytes {
    let mut bytes = copied(recorded.start_line(), recorded.headers(), |header| {
        // The body is whole, and so has a length.
        let framing = is(header, "Transfer-Encoding") || (is(header, "Content-Length") && body.is_some());
        (!framing && !is(header, "Connection") && !is(header, "Keep-Alive")).then_some(header.value)
    });
    // What the mock says of the framing stands behind the rest.
    bytes.truncate(bytes.len() - b"\r\n".len());
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
