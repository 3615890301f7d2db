//! Which web pages a browser speaks for, as far as its headers tell (Fetch, 3.2; Fetch Metadata, 2). Pure.
//!
//! Any page may have a browser send requests to this machine. What it must not do is read the proxy's page, or pass
//! for a page of the listener's after its name was made to point here (DNS rebinding).

use std::net::{IpAddr, Ipv6Addr};

use http::{HeaderMap, header};

/// Why a request to the listener's own page is not answered with it, in a sentence; none where it may be.
pub(in crate::net) fn stranger(headers: &HeaderMap, names: &[&str]) -> Option<Stranger> {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let host = text(header::HOST);
    // Every browser names the host; what names none is no browser.
    if host.is_some_and(|host| !is_here(host_name(host), names)) {
        return Some(Stranger::Host);
    }
    let own = |origin: &str| origin.split_once("://").map(|(_, place)| place) == host;
    let site = text(header::HeaderName::from_static("sec-fetch-site"));
    let from_elsewhere = matches!(site, Some("cross-site" | "same-site"));
    let navigates = text(header::HeaderName::from_static("sec-fetch-mode")) == Some("navigate");
    if text(header::ORIGIN).is_some_and(|origin| !own(origin)) || (from_elsewhere && !navigates) {
        return Some(Stranger::Page);
    }
    None
}

/// Who asks for what is not theirs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::net) enum Stranger {
    /// Somebody who calls this machine by a name that is not its own.
    Host,
    /// Another web page.
    Page,
}

/// Whether a `Host` without its port can only mean this machine or a network of the user's own: an address, a name
/// that no public DNS gives out, or one of `names`. What a stranger's DNS could point here is none of these.
pub(in crate::net) fn is_here(host: &str, names: &[&str]) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let is_address =
        address.map_or_else(|| host.parse::<IpAddr>().is_ok(), |host| host.parse::<Ipv6Addr>().is_ok());
    let last = host.rsplit('.').next().unwrap_or_default();
    is_address
        || PRIVATE.contains(&last)
        || last == host
        || names.iter().any(|name| host.eq_ignore_ascii_case(name))
}

/// Top-level names that are nobody's (RFC 6761 6.2 and 6.3; `internal` by ICANN). So is a name without a dot, such as
/// a container's.
const PRIVATE: [&str; 3] = ["internal", "localhost", "test"];

/// A `Host` without its port.
pub(in crate::net) fn host_name(host: &str) -> &str {
    let port = host.rfind(':').filter(|colon| !host[*colon..].contains(']'));
    port.map_or(host, |colon| &host[..colon])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_a_strangers_dns_gives_out_is_not_here() {
        for host in
            ["127.0.0.1:8080", "[::1]:8080", "[::1]", "10.0.0.7", "localhost:1", "LOCALHOST", "app.localhost"]
        {
            assert!(is_here(host_name(host), &[]), "{host}");
        }
        for host in ["sockeye:8080", "host.docker.internal", "my.app.test:80", "me.example:9", "ME.example"] {
            assert!(is_here(host_name(host), &["me.example"]), "{host}");
        }
        for host in [
            "evil.com:8080",
            "evil.com",
            "127.0.0.1.evil.com:8080",
            "localhost.evil.com",
            "x.me.example",
            "evil.com.",
        ] {
            assert!(!is_here(host_name(host), &["me.example"]), "{host}");
        }
    }

    #[track_caller]
    fn check(headers: &[(&'static str, &'static str)], expected: Option<Stranger>) {
        let map =
            headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        assert_eq!(stranger(&map, &[]), expected, "{headers:?}");
    }

    #[test]
    fn only_the_user_reads_the_page() {
        check(&[], None);
        check(&[("host", "127.0.0.1:8080"), ("sec-fetch-site", "none")], None);
        check(&[("host", "localhost:8080"), ("sec-fetch-site", "same-origin")], None);
        // A link elsewhere may lead here.
        check(
            &[("host", "localhost:8080"), ("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")],
            None,
        );
        check(&[("host", "localhost:8080"), ("origin", "http://localhost:8080")], None);
        check(&[("host", "evil.com:8080")], Some(Stranger::Host));
        let from =
            |site| [("host", "localhost:8080"), ("sec-fetch-site", site), ("sec-fetch-mode", "no-cors")];
        check(&from("cross-site"), Some(Stranger::Page));
        check(&from("same-site"), Some(Stranger::Page));
        check(&[("host", "localhost:8080"), ("origin", "https://evil.com")], Some(Stranger::Page));
        check(&[("host", "localhost:8080"), ("origin", "null")], Some(Stranger::Page));
    }
}
