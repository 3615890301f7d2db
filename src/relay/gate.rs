//! One direction whose messages are looked at before they go on: whole messages are given out, and put back as they
//! came, changed, twice, or not at all, so that the rest of the stream stays right for the receiver.
//!
//! Where permessage-deflate takes its context over from message to message (RFC 7692 7.1.1), what a message was
//! compressed with depends on all before it. So from the first message on that is touched, the direction is compressed
//! anew: the receiver's window then holds what the new compressor gave it. Until then, and always without context
//! takeover, what is not touched goes on byte for byte.
//!
//! A message too long to be kept goes on while it comes: as it came, or, where that would refer to what the receiver does
//! not have, inflated, in frames of our own.

mod ahead;
mod flow;
mod whole;

use std::collections::VecDeque;

use crate::ws::inflate::{History, Inflater};
use crate::ws::{
    Deflater, Direction, FrameHeader, FrameWalker, Opcode, PermessageDeflate, Walked, encode, mask,
};

pub use ahead::{Ahead, Inflated, Inflating};
pub use whole::{Event, Frame, Keys, Piece, Verdict, Whole};

use flow::Flow;
use whole::Between;

/// Takes a direction's bytes apart into messages, and puts them together again.
pub struct Gate {
    direction: Direction,
    deflate: Option<PermessageDeflate>,
    limit: usize,
    walker: FrameWalker,
    history: History,
    inflater: Option<Box<Inflater>>,
    /// Payloads of the next messages to come, where those were inflated ahead; none for one that could not be.
    ahead: VecDeque<Option<Vec<u8>>>,
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
    between: Between,
    /// The payload so far; empty once it is broken.
    payload: Vec<u8>,
    broken: bool,
    /// It was inflated before it came.
    ahead: bool,
    flow: Flow,
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
            ahead: VecDeque::new(),
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
    /// order than they came in. Each new frame of the client's is masked with a key of `keys`. Control frames that are in
    /// it still go on where they were, or before it where it does not go on as it came.
    pub fn put_back(&mut self, mut whole: Whole, verdict: Verdict, keys: Keys<'_>, out: &mut Vec<u8>) {
        self.pending = self.pending.saturating_sub(1);
        if verdict != Verdict::FORWARD || !self.goes_as_it_came(&whole) {
            whole.take_controls().iter().for_each(|frame| out.extend_from_slice(&frame.raw));
        }
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

    /// The control frames that came between the frames of the message that is coming, and have not gone on.
    pub fn controls(&self) -> &[Frame] {
        self.open.as_ref().map_or(&[], |open| open.between.frames())
    }

    /// Takes them out of it, to go on before it.
    pub fn take_controls(&mut self) -> Vec<Frame> {
        self.open.as_mut().map(|open| open.between.take_out_of(&mut open.raw)).unwrap_or_default()
    }

    /// Octets of the message that is coming, as far as they are kept.
    pub fn octets(&self) -> usize {
        self.open.as_ref().map_or(0, |open| open.raw.len() + open.payload.len())
    }

    /// The end has come: what there is of the frames under way, in order.
    pub fn rest(&mut self, events: &mut Vec<Event>) {
        let mut goes_anew = false;
        if let Some(open) = self.open.take() {
            goes_anew = open.is_anew();
            in_order(open.raw, open.between, events);
        }
        if let Some(control) = self.control.take() {
            pass(&control.raw, events);
        }
        if !goes_anew {
            pass(self.walker.cut_header(), events);
        }
    }

    /// Whether the next byte begins a message, and none waits: then messages that are not touched may be taken by, and told
    /// by [`Gate::went_by`].
    pub fn between_messages(&self) -> bool {
        self.walker.at_message_boundary() && self.pending == 0
    }

    /// Octets of the direction that were taken in, all before the gate included.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// So many octets, whole messages, went on without coming through here.
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
                    in_order(open.raw, open.between, events);
                }
                self.begin(header, offset);
                Now::Data { masking_key: header.masking_key, done: 0, fin }
            }
            (Opcode::Continuation, Some(_)) => Now::Data { masking_key: header.masking_key, done: 0, fin },
            // RFC 6455 5.5: a control frame has no more octets, and is one frame
            (opcode, _)
                if opcode.is_control() && header.payload_length <= Opcode::LONGEST_CONTROL as u64 && fin =>
            {
                self.control = Some(Frame { opcode, payload: Vec::new(), raw: Vec::new(), offset });
                Now::Control { masking_key: header.masking_key, done: 0 }
            }
            _ => {
                self.let_flow(events);
                Now::Passing
            }
        };
        self.raw(header.bytes(), events);
    }

    fn begin(&mut self, header: &FrameHeader, offset: u64) {
        let compressed = header.rsv1 && self.deflate.is_some();
        let ahead = if compressed { self.ahead.pop_front() } else { None };
        if compressed && ahead.is_none() {
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
            between: Between::default(),
            broken: matches!(ahead, Some(None)),
            ahead: ahead.is_some(),
            payload: ahead.flatten().unwrap_or_default(),
            flow: Flow::Kept,
        });
    }

    /// Bytes of the frame that is under way, as they came.
    fn raw(&mut self, bytes: &[u8], events: &mut Vec<Event>) {
        match (self.frame, &mut self.open) {
            (Now::Data { .. }, Some(open)) if open.flow == Flow::Kept => open.raw.extend_from_slice(bytes),
            (Now::Data { .. }, Some(open)) if open.flow != Flow::AsItCame => {}
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
            _ if open.ahead => {}
            Some(inflater) if open.compressed && !open.broken => {
                let mut plain = bytes.to_vec();
                unmask(&mut plain);
                let (flow, payload) = (open.flow, &mut open.payload);
                let give = |piece: &[u8]| {
                    if flow != Flow::AsItCame {
                        payload.extend_from_slice(piece);
                    }
                };
                open.broken = inflater.read(&plain, &mut self.history, &mut [0; ROOM], give).is_err();
                if open.broken && open.is_anew() {
                    open.payload = plain;
                }
            }
            _ if open.flow != Flow::AsItCame => extend(&mut open.payload, bytes, unmask),
            _ => {}
        }
        if open.is_anew() {
            return open.piece(false, events);
        }
        let size = open.raw.len().max(open.payload.len());
        // Those before it have to have gone: it does not wait for them.
        if size > self.limit && self.pending == 0 && !self.let_flow(events) {
            self.let_flow_anew(events);
        }
    }

    fn end_of_frame(&mut self, events: &mut Vec<Event>) {
        if let Some(control) = self.control.take() {
            self.frame = Now::Passing;
            return self.end_of_control(control, events);
        }
        let Now::Data { fin, .. } = self.frame else { return };
        self.frame = Now::Passing;
        let Some(mut open) = self.open.take_if(|_| fin) else { return };
        if open.compressed && !open.broken && !open.ahead {
            let ended = self.inflater.as_mut().map(|inflater| inflater.end(&mut self.history));
            open.broken = ended != Some(Ok(()));
        }
        if open.broken && !open.ahead {
            self.history.forget_message();
        }
        let turn = open.compressed.then_some(self.given);
        self.given += u64::from(open.compressed);
        if open.flow != Flow::Kept {
            open.piece(true, events);
            self.passed += u64::from(open.compressed && !open.is_anew());
            return events.push(Event::Flowed(open.offset));
        }
        self.pending += 1;
        let payload = (!open.broken).then_some(open.payload);
        let Open { opcode, offset, wire_size, raw, between, .. } = open;
        events.push(Event::Message(Whole { opcode, payload, offset, wire_size, raw, between, turn }));
    }

    fn end_of_control(&mut self, control: Frame, events: &mut Vec<Event>) {
        if control.opcode == Opcode::Close {
            // Nothing follows it (RFC 6455 5.5.1), so the message around it will never be whole.
            self.let_flow(events);
        }
        match &mut self.open {
            Some(open) if open.flow == Flow::Kept && control.opcode != Opcode::Close => {
                open.between.add(control, &mut open.raw);
            }
            _ => events.push(Event::Control(control)),
        }
    }

    /// Whether a message can go on by the octets it came in: it is not compressed, or what it refers to went on as it came.
    fn goes_as_it_came(&self, whole: &Whole) -> bool {
        let refers =
            |turn| !(self.takes_no_context_over() || (self.deflater.is_none() && self.passed == turn));
        // What is broken already cannot be made anew.
        whole.payload.is_none() || !whole.turn.is_some_and(refers)
    }

    fn forward(&mut self, whole: Whole, keys: Keys<'_>, out: &mut Vec<u8>) {
        let as_it_came = self.goes_as_it_came(&whole);
        match (whole.turn, whole.payload) {
            (turn, Some(payload)) if !as_it_came => {
                self.touch(turn);
                self.write(whole.opcode, &payload, true, keys(), out);
            }
            (turn, _) => {
                self.passed = turn.map_or(self.passed, |turn| turn + 1);
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

    /// Whether the next compressed message, where nothing is done with it, can go on by the octets it comes in.
    fn goes_on_as_compressed(&self) -> bool {
        self.takes_no_context_over() || (self.deflater.is_none() && self.passed == self.given)
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

/// Gives a message's octets, and the control frames between them, in order.
fn in_order(raw: Vec<u8>, mut between: Between, events: &mut Vec<Event>) {
    between.in_order(&raw, |octets, frame| {
        pass(octets, events);
        events.extend(frame.map(Event::Control));
    });
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
