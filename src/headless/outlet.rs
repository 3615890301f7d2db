//! One output for several writers, whose lines stay whole.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// An output that is shared. What is written through [`Write`] is a stream of lines in pieces of any size; a line of
/// somebody else's ([`Outlet::line`]) goes between two of them.
#[derive(Clone)]
pub struct Outlet(Arc<Mutex<Inner>>);

struct Inner {
    out: Box<dyn Write + Send>,
    /// Whether the last piece ended inside a line.
    inside: bool,
    /// Lines that wait for the end of that one.
    waiting: Vec<u8>,
}

impl Outlet {
    /// Of `out`.
    pub fn new(out: impl Write + Send + 'static) -> Outlet {
        Outlet(Arc::new(Mutex::new(Inner { out: Box::new(out), inside: false, waiting: Vec::new() })))
    }

    /// Writes a line, at once or as soon as the one under way has ended.
    ///
    /// # Errors
    /// Those of the output.
    pub fn line(&self, line: &str) -> io::Result<()> {
        let mut inner = self.lock();
        inner.waiting.extend_from_slice(line.as_bytes());
        inner.waiting.push(b'\n');
        if inner.inside { Ok(()) } else { inner.between() }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Between two lines: those that wait are written.
    fn between(&mut self) -> io::Result<()> {
        let waiting = std::mem::take(&mut self.waiting);
        if waiting.is_empty() {
            return Ok(());
        }
        self.out.write_all(&waiting)?;
        self.out.flush()
    }
}

impl Write for Outlet {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut inner = self.lock();
        let whole = memchr::memrchr(b'\n', bytes).map_or(0, |end| end + 1);
        if whole > 0 {
            inner.out.write_all(&bytes[..whole])?;
            inner.inside = false;
            inner.between()?;
        }
        if whole < bytes.len() {
            inner.out.write_all(&bytes[whole..])?;
            inner.inside = true;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.lock().out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_never_lands_inside_another() {
        let written = Written::default();
        let outlet = Outlet::new(written.clone());
        outlet.line("first").unwrap();
        let mut stream = outlet.clone();
        stream.write_all(b"one\ntw").unwrap();
        outlet.line("answer").unwrap();
        stream.write_all(b"o").unwrap();
        stream.write_all(b"\nthree\nfo").unwrap();
        stream.write_all(b"ur\n").unwrap();
        outlet.line("last").unwrap();
        let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        assert_eq!(text, "first\none\ntwo\nthree\nanswer\nfour\nlast\n");
    }
}
