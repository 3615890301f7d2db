//! The bytes of lines on their way out: gathered, written in pieces of about 64 KiB, flushed when asked.

use std::io::{self, Write};

/// How many bytes are gathered before they are written.
const GATHERED: usize = 64 * 1024;

/// A buffer before a writer. The first error is kept and told at the end of the line; after it nothing is written.
pub(super) struct Lines<'w> {
    out: Box<dyn Write + Send + 'w>,
    buffer: Vec<u8>,
    error: Option<io::Error>,
    failed: bool,
}

impl<'w> Lines<'w> {
    pub fn new(out: impl Write + Send + 'w) -> Lines<'w> {
        Lines { out: Box::new(out), buffer: Vec::with_capacity(GATHERED), error: None, failed: false }
    }

    /// More bytes of the line. A line of any length passes through in constant memory.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.buffer.len() + bytes.len() > GATHERED {
            self.spill();
        }
        if bytes.len() > GATHERED {
            self.write(bytes);
        } else {
            self.buffer.extend_from_slice(bytes);
        }
    }

    /// Ends the line, and tells what went wrong until here.
    pub fn end(&mut self) -> io::Result<()> {
        self.push(b"\n");
        self.told()
    }

    /// Hands on all that was gathered.
    pub fn flush(&mut self) -> io::Result<()> {
        if !self.buffer.is_empty() {
            self.spill();
            if !self.failed
                && let Err(error) = self.out.flush()
            {
                self.fail(error);
            }
        }
        self.told()
    }

    fn spill(&mut self) {
        let mut buffer = std::mem::take(&mut self.buffer);
        self.write(&buffer);
        buffer.clear();
        self.buffer = buffer;
    }

    fn write(&mut self, bytes: &[u8]) {
        if !self.failed
            && let Err(error) = self.out.write_all(bytes)
        {
            self.fail(error);
        }
    }

    fn fail(&mut self, error: io::Error) {
        self.failed = true;
        self.error = Some(error);
    }

    /// What went wrong since it was last told.
    pub fn told(&mut self) -> io::Result<()> {
        match self.error.take() {
            Some(error) => Err(error),
            None if self.failed => Err(io::Error::other("an earlier write failed")),
            None => Ok(()),
        }
    }
}

/// What `write` pushes, as text.
#[cfg(test)]
pub(super) fn written(write: impl FnOnce(&mut Lines)) -> String {
    let mut bytes = Vec::new();
    let mut lines = Lines::new(&mut bytes);
    write(&mut lines);
    lines.flush().unwrap();
    drop(lines);
    String::from_utf8(bytes).unwrap()
}
