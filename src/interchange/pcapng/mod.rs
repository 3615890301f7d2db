//! pcapng for Wireshark: connections made up around what was recorded, in clear text.
//!
//! The proxy never sees packets. What is exact are the heads, the frames and the times; Ethernet, IP and TCP around them
//! are made so that Wireshark reads them. `docs/interchange.md` says what is made up.

mod block;
mod connection;
mod frames;
mod write;

pub use write::write;

#[cfg(test)]
mod tests;
