//! A client's first words of TLS: the ClientHello, read before anything is answered.

use std::io;

use bytes::Bytes;
use rustls::server::{Accepted, Acceptor};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::net::tls::Protocol;
use crate::net::transport::Transport;

/// A ClientHello.
pub(super) struct Hello {
    pub(super) accepted: Accepted,
    /// Its bytes, for where it is to stay closed.
    pub(super) bytes: Bytes,
}

impl Hello {
    /// Reads one. A client that says something else gets the alert that belongs to it.
    pub(super) async fn read(client: &mut Transport) -> io::Result<Hello> {
        let mut acceptor = Acceptor::default();
        let mut bytes = Vec::new();
        loop {
            let before = bytes.len();
            bytes.reserve(2048);
            if client.read_buf(&mut bytes).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            acceptor.read_tls(&mut &bytes[before..])?;
            match acceptor.accept() {
                Ok(None) => {}
                Ok(Some(accepted)) => return Ok(Hello { accepted, bytes: bytes.into() }),
                Err((error, mut alert)) => {
                    let mut words = Vec::new();
                    alert.write_all(&mut words)?;
                    // A client that has gone does not hear it.
                    let _ = client.write_all(&words).await;
                    return Err(io::Error::other(error));
                }
            }
        }
    }

    /// The server's name that it asks for (SNI).
    pub(super) fn server_name(&self) -> Option<String> {
        self.accepted.client_hello().server_name().map(str::to_ascii_lowercase)
    }

    /// The application protocols that it offers (ALPN), in order.
    pub(super) fn offered(&self) -> Vec<Protocol> {
        let hello = self.accepted.client_hello();
        hello.alpn().map(|protocols| protocols.map(<[u8]>::to_vec).collect()).unwrap_or_default()
    }
}
