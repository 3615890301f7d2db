//! A recording that is read more than once: from its front, then line by line where they are wanted.

use std::io::{self, BufRead, Read, Seek, SeekFrom};
use std::path::Path;

use memchr::memmem;

use crate::headless::schema::{Keys, ReadError, Reader};
use crate::headless::{FileError, Redaction, seekable};

/// A recording that is read more than once.
pub struct Input<R> {
    file: String,
    input: R,
    /// Where it stands; none where a reader left it somewhere.
    at: Option<u64>,
}

/// Where lines stand in a file, in octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub start: u64,
    pub end: u64,
}

/// A recording in a file.
///
/// # Errors
/// Where it cannot be read.
pub fn open(path: &Path) -> Result<Input<impl BufRead + Seek + use<>>, ReadError> {
    Ok(Input::new(path.display().to_string(), seekable(path)?))
}

impl<R: BufRead + Seek> Input<R> {
    /// `file` is what errors call it.
    pub fn new(file: impl Into<String>, input: R) -> Input<R> {
        Input { file: file.into(), input, at: None }
    }

    /// What errors call it.
    pub fn name(&self) -> &str {
        &self.file
    }

    /// Whether secrets are replaced in it: in all of those that `cat` joined in it.
    pub(super) fn redaction(&mut self) -> Result<Redaction, ReadError> {
        let reader = self.reader()?;
        let mut redaction = reader.recording().redaction;
        let mut line = Vec::new();
        loop {
            line.clear();
            let read = self.input.read_until(b'\n', &mut line);
            match read.map_err(|source| ReadError::Io { file: self.file.clone(), source })? {
                0 => return Ok(redaction),
                _ if memmem::find(&line, b"\"recording\"").is_none() => continue,
                _ => {}
            }
            let keys =
                Keys::parse(&line).ok().filter(|keys| keys.text("type").as_deref() == Some("recording"));
            if keys.is_some_and(|keys| keys.get("redacted") != Some("true")) {
                redaction = Redaction::Off;
            }
        }
    }

    /// Reads it from its front.
    ///
    /// # Errors
    /// Where it cannot be read or is no recording.
    pub fn reader(&mut self) -> Result<Reader<&mut R>, ReadError> {
        self.at = None;
        if let Err(source) = self.input.rewind() {
            return Err(ReadError::Io { file: self.file.clone(), source });
        }
        Reader::new(&*self.file, &mut self.input)
    }

    /// The lines of a record that was read before, without blank ones; the last one has its end, too.
    pub(super) fn lines(&mut self, span: Span) -> Result<Vec<Vec<u8>>, FileError> {
        let bytes = self.bytes(span).map_err(|source| ReadError::Io { file: self.file.clone(), source })?;
        let lines = bytes.split_inclusive(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
        Ok(lines.map(|line| [line.strip_suffix(b"\n").unwrap_or(line), b"\n"].concat()).collect())
    }

    fn bytes(&mut self, span: Span) -> io::Result<Vec<u8>> {
        // What is near is in the buffer.
        match self.at.map(|at| span.start.wrapping_sub(at) as i64) {
            Some(way) => self.input.seek_relative(way)?,
            None => drop(self.input.seek(SeekFrom::Start(span.start))?),
        }
        self.at = None;
        let mut bytes = Vec::new();
        (&mut self.input).take(span.end - span.start).read_to_end(&mut bytes)?;
        self.at = Some(span.end);
        if bytes.len() as u64 != span.end - span.start {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it became shorter meanwhile"));
        }
        Ok(bytes)
    }
}
