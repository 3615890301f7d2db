//! UTF-8 checked across the cuts of a stream (RFC 6455 8.1), told at the first bad byte.

/// Checks text that comes in pieces.
#[derive(Clone, Copy, Debug, Default)]
pub struct Utf8Checker {
    /// Bytes before the unfinished character, if any.
    good: u64,
    /// The beginning of a character that a piece's end cut; always one that can still become good.
    carry: [u8; 3],
    have: u8,
    bad: bool,
}

impl Utf8Checker {
    /// At the start of a text.
    pub fn new() -> Utf8Checker {
        Utf8Checker::default()
    }

    /// Reads on. Returns how many bytes were good before the first bad character, once, when it comes.
    #[inline]
    pub fn read(&mut self, bytes: &[u8]) -> Option<u64> {
        if self.bad {
            return None;
        }
        let mut rest = bytes;
        while self.have > 0
            && let [byte, behind @ ..] = rest
        {
            rest = behind;
            if !self.extend_character(*byte) {
                return self.fail();
            }
        }
        match std::str::from_utf8(rest) {
            Ok(_) => self.good += rest.len() as u64,
            Err(error) => {
                self.good += error.valid_up_to() as u64;
                if error.error_len().is_some() {
                    return self.fail();
                }
                let cut = &rest[error.valid_up_to()..];
                self.carry[..cut.len()].copy_from_slice(cut);
                self.have = cut.len() as u8;
            }
        }
        None
    }

    /// The text is over. Returns how many bytes were good when it stops inside a character.
    pub fn end(&mut self) -> Option<u64> {
        if self.have > 0 && !self.bad { self.fail() } else { None }
    }

    /// Whether all was good so far; a character may be unfinished.
    pub fn is_good(&self) -> bool {
        !self.bad
    }

    /// Adds a byte to the unfinished character; false when that makes it bad.
    fn extend_character(&mut self, byte: u8) -> bool {
        let have = usize::from(self.have);
        let mut character = [0; 4];
        character[..have].copy_from_slice(&self.carry[..have]);
        character[have] = byte;
        match std::str::from_utf8(&character[..=have]) {
            Ok(_) => {
                self.good += have as u64 + 1;
                self.have = 0;
            }
            Err(error) if error.error_len().is_none() => {
                self.carry[have] = byte;
                self.have += 1;
            }
            Err(_) => return false,
        }
        true
    }

    fn fail(&mut self) -> Option<u64> {
        self.bad = true;
        Some(self.good)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXTS: [(&[u8], Option<u64>); 12] = [
        (b"", None),
        (b"plain", None),
        ("κόσμε \u{10ffff} €".as_bytes(), None),
        (b"ab\xff", Some(2)),
        (b"\xc0\xaf", Some(0)),          // longer than needed
        (b"\xe0\x80\xaf", Some(0)),      // longer than needed
        (b"a\xed\xa0\x80", Some(1)),     // a surrogate
        (b"a\xf4\x90\x80\x80", Some(1)), // beyond U+10FFFF
        (b"abc\xe2\x82", Some(3)),       // ends inside a character
        (b"abc\xe2\x82x", Some(3)),
        (b"\xf0\x9f\x90\x9f\xf0\x9f\x90", Some(4)),
        (b"\x80", Some(0)),
    ];

    #[test]
    fn cuts_make_no_difference() {
        for (text, expected) in TEXTS {
            for first in 0..=text.len() {
                for second in first..=text.len() {
                    let mut checker = Utf8Checker::new();
                    let pieces = [&text[..first], &text[first..second], &text[second..]];
                    let mut told: Vec<u64> = pieces.iter().filter_map(|piece| checker.read(piece)).collect();
                    told.extend(checker.end());
                    assert_eq!(told, Vec::from_iter(expected), "{text:x?} cut at {first} and {second}");
                    assert_eq!(checker.is_good(), expected.is_none());
                }
            }
        }
    }

    #[test]
    fn a_bad_byte_is_told_when_it_comes() {
        let mut checker = Utf8Checker::new();
        assert_eq!(checker.read(b"ok\xf4"), None);
        assert_eq!(checker.read(b"\x90"), Some(2));
        assert_eq!(checker.read(b"\xff"), None);
        assert_eq!(checker.end(), None);
    }
}
