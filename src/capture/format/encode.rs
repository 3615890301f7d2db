//! Events to bytes.

use std::time::Duration;

use super::{LENGTH, RAW, Tag};
use crate::capture::act::By;
use crate::capture::record::{
    Ended, Event, Exchange, Extent, Flow, Kind, Message, Mode, Note, Opening, Payload, Place, Refused, Stamp,
    Timing, Tunnel,
};
use crate::ws::Direction;

/// Appends records to a buffer.
pub(in crate::capture) struct Encoder<'a>(pub(in crate::capture) &'a mut Vec<u8>);

impl Encoder<'_> {
    /// Starts a record; gives where, for [`Encoder::finish`].
    pub(in crate::capture) fn begin(&mut self, tag: Tag) -> usize {
        let start = self.0.len();
        self.0.extend_from_slice(&[0, 0, 0, 0, tag as u8]);
        start
    }

    /// Writes the length of the record that began at `start`.
    pub(in crate::capture) fn finish(&mut self, start: usize) {
        let length = (self.0.len() - start - LENGTH) as u32;
        self.0[start..start + LENGTH].copy_from_slice(&length.to_le_bytes());
    }

    pub(in crate::capture) fn number(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    pub(in crate::capture) fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    pub(super) fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    pub(super) fn duration(&mut self, duration: Option<Duration>) {
        self.number(duration.map_or(0, |duration| duration.as_nanos() as u64 + 1));
    }

    fn mode(&mut self, mode: Option<Mode>) {
        let place = mode.and_then(|mode| Mode::ALL.iter().position(|one| *one == mode));
        self.number(place.map_or(0, |place| place as u64 + 1));
    }

    pub(super) fn texts(&mut self, texts: &[String]) {
        self.number(texts.len() as u64);
        texts.iter().for_each(|text| self.text(text));
    }

    fn timing(&mut self, timing: &Timing) {
        [timing.dns, timing.tcp, timing.tls, timing.response]
            .into_iter()
            .for_each(|step| self.duration(step));
    }

    pub(in crate::capture) fn payload(&mut self, payload: &Payload) {
        match &payload.0 {
            Place::Memory(bytes) => self.inline(bytes),
            Place::Log(extents) => self.extents(extents),
        }
    }

    pub(in crate::capture) fn inline(&mut self, bytes: &[u8]) {
        self.0.push(0);
        self.bytes(bytes);
    }

    pub(in crate::capture) fn extents(&mut self, extents: &[Extent]) {
        self.0.push(1);
        self.number(extents.len() as u64);
        for extent in extents {
            self.number(extent.position);
            self.number(extent.length);
        }
    }

    pub(in crate::capture) fn event(&mut self, event: &Event) {
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
            Event::Act(act) => self.act(act),
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
        self.texts(&opening.redacted);
        self.timing(&opening.timing);
        self.tls(opening.tls.as_deref());
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
        self.tls(tunnel.tls.as_deref());
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
        self.texts(&exchange.redacted);
        self.timing(&exchange.timing);
        self.tls(exchange.tls.as_deref());
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
            injected: message.injected.as_ref(),
        });
        self.faults(message.faults.len(), message.faults.iter().map(|fault| (&*fault.what, &*fault.section)));
        self.payload(&message.payload);
        self.finish(start);
    }

    /// A message's record as far as its frames; its faults and its payload follow.
    pub(in crate::capture) fn message_head(&mut self, head: &MessageHead<'_>) -> usize {
        let start = self.begin(Tag::Message);
        let flags = u8::from(head.direction == Direction::ToClient)
            | u8::from(head.compressed) << 1
            | u8::from(head.utf8) << 2
            | u8::from(head.complete) << 3
            | u8::from(head.injected.is_some()) << 4;
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
        if let Some(by) = head.injected {
            self.by(by);
        }
        start
    }

    pub(in crate::capture) fn faults<'a>(
        &mut self,
        count: usize,
        faults: impl Iterator<Item = (&'a str, &'a str)>,
    ) {
        self.number(count as u64);
        for (what, section) in faults {
            self.text(what);
            self.text(section);
        }
    }
}

/// A message's fields as the capture has them, its frames encoded already by [`push_frame`].
pub(in crate::capture) struct MessageHead<'a> {
    pub(in crate::capture) session: u32,
    pub(in crate::capture) number: u64,
    pub(in crate::capture) time: Stamp,
    pub(in crate::capture) direction: Direction,
    pub(in crate::capture) kind: Kind,
    pub(in crate::capture) compressed: bool,
    pub(in crate::capture) utf8: bool,
    pub(in crate::capture) complete: bool,
    pub(in crate::capture) wire_size: u64,
    pub(in crate::capture) size: u64,
    pub(in crate::capture) frame_count: u64,
    pub(in crate::capture) first_frame: Stamp,
    pub(in crate::capture) frames: &'a [u8],
    pub(in crate::capture) frames_left_out: u64,
    pub(in crate::capture) injected: Option<&'a By>,
}

/// Appends one frame, as differences from the previous one (offset, time).
pub(in crate::capture) fn push_frame(
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
