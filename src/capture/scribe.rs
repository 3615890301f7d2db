//! What the capture thread does: reads the bytes of every session into messages and writes them to the log.

use std::collections::HashMap;

use super::act::{Act, By};
use super::agreed::Agreed;
use super::batch::{Batch, INLINE, PIECE, Written};
use super::format::{MOST_FRAMES, MessageHead, push_frame};
use super::log::Log;
use super::record::{Event, Extent, Kind, Stamp};
use super::tap::{Gathered, Item};
use super::told::{Completed, Waiting};
use crate::ws::inflate::History;
use crate::ws::message::{Finished, MessageReader, Part, Scratch, Sink};
use crate::ws::{Direction, FrameHeader, Opcode, OtherExtension, Violation};

/// Turns what was gathered into records.
pub(super) struct Scribe {
    log: Log,
    inflate_limit: u64,
    sessions: HashMap<u32, Live>,
    /// Sessions with something to tell the log's index.
    touched: Vec<u32>,
    /// Which messages are held.
    held: Waiting,
    scratch: Scratch,
    /// Empty builders, kept for their memory.
    #[expect(clippy::vec_box, reason = "they move between here and the messages under way")]
    pool: Vec<Box<Builder>>,
}

/// A session that is open. Thousands may be, most of them idle: what a message needs is made when one begins.
struct Live {
    ways: Option<[Way; 2]>,
    /// The number of its last message.
    number: u64,
    written: Option<Box<Written>>,
}

struct Way {
    reader: MessageReader,
    data: Option<Box<Builder>>,
    control: Option<Box<Builder>>,
    /// What the next raw bytes broke.
    raw_faults: Vec<Violation>,
    completed: Completed,
}

/// A message under way.
#[derive(Default)]
struct Builder {
    frames: Vec<u8>,
    frame_count: u64,
    frames_left_out: u64,
    first_frame: Stamp,
    first_offset: u64,
    previous_frame: (u64, Stamp),
    /// What is not in a piece yet.
    payload: Vec<u8>,
    pieces: Vec<Extent>,
    faults: Vec<Violation>,
}

/// Octets that are written before readers see them.
const SHARE: usize = 1 << 20;

impl Scribe {
    pub(super) fn new(log: Log, inflate_limit: u64) -> Scribe {
        Scribe {
            log,
            inflate_limit,
            sessions: HashMap::new(),
            touched: Vec::new(),
            held: Waiting::default(),
            scratch: Scratch::default(),
            pool: Vec::new(),
        }
    }

    /// Writes all that was gathered, and shows it to the readers, a share of it at a time: what a share takes in
    /// memory is bounded, however much was gathered.
    pub(super) fn write(&mut self, gathered: &mut Gathered) {
        let log = self.log.clone();
        let Gathered { items, bytes, spent } = gathered;
        let mut bytes = &bytes[..];
        let mut items = items.drain(..).peekable();
        while items.peek().is_some() {
            let mut batch = log.batch();
            let mut share = 0;
            while share < SHARE
                && let Some(item) = items.next()
            {
                match item {
                    Item::Bytes { session, direction, time, length } => {
                        let (these, rest) = bytes.split_at(length as usize);
                        bytes = rest;
                        share += these.len();
                        self.read(&mut batch, session, direction, time, these);
                    }
                    Item::Chunk { session, direction, time, length, buffer } => {
                        share += length;
                        self.read(&mut batch, session, direction, time, &buffer[..length]);
                        spent.push(buffer);
                    }
                    Item::Octets { session, direction, time, count } => {
                        self.count(session, direction, time, count);
                    }
                    Item::Event(event) => self.event(&mut batch, *event),
                    Item::Act { act, offset } => self.act(&mut batch, *act, offset),
                    Item::Injected { session, direction, time, length, by } => {
                        let (these, rest) = bytes.split_at(length as usize);
                        bytes = rest;
                        share += these.len();
                        self.injected(&mut batch, (session, direction, time), these, &by);
                    }
                    Item::Window { session, direction, answer } => answer(self.window(session, direction)),
                }
            }
            for session in std::mem::take(&mut self.touched) {
                self.tell(&mut batch, session);
            }
            // The log counts what it could not write and says so.
            let _ = batch.commit();
        }
    }

    fn event(&mut self, batch: &mut Batch<'_>, event: Event) {
        match &event {
            Event::Opened(opening) => {
                let agreed = Agreed::read(opening);
                self.sessions.insert(opening.session, Live::session(&agreed, self.inflate_limit));
                return batch.event_with(event, Some(agreed));
            }
            Event::Tunnel(tunnel) => {
                self.sessions.insert(tunnel.session, Live::tunnel());
            }
            Event::Ended(ended) => {
                self.end(batch, ended.session, ended.time);
                self.held.take_lost(ended.session).for_each(|lost| batch.event(Event::Act(lost)));
                self.held.over(ended.session);
                self.tell(batch, ended.session);
                self.sessions.remove(&ended.session);
            }
            _ => {}
        }
        batch.event(event);
    }

    /// What the next compressed message may refer to.
    fn window(&self, session: u32, direction: Direction) -> History {
        let ways = self.sessions.get(&session).and_then(|live| live.ways.as_ref());
        ways.and_then(|ways| ways[direction as usize].reader.history()).cloned().unwrap_or_default()
    }

    fn count(&mut self, session: u32, direction: Direction, time: Stamp, octets: u64) {
        let Some(live) = self.sessions.get_mut(&session) else { return };
        let written = live.written.get_or_insert_with(|| {
            self.touched.push(session);
            Box::default()
        });
        written.octets[direction as usize] += octets;
        written.last = time;
    }

    fn read(&mut self, batch: &mut Batch<'_>, session: u32, direction: Direction, time: Stamp, bytes: &[u8]) {
        self.count(session, direction, time, bytes.len() as u64);
        self.with_writer(batch, session, direction, time, |reader, scratch, writer| {
            reader.read(bytes, scratch, writer);
        });
    }

    /// The connection is over: messages under way are written as they are.
    fn end(&mut self, batch: &mut Batch<'_>, session: u32, time: Stamp) {
        for direction in Direction::BOTH {
            self.count(session, direction, time, 0);
            self.with_writer(batch, session, direction, time, |reader, _, writer| reader.end(writer));
        }
    }

    fn with_writer(
        &mut self,
        batch: &mut Batch<'_>,
        session: u32,
        direction: Direction,
        time: Stamp,
        run: impl FnOnce(&mut MessageReader, &mut Scratch, &mut Writer<'_, '_>),
    ) {
        let Some(Live { ways: Some(ways), number, written: Some(written) }) = self.sessions.get_mut(&session)
        else {
            return;
        };
        let Way { reader, data, control, raw_faults, completed } = &mut ways[direction as usize];
        completed.next_chunk();
        let mut writer = Writer {
            batch,
            pool: &mut self.pool,
            session,
            direction,
            time,
            number,
            written,
            data,
            control,
            raw_faults,
            completed: Some(completed),
            injected: None,
        };
        run(reader, &mut self.scratch, &mut writer);
    }

    /// Something was done: finds the number of the message.
    fn act(&mut self, batch: &mut Batch<'_>, mut act: Act, offset: Option<u64>) {
        let ways = self.sessions.get_mut(&act.session).and_then(|live| live.ways.as_mut());
        let completed = ways.map(|ways| ways.each_mut().map(|way| &mut way.completed));
        if self.held.find(&mut act, offset, completed) {
            self.held.take_lost(act.session).for_each(|lost| batch.event(Event::Act(lost)));
            batch.event(Event::Act(act));
        }
    }

    /// The proxy sent these frames: rows of their own, read by themselves.
    fn injected(
        &mut self,
        batch: &mut Batch<'_>,
        (session, direction, time): (u32, Direction, Stamp),
        frames: &[u8],
        by: &By,
    ) {
        // Its octets are not the sender's.
        self.count(session, direction, time, 0);
        let Some(Live { ways: Some(_), number, written: Some(written) }) = self.sessions.get_mut(&session)
        else {
            return;
        };
        let mut writer = Writer {
            batch,
            pool: &mut self.pool,
            session,
            direction,
            time,
            number,
            written,
            data: &mut None,
            control: &mut None,
            raw_faults: &mut Vec::new(),
            completed: None,
            injected: Some(by),
        };
        let mut reader = MessageReader::new(direction, None, OtherExtension::None, self.inflate_limit);
        reader.read(frames, &mut self.scratch, &mut writer);
        reader.end(&mut writer);
    }

    fn tell(&mut self, batch: &mut Batch<'_>, session: u32) {
        if let Some(written) = self.sessions.get_mut(&session).and_then(|live| live.written.take()) {
            batch.rows(session, written);
        }
    }
}

impl Live {
    fn session(agreed: &Agreed, inflate_limit: u64) -> Live {
        let way = |direction| Way {
            reader: MessageReader::new(direction, agreed.deflate, agreed.other_extension, inflate_limit),
            data: None,
            control: None,
            raw_faults: Vec::new(),
            completed: Completed::default(),
        };
        Live { ways: Some(Direction::BOTH.map(way)), number: 0, written: None }
    }

    fn tunnel() -> Live {
        Live { ways: None, number: 0, written: None }
    }
}

/// Writes one direction's messages as they are read.
struct Writer<'a, 'log> {
    batch: &'a mut Batch<'log>,
    #[expect(clippy::vec_box, reason = "they move between the pool and the messages under way")]
    pool: &'a mut Vec<Box<Builder>>,
    session: u32,
    direction: Direction,
    time: Stamp,
    number: &'a mut u64,
    written: &'a mut Written,
    data: &'a mut Option<Box<Builder>>,
    control: &'a mut Option<Box<Builder>>,
    raw_faults: &'a mut Vec<Violation>,
    /// None of what nobody can do anything to any more.
    completed: Option<&'a mut Completed>,
    injected: Option<&'a By>,
}

impl Writer<'_, '_> {
    fn builder(&mut self, part: Part) -> &mut Builder {
        let slot = match part {
            Part::Data => &mut *self.data,
            Part::Control => &mut *self.control,
        };
        slot.get_or_insert_with(|| self.pool.pop().unwrap_or_default())
    }

    /// Writes a message's record and counts its row.
    fn row(&mut self, builder: &mut Builder, kind: Kind, finished: &Finished) {
        *self.number += 1;
        if !builder.pieces.is_empty() && !builder.payload.is_empty() {
            builder.pieces.push(self.batch.piece(&builder.payload));
        }
        let head = MessageHead {
            session: self.session,
            number: *self.number,
            time: self.time,
            direction: self.direction,
            kind,
            compressed: finished.compressed,
            utf8: finished.utf8,
            complete: finished.complete,
            wire_size: finished.wire_size,
            size: finished.size,
            frame_count: builder.frame_count,
            first_frame: builder.first_frame,
            frames: &builder.frames,
            frames_left_out: builder.frames_left_out,
            injected: self.injected,
        };
        if let Some(completed) = &mut self.completed {
            completed.add(*self.number, builder.first_offset);
        }
        let faults: Vec<(String, &str)> =
            builder.faults.iter().map(|fault| (fault.to_string(), fault.section())).collect();
        let position = self.batch.record(|encoder| {
            let start = encoder.message_head(&head);
            encoder.faults(faults.len(), faults.iter().map(|(what, section)| (what.as_str(), *section)));
            if builder.pieces.is_empty() {
                encoder.inline(&builder.payload);
            } else {
                encoder.extents(&builder.pieces);
            }
            encoder.finish(start);
        });
        self.batch.count_event();
        self.written.positions.push(position);
        self.written.violations += faults.len() as u64;
        let way = self.direction as usize;
        if kind.is_control() {
            self.written.controls[way] += 1;
        } else {
            self.written.messages[way] += 1;
        }
        if let Some(by) = self.injected {
            self.written.inject(by, *self.number);
        } else if kind == Kind::Frame(Opcode::Close) && self.written.close.is_none() {
            self.written.close = Some((self.direction, builder.payload.clone()));
        }
    }
}

impl Sink for Writer<'_, '_> {
    fn frame(&mut self, header: &FrameHeader, offset: u64) {
        let time = self.time;
        let builder = self.builder(Part::of(header.opcode));
        if builder.frame_count == MOST_FRAMES {
            builder.frames_left_out += 1;
            return;
        }
        if builder.frame_count == 0 {
            builder.first_frame = time;
            builder.first_offset = offset;
            builder.previous_frame = (0, time);
        }
        builder.frame_count += 1;
        push_frame(&mut builder.frames, header.bytes(), offset, time, &mut builder.previous_frame);
    }

    fn payload(&mut self, part: Part, bytes: &[u8]) {
        let builder = self.builder(part);
        if builder.payload.len() + bytes.len() <= INLINE {
            builder.payload.extend_from_slice(bytes);
            return;
        }
        let rest = std::mem::take(&mut builder.payload);
        let mut pieces = Vec::new();
        for piece in [&rest[..]].into_iter().chain(bytes.chunks(PIECE)).filter(|piece| !piece.is_empty()) {
            pieces.push(self.batch.piece(piece));
        }
        let builder = self.builder(part);
        builder.pieces.append(&mut pieces);
        builder.payload = rest;
        builder.payload.clear();
    }

    fn violation(&mut self, part: Part, violation: Violation) {
        match violation {
            // A frame may be sent alone: what is to come after it is the sender's own.
            Violation::EndedInsideMessage(_) if self.injected.is_some() => {}
            Violation::FramingLost(_) | Violation::EndedInsideHeader(_) => self.raw_faults.push(violation),
            _ => self.builder(part).faults.push(violation),
        }
    }

    fn finished(&mut self, part: Part, message: &Finished) {
        self.builder(part);
        let slot = match part {
            Part::Data => &mut *self.data,
            Part::Control => &mut *self.control,
        };
        let Some(mut builder) = slot.take() else { return };
        self.row(&mut builder, Kind::Frame(message.opcode), message);
        builder.reset();
        self.pool.push(builder);
    }

    fn raw(&mut self, bytes: &[u8]) {
        let mut builder = self.pool.pop().unwrap_or_default();
        builder.faults.append(self.raw_faults);
        let size = bytes.len() as u64;
        if bytes.len() <= INLINE {
            builder.payload.extend_from_slice(bytes);
        } else {
            builder.pieces.extend(bytes.chunks(PIECE).map(|piece| self.batch.piece(piece)));
        }
        let finished = Finished {
            opcode: Opcode::Continuation,
            compressed: false,
            wire_size: size,
            size,
            frames: 0,
            utf8: std::str::from_utf8(bytes).is_ok(),
            capped: false,
            complete: true,
        };
        self.row(&mut builder, Kind::Raw, &finished);
        builder.reset();
        self.pool.push(builder);
    }
}

impl Builder {
    /// Ready for another message; the memory of a large one is given back.
    fn reset(&mut self) {
        self.frames.clear();
        self.frames.shrink_to(1 << 10);
        self.frame_count = 0;
        self.frames_left_out = 0;
        self.payload.clear();
        self.payload.shrink_to(INLINE);
        self.pieces.clear();
        self.pieces.shrink_to(64);
        self.faults.clear();
    }
}
