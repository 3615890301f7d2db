//! HTTP heads as other formats have them: a line, and pairs of names and values.

use bytes::Bytes;

/// A head taken apart, for eyes: what is not UTF-8 is replaced.
#[derive(Debug, Default, PartialEq)]
pub struct Head {
    /// The request line or status line.
    pub line: String,
    /// Names and values in order.
    pub headers: Vec<(String, String)>,
}

impl Head {
    /// Reads any bytes.
    pub fn split(bytes: &Bytes) -> Head {
        let text = String::from_utf8_lossy(bytes);
        let mut lines = text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line));
        let line = lines.next().unwrap_or_default().to_owned();
        let headers = lines.filter(|line| !line.is_empty()).map(|line| {
            let (name, value) = line.split_once(':').unwrap_or((line, ""));
            (name.to_owned(), value.trim().to_owned())
        });
        Head { line, headers: headers.collect() }
    }

    /// The first value of a header.
    pub fn value(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|header| header.0.eq_ignore_ascii_case(name));
        found.map(|header| header.1.as_str())
    }

    /// Method, target and version of a request line.
    pub fn request_line(&self) -> [&str; 3] {
        let (method, rest) = self.line.split_once(' ').unwrap_or((&self.line, ""));
        let (target, version) = rest.rsplit_once(' ').unwrap_or((rest, ""));
        [method, target, version]
    }

    /// Version, status code and reason of a status line; code 0 where there is none.
    pub fn status_line(&self) -> (&str, u16, &str) {
        let (version, rest) = self.line.split_once(' ').unwrap_or((&self.line, ""));
        let (code, reason) = rest.split_once(' ').unwrap_or((rest, ""));
        (version, code.parse().unwrap_or(0), reason)
    }
}

/// Path and query of a URL, as a request names them: `/` where there are none.
pub fn target(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |parts| parts.1);
    let rest = rest.split('#').next().unwrap_or_default();
    match rest.find(['/', '?']) {
        Some(start) if rest[start..].starts_with('/') => &rest[start..],
        _ => "/",
    }
}

/// Host and port of a URL, as `Host` names them.
pub fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |parts| parts.1);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    authority.rsplit_once('@').map_or(authority, |parts| parts.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_its_line_and_its_pairs() {
        let head = Head::split(&Bytes::from("GET /a b HTTP/1.1\r\nHost: x:1\r\nX:y: z\r\n\r\n"));
        assert_eq!(head.request_line(), ["GET", "/a b", "HTTP/1.1"]);
        assert_eq!(head.value("host"), Some("x:1"));
        assert_eq!(head.headers[1], ("X".to_owned(), "y: z".to_owned()));
        let head = Head::split(&Bytes::from("HTTP/1.1 101 Switching Protocols\r\n\r\n"));
        assert_eq!(head.status_line(), ("HTTP/1.1", 101, "Switching Protocols"));
        assert_eq!(Head::split(&Bytes::new()).status_line(), ("", 0, ""));
    }

    #[test]
    fn a_url_gives_what_a_request_says() {
        for (url, expected) in [
            ("ws://h:3000/chat?a=b#top", ("h:3000", "/chat?a=b")),
            ("https://me:pw@h", ("h", "/")),
            ("h:443", ("h:443", "/")),
            ("", ("", "/")),
        ] {
            assert_eq!((host(url), target(url)), expected);
        }
    }
}
