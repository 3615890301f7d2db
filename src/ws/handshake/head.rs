//! Heads of HTTP/1 requests and responses, read leniently and without loss: every byte stays what and where it was.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

/// The head of a request.
#[derive(Clone, PartialEq, Eq)]
pub struct RequestHead {
    headers: Headers,
    method: Range<usize>,
    target: Range<usize>,
    version: (u8, u8),
}

/// The head of a response.
#[derive(Clone, PartialEq, Eq)]
pub struct ResponseHead {
    headers: Headers,
    version: (u8, u8),
    status: u16,
    reason: Range<usize>,
}

/// The bytes of a head and the header lines in them, in their order.
#[derive(Clone, PartialEq, Eq)]
pub struct Headers {
    raw: Vec<u8>,
    start_line: Range<usize>,
    lines: Vec<Line>,
}

/// One header line, with its continuations if it is folded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header<'a> {
    /// The name as it came; the whole line where there is no colon.
    pub name: &'a [u8],
    /// What stands behind the colon, without the blanks around it; a folded value with its line breaks.
    pub value: &'a [u8],
    /// The line with all its blanks and its line end.
    pub raw: &'a [u8],
    /// What about it is not as RFC 9112 5 wants it, if anything.
    pub oddity: Option<&'static str>,
}

/// Why bytes are not the head of an HTTP/1 message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeadError {
    /// No empty line ends it.
    Incomplete,
    /// It does not begin as HTTP/1 does.
    NotHttp,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Line {
    raw: Range<usize>,
    name: Range<usize>,
    value: Range<usize>,
}

/// How long the head at the start of `bytes` is, with the empty line that ends it; `None` when it is not all there.
///
/// Lines may end in LF alone, and empty lines before the first are let pass (RFC 9112 2.2).
pub fn head_length(bytes: &[u8]) -> Option<usize> {
    let mut at = empty_lines(bytes);
    let mut begun = false;
    loop {
        let end = at + memchr::memchr(b'\n', &bytes[at..])? + 1;
        if begun && empty_lines(&bytes[at..end]) > 0 {
            return Some(end);
        }
        begun = true;
        at = end;
    }
}

impl RequestHead {
    /// Reads the head at the start of `bytes`; what stands behind it is not looked at.
    pub fn parse(bytes: &[u8]) -> Result<RequestHead, HeadError> {
        let headers = Headers::parse(bytes, looks_like_request)?;
        let line = headers.start_line.clone();
        let text = headers.raw[line.clone()].trim_ascii_end();
        let first = text.iter().position(|byte| *byte == b' ').ok_or(HeadError::NotHttp)?;
        let last = text.iter().rposition(|byte| *byte == b' ').ok_or(HeadError::NotHttp)?;
        let version = parse_version(&text[last + 1..]).ok_or(HeadError::NotHttp)?;
        let method = line.start..line.start + first;
        let target = trim(&headers.raw, line.start + first..line.start + last.max(first));
        Ok(RequestHead { method, target, version, headers })
    }

    /// The method, as `GET`.
    pub fn method(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.headers.raw[self.method.clone()])
    }

    /// The request target as it came, as `/chat?room=1`.
    pub fn target(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.headers.raw[self.target.clone()])
    }

    /// The HTTP version, as `(1, 1)`.
    pub fn version(&self) -> (u8, u8) {
        self.version
    }

    /// The header lines.
    pub fn headers(&self) -> &Headers {
        &self.headers
    }

    /// The head as it came, its closing empty line included.
    pub fn raw(&self) -> &[u8] {
        &self.headers.raw
    }

    /// The first line without its line end.
    pub fn start_line(&self) -> &[u8] {
        self.headers.start_line()
    }
}

impl ResponseHead {
    /// Reads the head at the start of `bytes`; what stands behind it is not looked at.
    pub fn parse(bytes: &[u8]) -> Result<ResponseHead, HeadError> {
        let headers = Headers::parse(bytes, looks_like_response)?;
        let line = headers.start_line.clone();
        let text = &headers.raw[line.clone()];
        let mut words = text.splitn(3, |byte| *byte == b' ');
        let version = words.next().and_then(parse_version).ok_or(HeadError::NotHttp)?;
        let status = words.next().unwrap_or_default();
        let [a @ b'0'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9'] = *status else {
            return Err(HeadError::NotHttp);
        };
        let status = [a, b, c].iter().fold(0, |number, digit| number * 10 + u16::from(digit - b'0'));
        let reason = line.end - words.next().unwrap_or_default().len()..line.end;
        Ok(ResponseHead { version, status, reason, headers })
    }

    /// The status, as 101.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The words behind the status, as `Switching Protocols`; may be empty.
    pub fn reason(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.headers.raw[self.reason.clone()])
    }

    /// The HTTP version, as `(1, 1)`.
    pub fn version(&self) -> (u8, u8) {
        self.version
    }

    /// The header lines.
    pub fn headers(&self) -> &Headers {
        &self.headers
    }

    /// The head as it came, its closing empty line included.
    pub fn raw(&self) -> &[u8] {
        &self.headers.raw
    }

    /// The first line without its line end.
    pub fn start_line(&self) -> &[u8] {
        self.headers.start_line()
    }
}

impl Headers {
    /// The lines in their order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Header<'_>> + ExactSizeIterator {
        self.lines.iter().map(|line| self.header(line))
    }

    /// The values of all lines of this name, in whatever case.
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.iter()
            .filter(move |header| header.name.eq_ignore_ascii_case(name.as_bytes()))
            .map(|header| header.value)
    }

    /// The value of the first line of this name.
    pub fn first(&self, name: &str) -> Option<&[u8]> {
        let mut lines = self.lines.iter();
        lines
            .find(|line| self.raw[line.name.clone()].eq_ignore_ascii_case(name.as_bytes()))
            .map(|line| &self.raw[line.value.clone()])
    }

    /// The first value of this name as text.
    pub fn text(&self, name: &str) -> Option<Cow<'_, str>> {
        self.first(name).map(String::from_utf8_lossy)
    }

    /// Whether there is a line of this name.
    pub fn contains(&self, name: &str) -> bool {
        self.first(name).is_some()
    }

    /// How many lines there are of this name.
    pub fn count(&self, name: &str) -> usize {
        self.values(name).count()
    }

    /// The elements of the comma-separated lists in all lines of this name; empty ones left out.
    pub fn elements<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.values(name)
            .flat_map(|value| value.split(|byte| *byte == b','))
            .map(<[u8]>::trim_ascii)
            .filter(|element| !element.is_empty())
    }

    /// Whether `token` is among the elements, in whatever case.
    pub fn has_token(&self, name: &str, token: &str) -> bool {
        self.elements(name).any(|element| element.eq_ignore_ascii_case(token.as_bytes()))
    }

    /// The first line without its line end.
    pub fn start_line(&self) -> &[u8] {
        &self.raw[self.start_line.clone()]
    }

    fn header(&self, line: &Line) -> Header<'_> {
        let at = |range: &Range<usize>| &self.raw[range.clone()];
        let (raw, name) = (at(&line.raw), at(&line.name));
        let oddity = if line.value.start == line.raw.start {
            Some("there is no colon in it")
        } else if self.raw[line.name.end] != b':' || line.name.start > line.raw.start {
            Some("there are blanks around its name")
        } else if at(&line.value).contains(&b'\n') {
            Some("it is folded over several lines")
        } else if name.is_empty() {
            Some("it has no name")
        } else {
            None
        };
        let value = if line.value.start == line.raw.start { &[] } else { at(&line.value) };
        Header { name, value, raw, oddity }
    }

    fn parse(bytes: &[u8], plausible: fn(&[u8]) -> bool) -> Result<Headers, HeadError> {
        let begin = empty_lines(bytes);
        if !plausible(&bytes[begin..]) {
            return Err(HeadError::NotHttp);
        }
        let raw = bytes[..head_length(bytes).ok_or(HeadError::Incomplete)?].to_vec();
        let mut lines: Vec<Line> = vec![];
        let start_line = line_at(&raw, begin);
        let mut at = start_line.end;
        while let line = line_at(&raw, at)
            && line.end < raw.len()
        {
            at = line.end;
            match lines.last_mut() {
                // RFC 9112 5.2: a line that begins with a blank continues the one before
                Some(last)
                    if matches!(raw[line.start], b' ' | b'\t') && last.value.start > last.raw.start =>
                {
                    last.raw.end = line.end;
                    last.value = trim(&raw, last.value.start..line.end);
                }
                _ => lines.push(split_line(&raw, line)),
            }
        }
        let start_line = without_line_end(&raw, start_line);
        Ok(Headers { raw, start_line, lines })
    }
}

impl fmt::Debug for RequestHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RequestHead").field(&self.headers).finish()
    }
}

impl fmt::Debug for ResponseHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ResponseHead").field(&self.headers).finish()
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.raw.escape_ascii())
    }
}

/// How long the empty lines at the start of `bytes` are together.
fn empty_lines(bytes: &[u8]) -> usize {
    let mut rest = bytes;
    while let [b'\n', behind @ ..] | [b'\r', b'\n', behind @ ..] = rest {
        rest = behind;
    }
    bytes.len() - rest.len()
}

/// Whether bytes may become a request line: a token and a blank, as far as they go.
fn looks_like_request(bytes: &[u8]) -> bool {
    // a line end that is not all there yet
    if bytes == b"\r" {
        return true;
    }
    let word = bytes.iter().take_while(|byte| byte.is_ascii_graphic()).count();
    word == bytes.len() || word > 0 && bytes[word] == b' '
}

/// Whether bytes may become a status line: `HTTP/`, as far as they go.
fn looks_like_response(bytes: &[u8]) -> bool {
    bytes == b"\r" || bytes.iter().zip(b"HTTP/").all(|(byte, expected)| byte.eq_ignore_ascii_case(expected))
}

/// `HTTP/1.1`; the minor version may be missing.
fn parse_version(word: &[u8]) -> Option<(u8, u8)> {
    if !word.get(..5)?.eq_ignore_ascii_case(b"HTTP/") {
        return None;
    }
    match word[5..].trim_ascii() {
        [major @ b'0'..=b'9'] => Some((major - b'0', 0)),
        [major @ b'0'..=b'9', b'.', minor @ b'0'..=b'9'] => Some((major - b'0', minor - b'0')),
        _ => None,
    }
}

/// The line that begins at `at`, with its line end.
fn line_at(raw: &[u8], at: usize) -> Range<usize> {
    let length = memchr::memchr(b'\n', &raw[at..]).map_or(raw.len() - at, |found| found + 1);
    at..at + length
}

fn split_line(raw: &[u8], line: Range<usize>) -> Line {
    match raw[line.clone()].iter().position(|byte| *byte == b':') {
        Some(colon) => Line {
            name: trim(raw, line.start..line.start + colon),
            value: trim(raw, line.start + colon + 1..line.end),
            raw: line,
        },
        // a value that begins where the line does says that there is none
        None => Line { name: without_line_end(raw, line.clone()), value: line.start..line.start, raw: line },
    }
}

fn without_line_end(raw: &[u8], line: Range<usize>) -> Range<usize> {
    let text = &raw[line.clone()];
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    line.start..line.start + text.len()
}

fn trim(raw: &[u8], range: Range<usize>) -> Range<usize> {
    let text = &raw[range.clone()];
    let start = range.start + (text.len() - text.trim_ascii_start().len());
    start..start + text.trim_ascii().len()
}

#[cfg(test)]
mod tests;
