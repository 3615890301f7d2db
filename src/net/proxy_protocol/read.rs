//! Headers of the PROXY protocol as they are read.

use std::net::{IpAddr, SocketAddr};

use super::{Addresses, SIGNATURE, TCP4, TCP6};

/// A header that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::net) struct Header {
    /// Octets that it takes; what follows is the client's own.
    pub(in crate::net) length: usize,
    /// Whose connection it is. None where it is that of the sender itself, or is not told.
    pub(in crate::net) addresses: Option<Addresses>,
}

/// Why there is no header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::net) enum Fault {
    #[error("it did not begin with a PROXY protocol header, as --accept-proxy-protocol demands")]
    Missing,
    #[error("its PROXY protocol header is damaged")]
    Damaged,
    #[error("its PROXY protocol header is longer than one may be")]
    TooLong,
}

/// What a header of version 1 begins with, and how long it may be, with its line end.
const WORD: &[u8] = b"PROXY";
const LONGEST_LINE: usize = 107;

/// Octets before the addresses of version 2, and those after them that are waited for.
const FIXED: usize = 16;
const LONGEST_REST: usize = 4096;

/// Reads a header at the start of `bytes`; none where there is too little of it yet.
///
/// # Errors
/// As soon as it is clear that none is coming.
pub(in crate::net) fn read(bytes: &[u8]) -> Result<Option<Header>, Fault> {
    let begins = |start: &[u8]| bytes.iter().zip(start).all(|(one, other)| one == other);
    if begins(&SIGNATURE) {
        octets(bytes)
    } else if begins(WORD) {
        line(bytes)
    } else {
        Err(Fault::Missing)
    }
}

fn line(bytes: &[u8]) -> Result<Option<Header>, Fault> {
    let within = &bytes[..bytes.len().min(LONGEST_LINE)];
    let Some(end) = within.windows(2).position(|pair| pair == b"\r\n") else {
        return if bytes.len() < LONGEST_LINE { Ok(None) } else { Err(Fault::TooLong) };
    };
    let text = std::str::from_utf8(&bytes[..end]).map_err(|_| Fault::Damaged)?;
    let words: Vec<&str> = text.split(' ').collect();
    let addresses = match words[..] {
        ["PROXY", "UNKNOWN", ..] => None,
        ["PROXY", family @ ("TCP4" | "TCP6"), source, destination, from, to] => {
            let place = |ip: &str, port: &str| {
                let ip: IpAddr = ip.parse().ok().filter(|ip: &IpAddr| ip.is_ipv4() == (family == "TCP4"))?;
                Some(SocketAddr::new(ip, port.parse().ok()?))
            };
            let source = place(source, from).ok_or(Fault::Damaged)?;
            Some(Addresses { source, destination: place(destination, to).ok_or(Fault::Damaged)? })
        }
        _ => return Err(Fault::Damaged),
    };
    Ok(Some(Header { length: end + 2, addresses }))
}

fn octets(bytes: &[u8]) -> Result<Option<Header>, Fault> {
    const LOCAL: u8 = 0x20;
    const PROXY: u8 = 0x21;
    let Some((fixed, rest)) = bytes.split_first_chunk::<FIXED>() else { return Ok(None) };
    let [.., command, family, high, low] = *fixed;
    if !matches!(command, LOCAL | PROXY) {
        return Err(Fault::Damaged);
    }
    let length = usize::from(u16::from_be_bytes([high, low]));
    if length > LONGEST_REST {
        return Err(Fault::TooLong);
    }
    let Some(rest) = rest.get(..length) else { return Ok(None) };
    let addresses = match (command, family) {
        (PROXY, TCP4) => Some(places::<4>(rest).ok_or(Fault::Damaged)?),
        (PROXY, TCP6) => Some(places::<16>(rest).ok_or(Fault::Damaged)?),
        _ => None,
    };
    Ok(Some(Header { length: FIXED + length, addresses }))
}

/// Two addresses of `N` octets, then their ports.
fn places<const N: usize>(octets: &[u8]) -> Option<Addresses>
where
    IpAddr: From<[u8; N]>,
{
    let (source, rest) = octets.split_first_chunk::<N>()?;
    let (destination, rest) = rest.split_first_chunk::<N>()?;
    let (from, rest) = rest.split_first_chunk::<2>()?;
    let (to, _) = rest.split_first_chunk::<2>()?;
    Some(Addresses {
        source: SocketAddr::new(IpAddr::from(*source), u16::from_be_bytes(*from)),
        destination: SocketAddr::new(IpAddr::from(*destination), u16::from_be_bytes(*to)),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{ProxyProtocol, header};
    use super::*;

    fn addresses(source: &str, destination: &str) -> Option<Addresses> {
        Some(Addresses { source: source.parse().unwrap(), destination: destination.parse().unwrap() })
    }

    #[track_caller]
    fn check(bytes: &[u8], expected: Result<Option<Addresses>, Fault>) {
        let read = read(bytes).map(|header| header.expect("a whole header").addresses);
        assert_eq!(read, expected, "{}", bytes.escape_ascii());
    }

    #[test]
    fn headers_of_version_1() {
        let known = addresses("192.0.2.1:4660", "198.51.100.2:443");
        check(b"PROXY TCP4 192.0.2.1 198.51.100.2 4660 443\r\nGET", Ok(known));
        check(b"PROXY TCP6 2001:db8::1 ::1 1 8080\r\n", Ok(addresses("[2001:db8::1]:1", "[::1]:8080")));
        check(b"PROXY UNKNOWN\r\n", Ok(None));
        check(b"PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n", Ok(None));
        check(b"PROXY TCP4 ::1 ::1 1 2\r\n", Err(Fault::Damaged));
        check(b"PROXY TCP4 192.0.2.1 192.0.2.2 1 99999\r\n", Err(Fault::Damaged));
        check(b"PROXY TCP4 192.0.2.1\r\n", Err(Fault::Damaged));
        check(b"PROXY UDP4 192.0.2.1 192.0.2.2 1 2\r\n", Err(Fault::Damaged));
        check(b"PROXYTCP4\r\n", Err(Fault::Damaged));
        check(&[b"PROXY UNKNOWN ", &[b'x'; 107][..]].concat(), Err(Fault::TooLong));
    }

    #[test]
    fn headers_of_version_2() {
        let head = |rest: &[u8]| [&SIGNATURE[..], rest].concat();
        let four = b"\x21\x11\0\x0f\xc0\0\x02\x01\xc6\x33\x64\x02\x12\x34\x01\xbb\x04\0\0GET";
        check(&head(four), Ok(addresses("192.0.2.1:4660", "198.51.100.2:443")));
        check(&head(b"\x20\x00\0\0"), Ok(None));
        check(&head(b"\x20\x11\0\x0c\xc0\0\x02\x01\xc6\x33\x64\x02\x12\x34\x01\xbb"), Ok(None));
        check(&head(b"\x21\x00\0\x01x"), Ok(None));
        check(&head(b"\x21\x11\0\x01x"), Err(Fault::Damaged));
        check(&head(b"\x11\x11\0\x0c"), Err(Fault::Damaged));
        check(&head(b"\x21\x11\xff\xff"), Err(Fault::TooLong));
    }

    #[test]
    fn what_is_none_is_known_at_once_and_a_part_is_waited_for() {
        assert_eq!(read(b"G"), Err(Fault::Missing));
        assert_eq!(read(b"\x16\x03"), Err(Fault::Missing));
        for part in [&b""[..], b"P", b"PROXY TCP4 192", &SIGNATURE[..3], &SIGNATURE] {
            assert_eq!(read(part), Ok(None), "{}", part.escape_ascii());
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(
            start in prop_oneof![Just(&b""[..]), Just(&b"PROXY "[..]), Just(&SIGNATURE[..])],
            rest in proptest::collection::vec(any::<u8>(), 0..200),
        ) {
            let bytes = [start, &rest].concat();
            if let Ok(Some(header)) = read(&bytes) {
                prop_assert!(header.length <= bytes.len());
            }
        }

        #[test]
        fn what_is_written_is_read_back_however_it_is_cut(
            source in any::<[u8; 4]>(), destination in any::<[u8; 4]>(),
            ports in any::<(u16, u16)>(), wide in any::<bool>(), text in any::<bool>(),
        ) {
            let place = |ip: [u8; 4], port: u16| match wide {
                false => SocketAddr::from((ip, port)),
                true => SocketAddr::from(([0x2001, 0xdb8, 0, 0, 0, 0, u16::from(ip[0]), u16::from(ip[1])], port)),
            };
            let told =
                Addresses { source: place(source, ports.0), destination: place(destination, ports.1) };
            let version = if text { ProxyProtocol::V1 } else { ProxyProtocol::V2 };
            let bytes = header(version, Some(told));
            for cut in 0..bytes.len() {
                prop_assert_eq!(read(&bytes[..cut]), Ok(None));
            }
            let whole = Header { length: bytes.len(), addresses: Some(told) };
            prop_assert_eq!(read(&[&bytes[..], b"more"].concat()), Ok(Some(whole)));
        }
    }
}
