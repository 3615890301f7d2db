//! Takes connections in, on one port for all modes.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::drive::Drive;
use super::entrance::{Entrance, Listening};
use super::mode::{Speech, first_words};
use super::proxy_protocol::Addresses;
use super::serve::{Route, Serving, Shared};
use super::transport::Transport;
use crate::capture::{Event, Mode, Note};

/// Serves connections until the controller says to shut down, and all of them have ended.
pub(super) async fn listen(listener: TcpListener, shared: Arc<Shared>, listening: Listening) {
    let mut shutdown = shared.controller.shutdown();
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(serve(stream, Arc::clone(&shared), listening.clone()));
                }
                Err(error) => refused(&shared, &error).await,
            },
            // Those that have ended are forgotten.
            Some(_) = connections.join_next() => {}
            () = async { drop(shutdown.wait_for(|asked| *asked).await) } => break,
        }
    }
    drop(listener);
    // Sessions were told, and end by themselves; idle connections and exchanges are cut.
    let ending = async { while connections.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(std::time::Duration::from_millis(300), ending).await;
    connections.shutdown().await;
}

/// A connection that could not be taken in, most often as there are too many: the next may be.
async fn refused(shared: &Shared, error: &std::io::Error) {
    let text = format!("a connection could not be accepted: {error}");
    shared.tap.event(Event::Note(Note { time: shared.tap.log().now(), flow: None, text }));
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
}

async fn serve(stream: TcpStream, shared: Arc<Shared>, listening: Listening) {
    let controller = shared.controller.clone();
    // Boxed apart: what it takes to begin a session is not kept for as long as it lasts.
    if let Some(drive) = Box::pin(begin(stream, shared, listening)).await {
        let session = drive.session;
        drive.run().await;
        controller.forget(session);
    }
}

/// Serves a connection until it is over, or becomes what is given to be driven.
async fn begin(stream: TcpStream, shared: Arc<Shared>, listening: Listening) -> Option<Drive> {
    // Bytes leave as they come. A socket that cannot do it still works.
    let _ = stream.set_nodelay(true);
    let addresses = addresses(&stream);
    let from = addresses.map(|addresses| addresses.source.to_string()).unwrap_or_default();
    let route = listening.entrance.route();
    let mode = if matches!(route, Route::Reverse(_)) { Mode::Reverse } else { Mode::Absolute };
    let serving =
        Serving { shared, mode, route, from, addresses, server: None, unreached: None, client_leg: None };
    if listening.entrance == Entrance::Transparent {
        return serving.transparent(stream, listening.address).await;
    }
    let mut client = Transport::tcp(stream);
    // A client that leaves without a word leaves nothing to tell.
    let mut words = Vec::new();
    let Ok(Some(speech)) = first_words(&mut client, &mut words).await else { return None };
    client.rewind(words.into());
    match (speech, serving.route.clone()) {
        (Speech::Http, _) => serving.run(client).await,
        (Speech::Socks5, Route::Forward) => serving.socks5(client).await,
        (Speech::Tls, Route::Reverse(authority)) if serving.shared.opener.is_some() => {
            serving.open(client, authority, None).await
        }
        (_, Route::Reverse(authority)) => {
            // The client's own TLS, or whatever else it speaks, is the server's to understand.
            let plain =
                super::target::Authority { secure: authority.secure && speech != Speech::Tls, ..authority };
            match serving.dial(&plain).await {
                Ok(server) => {
                    let why = if speech == Speech::Tls {
                        super::tunnel::NOT_OPENED
                    } else {
                        "neither HTTP nor WebSocket"
                    };
                    serving.opaque(client, server, why)
                }
                Err(error) => {
                    serving.note(format!("{error}; the client's connection was closed"));
                    None
                }
            }
        }
        (_, _) => {
            let from = &serving.from;
            serving
                .note(format!("{from} speaks neither HTTP nor SOCKS5 to this forward proxy; it was closed"));
            None
        }
    }
}

fn addresses(stream: &TcpStream) -> Option<Addresses> {
    // IPv4 as it is, also where the listener is one of IPv6.
    let plain = |address: SocketAddr| match address.ip().to_canonical() {
        IpAddr::V4(ip) => SocketAddr::from((ip, address.port())),
        IpAddr::V6(_) => address,
    };
    Some(Addresses { source: plain(stream.peer_addr().ok()?), destination: plain(stream.local_addr().ok()?) })
}

impl Serving {
    pub(super) fn note(&self, text: String) {
        let time = self.shared.tap.log().now();
        self.shared.tap.event(Event::Note(Note { time, flow: None, text }));
    }
}
