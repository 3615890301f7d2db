//! Servers that are reached without the proxy, as `NO_PROXY` lists them.

use std::net::IpAddr;

/// A list of hosts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NoProxy {
    entries: Vec<Entry>,
}

/// Hosts, and the one port on them that is meant, if not all are.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    hosts: Hosts,
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Hosts {
    All,
    /// The addresses that have these first bits.
    Network(IpAddr, u32),
    /// A name in lower case, and all below it.
    Domain(String),
}

impl NoProxy {
    /// Reads `NO_PROXY`: names (with all below them, whether a dot is in front or not), addresses, networks
    /// (`10.0.0.0/8`) and `*`, each with `:port` where only that is meant, with commas or spaces between.
    pub fn parse(list: &str) -> NoProxy {
        let words = list.split([',', ' ', '\t']).filter(|word| !word.is_empty());
        NoProxy { entries: words.map(Entry::parse).collect() }
    }

    /// Whether `host`, a name or an address without brackets, is listed. Names are not looked up for it.
    pub fn covers(&self, host: &str, port: u16) -> bool {
        let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
        let address = host.parse::<IpAddr>().ok().map(|address| address.to_canonical());
        let meant = |entry: &&Entry| entry.port.is_none_or(|only| only == port);
        self.entries.iter().filter(meant).any(|entry| match &entry.hosts {
            Hosts::All => true,
            Hosts::Network(network, bits) => address.is_some_and(|address| within(address, *network, *bits)),
            Hosts::Domain(name) => {
                let above = host.strip_suffix(name.as_str());
                above.is_some_and(|above| above.is_empty() || above.ends_with('.'))
            }
        })
    }
}

impl Entry {
    fn parse(word: &str) -> Entry {
        if let Some(hosts) = network(word) {
            return Entry { hosts, port: None };
        }
        let (place, port) = match word.rsplit_once(':').map(|(place, port)| (place, port.parse())) {
            Some((place, Ok(port))) => (place, Some(port)),
            _ => (word, None),
        };
        let bare = place.strip_prefix('[').and_then(|place| place.strip_suffix(']')).unwrap_or(place);
        let hosts = match bare {
            "*" => Hosts::All,
            _ => network(bare).unwrap_or_else(|| {
                let name = bare.strip_prefix('*').unwrap_or(bare);
                let name = name.strip_prefix('.').unwrap_or(name);
                Hosts::Domain(name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase())
            }),
        };
        Entry { hosts, port }
    }
}

/// An address, or a network in the notation of RFC 4632.
fn network(word: &str) -> Option<Hosts> {
    let (address, bits) = match word.split_once('/') {
        Some((address, bits)) => (address, Some(bits.parse().ok()?)),
        None => (word, None),
    };
    let address: IpAddr = address.parse().ok()?;
    let longest = if address.is_ipv4() { 32 } else { 128 };
    Some(Hosts::Network(address, bits.unwrap_or(longest).min(longest)))
}

fn within(address: IpAddr, network: IpAddr, bits: u32) -> bool {
    match (address, network) {
        (IpAddr::V4(address), IpAddr::V4(network)) => {
            (address.to_bits() ^ network.to_bits()).leading_zeros() >= bits
        }
        (IpAddr::V6(address), IpAddr::V6(network)) => {
            (address.to_bits() ^ network.to_bits()).leading_zeros() >= bits
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_listed_by_name_address_network_and_port() {
        for (list, host, port, expected) in [
            ("", "localhost", 80, false),
            ("localhost", "LocalHost", 80, true),
            ("example.com", "www.example.com", 80, true),
            ("example.com", "myexample.com", 80, false),
            (".example.com", "www.example.com", 80, true),
            (".example.com", "example.com", 80, true),
            ("*.example.com", "a.b.example.com", 80, true),
            ("Example.COM.", "example.com", 80, true),
            ("example.com", "example.com.", 80, true),
            ("a, b  c,", "c", 80, true),
            ("a, b  c,", "d", 80, false),
            ("*", "anything", 80, true),
            ("*:8080", "anything", 80, false),
            ("*:8080", "anything", 8080, true),
            ("localhost:3000", "localhost", 3000, true),
            ("localhost:3000", "localhost", 3001, false),
            ("127.0.0.1", "127.0.0.1", 80, true),
            ("127.0.0.1", "127.0.0.10", 80, false),
            ("127.0.0.1:80", "127.0.0.1", 81, false),
            ("10.0.0.0/8", "10.255.1.2", 80, true),
            ("10.0.0.0/8", "11.0.0.1", 80, false),
            ("10.0.0.0/8", "10.example.com", 80, false),
            ("0.0.0.0/0", "192.0.2.1", 80, true),
            ("0.0.0.0/0", "::1", 80, false),
            ("192.0.2.128/25", "192.0.2.127", 80, false),
            ("::1", "::1", 80, true),
            ("[::1]:3000", "::1", 3000, true),
            ("[::1]:3000", "::1", 3001, false),
            ("[::1]", "0:0:0:0:0:0:0:1", 80, true),
            ("2001:db8::/32", "2001:db8:1::1", 80, true),
            ("2001:db8::/32", "2001:db9::1", 80, false),
            ("192.0.2.1", "::ffff:192.0.2.1", 80, true),
        ] {
            assert_eq!(NoProxy::parse(list).covers(host, port), expected, "{list:?} {host} {port}");
        }
    }
}
