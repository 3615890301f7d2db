//! Frames made beforehand, the opening handshake in its shortest form, and a scanner that counts messages.
//!
//! Kept apart from the crate's own walker, so that what measures does not lean on what is measured.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use anyhow::{Context as _, Result, bail, ensure};
use base64::Engine as _;
use sha1::{Digest as _, Sha1};
use tokio::io::{AsyncRead as _, ReadBuf};

use crate::scenario::Compression;
use crate::secure::Stream;

/// A message that counts.
pub const TEXT: u8 = 0x1;
/// A message between load client and load server: start, stop, done.
pub const COMMAND: u8 = 0x2;
/// The closing handshake.
pub const CLOSE: u8 = 0x8;

/// The key every session of the load client sends; RFC 6455 1.3 gives the answer to it.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

const HEAD_LIMIT: usize = 16 * 1024;
const SCRATCH: usize = 256 * 1024;

thread_local! {
    // One buffer for all sessions: thousands of idle ones hold none of their own.
    static READ_BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; SCRATCH]);
}

/// What a load client asks the load server to do, told by the path of its request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// Answer each message with one of this size; all that are due leave in one write.
    Echo(usize),
    /// The same, one write for each message.
    Reply(usize),
    /// Read on and answer nothing but a command.
    Sink(Compression),
    /// Once commanded, send messages of this size until commanded again, or until there were so many.
    Flood(usize, u64, Compression),
}

impl Service {
    /// As a path.
    pub fn path(self) -> String {
        match self {
            Service::Echo(size) => format!("/echo/{size}"),
            Service::Reply(size) => format!("/reply/{size}"),
            Service::Sink(compression) => format!("/sink/{}", compression.word()),
            Service::Flood(size, limit, compression) => {
                format!("/flood/{size}/{limit}/{}", compression.word())
            }
        }
    }

    /// From a path.
    pub fn from_path(path: &str) -> Result<Service> {
        let parts: Vec<&str> = path.split('/').skip(1).collect();
        Ok(match parts[..] {
            ["echo", size] => Service::Echo(size.parse()?),
            ["reply", size] => Service::Reply(size.parse()?),
            ["sink", compression] => Service::Sink(Compression::from_word(compression)?),
            ["flood", size, limit, compression] => {
                Service::Flood(size.parse()?, limit.parse()?, Compression::from_word(compression)?)
            }
            _ => bail!("no service at {path}"),
        })
    }

    /// The header line by which its compression is asked for, and agreed to.
    fn extensions(self) -> &'static str {
        match self {
            Service::Sink(Compression::Together) | Service::Flood(.., Compression::Together) => {
                "Sec-WebSocket-Extensions: permessage-deflate\r\n"
            }
            Service::Sink(Compression::Alone) | Service::Flood(.., Compression::Alone) => {
                "Sec-WebSocket-Extensions: permessage-deflate; \
                 client_no_context_takeover; server_no_context_takeover\r\n"
            }
            _ => "",
        }
    }
}

/// A request for `service`, with the headers a browser's has.
pub fn request(service: Service, authority: &str) -> Vec<u8> {
    format!(
        "GET {path} HTTP/1.1\r\nHost: {authority}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         User-Agent: relay-bench\r\nOrigin: http://{authority}\r\nSec-WebSocket-Version: 13\r\n\
         Accept-Encoding: gzip, deflate\r\nAccept-Language: en\r\nSec-WebSocket-Key: {KEY}\r\n{extensions}\r\n",
        path = service.path(),
        extensions = service.extensions()
    )
    .into_bytes()
}

/// The answer to a request: which service it asks for, and the head that agrees to it.
pub fn answer(request: &[u8]) -> Result<(Service, Vec<u8>)> {
    let text = std::str::from_utf8(request)?;
    let path = text.split(' ').nth(1).context("a request line")?;
    let key = text
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("sec-websocket-key"))
        .map(|(_, value)| value.trim())
        .context("a Sec-WebSocket-Key")?;
    let digest = Sha1::new().chain_update(key).chain_update(GUID).finalize();
    let accept = base64::engine::general_purpose::STANDARD.encode(digest);
    let service = Service::from_path(path)?;
    let head = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n{extensions}\r\n",
        extensions = service.extensions()
    );
    Ok((service, head.into_bytes()))
}

/// Whether an answer agrees to the request of the load client.
pub fn check_answer(head: &[u8]) -> Result<()> {
    let text = String::from_utf8_lossy(head);
    let first = text.lines().next().unwrap_or_default();
    ensure!(first.starts_with("HTTP/1.1 101"), "the answer was {first}");
    ensure!(text.contains(ACCEPT), "the answer holds the wrong Sec-WebSocket-Accept");
    Ok(())
}

/// Where a head ends, if it does within `bytes`.
pub fn end_of_head(bytes: &[u8]) -> Result<Option<usize>> {
    ensure!(bytes.len() < HEAD_LIMIT, "a head of more than {HEAD_LIMIT} bytes");
    Ok(bytes.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4))
}

/// `count` frames in a row, as a client sends them: each with a masking key of its own.
pub fn client_frames(opcode: u8, size: usize, count: usize) -> Vec<u8> {
    let mut out = Vec::new();
    let payload = payload(size);
    (0..count).for_each(|nth| masked_frame(&mut out, opcode, &payload, nth));
    out
}

/// The `nth` frame of a client's; `first` is all of its first octet but FIN.
pub fn masked_frame(out: &mut Vec<u8>, first: u8, payload: &[u8], nth: usize) {
    let key = (0x9e37_79b9_u32.wrapping_mul(nth as u32 + 1)).to_be_bytes();
    frame_head(out, first, payload.len(), 0x80);
    out.extend_from_slice(&key);
    out.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
}

/// `count` frames in a row, as a server sends them.
pub fn server_frames(opcode: u8, size: usize, count: usize) -> Vec<u8> {
    let mut out = Vec::new();
    let payload = payload(size);
    (0..count).for_each(|_| plain_frame(&mut out, opcode, &payload));
    out
}

/// A frame of a server's; `first` is all of its first octet but FIN.
pub fn plain_frame(out: &mut Vec<u8>, first: u8, payload: &[u8]) {
    frame_head(out, first, payload.len(), 0);
    out.extend_from_slice(payload);
}

/// How many frames of `size` make a write of about 64 KiB.
pub fn frames_in_a_write(size: usize) -> usize {
    (64 * 1024 / (size + 6)).max(1)
}

fn frame_head(out: &mut Vec<u8>, first: u8, size: usize, mask: u8) {
    out.push(0x80 | first);
    match size {
        0..=125 => out.push(mask | size as u8),
        126..=0xffff => {
            out.push(mask | 126);
            out.extend_from_slice(&(size as u16).to_be_bytes());
        }
        _ => {
            out.push(mask | 127);
            out.extend_from_slice(&(size as u64).to_be_bytes());
        }
    }
}

/// JSON of exactly `size` bytes, for what is most often sent; a short one is letters only.
fn payload(size: usize) -> Vec<u8> {
    const START: &[u8] = br#"{"kind":"update","id":48213,"text":""#;
    const END: &[u8] = br#""}"#;
    let letters = |count: usize| (0..count).map(|nth| b'a' + (nth % 26) as u8);
    match size.checked_sub(START.len() + END.len()) {
        Some(room) => START.iter().copied().chain(letters(room)).chain(END.iter().copied()).collect(),
        None => letters(size).collect(),
    }
}

/// What one read brought to its end.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seen {
    /// Text messages.
    pub messages: usize,
    /// Binary messages.
    pub commands: usize,
    /// A close frame was among them.
    pub closed: bool,
}

/// Counts messages in bytes that come in chunks of any size.
#[derive(Debug, Default)]
pub struct Scanner {
    head: [u8; 14],
    held: usize,
    skip: u64,
    end: bool,
    kind: u8,
}

impl Scanner {
    /// Adds to `seen` what ends within `bytes`.
    pub fn feed(&mut self, mut bytes: &[u8], seen: &mut Seen) {
        while !bytes.is_empty() {
            if self.skip > 0 {
                let skipped = bytes.len().min(usize::try_from(self.skip).unwrap_or(usize::MAX));
                self.skip -= skipped as u64;
                bytes = &bytes[skipped..];
            } else if self.held == 0 && header(bytes).is_some() {
                bytes = &bytes[self.begin(bytes)..];
            } else {
                self.head[self.held] = bytes[0];
                self.held += 1;
                bytes = &bytes[1..];
                let head = self.head;
                if header(&head[..self.held]).is_none() {
                    continue;
                }
                self.begin(&head);
                self.held = 0;
            }
            if self.skip == 0 {
                self.finish(seen);
            }
        }
    }

    /// Takes a whole header in and says how long it was.
    fn begin(&mut self, bytes: &[u8]) -> usize {
        let Some((length, payload)) = header(bytes) else { return bytes.len() };
        let opcode = bytes[0] & 0x0f;
        if opcode != 0 {
            self.kind = opcode;
        }
        self.end = bytes[0] & 0x80 != 0;
        self.skip = payload;
        length
    }

    fn finish(&self, seen: &mut Seen) {
        match self.kind {
            TEXT if self.end => seen.messages += 1,
            COMMAND if self.end => seen.commands += 1,
            CLOSE => seen.closed = true,
            _ => {}
        }
    }
}

/// The length of the header that `bytes` begins with, and of its payload; nothing while it is not whole.
fn header(bytes: &[u8]) -> Option<(usize, u64)> {
    let second = *bytes.get(1)?;
    let key = if second & 0x80 == 0 { 0 } else { 4 };
    let (length, payload) = match second & 0x7f {
        126 => (4, u64::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?))),
        127 => (10, u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?)),
        short => (2, u64::from(short)),
    };
    (bytes.len() >= length + key).then_some((length + key, payload))
}

/// A socket whose messages are counted as they are read.
#[derive(Debug)]
pub struct Counted {
    /// The socket.
    pub stream: Stream,
    scanner: Scanner,
}

impl Counted {
    /// After the handshake; `rest` is what came behind it.
    pub fn new(stream: Stream, rest: &[u8], seen: &mut Seen) -> Counted {
        let mut scanner = Scanner::default();
        scanner.feed(rest, seen);
        Counted { stream, scanner }
    }

    /// Reads once; nothing at the end of the stream.
    pub async fn read(&mut self) -> io::Result<Option<Seen>> {
        std::future::poll_fn(|context| self.poll_read(context)).await
    }

    fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<io::Result<Option<Seen>>> {
        READ_BUFFER.with_borrow_mut(|buffer| {
            let mut buffer = ReadBuf::new(buffer);
            match Pin::new(&mut self.stream).poll_read(context, &mut buffer) {
                Poll::Pending => Poll::Pending,
                Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
                Poll::Ready(Ok(())) if buffer.filled().is_empty() => Poll::Ready(Ok(None)),
                Poll::Ready(Ok(())) => {
                    let mut seen = Seen::default();
                    self.scanner.feed(buffer.filled(), &mut seen);
                    Poll::Ready(Ok(Some(seen)))
                }
            }
        })
    }
}
