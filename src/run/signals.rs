//! The signals by which a user or the system ends a program without a screen.

use std::io;

use tokio::runtime::{Builder, Runtime};
#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};

/// ctrl-c, SIGTERM and SIGHUP, heeded from the time this is made: one that comes before anybody waits is not lost, and
/// does not end the program where it stands.
pub struct Signals {
    runtime: Runtime,
    #[cfg(unix)]
    signals: [Signal; 3],
}

impl Signals {
    /// Begins to heed them.
    pub fn heed() -> io::Result<Signals> {
        let runtime = Builder::new_current_thread().enable_io().build()?;
        #[cfg(unix)]
        let signals = {
            let _inside = runtime.enter();
            [
                signal(SignalKind::interrupt())?,
                signal(SignalKind::terminate())?,
                signal(SignalKind::hangup())?,
            ]
        };
        Ok(Signals {
            runtime,
            #[cfg(unix)]
            signals,
        })
    }

    /// Waits for one of them.
    pub fn wait(self) -> io::Result<()> {
        self.wait_or(std::future::pending())
    }

    /// Waits for one of them, or until `over` is.
    pub fn wait_or(self, over: impl Future<Output = io::Result<()>>) -> io::Result<()> {
        #[cfg(unix)]
        {
            let Signals { runtime, signals: [mut interrupt, mut terminate, mut hang_up] } = self;
            runtime.block_on(async {
                tokio::select! {
                    result = over => result,
                    _ = interrupt.recv() => Ok(()),
                    _ = terminate.recv() => Ok(()),
                    _ = hang_up.recv() => Ok(()),
                }
            })
        }
        #[cfg(not(unix))]
        self.runtime.block_on(async {
            tokio::select! {
                result = over => result,
                result = tokio::signal::ctrl_c() => result,
            }
        })
    }
}
