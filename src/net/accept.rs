//! hyper accepts each request and speaks where the proxy itself answers. Where a server is to answer, the
//! connection is taken back from hyper, with the request's head exactly as it came: hyper would set repeated
//! headers side by side, drop undeclared trailers, and write its own spacing.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::oneshot;
use tokio::time::sleep;

use super::guard::{HeadMeter, TooMuch};
use super::transport::Transport;
use crate::ws::handshake::head_length;

/// What a client's connection brought.
pub(super) enum Accepted {
    /// A request.
    Request(Box<Asked>),
    /// Nothing more, or what hyper refused as no HTTP, with its own answer: the bytes, and why.
    Over(Box<Transport>, Bytes, Option<String>),
    /// More, or less, than the proxy waits for. Nothing was answered yet.
    Refused(Box<Transport>, Bytes, TooMuch),
    /// The server's idle connection brought this (or, empty, its end) before the client said anything.
    ServerSpoke(Box<Transport>, Bytes),
}

/// A request that waits for an answer.
pub(super) struct Asked {
    connection: Connection,
    reply: oneshot::Sender<Response<Full<Bytes>>>,
    /// What followed the head so far.
    rest: Bytes,
    /// The request's head as it came.
    pub(super) head: Bytes,
    /// Method, target and headers as hyper read them.
    pub(super) parts: Parts,
}

type Connection = http1::Connection<TokioIo<Recorded>, Hand>;

/// What hyper takes: more than the meter lets pass, which says what is wrong.
const LARGEST_HEAD: usize = 1 << 20;
const MOST_HEADERS: usize = 1_100;

/// Waits for the client's next request, or for what the server says on its own on the idle connection to it.
/// A request that has begun has to be there, as far as its head goes, within `limit`.
pub(super) async fn accept(
    client: Transport,
    mut server: Option<&mut Transport>,
    limit: Duration,
) -> Accepted {
    let hand = Hand::default();
    let slot = Arc::clone(&hand.0);
    let seen: Arc<Mutex<Seen>> = Arc::default();
    let io = TokioIo::new(Recorded { transport: client, seen: Arc::clone(&seen) });
    let mut connection = http1::Builder::new()
        .auto_date_header(false)
        .half_close(true)
        .max_buf_size(LARGEST_HEAD)
        .max_headers(MOST_HEADERS)
        .serve_connection(io, hand);
    let mut spoken = vec![0; if server.is_some() { 4096 } else { 0 }];
    let mut late = None;
    let came = poll_fn(|context| {
        let polled = connection.poll_without_shutdown(context);
        if let Some(asked) = slot.lock().unwrap_or_else(PoisonError::into_inner).take() {
            return Poll::Ready(Came::Request(Box::new(asked)));
        }
        if let Poll::Ready(result) = polled {
            return Poll::Ready(Came::Over(result.err().map(|error| error.to_string())));
        }
        if lock(&seen).meter.is_inside() {
            let late = late.get_or_insert_with(|| Box::pin(sleep(limit)));
            if late.as_mut().poll(context).is_ready() {
                return Poll::Ready(Came::Slow);
            }
        }
        match &mut server {
            // A reset ends it just as well; the next write will tell.
            Some(server) => {
                server.poll_read_into(context, &mut spoken).map(|read| Came::Server(read.unwrap_or(0)))
            }
            None => Poll::Pending,
        }
    });
    let came = came.await;
    spoken.truncate(if let Came::Server(count) = came { count } else { 0 });
    conclude(came, connection, &seen, spoken, limit)
}

/// What came first.
enum Came {
    Request(Box<Handed>),
    Over(Option<String>),
    Slow,
    Server(usize),
}

fn conclude(
    came: Came,
    connection: Connection,
    seen: &Mutex<Seen>,
    spoken: Vec<u8>,
    limit: Duration,
) -> Accepted {
    match came {
        Came::Request(asked) => {
            let (parts, reply) = *asked;
            // hyper may have read some of what follows, and for itself: all of it is here.
            let mut head = take(seen);
            let rest = head.split_off(head_length(&head).unwrap_or(head.len()));
            Accepted::Request(Box::new(Asked { connection, reply, rest, head, parts }))
        }
        Came::Over(why) => {
            let transport = Box::new(connection.into_parts().io.into_inner().transport);
            let too_much = lock(seen).too_much;
            match too_much {
                Some(too_much) => Accepted::Refused(transport, take(seen), too_much),
                None => Accepted::Over(transport, take(seen), why),
            }
        }
        Came::Slow => {
            let transport = connection.into_parts().io.into_inner().transport;
            Accepted::Refused(Box::new(transport), take(seen), TooMuch::Time(limit))
        }
        Came::Server(_) => {
            let mut transport = connection.into_parts().io.into_inner().transport;
            transport.rewind(take(seen));
            Accepted::ServerSpoke(Box::new(transport), spoken.into())
        }
    }
}

impl Asked {
    /// Takes the connection back: what follows the head is yet to be read.
    pub(super) fn take_over(self) -> Transport {
        let mut transport = self.connection.into_parts().io.into_inner().transport;
        transport.rewind(self.rest);
        transport
    }

    /// Answers in the server's place, and ends the connection.
    pub(super) async fn answer(mut self, response: Response<Full<Bytes>>) {
        // The service waits for it as long as the connection lives; a client that went away needs none.
        let _ = self.reply.send(response);
        let _ = poll_fn(|context| self.connection.poll_without_shutdown(context)).await;
        self.connection.into_parts().io.into_inner().transport.linger().await;
    }
}

/// The service: hands each request out and waits to be told the answer.
#[derive(Default)]
struct Hand(Arc<Mutex<Option<Handed>>>);

/// A request, and where its answer goes.
type Handed = (Parts, oneshot::Sender<Response<Full<Bytes>>>);

impl Service<Request<Incoming>> for Hand {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let (sender, receiver) = oneshot::channel();
        let (parts, _body) = request.into_parts();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((parts, sender));
        Box::pin(async move {
            match receiver.await {
                Ok(response) => Ok(response),
                // The connection was taken over: hyper does not see it again.
                Err(_) => std::future::pending().await,
            }
        })
    }
}

/// Remembers what is read, and measures it.
struct Recorded {
    transport: Transport,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Default)]
struct Seen {
    bytes: Vec<u8>,
    meter: HeadMeter,
    too_much: Option<TooMuch>,
}

fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

fn take(seen: &Mutex<Seen>) -> Bytes {
    std::mem::take(&mut lock(seen).bytes).into()
}

impl AsyncRead for Recorded {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        std::task::ready!(Pin::new(&mut self.transport).poll_read(context, buffer))?;
        let mut seen = lock(&self.seen);
        let new = &buffer.filled()[before..];
        seen.bytes.extend_from_slice(new);
        let measured = seen.meter.take(new);
        seen.too_much = measured.err();
        Poll::Ready(measured.map_err(|too_much| io::Error::other(too_much.to_string())))
    }
}

impl AsyncWrite for Recorded {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.transport).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.transport).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.transport).poll_shutdown(context)
    }
}
