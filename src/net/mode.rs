//! What a connection speaks, told by its first bytes.

use std::io;

use tokio::io::AsyncReadExt;

use super::socks5;
use super::transport::Transport;

/// What the first bytes are the beginning of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Speech {
    /// An HTTP/1 request.
    Http,
    /// SOCKS version 5.
    Socks5,
    /// A TLS ClientHello.
    Tls,
    /// Something else.
    Other,
    /// Not enough to tell.
    More,
}

/// Methods that begin a request. A word that is none of them may be any protocol's.
const METHODS: [&str; 17] = [
    "GET ",
    "POST ",
    "PUT ",
    "HEAD ",
    "DELETE ",
    "OPTIONS ",
    "PATCH ",
    "CONNECT ",
    "TRACE ",
    "PROPFIND ",
    "PROPPATCH ",
    "MKCOL ",
    "COPY ",
    "MOVE ",
    "LOCK ",
    "REPORT ",
    "SEARCH ",
];

impl Speech {
    pub(super) fn of(bytes: &[u8]) -> Speech {
        match bytes {
            [] => Speech::More,
            [socks5::VERSION, ..] => Speech::Socks5,
            // RFC 8446 5.1: a handshake record of a legacy version 3.x
            [0x16] => Speech::More,
            [0x16, 3, ..] => Speech::Tls,
            _ => {
                // Empty lines before a request are to be passed over (RFC 9112 2.2).
                let start =
                    bytes.iter().position(|octet| !matches!(octet, b'\r' | b'\n')).unwrap_or(bytes.len());
                let bytes = &bytes[start..];
                let begins = |method: &&str| {
                    let common = bytes.len().min(method.len());
                    bytes[..common] == method.as_bytes()[..common]
                };
                match METHODS.iter().filter(|method| begins(method)).map(|method| method.len()).min() {
                    None => Speech::Other,
                    Some(length) if bytes.len() >= length => Speech::Http,
                    Some(_) if start < 16 => Speech::More,
                    Some(_) => Speech::Other,
                }
            }
        }
    }
}

/// Reads until it is clear what the client speaks, into `bytes`, which are then to be put back: also where this is
/// not waited for to its end. None where the client left before a word.
pub(super) async fn first_words(client: &mut Transport, bytes: &mut Vec<u8>) -> io::Result<Option<Speech>> {
    loop {
        match Speech::of(bytes) {
            Speech::More => {
                let before = bytes.len();
                bytes.reserve(2048);
                if client.read_buf(bytes).await? == 0 {
                    // It has said all it will: too little to be anything that is known.
                    return Ok((before > 0).then_some(Speech::Other));
                }
            }
            speech => return Ok(Some(speech)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bytes: &[u8], expected: Speech) {
        assert_eq!(Speech::of(bytes), expected, "{}", bytes.escape_ascii());
    }

    #[test]
    fn the_first_bytes_tell() {
        check(b"GET /chat HTTP/1.1\r\n", Speech::Http);
        check(b"\r\nPOST / HTTP/1.1\r\n", Speech::Http);
        check(b"CONNECT h:443 HTTP/1.1\r\n", Speech::Http);
        check(b"\x05\x01\x00", Speech::Socks5);
        check(b"\x16\x03\x01\x02\x00\x01", Speech::Tls);
        check(b"NICK me\r\n", Speech::Other);
        check(b"PRI * HTTP/2.0\r\n", Speech::Other);
        check(b"\x00\x01", Speech::Other);
        check(b"SSH-2.0-", Speech::Other);
    }

    #[tokio::test]
    async fn words_that_are_not_waited_for_are_kept() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut other = tokio::net::TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut other, b"G").await.unwrap();
        stream.readable().await.unwrap();
        let mut client = Transport::tcp(stream);
        let mut bytes = Vec::new();
        tokio::select! {
            biased;
            words = first_words(&mut client, &mut bytes) => panic!("{words:?} of half a word"),
            () = std::future::ready(()) => {}
        }
        assert_eq!(bytes, b"G");
    }

    #[test]
    fn too_little_is_waited_for() {
        check(b"", Speech::More);
        check(b"P", Speech::More);
        check(b"PO", Speech::More);
        check(b"\r\n", Speech::More);
        check(b"\x16", Speech::More);
        check(b"GETX", Speech::Other);
    }
}
