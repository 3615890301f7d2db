//! Both ends of one connection through the proxy: what one end says has arrived at the other before anything else
//! happens.

use std::io;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::PATIENCE;
use super::stage::{Stage, scatter};
use crate::ws::Direction::{ToClient, ToServer};
use crate::ws::close::{Close, StatusCode};
use crate::ws::handshake::{RequestHead, accept_key, head_length};
use crate::ws::{Deflater, Direction, Frame, FrameWalker, Opcode, PermessageDeflate};

/// A connection that speaks HTTP.
///
/// Heads are written with LF at the end of their lines, and `{host}`, `{ticket}`, `{accept}` and `{length}` to be filled
/// in. The server's end is found by the ticket, which stands in `Sec-WebSocket-Key` or `X-Request-Id`.
pub(super) struct Line {
    client: TcpStream,
    server: TcpStream,
    host: String,
    ticket: String,
}

impl Line {
    /// Connects a client and has it ask for the first time.
    pub(super) async fn ask(stage: &mut Stage<'_>, request: &str) -> io::Result<Line> {
        let ticket = STANDARD.encode(stage.nonce());
        let host = stage.proxy.to_string();
        let arrival = stage.lobby.expect(&ticket);
        let mut client = TcpStream::connect(stage.proxy).await?;
        client.set_nodelay(true)?;
        client.write_all(fill(request, &host, &ticket).as_bytes()).await?;
        let server = timeout(PATIENCE, arrival).await?.map_err(|_| io::ErrorKind::ConnectionAborted)?;
        let mut line = Line { client, server, host, ticket };
        line.hear_request().await?;
        Ok(line)
    }

    /// The client asks again on the same connection.
    pub(super) async fn ask_again(&mut self, request: &str) -> io::Result<()> {
        self.client.write_all(fill(request, &self.host, &self.ticket).as_bytes()).await?;
        self.hear_request().await
    }

    /// The server answers, or answers on.
    pub(super) async fn answer(&mut self, response: impl AsRef<[u8]>) -> io::Result<()> {
        self.server.write_all(response.as_ref()).await?;
        let mut heard = vec![0; response.as_ref().len()];
        timeout(PATIENCE, self.client.read_exact(&mut heard)).await??;
        Ok(())
    }

    /// The server answers with this head and this body.
    pub(super) async fn answer_with(&mut self, head: &str, body: &str) -> io::Result<()> {
        self.answer(fill(&format!("{}\n\n{body}", head.trim_end()), &self.host, &self.ticket)).await
    }

    /// The client closes the connection, and the server does.
    pub(super) async fn hang_up(mut self) -> io::Result<()> {
        self.client.shutdown().await?;
        timeout(PATIENCE, self.server.read(&mut [0; 1])).await??;
        self.server.shutdown().await?;
        timeout(PATIENCE, self.client.read(&mut [0; 1])).await??;
        Ok(())
    }

    /// The server agrees to the upgrade with this head.
    pub(super) async fn switch(mut self, response: &str) -> io::Result<Dialogue> {
        self.answer_with(response, "").await?;
        let (client_reads, client_writes) = self.client.into_split();
        let (server_reads, server_writes) = self.server.into_split();
        Ok(Dialogue {
            receivers: [server_reads, client_reads].map(Receiver::start),
            senders: [client_writes, server_writes],
            sent: [0; 2],
            deflaters: None,
        })
    }

    async fn hear_request(&mut self) -> io::Result<()> {
        let mut seen = Vec::new();
        let head = loop {
            if let Some(length) = head_length(&seen) {
                break length;
            }
            self.hear(&mut seen).await?;
        };
        let request = RequestHead::parse(&seen).map_err(|_| io::ErrorKind::InvalidData)?;
        let body = request.headers().text("Content-Length").and_then(|length| length.parse().ok());
        while seen.len() < head + body.unwrap_or(0) {
            self.hear(&mut seen).await?;
        }
        Ok(())
    }

    async fn hear(&mut self, seen: &mut Vec<u8>) -> io::Result<()> {
        match timeout(PATIENCE, self.server.read_buf(seen)).await?? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}

fn fill(head: &str, host: &str, ticket: &str) -> String {
    let (lines, body) = head.split_once("\n\n").unwrap_or((head.trim_end(), ""));
    let lines = lines
        .replace("{host}", host)
        .replace("{ticket}", ticket)
        .replace("{accept}", &accept_key(ticket.as_bytes()))
        .replace("{length}", &body.len().to_string())
        .replace('\n', "\r\n");
    format!("{lines}\r\n\r\n{body}")
}

/// A session.
pub(super) struct Dialogue {
    /// Who hears what goes in each [`Direction`].
    receivers: [Receiver; 2],
    /// Who says it.
    senders: [OwnedWriteHalf; 2],
    /// Frames said.
    sent: [u64; 2],
    deflaters: Option<[Deflater; 2]>,
}

impl Dialogue {
    /// From now on messages are compressed as agreed.
    pub(super) fn deflate(&mut self, agreed: &PermessageDeflate) {
        self.deflaters = Some(Direction::BOTH.map(|direction| Deflater::new(agreed, direction)));
    }

    /// A message of text.
    pub(super) async fn text(&mut self, way: Direction, text: impl AsRef<[u8]>) -> io::Result<()> {
        self.message(way, Opcode::Text, text.as_ref()).await
    }

    /// A message of octets.
    pub(super) async fn binary(&mut self, way: Direction, octets: impl AsRef<[u8]>) -> io::Result<()> {
        self.message(way, Opcode::Binary, octets.as_ref()).await
    }

    /// A message of text in fragments of at most this size, and a ping after the first.
    pub(super) async fn in_fragments(&mut self, way: Direction, text: &str, size: usize) -> io::Result<()> {
        let compressed = self.compress(way, text.as_bytes());
        let payload = compressed.as_deref().unwrap_or(text.as_bytes());
        let mut rest = payload;
        while !rest.is_empty() {
            let (fragment, behind) = rest.split_at(size.min(rest.len()));
            let first = rest.len() == payload.len();
            let opcode = if first { Opcode::Text } else { Opcode::Continuation };
            let mut frame = Frame::new(opcode, fragment);
            if first && compressed.is_some() {
                frame = frame.compressed();
            }
            if !behind.is_empty() {
                frame = frame.unfinished();
            }
            self.frame(way, frame).await?;
            if first {
                // RFC 6455 5.4: control frames may come between fragments.
                self.ping(way, "still there?").await?;
            }
            rest = behind;
        }
        Ok(())
    }

    /// A ping, and the pong that answers it.
    pub(super) async fn ping(&mut self, way: Direction, words: &str) -> io::Result<()> {
        self.frame(way, Frame::new(Opcode::Ping, words.as_bytes())).await?;
        self.frame(way.opposite(), Frame::new(Opcode::Pong, words.as_bytes())).await
    }

    /// Any frame; a client's is masked.
    pub(super) async fn frame(&mut self, way: Direction, frame: Frame<'_>) -> io::Result<()> {
        let frame = match way {
            ToServer => {
                let [_, _, _, _, key @ ..] = scatter(self.sent[way as usize]).to_be_bytes();
                frame.masked(key)
            }
            ToClient => frame,
        };
        self.senders[way as usize].write_all(&frame.to_bytes()).await?;
        self.sent[way as usize] += 1;
        let heard = self.receivers[way as usize].hear(self.sent[way as usize]).await?;
        // What was taken out on its way is not waited for twice.
        self.sent[way as usize] = heard;
        Ok(())
    }

    /// The closing handshake, begun in this direction, and the end of the connection.
    pub(super) async fn close(mut self, way: Direction, code: u16, reason: &str) -> io::Result<()> {
        let close = Close { code: Some(StatusCode(code)), reason: reason.as_bytes() };
        let payload = close.to_payload();
        self.frame(way, Frame::new(Opcode::Close, &payload)).await?;
        self.frame(way.opposite(), Frame::new(Opcode::Close, &payload[..2])).await?;
        // RFC 6455 7.1.1: the server closes the connection, the client waits for it to do so.
        self.hang_up(ToClient).await
    }

    /// The end of the connection with no more words, begun by the sender in this direction.
    pub(super) async fn hang_up(mut self, way: Direction) -> io::Result<()> {
        for way in [way, way.opposite()] {
            self.senders[way as usize].shutdown().await?;
            self.receivers[way as usize].hear(u64::MAX).await?;
        }
        Ok(())
    }

    async fn message(&mut self, way: Direction, opcode: Opcode, payload: &[u8]) -> io::Result<()> {
        match self.compress(way, payload) {
            Some(compressed) => self.frame(way, Frame::new(opcode, &compressed).compressed()).await,
            None => self.frame(way, Frame::new(opcode, payload)).await,
        }
    }

    fn compress(&mut self, way: Direction, payload: &[u8]) -> Option<Vec<u8>> {
        self.deflaters.as_mut()?[way as usize].compress(payload)
    }
}

/// An end that reads whatever comes.
struct Receiver {
    heard: watch::Receiver<Heard>,
    task: JoinHandle<()>,
}

#[derive(Clone, Copy, Default)]
struct Heard {
    frames: u64,
    over: bool,
}

impl Receiver {
    fn start(stream: OwnedReadHalf) -> Receiver {
        let (tell, heard) = watch::channel(Heard::default());
        Receiver { heard, task: tokio::spawn(listen(stream, tell)) }
    }

    /// Waits until this many frames have come, or the end; gives how many did.
    async fn hear(&mut self, frames: u64) -> io::Result<u64> {
        let waited =
            timeout(PATIENCE, self.heard.wait_for(|heard| heard.over || heard.frames >= frames)).await;
        drop(waited);
        let Heard { frames: heard, over } = *self.heard.borrow();
        if over && heard < frames && frames < u64::MAX {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        Ok(heard)
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn listen(mut stream: OwnedReadHalf, tell: watch::Sender<Heard>) {
    let mut walker = FrameWalker::new();
    let mut buffer = vec![0; 16 << 10];
    while let Ok(count @ 1..) = stream.read(&mut buffer).await {
        let frames = walker.skip(&buffer[..count]);
        tell.send_modify(|heard| heard.frames += frames);
    }
    tell.send_modify(|heard| heard.over = true);
}
