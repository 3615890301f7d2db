//! Sockeye shows what really happens on a WebSocket: a proxy that relays every byte as it came and,
//! beside the relay, decodes, explains, records and lets you look.
//!
//! The modules in reading order, each naming only those above it in this list (checked by `tests/tidy.rs`):

pub mod config;

pub mod ws;

pub mod decode;

pub mod filter;

pub mod rules;

pub mod relay;

pub mod capture;

pub mod control;

pub mod net;

pub mod headless;

pub mod interchange;

pub mod recordings;

pub mod replay;

pub mod diff;

pub mod connect;

#[cfg(feature = "tui")]
pub mod tui;

pub mod demo;
