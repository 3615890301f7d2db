//! One client's connection: its requests in turn, each to its server, until one becomes a session or an end comes.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{Method, Response, StatusCode};
use http_body_util::Full;
use tokio::time::timeout;

use super::accept::{Accepted, Asked, accept};
use super::dial::{DialError, Dialled, Dialler};
use super::drive::{Drive, Watch};
use super::edit::{Edits, edit};
use super::exchange::{Carried, Carry, End, Gone, Kind, carry};
use super::framing::{Answering, Body};
use super::guard::{Credentials, Limits, Seats, host_name, is_here};
use super::intervene::Intervention;
use super::open::Opener;
use super::proxy_protocol::Addresses;
use super::report::Report;
use super::target::{Authority, absolute};
use super::tls::{self, KeyLog, Protocol};
use super::transport::Transport;
use crate::capture::{Leg, Mode, Tap, Timing, Tls};
use crate::control::Controller;
use crate::ws::handshake::{RequestHead, is_upgrade_attempt};

/// What every connection of a proxy shares.
pub(super) struct Shared {
    pub(super) tap: Tap,
    pub(super) controller: Controller,
    pub(super) dialler: Dialler,
    /// Where clients' TLS is opened.
    pub(super) opener: Option<Opener>,
    /// Where the secrets of TLS connections are written down.
    pub(super) key_log: Option<KeyLog>,
    pub(super) host: HostHeader,
    /// Whether connections begin with a PROXY protocol header.
    pub(super) accept_proxy_protocol: bool,
    /// Names that a reverse listener goes by.
    pub(super) names: Vec<String>,
    /// What clients have to know.
    pub(super) auth: Option<Credentials>,
    pub(super) limits: Limits,
    /// Room for clients' connections.
    pub(super) seats: Arc<Seats>,
    /// How long a server may take to be reached, and to answer an opening handshake.
    pub(super) handshake_limit: Duration,
}

/// What reverse mode does to the headers that name the listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostHeader {
    /// They name the server.
    Rewrite,
    /// They stay as they came.
    Keep,
}

/// Where a connection's requests go.
#[derive(Clone)]
pub(super) enum Route {
    /// All to one server, whose names replace the listener's.
    Reverse(Authority),
    /// Each to the server that it names.
    Forward,
    /// All to the server that the client asked to be connected with.
    Tunnel(Authority),
    /// All to the proxy's own page.
    Own,
}

/// What a request leads to.
enum Next {
    /// Another may follow on the client's connection.
    Request(Transport),
    /// Bytes to be moved.
    Drive(Box<Drive>),
    /// The end of the connection.
    Over,
}

/// A client's connection being served.
pub(super) struct Serving {
    pub(super) shared: Arc<Shared>,
    pub(super) mode: Mode,
    pub(super) route: Route,
    /// The client's address.
    pub(super) from: String,
    /// The same and where it connected to, where the system tells.
    pub(super) addresses: Option<Addresses>,
    /// The connection to the server, where one is open already.
    pub(super) server: Option<Dialled>,
    /// Why there is none, where that was found before the first request.
    pub(super) unreached: Option<DialError>,
    /// What the client's own TLS agreed on, where it is opened.
    pub(super) client_leg: Option<Leg>,
}

impl Serving {
    /// Serves requests until the connection is over, or becomes what is given to be driven. Boxed, as inside a
    /// tunnel that one of them asks for, requests are served again.
    pub(super) fn run(self, client: Transport) -> Pin<Box<dyn Future<Output = Option<Drive>> + Send>> {
        Box::pin(self.requests(client))
    }

    async fn requests(mut self, mut client: Transport) -> Option<Drive> {
        let limit = self.shared.limits.head;
        loop {
            client = match accept(client, self.server.as_mut().map(|server| &mut server.transport), limit)
                .await
            {
                Accepted::Request(asked) => {
                    let asked = self.let_in(*asked).await?;
                    if matches!(self.route, Route::Forward) && asked.parts.method == Method::CONNECT {
                        return self.connect(asked).await;
                    }
                    match self.request(asked).await {
                        Next::Request(client) => client,
                        Next::Drive(drive) => return Some(*drive),
                        Next::Over => return None,
                    }
                }
                Accepted::Over(client, seen, why) => {
                    if let Some(why) = why.filter(|_| !seen.is_empty()) {
                        self.report(Kind::Plain).unreadable(&seen, &why);
                        client.linger().await;
                    }
                    return None;
                }
                Accepted::ServerSpoke(client, bytes) if bytes.is_empty() && self.refused_certificate() => {
                    *client
                }
                Accepted::Refused(mut client, seen, why) => {
                    self.report(Kind::Plain).unreadable(&seen, &why.to_string());
                    client.tell(&written(why.status(), &why.to_string())).await;
                    client.linger().await;
                    return None;
                }
                Accepted::ServerSpoke(mut client, bytes) => {
                    // The server's last words, or its end: the client's connection ends as the server's did.
                    client.say(&bytes).await;
                    return None;
                }
            };
        }
    }

    /// Has one request answered.
    async fn request(&mut self, asked: Asked) -> Next {
        if self.is_for_page(&asked) {
            self.page(asked).await;
            return Next::Over;
        }
        let kind = wants(&asked);
        let mut report = self.report(kind);
        let Some((authority, path)) = self.destination(&asked.parts) else {
            report.asked(None, &asked);
            report.over(Some(MISDIRECTED.to_owned()));
            asked.answer(plain(StatusCode::BAD_REQUEST, MISDIRECTED)).await;
            return Next::Over;
        };
        if self.server.as_ref().is_some_and(|server| server.authority != authority) {
            self.server = None;
        }
        report.secured(self.tls());
        let called = self.called(&authority, asked.parts.headers.get(http::header::HOST));
        report.asked(Some(called.as_ref().unwrap_or(&authority)), &asked);
        let Some((asked, intervention)) = self.intervene(asked, &mut report, kind).await else {
            return Next::Over;
        };
        let path = path.map(|path| path_of(&asked.head).unwrap_or(path));
        if let Some(error) = self.unreached.take() {
            self.unreachable(asked, report, &error).await;
            return Next::Over;
        }
        let server = match self.server.take() {
            Some(server) => server,
            None => match self.dial(&authority).await {
                Ok(server) => server,
                Err(error) => {
                    self.unreachable(asked, report, &error).await;
                    return Next::Over;
                }
            },
        };
        self.carry(asked, server, report, path.as_deref(), intervention).await
    }

    /// Where a reverse listener is called by a name that anybody could have made to point here (DNS rebinding): why its
    /// `Host` is not rewritten. The server is to see that name, as it would without the proxy.
    fn foreign_name(&self, parts: &Parts) -> Option<String> {
        let Route::Reverse(server) = &self.route else { return None };
        let host = parts.headers.get(http::header::HOST)?.to_str().ok().map(host_name)?;
        let names: Vec<_> = self.shared.names.iter().chain([&server.host]).map(String::as_str).collect();
        (self.shared.host == HostHeader::Rewrite && !is_here(host, &names)).then(|| {
            format!(
                "Host stays as it came: {host} may be anybody's name; --allow-host {host} has it rewritten"
            )
        })
    }

    async fn carry(
        &mut self,
        asked: Asked,
        server: Dialled,
        mut report: Report,
        path: Option<&str>,
        mut intervention: Intervention,
    ) -> Next {
        let kind = wants(&asked);
        let answering = if asked.parts.method == Method::HEAD { Answering::Head } else { Answering::Other };
        let request_body = Body::of_request(&asked.parts.headers);
        let head = asked.head.clone();
        let foreign = self.foreign_name(&asked.parts);
        let client = asked.take_over();
        let edits = match (&self.route, path) {
            (Route::Reverse(server), _) if self.shared.host == HostHeader::Rewrite && foreign.is_none() => {
                Edits::Reverse { server }
            }
            (Route::Forward, Some(path)) => Edits::Absolute { path },
            _ => Edits::None,
        };
        let login = self.shared.auth.as_ref().filter(|_| matches!(self.route, Route::Reverse(_)));
        let mut edited = edit(&head, edits, login);
        edited.notes.append(&mut intervention.notes);
        edited.notes.extend(foreign);
        edited.notes.extend(
            self.shared
                .dialler
                .proxy_for(&server.authority)
                .map(|proxy| format!("through the proxy {proxy}")),
        );
        let Dialled { transport, authority, timing, mut tls } = server;
        self.join(&mut tls);
        edited.notes.extend(tls.iter().flat_map(|tls| tls::notes(tls)));
        report.secured(tls.clone());
        report.sending(&edited, &transport, timing);
        let limit = (kind == Kind::WebSocket).then_some(self.shared.handshake_limit);
        let responded = &mut |response: &Bytes| {
            report.responded(response);
            let (head, notes) = intervention.response(&report, response)?;
            report.edited(notes);
            Some(head)
        };
        let head = &edited.head[..];
        let shutdown = self.shared.controller.shutdown();
        let what = Carry { head, request_body, answering, limit, kind, shutdown, responded };
        let carried = carry(client, transport, what).await;
        self.conclude(carried, report, authority, tls, intervention).await
    }

    /// Does what the end of an exchange asks for.
    async fn conclude(
        &mut self,
        carried: Carried,
        mut report: Report,
        authority: Authority,
        tls: Option<Arc<Tls>>,
        intervention: Intervention,
    ) -> Next {
        report.carried(&carried);
        if let Some(why) = over_certificate(&carried, tls.as_deref()) {
            return not_let_in(carried.client, report, &format!("TLS with {authority} failed: {why}")).await;
        }
        let Carried { mut client, mut server, end, .. } = carried;
        match end {
            End::Complete => {
                report.over(None);
                // What follows on the same connection took no time to reach.
                let timing = Timing::default();
                self.server = Some(Dialled { transport: server, authority, timing, tls });
                return Next::Request(client);
            }
            End::Switched { early, sent } => {
                // Before it is told of, so that whoever reads of it can have it killed.
                let drive = self.drive(client, server, report.session(), Watch::Frames);
                let watch = report.switched();
                let (touch, opening) = (intervention.touch(&report), report.opening().cloned().map(Box::new));
                return Next::Drive(Box::new(Drive { watch, opening, touch, early, sent, ..drive }));
            }
            End::NotHttp(why) => {
                report.over(Some(why.to_owned()));
                return Next::Drive(Box::new(self.drive(client, server, report.session(), Watch::Nothing)));
            }
            End::TimedOut => {
                let why = format!("{authority} did not answer in {:?}", self.shared.handshake_limit);
                client.say(&written(StatusCode::GATEWAY_TIMEOUT, &why)).await;
                report.over(Some(why));
            }
            End::ShutDown => {
                report.over(Some("the proxy was shut down before the answer was complete".to_owned()));
                client.reset();
                server.reset();
            }
            End::Closed => {
                report.over(None);
                client.say(b"").await;
            }
            End::ServerFailed(gone) => {
                report.over(Some(match gone {
                    Gone::Fin => "the server closed the connection before its answer was complete".to_owned(),
                    Gone::Reset => {
                        "the server reset the connection before its answer was complete".to_owned()
                    }
                }));
                match gone {
                    Gone::Fin => client.say(b"").await,
                    Gone::Reset => client.reset(),
                }
            }
            End::ClientFailed(gone) => {
                report.over(Some("the client went away before the answer was complete".to_owned()));
                match gone {
                    Gone::Fin => server.say(b"").await,
                    Gone::Reset => server.reset(),
                }
            }
        }
        Next::Over
    }

    async fn unreachable(&self, asked: Asked, mut report: Report, error: &DialError) {
        let mut tls = error.tls();
        self.join(&mut tls);
        report.secured(tls);
        let why = error.to_string();
        report.over(Some(why.clone()));
        asked.answer(plain(error.status(), &why)).await;
    }

    /// The server that a request is for, and the path it gets there where the request line names both.
    fn destination(&self, parts: &Parts) -> Option<(Authority, Option<String>)> {
        match &self.route {
            Route::Reverse(authority) | Route::Tunnel(authority) => Some((authority.clone(), None)),
            Route::Forward => {
                let (authority, path) = absolute(&parts.uri.to_string())?;
                Some((authority, Some(path)))
            }
            Route::Own => None,
        }
    }

    /// Reaches a server on behalf of this client.
    pub(super) async fn dial(&self, authority: &Authority) -> Result<Dialled, DialError> {
        let dialled = self.shared.dialler.dial(authority, self.addresses, self.shared.handshake_limit).await;
        self.tell_key_log();
        dialled
    }

    /// Says where secrets could not be written down.
    pub(super) fn tell_key_log(&self) {
        if let Some(fault) = self.shared.key_log.as_ref().and_then(KeyLog::fault) {
            self.note(format!("TLS secrets could not be written to --keylog: {fault}"));
        }
    }

    /// Speaks TLS with a server that is reached already.
    pub(super) async fn secure(
        &self,
        server: Dialled,
        name: &str,
        offered: Vec<Protocol>,
    ) -> Result<Dialled, DialError> {
        let limit = self.shared.handshake_limit;
        let authority = server.authority.to_string();
        let secured = timeout(limit, self.shared.dialler.secure(server, name, offered)).await;
        secured.unwrap_or(Err(DialError::Timeout(authority, limit)))
    }

    /// Adds the client's TLS to what is known of the server's.
    pub(super) fn join(&self, tls: &mut Option<Arc<Tls>>) {
        if self.client_leg.is_some() && tls.as_ref().is_none_or(|tls| tls.client.is_none()) {
            let server = tls.as_ref().and_then(|tls| tls.server.clone());
            *tls = Some(Arc::new(Tls { client: self.client_leg.clone(), server }));
        }
    }

    /// Whether the server has left over the certificate of a client: the next request is answered so.
    pub(super) fn refused_certificate(&mut self) -> bool {
        let Some(why) = self.server.as_ref().and_then(|server| server.over_certificate()) else {
            return false;
        };
        self.unreached = Some(why);
        self.server = None;
        true
    }

    /// What is known of TLS before the next request.
    fn tls(&self) -> Option<Arc<Tls>> {
        let mut tls = match (&self.server, &self.unreached) {
            (Some(server), _) => server.tls.clone(),
            (None, Some(error)) => error.tls(),
            (None, None) => None,
        };
        self.join(&mut tls);
        tls
    }

    pub(super) fn report(&self, kind: Kind) -> Report {
        Report::new(self.shared.tap.clone(), self.mode, self.from.clone(), kind)
    }

    pub(super) fn drive(&self, client: Transport, server: Transport, session: u32, watch: Watch) -> Drive {
        let mailbox = self.shared.controller.register(session);
        Drive {
            client,
            server,
            tap: self.shared.tap.clone(),
            session,
            watch,
            mailbox,
            controller: self.shared.controller.clone(),
            opening: None,
            touch: None,
            early: Vec::new(),
            sent: 0,
        }
    }
}

/// Answers in the place of a server that does not let us in.
async fn not_let_in(mut client: Transport, mut report: Report, why: &str) -> Next {
    client.say(&written(StatusCode::BAD_GATEWAY, why)).await;
    report.over(Some(why.to_owned()));
    Next::Over
}

/// Why a server left without an answer, where that is for the client's certificate that it asked for.
fn over_certificate(carried: &Carried, tls: Option<&Tls>) -> Option<String> {
    let unanswered = carried.waited.is_none() && carried.response_content.size == 0;
    let alert =
        carried.server.alert().filter(|_| unanswered && matches!(carried.end, End::ServerFailed(_)))?;
    tls::over_certificate(tls?.server.as_ref()?, Some(alert))
}

/// What a request asks for.
pub(super) fn wants(asked: &Asked) -> Kind {
    if RequestHead::parse(&asked.head).is_ok_and(|request| is_upgrade_attempt(&request)) {
        Kind::WebSocket
    } else if asked.parts.headers.contains_key(http::header::UPGRADE) {
        Kind::Upgrade
    } else {
        Kind::Plain
    }
}

/// The path of a head's absolute request target.
fn path_of(head: &[u8]) -> Option<String> {
    let line = head.split(|octet| *octet == b'\r').next()?;
    let target = std::str::from_utf8(line).ok()?.split(' ').nth(1)?;
    absolute(target).map(|(_, path)| path)
}

const MISDIRECTED: &str = "this is a forward proxy, and the request names no server: set it as the HTTP or SOCKS5 \
    proxy of your client, or start it with the server's address to have all go there: sockeye ws://localhost:3000";

/// An answer of the proxy's own.
pub(super) fn plain(status: StatusCode, sentence: &str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(format!("sockeye: {sentence}\n")));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(http::header::CONNECTION, http::HeaderValue::from_static("close"));
    response
}

/// An answer of our own with one sentence, where no library stands between: head and body. The connection ends behind it.
pub fn written(status: StatusCode, sentence: &str) -> Vec<u8> {
    let body = format!("sockeye: {sentence}\n");
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}
