//! The close frame: its status code, what the code means, and its reason (RFC 6455 5.5.1 and 7.4).

use std::fmt;

use super::Opcode;

/// What a close frame says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Close<'a> {
    /// Why it closes; `None` when it does not say.
    pub code: Option<StatusCode>,
    /// The words behind the code; UTF-8 if the sender kept to the rules. Holds the one byte of a payload that is half
    /// a code.
    pub reason: &'a [u8],
}

impl<'a> Close<'a> {
    /// How many octets of reason there is room for behind the code (RFC 6455 5.5).
    pub const LONGEST_REASON: usize = Opcode::LONGEST_CONTROL - 2;

    /// Reads a close frame's payload, unmasked.
    pub fn parse(payload: &'a [u8]) -> Close<'a> {
        match payload {
            [high, low, reason @ ..] => {
                Close { code: Some(StatusCode(u16::from_be_bytes([*high, *low]))), reason }
            }
            short => Close { code: None, reason: short },
        }
    }

    /// The payload that says this.
    pub fn to_payload(&self) -> Vec<u8> {
        let mut payload = Vec::with_capacity(2 + self.reason.len());
        if let Some(code) = self.code {
            payload.extend_from_slice(&code.0.to_be_bytes());
        }
        payload.extend_from_slice(self.reason);
        payload
    }
}

/// A status code; `Display` gives it with its name, as `1001 going away`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StatusCode(pub u16);

impl StatusCode {
    /// What the code means, from RFC 6455 7.4 and the registry it opens.
    pub fn name(self) -> &'static str {
        match self.0 {
            0..=999 => "not a code",
            1000 => "normal closure",
            1001 => "going away",
            1002 => "protocol error",
            1003 => "unsupported data",
            1004 => "reserved",
            1005 => "no status, never on the wire",
            1006 => "abnormal closure, never on the wire",
            1007 => "invalid payload data",
            1008 => "policy violation",
            1009 => "message too big",
            1010 => "extension missing",
            1011 => "server error",
            1012 => "service restart",
            1013 => "try again later",
            1014 => "bad gateway",
            1015 => "TLS handshake failed, never on the wire",
            1016..=2999 => "not assigned",
            3000 => "unauthorized",
            3003 => "forbidden",
            3008 => "timeout",
            3001..=3999 => "a library's or framework's own",
            4000..=4999 => "the application's own",
            5000.. => "not a code",
        }
    }

    /// Whether it may stand in a close frame: RFC 6455 7.4 and the registry it opens.
    pub fn may_be_sent(self) -> bool {
        matches!(self.0, 1000..=1003 | 1007..=1014 | 3000..=4999)
    }

    /// Whether it says that nothing went wrong: 1000, 1001 and 1005.
    pub fn is_ordinary(self) -> bool {
        matches!(self.0, 1000 | 1001 | 1005)
    }
}

impl fmt::Display for StatusCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.0, self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_are_read_and_written() {
        let cases: [(&[u8], Option<u16>, &[u8]); 4] = [
            (b"", None, b""),
            (b"\x03", None, b"\x03"),
            (b"\x03\xe8", Some(1000), b""),
            (b"\x0f\xa1bye", Some(4001), b"bye"),
        ];
        for (payload, code, reason) in cases {
            let close = Close::parse(payload);
            assert_eq!(close, Close { code: code.map(StatusCode), reason });
            assert_eq!(close.to_payload(), payload);
        }
    }

    #[test]
    fn codes_have_names() {
        assert_eq!(StatusCode(1000).to_string(), "1000 normal closure");
        assert_eq!(StatusCode(1006).to_string(), "1006 abnormal closure, never on the wire");
        assert_eq!(StatusCode(3000).to_string(), "3000 unauthorized");
        assert_eq!(StatusCode(4999).to_string(), "4999 the application's own");
    }

    #[test]
    fn what_may_be_sent() {
        let allowed: Vec<u16> = (0..=u16::MAX).filter(|code| StatusCode(*code).may_be_sent()).collect();
        let expected: Vec<u16> = (1000..=1003).chain(1007..=1014).chain(3000..=4999).collect();
        assert_eq!(allowed, expected);
    }
}
