//! Bytes to events.

use std::time::Duration;

use bytes::Bytes;

use super::{MOST_FRAMES, RAW, Tag};
use crate::capture::record::{
    Ended, Ending, Event, Exchange, Extent, Fault, Flow, Frame, Kind, Message, Mode, Note, Opening, Payload,
    Place, Refused, Stamp, Timing, Tunnel,
};
use crate::ws::{Direction, Opcode};

/// Reads the fields of one record. Every method gives `None` where the bytes end too early.
pub(in crate::capture) struct Decoder<'a> {
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
    pub(in crate::capture) fn new(bytes: &'a [u8], position: u64, whole: usize) -> Decoder<'a> {
        Decoder { bytes, at: 0, position, whole }
    }

    pub(in crate::capture) fn tag(&mut self) -> Option<Tag> {
        Tag::from_octet(self.octet()?)
    }

    pub(super) fn octet(&mut self) -> Option<u8> {
        let octet = *self.bytes.get(self.at)?;
        self.at += 1;
        Some(octet)
    }

    pub(in crate::capture) fn number(&mut self) -> Option<u64> {
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

    pub(super) fn text(&mut self) -> Option<String> {
        String::from_utf8(self.slice()?.to_vec()).ok()
    }

    pub(super) fn texts(&mut self) -> Option<Vec<String>> {
        (0..self.number()?).map(|_| self.text()).collect()
    }

    pub(super) fn small(&mut self) -> Option<u32> {
        u32::try_from(self.number()?).ok()
    }

    pub(super) fn stamp(&mut self) -> Option<Stamp> {
        self.number().map(Stamp)
    }

    fn mode(&mut self) -> Option<Option<Mode>> {
        let place = self.number()?;
        Some(place.checked_sub(1).and_then(|place| Mode::ALL.get(place as usize).copied()))
    }

    pub(super) fn duration(&mut self) -> Option<Option<Duration>> {
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
    pub(super) fn payload(&mut self) -> Option<Payload> {
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
    pub(in crate::capture) fn event(&mut self) -> Option<Event> {
        let tag = match self.tag()? {
            Tag::Kept => self.tag()?,
            tag => tag,
        };
        Some(match tag {
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
            Tag::Act => Event::Act(self.act()?),
            Tag::Piece | Tag::Rows | Tag::Kept => return None,
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
            redacted: self.texts()?,
            timing: self.timing()?,
            tls: self.tls()?,
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
            tls: self.tls()?,
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
        let redacted = self.texts()?;
        let timing = self.timing()?;
        let tls = self.tls()?;
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
            redacted,
            request_body,
            request_size,
            response_body,
            response_size,
            error,
            timing,
            tls,
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
        let injected = if flags & 16 == 0 { None } else { Some(self.by()?) };
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
            injected,
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
