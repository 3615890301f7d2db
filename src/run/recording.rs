//! `sockeye show` and `sockeye print`: recordings read back.

use std::io;

use sockeye::capture::LogConfig;
use sockeye::headless::{self, Printing, text::Style};

use super::{Failure, USAGE};
use crate::cli::{PrintOptions, ShowOptions};

/// Prints a recording.
pub fn print(options: &PrintOptions) -> Result<(), Failure> {
    let printing = Printing {
        output: options.output,
        filter: options.filter.clone(),
        style: Style::for_stdout(),
        listen: None,
    };
    let mut reader = headless::open(&options.file).map_err(|error| Failure::new(USAGE, error))?;
    let remarks = headless::print(&mut reader, &printing, io::stdout());
    for remark in remarks.map_err(|error| Failure::new(USAGE, error))? {
        eprintln!("sockeye: {remark}");
    }
    Ok(())
}

/// Opens a recording on the screen.
#[cfg(feature = "tui")]
pub fn show(options: ShowOptions) -> Result<(), Failure> {
    let mut reader = headless::open(&options.file).map_err(|error| Failure::new(USAGE, error))?;
    let config = LogConfig { directory: options.log.capture_dir, limit: options.log.capture_limit.0 };
    let log = headless::load(&mut reader, &config).map_err(|error| Failure::new(USAGE, error))?;
    let source = Some(options.file.display().to_string());
    super::proxy::screen(
        &log,
        super::proxy::Shown { source, filter: options.filter, ..Default::default() },
        None,
    )
}

/// Opens a recording on the screen.
#[cfg(not(feature = "tui"))]
pub fn show(_: ShowOptions) -> Result<(), Failure> {
    Err(Failure::new(USAGE, "this sockeye was built without its screen: use `sockeye print`"))
}
