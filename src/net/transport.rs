//! One connection's bytes, whatever carries them, with what was read too early put back in front.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// A connection to the client or to the server.
pub(super) struct Transport {
    carrier: Carrier,
    /// Bytes that came already and are to be read again.
    rewound: Bytes,
}

enum Carrier {
    Tcp(TcpStream),
    /// TLS to the server.
    Tls(Box<TlsStream<TcpStream>>),
}

impl Transport {
    pub(super) fn tcp(stream: TcpStream) -> Transport {
        Transport { carrier: Carrier::Tcp(stream), rewound: Bytes::new() }
    }

    pub(super) fn tls(stream: TlsStream<TcpStream>) -> Transport {
        Transport { carrier: Carrier::Tls(Box::new(stream)), rewound: Bytes::new() }
    }

    /// Puts `bytes` back, to be read before anything else.
    pub(super) fn rewind(&mut self, bytes: Bytes) {
        if self.rewound.is_empty() {
            self.rewound = bytes;
        } else if !bytes.is_empty() {
            self.rewound = [bytes, std::mem::take(&mut self.rewound)].concat().into();
        }
    }

    pub(super) fn stream(&self) -> &TcpStream {
        match &self.carrier {
            Carrier::Tcp(stream) => stream,
            Carrier::Tls(stream) => stream.get_ref().0,
        }
    }

    /// Whether closing it loses nothing that a plain socket would keep: TLS has bytes of its own under way.
    pub(super) fn is_tls(&self) -> bool {
        matches!(self.carrier, Carrier::Tls(_))
    }

    pub(super) fn peer(&self) -> Option<SocketAddr> {
        self.stream().peer_addr().ok()
    }

    /// Closes the connection with a reset (RST) in place of a FIN.
    pub(super) fn reset(self) {
        // Where the option cannot be set, the connection is closed all the same.
        let _ = socket2::SockRef::from(self.stream()).set_linger(Some(Duration::ZERO));
    }

    /// As [`AsyncRead::poll_read`] into a slice: 0 is the end.
    pub(super) fn poll_read_into(
        &mut self,
        context: &mut Context<'_>,
        into: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let mut buffer = ReadBuf::new(into);
        ready!(Pin::new(self).poll_read(context, &mut buffer))?;
        Poll::Ready(Ok(buffer.filled().len()))
    }
}

impl AsyncRead for Transport {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.rewound.is_empty() {
            let count = self.rewound.len().min(buffer.remaining());
            buffer.put_slice(&self.rewound[..count]);
            self.rewound.advance(count);
            return Poll::Ready(Ok(()));
        }
        match &mut self.carrier {
            Carrier::Tcp(stream) => Pin::new(stream).poll_read(context, buffer),
            Carrier::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Transport {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.carrier {
            Carrier::Tcp(stream) => Pin::new(stream).poll_write(context, bytes),
            Carrier::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.carrier {
            Carrier::Tcp(stream) => Pin::new(stream).poll_flush(context),
            Carrier::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.carrier {
            Carrier::Tcp(stream) => Pin::new(stream).poll_shutdown(context),
            Carrier::Tls(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}

/// How an error says that the other end has gone.
pub(super) fn is_reset(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::BrokenPipe
    )
}
