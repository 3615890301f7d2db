//! One connection's bytes, whatever carries them, with what was read too early put back in front.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes};
use rustls::AlertDescription;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::{client, server};

use super::stream::Stream;

/// A connection to the client or to the server.
pub(super) struct Transport {
    carrier: Carrier,
    /// Bytes that came already and are to be read again.
    rewound: Bytes,
    /// With what the other end broke off.
    alert: Option<AlertDescription>,
}

enum Carrier {
    Plain(Socket),
    /// TLS to the server.
    ToServer(Box<client::TlsStream<Socket>>),
    /// TLS to the client.
    ToClient(Box<server::TlsStream<Socket>>),
}

/// What TLS is spoken over, with what was read of it too early.
pub(super) struct Socket {
    base: Base,
    rewound: Bytes,
}

enum Base {
    Stream(Stream),
    /// TLS: a client of a listener that speaks it may ask for a tunnel, and speak it to the server in there.
    Tls(Box<Transport>),
}

impl Transport {
    pub(super) fn tcp(stream: TcpStream) -> Transport {
        Transport::plain(Stream::Tcp(stream))
    }

    pub(super) fn plain(stream: Stream) -> Transport {
        Transport::over(Carrier::Plain(Socket { base: Base::Stream(stream), rewound: Bytes::new() }))
    }

    pub(super) fn tls_to_server(stream: client::TlsStream<Socket>) -> Transport {
        Transport::over(Carrier::ToServer(Box::new(stream)))
    }

    pub(super) fn tls_to_client(stream: server::TlsStream<Socket>) -> Transport {
        Transport::over(Carrier::ToClient(Box::new(stream)))
    }

    fn over(carrier: Carrier) -> Transport {
        Transport { carrier, rewound: Bytes::new(), alert: None }
    }

    /// The same, for TLS to be spoken over it.
    pub(super) fn into_socket(self) -> Socket {
        match self.carrier {
            // What was put back comes before what the socket had left.
            Carrier::Plain(socket) => Socket { rewound: joined(self.rewound, socket.rewound), ..socket },
            carrier => {
                Socket { base: Base::Tls(Box::new(Transport { carrier, ..self })), rewound: Bytes::new() }
            }
        }
    }

    /// The alert with which the other end broke off TLS (RFC 8446 6.2), where a read met one.
    pub(super) fn alert(&self) -> Option<AlertDescription> {
        self.alert
    }

    /// Puts `bytes` back, to be read before anything else.
    pub(super) fn rewind(&mut self, bytes: Bytes) {
        self.rewound = joined(bytes, std::mem::take(&mut self.rewound));
    }

    fn stream(&self) -> &Stream {
        match &self.carrier {
            Carrier::Plain(socket) => socket.stream(),
            Carrier::ToServer(stream) => stream.get_ref().0.stream(),
            Carrier::ToClient(stream) => stream.get_ref().0.stream(),
        }
    }

    /// Whether what is written may be held until it is flushed, as TLS does.
    pub(super) fn is_tls(&self) -> bool {
        !matches!(self.carrier, Carrier::Plain(_))
    }

    /// The other end's address, or the Unix socket's path; empty where it is gone.
    pub(super) fn peer_name(&self) -> String {
        self.stream().peer_name()
    }

    /// The address that the other end has reached, without its port.
    pub(super) fn local_host(&self) -> Option<String> {
        self.stream().local_ip().map(|ip| ip.to_canonical().to_string())
    }

    /// Closes the connection with a reset (RST) in place of a FIN; a Unix socket just closes.
    pub(super) fn reset(self) {
        self.stream().reset_on_close();
    }

    /// Writes `bytes`; says whether that worked.
    pub(super) async fn tell(&mut self, bytes: &[u8]) -> bool {
        self.write_all(bytes).await.is_ok() && self.flush().await.is_ok()
    }

    /// Writes last words and ends the connection in this direction. An end that has gone misses them.
    pub(super) async fn say(&mut self, bytes: &[u8]) {
        if self.tell(bytes).await {
            let _ = self.shutdown().await;
        }
    }

    /// Ends a connection whose other end may still be sending: to close it with bytes unread would reset it, and what
    /// was written last would be lost on its way (RFC 9112 9.6).
    pub(super) async fn linger(mut self) {
        let rest = async {
            self.shutdown().await?;
            let mut rest = vec![0; 4096];
            while self.read(&mut rest).await? > 0 {}
            Ok::<(), io::Error>(())
        };
        // One that resets, or takes longer, has had its answer or does not want it.
        let _ = timeout(LINGER, rest).await;
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

/// How long the other end may take to notice that its connection has ended.
const LINGER: Duration = Duration::from_secs(2);

fn joined(first: Bytes, then: Bytes) -> Bytes {
    match (first.is_empty(), then.is_empty()) {
        (_, true) => first,
        (true, _) => then,
        _ => [first, then].concat().into(),
    }
}

/// Gives of `rewound` what there is room for; says whether there was any.
fn read_again(rewound: &mut Bytes, buffer: &mut ReadBuf<'_>) -> bool {
    let count = rewound.len().min(buffer.remaining());
    buffer.put_slice(&rewound[..count]);
    rewound.advance(count);
    count > 0
}

impl Socket {
    fn stream(&self) -> &Stream {
        match &self.base {
            Base::Stream(stream) => stream,
            Base::Tls(transport) => transport.stream(),
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if read_again(&mut self.rewound, buffer) {
            return Poll::Ready(Ok(()));
        }
        match &mut self.base {
            Base::Stream(stream) => Pin::new(stream).poll_read(context, buffer),
            Base::Tls(transport) => Pin::new(transport).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.base {
            Base::Stream(stream) => Pin::new(stream).poll_write(context, bytes),
            Base::Tls(transport) => Pin::new(transport).poll_write(context, bytes),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.base {
            Base::Stream(stream) => Pin::new(stream).poll_flush(context),
            Base::Tls(transport) => Pin::new(transport).poll_flush(context),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.base {
            Base::Stream(stream) => Pin::new(stream).poll_shutdown(context),
            Base::Tls(transport) => Pin::new(transport).poll_shutdown(context),
        }
    }
}

impl AsyncRead for Transport {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if read_again(&mut self.rewound, buffer) {
            return Poll::Ready(Ok(()));
        }
        let read = ready!(match &mut self.carrier {
            Carrier::Plain(socket) => return Pin::new(socket).poll_read(context, buffer),
            Carrier::ToServer(stream) => Pin::new(stream).poll_read(context, buffer),
            Carrier::ToClient(stream) => Pin::new(stream).poll_read(context, buffer),
        });
        if let Err(error) = &read {
            self.alert = self.alert.or(super::tls::alert(error));
        }
        Poll::Ready(read)
    }
}

impl AsyncWrite for Transport {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.carrier {
            Carrier::Plain(socket) => Pin::new(socket).poll_write(context, bytes),
            Carrier::ToServer(stream) => Pin::new(stream).poll_write(context, bytes),
            Carrier::ToClient(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.carrier {
            Carrier::Plain(socket) => Pin::new(socket).poll_flush(context),
            Carrier::ToServer(stream) => Pin::new(stream).poll_flush(context),
            Carrier::ToClient(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.carrier {
            Carrier::Plain(socket) => Pin::new(socket).poll_shutdown(context),
            Carrier::ToServer(stream) => Pin::new(stream).poll_shutdown(context),
            Carrier::ToClient(stream) => Pin::new(stream).poll_shutdown(context),
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
