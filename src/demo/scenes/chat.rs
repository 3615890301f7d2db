//! The chat on the quay: JSON with numbered requests, compressed with context takeover, a subprotocol out of two.

use std::io;

use super::super::dialogue::{Dialogue, Line};
use super::super::stage::Stage;
use crate::ws::Direction::{ToClient, ToServer};
use crate::ws::PermessageDeflate;

const REQUEST: &str = "\
GET /chat?room=quay HTTP/1.1
Host: {host}
Connection: Upgrade
Pragma: no-cache
Cache-Control: no-cache
User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36
Upgrade: websocket
Origin: http://{host}
Sec-WebSocket-Version: 13
Accept-Encoding: gzip, deflate, br, zstd
Accept-Language: en-GB,en;q=0.9
Cookie: session=h4rb0ur
Sec-WebSocket-Key: {ticket}
Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits
Sec-WebSocket-Protocol: chat.v2, chat.v1
";

const RESPONSE: &str = "\
HTTP/1.1 101 Switching Protocols
Upgrade: websocket
Connection: Upgrade
Sec-WebSocket-Accept: {accept}
Sec-WebSocket-Protocol: chat.v2
Sec-WebSocket-Extensions: permessage-deflate
Server: harbour/2.3
";

/// Who says what; what mira says is what the client sends.
const TALK: [(&str, &str); 14] = [
    ("jonas", "Kittiwake is in. 340 kg of sockeye, all gutted and on ice."),
    ("mira", "Morning! What are you asking for the lot?"),
    ("jonas", "18.40 a kilo, 17.90 if you take all of it before eight."),
    ("mira", "17.90 it is. Berth 4?"),
    ("jonas", "Berth 4 🐟"),
    ("harbour master", "Berth 4 closes for the crane at 08:15, please be quick."),
    ("aiko", "Any cod left? I am two crates short for Tromsø."),
    ("mira", "Try Fulmar, they had eleven crates an hour ago."),
    ("aiko", "Thanks, found them. Nine crates, 6.20."),
    ("jonas", "Wind is going round to the north-west, we stay in tonight."),
    ("mira", "Good. Then I can have tomorrow's price today? :-)"),
    ("jonas", "Ha. Ask the fish."),
    ("harbour master", "High water 19:42, 2.9 m. Check your lines."),
    ("mira", "Checked. See you all at five."),
];

/// A buyer's browser in the chat.
pub(super) async fn chat(stage: &mut Stage<'_>) -> io::Result<()> {
    let line = Line::ask(stage, REQUEST).await?;
    stage.pause(9).await;
    let mut chat = line.switch(RESPONSE).await?;
    chat.deflate(&PermessageDeflate::default());
    stage.pause(30).await;
    chat.text(ToServer, r#"{"type":"hello","id":1,"user":"mira","company":"Lofoten Smokehouse"}"#).await?;
    stage.pause(12).await;
    let welcome =
        r#"{"type":"welcome","id":1,"room":"quay","online":["jonas","aiko","harbour master","mira"]}"#;
    chat.text(ToClient, welcome).await?;
    stage.pause(25).await;
    chat.text(ToServer, r#"{"type":"history","id":2,"last":40}"#).await?;
    stage.pause(48).await;
    chat.in_fragments(ToClient, &history(), 256).await?;
    let mut number = 2;
    for (count, (from, text)) in (0..stage.times(7, 300)).zip(TALK.iter().cycle()) {
        stage.pause(if *from == "mira" { 900 } else { 700 }).await;
        match *from {
            "mira" => {
                number += 1;
                say(stage, &mut chat, number, 1840 + count, text).await?;
            }
            _ => chat.text(ToClient, said(1840 + count, from, text)).await?,
        }
        if count % 6 == 4 {
            chat.ping(ToClient, &format!("k{}", count / 6 + 1)).await?;
        }
    }
    stage.pause(400).await;
    // What a browser says when its page is left.
    chat.close(ToServer, 1001, "").await
}

async fn say(
    stage: &mut Stage<'_>,
    chat: &mut Dialogue,
    number: u32,
    line: u32,
    text: &str,
) -> io::Result<()> {
    chat.text(ToServer, r#"{"type":"typing","user":"mira"}"#).await?;
    stage.pause(350).await;
    chat.text(ToServer, format!(r#"{{"type":"say","id":{number},"text":"{text}"}}"#)).await?;
    stage.pause(14).await;
    chat.text(ToClient, format!(r#"{{"type":"ack","id":{number},"line":{line}}}"#)).await
}

fn said(line: u32, from: &str, text: &str) -> String {
    format!(r#"{{"type":"said","line":{line},"from":"{from}","text":"{text}"}}"#)
}

/// The last forty lines.
fn history() -> String {
    let lines: Vec<_> = (1800..1840)
        .zip(TALK.iter().cycle())
        .map(|(line, (from, text))| format!(r#"{{"line":{line},"from":"{from}","text":"{text}"}}"#))
        .collect();
    format!(r#"{{"type":"history","id":2,"lines":[{}]}}"#, lines.join(","))
}
