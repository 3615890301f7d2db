//! A proxy in front of a real server whose traffic becomes a recording.

use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::task::spawn_blocking;

use crate::capture::{Capture, CaptureConfig, Log, LogConfig, Stats, capture};
use crate::control::{Command, Controller};
use crate::headless::{Chosen, Redaction, save_into};
use crate::net::{Entrance, Listen, Proxy, ProxyConfig, Reach, ServerTls, Target, WayOut};

/// A real server, and how it is reached.
#[derive(Clone, Debug)]
pub struct RealServer {
    /// Which.
    pub target: Target,
    /// By which way.
    pub way_out: WayOut,
    /// How one behind TLS is talked to.
    pub tls: ServerTls,
    /// How long it may take to be reached, and to answer an opening.
    pub limit: Duration,
}

/// A running proxy that keeps what passes. Where it is dropped its sessions are reset.
pub(super) struct Taping {
    log: Log,
    controller: Controller,
    address: String,
    threads: Mutex<Option<(Proxy, Capture)>>,
}

/// What passed.
pub(super) struct Tape {
    /// As a recording.
    pub lines: Vec<u8>,
    /// What there was of it.
    pub stats: Stats,
}

/// How often sessions that go on are looked at again.
const LOOK: Duration = Duration::from_millis(50);

impl Taping {
    /// Listens on a free port of this machine for `server`'s clients.
    ///
    /// # Errors
    /// Where there is no port, no room for a log or no thread.
    pub fn start(server: &RealServer) -> io::Result<Taping> {
        let log = Log::create(&LogConfig::default())?;
        let (tap, capture) = capture(&log, CaptureConfig::default())?;
        let controller = Controller::new();
        let config = ProxyConfig {
            listeners: vec![Listen::new(
                ([127, 0, 0, 1], 0).into(),
                Entrance::Reverse(server.target.clone()),
            )],
            handshake_limit: server.limit,
            way_out: server.way_out.clone(),
            server_tls: server.tls.clone(),
            ..ProxyConfig::default()
        };
        let proxy = Proxy::start(config, tap, &controller).map_err(io::Error::other)?;
        let address = proxy.address().to_string();
        Ok(Taping { log, controller, address, threads: Mutex::new(Some((proxy, capture))) })
    }

    /// Where it listens: `127.0.0.1:41235`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// How it is reached.
    ///
    /// # Errors
    /// None, as long as its address is one.
    pub fn way(&self, limit: Duration) -> io::Result<(Target, Reach)> {
        let target = format!("ws://{}", self.address).parse().map_err(io::Error::other)?;
        Ok((target, Reach::new(WayOut::default(), ServerTls::default(), limit)))
    }

    /// Waits until no session is open any more, but no longer than `limit`.
    pub async fn settle(&self, limit: Duration) {
        let (log, controller, begun) = (self.log.clone(), self.controller.clone(), Instant::now());
        let waits = move || {
            while controller.open_sessions() > 0 && begun.elapsed() < limit {
                log.wait(log.version(), LOOK);
            }
        };
        // A panic there was printed.
        let _ = spawn_blocking(waits).await;
    }

    /// Ends what still goes on, and gives what passed.
    ///
    /// # Errors
    /// Where the log cannot be read.
    pub fn end(&self, redaction: Redaction) -> io::Result<Tape> {
        let threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((proxy, capture)) = threads {
            proxy.finish();
            capture.finish(&self.log);
        }
        let mut lines = Vec::new();
        save_into(&self.log, &mut lines, &Chosen::All, Vec::new(), redaction)?;
        Ok(Tape { lines, stats: self.log.stats() })
    }
}

impl Drop for Taping {
    fn drop(&mut self) {
        self.controller.send(Command::ShutDown);
    }
}

impl Tape {
    /// How many sessions were opened or refused.
    pub fn sessions(&self) -> u64 {
        self.stats.open + self.stats.closed + self.stats.refused
    }

    /// Whether nothing passed.
    pub fn is_empty(&self) -> bool {
        self.sessions() + self.stats.exchanges == 0
    }
}
