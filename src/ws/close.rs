//! The close frame: its status code, what the code means, and its reason (RFC 6455 5.5.1 and 7.4).

/// Whether a status code may stand in a close frame (RFC 6455 7.4 and the registry it opens).
pub fn may_be_sent(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}
