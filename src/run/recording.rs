//! `sockeye show` and `sockeye print`: recordings read back.

use std::io;
#[cfg(feature = "tui")]
use std::{path::Path, sync::mpsc, thread, time::Duration};

#[cfg(feature = "tui")]
use sockeye::capture::{Event, Log, LogConfig, Note};
#[cfg(feature = "tui")]
use sockeye::headless::FileError;
use sockeye::headless::{self, Printing, Redaction, text::Style};

use super::{Failure, USAGE};
use crate::cli::{PrintOptions, ShowOptions};

/// Prints a recording.
pub fn print(options: &PrintOptions) -> Result<(), Failure> {
    let printing = Printing {
        output: options.output,
        filter: options.filter.clone(),
        style: Style::for_stdout(),
        listen: Vec::new(),
        // It is as it was recorded.
        redaction: Redaction::Off,
    };
    let mut reader = headless::open(&options.file).map_err(|error| Failure::new(USAGE, error))?;
    let remarks = headless::print(&mut reader, &printing, io::stdout());
    for remark in remarks.map_err(|error| Failure::new(USAGE, error))? {
        eprintln!("sockeye: {remark}");
    }
    Ok(())
}

/// Opens a recording on the screen. A long one can be looked at while it is still being read.
#[cfg(feature = "tui")]
pub fn show(options: ShowOptions) -> Result<(), Failure> {
    let source = Some(options.file.display().to_string());
    let (begun, log) = mpsc::channel();
    let (done, outcome) = mpsc::channel();
    let config = LogConfig { directory: options.log.capture_dir, limit: options.log.capture_limit.0 };
    thread::spawn(move || {
        // Where nobody waits for it any more, the screen was left.
        let _ = done.send(load(&options.file, &config, &begun));
    });
    let failed = |error: FileError| Failure::new(USAGE, error);
    let gone = || Failure::new(USAGE, "reading the recording broke off");
    let Ok(log) = log.recv() else {
        return outcome.recv().unwrap_or(Ok(())).map_err(failed).and(Err(gone()));
    };
    // What is wrong with a short one is said before the screen opens.
    if let Ok(outcome) = outcome.recv_timeout(Duration::from_millis(300)) {
        outcome.map_err(failed)?;
    }
    let shown = super::proxy::Shown {
        source,
        filter: options.filter,
        redaction: options.redact.redaction(),
        ..Default::default()
    };
    super::proxy::screen(&log, shown, None)?;
    outcome.try_recv().unwrap_or(Ok(())).map_err(failed)
}

/// Reads a recording into a log, which is given away as soon as there is one.
#[cfg(feature = "tui")]
fn load(file: &Path, config: &LogConfig, begun: &mpsc::Sender<Log>) -> Result<(), FileError> {
    let mut reader = headless::open(file)?;
    let log = Log::of_recording(config, reader.recording().started)?;
    // The receiver waits for it.
    let _ = begun.send(log.clone());
    let result = headless::load_into(&mut reader, &log);
    if let Err(error) = &result {
        // A log that cannot take the note cannot be helped; the error is told in any case.
        let _ = log.append(Event::Note(Note { time: log.now(), flow: None, text: error.to_string() }));
    }
    log.close();
    result
}

/// Opens a recording on the screen.
#[cfg(not(feature = "tui"))]
pub fn show(_: ShowOptions) -> Result<(), Failure> {
    Err(Failure::new(USAGE, "this sockeye was built without its screen: use `sockeye print`"))
}
