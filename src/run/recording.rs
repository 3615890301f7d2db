//! `sockeye show` and `sockeye print`: recordings read back.

use std::io;
#[cfg(feature = "tui")]
use std::{cell::RefCell, path::Path, rc::Rc, sync::mpsc, thread, time::Duration};

#[cfg(feature = "tui")]
use sockeye::capture::{Capture, CaptureConfig, Event, Log, LogConfig, Note, capture};
#[cfg(feature = "tui")]
use sockeye::control::Controller;
#[cfg(feature = "tui")]
use sockeye::headless::FileError;
use sockeye::headless::{self, Printing, Redaction, text::Style};
#[cfg(feature = "tui")]
use sockeye::net::{Door, Proxy, ProxyConfig};

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
    let stage = Rc::new(Stage::default());
    let shown = super::proxy::Shown {
        source,
        filter: options.filter,
        redaction: options.redact.redaction(),
        way: Some(Box::new({
            let (stage, log) = (Rc::clone(&stage), log.clone());
            move || stage.door(&log)
        })),
        ..Default::default()
    };
    let shown = super::proxy::screen(&log, shown, Some(stage.controller.clone()));
    stage.finish(&log);
    shown?;
    outcome.try_recv().unwrap_or(Ok(())).map_err(failed)
}

/// A proxy for sessions of the recording that are played again, from the first of them on.
#[cfg(feature = "tui")]
#[derive(Default)]
struct Stage {
    controller: Controller,
    running: RefCell<Option<(Proxy, Capture)>>,
}

#[cfg(feature = "tui")]
impl Stage {
    fn door(&self, log: &Log) -> Result<Door, String> {
        let mut running = self.running.borrow_mut();
        if let Some((proxy, _)) = &*running {
            return Ok(proxy.door());
        }
        if !log.is_closed() {
            return Err("the recording is still being read".to_owned());
        }
        let (tap, capture) = capture(log, CaptureConfig::default()).map_err(|error| error.to_string())?;
        let config = ProxyConfig { listeners: Vec::new(), ..ProxyConfig::default() };
        let proxy = Proxy::start(config, tap, &self.controller).map_err(|error| error.to_string())?;
        log.reopen();
        Ok(running.insert((proxy, capture)).0.door())
    }

    fn finish(&self, log: &Log) {
        if let Some((proxy, capture)) = self.running.take() {
            proxy.finish();
            capture.finish(log);
        }
    }
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
