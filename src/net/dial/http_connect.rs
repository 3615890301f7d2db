//! Asking an HTTP proxy for a tunnel (RFC 9110 9.3.6).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::io::AsyncReadExt;

use super::super::target::Authority;
use super::super::transport::Transport;
use super::parent::Login;

/// The longest head of an answer.
const LONGEST_HEAD: usize = 64 << 10;

/// What a proxy said to a request for a tunnel.
struct Answer {
    status: u16,
    reason: String,
    /// Octets of its head.
    length: usize,
}

/// Has the proxy connect to `server`. What comes behind its answer is the server's, and is left to be read.
///
/// # Errors
/// What it answered, in words.
pub(super) async fn ask(
    proxy: &mut Transport,
    server: &Authority,
    login: Option<&Login>,
) -> Result<(), String> {
    // A SOCKS5 client may name anything: it must not become a part of the head.
    if !server.name().bytes().all(|octet| octet.is_ascii_graphic()) {
        return Err("this name cannot be said in HTTP".to_owned());
    }
    if !proxy.tell(request(server, login).as_bytes()).await {
        return Err(CLOSED.to_owned());
    }
    let mut bytes = Vec::new();
    loop {
        bytes.reserve(2048);
        match proxy.read_buf(&mut bytes).await {
            Ok(0) if bytes.is_empty() => return Err(CLOSED.to_owned()),
            Ok(0) => return Err("it broke off in the middle of its answer".to_owned()),
            Ok(_) => {}
            Err(error) => return Err(super::plain(&error)),
        }
        while let Some(answer) = parse(&bytes)? {
            bytes.drain(..answer.length);
            match answer.status {
                // Others follow.
                100..=199 => {}
                200..=299 => {
                    proxy.rewind(bytes.into());
                    return Ok(());
                }
                _ => return Err(refusal(&answer, server, login)),
            }
        }
        if bytes.len() > LONGEST_HEAD {
            return Err("its answer's head has no end".to_owned());
        }
    }
}

const CLOSED: &str = "it closed the connection without an answer; does it speak HTTP?";

fn request(server: &Authority, login: Option<&Login>) -> String {
    let place = server.connect_target();
    let mut head = format!("CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n");
    if let Some(login) = login {
        let word = STANDARD.encode([&login.user[..], b":", &login.password].concat());
        head.push_str(&format!("Proxy-Authorization: Basic {word}\r\n"));
    }
    head.push_str("\r\n");
    head
}

/// The answer at the beginning of `bytes`, once its head is complete.
fn parse(bytes: &[u8]) -> Result<Option<Answer>, String> {
    let mut headers = [httparse::EMPTY_HEADER; 256];
    let mut response = httparse::Response::new(&mut headers);
    match response.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => Ok(Some(Answer {
            status: response.code.unwrap_or_default(),
            reason: response.reason.unwrap_or_default().to_owned(),
            length,
        })),
        Ok(httparse::Status::Partial) => Ok(None),
        Err(error) => Err(format!("its answer is not HTTP ({error})")),
    }
}

fn refusal(answer: &Answer, server: &Authority, login: Option<&Login>) -> String {
    let answered = format!("it answered {} {}", answer.status, answer.reason);
    let answered = answered.trim_end();
    match (answer.status, login) {
        (407, None) => {
            format!("{answered}: it wants to know who asks; put user and password into --proxy")
        }
        (407, Some(_)) => format!("{answered}: it does not take this user and password"),
        (403 | 405, _) if server.port != 443 => {
            format!("{answered}; many proxies let CONNECT go to port 443 alone")
        }
        _ => answered.to_owned(),
    }
}
