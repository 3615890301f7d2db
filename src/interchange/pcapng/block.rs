//! The blocks of a pcapng file (draft-ietf-opsawg-pcapng 4), little-endian, of one section and one interface.

use std::io::{self, Write};

const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE_DESCRIPTION: u32 = 1;
const ENHANCED_PACKET: u32 = 6;

const BYTE_ORDER: u32 = 0x1a2b_3c4d;
const ETHERNET: u16 = 1;

const END_OF_OPTIONS: u16 = 0;
const COMMENT: u16 = 1;
const APPLICATION: u16 = 4;
const INTERFACE_NAME: u16 = 2;
const TIME_RESOLUTION: u16 = 9;

/// Writes packets one after the other.
pub struct Blocks<W> {
    out: W,
}

impl<W: Write> Blocks<W> {
    /// Begins the file: a section by `application`, and its interface.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn begin(out: W, application: &str) -> io::Result<Blocks<W>> {
        let mut blocks = Blocks { out };
        let mut body = BYTE_ORDER.to_le_bytes().to_vec();
        body.extend_from_slice(&1_u16.to_le_bytes());
        body.extend_from_slice(&0_u16.to_le_bytes());
        // The section's length is not told.
        body.extend_from_slice(&u64::MAX.to_le_bytes());
        option(&mut body, APPLICATION, application.as_bytes());
        option(&mut body, END_OF_OPTIONS, &[]);
        blocks.block(SECTION_HEADER, &body)?;
        let mut body = ETHERNET.to_le_bytes().to_vec();
        body.extend_from_slice(&0_u16.to_le_bytes());
        // No packet is cut.
        body.extend_from_slice(&0_u32.to_le_bytes());
        option(&mut body, INTERFACE_NAME, b"sockeye");
        // Nanoseconds.
        option(&mut body, TIME_RESOLUTION, &[9]);
        option(&mut body, END_OF_OPTIONS, &[]);
        blocks.block(INTERFACE_DESCRIPTION, &body)?;
        Ok(blocks)
    }

    /// A packet at `time`, in nanoseconds since 1970, with a comment where there is something to say.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn packet(&mut self, time: u64, packet: &[u8], comment: &str) -> io::Result<()> {
        let mut body = 0_u32.to_le_bytes().to_vec();
        let length = u32::try_from(packet.len()).map_err(io::Error::other)?;
        for word in [(time >> 32) as u32, time as u32, length, length] {
            body.extend_from_slice(&word.to_le_bytes());
        }
        body.extend_from_slice(packet);
        pad(&mut body);
        if !comment.is_empty() {
            option(&mut body, COMMENT, comment.as_bytes());
            option(&mut body, END_OF_OPTIONS, &[]);
        }
        self.block(ENHANCED_PACKET, &body)
    }

    /// Hands on all that was written.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    fn block(&mut self, kind: u32, body: &[u8]) -> io::Result<()> {
        let length = u32::try_from(body.len() + 12).map_err(io::Error::other)?.to_le_bytes();
        self.out.write_all(&kind.to_le_bytes())?;
        self.out.write_all(&length)?;
        self.out.write_all(body)?;
        self.out.write_all(&length)
    }
}

/// An option, cut where it is longer than one can be.
fn option(body: &mut Vec<u8>, code: u16, value: &[u8]) {
    let value = &value[..value.len().min(usize::from(u16::MAX))];
    body.extend_from_slice(&code.to_le_bytes());
    body.extend_from_slice(&(value.len() as u16).to_le_bytes());
    body.extend_from_slice(value);
    pad(body);
}

fn pad(body: &mut Vec<u8>) {
    body.resize(body.len().next_multiple_of(4), 0);
}
