//! What a flood sends, made beforehand, in writes of about 64 KiB that are sent over and over.

use anyhow::{Context as _, Result};
use flate2::{Compress, Compression as Level, FlushCompress};

use crate::scenario::{Compression, Way};
use crate::wire::{self, TEXT};

/// RSV1: compressed (RFC 7692 6).
const COMPRESSED: u8 = 0x40;
/// What is cut off of each message (RFC 7692 7.2.1).
const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];
const WRITE: usize = 64 * 1024;
const WORDS: [&str; 16] = [
    "level", "order", "north", "signal", "after", "stream", "of", "a", "value", "green", "to", "window",
    "rate", "paper", "in", "motor",
];

/// Messages of one flood.
pub struct Flood {
    /// The first write.
    pub first: Vec<u8>,
    /// Each write after that: the same messages. Where they are compressed together, they refer to those of the write
    /// before, which is longer than the window.
    pub again: Vec<u8>,
    /// Messages in each.
    pub count: usize,
}

impl Flood {
    /// Messages of `size` octets. Those to be compressed differ from one another in numbers and words.
    pub fn new(way: Way, size: usize, compression: Compression) -> Result<Flood> {
        if compression == Compression::None {
            let count = wire::frames_in_a_write(size);
            let frames = match way {
                Way::ToServer => wire::client_frames(TEXT, size, count),
                Way::ToClient => wire::server_frames(TEXT, size, count),
            };
            return Ok(Flood { first: frames.clone(), again: frames, count });
        }
        let mut compressor = Compress::new(Level::default(), false);
        let (mut first, mut again, mut count) = (Vec::new(), Vec::new(), 0);
        let mut add = |out: &mut Vec<u8>, nth: usize| -> Result<()> {
            if compression == Compression::Alone {
                compressor.reset();
            }
            let payload = compressed(&mut compressor, &message(size, nth))?;
            match way {
                Way::ToServer => wire::masked_frame(out, TEXT | COMPRESSED, &payload, nth),
                Way::ToClient => wire::plain_frame(out, TEXT | COMPRESSED, &payload),
            }
            Ok(())
        };
        while first.len() < WRITE {
            add(&mut first, count)?;
            count += 1;
        }
        for nth in 0..count {
            add(&mut again, nth)?;
        }
        Ok(Flood { first, again, count })
    }
}

/// JSON of `size` octets, the same for the same number.
fn message(size: usize, nth: usize) -> Vec<u8> {
    let mut random = (nth as u32 + 1).wrapping_mul(0x9e37_79b9);
    let mut next = || {
        random ^= random << 13;
        random ^= random >> 17;
        random ^= random << 5;
        random as usize
    };
    let mut text = format!(r#"{{"kind":"update","id":{},"text":""#, 10_000 + next() % 40_000);
    while text.len() < size {
        text.push_str(WORDS[next() % WORDS.len()]);
        text.push(' ');
    }
    text.truncate(size - 2);
    text.push_str(r#""}"#);
    text.into_bytes()
}

fn compressed(compressor: &mut Compress, message: &[u8]) -> Result<Vec<u8>> {
    let mut out = Vec::with_capacity(message.len() + 1024);
    compressor.compress_vec(message, &mut out, FlushCompress::Sync)?;
    let length = out.strip_suffix(&TAIL).context("a message ends in an empty block")?.len();
    out.truncate(length);
    Ok(out)
}
