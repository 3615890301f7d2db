//! The log as lines: text for eyes, JSON for programs, recordings for later.
