//! One direction whose messages are looked at before they go on: whole messages are given out, and put back as they
//! came, changed, twice, or not at all, so that the rest of the stream stays right for the receiver.
//!
//! Where permessage-deflate takes its context over from message to message (RFC 7692 7.1.1), what a message was
//! compressed with depends on all before it. So from the first message on that is touched, the direction is compressed
//! anew: the receiver's window then holds what the new compressor gave it. Until then, and always without context
//! takeover, what is not touched goes on byte for byte.

use crate::ws::inflate::{History, Inflater};
use crate::ws::{
    Deflater, Direction, FrameHeader, FrameWalker, Opcode, PermessageDeflate, Walked, encode, mask,
};

/// Takes a direction's bytes apart into messages, and puts them together again.
pub struct Gate {
    direction: Direction,
    deflate: Option<PermessageDeflate>,
    limit: usize,
    walker: FrameWalker,
    history: History,
    inflater: Option<Box<Inflater>>,
    /// Compresses anew; none while the sender's own compression still holds for the receiver.
    deflater: Option<Box<Deflater>>,
    frame: Now,
    open: Option<Open>,
    /// The control frame that is being read.
    control: Option<Frame>,
    /// Octets of the direction that were fed, all before the gate included.
    position: u64,
    /// How many compressed messages were given out.
    given: u64,
    /// How many of them went on as they came, one after the other.
    passed: u64,
    /// Messages that were given out and not put back.
    pending: usize,
}

/// What comes out of a direction, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Bytes that go on as they are: control frames, what belongs to no message, and messages too long to be held.
    Pass(Vec<u8>),
    /// A control frame. It goes on by its bytes, or not.
    Control(Frame),
    /// A message, to be put back by [`Gate::put_back`].
    Message(Whole),
}

/// A whole control frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// What it is.
    pub opcode: Opcode,
    /// Its payload, unmasked.
    pub payload: Vec<u8>,
    /// All of it as it came.
    pub raw: Vec<u8>,
    /// Where it began in its direction's stream, in octets.
    pub offset: u64,
}

/// A whole data message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whole {
    /// Text or binary.
    pub opcode: Opcode,
    /// Its payload, unmasked and inflated; none where it could not be inflated.
    pub payload: Option<Vec<u8>>,
    /// Where its first frame began in its direction's stream, in octets.
    pub offset: u64,
    /// Octets of its payload on the wire.
    pub wire_size: u64,
    /// Its frames as they came, without the control frames between them.
    raw: Vec<u8>,
    /// Its place among the compressed messages; none where it is not compressed.
    turn: Option<u64>,
}

impl Whole {
    /// Octets that it takes in memory.
    pub fn octets(&self) -> usize {
        self.raw.len() + self.payload.as_ref().map_or(0, Vec::len)
    }

    /// Whether it was compressed.
    pub fn is_compressed(&self) -> bool {
        self.turn.is_some()
    }
}

/// Gives fresh masking keys (RFC 6455 5.3).
pub type Keys<'a> = &'a mut dyn FnMut() -> [u8; 4];

/// What becomes of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What goes on in its place; none where it goes on itself.
    pub replacement: Option<(Opcode, Vec<u8>)>,
    /// How often it goes on: once, or more often, or never.
    pub times: u32,
}

impl Verdict {
    /// It goes on.
    pub const FORWARD: Verdict = Verdict { replacement: None, times: 1 };
    /// Nothing goes on.
    pub const DROP: Verdict = Verdict { replacement: None, times: 0 };
}

/// The frame whose payload is being read.
#[derive(Clone, Copy)]
enum Now {
    /// It goes on as it is.
    Passing,
    /// It is a control frame that will be given out whole.
    Control { masking_key: Option<[u8; 4]>, done: u64 },
    /// It belongs to the message under way.
    Data { masking_key: Option<[u8; 4]>, done: u64, fin: bool },
}

/// The message under way.
struct Open {
    opcode: Opcode,
    offset: u64,
    compressed: bool,
    wire_size: u64,
    raw: Vec<u8>,
    /// The payload so far; empty once it is broken.
    payload: Vec<u8>,
    broken: bool,
    /// It is too long to be held: it goes on while it comes.
    flows: bool,
}

impl Gate {
    /// For a direction that stands between two messages, after `position` octets. `history` is what the compressed
    /// messages before inflated to, as far as the next may refer to it; messages of more than `limit` octets are not
    /// held.
    pub fn new(
        direction: Direction,
        deflate: Option<PermessageDeflate>,
        history: History,
        position: u64,
        limit: usize,
    ) -> Gate {
        Gate {
            direction,
            deflate,
            limit,
            walker: FrameWalker::new(),
            history,
            inflater: None,
            deflater: None,
            frame: Now::Passing,
            open: None,
            control: None,
            position,
            given: 0,
            passed: 0,
            pending: 0,
        }
    }

    /// Takes in what the sender sent.
    pub fn feed(&mut self, bytes: &[u8], events: &mut Vec<Event>) {
        let mut walker = std::mem::take(&mut self.walker);
        let mut walk = walker.walk(bytes);
        while let Some(walked) = walk.next() {
            match walked {
                Walked::Header(header) => {
                    let end = self.position + (bytes.len() - walk.rest().len()) as u64;
                    self.header(&header, end - header.bytes().len() as u64, events);
                }
                Walked::Payload(payload) => self.payload(payload, events),
                Walked::End => self.end_of_frame(events),
            }
        }
        self.walker = walker;
        self.position += bytes.len() as u64;
    }

    /// What must follow for the receiver, now that `verdict` was given on a message. Messages may be put back in another
    /// order than they came in. Each new frame of the client's is masked with a key of `keys`.
    pub fn put_back(&mut self, whole: Whole, verdict: Verdict, keys: Keys<'_>, out: &mut Vec<u8>) {
        self.pending = self.pending.saturating_sub(1);
        let Verdict { replacement, times } = verdict;
        match replacement {
            _ if times == 0 => self.touch(whole.turn),
            Some((opcode, payload)) => {
                self.touch(whole.turn);
                for _ in 0..times {
                    self.write(opcode, &payload, whole.turn.is_some(), keys(), out);
                }
            }
            None => {
                for _ in 1..times {
                    self.forward(whole.clone(), keys, out);
                }
                self.forward(whole, keys, out);
            }
        }
    }

    /// Octets of the message that is coming, as far as they are kept.
    pub fn octets(&self) -> usize {
        self.open.as_ref().map_or(0, |open| open.raw.len() + open.payload.len())
    }

    /// The end has come: what there is of the frames under way, as it came.
    pub fn rest(&mut self) -> Vec<u8> {
        let mut rest = self.open.take().map(|open| open.raw).unwrap_or_default();
        rest.extend(self.control.take().map(|control| control.raw).unwrap_or_default());
        rest
    }

    /// Whether the next byte begins a message, and none waits: then messages that are not touched may be taken by, and told
    /// by [`Gate::went_by`].
    pub fn between_messages(&self) -> bool {
        self.walker.at_message_boundary() && self.pending == 0
    }

    /// So many octets, whole messages that are not compressed, went on without coming through here.
    pub fn went_by(&mut self, octets: usize) {
        self.position += octets as u64;
    }

    /// Whether a frame may be compressed.
    pub fn deflates(&self) -> bool {
        self.deflate.is_some()
    }

    /// Octets at the start of `bytes`, the next to come, up to where a message ends with none under way behind it; all of
    /// them where none does.
    pub fn end_of_message(&self, bytes: &[u8]) -> usize {
        self.walker.clone().end_of_message(bytes).unwrap_or(bytes.len())
    }

    /// Whether it may be left: the next byte begins a message, none waits, and what goes on is still the sender's own.
    pub fn can_leave(&self) -> bool {
        self.between_messages() && self.deflater.is_none()
    }

    /// What the compressed messages so far inflated to, for whoever goes on reading the sender.
    pub fn history(&self) -> &History {
        &self.history
    }

    fn header(&mut self, header: &FrameHeader, offset: u64, events: &mut Vec<Event>) {
        let fin = header.fin;
        self.frame = match (header.opcode, &self.open) {
            (Opcode::Text | Opcode::Binary, _) => {
                // A message that begins inside another (RFC 6455 5.4) ends what was held of that.
                if let Some(open) = self.open.take() {
                    self.history.forget_message();
                    pass(&open.raw, events);
                }
                self.begin(header, offset);
                Now::Data { masking_key: header.masking_key, done: 0, fin }
            }
            (Opcode::Continuation, Some(_)) => Now::Data { masking_key: header.masking_key, done: 0, fin },
            // RFC 6455 5.5: a control frame has no more octets, and is one frame
            (opcode, _) if opcode.is_control() && header.payload_length <= 125 && fin => {
                self.control = Some(Frame { opcode, payload: Vec::new(), raw: Vec::new(), offset });
                Now::Control { masking_key: header.masking_key, done: 0 }
            }
            _ => Now::Passing,
        };
        self.raw(header.bytes(), events);
    }

    fn begin(&mut self, header: &FrameHeader, offset: u64) {
        let compressed = header.rsv1 && self.deflate.is_some();
        if compressed {
            if self.takes_no_context_over() {
                self.history.clear();
            }
            self.inflater.get_or_insert_default().begin(&mut self.history);
        }
        self.open = Some(Open {
            opcode: header.opcode,
            offset,
            compressed,
            wire_size: 0,
            raw: Vec::new(),
            payload: Vec::new(),
            broken: false,
            flows: false,
        });
    }

    /// Bytes of the frame that is under way, as they came.
    fn raw(&mut self, bytes: &[u8], events: &mut Vec<Event>) {
        match (self.frame, &mut self.open) {
            (Now::Data { .. }, Some(open)) if !open.flows => open.raw.extend_from_slice(bytes),
            (Now::Control { .. }, _) => {
                self.control.iter_mut().for_each(|control| control.raw.extend_from_slice(bytes));
            }
            _ => pass(bytes, events),
        }
    }

    fn payload(&mut self, bytes: &[u8], events: &mut Vec<Event>) {
        self.raw(bytes, events);
        let (Now::Data { masking_key, done, .. } | Now::Control { masking_key, done }) = &mut self.frame
        else {
            return;
        };
        let (key, before) = (*masking_key, *done);
        *done += bytes.len() as u64;
        let unmask = |plain: &mut [u8]| {
            if let Some(key) = key {
                mask::mask(plain, key, before);
            }
        };
        if let Some(control) = &mut self.control {
            return extend(&mut control.payload, bytes, unmask);
        }
        let Some(open) = &mut self.open else { return };
        open.wire_size += bytes.len() as u64;
        match &mut self.inflater {
            Some(inflater) if open.compressed && !open.broken => {
                let mut plain = bytes.to_vec();
                unmask(&mut plain);
                let (flows, payload) = (open.flows, &mut open.payload);
                let give = |piece: &[u8]| {
                    if !flows {
                        payload.extend_from_slice(piece);
                    }
                };
                open.broken = inflater.read(&plain, &mut self.history, &mut [0; ROOM], give).is_err();
            }
            _ if !open.flows => extend(&mut open.payload, bytes, unmask),
            _ => {}
        }
        self.let_flow(events);
    }

    /// Lets a message go on while it comes that is too long to be held, where nothing forbids it: those before it have
    /// gone, and it goes as it came.
    fn let_flow(&mut self, events: &mut Vec<Event>) {
        let own_compression = self.deflater.is_none() && self.passed == self.given;
        let Some(open) = &mut self.open else { return };
        let size = open.raw.len().max(open.payload.len());
        if !open.flows && size > self.limit && self.pending == 0 && (own_compression || !open.compressed) {
            open.flows = true;
            open.payload = Vec::new();
            pass(&std::mem::take(&mut open.raw), events);
        }
    }

    fn end_of_frame(&mut self, events: &mut Vec<Event>) {
        if let Some(control) = self.control.take() {
            self.frame = Now::Passing;
            return events.push(Event::Control(control));
        }
        let Now::Data { fin, .. } = self.frame else { return };
        self.frame = Now::Passing;
        let Some(mut open) = self.open.take_if(|_| fin) else { return };
        if open.compressed && !open.broken {
            let ended = self.inflater.as_mut().map(|inflater| inflater.end(&mut [0; ROOM]));
            open.broken = ended != Some(Ok(()));
        }
        if open.broken {
            self.history.forget_message();
        }
        let turn = open.compressed.then_some(self.given);
        self.given += u64::from(open.compressed);
        if open.flows {
            self.passed += u64::from(open.compressed);
            return;
        }
        self.pending += 1;
        let payload = (!open.broken).then_some(open.payload);
        let Open { opcode, offset, wire_size, raw, .. } = open;
        events.push(Event::Message(Whole { opcode, payload, offset, wire_size, raw, turn }));
    }

    fn forward(&mut self, whole: Whole, keys: Keys<'_>, out: &mut Vec<u8>) {
        let Some(turn) = whole.turn else { return append(whole.raw, out) };
        let as_it_came = self.takes_no_context_over() || (self.deflater.is_none() && self.passed == turn);
        match whole.payload {
            Some(payload) if !as_it_came => {
                self.touch(Some(turn));
                self.write(whole.opcode, &payload, true, keys(), out);
            }
            // What is broken already cannot be made anew.
            _ => {
                self.passed = turn + 1;
                append(whole.raw, out);
            }
        }
    }

    /// A message does not go on as it came: where it was compressed, those behind it cannot either.
    fn touch(&mut self, turn: Option<u64>) {
        if let (Some(_), Some(deflate), None) = (turn, &self.deflate, &self.deflater)
            && !deflate.no_context_takeover(self.direction)
        {
            self.deflater = Some(Box::new(Deflater::new(deflate, self.direction)));
        }
    }

    fn write(
        &mut self,
        opcode: Opcode,
        payload: &[u8],
        compressed: bool,
        masking_key: [u8; 4],
        out: &mut Vec<u8>,
    ) {
        let mut fresh = None;
        let deflater = match (&mut self.deflater, &self.deflate) {
            _ if !compressed => None,
            (Some(deflater), _) => Some(&mut **deflater),
            (None, Some(deflate)) => Some(fresh.insert(Deflater::new(deflate, self.direction))),
            (None, None) => None,
        };
        out.extend(encode::deflated(self.direction, opcode, payload, deflater, masking_key));
    }

    fn takes_no_context_over(&self) -> bool {
        self.deflate.is_some_and(|deflate| deflate.no_context_takeover(self.direction))
    }
}

/// Adds `bytes` to `payload`, and unmasks them there.
fn extend(payload: &mut Vec<u8>, bytes: &[u8], unmask: impl FnOnce(&mut [u8])) {
    let start = payload.len();
    payload.extend_from_slice(bytes);
    unmask(&mut payload[start..]);
}

/// Adds `bytes` to `out`, or makes them it.
fn append(bytes: Vec<u8>, out: &mut Vec<u8>) {
    if out.is_empty() {
        *out = bytes;
    } else {
        out.extend(bytes);
    }
}

/// Octets that are inflated at a time.
const ROOM: usize = 4096;

fn pass(bytes: &[u8], events: &mut Vec<Event>) {
    match events.last_mut() {
        Some(Event::Pass(before)) => before.extend_from_slice(bytes),
        _ if bytes.is_empty() => {}
        _ => events.push(Event::Pass(bytes.to_vec())),
    }
}

#[cfg(test)]
mod tests;
