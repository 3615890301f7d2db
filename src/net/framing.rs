//! Where an HTTP/1.1 message ends (RFC 9112 section 6), found while its bytes pass by unchanged.

use http::HeaderMap;

/// How long a message's body is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Body {
    /// It has none, or it is over.
    Over,
    /// So many octets are left.
    Length(u64),
    /// Chunks (RFC 9112 7.1), and what is due next.
    Chunked(Chunk),
    /// It goes on until the connection ends.
    UntilClose,
}

/// What the next octet of a chunked body belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chunk {
    /// A line with a chunk's size, so far this; whether the digits are over (extensions follow).
    Size(u64, Digits),
    /// So many octets of data.
    Data(u64),
    /// The line end after a chunk's data.
    DataEnd,
    /// A line of the trailer section; whether it has any octets yet.
    Trailer(Line),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Digits {
    Open,
    Over,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line {
    Empty,
    Begun,
}

/// A part of the bytes that passed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Passed<'a> {
    /// How many octets of what was given belong to the body, its transfer coding included.
    pub(super) octets: usize,
    /// The first run of content in them.
    pub(super) content: &'a [u8],
}

/// What kind of answer a response is, as far as its body's length depends on the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answering {
    Head,
    Other,
}

impl Body {
    /// Of a request with these headers.
    pub(super) fn of_request(headers: &HeaderMap) -> Body {
        match transfer_coding(headers) {
            Some(Coding::Chunked) => Body::CHUNKED,
            // Not legal in a request; the server will say so and close.
            Some(Coding::Other) => Body::UntilClose,
            None => content_length(headers).map_or(Body::Over, Body::length),
        }
    }

    /// Of a response with this status and these headers.
    pub(super) fn of_response(status: u16, headers: &HeaderMap, answering: Answering) -> Body {
        if answering == Answering::Head || matches!(status, 100..200 | 204 | 304) {
            return Body::Over;
        }
        match transfer_coding(headers) {
            Some(Coding::Chunked) => Body::CHUNKED,
            Some(Coding::Other) => Body::UntilClose,
            None => content_length(headers).map_or(Body::UntilClose, Body::length),
        }
    }

    const CHUNKED: Body = Body::Chunked(Chunk::Size(0, Digits::Open));

    fn length(length: u64) -> Body {
        if length == 0 { Body::Over } else { Body::Length(length) }
    }

    pub(super) fn is_over(&self) -> bool {
        *self == Body::Over
    }

    /// Takes in the first run of `bytes` that is of one kind. To be called until nothing is left or the body is over.
    pub(super) fn pass<'a>(&mut self, bytes: &'a [u8]) -> Passed<'a> {
        match self {
            Body::Over => Passed { octets: 0, content: &[] },
            Body::UntilClose => Passed { octets: bytes.len(), content: bytes },
            Body::Length(left) => {
                let content = &bytes[..at_most(bytes, *left)];
                *self = Body::length(*left - content.len() as u64);
                Passed { octets: content.len(), content }
            }
            Body::Chunked(Chunk::Data(left)) => {
                let content = &bytes[..at_most(bytes, *left)];
                *left -= content.len() as u64;
                if *left == 0 {
                    *self = Body::Chunked(Chunk::DataEnd);
                }
                Passed { octets: content.len(), content }
            }
            Body::Chunked(chunk) => {
                let mut octets = 0;
                for octet in bytes {
                    octets += 1;
                    match chunk.pass(*octet) {
                        Some(next) => *chunk = next,
                        None => {
                            *self = Body::Over;
                            break;
                        }
                    }
                    if let Chunk::Data(_) = chunk {
                        break;
                    }
                }
                Passed { octets, content: &[] }
            }
        }
    }
}

impl Chunk {
    /// What is due after this octet; none where it was the last. What is malformed is passed over, as the bytes
    /// are passed on in any case: the receiver is the judge.
    fn pass(self, octet: u8) -> Option<Chunk> {
        Some(match (self, octet) {
            (Chunk::Size(0, _), b'\n') => Chunk::Trailer(Line::Empty),
            (Chunk::Size(size, _), b'\n') => Chunk::Data(size),
            (Chunk::Size(size, Digits::Open), octet) => match char::from(octet).to_digit(16) {
                Some(digit) => {
                    Chunk::Size(size.saturating_mul(16).saturating_add(digit.into()), Digits::Open)
                }
                None => Chunk::Size(size, Digits::Over),
            },
            (Chunk::DataEnd, b'\n') => Chunk::Size(0, Digits::Open),
            (Chunk::Trailer(Line::Empty), b'\n') => return None,
            (Chunk::Trailer(_), b'\n') => Chunk::Trailer(Line::Empty),
            (Chunk::Trailer(line), b'\r') => Chunk::Trailer(line),
            (Chunk::Trailer(_), _) => Chunk::Trailer(Line::Begun),
            (chunk @ (Chunk::Size(..) | Chunk::Data(_) | Chunk::DataEnd), _) => chunk,
        })
    }
}

enum Coding {
    Chunked,
    Other,
}

/// The transfer coding that decides where the body ends: the last named (RFC 9112 6.3).
fn transfer_coding(headers: &HeaderMap) -> Option<Coding> {
    let value = headers.get_all(http::header::TRANSFER_ENCODING).iter().next_back()?;
    let last = value.as_bytes().rsplit(|octet| *octet == b',').next()?.trim_ascii();
    Some(if last.eq_ignore_ascii_case(b"chunked") { Coding::Chunked } else { Coding::Other })
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    let value = headers.get(http::header::CONTENT_LENGTH)?.to_str().ok()?;
    // Repeated in one line, `5, 5`, it counts once.
    value.split(',').next()?.trim().parse().ok()
}

fn at_most(bytes: &[u8], left: u64) -> usize {
    usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len())
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};
    use proptest::prelude::*;

    use super::*;

    fn headers(lines: &[(&str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            headers.append(name, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    /// Passes `bytes` in pieces of `cut`: the content, and how many octets were the body's.
    fn pass_all(mut body: Body, bytes: &[u8], cut: usize) -> (Vec<u8>, usize, Body) {
        let (mut content, mut octets) = (Vec::new(), 0);
        for mut piece in bytes.chunks(cut) {
            while !piece.is_empty() && !body.is_over() {
                let passed = body.pass(piece);
                content.extend_from_slice(passed.content);
                octets += passed.octets;
                piece = &piece[passed.octets..];
            }
        }
        (content, octets, body)
    }

    #[test]
    fn the_length_follows_from_status_and_headers() {
        let chunked = headers(&[("transfer-encoding", "gzip, Chunked")]);
        let five = headers(&[("content-length", "5")]);
        assert_eq!(Body::of_request(&headers(&[])), Body::Over);
        assert_eq!(Body::of_request(&five), Body::Length(5));
        assert_eq!(Body::of_request(&chunked), Body::CHUNKED);
        assert_eq!(Body::of_response(200, &five, Answering::Head), Body::Over);
        assert_eq!(Body::of_response(304, &five, Answering::Other), Body::Over);
        assert_eq!(Body::of_response(200, &headers(&[]), Answering::Other), Body::UntilClose);
        assert_eq!(Body::of_response(200, &five, Answering::Other), Body::Length(5));
        let both = headers(&[("content-length", "5"), ("transfer-encoding", "chunked")]);
        assert_eq!(Body::of_response(200, &both, Answering::Other), Body::CHUNKED);
    }

    #[test]
    fn chunks_end_after_the_trailers_however_they_are_cut() {
        let bytes = b"5;name=\"x\"\r\nhello\r\n1\r\n!\r\n0\r\nX-Sum: 1\r\nY: 2\r\n\r\nGET /next";
        for cut in 1..bytes.len() {
            let (content, octets, body) = pass_all(Body::CHUNKED, bytes, cut);
            assert_eq!((&content[..], body), (&b"hello!"[..], Body::Over), "cut {cut}");
            assert_eq!(&bytes[octets..], b"GET /next");
        }
    }

    #[test]
    fn a_body_of_known_length_ends_there() {
        assert_eq!(pass_all(Body::Length(3), b"abcdef", 2), (b"abc".to_vec(), 3, Body::Over));
    }

    proptest! {
        #[test]
        fn any_bytes_pass_in_any_pieces(bytes in prop::collection::vec(any::<u8>(), 0..200), cut in 1..50usize) {
            let whole = pass_all(Body::CHUNKED, &bytes, usize::MAX);
            prop_assert_eq!(pass_all(Body::CHUNKED, &bytes, cut), whole);
        }
    }
}
