//! Words of the command line into what they mean, or into a sentence that says what to give.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::time::Duration;

use sockeye::capture::SMALLEST_LIMIT;
use sockeye::config::Size;
use sockeye::filter::Filter;
use sockeye::headless::Output;

/// An address to listen on; a port alone means this machine.
pub(super) fn address(word: &str) -> Result<SocketAddr, String> {
    addresses(word).map(|addresses| addresses[0])
}

/// The addresses of a name to listen on, of which there is one at least, IPv4 first.
pub(super) fn addresses(word: &str) -> Result<Vec<SocketAddr>, String> {
    let wrong = || format!("{word:?} is no address to listen on: give host:port, such as 127.0.0.1:8080");
    // A port alone is meant for this machine.
    let word = match word.strip_prefix(':').unwrap_or(word) {
        port if port.parse::<u16>().is_ok() => format!("127.0.0.1:{port}"),
        _ => word.to_owned(),
    };
    if let Some(port) = word.strip_prefix("localhost:").and_then(|port| port.parse().ok()) {
        // Both, whatever the system's list of hosts says: an app may try either (RFC 6761 6.3).
        return Ok(vec![(Ipv4Addr::LOCALHOST, port).into(), (Ipv6Addr::LOCALHOST, port).into()]);
    }
    let mut addresses: Vec<_> = word.to_socket_addrs().map_err(|_| wrong())?.collect();
    addresses.sort();
    addresses.dedup();
    if addresses.is_empty() { Err(wrong()) } else { Ok(addresses) }
}

/// A time that is not zero.
pub(super) fn seconds(word: &str) -> Result<Duration, String> {
    seconds_if_any(word).ok().filter(|duration| !duration.is_zero()).ok_or_else(|| no_time(word))
}

/// A time, which may be none at all.
pub(super) fn seconds_if_any(word: &str) -> Result<Duration, String> {
    let seconds = word.strip_suffix('s').unwrap_or(word).parse().ok();
    seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).ok_or_else(|| no_time(word))
}

fn no_time(word: &str) -> String {
    format!("{word:?} is no time: give seconds, such as 30")
}

/// The log's limit.
pub(super) fn limit(word: &str) -> Result<Size, String> {
    let size: Size = word.parse().map_err(|error: sockeye::config::SizeError| error.to_string())?;
    let least = Size(SMALLEST_LIMIT);
    if size.0 < least.0 { Err(format!("the log needs {least} at least")) } else { Ok(size) }
}

/// What headless prints.
pub(super) fn output(word: &str) -> Result<Output, String> {
    let names = Output::ALL.map(Output::name).join(", ");
    Output::from_name(word).ok_or_else(|| format!("{word:?} is no output: one of {names}"))
}

/// A filter.
pub(super) fn filter(word: &str) -> Result<Filter, String> {
    Filter::parse(word).map_err(|error| error.to_string())
}
