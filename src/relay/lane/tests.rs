//! A lane, one step after the other.
