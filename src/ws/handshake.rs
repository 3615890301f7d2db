//! The opening handshake (RFC 6455 4): both heads read as they came, and explained.

mod accept;
mod doctor;
pub mod glance;
mod head;
mod refusal;

pub use accept::accept_key;
pub use doctor::{Examination, Finding, Severity, Side, examine};
pub use head::{HeadError, Header, Headers, RequestHead, ResponseHead, head_length};
pub use refusal::{explain_no_request, explain_no_response};

/// Whether a request wants to become a WebSocket. Broken attempts count, so that they can be explained.
pub fn is_upgrade_attempt(request: &RequestHead) -> bool {
    let headers = request.headers();
    headers.has_token("Upgrade", "websocket")
        || headers.contains("Sec-WebSocket-Key")
        || headers.contains("Sec-WebSocket-Version")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broken_attempts_count() {
        for (head, expected) in [
            ("GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n", true),
            ("GET / HTTP/1.1\r\nupgrade: foo, WebSocket\r\n\r\n", true),
            ("GET / HTTP/1.1\r\nSec-WebSocket-Key: x\r\n\r\n", true),
            ("GET / HTTP/1.1\r\nSEC-WEBSOCKET-VERSION: 8\r\n\r\n", true),
            ("GET / HTTP/1.1\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n", false),
            ("POST / HTTP/1.1\r\nHost: a\r\n\r\n", false),
        ] {
            let request = RequestHead::parse(head.as_bytes()).unwrap();
            assert_eq!(is_upgrade_attempt(&request), expected, "{head}");
        }
    }
}
