//! How much a client may ask of the proxy before it is told no: in size, in time and in number.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use http::StatusCode;

/// What can be set of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How long a request's head may take from its first octet, and a SOCKS5 client to say where it wants to go.
    pub head: Duration,
    /// How long a client of another machine may be connected without a word.
    pub silence: Duration,
    /// Clients' connections at the same time.
    pub connections: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { head: Duration::from_secs(30), silence: Duration::from_secs(300), connections: 10_000 }
    }
}

/// A request line has this many octets at most.
pub(in crate::net) const LONGEST_LINE: usize = 64 << 10;
/// A request's head does.
pub(in crate::net) const LONGEST_HEAD: usize = 256 << 10;
/// And this many lines below the request line.
pub(in crate::net) const MOST_LINES: usize = 1_000;

/// Measures a request's head while it comes.
#[derive(Debug, Default)]
pub(in crate::net) struct HeadMeter {
    octets: usize,
    /// Lines that are complete, the request line among them.
    lines: usize,
    /// Octets of the line that is not, without its end.
    line: usize,
    over: bool,
}

/// Why a request is not read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::net) enum TooMuch {
    /// The request line is too long.
    Line,
    /// The head is.
    Head,
    /// It has too many lines.
    Lines,
    /// It takes too long.
    Time(Duration),
}

impl HeadMeter {
    /// The next octets, of the head or of what follows it.
    pub(in crate::net) fn take(&mut self, bytes: &[u8]) -> Result<(), TooMuch> {
        for octet in bytes {
            if self.over {
                return Ok(());
            }
            self.octets += 1;
            match octet {
                b'\n' if self.line > 0 => (self.lines, self.line) = (self.lines + 1, 0),
                // Empty lines before a request are no part of it (RFC 9112 2.2).
                b'\n' => self.over = self.lines > 0,
                b'\r' => {}
                _ => self.line += 1,
            }
            if self.lines == 0 && self.line > LONGEST_LINE {
                return Err(TooMuch::Line);
            }
            if self.lines > MOST_LINES + 1 {
                return Err(TooMuch::Lines);
            }
            if self.octets > LONGEST_HEAD {
                return Err(TooMuch::Head);
            }
        }
        Ok(())
    }

    /// Whether a head has begun that is not complete.
    pub(in crate::net) fn is_inside(&self) -> bool {
        !self.over && (self.lines > 0 || self.line > 0)
    }
}

impl TooMuch {
    /// What the client is answered.
    pub(in crate::net) fn status(self) -> StatusCode {
        match self {
            TooMuch::Line => StatusCode::URI_TOO_LONG,
            TooMuch::Head | TooMuch::Lines => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            TooMuch::Time(_) => StatusCode::REQUEST_TIMEOUT,
        }
    }
}

impl fmt::Display for TooMuch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TooMuch::Line => write!(f, "the request line is longer than {} KiB", LONGEST_LINE >> 10),
            TooMuch::Head => write!(f, "the request's head is larger than {} KiB", LONGEST_HEAD >> 10),
            TooMuch::Lines => write!(f, "the request's head has more than {MOST_LINES} lines"),
            TooMuch::Time(limit) => write!(f, "the request's head was not complete after {limit:?}"),
        }
    }
}

/// Room for clients' connections.
#[derive(Debug)]
pub(in crate::net) struct Seats {
    limit: usize,
    taken: AtomicUsize,
    /// Whether it was told that there are no more.
    told: AtomicBool,
}

/// One of them; given back when it is dropped.
#[derive(Debug)]
pub(in crate::net) struct Seat(Arc<Seats>);

/// There is no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::net) enum Full {
    /// The first time for a while: somebody should hear of it.
    News,
    /// It was told already.
    Known,
}

impl Seats {
    pub(in crate::net) fn new(limit: usize) -> Arc<Seats> {
        Arc::new(Seats { limit, taken: AtomicUsize::new(0), told: AtomicBool::new(false) })
    }

    /// Takes one.
    pub(in crate::net) fn take(self: &Arc<Seats>) -> Result<Seat, Full> {
        let room = |taken| (taken < self.limit).then_some(taken + 1);
        match self.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, room) {
            Ok(_) => Ok(Seat(Arc::clone(self))),
            Err(_) if self.told.swap(true, Ordering::Relaxed) => Err(Full::Known),
            Err(_) => Err(Full::News),
        }
    }

    /// How many there are.
    pub(in crate::net) fn limit(&self) -> usize {
        self.limit
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let left = self.0.taken.fetch_sub(1, Ordering::Relaxed) - 1;
        // Who stays at the limit is told once, not with each that comes and goes.
        if left <= self.0.limit / 4 * 3 {
            self.0.told.store(false, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes of a head that is fed whole, and of one that comes octet by octet.
    #[track_caller]
    fn check(head: &[u8], expected: Result<(), TooMuch>) {
        let mut meter = HeadMeter::default();
        assert_eq!(meter.take(head), expected);
        let mut meter = HeadMeter::default();
        assert_eq!(head.chunks(1).try_for_each(|octet| meter.take(octet)), expected);
    }

    #[test]
    fn a_head_may_be_as_large_as_it_says_and_no_larger() {
        let line = |octets| format!("{}\r\n\r\n", "x".repeat(octets));
        check(line(LONGEST_LINE).as_bytes(), Ok(()));
        check(line(LONGEST_LINE + 1).as_bytes(), Err(TooMuch::Line));
        let lines = |count| format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(count));
        check(lines(MOST_LINES).as_bytes(), Ok(()));
        check(lines(MOST_LINES + 1).as_bytes(), Err(TooMuch::Lines));
        let field = |octets| format!("GET / HTTP/1.1\na: {}\n\n", "x".repeat(octets - 20));
        check(field(LONGEST_HEAD).as_bytes(), Ok(()));
        check(field(LONGEST_HEAD + 1).as_bytes(), Err(TooMuch::Head));
        // What follows the head is not measured.
        check(format!("POST / HTTP/1.1\r\n\r\n{}", "x".repeat(LONGEST_HEAD)).as_bytes(), Ok(()));
    }

    #[test]
    fn a_connection_is_inside_a_head_from_its_first_word_to_its_end() {
        let mut meter = HeadMeter::default();
        for (bytes, inside) in
            [("", false), ("\r\n", false), ("G", true), ("ET / HTTP/1.1\r\n", true), ("\r\n", false)]
        {
            meter.take(bytes.as_bytes()).unwrap();
            assert_eq!(meter.is_inside(), inside, "{bytes:?}");
        }
    }

    #[test]
    fn seats_are_given_back_and_their_end_is_told_once() {
        let seats = Seats::new(4);
        let mut taken: Vec<_> = (0..4).map(|_| seats.take().unwrap()).collect();
        assert_eq!(seats.take().unwrap_err(), Full::News);
        assert_eq!(seats.take().unwrap_err(), Full::Known);
        taken.pop();
        taken.push(seats.take().unwrap());
        assert_eq!(seats.take().unwrap_err(), Full::News);
        drop(taken);
        assert!(seats.take().is_ok());
    }
}
