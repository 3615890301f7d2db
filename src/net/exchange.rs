//! One request and its response, carried between client and server as they come; the response may be the 101 that
//! opens a session.

use std::io;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf, split};
use tokio::sync::watch;
use tokio::time::timeout;

use super::framing::{Answering, Body};
use super::transport::{Transport, is_reset};
use crate::ws::handshake::head_length;

/// What is to be carried.
pub(super) struct Carry<'a> {
    /// The request's head as it goes to the server.
    pub(super) head: &'a [u8],
    pub(super) request_body: Body,
    pub(super) answering: Answering,
    /// How long the server may take to answer; none where it may take for ever.
    pub(super) limit: Option<Duration>,
    pub(super) kind: Kind,
    /// Becomes true when the proxy is to shut down.
    pub(super) shutdown: watch::Receiver<bool>,
    /// Told when the response's head is there, before the client gets it.
    pub(super) responded: &'a mut (dyn FnMut(&Bytes) -> Option<Bytes> + Send),
}

/// What the client wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// An ordinary answer.
    Plain,
    /// To change the protocol, if the server likes: what it sends after the head belongs to that and does not wait.
    Upgrade,
    /// A WebSocket session, or what looks like an attempt at one.
    WebSocket,
}

/// What came of it.
pub(super) struct Carried {
    pub(super) client: Transport,
    pub(super) server: Transport,
    pub(super) request_content: Content,
    pub(super) response_content: Content,
    /// From the request's head being sent to the response's being there.
    pub(super) waited: Option<Duration>,
    pub(super) end: End,
}

/// How an exchange ended.
#[derive(Debug)]
pub(super) enum End {
    /// Both messages were complete: the connections may be used again.
    Complete,
    /// The response was 101. The client sent `early` before that, of which the server has the first `sent` octets.
    Switched { early: Vec<u8>, sent: usize },
    /// The connections are of no more use.
    Closed,
    /// The server's bytes, which the client has got, are no HTTP response; in words, what they are.
    NotHttp(&'static str),
    /// The server did not answer in time.
    TimedOut,
    /// The proxy is shutting down.
    ShutDown,
    /// The server ended its connection without a whole answer, or could not be written to.
    ServerFailed(Gone),
    /// The client ended its connection.
    ClientFailed(Gone),
}

/// How the other end left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gone {
    Fin,
    Reset,
}

impl Gone {
    fn from_error(error: &io::Error) -> Gone {
        // Whatever else may be wrong with a connection, a reset is how the other side should learn of it.
        if is_reset(error) || error.kind() != io::ErrorKind::UnexpectedEof { Gone::Reset } else { Gone::Fin }
    }
}

/// Octets of a body that are kept for the log.
const KEPT: usize = 64 << 10;
/// Octets after a request that are read ahead of its response.
const AHEAD: usize = 64 << 10;
/// Octets of a response's head at most.
const LARGEST_HEAD: usize = 1 << 20;
const CHUNK: usize = 16 << 10;

/// A body's content as far as it is kept, and how long it was.
#[derive(Debug, Default)]
pub(super) struct Content {
    pub(super) kept: Vec<u8>,
    pub(super) size: u64,
}

impl Content {
    fn take(&mut self, content: &[u8]) {
        self.size += content.len() as u64;
        let room = KEPT.saturating_sub(self.kept.len()).min(content.len());
        self.kept.extend_from_slice(&content[..room]);
    }
}

/// Carries a request and its response.
pub(super) async fn carry(client: Transport, server: Transport, carry: Carry<'_>) -> Carried {
    let (client_read, client_write) = split(client);
    let (server_read, server_write) = split(server);
    let mut up = Up {
        client: client_read,
        server: server_write,
        body: carry.request_body.clone(),
        content: Content::default(),
        ahead: Vec::new(),
        sent: 0,
        client_finished: false,
        server_reset: false,
    };
    let mut down = Down {
        server: server_read,
        client: client_write,
        buffer: Vec::new(),
        content: Content::default(),
        waited: None,
    };
    let mut shutdown = carry.shutdown.clone();
    let end = tokio::select! {
        end = run(&mut up, &mut down, carry) => end,
        _ = shutdown.wait_for(|asked| *asked) => End::ShutDown,
    };
    let mut client = up.client.unsplit(down.client);
    let mut server = down.server.unsplit(up.server);
    server.rewind(down.buffer.into());
    let end = match end {
        End::Switched { .. } => End::Switched { early: up.ahead, sent: up.sent },
        // What was sent ahead of a refusal is the server's to make sense of: nothing more can be told from here.
        End::Complete if up.client_finished || up.sent > 0 => End::Closed,
        End::ServerFailed(_) if up.server_reset => End::ServerFailed(Gone::Reset),
        other => {
            client.rewind(up.ahead.into());
            other
        }
    };
    Carried {
        client,
        server,
        request_content: up.content,
        response_content: down.content,
        waited: down.waited,
        end,
    }
}

async fn run(up: &mut Up, down: &mut Down, carry: Carry<'_>) -> End {
    let Carry { head, answering, limit, kind, responded, .. } = carry;
    let sent = Instant::now();
    let end = {
        let asking = up.run(head, kind);
        let answer = async {
            let head = down.head(kind, answering, sent, responded);
            let body = match limit {
                None => head.await,
                Some(limit) => timeout(limit, head).await.unwrap_or(Err(End::TimedOut)),
            };
            match body {
                Ok(body) => down.body(body).await,
                Err(end) => end,
            }
        };
        tokio::select! {
            biased;
            end = answer => end,
            end = asking => end,
        }
    };
    match end {
        // The server had answered before the client had said all.
        End::Complete if !up.body.is_over() => up.rest().await,
        end => end,
    }
}

/// From the client to the server.
struct Up {
    client: ReadHalf<Transport>,
    server: WriteHalf<Transport>,
    body: Body,
    content: Content,
    /// What came after the request.
    ahead: Vec<u8>,
    /// How much of it the server has.
    sent: usize,
    client_finished: bool,
    server_reset: bool,
}

impl Up {
    /// Sends the request, then reads ahead. Only ends where one end has gone.
    async fn run(&mut self, head: &[u8], kind: Kind) -> End {
        if let Err(error) = send(&mut self.server, head).await {
            return self.server_gone(&error).await;
        }
        if let Some(end) = self.send_body().await {
            return end;
        }
        self.look_ahead(kind).await
    }

    /// Sends the rest of the request's body.
    async fn rest(&mut self) -> End {
        self.send_body().await.unwrap_or(End::Complete)
    }

    async fn send_body(&mut self) -> Option<End> {
        let mut chunk = vec![0; if self.body.is_over() { 0 } else { CHUNK }];
        while !self.body.is_over() {
            let count = match self.client.read(&mut chunk).await {
                Ok(0) => {
                    // Half a request: the server is told as the client tells it.
                    let _ = self.server.shutdown().await;
                    self.client_finished = true;
                    return Some(std::future::pending().await);
                }
                Ok(count) => count,
                Err(error) => return Some(End::ClientFailed(Gone::from_error(&error))),
            };
            let mut octets = 0;
            while octets < count && !self.body.is_over() {
                let passed = self.body.pass(&chunk[octets..count]);
                self.content.take(passed.content);
                octets += passed.octets;
            }
            self.ahead.extend_from_slice(&chunk[octets..count]);
            if let Err(error) = send(&mut self.server, &chunk[..octets]).await {
                return Some(self.server_gone(&error).await);
            }
        }
        None
    }

    /// Watches the client while the server answers: it may leave, or send what comes after.
    async fn look_ahead(&mut self, kind: Kind) -> End {
        // On the heap, as all futures are that lead here, for as long as a session lasts.
        let mut chunk = vec![0; 1024];
        loop {
            while kind != Kind::Plain && self.sent < self.ahead.len() {
                match self.server.write(&self.ahead[self.sent..]).await {
                    Ok(count) => self.sent += count,
                    Err(error) => return self.server_gone(&error).await,
                }
            }
            if self.client_finished || self.ahead.len() >= AHEAD {
                return std::future::pending().await;
            }
            match self.client.read(&mut chunk).await {
                Ok(0) => {
                    self.client_finished = true;
                    let _ = self.server.shutdown().await;
                }
                Ok(count) => self.ahead.extend_from_slice(&chunk[..count]),
                Err(error) => return End::ClientFailed(Gone::from_error(&error)),
            }
        }
    }

    /// The server does not take any more. It may have said why before it went: that is read first.
    async fn server_gone(&mut self, error: &io::Error) -> End {
        self.server_reset = is_reset(error);
        std::future::pending().await
    }
}

/// From the server to the client.
struct Down {
    server: ReadHalf<Transport>,
    client: WriteHalf<Transport>,
    /// What came and is not passed on yet.
    buffer: Vec<u8>,
    content: Content,
    waited: Option<Duration>,
}

impl Down {
    /// Passes on the response's head, and those of the interim ones (1xx) before it; gives how its body ends.
    async fn head(
        &mut self,
        kind: Kind,
        answering: Answering,
        sent: Instant,
        responded: &mut (dyn FnMut(&Bytes) -> Option<Bytes> + Send),
    ) -> Result<Body, End> {
        loop {
            let Some(head) = read_head(&self.buffer) else {
                self.more().await?;
                continue;
            };
            let Head { length, status, headers } = match head {
                Ok(head) => head,
                Err(()) => {
                    // Whatever it is, the client gets it.
                    self.content.take(&self.buffer);
                    let bytes = std::mem::take(&mut self.buffer);
                    send(&mut self.client, &bytes).await.map_err(client_gone)?;
                    // RFC 8446 5.1: what a TLS server says to one that does not speak it is an alert.
                    return Err(End::NotHttp(match bytes.starts_with(&[21, 3]) {
                        true => "the server speaks TLS on this port; does wss:// or https:// reach it?",
                        false => "the server's answer is not HTTP",
                    }));
                }
            };
            let rest = self.buffer.split_off(length);
            let head = Bytes::from(std::mem::replace(&mut self.buffer, rest));
            let interim = (100..200).contains(&status) && status != 101;
            let mut edited = None;
            if !interim {
                self.waited = Some(sent.elapsed());
                edited = responded(&head);
            }
            send(&mut self.client, edited.as_ref().unwrap_or(&head)).await.map_err(client_gone)?;
            if status == 101 && kind != Kind::Plain {
                return Err(End::Switched { early: Vec::new(), sent: 0 });
            }
            if !interim {
                return Ok(Body::of_response(status, &headers, answering));
            }
        }
    }

    async fn more(&mut self) -> Result<(), End> {
        self.buffer.reserve(4096);
        let gone = match self.server.read_buf(&mut self.buffer).await {
            Ok(0) => Gone::Fin,
            Ok(_) => return Ok(()),
            Err(error) => Gone::from_error(&error),
        };
        // Half a head is what the client would have got, too.
        self.content.take(&self.buffer);
        let bytes = std::mem::take(&mut self.buffer);
        send(&mut self.client, &bytes).await.map_err(client_gone)?;
        Err(End::ServerFailed(gone))
    }

    async fn body(&mut self, mut body: Body) -> End {
        let mut chunk = std::mem::take(&mut self.buffer);
        let mut count = chunk.len();
        loop {
            let mut octets = 0;
            while octets < count && !body.is_over() {
                let passed = body.pass(&chunk[octets..count]);
                self.content.take(passed.content);
                octets += passed.octets;
            }
            if let Err(error) = send(&mut self.client, &chunk[..octets]).await {
                return client_gone(error);
            }
            if body.is_over() {
                self.buffer.extend_from_slice(&chunk[octets..count]);
                return End::Complete;
            }
            chunk.resize(CHUNK.max(chunk.len()), 0);
            count = match self.server.read(&mut chunk).await {
                Ok(0) if body == Body::UntilClose => return End::Closed,
                Ok(0) => return End::ServerFailed(Gone::Fin),
                Ok(count) => count,
                Err(error) if body == Body::UntilClose && Gone::from_error(&error) == Gone::Fin => {
                    return End::Closed;
                }
                Err(error) => return End::ServerFailed(Gone::from_error(&error)),
            };
        }
    }
}

fn client_gone(error: io::Error) -> End {
    End::ClientFailed(Gone::from_error(&error))
}

async fn send(to: &mut WriteHalf<Transport>, bytes: &[u8]) -> io::Result<()> {
    if bytes.is_empty() {
        return Ok(());
    }
    to.write_all(bytes).await?;
    to.flush().await
}

/// A response's head, read.
struct Head {
    length: usize,
    status: u16,
    headers: HeaderMap,
}

/// Reads the head at the start of `bytes`: none where more must come, an error where it is no HTTP response.
fn read_head(bytes: &[u8]) -> Option<Result<Head, ()>> {
    const START: &[u8] = b"HTTP/1.";
    let common = bytes.len().min(START.len());
    if bytes[..common] != START[..common] || bytes.len() > LARGEST_HEAD {
        return Some(Err(()));
    }
    let head = &bytes[..head_length(bytes)?];
    let mut few = [httparse::EMPTY_HEADER; 64];
    let mut many;
    let mut response = httparse::Response::new(&mut few);
    let mut parsed = lenient().parse_response(&mut response, head);
    if parsed == Err(httparse::Error::TooManyHeaders) {
        many = vec![httparse::EMPTY_HEADER; 4_096];
        response = httparse::Response::new(&mut many);
        parsed = lenient().parse_response(&mut response, head);
    }
    let (Ok(httparse::Status::Complete(length)), Some(status)) = (parsed, response.code) else {
        return Some(Err(()));
    };
    let mut headers = HeaderMap::new();
    for line in &*response.headers {
        // Those that do not parse do not say where the body ends either.
        if let (Ok(name), Ok(value)) =
            (HeaderName::from_bytes(line.name.as_bytes()), HeaderValue::from_bytes(line.value))
        {
            headers.append(name, value);
        }
    }
    Some(Ok(Head { length, status, headers }))
}

/// What is odd is for the doctor to tell and for the client to judge, not for the proxy to refuse.
fn lenient() -> httparse::ParserConfig {
    let mut config = httparse::ParserConfig::default();
    config
        .allow_spaces_after_header_name_in_responses(true)
        .allow_obsolete_multiline_headers_in_responses(true)
        .allow_multiple_spaces_in_response_status_delimiters(true)
        .ignore_invalid_headers_in_responses(true);
    config
}
