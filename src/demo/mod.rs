//! `sockeye demo`: a fish market's app, its server and its clients both in this process, talking through the proxy.
//!
//! A scene writes down what one client and the server say to each other, in one place and in order; a
//! `dialogue` has each word carried over real sockets and waits until it has arrived; the `stage` says when. The
//! `server` hands the connections it gets to the scenes that wait for them, and talks itself with anyone else.

mod dialogue;
mod pack;
mod scenes;
mod server;
mod stage;

use std::io;
use std::net::SocketAddr;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

use server::Lobby;

/// A server on a port of its own, and clients that wait to be told where the proxy is.
pub struct Demo {
    runtime: Runtime,
    listener: TcpListener,
    address: SocketAddr,
}

/// How long the clients go on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rounds {
    /// Each client plays its part once; what happens, and in which order, is the same every time.
    Once {
        /// How many times faster than life.
        tempo: f64,
    },
    /// They come back until the end.
    Forever,
}

/// Clients at play; dropping it ends them and the server.
pub struct Playing {
    stop: Option<oneshot::Sender<()>>,
    over: Option<oneshot::Receiver<io::Result<()>>>,
    thread: Option<JoinHandle<()>>,
}

impl Demo {
    /// Starts the server.
    ///
    /// # Errors
    /// Where the system gives no port or no thread.
    pub fn start() -> io::Result<Demo> {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let listener = {
            // The caller may be in a runtime of its own: nothing here may block on another.
            let _context = runtime.enter();
            TcpListener::from_std(listener)?
        };
        Ok(Demo { runtime, listener, address })
    }

    /// The server's address.
    pub fn target(&self) -> SocketAddr {
        self.address
    }

    /// Lets the clients talk to the server through the proxy at `proxy`, on a thread of their own.
    ///
    /// # Errors
    /// Where the system gives no thread.
    pub fn play(self, proxy: SocketAddr, rounds: Rounds) -> io::Result<Playing> {
        let (stop, stopped) = oneshot::channel();
        let (tell, over) = oneshot::channel();
        let Demo { runtime, listener, .. } = self;
        let thread = thread::Builder::new().name("demo".to_owned()).spawn(move || {
            runtime.block_on(async {
                let lobby = Lobby::default();
                let play = async {
                    // Nobody may be left who wants to know.
                    let _ = tell.send(stage::play(proxy, &lobby, rounds).await);
                    std::future::pending::<()>().await;
                };
                tokio::select! {
                    () = server::serve(&listener, &lobby) => {}
                    () = play => {}
                    _ = stopped => {}
                }
            });
        })?;
        Ok(Playing { stop: Some(stop), over: Some(over), thread: Some(thread) })
    }
}

impl Playing {
    /// Waits until the script is over; with [`Rounds::Forever`] it never is.
    ///
    /// # Errors
    /// Where what a client or the server said did not arrive.
    pub async fn over(&mut self) -> io::Result<()> {
        match self.over.take() {
            Some(over) => over.await.unwrap_or_else(|_| Err(io::Error::other("the demo ended early"))),
            None => Ok(()),
        }
    }
}

impl Drop for Playing {
    fn drop(&mut self) {
        // It may have ended on its own.
        let _ = self.stop.take().map(|stop| stop.send(()));
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// How long a word may take to arrive before its sender goes on: whoever looks may have taken it out.
const PATIENCE: Duration = Duration::from_secs(20);
