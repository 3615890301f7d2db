//! Sockeye seen from outside: one module for each subject.

mod relay;
mod support;
