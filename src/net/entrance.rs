//! The ways in: which addresses are listened on, and where what comes to each of them goes.

use std::io;
use std::net::{SocketAddr, TcpListener};

use socket2::{Domain, Socket, Type};

use super::serve::Route;
use super::{StartError, Target};

/// Where what comes to a listener goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entrance {
    /// All to one server.
    Reverse(Target),
    /// To the servers that its clients name: CONNECT, absolute form, SOCKS5.
    Forward,
    /// To where it was going when the kernel redirected it here (Linux).
    Transparent,
}

/// A listener that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listen {
    /// The addresses of one name, which share a port. Port 0 takes a free one.
    pub addresses: Vec<SocketAddr>,
    /// Where what comes to it goes.
    pub entrance: Entrance,
}

/// An address that is listened on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listening {
    /// The address, with the port that the system chose.
    pub address: SocketAddr,
    /// Where what comes to it goes.
    pub entrance: Entrance,
}

impl Entrance {
    pub(super) fn route(&self) -> Route {
        match self {
            Entrance::Reverse(target) => Route::Reverse(target.authority.clone()),
            Entrance::Forward => Route::Forward,
            // Until it is known where a connection was going.
            Entrance::Transparent => Route::Own,
        }
    }
}

impl Listen {
    /// At one address.
    pub fn new(address: SocketAddr, entrance: Entrance) -> Listen {
        Listen { addresses: vec![address], entrance }
    }

    /// Begins to listen on each of its addresses.
    pub(super) fn open(&self) -> Result<Vec<(TcpListener, Listening)>, StartError> {
        // The port that is free at one address may be taken at the next.
        const TRIES: usize = 8;
        let mut opened = self.try_open();
        for _ in 1..TRIES {
            match &opened {
                Err(StartError::Listen(address, error))
                    if address.port() == 0 && error.kind() == io::ErrorKind::AddrInUse =>
                {
                    opened = self.try_open();
                }
                _ => break,
            }
        }
        opened
    }

    fn try_open(&self) -> Result<Vec<(TcpListener, Listening)>, StartError> {
        let mut opened: Vec<(TcpListener, Listening)> = Vec::new();
        let mut missing = None;
        for wanted in &self.addresses {
            let port = opened.first().map_or(wanted.port(), |(_, first)| first.address.port());
            let listener = listen_on(SocketAddr::new(wanted.ip(), port));
            match listener.and_then(|listener| Ok((listener.local_addr()?, listener))) {
                Ok((address, listener)) => {
                    if self.entrance == Entrance::Transparent {
                        take_foreign(&listener, address);
                    }
                    opened.push((listener, Listening { address, entrance: self.entrance.clone() }));
                }
                // A name may have an address that this machine does not: there is no IPv6 everywhere.
                Err(error)
                    if !matches!(
                        error.kind(),
                        io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied
                    ) =>
                {
                    missing = Some(StartError::Listen(*wanted, error));
                }
                Err(error) => return Err(StartError::Listen(*wanted, error)),
            }
        }
        match missing {
            Some(error) if opened.is_empty() => Err(error),
            _ => Ok(opened),
        }
    }
}

/// Lets a listener take connections to addresses that are not this machine's, as TPROXY brings them. That needs a
/// privilege, which REDIRECT and DNAT do without: where it is refused, they work all the same.
#[cfg(target_os = "linux")]
fn take_foreign(listener: &TcpListener, address: SocketAddr) {
    let socket = socket2::SockRef::from(listener);
    let _ = if address.is_ipv4() {
        socket.set_ip_transparent_v4(true)
    } else {
        socket.set_ip_transparent_v6(true)
    };
}

#[cfg(not(target_os = "linux"))]
fn take_foreign(_: &TcpListener, _: SocketAddr) {}

pub(super) fn listen_on(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    // Elsewhere it would let another program take the port as well.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    if address.is_ipv6() && address.ip().is_unspecified() {
        // All addresses means those of IPv4 as well; a system that cannot do it listens on the others.
        let _ = socket.set_only_v6(false);
    }
    socket.bind(&address.into())?;
    socket.listen(4096)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_one_name_share_a_port() {
        let free = ["127.0.0.1:0", "127.0.0.2:0"].map(|address| address.parse().unwrap());
        let listen = Listen { addresses: free.to_vec(), entrance: Entrance::Forward };
        let opened = listen.open().unwrap();
        let addresses: Vec<_> = opened.iter().map(|(_, listening)| listening.address).collect();
        assert_eq!(addresses.len(), 2);
        assert_eq!(addresses[0].port(), addresses[1].port());
        assert_ne!(addresses[0].ip(), addresses[1].ip());
    }

    #[test]
    fn an_address_that_is_not_here_is_done_without_where_another_is() {
        // TEST-NET-1 (RFC 5737 3) is nobody's.
        let [foreign, own] = ["192.0.2.1:0", "127.0.0.1:0"].map(|address| address.parse().unwrap());
        let listen = Listen { addresses: vec![foreign, own], entrance: Entrance::Forward };
        let opened = listen.open().unwrap();
        assert_eq!(opened.len(), 1);
        assert!(opened[0].1.address.ip().is_loopback());
        assert!(Listen::new(foreign, Entrance::Forward).open().is_err());
        assert!(Listen::new(opened[0].1.address, Entrance::Forward).open().is_err());
    }
}
