//! Plain ends of connections, for servers and clients of the crate's own that stand at either end of a proxy.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpListener;

use super::dial::{Dialler, WayOut};
use super::guard::Own;
use super::target::Target;
use super::tls::ServerTls;
use super::transport::Transport;

/// Waits for connections.
pub struct Listener(TcpListener);

/// A connection.
pub struct Endpoint(Way);

enum Way {
    Socket(Box<Transport>),
    /// Whatever else carries bytes, as inside this process.
    Stream(Box<dyn Duplex>),
}

trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

impl Listener {
    /// Listens on `address`; port 0 takes a free one. To be called inside a tokio runtime.
    ///
    /// # Errors
    /// Where the address is taken, or not this machine's.
    pub fn bind(address: SocketAddr) -> io::Result<Listener> {
        TcpListener::from_std(super::entrance::listen_on(address)?).map(Listener)
    }

    /// Where it listens.
    ///
    /// # Errors
    /// Where the system does not say.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }

    /// The next connection.
    ///
    /// # Errors
    /// Where the system has no room for it; the next may be taken.
    pub async fn accept(&self) -> io::Result<Endpoint> {
        let (stream, _) = self.0.accept().await?;
        // Bytes leave as they come. A socket that cannot do it still works.
        let _ = stream.set_nodelay(true);
        Ok(Endpoint::socket(Transport::tcp(stream)))
    }
}

/// How servers are reached. Clones share what was learnt on the way: the platform's roots, and TLS that is resumed.
#[derive(Clone)]
pub struct Reach {
    dialler: Arc<Dialler>,
    limit: Duration,
}

impl Reach {
    /// By `way_out`, those behind TLS as `tls` says; each may take as long as `limit`.
    pub fn new(way_out: WayOut, tls: ServerTls, limit: Duration) -> Reach {
        Reach { dialler: Arc::new(Dialler::new(way_out, tls, Own::default(), None)), limit }
    }
}

impl fmt::Debug for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reach").field("limit", &self.limit).finish_non_exhaustive()
    }
}

impl Endpoint {
    pub(super) fn socket(transport: Transport) -> Endpoint {
        Endpoint(Way::Socket(Box::new(transport)))
    }

    /// One over any stream of bytes.
    pub fn over(stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) -> Endpoint {
        Endpoint(Way::Stream(Box::new(stream)))
    }

    /// Connects to a server, through TLS where it says so.
    ///
    /// # Errors
    /// Where it cannot be reached, in one sentence that names it.
    pub async fn connect(server: &Target, reach: &Reach) -> Result<Endpoint, String> {
        let dialled = reach.dialler.dial(&server.authority, None, reach.limit).await;
        dialled.map(|dialled| Endpoint::socket(dialled.transport)).map_err(|error| error.to_string())
    }

    /// Writes `bytes` and ends the connection once the other end has, or does not within two seconds.
    pub async fn say_last(self, bytes: &[u8]) {
        match self.0 {
            Way::Socket(mut transport) => {
                if transport.tell(bytes).await {
                    transport.linger().await;
                }
            }
            // What was written to it can be read once it is gone.
            Way::Stream(mut stream) => {
                if stream.write_all(bytes).await.is_ok() {
                    let _ = stream.shutdown().await;
                }
            }
        }
    }

    /// Ends the connection with a reset (RST) in place of a FIN, where there is such a thing.
    pub fn reset(self) {
        if let Way::Socket(transport) = self.0 {
            transport.reset();
        }
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Endpoint")
    }
}

impl AsyncRead for Endpoint {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.0 {
            Way::Socket(transport) => Pin::new(transport).poll_read(context, buffer),
            Way::Stream(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Endpoint {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.0 {
            Way::Socket(transport) => Pin::new(transport).poll_write(context, bytes),
            Way::Stream(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.0 {
            Way::Socket(transport) => Pin::new(transport).poll_flush(context),
            Way::Stream(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.0 {
            Way::Socket(transport) => Pin::new(transport).poll_shutdown(context),
            Way::Stream(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
