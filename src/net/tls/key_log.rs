//! The secrets of TLS connections, written down so that other programs can read what was recorded of them: lines in
//! NSS's key log format, and before the first of each connection a comment that says which leg it is.

use std::fmt::{self, Write as _};
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use super::met;

/// Where the secrets go. Cheap to share.
#[derive(Clone)]
pub struct KeyLog(Arc<Mutex<Sink>>);

struct Sink {
    writer: Box<dyn Write + Send>,
    /// Why a line was not written, until somebody was told.
    fault: Option<String>,
}

impl KeyLog {
    /// Writes to `writer`, a line or a few at a time.
    pub fn new(writer: impl Write + Send + 'static) -> KeyLog {
        KeyLog(Arc::new(Mutex::new(Sink { writer: Box::new(writer), fault: None })))
    }

    /// Why a line was not written, if that was not asked before.
    pub(in crate::net) fn fault(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).fault.take()
    }
}

impl rustls::KeyLog for KeyLog {
    fn log(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        let mut text = String::new();
        met::note(|met| {
            if let Some(leg) = met.leg.take() {
                text = format!("# {leg}, client random {}\n", hex(client_random));
            }
        });
        // Writing to a string does not fail.
        let _ = writeln!(text, "{label} {} {}", hex(client_random), hex(secret));
        let mut sink = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = sink.writer.write_all(text.as_bytes()).and_then(|()| sink.writer.flush()) {
            sink.fault = Some(error.to_string());
        }
    }
}

impl fmt::Debug for KeyLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyLog")
    }
}

fn hex(octets: &[u8]) -> String {
    octets.iter().fold(String::with_capacity(2 * octets.len()), |mut text, octet| {
        let _ = write!(text, "{octet:02x}");
        text
    })
}
