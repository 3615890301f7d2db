//! permessage-deflate: its parameters, and whether an answer fits an offer (RFC 7692 7.1).

use std::fmt;

use super::{Extension, Fault};
use crate::ws::Direction;

/// The agreed parameters of permessage-deflate (RFC 7692 7.1); `Display` writes them as a server's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PermessageDeflate {
    /// The server forgets its compression context after each message.
    pub server_no_context_takeover: bool,
    /// The client forgets its compression context after each message.
    pub client_no_context_takeover: bool,
    /// The server's window is at most 2 to this power, 8 to 15.
    pub server_max_window_bits: u8,
    /// The client's window is at most 2 to this power, 8 to 15.
    pub client_max_window_bits: u8,
}

impl PermessageDeflate {
    /// The extension's name.
    pub const NAME: &'static str = "permessage-deflate";

    /// Whether the one who sends in `direction` forgets its context after each message.
    pub fn no_context_takeover(&self, direction: Direction) -> bool {
        match direction {
            Direction::ToServer => self.client_no_context_takeover,
            Direction::ToClient => self.server_no_context_takeover,
        }
    }

    /// The window bits of the one who sends in `direction`.
    pub fn max_window_bits(&self, direction: Direction) -> u8 {
        match direction {
            Direction::ToServer => self.client_max_window_bits,
            Direction::ToClient => self.server_max_window_bits,
        }
    }
}

impl Default for PermessageDeflate {
    /// With no parameters: contexts taken over, windows of 32 KiB.
    fn default() -> PermessageDeflate {
        PermessageDeflate {
            server_no_context_takeover: false,
            client_no_context_takeover: false,
            server_max_window_bits: 15,
            client_max_window_bits: 15,
        }
    }
}

impl fmt::Display for PermessageDeflate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(PermessageDeflate::NAME)?;
        for (name, holds) in [
            (SERVER_TAKEOVER, self.server_no_context_takeover),
            (CLIENT_TAKEOVER, self.client_no_context_takeover),
        ] {
            if holds {
                write!(f, "; {name}")?;
            }
        }
        for (name, bits) in
            [(SERVER_BITS, self.server_max_window_bits), (CLIENT_BITS, self.client_max_window_bits)]
        {
            if bits != 15 {
                write!(f, "; {name}={bits}")?;
            }
        }
        Ok(())
    }
}

const SERVER_TAKEOVER: &str = "server_no_context_takeover";
const CLIENT_TAKEOVER: &str = "client_no_context_takeover";
const SERVER_BITS: &str = "server_max_window_bits";
const CLIENT_BITS: &str = "client_max_window_bits";

/// Who wrote the parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Offer,
    Answer,
}

/// The parameters as one side wrote them; what it did not write is `None`.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Parameters {
    server_no_context_takeover: bool,
    client_no_context_takeover: bool,
    server_max_window_bits: Option<u8>,
    client_max_window_bits: Option<ClientBits>,
}

/// In an offer the parameter may come without a value: it then says only that the client can be limited.
#[derive(Clone, Copy, Debug)]
enum ClientBits {
    Any,
    Most(u8),
}

impl Parameters {
    /// Reads parameters, leaving out those that are wrong, which are told.
    pub fn read(extension: &Extension, role: Role, faults: &mut Vec<Fault>) -> Parameters {
        let mut read = Parameters::default();
        let mut seen: Vec<&str> = vec![];
        for parameter in &extension.parameters {
            let name = parameter.name.as_str();
            if seen.contains(&name) {
                faults.push(fault("RFC 7692 7.1", format!("permessage-deflate names {name} twice")));
                continue;
            }
            seen.push(name);
            if let Err(fault) = read.set(name, parameter.value.as_deref(), role) {
                faults.push(fault);
            }
        }
        read
    }

    /// What holds when these are a server's answer.
    pub fn agreed(&self) -> PermessageDeflate {
        PermessageDeflate {
            server_no_context_takeover: self.server_no_context_takeover,
            client_no_context_takeover: self.client_no_context_takeover,
            server_max_window_bits: self.server_max_window_bits.unwrap_or(15),
            client_max_window_bits: match self.client_max_window_bits {
                Some(ClientBits::Most(bits)) => bits,
                _ => 15,
            },
        }
    }

    /// Why a server must not answer `offer` with this; `None` when it may.
    pub fn mismatch(&self, offer: &Parameters) -> Option<Fault> {
        if offer.server_no_context_takeover && !self.server_no_context_takeover {
            let sentence =
                "the client demanded server_no_context_takeover, which the server's answer leaves out";
            return Some(fault("RFC 7692 7.1.1.1", sentence.into()));
        }
        match (offer.server_max_window_bits, self.server_max_window_bits) {
            (Some(most), Some(bits)) if bits > most => {
                let sentence = format!(
                    "the client demanded server_max_window_bits of at most {most}, and the server answered {bits}"
                );
                return Some(fault("RFC 7692 7.1.2.1", sentence));
            }
            (Some(most), None) => {
                let sentence = format!(
                    "the client demanded server_max_window_bits of at most {most}, which the server's answer leaves out"
                );
                return Some(fault("RFC 7692 7.1.2.1", sentence));
            }
            _ => {}
        }
        if offer.client_max_window_bits.is_none() && self.client_max_window_bits.is_some() {
            let sentence = "the server sets client_max_window_bits, which the client did not offer";
            return Some(fault("RFC 7692 7.1.2.2", sentence.into()));
        }
        None
    }

    fn set(&mut self, name: &str, value: Option<&str>, role: Role) -> Result<(), Fault> {
        match name {
            SERVER_TAKEOVER => {
                no_value(name, value, "RFC 7692 7.1.1.1")?;
                self.server_no_context_takeover = true;
            }
            CLIENT_TAKEOVER => {
                no_value(name, value, "RFC 7692 7.1.1.2")?;
                self.client_no_context_takeover = true;
            }
            SERVER_BITS => self.server_max_window_bits = Some(window_bits(name, value, "RFC 7692 7.1.2.1")?),
            CLIENT_BITS => {
                self.client_max_window_bits = Some(match (value, role) {
                    (None, Role::Offer) => ClientBits::Any,
                    _ => ClientBits::Most(window_bits(name, value, "RFC 7692 7.1.2.2")?),
                });
            }
            _ => {
                let sentence = format!("permessage-deflate has no parameter {name}");
                return Err(fault("RFC 7692 7.1", sentence));
            }
        }
        Ok(())
    }
}

fn no_value(name: &str, value: Option<&str>, section: &'static str) -> Result<(), Fault> {
    match value {
        None => Ok(()),
        Some(value) => Err(fault(section, format!("{name} takes no value, but has {value}"))),
    }
}

/// RFC 7692 7.1.2: "a decimal integer value without leading zeroes between 8 to 15, inclusive".
fn window_bits(name: &str, value: Option<&str>, section: &'static str) -> Result<u8, Fault> {
    let Some(value) = value else {
        return Err(fault(section, format!("{name} needs a value from 8 to 15, and has none")));
    };
    match value.parse() {
        Ok(bits @ 8..=15) if !value.starts_with(['0', '+']) => Ok(bits),
        _ => Err(fault(section, format!("{name} must be a number from 8 to 15, not {value}"))),
    }
}

fn fault(section: &'static str, sentence: String) -> Fault {
    Fault { sentence, section }
}
