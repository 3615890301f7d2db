//! The proxy's own addresses: what is sent to one of them would come back to it for ever.

use std::net::{IpAddr, SocketAddr, UdpSocket};

/// Where the proxy itself listens.
#[derive(Clone, Debug, Default)]
pub(in crate::net) struct Own {
    listening: Vec<SocketAddr>,
}

impl Own {
    /// The addresses as they were bound, with the ports that the system chose.
    pub(in crate::net) fn new(listening: Vec<SocketAddr>) -> Own {
        Own { listening }
    }

    /// Whether a connection to `address` would come back.
    pub(in crate::net) fn is_at(&self, address: SocketAddr) -> bool {
        self.listening.iter().any(|listener| reaches(address, *listener, is_local))
    }
}

/// Whether a connection to `address` ends at `listener`.
fn reaches(address: SocketAddr, listener: SocketAddr, is_local: impl Fn(IpAddr) -> bool) -> bool {
    if address.port() != listener.port() {
        return false;
    }
    let (to, at) = (address.ip().to_canonical(), listener.ip().to_canonical());
    // To connect to no address in particular is to connect to this machine.
    let anywhere_here = to.is_unspecified() && at.is_loopback();
    to == at || anywhere_here || (at.is_unspecified() && (to.is_unspecified() || is_local(to)))
}

/// Whether an address is this machine's: the system lets only those be bound.
fn is_local(address: IpAddr) -> bool {
    address.is_loopback() || UdpSocket::bind((address, 0)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(address: &str, listener: &str, expected: bool) {
        let mine = |address: IpAddr| ["127.0.0.1", "::1", "10.0.0.1"].contains(&&*address.to_string());
        let found = reaches(address.parse().unwrap(), listener.parse().unwrap(), mine);
        assert_eq!(found, expected, "{address} with a listener at {listener}");
    }

    #[test]
    fn an_address_that_leads_back_is_known() {
        check("127.0.0.1:8080", "127.0.0.1:8080", true);
        check("[::1]:8080", "[::1]:8080", true);
        check("[::ffff:127.0.0.1]:8080", "127.0.0.1:8080", true);
        check("0.0.0.0:8080", "127.0.0.1:8080", true);
        check("10.0.0.1:8080", "0.0.0.0:8080", true);
        check("127.0.0.1:8080", "[::]:8080", true);
        check("[::1]:8080", "[::]:8080", true);
        check("0.0.0.0:8080", "0.0.0.0:8080", true);
    }

    #[test]
    fn other_servers_are_not_taken_for_it() {
        check("127.0.0.1:3000", "127.0.0.1:8080", false);
        check("[::1]:8080", "127.0.0.1:8080", false);
        check("10.0.0.1:8080", "127.0.0.1:8080", false);
        check("10.0.0.2:8080", "0.0.0.0:8080", false);
    }

    #[test]
    fn the_system_knows_which_addresses_are_its_own() {
        assert!(is_local("127.0.0.1".parse().unwrap()));
        // TEST-NET-1 (RFC 5737 3) is nobody's.
        assert!(!is_local("192.0.2.1".parse().unwrap()));
    }
}
