//! Asking a SOCKS5 proxy for a connection (RFC 1928), with user and password where there are some (RFC 1929).

use std::io;
use std::net::IpAddr;

use tokio::io::AsyncReadExt;

use super::super::socks5::VERSION;
use super::super::transport::Transport;
use super::parent::Login;

const NO_AUTHENTICATION: u8 = 0;
const USER_AND_PASSWORD: u8 = 2;
const NO_ACCEPTABLE_METHOD: u8 = 0xff;

/// What a SOCKS5 proxy may answer to a request (RFC 1928 6).
const REPLIES: [&str; 9] = [
    "succeeded",
    "general failure",
    "not allowed by its rules",
    "network unreachable",
    "host unreachable",
    "connection refused",
    "TTL expired",
    "command not supported",
    "address type not supported",
];

/// Has the proxy connect to `host`, a name or an address, and `port`.
///
/// # Errors
/// What it answered, in words.
pub(super) async fn ask(
    proxy: &mut Transport,
    host: &str,
    port: u16,
    login: Option<&Login>,
) -> Result<(), String> {
    greet(proxy, login).await?;
    let mut request = vec![VERSION, 1, 0];
    match host.parse() {
        Ok(IpAddr::V4(ip)) => request.extend([&[1][..], &ip.octets()].concat()),
        Ok(IpAddr::V6(ip)) => request.extend([&[4][..], &ip.octets()].concat()),
        Err(_) => {
            let length =
                u8::try_from(host.len()).map_err(|_| "this name is too long for SOCKS5".to_owned())?;
            request.extend([3, length]);
            request.extend(host.as_bytes());
        }
    }
    request.extend(port.to_be_bytes());
    say(proxy, &request).await?;
    let [_, reply, _, kind] = octets(proxy, CLOSED).await?;
    if reply != 0 {
        let words = REPLIES.get(usize::from(reply)).copied().unwrap_or("a reply that no RFC knows");
        return Err(format!("it answered \"{words}\" ({reply})"));
    }
    // The address that it connected from, which means nothing here.
    let length = match kind {
        1 => 4,
        4 => 16,
        3 => octets::<1>(proxy, CLOSED).await?[0].into(),
        other => {
            return Err(format!("it answered with an address of type {other}, which SOCKS5 does not know"));
        }
    };
    let mut bound = vec![0; length + 2];
    proxy.read_exact(&mut bound).await.map_err(|error| broken(&error, CLOSED))?;
    Ok(())
}

/// Agrees on who asks.
async fn greet(proxy: &mut Transport, login: Option<&Login>) -> Result<(), String> {
    let methods: &[u8] = match login {
        None => &[VERSION, 1, NO_AUTHENTICATION],
        Some(_) => &[VERSION, 2, NO_AUTHENTICATION, USER_AND_PASSWORD],
    };
    say(proxy, methods).await?;
    // Some hang up where they should refuse.
    let closed = if login.is_some() { CLOSED } else { CLOSED_TO_ANYBODY };
    match (octets(proxy, closed).await?, login) {
        ([VERSION, NO_AUTHENTICATION], _) => Ok(()),
        ([VERSION, USER_AND_PASSWORD], Some(login)) => {
            let [user, password] = [&login.user, &login.password];
            // Their lengths were looked at when they were read from the URL.
            let words = [&[1, user.len() as u8][..], user, &[password.len() as u8], password].concat();
            say(proxy, &words).await?;
            match octets(proxy, CLOSED_TO_LOGIN).await? {
                [_, 0] => Ok(()),
                _ => Err("it does not take this user and password".to_owned()),
            }
        }
        ([VERSION, NO_ACCEPTABLE_METHOD], None) => {
            Err("it wants to know who asks; put user and password into --proxy".to_owned())
        }
        ([VERSION, NO_ACCEPTABLE_METHOD], Some(_)) => {
            Err("it wants another proof of who asks than user and password".to_owned())
        }
        ([VERSION, method], _) => Err(format!("it chose a method that was not offered ({method})")),
        ([b'H', b'T'], _) => Err("it speaks HTTP, not SOCKS5: give http:// in --proxy".to_owned()),
        _ => Err("it does not speak SOCKS5".to_owned()),
    }
}

async fn say(proxy: &mut Transport, bytes: &[u8]) -> Result<(), String> {
    if proxy.tell(bytes).await { Ok(()) } else { Err(CLOSED.to_owned()) }
}

async fn octets<const N: usize>(proxy: &mut Transport, closed: &str) -> Result<[u8; N], String> {
    let mut octets = [0; N];
    proxy.read_exact(&mut octets).await.map_err(|error| broken(&error, closed))?;
    Ok(octets)
}

fn broken(error: &io::Error, closed: &str) -> String {
    if error.kind() == io::ErrorKind::UnexpectedEof { closed.to_owned() } else { super::plain(error) }
}

const CLOSED: &str = "it closed the connection without an answer; does it speak SOCKS5?";
const CLOSED_TO_ANYBODY: &str =
    "it closed the connection without an answer; does it speak SOCKS5, and want no user and password?";
const CLOSED_TO_LOGIN: &str = "it closed the connection on hearing user and password; are they right?";
