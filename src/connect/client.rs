//! The client on its connection: the opening handshake, then whatever it is given to say, until the session is over.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf, split};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};

use super::{End, Request};
use crate::control::FrameSpec;
use crate::net::Endpoint;
use crate::replay::{Heard, Wire};
use crate::ws::handshake::{RequestHead, ResponseHead, examine, head_length};
use crate::ws::{Close, Direction, Examination, Frame, Opcode, StatusCode};

/// A session that is open.
pub struct Client {
    reader: ReadHalf<Endpoint>,
    writer: WriteHalf<Endpoint>,
    wire: Wire,
    request: RequestHead,
    response: ResponseHead,
    agreed: Examination,
    /// What came behind the answer's head.
    rest: Vec<u8>,
    out: Vec<u8>,
    /// The close frame that was sent.
    sent: Option<Closing>,
    /// The close frame that came.
    came: Option<Closing>,
    first: Option<Direction>,
}

/// What a close frame says.
type Closing = (Option<u16>, String);

/// Why no session came about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unopened {
    /// The server, or the proxy in its place, answered so.
    Answered(String),
    /// No answer came in time, or none at all.
    Silent,
}

/// Something that the server did.
#[derive(Clone, Debug)]
pub enum Told {
    /// It sent a message.
    Message(Opcode, Bytes),
    /// It broke a MUST, in words.
    Violation(String),
}

/// When the client has had enough.
#[derive(Clone, Copy, Debug, Default)]
pub struct Until {
    /// After so long.
    pub most: Option<Duration>,
    /// So long after there is nothing more to say; none stays.
    pub linger: Option<Duration>,
}

/// What is said by the client, from another thread. When all of them are gone, it closes the session.
#[derive(Clone, Debug)]
pub struct Voice(mpsc::Sender<Vec<FrameSpec>>);

/// Where the client takes up what is said.
pub type Ear = mpsc::Receiver<Vec<FrameSpec>>;

/// A voice, and the ear for it.
pub fn voice() -> (Voice, Ear) {
    // Who says a lot waits for the network.
    let (sender, receiver) = mpsc::channel(64);
    (Voice(sender), receiver)
}

impl Voice {
    /// Says these frames; waits where much is on its way already. False where nobody listens any more.
    pub fn say(&self, frames: Vec<FrameSpec>) -> bool {
        self.0.blocking_send(frames).is_ok()
    }

    /// The same without waiting; false also where too much is on its way.
    pub fn try_say(&self, frames: Vec<FrameSpec>) -> bool {
        self.0.try_send(frames).is_ok()
    }
}

/// Octets of a head that are read.
const LARGEST_HEAD: usize = 1 << 20;
/// Octets on their way at which no more is taken up.
const ENOUGH: usize = 256 << 10;
/// How long the body of an answer is waited for that is not what was asked for.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long the server may take to answer a close.
const PARTING: Duration = Duration::from_secs(5);
/// How long it may take to end the connection after that.
const LEAVING: Duration = Duration::from_secs(2);

impl Client {
    /// Asks for a session, and waits for the answer as long as `limit`. To be called inside a tokio runtime.
    ///
    /// # Errors
    /// Where none comes about.
    pub async fn open(server: Endpoint, request: &Request, limit: Duration) -> Result<Client, Unopened> {
        let head = request.head(&key());
        let (mut reader, mut writer) = split(server);
        if writer.write_all(&head).await.is_err() {
            return Err(Unopened::Silent);
        }
        let answer = timeout(limit, answer(&mut reader)).await.ok().flatten();
        let (response, rest) = answer.ok_or(Unopened::Silent)?;
        // The head is our own, and may still be one that nobody should send.
        let request = RequestHead::parse(&head)
            .map_err(|_| Unopened::Answered("the request cannot be read as HTTP".to_owned()))?;
        let agreed = examine(&request, Some(&response));
        if response.status() != 101 {
            // The log hears the body only as long as somebody takes it.
            let _ = timeout(PATIENCE, take_body(&mut reader, &response, rest.len())).await;
            let why = agreed.why.unwrap_or_else(|| format!("the server answered {}", response.status()));
            return Err(Unopened::Answered(why));
        }
        Ok(Client {
            reader,
            writer,
            wire: Wire::new(Direction::ToServer, &agreed),
            request,
            response,
            agreed,
            rest,
            out: Vec::new(),
            sent: None,
            came: None,
            first: None,
        })
    }

    /// The head that asked for it.
    pub fn request(&self) -> &[u8] {
        self.request.raw()
    }

    /// The head that granted it.
    pub fn response(&self) -> &[u8] {
        self.response.raw()
    }

    /// What the handshake agreed on, and what was wrong with it.
    pub fn agreed(&self) -> &Examination {
        &self.agreed
    }

    /// Says what `ear` hears and tells what comes, until the session is over; `until` may end it sooner, and so does
    /// `stop`.
    pub async fn talk(
        mut self,
        mut ear: Ear,
        until: Until,
        stop: impl Future<Output = ()>,
        mut tell: impl FnMut(Told),
    ) -> End {
        let mut stop = std::pin::pin!(stop);
        let (mut hears, mut stopped) = (true, false);
        let mut deadline = until.most.map(|most| Instant::now() + most);
        let mut buffer = vec![0; 64 << 10];
        let rest = std::mem::take(&mut self.rest);
        self.heard(&rest, &mut tell);
        loop {
            let parting = self.sent.is_some();
            if let (true, Some(_)) = (self.out.is_empty() && parting, &self.came) {
                return self.leave(&mut buffer).await;
            }
            let wake = deadline.unwrap_or_else(|| Instant::now() + Duration::from_secs(3_600));
            tokio::select! {
                read = self.reader.read(&mut buffer) => match read {
                    Ok(count @ 1..) => self.heard(&buffer[..count], &mut tell),
                    _ => return self.end(),
                },
                wrote = self.writer.write(&self.out), if !self.out.is_empty() => match wrote {
                    Ok(count @ 1..) => drop(self.out.drain(..count)),
                    // What the server said last is still to be read.
                    _ => self.out.clear(),
                },
                said = ear.recv(), if hears && self.out.len() < ENOUGH => match said {
                    Some(frames) => self.say(&frames),
                    None => {
                        hears = false;
                        let last = until.linger.map(|linger| Instant::now() + linger);
                        deadline = deadline.into_iter().chain(last).min();
                    }
                },
                () = &mut stop, if !stopped => {
                    stopped = true;
                    self.close();
                }
                () = sleep_until(wake), if deadline.is_some() => {
                    if parting {
                        return self.end();
                    }
                    self.close();
                }
            }
            if self.sent.is_some() && !parting {
                deadline = Some(Instant::now() + PARTING);
            }
        }
    }

    /// Takes in what came.
    fn heard(&mut self, bytes: &[u8], tell: &mut impl FnMut(Told)) {
        for heard in self.wire.read(bytes) {
            let said = match heard {
                Heard::Said(said) => said,
                Heard::Violation(what) => {
                    tell(Told::Violation(what));
                    continue;
                }
                Heard::Raw(_) => continue,
            };
            for fault in said.faults {
                tell(Told::Violation(fault));
            }
            match said.opcode {
                _ if !said.complete => {}
                // RFC 6455 5.5.2
                Opcode::Ping => self.out.extend(self.wire.write(Opcode::Pong, &said.payload, masking_key())),
                Opcode::Close => self.closed(&said.payload),
                opcode if opcode.is_control() => {}
                opcode => tell(Told::Message(opcode, said.payload)),
            }
        }
    }

    /// The server closes: it is answered with its own code, unless it answers itself (RFC 6455 5.5.1).
    fn closed(&mut self, payload: &[u8]) {
        let closing = closing(payload);
        self.first.get_or_insert(Direction::ToClient);
        if self.sent.is_none() {
            let code = closing.0.filter(|code| StatusCode(*code).may_be_sent()).map(StatusCode);
            self.send_close(code);
        }
        self.came.get_or_insert(closing);
    }

    fn close(&mut self) {
        if self.sent.is_none() {
            self.first.get_or_insert(Direction::ToServer);
            self.send_close(Some(StatusCode(1000)));
        }
    }

    fn send_close(&mut self, code: Option<StatusCode>) {
        let payload = Close { code, reason: b"" }.to_payload();
        self.out.extend(self.wire.write(Opcode::Close, &payload, masking_key()));
        self.sent = Some((code.map(|code| code.0), String::new()));
    }

    fn say(&mut self, frames: &[FrameSpec]) {
        for frame in frames {
            if frame.opcode == Opcode::Close && self.sent.is_none() {
                self.first.get_or_insert(Direction::ToServer);
                self.sent = Some(closing(&frame.payload));
            }
            let bytes = self.bytes(frame);
            self.out.extend(bytes);
        }
    }

    fn bytes(&mut self, spec: &FrameSpec) -> Vec<u8> {
        let is_plain = *spec == FrameSpec::new(spec.opcode, spec.payload.clone());
        if is_plain && matches!(spec.opcode, Opcode::Text | Opcode::Binary) {
            return self.wire.write(spec.opcode, &spec.payload, masking_key());
        }
        let mut frame = Frame::new(spec.opcode, &spec.payload).reserved_bits(spec.reserved_bits);
        if !spec.fin {
            frame = frame.unfinished();
        }
        if spec.masked.unwrap_or(true) {
            frame = frame.masked(masking_key());
        }
        if let Some(form) = spec.length_form {
            frame = frame.length_form(form);
        }
        frame.to_bytes()
    }

    /// Both have closed: the server ends the connection (RFC 6455 7.1.1).
    async fn leave(mut self, buffer: &mut [u8]) -> End {
        let gone = async { while let Ok(1..) = self.reader.read(buffer).await {} };
        // One that does not is left so.
        let _ = timeout(LEAVING, gone).await;
        let _ = self.writer.shutdown().await;
        self.end()
    }

    fn end(self) -> End {
        match (self.first, self.sent, self.came) {
            (Some(first), Some((ours, _)), Some((theirs, reason))) => {
                let (code, answer) =
                    if first == Direction::ToServer { (ours, theirs) } else { (theirs, ours) };
                End::Closed { first, code, answer, reason }
            }
            (_, Some(_), None) => End::Cut("closed, and the server did not answer that"),
            _ => End::Cut("the connection ended without a close frame (1006)"),
        }
    }
}

/// The answer to the opening handshake, and what came behind its head.
async fn answer(reader: &mut ReadHalf<Endpoint>) -> Option<(ResponseHead, Vec<u8>)> {
    let mut bytes = Vec::new();
    loop {
        while let Some(length) = head_length(&bytes) {
            let rest = bytes.split_off(length);
            let response = ResponseHead::parse(&bytes).ok()?;
            // RFC 9110 15.2: more of them may come before the answer.
            if response.status() == 101 || response.status() >= 200 {
                return Some((response, rest));
            }
            bytes = rest;
        }
        bytes.reserve(4096);
        if bytes.len() > LARGEST_HEAD || reader.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}

/// Takes the body of an answer, of which `taken` octets are here: all that is announced, or what comes until the end.
async fn take_body(reader: &mut ReadHalf<Endpoint>, response: &ResponseHead, taken: usize) {
    let length = response.headers().text("content-length").and_then(|length| length.parse().ok());
    let wanted = length.unwrap_or(usize::MAX).min(LARGEST_HEAD);
    let (mut taken, mut buffer) = (taken, [0; 4096]);
    while taken < wanted {
        match reader.read(&mut buffer).await {
            Ok(count @ 1..) => taken += count,
            _ => return,
        }
    }
}

fn closing(payload: &[u8]) -> Closing {
    let close = Close::parse(payload);
    (close.code.map(|code| code.0), String::from_utf8_lossy(close.reason).into_owned())
}

/// A `Sec-WebSocket-Key`: 16 octets, random as far as there is randomness (RFC 6455 4.1).
fn key() -> String {
    let mut octets = [0; 16];
    let _ = getrandom::fill(&mut octets);
    STANDARD.encode(octets)
}

/// Random, as far as there is randomness (RFC 6455 5.3).
fn masking_key() -> [u8; 4] {
    let mut key = [0; 4];
    let _ = getrandom::fill(&mut key);
    key
}
