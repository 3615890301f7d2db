//! The `sockeye` binary.

fn main() {}
