//! A way into the proxy for clients inside the program, past its listeners: what they say to a server passes the proxy,
//! as all else does.

use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::endpoint::Endpoint;
use super::listener;
use super::serve::Shared;
use super::target::{Authority, Target};
use super::transport::Transport;

/// Where clients inside the program come in. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Door(mpsc::UnboundedSender<Guest>);

/// A connection that came in, and where it is to go.
struct Guest {
    stream: std::net::TcpStream,
    server: Authority,
}

/// The proxy's side of a [`Door`].
pub(super) struct Doorkeeper(mpsc::UnboundedReceiver<Guest>);

/// Both sides of one.
pub(super) fn door() -> (Door, Doorkeeper) {
    let (sender, receiver) = mpsc::unbounded_channel();
    (Door(sender), Doorkeeper(receiver))
}

impl Door {
    /// A connection on which the proxy relays to `server`, spoken in the clear whatever the server speaks, and the
    /// address by which the log knows it. To be called inside a tokio runtime.
    ///
    /// # Errors
    /// Where the system has no room for it, or the proxy is gone.
    pub async fn enter(&self, server: &Target) -> io::Result<(Endpoint, String)> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let client = TcpStream::connect(listener.local_addr()?).await?;
        let address = client.local_addr()?;
        let stream = loop {
            // Somebody else may have found the port, which is gone again at once.
            let (stream, from) = listener.accept().await?;
            if from == address {
                break stream.into_std()?;
            }
        };
        let gone = |_| io::Error::new(io::ErrorKind::NotConnected, "the proxy has ended");
        self.0.send(Guest { stream, server: server.authority.clone() }).map_err(gone)?;
        // Bytes leave as they come. A socket that cannot do it still works.
        let _ = client.set_nodelay(true);
        Ok((Endpoint::socket(Transport::tcp(client)), address.to_string()))
    }
}

impl Doorkeeper {
    /// Serves those who come in until the controller says to shut down, and all of them have ended.
    pub(super) async fn attend(mut self, shared: Arc<Shared>) {
        let mut shutdown = shared.controller.shutdown();
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                Some(Guest { stream, server }) = self.0.recv() => {
                    // The system may have no more room: then the other end finds it gone.
                    if let Ok(stream) = TcpStream::from_std(stream) {
                        connections.spawn(listener::serve_guest(stream, Arc::clone(&shared), server));
                    }
                }
                // Those that have ended are forgotten.
                Some(_) = connections.join_next() => {}
                () = async { drop(shutdown.wait_for(|asked| *asked).await) } => break,
            }
        }
        listener::part(connections).await;
    }
}
