//! Following the log: the standard output and the recording are two readers of it, each at its own pace.

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use super::printer::Printer;
use super::{Printing, Redaction, Subscription};
use crate::capture::{Act, Event, Flow, Log, Next, Note, Opened, Opening, Summary};
use crate::net::Listening;

/// How old a line may get before it is handed on while there is always more to write.
const FLUSH_AFTER: Duration = Duration::from_millis(100);
/// How long the log is waited for at a time; it wakes whoever waits.
const WAIT: Duration = Duration::from_secs(10);
/// Why events can be missing.
pub(super) const EVICTED: &str = "the log reached its limit before they were written (--capture-limit)";

/// Prints what happens until the log is closed, beginning with the line that says where it is listened.
///
/// A slow sink makes nobody wait but this function: it only reads the log, and where the log has let go of what was
/// not printed yet, a line says how much that was. A sink that nobody reads any more (`| head`) ends it quietly.
///
/// # Errors
/// Where the sink fails otherwise, or the log cannot be read.
pub fn follow(log: &Log, printing: &Printing, sink: impl Write + Send) -> io::Result<()> {
    quietly(Printer::new(sink, printing, log.started()).and_then(|mut printer| pump(log, &mut printer)))
}

/// A sink that nobody reads any more is no fault.
fn quietly(followed: io::Result<()>) -> io::Result<()> {
    match followed {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// A reader of the log on a thread of its own.
#[derive(Debug)]
pub struct Follower {
    done: Receiver<io::Result<()>>,
}

impl Follower {
    /// Runs [`follow`] on a thread.
    ///
    /// # Errors
    /// Where no thread can be had.
    pub fn spawn(log: &Log, printing: Printing, sink: impl Write + Send + 'static) -> io::Result<Follower> {
        let log = log.clone();
        Follower::run("output", move || follow(&log, &printing, sink))
    }

    /// Runs [`follow`] on a thread, and prints what `subscription` is to from time to time.
    ///
    /// # Errors
    /// Where no thread can be had.
    pub fn subscribed(
        log: &Log,
        printing: Printing,
        subscription: Subscription,
        sink: impl Write + Send + 'static,
    ) -> io::Result<Follower> {
        let log = log.clone();
        Follower::run("output", move || {
            quietly(
                Printer::new(sink, &printing, log.started())
                    .and_then(|printer| pump(&log, &mut printer.heeding(subscription))),
            )
        })
    }

    /// Waits until it has written all, which it has soon after the log was closed; none where it is still busy after
    /// `patience`, as with a pipe that nobody reads.
    pub fn finish(&self, patience: Duration) -> Option<io::Result<()>> {
        match self.done.recv_timeout(patience) {
            Ok(result) => Some(result),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => Some(Err(io::Error::other("it was finished already"))),
        }
    }

    fn run(name: &str, work: impl FnOnce() -> io::Result<()> + Send + 'static) -> io::Result<Follower> {
        let (tell, done) = mpsc::channel();
        let work = move || {
            // Nobody needs to wait for the end.
            let _ = tell.send(work());
        };
        thread::Builder::new().name(name.to_owned()).spawn(work)?;
        Ok(Follower { done })
    }
}

/// Writes a recording of all that happens to the file at `path`, until the log is closed.
///
/// The file is made readable for its owner alone; an existing file is overwritten. When writing fails later, as on a
/// full disk, the recording ends with its last whole line, a note in the log says so, and `tell` is given the same
/// sentence. The proxy goes on.
///
/// # Errors
/// Where the file cannot be opened.
pub fn record(
    log: &Log,
    path: &Path,
    listen: Vec<Listening>,
    redaction: Redaction,
    tell: impl FnOnce(&str) + Send + 'static,
) -> io::Result<Follower> {
    let file = private(OpenOptions::new().write(true).create(true).truncate(true)).open(path)?;
    let (log, path) = (log.clone(), path.to_owned());
    Follower::run("record", move || {
        let result = record_to(&log, file, Printing::recording(listen, redaction));
        if let Err(error) = &result {
            let text = stopped(&path, error);
            // A log that cannot take the note cannot be helped.
            let _ = log.append(Event::Note(Note { time: log.now(), flow: None, text: text.clone() }));
            tell(&text);
        }
        result
    })
}

/// A new file is for its owner alone (mode 0600, where there are modes): what passed may be anything.
pub fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

fn stopped(path: &Path, error: &io::Error) -> String {
    format!("the recording {} ends here: {error}; the proxy goes on without it", path.display())
}

fn record_to(log: &Log, file: File, printing: Printing) -> io::Result<()> {
    let mut lines = WholeLines { out: &file, written: 0, whole: 0 };
    let written = Printer::new(&mut lines, &printing, log.started())
        .and_then(|printer| pump(log, &mut printer.recording()));
    if written.is_err() && file.metadata().is_ok_and(|data| data.is_file()) {
        // The first error is the one to tell.
        let _ = file.set_len(lines.whole);
    }
    written
}

/// Knows where the last whole line ended that a writer took.
struct WholeLines<W> {
    out: W,
    written: u64,
    whole: u64,
}

impl<W: Write> Write for WholeLines<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.out.write(bytes)?;
        if let Some(end) = memchr::memrchr(b'\n', &bytes[..count]) {
            self.whole = self.written + end as u64 + 1;
        }
        self.written += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Prints from the oldest event that the log has until it is closed.
fn pump(log: &Log, printer: &mut Printer) -> io::Result<()> {
    let mut cursor = log.cursor();
    let mut begun = HashSet::new();
    let mut flushed = Instant::now();
    printer.flush()?;
    loop {
        let seen = log.version();
        match cursor.next()? {
            Next::Event(event) => {
                begin(log, printer, &mut begun, &event)?;
                printer.event(&event, log)?;
            }
            Next::Gap(lost) => printer.gap(log.now(), lost, EVICTED)?,
            Next::Pending => {
                printer.flush()?;
                log.wait(seen, WAIT);
                flushed = Instant::now();
            }
            Next::End => return printer.flush(),
        }
        if flushed.elapsed() >= FLUSH_AFTER {
            printer.flush()?;
            flushed = Instant::now();
        }
    }
}

/// Prints the opening of a session first whose own event the log has let go.
pub(super) fn begin(
    log: &Log,
    printer: &mut Printer,
    begun: &mut HashSet<u32>,
    event: &Event,
) -> io::Result<()> {
    let unknown = match event {
        Event::Opened(opening) => {
            begun.insert(opening.session);
            None
        }
        Event::Tunnel(tunnel) => {
            begun.insert(tunnel.session);
            None
        }
        Event::Message(message) => begun.insert(message.session).then_some(message.session),
        Event::Act(Act { session, number: Some(_), .. }) => begun.insert(*session).then_some(*session),
        Event::Ended(ended) => (!begun.remove(&ended.session)).then_some(ended.session),
        _ => None,
    };
    let Some(session) = unknown else { return Ok(()) };
    let event = match log.opening(session)? {
        Some(Opened::Session(opening)) => Event::Opened(opening),
        Some(Opened::Tunnel(tunnel)) => Event::Tunnel(tunnel),
        Some(_) => return Ok(()),
        None => match log.summary(Flow::Session(session)) {
            Some(summary) => Event::Opened(in_short(session, &summary)),
            None => return Ok(()),
        },
    };
    printer.event(&event, log)
}

/// What is left of an opening whose heads the log has let go.
fn in_short(session: u32, summary: &Summary) -> Opening {
    Opening {
        session,
        time: summary.opened,
        mode: summary.mode,
        url: summary.url.to_string(),
        client: summary.client.to_string(),
        notes: vec!["the log does not hold the opening handshake any more".to_owned()],
        ..Opening::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes so many bytes, and no more.
    struct Disk(usize);

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            match bytes.len().min(self.0) {
                0 => Err(io::ErrorKind::StorageFull.into()),
                room => {
                    self.0 -= room;
                    Ok(room)
                }
            }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn the_last_whole_line_is_known_wherever_the_disk_is_full() {
        let text = b"{}\n{\"a\":1}\n\n{";
        for room in 0..=text.len() {
            let mut lines = WholeLines { out: Disk(room), written: 0, whole: 0 };
            for piece in text.chunks(4) {
                let _ = lines.write_all(piece);
            }
            let whole = text[..room].iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
            assert_eq!((lines.written, lines.whole), (room as u64, whole as u64), "{room}");
        }
    }
}
