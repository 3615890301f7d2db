//! MessagePack, printed in diagnostic notation.

use super::event::{self, DEPTH_LIMIT, Event, Fault, Reader, Text};
use super::spell::spell_float;
use super::tree::{self, Dialect};
use super::{Decoder, Limits, Line, Payload, clip};
use crate::ws::Opcode;

/// A payload that is one map or array from its first byte to its last.
pub(super) struct MessagePack;

impl Decoder for MessagePack {
    fn recognises(&self, opcode: Opcode, payload: Payload) -> bool {
        opcode != Opcode::Text
            && is_map_or_array(payload.bytes)
            && event::is_one_value::<MsgpackReader>(payload)
    }

    fn summary(&self, payload: Payload, max_chars: usize) -> String {
        let value = tree::summary::<MsgpackReader>(Dialect::Diagnostic, payload, max_chars);
        clip(&format!("msgpack {value}"), max_chars)
    }

    fn pretty(&self, payload: Payload, limits: &Limits) -> Vec<Line> {
        tree::pretty::<MsgpackReader>(Dialect::Diagnostic, payload, limits)
    }
}

fn is_map_or_array(payload: &[u8]) -> bool {
    matches!(payload.first(), Some(0x80..=0x9f | 0xdc..=0xdf))
}

/// Reads a value; the table of first bytes is that of the MessagePack specification.
pub(super) struct MsgpackReader<'a> {
    payload: &'a [u8],
    start: usize,
    position: usize,
    /// What each open map and array still has to come; keys and values both count.
    stack: Vec<u64>,
    begun: bool,
}

impl<'a> Reader<'a> for MsgpackReader<'a> {
    fn at(payload: &'a [u8], position: usize) -> MsgpackReader<'a> {
        MsgpackReader { payload, start: position, position, stack: Vec::new(), begun: false }
    }

    fn step(&mut self) -> Result<Option<Event<'a>>, Fault> {
        match self.stack.last_mut() {
            Some(0) => {
                self.stack.pop();
                return Ok(Some(Event::End));
            }
            Some(left) => *left -= 1,
            None if self.begun && self.position == self.payload.len() => return Ok(None),
            None if self.begun => {
                return Err(Fault::new(self.position, "the end, as one MessagePack value ends here"));
            }
            None => self.begun = true,
        }
        self.start = self.position;
        let event = self.value();
        if event.is_err() {
            // what could not be read is part of the rest
            self.position = self.start;
        }
        event.map(Some)
    }

    fn start(&self) -> usize {
        self.start
    }

    fn position(&self) -> usize {
        self.position
    }
}

impl<'a> MsgpackReader<'a> {
    fn value(&mut self) -> Result<Event<'a>, Fault> {
        let at = self.position;
        let [first] = self.array::<1>()?;
        Ok(match first {
            0x00..=0x7f => number(first),
            0xe0..=0xff => number(first as i8),
            0x80..=0x8f => return self.container(Event::Map, u64::from(first & 0x0f) * 2, at),
            0x90..=0x9f => return self.container(Event::Array, u64::from(first & 0x0f), at),
            0xa0..=0xbf => self.text(u64::from(first & 0x1f))?,
            0xc0 => Event::Literal("nil".into()),
            0xc1 => return Err(Fault::new(at, "a value: c1 is never used")),
            0xc2 => Event::Literal("false".into()),
            0xc3 => Event::Literal("true".into()),
            0xc4..=0xc6 => {
                let length = self.length(1 << (first - 0xc4))?;
                Event::Bytes(self.take(length)?.into())
            }
            0xc7..=0xc9 => {
                let length = self.length(1 << (first - 0xc7))?;
                self.extension(length)?
            }
            0xca => Event::Number(spell_float(f32::from_be_bytes(self.array()?)).into()),
            0xcb => Event::Number(spell_float(f64::from_be_bytes(self.array()?)).into()),
            0xcc => number(u8::from_be_bytes(self.array()?)),
            0xcd => number(u16::from_be_bytes(self.array()?)),
            0xce => number(u32::from_be_bytes(self.array()?)),
            0xcf => number(u64::from_be_bytes(self.array()?)),
            0xd0 => number(i8::from_be_bytes(self.array()?)),
            0xd1 => number(i16::from_be_bytes(self.array()?)),
            0xd2 => number(i32::from_be_bytes(self.array()?)),
            0xd3 => number(i64::from_be_bytes(self.array()?)),
            0xd4..=0xd8 => self.extension(1 << (first - 0xd4))?,
            0xd9..=0xdb => {
                let length = self.length(1 << (first - 0xd9))?;
                self.text(length)?
            }
            0xdc | 0xdd => {
                let items = self.length(2 << (first - 0xdc))?;
                return self.container(Event::Array, items, at);
            }
            0xde | 0xdf => {
                let pairs = self.length(2 << (first - 0xde))?;
                return self.container(Event::Map, pairs * 2, at);
            }
        })
    }

    fn container(&mut self, event: Event<'a>, items: u64, at: usize) -> Result<Event<'a>, Fault> {
        if self.stack.len() >= DEPTH_LIMIT {
            return Err(Fault::new(at, format!("no more than {DEPTH_LIMIT} levels")));
        }
        self.stack.push(items);
        Ok(event)
    }

    fn text(&mut self, length: u64) -> Result<Event<'a>, Fault> {
        Ok(Event::Text(Text::Characters(self.take(length)?.into())))
    }

    fn extension(&mut self, length: u64) -> Result<Event<'a>, Fault> {
        let [kind] = self.array::<1>()?;
        Ok(Event::Extension(kind as i8, self.take(length)?))
    }

    /// A length of 1, 2 or 4 bytes.
    fn length(&mut self, bytes: u64) -> Result<u64, Fault> {
        Ok(self.take(bytes)?.iter().fold(0, |length, &byte| length << 8 | u64::from(byte)))
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8], Fault> {
        let rest = &self.payload[self.position..];
        let taken = usize::try_from(length).ok().and_then(|length| rest.get(..length));
        let end = self.payload.len();
        let taken =
            taken.ok_or_else(|| Fault::end(end, format!("{} bytes more", length - rest.len() as u64)))?;
        self.position += taken.len();
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N as u64)?);
        Ok(array)
    }
}

fn number<'a>(number: impl ToString) -> Event<'a> {
    Event::Number(number.to_string().into())
}
