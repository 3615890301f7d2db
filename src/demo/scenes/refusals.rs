//! Opening handshakes that fail: not allowed in, a subprotocol nobody asked for, a reverse proxy that ate the headers.

use std::io;

use super::super::dialogue::Line;
use super::super::stage::Stage;
use crate::ws::Direction::ToServer;

const ADMIN: &str = "\
GET /admin HTTP/1.1
Host: {host}
Upgrade: websocket
Connection: Upgrade
Sec-WebSocket-Key: {ticket}
Sec-WebSocket-Version: 13
Authorization: Bearer expired-in-march
";

const UNAUTHORIZED: &str = "\
HTTP/1.1 401 Unauthorized
WWW-Authenticate: Bearer realm=\"harbour\", error=\"invalid_token\"
Content-Type: application/json
Content-Length: {length}
";

/// Somebody without a valid token.
pub(super) async fn admin(stage: &mut Stage<'_>) -> io::Result<()> {
    let mut line = Line::ask(stage, ADMIN).await?;
    stage.pause(11).await;
    line.answer_with(UNAUTHORIZED, r#"{"error":"invalid_token","hint":"log in again"}"#).await?;
    line.hang_up().await
}

const STOCK: &str = "\
GET /stock HTTP/1.1
Host: {host}
Upgrade: websocket
Connection: Upgrade
Sec-WebSocket-Key: {ticket}
Sec-WebSocket-Version: 13
Sec-WebSocket-Protocol: v12.stomp, v11.stomp
";

const STOCK_AGREED: &str = "\
HTTP/1.1 101 Switching Protocols
Upgrade: websocket
Connection: Upgrade
Sec-WebSocket-Accept: {accept}
Sec-WebSocket-Protocol: stomp
";

/// A client whose server chooses a subprotocol that was not offered, and who leaves for that reason.
pub(super) async fn stock(stage: &mut Stage<'_>) -> io::Result<()> {
    let line = Line::ask(stage, STOCK).await?;
    let session = line.switch(STOCK_AGREED).await?;
    stage.pause(3).await;
    session.hang_up(ToServer).await
}

const BEHIND_NGINX: &str = "\
GET /chat?room=quay HTTP/1.1
Host: {host}
X-Forwarded-For: 203.0.113.9
X-Forwarded-Proto: https
Connection: close
Sec-WebSocket-Version: 13
Sec-WebSocket-Key: {ticket}
Sec-WebSocket-Protocol: chat.v2, chat.v1
Origin: https://harbour.example
";

const UPGRADE_REQUIRED: &str = "\
HTTP/1.1 426 Upgrade Required
Upgrade: websocket
Connection: Upgrade, close
Content-Type: text/plain
Content-Length: {length}
";

/// A browser behind a reverse proxy that was not told to pass `Upgrade` and `Connection` on.
pub(super) async fn behind_nginx(stage: &mut Stage<'_>) -> io::Result<()> {
    let mut line = Line::ask(stage, BEHIND_NGINX).await?;
    stage.pause(4).await;
    line.answer_with(UPGRADE_REQUIRED, "This place speaks WebSocket only.\n").await?;
    line.hang_up().await
}
