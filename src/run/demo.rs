//! `sockeye demo`: something to look at.

use super::{Failure, USAGE};
use crate::cli::DemoOptions;

/// Runs the demo.
pub fn demo(_: DemoOptions) -> Result<(), Failure> {
    Err(Failure::new(USAGE, "the demo is not built yet"))
}
