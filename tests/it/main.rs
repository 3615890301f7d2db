//! Sockeye seen from outside: one module for each subject.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod acts;
mod clients;
mod code;
mod commands;
mod connect;
mod demo;
#[cfg(feature = "cli")]
mod docs;
mod duel;
#[cfg(feature = "cli")]
mod files;
mod format;
mod handshake;
mod http;
mod interchange;
mod listeners;
mod out;
mod page;
mod process;
mod recording;
mod redaction;
mod relay;
mod replay;
mod replay_damage;
mod replay_fidelity;
mod replay_library;
mod replay_passages;
mod replay_program;
mod rules;
mod rules_program;
#[cfg(all(unix, feature = "tui"))]
mod rules_terminal;
#[cfg(unix)]
mod run;
mod safety;
#[cfg(feature = "tui")]
mod sample;
#[cfg(feature = "tui")]
mod screens;
mod stage;
mod support;
#[cfg(all(unix, feature = "tui"))]
mod terminal;
mod tls;
mod told;
mod touch;
#[cfg(target_os = "linux")]
mod transparent;
mod wire;
