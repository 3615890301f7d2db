//! HTTP heads: `{"line":…,"headers":[[name,value],…]}`, with the exact bytes beside it where joining those would
//! not give them back.

use std::borrow::Cow;
use std::ops::Deref;

use bytes::Bytes;

use super::json::{self, Object};
use super::line::Text;
use super::payload::{self, Body};

/// A head as its line and headers, for eyes; [`Head::is_exact`] tells whether they say it all.
pub(super) struct Head<'a> {
    pub line: Cow<'a, str>,
    pub headers: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    bytes: &'a [u8],
}

impl<'a> Head<'a> {
    /// Reads any bytes.
    pub fn split(bytes: &'a [u8]) -> Head<'a> {
        let mut lines =
            bytes.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        let line = String::from_utf8_lossy(lines.next().unwrap_or_default());
        let headers = lines.filter(|line| !line.is_empty()).map(|line| {
            let (name, value) = match memchr::memchr(b':', line) {
                Some(colon) => (&line[..colon], line[colon + 1..].trim_ascii()),
                None => (line, &b""[..]),
            };
            (String::from_utf8_lossy(name), String::from_utf8_lossy(value))
        });
        let headers = headers.collect();
        Head { line, headers, bytes }
    }

    /// Whether [`join`]ing line and headers gives exactly the bytes.
    pub fn is_exact(&self) -> bool {
        join(&self.line, &self.headers) == self.bytes
    }

    /// All values of a header, joined as one list (RFC 9110 5.3).
    pub fn value(&self, name: &str) -> Option<String> {
        let values = self.headers.iter().filter(|header| header.0.eq_ignore_ascii_case(name));
        values.map(|header| header.1.to_string()).reduce(|all, value| all + ", " + &value)
    }

    /// The version behind `HTTP/` in a request line.
    pub fn request_version(&self) -> Option<&str> {
        self.line.rsplit_once(" HTTP/").map(|parts| parts.1)
    }
}

/// The bytes of a head in the ordinary spacing.
pub(super) fn join(line: &str, headers: &[(impl Deref<Target = str>, impl Deref<Target = str>)]) -> Vec<u8> {
    let mut head = format!("{line}\r\n");
    for (name, value) in headers {
        for part in [&**name, ": ", &**value, "\r\n"] {
            head.push_str(part);
        }
    }
    head.push_str("\r\n");
    head.into_bytes()
}

/// A key with a head; with null where there is none.
pub(super) fn write(object: &mut Object, key: &str, head: &[u8]) {
    match head {
        [] => object.null(key),
        _ => object.object(key, |inner| fill(inner, head)),
    }
}

/// A key with a head and the body behind it; with null where there is neither.
pub(super) fn write_with_body(object: &mut Object, key: &str, head: &[u8], body: &Body) {
    if head.is_empty() && body.is_empty() {
        return object.null(key);
    }
    object.object(key, |inner| {
        if !head.is_empty() {
            fill(inner, head);
        }
        payload::write_body(inner, body);
    });
}

fn fill(object: &mut Object, bytes: &[u8]) {
    let head = Head::split(bytes);
    object.string("line", &head.line);
    object.list("headers", &head.headers, |out, (name, value)| {
        json::list(out, [name, value], |out, text| json::string(out, text));
    });
    if head.is_exact() {
        return;
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => object.string("raw", text),
        Err(_) => object.string("raw_base64", &payload::base64(bytes)),
    }
}

/// A head as a line holds it.
#[derive(Debug, Default, serde::Deserialize)]
pub(super) struct HeadLine<'a> {
    #[serde(borrow)]
    line: Option<Text<'a>>,
    #[serde(borrow, default)]
    headers: Vec<(Text<'a>, Text<'a>)>,
    #[serde(borrow)]
    raw: Option<Text<'a>>,
    #[serde(borrow)]
    raw_base64: Option<Text<'a>>,
    #[serde(borrow)]
    body: Option<Text<'a>>,
    #[serde(borrow)]
    body_base64: Option<Text<'a>>,
    pub size: Option<u64>,
}

impl HeadLine<'_> {
    /// The head's bytes; none for a head that was not there.
    pub fn bytes(&self) -> Result<Bytes, String> {
        if let Some(raw) = &self.raw {
            return Ok(Bytes::from(raw.to_string()));
        }
        if let Some(raw) = &self.raw_base64 {
            return payload::from_base64("raw_base64", raw);
        }
        let Some(line) = &self.line else {
            return Ok(Bytes::new());
        };
        let broken = |text: &str| text.contains('\n');
        if broken(line) || self.headers.iter().any(|header| broken(&header.0) || broken(&header.1)) {
            return Err(
                "a head has a line break inside its line or a header: write such bytes as \"raw\"".to_owned()
            );
        }
        Ok(Bytes::from(join(line, &self.headers)))
    }

    /// The body's bytes.
    pub fn body(&self) -> Result<Bytes, String> {
        match (&self.body, &self.body_base64) {
            (Some(text), _) => Ok(Bytes::from(text.to_string())),
            (None, Some(base64)) => payload::from_base64("body_base64", base64),
            (None, None) => Ok(Bytes::new()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;
    use crate::headless::lines::written;

    #[track_caller]
    fn check(head: &[u8], expected: &str) {
        let written = line(head);
        assert_eq!(written, format!("{{\"head\":{expected}}}"));
        assert_eq!(back(&written), head);
    }

    fn line(head: &[u8]) -> String {
        written(|out| {
            let mut object = Object::begin(out);
            write(&mut object, "head", head);
            object.end();
        })
    }

    fn back(written: &str) -> Bytes {
        #[derive(serde::Deserialize)]
        struct Line<'a> {
            #[serde(borrow)]
            head: Option<HeadLine<'a>>,
        }
        let line: Line = serde_json::from_str(written).unwrap();
        line.head.unwrap_or_default().bytes().unwrap()
    }

    #[test]
    fn an_ordinary_head_is_its_line_and_headers() {
        check(b"", "null");
        check(
            b"GET / HTTP/1.1\r\nHost: a\r\nX-Two: b\r\nx-two: c: d\r\n\r\n",
            r#"{"line":"GET / HTTP/1.1","headers":[["Host","a"],["X-Two","b"],["x-two","c: d"]]}"#,
        );
        check(b"HTTP/1.1 101 \r\n\r\n", r#"{"line":"HTTP/1.1 101 ","headers":[]}"#);
    }

    #[test]
    fn an_odd_head_carries_its_bytes() {
        check(
            b"GET / HTTP/1.1\nHost:a\r\n folded\r\n\r\n",
            r#"{"line":"GET / HTTP/1.1","headers":[["Host","a"],[" folded",""]],"raw":"GET / HTTP/1.1\nHost:a\r\n folded\r\n\r\n"}"#,
        );
        check(
            b"GET / HTTP/1.1\r\nX: \xe9\r\n\r\n",
            "{\"line\":\"GET / HTTP/1.1\",\"headers\":[[\"X\",\"\u{fffd}\"]],\"raw_base64\":\"R0VUIC8gSFRUUC8xLjENClg6IOkNCg0K\"}",
        );
    }

    #[test]
    fn a_line_break_in_a_header_is_refused() {
        let head: HeadLine = serde_json::from_str(r#"{"line":"GET / HTTP/1.1\r\nX: y"}"#).unwrap();
        assert!(head.bytes().unwrap_err().contains("line break"));
    }

    proptest! {
        #[test]
        fn any_bytes_come_back(
            head in vec(select(&b"aZ :\t\r\n\n\xc3\xa9\xff"[..]), 0..40),
            exact in any::<bool>(),
        ) {
            let head = if exact { [&b"GET / HTTP/1.1\r\n"[..], &head[..], b"\r\n\r\n"].concat() } else { head };
            prop_assert_eq!(&back(&line(&head))[..], &head[..]);
        }
    }
}
