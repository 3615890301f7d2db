//! The demo's server: its connections go to the scenes that wait for them; other guests get a page and an echo.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::accept_async;
use tokio_tungstenite::tungstenite::Message;

use super::PATIENCE;
use crate::ws::RequestHead;
use crate::ws::handshake::{head_length, is_upgrade_attempt};

/// Where scenes wait for the server's end of their connections.
#[derive(Clone, Default)]
pub(super) struct Lobby(Arc<Mutex<HashMap<String, oneshot::Sender<TcpStream>>>>);

/// The page that the server shows; it has a socket of its own to talk through.
pub(super) const PAGE: &str = include_str!("page.html");

impl Lobby {
    /// Waits for the connection whose first request is recognised by `ticket`.
    pub(super) fn expect(&self, ticket: &str) -> oneshot::Receiver<TcpStream> {
        let (sender, receiver) = oneshot::channel();
        self.waiting().insert(ticket.to_owned(), sender);
        receiver
    }

    fn claim(&self, request: &RequestHead) -> Option<oneshot::Sender<TcpStream>> {
        let headers = request.headers();
        let ticket = headers.text("Sec-WebSocket-Key").or_else(|| headers.text("X-Request-Id"))?;
        self.waiting().remove(&*ticket)
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<String, oneshot::Sender<TcpStream>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes connections for ever.
pub(super) async fn serve(listener: &TcpListener, lobby: &Lobby) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let lobby = lobby.clone();
                tokio::spawn(async move {
                    // A guest that leaves in the middle is not waited for.
                    let _ = welcome(stream, &lobby).await;
                });
            }
            // No more sockets for now.
            Err(_) => sleep(Duration::from_millis(100)).await,
        }
    }
}

async fn welcome(stream: TcpStream, lobby: &Lobby) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let request = timeout(PATIENCE, peek(&stream)).await??;
    if let Some(scene) = lobby.claim(&request) {
        // The scene may have lost its patience.
        let _ = scene.send(stream);
        return Ok(());
    }
    match is_upgrade_attempt(&request) {
        true => echo(stream).await,
        false => show_page(stream, &request).await,
    }
}

/// Reads the request's head and leaves it where it is.
async fn peek(stream: &TcpStream) -> io::Result<RequestHead> {
    let mut buffer = vec![0; 16 << 10];
    loop {
        let count = stream.peek(&mut buffer).await?;
        if head_length(&buffer[..count]).is_some() {
            let unreadable = |_| io::Error::from(io::ErrorKind::InvalidData);
            return RequestHead::parse(&buffer[..count]).map_err(unreadable);
        }
        if count == 0 || count == buffer.len() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        // What is there already stays readable: the rest can only be looked for again.
        sleep(Duration::from_millis(5)).await;
    }
}

async fn echo(stream: TcpStream) -> io::Result<()> {
    let mut socket = accept_async(stream).await.map_err(io::Error::other)?;
    while let Some(message) = socket.next().await {
        match message.map_err(io::Error::other)? {
            Message::Text(text) => {
                let answer = format!("The harbour master heard: {text}");
                socket.send(Message::text(answer)).await.map_err(io::Error::other)?;
            }
            message @ Message::Binary(_) => socket.send(message).await.map_err(io::Error::other)?,
            _ => {}
        }
    }
    Ok(())
}

async fn show_page(mut stream: TcpStream, request: &RequestHead) -> io::Result<()> {
    stream.read_exact(&mut vec![0; request.raw().len()]).await?;
    let (status, body) = match &*request.target() {
        "/" => ("200 OK", PAGE),
        _ => ("404 Not Found", "There is only one page here: /\n"),
    };
    let kind = if body == PAGE { "text/html" } else { "text/plain" };
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}; charset=utf-8\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    stream.shutdown().await
}
