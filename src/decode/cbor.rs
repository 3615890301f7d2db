//! CBOR (RFC 8949), printed in diagnostic notation.

use std::borrow::Cow;

use minicbor::data::Token;

use super::event::{self, DEPTH_LIMIT, Event, Fault, Reader, Text};
use super::spell::spell_float;
use super::tree::{self, Dialect};
use super::{Decoder, Limits, Line, Payload, clip};
use crate::ws::Opcode;

/// A payload that is one map or array, perhaps tagged, from its first byte to its last.
pub(super) struct Cbor;

impl Decoder for Cbor {
    fn recognises(&self, opcode: Opcode, payload: Payload) -> bool {
        opcode != Opcode::Text && is_map_or_array(payload.bytes) && event::is_one_value::<CborReader>(payload)
    }

    fn summary(&self, payload: Payload, max_chars: usize) -> String {
        let value = tree::summary::<CborReader>(Dialect::Diagnostic, payload, max_chars);
        clip(&format!("cbor {value}"), max_chars)
    }

    fn pretty(&self, payload: Payload, limits: &Limits) -> Vec<Line> {
        tree::pretty::<CborReader>(Dialect::Diagnostic, payload, limits)
    }
}

fn is_map_or_array(payload: &[u8]) -> bool {
    let mut reader = CborReader::at(payload, 0);
    loop {
        match reader.step() {
            Ok(Some(Event::Tag(_))) => {}
            Ok(Some(event)) => return matches!(event, Event::Map | Event::Array),
            _ => return false,
        }
    }
}

/// Reads a value; minicbor tells the tokens apart, what may follow what is kept here.
pub(super) struct CborReader<'a> {
    payload: &'a [u8],
    decoder: minicbor::Decoder<'a>,
    start: usize,
    stack: Vec<Open>,
    /// How many tags wait for their value.
    tags: usize,
    begun: bool,
}

/// A map or array under way.
struct Open {
    /// What is still to come, keys and values both counted; none where a break ends it.
    left: Option<u64>,
    /// Whether a key waits for its value.
    is_owed: bool,
    is_map: bool,
}

impl<'a> Reader<'a> for CborReader<'a> {
    fn at(payload: &'a [u8], position: usize) -> CborReader<'a> {
        let mut decoder = minicbor::Decoder::new(payload);
        decoder.set_position(position);
        CborReader { payload, decoder, start: position, stack: Vec::new(), tags: 0, begun: false }
    }

    fn step(&mut self) -> Result<Option<Event<'a>>, Fault> {
        let position = self.decoder.position();
        if self.tags == 0 {
            match self.stack.last_mut() {
                Some(Open { left: Some(0), .. }) => {
                    self.stack.pop();
                    return Ok(Some(Event::End));
                }
                Some(open) => {
                    open.left = open.left.map(|left| left - 1);
                    open.is_owed = open.is_map && !open.is_owed;
                }
                None if self.begun && position == self.payload.len() => return Ok(None),
                None if self.begun => {
                    return Err(Fault::new(position, "the end, as one CBOR value ends here"));
                }
                None => self.begun = true,
            }
        }
        self.start = position;
        let event = self.token().and_then(|token| self.event(token));
        if event.is_err() {
            // what could not be read is part of the rest
            self.decoder.set_position(position);
        }
        event.map(Some)
    }

    fn start(&self) -> usize {
        self.start
    }

    fn position(&self) -> usize {
        self.decoder.position()
    }
}

impl<'a> CborReader<'a> {
    fn token(&mut self) -> Result<Token<'a>, Fault> {
        let at = self.position();
        self.decoder.tokens().token().map_err(|error| {
            if error.is_end_of_input() {
                Fault::end(self.payload.len(), "more bytes")
            } else {
                Fault::new(at, format!("a CBOR value ({error})"))
            }
        })
    }

    fn event(&mut self, token: Token<'a>) -> Result<Event<'a>, Fault> {
        if let Token::Tag(tag) = token {
            self.tags += 1;
            self.check_depth(self.tags)?;
            return Ok(Event::Tag(tag.as_u64()));
        }
        if token == Token::Break {
            return self.end();
        }
        self.tags = 0;
        Ok(match token {
            Token::Array(items) => return self.container(Event::Array, Some(items)),
            Token::Map(pairs) => return self.container(Event::Map, Some(pairs.saturating_mul(2))),
            Token::BeginArray => return self.container(Event::Array, None),
            Token::BeginMap => return self.container(Event::Map, None),
            Token::BeginBytes => Event::Bytes(self.chunks()?.into()),
            Token::BeginString => Event::Text(Text::Characters(self.chunks()?.into())),
            Token::Bytes(bytes) => Event::Bytes(bytes.into()),
            Token::String(text) => Event::Text(Text::Characters(text.as_bytes().into())),
            Token::Bool(value) => Event::Literal(if value { "true" } else { "false" }.into()),
            Token::Null => Event::Literal("null".into()),
            Token::Undefined => Event::Literal("undefined".into()),
            Token::Simple(value) => Event::Literal(format!("simple({value})").into()),
            number => Event::Number(spell(&number)),
        })
    }

    fn container(&mut self, event: Event<'a>, left: Option<u64>) -> Result<Event<'a>, Fault> {
        self.check_depth(self.stack.len())?;
        self.stack.push(Open { left, is_owed: false, is_map: event == Event::Map });
        Ok(event)
    }

    /// A break: right only where an item could begin in a container that waits for it.
    fn end(&mut self) -> Result<Event<'a>, Fault> {
        // the break itself was taken for a key, or a value that is owed
        let is_right = self.tags == 0
            && self.stack.last().is_some_and(|open| open.left.is_none() && open.is_owed == open.is_map);
        if !is_right {
            return Err(Fault::new(self.start, "a value, not a break"));
        }
        self.stack.pop();
        Ok(Event::End)
    }

    fn check_depth(&self, depth: usize) -> Result<(), Fault> {
        if depth < DEPTH_LIMIT {
            return Ok(());
        }
        Err(Fault::new(self.start, format!("no more than {DEPTH_LIMIT} levels")))
    }

    /// The pieces of a string of indefinite length (RFC 8949 3.2.3), joined.
    fn chunks(&mut self) -> Result<Vec<u8>, Fault> {
        let is_text = self.payload.get(self.start).is_some_and(|first| first >> 5 == 3);
        let mut joined = Vec::new();
        loop {
            let at = self.position();
            match self.token()? {
                Token::Break => return Ok(joined),
                Token::String(piece) if is_text => joined.extend_from_slice(piece.as_bytes()),
                Token::Bytes(piece) if !is_text => joined.extend_from_slice(piece),
                _ => return Err(Fault::new(at, "a piece of the string, or a break")),
            }
        }
    }
}

fn spell<'a>(number: &Token) -> Cow<'a, str> {
    match number {
        Token::F16(value) | Token::F32(value) => spell_float(*value).into(),
        Token::F64(value) => spell_float(*value).into(),
        Token::U8(value) => value.to_string().into(),
        Token::U16(value) => value.to_string().into(),
        Token::U32(value) => value.to_string().into(),
        Token::U64(value) => value.to_string().into(),
        Token::I8(value) => value.to_string().into(),
        Token::I16(value) => value.to_string().into(),
        Token::I32(value) => value.to_string().into(),
        Token::I64(value) => value.to_string().into(),
        other => other.to_string().into(),
    }
}
