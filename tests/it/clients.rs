//! Clients and servers that others wrote, through the proxy: tungstenite in the clear, yawc compressed.

use std::convert::Infallible;
use std::net::SocketAddr;

use futures_util::{SinkExt, StreamExt};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use sockeye::capture::{Event, Kind, Log, Next};
use sockeye::ws::Opcode;
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{accept_async, client_async};
use yawc::{Options, WebSocket};

use crate::support::{Running, reverse};

fn block_on(future: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future);
}

/// Texts whose compression needs what came before, and one that needs more than a window. (None is empty: yawc
/// compresses such a message for ever.)
fn texts() -> Vec<String> {
    let long = (0..30_000).map(|number| format!("{number} salmon, ")).collect();
    let mut texts = vec!["salmon and more salmon".to_owned(), long];
    texts.extend((0..20).map(|number| format!("salmon and more salmon, for the {number}th time")));
    texts
}

/// What the log says of the messages: who sent them, whether compressed, and their text.
fn said(running: Running) -> Vec<(&'static str, bool, String)> {
    let log: Log = running.finish();
    log.close();
    let mut cursor = log.cursor();
    let mut said = Vec::new();
    loop {
        match cursor.next().unwrap() {
            Next::Event(Event::Message(message)) if message.kind == Kind::Frame(Opcode::Text) => {
                assert_eq!(message.faults, []);
                let payload = log.read(&message.payload, 0, message.size as usize).unwrap();
                let text = String::from_utf8(payload.to_vec()).unwrap();
                said.push((message.direction.sender(), message.compressed, text));
            }
            Next::Event(_) => {}
            _ => return said,
        }
    }
}

/// Each text once from the client and once from the server.
#[track_caller]
fn check_echo(said: &[(&'static str, bool, String)], compressed: bool) {
    let expected: Vec<_> = texts()
        .into_iter()
        .flat_map(|text| ["client", "server"].map(|sender| (sender, compressed, text.clone())))
        .collect();
    assert_eq!(said.len(), expected.len());
    for (said, expected) in said.iter().zip(&expected) {
        assert!(said == expected, "{} {} {:.40}", said.0, said.1, said.2);
    }
}

#[test]
fn tungstenite_talks_with_tungstenite() {
    block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let running = reverse(listener.local_addr().unwrap());
        let server = async {
            let (stream, _) = listener.accept().await.unwrap();
            let mut socket = accept_async(stream).await.unwrap();
            while let Some(Ok(message)) = socket.next().await {
                if message.is_text() {
                    socket.send(message).await.unwrap();
                }
            }
        };
        let client = async {
            let stream = TcpStream::connect(running.address).await.unwrap();
            let (mut socket, _) = client_async(format!("ws://{}/", running.address), stream).await.unwrap();
            socket.send(Message::Ping("still there?".into())).await.unwrap();
            assert_eq!(socket.next().await.unwrap().unwrap(), Message::Pong("still there?".into()));
            for text in texts() {
                socket.send(Message::text(text.clone())).await.unwrap();
                assert_eq!(socket.next().await.unwrap().unwrap(), Message::text(text));
            }
            socket.close(None).await.unwrap();
            while socket.next().await.is_some() {}
        };
        tokio::join!(server, client);
        check_echo(&said(running), false);
    });
}

/// An echo server of yawc's on hyper.
async fn yawc_server(listener: &TcpListener, options: Options) {
    let (stream, _) = listener.accept().await.unwrap();
    let upgrade = |mut request: Request<Incoming>| {
        let (response, socket) = WebSocket::upgrade_with_options(&mut request, options.clone()).unwrap();
        tokio::spawn(async move {
            let mut socket = socket.await.unwrap();
            while let Some(frame) = socket.next().await {
                if frame.opcode() == yawc::frame::OpCode::Text {
                    socket.send(frame).await.unwrap();
                }
            }
        });
        async { Ok::<Response<_>, Infallible>(response) }
    };
    http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service_fn(upgrade))
        .with_upgrades()
        .await
        .unwrap();
}

async fn yawc_client(proxy: SocketAddr, options: Options) {
    let stream = TcpStream::connect(proxy).await.unwrap();
    let url = format!("ws://{proxy}/").parse().unwrap();
    let mut socket = WebSocket::handshake(url, stream, options).await.unwrap();
    for text in texts() {
        socket.send(yawc::frame::Frame::text(text.clone())).await.unwrap();
        assert!(socket.next().await.unwrap().as_str() == text);
    }
    socket.close().await.unwrap();
}

/// yawc on both ends, agreeing on these.
#[track_caller]
fn check_deflate(options: Options) {
    block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let running = reverse(listener.local_addr().unwrap());
        tokio::join!(yawc_server(&listener, options.clone()), yawc_client(running.address, options));
        check_echo(&said(running), true);
    });
}

#[test]
fn yawc_talks_with_yawc_with_context_takeover() {
    check_deflate(Options::default().with_balanced_compression());
}

#[test]
fn yawc_talks_with_yawc_without_context_takeover() {
    let options = Options::default().with_balanced_compression();
    check_deflate(options.server_no_context_takeover().client_no_context_takeover());
}

#[test]
fn yawc_talks_with_yawc_in_small_windows() {
    let options = Options::default().with_balanced_compression();
    check_deflate(options.with_client_max_window_bits(9).with_server_max_window_bits(10));
}
