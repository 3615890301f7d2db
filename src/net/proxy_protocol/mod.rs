//! The PROXY protocol, versions 1 and 2: a header in front of a connection's own bytes that says whose connection it
//! is. The specification is HAProxy's `proxy-protocol.txt`.

mod read;
mod write;

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use tokio::io::AsyncReadExt;

use super::transport::Transport;

pub(super) use write::header;

/// Which form of the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyProtocol {
    /// A line of text.
    V1,
    /// Octets.
    V2,
}

/// A client's connection: where it came from, and where it went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Addresses {
    /// The client's.
    pub(super) source: SocketAddr,
    /// The one that the client connected to.
    pub(super) destination: SocketAddr,
}

/// What every header of version 2 begins with.
const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";

/// In the fifth octet of version 2's fixed part: a TCP connection over IPv4, or over IPv6.
const TCP4: u8 = 0x11;
const TCP6: u8 = 0x21;

impl FromStr for ProxyProtocol {
    type Err = String;

    fn from_str(word: &str) -> Result<ProxyProtocol, String> {
        match word {
            "v1" | "1" => Ok(ProxyProtocol::V1),
            "v2" | "2" => Ok(ProxyProtocol::V2),
            _ => Err(format!("{word:?} is no version of the PROXY protocol: give v1 or v2")),
        }
    }
}

impl fmt::Display for ProxyProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ProxyProtocol::V1 => "v1",
            ProxyProtocol::V2 => "v2",
        })
    }
}

/// Reads the header that a client's connection begins with; gives the addresses that it tells.
///
/// # Errors
/// In a sentence about the connection, where there is no header.
pub(super) async fn accept(client: &mut Transport) -> Result<Option<Addresses>, String> {
    let mut bytes = Vec::new();
    loop {
        if let Some(read::Header { length, addresses }) =
            read::read(&bytes).map_err(|fault| fault.to_string())?
        {
            client.rewind(bytes.split_off(length).into());
            return Ok(addresses);
        }
        bytes.reserve(1024);
        match client.read_buf(&mut bytes).await {
            Ok(0) => return Err("it ended before its PROXY protocol header did".to_owned()),
            Ok(_) => {}
            Err(error) => return Err(error.to_string()),
        }
    }
}
