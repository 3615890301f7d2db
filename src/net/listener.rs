//! Takes connections in, on one port for all modes.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::drive::Drive;
use super::entrance::{Entrance, Listening};
use super::guard::{Full, TooMuch};
use super::mode::{Speech, first_words};
use super::open::Clear;
use super::proxy_protocol::{self, Addresses};
use super::serve::{Route, Serving, Shared, written};
use super::target::Authority;
use super::transport::Transport;
use crate::capture::{Event, Mode, Note};
use crate::control::Controller;

/// Serves connections until the controller says to shut down, and all of them have ended.
pub(super) async fn listen(listener: TcpListener, shared: Arc<Shared>, listening: Listening) {
    let mut shutdown = shared.controller.shutdown();
    let mut connections = JoinSet::new();
    let mut turned_away = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    match shared.seats.take() {
                        Ok(seat) => {
                            let serve = serve(stream, Arc::clone(&shared), listening.clone());
                            connections.spawn(async move {
                                serve.await;
                                drop(seat);
                            });
                        }
                        Err(full) => turn_away(stream, &shared, full, &mut turned_away),
                    }
                }
                Err(error) => refused(&shared, &error).await,
            },
            // Those that have ended are forgotten.
            Some(_) = connections.join_next() => {}
            Some(_) = turned_away.join_next() => {}
            () = async { drop(shutdown.wait_for(|asked| *asked).await) } => break,
        }
    }
    drop(listener);
    part(connections).await;
}

/// Sessions were told, and end by themselves; idle connections and exchanges are cut.
pub(super) async fn part(mut connections: JoinSet<()>) {
    let ending = async { while connections.join_next().await.is_some() {} };
    let _ = timeout(Duration::from_millis(300), ending).await;
    connections.shutdown().await;
}

/// A connection for which there is no room. One that speaks HTTP at once hears so; not many are waited for.
fn turn_away(stream: TcpStream, shared: &Shared, full: Full, turned_away: &mut JoinSet<()>) {
    let limit = shared.seats.limit();
    let why =
        format!("{limit} connections are open, and there is room for no more: --max-connections makes some");
    if full == Full::News {
        let text = format!("a connection was turned away, as will be those after it: {why}");
        shared.tap.event(Event::Note(Note { time: shared.tap.log().now(), flow: None, text }));
    }
    if turned_away.len() < MOST_TURNED_AWAY {
        turned_away.spawn(async move {
            let mut client = Transport::tcp(stream);
            let mut words = Vec::new();
            let speech = timeout(FOR_A_WORD, first_words(&mut client, &mut words)).await;
            if matches!(speech, Ok(Ok(Some(Speech::Http)))) {
                client.tell(&written(StatusCode::SERVICE_UNAVAILABLE, &why)).await;
                client.linger().await;
            }
        });
    }
}

const MOST_TURNED_AWAY: usize = 32;
const FOR_A_WORD: Duration = Duration::from_secs(1);

/// Tells by its first words what a client speaks. They may take their time to begin, where it is of this machine, but
/// not to be enough.
async fn words(client: &mut Transport, from: Option<Addresses>, shared: &Shared) -> Option<Speech> {
    let is_near = from.is_some_and(|from| from.source.ip().to_canonical().is_loopback());
    let mut words = Vec::with_capacity(2048);
    let first = client.read_buf(&mut words);
    let first = if is_near { first.await } else { timeout(shared.limits.silence, first).await.ok()? };
    // A client that leaves without a word leaves nothing to tell.
    first.ok().filter(|count| *count > 0)?;
    match timeout(shared.limits.head, first_words(client, &mut words)).await {
        Ok(speech) => {
            client.rewind(words.into());
            speech.ok().flatten()
        }
        // Half a word is the beginning of a method, or of TLS, which has no word for it.
        Err(_) => {
            let why = TooMuch::Time(shared.limits.head);
            if words.first() != Some(&0x16) {
                client.say(&written(why.status(), &why.to_string())).await;
            }
            let text = format!("a client said half a word and no more: {why}");
            shared.tap.event(Event::Note(Note { time: shared.tap.log().now(), flow: None, text }));
            None
        }
    }
}

/// A connection that could not be taken in, most often as there are too many: the next may be.
async fn refused(shared: &Shared, error: &std::io::Error) {
    let text = format!("a connection could not be accepted: {error}");
    shared.tap.event(Event::Note(Note { time: shared.tap.log().now(), flow: None, text }));
    tokio::time::sleep(Duration::from_millis(100)).await;
}

async fn serve(stream: TcpStream, shared: Arc<Shared>, listening: Listening) {
    let controller = shared.controller.clone();
    // Boxed apart: what it takes to begin a session is not kept for as long as it lasts.
    drive(Box::pin(begin(stream, shared, listening)).await, &controller).await;
}

/// Serves a client that came in by the door and speaks to one server, as if to that server itself.
pub(super) async fn serve_guest(stream: TcpStream, shared: Arc<Shared>, server: Authority) {
    let controller = shared.controller.clone();
    let serving = Serving::of(&stream, shared, Mode::Reverse, Route::Tunnel(server));
    drive(serving.run(Transport::tcp(stream)).await, &controller).await;
}

async fn drive(drive: Option<Drive>, controller: &Controller) {
    if let Some(drive) = drive {
        let session = drive.session;
        drive.run().await;
        controller.forget(session);
    }
}

/// Serves a connection until it is over, or becomes what is given to be driven.
async fn begin(stream: TcpStream, shared: Arc<Shared>, listening: Listening) -> Option<Drive> {
    let route = listening.entrance.route();
    let mode = if matches!(route, Route::Reverse(_)) { Mode::Reverse } else { Mode::Absolute };
    let mut serving = Serving::of(&stream, shared, mode, route);
    if listening.entrance == Entrance::Transparent {
        return serving.transparent(stream, listening.address).await;
    }
    let mut client = Transport::tcp(stream);
    if serving.shared.accept_proxy_protocol {
        serving.introduced(&mut client).await?;
    }
    // A client that leaves without a word leaves nothing to tell.
    let speech = words(&mut client, serving.addresses, &serving.shared).await?;
    let opener = serving.shared.opener.as_ref();
    if speech != Speech::Tls && opener.is_some_and(|opener| opener.clear() == Clear::Refused) {
        serving.refuse_clear(client, speech).await;
        return None;
    }
    match (speech, serving.route.clone()) {
        (Speech::Tls, Route::Forward) if opener.is_some() => serving.enter(client).await,
        (Speech::Http, _) => serving.run(client).await,
        (Speech::Socks5, Route::Forward) => serving.socks5(client).await,
        (Speech::Tls, Route::Reverse(authority)) if serving.shared.opener.is_some() => {
            serving.open(client, authority, None).await
        }
        (_, Route::Reverse(authority)) => {
            // The client's own TLS, or whatever else it speaks, is the server's to understand.
            let plain = Authority { secure: authority.secure && speech != Speech::Tls, ..authority };
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
    /// A client's connection, at its beginning.
    fn of(stream: &TcpStream, shared: Arc<Shared>, mode: Mode, route: Route) -> Serving {
        // Bytes leave as they come. A socket that cannot do it still works.
        let _ = stream.set_nodelay(true);
        let addresses = addresses(stream);
        let from = addresses.map(|addresses| addresses.source.to_string()).unwrap_or_default();
        Serving { shared, mode, route, from, addresses, server: None, unreached: None, client_leg: None }
    }

    /// Learns from the PROXY protocol whose connection it is; none where that is not told, and the connection refused.
    async fn introduced(&mut self, client: &mut Transport) -> Option<()> {
        let told = timeout(self.shared.handshake_limit, proxy_protocol::accept(client)).await;
        match told.unwrap_or_else(|_| Err("its PROXY protocol header did not come in time".to_owned())) {
            Ok(Some(addresses)) => {
                self.from = addresses.source.to_string();
                self.addresses = Some(addresses);
            }
            Ok(None) => {}
            Err(why) => {
                self.note(format!("a connection from {} was refused: {why}", self.from));
                return None;
            }
        }
        Some(())
    }

    pub(super) fn note(&self, text: String) {
        let time = self.shared.tap.log().now();
        self.shared.tap.event(Event::Note(Note { time, flow: None, text }));
    }
}
