//! The lines that say where the proxy listens.

use crate::net::{Entrance, Listening};

/// One line for each address; what it is for, only where that is not the same for all.
pub(in crate::headless) fn lines(listen: &[Listening]) -> Vec<String> {
    let differ = listen.windows(2).any(|pair| pair[0].entrance != pair[1].entrance);
    let line = |Listening { address, entrance }: &Listening| match entrance {
        _ if !differ => format!("listening on {address}"),
        Entrance::Reverse(target) => format!("listening on {address} for {target}"),
        Entrance::Forward => format!("listening on {address} as a forward proxy"),
        Entrance::Transparent => format!("listening on {address} for redirected connections"),
    };
    listen.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(address: &str, server: Option<&str>) -> Listening {
        let entrance = server.map_or(Entrance::Forward, |url| Entrance::Reverse(url.parse().unwrap()));
        Listening { address: address.parse().unwrap(), entrance }
    }

    #[test]
    fn what_each_is_for_is_said_where_it_is_not_the_same() {
        assert_eq!(lines(&[at("127.0.0.1:1", Some("ws://h:1"))]), ["listening on 127.0.0.1:1"]);
        assert_eq!(
            lines(&[at("127.0.0.1:1", None), at("[::1]:1", None)]),
            ["listening on 127.0.0.1:1", "listening on [::1]:1"]
        );
        assert_eq!(
            lines(&[at("127.0.0.1:1", Some("ws://h:1")), at("[::1]:2", None)]),
            ["listening on 127.0.0.1:1 for ws://h:1", "listening on [::1]:2 as a forward proxy"]
        );
    }
}
