//! SOCKS version 5 (RFC 1928), as far as a client needs it that wants a TCP connection.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::dial::DialError;
use super::guard::Credentials;
use super::target::Authority;
use super::transport::Transport;

/// The first octet of a client that speaks it.
pub(super) const VERSION: u8 = 5;

/// What is answered (RFC 1928 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    Succeeded = 0,
    NotAllowed = 2,
    HostUnreachable = 4,
    CommandNotSupported = 7,
    AddressTypeNotSupported = 8,
}

impl Reply {
    /// What a client is answered whose server could not be reached.
    pub(super) fn to(error: &DialError) -> Reply {
        match error {
            DialError::Loop(..) | DialError::Page => Reply::NotAllowed,
            _ => Reply::HostUnreachable,
        }
    }
}

/// Reads the greeting and the request; gives the server asked for.
///
/// # Errors
/// Where the client speaks otherwise; it was answered as the RFC says.
pub(super) async fn accept(client: &mut Transport, auth: Option<&Credentials>) -> io::Result<Authority> {
    let [_, count] = octets(client).await?;
    let mut methods = vec![0; count.into()];
    client.read_exact(&mut methods).await?;
    let (wanted, otherwise) = match auth {
        None => {
            (NO_AUTHENTICATION, "the SOCKS client wants to log in: configure it without user and password")
        }
        Some(_) => {
            (USER_AND_PASSWORD, "the SOCKS client does not log in: give it the user and password of --auth")
        }
    };
    if !methods.contains(&wanted) {
        client.write_all(&[VERSION, 0xff]).await?;
        return Err(io::Error::other(otherwise));
    }
    client.write_all(&[VERSION, wanted]).await?;
    if let Some(credentials) = auth {
        log_in(client, credentials).await?;
    }

    let [_, command, _, kind] = octets(client).await?;
    let host = match kind {
        1 => Ipv4Addr::from(octets::<4>(client).await?).to_string(),
        4 => Ipv6Addr::from(octets::<16>(client).await?).to_string(),
        3 => {
            let [length] = octets(client).await?;
            let mut name = vec![0; length.into()];
            client.read_exact(&mut name).await?;
            String::from_utf8_lossy(&name).into_owned()
        }
        other => {
            reply(client, Reply::AddressTypeNotSupported).await?;
            return Err(io::Error::other(format!("SOCKS address type {other} is not known")));
        }
    };
    let port = u16::from_be_bytes(octets(client).await?);
    const CONNECT: u8 = 1;
    if command != CONNECT {
        reply(client, Reply::CommandNotSupported).await?;
        return Err(io::Error::other(format!("SOCKS command {command} is not supported: only CONNECT is")));
    }
    Ok(Authority::new(host, port))
}

const NO_AUTHENTICATION: u8 = 0;
const USER_AND_PASSWORD: u8 = 2;

/// Has the client say who it is (RFC 1929).
async fn log_in(client: &mut Transport, credentials: &Credentials) -> io::Result<()> {
    const LOGIN: u8 = 1;
    const RIGHT: u8 = 0;
    const WRONG: u8 = 1;
    let [version, length] = octets(client).await?;
    if version != LOGIN {
        return Err(io::Error::other(format!("version {version} of a SOCKS login is not known")));
    }
    let mut user = vec![0; length.into()];
    client.read_exact(&mut user).await?;
    let [length] = octets(client).await?;
    let mut password = vec![0; length.into()];
    client.read_exact(&mut password).await?;
    let right = credentials.are(&user, &password);
    client.write_all(&[LOGIN, if right { RIGHT } else { WRONG }]).await?;
    if right { Ok(()) } else { Err(io::Error::other("its user or password is not that of --auth")) }
}

/// Tells the client what came of its request.
pub(super) async fn reply(client: &mut Transport, reply: Reply) -> io::Result<()> {
    // The bound address: none that would mean something to the client.
    client.write_all(&[VERSION, reply as u8, 0, 1, 0, 0, 0, 0, 0, 0]).await
}

async fn octets<const N: usize>(client: &mut Transport) -> io::Result<[u8; N]> {
    let mut octets = [0; N];
    client.read_exact(&mut octets).await?;
    Ok(octets)
}
