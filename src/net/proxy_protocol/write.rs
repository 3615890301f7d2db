//! Headers of the PROXY protocol as they are written.

use std::net::IpAddr;

use super::{Addresses, ProxyProtocol, SIGNATURE, TCP4, TCP6};

/// The header that tells of `addresses`; where they are not known, or are not of one family, it says that.
pub(in crate::net) fn header(version: ProxyProtocol, addresses: Option<Addresses>) -> Vec<u8> {
    match version {
        ProxyProtocol::V1 => line(addresses),
        ProxyProtocol::V2 => octets(addresses),
    }
}

fn line(addresses: Option<Addresses>) -> Vec<u8> {
    let Some((family, source, destination)) = addresses.and_then(family) else {
        return b"PROXY UNKNOWN\r\n".to_vec();
    };
    let family = if family == TCP4 { "TCP4" } else { "TCP6" };
    let ((source, source_port), (destination, destination_port)) = (source, destination);
    format!("PROXY {family} {source} {destination} {source_port} {destination_port}\r\n").into_bytes()
}

fn octets(addresses: Option<Addresses>) -> Vec<u8> {
    /// Version 2, and the command PROXY: the connection is relayed for another.
    const VERSION_AND_COMMAND: u8 = 0x21;
    const UNSPECIFIED: u8 = 0;
    let mut body = Vec::new();
    let mut kind = UNSPECIFIED;
    if let Some((family, source, destination)) = addresses.and_then(family) {
        kind = family;
        [source.0, destination.0].iter().for_each(|ip| match ip {
            IpAddr::V4(ip) => body.extend(ip.octets()),
            IpAddr::V6(ip) => body.extend(ip.octets()),
        });
        [source.1, destination.1].iter().for_each(|port| body.extend(port.to_be_bytes()));
    }
    let length = (body.len() as u16).to_be_bytes();
    [&SIGNATURE[..], &[VERSION_AND_COMMAND, kind], &length, &body].concat()
}

type Place = (IpAddr, u16);

/// The family of both addresses, where they have one in common, and both without what IPv6 puts around IPv4.
fn family(addresses: Addresses) -> Option<(u8, Place, Place)> {
    let [source, destination] = [addresses.source, addresses.destination]
        .map(|address| (address.ip().to_canonical(), address.port()));
    match (source.0, destination.0) {
        (IpAddr::V4(_), IpAddr::V4(_)) => Some((TCP4, source, destination)),
        (IpAddr::V6(_), IpAddr::V6(_)) => Some((TCP6, source, destination)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(source: &str, destination: &str) -> Option<Addresses> {
        Some(Addresses { source: source.parse().unwrap(), destination: destination.parse().unwrap() })
    }

    #[track_caller]
    fn check(addresses: Option<Addresses>, v1: &str, v2: &[u8]) {
        let written = header(ProxyProtocol::V1, addresses);
        assert_eq!(String::from_utf8(written).unwrap(), v1);
        let written = header(ProxyProtocol::V2, addresses);
        assert_eq!(written.escape_ascii().to_string(), v2.escape_ascii().to_string());
    }

    #[test]
    fn both_versions_name_both_ends() {
        check(
            addresses("192.0.2.1:4660", "198.51.100.2:443"),
            "PROXY TCP4 192.0.2.1 198.51.100.2 4660 443\r\n",
            b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x01\xc6\x33\x64\x02\x12\x34\x01\xbb",
        );
        check(
            addresses("[2001:db8::1]:1", "[::1]:8080"),
            "PROXY TCP6 2001:db8::1 ::1 1 8080\r\n",
            b"\r\n\r\n\0\r\nQUIT\n\x21\x21\0\x24\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\
              \0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\x01\x1f\x90",
        );
    }

    #[test]
    fn ipv4_within_ipv6_is_ipv4_and_a_zone_stays_at_home() {
        let mapped = addresses("[::ffff:192.0.2.1]:7", "[::ffff:192.0.2.2]:8");
        assert_eq!(header(ProxyProtocol::V1, mapped), b"PROXY TCP4 192.0.2.1 192.0.2.2 7 8\r\n");
        let linked = addresses("[fe80::1%3]:7", "[fe80::2%3]:8");
        assert_eq!(header(ProxyProtocol::V1, linked), b"PROXY TCP6 fe80::1 fe80::2 7 8\r\n");
    }

    #[test]
    fn what_is_not_known_is_not_made_up() {
        let nothing = b"\r\n\r\n\0\r\nQUIT\n\x21\0\0\0";
        check(None, "PROXY UNKNOWN\r\n", nothing);
        check(addresses("192.0.2.1:1", "[::1]:2"), "PROXY UNKNOWN\r\n", nothing);
    }
}
