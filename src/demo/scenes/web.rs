//! What is no WebSocket: a page with what it loads, and the tide as server-sent events.

use std::io;

use super::super::dialogue::Line;
use super::super::server::PAGE;
use super::super::stage::Stage;

const GET_PAGE: &str = "\
GET / HTTP/1.1
Host: {host}
Connection: keep-alive
User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36
Accept: text/html,application/xhtml+xml
X-Request-Id: {ticket}
";

const GET_BOATS: &str = "\
GET /api/boats?in=harbour HTTP/1.1
Host: {host}
Connection: keep-alive
Accept: application/json
If-None-Match: \"b-77\"
Cookie: session=h4rb0ur
";

const LOG_IN: &str = "\
POST /api/login HTTP/1.1
Host: {host}
Connection: keep-alive
Content-Type: application/json
Content-Length: {length}
Origin: http://{host}

{\"user\":\"mira\",\"company\":\"Lofoten Smokehouse\"}";

/// A browser loads the page, logs in, and asks which boats are in.
pub(super) async fn page(stage: &mut Stage<'_>) -> io::Result<()> {
    let mut line = Line::ask(stage, GET_PAGE).await?;
    stage.pause(12).await;
    let html = "HTTP/1.1 200 OK\nContent-Type: text/html; charset=utf-8\nContent-Length: {length}\n";
    line.answer_with(html, PAGE).await?;
    stage.pause(70).await;
    line.ask_again(LOG_IN).await?;
    stage.pause(45).await;
    let welcome = "HTTP/1.1 200 OK\nContent-Type: application/json\nSet-Cookie: session=h4rb0ur; HttpOnly\nContent-Length: {length}\n";
    line.answer_with(welcome, r#"{"user":"mira","rooms":["quay","auction"]}"#).await?;
    stage.pause(40).await;
    line.ask_again(GET_BOATS).await?;
    stage.pause(7).await;
    line.answer_with("HTTP/1.1 304 Not Modified\nETag: \"b-77\"\n", "").await?;
    stage.pause(100).await;
    line.hang_up().await
}

const GET_TIDE: &str = "\
GET /tide HTTP/1.1
Host: {host}
Accept: text/event-stream
Cache-Control: no-cache
X-Request-Id: {ticket}
";

const TIDE: &str = "\
HTTP/1.1 200 OK
Content-Type: text/event-stream
Transfer-Encoding: chunked
";

/// A sign on the pier that follows the tide.
pub(super) async fn tide(stage: &mut Stage<'_>) -> io::Result<()> {
    let mut line = Line::ask(stage, GET_TIDE).await?;
    line.answer_with(TIDE, "").await?;
    for number in 0..stage.times(4, 12) {
        stage.pause(700).await;
        let height = 240 + 6 * number;
        let event = format!("id: {number}\nevent: tide\ndata: {{\"cm\":{height},\"rising\":true}}\n\n");
        line.answer(format!("{:x}\r\n{event}\r\n", event.len())).await?;
    }
    stage.pause(100).await;
    line.answer("0\r\n\r\n").await?;
    line.hang_up().await
}
