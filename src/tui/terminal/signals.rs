//! Signals, as flags that the loop looks at.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
#[cfg(unix)]
use std::thread;
#[cfg(unix)]
use std::time::Duration;

/// Signals, as flags that the loop looks at.
pub(super) struct Signals {
    pub(super) continued: Arc<AtomicBool>,
    /// Apart from those to end: a program that has the terminal may be meant.
    interrupted: Arc<AtomicBool>,
}

impl Signals {
    pub(super) fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }

    /// What came while another program had the terminal was meant for that.
    pub(super) fn forget(&self) {
        self.interrupted.store(false, Ordering::Relaxed);
        self.continued.store(false, Ordering::Relaxed);
    }
}

#[cfg(unix)]
impl Signals {
    pub(super) fn heed(quit: &Arc<AtomicBool>) -> io::Result<Signals> {
        use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGTERM};
        let continued = Arc::new(AtomicBool::new(false));
        let interrupted = Arc::new(AtomicBool::new(false));
        signal_hook::flag::register(SIGINT, Arc::clone(&interrupted))?;
        for signal in [SIGTERM, SIGHUP] {
            signal_hook::flag::register(signal, Arc::clone(quit))?;
        }
        signal_hook::flag::register(SIGCONT, Arc::clone(&continued))?;
        Ok(Signals { continued, interrupted })
    }

    /// Stops the whole job, as the shell's own ctrl-z would, and comes back when it goes on.
    pub(super) fn stop_group(&self) -> io::Result<()> {
        self.continued.store(false, Ordering::Relaxed);
        rustix::process::kill_current_process_group(rustix::process::Signal::TSTP)?;
        // Another thread may take the signal a moment later; and a job without a shell is not stopped at all.
        for _ in 0..20 {
            if self.continued.swap(false, Ordering::Relaxed) {
                break;
            }
            thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }
}

#[cfg(not(unix))]
impl Signals {
    pub(super) fn heed(_quit: &Arc<AtomicBool>) -> io::Result<Signals> {
        Ok(Signals { continued: Arc::default(), interrupted: Arc::default() })
    }

    /// There are no jobs here.
    pub(super) fn stop_group(&self) -> io::Result<()> {
        Ok(())
    }
}
