//! The MUSTs of RFC 6455 section 5 and RFC 7692 that traffic can break, one variant each.

/// A broken MUST.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Violation {}
