//! Compressing messages for permessage-deflate (RFC 7692 7.2.1).

use flate2::{Compress, Compression, FlushCompress};

use super::inflate::TAIL;
use super::{Direction, PermessageDeflate};

/// Compresses the messages of one direction, one after the other.
#[derive(Debug)]
pub struct Deflater {
    /// None where the agreed window is one that cannot be made.
    stream: Option<Compress>,
    no_context_takeover: bool,
}

impl Deflater {
    /// For what was agreed and who sends.
    pub fn new(agreed: &PermessageDeflate, direction: Direction) -> Deflater {
        let window_bits = agreed.max_window_bits(direction);
        Deflater {
            // zlib cannot make a window of 256 bytes; such messages go uncompressed, which is always allowed
            stream: (9..=15)
                .contains(&window_bits)
                .then(|| Compress::new_with_window_bits(Compression::default(), false, window_bits)),
            no_context_takeover: agreed.no_context_takeover(direction),
        }
    }

    /// The payload to send with RSV1 set; `None` when the message has to go as it is, with RSV1 clear.
    pub fn compress(&mut self, message: &[u8]) -> Option<Vec<u8>> {
        let stream = self.stream.as_mut()?;
        if self.no_context_takeover {
            stream.reset();
        }
        let mut compressed = Vec::with_capacity(message.len() / 2 + 64);
        let mut rest = message;
        loop {
            let before = stream.total_in();
            stream.compress_vec(rest, &mut compressed, FlushCompress::Sync).ok()?;
            rest = &rest[(stream.total_in() - before) as usize..];
            // room left over says that all was written
            if rest.is_empty() && compressed.len() < compressed.capacity() {
                break;
            }
            compressed.reserve(compressed.capacity());
        }
        if compressed.ends_with(&TAIL) {
            compressed.truncate(compressed.len() - TAIL.len());
        }
        if compressed.is_empty() {
            // RFC 7692 7.2.3.6: an empty message is one empty block, also where the compressor has nothing to flush
            compressed.push(0);
        }
        Some(compressed)
    }
}
