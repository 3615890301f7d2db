//! How far back compressed data refers: its codes are read (RFC 1951 3.2), nothing is inflated.

use std::sync::LazyLock;

/// The farthest distance that `deflate` refers back, in bytes of what it inflates to; `None` when it refers to nothing.
///
/// Data that is no deflate, or is cut, is read as far as it goes.
pub(crate) fn farthest_reference(deflate: &[u8]) -> Option<u16> {
    let mut bits = Bits { bytes: deflate, at: 0 };
    let mut farthest = 0;
    while read_block(&mut bits, &mut farthest).is_some() {}
    (farthest > 0).then_some(farthest)
}

/// Reads one block; `None` when there is none.
fn read_block(bits: &mut Bits<'_>, farthest: &mut u16) -> Option<()> {
    let last = bits.take(1)? == 1;
    match bits.take(2)? {
        0 => {
            bits.skip_to_byte();
            let length = bits.take(16)?;
            bits.take(16)?;
            bits.at += length as usize * 8;
        }
        1 => read_codes(bits, &FIXED.0, &FIXED.1, farthest)?,
        2 => {
            let (lengths, distances) = read_code_lengths(bits)?;
            read_codes(bits, &lengths, &distances, farthest)?;
        }
        _ => return None,
    }
    if last {
        // RFC 7692 7.2.3.4: what follows a last block begins at the next byte
        bits.skip_to_byte();
    }
    Some(())
}

/// Reads literals and references up to the end of the block.
fn read_codes(bits: &mut Bits<'_>, lengths: &Code, distances: &Code, farthest: &mut u16) -> Option<()> {
    loop {
        match lengths.read(bits)? {
            0..=255 => {}
            256 => return Some(()),
            symbol => {
                bits.take(*LENGTH_EXTRA_BITS.get(usize::from(symbol - 257))?)?;
                let symbol = distances.read(bits)?;
                // RFC 1951 3.2.5: two codes for each number of extra bits, from the fifth code on
                let distance = match symbol {
                    0..=3 => u32::from(symbol) + 1,
                    4..=29 => {
                        let extra = u32::from(symbol / 2 - 1);
                        ((2 + u32::from(symbol % 2)) << extra) + bits.take(extra)? + 1
                    }
                    _ => return None,
                };
                *farthest = (*farthest).max(distance as u16);
            }
        }
    }
}

/// Reads the two codes of a block that brings its own (RFC 1951 3.2.7).
fn read_code_lengths(bits: &mut Bits<'_>) -> Option<(Code, Code)> {
    const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
    let literals = bits.take(5)? as usize + 257;
    let distances = bits.take(5)? as usize + 1;
    let count = bits.take(4)? as usize + 4;
    let mut code_lengths = [0; 19];
    for place in &ORDER[..count] {
        code_lengths[*place] = bits.take(3)? as u8;
    }
    let code = Code::new(&code_lengths);
    let mut lengths = Vec::with_capacity(literals + distances);
    while lengths.len() < literals + distances {
        let (value, times) = match code.read(bits)? {
            16 => (*lengths.last()?, 3 + bits.take(2)?),
            17 => (0, 3 + bits.take(3)?),
            18 => (0, 11 + bits.take(7)?),
            length => (length as u8, 1),
        };
        lengths.extend(std::iter::repeat_n(value, times as usize));
    }
    let (literals, distances) = lengths.split_at(literals);
    Some((Code::new(literals), Code::new(distances)))
}

/// The codes of blocks that bring none (RFC 1951 3.2.6): for literals and lengths, and for distances.
static FIXED: LazyLock<(Code, Code)> = LazyLock::new(|| {
    let mut lengths = [8; 288];
    lengths[144..256].fill(9);
    lengths[256..280].fill(7);
    (Code::new(&lengths), Code::new(&[5; 30]))
});

/// The extra bits of the length codes from 257 on.
const LENGTH_EXTRA_BITS: [u32; 29] =
    [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];

/// A Huffman code as RFC 1951 3.2.2 makes it from the lengths alone.
struct Code {
    /// How many codes there are of each length.
    counts: [u16; 16],
    /// The symbols in the order of their codes.
    symbols: Vec<u16>,
}

impl Code {
    fn new(lengths: &[u8]) -> Code {
        let mut counts = [0; 16];
        let mut symbols = Vec::with_capacity(lengths.len());
        for length in 1..16 {
            let before = symbols.len();
            let of_length = lengths.iter().zip(0..).filter(|(of, _)| **of == length);
            symbols.extend(of_length.map(|(_, symbol)| symbol));
            counts[usize::from(length)] = (symbols.len() - before) as u16;
        }
        Code { counts, symbols }
    }

    /// Reads one symbol, bit by bit: the codes of each length follow those of the length before.
    fn read(&self, bits: &mut Bits<'_>) -> Option<u16> {
        let (mut code, mut first, mut before) = (0, 0, 0);
        for count in self.counts.iter().skip(1).map(|count| u32::from(*count)) {
            code = code << 1 | bits.take(1)?;
            first <<= 1;
            if code < first + count {
                return self.symbols.get((before + code).checked_sub(first)? as usize).copied();
            }
            first += count;
            before += count;
        }
        None
    }
}

/// Bits as deflate packs them, the lowest of each byte first.
struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn take(&mut self, count: u32) -> Option<u32> {
        let mut value = 0;
        for place in 0..count {
            let byte = *self.bytes.get(self.at / 8)?;
            value |= u32::from(byte >> (self.at % 8) & 1) << place;
            self.at += 1;
        }
        Some(value)
    }

    fn skip_to_byte(&mut self) {
        self.at = self.at.next_multiple_of(8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compress, Compression, FlushCompress};

    /// Noise, so that only what is put in twice is referred to.
    fn noise(length: usize) -> Vec<u8> {
        let next = |last: &u32| Some(last.wrapping_mul(1_664_525).wrapping_add(1_013_904_223));
        std::iter::successors(Some(1), next).map(|step: u32| (step >> 24) as u8).take(length).collect()
    }

    #[track_caller]
    fn check(message: &[u8], expected: Option<u16>) {
        for level in [1, 6, 9] {
            for flush in [FlushCompress::Sync, FlushCompress::Finish] {
                let mut compress = Compress::new(Compression::new(level), false);
                let mut deflate = Vec::with_capacity(2 * message.len() + 100);
                compress.compress_vec(message, &mut deflate, flush).unwrap();
                assert_eq!(farthest_reference(&deflate), expected, "level {level}");
            }
        }
    }

    #[test]
    fn the_farthest_reference_is_found() {
        check(b"", None);
        check(b"abcdefgh", None);
        check(b"abcdefgh abcdefgh", Some(9));
        for distance in [100u16, 255, 256, 1000, 4097, 20_000, 32_000] {
            let noise = noise(distance.into());
            check(&[&noise[..], &noise[..100]].concat(), Some(distance));
        }
        let text = "words with a code of their own ".repeat(20);
        let far = [text.as_bytes(), &noise(5000), &text.as_bytes()[..300]].concat();
        let expected = 5000 + 620;
        let found = {
            let mut compress = Compress::new(Compression::new(6), false);
            let mut deflate = Vec::with_capacity(10_000);
            compress.compress_vec(&far, &mut deflate, FlushCompress::Sync).unwrap();
            farthest_reference(&deflate).unwrap()
        };
        assert!((5000..=expected).contains(&found), "{found}");
    }

    #[test]
    fn what_is_no_deflate_is_read_as_far_as_it_goes() {
        assert_eq!(farthest_reference(&[0xff; 100]), None);
        for length in 0..200 {
            for noise in noise(300).chunks(length + 1) {
                farthest_reference(noise);
            }
        }
    }
}
