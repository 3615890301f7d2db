//! JSON (RFC 8259), shown exactly as it came but for white space.

use std::io;

/// Whether recording `payload` as JSON loses nothing: parsed and written again it is the same, byte for byte.
pub fn exact(payload: &[u8]) -> bool {
    let Ok(value) = serde_json::from_slice::<serde_json::Value>(payload) else {
        return false;
    };
    let mut same = Same(payload);
    serde_json::to_writer(&mut same, &value).is_ok() && same.0.is_empty()
}

/// Takes what is written as long as it is what is left of a payload.
struct Same<'a>(&'a [u8]);

impl io::Write for Same<'_> {
    fn write(&mut self, written: &[u8]) -> io::Result<usize> {
        self.0 = self.0.strip_prefix(written).ok_or(io::ErrorKind::InvalidData)?;
        Ok(written.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
