//! What sockeye prints and records without a screen: JSON lines for programs, one line a message for eyes.

pub mod schema;
