//! The log's own binary form of an [`Event`], made for appending fast and reading one row at a time. It never
//! leaves the machine nor outlives the process: the public form is the recording's.
//!
//! A record is its length (4 octets, little-endian, without themselves), a tag, and fields: unsigned numbers as
//! LEB128, byte strings with their length in front. A message's payload is its last field, so that a row can be
//! read without it.

use std::time::Duration;

use bytes::Bytes;

use super::record::{
    Ended, Ending, Event, Exchange, Extent, Fault, Flow, Frame, Kind, Message, Mode, Note, Opening, Payload,
    Place, Refused, Stamp, Timing, Tunnel,
};
use crate::ws::{Direction, Opcode};

/// Octets of the length in front of each record.
pub(super) const LENGTH: usize = 4;

/// What a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tag {
    Message = 1,
    Asked,
    Opened,
    Refused,
    Tunnel,
    Ended,
    Requested,
    Responded,
    Exchanged,
    Note,
    /// A part of a payload that a later record refers to.
    Piece,
    /// The positions of a stretch of one session's rows.
    Rows,
}

impl Tag {
    pub(super) fn from_octet(octet: u8) -> Option<Tag> {
        const TAGS: [Tag; 12] = [
            Tag::Message,
            Tag::Asked,
            Tag::Opened,
            Tag::Refused,
            Tag::Tunnel,
            Tag::Ended,
            Tag::Requested,
            Tag::Responded,
            Tag::Exchanged,
            Tag::Note,
            Tag::Piece,
            Tag::Rows,
        ];
        TAGS.get(usize::from(octet).checked_sub(1)?).copied()
    }

    /// Whether it is an event of its own, as a cursor gives them.
    pub(super) fn is_event(self) -> bool {
        !matches!(self, Tag::Piece | Tag::Rows)
    }
}

/// Appends records to a buffer.
pub(super) struct Encoder<'a>(pub(super) &'a mut Vec<u8>);

impl Encoder<'_> {
    /// Starts a record; gives where, for [`Encoder::finish`].
    pub(super) fn begin(&mut self, tag: Tag) -> usize {
        let start = self.0.len();
        self.0.extend_from_slice(&[0, 0, 0, 0, tag as u8]);
        start
    }

    /// Writes the length of the record that began at `start`.
    pub(super) fn finish(&mut self, start: usize) {
        let length = (self.0.len() - start - LENGTH) as u32;
        self.0[start..start + LENGTH].copy_from_slice(&length.to_le_bytes());
    }

    pub(super) fn number(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    fn duration(&mut self, duration: Option<Duration>) {
        self.number(duration.map_or(0, |duration| duration.as_nanos() as u64 + 1));
    }

    fn mode(&mut self, mode: Option<Mode>) {
        let place = mode.and_then(|mode| Mode::ALL.iter().position(|one| *one == mode));
        self.number(place.map_or(0, |place| place as u64 + 1));
    }

    fn texts(&mut self, texts: &[String]) {
        self.number(texts.len() as u64);
        texts.iter().for_each(|text| self.text(text));
    }

    fn timing(&mut self, timing: &Timing) {
        [timing.dns, timing.tcp, timing.tls, timing.response]
            .into_iter()
            .for_each(|step| self.duration(step));
    }

    pub(super) fn payload(&mut self, payload: &Payload) {
        match &payload.0 {
            Place::Memory(bytes) => self.inline(bytes),
            Place::Log(extents) => self.extents(extents),
        }
    }

    pub(super) fn inline(&mut self, bytes: &[u8]) {
        self.0.push(0);
        self.bytes(bytes);
    }

    pub(super) fn extents(&mut self, extents: &[Extent]) {
        self.0.push(1);
        self.number(extents.len() as u64);
        for extent in extents {
            self.number(extent.position);
            self.number(extent.length);
        }
    }

    pub(super) fn event(&mut self, event: &Event) {
        match event {
            Event::Asked(opening) => self.opening_record(Tag::Asked, opening),
            Event::Opened(opening) => self.opening_record(Tag::Opened, opening),
            Event::Refused(refused) => self.refused(refused),
            Event::Tunnel(tunnel) => self.tunnel(tunnel),
            Event::Message(message) => self.message(message),
            Event::Ended(ended) => self.ended(ended),
            Event::Requested(exchange) => self.exchange(Tag::Requested, exchange),
            Event::Responded(exchange) => self.exchange(Tag::Responded, exchange),
            Event::Exchanged(exchange) => self.exchange(Tag::Exchanged, exchange),
            Event::Note(note) => self.note(note),
        }
    }

    fn opening_record(&mut self, tag: Tag, opening: &Opening) {
        let start = self.begin(tag);
        self.opening(opening);
        self.finish(start);
    }

    fn opening(&mut self, opening: &Opening) {
        self.number(opening.session.into());
        self.number(opening.time.0);
        self.mode(opening.mode);
        self.text(&opening.url);
        self.text(&opening.client);
        self.text(&opening.server);
        self.bytes(&opening.request);
        self.bytes(&opening.sent);
        self.bytes(&opening.response);
        self.texts(&opening.notes);
        self.timing(&opening.timing);
    }

    fn refused(&mut self, refused: &Refused) {
        let start = self.begin(Tag::Refused);
        self.opening(&refused.opening);
        self.text(&refused.why);
        self.payload(&refused.body);
        self.finish(start);
    }

    fn tunnel(&mut self, tunnel: &Tunnel) {
        let start = self.begin(Tag::Tunnel);
        self.number(tunnel.session.into());
        self.number(tunnel.time.0);
        self.mode(tunnel.mode);
        [&tunnel.target, &tunnel.client, &tunnel.server, &tunnel.why]
            .into_iter()
            .for_each(|text| self.text(text));
        self.finish(start);
    }

    fn ended(&mut self, ended: &Ended) {
        let start = self.begin(Tag::Ended);
        self.number(ended.session.into());
        self.number(ended.time.0);
        self.text(ended.client.name());
        self.text(ended.server.name());
        self.number(match ended.first {
            None => 0,
            Some(Direction::ToServer) => 1,
            Some(Direction::ToClient) => 2,
        });
        ended.octets.into_iter().for_each(|octets| self.number(octets));
        self.finish(start);
    }

    fn exchange(&mut self, tag: Tag, exchange: &Exchange) {
        let start = self.begin(tag);
        self.number(exchange.exchange.into());
        self.number(exchange.time.0);
        self.number(exchange.ended.map_or(0, |time| time.0 + 1));
        self.mode(exchange.mode);
        [&exchange.url, &exchange.client, &exchange.server].into_iter().for_each(|text| self.text(text));
        [&exchange.request, &exchange.sent, &exchange.response].into_iter().for_each(|head| self.bytes(head));
        self.texts(&exchange.notes);
        self.timing(&exchange.timing);
        self.number(exchange.error.is_some().into());
        self.text(exchange.error.as_deref().unwrap_or(""));
        self.number(exchange.request_size);
        self.number(exchange.response_size);
        self.payload(&exchange.request_body);
        self.payload(&exchange.response_body);
        self.finish(start);
    }

    fn note(&mut self, note: &Note) {
        let start = self.begin(Tag::Note);
        self.number(note.time.0);
        match note.flow {
            None => self.number(0),
            Some(Flow::Session(number)) => {
                self.number(1);
                self.number(number.into());
            }
            Some(Flow::Exchange(number)) => {
                self.number(2);
                self.number(number.into());
            }
        }
        self.text(&note.text);
        self.finish(start);
    }

    fn message(&mut self, message: &Message) {
        let mut frames = Vec::new();
        let mut previous = (0, message.frames.first().map_or(Stamp(0), |frame| frame.time));
        for frame in &message.frames {
            push_frame(&mut frames, &frame.header, frame.offset, frame.time, &mut previous);
        }
        let start = self.message_head(&MessageHead {
            session: message.session,
            number: message.number,
            time: message.time,
            direction: message.direction,
            kind: message.kind,
            compressed: message.compressed,
            utf8: message.utf8,
            complete: message.complete,
            wire_size: message.wire_size,
            size: message.size,
            frame_count: message.frames.len() as u64,
            first_frame: message.frames.first().map_or(message.time, |frame| frame.time),
            frames: &frames,
            frames_left_out: message.frames_left_out,
        });
        self.faults(message.faults.len(), message.faults.iter().map(|fault| (&*fault.what, &*fault.section)));
        self.payload(&message.payload);
        self.finish(start);
    }

    /// A message's record as far as its frames; its faults and its payload follow.
    pub(super) fn message_head(&mut self, head: &MessageHead<'_>) -> usize {
        let start = self.begin(Tag::Message);
        let flags = u8::from(head.direction == Direction::ToClient)
            | u8::from(head.compressed) << 1
            | u8::from(head.utf8) << 2
            | u8::from(head.complete) << 3;
        let kind = match head.kind {
            Kind::Frame(opcode) => opcode.bits(),
            Kind::Raw => RAW,
        };
        self.0.extend_from_slice(&[flags, kind]);
        self.number(head.session.into());
        self.number(head.number);
        self.number(head.time.0);
        self.number(head.wire_size);
        self.number(head.size);
        self.number(head.frame_count);
        self.number(head.first_frame.0);
        self.bytes(head.frames);
        self.number(head.frames_left_out);
        start
    }

    pub(super) fn faults<'a>(&mut self, count: usize, faults: impl Iterator<Item = (&'a str, &'a str)>) {
        self.number(count as u64);
        for (what, section) in faults {
            self.text(what);
            self.text(section);
        }
    }
}

/// A message's fields as the capture has them, its frames encoded already by [`push_frame`].
pub(super) struct MessageHead<'a> {
    pub(super) session: u32,
    pub(super) number: u64,
    pub(super) time: Stamp,
    pub(super) direction: Direction,
    pub(super) kind: Kind,
    pub(super) compressed: bool,
    pub(super) utf8: bool,
    pub(super) complete: bool,
    pub(super) wire_size: u64,
    pub(super) size: u64,
    pub(super) frame_count: u64,
    pub(super) first_frame: Stamp,
    pub(super) frames: &'a [u8],
    pub(super) frames_left_out: u64,
}

/// Appends one frame, as differences from the previous one (offset, time).
pub(super) fn push_frame(
    into: &mut Vec<u8>,
    header: &[u8],
    offset: u64,
    time: Stamp,
    previous: &mut (u64, Stamp),
) {
    into.push(header.len() as u8);
    into.extend_from_slice(header);
    let mut encoder = Encoder(into);
    encoder.number(offset.saturating_sub(previous.0));
    encoder.number(time.0.saturating_sub(previous.1.0));
    *previous = (offset, time);
}

const RAW: u8 = 0x10;

/// Reads the fields of one record. Every method gives `None` where the bytes end too early.
pub(super) struct Decoder<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Where in the log `bytes` begins.
    position: u64,
    /// How many octets the record has in all, which may be more than `bytes` holds.
    whole: usize,
}

impl<'a> Decoder<'a> {
    /// Reads a record's fields from `bytes` (its tag first), which begins at `position` of the log and goes on to
    /// `whole` octets there.
    pub(super) fn new(bytes: &'a [u8], position: u64, whole: usize) -> Decoder<'a> {
        Decoder { bytes, at: 0, position, whole }
    }

    pub(super) fn tag(&mut self) -> Option<Tag> {
        Tag::from_octet(self.octet()?)
    }

    fn octet(&mut self) -> Option<u8> {
        let octet = *self.bytes.get(self.at)?;
        self.at += 1;
        Some(octet)
    }

    pub(super) fn number(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let octet = self.octet()?;
            value |= u64::from(octet & 0x7f) << shift;
            if octet & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn slice(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        let slice = self.bytes.get(self.at..self.at.checked_add(length)?)?;
        self.at += length;
        Some(slice)
    }

    fn bytes(&mut self) -> Option<Bytes> {
        self.slice().map(Bytes::copy_from_slice)
    }

    fn text(&mut self) -> Option<String> {
        String::from_utf8(self.slice()?.to_vec()).ok()
    }

    fn texts(&mut self) -> Option<Vec<String>> {
        (0..self.number()?).map(|_| self.text()).collect()
    }

    fn small(&mut self) -> Option<u32> {
        u32::try_from(self.number()?).ok()
    }

    fn stamp(&mut self) -> Option<Stamp> {
        self.number().map(Stamp)
    }

    fn mode(&mut self) -> Option<Option<Mode>> {
        let place = self.number()?;
        Some(place.checked_sub(1).and_then(|place| Mode::ALL.get(place as usize).copied()))
    }

    fn duration(&mut self) -> Option<Option<Duration>> {
        Some(self.number()?.checked_sub(1).map(Duration::from_nanos))
    }

    fn timing(&mut self) -> Option<Timing> {
        Some(Timing {
            dns: self.duration()?,
            tcp: self.duration()?,
            tls: self.duration()?,
            response: self.duration()?,
        })
    }

    /// A payload: in memory where `bytes` holds all of it, else its place in the log.
    fn payload(&mut self) -> Option<Payload> {
        if self.octet()? == 1 {
            let extents = (0..self.number()?)
                .map(|_| Some(Extent { position: self.number()?, length: self.number()? }))
                .collect::<Option<_>>()?;
            return Some(Payload(Place::Log(extents)));
        }
        let length = self.number()?;
        let end = self.at as u64 + length;
        if end > self.whole as u64 {
            return None;
        }
        if end > self.bytes.len() as u64 {
            let extent = Extent { position: self.position + self.at as u64, length };
            self.at = self.bytes.len();
            return Some(Payload(Place::Log(vec![extent])));
        }
        let bytes = Bytes::copy_from_slice(&self.bytes[self.at..end as usize]);
        self.at = end as usize;
        Some(Payload::from(bytes))
    }

    /// The event that the record is; `None` for pieces, row lists, and where `bytes` ends before the last field.
    pub(super) fn event(&mut self) -> Option<Event> {
        Some(match self.tag()? {
            Tag::Asked => Event::Asked(self.opening()?),
            Tag::Opened => Event::Opened(self.opening()?),
            Tag::Refused => Event::Refused(self.refused()?),
            Tag::Tunnel => Event::Tunnel(self.tunnel()?),
            Tag::Message => Event::Message(self.message()?),
            Tag::Ended => Event::Ended(self.ended()?),
            Tag::Requested => Event::Requested(self.exchange()?),
            Tag::Responded => Event::Responded(self.exchange()?),
            Tag::Exchanged => Event::Exchanged(self.exchange()?),
            Tag::Note => Event::Note(self.note()?),
            Tag::Piece | Tag::Rows => return None,
        })
    }

    fn opening(&mut self) -> Option<Opening> {
        Some(Opening {
            session: self.small()?,
            time: self.stamp()?,
            mode: self.mode()?,
            url: self.text()?,
            client: self.text()?,
            server: self.text()?,
            request: self.bytes()?,
            sent: self.bytes()?,
            response: self.bytes()?,
            notes: self.texts()?,
            timing: self.timing()?,
        })
    }

    fn refused(&mut self) -> Option<Refused> {
        let opening = self.opening()?;
        let why = self.text()?;
        Some(Refused { opening, why, body: self.payload()? })
    }

    fn tunnel(&mut self) -> Option<Tunnel> {
        Some(Tunnel {
            session: self.small()?,
            time: self.stamp()?,
            mode: self.mode()?,
            target: self.text()?,
            client: self.text()?,
            server: self.text()?,
            why: self.text()?,
        })
    }

    fn ended(&mut self) -> Option<Ended> {
        Some(Ended {
            session: self.small()?,
            time: self.stamp()?,
            client: Ending::from_name(&self.text()?),
            server: Ending::from_name(&self.text()?),
            first: match self.number()? {
                1 => Some(Direction::ToServer),
                2 => Some(Direction::ToClient),
                _ => None,
            },
            octets: [self.number()?, self.number()?],
        })
    }

    fn exchange(&mut self) -> Option<Exchange> {
        let exchange = self.small()?;
        let time = self.stamp()?;
        let ended = self.number()?.checked_sub(1).map(Stamp);
        let mode = self.mode()?;
        let [url, client, server] = [self.text()?, self.text()?, self.text()?];
        let [request, sent, response] = [self.bytes()?, self.bytes()?, self.bytes()?];
        let notes = self.texts()?;
        let timing = self.timing()?;
        let failed = self.number()? == 1;
        let words = self.text()?;
        let error = failed.then_some(words);
        let request_size = self.number()?;
        let response_size = self.number()?;
        let request_body = self.payload()?;
        let response_body = self.payload()?;
        Some(Exchange {
            exchange,
            time,
            ended,
            mode,
            url,
            client,
            server,
            request,
            sent,
            response,
            notes,
            request_body,
            request_size,
            response_body,
            response_size,
            error,
            timing,
        })
    }

    fn note(&mut self) -> Option<Note> {
        let time = self.stamp()?;
        let flow = match self.number()? {
            1 => Some(Flow::Session(self.small()?)),
            2 => Some(Flow::Exchange(self.small()?)),
            _ => None,
        };
        Some(Note { time, flow, text: self.text()? })
    }

    fn message(&mut self) -> Option<Message> {
        let flags = self.octet()?;
        let kind = match self.octet()? {
            RAW => Kind::Raw,
            bits => Kind::Frame(Opcode::from_bits(bits)),
        };
        let session = self.small()?;
        let number = self.number()?;
        let time = self.stamp()?;
        let wire_size = self.number()?;
        let size = self.number()?;
        let frames = self.frames()?;
        let frames_left_out = self.number()?;
        let faults = (0..self.number()?)
            .map(|_| Some(Fault { what: self.text()?, section: self.text()? }))
            .collect::<Option<_>>()?;
        Some(Message {
            session,
            number,
            time,
            direction: if flags & 1 == 0 { Direction::ToServer } else { Direction::ToClient },
            kind,
            compressed: flags & 2 != 0,
            wire_size,
            size,
            utf8: flags & 4 != 0,
            complete: flags & 8 != 0,
            frames,
            frames_left_out,
            faults,
            payload: self.payload()?,
        })
    }

    fn frames(&mut self) -> Option<Vec<Frame>> {
        let count = self.number()?;
        let mut previous = (0, self.stamp()?);
        let mut fields = Decoder::new(self.slice()?, 0, 0);
        let mut frames = Vec::with_capacity(count.min(MOST_FRAMES) as usize);
        for _ in 0..count {
            let length = usize::from(fields.octet()?);
            let header = Bytes::copy_from_slice(fields.bytes.get(fields.at..fields.at + length)?);
            fields.at += length;
            previous = (previous.0 + fields.number()?, Stamp(previous.1.0 + fields.number()?));
            frames.push(Frame { header, offset: previous.0, time: previous.1 });
        }
        Some(frames)
    }
}

/// How many frames of one message are listed; those beyond are counted.
pub(super) const MOST_FRAMES: u64 = 65_536;

#[cfg(test)]
mod tests;
